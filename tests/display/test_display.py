"""Bars, tables and progress in a terminal."""

import io
import re
import sys

import numpy as np
import pytest

from barkcluster import Timeline
from barkcluster._clock import clock
from barkcluster.display import bars, progress, terminal
from barkcluster.display.moments import strangest

PLAIN = terminal.Style(color=False, blocks=True)
COLOR = terminal.Style(color=True, blocks=True)


def timeline(familiarity, scales=(0.5, 10.0), first_s=0.1):
    familiarity = np.asarray(familiarity, dtype=float)
    times = first_s + 0.1 * np.arange(len(familiarity))
    by_scale = np.tile(familiarity[:, None], (1, len(scales)))
    by_scale[:len(familiarity) // 4, -1] = np.nan
    return Timeline(times, familiarity, by_scale, np.array(scales))


def without_color(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("width", [40, 80, 133])
@pytest.mark.parametrize("n", [1, 7, 600, 20000])
def test_timeline_fits_the_width(rng, width, n):
    drawn = bars.draw_timeline(timeline(rng.uniform(size=n)), PLAIN, width=width)
    stripes = [line for line in drawn.splitlines() if " s " in line[:13]]
    assert len(stripes) == 2
    assert max(map(len, stripes)) == min(width, n + 13)


def test_a_low_stretch_is_low_where_it_is():
    familiarity = np.ones(800)
    familiarity[400:500] = 0.001
    lines = bars.draw_timeline(timeline(familiarity), PLAIN, width=13 + 80).splitlines()
    stripe = next(line for line in lines if line.lstrip().startswith("0.5 s"))[13:]
    assert stripe == "█" * 40 + "▁" * 10 + "█" * 30
    assert lines[0][13:] == "█" * 40 + " " * 10 + "█" * 30
    assert next(line for line in lines if "10 s" in line)[13:33].strip() == ""


def test_colors_add_nothing_but_color(rng):
    values = timeline(rng.uniform(size=300))
    plain = bars.draw_timeline(values, PLAIN).splitlines()
    colored = without_color(bars.draw_timeline(values, COLOR)).splitlines()
    assert colored[:4] == plain[:4]  # the curve; stripes are full blocks in color
    assert [len(line) for line in colored[:-1]] == [len(line) for line in plain[:-1]]


def test_what_cannot_be_encoded_is_not_printed(rng):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    style = terminal.style_for(stream)
    drawn = bars.draw_timeline(timeline(rng.uniform(size=300)), style,
                               marks=[bars.Mark(1.0, 2.0, "noise")], marks_name="surprises")
    assert drawn.isascii()
    assert "=" in drawn


@pytest.mark.parametrize(("familiarity", "color"), [
    (0.0, 161), (0.009, 161), (0.01, 203), (0.049, 203), (0.05, 214), (0.3, 144), (0.79, 74),
    (0.8, 32), (1.0, 32)])
def test_colors_turn_at_the_levels_of_the_legend(familiarity, color):
    assert bars.color_of(familiarity) == color


def test_marks_stand_under_their_time_and_labels_stay_apart():
    marks = [bars.Mark(10.0, 20.0, "instrument"), bars.Mark(22.0, 24.0, "noise"),
             bars.Mark(24.5, 25.5, "crowd"), bars.Mark(70.0, 80.0, "melody"),
             bars.Mark(500.0, 510.0, "elsewhere")]
    lines = bars.draw_timeline(timeline(np.ones(800)), PLAIN, width=13 + 80, marks=marks,
                               marks_name="surprises").splitlines()
    at = next(i for i, line in enumerate(lines) if "surprises" in line)
    stretches, first, second, clock_line = (line[13:] for line in lines[at:at + 4])
    assert stretches[10:19] == "━" * 9
    assert stretches[26:69].strip() == ""
    assert first.index("instrument") in (9, 10)
    assert first.index("noise") in (21, 22)
    assert second.index("crowd") in (24, 25)
    assert "melody" in first
    assert "0:30" in clock_line
    assert not any("elsewhere" in line for line in lines)


def test_the_clock_of_a_part_counts_from_the_start_of_the_session(rng):
    drawn = bars.draw_timeline(timeline(rng.uniform(size=1200), first_s=3600.1), PLAIN)
    assert "1:00:30" in drawn


def test_strangest_moments_are_apart(rng):
    values = timeline(rng.uniform(size=2000))
    rows = strangest(values, 5)
    times = np.sort(values.times[rows])
    assert len(rows) == 5
    assert np.diff(times).min() >= 10.0
    assert values.familiarity[rows[0]] == values.familiarity.min()
    assert strangest(timeline([0.5]), 5) == [0]


@pytest.mark.parametrize(("color", "tty", "variables", "expected"), [
    ("auto", True, {}, True),
    ("auto", False, {}, False),
    ("auto", True, {"NO_COLOR": "1"}, False),
    ("auto", True, {"TERM": "dumb"}, False),
    ("always", False, {"NO_COLOR": "1"}, True),
    ("never", True, {}, False)])
def test_when_there_is_color(monkeypatch, color, tty, variables, expected):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    assert terminal.style_for(stream, color) == terminal.Style(expected, blocks=True)


@pytest.mark.parametrize(("columns", "width"), [("10", 40), ("100", 100), ("1000", 160)])
def test_width_has_bounds(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.terminal_width() == width


@pytest.mark.parametrize(("seconds", "digits", "text"), [
    (0, 0, "0:00"), (59.96, 1, "1:00.0"), (3599.5, 0, "1:00:00"), (61.25, 2, "1:01.25")])
def test_clock(seconds, digits, text):
    assert clock(seconds, digits) == text


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_progress_without_rich_is_one_line_that_goes_away(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress(2) as step:
        step("reading")
        step("learning")
    written = sys.stderr.getvalue()
    assert "reading (1 of 2)" in written
    assert "\n" not in written
    assert written.endswith("\r\x1b[K")


def test_progress_with_rich_names_the_step(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress(2) as step:
        step("reading")
        step("learning")
    assert "learning" in sys.stderr.getvalue()


def test_no_progress_where_nobody_watches(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress(1) as step:
        step("reading")
    assert sys.stderr.getvalue() == ""


def test_columns_of_wide_characters_stand_below_each_other():
    rows = [["録音", "1"], ["jam", "10"]]
    lines = terminal.table(["name", "n"], rows, PLAIN).split("\n")
    assert [terminal.width_of(line) for line in lines] == [8, 8, 8]


def test_names_in_a_header_cannot_move_the_cursor():
    text = terminal.table(["is", "anna\x1b[2J"], [["anna", "1"]], terminal.Style(False, False))
    assert "\x1b" not in text and "anna\\x1b[2J" in text


def test_columns_of_texts_begin_below_each_other():
    rows = [["anna", "1", "sound"], ["bert", "20", "too short"]]
    assert terminal.table(["name", "n", "fault"], rows, PLAIN, (0, 2)).split("\n") == [
        "name   n  fault", "anna   1  sound", "bert  20  too short"]
