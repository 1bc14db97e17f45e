"""Session text: what programs write, what is wrong with files, and growing ones."""

import contextlib
import itertools
import os
import stat
import tracemalloc
import warnings

import naive
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from barkcluster.frames import (
    FLOOR_DB,
    FrameParser,
    MissingFramesWarning,
    Session,
    UnfinishedLineWarning,
    read_session,
    write_session,
)
from barkcluster.frames import text as sessions


@pytest.fixture
def frames(rng):
    return np.round(rng.uniform(-99, 0, size=(40, 25)), 3)


def rows(frames, between=" ", before="", after="", newline="\n"):
    return "".join(
        before.replace("INDEX", str(i)) + between.join(f"{v:g}" for v in row) + after + newline
        for i, row in enumerate(frames))


# What musicians' programs write

WRITTEN = {
    "Max text": {},
    "jit.fprint": {"between": "\t"},
    "csv": {"between": ","},
    "csv with spaces": {"between": ", "},
    "csv, European": {"between": ";"},
    "csv, a comma at the end": {"between": ",", "after": ","},
    "Max coll": {"before": "INDEX, ", "after": ";"},
    "Max coll, no space": {"before": "INDEX,", "after": " ;"},
    "Pd textfile": {"after": ";"},
    "Pd list": {"before": "list ", "after": ";"},
    "Pd list, cr": {"before": "list "},
    "FUDI": {"before": "bark ", "after": ";"},
    "OSC dump": {"before": "/bark "},
    "log of [print frame]": {"before": "frame: "},
    "log of Max's print": {"before": "print: bark "},
    "spaces around": {"before": "  ", "after": " \t", "between": "   "},
    "CRLF": {"newline": "\r\n"},
    "csv, CRLF": {"newline": "\r\n", "between": ","},
    "CR alone": {"newline": "\r"},
    "blank lines": {"newline": "\n\n"},
    "lone semicolons": {"newline": "\n;\n"},
    "comments behind": {"after": " # loud"},
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN.keys())
@pytest.mark.parametrize("top", [
    "", "\ufeff", "# a comment\n\n", "\ufeff# made by hand\r\n",
    ",".join(f"band {i}" for i in range(25)) + "\n", "# Höhe\nTiefe;Höhe;\"laut\"\n"])
def test_reads_what_programs_write(read, frames, written, top):
    session = read(top + rows(frames, **written))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frames.dtype == np.float64
    assert (session.name, session.frame_rate) == ("jam", 100.0)


@pytest.mark.parametrize("between", [" ", ",", "\t", ";"])
def test_reads_as_naive_does(read, frames, between):
    text = rows(frames, between)
    np.testing.assert_array_equal(read(text).frames, naive.session_lines(text))


def test_coll_may_start_at_any_index_and_skip_some(read, frames):
    lines = rows(frames, before="INDEX, ", after=";").splitlines(keepends=True)
    np.testing.assert_array_equal(read("".join(lines[1:5] + lines[9:])).frames,
                                  np.concatenate([frames[1:5], frames[9:]]))


def test_pandas_to_csv_with_its_index(read, frames):
    session = read("," + ",".join(map(str, range(25))) + "\n" + rows(frames, ",", "INDEX,"))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == 100.0


@pytest.mark.parametrize("number", ["-40", "-40.", "-40.0", "-4e1", "-4.E+1", "-400e-1", "-0040"])
def test_every_way_to_write_a_number(read, number):
    assert np.all(read(f"{number} " * 25 + "\n").frames == -40)


@pytest.mark.parametrize("number", ["-inf", "-Inf", "-INF", "-infinity", "-1.#INF", "-1.#INF00",
                                    "-100.001", "-1e999", "-1000"])
def test_silence_becomes_the_floor(read, number):
    text = f"{number} " * 25 + "\n"
    assert np.all(read(text).frames == FLOOR_DB)
    assert np.all(read(rows(np.zeros((3, 25))) + text).frames[3] == FLOOR_DB)


def test_linear_powers_are_converted(read):
    session = read("0 1e-3 1\n0 0.1 10\n", units="linear", n_bands=3)
    np.testing.assert_allclose(session.frames, [[-100, -30, 0], [-100, -10, 10]], atol=1e-6)


