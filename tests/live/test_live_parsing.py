"""What bytes and addresses turn out to be."""

import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barkcluster.live.addresses import Address, parse_sink, parse_source
from barkcluster.live.decoding import FudiDecoder, OscDecoder, decoder_of
from barkcluster.live.fudi import FudiParser, to_fudi
from barkcluster.live.messages import (
    Command,
    Frame,
    Message,
    NotUnderstoodError,
    frames_and_commands,
)
from barkcluster.live.osc import build_message, parse_packet
from barkcluster.live.text import TextParser

LEVELS = [-float(i) - 0.5 for i in range(25)]


def bundle(*parts, date=b"\x00" * 7 + b"\x01"):
    return b"#bundle\x00" + date + b"".join(struct.pack(">i", len(p)) + p for p in parts)


def raw(address, tags, *arguments):
    def padded(text):
        return text + b"\x00" * (4 - len(text) % 4)

    return padded(address) + padded(tags) + b"".join(arguments)


# Addresses


@pytest.mark.parametrize("text, expected", [
    ("osc://127.0.0.1:7400/bark", Address("osc", "127.0.0.1", 7400, "/bark")),
    ("osc://localhost:7400", Address("osc", "localhost", 7400)),
    ("osc://[::1]:7400/a/", Address("osc", "::1", 7400, "/a")),
    ("bob=fudi-udp://127.0.0.2:1", Address("fudi-udp", "127.0.0.2", 1, name="bob")),
    ("file:a b=c.txt", Address("file", path="a b=c.txt")),
    ("mic", Address("mic")),
    ("alice=-", Address("-", name="alice")),
])
def test_sources(text, expected):
    assert parse_source(text) == expected


@pytest.mark.parametrize("text", [
    "", "osc", "osc:", "osc://", "osc://127.0.0.1", "osc://127.0.0.1:0", "osc://127.0.0.1:70000",
    "osc://:7400", "http://127.0.0.1:80", "udp-text://127.0.0.1:1/x", "file:", "latest:x",
    "osc://127.0.0.1:x",
])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(ValueError, match="--in"):
        parse_source(text)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "example.org", "[::]"])
def test_other_machines_must_be_asked_for(host):
    with pytest.raises(ValueError, match="say so with --bind"):
        parse_source(f"osc://{host}:7400")
    assert parse_source(f"osc://{host}:7400", bind="0.0.0.0").host == "0.0.0.0"


def test_sinks_may_be_anywhere():
    assert parse_sink("osc://10.0.0.7:57120").host == "10.0.0.7"
    with pytest.raises(ValueError, match="--out"):
        parse_sink("mic")


# Messages to frames


def test_a_message_of_25_numbers_is_a_frame():
    assert frames_and_commands([Message("/bark", LEVELS)]) == [Frame("/bark", LEVELS)]


@pytest.mark.parametrize("pattern", ["/bark/{}", "/bark/chan{}"])
def test_25_messages_of_one_number_are_a_frame_in_the_order_of_their_numbers(pattern):
    shuffled = np.random.default_rng(0).permutation(25)
    messages = [Message(pattern.format(i + 1), [LEVELS[i]]) for i in shuffled]
    [frame] = frames_and_commands(messages)
    assert frame.levels == LEVELS
    assert frame.path.startswith("/bark")


def test_25_messages_to_one_address_are_a_frame_as_they_came():
    [frame] = frames_and_commands([Message("/b", [level]) for level in LEVELS])
    assert frame == Frame("/b", LEVELS)


@pytest.mark.parametrize("messages", [
    [Message("/bark", LEVELS[:24])],
    [Message("/bark", [*LEVELS, 0.0])],
    [Message("/bark", [])],
    [Message("/bark", [*LEVELS[:24], "loud"])],
    [Message(f"/{i}", [0.0]) for i in range(24)],
    [Message("/save", [])],
    [Message("/retrain", [1.0, 2.0])],
])
def test_neither_frame_nor_command(messages):
    with pytest.raises(NotUnderstoodError, match="expected"):
        frames_and_commands(messages)


