"""The model: what it learns of takes, what it says of sessions, and what it refuses."""

import csv
import io
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from barkcluster.frames import Session
from barkcluster.model import FamiliarityModel, Timeline
from barkcluster.scorers import KMeansScorer
from barkcluster.synthetic import make_session
from tests.every_scorer import EVERY_SCORER, soon


@pytest.fixture(scope="module")
def jam():
    return make_session(1.5, random_state=3)


def parts_of(session, seconds):
    stop = round(seconds * session.frame_rate)
    return session.frames[:stop], session.frames[stop:]


@pytest.mark.parametrize("name", EVERY_SCORER)
def test_surprises_are_less_familiar_than_the_rest(jam, name):
    session, annotations = jam
    heard, rest = parts_of(session, annotations.clean_stop)
    timeline = FamiliarityModel(name, scales=(0.5, 2.0), random_state=0).fit(heard).timeline(rest)
    times = timeline.times + annotations.clean_stop
    strange = annotations.surprise_mask(times, 2.0, least_share=0.5)
    free = ~annotations.surprise_mask(times, 2.0)
    known = np.r_[timeline.familiarity[strange], timeline.familiarity[free]]
    assert roc_auc_score(np.r_[np.zeros(strange.sum()), np.ones(free.sum())], known) > 0.85


def test_a_timeline_starts_with_the_shortest_scale_and_fills_up(jam):
    session, _ = jam
    heard, rest = parts_of(session, 40)
    timeline = FamiliarityModel(scales=(0.5, 2.0, 4.0)).fit(heard).timeline(rest[:600])
    np.testing.assert_allclose(timeline.times, np.arange(5, 61) / 10)
    np.testing.assert_array_equal(timeline.scales, [0.5, 2.0, 4.0])
    for column, scale in zip(timeline.by_scale.T, timeline.scales, strict=True):
        np.testing.assert_array_equal(np.isnan(column), timeline.times < scale - 1e-9)
    assert ((timeline.familiarity > 0) & (timeline.familiarity <= 1)).all()


@pytest.mark.parametrize("scales", [(3.0,), (2.5, 4.0), (2.0,), (1.9, 2.1)])
def test_patterns_that_are_full_before_the_shortest_scale_are_no_rows(jam, scales):
    # Patterns of 2 s once gave rows of whatever was in memory to models without a short scale.
    heard, rest = parts_of(jam[0], 40)
    model = FamiliarityModel(scales=scales).fit(heard)
    timeline = model.timeline(rest[:1000])
    assert timeline.times[0] == pytest.approx(scales[0], abs=0.1 - 1e-9)
    assert np.isfinite(timeline.familiarity).all()
    stream = model.stream()
    readings = [r for r in map(stream.push, rest[:1000]) if r is not None]
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity, rtol=1e-9)


def test_what_was_learned_is_very_familiar(jam):
    heard, _ = parts_of(jam[0], 40)
    model = FamiliarityModel(scales=(0.5, 2.0)).fit(heard)
    assert model.timeline(heard).familiarity.mean() > 0.85
    assert model.score(heard) == pytest.approx(model.timeline(heard).familiarity.mean())


@pytest.mark.slow
def test_a_second_fit_equals_a_fresh_one(jam):
    first, second = parts_of(jam[0], 30)
    model = FamiliarityModel(soon("kmeans"), scales=(0.5, 2.0), random_state=1)
    fresh = clone(model).fit(first).timeline(second)
    again = model.fit(second).fit(first).timeline(second)
    np.testing.assert_array_equal(again.familiarity, fresh.familiarity)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
def test_n_jobs_changes_nothing(jam):
    first, second = parts_of(jam[0], 30)
    one = FamiliarityModel("som", scales=(0.5, 3.0), random_state=1).fit(first)
    two = FamiliarityModel("som", scales=(0.5, 3.0), random_state=1, n_jobs=2).fit(first)
    np.testing.assert_array_equal(
        one.timeline(second).familiarity, two.timeline(second).familiarity)


def test_takes_are_learned_without_a_window_across_them(rng):
    # Two takes of constant sound at different levels: a window across the cut would be unique.
    low, high = np.full((800, 25), -60.0), np.full((800, 25), -20.0)
    model = FamiliarityModel(scales=(1.0,)).fit([low, high])
    memory = model.parts_[0].scorer
    levels = (memory.memory_ + memory.metric_mean_)[:, 0] * 4.0
    assert set(np.round(levels, 3)) == {-15.0, -5.0}      # common level counts a quarter


