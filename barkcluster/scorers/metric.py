"""The metric of windows, from the spread of their directions, and how long they stay alike."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import correlation_time

# Directions kept in a whitened metric. The others of a rhythm of 10 s are noise that whitening
# makes large; leaving them out costs nothing in familiarity and saves a fifth of the time.
MOST_DIRECTIONS = 200
# With fewer rows for each feature, their products with each other are decomposed sooner.
_FEW = 0.75
# Variance of this share of the largest is rounding.
_ROUNDING = 1e-10


def whitening_basis(centred: FloatArray, power: float, shrinkage: float,
                    n_reached: int | None = None) -> FloatArray:
    """Matrix that evens out the spread of centred rows.

    Parameters
    ----------
    centred : ndarray of shape (n, d)
        Rows with their mean taken off.
    power : float
        1 whitens fully, 0 not at all.
    shrinkage : float
        Share of the mean variance mixed into the covariance.
    n_reached : int, optional
        Directions that few rows choose at most; they reach in one less than there are.

    Returns
    -------
    basis : ndarray of shape (d, min(d, 200))
        Rows times this have a covariance whose eigenvalues are ``w ** (1 - power)``.
    """
    n, d = centred.shape
    mean_variance = float(np.einsum("nd,nd->", centred, centred)) / (n * d)
    n_kept = min(d, MOST_DIRECTIONS)
    if mean_variance <= 1e-12:  # one row, or silence: nothing to even out
        return np.eye(d)[:, :n_kept]
    few = n_reached is not None and n_reached < n_kept
    if (n < _FEW * d or few) and n_kept < d:
        variances, directions = _strongest_of_few(centred, n_kept, n_reached)
    else:
        variances, directions = np.linalg.eigh(centred.T @ centred / n)
        variances, directions = variances[d - n_kept:], directions[:, d - n_kept:]
    # Constant features must not be divided by nothing.
    shrunk = (1.0 - shrinkage) * variances + (shrinkage + 1e-9) * mean_variance
    return np.ascontiguousarray(directions * np.maximum(shrunk, 1e-12) ** (-power / 2.0))


def has_limit(n_features: int, power: float) -> bool:
    """Whether a metric has fewer directions than features: then few rows choose fewer still."""
    return power > 0 and n_features > MOST_DIRECTIONS


def _strongest_of_few(centred: FloatArray, n_kept: int, n_reached: int | None
                      ) -> tuple[FloatArray, FloatArray]:
    """Variance along the strongest directions of fewer rows than features, and the directions.

    The products of the rows with each other have the same variances as their covariance, and are
    a smaller matrix. Where the rows reach in fewer directions than wanted, there is none in all
    the others, and any would do: those of single features, as drawn. Learned from a minute, they
    are a little better than mixtures of all (order .947 and .941, shuffle .942 and .920).
    """
    n, d = centred.shape
    values, vectors = np.linalg.eigh(centred @ centred.T / n)
    reached = np.flatnonzero(values > _ROUNDING * values[-1])[::-1]
    reached = reached[:n_kept][:n_reached]
    directions = centred.T @ (vectors[:, reached] / np.sqrt(n * values[reached]))
    missing = n_kept - len(reached)
    if missing:
        features = np.random.default_rng(0).choice(d, missing, replace=False)
        directions, _ = np.linalg.qr(np.hstack([directions, np.eye(d)[:, features]]))
    return np.append(values[reached], np.zeros(missing)), directions


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
    return min(correlated_rows(rows), len(rows) // 10)


def correlated_rows(rows: FloatArray) -> int:
    """Correlation time of rows (n, d), averaged over their most variable directions."""
    spread = rows.std(axis=0)
    strongest = np.argsort(spread)[::-1][:16]
    times = [correlation_time(rows[:, j]) for j in strongest if spread[j] > 0]
    return int(np.ceil(np.mean(times))) if times else 0
