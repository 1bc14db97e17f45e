"""Peers that do what they should not, and what is said of it; each test is named after a fault."""

import itertools
import socket
import struct
import sys
import time

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, read_session
from barkcluster.live.addresses import Address, parse_source
from barkcluster.live.connections import begins_no_text
from barkcluster.live.decoding import OscDecoder, decoder_of
from barkcluster.live.fudi import FudiParser, to_fudi
from barkcluster.live.loop import Live, Source
from barkcluster.live.messages import Command, Frame, Message, Missing
from barkcluster.live.model_folder import ModelFolder
from barkcluster.live.osc import build_message, parse_packet
from barkcluster.live.playback import Playback
from barkcluster.live.player import Player
from barkcluster.live.receiving import Received, Receiver
from barkcluster.live.sinks import open_sink, status_of
from barkcluster.live.view import closing_lines, player_lines, unsent_lines
from barkcluster.retraining.stream import RetrainingStream
from barkcluster.tempo import TempoTracker
from tests.players import LOCAL, free_port, jam

LEVELS = [-float(i) - 0.5 for i in range(25)]


def bundle(*parts):
    return b"#bundle\x00" + b"\x00" * 8 + b"".join(struct.pack(">i", len(p)) + p for p in parts)


@pytest.fixture(scope="module")
def model():
    frames = jam(np.random.default_rng(1), 600)
    return FamiliarityModel("kmeans", scales=(0.2, 0.5), random_state=0).fit(frames)


@pytest.fixture
def new_player(model):
    players = []

    def make(name="", *, folder=None, live=True, fitted=True, **options):
        given = model if fitted else FamiliarityModel("kmeans", scales=(0.2, 0.5), random_state=0)
        stream = RetrainingStream(given, learn_in="thread", **options)
        players.append(Player(name, stream, TempoTracker(), folder, live=live))
        return players[-1]

    yield make
    for player in players:
        player.close()


@pytest.fixture
def live_at(new_player):
    """A `Live` of one player at an address, hearing what `take` is given."""
    opened = []

    def make(kind="osc", path="", **options):
        player = new_player(**options)
        port = free_port(socket.SOCK_STREAM if kind == "fudi-tcp" else socket.SOCK_DGRAM)
        live = Live([Source(Address(kind, LOCAL, port, path), player)], [])
        opened.append(live)
        return live, player, port

    yield make
    for live in opened:
        live.close()


def run_until(live, done):
    deadline = time.monotonic() + 30
    live.run(until=lambda: done() or time.monotonic() > deadline)
    assert done()


def take(live, *packets):
    live.take([Received(0, 0, packet, i / 100) for i, packet in enumerate(packets)])


# Levels that no sound has


def test_a_source_of_osc_without_python_osc_says_so_at_the_start(live_at, monkeypatch):
    # It used to hear nothing, and ended at the first packet.
    monkeypatch.setitem(sys.modules, "pythonosc", None)
    monkeypatch.delitem(sys.modules, "pythonosc.osc_message", raising=False)
    with pytest.raises(ImportError, match="OSC needs python-osc"):
        live_at("osc")


@pytest.mark.parametrize("kind, packet", [
    ("osc", lambda levels: build_message("/bark", levels)),
    ("fudi-udp", lambda levels: to_fudi("bark", levels)),
    ("udp-text", lambda levels: " ".join(map(repr, levels)).encode() + b"\n"),
])
def test_a_packet_of_a_million_db_is_rejected_and_said(live_at, kind, packet):
    live, player, _ = live_at(kind)
    take(live, packet(LEVELS), packet([1e6, *LEVELS[1:]]), packet([200.0, *LEVELS[1:]]))
    assert (player.stream.n_frames, player.n_rejected) == (1, 2)
    assert "100" in player.last_rejection
    assert "200" in player.last_rejection


# Saving and loading by message


def told(player, word, argument):
    player.apply(Command("", word, argument))
    if player._job is not None:
        player._job.join()
    return player.last_message


