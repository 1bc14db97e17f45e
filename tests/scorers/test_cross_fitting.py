"""Fits that hold blocks out hear nothing of what they judge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from barkcluster._typing import FloatArray
from barkcluster.scorers.augmented import Forms
from barkcluster.scorers.cross_fitting import CrossFits, Novelty

ROWS = np.arange(40.0)[:, None]
GAP = 2


def cross_fits(learns_metric: bool = False) -> CrossFits:
    forms = Forms(ROWS, np.arange(len(ROWS)), np.zeros(len(ROWS)))
    return CrossFits(ROWS, forms, n_blocks=4, gap=GAP, learning_power=1.0, has_limit=False,
                     learns_metric=learns_metric)


def to_nearest(kept: npt.NDArray[np.intp], n_reached: int) -> Novelty:
    """A fit whose novelty is how many rows away the nearest is that it heard."""
    return lambda rows: np.abs(rows - kept).min(axis=1)


def test_every_row_is_judged_by_a_fit_beyond_the_gap() -> None:
    held_out, _ = cross_fits().judged(to_nearest, ROWS[:0], np.empty(0, np.intp))
    assert held_out.min() > GAP


def test_an_echo_is_judged_with_its_row() -> None:
    echoed = np.array([0, 9, 10, 39])
    held_out, of_echoes = cross_fits().judged(to_nearest, ROWS[echoed], echoed)
    np.testing.assert_array_equal(of_echoes, held_out[echoed])


@pytest.mark.parametrize("of_less", [1.0, 2.0])
@pytest.mark.parametrize(("learns_metric", "most"), [(False, 0.5), (True, 0.75)])
def test_excess_is_what_fits_that_heard_less_add(of_less: float, learns_metric: bool,
                                                 most: float) -> None:
    heard = set()

    def fit(kept: npt.NDArray[np.intp], n_reached: int) -> Novelty:
        heard.add(len(kept))
        return lambda rows: np.full(len(rows), 1.0 if len(kept) > 20 else of_less)

    fits = cross_fits(learns_metric)
    held_out, _ = fits.judged(fit, ROWS[:0], np.empty(0, np.intp))
    assert heard == {16, 18, 26, 28}      # without a block and the gap, and without one more
    excess: FloatArray = fits.excess(held_out, np.zeros(len(ROWS)))
    assert (excess > 0).all() == (of_less > 1.0)
    assert excess.max() <= most           # of what lies between held-out rows and the fit's own
