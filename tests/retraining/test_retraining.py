"""Learning beside the answering: swaps, failures, recovery from the file."""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

from barkcluster import FamiliarityModel, KMeansScorer, read_session
from barkcluster.retraining import RetrainingStream
from barkcluster.retraining.buffer import SessionBuffer
from barkcluster.retraining.journal import SessionJournal
from tests.players import jam

QUICK = {"scales": (0.2, 0.5), "random_state": 0}


@pytest.fixture
def quick():
    return FamiliarityModel("kmeans", **QUICK)


def hear(stream, frames):
    readings = [stream.push(frame) for frame in frames]
    return [reading for reading in readings if reading is not None]


@pytest.mark.slow
@pytest.mark.parametrize("learn_in", ["thread", "process"])
def test_starts_from_nothing_and_learns_what_it_heard(rng, quick, learn_in):
    heard = jam(rng, 800)
    with RetrainingStream(quick, learn_in=learn_in) as stream:
        assert hear(stream, heard[:500]) == []
        assert stream.learning
        assert np.isnan(stream.model_age)
        stream.wait()
        assert not stream.learning
        readings = hear(stream, heard[500:])
        assert len(readings) == 30
        assert stream.heard == 8.0
        assert stream.model_age == pytest.approx(3.0)
        expected = FamiliarityModel("kmeans", **QUICK).fit(heard[:500]).timeline(heard)
        np.testing.assert_allclose([r.familiarity for r in readings],
                                   expected.familiarity[-30:], rtol=1e-9)


def test_what_was_just_learned_becomes_familiar(rng, quick):
    first, second = jam(rng, 700), jam(rng, 1200, level=-20.0)
    with RetrainingStream(quick, learn_in="thread") as stream:
        hear(stream, first)
        stream.retrain()
        stream.wait()
        strange = [r.familiarity for r in hear(stream, second[:600])]
        stream.retrain()
        stream.wait()
        known = [r.familiarity for r in hear(stream, second[600:])]
    assert np.median(strange) < 0.05 < 0.2 < np.median(known)


@pytest.mark.slow
def test_learns_at_5_10_20_and_then_every_so_many_seconds(rng, quick):
    with RetrainingStream(quick, every=10.0, learn_in="thread") as stream:
        learned_at = []
        for frame in jam(rng, 4300):
            stream.push(frame)
            if stream.learning:
                learned_at.append(stream.heard)
                stream.wait()
        assert stream.n_learned == len(learned_at)
    assert learned_at == [5.0, 10.0, 20.0, 30.0, 40.0]


def test_a_failed_learning_keeps_the_old_model_and_says_so(rng, quick):
    heard = jam(rng, 1100)
    with RetrainingStream(quick, learn_in="thread") as stream:
        hear(stream, heard[:500])
        stream.wait()
        old = stream.model

        def fail(training, takes):
            raise ValueError("no luck today.")

        stream._fit = fail
        readings = hear(stream, heard[500:1000])
        stream.wait()
        assert stream.model is old
        assert len(readings) == 50
        assert (stream.n_failed, stream.last_error) == (1, "no luck today.")
        del stream._fit
        stream.retrain()
        stream.wait()
        assert stream.model is not old
        assert stream.last_error is None


@pytest.mark.slow
def test_a_process_that_fails_tells_why(rng):
    impossible = FamiliarityModel(scales=(5.0,))
    with RetrainingStream(impossible) as stream:
        hear(stream, jam(rng, 500))
        stream.wait()
        assert stream.n_failed == 1
        assert "frames must cover 15 s" in stream.last_error


def test_a_process_that_is_killed_is_a_failure(rng, quick):
    with RetrainingStream(quick) as stream:
        hear(stream, jam(rng, 500))
        while stream._training.process is None:
            pass
        stream._training.process.kill()
        stream.wait()
        assert stream.n_failed == 1
        assert stream.model is None


