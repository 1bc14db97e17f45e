"""Distance to the nearest of a few prototypes: quantization error."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray

# What a squared distance may be off by, as a share of the squared lengths, in double precision.
_ROUNDING = 1e-13


def distance_to_nearest(X: FloatArray, codebook: FloatArray) -> FloatArray:
    """Distance of each row to its nearest prototype.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    codebook : ndarray of shape (k, d)

    Returns
    -------
    distance : ndarray of shape (n,)
    """
    squares = np.einsum("kd,kd->k", codebook, codebook)
    # Prototypes of a loop lie so near to each other that rounding ranks them, and a batch rounds
    # otherwise than a single row: all that may be the nearest are measured, as differences, since
    # a sum of squares minus their product loses small distances.
    if len(X) == 1:  # of a stream
        row = X[0]
        ranking = squares - 2.0 * (codebook @ row)
        rounding = _ROUNDING * (row @ row + squares.max())
        close = codebook[ranking <= ranking.min() + rounding]
        return np.sqrt(np.min(np.sum((row - close) ** 2, axis=1)))[None]
    ranking = squares - 2.0 * (X @ codebook.T)
    nearest = np.argmin(ranking, axis=1)
    squared = np.sum((X - codebook[nearest]) ** 2, axis=1)
    rounding = _ROUNDING * (np.einsum("nd,nd->n", X, X) + squares.max())
    near = ranking <= (ranking[np.arange(len(X)), nearest] + rounding)[:, None]
    for i in np.flatnonzero(np.count_nonzero(near, axis=1) > 1):
        squared[i] = np.min(np.sum((X[i] - codebook[near[i]]) ** 2, axis=1))
    return np.sqrt(squared)
