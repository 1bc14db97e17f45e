"""How scales make one number: what they say of a moment together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import Calibration, Calibrations
from barkcluster.calibration.echoes import raised
from barkcluster.calibration.table import normal_score

from .settling import SUDDEN_S

# How much stranger the short scales must be to overrule the mean of all. Where all scales together
# know a moment better than five in six held-out ones, it takes more: what they know by heart holds
# no surprise. Other leads are compared in docs/developers/experiments.rst.
_SUDDEN_LEAD = 0.25
_BY_HEART = -1.0
_MORE_BY_HEART = 1.0
# Of definitions up to 5.
_MORE_BY_HEART_BEFORE = 2.0
# A surprise must be heard, so short scales may say "stranger than 97 in 100" by themselves, and
# more only by as much as that is stranger than what they said lately: other music is what all
# scales find strange, and stays the strangest.
SUDDEN_LIMIT = 1.85
# Where players come and go, the session's own music is often as strange as that to short scales.
# How strange it is to all of them then says which is which: a twentieth of their mean counts.
_MEAN_BESIDE = 0.05
# Of definition 3: a tenth of what is beyond the limit.
_BEYOND_LIMIT = 0.1
# Of definition 1, whose scores are added as they are.
_SUDDEN_LEAD_UNCALIBRATED = 1.5


@dataclass(eq=False)
class Moments:
    """How scales make the score of the moment.

    Longer windows know more, and weigh as much as they are long; but what is sudden fills only the
    short ones, so these may overrule the mean of all where they are stranger than it. What "as
    strange" means is learned: a mean over many scales varies less than one over two, and both are
    compared as what one in so many held-out moments would say.

    Parameters
    ----------
    scales : tuple of float
        Window lengths in seconds, shortest first.
    means : list of Calibration
        Of the mean of the first scale, of the first two, ... and of all; empty in definition 1.
    sudden : Calibration or None
        Of the mean of the scales below two seconds; None where there are none.
    definition : {1, 2, 3, 4, 5, 6}, default=6
        How it is done. 1, 2, 3, 4 and 5 are what model files up to format 2, of format 3, 4, 5 and
        6 were calibrated with: 1 adds scores as they are; 2 adds ranks as normal scores, and lets
        short scales overrule without a limit; 3 leaves the order beyond the limit to them; 5 and
        4 let nothing go beyond it. Up to 4 the views of a scale were added as ranks, too: see
        `ViewScores`.
    """

    scales: tuple[float, ...]
    means: list[Calibration] = field(default_factory=list)
    sudden: Calibration | None = None
    definition: int = 6

    @classmethod
    def learned(cls, scales: tuple[float, ...], held_out: Sequence[npt.ArrayLike],
                echoes: Sequence[npt.ArrayLike]) -> Self:
        """Learn from held-out moments and from echoes of them.

        Parameters
        ----------
        scales : tuple of float
        held_out, echoes : sequence of array-like of shape (n_scales, n)
            For the first scale, the first two, ... and all, the scores of these, as `scores_of`
            returns them.
        """
        n_short = sum(scale < SUDDEN_S for scale in scales)
        said = [(np.array(a), np.array(b)) for a, b in zip(held_out, echoes, strict=True)]
        means = [Calibration(raised(_mean(a, scales), _mean(b, scales))) for a, b in said]
        sudden = Calibration(raised(*(
            _sudden(score, n_short) for score in said[n_short - 1]))) if n_short else None
        return cls(scales, means, sudden)

    def scores_of(self, scores: FloatArray, scales: Calibrations,
                  familiarity: FloatArray) -> FloatArray:
        """What of each scale makes the score of the moment: strangeness in one unit.

        Parameters
        ----------
        scores : ndarray of shape (n_scales, n)
        scales : Calibrations
            Of the scales.
        familiarity : ndarray of shape (n_scales, n)
            What they say of these scores.

        Returns
        -------
        scores : ndarray of shape (n_scales, n)
        """
        if self.definition == 1:
            return scores
        return normal_score(familiarity) if self.definition == 2 else scales.standardized(scores)

    def score(self, by_scale: npt.ArrayLike, limit: float = SUDDEN_LIMIT,
              lately: FloatArray | None = None, breaks: FloatArray | None = None) -> FloatArray:
        """Strangeness of moments from that of the scales that are full, shortest first.

        Parameters
        ----------
        by_scale : array-like of shape (n_full, n)
            As `scores_of` returns them. Scales beyond these are not full yet.
        limit : float, default=1.85
            What short scales may say by themselves, where it depends on the session.
        lately : ndarray of shape (n,), optional
            What the short scales said before, on average: see `Settling.lately`. Left out, they
            never say more than the limit.
        breaks : ndarray of shape (n,), optional
            How strange it is that something breaks off or in, as a share of the limit: see
            `Breaks.strangeness`.

        Returns
        -------
        strangeness : ndarray of shape (n,)

        Examples
        --------
        >>> from barkcluster.calibration.calibration import Calibration, Calibrations
        >>> usual = Calibration(np.linspace(-1.0, 1.0, 99))
        >>> moments = Moments((0.5, 10.0), [usual, usual], usual)
        >>> moments.score([np.array([0.0, 0.9]), np.array([0.0, 0.0])]).round(2)
        array([-0.17,  0.68])
        """
        n_short = sum(scale < SUDDEN_S for scale in self.scales)
        scores = np.array(by_scale)
        n_full = len(scores)
        mean = _mean(scores, self.scales)
        if not 0 < n_short < n_full:
            return self.means[n_full - 1].strangeness(mean) if self.means else mean
        sudden = _sudden(scores, n_short)
        if self.definition == 1:
            return np.maximum(mean, sudden - _SUDDEN_LEAD_UNCALIBRATED)
        if lately is None or self.definition < 6:
            lately = sudden     # as strange before: nothing is abrupt
        mean, sudden, before = self._compared[n_full - 1].strangeness(
            np.array([mean, sudden, lately]))
        more = _MORE_BY_HEART if self.definition > 5 else _MORE_BY_HEART_BEFORE
        sudden -= _SUDDEN_LEAD + more * np.maximum(_BY_HEART - mean, 0.0)
        abruptly = np.maximum(sudden - limit - np.maximum(before, 0.0), 0.0)
        if self.definition == 3:
            beyond = np.maximum(sudden - SUDDEN_LIMIT, 0.0)
            sudden -= (1.0 - _BEYOND_LIMIT) * beyond
        elif self.definition > 3:
            np.minimum(sudden, limit, out=sudden)
            sudden += _MEAN_BESIDE * mean
            sudden += abruptly
        strangest = np.maximum(mean, sudden)
        return strangest if breaks is None else np.maximum(strangest, limit * breaks)

    @cached_property
    def _compared(self) -> list[Calibrations]:
        """Each of ``means`` beside ``sudden``, of now and of lately: they are asked at once."""
        return [Calibrations([mean, self.sudden, self.sudden]) for mean in self.means
                if self.sudden is not None]


def _mean(by_scale: FloatArray, scales: tuple[float, ...]) -> FloatArray:
    """Mean over scales (n_scales, n), each as much as it is long."""
    lengths = scales[:len(by_scale)]
    return np.asarray(np.dot(lengths, by_scale) / sum(lengths))


def _sudden(by_scale: FloatArray, n_short: int) -> FloatArray:
    """Mean over the scales (n_scales, n) that hear what is sudden."""
    return np.asarray(np.add.reduce(by_scale[:n_short], axis=0) / n_short)
