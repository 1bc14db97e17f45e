"""What each scorer's own method knows."""

import naive
import numpy as np
import pytest
from minisom import MiniSom
from scipy.spatial.distance import pdist

from barkcluster.scorers import GaussianMixtureScorer, KMeansScorer, KNNDensityScorer, SOMScorer
from barkcluster.scorers.knn_density import k_center
from barkcluster.scorers.metric import correlation_gap, whitening_basis


def test_knn_agrees_with_naive(rng):
    X, new = rng.normal(size=(200, 7)), rng.normal(size=(30, 7)) * 2
    scorer = KNNDensityScorer(n_neighbors=4).fit(X)
    np.testing.assert_allclose(scorer.novelty(new), naive.mean_neighbor_distance(X, new, 4))


def test_knn_far_from_zero_keeps_small_distances(rng):
    X = rng.normal(size=(100, 20)) + 1e6
    scorer = KNNDensityScorer(n_neighbors=1).fit(X)
    np.testing.assert_allclose(scorer.novelty(X), 0.0, atol=1e-6)


def test_knn_tells_which_windows_it_is_reminded_of(rng):
    X = rng.normal(size=(100, 5))
    distances, rows = KNNDensityScorer(n_neighbors=2).fit(X).kneighbors(X[[17, 60]])
    assert list(rows[:, 0]) == [17, 60]
    np.testing.assert_allclose(distances[:, 0], 0.0, atol=1e-12)


def test_a_thinned_memory_keeps_the_rare_and_knows_its_rows(rng):
    X = rng.normal(size=(4000, 3))
    X[1000:1010] += 50.0
    scorer = KNNDensityScorer(max_memory=200).fit(X)
    assert len(scorer.memory_) == 200
    assert (scorer.memory_[:, 0] > 30).any()
    np.testing.assert_allclose(scorer.memory_ + scorer.metric_mean_, X[scorer.memory_rows_])


def test_a_thinned_memory_locks_onto_no_beat(rng):
    """Four places in a bar, and a memory of 900 evenly spaced rows held one of the four."""
    places = rng.normal(size=(4, 8)) * 5
    bars = np.tile(places, (900, 1))[:899 * 4 + 1]
    scorer = KNNDensityScorer().fit(bars + rng.normal(size=bars.shape))
    again = np.tile(places, (500, 1))
    strange = scorer.score_samples(again + rng.normal(size=again.shape)) < 0.05
    assert strange.reshape(-1, 4).mean(axis=0) == pytest.approx(0.05, abs=0.04)


def test_k_center_covers_better_than_chance(rng):
    X = rng.normal(size=(500, 4)) ** 3

    def radius(rows):
        return max(naive.mean_neighbor_distance(X[rows], X, 1))

    assert radius(k_center(X, 40)) < 0.7 * radius(rng.choice(500, 40, replace=False))


def test_kmeans_agrees_with_naive(rng):
    X, new = rng.normal(size=(200, 6)), rng.normal(size=(30, 6))
    scorer = KMeansScorer(n_clusters=9, random_state=0).fit(X)
    np.testing.assert_allclose(
        scorer.novelty(new), naive.nearest_prototype_distance(scorer.prototypes_, new))


def test_kmeans_prototypes_are_in_the_units_of_the_features(rng):
    X = rng.normal(5.0, [1.0, 10.0], size=(300, 2))
    scorer = KMeansScorer(n_clusters=4, whitening=1.0, random_state=0).fit(X)
    for label, prototype in enumerate(scorer.prototypes_):
        np.testing.assert_allclose(prototype, X[scorer.labels_ == label].mean(axis=0), atol=0.2)
    np.testing.assert_array_equal(scorer.labels(X), scorer.labels_)


def test_gmm_agrees_with_naive(rng):
    X, new = rng.normal(size=(300, 4)), rng.normal(size=(20, 4))
    scorer = GaussianMixtureScorer(n_components=3, random_state=0).fit(X)
    projected = (new - scorer.metric_mean_) @ scorer.directions_
    np.testing.assert_allclose(
        scorer.novelty(new),
        naive.mixture_nll(projected, scorer.weights_, scorer.means_, scorer.variances_))


