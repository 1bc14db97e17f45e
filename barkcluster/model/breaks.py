"""What breaks off or in while a machine goes on: a kick left out, other music under a click.

Half a frame later a drum machine is as far from what was learned as it is without its kick: so
that it may begin anew at any place in the frames, what echoes say hides both. But a machine that
goes on does not leave its place from one moment to the next. So the textures of short scales are
compared with those of the last seconds, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from barkcluster._typing import FloatArray
from barkcluster.calibration.echoes import raised
from barkcluster.windows.layout import WindowLayout
from barkcluster.windows.rolling import RollingBuffer

from .settling import HOPS_AT_ONCE, LATELY_UNTIL_S

_USUAL = 0.95
_LEAST_SPREAD = 1e-9
# What is farther, on average of half a second, than all of the last seconds, by half of that and
# by so many spreads. Of single windows half as many kicks are heard; beside ten seconds alone,
# loops of sixteen at another place break off in 1 to 3 % of their moments.
_AVERAGED_S = 0.5
_LATELY_S = 16.0
# So much is heard before anything can break off.
GOES_ON_S = _LATELY_S + LATELY_UNTIL_S + _AVERAGED_S
_FARTHER = 0.5
_AT_LEAST = 0.4


@dataclass(frozen=True, eq=False)
class Steady:
    """How novel the textures of short scales are while a machine goes on.

    Attributes
    ----------
    typical : ndarray of shape (n_short,)
        Median novelty of what was held out, for each short scale.
    spread : ndarray of shape (n_short,)
        How far beyond it one in twenty lies, or what is 1 dB louder.
    """

    typical: FloatArray
    spread: FloatArray

    @classmethod
    def learned(cls, unheard: Sequence[FloatArray], louder: Sequence[FloatArray]) -> Self | None:
        """Learn from what was held out.

        Parameters
        ----------
        unheard : sequence of ndarray of shape (n,)
            Novelty of the windows of each short scale, had they not been heard.
        louder : sequence of ndarray of shape (m,)
            How much more novel windows that were learned are if they are 1 dB louder.

        Returns
        -------
        steady : Steady or None
            None where nothing tells windows apart, not even that.
        """
        typical, usual = np.array([np.quantile(of_scale, (0.5, _USUAL)) for of_scale in unheard]).T
        spread = np.maximum(usual - typical, [np.median(of_scale) for of_scale in louder])
        return cls(typical, spread) if (spread > _LEAST_SPREAD).all() else None

    def beyond(self, novelty: FloatArray) -> FloatArray:
        """How many spreads from typical windows (n_short, n) are, on average.

        Examples
        --------
        >>> steady = Steady(np.array([1.0, 2.0]), np.array([0.5, 1.0]))
        >>> steady.beyond(np.array([[1.0, 1.5, 3.0], [2.0, 3.0, 4.0]]))
        array([0., 1., 3.])
        """
        far = (novelty - self.typical[:, None]) / self.spread[:, None]
        return np.asarray(np.add.reduce(far, axis=0) / len(far))


def hides(echoes: FloatArray, unheard: FloatArray) -> bool:
    """Whether echoes raise what is usual by more than what was held out is spread.

    Parameters
    ----------
    echoes, unheard : ndarray of shape (m,), (n,)
        Novelty of echoes and of windows, had they not been heard.

    Returns
    -------
    hides : bool

    Examples
    --------
    >>> hides(np.full(9, 20.0), np.arange(9.0)), hides(np.full(9, 5.0), np.arange(9.0))
    (True, False)
    """
    typical, usual = np.quantile(unheard, (0.5, _USUAL))
    return bool(np.quantile(raised(unheard, echoes), _USUAL) - usual > usual - typical)


class Breaks:
    """How much farther from typical half a second is than those of the last seconds.

    Parameters
    ----------
    layout : WindowLayout
        How often it is heard.

    Examples
    --------
    >>> breaks = Breaks(WindowLayout(hop=0.5))
    >>> breaks.strangeness(np.append(np.zeros(36), [0.2, 9.0, 0.0])).tolist()[-4:]
    [-1.0, 0.0, 1.0, -1.0]
    >>> breaks.strangeness(np.array([9.0, 9.0, 9.0])).tolist()
    [1.0, 1.0, -1.0]
    """

    def __init__(self, layout: WindowLayout) -> None:
        hop = layout.hop_frames / layout.frame_rate
        self._averaged, self._lately, self._until = (
            max(1, round(s / hop)) for s in (_AVERAGED_S, _LATELY_S, LATELY_UNTIL_S))
        # Before the first hop nobody knows what goes on.
        keep = self._averaged + self._lately + self._until
        self._beyond = RollingBuffer(keep, HOPS_AT_ONCE, 1)
        self._beyond.extend(keep)[:] = np.inf

    def strangeness(self, beyond: FloatArray) -> FloatArray:
        """Hear how far from typical the newest hops are; return how strange that is.

        Parameters
        ----------
        beyond : ndarray of shape (n,)
            What `Steady.beyond` says of them.

        Returns
        -------
        strangeness : ndarray of shape (n,)
            1 where something breaks off or in, -1 and less where it is no farther than it was in
            the sixteen seconds before the last two; minus infinity where these were not heard.
        """
        n, start = len(beyond), self._beyond.n_rows
        self._beyond.extend(n)[:, 0] = beyond
        first = start - self._averaged - self._lately - self._until + 2
        heard = self._beyond.between(first, start + n)[:, 0]
        means = np.add.reduce(sliding_window_view(heard, self._averaged), axis=1) / self._averaged
        now = means[len(means) - n:]
        most = np.maximum.reduce(
            sliding_window_view(means[:len(means) - self._until], self._lately)[:n], axis=1)
        strangeness = np.full(n, -np.inf)
        known = most < np.inf
        now, most = now[known], most[known]
        margin = np.maximum(_FARTHER * np.abs(most), _AT_LEAST)
        strangeness[known] = np.minimum(2.0 * (now - most) / margin - 1.0, 1.0)
        return strangeness
