"""Novelty to familiarity for several calibrations at once, each with a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.special import ndtri, ndtri_exp

from barkcluster._typing import FloatArray

# Shape of the tail: heavier than exponential, so that 20 sigma is still above the smallest float.
_TAIL_SHAPE = 0.2
# The least familiarity: 0 would have no logarithm.
SMALLEST = 1e-300
# Below this a normal score is computed from the familiarity's logarithm.
_TINY = 1e-8


class CalibrationTable:
    """Curves from novelty to familiarity, in common arrays so that all are asked in one step.

    Between its points a curve is straight. Beyond the strangest of them it falls in a tail that
    never reaches 0; below the least novelty that was held out it rises towards 1.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        Novelties, none less than the one before.
    familiarity : ndarray of shape (n_points,)
        Familiarity of each of them.
    tail_unit : float
        Unit of novelty, in which both ends of the curve are measured.
    low : float
        Novelty below which the curve rises towards 1.
    room : float
        Familiarity that is left between that of ``low`` and 1.
    """

    def __init__(self, values: FloatArray, familiarity: FloatArray, tail_unit: float,
                 low: float, room: float) -> None:
        self._points = [values]
        steps = np.diff(values)
        slopes = np.divide(np.diff(familiarity), steps, out=np.zeros(len(steps)), where=steps != 0)
        # Of each point: its novelty, its familiarity, and how that goes on.
        self._lines = np.column_stack([values, familiarity, np.append(slopes, 0.0)])
        # Between these a curve is a line from point to point.
        self._low, self._last = np.array([[low]]), values[-1:, None]
        # Of each curve, what its ends go on from: low, room, last, its familiarity; and the unit.
        self._ends = np.array([[low], [room], [values[-1]], [familiarity[-1]], [tail_unit]])
        self._before = np.array([[-1]])

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """The curves of several tables in one."""
        table = cls.__new__(cls)
        table._points = [values for one in tables for values in one._points]
        table._lines = np.concatenate([one._lines for one in tables])
        table._low = np.concatenate([one._low for one in tables])
        table._last = np.concatenate([one._last for one in tables])
        table._ends = np.concatenate([one._ends for one in tables], axis=1)
        lengths = np.cumsum([0, *map(len, table._points[:-1])])
        table._before = lengths[:, None] - 1
        return table

    def familiarity(self, novelty: FloatArray) -> FloatArray:
        """Familiarity of novelties, those of each curve in a row.

        Parameters
        ----------
        novelty : ndarray of shape (n_curves, n)

        Returns
        -------
        familiarity : ndarray of shape (n_curves, n)
        """
        inside = np.minimum(np.maximum(novelty, self._low), self._last)
        point = np.empty(inside.shape, np.intp)
        for i, values in enumerate(self._points):
            point[i] = values.searchsorted(inside[i], "right")
        point += self._before
        lines = self._lines.take(point, axis=0)
        result = inside - lines[..., 0]
        result *= lines[..., 2]
        result += lines[..., 1]
        # A stream asks for one moment at a time, which mostly lies inside.
        if np.logical_or.reduce(inside != novelty, axis=None):
            self._put_ends(novelty, result)
        return result

    def _put_ends(self, novelty: FloatArray, result: FloatArray) -> None:
        """Put the familiarity of what lies beyond the ends of its curve into the result."""
        usual = (novelty < self._low).nonzero()
        if len(usual[0]):
            # What is less novel than all that was held out shares the last rank.
            low, room, _, _, unit = self._ends[:, usual[0]]
            result[usual] = 1.0 - room / (1.0 + (low - novelty[usual]) / unit)
        beyond = (novelty > self._last).nonzero()
        if len(beyond[0]):
            # The tail: ever less, never nothing.
            _, _, last, of_last, unit = self._ends[:, beyond[0]]
            excess = (novelty[beyond] - last) / unit
            result[beyond] = np.maximum(
                of_last * (1.0 + _TAIL_SHAPE * excess) ** (-1.0 / _TAIL_SHAPE), SMALLEST)

    def novelty_at(self, familiarity: float) -> float:
        """The novelty at which the first curve falls to a familiarity, above 0 and below 1."""
        values = self._points[0]
        of_values = self._lines[:len(values), 1]
        if familiarity < of_values[-1]:  # in the tail
            unit = float(self._ends[4, 0])
            fall = (float(of_values[-1]) / familiarity) ** _TAIL_SHAPE - 1.0
            return float(values[-1]) + unit * fall / _TAIL_SHAPE
        return float(np.interp(-familiarity, -of_values, values))


def normal_score(familiarity: FloatArray) -> FloatArray:
    """Strangeness of familiarities: their normal quantiles, negated.

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