def test_powers_of_unscaled_samples_and_clocks_since_1970_are_fine(read):
    session = read("1731000000000 1e9\n1731000000010 0\n", units="linear", n_bands=1)
    np.testing.assert_allclose(session.frames, [[90], [-100]])
    assert session.frame_rate == 100


def test_powers_beyond_any_sound_say_what_to_do(read):
    with pytest.raises(ValueError, match=r"jam.txt:1: expected powers up to 1e\+10 \(100 dB\), "
                                         r"got 1e\+14\. Divide them"):
        read("1e14\n0\n", units="linear", n_bands=1)


def test_other_band_counts_when_asked_for(read):
    assert read("-40 -41\n-42 -43\n", n_bands=2).frames.shape == (2, 2)
    assert read("-40\n-42\n", n_bands=1).frames.shape == (2, 1)


def test_numbers_in_a_first_line_are_a_frame(read):
    # Such as np.savetxt(np.arange(50)): no header, though it could be one.
    session = read(" ".join(map(str, range(25))) + "\n", units="db")
    np.testing.assert_array_equal(session.frames, [np.arange(25)])


# Frame rate

def with_times(frames, times, number="%.15g"):
    return "".join(number % t + " " + line
                   for t, line in zip(times, rows(frames).splitlines(keepends=True), strict=True))


@pytest.mark.parametrize(("step", "rate"), [
    (0.01, 100), (10, 100), (0.01161, 86.1326), (11.61, 86.1326), (0.005, 200), (5, 200),
    (0.0106667, 93.7497), (100, 10), (0.1, 10)])
@pytest.mark.parametrize("start", [0, 3600, 1.7e6])
def test_a_time_column_gives_the_rate(read, frames, step, rate, start):
    session = read(with_times(frames, start + step * np.arange(40)))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == pytest.approx(rate, rel=1e-5)


def test_times_in_whole_milliseconds_give_the_rate(read, rng):
    frames = np.zeros((2000, 25))
    session = read(with_times(frames, np.floor(np.arange(2000) * 512 / 44.1), "%d"))
    assert session.frame_rate == pytest.approx(44100 / 512, rel=1e-3)


def test_times_with_jitter_and_pauses_give_the_rate(read, rng):
    times = 500 + 10 * np.arange(2000) + rng.uniform(-4, 4, size=2000)
    times[700:] += 5000
    with pytest.warns(MissingFramesWarning, match="500 frames are missing beside 2000, by the "
                                                  "times in the file: a gap of 5 s begins a new"):
        session = read(with_times(np.zeros((2000, 25)), times))
    assert session.frame_rate == pytest.approx(100, rel=0.01)


def test_a_column_that_counts_lines_is_no_time(read, frames):
    session = read(rows(frames, before="INDEX "))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == 100


def test_a_comment_gives_rate_and_name(read, frames):
    session = read("# frame_rate: 86.13\n#name:  Zweiter Versuch, süß \n" + rows(frames))
    assert (session.frame_rate, session.name) == (86.13, "Zweiter Versuch, süß")


def test_an_argument_goes_before_a_comment_before_the_time_column(read, frames):
    text = "# frame_rate: 50\n" + with_times(frames, np.arange(40) / 100)
    assert read(text).frame_rate == 50
    assert read(text, frame_rate=25).frame_rate == 25


def test_steps_that_are_no_time_ask_for_the_rate(read, frames):
    text = with_times(frames, 441 * np.arange(40))
    with pytest.raises(ValueError, match="expected a time column in s or ms, got one with steps "
                                         r"of 441\. Pass frame_rate=\."):
        read(text)
    assert read(text, frame_rate=100).frame_rate == 100


# What is wrong with a file: one ValueError with file:line, what was expected, what came

