"""How the centers of k-means are found."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray

_MOST_STEPS = 30
# Squared moves of all centers, as a share of the rows' mean variance, that end the steps.
_LEAST_MOVE = 1e-4


def lloyd(rows: FloatArray, centers: FloatArray) -> FloatArray:
    """Centers that each are the mean of the rows nearest to them, by Lloyd's steps.

    As scikit-learn's `KMeans` takes them, which for as few rows as a session has spends half of
    its time on checks, and in single precision where only a rank is asked for.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    centers : ndarray of shape (k, d)
        To begin with. One that no row is nearest to stays where it is.

    Returns
    -------
    centers : ndarray of shape (k, d)

    Examples
    --------
    >>> lloyd(np.array([[0.0], [2.0], [10.0], [12.0]]), np.array([[0.0], [2.0]])).ravel()
    array([ 1., 11.])
    """
    single = rows.astype(np.float32)
    enough = _LEAST_MOVE * float(np.mean(np.var(rows, axis=0)))
    for _ in range(_MOST_STEPS):
        towards = centers.astype(np.float32)
        labels = np.argmin(
            np.einsum("kd,kd->k", towards, towards) - 2.0 * (single @ towards.T), axis=1)
        order = np.argsort(labels, kind="stable")
        taken, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
        moved = centers.copy()
        moved[taken] = np.add.reduceat(rows[order], first, axis=0) / counts[:, None]
        moves = float(np.sum((moved - centers) ** 2))
        centers = moved
        if moves <= enough:
            break
    return centers
