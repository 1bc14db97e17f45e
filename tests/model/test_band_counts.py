"""Other numbers of bands than 25, from a text file to a model file, a gallery and a stream."""

import numpy as np
import pytest

from barkcluster import (
    Background,
    FamiliarityModel,
    RetrainingStream,
    Session,
    SessionGallery,
    TempoTracker,
    estimate_tempo,
    find_motifs,
    load_background,
    load_gallery,
    load_model,
    synthetic,
    unique_to,
)
from barkcluster.cli import main
from barkcluster.display.report.contents import report_on_itself
from barkcluster.display.report.page import report_html
from barkcluster.frames.resampling import rows_at
from barkcluster.live.decoding import decoder_of
from barkcluster.live.messages import Frame
from barkcluster.windows.running import group_matrix
from tests.every_scorer import pairs_of

COUNTS = (24, 27, 40)   # Zwicker's bands, Essentia's, mel bands


def with_bands(session, n_bands, **options):
    """A session as another analyzer would have measured it."""
    frames = rows_at(session.frames.T, np.linspace(0, 24, n_bands)).T
    return Session(frames, session.frame_rate, session.name, n_bands=n_bands, **options)


@pytest.fixture(scope="module")
def jam():
    return synthetic.make_session(1, random_state=3, surprises=False)[0]


@pytest.fixture(scope="module")
def other():
    return synthetic.make_session(0.5, random_state=8, surprises=False)[0]


def write(session, path):
    """As another program writes it: a time beside the levels."""
    times = np.arange(len(session)) / session.frame_rate
    np.savetxt(path, np.column_stack([times, session.frames]), fmt="%.3f")


@pytest.mark.slow
@pytest.mark.parametrize(("scorer", "n_bands"), pairs_of(COUNTS, COUNTS[:1]))
def test_a_model_is_learned_saved_and_answers(jam, other, tmp_path, n_bands, scorer):
    heard = with_bands(jam, n_bands)
    model = FamiliarityModel(scorer, random_state=0, scales=(0.5, 3.0)).fit(heard.between(0, 30))
    now = heard.between(40, 50)
    assert model.n_features_in_ == n_bands
    assert model.score(with_bands(other, n_bands)) < model.score(now)
    model.save(tmp_path / "a.npz")
    again = load_model(tmp_path / "a.npz")
    timeline = model.timeline(now)
    np.testing.assert_array_equal(again.timeline(now.frames).familiarity, timeline.familiarity)
    readings = again.stream().extend(now)
    np.testing.assert_allclose([r.familiarity for r in readings], timeline.familiarity)
    told = model.explain(now, 10.0)
    assert told.bands.shape == (n_bands,) and str(told)
    with pytest.raises(ValueError, match=rf"frames must have shape \(n, {n_bands}\); got"):
        model.timeline(jam)


def test_bands_are_grouped_by_their_share_of_the_range():
    for n_bands in (*COUNTS, 6, 25, 128):
        weights = group_matrix(n_bands)
        np.testing.assert_allclose(weights.sum(axis=0), 1.0)
        assert np.all(weights.sum(axis=1) > 0)      # each band counts
        centers = np.arange(n_bands) @ weights / n_bands
        np.testing.assert_allclose(centers, np.arange(25) @ group_matrix(25) / 25,
                                   atol=0.7 / n_bands + 0.03)


def test_takes_of_other_band_counts_do_not_mix(jam):
    with pytest.raises(ValueError, match="takes must have one number of bands; got 24, 25"):
        FamiliarityModel().fit([jam, with_bands(jam, 24)])
    with pytest.raises(ValueError, match="frames must have at most 256 bands; got 300"):
        FamiliarityModel(scales=(0.5,)).fit(Session(np.zeros((500, 300)), n_bands=300))


@pytest.mark.filterwarnings("ignore:background has too little")
def test_a_background_of_another_band_count(jam, other, tmp_path):
    background = Background().fit([with_bands(other, 24)])
    background.save(tmp_path / "b.npz")
    again = load_background(tmp_path / "b.npz")
    np.testing.assert_array_equal(again.excerpts_, background.excerpts_)
    FamiliarityModel(scales=(0.5,), background=again).fit(with_bands(jam, 24))
    with pytest.raises(ValueError, match="background must have 25 bands, as the session; got 24"):
        FamiliarityModel(scales=(0.5,), background=again).fit(jam)
    with pytest.raises(ValueError, match="sessions must have one number of bands; got 24, 25"):
        Background().fit([other, with_bands(other, 24)])


