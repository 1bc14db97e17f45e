"""A timeline in a terminal: the curve, a stripe for each scale, marks and a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from barkcluster._clock import clock
from barkcluster._familiarity import STRANGE
from barkcluster._typing import FloatArray

from .terminal import Style

if TYPE_CHECKING:  # the model takes long to import
    from barkcluster.model.timeline import Timeline


# Upper ends of the familiarities that one color stands for, and the colors: red to blue, which
# color-blind people can tell apart. Heights say the same without color.
LEVELS = (0.01, STRANGE, 0.2, 0.5, 0.8, 1.0)
COLORS = (161, 203, 214, 144, 74, 32)

_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "_.:-=+*#"
_CURVE_ROWS = 4
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_BETWEEN_TICKS = 12  # columns


@dataclass(frozen=True)
class Mark:
    """A stretch of time with a label.

    Attributes
    ----------
    start, stop : float
        Seconds.
    label : str
    """

    start: float
    stop: float
    label: str


def color_of(familiarity: float) -> int:
    """The color, of 256, that stands for a familiarity."""
    return COLORS[int(np.searchsorted(LEVELS[:-1], familiarity, side="right"))]


def stripe(values: npt.ArrayLike, style: Style) -> str:
    """A character for each familiarity, by its color or, without color, its height.

    Parameters
    ----------
    values : array-like of shape (n,)
        From 0 to 1; nan, which is not known yet, becomes a space.
    style : Style

    Returns
    -------
    text : str

    Examples
    --------
    >>> stripe([0.0, 0.3, 1.0, float("nan"), 0.5], Style(color=False, blocks=True))
    '▁▃█ ▅'
    """
    heights = _HEIGHTS if style.blocks else _ASCII_HEIGHTS
    out = []
    for value in np.asarray(values, dtype=np.float64).tolist():
        if np.isnan(value):
            out.append(" ")
        elif style.color and style.blocks:
            out.append(style.paint("█", color_of(value)))
        else:
            out.append(style.paint(heights[min(int(value * 8), 7)], color_of(value)))
    return "".join(out)


def draw_timeline(timeline: Timeline, style: Style, *, width: int = 80,
                  marks: Sequence[Mark] = (), marks_name: str = "") -> str:
    """The familiarity over time, of all scales and of each, in lines of text.

    Parameters
    ----------
    timeline : Timeline
    style : Style
    width : int, default=80
        Columns to fill.
    marks : sequence of Mark
        Stretches to show under the stripes.
    marks_name : str, default=""
        Label of the line of marks.

    Returns
    -------
    text : str
        Lines without a newline at the end: the curve of all scales, a stripe for each scale,
        the marks, the time and a legend. A column shows the mean over its stretch of time.
    """
    names = [f"{scale:g} s" for scale in timeline.scales]
    margin = max(len(name) for name in [*names, marks_name, "all scales 1"]) + 1
    n_columns = max(1, min(width - margin, len(timeline)))
    edges = np.linspace(timeline.times[0] - timeline.step, timeline.times[-1], n_columns + 1)
    column = np.clip((timeline.times - timeline.times[0]) / (edges[-1] - edges[0]) * n_columns
                     + 1e-6, 0, n_columns - 1).astype(np.intp)

    def line(name: str, text: str) -> str:
        return f"{name.rjust(margin - 1)} {text}".rstrip()

    lines = [line(name, text) for name, text in zip(
        ["all scales 1", *[""] * (_CURVE_ROWS - 2), "0"],
        _curve(_in_columns(timeline.familiarity, column, n_columns), style), strict=True)]
    lines += [line(name, stripe(_in_columns(values, column, n_columns), style))
              for name, values in zip(names, timeline.by_scale.T, strict=True)]
    if marks:
        lines += [line(marks_name if i == 0 else "", text)
                  for i, text in enumerate(_marks(marks, edges, style))]
    lines.append(line("time", _clock_line(edges)))
    lines.append(line("", _legend(style)))
    return "\n".join(lines)


def _in_columns(values: FloatArray, column: npt.NDArray[np.intp], n_columns: int) -> FloatArray:
    """Mean of the known values in each column; nan where there are none."""
    known = np.flatnonzero(np.isfinite(values))
    count = np.bincount(column[known], minlength=n_columns)
    total = np.bincount(column[known], values[known], minlength=n_columns)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _curve(columns: FloatArray, style: Style) -> list[str]:
    """The columns as bars, several rows high, the highest first."""
    heights = " " + (_HEIGHTS if style.blocks else ".:::####")
    rows = []
    for row in reversed(range(_CURVE_ROWS)):
        eighths = np.clip(np.round(8 * (_CURVE_ROWS * np.nan_to_num(columns) - row)), 0, 8)
        if row == 0:  # a familiarity of 0 is shown as well
            eighths = np.where(np.isnan(columns), 0, np.maximum(eighths, 1))
        rows.append("".join(style.paint(heights[int(height)], color_of(value))
                            for height, value in zip(eighths, columns, strict=True)))
    return rows


def _marks(marks: Sequence[Mark], edges: FloatArray, style: Style) -> list[str]:
    """A line with the stretches, then as many as their labels need to stay apart."""
    n_columns = len(edges) - 1
    stretches = [" "] * n_columns
    labels: list[str] = []
    for mark in marks:
        if mark.stop <= edges[0] or mark.start >= edges[-1]:
            continue
        first, last = np.clip(np.searchsorted(edges, [mark.start, mark.stop]) - 1, 0,
                              n_columns - 1).tolist()
        stretches[first:last + 1] = ("━" if style.blocks else "=") * (last + 1 - first)
        at = max(0, min(first, n_columns - len(mark.label)))
        for i, text in enumerate(labels):
            if not text or len(text) < at:
                labels[i] = text.ljust(at) + mark.label
                break
        else:
            labels.append(" " * at + mark.label)
    return ["".join(stretches), *labels]


def _clock_line(edges: FloatArray) -> str:
    """Times under the columns they belong to, at round steps."""
    per_column = (edges[-1] - edges[0]) / (len(edges) - 1)
    step = next((s for s in _TICKS_S if s >= _BETWEEN_TICKS * per_column), _TICKS_S[-1])
    text = ""
    for second in np.arange(np.ceil(edges[0] / step) * step, edges[-1], step):
        at = int((second - edges[0]) / per_column)
        label = clock(second)
        if at + len(label) < len(edges) and (not text or len(text) < at):
            text = text.ljust(at) + label
    return text


def _legend(style: Style) -> str:
    heights = _HEIGHTS if style.blocks else _ASCII_HEIGHTS
    if not style.color:
        return f"{heights[0]} strange  {heights[4]} 0.5 typical  {heights[7]} heard before"
    square = "█" if style.blocks else "#"
    named = [f"<{high:g}" for high in LEVELS[:-1]] + ["heard before"]
    return "  ".join(f"{style.paint(square, color)} {name}"
                     for color, name in zip(COLORS, named, strict=True))