GOOD = "-40 " * 25 + "\n"
BAD_LINES = [
    ("-40 " * 24, r"expected 25 numbers, got 24\."),
    ("-40 " * 26, r"expected 25 numbers, got 26\."),
    ("-40 " * 300, r"expected 25 numbers, got 300\."),
    ("-40", r"expected 25 numbers, got 1\."),
    ("list;", None),
    ("nan " * 25, r"expected a number, got 'nan'\."),
    ("-40 " * 24 + "NaN", r"expected a number, got 'NaN'\."),
    ("-40 " * 24 + "-nan", r"expected a number, got '-nan'\."),
    ("-40 " * 24 + "inf", r"expected a number, got 'inf'\."),
    ("-40 " * 24 + "+Infinity", r"expected a number, got '\+Infinity'\."),
    ("-40 " * 24 + "1.#INF", r"expected a number, got '1.#INF'\."),
    ("-40 " * 24 + "-1.#IND", r"expected a number, got '-1.#IND'\."),
    ("-40 " * 24 + "1_0", r"expected a number, got '1_0'\."),
    ("-40 " * 24 + "0x10", r"expected a number, got '0x10'\."),
    ("-40 " * 24 + "٣", r"expected a number, got '٣'\."),
    ("٣ " * 25, r"expected a number, got '٣'\."),
    ("-40 " * 24 + "−40", r"expected a number, got '−40'\."),  # a minus sign, not a hyphen
    ("-40 " * 24 + "--40", r"expected a number, got '--40'\."),
    ("-40 " * 24 + "1.2.3", r"expected a number, got '1.2.3'\."),
    ("-40 " * 24 + "e", r"expected a number, got 'e'\."),
    ("-40 " * 24 + "1e", r"expected a number, got '1e'\."),
    ("-40 " * 24 + ".", r"expected a number, got '.'\."),
    ("-40 " * 24 + '"-40"', r"expected a number, got '\"-40\"'\."),
    ("-40 " * 24 + "1e999", r"expected levels up to 100 dB, got inf\."),
    ("-40 " * 24 + "100.5", r"expected levels up to 100 dB, got 100\.5\. .*units='linear' \("),
    ("-40 " * 24 + "1e6", r"expected levels up to 100 dB, got 1e\+06\."),
    ("-40 " * 24 + "x" * 99, r"expected a number, got 'x{37}\.\.\.'\."),
    ("oops " + "-40 " * 24, r"expected a number, got 'oops'\."),
    ("-40,5 " + "-40 " * 24, r"expected decimal points, got decimal commas \(-40,5\)\."),
    (", ".join(["-40,5"] * 25), r"expected decimal points, got decimal commas \(-40,5\)\."),
    (",".join(["-40,5"] * 25), r"expected decimal points, got decimal commas \(-40,5\)\."),
    ("-40 " * 24 + "\0", r"expected text, got binary data \(byte 0x00\)\..*read_audio"),
    ("\x01" + "-40 " * 25, r"expected text, got binary data \(byte 0x01\)\."),
    ("\0" * 100, r"expected text, got binary data \(byte 0x00\)\."),
    ("-40 " * 25 + "\x7f", r"expected text, got binary data \(byte 0x7f\)\."),
    ("-4" * 40_000, r"expected 25 numbers, got a line of more than 65536 bytes\."),
    ("-40 " * 40_000, r"expected 25 numbers, got a line of more than 65536 bytes\."),
    ("# frame_rate: fast", r"expected frame_rate a positive number, got 'fast'\."),
    ("# frame_rate: -3", r"expected frame_rate a positive number, got '-3'\."),
    ("# frame_rate: 1.2.3", r"expected frame_rate a positive number, got '1\.2\.3'\."),
    ("# frame_rate: 1e999", r"expected frame_rate a positive number, got '1e999'\."),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_bad_line_is_named(read, tmp_path, line, message, newline):
    text = (GOOD * 16 + line + "\n" + GOOD * 3).replace("\n", newline)
    if message is None:
        assert len(read(text)) == 19
        return
    with pytest.raises(ValueError, match=rf"jam\.txt:17: {message}") as caught:
        read(text)
    assert str(caught.value).startswith(str(tmp_path / "jam.txt:17"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_first_line_is_named(read, line, message):
    if message is None:
        return
    if message.endswith(r"numbers, got 26\."):
        message = message.removesuffix(r"\.")  # goes on about what the first may be
    with pytest.raises(ValueError, match=rf"jam\.txt:1: {message}"):
        read(line + "\n" + GOOD)


def test_a_wrong_count_from_the_start_suggests_n_bands(read):
    with pytest.raises(ValueError, match=r"jam.txt:1: expected 25 numbers, got 24\. If that is "
                                         r"right, n_bands=24 \(--bands 24\)\.$"):
        read("-40 " * 24 + "\n")


def test_twenty_six_levels_are_no_time_and_levels(read):
    with pytest.raises(ValueError, match=r"jam.txt:1: expected 25 numbers, got 26; the first is "
                                         r"no time, it is -40\. If that is right, n_bands=26 "):
        read("-40 " * 26 + "\n")
    with pytest.raises(ValueError, match=r"jam.txt:2: expected 25 numbers, or times that do not "
                                         r"fall and 25 numbers; got 26 with first 0.2 after "
                                         r"0.3\.$"):
        read("0.3 " * 26 + "\n" + "0.2 " * 26 + "\n", units="linear")
    with pytest.raises(ValueError, match=r"expected 25 numbers, got 26; one line alone"):
        read("1 " * 26 + "\n")


def test_a_time_column_must_stay_and_never_fall(read, frames):
    lines = with_times(frames, np.arange(40) / 100).splitlines(keepends=True)
    with pytest.raises(ValueError, match=r"jam.txt:4: .*; got 26 with first 0.01 after 0.02\.$"):
        read("".join(lines[:3] + lines[1:]))
    with pytest.raises(ValueError, match=r"jam.txt:3: expected a time and 25 numbers, got 25\."):
        read("".join(lines[:2]) + GOOD)
    with pytest.raises(ValueError, match=r"jam.txt:2: expected 25 numbers, got 26\."):
        read(GOOD + lines[0])


def test_a_coll_index_must_stay_and_rise(read, frames):
    lines = rows(frames, before="INDEX, ", after=";").splitlines(keepends=True)
    with pytest.raises(ValueError, match=r"jam.txt:2: .*rising index.*first 3 after 4\.$"):
        read(lines[4] + lines[3])
    with pytest.raises(ValueError, match=r"jam.txt:2: expected an index and 25 numbers, got 25\."):
        read(lines[0] + GOOD)
    with pytest.raises(ValueError, match=r"jam.txt:1: expected 25 numbers, got 24\."):
        read("0, " + "-40 " * 24 + ";\n")


def test_one_header_is_enough(read):
    with pytest.raises(ValueError, match=r"jam.txt:2: expected a number, got 'again'"):
        read("time and levels\nagain a header\n" + GOOD)
    with pytest.raises(ValueError, match=r"jam.txt:2: expected a number, got 'late'"):
        read(GOOD + "late header\n" + GOOD)


def test_negative_powers_look_like_decibels(read):
    with pytest.raises(ValueError, match=r"jam.txt:1: expected powers of 0 or more, got -40\. For "
                                         r"levels in dB: units='db' \("):
        read(GOOD, units="linear")
    with pytest.raises(ValueError, match=r"jam.txt:2: expected powers of 0 or more, got -inf\."):
        read("0 1\n-inf 1\n", units="linear", n_bands=2)


@pytest.mark.parametrize("mark", ["<", ">"])
def test_utf16_with_its_mark_is_read(read, mark):
    encoding = {"<": "utf-16-le", ">": "utf-16-be"}[mark]
    text = "\ufefftime " + " ".join(f"b{i}" for i in range(25)) + "\r\n" + "".join(
        f"{i / 100} {GOOD.strip()}\r\n" for i in range(5))
    session = read(text.encode(encoding))
    assert session.frames.shape == (5, 25) and session.frame_rate == pytest.approx(100.0)
    np.testing.assert_array_equal(session.frames, read(GOOD * 5).frames)
    with pytest.raises(ValueError, match=r"jam.txt:3: expected a number, got 'ä-40'"):
        read(("\ufeff" + 2 * GOOD + "ä" + GOOD).encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_without_a_mark_says_so(read, encoding):
    with pytest.raises(ValueError, match=r"jam.txt:1: looks like UTF-16 without its mark; save"):
        read((GOOD * 5).encode(encoding))


def test_rates_that_contradict_each_other_are_an_error(read):
    with pytest.raises(ValueError, match=r"jam.txt:3: expected frame_rate 100.0, got '86.13'\."):
        read("# frame_rate: 100\n" + GOOD + "# frame_rate: 86.13\n" + GOOD)


@pytest.mark.parametrize(("text", "message"), [
    (b"", "expected lines of 25 numbers, got an empty file"),
    (b"\n\n# nothing\n", "expected lines of 25 numbers, got no frame in 3 lines"),
    (b"low,high\n", r"got no frame in 1 line\."),
    (GOOD.strip().encode(), "jam.txt:1: expected a newline after the only frame"),
    (b"-40 -41", "jam.txt:1: expected 25 numbers, got 2"),
    (bytes(range(256)).replace(b"\n", b"").replace(b"\r", b""), "jam.txt:1: expected text, got"),
    (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}" * 9, "jam.txt:1: expected text, got binary"),
])
def test_a_file_without_frames_says_so(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_no_file_and_a_folder_are_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_session(tmp_path / "none.txt")
    with pytest.raises(OSError, match="directory"):
        read_session(tmp_path)


@pytest.mark.parametrize(("options", "message"), [
    ({"frame_rate": 0}, "frame_rate must be a positive number; got 0"),
    ({"units": "dB"}, "units must be 'db', 'linear' or 'amplitude'; got 'dB'"),
    ({"n_bands": 0}, "n_bands must be a positive integer; got 0"),
])
def test_options_are_checked(read, options, message):
    with pytest.raises(ValueError, match=message):
        read(GOOD, **options)


# A last line without its newline

@pytest.mark.parametrize("cut", [1, 2, 5, 60, 99])
def test_an_unfinished_last_line_is_left_out(read, cut):
    with pytest.warns(UnfinishedLineWarning, match=r"jam.txt:3: left out the last line"):
        session = read((GOOD * 3)[:-cut])
    assert len(session) == 2


@pytest.mark.parametrize("end", ["", "# a comment", "   ", "\t"])
def test_an_end_without_numbers_is_not_unfinished(read, end):
    assert len(read(GOOD * 3 + end)) == 3


def test_the_warning_points_at_the_caller(read, tmp_path):
    (tmp_path / "a.txt").write_text(GOOD * 2 + "-4")
    with pytest.warns(UnfinishedLineWarning) as caught:
        read_session(tmp_path / "a.txt")
    assert caught[0].filename == __file__


# Writing

@settings(max_examples=25, deadline=None)  # each syncs the disk
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]), name=st.text(max_size=20),
       rate=st.floats(1e-3, 1e6))
@example(data=None, dtype=np.float64, name='"quoted"', rate=86.1328125)
@example(data=None, dtype=np.float32, name=" a\n# name: b\r", rate=1 / 3)
def test_written_and_read_back_is_the_same(tmp_path_factory, data, dtype, name, rate):
    frames = np.array([np.arange(25)], dtype=dtype) / 3 if data is None else data.draw(hnp.arrays(
        dtype, st.tuples(st.integers(1, 4), st.just(25)),
        elements=st.floats(-100, 100, width=8 * dtype().itemsize)))
    session = Session(frames, rate, name)
    path = tmp_path_factory.getbasetemp() / "round.txt"
    write_session(session, path)
    back = read_session(path)
    np.testing.assert_array_equal(back.frames, session.frames)
    assert back.frames.dtype == session.frames.dtype
    assert (back.frame_rate, back.name) == (session.frame_rate, session.name)


@pytest.mark.slow
def test_a_long_session_is_written_and_read_back(rng, tmp_path, monkeypatch):
    session = Session(rng.normal(-50, 20, size=(9000, 25)).astype(np.float32))
    write_session(session, tmp_path / "a.txt")
    np.testing.assert_array_equal(read_session(tmp_path / "a.txt").frames, session.frames)
    # Whatever the size of the chunks that the file is read in.
    for n_bytes in (1000, 65536):
        monkeypatch.setattr(sessions, "_CHUNK_BYTES", n_bytes)
        np.testing.assert_array_equal(read_session(tmp_path / "a.txt").frames, session.frames)


def test_other_programs_read_what_is_written(frames, tmp_path):
    write_session(Session(frames), tmp_path / "a.txt")
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "a.txt"), frames)


