"""Rows that are looked at when not all are: evenly spread, and on no beat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barkcluster._spread import golden_places, spread_rows


@given(st.integers(0, 3000), st.integers(0, 600))
def test_one_row_of_each_equal_part(n, n_kept):
    rows = spread_rows(n, n_kept)
    assert len(rows) == min(n, n_kept)
    if not len(rows):
        return
    part = n / len(rows)
    cuts = np.floor(np.arange(len(rows) + 1) * part + 1e-9)
    assert (cuts[:-1] <= rows).all()
    assert (rows < cuts[1:]).all()


@pytest.mark.parametrize("period", range(2, 17))
def test_rows_lock_onto_no_period(period):
    """Every so many rows, as `np.linspace` places them, are always the same beat of a loop."""
    rows = spread_rows(1200 * period, 1200)
    each = np.bincount(rows % period, minlength=period)
    assert each == pytest.approx(1200 / period, rel=0.35)


def test_places_are_more_even_than_chance():
    assert np.histogram(golden_places(1000), 10, (0.0, 1.0))[0] == pytest.approx(100, abs=15)