@pytest.mark.parametrize("rows", [
    lambda rng: np.r_[rng.normal(size=(99, 3)), np.full((1, 3), 1e6)],
    lambda rng: rng.normal(size=(100, 3)) + 1e8 * (np.arange(100) < 50)[:, None],
    lambda rng: np.tile(rng.normal(size=(20, 3)), (5, 1)),
    lambda rng: np.full((100, 3), -40.0),
], ids=["a row far off", "far apart", "loop", "silence"])
def test_gmm_loses_nothing_to_its_one_product(rng, rows):
    """Squares less products, where they are far larger than what is left of them."""
    X = rows(rng)
    scorer = GaussianMixtureScorer(n_components=3, random_state=0).fit(X)
    heard = np.r_[X, X + rng.normal(size=X.shape)]
    expected = naive.mixture_nll(scorer.to_metric(heard) @ scorer.directions_, scorer.weights_,
                                 scorer.means_, scorer.variances_)
    np.testing.assert_allclose(scorer.novelty(heard), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([scorer.novelty(row[None])[0] for row in heard], expected,
                               rtol=1e-9, atol=1e-9)


def test_gmm_hears_what_lies_off_its_directions(rng):
    X = np.zeros((200, 40))
    X[:, :25] = rng.normal(size=(200, 25)) * np.linspace(5, 1, 25)
    scorer = GaussianMixtureScorer(random_state=0).fit(X)
    new = X[:1].copy()
    new[0, 39] = 30.0
    assert scorer.score_samples(new)[0] < 0.01 < scorer.score_samples(X[:1])[0]


def test_responsibilities_sum_to_one(rng):
    X = np.vstack([rng.normal(size=(100, 3)), rng.normal(9, 1, size=(100, 3))])
    scorer = GaussianMixtureScorer(n_components=2, random_state=0).fit(X)
    responsibilities = scorer.responsibilities(X)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1.0)
    assert (responsibilities[:100].argmax(axis=1) != responsibilities[100:].argmax(axis=1)).all()


def test_kmeans_tells_rows_apart_by_any_column(rng):
    # All alike in the first, and two in all: as many centers as there are rows that differ.
    X = np.column_stack([np.ones(6), [0.0, 1.0, 1.0, 2.0, 3.0, 4.0]])
    scorer = KMeansScorer(n_clusters=6, random_state=0, n_blocks=2).fit(X)
    np.testing.assert_allclose(scorer.novelty(X), 0.0, atol=1e-9)
    assert len(np.unique(scorer.codebook_, axis=0)) == 5


def test_som_keeps_a_codebook_and_no_minisom(rng):
    X = rng.normal(size=(200, 3))
    scorer = SOMScorer(shape=(3, 5), random_state=0).fit(X)
    assert scorer.codebook_.shape == (3, 5, 3)
    assert not any("minisom" in type(value).__module__ for value in vars(scorer).values())
    np.testing.assert_allclose(
        scorer.novelty(X[:20]),
        naive.nearest_prototype_distance(scorer.prototypes_.reshape(-1, 3), X[:20]))


def test_som_is_trained_as_minisom_trains_by_itself(rng, monkeypatch):
    X = rng.normal(size=(80, 3))
    scorer = SOMScorer(shape=(3, 5), n_iter=200, random_state=0)
    ours = scorer.fit(X).codebook_
    monkeypatch.setattr("barkcluster.scorers.som.MiniSom", lambda *shape, **options: MiniSom(
        *shape, **{**options, "activation_distance": "euclidean"}))
    monkeypatch.setattr("barkcluster.scorers.som._Neighborhood", lambda *shape: MiniSom(
        *shape, 3, sigma=1.5).neighborhood)
    np.testing.assert_allclose(ours, scorer.fit(X).codebook_, rtol=1e-9)


def test_som_units_and_hits_belong_together(rng):
    X = rng.normal(size=(150, 3))
    scorer = SOMScorer(random_state=0).fit(X)
    units, hits = scorer.best_matching_unit(X), scorer.hits(X)
    assert hits.sum() == 150
    assert hits[tuple(units[0])] == (units == units[0]).all(axis=1).sum()
    error = np.linalg.norm(scorer.prototypes_[units[:, 0], units[:, 1]] - X, axis=1)
    np.testing.assert_allclose(error, scorer.novelty(X))


def test_som_neighbors_on_the_map_are_alike(rng):
    X = rng.uniform(size=(400, 2))
    codebook = SOMScorer(shape=(6, 6), random_state=1).fit(X).codebook_
    beside = np.linalg.norm(np.diff(codebook, axis=0), axis=2).mean()
    anywhere = np.linalg.norm(codebook.reshape(-1, 1, 2) - codebook.reshape(1, -1, 2),
                              axis=2).mean()
    assert beside < 0.6 * anywhere