def test_nobody_saves_or_loads_unless_it_was_asked_for(new_player, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    player = new_player()
    for word in ("save", "load"):
        assert "--allow-save" in told(player, word, "jam.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [
    "session-a.txt", "jam", "jam.npz/", "..npz", ".npz", ".jam.npz", "../jam.npz", "a/jam.npz",
    "a\\jam.npz", "jam\x1b[2J.npz", "jam\n.npz", "\u202ejam.npz", "c:jam.npz", "",
    "x" * 200 + ".npz",
])
def test_names_that_messages_may_not_use(model, tmp_path, name):
    folder = ModelFolder(tmp_path)
    for work in (lambda: folder.save(model, name), lambda: folder.load(name)):
        with pytest.raises(ValueError, match="must be a plain name that ends in .npz"):
            work()
    assert not list(tmp_path.iterdir())


def test_save_replaces_models_alone(new_player, tmp_path):
    player = new_player(folder=tmp_path)
    assert told(player, "save", "Übung 3.npz") == "save Übung 3.npz: done"
    assert told(player, "save", "Übung 3.npz") == "save Übung 3.npz: done"
    other = tmp_path / "data.npz"
    np.savez(other, a=np.arange(3))
    before = other.read_bytes()
    assert told(player, "save", "data.npz").startswith("cannot save data.npz: ")
    assert other.read_bytes() == before


def test_save_and_load_follow_no_links(model, new_player, tmp_path):
    (tmp_path / "here").mkdir()
    secret = tmp_path / "model.npz"
    model.save(secret)
    before = secret.read_bytes()
    (tmp_path / "here" / "jam.npz").symlink_to(secret)
    player = new_player(folder=tmp_path / "here")
    for word in ("save", "load"):
        assert "is a link" in told(player, word, "jam.npz")
    assert secret.read_bytes() == before


def test_save_makes_no_files_without_end(new_player, tmp_path):
    for i in range(100):
        (tmp_path / f"{i}.npz").touch()
    player = new_player(folder=tmp_path)
    assert "holds 100 .npz files already" in told(player, "save", "one_more.npz")


def test_the_file_being_gathered_cannot_be_replaced(rng, new_player, tmp_path):
    player = new_player(folder=tmp_path, session_path=tmp_path / "jam.npz")
    heard = jam(rng, 50)
    for i, frame in enumerate(heard):
        player.hear(frame.tolist(), i / 100, i / 100)
        if i == 25:
            assert told(player, "save", "jam.npz").startswith("cannot save jam.npz")
    player.close()
    np.testing.assert_array_equal(read_session(tmp_path / "jam.npz").frames, heard)


# Connections


@pytest.mark.parametrize("head", [b"POST /", b"GET / HTTP/1.1", b"OPTIONS * ", b"PRI * HTTP/2.0",
                                  b"\x16\x03\x01\x02\x00", b"\x00\x01\x00\x58"])
def test_what_browsers_say_first(head):
    assert begins_no_text(head)
    assert not any(map(begins_no_text, (b"bark 1", b"GETTING 1;", b"\n-40", b"P", "ß 1".encode())))


def test_a_web_page_cannot_post_commands(live_at):
    live, player, port = live_at("fudi-tcp")
    live._receiver.start()
    posted = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n;\nreset;\npause 1;\n" + to_fudi("x", LEVELS)
    with socket.create_connection((LOCAL, port)) as whole, \
            socket.create_connection((LOCAL, port)) as pieces:
        pieces.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole.sendall(posted)
        for byte in posted[:4]:
            pieces.sendall(bytes([byte]))
            time.sleep(0.02)
        with pytest.raises(OSError):  # it is closed, which a sender hears a little later
            for _ in range(1000):
                pieces.sendall(posted[4:])
                time.sleep(0.002)
        run_until(live, lambda: player.n_rejected == 2)
    assert "web browser" in player.last_rejection
    assert not player.stream.paused
    assert player.n_received == 0


def test_idle_connections_lock_nobody_out(live_at):
    live, player, port = live_at("fudi-tcp")
    idle = [socket.create_connection((LOCAL, port)) for _ in range(64)]
    try:
        run_until(live, lambda: len(live._receiver._connections._all) == 64)
        with socket.create_connection((LOCAL, port)) as client:
            client.sendall(to_fudi("bark", LEVELS))
            run_until(live, lambda: player.n_received == 1)
            assert player.n_rejected == 0
            assert len(live._receiver._connections._all) == 64  # one that was idle had to go
    finally:
        for one in idle:
            one.close()


