"""Which columns of session text are bands: tables, headers, wrapped lines, times, units."""

import datetime
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barkcluster.frames import (
    FrameParser,
    MissingFramesWarning,
    Session,
    TimeColumnWarning,
    UnfinishedLineWarning,
    UnitsWarning,
    read_session,
    write_session,
)
from barkcluster.frames.columns import role_of_name


@pytest.fixture
def frames(rng):
    return np.round(rng.uniform(-99, -1, size=(40, 25)), 3)


def table(frames, *before, names=None, between=",", newline="\n"):
    """Lines of the columns before the frames and the frames."""
    lines = [] if names is None else [between.join(names)]
    for i, row in enumerate(frames):
        lines.append(between.join([*(str(column[i]) for column in before),
                                   *(f"{v:g}" for v in row)]))
    return newline.join(lines) + newline


BANDS = [f"b{i}" for i in range(25)]


# Columns that are no bands

@pytest.mark.parametrize("name", ["time", "Time (s)", "t", "timestamp", "time_ms", "start"])
def test_a_named_time_beside_24_bands_is_no_band(read, frames, name):
    text = table(frames[:, :24], 10 * np.arange(40), names=[name, *BANDS[:24]])
    with pytest.raises(ValueError, match=r"jam.txt:2: expected 25 bands, got 24 beside the "
                                         r"columns '.*'\. If that is right, n_bands=24 \(--bands"):
        read(text)
    session = read(text, n_bands=24) if name != "Time (s)" else read(
        table(frames[:, :24], np.arange(40) / 100, names=[name, *BANDS[:24]]), n_bands=24)
    np.testing.assert_array_equal(session.frames, frames[:, :24])
    assert session.frame_rate == pytest.approx(100)


@pytest.mark.parametrize("name", ["", "index", "Unnamed: 0", "frame", "#", "Frame number", "n"])
def test_a_named_index_beside_24_bands_is_no_band(read, frames, name):
    text = table(frames[:, :24], np.arange(40), names=[name, *BANDS[:24]])
    with pytest.raises(ValueError, match="expected 25 bands, got 24 beside the columns"):
        read(text)
    np.testing.assert_array_equal(read(text, n_bands=24).frames, frames[:, :24])


@pytest.mark.parametrize("column", [
    np.arange(40), 1 + np.arange(40), np.arange(40) / 100, np.round(np.arange(40) / 86.13, 3),
    512 * np.arange(40), np.round(np.arange(40) / 86.13, 2)])
@pytest.mark.parametrize("n_lines", [4, 15, 16, 40])
def test_a_column_without_a_name_that_rises_by_equal_steps_is_no_band(read, frames, column,
                                                                      n_lines):
    text = table(frames[:n_lines, :24], column)
    with pytest.raises(ValueError, match=r"expected 25 bands, got a column that only rises .* "
                                         r"beside 24\. If that is right, n_bands=24 .*; if it is "
                                         r"a band, columns='levels' \(--columns levels\)\.$"):
        read(text)
    if column[3] <= 100:
        assert read(text, columns="levels").frames[3, 0] == column[3]


@pytest.mark.parametrize("n_lines", [4, 40])
def test_a_last_column_that_rises_by_equal_steps_is_no_band(read, frames, n_lines):
    lines = [",".join([*(f"{v:g}" for v in row[:24]), f"{i / 50:g}"]) + "\n"
             for i, row in enumerate(frames[:n_lines])]
    with pytest.raises(ValueError, match=r"got a last column that only rises \(0, 0.02, .*24, "
                                         r"columns='levels,time' \(--bands 24 --columns"):
        read("".join(lines))
    session = read("".join(lines), n_bands=24, columns="levels,time")
    np.testing.assert_array_equal(session.frames, frames[:n_lines, :24])
    assert session.frame_rate == 50
    assert read("".join(lines), columns="levels").n_bands == 25


