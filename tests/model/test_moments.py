"""How scales make the number of the moment."""

import numpy as np
import pytest
from scipy.stats import norm

from barkcluster import FamiliarityModel, load_model
from barkcluster.calibration.calibration import Calibration
from barkcluster.model.moments import Moments
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
    for short, long in ((6.0, 0.0), (0.0, 0.0), (0.0, 3.0), (-1.0, -3.0), (1.0, -3.0)):
        by_scale = [np.array([short]), np.array([short]), np.array([long])]
        mean = moments.means[2].strangeness([(1.5 * short + 10 * long) / 11.5])[0]
        sudden = moments.sudden.strangeness([short])[0]
        lead = 0.25 + (2.0 * (-1.0 - mean) if mean < -1.0 else 0.0)
        assert moments.score(by_scale)[0] == pytest.approx(max(mean, sudden - lead), abs=1e-9)


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


def test_uncalibrated_scores_are_added_as_they_are():
    moments = Moments((0.5, 10.0))
    scores = [np.array([0.0, 9.0]), np.array([0.0, 0.0])]
    np.testing.assert_allclose(moments.score(scores), [0.0, 7.5])
    np.testing.assert_allclose(moments.score(scores[:1]), [0.0, 9.0])
    assert moments.common(scores[0], np.array([0.5, 0.01])) is scores[0]


def test_what_scales_say_comes_in_one_unit():
    usual = Calibration(np.linspace(-1.0, 1.0, 99))
    np.testing.assert_allclose(
        Moments((0.5,), [usual], usual).common(np.array([7.0]), np.array([0.05])), [1.64485],
        rtol=1e-5)


@pytest.mark.slow
def test_a_model_of_before_moments_were_calibrated_is_saved_as_it_is(tmp_path):
    session, _ = make_session(1, random_state=0)
    model = FamiliarityModel("kmeans", scales=(0.5, 3.0), random_state=0).fit(session)
    model.ensemble_.moments = Moments(model.scales_)
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    assert again.ensemble_.moments.means == []
    np.testing.assert_allclose(again.timeline(session).familiarity,
                               model.timeline(session).familiarity)
