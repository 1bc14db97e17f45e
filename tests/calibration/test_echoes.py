"""Echoes: what is heard a moment later is not strange, and nothing else becomes familiar."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from barkcluster.calibration.echoes import raised, weighed

novelties = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 100))


@given(novelties, novelties)
def test_nothing_is_lowered_and_ranks_are_kept(held_out, echoes):
    result = raised(held_out, echoes)
    assert (result >= held_out).all()
    order = np.argsort(held_out, kind="stable")
    assert (np.diff(result[order]) >= 0).all()


def test_an_exact_session_is_judged_by_its_echoes(rng):
    echoes = rng.uniform(1, 2, 50)
    np.testing.assert_allclose(np.sort(raised(np.zeros(50), echoes)), np.sort(echoes))


def test_a_session_that_differs_from_itself_stays_as_it_is(rng):
    held_out = rng.uniform(5, 9, 50)
    np.testing.assert_array_equal(raised(held_out, rng.uniform(0, 2, 50)), held_out)
    np.testing.assert_array_equal(weighed(np.arange(4.0), 10 + np.arange(4.0), 5.0),
                                  np.arange(4.0))


def test_rows_that_were_not_held_out_stay_unknown():
    result = raised(np.array([np.nan, 0.0]), np.array([2.0, 2.0]))
    assert np.isnan(result[0]) and result[1] == 2.0
    np.testing.assert_array_equal(raised(np.array([1.0]), np.array([])), [1.0])


def test_what_stands_out_by_chance_has_no_margin(rng):
    held_out = rng.normal(5.0, 1.0, 200)
    np.testing.assert_array_equal(weighed(held_out + 0.09, held_out, 5.0), held_out + 0.09)
    assert (weighed(held_out + 0.5, held_out, 5.0) > held_out + 1.5).all()