def test_a_first_band_that_rises_for_a_while_is_a_band(read, frames):
    rising = frames.copy()
    rising[:10, 0] = np.linspace(-90, -18, 10)
    np.testing.assert_array_equal(read(table(rising)).frames, rising)
    with_offset = np.abs(frames)  # as of a program that counts from another 0
    with_offset[:10, 0] = np.linspace(1, 19, 10)
    np.testing.assert_array_equal(read(table(with_offset), units="db").frames, with_offset)


@pytest.mark.parametrize("names", [["start", "end"], ["number", "time"], ["time", "frame"]])
def test_two_columns_before_the_bands(read, frames, names):
    of = {"start": np.arange(40) / 100, "time": np.arange(40) / 100,
          "end": (np.arange(40) + 1) / 100, "number": np.arange(40), "frame": np.arange(40)}
    columns = [of[name] for name in names]
    for n in (24, 25):
        for header in ([*names, *BANDS[:n]], None):
            session = read(table(frames[:, :n], *columns, names=header), n_bands=n)
            np.testing.assert_array_equal(session.frames, frames[:, :n])
            assert session.frame_rate == pytest.approx(100)
    with pytest.raises(ValueError, match=r"got 24 beside|got a column that only rises"):
        read(table(frames[:, :24], *columns, names=[*names, *BANDS[:24]]))
    with pytest.raises(ValueError, match=r"got a column that only rises"):
        read(table(frames[:, :24], *columns))


def test_numbers_of_samples_are_no_milliseconds(read, frames):
    for step, hint in ((64, "15.625 frames a second if those are ms, 689.062 if samples"),
                       (512, "samples at 44100 Hz, it is 86.1328"),
                       (441, "samples at 44100 Hz, it is 100")):
        text = table(frames, step * np.arange(40))
        with pytest.raises(ValueError, match=rf"{hint}.*--frame-rate"):
            read(text)
        assert read(text, frame_rate=100).frame_rate == 100
    with pytest.raises(ValueError, match="got one with steps of 16: 2756.25 if samples"):
        read(table(frames, 16 * np.arange(40), names=["sample", *BANDS]))


@pytest.mark.parametrize("name", ["", "index", "frame"])
def test_times_in_a_column_without_their_name_tell_the_rate(read, frames, name):
    for times, rate in ((np.arange(40) / 50, 50), (np.arange(40) * 11.61, 86.1326)):
        session = read(table(frames, times, names=[name, *BANDS]))
        assert (len(session), session.frame_rate) == (40, pytest.approx(rate))


def clock_times(seconds, form):
    """Stamps of frames after eight in the evening, as `form` of strftime and three digits."""
    start = datetime.datetime(2026, 11, 27, 20, 0, 0)
    times = [start + datetime.timedelta(seconds=float(value)) for value in seconds]
    return [time.strftime(form).replace("mmm", f"{time.microsecond // 1000:03}")
            for time in times]


@pytest.mark.parametrize("form", [
    "%H:%M:%S.mmm", "[%H:%M:%S.mmm]", "%H:%M:%S:mmm", "%M:%S.mmm", "%H:%M:%S.mmm ->",
    "%Y-%m-%dT%H:%M:%S.mmmZ", "%Y-%m-%d %H:%M:%S.mmm", "%Y-%m-%d %H:%M:%S,mmm",
    "%Y/%m/%d %H:%M:%S.mmm+01:00", '"%Y-%m-%d %H:%M:%S.mmm"', "0 days %H:%M:%S.mmm"])
@pytest.mark.parametrize("names", [None, ["time", *BANDS], ["", *BANDS]])
def test_times_of_day_and_dates_are_times(read, frames, form, names):
    for rate in (50, 100):
        session = read(table(frames, clock_times(np.arange(40) / rate, form), names=names))
        np.testing.assert_array_equal(session.frames, frames)
        assert session.frame_rate == pytest.approx(rate)
        assert session.start == (0 if "%Y" in form or "%H" not in form else 72000)


