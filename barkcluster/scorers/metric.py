"""What windows are measured by: the spread of their directions, and how long they are alike."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import correlation_time

# Directions kept in a whitened metric. The others of a rhythm of 10 s are noise that whitening
# makes large; leaving them out costs nothing in familiarity and saves a fifth of the time.
_MOST_DIRECTIONS = 200


def whitening_basis(centred: FloatArray, power: float, shrinkage: float) -> FloatArray:
    """Matrix that evens out the spread of centred rows.

    Parameters
    ----------
    centred : ndarray of shape (n, d)
        Rows with their mean taken off.
    power : float
        1 whitens fully, 0 not at all.
    shrinkage : float
        Share of the mean variance mixed into the covariance.

    Returns
    -------
    basis : ndarray of shape (d, min(d, 200))
        Rows times this have a covariance whose eigenvalues are ``w ** (1 - power)``.
    """
    n, d = centred.shape
    covariance = centred.T @ centred / n
    mean_variance = float(np.trace(covariance)) / d
    n_kept = min(d, _MOST_DIRECTIONS)
    if mean_variance <= 1e-12:  # one row, or silence: nothing to even out
        return np.eye(d)[:, :n_kept]
    covariance *= 1.0 - shrinkage
    # Constant features must not be divided by nothing.
    covariance[np.diag_indices(d)] += (shrinkage + 1e-9) * mean_variance
    values, vectors = np.linalg.eigh(covariance)
    scales = np.maximum(values, 1e-12) ** (-power / 2.0)
    return np.ascontiguousarray((vectors * scales)[:, d - n_kept:])


def correlation_gap(rows: FloatArray) -> int:
    """Rows after which windows of this session no longer resemble each other by overlap.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Windows in time order.

    Returns
    -------
    gap : int
        Correlation time of the rows, averaged over their most variable directions, at most a
        tenth of the session.
    """
    spread = rows.std(axis=0)
    strongest = np.argsort(spread)[::-1][:16]
    times = [correlation_time(rows[:, j]) for j in strongest if spread[j] > 0]
    return min(int(np.ceil(np.mean(times))) if times else 0, len(rows) // 10)
