"""Calibration: shares that are as promised, tails that never end, blocks that are held out."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from barkcluster.calibration import (
    Calibration,
    CohortCalibration,
    correlation_time,
    held_out_blocks,
)
from barkcluster.calibration.calibration import Calibrations


@given(st.integers(2, 200), st.integers(2, 8), st.integers(0, 50))
def test_every_row_is_held_out_once_and_never_with_itself(n_rows, n_blocks, gap):
    seen = np.zeros(n_rows, dtype=int)
    for kept, block in held_out_blocks(n_rows, n_blocks, gap):
        seen[block] += 1
        held = np.arange(n_rows)[block]
        assert len(kept) >= 1
        assert not np.intersect1d(kept, held).size
    assert (seen == 1).all()


def test_a_gap_that_fits_is_kept_whole():
    for kept, block in held_out_blocks(1000, 5, 60):
        distance = np.abs(kept[:, None] - np.arange(1000)[block]).min()
        assert distance > 60


def test_independent_held_out_windows_give_the_rank_p_value(rng):
    held_out = rng.normal(size=400)
    calibration = Calibration(held_out)
    n = min(400.0, 2.5 * calibration.n_effective_)
    assert n == 400
    share = np.array([(held_out >= s).mean() for s in np.sort(held_out)[1:]])
    np.testing.assert_allclose(calibration.familiarity(np.sort(held_out)[1:]),
                               (1 + n * share) / (n + 1), atol=1e-12)


def test_rank_p_value_agrees_with_naive_where_all_windows_count():
    held_out = [1.0, 5.0, 2.0, 7.0, 7.0, 3.0, 9.0]
    calibration = Calibration.restore(np.sort(held_out), n_effective=len(held_out))
    above = [2.0, 3.0, 5.0, 7.0, 9.0]
    np.testing.assert_allclose(
        calibration.familiarity(above), naive.rank_familiarity(held_out, above))


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
       st.integers(0, 2**32 - 1))
def test_stranger_is_never_more_familiar(held_out, seed):
    calibration = Calibration(held_out)
    low, high = held_out.min(), held_out.max()
    width = max(high - low, 1.0)
    novelty = np.sort(np.random.default_rng(seed).uniform(low - width, high + 9 * width, 200))
    familiarity = calibration.familiarity(novelty)
    assert ((familiarity > 0) & (familiarity <= 1)).all()
    assert (np.diff(familiarity) <= 1e-15).all()


def test_what_differs_in_novelty_never_ties(rng):
    calibration = Calibration(rng.normal(10, 1, size=300))
    novelty = np.r_[np.linspace(-100, 5, 50), np.linspace(5.01, 15, 500), 16, 20, 30, 1e3, 1e6]
    assert (np.diff(calibration.familiarity(novelty)) < 0).all()


def test_three_and_twenty_sigma_stay_apart(rng):
    calibration = Calibration(rng.normal(size=2000))
    three, six, twenty = calibration.familiarity([3.0, 6.0, 20.0])
    assert three > 10 * six > 100 * twenty > 0


def test_constant_novelty_is_familiar_and_more_is_not():
    calibration = Calibration(np.full(50, 2.0))
    same, more = calibration.familiarity([2.0, 3.0])
    assert same > 0.4
    assert more < 0.01


def test_strangeness_is_the_normal_score(rng):
    from scipy.stats import norm

    calibration = Calibration(rng.normal(size=500))
    novelty = np.linspace(-2, 40, 100)
    familiarity = calibration.familiarity(novelty)
    np.testing.assert_allclose(
        calibration.strangeness(novelty), norm.isf(familiarity), rtol=1e-6, atol=1e-9)
    assert (np.diff(calibration.strangeness(novelty)) > 0).all()


def test_overlapping_windows_count_for_less(rng):
    independent = rng.normal(size=3000)
    smooth = np.convolve(independent, np.ones(30) / 30, mode="valid")
    assert correlation_time(independent) < 1.5
    assert 20 < correlation_time(smooth) < 45
    assert Calibration(smooth).n_effective_ < 200


def test_correlation_time_of_an_ar1_series_is_the_textbook_one():
    # (1 + rho) / (1 - rho): Sokal 1997, Monte Carlo methods in statistical mechanics.
    rng = np.random.default_rng(7)
    rho, x = 0.9, np.zeros(200_000)
    noise = rng.normal(size=len(x))
    for t in range(1, len(x)):
        x[t] = rho * x[t - 1] + noise[t]
    assert correlation_time(x) == pytest.approx(19.0, rel=0.1)


def test_nothing_held_out_is_an_error():
    with pytest.raises(ValueError, match="held_out must hold at least one finite novelty"):
        Calibration([np.nan, np.nan])


def test_a_restored_calibration_answers_the_same(rng):
    calibration = Calibration(rng.normal(size=100))
    again = Calibration.restore(calibration.novelty_, calibration.n_effective_)
    novelty = rng.normal(size=50) * 5
    np.testing.assert_array_equal(again.familiarity(novelty), calibration.familiarity(novelty))


def test_several_calibrations_asked_together_say_what_each_says(rng):
    of_session = Calibration(rng.normal(size=300))
    calibrations = [of_session, Calibration([2.0]), Calibration(5.0 + np.zeros(9)),
                    CohortCalibration.of(of_session, typical=4.0, spread=0.5),
                    Calibration(rng.exponential(size=40))]
    novelty = np.concatenate([rng.normal(scale=4.0, size=(5, 500)),
                              [[c.novelty_[0], c.novelty_[-1], 0.0, -np.inf, np.inf]
                               for c in calibrations]], axis=1)
    together = Calibrations(calibrations)
    familiarity, strangeness = together.familiarity(novelty), together.strangeness(novelty)
    for i, calibration in enumerate(calibrations):
        np.testing.assert_array_equal(familiarity[i], calibration.familiarity(novelty[i]))
        np.testing.assert_array_equal(strangeness[i], calibration.strangeness(novelty[i]))
    for j in (0, 3, 200, 501, 504):  # a hop of a stream
        np.testing.assert_array_equal(together.familiarity(novelty[:, [j]])[:, 0],
                                      familiarity[:, j])


def test_rounding_calls_nothing_stranger_beside_a_background():
    of_session = Calibration.restore(np.linspace(0.0, 1.0, 997), 997.0)
    novelty = np.linspace(0.0, 1.0, 20_000)
    alone = of_session.familiarity(novelty)
    beside = CohortCalibration.of(of_session, typical=1.2, spread=0.5).familiarity(novelty)
    assert np.all(beside[alone >= 0.05] >= alone[alone >= 0.05])


@pytest.mark.parametrize("n", [3, 8, 20])
def test_few_values_are_passed_as_often_as_their_calibration_says(n):
    """Among twenty sessions a rate of 10 % was 5 %: each rank was counted once too often."""
    rng = np.random.default_rng(n)
    found = np.array([Calibration.of_few(rng.normal(size=n)).familiarity(rng.normal(size=20))
                      for _ in range(600)])
    for rate in (0.05, 0.1, 0.2):
        assert 0.7 * rate < np.mean(found < rate) < 1.3 * rate


def test_few_values_have_ranks_ties_and_a_tail(rng):
    values = rng.normal(size=9)
    calibration = Calibration.of_few(values)
    np.testing.assert_allclose(calibration.familiarity(np.sort(values)), np.arange(9, 0, -1) / 10)
    beyond = calibration.familiarity(values.max() + np.array([0.1, 1.0, 10.0, 1e6]))
    assert np.all(np.diff(beyond) < 0) and beyond[0] < 0.1 and beyond[-1] > 0
    below = calibration.familiarity(values.min() - np.array([0.1, 1.0, 10.0]))
    assert np.all(np.diff(below) > 0) and below[0] > 0.9 and below[-1] < 1
    np.testing.assert_allclose(Calibration.of_few([1.0, 1.0, 2.0]).familiarity([1.0, 2.0]),
                               [0.75, 0.25])
    # One value tells nothing of its spread, and what is a little beyond it is not impossible.
    one = Calibration.of_few([1.0]).familiarity([0.0, 1.0, 1.1, 2.0])
    assert one[0] > 0.9 and one[1] == 0.5 and 0.2 < one[2] < 0.4 and 0.0 < one[3] < 0.05
    with pytest.raises(ValueError, match="at least one value; got none"):
        Calibration.of_few([])


def test_novelty_at_is_where_the_curve_has_fallen_so_far(rng):
    for held_out in (rng.normal(size=100), np.round(rng.exponential(size=300), 1), np.ones(9)):
        calibration = Calibration(held_out)
        highest = calibration.familiarity([held_out.min()])[0]
        for familiarity in (1e-6, 0.01, 0.05, 0.3, 0.5, 0.9):
            if familiarity < highest:
                novelty = calibration.novelty_at(familiarity)
                assert calibration.familiarity([novelty + 1e-6])[0] <= familiarity + 1e-6
                assert calibration.familiarity([novelty - 1e-6])[0] >= familiarity - 1e-6


def test_rounding_decides_nothing_where_the_median_is_one_of_many_alike():
    # Eight in ten held-out windows are silent: 0 but for rounding, which a stream does otherwise.
    held_out = np.concatenate([np.linspace(0, 3e-15, 80), np.linspace(1, 3, 20)])
    calibrations = Calibrations([Calibration(held_out)])
    scores = calibrations.strangeness_beyond_ranks(np.array([[0.0, 2e-15, 1e-9]]))
    np.testing.assert_allclose(scores[0, 1:], scores[0, 0], atol=1e-8)
