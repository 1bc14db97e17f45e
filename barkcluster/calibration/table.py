"""Novelty to familiarity for several calibrations at once, each with a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.special import ndtri, ndtri_exp

from barkcluster._typing import FloatArray

# Shape of the tail: heavier than exponential, so that 20 sigma is still above the smallest float.
_TAIL_SHAPE = 0.2
SMALLEST = 1e-300
# Below this a familiarity's logarithm is what its normal score is read off.
_TINY = 1e-8


class CalibrationTable:
    """Curves from novelty to familiarity, in arrays that it takes one step to ask.

    Between its points a curve is straight; beyond the strangest of them lies a tail that never
    ends, and below the most familiar rank what is less strange than anything held out.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        Novelties, rising.
    familiarity : ndarray of shape (n_points,)
        What each of them is worth.
    tail_unit : float
        Novelty in which the tail falls.
    low : float
        Novelty below which the most familiar rank is spread out.
    room : float
        How much familiarity there is beyond it.
    """

    def __init__(self, values: FloatArray, familiarity: FloatArray, tail_unit: float,
                 low: float, room: float) -> None:
        self._points = [values]
        self._values = values
        self._familiarity = familiarity
        steps = np.diff(values)
        slopes = np.divide(np.diff(familiarity), steps, out=np.zeros(len(steps)), where=steps != 0)
        self._slopes = np.append(slopes, 0.0)
        # Of each curve: its first and last point, what the last is worth, its tail and its rank.
        self._curves = np.array(
            [[values[0]], [values[-1]], [familiarity[-1]], [tail_unit], [low], [room]])
        self._before = np.array([[-1]])

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """The curves of several tables in one."""
        table = cls.__new__(cls)
        table._points = [values for one in tables for values in one._points]
        table._values = np.concatenate([one._values for one in tables])
        table._familiarity = np.concatenate([one._familiarity for one in tables])
        table._slopes = np.concatenate([one._slopes for one in tables])
        table._curves = np.concatenate([one._curves for one in tables], axis=1)
        lengths = np.cumsum([0, *map(len, table._points[:-1])])
        table._before = lengths[:, None] - 1
        return table

    def familiarity(self, novelty: FloatArray) -> FloatArray:
        """Familiarity of novelties.

        Parameters
        ----------
        novelty : ndarray of shape (n_curves, n)

        Returns
        -------
        familiarity : ndarray of shape (n_curves, n)
        """
        first, last, of_last, tail_unit, low, room = self._curves[..., None]
        inside = np.minimum(np.maximum(novelty, first), last)
        point = np.empty(inside.shape, np.intp)
        for i, values in enumerate(self._points):
            point[i] = values.searchsorted(inside[i], "right")
        point += self._before
        result = inside - self._values.take(point)
        result *= self._slopes.take(point)
        result += self._familiarity.take(point)
        # A stream asks for one moment at a time, which mostly lies inside.
        beyond, usual = novelty > last, novelty < low
        if beyond.any():
            # The tail: ever less, never nothing.
            curve = beyond.nonzero()[0]
            excess = (novelty[beyond] - last[curve, 0]) / tail_unit[curve, 0]
            result[beyond] = np.maximum(
                of_last[curve, 0] * (1.0 + _TAIL_SHAPE * excess) ** (-1.0 / _TAIL_SHAPE), SMALLEST)
        if usual.any():
            # The most familiar rank is spread over all that is stranger than nothing held out.
            curve = usual.nonzero()[0]
            less = (low[curve, 0] - novelty[usual]) / tail_unit[curve, 0]
            result[usual] = 1.0 - room[curve, 0] / (1.0 + less)
        return result


def normal_score(familiarity: FloatArray) -> FloatArray:
    """The strangeness that is a familiarity: its negated normal quantile.

    Parameters
    ----------
    familiarity : ndarray of shape (n,)
        Above 0, at most 1.

    Returns
    -------
    strangeness : ndarray of shape (n,)

    Examples
    --------
    >>> normal_score(np.array([0.5, 0.05, 1e-300])).round(2).tolist()
    [-0.0, 1.64, 37.05]
    """
    score = ndtri(np.minimum(familiarity, 1.0 - 1e-12))
    tiny = familiarity < _TINY
    if tiny.any():
        score[tiny] = ndtri_exp(np.log(familiarity[tiny]))
    return np.asarray(np.negative(score, out=score))
