"""Distance to the nearest of a few prototypes: quantization error."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray


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
    ranking = np.sum(codebook ** 2, axis=1) - 2.0 * (X @ codebook.T)
    nearest = np.argmin(ranking, axis=1)
    # Measured again as a difference: a sum of squares minus their product loses small distances.
    return np.sqrt(np.sum((X - codebook[nearest]) ** 2, axis=1))