def test_streams_of_a_program_learn_in_turn(rng, quick, monkeypatch):
    frames = jam(rng, 600)
    begun, go_on = threading.Event(), threading.Event()
    log = []

    def fit(self, training, takes):
        log.append("begins")
        begun.set()
        assert go_on.wait(60)
        log.append("ends")
        return FamiliarityModel("kmeans", **QUICK).fit([np.concatenate(take) for take in takes])

    monkeypatch.setattr(RetrainingStream, "_fit", fit)
    with RetrainingStream(quick) as one, RetrainingStream(quick) as other:
        for stream in (one, other):
            hear(stream, frames)
            assert begun.wait(60)
        with RetrainingStream(quick) as third:    # given up while it waits
            hear(third, frames)
        go_on.set()
        one.wait()
        other.wait()
        assert one.model is not None and other.model is not None
    assert log[:4] == ["begins", "ends", "begins", "ends"]
    assert third.model is None


def test_learning_asked_for_while_another_runs_is_done_though_no_frame_follows(rng, quick):
    """Play, stop, /retrain, wait, /save: what was played last was not in the model."""
    with RetrainingStream(quick, learn_in="thread") as stream:
        hear(stream, jam(rng, 700))     # learning since 5 s
        stream.retrain()
        deadline = time.monotonic() + 60
        while stream.model_age != 0 and time.monotonic() < deadline:
            time.sleep(0.01)
            stream.take_over()          # as live does from its tick
        assert stream.model_age == 0


def test_reset_while_learning_begins_from_nothing(rng, quick):
    with RetrainingStream(quick) as stream:
        hear(stream, jam(rng, 500))
        assert stream.learning
        stream.reset()
        assert (stream.heard, stream.learning, stream.model) == (0.0, False, None)
        hear(stream, jam(rng, 400))
        assert stream.n_learned == 0


def test_a_fitted_model_answers_at_once(rng, quick):
    heard = jam(rng, 400)
    quick.fit(heard)
    with RetrainingStream(quick, learn_in="thread") as stream:
        readings = hear(stream, heard[:100])
    np.testing.assert_allclose([r.familiarity for r in readings],
                               quick.timeline(heard[:100]).familiarity, rtol=1e-9)


def test_longer_scales_join_when_there_is_enough(rng):
    model = FamiliarityModel("kmeans", scales=(0.5, 3.0), random_state=0)
    with RetrainingStream(model, learn_in="thread") as stream:
        heard = jam(rng, 1100)
        hear(stream, heard[:500])
        stream.wait()
        assert np.isnan(hear(stream, heard[500:520])[-1].by_scale[1])
        hear(stream, heard[520:1000])
        stream.wait()
        # Windows of 3 s were filled all the time.
        assert np.isfinite(hear(stream, heard[1000:1010])[-1].by_scale).all()


def test_paused_answers_but_does_not_learn(rng, quick):
    with RetrainingStream(quick, learn_in="thread") as stream:
        hear(stream, jam(rng, 500))
        stream.wait()
        stream.paused = True
        assert len(hear(stream, jam(rng, 600))) == 60
        assert stream.heard == 5.0
        assert not stream.learning


def test_rejected_frames_are_not_learned(rng, quick):
    with RetrainingStream(quick, learn_in="thread") as stream:
        hear(stream, [*jam(rng, 10), np.full(25, np.nan), *jam(rng, 10)])
        assert stream.heard == 0.2
        assert stream.n_rejected == 1


def test_own_scorers_cannot_be_sent_to_a_process():
    class OwnScorer(KMeansScorer):
        pass

    with pytest.raises(ValueError, match="OwnScorer .* another process does not know"):
        RetrainingStream(FamiliarityModel(OwnScorer()))


# What is gathered


def numbers(buffer):
    return [take.ravel().tolist() for take in buffer.takes()]


def test_thinned_keeps_some_of_all():
    buffer = SessionBuffer(1, most_frames=8, block_frames=2, keep="thinned")
    for level in range(41):
        buffer.append(np.array([level]))
        assert buffer.n_frames <= 10
    assert numbers(buffer) == [[0, 1], [10, 11], [26, 27], [36, 37], [40]]
    assert buffer.n_frames == 9


