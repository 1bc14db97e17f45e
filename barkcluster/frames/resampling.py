"""Frames at another rate: averaged, stretched in time, or interpolated."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

# Rows that are interpolated at once.
_ROWS_AT_ONCE = 2048


def pooled(levels: npt.NDArray[np.floating], start: int, stop: int,
           frames_per_value: float) -> npt.NDArray[np.float64]:
    """Rows ``start`` to ``stop`` of the levels averaged over ``frames_per_value`` frames each.

    Parameters
    ----------
    levels : ndarray of shape (n_frames, n_bands)
    start, stop : int
        Which of the averages; the last may end with ``levels``, not after.
    frames_per_value : float
        Any positive number, also below 1.

    Returns
    -------
    means : ndarray of shape (stop - start, n_bands)

    Examples
    --------
    >>> pooled(np.array([[0.0], [3.0], [6.0]]), 0, 2, 1.5)
    array([[1.],
           [5.]])
    """
    whole = round(frames_per_value)
    if whole >= 1 and abs(frames_per_value - whole) < 1e-9:
        piece = levels[start * whole:stop * whole].astype(np.float64)
        return piece.reshape(stop - start, whole, -1).mean(axis=1) if whole > 1 else piece
    # A frame stands for the time until the next: parts of it count as parts.
    edges = np.arange(start, stop + 1) * frames_per_value
    first, last = int(edges[0]), min(len(levels), math.ceil(edges[-1]))
    sums = np.zeros((last - first + 1, levels.shape[1]))
    np.cumsum(levels[first:last], axis=0, dtype=np.float64, out=sums[1:])
    upto = rows_at(sums, np.asarray(edges - first))
    means: FloatArray = np.diff(upto, axis=0) / frames_per_value
    return means


def stretched(frames: npt.NDArray[np.floating], factor: float) -> npt.NDArray[np.floating]:
    """The frames as if they had been played slower or faster.

    Parameters
    ----------
    frames : ndarray of shape (n, n_bands)
    factor : float
        How many times as long the result is: 1.04 is 4 % slower.

    Returns
    -------
    frames : ndarray of shape (round(n * factor), n_bands)
        Linear interpolation between neighboring frames.
    """
    n = len(frames)
    if n < 2:
        return frames
    return rows_at(frames, np.arange(round(n * factor)) / factor)


def rows_at(values: npt.NDArray[np.floating], places: FloatArray) -> FloatArray:
    """Rows of an array at fractional places, on straight lines between neighbors.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
        At least one row.
    places : ndarray of shape (n_places,)
        In rows, from 0 to ``n - 1``; what lies outside is moved to the first or last row.

    Returns
    -------
    rows : ndarray of shape (n_places, n_columns)

    Examples
    --------
    >>> rows_at(np.array([[0.0], [2.0], [6.0]]), np.array([0.5, 2.0, 9.0])).ravel()
    array([1., 6., 6.])
    """
    last = len(values) - 1
    rows = np.empty((len(places), values.shape[1]))
    # In pieces that stay in the cache: all of a session at once takes four times as long.
    for start in range(0, len(places), _ROWS_AT_ONCE):
        at = np.clip(places[start:start + _ROWS_AT_ONCE], 0, last)
        before = np.minimum(at.astype(np.intp), max(last - 1, 0))
        share = (at - before)[:, None]
        here = rows[start:start + _ROWS_AT_ONCE]
        np.multiply(values.take(before, axis=0), 1.0 - share, out=here)
        here += values.take(np.minimum(before + 1, last), axis=0) * share
    return rows


def later(frames: npt.NDArray[np.floating], fraction: float) -> FloatArray:
    """The frames as if analysis had begun a fraction of a frame later.

    Parameters
    ----------
    frames : ndarray of shape (n, n_bands)
    fraction : float
        Of a frame, 0 to 1.

    Returns
    -------
    frames : ndarray of shape (n, n_bands)
        Cubic interpolation between neighboring frames (Catmull-Rom): straight lines would take
        from every attack, and what is only shifted would be smoother, too.

    Examples
    --------
    >>> later(np.array([[0.0], [0.0], [1.0], [2.0], [2.0]]), 0.5).ravel()
    array([-0.0625,  0.4375,  1.5625,  2.0625,  2.    ])
    """
    padded = np.concatenate([frames[:1], frames, frames[-1:], frames[-1:]], dtype=np.float64)
    a, b, c, d = (padded[i:i + len(frames)] for i in range(4))
    t = fraction
    shifted: FloatArray = b + 0.5 * t * (
        c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    return shifted