@pytest.mark.parametrize("form", [
    "%H:%M:%S.mmm", "%H:%M:%S,mmm", "[%H:%M:%S.mmm]", "%H:%M:%S.mmm ->", '"%Y-%m-%d %H:%M:%S.mmm"',
    "%Y-%m-%dT%H:%M:%S.mmmZ"])
@pytest.mark.parametrize("commas", [False, True])
def test_many_times_of_day_are_read_as_line_by_line(rng, form, commas):
    frames = np.round(rng.uniform(-99, -1, size=(600, 25)), 2)
    frames[:5] = -100.0  # nothing to tell decimal commas by
    lines = table(frames, clock_times(np.arange(600) / 100, form), between=";").splitlines()
    if commas:
        lines = [line.partition(";")[0] + ";" + line.partition(";")[2].replace(".", ",")
                 for line in lines]
    lines[300:300] = ["# a comment", "", lines[299].replace("20:", "2x:"), "7;8", "-40;" * 25]
    together, apart = FrameParser(), FrameParser()
    at_once = together.feed_columns(("\n".join(lines) + "\n").encode())
    one_by_one = [apart.feed_columns(f"{line}\n".encode()) for line in lines]
    for got, parts in zip(at_once, zip(*one_by_one, strict=True), strict=True):
        np.testing.assert_array_equal(got, np.concatenate([p for p in parts if len(p)]))
    assert (together.n_rejected, together.last_error) == (apart.n_rejected, apart.last_error)
    np.testing.assert_array_equal(at_once[0], frames)


def test_times_of_day_in_whole_seconds_count_the_frames_of_each(read, rng):
    frames = np.round(rng.uniform(-99, -1, size=(1000, 25)), 3)
    session = read(table(frames, clock_times(np.arange(1000) / 93.75, "%H:%M:%S")))
    assert session.frame_rate == pytest.approx(93.75, rel=0.01)


@pytest.mark.parametrize("stamp", ["20:28", "2026-11-31 20:28:03", "20:28:73", "8:28:03 PM"])
def test_what_is_no_time_of_day_is_an_error(read, frames, stamp):
    with pytest.raises(ValueError, match="expected a number, got"):
        read(table(frames, [stamp] * 40))


def test_times_of_day_can_be_left_out(read, frames):
    text = table(frames, clock_times(np.arange(40) / 50, "%Y-%m-%d %H:%M:%S.mmm"))
    assert read(text, columns="skip,skip").frame_rate == 100


def test_frame_numbers_that_skip_are_missing_frames(read, frames):
    kept = np.array([i for i in range(40) if i not in (7, 20, 21)])
    for names in (["frame", *BANDS], None):
        with pytest.warns(MissingFramesWarning, match="3 frames are missing beside 37"):
            session = read(table(frames[kept], kept, names=names))
        assert (len(session), session.frame_rate, session.gaps) == (40, 100.0, ())
        np.testing.assert_array_equal(session.frames[kept], frames[kept])
        np.testing.assert_allclose(session.frames[7], (frames[6] + frames[8]) / 2)


@pytest.mark.parametrize("row_name", ['"{}"', '"frame {}"'])
def test_row_names_of_r_are_no_band(read, frames, row_name):
    row_names = [row_name.format(i + 1) for i in range(40)]
    for header in (['""', *(f'"V{i}"' for i in range(25))], [f'"V{i}"' for i in range(25)]):
        session = read(table(frames, row_names, names=header))
        np.testing.assert_array_equal(session.frames, frames)
        assert session.frame_rate == 100.0
    # write.table parts by spaces.
    np.testing.assert_array_equal(
        read(table(frames, row_names, names=[f'"V{i}"' for i in range(25)], between=" ")).frames,
        frames)


def test_a_csv_with_all_cells_in_quotes(read, frames):
    text = table(frames).replace(",", '","').replace("\n", '"\n"').removesuffix('"')
    np.testing.assert_array_equal(read('"' + text).frames, frames)


