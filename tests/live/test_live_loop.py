"""Sources, players and sinks over real sockets and files of this machine."""

import os
import select
import socket
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from barkcluster import FamiliarityModel, read_session
from barkcluster.live.addresses import Address, is_live
from barkcluster.live.fudi import to_fudi
from barkcluster.live.loop import Live, Source
from barkcluster.live.messages import Command
from barkcluster.live.osc import build_message, parse_packet
from barkcluster.live.player import Player
from barkcluster.live.receiving import Received, Receiver
from barkcluster.live.sinks import FudiTcpSink, LatestSink, LineSink, NetworkSink, line_of
from barkcluster.live.view import closing_lines, player_lines
from barkcluster.retraining import RetrainingStream
from barkcluster.tempo import TempoTracker
from tests.players import LOCAL, free_port, jam


@pytest.fixture
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((LOCAL, 0))
        opened.settimeout(10)
        yield opened


@pytest.fixture
def new_player(rng, tmp_path):
    players = []

    def make(name="", *, live=True, fitted=True, **options):
        model = FamiliarityModel("kmeans", scales=(0.2, 0.5), random_state=0)
        if fitted:
            model.fit(jam(rng, 600))
        stream = RetrainingStream(model, learn_in="thread", **options)
        players.append(Player(name, stream, TempoTracker(), tmp_path, live=live))
        return players[-1]

    yield make
    for player in players:
        player.close()


def run_until(live, done):
    deadline = time.monotonic() + 30
    live.run(until=lambda: done() or time.monotonic() > deadline)
    assert done()


def datagrams(place, packets, at=0.0):
    return [Received(place, 0, packet, at + i / 100) for i, packet in enumerate(packets)]


class Collected:
    """A sink that remembers."""

    n_failed = 0

    def __init__(self):
        self.reports = []

    def send(self, report):
        self.reports.append(report)

    def send_status(self, player):
        pass


SENDERS = {
    "osc": lambda frame: build_message("/bark", frame.tolist()),
    "fudi-udp": lambda frame: to_fudi("bark", frame.tolist()),
    "udp-text": lambda frame: (" ".join(f"{v:.9g}" for v in frame.tolist()) + "\n").encode(),
}


@pytest.mark.parametrize("kind", SENDERS)
def test_frames_in_over_udp_and_familiarity_out(rng, new_player, listener, kind):
    heard = jam(rng, 100)
    player = new_player()
    model = player.stream.model
    port = free_port()
    path = "/bark" if kind == "osc" else ""
    sink = NetworkSink(Address("osc", *listener.getsockname()))
    live = Live([Source(Address(kind, LOCAL, port, path), player)], [sink])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for frame in heard:
                sender.sendto(SENDERS[kind](frame), (LOCAL, port))
            run_until(live, lambda: player.n_received == 100)
    finally:
        live.close()
        sink.close()
    assert player.n_rejected == 0
    got = []
    while len(got) < 9:
        [message] = parse_packet(listener.recv(65535))
        if message.address == "/familiarity":
            got += message.values
    np.testing.assert_allclose(got, model.timeline(heard).familiarity, rtol=1e-5)


def test_fudi_over_connections_that_come_and_go(rng, new_player):
    player = new_player()
    port = free_port(socket.SOCK_STREAM)
    live = Live([Source(Address("fudi-tcp", LOCAL, port), player)], [])
    data = b"".join(to_fudi("bark", frame.tolist()) for frame in jam(rng, 40))
    try:
        for _ in range(2):
            with socket.create_connection((LOCAL, port)) as client:
                client.sendall(data)
                client.sendall(b"bark 1 2 3")  # died halfway
        run_until(live, lambda: player.n_received == 80 and not live._decoders)
    finally:
        live.close()
    assert player.n_rejected == 0


