"""Novelty to familiarity, from windows that the fit did not hear.

Neighboring windows share frames, so a window is only "unheard" if the fit heard nothing within a
window's length of it: `held_out_blocks` cuts the session into contiguous blocks, each scored by a
fit on the others with a gap on either side. `Calibration` turns those scores into the share of
unheard windows that are at least as strange: a rank p-value (Bates et al. 2021, "Testing for
outliers with conformal p-values"), continued past the strangest of them by a generalized Pareto
tail (Siffer et al. 2017) so that nothing that differs in novelty ties in familiarity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri, stdtrit

from barkcluster._typing import FloatArray

from .table import CalibrationTable, normal_score

# Novelties that differ by less than this share of the largest (or of 1) do so by rounding, which
# differs between a batch and single rows: they are one rank.
_RESOLUTION = 1e-6
# Held-out windows trusted for each effective one. The correlation time counts slow drift of a
# session as overlap too; with 1 a held-out middle of recorded music is never called strange
# (2-3 % below 0.05, 9 % below 0.2), with all of them too often (12-17 %, 24-36 %).
_TRUST = 2.5
# Held-out scores that are all alike are taken to be as wide as this, as normal scores go.
_NARROWEST = 0.2
# Normal score of the 95 % point.
_ONE_IN_TWENTY = float(-ndtri(0.05))
# How a root grows until there, from the median on.
_ROOT_OF_TWO = float(np.sqrt(2.0)) - 1.0


def held_out_blocks(
    n_rows: int, n_blocks: int, gap: int
) -> Iterator[tuple[npt.NDArray[np.intp], slice]]:
    """Contiguous blocks to hold out, each with the rows to learn from instead.

    Parameters
    ----------
    n_rows : int
        Rows, in time order.
    n_blocks : int
        Blocks wanted; never more than rows.
    gap : int
        Rows left out on each side of a block, where possible: a gap is cut down where less than
        a third of the rows would remain to learn from.

    Yields
    ------
    kept : ndarray of int
        Rows to learn from.
    block : slice
        Rows to score.

    Examples
    --------
    >>> for kept, block in held_out_blocks(6, 3, 1):
    ...     print(kept, block)
    [3 4 5] slice(0, 2, None)
    [0 5] slice(2, 4, None)
    [0 1 2] slice(4, 6, None)
    """
    n_blocks = min(n_blocks, n_rows)
    cuts = np.linspace(0, n_rows, n_blocks + 1).astype(np.intp)
    for start, stop in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        spare = n_rows - (stop - start) - max(1, n_rows // 3)
        fitting = min(gap, max(0, spare if start == 0 or stop == n_rows else spare // 2))
        kept = np.r_[0:max(0, start - fitting), min(n_rows, stop + fitting):n_rows]
        yield kept.astype(np.intp), slice(start, stop)


def correlation_time(series: npt.ArrayLike) -> float:
    """Rows of a series that together are worth one independent row.

    The integrated autocorrelation time with Geyer's initial positive sequence: correlations are
    added in pairs of lags until a pair is no longer positive.

    Parameters
    ----------
    series : array-like of shape (n,)
        Values in time order; nan are left out.

    Returns
    -------
    time : float
        At least 1, at most n.

    References
    ----------
    Geyer (1992). Practical Markov chain Monte Carlo. Statistical Science 7.

    Examples
    --------
    >>> correlation_time([1.0, -1.0, 1.0, -1.0])
    1.0
    """
    values = np.asarray(series, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 4:
        return 1.0
    values = values - values.mean()
    spectrum = np.fft.rfft(values, 2 * n)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[:n]
    if correlation[0] <= 1e-12 * max(1.0, float(np.max(np.abs(values))) ** 2):
        return 1.0
    correlation = correlation / correlation[0]
    pairs = correlation[:n - n % 2].reshape(-1, 2).sum(axis=1)
    ended = np.flatnonzero(pairs <= 0)
    total = 2.0 * pairs[:ended[0] if len(ended) else len(pairs)].sum() - 1.0
    return float(min(max(total, 1.0), n))


class Calibration:
    """The map from novelty to familiarity.

    Parameters
    ----------
    held_out : array-like of shape (n,)
        Novelty of windows that the fit did not hear, in time order. nan are left out.

    Attributes
    ----------
    novelty_ : ndarray of shape (n,)
        The held-out novelties, sorted.
    n_effective_ : float
        How many independent windows they are worth: overlapping windows count for less.

    Raises
    ------
    ValueError
        If no held-out novelty is finite.

    Examples
    --------
    >>> calibration = Calibration([1.0, 2.0, 3.0, 4.0])
    >>> calibration.familiarity([2.0, 3.0, 4.0])      # (1 + 3, 2, 1 at least as strange) / 5
    array([0.8, 0.6, 0.4])
    >>> bool(calibration.familiarity([1000.0])[0] < calibration.familiarity([100.0])[0])
    True
    """

    def __init__(self, held_out: npt.ArrayLike) -> None:
        series = np.asarray(held_out, dtype=np.float64).ravel()
        series = series[np.isfinite(series)]
        if not len(series):
            raise ValueError("held_out must hold at least one finite novelty; got none.")
        self._set(np.sort(series), len(series) / correlation_time(series))

    @classmethod
    def restore(cls, novelty: npt.ArrayLike, n_effective: float) -> Self:
        """The calibration with these attributes, as they were before it was saved."""
        calibration = cls.__new__(cls)
        calibration._set(np.asarray(novelty, dtype=np.float64), float(n_effective))
        return calibration

    @classmethod
    def of_few(cls, held_out: npt.ArrayLike) -> Self:
        """The calibration of few values that share nothing, such as those of whole sessions.

        Another of the same kind is stranger than the k-th strangest of n with a probability of
        k / (n + 1), whatever their distribution. `Calibration` adds a rank, which is a small
        excess of caution among hundreds of windows and the half of a rate among twenty sessions.
        Beyond the strangest the tail falls as fast as Student's t does there: their spread is
        known from few values, too.

        Parameters
        ----------
        held_out : array-like of shape (n,)

        Returns
        -------
        calibration : Calibration

        Examples
        --------
        >>> Calibration.of_few([4.0, 2.0, 3.0, 1.0]).familiarity([1.0, 3.0, 4.0])
        array([0.8, 0.4, 0.2])
        """
        values = np.sort(np.asarray(held_out, dtype=np.float64).ravel())
        if not len(values):
            raise ValueError("held_out must hold at least one value; got none.")
        calibration = cls.__new__(cls)
        calibration._set(values, float(len(values)), few=True)
        return calibration

    def _set(self, novelty: FloatArray, n_effective: float, few: bool = False) -> None:
        self.novelty_ = novelty
        self.n_effective_ = n_effective
        n = len(novelty)
        resolution = _resolution(novelty)
        first = _first_of_ranks(novelty, resolution)
        last = np.append(first[1:], n) - 1
        share = (n - first) / n                      # of held-out windows at least as strange
        # The judged window is one more of them, hence the ones.
        worth = n if few else min(n, _TRUST * n_effective)
        of_rank = (worth * share + (0.0 if few else 1.0)) / (worth + 1.0)
        if len(first) == 1:  # all alike: typical, with what is stranger or less so on either side
            of_rank = np.array([0.5])
        # A rank is flat, a little beyond its ends too: rounding decides nothing.
        values = np.column_stack(
            [novelty[first] - 0.25 * resolution, novelty[last] + 0.25 * resolution]).ravel()
        familiarity = np.repeat(of_rank, 2)
        top = novelty[-max(1, -(-n // 5)):]
        # The unit of a tail: mean excess over the 80 % point, or what the data allow.
        spread = _student_unit(novelty) if few else float(np.mean(top - top[0]))
        width = float(novelty[-1] - novelty[0])
        # Below the low end lies the most familiar rank, and the room beyond it is its share.
        lowest = 0 if few else min(2, len(values) - 2)
        self._table = CalibrationTable(
            values, familiarity, tail_unit=max(spread, 0.02 * width, resolution),
            low=float(values[lowest]), room=1.0 - float(familiarity[lowest]))

    def familiarity(self, novelty: npt.ArrayLike) -> FloatArray:
        """Share of unheard windows at least as strange as these.

        Parameters
        ----------
        novelty : array-like of shape (n,)
            Novelty in the unit of the held-out ones.

        Returns
        -------
        familiarity : ndarray of shape (n,)
            From 0 to 1, decreasing in novelty, but the same for novelties that differ by rounding.
        """
        s = np.asarray(novelty, dtype=np.float64)
        return self._table.familiarity(s.reshape(1, -1)).reshape(s.shape)

    def strangeness(self, novelty: npt.ArrayLike) -> FloatArray:
        """Familiarity as a normal score: 0 for a typical unheard window, 1.64 for 1 in 20.

        The common unit in which the novelties of several scorers may be added.

        Parameters
        ----------
        novelty : array-like of shape (n,)
            Novelty in the unit of the held-out ones.

        Returns
        -------
        strangeness : ndarray of shape (n,)
            The negated normal quantile of the familiarity.
        """
        return normal_score(self.familiarity(novelty))

    def novelty_at(self, familiarity: float) -> float:
        """How novel a window must be for this familiarity.

        Parameters
        ----------
        familiarity : float
            Above 0, at most that of the least novel held-out window.

        Returns
        -------
        novelty : float

        Examples
        --------
        >>> calibration = Calibration([1.0, 2.0, 3.0, 4.0])
        >>> round(calibration.novelty_at(0.05), 2)
        4.15
        >>> calibration.familiarity([calibration.novelty_at(0.05)]).round(3)
        array([0.05])
        """
        return self._table.novelty_at(familiarity)


class Calibrations:
    """Several calibrations, asked together.

    Parameters
    ----------
    calibrations : sequence of Calibration

    Examples
    --------
    >>> Calibrations([Calibration([1.0, 2.0, 3.0, 4.0]), Calibration([8.0, 9.0])]).familiarity(
    ...     np.array([[2.0, 4.0], [9.0, 9.0]])).round(3)
    array([[0.8  , 0.4  ],
           [0.667, 0.667]])
    """

    def __init__(self, calibrations: Sequence[Calibration]) -> None:
        self._all = list(calibrations)
        self._table = CalibrationTable.joined([one._table for one in calibrations])
        # What has more to say than its curve is asked by itself.
        self._others = [(i, one) for i, one in enumerate(calibrations)
                        if type(one).familiarity is not Calibration.familiarity]

    def familiarity(self, novelty: FloatArray) -> FloatArray:
        """Familiarity of novelties.

        Parameters
        ----------
        novelty : ndarray of shape (n_calibrations, n)
            A row for each of them.

        Returns
        -------
        familiarity : ndarray of shape (n_calibrations, n)
        """
        familiarity = self._table.familiarity(novelty)
        for i, calibration in self._others:
            familiarity[i] = calibration.familiarity(novelty[i])
        return familiarity

    def strangeness(self, novelty: FloatArray) -> FloatArray:
        """The same as normal scores."""
        return normal_score(self.familiarity(novelty))

    def standardized(self, novelty: FloatArray) -> FloatArray:
        """Normal scores in whole numbers of the held-out ones' spread, however few these are.

        `strangeness` follows the ranks, and says hardly more of what is stranger than all of them.
        This is 0 at their median, 1.64 at their 95 % point, and goes on in proportion.

        Parameters
        ----------
        novelty : ndarray of shape (n_calibrations, n)
            In a unit near that of normal scores.

        Returns
        -------
        scores : ndarray of shape (n_calibrations, n)
        """
        median, spread = self._median_and_spread
        return (novelty - median) / spread

    def strangeness_beyond_ranks(self, novelty: FloatArray) -> FloatArray:
        """`strangeness` of the familiar half; of the other a score that grows on with novelty.

        Ranks end at the strangest held-out window, which is hardly stranger than others where few
        were independent. Of what was learned by heart they say more than its distance does.

        Parameters
        ----------
        novelty : ndarray of shape (n_calibrations, n)
            Spreads below 0.2 count as that.

        Returns
        -------
        scores : ndarray of shape (n_calibrations, n)
            Beyond the median 1.64 (sqrt(1 + u) - 1) / (sqrt(2) - 1), where u is 0 at the median
            of held-out novelties and 1 at their 95 % point.

        Examples
        --------
        >>> calibrations = Calibrations([Calibration(np.arange(101.0) * 37 % 101)])
        >>> calibrations.strangeness_beyond_ranks(np.array([[60.0, 95.0, 500.0]])).round(2)
        array([[0.42, 1.64, 9.2 ]])
        >>> calibrations.strangeness(np.array([[60.0, 95.0, 500.0]])).round(2)
        array([[0.22, 1.49, 4.97]])
        """
        median, _ = self._median_and_spread
        # Where many are alike, the rank of the median is not in the middle: rounding must not
        # choose between it and what lies beyond.
        beyond = novelty > median + self._resolutions
        far = np.maximum(self.standardized(novelty), 0.0)
        far *= 1.0 / _ONE_IN_TWENTY
        far += 1.0
        grown = (np.sqrt(far, out=far) - 1.0) * (_ONE_IN_TWENTY / _ROOT_OF_TWO)
        return np.where(beyond, grown, self.strangeness(novelty))

    @cached_property
    def _resolutions(self) -> FloatArray:
        return np.array([[_resolution(one.novelty_)] for one in self._all])

    @cached_property
    def _median_and_spread(self) -> tuple[FloatArray, FloatArray]:
        quantiles = np.array([np.quantile(one.novelty_, [0.5, 0.95]) for one in self._all])
        median = quantiles[:, :1]
        return median, np.maximum(quantiles[:, 1:] - median, _NARROWEST) / _ONE_IN_TWENTY


def _student_unit(values: FloatArray) -> float:
    """How far on Student's t falls by a factor of e, beyond the strangest of some values."""
    n = len(values)
    if n < 2:                   # one value tells nothing of its spread
        return _NARROWEST
    freedom = n - 1
    place = float(stdtrit(freedom, n / (n + 1.0)))
    density = np.exp(gammaln(0.5 * n) - gammaln(0.5 * freedom)) / np.sqrt(np.pi * freedom) * (
        1.0 + place ** 2 / freedom) ** (-0.5 * n)
    # Of another value, whose distance from the mean of the others is meant.
    spread = float(np.std(values, ddof=1)) * np.sqrt(1.0 + 1.0 / n)
    return spread / (n + 1.0) / float(density)


def _resolution(novelty: FloatArray) -> float:
    """By how much sorted novelties must differ to be two ranks."""
    return _RESOLUTION * max(1.0, abs(float(novelty[-1])))


def _first_of_ranks(novelty: FloatArray, resolution: float) -> npt.NDArray[np.intp]:
    """Where in sorted novelties each rank begins: what lies within the resolution is one."""
    far = novelty + resolution
    first = np.append(0, np.flatnonzero(novelty[1:] > far[:-1]) + 1)
    if np.all(novelty[np.append(first[1:], len(novelty)) - 1] <= far[first]):
        return first
    # Some lie within it of the next, but not of the first of all that do.
    beyond = np.searchsorted(novelty, far, "right").tolist()
    starts, start = [], 0
    while start < len(beyond):
        starts.append(start)
        start = beyond[start]
    return np.array(starts, dtype=np.intp)
