"""The fits that hold blocks of a session out, on which a scorer calibrates.

A fit judges its own rows too kindly, and one that heard less too harshly. Each block is judged by
a fit without it (cross-fitting); every second one by another that heard still less, too, which
shows how novelty falls with what was heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import held_out_blocks
from barkcluster.calibration.learning_curve import (
    LearningCurve,
    most_of_between,
    n_heard,
    without_farthest,
)

from .augmented import Forms
from .metric import MOST_DIRECTIONS, correlated_rows

Novelty: TypeAlias = Callable[[FloatArray], FloatArray]

# Correlation times of windows that share frames are half of what they share, or more: 0.45 to 1 in
# noise and in recorded music, 0.05 to 0.25 in loops.
_SHARED_WEIGHT = 2.0
# Of so few rows learning curves end far too low. A minute of noise has 20 to 140 in such fits.
_SCARCE = 100
# Metrics of fits with so many rows differ little: all follow their own.
_ENOUGH = 120


class CrossFits:
    """Which rows each fit hears, and what follows from what they say.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        What is calibrated on, in time order.
    forms : Forms
        What is learned of them.
    n_blocks : int
        Blocks that are held out, one after another.
    gap : int
        Rows within which two of them share frames.
    learning_power : float
        See `LearningCurve`.
    has_limit : bool
        Whether the metric has fewer directions than there are features.
    learns_metric : bool
        Whether the metric itself follows the rows that a fit hears.

    Attributes
    ----------
    n_reached : int
        Directions in which the metric of each fit follows its rows, of which all have enough: one
        of more directions has larger distances.
    """

    def __init__(self, rows: FloatArray, forms: Forms, n_blocks: int, gap: int,
                 learning_power: float, has_limit: bool, learns_metric: bool) -> None:
        self._rows = rows
        self._blocks = [(kept, without_farthest(kept, block), block)
                        for kept, block in held_out_blocks(len(rows), n_blocks, gap)]
        fewest = max(1, min(forms.n_of(kept) for kept, _, _ in self._blocks) - 1)
        self.n_reached = MOST_DIRECTIONS if fewest >= _ENOUGH else fewest
        self._n_of_less = max(1, min(forms.n_of(less) for _, less, _ in self._blocks[::2]) - 1)
        self._learns_metric = learns_metric
        self._few = has_limit and self._n_of_less < self.n_reached < MOST_DIRECTIONS
        # What windows share was heard once. Where they differ all the same, as in a loop, whose
        # windows come back, few rows fall much steeper than many.
        self._shared = min(gap, correlated_rows(rows))
        self._curve = LearningCurve(
            n_heard(np.arange(len(rows)), self._shared), learning_power,
            weight=min(1.0, _SHARED_WEIGHT * self._shared / max(gap, 1)) if self._few else 1.0)

    def judged(self, fit: Callable[[npt.NDArray[np.intp], int], Novelty], echoes: FloatArray,
               echoed: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Novelty of all rows and of their echoes, to fits that did not hear them.

        Parameters
        ----------
        fit : callable
            Given the rows to learn, and the directions that a metric follows them in, what says
            how novel others are.
        echoes : ndarray of shape (n_echoes, n_features)
        echoed : ndarray of shape (n_echoes,)
            The row that each of them is an echo of, rising.

        Returns
        -------
        held_out : ndarray of shape (n_samples,)
        of_echoes : ndarray of shape (n_echoes,)
        """
        held_out = np.full(len(self._rows), np.nan)
        of_echoes = np.full(len(echoes), np.nan)
        for number, (kept, less, block) in enumerate(self._blocks):
            novelty = fit(kept, self.n_reached)
            held_out[block] = novelty(self._rows[block])
            mine = slice(*np.searchsorted(echoed, (block.start, block.stop)))
            of_echoes[mine] = novelty(echoes[mine])
            # Every second block shows how much more a fit on all of them knows.
            if number % 2 == 0 and 2 <= len(less) < len(kept):
                self._compare(fit, kept, less, block, held_out[block])
        return held_out, of_echoes

    def _compare(self, fit: Callable[[npt.NDArray[np.intp], int], Novelty],
                 kept: npt.NDArray[np.intp], less: npt.NDArray[np.intp], block: slice,
                 more: FloatArray) -> None:
        """Add to the curve what a block is to a fit on fewer rows, beside that on those kept."""
        n_reached = self._n_of_less if self._few else self.n_reached
        if self._few:
            more = fit(kept, n_reached)(self._rows[block])
        self._curve.add(n_heard(kept, self._shared), n_heard(less, self._shared),
                        more, fit(less, n_reached)(self._rows[block]))

    def excess(self, held_out: FloatArray, own: FloatArray) -> FloatArray:
        """How much stranger rows are for having been held out.

        Parameters
        ----------
        held_out, own : ndarray of shape (n_samples,)
            Their novelty to fits that did not hear them, and to the fit on all of them.

        Returns
        -------
        excess : ndarray of shape (n_samples,)
        """
        # Curves of more rows are flat, and rows of which other forms were learned stand out.
        scarce = self._n_of_less < _SCARCE
        between = max(float(np.median(held_out - own)), 0.0)
        n_whole = n_heard(np.arange(len(held_out)), self._shared)
        excess = np.zeros(len(held_out))
        for kept, _, block in self._blocks:
            n = n_heard(kept, self._shared)
            most = between * most_of_between(n, n_whole, self._learns_metric) if scarce else np.inf
            excess[block] = min(self._curve.excess(n), most)
        return excess