def test_silent_connections_go_where_there_is_a_crowd():
    receiver = Receiver([Address("fudi-tcp", LOCAL, free_port(socket.SOCK_STREAM))])
    key, = receiver._selector.get_map().values()
    connections, to = receiver._connections, key.fileobj.getsockname()
    clients = []
    try:
        for i in range(9):
            clients.append(socket.create_connection(to))
            connections.accept(key.fileobj, 0, i + 1, float(i))
        assert connections.let_silent_go(50.0) == []
        assert [one.number for one in connections.let_silent_go(62.5)] == [1, 2, 3]
        assert connections.let_silent_go(1000.0) == []  # the six left are no crowd
    finally:
        for client in clients:
            client.close()
        receiver.close()


# What one packet, one peer or one turn of the loop may cost


def test_escaped_fudi_in_small_pieces_is_looked_through_once(monkeypatch):
    looked_at = 0

    class Counting(bytes):
        def find(self, *args):
            nonlocal looked_at
            looked_at += len(self)
            return bytes.find(self, *args)

    message = b"\\a" * 30_000 + b";"
    parser = FudiParser()
    messages = [m for i in range(0, len(message), 2)
                for m in parser.feed(Counting(message[i:i + 2]))]
    assert [m.address for m in messages] == ["a" * 30_000]
    assert looked_at <= len(message)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_fudi_escapes_across_pieces(size):
    text = b"a\\;b \\\\;c\\ d 1;\\;;x \\"
    whole = FudiParser()
    expected = [*whole.feed(text), *whole.end()]
    parser = FudiParser()
    got = [m for i in range(0, len(text), size) for m in parser.feed(text[i:i + size])]
    assert [*got, *parser.end()] == expected
    assert [m.address for m in expected] == ["a;b", "c d", ";", "x"]


def test_osc_counts_before_it_unpacks(monkeypatch):
    made = []
    from pythonosc import osc_message

    original = osc_message.OscMessage

    def counting(packet):
        made.append(packet)
        return original(packet)

    monkeypatch.setattr(osc_message, "OscMessage", counting)
    messages, values = bundle(*[build_message("/x", [])] * 4000), build_message("/x", [0.0] * 6000)
    made.clear()
    decoder = OscDecoder()
    assert decoder.feed(messages) == []
    assert len(made) == 1000
    made.clear()
    assert decoder.feed(values) == []
    assert decoder.n_rejected == 2
    assert not made


@pytest.mark.slow
def test_a_flood_leaves_the_view_and_the_end_their_turn(live_at):
    live, player, _ = live_at()
    packet = build_message("/bark", LEVELS)
    live._receiver.put([Received(0, 0, packet, 0.0)] * 50_000)
    live._receiver.start = lambda: None
    begun = []
    live.run(until=lambda: bool(begun), tick=lambda: begun.append(player.n_received))
    assert 0 <= begun[0] < 50_000


def test_what_waits_to_be_heard_is_bounded(monkeypatch):
    from barkcluster.live import receiving

    monkeypatch.setattr(receiving, "_MOST_WAITING_BYTES", 100_000)
    port = free_port()
    receiver = Receiver([Address("osc", LOCAL, port)])
    receiver.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(1000):
                sender.sendto(b"x" * 1000, (LOCAL, port))
                time.sleep(0.0001)
        # Up to the limit, and what was taken at once.
        assert receiver._n_waiting_bytes < 100_000 + receiving._MOST_AT_ONCE_BYTES + 100_000
        # On a busy machine the last of it may come after a take that found nothing.
        deadline = time.monotonic() + 30
        while receiver.take(0.3) is not None or receiver._n_waiting_bytes:
            assert time.monotonic() < deadline
    finally:
        receiver.close()


# What clients send in other ways


def test_a_datagram_of_text_without_newline_is_a_line():
    decoder = decoder_of("udp-text")
    line = " ".join(map(str, LEVELS)).encode()
    assert decoder.feed(line) == [Frame("", LEVELS)]
    assert decoder.feed(b"pause 1") == [Command("", "pause", "1")]
    assert decoder.feed(line + b"\r\n") == [Frame("", LEVELS)]
    assert decoder.feed(b"1 2 3") == []
    assert decoder.n_rejected == 1
    growing = decoder_of("file")
    assert growing.feed(line) == []