def test_a_growing_file_is_heard_whole(rng, new_player, tmp_path):
    heard = jam(rng, 300)
    path = tmp_path / "jam.txt"
    lines = [" ".join(f"{v:.9g}" for v in frame.tolist()) + "\n" for frame in heard]
    path.write_text("".join(lines[:150]) + lines[150][:30])
    player = new_player(live=False)
    live = Live([Source(Address("file", path=str(path)), player)], [])
    try:
        run_until(live, lambda: player.n_received == 150)
        with path.open("a") as file:
            file.write(lines[150][30:] + "".join(lines[151:]))
        live.run(until=lambda: player.n_received == 300)
    finally:
        live.close()
    assert player.n_rejected == 0
    assert player.n_late == 0


def test_two_players_on_one_port_have_streams_of_their_own(rng, new_player):
    alice, bob = new_player("alice"), new_player("bob")
    one, other = jam(rng, 60), jam(rng, 60)
    collected = Collected()
    port = free_port()
    live = Live([Source(Address("osc", LOCAL, port, "/a", "alice"), alice),
                 Source(Address("osc", LOCAL, port, "/b", "bob"), bob)], [collected])
    models = alice.stream.model, bob.stream.model
    try:
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            live.take(datagrams(0, [build_message("/a", a.tolist()),
                                    build_message("/b/x", b.tolist())], at=i / 100))
    finally:
        live.close()
    for name, model, frames in (("alice", models[0], one), ("bob", models[1], other)):
        got = [r.reading.familiarity for r in collected.reports if r.player == name]
        np.testing.assert_allclose(got, model.timeline(frames).familiarity, rtol=1e-9)


def test_garbage_between_frames_is_counted_and_hurts_nobody(rng, new_player):
    player = new_player()
    model = player.stream.model
    collected = Collected()
    live = Live([Source(Address("osc", LOCAL, free_port(), "/bark"), player)], [collected])
    heard = jam(rng, 100)
    packets = []
    for frame in heard:
        packets += [build_message("/bark", frame.tolist()), b"#bundle\x00garbage",
                    build_message("/bark", [1.0, 2.0]),
                    build_message("/bark", [float("nan")] * 25),
                    build_message("/elsewhere", frame.tolist())]
    try:
        live.take([Received(0, 0, packet, i / 500) for i, packet in enumerate(packets)])
    finally:
        live.close()
    assert (player.n_received, player.n_rejected, live.n_unclaimed) == (200, 300, 100)
    assert live.last_error == "frames came to '/elsewhere'; sources listen to /bark."
    np.testing.assert_allclose([r.reading.familiarity for r in collected.reports],
                               model.timeline(heard).familiarity, rtol=1e-9)


def test_a_client_that_returns_after_a_while_left_a_gap(rng, new_player):
    player = new_player()
    heard = jam(rng, 100)
    for i, frame in enumerate(heard):
        at = i / 100 + (2.0 if i >= 50 else 0.0)
        player.hear(frame.tolist(), at, at)
    inner = player.stream
    assert (inner.n_gaps, inner.n_missing, inner.n_frames) == (1, 200, 300)
    assert player.n_late == 0


def test_a_client_that_was_held_up_and_catches_up_left_none(rng, new_player):
    player = new_player()
    model = player.stream.model
    heard = jam(rng, 300)
    said = []
    for i, frame in enumerate(heard):
        # A second in which nothing came, then all of it in 20 ms.
        at = 2.0 + (i - 100) / 5000 if 100 <= i < 200 else i / 100 + 0.03 * (i >= 200)
        said.append(player.hear(frame.tolist(), at, at))
    assert player.stream.n_gaps == 0
    told = {round(report.reading.time, 2): report.reading.familiarity for report in said if report}
    timeline = model.timeline(heard)
    for time_, familiarity in zip(timeline.times, timeline.familiarity, strict=True):
        if not 1.0 < time_ <= 2.0:  # then it is not known yet whether frames are missing
            assert told[round(time_, 2)] == pytest.approx(familiarity, rel=1e-9)