def test_other_band_counts_are_written(tmp_path):
    write_session(Session([[-1.5, -2.0]], n_bands=2), tmp_path / "a.txt")
    np.testing.assert_array_equal(read_session(tmp_path / "a.txt", n_bands=2).frames,
                                  [[-1.5, -2.0]])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(frames, tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_session(Session(frames), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_session(Session(frames + 1), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.txt"]


def test_writing_keeps_the_files_permissions_and_links(frames, tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_session(Session(frames), link)
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert len(read_session(path)) == 40


def test_only_files_are_replaced(frames, tmp_path):
    with pytest.raises(OSError, match="is not a file that could be replaced"):
        write_session(Session(frames), tmp_path)
    with pytest.raises(OSError, match="is not a file that could be replaced"):
        write_session(Session(frames), os.devnull)
    with pytest.raises(FileNotFoundError):
        write_session(Session(frames), tmp_path / "none" / "a.txt")


# Decimal commas

@pytest.mark.parametrize("apart", [" ", ";", "\t", "; "])
@pytest.mark.parametrize("before", ["", GOOD * 3, "a;b;c\n", '"level, dB";\n', "# a,b,c,d\n"])
def test_decimal_commas_are_read_where_they_can_be_nothing_else(read, apart, before, rng):
    levels = rng.normal(-40, 6, (200, 25)).round(1)
    text = "".join(apart.join(f"{v:g}" for v in row) + "\n" for row in levels)
    told = read(before + text.replace(".", ","))
    np.testing.assert_array_equal(told.frames[-200:], levels)
    np.testing.assert_array_equal(told.frames, read(before + text).frames)
    timed = "".join(f"{i / 100:.2f}{apart}{line}\n" for i, line in enumerate(text.splitlines()))
    again = read(timed.replace(".", ","))
    assert again.frame_rate == pytest.approx(100.0)
    np.testing.assert_array_equal(again.frames, levels)


def test_commas_stay_what_they_were_in_the_lines_before(read):
    for one in ("-40.5 " * 25 + "\n", "-40," * 24 + "-40\n"):
        with pytest.raises(ValueError, match=r"jam.txt:2: expected decimal points, got decimal"):
            read(one + "-40,5 " * 25 + "\n")
    with pytest.raises(ValueError, match=r"jam.txt:2: expected a number, got '-40\.5\.'"):
        read("-40,5 " * 25 + "\n" + "-40,5, " * 25 + "\n")


def test_as_many_whole_numbers_as_columns_are_no_decimal_commas():
    text = b"a,b,c,d\n0,0,-52.5,-7\n1,1,-12,-4\n"
    together, apart = (FrameParser(n_bands=2, columns="skip,time") for _ in range(2))
    frames = together.feed(text)
    one_by_one = [apart.feed(line) for line in text.splitlines(keepends=True)]
    np.testing.assert_array_equal(np.concatenate(one_by_one), frames)  # the last was an error
    assert frames.tolist() == [[-52.5, -7.0], [-12.0, -4.0]]


# One number a line

def test_one_number_a_line_is_read_when_the_user_says_so(read, frames):
    text = "".join(f"{v:g}\n" for v in frames.ravel())
    with pytest.raises(ValueError, match=r"jam.txt:1: expected 25 numbers, got 1\. If each line "
                                         r"is .* one_per_line=True \(--one-per-line\)\.$"):
        read(text)
    np.testing.assert_array_equal(read(text, one_per_line=True).frames, frames)
    np.testing.assert_array_equal(read("level\n" + text, one_per_line=True).frames, frames)
    logged = "".join(f"level: {v:g}\r\n\r\n" for v in frames.ravel())
    np.testing.assert_array_equal(read(logged, one_per_line=True).frames, frames)
    rising = "".join(f"{v:g}\n" for v in np.arange(1000) / 100 - 9)
    assert len(read(rising, one_per_line=True)) == 40


@pytest.mark.parametrize(("lines", "message"), [
    ("-40\n" * 51, "jam.txt:51: expected a multiple of 25 numbers, a number a line, got 51"),
    ("-40\n" * 50 + "-4", "jam.txt:50: expected a multiple of 25 numbers, .* got 51"),
    ("-40 -41\n" * 25, "jam.txt:1: expected one number, got 2"),
    ("-40\n" * 30 + "loud\n", "jam.txt:31: expected a number, got 'loud'"),
    ("-40\n" * 30 + "1e6\n" * 20, r"jam.txt:31: expected levels up to 100 dB, got 1e\+06"),
    ("-40\n" * 30 + "-40 " * 25 + "\n", "jam.txt:31: expected one number, got 25"),
    ("", "an empty file"),
])
def test_one_number_a_line_says_what_is_wrong(read, lines, message):
    with pytest.raises(ValueError, match=message):
        read(lines, one_per_line=True)


def test_one_number_a_line_leaves_out_the_frame_of_an_unfinished_line(read):
    with pytest.warns(UnfinishedLineWarning, match="jam.txt:75"):
        session = read("-40\n" * 74 + "-4", one_per_line=True)
    assert len(session) == 2


def test_the_log_of_print_is_no_frame_where_rows_have_names(read):
    session = read("take low high\nkick: -40 -41\nsnare: -42 -43\n", n_bands=2,
                   columns="skip,levels")
    np.testing.assert_array_equal(session.frames, [[-40, -41], [-42, -43]])


# Text that arrives piece by piece

def feed_all(pieces, **options):
    parser = FrameParser(**options)
    fed = [parser.feed(piece) for piece in pieces]
    assert all(frames.shape[1:] == (parser.n_bands,) and frames.dtype == np.float64
               for frames in fed)
    return np.concatenate([np.empty((0, parser.n_bands)), *fed]), parser


line_parts = st.one_of(
    st.sampled_from([
        b"-40 -50\n", b"-1.5,-2.5\n", b"1,5 2,5\n", b"1, 2\n", b"3,4\r\n", b"0, -1 -2;\n",
        b"1, -3 -4;\n", b"7, -3 -4;\n", b"0.5 -3 -4\n", b"10 -40 -41\r\n", b"20,-40,-41\n",
        b"30, -40, -41\n", b"list -1 -2;\n", b"list list -1 -2;\n", b"list 0, -1 -2;\n",
        b"list ", b"-inf -inf\n", b"-inf5 3\n", b"1_0 2\n", b"nan 2\n", b"1e999 3\n", b"1e 3\n",
        b"1 2 3 4\n", b"5\n", b"\n", b"\r", b"\n\r", b";\n", b" ", b"#", b"# frame_rate: 50\n",
        b"# frame_rate: 60\n", b"# name: x\n", b"# dtype: float32\n", b"low high\n",
        b"-0.1 -0.3\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"-\x004\x000\x00\n\x00", b"\x01",
        b"9" * 70, b"\xd9\xa3 2\n", b",1\n", b"1e39 2\n", b"1e39 2 3\n",
        b"8,5 -4;\n", b"frame: -1 -2\n", b"print: "]),
    st.binary(max_size=8),
    st.text("0123456789.,;- \te\n", max_size=12).map(str.encode))


def test_a_coll_line_without_a_space_is_the_same_for_any_split():
    text = b"0, -40 -50;\n1,5 -60;\n2,6,5 -60;\n"
    for pieces in ([text], [text[i:i + 3] for i in range(0, len(text), 3)]):
        frames, parser = feed_all(pieces, n_bands=2)
        np.testing.assert_array_equal(frames, [[-40.0, -50.0], [5.0, -60.0]])
        assert parser.n_rejected == 1


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(parts=st.lists(line_parts, max_size=25), data=st.data(),
       units=st.sampled_from(["db", "linear"]), one_per_line=st.booleans())
def test_any_split_gives_what_one_feed_gives(parts, data, units, one_per_line):
    text = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8)) if text else []
    ends = [0, *sorted(cuts), len(text)]
    options = {"n_bands": 2, "units": units, "max_line_bytes": 64, "one_per_line": one_per_line}
    together, one = feed_all([text], **options)
    apart, many = feed_all([text[a:b] for a, b in itertools.pairwise(ends)], **options)
    byte_by_byte, bytewise = feed_all([text[i:i + 1] for i in range(len(text))], **options)
    np.testing.assert_array_equal(apart, together)
    np.testing.assert_array_equal(byte_by_byte, together)
    assert vars(one) == vars(many) == vars(bytewise)
    assert one.n_frames == len(together)
    assert one.n_frames + one.n_rejected <= one.n_lines
    assert np.isfinite(together).all() and np.all(together >= FLOOR_DB)
    assert len(one.unfinished) <= 64


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=300))
def test_any_bytes_are_a_session_or_a_value_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(text)
    with contextlib.suppress(ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfinishedLineWarning)
        session = read_session(path, n_bands=1)
        assert np.isfinite(session.frames).all()


