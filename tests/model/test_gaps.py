"""Sessions with gaps: no window spans two takes, and times are those of the file."""

import numpy as np
import pytest

from barkcluster import (
    Background,
    FamiliarityModel,
    Session,
    SessionGallery,
    Timeline,
    WindowFeatures,
    estimate_tempo,
    find_motifs,
    load_model,
    synthetic,
    unique_to,
)
from barkcluster.display.bars import draw_timeline
from barkcluster.display.levels import level_columns
from barkcluster.display.report.contents import report_on, report_on_itself
from barkcluster.display.report.page import report_html as make_page
from barkcluster.display.terminal import Style
from barkcluster.model import BandsWarning


@pytest.fixture(scope="module")
def jam():
    return synthetic.make_session(2, random_state=5)[0].frames.astype(float)


@pytest.fixture(scope="module")
def model(jam):
    return FamiliarityModel(random_state=0, scales=(0.5, 2.0)).fit(jam[:8000])


@pytest.fixture(scope="module")
def paused(jam):
    """10 s, a pause of 60 s, 10 s with something strange at 75 to 76 s."""
    frames = jam[9000:11000].copy()
    frames[1500:1600] = np.random.default_rng(5).normal(-30, 10, (100, 25))
    return Session(frames, gaps=[(1000, 6000)])


@pytest.mark.slow
def test_what_is_strange_is_told_at_the_time_of_the_file(model, paused):
    timeline = model.timeline(paused)
    assert 75 < timeline.times[np.argmin(timeline.familiarity)] < 77
    assert not np.any((timeline.times > 10.01) & (timeline.times < 70.49))


def test_each_take_is_told_as_if_it_were_alone(model, paused):
    timeline = model.timeline(paused)
    for take in paused.takes:
        alone = model.timeline(take.frames)
        inside = (timeline.times > take.start) & (timeline.times <= take.stop + 1e-9)
        np.testing.assert_allclose(timeline.times[inside], alone.times + take.start)
        np.testing.assert_array_equal(timeline.familiarity[inside], alone.familiarity)
        np.testing.assert_array_equal(timeline.by_scale[inside], alone.by_scale)


@pytest.mark.parametrize("gaps", [[(1000, 6000)], [(500, 3), (700, 0), (1500, 40)]])
def test_a_stream_tells_the_same(model, jam, gaps):
    session = Session(jam[9000:11000], gaps=gaps)
    timeline = model.timeline(session)
    stream = model.stream()
    readings = stream.extend(session)
    np.testing.assert_allclose([r.time for r in readings], timeline.times)
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity)
    assert stream.n_gaps == len(gaps)
    assert stream.n_missing == sum(n for _, n in gaps)


def test_takes_of_a_session_are_learned_as_takes(jam):
    gapped = Session(jam[:6000], gaps=[(2500, 9000)], start=100.0)
    one = FamiliarityModel(random_state=0, scales=(0.5, 2.0)).fit(gapped)
    two = FamiliarityModel(random_state=0, scales=(0.5, 2.0)).fit([jam[:2500], jam[2500:6000]])
    now = jam[7000:8000]
    np.testing.assert_array_equal(one.timeline(now).familiarity, two.timeline(now).familiarity)
    # What a moment reminds of is told by the clock of the session.
    times = np.concatenate([part.times for part in one.parts_])
    assert np.all(((times > 100) & (times < 125.01)) | ((times > 215) & (times < 250.01)))


def test_windows_of_a_session_with_gaps_are_those_of_its_takes(paused):
    features = WindowFeatures(scales=(0.5, 2.0))
    alone = [features.transform_views(take) for take in paused.takes]
    for j, view in enumerate(features.transform_views(paused)):
        np.testing.assert_array_equal(view.X, np.concatenate([views[j].X for views in alone]))
        np.testing.assert_array_equal(view.times,
                                      np.concatenate([views[j].times for views in alone]))
    np.testing.assert_array_equal(
        features.transform(paused),
        np.concatenate([features.transform(take.frames) for take in paused.takes]))
    assert [X.shape[0] for _, X in features.transform_scales(paused)] == [192, 162]