def test_thinned_keeps_verse_and_chorus():
    """Each as long as a block, and every second block was kept: the verses alone."""
    buffer = SessionBuffer(1, most_frames=200, block_frames=2, keep="thinned")
    for block in range(1600):
        buffer.append(np.array([block % 2]))
        buffer.append(np.array([block % 2]))
    kept = np.concatenate(numbers(buffer))
    assert np.mean(kept) == pytest.approx(0.5, abs=0.1)


def test_takes_end_at_gaps():
    buffer = SessionBuffer(1, most_frames=100, block_frames=2)
    for level in range(3):
        buffer.append(np.array([level]))
    buffer.end_take()
    for level in range(3, 6):
        buffer.append(np.array([level]))
    assert numbers(buffer) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("keep", ["newest", "thinned"])
def test_short_takes_do_not_crowd_out_minutes(keep):
    """Sixty gaps, and half an hour of memory used to hold sixty takes, however short."""
    buffer = SessionBuffer(1, most_frames=300, block_frames=100, keep=keep)
    for level in range(280):
        buffer.append(np.array([level]))
        if level % 7 == 6:
            buffer.end_take()
    assert sum(numbers(buffer), []) == list(range(280))


@pytest.mark.parametrize("keep", ["newest", "thinned"])
@pytest.mark.parametrize("take", [1, 3, 40, 10_000])
def test_what_is_gathered_is_bounded(keep, take):
    buffer = SessionBuffer(25, most_frames=100, block_frames=20, keep=keep)
    for level in range(1000):
        buffer.append(np.full(25, level))
        if level % take == take - 1:
            buffer.end_take()
        blocks = buffer.blocks()
        assert buffer.n_frames == sum(len(block.rows) for block in blocks)
        assert buffer.n_frames <= 120
        # A view would keep the whole block that it is a part of.
        held = sum((rows if rows.base is None else rows.base).nbytes
                   for rows in (block.rows for block in blocks))
        assert held <= 120 * 25 * 4
    if keep == "newest":
        assert sum(numbers(buffer), [])[-1] == 999
        assert buffer.n_frames >= 80


def test_takes_given_out_do_not_change():
    buffer = SessionBuffer(1, most_frames=100, block_frames=4)
    buffer.append(np.array([1.0]))
    before = buffer.takes()
    buffer.append(np.array([2.0]))
    assert [take.ravel().tolist() for take in before] == [[1.0]]


@pytest.mark.slow
def test_memory_levels_off_once_its_minutes_are_full(rng, tmp_path):
    """Twice as long a session, four models more: nothing more is held."""
    heard = jam(rng, 12_000)
    held, models = [], []
    tracemalloc.start()
    try:
        template = FamiliarityModel("kmeans", scales=(0.2,), hop=0.5, random_state=0)
        with RetrainingStream(template, every=15.0, minutes=0.5, learn_in="thread",
                              session_path=tmp_path / "jam.txt") as stream:
            for i, frame in enumerate(heard, 1):
                stream.push(frame)
                if i % 1500 == 0:
                    stream.wait()
                    models.append(weakref.ref(stream.model))
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])
            assert stream.n_learned >= 8
            assert stream._buffer.n_frames <= 9000
            assert sum(model() is not None for model in models) == 1
    finally:
        tracemalloc.stop()
    # The frames of the last 30 s alone would be 300 kB.
    assert max(held[6:]) - max(held[4:6]) < 100_000


# What is written


def test_what_is_written_reads_as_a_session(rng, quick, tmp_path):
    heard = jam(rng, 123)
    heard[7] = -np.inf
    with RetrainingStream(quick, session_path=tmp_path / "jam.txt") as stream:
        hear(stream, heard)
    session = read_session(tmp_path / "jam.txt")
    np.testing.assert_array_equal(session.frames, np.maximum(heard, -100.0))
    assert session.frames.dtype == np.float32
    assert session.frame_rate == 100.0


