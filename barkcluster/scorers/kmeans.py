"""Prototypes of what was heard: far from all of them is novel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._threads import OneThread
from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive_int
from barkcluster.files.record import LONGEST, ArrayField, Field

from .nearest import NearestScorer


class KMeansScorer(NearestScorer):
    """Quantization error: the distance to the nearest k-means center.

    Parameters
    ----------
    n_clusters : int or "auto", default="auto"
        Prototypes. "auto" is the square root of the number of rows, at most 64: about as many
        sounds as a session of that length tells apart. In a `FamiliarityModel` it is 256 for
        patterns.
    random_state : int, RandomState or None, default=None
        Seeds the choice of the first centers.
    whitening, shrinkage, n_blocks, gap, false_alarm_rate
        See `FamiliarityScorer`.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_clusters_, n_features)
        The centers, in the metric.
    prototypes_ : ndarray of shape (n_clusters_, n_features)
        The centers in the units of the features.
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row of ``fit``.
    n_clusters_ : int
        Prototypes in use.
    calibration_, held_out_novelty_, n_effective_, gap_, metric_mean_, metric_basis_
        See `FamiliarityScorer`.

    References
    ----------
    Lloyd (1982). Least squares quantization in PCM. IEEE Trans. Information Theory 28.

    Examples
    --------
    >>> scorer = KMeansScorer(n_clusters=2, random_state=0).fit([[0.0], [2.0], [10.0], [12.0]])
    >>> scorer.novelty([[1.0], [14.0]])
    array([0., 3.])
    """

    kind: ClassVar[str] = "kmeans"
    stored_fields: ClassVar[tuple[Field, ...]] = (
        ArrayField("codebook_", ("n_clusters", "n_inner")),
        ArrayField("labels_", ("n_rows",), "<i4", 0, LONGEST, below="n_clusters"),
    )
    novelty_is_distance: ClassVar[bool] = True
    # Patterns are not free of shift: they need many to choose from.
    auto_for_patterns: ClassVar[Mapping[str, object]] = {"n_clusters": 256}

    labels_: npt.NDArray[np.int32]
    _kept_as: ClassVar[str] = "codebook_"

    def __init__(
        self,
        *,
        n_clusters: int | Literal["auto"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        whitening: float = 0.0,
        shrinkage: float = 0.3,
        n_blocks: int = 5,
        gap: int | Literal["auto"] = "auto",
        false_alarm_rate: float = 0.05,
    ) -> None:
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.whitening = whitening
        self.shrinkage = shrinkage
        self.n_blocks = n_blocks
        self.gap = gap
        self.false_alarm_rate = false_alarm_rate

    @property
    def n_clusters_(self) -> int:
        """Prototypes in use."""
        return len(self.codebook_)

    @property
    def prototypes_(self) -> FloatArray:
        """The centers in the units of the features."""
        check_is_fitted(self)
        return self.from_metric(self.codebook_)

    def labels(self, X: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """The cluster that each row belongs to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        with OneThread():
            return pairwise_distances_argmin(self.to_metric(rows), self.codebook_)

    def nearest_rows(self, row: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """All rows of the fit, each as far from one row as its cluster's center is."""
        to_centers = cdist(self.to_metric(row), self.codebook_)[0]
        return to_centers[self.labels_], np.arange(len(self.labels_))

    def _prototypes(self) -> FloatArray:
        return self.codebook_

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""
        super().check_parameters()
        if self.n_clusters != "auto":
            check_positive_int("n_clusters", self.n_clusters)

    def fit(self, X: npt.ArrayLike, y: None = None, *, augmented: npt.ArrayLike | None = None,
            augmented_rows: npt.ArrayLike | None = None,
            augmented_offsets: npt.ArrayLike | None = None,
            echoes: npt.ArrayLike | None = None,
            echoed_rows: npt.ArrayLike | None = None) -> Self:
        """Learn from windows; parameters as in `FamiliarityScorer.fit`."""
        super().fit(X, y, augmented=augmented, augmented_rows=augmented_rows,
                    augmented_offsets=augmented_offsets, echoes=echoes, echoed_rows=echoed_rows)
        self.labels_ = self.labels(X).astype(np.int32)
        return self

    def _choose_sizes(self, n_rows: int) -> None:
        self.n_clusters = self._clusters_of(n_rows)

    def _clusters_of(self, n_rows: int) -> int:
        """How many clusters are wanted of so many rows."""
        if self.n_clusters == "auto":
            return min(64, round(n_rows ** 0.5))
        return int(self.n_clusters)

    def _learn(self, X: FloatArray) -> None:
        n_clusters = max(1, min(self._clusters_of(len(X)), len(X)))
        random = check_random_state(self.random_state)
        # A row from each of as many stretches of time: all that was played has a center to begin
        # with. k-means++ takes longer than Lloyd's steps, and finds no better ones here.
        cuts = np.linspace(0, len(X), n_clusters + 1).astype(np.intp)
        first = X[random.randint(cuts[:-1], cuts[1:])]
        if not _all_differ(first):
            # Silence, or a loop: where there are fewer rows than centers, each has one of its own.
            distinct = np.unique(X, axis=0)
            first = distinct if len(distinct) < n_clusters else first
        kmeans = KMeans(len(first), init=first, n_init=1, max_iter=30, random_state=random)
        with warnings.catch_warnings():
            # Rows that differ by rounding alone. The centers are still right. Other threads may
            # undo this filter, so what is exactly equal must not come to the warning.
            warnings.simplefilter("ignore", ConvergenceWarning)
            kmeans.fit(X)
        self.codebook_ = np.resize(kmeans.cluster_centers_, (n_clusters, X.shape[1]))


def _all_differ(rows: FloatArray) -> bool:
    """Whether no row is there twice."""
    # One column mostly tells; to sort whole rows takes eighty times as long.
    return (len(np.unique(rows[:, 0])) == len(rows)
            or len(np.unique(rows, axis=0)) == len(rows))