@pytest.mark.parametrize(("name", "role"), [
    ("bark 1", "levels"), ("100 Hz", "levels"), ("V1", "levels"), ("low", "levels"),
    ("", "number"), ("Unnamed: 0", "number"), ("Time [ms]", "time"), ("frame_time", "time"),
    ("end", "skip"), ("Sample", "sample"), ("no.", "number"), ("3", "levels")])
def test_what_a_column_is_by_its_name(name, role):
    assert role_of_name(name)[0] == role


# Headers

@pytest.mark.parametrize("names", [
    list(range(25)), list(range(1, 26)), [50 + 100 * i for i in range(25)],
    [50, 150, 250, 350, 450, 570, 700, 840, 1000, 1170, 1370, 1600, 1850, 2150, 2500, 2900, 3400,
     4000, 4800, 5800, 7000, 8500, 10500, 13500, 18000],
    [100.5 * i for i in range(25)]])
def test_a_header_of_numbers_is_no_frame(read, frames, names):
    for between in ",;\t ":
        session = read(table(frames, names=list(map(str, names)), between=between))
        np.testing.assert_array_equal(session.frames, frames)


def test_a_first_line_of_numbers_is_a_frame_where_others_are_like_it(read):
    rising = np.arange(75.0).reshape(3, 25)
    np.testing.assert_array_equal(read(table(rising), columns="levels", units="db").frames, rising)
    assert len(read(table(rising[:1]), units="db")) == 1


@pytest.mark.parametrize("names", [
    range(25), range(50, 2550, 100), [f"{i * 100}Hz" for i in range(25)],
    [f"{i * 0.5:g}kHz" for i in range(25)], [f"{i * 100}-{i * 100 + 100}" for i in range(25)]])
@pytest.mark.parametrize("first", ["time", "Time (s)", "frameTime", "Zeit", None])
def test_bands_may_be_named_by_numbers_behind_a_time(read, frames, names, first):
    times = [] if first is None else [np.arange(40) / 50]
    names = [*map(str, names)] if first is None else [first, *map(str, names)]
    session = read(table(frames, *times, names=names))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == (100 if first is None else 50)


@pytest.mark.parametrize("begin,between,end", [
    ("[", ", ", "]"), ("[ ", ", ", " ],"), ("(", ", ", ")"), ("{", ",", "};"), ("[", " ", "]")])
def test_lists_in_brackets_are_frames(read, frames, begin, between, end):
    lines = [begin + between.join(f"{v:g}" for v in row) + end + "\n" for row in frames]
    np.testing.assert_array_equal(read("".join(lines)).frames, frames)
    timed = "".join(f"{i / 50:g} {line}" for i, line in enumerate(lines))
    assert read(timed).frame_rate == 50
    if end == "]":
        within = read("[" + "".join(lines)[:-1] + "]\n")
        np.testing.assert_array_equal(within.frames, frames)


@pytest.mark.parametrize("mark", ["%", "//", "#"])
def test_comments_of_other_programs(read, frames, mark):
    comments = f"{mark} samplerate=44100\n{mark} blockSize=1024 stepSize=512\n"
    np.testing.assert_array_equal(read(comments + table(frames)).frames, frames)
    named = f"{mark} {','.join(['rms', *BANDS])}\n"
    assert read(comments + named + table(frames, np.arange(40) / 50)).frame_rate == 50


@pytest.mark.parametrize("columns", [
    [np.arange(40) * 0.01161], [np.arange(40) * 11.61], [np.arange(40) * 0.01161, [0.01161] * 40]])
def test_a_coll_may_hold_times_behind_its_index(read, frames, columns):
    lines = table(frames, *columns, between=" ").splitlines()
    session = read("".join(f"{i + 1}, {line};\n" for i, line in enumerate(lines)))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == pytest.approx(86.1326, rel=1e-4)