def test_recovers_and_learns_the_same(rng, quick, tmp_path):
    path = tmp_path / "jam.txt"
    heard = jam(rng, 500)
    with RetrainingStream(quick, session_path=path, learn_in="thread") as stream:
        hear(stream, heard[:260])
        stream.skip(4)
        hear(stream, heard[260:490])
    with RetrainingStream(quick, session_path=path, learn_in="thread") as stream:
        assert stream.n_recovered == 490
        assert [len(take) for take in stream._buffer.takes()] == [260, 230]
        hear(stream, heard[490:])
        stream.wait()
        fresh = FamiliarityModel("kmeans", **QUICK)
        fresh.fit([heard[:260], heard[260:490], heard[490:]])
        later = jam(rng, 50)
        np.testing.assert_allclose(stream.model.timeline(later).familiarity,
                                   fresh.timeline(later).familiarity, rtol=1e-9)
    assert len(read_session(path)) == 500


def test_half_a_line_is_dropped_and_the_file_continued(rng, quick, tmp_path):
    path = tmp_path / "jam.txt"
    heard = jam(rng, 60)
    with RetrainingStream(quick, session_path=path) as stream:
        hear(stream, heard[:30])
    with path.open("ab") as file:
        file.write(b"-40.1 -40.2 -4")
    with RetrainingStream(quick, session_path=path) as stream:
        assert stream.n_recovered == 30
        hear(stream, heard[30:])
    np.testing.assert_array_equal(read_session(path).frames, heard)


def test_reset_is_not_recovered_but_kept(rng, quick, tmp_path):
    path = tmp_path / "jam.txt"
    with RetrainingStream(quick, session_path=path) as stream:
        hear(stream, jam(rng, 30))
        stream.reset()
        hear(stream, jam(rng, 20))
    with RetrainingStream(quick, session_path=path) as stream:
        assert stream.n_recovered == 20
    assert len(read_session(path)) == 50


@pytest.mark.slow
def test_hours_are_recovered_in_the_memory_of_their_frames(tmp_path):
    """The text of a jam, six times as large, used to be read whole and copied three times."""
    path = tmp_path / "jam.txt"
    line = " ".join(["-50.1234567"] * 25) + "\n"
    header = "# frame_rate: 100.0\n# gathered by barkcluster\n# dtype: float32\n"
    path.write_text(header + line * 300 + "# reset\n" + line * 15_000 + "# gap\n" + line * 25_000)
    tracemalloc.start()
    try:
        journal = SessionJournal(path, 100.0, 25)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        journal.close()
    assert [len(take) for take in journal.recovered] == [15_000, 25_000]
    assert path.stat().st_size > 12_000_000 > peak


@pytest.mark.parametrize("text, message", [
    ("-40 " * 25 + "\n", "is there already"),
    ("half a line", "is there already"),
    ("# mine\n# gathered by barkcluster\n", "is there already"),
    ("# frame_rate: 50.0\n# gathered by barkcluster\n# dtype: float32\n",
     "holds 50 frames a second; got 100"),
])
def test_another_file_is_not_written_to(quick, tmp_path, text, message):
    path = tmp_path / "other.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        RetrainingStream(quick, session_path=path)
    assert path.read_text() == text