def test_many_plain_lines_give_what_one_by_one_gives(rng):
    # Long runs of plain lines take another way through the code.
    frames = rng.uniform(-99, 0, size=(300, 25)).round(2)
    times = np.arange(300) / 100
    for text in (rows(frames), rows(frames, ","), rows(frames, ", "), with_times(frames, times),
                 rows(frames, before="list ", after=";"), rows(frames, ";"),
                 rows(frames, before="INDEX, ", after=";"),
                 rows(frames).replace("-5", "-inf -5").replace("-inf -5", "-5", 5)):
        data = text.encode()
        together, one = feed_all([data])
        apart, many = feed_all(data.splitlines(keepends=True))
        np.testing.assert_array_equal(together, apart)
        assert vars(one) == vars(many)


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_line_is_counted_and_the_rest_is_kept(line, message):
    if message is None:
        return
    fed, parser = feed_all([(GOOD * 2 + line + "\n" + GOOD * 2).encode()])
    assert len(fed) == 4
    assert (parser.n_lines, parser.n_frames, parser.n_rejected) == (5, 4, 1)
    assert parser.last_error.startswith("line 3: expected ")
    assert parser.first_error == (3, parser.last_error.removeprefix("line 3: "))


def test_a_rejection_is_worded_as_for_files(read):
    text = GOOD + "-40 " * 24 + "\n"
    _, parser = feed_all([text.encode()])
    with pytest.raises(ValueError) as caught:
        read(text)
    assert str(caught.value).endswith("jam.txt:2: expected 25 numbers, got 24.")
    assert parser.last_error == "line 2: expected 25 numbers, got 24."


