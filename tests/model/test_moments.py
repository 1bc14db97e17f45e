"""How scales make the number of the moment."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from barkcluster import FamiliarityModel, load_model
from barkcluster.calibration.calibration import Calibration, Calibrations
from barkcluster.model.moments import SUDDEN_LIMIT, Moments
from barkcluster.synthetic import make_session

SCALES = (0.5, 1.0, 10.0)


@pytest.fixture(scope="module")
def learned():
    """Scales that go together only in part, as those of one music do."""
    rng = np.random.default_rng(0)
    music = rng.normal(size=(2, 400))
    by_scale = [0.8 * music[0] + 0.6 * rng.normal(size=400) for _ in SCALES[:2]]
    by_scale.append(music[1])
    together = [by_scale[:i + 1] for i in range(3)]
    lower = [[z - 10 for z in held] for held in together]
    return Moments.learned(SCALES, together, lower), together


def test_one_in_twenty_held_out_moments_is_one_in_twenty_by_its_mean(learned):
    moments, together = learned
    for i, by_scale in enumerate(together):
        mean = np.average(by_scale, axis=0, weights=SCALES[:i + 1])
        scores = moments.means[i].strangeness(mean)
        assert np.mean(scores > norm.ppf(0.95)) == pytest.approx(0.05, abs=0.01)


def test_short_scales_overrule_by_a_quarter_but_what_is_known_by_heart(learned):
    moments, _ = learned
    for short, long in ((2.0, 0.0), (0.0, 0.0), (0.0, 3.0), (-1.0, -3.0), (1.0, -3.0)):
        by_scale = [np.array([short]), np.array([short]), np.array([long])]
        mean = moments.means[2].strangeness([(1.5 * short + 10 * long) / 11.5])[0]
        sudden = moments.sudden.strangeness([short])[0]
        lead = 0.25 + (1.0 * (-1.0 - mean) if mean < -1.0 else 0.0)
        assert moments.score(by_scale)[0] == pytest.approx(
            max(mean, min(sudden - lead, 1.85) + 0.05 * mean), abs=1e-9)


@pytest.mark.slow
def test_what_was_learned_stays_known_where_half_a_second_of_it_was_not():
    """The few short windows that thinning left out took it down to .83."""
    session, _ = make_session(3, random_state=3)
    timeline = FamiliarityModel().fit(session).timeline(session)
    assert timeline.familiarity.mean() > 0.9


def test_short_scales_alone_overrule_nobody(learned):
    moments, together = learned
    np.testing.assert_array_equal(
        moments.score(together[1]),
        moments.means[1].strangeness((together[1][0] + 2 * together[1][1]) / 3))


def test_without_short_scales_the_mean_is_all():
    z = np.linspace(-2, 2, 50)
    moments = Moments.learned((3.0, 6.0), [[z], [z, z]], [[z - 9], [z - 9, z - 9]])
    assert moments.sudden is None
    np.testing.assert_array_equal(moments.score([z, z]), moments.means[1].strangeness(z))


def test_short_scales_are_heard_but_are_never_the_strangest(learned):
    """Own music whose half seconds were strange came before that of strangers."""
    moments, _ = learned
    short, long = np.array([4.0, 8.0]), np.zeros(2)
    alone = moments.score([short, short, long])
    assert norm.sf(alone[0]) < 0.05
    means = moments.means[-1].strangeness(np.dot(SCALES, [short, short, long]) / sum(SCALES))
    np.testing.assert_allclose(alone, 1.85 + 0.05 * means)
    assert alone[1] < moments.score([long[:1], long[:1], np.array([5.0])])[0]


def test_what_breaks_in_is_stranger_than_what_was_strange_before(learned):
    """Two seconds of other music were at .03, whatever they were: caught off guard is nearer 0."""
    moments, _ = learned
    short, long = np.array([4.0, 8.0, 8.0]), np.zeros(3)
    before = np.array([-1.0, -1.0, 6.0])
    scores = [short, short, long]
    at_once = moments.score(scores, lately=before)
    assert at_once[0] > moments.score(scores)[0] > SUDDEN_LIMIT - 0.1
    assert at_once[1] > at_once[0] + 1.0
    # Where it was strange for ten seconds it goes beyond the limit by what it is stranger.
    sudden = moments.sudden.strangeness(short) - 0.25
    beyond = np.maximum(sudden - 1.85 - np.maximum(moments.sudden.strangeness(before), 0.0), 0.0)
    np.testing.assert_allclose(at_once - moments.score(scores), beyond)
    assert beyond[2] < 0.5 < beyond[1]
    calm = [0.5 * long + 0.1] * 3
    np.testing.assert_array_equal(moments.score(calm, lately=before), moments.score(calm))


def test_what_breaks_off_is_as_strange_as_the_limit_and_no_more(learned):
    moments, _ = learned
    calm = [np.full(4, -1.5)] * 3
    breaks = np.array([1.0, 0.5, -9.0, -np.inf])
    said = moments.score(calm, 2.0, breaks=breaks)
    np.testing.assert_allclose(said[:2], [2.0, 1.0])
    np.testing.assert_array_equal(said[2:], moments.score(calm, 2.0)[2:])


def test_of_what_short_scales_call_strange_all_together_say_which_is_strangest(learned):
    """A player who came in was stranger than other music: to half a second nothing is louder."""
    moments, _ = learned
    entry, stranger = moments.score([np.array([9.0, 3.0]), np.array([9.0, 3.0]),
                                     np.array([-1.0, 0.9])])
    assert 1.64 < entry < stranger


def test_what_files_of_before_say_stays_as_it_was(learned):
    first = Moments((0.5, 10.0), definition=1)
    scores = np.array([[0.0, 9.0], [0.0, 0.0]])
    np.testing.assert_allclose(first.score(list(scores)), [0.0, 7.5])
    np.testing.assert_allclose(first.score([scores[0]]), [0.0, 9.0])
    second = Moments(SCALES, learned[0].means, learned[0].sudden, definition=2)
    far = np.array([30.0])
    assert second.score([far, far, 0 * far])[0] == second.sudden.strangeness(far)[0] - 0.25
    third = Moments(SCALES, learned[0].means, learned[0].sudden, definition=3)
    short = np.array([4.0])
    uncalibrated = second.score([short, short, 0 * short])
    np.testing.assert_allclose(third.score([short, short, 0 * short]),
                               1.85 + 0.1 * (uncalibrated - 1.85))
    rare, usual = np.array([[0.5, 0.05]]), Calibrations([Calibration(np.linspace(-1, 1, 99))])
    np.testing.assert_allclose(second.scores_of(9 * rare, usual, rare), [[0.0, 1.64485]],
                               atol=1e-5)
    assert first.scores_of(scores, usual, rare) is scores


def test_scales_are_added_in_one_unit(learned):
    scales = Calibrations([Calibration(np.linspace(1.0, 3.0, 101)), Calibration(np.zeros(9))])
    scores = np.array([[2.0, 2.9, 3.8], [0.0, 0.2, 2.0]])
    np.testing.assert_allclose(learned[0].scores_of(scores, scales, scores),
                               1.6448536 * np.array([[0, 1, 2], [0, 1, 10]]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("definition", [1, 2, 3, 5])
def test_a_model_of_before_is_saved_as_it_is(tmp_path, definition):
    session, _ = make_session(0.5, random_state=0)
    model = FamiliarityModel("kmeans", scales=(0.5, 3.0), random_state=0).fit(session)
    moments = model.ensemble_.moments
    model.ensemble_.moments = (Moments(model.scales_, definition=1) if definition == 1 else
                               Moments(model.scales_, moments.means, moments.sudden, definition))
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    assert again.ensemble_.moments.definition == definition
    np.testing.assert_allclose(again.timeline(session).familiarity,
                               model.timeline(session).familiarity)


@pytest.mark.slow
def test_a_surprise_is_called_strange_where_little_is_known_of_what_comes_next(rng):
    # A minute and a half is worth few windows of 10 s: moments must be stranger than those held
    # out, and what short scales may say by themselves must keep up with that.
    jam = make_session(2, random_state=0)[0].frames.astype(float)
    model = FamiliarityModel().fit(jam[:9000])
    assert max(model.ensemble_.sudden_limits) > SUDDEN_LIMIT
    rest = jam[9000:].copy()
    rest[1500:1700] = rng.normal(-40, 5, (200, 25))
    first = slice(140, 155)  # a second and a half
    assert np.count_nonzero(model.timeline(rest).familiarity[first] < 0.05) > 10
    model.ensemble_.sudden_limits = [SUDDEN_LIMIT] * len(model.scales_)
    model.ensemble_.moments = replace(model.ensemble_.moments, definition=5)
    assert not np.any(model.timeline(rest).familiarity[first] < 0.05)  # as it was
