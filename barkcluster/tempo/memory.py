"""What the tempo was before, and how likely that makes each tempo now."""

from __future__ import annotations

import math

import numpy as np

from barkcluster._typing import FloatArray

# Tempi of a grid to an octave, and the ratio up to which two of them are one answer.
STEPS_PER_OCTAVE = 80
TOLERANCE = 1.04
# What is remembered while frames arrive. Chosen on pairs of scores, one after the other (how soon
# the second tempo is answered), and on recorded music (how often the octave jumps):
# benchmarks/tempo.py.
_EVIDENCE = 0.4      # of scores, a second: two windows of 10 s, 0.5 s apart, say much the same
_CHANGES = 0.1       # chance a second that another tempo begins, whatever it is
_OCTAVE_CHANGES = 1e-5  # the same, that it is in one of these ratios to the one before
_OCTAVES = (4 / 3, 3 / 2, 2, 8 / 3, 3, 4, 6)
_DRIFT = 1.5         # steps of the grid between estimates
_MOST_DRIFT = 4


class TempoMemory:
    """How likely each tempo is now, by all that was heard: a hidden Markov model of the grid.

    From one estimate to the next a tempo drifts a little or, seldom, another begins. That hardly
    ever is twice or half the one before: scores that say so are nearly always the same music, of
    which for some bars the hi-hat or the bass is loudest. So the octave is settled by all of a
    song, and another tempo is still followed.

    Parameters
    ----------
    n_tempi : int
        Tempi of the grid, `STEPS_PER_OCTAVE` to an octave.
    hop : float
        Seconds between estimates.

    Attributes
    ----------
    shares : ndarray of shape (n_tempi,)
        Of each tempo of the grid; together 1.

    Examples
    --------
    >>> bpm = 240 * 2.0 ** (-np.arange(161) / STEPS_PER_OCTAVE)
    >>> memory = TempoMemory(161, 0.5)
    >>> for heard in 40 * [120] + 4 * [240]:       # for two seconds it sounds twice as fast
    ...     shares = memory.hear(np.where(abs(bpm - heard) < 3, 5.0, 0.0))
    >>> round(bpm[shares.argmax()])
    120
    """

    def __init__(self, n_tempi: int, hop: float) -> None:
        apart = np.abs(np.arange(n_tempi) - np.arange(n_tempi)[:, None])
        drifted = np.where(apart <= _MOST_DRIFT, np.exp(-apart / _DRIFT), 0.0)
        near = math.log2(TOLERANCE) * STEPS_PER_OCTAVE
        is_octave = np.any([np.abs(apart - math.log2(ratio) * STEPS_PER_OCTAVE) <= near
                            for ratio in _OCTAVES], axis=0)
        changes = min(0.5, _CHANGES * hop)
        moves = (1 - changes) * drifted / drifted.sum(axis=0)
        moves += np.where(is_octave, _OCTAVE_CHANGES, changes) / n_tempi
        self._moves = moves / moves.sum(axis=0)
        self._weight = min(1.0, _EVIDENCE * hop)
        self.forget()

    def forget(self) -> None:
        """Nothing was heard yet."""
        self.shares = np.full(len(self._moves), 1 / len(self._moves))

    def hear(self, score: FloatArray) -> FloatArray:
        """Return the shares after one more estimate.

        Parameters
        ----------
        score : ndarray of shape (n_tempi,)
            Logarithms of how well each tempo fits, up to a constant.
        """
        shares = (self._moves @ self.shares) * np.exp(self._weight * (score - score.max()))
        self.shares = shares / shares.sum()
        return self.shares
