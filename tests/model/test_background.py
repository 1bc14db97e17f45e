"""A background: what it keeps, what a model learns of it, and what stays as it was."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import naive_z_norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from barkcluster import (
    SCORERS,
    Background,
    Calibration,
    FamiliarityModel,
    ModelFormatError,
    RetrainingStream,
    Session,
    load_background,
    load_model,
)
from barkcluster.calibration.cohort import CohortCalibration, z_norm
from barkcluster.synthetic import make_session
from tests.every_scorer import soon


@pytest.fixture(scope="module")
def jams():
    """Frames of four sessions, half a minute each."""
    return [make_session(0.5, random_state=seed, surprises=False)[0].frames for seed in range(4)]


@pytest.fixture(scope="module")
def background(jams):
    return Background().fit(jams[1:])


@pytest.fixture(scope="module")
def model(jams, background):
    return FamiliarityModel(scales=(0.5, 3.0), background=background).fit(jams[0][:2500])


# The map.

@pytest.mark.parametrize("typical", [-0.5, 0.8, 1.6, 2.2, 3.4, 6.0])
@pytest.mark.parametrize("spread", [0.0, 0.3, 0.5, 1.4])
def test_against_strangers_agrees_with_naive(typical, spread):
    strangeness = np.linspace(-6, 12, 181)
    expected = [naive_z_norm(z, typical, spread) for z in strangeness]
    np.testing.assert_allclose(
        z_norm(strangeness, typical, spread), expected, atol=1e-9)


@given(typical=st.floats(-3, 38), spread=st.floats(0, 10))
def test_against_strangers_increases_without_jumps_and_never_alarms_more(typical, spread):
    strangeness = np.linspace(-8, 38, 4601)
    related = z_norm(strangeness, typical, spread)
    steps = np.diff(related)
    assert np.all(steps > 0)
    assert steps.max() <= 0.01 * 2.0 + 1e-9
    np.testing.assert_array_equal(related[strangeness <= 0], strangeness[strangeness <= 0])
    usual = strangeness < 1.644
    assert np.all(related[usual] <= strangeness[usual] + 1e-12)


def test_strangers_of_every_session_end_up_in_one_place():
    for typical, spread in [(3.4, 0.5), (5.0, 1.0), (2.9, 0.3)]:
        low, middle = z_norm(np.array([typical - spread, typical]), typical, spread)
        assert middle == pytest.approx(2.4)
        assert low == pytest.approx(1.9)


def test_a_calibration_against_strangers_keeps_its_order_and_the_familiar_half(rng):
    alone = Calibration(rng.normal(size=300))
    related = CohortCalibration.of(alone, 4.0, 0.4)
    novelty = np.linspace(-5, 60, 400)
    before, after = alone.familiarity(novelty), related.familiarity(novelty)
    assert np.all(np.diff(after) < 0)
    np.testing.assert_array_equal(after[before >= 0.5], before[before >= 0.5])
    assert np.all(after[before >= 0.05] >= before[before >= 0.05])
    one_by_one = np.concatenate([related.familiarity(novelty[i:i + 1]) for i in range(400)])
    np.testing.assert_array_equal(one_by_one, after)


# What a background keeps.

def test_many_sessions_give_an_excerpt_each_evenly(rng):
    sessions = [np.full((1600, 25), -float(i)) for i in range(64)]
    background = Background().fit(sessions)
    assert background.excerpts_.shape == (32, 1500, 25)
    assert background.n_sessions_ == 32
    levels = background.excerpts_[:, 0, 0]
    assert (levels[0], levels[-1]) == (0, -63)
    assert set(np.diff(levels)) <= {-2.0, -3.0}


def test_excerpts_of_an_exact_loop_begin_at_other_moments_of_it():
    loop = np.arange(200.0)[:, None] * np.full(25, -0.2)        # 2 s
    background = Background().fit([np.tile(loop, (320, 1))])    # parts of 20 s would be in step
    assert background.excerpts_.shape == (32, 1500, 25)
    assert len(np.unique(background.excerpts_[:, 0, 0])) > 25


def test_few_sessions_give_several_excerpts_from_their_middles():
    ramp = np.repeat(np.arange(4500) / 100.0, 25).reshape(-1, 25)
    background = Background().fit([ramp[:1700], ramp])
    np.testing.assert_allclose(background.excerpts_[:, 0, 0], [1, 0, 15, 30], atol=0.02)
    assert repr(background) == (
        "<Background: 4 excerpts of 15 s from 2 sessions, 100 frames a second>")


def test_a_session_brings_its_frame_rate():
    background = Background().fit(Session(np.zeros((800, 25)), frame_rate=50.0))
    assert (background.frame_rate_, background.excerpts_.shape) == (50.0, (1, 750, 25))


@pytest.mark.parametrize(("sessions", "message"), [
    ([], "at least 1500 frames .15 s.; the longest has 0"),
    ([np.zeros((1499, 25))], "at least 1500 frames .15 s.; the longest has 1499"),
    ([np.zeros((2000, 24))], r"sessions\[0\] must have shape"),
    ([np.zeros((2000, 25)), np.full((2000, 25), np.nan)], r"sessions\[1\] must"),
    ([np.full((2000, 25), 1e6)], "sessions.0. must hold finite levels in dB, at most 100"),
    ([Session(np.zeros((2000, 25)), 100.0), Session(np.zeros((2000, 25)), 50.0)],
     "one frame rate; got 50, 100 frames"),
])
def test_what_is_no_background_is_one_error(sessions, message):
    with pytest.raises(ValueError, match=message):
        Background().fit(sessions)


# What a model learns of it.

@pytest.mark.slow
@pytest.mark.parametrize("name", SCORERS)
def test_no_order_changes_and_no_more_alarms(name, jams, background):
    alone = FamiliarityModel(soon(name), scales=(0.5, 3.0), random_state=0).fit(jams[0][:2500])
    related = clone(alone).set_params(background=background).fit(jams[0][:2500])
    frames = np.concatenate([jams[0][2500:], jams[1]])
    before, after = alone.timeline(frames), related.timeline(frames)
    np.testing.assert_array_equal(before.by_scale, after.by_scale)
    full = ~np.isnan(before.by_scale).any(axis=1)
    order = np.argsort(before.familiarity[full])
    assert np.all(np.diff(after.familiarity[full][order]) >= 0)
    usual = before.familiarity >= 0.05
    assert np.all(after.familiarity[usual] >= before.familiarity[usual] - 1e-15)
    assert not np.array_equal(before.familiarity, after.familiarity)


@pytest.mark.slow
def test_a_stream_says_what_the_timeline_says(model, jams):
    stream = model.stream()
    readings = [r for r in map(stream.push, jams[1][:800]) if r is not None]
    np.testing.assert_allclose([r.familiarity for r in readings],
                               model.timeline(jams[1][:800]).familiarity, rtol=1e-9)


@pytest.mark.slow
def test_excerpts_of_the_session_itself_are_left_out(jams, background):
    other = Background().fit(jams[1:])
    with_own = Background().fit(jams[1:])
    with_own.excerpts_ = np.concatenate([other.excerpts_, [jams[0][500:2000].astype(np.float16)]])
    fit = {b: FamiliarityModel(scales=(0.5, 3.0), background=b).fit(jams[0])
           for b in (other, with_own)}
    for first, second in zip(fit[other].calibrations_, fit[with_own].calibrations_, strict=True):
        assert vars(first)["typical_"] == vars(second)["typical_"]


@pytest.mark.slow
def test_a_background_of_the_session_alone_is_no_background(jams):
    own = Background().fit([jams[0]])
    with pytest.warns(UserWarning, match="background has too little"):
        related = FamiliarityModel(scales=(0.5, 3.0), background=own).fit(jams[0])
    alone = FamiliarityModel(scales=(0.5, 3.0)).fit(jams[0])
    np.testing.assert_array_equal(related.timeline(jams[1]).familiarity,
                                  alone.timeline(jams[1]).familiarity)


@pytest.mark.slow
def test_scales_longer_than_an_excerpt_and_closer_than_a_hop(jams, background):
    model = FamiliarityModel(scales=(0.5, 0.52, 18.0), background=background)
    model.fit([jams[0], jams[1]])
    assert np.all(np.isfinite(model.timeline(jams[2]).familiarity))


def test_clone_takes_the_background_as_it_is(model, background):
    again = clone(model)
    assert again.background is background
    assert again.get_params()["background"] is background


@pytest.mark.parametrize(("given", "error", "message"), [
    ("others.npz", ValueError, "background must be a Background or None; got 'others.npz'"),
    (Background(), NotFittedError, "call fit with other sessions"),
    (Background(frame_rate=50.0).fit([np.zeros((1000, 25))]), ValueError,
     "background must come at 100 frames a second, as the session; got 50"),
])
def test_what_a_model_cannot_use_is_one_error(given, error, message, jams):
    with pytest.raises(error, match=message):
        FamiliarityModel(scales=(0.5,), background=given).fit(jams[0])


# Files.

def test_a_background_comes_back_to_the_bit(background, tmp_path):
    background.save(tmp_path / "others.npz")
    again = load_background(tmp_path / "others.npz")
    assert again.excerpts_.dtype == np.float16
    np.testing.assert_array_equal(again.excerpts_, background.excerpts_)
    assert (again.frame_rate_, again.n_sessions_) == (100.0, 3)
    again.save(tmp_path / "again.npz")
    with np.load(tmp_path / "others.npz") as a, np.load(tmp_path / "again.npz") as b:
        np.testing.assert_array_equal(a["excerpts"], b["excerpts"])


def test_a_model_answers_from_its_file_without_the_background(model, jams, tmp_path):
    model.save(tmp_path / "jam.npz")
    again = load_model(tmp_path / "jam.npz")
    assert again.background is None
    np.testing.assert_array_equal(again.timeline(jams[1]).familiarity,
                                  model.timeline(jams[1]).familiarity)
    again.save(tmp_path / "twice.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "twice.npz").timeline(jams[1]).familiarity,
                                  model.timeline(jams[1]).familiarity)


def test_saving_needs_a_fit(tmp_path):
    with pytest.raises(NotFittedError, match="call fit"):
        Background().save(tmp_path / "others.npz")


def test_files_of_another_kind_say_what_loads_them(model, background, tmp_path):
    model.save(tmp_path / "jam.npz")
    background.save(tmp_path / "others.npz")
    with pytest.raises(ModelFormatError, match="holds a model: load it with load_model"):
        load_background(tmp_path / "jam.npz")
    with pytest.raises(ModelFormatError, match="holds a background: load it with load_background"):
        load_model(tmp_path / "others.npz")


def with_header(path, change):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header)
    members["header.json"] = json.dumps(header)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(("change", "message"), [
    ({"excerpts": [33, 1500, 25]}, "excerpts must be 3 to 32, each of 1500 frames of 25 bands"),
    ({"excerpts": [1, 1500, 25]}, "excerpts must be"),
    ({"excerpts": [True, 1500, 25], "n_sessions": 1}, "excerpts must be"),
    ({"excerpts": [6, 1500]}, "excerpts must be"),
    ({"excerpts": 6}, "excerpts must be a list"),
    ({"frame_rate": 50.0}, "each of 750 frames"),
    ({"frame_rate": 1e9}, "frame_rate must be a number"),
    ({"n_sessions": 0}, "n_sessions must be a whole number"),
    ({"surprise": 1}, "has a field 'surprise' that is not known"),
])
def test_hostile_headers_are_refused(background, tmp_path, change, message):
    background.save(tmp_path / "others.npz")
    path = with_header(tmp_path / "others.npz",
                       lambda header: header["background"].update(change))
    with pytest.raises(ModelFormatError, match=message):
        load_background(path)


@pytest.mark.parametrize(("strangers", "message"), [
    ({"typical": 3.0}, "spread is missing"),
    ({"typical": 1e9, "spread": 1.0}, "typical must be a number"),
    ({"typical": 3.0, "spread": -1.0}, "spread must be a number"),
    ({"typical": 3.0, "spread": 1.0, "more": 1}, "'more' that is not known"),
    (None, "strangers must be a JSON object"),
])
def test_hostile_strangers_are_refused(model, tmp_path, strangers, message):
    model.save(tmp_path / "jam.npz")

    def change(header):
        header["model"]["calibrations"][0]["strangers"] = strangers

    with pytest.raises(ModelFormatError, match=message):
        load_model(with_header(tmp_path / "jam.npz", change))


def test_damaged_numbers_are_refused(background, tmp_path):
    background.excerpts_[0, 0, 0], kept = -200.0, background.excerpts_[0, 0, 0]
    with pytest.raises(ValueError, match="the background cannot be saved: excerpts must hold"):
        background.save(tmp_path / "others.npz")
    background.excerpts_[0, 0, 0] = kept
    background.save(tmp_path / "others.npz")
    data = (tmp_path / "others.npz").read_bytes()
    for n in np.linspace(0, len(data) - 1, 40).astype(int):
        (tmp_path / "cut.npz").write_bytes(data[:n])
        with pytest.raises(ModelFormatError):
            load_background(tmp_path / "cut.npz")


# While the session is heard.

@pytest.mark.slow
@pytest.mark.parametrize("where", ["thread", "process"])
def test_a_stream_that_learns_uses_the_background(jams, background, where):
    template = FamiliarityModel("kmeans", scales=(0.5, 1.0), random_state=0, background=background)
    with RetrainingStream(template, every=1000.0, learn_in=where) as stream:
        for frame in jams[0][:600]:
            stream.push(frame)
        stream.retrain()
        stream.wait()
        assert stream.last_error is None
        assert all(isinstance(c, CohortCalibration) for c in stream.model.calibrations_)


def test_a_stream_at_another_rate_than_the_background_is_refused_at_once(background):
    model = FamiliarityModel(frame_rate=86.13, background=background)
    with pytest.raises(ValueError, match=r"background must come at 86.13 frames a second"):
        RetrainingStream(model)