def test_a_datagram_of_fudi_without_semicolon_is_a_message():
    decoder = decoder_of("fudi-udp")
    line = b"bark " + " ".join(map(str, LEVELS)).encode()
    assert decoder.feed(line) == [Frame("bark", LEVELS)]
    assert decoder.feed(line + b";\n") == [Frame("bark", LEVELS)]
    assert decoder.feed(b"bark 1 2 \\") == []
    assert decoder.n_rejected == 1
    assert decoder.feed(line) == [Frame("bark", LEVELS)]


def raw(address, tags, *arguments):
    def padded(text):
        return text + b"\x00" * (4 - len(text) % 4)

    return padded(address) + padded(tags) + b"".join(arguments)


def test_brackets_of_osc_arrays_are_skipped():
    numbers = struct.pack(">25f", *LEVELS)
    for tags in (b",[" + b"f" * 25 + b"]", b",f[" + b"f" * 20 + b"[ff]]ff", b",[]" + b"f" * 25):
        assert OscDecoder().feed(raw(b"/bark", tags, numbers)) == [Frame("/bark", LEVELS)]
    assert parse_packet(raw(b"/a", b",[[]]")) == [Message("/a", [])]


def packets(pattern, first, levels=LEVELS):
    return [build_message(pattern.format(first + i), [level]) for i, level in enumerate(levels)]


@pytest.mark.parametrize("pattern, first, path", [
    ("/bark/{}", 0, "/bark"), ("/bark/{}", 1, "/bark"), ("/chan{}", 1, "/chan"),
    ("/bark/{:02d}", 0, "/bark")])
def test_25_packets_of_one_number_are_a_frame(pattern, first, path):
    decoder = OscDecoder()
    other = [level - 1.0 for level in LEVELS]
    got = [arrival for packet in packets(pattern, first) + packets(pattern, first, other)
           for arrival in decoder.feed(packet)]
    assert got == [Frame(path, LEVELS), Frame(path, other)]
    assert decoder.n_rejected == 0


def test_one_of_25_packets_lost_is_one_rejection_and_no_wrong_frame():
    decoder = OscDecoder()
    sent = packets("/bark/{}", 0)
    got = [arrival for packet in sent[:7] + sent[8:] + sent for arrival in decoder.feed(packet)]
    assert got == [Frame("/bark", LEVELS)]
    assert decoder.n_rejected == 1
    assert "got 24 at '/bark' before the next frame began" in decoder.last_error
    assert "Send all of a frame in one message" in decoder.last_error


def test_packets_of_one_number_from_the_middle_of_a_frame_on():
    decoder = OscDecoder()
    sent = packets("/bark/{}", 0)
    got = [arrival for packet in sent[11:] + sent + sent for arrival in decoder.feed(packet)]
    assert got == [Frame("/bark", LEVELS)] * 2


def test_senders_of_single_numbers_take_no_memory():
    decoder = OscDecoder()
    for i in range(1000):
        decoder.feed(build_message(f"/fader{i}/0", [1.0]))
    assert len(decoder._assembly._levels) <= 64


def test_channels_of_touchdesigner_are_heard_at_any_path(live_at):
    live, player, _ = live_at(path="/bark")
    messages = [build_message(f"/chan{i + 1}", [level]) for i, level in enumerate(LEVELS)]
    take(live, bundle(*messages), *messages)
    assert player.n_received == 2


def test_frames_to_another_address_are_counted_and_said(live_at):
    live, player, _ = live_at(path="/bark")
    take(live, build_message("/brak", LEVELS), build_message("/bark", LEVELS))
    assert (player.n_received, player.n_elsewhere) == (1, 1)
    said = "frames came to '/brak'; sources listen to /bark."
    for lines in (player_lines(player), closing_lines(player)):
        assert "1 to another address" in " ".join(lines)
        assert said in " ".join(lines)
    assert status_of(player)[0][1][-1] == said


# What is said of it


