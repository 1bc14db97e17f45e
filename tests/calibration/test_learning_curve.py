"""How much more a fit on everything knows than one on some blocks."""

import numpy as np
import pytest

from barkcluster import GaussianMixtureScorer
from barkcluster.calibration.learning_curve import (
    LearningCurve,
    most_of_between,
    n_heard,
    without_farthest,
)


def test_the_farthest_rows_go_first():
    kept = np.r_[0:20, 40:100]
    assert without_farthest(kept, slice(25, 35)).tolist() == [*range(20), *range(40, 90)]
    assert len(without_farthest(np.arange(4), slice(4, 100))) == 2      # half of them stay


def test_what_windows_share_is_heard_once():
    assert n_heard(np.arange(100), 0) == 100
    assert n_heard(np.arange(100), 20) == 120
    assert n_heard(np.r_[0:10, 50:60], 20) == 60        # two stretches
    assert n_heard(np.r_[0:10, 15:25], 20) == 45        # they overlap
    assert n_heard(np.array([7]), 20) == 21


def test_overlapping_windows_of_a_short_session_are_not_all_familiar():
    """A fit on two stretches heard more than the share of its rows, and less is to be added."""
    def windows(n, seed):
        sums = np.cumsum(np.random.default_rng(seed).normal(size=(n + 20, 60)), axis=0)
        return sums[20:] - sums[:-20]

    medians = [np.median(GaussianMixtureScorer(gap=20, whitening=0.75, random_state=0).fit(
        windows(100, seed)).score_samples(windows(600, 100 + seed))) for seed in range(5)]
    assert 0.4 < np.mean(medians) < 0.6


def test_what_was_not_heard_is_as_much_more_novel_as_what_was_is_less(rng):
    """Akaike 1974: of a mean in many dimensions, both lie as far from what the truth says."""
    n, n_whole, dimensions = 200, 400, 500

    def novelty(learned, rows):  # beyond what it is to the truth
        return np.mean(np.sum((rows - learned.mean(axis=0)) ** 2 - rows ** 2, axis=1))

    excess, between = np.transpose([
        (novelty(rows[:n], new) - novelty(rows, new), novelty(rows[:n], new) - novelty(rows, rows))
        for rows, new in ((rng.normal(size=(n_whole, dimensions)),
                           rng.normal(size=(1000, dimensions))) for _ in range(20))])
    assert most_of_between(n, n_whole) == pytest.approx(excess.mean() / between.mean(), abs=0.02)


@pytest.mark.parametrize("power", [1.0, 0.3])
def test_a_curve_is_carried_on_to_the_whole_session(power):
    def novelty(n_learned):
        return 5.0 + 2.0 * (100 / n_learned) ** power

    curve = LearningCurve(100, power)
    for _ in range(3):
        curve.add(80, 60, np.array([novelty(80)]), np.array([novelty(60)]))
    assert curve.excess(80) == pytest.approx(novelty(80) - novelty(100))
    assert curve.excess(100) == 0.0


def test_what_a_few_neighbors_are_worth(rng):
    """Without one block more, most rows keep their neighbors: a median row lost nothing."""
    curve = LearningCurve(100, 1.0)
    for _ in range(3):
        more = rng.uniform(0.0, 1.0, 1000)
        curve.add(80, 60, more, more + 0.5 * (rng.random(1000) < 0.4))
    between = 100 / 60 - 100 / 80
    assert curve.excess(80) == pytest.approx(0.2 / between * 0.25, rel=0.2)


def test_what_blocks_disagree_about_is_chance():
    curve = LearningCurve(100, 1.0)
    for step in (3.0, -3.0, 0.1):
        curve.add(80, 60, np.array([0.0]), np.array([step]))
    assert curve.excess(80) == 0.0


def test_a_fit_on_more_that_knows_less_is_no_curve():
    curve = LearningCurve(100, 1.0)
    assert curve.excess(80) == 0.0
    for _ in range(2):
        curve.add(80, 60, np.array([1.0]), np.array([0.5]))
    assert curve.excess(80) == 0.0