def test_commands():
    messages = [Message("/alice/pause", [0.0]), Message("/save", ["jam.npz"]),
                Message("reset", [])]
    assert frames_and_commands(messages) == [
        Command("/alice", "pause", "0"), Command("", "save", "jam.npz"), Command("", "reset", "")]


# OSC


def test_int_float_double_and_long_are_numbers():
    packet = raw(b"/x", b",ifdh", struct.pack(">ifdq", 1, 2.5, 3.25, -4))
    assert parse_packet(packet) == [Message("/x", [1.0, 2.5, 3.25, -4.0])]


def test_an_address_without_slash_is_one():
    assert parse_packet(raw(b"bark", b",f", struct.pack(">f", 1.0))) == [Message("bark", [1.0])]


def test_bundles_are_opened_and_their_dates_ignored():
    inner = bundle(build_message("/b", [2.0]), date=b"\xff" * 8)
    packet = bundle(build_message("/a", [1.0]), inner, build_message("/c", [3.0]),
                    date=struct.pack(">II", 2**32 - 1, 5))
    assert [m.address for m in parse_packet(packet)] == ["/a", "/b", "/c"]


def test_what_is_built_is_parsed():
    values = [1.0, -100.0, "word"]
    assert parse_packet(build_message("/a/b", values)) == [Message("/a/b", values)]


def nested(depth):
    packet = build_message("/a", [1.0])
    for _ in range(depth):
        packet = bundle(packet)
    return packet


@pytest.mark.parametrize("packet", [
    b"", b"/", b"/a", b"/a\x00\x00", b"/a\x00\x00f\x00\x00\x00", b"\xff\xfe\x00\x00,\x00\x00\x00",
    raw(b"/a", b",f"), raw(b"/a", b",z"), raw(b"/a", b",b", struct.pack(">i", -8)),
    raw(b"/\xff\xfe", b",f", struct.pack(">f", 1.0)),
    raw(b"/a", b",[[[[[[", b""),
    b"#bundle\x00" + b"\x00" * 8 + struct.pack(">i", -4),
    b"#bundle\x00" + b"\x00" * 8 + struct.pack(">i", 0),
    b"#bundle\x00" + b"\x00" * 8 + struct.pack(">i", 1 << 30),
    b"#bundle\x00" + b"\x00" * 8 + b"\x00\x00",
    nested(5), nested(2000), b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 60000,
], ids=range(19))
def test_what_is_no_osc_is_counted(packet):
    decoder = OscDecoder()
    assert decoder.feed(packet) == []
    assert decoder.n_rejected == 1
    assert "expected" in decoder.last_error


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_datagram_raises(data):
    for kind in ("osc", "fudi-udp", "udp-text"):
        decoder = decoder_of(kind)
        for packet in (data, b"/bark\x00\x00\x00," + data, b"#bundle\x00" + data,
                       b"bark " + data + b";", data + b"\n"):
            decoder.feed(packet)


# FUDI


def test_fudi_frames_with_and_without_a_word():
    numbers = " ".join(map(str, LEVELS)).encode()
    decoder = FudiDecoder()
    text = b"bark %b;\nlist %b;\n%b;\n" % (numbers, numbers, numbers)
    assert decoder.feed(text) == [Frame("bark", LEVELS), Frame("", LEVELS), Frame("", LEVELS)]
    assert decoder.n_rejected == 0


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_fudi_in_any_pieces(data):
    text = b"bark -1 2e-05;\n;pause 1;odd\\;word 3;reset;\n" * 3
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parser = FudiParser()
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    messages = [message for piece in pieces for message in parser.feed(piece)]
    assert messages == [Message("bark", [-1.0, 2e-5]), Message("pause", [1.0]),
                        Message("odd;word", [3.0]), Message("reset", [])] * 3