def test_what_a_stranger_sends_cannot_draw_on_the_terminal(live_at):
    live, player, _ = live_at()
    take(live, raw(b"/\x1b[2J\n", b",f", struct.pack(">f", 1.0)), b"\x1b]0;owned\x07\n")
    player.last_message = "cannot load \x1b[31m\u202ex\r\n"
    for lines in (player_lines(player), closing_lines(player)):
        assert all(line.isprintable() for line in lines)
    assert status_of(player)[0][1][-1].isprintable()


def test_a_learned_model_is_taken_over_while_no_frame_comes(rng, new_player, tmp_path):
    player = new_player(folder=tmp_path, fitted=False)
    for i, frame in enumerate(jam(rng, 400)):
        player.hear(frame.tolist(), i / 100, i / 100)
    told(player, "retrain", "")
    player.stream._training.thread.join()
    assert player.stream.model is None
    assert told(player, "save", "jam.npz") == "save jam.npz: done"
    first = player.stream.model
    assert first is not None

    told(player, "retrain", "")
    player.stream._training.thread.join()
    player.tick(4.1)
    assert player.stream.model is not first
    assert player.state == "silent" if player.silent else player.state == "ready"


def test_a_loaded_model_answers_while_no_frame_comes(model, new_player, tmp_path):
    model.save(tmp_path / "jam.npz")
    player = new_player(folder=tmp_path, fitted=False)
    assert told(player, "load", "jam.npz") == "load jam.npz: done"
    player.tick(0.0)
    assert player.stream.model is not None


def test_a_client_that_falls_silent_is_said_to_be(rng, new_player):
    player = new_player()
    player.tick(100.0)
    assert player.state == "ready"  # nothing came yet
    for i, frame in enumerate(jam(rng, 100)):
        player.hear(frame.tolist(), i / 100, i / 100)
    player.tick(1.5)
    assert player.state == "ready"
    player.tick(9.0)
    assert player.state == "silent"
    assert status_of(player)[0][1][0] == "silent"
    assert player_lines(player)[0] == "no frames for 0:08"
    assert "no frames came for the last 0:08." in closing_lines(player)
    player.hear(jam(rng, 1)[0].tolist(), 9.1, 9.1)
    assert player.state == "ready"


def test_first_readings_say_how_little_is_known(rng, new_player, monkeypatch):
    player = new_player()
    for i, frame in enumerate(jam(rng, 100)):
        player.hear(frame.tolist(), i / 100, i / 100)
    assert "only 0:06 known" in player_lines(player)[0]
    monkeypatch.setattr("barkcluster.live.view._YOUNG_S", 6.0)
    assert "known" not in player_lines(player)[0]


def test_another_rate_is_said_at_the_end_and_in_the_gathered_file(rng, new_player, tmp_path):
    path = tmp_path / "jam.txt"
    player = new_player(session_path=path)
    heard = jam(rng, 700)
    for i, frame in enumerate(heard):
        player.hear(frame.tolist(), i / 60, i / 60)
    player.close()
    assert any("came at 60.0 a second, not 100" in line for line in closing_lines(player))
    session = read_session(path)
    assert session.frame_rate == pytest.approx(60, rel=1e-3)
    np.testing.assert_array_equal(session.frames, heard)
    with pytest.raises(ValueError, match="holds 60 frames a second; got 100"):
        new_player(session_path=path)


def test_a_finished_file_is_told_that_it_races(rng, new_player):
    player = new_player(live=False)
    for i, frame in enumerate(jam(rng, 1100)):
        player.hear(frame.tolist(), i / 5000, i / 5000)
    assert any("50 times as fast as they were played" in line for line in closing_lines(player))


def test_a_file_that_grows_is_not(rng, new_player):
    player = new_player(live=False)
    for i, frame in enumerate(jam(rng, 1100)):
        player.hear(frame.tolist(), i / 100, i / 100)
    assert len(closing_lines(player)) == 1


def test_a_session_is_played_in_time(rng, new_player):
    heard = jam(rng, 40)
    player = new_player(live=False)
    live = Live([Source(Address("play", path="jam.wav"), player, Session(heard))], [],
                units="linear")
    begun = time.monotonic()
    try:
        live.run()  # to its end
    finally:
        live.close()
    assert time.monotonic() - begun >= 0.39
    assert (player.n_received, player.n_rejected) == (40, 0)


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_the_view_fits_the_terminal(rng, new_player, columns):
    player = new_player("alice")
    player.last_rejection = player.last_message = "expected a frame, got something long " * 5
    player.n_elsewhere = 3
    for i, frame in enumerate(jam(rng, 700)):
        player.hear(frame.tolist(), i / 60, i / 60)
    lines = player_lines(player, columns)
    assert max(map(len, lines)) < columns
    assert len(list(itertools.takewhile(lambda line: "█" in line or "░" in line, lines))) >= 1


