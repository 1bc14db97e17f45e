"""What every scorer owes; `scorer` runs over SCORERS."""

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from barkcluster.scorers import SCORERS
from barkcluster.scorers.base import ScaleWarning


def make(name, **parameters):
    seeded = {} if name == "knn" else {"random_state": 0}
    return SCORERS[name](**seeded, **parameters)


@pytest.fixture(params=sorted(SCORERS))
def scorer(request):
    return make(request.param)


def ar1_windows(rng, seconds=300, rho=0.95, length=100, hop=10):
    """Means of 1 s windows of a 25-band AR(1) process at 100 Hz, a row each 0.1 s."""
    noise = rng.normal(size=(seconds * 100, 25))
    frames = lfilter([np.sqrt(1 - rho**2)], [1, -rho], noise, axis=0)
    sums = np.concatenate([np.zeros((1, 25)), np.cumsum(frames, axis=0)])
    ends = np.arange(length, len(frames) + 1, hop)
    return (sums[ends] - sums[ends - length]) / length


@parametrize_with_checks([make("knn")])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([
    make(name, **({"shape": (3, 3), "n_iter": 90} if name == "som" else {}))  # a small map
    for name in sorted(SCORERS) if name != "knn"])
def test_scikit_learn_contract_of_the_others(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("name", "n_rows", "n_groups"), [
    ("som", 60, 6), ("som", 240, 6), ("gmm", 240, 3), ("kmeans", 60, 3), ("knn", 60, 3)])
def test_held_out_rows_are_judged_by_as_large_a_fit(rng, name, n_rows, n_groups):
    """A map of 3 x 3 units was calibrated by what maps of 2 x 2 said of a smaller session."""
    strange = []
    for _ in range(4):
        groups = rng.normal(size=(n_groups, 8)) * 5
        rows = groups[np.arange(n_rows + 600) % n_groups] + rng.normal(size=(n_rows + 600, 8))
        scorer = make(name).fit(rows[:n_rows])
        strange.append(np.mean(scorer.score_samples(rows[n_rows:]) < 0.05))
    assert np.mean(strange) < 0.1


def test_one_row_scores_as_in_a_batch(scorer, rng):
    X = rng.normal(size=(40, 4))
    together = scorer.fit(X).novelty(X)
    alone = [scorer.novelty(row[None])[0] for row in X]
    np.testing.assert_allclose(alone, together)


@pytest.mark.parametrize("whitening", [0.0, 0.75, 1.0])
def test_a_second_fit_equals_a_fresh_one(scorer, rng, whitening):
    scorer.set_params(whitening=whitening)
    X, other = rng.normal(size=(60, 6)), rng.normal(size=(90, 6))
    fresh = clone(scorer).fit(X).score_samples(other)
    np.testing.assert_array_equal(scorer.fit(other).fit(X).score_samples(other), fresh)


def test_scoring_changes_nothing(scorer, rng):
    X = rng.normal(size=(50, 3))
    given = X.copy()
    before = scorer.fit(X).novelty(X)
    scorer.score_samples(X * 3)
    np.testing.assert_array_equal(scorer.novelty(X), before)
    np.testing.assert_array_equal(X, given)


def test_far_is_stranger_than_near_and_familiarity_says_so(scorer, rng):
    X = rng.normal(size=(400, 5))
    scorer.fit(X)
    distances = np.array([0.0, 4.0, 8.0, 30.0, 300.0])
    ray = distances[:, None] * np.full(5, 1.0)
    assert (np.diff(scorer.novelty(ray)) > 0).all()
    familiarity = scorer.score_samples(ray)
    assert (np.diff(familiarity) < 0).all()
    assert ((familiarity > 0) & (familiarity <= 1)).all()
    assert familiarity[0] > 0.3 > 0.05 > familiarity[2]
    assert list(scorer.predict(ray)) == [1, *scorer.predict(ray[1:2]), -1, -1, -1]


@pytest.mark.slow
def test_unheard_windows_of_the_same_process_raise_about_the_promised_alarms(scorer):
    shares = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        heard, unheard = ar1_windows(rng), ar1_windows(rng)
        shares.append(np.mean(scorer.fit(heard).predict(unheard) == -1))
    assert 0.03 <= np.mean(shares) <= 0.07


def test_in_sample_calibration_would_call_the_unheard_strange(scorer, rng):
    # What the blocks are for: novelty of the windows of the fit itself is far too low.
    heard, unheard = ar1_windows(rng, 60), ar1_windows(rng, 60)
    scorer.fit(heard)
    held_out = np.median(scorer.held_out_novelty_)
    assert np.median(scorer.novelty(heard)) < held_out
    assert np.median(scorer.novelty(unheard)) == pytest.approx(held_out, rel=0.35)


@pytest.mark.parametrize("n_rows", [2, 3, 5, 8, 13])
@pytest.mark.parametrize("whitening", [0.0, 0.75])
def test_tiny_and_wide_training_sets_work(scorer, rng, n_rows, whitening):
    X = rng.normal(size=(n_rows, 60))
    scorer.set_params(whitening=whitening)
    familiarity = scorer.fit(X).score_samples(np.vstack([X, X[:1] + 100.0]))
    assert np.isfinite(familiarity).all()
    assert familiarity[-1] < familiarity[:-1].min()


