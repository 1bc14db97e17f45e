"""Distances between many rows at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._typing import FloatArray


def squared_distances(X: npt.NDArray[np.floating], Y: npt.NDArray[np.floating]) -> FloatArray:
    """Of each row of one array to each of another, by one product.

    What is left of a difference of large numbers is off by some 1e-15 of their squares; nothing is
    below 0.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (m, d)

    Returns
    -------
    squared : ndarray of shape (n, m)

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]))
    array([[ 0.],
           [25.]])
    """
    a, b = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    squared = -2.0 * (a @ b.T)
    squared += np.vecdot(a, a)[:, None]
    squared += np.vecdot(b, b)
    return np.asarray(np.maximum(squared, 0.0, out=squared))
