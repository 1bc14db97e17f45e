"""Why a moment is familiar or strange."""

import numpy as np
import pytest

from barkcluster import FamiliarityModel, load_model
from barkcluster.model.explanation import band_words


@pytest.fixture(scope="module")
def heard():
    """Forty seconds, each second a sound of its own with a rhythm of its own."""
    rng = np.random.default_rng(3)
    frames = np.repeat(rng.normal(-45, 8, size=(40, 25)), 100, axis=0)
    onsets = rng.uniform(size=4000) < 0.08
    return frames + 12 * onsets[:, None] + rng.normal(0, 1.5, size=frames.shape)


@pytest.fixture(scope="module")
def model(heard):
    return FamiliarityModel(scales=(1.0, 3.0)).fit(heard)


def test_a_repeated_moment_reminds_of_its_first_time(model, heard):
    again = np.concatenate([heard[3000:3200], heard[1500:2000]])
    explanation = model.explain(again, 6.8)
    of = {view: [r.time for r in explanation.matches if r.view == view]
          for view in ("texture", "rhythm", "pattern0")}
    # Remembered once in each tenth of a second, wherever that is.
    assert of["texture"][0] == pytest.approx(15 + 4.8, abs=0.2)
    # Remembered at tempi around this one, and not at every hop.
    assert of["rhythm"][0] == pytest.approx(15 + 4.8, abs=0.31)
    for times in of.values():
        assert len(times) == 3
        assert np.abs(np.diff(sorted(times))).min() > 1
    distances = [r.distance for r in explanation.matches if r.view == "texture"]
    assert distances == sorted(distances)


def test_it_says_what_the_timeline_says(model, heard):
    again = heard[500:2500]
    timeline = model.timeline(again)
    for time in (1.5, 3.4, 12.0, 20.0):
        explanation = model.explain(again, time)
        row = int(np.argmin(np.abs(timeline.times - time)))
        assert explanation.time == pytest.approx(timeline.times[row])
        assert explanation.familiarity == pytest.approx(timeline.familiarity[row], rel=1e-5)
        known = timeline.by_scale[row][np.isfinite(timeline.by_scale[row])]
        assert list(explanation.by_scale.values()) == pytest.approx(known, rel=1e-5)


def test_louder_bands_are_named(model, heard):
    strange = heard[1000:1800].copy()
    strange[:, 11:13] += 30
    explanation = model.explain(strange, 8.0)
    assert set(np.argsort(explanation.bands)[-2:]) == {11, 12}
    assert explanation.bands[11] == pytest.approx(30, abs=8)
    assert "louder at" in str(explanation) and "1.5 kHz to 2 kHz" in str(explanation)


def test_all_bands_louder_are_all_bands(model, heard):
    bands = model.explain(heard[1000:1800] + 9.0, 7.9).bands
    np.testing.assert_allclose(bands, 9.0, atol=5.0)


@pytest.mark.parametrize("scorer", ["kmeans", "gmm", "som"])
def test_other_scorers_say_what_they_can(heard, scorer):
    fitted = FamiliarityModel(scorer, scales=(1.0,), random_state=0).fit(heard[:1500])
    explanation = fitted.explain(heard[:1500], 10.0)
    assert bool(explanation.matches) == (scorer == "kmeans")
    assert explanation.bands.shape == (25,)
    assert "familiarity" in str(explanation)


def test_a_loaded_model_explains_the_same(model, heard, tmp_path):
    model.save(tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    one, other = (m.explain(heard[:1000], 9.0) for m in (model, again))
    assert one.matches == other.matches
    assert str(one) == str(other)


def test_times_before_the_first_window_and_past_the_end_are_errors(model, heard):
    for time in (0.9, 10.1):
        with pytest.raises(ValueError, match=r"time must be from 1 s.*to the end, 10 s; got"):
            model.explain(heard[:1000], time)


def test_bands_in_words():
    assert band_words(np.zeros(25)) == ""
    assert band_words(np.full(25, -5.0)) == "softer in all bands"
    assert band_words(np.zeros(8)) == ""