@pytest.mark.parametrize(("scorer", "message"), [
    (KNNDensityScorer(n_neighbors=0), "n_neighbors must be a positive integer; got 0"),
    (KNNDensityScorer(max_memory=-1), "max_memory must be a positive integer; got -1"),
    (KMeansScorer(n_clusters=2.5), "n_clusters must be a positive integer; got 2.5"),
    (GaussianMixtureScorer(n_components="two"), "n_components must be a positive integer"),
    (SOMScorer(shape=(3, 0)), "shape must be a positive integer; got 0"),
    (SOMScorer(shape=(3,)), "shape must be 'auto' or \\(down, across\\)"),
    (SOMScorer(sigma=0), "sigma must be a positive number; got 0"),
])
def test_sizes_are_checked_in_fit(scorer, message):
    with pytest.raises(ValueError, match=message):
        scorer.fit(np.arange(20.0).reshape(10, 2))


def test_full_whitening_evens_out_the_spread(rng):
    X = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4))
    centered = X - X.mean(axis=0)
    covariance = np.cov((centered @ whitening_basis(centered, 1.0, 0.0)).T)
    np.testing.assert_allclose(covariance, np.eye(4), atol=0.05)


def test_no_whitening_keeps_distances(rng):
    X = rng.normal(size=(50, 4))
    centered = X - X.mean(axis=0)
    moved = centered @ whitening_basis(centered, 0.0, 0.3)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(centered, axis=1))


def test_metrics_follow_rows_in_as_many_directions_as_are_wanted(rng):
    rows = rng.normal(size=(60, 250)) * np.linspace(3.0, 1.0, 250)
    centered = rows - rows.mean(axis=0)
    every, some = (whitening_basis(centered, 0.75, 0.3, n_reached) for n_reached in (None, 20))
    assert some.shape == every.shape == (250, 200)
    np.testing.assert_allclose(some[:, :20], every[:, :20])
    # The others are drawn, as for a fit that heard few rows: they are orthogonal to these alone.
    np.testing.assert_allclose(some[:, :20].T @ some[:, 20:], 0.0, atol=1e-9)
    assert np.abs(every[:, 20:59].T @ some[:, 20:]).max() < np.abs(
        every[:, 20:59].T @ every[:, 20:59]).max()


@pytest.mark.parametrize("n_rows", [2, 50, 220])
def test_few_rows_with_many_features_lie_as_far_apart_as_by_their_covariance(rng, n_rows):
    X = rng.normal(size=(n_rows, 300)) * np.linspace(0.1, 3.0, 300)
    X[1] = X[0] + 1.0  # not of full rank, either, once the mean is off
    centered = X - X.mean(axis=0)
    covariance = centered.T @ centered / n_rows
    shrunk = 0.7 * covariance + 0.3 * np.trace(covariance) / 300 * np.eye(300)
    values, vectors = np.linalg.eigh(shrunk)
    expected = centered @ (vectors[:, -200:] * values[-200:] ** -0.375)
    basis = whitening_basis(centered, 0.75, 0.3)
    assert basis.shape == (300, 200)
    np.testing.assert_allclose(pdist(centered @ basis), pdist(expected), rtol=1e-6)


def test_the_gap_is_about_the_length_of_the_windows(rng):
    noise = rng.normal(size=(6000, 5))
    sums = np.cumsum(noise, axis=0)
    windows = (sums[100:] - sums[:-100]) / 100
    assert 60 < correlation_gap(windows) < 160
    assert correlation_gap(noise) <= 3
    assert correlation_gap(np.zeros((100, 3))) == 0


def test_centers_of_silence_and_loops_need_no_warning(monkeypatch):
    """Threads share the filters of warnings: one that learned while a test began raised it."""
    monkeypatch.setattr("warnings.simplefilter", lambda *arguments: None)
    for rows in (np.zeros((60, 3)), np.tile(np.eye(4), (15, 1))):
        scorer = KMeansScorer(n_clusters=12).fit(rows)
        assert scorer.codebook_.shape == (12, rows.shape[1])
        np.testing.assert_array_equal(scorer.novelty(rows), 0.0)


def test_a_gaussian_does_not_follow_the_few_rows_that_it_holds(rng):
    """Two rows that are nearly the same would be a Gaussian that nothing else fits into."""
    rows = rng.normal(size=(100, 4))
    rows[1] = rows[0] + 1e-6
    scorer = GaussianMixtureScorer(n_components=40, random_state=0).fit(rows)
    assert scorer.variances_.min() > 0.25 * np.mean(np.var(rows, axis=0))