def test_a_number_is_not_taken_before_its_line_ends():
    parser = FrameParser(n_bands=2)
    assert len(parser.feed(b"-40 -4")) == 0
    assert parser.unfinished == b"-40 -4"
    np.testing.assert_array_equal(parser.feed(b"1\n-40 -5"), [[-40, -41]])


def test_a_clock_that_starts_again_costs_one_line():
    fed, parser = feed_all([b"10 -1\n20 -2\n0 -3\n10 -4\n20 -5\n"], n_bands=1)
    assert fed.ravel().tolist() == [-1, -2, -4, -5]
    assert parser.n_rejected == 1


def test_an_endless_clock_costs_one_line():
    fed, parser = feed_all([b"10 -1\n1e999 -2\n20 -3\n30 -4\n"], n_bands=1)
    assert parser.n_rejected == 1
    assert fed.ravel().tolist() == [-1, -3, -4]


def test_times_come_beside_the_frames():
    frames, times = FrameParser(n_bands=1).feed_timed(b"10 -1\n20 -2\n")
    assert times.tolist() == [10, 20] and frames.ravel().tolist() == [-1, -2]


def test_ten_megabytes_without_newline_are_one_rejection():
    parser = FrameParser()
    tracemalloc.start()
    for _ in range(160):
        assert len(parser.feed(b"-40 " * 16384)) == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
    assert (parser.n_lines, parser.n_rejected, parser.unfinished) == (1, 1, b"")
    assert len(parser.feed(b"-40\n" + GOOD.encode())) == 1
    assert (parser.n_lines, parser.n_rejected) == (2, 1)


