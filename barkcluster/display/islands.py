"""A self-organizing map as islands: land where there are many windows, sea where there are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.utils.validation import check_is_fitted

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive_int
from barkcluster.frames.session import N_BANDS
from barkcluster.scorers import SOMScorer
from barkcluster.windows.running import TEXTURE_UNITS

# The place of a window is the weighted mean of this many nearest units, so that the path over the
# map is smooth.
_PLACED_BY = 3


@dataclass(frozen=True, eq=False)
class IslandMap:
    """The result of `island_map`. Positions are (row, column) of the map's units.

    Attributes
    ----------
    histogram : ndarray of shape (n_rows, n_columns)
        Smoothed data histogram: the votes of all windows for each unit, scaled from 0 for the
        fewest to 1 for the most.
    spectra : ndarray of shape (n_rows, n_columns, n_bands)
        Level of each band in dB of each unit's prototype, less the mean over all units.
    path : ndarray of shape (n_windows, 2)
        Position of each window, between its nearest units.
    times : ndarray of shape (n_windows,)
        Seconds at the ends of the windows.
    """

    histogram: FloatArray
    spectra: FloatArray
    path: FloatArray
    times: FloatArray


def island_map(scorer: SOMScorer, X: npt.ArrayLike, times: npt.ArrayLike, *, n_votes: int = 3,
               n_bands: int = N_BANDS) -> IslandMap:
    """The islands of a map, the spectra of its prototypes, and a session's path over it.

    Parameters
    ----------
    scorer : SOMScorer
        Fitted on the texture view of windows.
    X : array-like of shape (n_windows, n_features)
        Windows, of the session that was learned or of another.
    times : array-like of shape (n_windows,)
        Seconds at their ends.
    n_votes : int, default=3
        Each window gives this many votes to its nearest unit, one less to the next, and so on.
    n_bands : int, default=25
        The first columns of ``X`` are the levels of this many bands.

    Returns
    -------
    islands : IslandMap

    Raises
    ------
    ValueError
        If ``X`` has no rows, or other columns than the windows of the fit.

    References
    ----------
    Pampalk, Rauber, Merkl (2002). Using smoothed data histograms for cluster visualization in
    self-organizing maps. ICANN.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(60, 4))
    >>> scorer = SOMScorer(shape=(2, 3), random_state=0).fit(rows)
    >>> islands = island_map(scorer, rows, np.arange(60.0), n_bands=4)
    >>> islands.histogram.shape, islands.spectra.shape, islands.path.shape
    ((2, 3), (2, 3, 4), (60, 2))
    """
    check_is_fitted(scorer)
    check_positive_int("n_votes", n_votes)
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != scorer.n_features_in_ or not len(rows):
        raise ValueError(f"X must have shape (n, {scorer.n_features_in_}), at least one row; "
                         f"got {rows.shape}.")
    prototypes = scorer.prototypes_
    down, across, _ = prototypes.shape
    # In the metric of the fit, in which the map was made.
    distances = cdist(scorer.to_metric(rows), scorer.codebook_.reshape(down * across, -1))
    nearest = np.argsort(distances, axis=1, kind="stable")
    votes = np.zeros(down * across)
    for rank in range(min(n_votes, down * across)):
        votes += np.bincount(nearest[:, rank], minlength=len(votes)) * (n_votes - rank)
    few = nearest[:, :_PLACED_BY]
    near = np.take_along_axis(distances, few, axis=1)
    weight = 1.0 / np.maximum(near - 0.9 * near[:, :1], 1e-9)
    weight /= weight.sum(axis=1, keepdims=True)
    units = np.column_stack(np.divmod(np.arange(down * across), across)).astype(np.float64)
    path = np.einsum("nk,nkd->nd", weight, units[few])
    levels = prototypes[:, :, :n_bands] * TEXTURE_UNITS["level"]
    votes -= votes.min()
    return IslandMap((votes / max(votes.max(), 1.0)).reshape(down, across),
                     levels - levels.mean(axis=(0, 1)), path,
                     np.asarray(times, dtype=np.float64))