def test_a_full_disk_loses_nothing_once_there_is_room(rng, tmp_path, monkeypatch):
    """The file system takes half a line, then none, then works again."""
    heard = jam(rng, 300)
    journal = SessionJournal(tmp_path / "jam.txt", 100.0, 25)
    write, full = os.write, [True]

    def failing_write(file, data):
        if file != journal._file or not full:
            return write(file, data)
        if len(data) > 100 and full[0]:
            full[0] = False
            return write(file, data[:len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", failing_write)
    for row in heard[:150]:
        journal.append(row)
    while journal._pieces.qsize():
        pass
    assert "No space left on device" in journal.last_error
    full.clear()
    for row in heard[150:]:
        journal.append(row)
    journal.close()
    assert journal.last_error is None
    assert journal.n_lost == 0
    np.testing.assert_array_equal(read_session(tmp_path / "jam.txt").frames, heard)


@pytest.mark.slow
def test_kill_9_costs_less_than_a_second(tmp_path):
    path = tmp_path / "jam.txt"
    program = textwrap.dedent(f"""
        import sys, time
        import numpy as np
        from barkcluster.retraining import RetrainingStream
        stream = RetrainingStream(session_path={os.fspath(path)!r})
        for i in range(350):
            stream.push(np.full(25, -50.0 - i / 1000))
            time.sleep(0.001)
        print("pushed", flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"pushed\n"
        for _ in range(1000):  # until the thread that writes was given a turn
            if path.stat().st_size > 300 * 25 * 6:
                break
            time.sleep(0.01)
        process.kill()
    with RetrainingStream(session_path=path) as stream:
        assert stream.n_recovered >= 250
        last = stream._buffer.takes()[-1][-1]
    np.testing.assert_allclose(last, -50.0 - (stream.n_recovered - 1) / 1000, rtol=1e-6)


# Folders of jobs


def test_folders_of_killed_programs_are_removed_at_the_next_start(tmp_path, monkeypatch):
    import os
    import tempfile

    from barkcluster.retraining.process import job_folder

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, young = tmp_path / "barkcluster-learning-left", tmp_path / "barkcluster-learning-young"
    for folder in (left, young):
        folder.mkdir()
        (folder / "take0").write_bytes(b"frames")
        (folder / "lock").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "barkcluster-learning-link").symlink_to(elsewhere)
    with job_folder() as in_use:
        for folder in (left, in_use, elsewhere):
            os.utime(folder, (0, 0))
        RetrainingStream().close()
        kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {young.name, in_use.name, "elsewhere", "barkcluster-learning-link"}
    assert not in_use.exists()


# One writer


def test_two_streams_that_gather_into_one_file(tmp_path):
    path = tmp_path / "jam.txt"
    with RetrainingStream(session_path=path) as stream:
        stream.push(np.full(25, -40.0))
        with pytest.raises(ValueError, match="is being written to by another program"):
            RetrainingStream(session_path=path)
    with RetrainingStream(session_path=path) as stream:
        assert stream.n_recovered == 1


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_gathered_file_that_an_editor_saved_with_crlf_goes_on(rng, tmp_path, bom):
    path = tmp_path / "jam.txt"
    frames = rng.normal(-40, 6, size=(120, 25)).astype(np.float32)
    with RetrainingStream(session_path=path) as stream:
        for frame in frames[:60]:
            stream.push(frame)
        stream.skip(10)
        for frame in frames[60:100]:
            stream.push(frame)
    path.write_bytes(bom + path.read_bytes().replace(b"\n", b"\r\n"))
    with RetrainingStream(session_path=path) as stream:
        assert stream.n_recovered == 100
        for frame in frames[100:]:
            stream.push(frame)
    with RetrainingStream(session_path=path) as stream:
        assert stream.n_recovered == 120
    session = read_session(path)
    np.testing.assert_array_equal(session.frames, frames)
    assert [len(take) for take in session.takes] == [60, 40, 20]
    assert session.gaps == ((60, 10), (100, 0))


@pytest.mark.slow
def test_a_program_of_the_user_that_is_called_like_one_of_python_is_left_alone(
        rng, tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit('a program of mine')\n")
    monkeypatch.chdir(tmp_path)
    with RetrainingStream(FamiliarityModel("kmeans", scales=(0.2,))) as stream:
        for frame in rng.normal(-40, 6, size=(600, 25)):
            stream.push(frame)
        stream.wait()
        assert (stream.n_learned, stream.last_error) == (1, None)


def test_a_gathered_file_of_other_bands_is_not_continued(tmp_path):
    # 25 numbers were written behind lines of 24, and nothing read the file any more.
    path = tmp_path / "jam.txt"
    journal = SessionJournal(path, 100.0, 24)
    journal.append(np.full(24, -40.0, np.float32))
    journal.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"jam\.txt holds other frames: line 4: .*got 24"):
        SessionJournal(path, 100.0, 25)
    assert path.read_bytes() == before


def test_a_damaged_line_that_ends_like_a_reset_forgets_nothing(tmp_path):
    path = tmp_path / "jam.txt"
    journal = SessionJournal(path, 100.0, 2)
    for level in (-40.0, -41.0):
        journal.append(np.full(2, level, np.float32))
    journal.close()
    with path.open("ab") as file:
        file.write(b"-42 -4# reset\n")
    journal = SessionJournal(path, 100.0, 2)
    journal.close()
    assert [take.tolist() for take in journal.recovered] == [[[-40.0, -40.0], [-41.0, -41.0]]]