def test_utf16_without_a_mark_is_rejected_line_by_line():
    _, parser = feed_all([(GOOD * 3).encode("utf-16-le")])
    assert (parser.n_frames, parser.n_rejected) == (0, 3)
    assert "UTF-16" in parser.last_error


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_utf16_may_be_cut_anywhere(size):
    data = (GOOD * 3).encode("utf-16")
    frames, parser = feed_all([data[i:i + size] for i in range(0, len(data), size)])
    assert (parser.n_frames, parser.n_rejected) == (3, 0)
    np.testing.assert_array_equal(frames, feed_all([(GOOD * 3).encode()])[0])


@pytest.mark.parametrize("data", [b"\xff", b"\xff\xfe", b"\xfe\xff\x00"])
def test_half_a_mark_is_kept_as_an_unfinished_line(data):
    _, parser = feed_all([data])
    parser.finish()
    assert parser.n_frames == 0 and parser.unfinished == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_feed_takes_any_bytes(kind):
    assert len(FrameParser(n_bands=1).feed(kind(b"-4\n"))) == 1


@pytest.mark.parametrize("data", ["-40\n", 7, None])
def test_feed_takes_bytes_alone(data):
    with pytest.raises(TypeError):
        FrameParser(n_bands=1).feed(data)


def test_files_that_were_joined_may_each_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "joined.txt"
    path.write_bytes(b"\xef\xbb\xbf-40 -50\n-41 -51\n" + b"\xef\xbb\xbf-42 -52\n")
    assert len(read_session(path, n_bands=2)) == 3