def test_fudi_garbage_is_counted_and_left_behind():
    decoder = FudiDecoder()
    numbers = " ".join(map(str, LEVELS)).encode()
    assert decoder.feed(b"bark 1 2 x;" + b"\xff\xfe\x00 1;" + b"bark 1 2;") == []
    assert decoder.n_rejected == 3
    assert decoder.feed(b"0" * 200_000) == []
    assert decoder.feed(b"0" * 200_000) == []
    assert decoder.n_rejected == 4
    assert decoder.feed(b"0; bark " + numbers + b";") == [Frame("bark", LEVELS)]


def test_a_loudness_beside_a_frame_does_not_cost_the_frame():
    decoder = OscDecoder()
    rms = build_message("/rms", [0.1])
    assert decoder.feed(bundle(rms, build_message("/bark", LEVELS), rms)) == [
        Frame("/bark", LEVELS)]
    assert decoder.n_rejected == 0
    assert decoder.feed(bundle(rms, rms)) == []
    assert "got 2" in decoder.last_error


@pytest.mark.parametrize("kind", ["udp-text", "file", "-"])
def test_columns_of_lines_can_be_said(kind):
    line = b"i1 0.5 " + " ".join(map(str, LEVELS)).encode() + b"\n"
    decoder = decoder_of(kind)
    assert decoder.feed(line) == []
    assert "columns='skip,time' (--columns skip,time)" in decoder.last_error
    decoder = decoder_of(kind, columns="skip,time")
    assert decoder.feed(line) == [Frame("", LEVELS)]
    assert decoder.feed(b"i2" + line[2:]) == [Frame("", LEVELS)]


@pytest.mark.parametrize("text", [b"\\", b"\\\n", b" \\ ", b"\\\\ 1", b"a\\"])
def test_a_lone_backslash_is_no_word(text):
    assert len(FudiParser().feed(text + b"\n;x 1;")) <= 2


def test_fudi_words_are_escaped():
    assert FudiParser().feed(to_fudi("status", ["so; so, $1", 2.5])) == []
    message = to_fudi("say", ["so; so, $1"])
    assert FudiParser().feed(message) == [Message("say", ["so; so, $1"])]


# Text


def test_lines_of_frames_and_commands_in_any_pieces():
    numbers = " ".join(map(str, LEVELS))
    text = f"# frame_rate: 50\n{numbers}\nretrain\npause 0\r\n1 2 3\n{numbers}\n".encode()
    for size in (1, 7, 1000):
        parser = TextParser()
        arrivals = [a for i in range(0, len(text), size) for a in parser.feed(text[i:i + size])]
        assert arrivals == [Frame("", LEVELS), Command("", "retrain", ""),
                            Command("", "pause", "0"), Frame("", LEVELS)]
        assert parser.n_rejected == 1
        assert parser.frame_rate == 50.0


def test_a_line_without_end_takes_no_memory():
    parser = TextParser()
    for _ in range(100):
        parser.feed(b"1" * 10_000)
    assert len(parser._tail) < 100_000
    assert parser.feed(b"\n" + " ".join(map(str, LEVELS)).encode() + b"\n") == [Frame("", LEVELS)]


def test_linear_powers_become_levels():
    powers = [10.0 ** (level / 10) for level in LEVELS]
    for kind, data in (("osc", build_message("/b", powers)),
                       ("fudi-udp", to_fudi("b", powers)),
                       ("udp-text", " ".join(map(repr, powers)).encode() + b"\n")):
        decoder = decoder_of(kind, "linear")
        [frame] = decoder.feed(data)
        np.testing.assert_allclose(frame.levels, LEVELS, atol=1e-4)
    assert decoder_of("osc", "linear").feed(build_message("/b", LEVELS)) == []


def test_parsing_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OscDecoder("linear").feed(build_message("/b", [float("nan")] * 25))
        OscDecoder().feed(build_message("/b", [float("inf")] * 25))
