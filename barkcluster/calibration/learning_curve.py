"""How much stranger a session is to the fits that calibrate than to the fit on all of it.

Held-out novelties come from fits that heard less than the final one, which therefore knows a
little more than they say; a mean over many views makes that little visible. A second fit for some
of the blocks, without the farthest other block too, shows how novelty falls with what was heard.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

# What comes next is nearer to the fit's own rows than to held-out ones by no more than this.
_MOST_OF_BETWEEN = 0.75
# Of about so many rows, as many more again are owed to a fit having heard less than of many.
_FEW_HEARD = 25.0


def without_farthest(
    kept: npt.NDArray[np.intp], block: slice
) -> npt.NDArray[np.intp]:
    """The rows of a fit but for as many as its held-out block has, those farthest from it.

    Parameters
    ----------
    kept : ndarray of int
        Rows that the fit learns.
    block : slice
        Rows that it does not hear.

    Returns
    -------
    rows : ndarray of int
        In order; half of ``kept`` at least.

    Examples
    --------
    >>> without_farthest(np.arange(3, 10), slice(0, 3))
    array([3, 4, 5, 6])
    """
    n_left_out = min(block.stop - block.start, len(kept) // 2)
    apart = np.abs(kept - 0.5 * (block.start + block.stop - 1))
    return np.sort(kept[np.argsort(apart, kind="stable")[:len(kept) - n_left_out]])


def n_heard(rows: npt.NDArray[np.intp], gap: int) -> int:
    """How much a fit on some rows heard, in rows: what neighbors share counts once.

    Of a minute, the windows of 10 s in a quarter of all rows hear nearly half of it.

    Parameters
    ----------
    rows : ndarray of int
        Rows that the fit learns, rising.
    gap : int
        Rows within which two windows share frames.

    Returns
    -------
    n : int

    Examples
    --------
    >>> n_heard(np.arange(10), 0), n_heard(np.arange(10), 4), n_heard(np.array([0, 9]), 4)
    (10, 14, 10)
    """
    return gap + 1 + int(np.minimum(np.diff(rows), gap + 1).sum())


def most_of_between(n: int, n_whole: int, learns_metric: bool = False) -> float:
    """The largest share of what lies between own and held-out novelty owed to having heard less.

    Rows are less novel to a fit that heard them than what comes next is. Of a maximum of
    likelihood they are so by as much as what comes next is more novel than it would be to the
    truth (Akaike 1974), which falls with the inverse of the rows heard. Curves of few rows are so
    steep that they would end below even that.

    Parameters
    ----------
    n : int
        What the fit heard to which rows are held out, as `n_heard` counts it.
    n_whole : int
        What the fit on all of them heard.
    learns_metric : bool, default=False
        Whether the metric itself is learned from what a fit heard: then it falls steeper.

    Returns
    -------
    share : float
        0 to 0.75: ``(n_whole - n) / (n_whole + n)``, more of a few rows, 0.75 of a learned metric.

    Examples
    --------
    >>> [round(most_of_between(n, 2 * n), 2) for n in (1000, 50, 25)]
    [0.33, 0.42, 0.67]
    """
    if learns_metric:
        return _MOST_OF_BETWEEN
    of_many = (n_whole - n) / (n_whole + n)
    return float(min(_MOST_OF_BETWEEN, of_many * (1.0 + (_FEW_HEARD / n) ** 2)))


class LearningCurve:
    """How novelty falls with the share of a session that a fit heard.

    It falls as a power of the share: as its inverse where prototypes or Gaussians average what
    they heard (the error of an estimate), and far slower where the nearest of many directions
    counts.

    Parameters
    ----------
    n_whole : int
        What the fit on the whole session heard, as `n_heard` counts it.
    power : float
        1 for averages; near 0 for nearest neighbors.
    weight : float, default=1.0
        How much of the slope is believed, 0 to 1.
    """

    def __init__(self, n_whole: int, power: float, weight: float = 1.0) -> None:
        self._n_whole = n_whole
        self._power = power
        self._weight = weight
        self._slopes: list[float] = []

    def add(self, n_more: int, n_less: int, more: FloatArray, less: FloatArray) -> None:
        """Take the novelties of one block to a fit that heard more and to one that heard less.

        Parameters
        ----------
        n_more, n_less : int
            What the two fits heard.
        more, less : ndarray of shape (n,)
            What they say of the same rows.
        """
        between = self._excess(n_less) - self._excess(n_more)
        if between > 0:
            # Not the median of the differences: most rows keep their neighbors, and it is 0.
            self._slopes.append(float(np.median(less) - np.median(more)) / between)

    def excess(self, n: int) -> float:
        """How much stranger rows are to a fit that heard so much than to the one on all.

        What blocks disagree about is chance, or a session that changes: a slope counts for as
        much as its square stands out from its variance over the blocks (James and Stein 1961),
        and not at all where novelty does not fall.

        Parameters
        ----------
        n : int

        Returns
        -------
        excess : float
            In the unit of the novelty, 0 or more.
        """
        if len(self._slopes) < 2:
            return 0.0
        mean = float(np.mean(self._slopes))
        if mean <= 0:
            return 0.0
        of_mean = float(np.var(self._slopes, ddof=1)) / len(self._slopes)
        return self._weight * mean * max(0.0, 1.0 - of_mean / mean ** 2) * self._excess(n)

    def _excess(self, n: int) -> float:
        return float((self._n_whole / n) ** self._power) - 1.0