def test_words_beside_a_frame_name_the_option_that_leaves_them_out(read, frames):
    for before, after, said in (
            ([["i1"] * 40], [], "skip"), ([["a"] * 40, ["b"] * 40], [], "skip,skip"),
            ([["jam.wav"] * 40, np.arange(40) / 100], [], "skip,time"),
            ([np.arange(40) / 100], ["loud"], "time,levels,skip")):
        text = table(frames, *before, newline="".join(["," + word for word in after]) + "\n")
        with pytest.raises(ValueError, match=rf"If only 25 columns are bands, columns='{said}' "
                                             rf"\(--columns {said}\)\."):
            read(text)
        np.testing.assert_array_equal(read(text, columns=said).frames, frames)
    with pytest.raises(ValueError, match="got 'a'. One line alone may name the columns; put #"):
        read("a title\n" + table(frames, names=[f"a {i}" for i in range(25)], between=" "))


def test_a_name_in_the_first_line_alone_can_be_left_out(read, frames):
    text = '"jam.wav",' + table(frames, np.arange(40) / 50).replace("\n", "\n,").rstrip(",")
    session = read(text, columns="skip,time")
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == 50


def test_what_the_first_line_is_can_be_said(read, frames):
    text = table(frames, names=list(map(str, range(25))))
    assert len(read(text, header=False)) == 41
    assert len(read(table(frames), header=True)) == 39
    with pytest.raises(ValueError, match="jam.txt:1: expected a number, got 'b0'"):
        read(table(frames, names=BANDS), header=False)


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_header_with_an_empty_first_cell_costs_no_frame(read, frames, between):
    for first in ("", '""'):
        session = read(table(frames, np.arange(40), between=between,
                             names=[first, *map(str, range(25))]))
        np.testing.assert_array_equal(session.frames, frames)
    # Lines that begin with a comma are frames all the same.
    lines = "".join(between + line for line in table(frames, between=between).splitlines(True))
    np.testing.assert_array_equal(read(lines).frames, frames)


def test_excel_may_name_its_separator(read, frames):
    for between, newline in itertools.product((";", ","), ("\n", "\r\n")):
        for names in (None, BANDS):
            text = f"sep={between}{newline}" + table(frames, names=names, between=between,
                                                     newline=newline)
            np.testing.assert_array_equal(read("\ufeff" + text).frames, frames)


def test_comments_and_headers_in_latin_1(read, frames):
    text = "# Übung, süß\n# name: Öl\nÄpfel;Öl\n" + table(frames)
    session = read(text.encode("latin-1"))
    np.testing.assert_array_equal(session.frames, frames)
    assert session.name == "Öl"


def test_our_own_table_of_familiarity_is_no_session(read):
    with pytest.raises(ValueError, match="jam.txt:1: is a table of familiarity that barkcluster "
                                         "wrote, no session."):
        read("time_s,familiarity,scale_0.5s\n0.5,0.7,0.7\n")


# What the user says the columns are

def test_columns_can_be_said(read, frames):
    times = np.arange(40) / 50
    text = table(frames, np.arange(40) % 3, times)
    session = read(text, columns="skip,time,levels")
    np.testing.assert_array_equal(session.frames, frames)
    assert session.frame_rate == 50
    behind = "".join(f"{line},{t}\n" for line, t in
                     zip(table(frames).splitlines(), times, strict=True))
    assert read(behind, columns=["levels", "time"]).frame_rate == 50
    with pytest.raises(ValueError, match="expected 26 columns, 25 of them bands, got 27"):
        read(text, columns="time")
    with pytest.raises(ValueError, match="columns must be words of time, number, sample, skip, "
                                         "levels, .* got 'band'"):
        read(text, columns="band")


@pytest.mark.parametrize(("n_fields", "hint"), [
    (24, r"n_bands=24 \(--bands 24\)\.$"), (40, r"n_bands=40 \(--bands 40\)\.$"),
    (7800, r"got 7800\. Are these several frames in one line\? Put each in a line of its own\.$"),
    (1, r"got 1\. If each line is one number .* \(--one-per-line\)\.$")])
