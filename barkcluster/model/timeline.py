"""Familiarity over time: what a model says of a session."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import numpy as np

from barkcluster._clock import clock, label_times
from barkcluster._extras import missing_extra
from barkcluster._familiarity import STRANGE
from barkcluster._html import (
    WIDTH,
    card,
    curve_over,
    familiarity_pixels,
    lowest,
    pixels_at,
    svg,
    words_at,
)
from barkcluster._typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_COLUMNS = 600  # of the drawing in a notebook
_CURVE, _STRIPE = 90, 12


@dataclass(frozen=True, eq=False)
class Timeline:
    """Familiarity over time.

    Attributes
    ----------
    times : ndarray of shape (n,)
        Seconds; the end of the windows that a row is about.
    familiarity : ndarray of shape (n,)
        0 to 1, all scales together.
    by_scale : ndarray of shape (n, n_scales)
        Familiarity at each scale; nan until that scale's first window is full.
    scales : ndarray of shape (n_scales,)
        Window lengths in seconds.
    """

    times: FloatArray
    familiarity: FloatArray
    by_scale: FloatArray
    scales: FloatArray

    def __len__(self) -> int:
        return len(self.times)

    @property
    def step(self) -> float:
        """Seconds between rows of one take."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0

    def with_breaks(self, *columns: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Times and columns with a row of nan where nothing was heard, so that no line is drawn.

        Parameters
        ----------
        *columns : ndarray of shape (n,)

        Returns
        -------
        times : ndarray of shape (n + n_breaks,)
            A break stands a step before the row after it.
        columns : list of ndarray of the same shape
        """
        after = np.flatnonzero(np.diff(self.times) > 1.5 * self.step) + 1
        times = np.insert(self.times, after, self.times[after] - self.step)
        return times, [np.insert(column, after, np.nan) for column in columns]

    def to_csv(self, path: str | os.PathLike[str] | TextIO) -> None:
        """Write a table with a header: time, familiarity, then a column for each scale.

        Parameters
        ----------
        path : path-like or text file
            Where to. Values not known yet are left empty.
        """
        if isinstance(path, (str, os.PathLike)):
            with open(path, "w", newline="", encoding="utf-8") as file:
                self._write_csv(file)
        else:
            self._write_csv(path)

    def _write_csv(self, file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time_s", "familiarity", *(f"scale_{s:g}s" for s in self.scales)])
        for time, familiarity, row in zip(
                self.times, self.familiarity, self.by_scale, strict=True):
            cells = ("" if np.isnan(v) else f"{v:.6g}" for v in row)
            writer.writerow([f"{time:.10g}", f"{familiarity:.6g}", *cells])

    def to_frame(self) -> DataFrame:
        """A pandas DataFrame: the columns of `to_csv`, by time in seconds.

        Returns
        -------
        frame : pandas.DataFrame of shape (n, 1 + n_scales)
            Values not known yet are nan.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        columns = {"familiarity": self.familiarity}
        columns |= {f"scale_{s:g}s": self.by_scale[:, j] for j, s in enumerate(self.scales)}
        return pd.DataFrame(columns, index=pd.Index(self.times, name="time_s"))

    def _repr_html_(self) -> str:
        """What a notebook shows: the curve above a stripe for each scale."""
        if not len(self):
            return card("Timeline", [("moments", "0")])
        times, (familiarity, *by_scale) = self.with_breaks(self.familiarity, *self.by_scale.T)
        stripes = np.stack([lowest(column, _COLUMNS) for column in by_scale])
        least = int(np.argmin(self.familiarity))
        left, height = WIDTH - _COLUMNS, _CURVE + _STRIPE * len(stripes) + 20
        low = float(np.mean(self.familiarity < STRANGE))
        labels = [words_at(left - 4, y, words, "end") for words, y in
                  [("1", 10), ("0.5", _CURVE / 2 + 4), (f"{STRANGE:g}", _CURVE - 2),
                   *((f"{s:g} s", _CURVE + _STRIPE * (j + 0.8))
                     for j, s in enumerate(self.scales))]]
        drawing = svg(
            height,
            pixels_at(familiarity_pixels(stripes), left, _CURVE, _COLUMNS,
                      _STRIPE * len(stripes)),
            curve_over(lowest(familiarity, _COLUMNS), left, 0, _COLUMNS, _CURVE),
            *labels, words_at(left, height - 4, clock(times[0])),
            words_at(WIDTH, height - 4, clock(times[-1]), "end"),
            label="familiarity over time, a stripe for each window length")
        return card(
            f"Timeline of {clock(times[0], 1)} to {clock(times[-1], 1)}",
            [("mean familiarity", f"{self.familiarity.mean():.2f}"),
             (f"below {STRANGE:g}", f"{low:.1%}"),
             ("least", f"{self.familiarity[least]:.2g} at {clock(self.times[least], 1)}")],
            drawing)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the familiarity over time above a stripe for each scale.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure where none is given. Needs the extra ``plot``.

        Returns
        -------
        ax : matplotlib Axes
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise missing_extra("A plot", "matplotlib", "plot") from error
        if ax is None:
            _, ax = plt.subplots(figsize=(10, 3.5), layout="constrained")
        n_scales = len(self.scales)
        step = self.step
        times, (familiarity, *by_scale) = self.with_breaks(
            self.familiarity, *self.by_scale.T)
        edges = np.concatenate([times[:1] - step, times])
        # Stripes stand below the curve, the longest scale lowest.
        rows = -np.linspace(0.05, 0.65, n_scales + 1)
        image = ax.pcolormesh(edges, rows, np.stack(by_scale), vmin=0, vmax=1, cmap="RdYlBu",
                              rasterized=True)
        ax.plot(times, familiarity, color="0.15", linewidth=1)
        ax.axhline(STRANGE, color="tab:red", linewidth=0.8, linestyle=":")
        ax.set_ylim(-0.68, 1.03)
        middles = (rows[1:] + rows[:-1]) / 2
        ax.set_yticks([*middles, STRANGE, 0.5, 1.0],
                      [*(f"{s:g} s" for s in self.scales), f"{STRANGE:g}", "0.5", "1"])
        label_times(ax)
        ax.set_ylabel("familiarity")
        ax.figure.colorbar(image, ax=ax, label="by scale", pad=0.01)
        return ax
