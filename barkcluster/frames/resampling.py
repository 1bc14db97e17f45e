"""Frames averaged to another rate, also where it does not divide theirs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


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
    at = np.minimum(edges - first, last - first)
    below = np.minimum(at.astype(np.intp), last - first - 1)
    part = (at - below)[:, None]
    upto = sums[below] + part * (sums[below + 1] - sums[below])
    means: npt.NDArray[np.float64] = np.diff(upto, axis=0) / frames_per_value
    return means
