"""How alike two stretches of sessions are, for every pair of stretches of a length.

A session becomes rows, eight for the shortest length: levels in dB less their mean over the
surrounding `_TREND_ROWS`, so that loudness, held notes and silence leave nothing to compare. The
similarity of two stretches is the cosine between their rows, in order. Stretches twice as long are
made from pairs of stretches. At each doubling the second may come up to `_FLEX` of the length
earlier or later, so that tempi may differ by as much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from barkcluster.frames.resampling import pooled

Rows: TypeAlias = npt.NDArray[np.float32]
Matrix: TypeAlias = npt.NDArray[np.float32]

ROWS_IN_SHORTEST = 8
_TREND_ROWS = 65
_FLEX = 0.1           # of the length
_DYNAMICS_DB = 60.0   # below the loudest, changes are noise
_QUIETEST_DB = -90.0
_SILENT_DB = 40.0     # below the loudest
_LARGEST_DB = 20.0    # larger changes count as this: an entry out of silence is one event
# The level of noise: rows that change less than this are similar to nothing.
_NOISE_DB = 1.0
_EVENT_DB = 1.5       # mean rise of the bands in a row that makes an event
_LONGEST_REST = 8     # rows without an event, within a stretch that counts
_ROWS_AT_ONCE = 512
_FEWEST_ROWS_AT_ONCE = 128   # the longest stretches need about as many rows behind them
_ENTRIES_AT_ONCE = 5_000_000


@dataclass(frozen=True, eq=False)
class DetrendedFrames:
    """A session as rows to be compared: levels about their local mean.

    Attributes
    ----------
    rows : ndarray of float32 of shape (n_rows, n_bands)
        dB about the local mean.
    events : ndarray of int of shape (n_rows + 1,)
        Number of events in the rows before each.
    row_s : float
        Seconds of a row.
    starts : ndarray of int of shape (n_takes,)
        Rows at which takes begin; the row before each but the first is empty.
    """

    rows: Rows
    events: npt.NDArray[np.intp]
    row_s: float
    starts: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(1, np.intp))

    def __len__(self) -> int:
        return len(self.rows)

    def reversed(self) -> DetrendedFrames:
        """The same backwards: music of the same kind, in which nothing recurs but by chance."""
        return DetrendedFrames(np.ascontiguousarray(self.rows[::-1]), self.events, self.row_s,
                               self.starts)

    def eventful(self, span: int) -> npt.NDArray[np.bool_]:
        """Whether enough happens in the stretch of `span` rows that starts at each row."""
        happened = self.events[span:] - self.events[:-span]
        enough = happened >= max(3, span // ROWS_IN_SHORTEST)
        # Nor may it be mostly a rest: before silence, every end of a phrase is like every other.
        rest = min(_LONGEST_REST, span)
        resting = np.concatenate([[0], np.cumsum(self.events[rest:] == self.events[:-rest])])
        enough &= resting[span - rest + 1:] == resting[:len(enough)]
        for start in self.starts[1:].tolist():  # nor may it span two takes
            enough[max(0, start - span):start] = False
        return enough


def detrended_takes(takes: list[npt.NDArray[np.floating]], frame_rate: float, row_s: float,
                    name: str = "frames") -> tuple[DetrendedFrames, list[int]]:
    """Rows of takes one behind the other, an empty one between, and which takes they are.

    Takes shorter than two rows are left out.

    Raises
    ------
    ValueError
        If all are; the message begins with ``name``.
    """
    fewest = math.ceil(2 * frame_rate * row_s)
    able = [i for i, take in enumerate(takes) if len(take) >= fewest]
    if not able:
        raise ValueError(f"{name} must hold a take of at least {2 * row_s:g} s; the longest has "
                         f"{max(map(len, takes), default=0) / frame_rate:g} s.")
    parts = [detrended(takes[i], frame_rate, row_s) for i in able]
    if len(parts) == 1:
        return parts[0], able
    empty = np.zeros((1, takes[0].shape[1]), np.float32)
    rows: list[Rows] = []
    events = [np.zeros(1, np.intp)]
    starts: list[int] = []
    n_rows = n_events = 0
    for part in parts:
        if starts:
            rows.append(empty)
            events.append(np.array([n_events]))
            n_rows += 1
        starts.append(n_rows)
        rows.append(part.rows)
        events.append(part.events[1:] + n_events)
        n_rows, n_events = n_rows + len(part), n_events + int(part.events[-1])
    joined = DetrendedFrames(np.concatenate(rows), np.concatenate(events), row_s,
                             np.array(starts))
    return joined, able


def detrended(levels: npt.NDArray[np.floating], frame_rate: float, row_s: float
              ) -> DetrendedFrames:
    """Rows of `row_s` seconds of checked frames."""
    per_row = frame_rate * row_s
    n = int(len(levels) / per_row + 1e-9)
    rows = pooled(levels, 0, n, per_row)
    loudest = rows.max(axis=1)
    usual = float(np.percentile(loudest, 95))
    np.maximum(rows, max(usual - _DYNAMICS_DB, _QUIETEST_DB), out=rows)
    rise = np.clip(np.diff(rows, axis=0, prepend=rows[:1]), 0.0, _LARGEST_DB).mean(axis=1)
    events = np.concatenate([[0], np.cumsum(rise > _EVENT_DB)])
    # Silence does not count: phrases are not alike because each of them ends.
    sounds = (loudest > max(usual - _SILENT_DB, _QUIETEST_DB))[:, None].astype(np.float64)
    near = min(_TREND_ROWS, 2 * (n // 2) - 1)
    share = uniform_filter1d(sounds, near, axis=0, mode="nearest")
    rows *= sounds
    rows -= uniform_filter1d(rows, near, axis=0, mode="nearest") / np.maximum(share, 1 / near)
    np.clip(rows, -_LARGEST_DB, _LARGEST_DB, out=rows)
    rows *= sounds
    return DetrendedFrames(rows.astype(np.float32), events, row_s)


def similarities(one: DetrendedFrames, other: DetrendedFrames, first: int, last: int,
                 spans: list[int]) -> Iterator[tuple[int, Matrix]]:
    """Similarity of stretches of `one` that start in rows `first` to `last` to all of `other`.

    Parameters
    ----------
    one, other : DetrendedFrames
    first, last : int
        Rows of `one`.
    spans : list of int
        Lengths in rows, each twice the one before, the first `ROWS_IN_SHORTEST`.

    Yields
    ------
    span : int
    similarity : ndarray of float32 of shape (n, m)
        -1 to 1; stretch ``first + i`` of `one` against stretch ``j`` of `other`. Spans for which
        one of them is too short are left out.
    """
    mine = one.rows[first:last + spans[-1] - 1]
    product = mine @ other.rows.T
    energy = [np.einsum("ij,ij->i", rows, rows, dtype=np.float64) for rows in (mine, other.rows)]
    noise = _NOISE_DB ** 2 * mine.shape[1]
    span = 1
    while True:
        if span in spans:
            n = min(last - first, len(product))
            below = [1 / np.sqrt(np.maximum(e, 0.0) + noise * span) for e in energy]
            scaled = product[:n] * below[0][:n, None].astype(np.float32)
            scaled *= below[1].astype(np.float32)
            yield span, scaled
        if span == spans[-1] or min(product.shape) <= span:
            return
        second = product[span:, span:]
        flex = round(_FLEX * span)
        if flex:
            second = _running_maximum(product[span:], flex)[:, span:]
        product = product[:-span, :-span] + second
        energy = [e[:-span] + e[span:] for e in energy]
        span *= 2


def _running_maximum(matrix: Matrix, reach: int) -> Matrix:
    """The largest within so many columns on either side of each.

    A tenth of the time that `scipy.ndimage.maximum_filter1d` takes for so few columns.
    """
    n = matrix.shape[1]
    if n <= 2 * reach:
        return maximum_filter1d(matrix, 2 * reach + 1, axis=1)
    width, widest = 1, matrix
    while 2 * width <= 2 * reach + 1:
        widest = np.maximum(widest[:, :-width], widest[:, width:])
        width *= 2
    most = np.empty_like(matrix)
    rest = 2 * reach + 1 - width
    np.maximum(widest[:, :n - 2 * reach], widest[:, rest:], out=most[:, reach:n - reach])
    # At the ends there are fewer.
    most[:, :reach] = np.maximum.accumulate(matrix[:, :2 * reach], axis=1)[:, reach:]
    most[:, n - reach:] = np.maximum.accumulate(
        matrix[:, :n - 2 * reach - 1:-1], axis=1)[:, :reach - 1:-1]
    return most


def blocks(n: int, m: int) -> Iterator[tuple[int, int]]:
    """First and last of `n` rows, in pieces whose similarities to `m` rows fit into memory."""
    size = max(_FEWEST_ROWS_AT_ONCE, min(_ROWS_AT_ONCE, _ENTRIES_AT_ONCE // max(1, m)))
    for first in range(0, n, size):
        yield first, min(first + size, n)


def chance_similarity(one: DetrendedFrames, other: DetrendedFrames, spans: list[int]
                      ) -> dict[int, float]:
    """Similarity that one in twenty stretches of `one` would find in `other` by chance.

    Measured against `other` backwards.
    """
    backwards = other.reversed()
    best: dict[int, list[npt.NDArray[np.float32]]] = {}
    n = max(1, len(one) - ROWS_IN_SHORTEST)
    piece = min(_ROWS_AT_ONCE // 2, n)
    for first in sorted({0, (n - piece) // 2, n - piece}):
        for span, similarity in similarities(one, backwards, first, first + piece, spans):
            eventful = one.eventful(span)[first:first + len(similarity)]
            best.setdefault(span, []).append(similarity.max(axis=1)[eventful])
    return {span: float(np.percentile(np.concatenate(found), 95)) if sum(map(len, found)) else 1.0
            for span, found in best.items()}