# Text and FUDI of clients that change, or end their lines in a way of their own


ROW = " ".join(map(repr, LEVELS))


def test_lines_that_end_in_cr_are_heard():
    # Of Max on an old Macintosh: they waited for a newline, without a word, and were thrown away.
    parser = decoder_of("file")
    heard = [parser.feed(piece) for piece in (f"{ROW}\r{ROW}\r".encode(), b"\nretrain\r")]
    assert heard == [[Frame("", LEVELS)] * 2, [Command("", "retrain", "")]]
    assert parser.n_rejected == 0


def test_the_end_of_a_line_without_end_is_no_frame():
    parser = decoder_of("file")
    assert parser.feed(b"-1 " * 22_000) == []
    assert parser.n_rejected == 1
    assert parser.feed(f"{ROW}\n{ROW}\n".encode()) == [Frame("", LEVELS)]
    assert parser.n_rejected == 1
    assert "got a line of more than 65536 bytes" in parser.last_error


def test_a_sender_of_text_who_comes_back_with_other_columns_is_heard():
    parser = decoder_of("udp-text")
    assert parser.feed(f"0.5 {ROW}".encode()) == [Frame("", LEVELS)]
    # Every frame was rejected from here on: a time was expected before it.
    assert [parser.feed(ROW.encode()) for _ in range(2)] == [[Frame("", LEVELS)]] * 2
    assert parser.n_rejected == 0
    assert parser.feed(b"-40 -41") == []
    assert parser.n_rejected == 1


def test_a_sender_of_text_whose_first_column_is_a_time_is_not_heard_anew_and_anew():
    parser = decoder_of("udp-text")
    heard = [parser.feed(f"{i / 100} {' '.join(['-40'] * 24)}".encode()) for i in range(60)]
    assert not any(heard[20:])


def test_the_reason_of_the_last_rejection_is_that_of_the_last():
    parser = decoder_of("fudi-udp")
    parser.feed(b"bark 1 2 3;")
    assert parser.last_error == "expected 25 numbers, got 3 at 'bark'."
    parser.feed(b"bark -40 oops;")
    assert parser.last_error == "expected a number, got 'oops'."


def test_single_numbers_may_count_from_1_after_they_counted_from_0():
    decoder = OscDecoder()

    def heard(first):
        return [frame for i in range(25)
                for frame in decoder.feed(build_message(f"/bark/{first + i}", [-40.0]))]

    assert [len(heard(first)) for first in (0, 1, 1, 0)] == [1, 0, 1, 1]


# What messages may do to a player that was told not to learn


def test_a_player_that_does_not_learn_cannot_be_made_to(model):
    player = Player("", RetrainingStream(model, learn_in="thread"), TempoTracker(), learns=False)
    try:
        for name, argument in (("pause", "0"), ("retrain", ""), ("reset", "")):
            player.apply(Command("", name, argument))
            assert player.stream.paused
            assert player.stream.model is model
        player.apply(Command("", "pause", "off"))
        assert player.last_message == "cannot go on: --no-learning"
    finally:
        player.close()


def test_learning_that_failed_is_said_at_the_end(new_player):
    player = new_player()
    player.stream.last_error = "no room on the disk"
    assert "the last learning failed: no room on the disk" in closing_lines(player)


def test_answers_that_did_not_arrive_are_said_at_the_end(tmp_path):
    address = Address("latest", path=str(tmp_path / "now.txt"))
    sink = open_sink(address)
    assert unsent_lines([(address, sink)]) == []
    sink.n_failed = 3
    assert unsent_lines([(address, sink)]) == [f"--out {address}: 3 could not be written."]
    sink.close()


# Gaps in what is played