def test_the_hint_names_what_may_be_right(read, n_fields, hint):
    with pytest.raises(ValueError, match=hint):
        read("-40 " * n_fields + "\n", n_bands=25)


def test_the_hint_does_not_count_a_time_among_the_bands(read):
    with pytest.raises(ValueError, match=r"got 41\. If 40 bands beside a time or number are "
                                         r"right, n_bands=40 \(--bands 40\)\.$"):
        read("0.01 " + "-40 " * 40 + "\n")


# Frames over several lines

def wrapped(frames, width=65, prefix=""):
    """As Pd writes text: lines of at most 65 columns, a semicolon ends each frame."""
    out = []
    for row in frames:
        line = ""
        words = (prefix + " ".join(f"{v:g}" for v in row) + ";").split()
        for word in words:
            if line and len(line) + 1 + len(word) > width:
                out.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        out.append(line)
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("prefix", ["", "list ", "bark "])
@pytest.mark.parametrize("width", [10, 65, 200])
def test_lines_that_pd_wraps_are_one_frame(read, frames, prefix, width):
    text = wrapped(frames, width, prefix)
    np.testing.assert_array_equal(read(text).frames, frames)
    np.testing.assert_array_equal(read("# of Pd\n" + text.replace("\n", "\r\n")).frames, frames)


def test_wrapped_lines_are_the_same_for_any_split(frames):
    text = wrapped(frames).encode()
    whole = FrameParser().feed(text)
    for size in (1, 7, 64, 1000):
        parser = FrameParser()
        fed = [parser.feed(text[i:i + size]) for i in range(0, len(text), size)]
        np.testing.assert_array_equal(np.concatenate(fed), whole)
    np.testing.assert_array_equal(whole, frames)


def test_a_bad_frame_over_several_lines_costs_one_frame(frames):
    lines = wrapped(frames).splitlines(keepends=True)
    lines[5] = "oops " + lines[5]
    parser = FrameParser()
    assert len(parser.feed("".join(lines).encode())) == 39
    assert parser.n_rejected == 1 and parser.last_error == "line 5: expected a number, got 'oops'."


def test_half_a_frame_at_the_end_is_left_out(read, frames):
    with pytest.warns(UnfinishedLineWarning, match="left out the last frame, which has no "
                                                   "semicolon"):
        assert len(read(wrapped(frames) + "-40 -41\n")) == 40


def test_lines_too_short_without_semicolons_are_named(read):
    with pytest.raises(ValueError, match=r"jam.txt:2: expected 25 numbers, got 24\. If that"):
        read("# x\n" + "-40 " * 24 + "\n" + "-40 " * 24 + "\n")


# Times, gaps, takes

def test_equal_stamps_are_read(read, frames):
    times = np.floor(np.arange(40) / 1.6) * 0.016
    assert read(table(frames, times)).frame_rate == pytest.approx(100, rel=0.02)
    assert read(table(frames, times), frame_rate=100).frame_rate == 100


def test_lost_frames_are_filled_in_and_counted(read, rng):
    frames = np.round(rng.uniform(-99, -1, size=(1000, 25)), 2)
    kept = np.sort(rng.choice(np.arange(1, 999), 900, replace=False))
    with pytest.warns(MissingFramesWarning, match=r"\d+ frames are missing beside 900, by the "
                                                  r"times in the file: \d+ are filled in from"):
        session = read(table(frames[kept], kept / 100))
    assert session.frame_rate == pytest.approx(100)
    assert session.start == kept[0] / 100 and not session.gaps
    np.testing.assert_array_equal(session.frames[kept - kept[0]], frames[kept])


def test_a_pause_begins_a_new_take_and_time_goes_on(read, rng):
    frames = np.round(rng.uniform(-99, -1, size=(200, 25)), 2)
    times = np.arange(200) / 100 + np.where(np.arange(200) < 100, 5, 65)
    with pytest.warns(MissingFramesWarning, match="6000 frames are missing beside 200, .* a gap "
                                                  "of 60 s begins a new take"):
        session = read(table(frames, times))
    assert [(take.start, len(take)) for take in session.takes] == [(5.0, 100), (66.0, 100)]
    assert (session.gaps, session.stop, session.duration) == (((100, 6000),), 67.0, 2.0)


