"""Scorers judged together say what each says alone."""

import naive
import numpy as np
import pytest

from barkcluster import SCORERS, KMeansScorer, KNNDensityScorer
from barkcluster.scorers.nearest import NearestRows
from barkcluster.scorers.together import Together


def fitted(name, rng, n_rows, n_features=6, **parameters):
    rows = rng.normal(size=(n_rows, n_features)).cumsum(axis=0)
    return SCORERS[name](n_blocks=3, gap=2, **parameters).fit(rows)


def judged_rows(rng, scorers, counts):
    return [rng.normal(scale=5.0, size=(n, scorer.n_features_in_)).astype(np.float32)
            for scorer, n in zip(scorers, counts, strict=True)]


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("counts", [(1, 1, 1, 1), (700, 700, 700, 700), (9, 4, 0, 9)])
def test_together_they_say_what_each_says_alone(rng, name, counts):
    # As many features and not, as many remembered and not, in metrics of their own.
    scorers = [fitted(name, rng, 60), fitted(name, rng, 25),
               fitted(name, rng, 40, whitening=0.75), fitted(name, rng, 50, n_features=9)]
    rows = judged_rows(rng, scorers, counts)
    expected = [scorer.novelty(X) if len(X) else np.empty(0)
                for scorer, X in zip(scorers, rows, strict=True)]
    novelty = Together(scorers).novelty_of(rows)
    assert novelty.shape == (4, max(counts))
    for said, alone in zip(novelty, expected, strict=True):
        np.testing.assert_allclose(said[len(said) - len(alone):], alone, rtol=1e-12, atol=1e-12)
    for scorer, X, alone in zip(scorers, rows, expected, strict=True):
        if len(X):  # and alone they still do
            np.testing.assert_allclose(scorer.novelty(X), alone, rtol=1e-12, atol=1e-12)


def test_scorers_of_several_kinds_are_judged_by_their_own(rng):
    scorers = [fitted(name, rng, 40) for name in (*SCORERS, *SCORERS)]
    rows = judged_rows(rng, scorers, [5] * len(scorers))
    for said, scorer, X in zip(Together(scorers).novelty_of(rows), scorers, rows, strict=True):
        np.testing.assert_allclose(said, scorer.novelty(X), rtol=1e-12)


def test_a_class_that_writes_its_own_novelty_is_asked_itself(rng):
    class Doubled(KMeansScorer):
        def _novelty(self, X):
            return 2.0 * super()._novelty(X)

    class Shifted(KMeansScorer):
        def to_metric(self, rows):
            return super().to_metric(rows) + 1.0

    rows = rng.normal(size=(40, 3))
    scorers = [kind(n_clusters=4, random_state=0).fit(rows)
               for kind in (KMeansScorer, KMeansScorer, Doubled, Shifted)]
    plain, same, doubled, shifted = Together(scorers).novelty_of([rows[:7]] * 4)
    np.testing.assert_array_equal(plain, same)
    np.testing.assert_array_equal(doubled, scorers[2].novelty(rows[:7]))
    np.testing.assert_allclose(doubled, 2.0 * plain)
    np.testing.assert_array_equal(shifted, scorers[3].novelty(rows[:7]))


def test_what_lies_together_is_not_kept_apart_as_well(rng):
    scorers = [fitted("knn", rng, n) for n in (60, 25)]
    before = [scorer.memory_.copy() for scorer in scorers]
    together = Together(scorers)
    for scorer, memory in zip(scorers, before, strict=True):
        np.testing.assert_array_equal(scorer.memory_, memory)
        assert any(np.shares_memory(scorer.memory_, kept) for group in together._groups
                   for kept in group._judge.memories)


def test_nearest_rows_agree_with_naive(rng):
    memories = [rng.normal(size=(n, 4)) for n in (30, 3, 12)]
    X = rng.normal(size=(3, 20, 4))
    for k in (1, 3):
        novelty = NearestRows(memories, k).of_all([X])
        for said, memory, rows in zip(novelty, memories, X, strict=True):
            np.testing.assert_allclose(said, naive.mean_neighbor_distance(memory, rows, k))


def test_memories_of_several_widths_are_searched_in_one_step(rng):
    # Those of few features need not remember as many as those of many, and the other way round.
    for sizes in ([(30, 4), (3, 4), (12, 7)], [(5, 2), (40, 7), (9, 7)]):
        memories = [rng.normal(size=size) for size in sizes]
        blocks = [rng.normal(size=(sum(d == width for _, d in sizes), 20, width))
                  for width in dict.fromkeys(d for _, d in sizes)]
        X = [rows for block in blocks for rows in block]
        for k in (1, 3):
            nearest = NearestRows(memories, k)
            for s, (said, memory, rows) in enumerate(
                    zip(nearest.of_all(blocks), memories, X, strict=True)):
                expected = naive.mean_neighbor_distance(memory, rows, k)
                np.testing.assert_allclose(said, expected)
                np.testing.assert_allclose(nearest.alone(s).of_all([rows[None]])[0], expected)


def test_neighbors_that_single_precision_cannot_tell_apart_are_measured(rng):
    # As in a loop: rows that differ by less than the fast search sees, far from zero.
    memory = 1000.0 + 1e-4 * rng.normal(size=(200, 5))
    X = memory[rng.integers(0, 200, 60)] + 1e-5 * rng.normal(size=(60, 5))
    for k in (1, 3, 20):
        nearest = NearestRows([memory, memory[::-1]], k)
        expected = naive.mean_neighbor_distance(memory, X, k)
        for said in nearest.of_all([np.stack([X, X])]):
            np.testing.assert_allclose(said, expected, rtol=1e-9)
        for i in range(0, 60, 13):
            alone = nearest.novelty([np.stack([X[i:i + 1]] * 2)])
            np.testing.assert_allclose(alone[:, 0], expected[i], rtol=1e-9)


@pytest.mark.parametrize("size", [1e18, 1e25, 1e100])
def test_rows_too_large_for_single_precision_are_measured(rng, size):
    scorer = KNNDensityScorer(n_neighbors=2).fit(rng.normal(size=(30, 3)))
    X = size * np.array([[1.0, 2.0, 2.0], [0.0, 3.0, 4.0]])
    np.testing.assert_allclose(scorer.novelty(X), [3.0 * size, 5.0 * size], rtol=1e-9)


@pytest.mark.parametrize("size", [1e18, 1e25, 1e100])
def test_memories_too_large_for_single_precision_are_searched(rng, size):
    memories = [size * rng.normal(size=(n, 3)) for n in (30, 2)]
    X = size * rng.normal(size=(2, 8, 3))
    for said, memory, rows in zip(NearestRows(memories, 2).novelty([X]), memories, X, strict=True):
        np.testing.assert_allclose(said, naive.mean_neighbor_distance(memory, rows, 2))


@pytest.mark.parametrize("name", SCORERS)
def test_no_rows_have_no_novelty(rng, name):
    scorer = fitted(name, rng, 40)
    assert scorer.novelty_of(np.empty((0, 6))).shape == (0,)
    assert Together([scorer, scorer]).novelty_of([np.empty((0, 6))] * 2).shape == (2, 0)