def test_features_too_small_to_be_told_apart_warn(scorer, rng):
    # Powers, for one: all were as familiar as a typical row, whatever they were.
    X = rng.normal(size=(60, 4))
    with pytest.warns(ScaleWarning, match=r"numbers up to 3\.\d+e-08 alone.*StandardScaler"):
        scorer.fit(1e-8 * X)
    scaled = make_pipeline(StandardScaler(), scorer).fit(1e-8 * X)
    assert scaled.score_samples(1e-8 * X).std() > 0.1
    scorer.fit(np.zeros((60, 4)))  # silence is no matter of scale


@pytest.mark.parametrize("size", [1e60, 1e160, 1e300])
def test_features_too_large_to_be_squared_say_so(scorer, rng, size):
    with pytest.raises(ValueError, match=r"X must hold numbers up to 1e\+50; got .*Standard"):
        scorer.fit(size * rng.normal(size=(60, 4)))


def test_one_row_says_that_two_are_needed(scorer):
    with pytest.raises(ValueError, match=r"1 sample.*minimum of 2"):
        scorer.fit(np.zeros((1, 3)))


@pytest.mark.parametrize("whitening", [0.0, 0.75])
def test_a_session_of_silence_is_finite(scorer, whitening):
    scorer.set_params(whitening=whitening).fit(np.zeros((100, 10)))
    same, other = scorer.score_samples(np.vstack([np.zeros(10), np.full(10, 5.0)]))
    assert np.isfinite([same, other]).all()
    assert other < 0.05 < same


def test_silence_within_a_session_is_finite(scorer, rng):
    X = np.vstack([np.zeros((60, 8)), rng.normal(size=(60, 8))])
    familiarity = scorer.fit(X).score_samples(X)
    assert np.isfinite(familiarity).all()


def test_score_is_the_mean_familiarity(scorer, rng):
    X = rng.normal(size=(80, 4))
    scorer.fit(X)
    assert scorer.score(X) == pytest.approx(scorer.score_samples(X).mean())


def test_a_false_alarm_rate_sets_the_threshold(scorer, rng):
    X = rng.normal(size=(300, 4))
    strict = scorer.fit(X).predict(X * 1.5)
    loose = clone(scorer).set_params(false_alarm_rate=0.3).fit(X).predict(X * 1.5)
    assert (loose == -1).sum() > (strict == -1).sum()


def test_asking_before_fitting_says_so(scorer):
    for method in ("novelty", "score_samples", "predict"):
        with pytest.raises(NotFittedError):
            getattr(scorer, method)(np.zeros((2, 3)))


@pytest.mark.parametrize(("parameters", "message"), [
    ({"whitening": 1.5}, "whitening must be from 0 to 1; got 1.5"),
    ({"shrinkage": -0.1}, "shrinkage must be from 0 to 1; got -0.1"),
    ({"n_blocks": 1}, "n_blocks must be at least 2; got 1"),
    ({"gap": -3}, "gap must be 'auto' or a number of rows from 0 up; got -3"),
    ({"false_alarm_rate": 5}, "false_alarm_rate must be between 0 and 1.*got 5"),
])
def test_unusable_parameters_are_named(scorer, parameters, message):
    with pytest.raises(ValueError, match=message):
        scorer.set_params(**parameters).fit(np.zeros((10, 2)))


def test_augmented_rows_are_familiar_and_are_held_out_with_their_rows(scorer, rng):
    X = rng.normal(size=(200, 4))
    rows = np.arange(0, 200, 2)
    augmented = X[rows] + 8.0
    plain = clone(scorer).fit(X)
    wider = clone(scorer).fit(X, augmented=augmented, augmented_rows=rows)
    assert plain.score(augmented) < 0.05
    assert wider.score(augmented) > 0.2
    assert wider.held_out_novelty_.shape == (200,)


@pytest.mark.parametrize(("augmented", "rows", "message"), [
    (np.zeros((2, 3)), [0, 1], "augmented must have the 2 features of X; got 3"),
    (np.zeros((2, 2)), [0], "augmented_rows must name a row of X for each of augmented: 2"),
    (np.zeros((2, 2)), [0, 10], "from 0 to 9"),
    (np.zeros((2, 2)), None, "must be given together"),
])
def test_augmented_rows_must_fit(scorer, augmented, rows, message):
    with pytest.raises(ValueError, match=message):
        scorer.fit(np.arange(20.0).reshape(10, 2), augmented=augmented, augmented_rows=rows)


def test_echoes_are_judged_by_fits_that_did_not_hear_their_rows(scorer, rng):
    X = rng.normal(size=(200, 4))
    rows = np.arange(0, 200, 2)
    plain = clone(scorer).fit(X)
    fitted = clone(scorer).fit(X, echoes=X[rows], echoed_rows=rows)
    assert plain.unheard_echoes().shape == (0,)
    np.testing.assert_allclose(fitted.unheard_echoes(), fitted.unheard_novelty()[rows])
    np.testing.assert_array_equal(fitted.novelty(X), plain.novelty(X))


@pytest.mark.parametrize(("echoes", "rows", "message"), [
    (np.zeros((2, 3)), [0, 1], "echoes must have the 2 features of X; got 3"),
    (np.zeros((2, 2)), [3, 1], "echoed_rows must be in the order of time; got 1 after 3"),
    (np.zeros((2, 2)), None, "echoes and echoed_rows must be given together"),
])
def test_echoes_must_fit(scorer, echoes, rows, message):
    with pytest.raises(ValueError, match=message):
        scorer.fit(np.arange(20.0).reshape(10, 2), echoes=echoes, echoed_rows=rows)