def test_a_moment_is_explained_within_its_take(model, paused):
    alone = model.explain(paused.takes[1].frames, 5.5)
    told = model.explain(paused, 75.5)
    assert told.time == pytest.approx(75.5)
    assert told.familiarity == alone.familiarity
    with pytest.raises(ValueError, match="time must be from 70.5 s, when the first window"):
        model.explain(paused, 70.2)


def test_no_excerpt_spans_a_gap(jam):
    gapped = Session(np.repeat([[-40.0], [-60.0]], 2000, axis=0) + np.zeros(25),
                     gaps=[(2000, 100)])
    excerpts = Background().fit(gapped).excerpts_
    assert len(excerpts) == 2 and np.all(np.ptp(excerpts, axis=(1, 2)) == 0)


@pytest.mark.slow
def test_a_gallery_learns_and_finds_sessions_with_gaps(jam):
    other = synthetic.make_session(1, random_state=9)[0].frames
    gallery = SessionGallery(FamiliarityModel(random_state=0, scales=(1.0, 3.0), hop=0.5)).fit(
        {"jam": Session(jam[:6000], gaps=[(2500, 900)]), "other": other})
    query = Session(jam[7000:9000], gaps=[(1000, 6000)])
    assert gallery.rank(query)[0][0] == "jam"
    long = Session(np.tile(jam, (2, 1))[:15000], gaps=[(10, 50000), (11900, 5)])
    assert gallery.rank(long)[0][0] == "jam"


def test_parts_of_a_session_keep_its_gaps():
    session = Session(np.zeros((300, 25)), gaps=[(100, 50), (200, 0)], start=7.0)
    assert session.between(0.5, 2.0).gaps == ((50, 50),)
    inside = session.between(1.2, 2.0)       # begins in the gap
    assert (inside.start, len(inside), inside.gaps) == (pytest.approx(0.3), 50, ())
    assert session.between(1.1, 1.2).frames.shape == (0, 25)
    assert session.between(0, np.inf).gaps == session.gaps
    assert (session.stop, session.span, session.elapsed(1.5)) == (10.5, 3.5, 2.0)


@pytest.mark.parametrize("gaps", [[(0, 5)], [(300, 5)], [(5, -1)], [(9, 1), (9, 1)],
                                  [(9, 1), (3, 1)]])
def test_gaps_that_are_not_between_frames_are_refused(gaps):
    with pytest.raises(ValueError, match="gaps must be .row, n_missing. in order, each between"):
        Session(np.zeros((300, 25)), gaps=gaps)