@pytest.mark.parametrize("n_bands", COUNTS)
def test_a_gallery_of_another_band_count(jam, other, tmp_path, n_bands):
    gallery = SessionGallery(FamiliarityModel(random_state=0, scales=(1.0,), hop=0.5)).fit(
        {"jam": with_bands(jam, n_bands).between(0, 40), "other": with_bands(other, n_bands)})
    query = with_bands(jam, n_bands).between(45, 60)
    assert gallery.rank(query)[0][0] == "jam"
    gallery.save(tmp_path / "g")
    again = load_gallery(tmp_path / "g")
    assert again.rank(query.frames) == gallery.rank(query)
    with pytest.raises(ValueError, match=f"session must have {n_bands} bands, as those of the "
                                         "gallery; got 25"):
        again.rank(jam)


@pytest.mark.slow
def test_tempo_motifs_and_report_of_other_band_counts(jam, other):
    for n_bands in COUNTS:
        session = with_bands(jam, n_bands)
        tempo = estimate_tempo(session)
        assert tempo.bpm == pytest.approx(estimate_tempo(jam).bpm, rel=0.02)
        tracker = TempoTracker(n_bands=n_bands)
        for frame in session.frames[:1000]:
            tracker.push(frame)
        assert tracker.n_frames == 1000
    assert find_motifs(session)[0].levels.shape == (40,)
    unique_to(session, [with_bands(other, 40)])
    report = report_on_itself(session, FamiliarityModel(random_state=0, scales=(0.5, 3.0)))
    assert report.islands is not None and report.islands.spectra.shape[2] == 40
    assert '"bands":40' in report_html([report])


@pytest.mark.slow
@pytest.mark.parametrize("learn_in", ["thread", "process"])
def test_a_stream_that_learns_another_band_count(jam, tmp_path, learn_in):
    session = with_bands(jam, 24)
    model = FamiliarityModel(scales=(0.5,), random_state=0)
    with RetrainingStream(model, n_bands=24, learn_in=learn_in,
                          session_path=tmp_path / "heard.txt") as stream:
        for frame in session.frames[:1000]:
            stream.push(frame)
        stream.retrain()
        stream.wait()
        assert stream.last_error is None and stream.model.n_features_in_ == 24
    with RetrainingStream(stream.model, session_path=tmp_path / "heard.txt") as again:
        assert again.n_recovered == 1000


@pytest.mark.parametrize(("kind", "data"), [
    ("file", b"-40 -50 -60\n"), ("fudi-udp", b"bark -40 -50 -60;\n"),
    ("osc", b"/b\0\0,fff\0\0\0\0" + np.array([-40, -50, -60], ">f4").tobytes())])
def test_live_frames_of_another_band_count(kind, data):
    arrivals = decoder_of(kind, "db", 3).feed(data)
    assert [frame.levels for frame in arrivals if isinstance(frame, Frame)] == [[-40, -50, -60]]
    decoder = decoder_of(kind, "db", 25)
    for _ in range(10):
        assert not decoder.feed(data)
    assert decoder.n_rejected >= 9  # lines might go on until a semicolon


def test_live_amplitudes_are_read():
    (frame,) = decoder_of("fudi-udp", "amplitude", 3).feed(b"bark 1 0.1 0;\n")
    np.testing.assert_allclose(frame.levels, [0, -20, -100], atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_fits")
@pytest.mark.filterwarnings("ignore:.* too short for scales")
def test_every_command_reads_another_band_count(jam, other, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all").mkdir()
    write(with_bands(jam, 24), "all/jam.txt")
    write(with_bands(other, 24), "all/other.txt")
    bands = ["--bands", "24"]
    for command in (
            ["fit", "all/jam.txt", "-o", "jam.npz", *bands],
            ["score", "jam.npz", "all/other.txt", "--csv", "a.csv", *bands],
            ["compare", "all/jam.txt", "--scales", "0.5", *bands],
            ["background", "all", "-o", "b.npz", *bands],
            ["rank", "all/jam.txt", "all", *bands],
            ["tempo", "all/jam.txt", *bands], ["motifs", "all/jam.txt", *bands],
            ["report", "all/jam.txt", "-o", "r.html", *bands],
            ["live", "--in", "file:all/other.txt", "--pace", "--model", "jam.npz", "--out",
             "file:out.txt", "--no-learning", "--quiet", "--seconds", "1.5"]):
        assert main(command) == 0, capsys.readouterr().err
    assert (tmp_path / "out.txt").read_text()
    assert main(["fit", "all/jam.txt", "-o", "x.npz"]) == 2
    assert "n_bands=24 (--bands 24)" in capsys.readouterr().err