def test_late_frames_and_a_wrong_rate_are_told(rng, new_player):
    player = new_player()
    for i, frame in enumerate(jam(rng, 300)):
        player.hear(frame.tolist(), i / 50, i / 50 + (0.02 if i < 7 else 0.001))
    assert player.n_late == 7
    assert player.measured_rate == pytest.approx(50.0)
    assert player.rate_is_off
    assert any("frames come at 50.0 a second, not 100" in line for line in player_lines(player))


def test_two_sources_of_the_same_frames_are_refused(new_player):
    address = Address("osc", LOCAL, free_port(), "/bark")
    with pytest.raises(ValueError, match="given twice"):
        Live([Source(address, new_player()), Source(address, new_player())], [])


def test_a_taken_port_names_the_address(new_player, listener):
    address = Address("osc", *listener.getsockname())
    with pytest.raises(OSError) as raised:
        Live([Source(address, new_player())], [])
    assert raised.value.filename == str(address)


def test_only_what_is_played_now_is_live():
    assert is_live(Address("osc"))
    assert not is_live(Address("file"))


# Commands


def told(live, *commands):
    for path, word, argument in commands:
        live._apply(Command(path, word, argument))


def test_commands_to_one_player_or_all(rng, new_player):
    alice, bob = new_player("alice"), new_player("bob")
    live = Live([Source(Address("-"), alice),
                 Source(Address("file", path="nothing"), bob)], [])
    told(live, ("/bob", "pause", "1"))
    assert (alice.stream.paused, bob.stream.paused) == (False, True)
    told(live, ("", "pause", ""), ("/alice", "pause", "0"))
    assert (alice.stream.paused, bob.stream.paused) == (False, True)
    alice.hear(jam(rng, 1)[0].tolist(), 0, 0)
    told(live, ("/barkcluster", "reset", ""))
    assert alice.stream.heard == 0
    live.close()


def test_save_and_load_by_plain_names(rng, new_player, tmp_path):
    player = new_player()
    model = player.stream.model
    player.apply(Command("", "save", "jam.npz"))
    player._job.join()
    assert player.last_message == "save jam.npz: done"
    player.apply(Command("", "reset", ""))
    assert player.stream.model is None
    player.apply(Command("", "load", "jam.npz"))
    player._job.join()
    heard = jam(rng, 50)
    player.hear(heard[0].tolist(), 0, 0)
    assert player.stream.model.score(heard) == model.score(heard)


@pytest.mark.parametrize("name", ["../jam.npz", "/tmp/x", "a/b", "", ".", "..", ".hidden"])
def test_nobody_names_files_elsewhere(new_player, name):
    player = new_player()
    for word in ("save", "load"):
        player.apply(Command("", word, name))
        player._job.join()
        assert "must be a plain name that ends in .npz" in player.last_message


def test_what_cannot_be_loaded_is_told(new_player, tmp_path):
    (tmp_path / "jam.npz").write_bytes(b"no model")
    player = new_player()
    player.apply(Command("", "load", "jam.npz"))
    player._job.join()
    assert player.last_message.startswith("cannot load jam.npz: ")
    player = new_player(fitted=False)
    player.apply(Command("", "save", "jam.npz"))
    assert player.last_message == "cannot save jam.npz: no model yet"


# Sinks


def reports(rng, player, n_frames=100):
    said = [player.hear(frame.tolist(), i / 100, i / 100)
            for i, frame in enumerate(jam(rng, n_frames))]
    return [report for report in said if report is not None]