def test_no_motif_spans_two_takes_and_starts_are_those_of_the_file(rng):
    riff = np.repeat(rng.normal(-40, 10, size=(16, 25)), 12, axis=0)
    other = [np.repeat(rng.normal(-40, 10, size=(40, 25)), 12, axis=0) for _ in range(3)]
    frames = np.concatenate([riff, other[0], riff, other[1], riff, other[2]])
    cut = len(riff) + len(other[0]) + len(riff) + 100
    gapped = Session(frames, gaps=[(cut, 3000)], start=10.0)
    whole, = (m for m in find_motifs(frames) if len(m) == 3)
    motif = find_motifs(gapped)[0]
    later = np.array(whole.starts) > cut / 100
    np.testing.assert_allclose(motif.starts, np.array(whole.starts) + 10.0 + 30.0 * later,
                               atol=0.13)
    np.testing.assert_allclose(motif.levels, whole.levels, atol=1.5)
    # Cut in the middle of a riff, no occurrence is left there.
    halved = Session(frames, gaps=[(len(riff) // 2, 3000)])
    for motif in find_motifs(halved):
        for start in motif.starts:
            assert start + motif.length <= 0.97 or start >= 30.9


@pytest.mark.slow
def test_unique_moments_are_told_by_the_clock_of_the_session():
    jam, _ = synthetic.make_session(0.5, random_state=1, surprises=False)
    other, _ = synthetic.make_session(0.5, random_state=2, surprises=False)
    gapped = Session(jam.frames, gaps=[(1500, 6000)])
    found = unique_to(gapped, [other])
    assert found.stretches
    for stretch in found.stretches:
        assert stretch.stop <= 15.13 or stretch.start >= 75


def test_the_tempo_of_takes_is_not_disturbed_by_the_pause():
    time = np.arange(6000) / 100
    frames = -60 + 25 * np.exp(-((time * 100 / 60) % 1) * 6)[:, None] + np.zeros(25)
    # The pause is no whole number of beats.
    paused = Session(np.concatenate([frames[:2000], frames[2025:]]), gaps=[(2000, 731)])
    assert estimate_tempo(paused).bpm == pytest.approx(100, rel=0.002)
    with pytest.raises(ValueError, match=r"450 frames \(4.5 s\) in one take; got 300"):
        estimate_tempo(Session(frames[:600], gaps=[(300, 10)]))


def test_a_report_tells_the_times_of_the_file(model, paused):
    for session in (paused, Session(paused.frames, gaps=paused.gaps, start=500.0)):
        told = report_on(session, model, "what came before")
        start = session.start
        assert 75 < told.moments[0].stop - start < 77
        assert all(start <= a < b <= session.stop + 1e-6 for a, b, _ in told.tempi)
        page = make_page([told])
        assert f'"start":{start!r},"duration":80.0' in page
    itself = report_on_itself(session, FamiliarityModel(random_state=0, scales=(0.5, 1.0)))
    assert itself.learned_s == pytest.approx(8.0)
    assert itself.timeline.times[0] == pytest.approx(508.5)


def test_a_picture_and_a_table_show_the_pause(model, paused, tmp_path):
    timeline = model.timeline(paused)
    times, (values,) = timeline.with_breaks(timeline.familiarity)
    assert np.isnan(values[np.argmin(np.abs(times - 70.4))])
    text = draw_timeline(timeline, Style(color=False, blocks=True), width=90)
    stripe = text.splitlines()[4][13:]
    assert " " * 40 in stripe and "1:00" in text
    timeline.to_csv(tmp_path / "a.csv")
    told = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1, usecols=0)
    np.testing.assert_allclose(told, timeline.times)
    levels, start, stop = level_columns(paused, 100)
    assert (start, stop) == (0.0, 80.0) and np.isnan(levels).all(axis=1).sum() == 74


def test_times_of_a_clock_that_runs_for_long_are_told_to_the_hop(tmp_path):
    timeline = Timeline(np.array([80000.1, 80000.2]), np.full(2, 0.5), np.full((2, 1), 0.5),
                        np.array([0.5]))
    timeline.to_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("80000.1,")


# Bands that another sample rate does not reach

def test_a_model_warns_of_another_sample_rate(model, jam, tmp_path):
    model.save(tmp_path / "a.npz")
    narrow = jam[8000:10000].copy()
    narrow[:, 22:] = -100.0
    for told in (model, load_model(tmp_path / "a.npz")):
        with pytest.warns(BandsWarning, match="something in the first 22 of 25 bands, what was "
                                              "learned in the first 25: they sound strange"):
            told.timeline(narrow)
        told.timeline(jam[8000:10000])      # no warning
        told.timeline(np.full((500, 25), -100.0))


@pytest.mark.slow
def test_a_gmm_of_frames_that_hardly_move_can_be_saved(rng, tmp_path):
    for frames in (np.full((2000, 25), -40.0), -40 + 1e-9 * rng.normal(size=(2000, 25))):
        fitted = FamiliarityModel("gmm", random_state=0, scales=(0.5, 3.0)).fit(frames)
        fitted.save(tmp_path / "a.npz")
        np.testing.assert_array_equal(load_model(tmp_path / "a.npz").timeline(frames).familiarity,
                                      fitted.timeline(frames).familiarity)
