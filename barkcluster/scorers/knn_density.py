"""Nearest-neighbor density: far from everything remembered is novel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._spread import spread_rows
from barkcluster._typing import FloatArray
from barkcluster._validation import check_choice, check_positive_int
from barkcluster.files.record import LONGEST, ArrayField, Field, NumberField

from .augmented import Forms
from .nearest import NearestRows, NearestScorer

_MAX_MEMORY = 1000


class KNNDensityScorer(NearestScorer):
    """Mean distance to the nearest remembered windows.

    Parameters
    ----------
    n_neighbors : int or "auto", default="auto"
        k, the neighbors that are averaged. Larger is smoother, and slower to call a rare riff
        familiar. "auto" is 3, or all rows where there are fewer.
        In a `FamiliarityModel` it is 1 for patterns.
    max_memory : int or "auto", default="auto"
        Windows remembered. A longer session is thinned evenly, but for one in ten that greedy
        k-center adds: the rare ones. "auto" is 1000, and 1200 for the patterns of a model.
    memory_dtype : {"auto", "float64", "float32", "float16"}, default="auto"
        Precision that the memory is rounded to. Half precision makes model files a quarter as
        large; it wants features of about unit size, and a remembered row no longer has a
        distance of exactly 0. "auto" is float64, and float16 in a model.
    whitening, shrinkage, n_blocks, gap, false_alarm_rate
        See `FamiliarityScorer`.

    Attributes
    ----------
    memory_ : ndarray of shape (n_remembered, n_features)
        The remembered windows, in the metric.
    memory_rows_ : ndarray of shape (n_remembered,)
        The row of ``fit``'s ``X`` that each of them was.
    n_neighbors_ : int
        The k in use.
    calibration_, held_out_novelty_, n_effective_, gap_, metric_mean_, metric_basis_
        See `FamiliarityScorer`.

    References
    ----------
    Ramaswamy, Rastogi, Shim (2000). Efficient algorithms for mining outliers from large data
    sets. SIGMOD. Sener, Savarese (2018). Active learning for convolutional neural networks: a
    core-set approach. ICLR (greedy k-center).

    Examples
    --------
    >>> scorer = KNNDensityScorer(n_neighbors=1).fit([[0.0], [1.0]])
    >>> scorer.novelty([[1.0], [4.0]])
    array([0., 3.])
    """

    kind: ClassVar[str] = "knn"
    stored_fields: ClassVar[tuple[Field, ...]] = (
        ArrayField("memory_", ("n_memory", "n_inner")),
        ArrayField("memory_rows_", ("n_memory",), "<i8", 0, LONGEST, below="n_rows"),
        NumberField("n_neighbors_", 1, LONGEST, up_to="n_memory"),
    )
    novelty_is_distance: ClassVar[bool] = True
    auto_in_model: ClassVar[Mapping[str, object]] = {"memory_dtype": "float16"}
    # Patterns are not free of shift: they need many to choose from, and the nearest alone.
    auto_for_patterns: ClassVar[Mapping[str, object]] = {"max_memory": 1200, "n_neighbors": 1}

    offset_weight: ClassVar[float] = 0.2
    # The nearest of many is hardly nearer with more: of noise, -0.1 in the novelty.
    learning_power: ClassVar[float] = 0.3

    memory_rows_: npt.NDArray[np.intp]
    _kept_as: ClassVar[str] = "memory_"
    _judge: NearestRows

    def __init__(
        self,
        *,
        n_neighbors: int | Literal["auto"] = "auto",
        max_memory: int | Literal["auto"] = "auto",
        memory_dtype: Literal["auto", "float64", "float32", "float16"] = "auto",
        whitening: float = 0.0,
        shrinkage: float = 0.3,
        n_blocks: int = 5,
        gap: int | Literal["auto"] = "auto",
        false_alarm_rate: float = 0.05,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.max_memory = max_memory
        self.memory_dtype = memory_dtype
        self.whitening = whitening
        self.shrinkage = shrinkage
        self.n_blocks = n_blocks
        self.gap = gap
        self.false_alarm_rate = false_alarm_rate

    def kneighbors(
        self, X: npt.ArrayLike
    ) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """The remembered windows that rows are nearest to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        distances : ndarray of shape (n_samples, n_neighbors_)
            Nearest first, in the metric.
        rows : ndarray of shape (n_samples, n_neighbors_)
            Which rows of ``fit``'s ``X`` they are: what a moment reminds of.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        distances, nearest = self._judge.nearest(self.to_metric(rows))
        return distances, self.memory_rows_[nearest]

    def nearest_rows(self, row: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """The remembered windows, and how far from one window they are."""
        return cdist(self.to_metric(row), self.memory_)[0], self.memory_rows_

    def _prototypes(self) -> FloatArray:
        return self.memory_

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""
        super().check_parameters()
        if self.n_neighbors != "auto":
            check_positive_int("n_neighbors", self.n_neighbors)
        if self.max_memory != "auto":
            check_positive_int("max_memory", self.max_memory)
        check_choice("memory_dtype", self.memory_dtype,
                     ("auto", "float64", "float32", "float16"))

    def _learn_rows(self, forms: Forms, n_reached: int) -> None:
        super()._learn_rows(forms, n_reached)
        self.memory_rows_ = forms.sources[self.memory_rows_]

    def _learn(self, X: FloatArray) -> None:
        kept = thinned(X, _MAX_MEMORY if self.max_memory == "auto" else self.max_memory)
        # Kept as float64 all the same: what is computed with is what is saved.
        precision = "float64" if self.memory_dtype == "auto" else self.memory_dtype
        self.memory_ = np.ascontiguousarray(X[kept].astype(precision), dtype=np.float64)
        self.memory_rows_ = kept
        wanted = 3 if self.n_neighbors == "auto" else self.n_neighbors
        # A calibration block learns from fewer rows than the whole; it does with what it has.
        self.n_neighbors_ = min(wanted, len(kept))

    def _n_averaged(self) -> int:
        return self.n_neighbors_


def thinned(X: FloatArray, n_kept: int) -> npt.NDArray[np.intp]:
    """Rows to remember where there are too many, in order.

    Nine in ten lie evenly, at places that no beat can lock onto, so that what is common stays
    common; the others are those that the first cover worst, so that what is rare is not lost.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_kept : int
        Rows to keep.

    Returns
    -------
    rows : ndarray of shape (min(n, n_kept),)
    """
    if len(X) <= n_kept:
        return np.arange(len(X))
    n_rare = n_kept // 10
    even = spread_rows(len(X), n_kept - n_rare)
    others = np.setdiff1d(np.arange(len(X)), even)
    others = others[spread_rows(len(others), 2 * n_kept)]
    rare = k_center(X[others], n_rare, covered_by=X[even])
    return np.sort(np.concatenate([even, others[rare]]))


def k_center(
    X: FloatArray, n_centers: int, covered_by: FloatArray | None = None
) -> npt.NDArray[np.intp]:
    """Rows that cover the others: each is the farthest from those chosen before.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_centers : int
        Rows to choose, at most n.
    covered_by : ndarray of shape (m, d), optional
        Rows that are chosen already.

    Returns
    -------
    rows : ndarray of shape (n_centers,)
        In the order of choice, from the row nearest to the mean or worst covered.

    Examples
    --------
    >>> import numpy as np
    >>> k_center(np.array([[0.0], [0.1], [5.0], [9.0]]), 3)
    array([2, 0, 3])
    """
    origin = X.mean(axis=0)
    points = (X - origin).astype(np.float32)
    norms = np.sum(points ** 2, axis=1)
    chosen = np.empty(min(n_centers, len(X)), dtype=np.intp)
    if covered_by is None:
        uncovered = -norms  # begins with the row nearest to the mean
    else:
        others = (covered_by - origin).astype(np.float32)
        uncovered = norms + np.min(
            np.sum(others ** 2, axis=1) - 2.0 * (points @ others.T), axis=1)
    for i in range(len(chosen)):
        center = chosen[i] = np.argmax(uncovered)
        squared = norms - 2.0 * (points @ points[center]) + norms[center]
        uncovered = squared if i == 0 and covered_by is None else np.minimum(uncovered, squared)
        uncovered[chosen[:i + 1]] = -np.inf
    return chosen