def test_clocks_since_1970_count_from_the_first_frame(read, frames):
    assert read(table(frames, 1731000000000 + 10 * np.arange(40))).start == 0.0


def test_times_that_say_no_rate_name_what_settles_it(read, rng):
    steps = np.concatenate([rng.exponential(1 / 140, 1500), rng.exponential(1 / 60, 1500)])
    text = table(np.full((3000, 25), -40.0), np.cumsum(steps))
    with pytest.raises(ValueError, match=r"jam.txt: expected a time column that tells how many "
                                         r"frames a second there are; .* if all frames are there, "
                                         r".*frame_rate= \(--frame-rate\)\."):
        read(text)
    assert read(text, frame_rate=100).frame_rate == 100


def test_times_with_two_readings_warn_of_the_other(read):
    kept = np.arange(1000)[np.arange(1000) % 10 != 9]
    text = table(np.full((900, 25), -40.0), kept / 100)
    with pytest.warns(MissingFramesWarning), pytest.warns(
            TimeColumnWarning, match=r"may mean 100 frames a second with 10% of them lost, which "
                                     r"is taken, or 90\. Say how many .*--frame-rate"):
        session = read(text)
    assert (session.frame_rate, len(session)) == (100, 999)
    assert read(text, frame_rate=90).frame_rate == 90


def test_gaps_and_the_clock_are_written_and_read_back(tmp_path, frames):
    session = Session(frames, 50.0, "jam", gaps=[(10, 300), (25, 0)], start=12.5)
    write_session(session, tmp_path / "a.txt")
    back = read_session(tmp_path / "a.txt")
    np.testing.assert_array_equal(back.frames, frames)
    assert (back.gaps, back.start, back.frame_rate) == (session.gaps, 12.5, 50.0)
    assert FrameParser().feed((tmp_path / "a.txt").read_bytes()).shape == (40, 25)


def test_what_barkcluster_wrote_is_never_in_doubt(tmp_path):
    # A first frame that could number the columns, and a band that rises by equal steps.
    frames = np.full((30, 25), -40.0)
    frames[0], frames[:, 0] = np.arange(25), np.arange(30)
    write_session(Session(frames), tmp_path / "a.txt")
    np.testing.assert_array_equal(read_session(tmp_path / "a.txt").frames, frames)


def test_what_was_gathered_live_is_read_in_takes(read, frames):
    lines = table(frames, between=" ").splitlines(keepends=True)
    text = ("# frame_rate: 100.0\n# gathered by barkcluster\n# dtype: float32\n"
            + "".join(lines[:10]) + "# gap\n" + "".join(lines[10:]) + "# gap\n")
    for newline in ("\n", "\r\n"):
        session = read(text.replace("\n", newline))
        assert [len(take) for take in session.takes] == [10, 30]


# Units