def test_lines_are_appended(rng, new_player, tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("before\n")
    sink = LineSink(str(path))
    said = reports(rng, new_player())
    for report in said:
        sink.send(report)
    sink.close()
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    table = np.array([line.split() for line in lines[1:]], dtype=float)
    np.testing.assert_allclose(table[:, 0], [r.reading.time for r in said], atol=1e-3)
    np.testing.assert_allclose(table[:, 1], [r.reading.familiarity for r in said], rtol=1e-4)
    assert table.shape[1] == 7


@pytest.fixture
def piped(monkeypatch):
    """A sink to standard output, which is a pipe, and the end to read from."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stdout, os.fdopen(reading, "rb") as reader:
        monkeypatch.setattr(sys, "stdout", stdout)
        yield LineSink(None), stdout, reader


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system does not tell of full pipes")
def test_a_pager_that_nobody_turns_holds_nothing_up_and_loses_nothing(rng, new_player, piped):
    sink, stdout, reader = piped
    [report, *_] = reports(rng, new_player())
    n_lines = 4 * (1 << 16) // len(line_of(report))     # four times what a pipe holds
    for _ in range(n_lines):
        sink.send(report)                               # used to wait for ever
    stdout.close()
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(reader.read)
        sink.close()
        assert read.result(60).decode() == n_lines * line_of(report)
    assert sink.n_failed == 0


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system does not tell of full pipes")
@pytest.mark.parametrize("leaves", [False, True])
def test_lines_that_nobody_reads_are_counted(rng, new_player, piped, monkeypatch, leaves):
    monkeypatch.setattr("barkcluster.live.sinks._PATIENCE_MS", 1)
    monkeypatch.setattr("barkcluster.live.sinks._MOST_UNSENT_LINES", 10)
    sink, _, reader = piped
    [report, *_] = reports(rng, new_player())
    n_in_pipe = 0
    while not sink.n_failed:                            # the pipe is full, and so is the sink
        sink.send(report)
        n_in_pipe += 1
    assert n_in_pipe > 11
    if leaves:
        reader.close()
    sink.close()
    assert sink.n_failed == 11


def test_latest_holds_one_line(rng, new_player, tmp_path):
    path = tmp_path / "now.txt"
    sink = LatestSink(str(path))
    for report in reports(rng, new_player()):
        sink.send(report)
        assert path.read_text() == line_of(report)
    sink.close()
    assert [p.name for p in tmp_path.iterdir()] == ["now.txt"]


def test_wekinator_takes_one_message(rng, new_player, listener):
    sink = NetworkSink(Address("osc", *listener.getsockname(), "/wek/outputs"), single=True)
    player = new_player()
    [report, *_] = reports(rng, player)
    sink.send(report)
    sink.send_status(player)
    [message] = parse_packet(listener.recv(65535))
    sink.close()
    assert message.address == "/wek/outputs"
    np.testing.assert_allclose(
        message.values, [report.reading.familiarity, report.reading.by_scale[0], -1.0], rtol=1e-6)


def test_names_stand_in_front(rng, new_player, listener):
    [report, *_] = reports(rng, new_player("alice"))
    sent = []
    for kind, path in (("osc", "/jam"), ("fudi-udp", ""), ("udp-text", "")):
        sink = NetworkSink(Address(kind, *listener.getsockname(), path))
        sink.send(report)
        sent.append([listener.recv(65535) for _ in range(3)])
        sink.close()
    assert [parse_packet(p)[0].address for p in sent[0]] == [
        "/jam/alice/familiarity", "/jam/alice/familiarity/scales", "/jam/alice/novelty"]
    assert [p.split()[:2] for p in sent[1]] == [
        [b"alice", b"familiarity"], [b"alice", b"scales"], [b"alice", b"novelty"]]
    assert [p.split()[:2] for p in sent[2]] == [
        [b"alice", b"familiarity"], [b"alice", b"familiarity/scales"], [b"alice", b"novelty"]]


def test_nobody_listening_is_no_error(rng, new_player):
    said = reports(rng, new_player())
    sinks = [NetworkSink(Address("osc", LOCAL, free_port())),
             FudiTcpSink(Address("fudi-tcp", LOCAL, free_port(socket.SOCK_STREAM)))]
    for sink in sinks:
        for report in said:
            sink.send(report)
        sink.close()
    assert sinks[1].n_failed > 0


def test_a_connection_is_made_when_somebody_listens(rng, new_player):
    said = reports(rng, new_player())
    with socket.socket() as listening:
        listening.bind((LOCAL, 0))
        listening.listen()
        listening.settimeout(10)
        sink = FudiTcpSink(Address("fudi-tcp", *listening.getsockname()))
        sink.send(said[0])
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(10)
            sink.send(said[1])
            sink.send(said[2])
            assert connection.recv(65535).startswith(b"familiarity ")
            sink.close()


# The receiving thread


def test_a_burst_comes_in_order_and_in_few_batches():
    port = free_port()
    receiver = Receiver([Address("osc", LOCAL, port)])
    receiver.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for i in range(100):
                sender.sendto(b"%d" % i, (LOCAL, port))
        got = []
        while len(got) < 100:
            got += receiver.batches.get(timeout=10)
    finally:
        receiver.close()
    assert [int(received.data) for received in got] == list(range(100))


def test_what_had_come_before_the_end_is_heard(new_player):
    port = free_port()
    player = new_player()
    live = Live([Source(Address("osc", LOCAL, port, "/bark"), player)], [])
    try:
        message = build_message("/bark", [-40.0] * 25)
        for _ in range(3):
            live._receiver.batches.put(datagrams(0, [message] * 20))
        live.run(until=lambda: True)
    finally:
        live.close()
    assert player.stream.n_frames == 60


def test_the_largest_datagram_is_taken_whole():
    port = free_port()
    receiver = Receiver([Address("osc", LOCAL, port)])
    receiver.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x" * 65507, (LOCAL, port))
        [received] = receiver.batches.get(timeout=10)
    finally:
        receiver.close()
    assert len(received.data) == 65507


def test_a_microphone_is_a_source(rng, new_player, monkeypatch):
    """With a sound card that plays what it is told to."""
    class FakeInput:
        samplerate = 44100.0

        def __init__(self, callback, **options):
            self.callback = callback

        def start(self):
            for _ in range(40):
                block = rng.normal(0, 0.1, size=(1024, 1)).astype(np.float32)
                self.callback(block, 1024, None, 0)

        def stop(self):
            pass

        close = stop

    fake = types.SimpleNamespace(InputStream=FakeInput, PortAudioError=RuntimeError)
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", fake)
    player = new_player()
    live = Live([Source(Address("mic"), player)], [])
    try:
        expected = (40 * 1024 - 2048) // 441 + 1
        run_until(live, lambda: player.n_received == expected)
    finally:
        live.close()
    assert live._microphones[0].n_dropped == 0


def test_what_was_gathered_is_there_after_closing(rng, new_player, tmp_path):
    heard = jam(rng, 30)
    player = new_player(session_path=tmp_path / "jam.txt")
    live = Live([Source(Address("udp-text", LOCAL, free_port()), player)], [])
    live.take(datagrams(0, [SENDERS["udp-text"](frame) for frame in heard]))
    live.close()
    player.close()
    np.testing.assert_array_equal(read_session(tmp_path / "jam.txt").frames, heard)


class BusyInput:
    """A sound card that loses a block, and is unplugged in the end."""

    samplerate = 44100.0

    def __init__(self, callback, **options):
        self.callback = callback

    def start(self):
        self.callback(np.zeros((4096, 1), np.float32), 4096, None, 1)

    def stop(self):
        raise RuntimeError("Device unavailable")

    close = stop


def test_sound_that_a_microphone_lost_is_shown_and_an_unplugged_one_is_no_traceback(
        new_player, monkeypatch):
    fake = types.SimpleNamespace(InputStream=BusyInput, PortAudioError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    player = new_player()
    live = Live([Source(Address("mic"), player)], [])
    try:
        run_until(live, lambda: player.n_received > 0)
    finally:
        live.close()
    assert any("lost 1 block of sound" in line for line in closing_lines(player))


def test_a_microphone_that_does_not_start_is_an_error_and_no_traceback(new_player, monkeypatch):
    class Broken(BusyInput):
        def start(self):
            raise RuntimeError("Device unavailable")

    fake = types.SimpleNamespace(InputStream=Broken, PortAudioError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    with pytest.raises(OSError, match="no microphone: Device unavailable"):
        Live([Source(Address("mic"), new_player())], [])