def test_windows_do_not_span_a_gap_of_a_session_that_is_played(model, rng):
    played = Session(jam(rng, 90), gaps=[(30, 6000)])
    batches = []
    playback = Playback(0, played, batches.extend, lambda place: None)
    playback.start()
    playback._thread.join()
    player = Player("", RetrainingStream(model, learn_in="thread"), TempoTracker(), live=False)
    live = Live([Source(Address("file", path="jam.txt"), player)], [])
    try:
        live.take(batches)
    finally:
        live.close()
        player.close()
    assert (player.stream.n_frames, player.stream.n_gaps) == (6090, 1)
    timeline = model.timeline(played)
    assert player.last_reading.time == pytest.approx(timeline.times[-1])
    assert player.last_reading.familiarity == pytest.approx(timeline.familiarity[-1])


def test_strangers_do_not_move_the_clock():
    arrived = decoder_of("udp-text").feed(f"{ROW}\n# gap: 999999999\n{ROW}".encode())
    assert arrived == [Frame("", LEVELS)] * 2
    arrived = decoder_of("file").feed(f"{ROW}\n# gap: 30\n# gap\n{ROW}\n".encode())
    assert arrived == [Frame("", LEVELS), Missing(30), Frame("", LEVELS)]


def test_a_file_that_says_another_rate_is_told_at_the_end(live_at):
    live, player, _ = live_at("file")
    take(live, f"# frame_rate: 50\n{ROW}\n".encode())
    assert any("50" in line for line in closing_lines(player))


def test_names_of_players_may_begin_with_any_letter():
    assert parse_source(f"Ömer=osc://{LOCAL}:7400").name == "Ömer"


def test_windows_do_not_span_two_files_of_one_name(live_at):
    live, player, _ = live_at("file", live=False)
    lines = f"{ROW}\n".encode() * 60
    live.take([Received(0, 0, lines, 0.0), Received(0, 0, b"", 0.1), Received(0, 1, lines, 0.2)])
    assert player.stream.n_gaps == 1


def test_a_burst_that_is_handed_over_after_the_end_was_asked_for_is_heard(live_at, monkeypatch):
    # Of 3000 frames that were sent before Ctrl-C, 149 were gathered.
    live, player, _ = live_at("osc")
    packets = [Received(0, 0, build_message("/bark", LEVELS), 0.0)] * 20
    after = [Received(0, 0, build_message("/bark", LEVELS), time.monotonic() + 1000)]
    batches = iter([packets, packets, packets, after, packets])
    monkeypatch.setattr(live._receiver, "take", lambda timeout: next(batches))
    live.run(until=lambda: True)
    assert player.n_received == 60


def test_a_sender_of_text_who_comes_back_without_semicolons_is_heard():
    parser = decoder_of("udp-text")
    sent = [f"{ROW};", ROW, ROW, f"{ROW};"]
    assert [parser.feed(line.encode()) for line in sent] == [[Frame("", LEVELS)]] * 4
    assert parser.n_rejected == 0


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_gaps_in_text_are_the_same_in_any_pieces(size):
    text = f"{ROW}\n# gap: 5\n# gap: 3\nretrain\n{ROW}\n# gap\n{ROW}\n# gap: 2\n".encode()
    parser = decoder_of("file")
    heard = [arrival for i in range(0, len(text), size)
             for arrival in parser.feed(text[i:i + size])]
    frame = Frame("", LEVELS)
    assert heard == [
        frame, Command("", "retrain", ""), Missing(8), frame, Missing(1), frame]


def test_a_sender_who_came_back_leaves_no_reason_of_a_rejection():
    parser = decoder_of("udp-text")
    for line in (f"0.5 {ROW}", ROW):
        parser.feed(line.encode())
    assert (parser.n_rejected, parser.last_error) == (0, None)


def test_a_line_without_end_is_counted_after_those_before_it():
    parser = decoder_of("file")
    assert parser.feed(f"{ROW}\n{'-1 ' * 30_000}".encode()) == [Frame("", LEVELS)]
    assert parser.last_error.startswith("line 2: ")


def test_a_pane_of_a_few_columns_does_not_end_the_performance(new_player):
    player = new_player()
    player.reject(1, "expected 25 numbers, got 24 at '/bark'.")
    for columns in range(1, 25):
        assert player_lines(player, columns)