def test_a_list_of_one_take_is_that_take(jam):
    heard, rest = parts_of(jam[0], 30)
    alone = FamiliarityModel(scales=(0.5,)).fit(heard).timeline(rest)
    listed = FamiliarityModel(scales=(0.5,)).fit([heard]).timeline(rest)
    np.testing.assert_array_equal(alone.familiarity, listed.familiarity)


def test_nested_lists_of_numbers_are_frames_not_takes():
    rows = np.random.default_rng(0).normal(-40, 5, size=(300, 25)).tolist()
    model = FamiliarityModel(scales=(0.5,)).fit(rows)
    assert model.duration_ == 3.0


def test_two_seconds_are_enough_and_the_long_scales_are_named(jam):
    session, _ = jam
    with pytest.warns(UserWarning, match=r"2 s .*too short for scales 1 s, 3 s, 6 s, 10 s"):
        model = FamiliarityModel().fit(session.frames[:200])
    assert model.scales_ == (0.5,)
    assert np.isfinite(model.timeline(session.frames[:1000]).familiarity).all()


def test_too_short_for_anything_says_how_much_is_needed():
    with pytest.raises(ValueError, match=r"must cover 1.5 s, 3 times the shortest scale.*got 1 s"):
        FamiliarityModel().fit(np.zeros((100, 25)))


def test_too_short_to_score_names_both_counts(jam):
    model = FamiliarityModel(scales=(0.5,)).fit(jam[0].frames[:1000])
    with pytest.raises(ValueError, match=r"shortest window, 50 frames \(0.5 s\); got 20"):
        model.timeline(np.zeros((20, 25)))


@pytest.mark.parametrize("frames", [
    np.full((1500, 25), -100.0),
    np.full((1500, 25), -30.0),
    np.vstack([np.full((700, 25), -100.0), np.random.default_rng(1).normal(-40, 5, (800, 25))]),
])
@pytest.mark.parametrize("name", EVERY_SCORER)
def test_silence_and_constants_never_give_nan(frames, name):
    model = FamiliarityModel(soon(name), scales=(0.5, 3.0), random_state=0).fit(frames)
    timeline = model.timeline(frames)
    assert np.isfinite(timeline.familiarity).all()
    assert np.isfinite(timeline.by_scale[30:]).all()


@pytest.mark.slow
def test_a_session_brings_its_frame_rate(jam):
    frames = jam[0].frames
    model = FamiliarityModel(scales=(0.5,)).fit(Session(frames[:2000], frame_rate=86.13))
    assert model.frame_rate_ == 86.13
    timeline = model.timeline(Session(frames[2000:3000], frame_rate=86.13))
    assert np.diff(timeline.times)[0] == pytest.approx(9 / 86.13)
    with pytest.raises(ValueError, match="must come at 86.13 a second.*got 100"):
        model.timeline(jam[0])


def test_takes_of_different_rates_are_refused(jam):
    frames = jam[0].frames[:1000]
    with pytest.raises(ValueError, match="one frame rate; got 86.1, 100"):
        FamiliarityModel(scales=(0.5,)).fit([Session(frames), Session(frames, 86.1)])


def test_an_unknown_scorer_lists_the_known_ones(jam):
    with pytest.raises(ValueError, match="must be 'kmeans', 'gmm', 'som' or 'knn'; got 'k'"):
        FamiliarityModel("k").fit(jam[0])


def test_a_scorer_of_ones_own_is_cloned_for_every_part(jam):
    mine = KMeansScorer(n_clusters=7, random_state=0)
    model = FamiliarityModel(mine, scales=(0.5, 1.0)).fit(jam[0].frames[:3000])
    assert [part.scorer.n_clusters_ for part in model.parts_] == [7] * len(model.parts_)
    assert not hasattr(mine, "codebook_")


def test_nothing_is_answered_before_a_fit():
    with pytest.raises(NotFittedError):
        FamiliarityModel().timeline(np.zeros((100, 25)))