@pytest.mark.parametrize(("top", "why"), [(1.0, "all lie from 0 to 1"), (90.0, "none is below 0")])
def test_powers_taken_for_decibels_warn(read, frames, top, why):
    text = table(np.abs(frames) / 99 * top)
    with pytest.warns(UnitsWarning, match=rf"{why}\. Powers are read with units='linear' "
                                          r"\(--units linear\), amplitudes or magnitudes with"):
        read(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(text, units="db")
        read(text, units="linear")
        read(table(frames))


def test_amplitudes_are_squared(read):
    session = read("0 0.1 1\n0 10 0.5\n", units="amplitude", n_bands=3)
    np.testing.assert_allclose(session.frames, [[-100, -20, 0], [-100, 20, -6.0206]], atol=1e-4)
    with pytest.raises(ValueError, match="expected amplitudes of 0 or more, got -1"):
        read("0 -1 1\n", units="amplitude", n_bands=3)
    with pytest.raises(ValueError, match=r"amplitudes up to 100000 \(100 dB\), got 1e\+06"):
        read("0 1e6 1\n", units="amplitude", n_bands=3)


# Whole files and pieces

pieces_of_text = st.lists(st.sampled_from([
    b"0,1,2,3,4\n", b"50,150,250,350,450\n", b"time,a,b,c,d,e\n", b",0,1,2,3,4\n", b"sep=;\n",
    b"-1 -2 -3 -4 -5\n", b"-1 -2 -3 -4 -5;\n", b"-1 -2\n", b"-3 -4 -5;\n", b"-1 -2 -3\n",
    b"0 -1 -2 -3 -4 -5\n", b"10 -1 -2 -3 -4 -5\n", b"11 -1 -2 -3 -4 -5\n",
    b"1 20 -1 -2 -3 -4 -5\n",
    b'"1",-1,-2,-3,-4,-5\n', b'"","V1","V2","V3","V4","V5"\n', b"# gap\n", b"# gap: 7\n",
    b"# reset\n", b"# start: 3\n", b"# dtype: float32\n", b";\n", b"\r\n", b"list -1 -2 -3\n",
    b"0, -1 -2 -3 -4 -5;\n", b"1, -1 -2 -3 -4 -5;\n", b"0 -2 -3 -4 -5\n", b"1 -2 -3 -4 -5\n",
    b"2 -2 -3 -4 -5\n", b"3 -2 -3 -4 -5\n", b"0.5,0.5,0.25,1,0\n", b"-1 -2 -3 -4 -5",
    b"\xd6l \xc4\n", b"time_s,familiarity,x\n", b"1 2 3 4 5 6 7 8 9\n"]), max_size=24)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(parts=pieces_of_text, size=st.integers(1, 40),
       columns=st.sampled_from([None, None, "levels", "time", "skip,time"]),
       header=st.sampled_from([None, None, True, False]),
       units=st.sampled_from(["db", "linear", "amplitude"]))
def test_a_file_read_whole_agrees_with_its_pieces(tmp_path_factory, parts, size, columns, header,
                                                  units):
    text = b"".join(parts)
    options = {"n_bands": 5, "units": units, "columns": columns, "header": header}
    whole, apart = (FrameParser(**options) for _ in range(2))
    together = whole.feed(text)
    fed = [apart.feed(text[i:i + size]) for i in range(0, len(text), size)]
    np.testing.assert_array_equal(np.concatenate([np.empty((0, 5)), *fed]), together)
    assert vars(whole) == vars(apart)
    assert whole.n_frames + whole.n_rejected <= whole.n_lines
    ends = [parser.finish()[0] for parser in (whole, apart)]
    np.testing.assert_array_equal(*ends)
    assert vars(whole) == vars(apart)

    path = tmp_path_factory.getbasetemp() / "whole.txt"
    path.write_bytes(text)
    frames = np.concatenate([together, ends[0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            session = read_session(path, **options)
        except ValueError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
            return
    assert whole.n_rejected == 0
    assert len(session) >= len(frames)
    # Those of the file are among those of the session, which may be filled in between.
    at = 0
    for row in session.frames:
        at += at < len(frames) and np.allclose(row, frames[at], atol=1e-4)
    assert at == len(frames)


def test_a_header_of_odd_spaces_is_no_traceback():
    # NEL, which separates words in text but not in bytes.
    parser = FrameParser(n_bands=2, header=True)
    assert len(parser.feed(b"\x85 \n# comment\n-1 -2\n")) == 1


def test_an_infinite_number_in_a_first_column_is_a_rejected_line():
    parser = FrameParser(2)
    frames = parser.feed(b"1, 2\n1,0\n1e999 3\n-41 -42\n")
    np.testing.assert_array_equal(frames, [[1, 2], [1, 0], [-41, -42]])
    assert parser.n_rejected == 1
    assert parser.first_error[1].startswith("expected levels up to 100 dB, got inf.")