def test_csv_has_a_header_and_leaves_the_unknown_empty(jam, tmp_path):
    heard, rest = parts_of(jam[0], 30)
    timeline = FamiliarityModel(scales=(0.5, 2.0)).fit(heard).timeline(rest[:400])
    timeline.to_csv(tmp_path / "t.csv")
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["time_s", "familiarity", "scale_0.5s", "scale_2s"]
    assert len(rows) == 1 + len(timeline)
    assert rows[1][3] == "" and rows[-1][3] != ""
    np.testing.assert_allclose([float(r[1]) for r in rows[1:]], timeline.familiarity, rtol=1e-5)


def test_plot_draws_a_curve_and_a_stripe_for_each_scale(jam):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    heard, rest = parts_of(jam[0], 30)
    timeline = FamiliarityModel(scales=(0.5, 2.0)).fit(heard).timeline(rest)
    ax = timeline.plot()
    (mesh,) = ax.collections
    assert mesh.get_array().shape == (2, len(timeline))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), timeline.familiarity)
    matplotlib.pyplot.close("all")


def test_an_empty_timeline_has_no_length():
    empty = np.empty(0)
    assert len(Timeline(empty, empty, empty.reshape(0, 1), np.ones(1))) == 0


@pytest.mark.slow
def test_calibration_holds_on_the_middle_of_a_stationary_session(rng):
    noise = rng.normal(size=(24000, 25))
    frames = -50 + 6 * np.apply_along_axis(
        lambda column: np.convolve(column, np.ones(20) / 4, mode="same"), 0, noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = FamiliarityModel(scales=(0.5, 3.0)).fit([frames[:9000], frames[15000:]])
    timeline = model.timeline(frames[9500:14500])
    for familiarity in (timeline.familiarity[30:], *timeline.by_scale[30:].T):
        assert (familiarity < 0.05).mean() < 0.12
        # A fit on all blocks knows a little more than those that were calibrated.
        assert 0.25 < np.median(familiarity) < 0.9


def test_frames_too_short_for_a_hop_longer_than_the_window_are_told_how_many(rng):
    model = FamiliarityModel("kmeans", scales=(0.1,), hop=1.0).fit(rng.normal(-40, 6, (3000, 25)))
    with pytest.raises(ValueError, match=r"100 frames \(1 s\); got 50"):
        model.timeline(rng.normal(-40, 6, (50, 25)))


def test_takes_of_two_clocks_are_one_session_everywhere(jam):
    frames = jam[0].frames[:3000]
    takes = [Session(frames[:1500], 100.0), Session(frames[1500:], 100.1)]
    model = FamiliarityModel(scales=(0.5,)).fit(takes)
    assert model.frame_rate_ == 100.0
    assert len(model.timeline(takes[1]).familiarity) == 146


def test_a_table_goes_to_a_file_that_is_open(jam, tmp_path):
    timeline = FamiliarityModel(scales=(0.5,)).fit(jam[0].frames[:2000]).timeline(jam[0])
    timeline.to_csv(tmp_path / "now.csv")
    file = io.StringIO()
    timeline.to_csv(file)
    assert file.getvalue() == (tmp_path / "now.csv").read_text("utf-8")


@pytest.mark.parametrize("scorer", EVERY_SCORER)
def test_clips_that_just_fill_the_longest_window_are_learned(rng, scorer):
    clips = [rng.normal(-40, 6, (100, 25)) for _ in range(5)]
    model = FamiliarityModel(soon(scorer), scales=(0.5, 1.0), random_state=0).fit(clips)
    assert model.scales_ == (0.5, 1.0)
    assert np.isfinite(model.timeline(rng.normal(-40, 6, (300, 25))).familiarity).all()


def test_of_a_held_sound_nobody_is_told_to_scale_features(rng):
    model = FamiliarityModel(scales=(3.0,)).fit(-40 + 1e-9 * rng.normal(size=(900, 25)))
    assert {part.view for part in model.parts_} >= {"texture", "rhythm"}


def test_hops_that_leave_one_window_are_named(rng):
    frames = rng.normal(-40, 6, (60, 25))
    with pytest.raises(ValueError, match=r"hop must leave two windows .* 2 s leaves 1 of 0\.1 s"):
        FamiliarityModel(scales=(0.1,), hop=2.0).fit(frames)
