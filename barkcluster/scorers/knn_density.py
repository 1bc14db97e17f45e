"""Nearest-neighbor density: far from everything remembered is novel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._typing import FloatArray
from barkcluster._validation import check_choice, check_positive_int
from barkcluster.files.record import LONGEST, ArrayField, Field, NumberField

from .base import FamiliarityScorer

# Candidates beyond k that are measured exactly, so that rounding in the fast search cannot
# change which neighbors count.
_SPARE = 1
_MAX_MEMORY = 1000
_ROWS_AT_ONCE = 256
_MOST_PASSES = 12
# What squared distances of the fast search may be off by, as a share of squared lengths; in double
# precision it is a millionth of that.
_ROUNDING = 2e-6


class KNNDensityScorer(FamiliarityScorer):
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

    offset_weight: ClassVar[float] = 0.3
    # The nearest of many is hardly nearer with more: of noise, -0.1 in the novelty.
    learning_power: ClassVar[float] = 0.3

    memory_rows_: npt.NDArray[np.intp]

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
        distances, nearest = self._nearest(self.to_metric(rows))
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

    def _learn_rows(self, rows: FloatArray, sources: npt.NDArray[np.intp],
                    offsets: FloatArray) -> None:
        super()._learn_rows(rows, sources, offsets)
        self.memory_rows_ = sources[self.memory_rows_]

    def _learn(self, X: FloatArray) -> None:
        kept = thinned(X, _MAX_MEMORY if self.max_memory == "auto" else self.max_memory)
        # Kept as float64 all the same: what is computed with is what is saved.
        precision = "float64" if self.memory_dtype == "auto" else self.memory_dtype
        self.memory_ = np.ascontiguousarray(X[kept].astype(precision), dtype=np.float64)
        self.memory_rows_ = kept
        wanted = 3 if self.n_neighbors == "auto" else self.n_neighbors
        # A calibration block learns from fewer rows than the whole; it does with what it has.
        self.n_neighbors_ = min(wanted, len(kept))
        self._restored()

    def _restored(self) -> None:
        """What the fast search needs, in single precision.

        A row of 1 beside the query and of squared norms beside the memory: one product is the
        squared distance but for the query's own norm, which ranks nothing. The metric has its
        origin among the rows, so little is lost to rounding.
        """
        self._squared_norms = np.sum(self.memory_ ** 2, axis=1)
        self._longest = float(self._squared_norms.max())
        self._fast_memory = np.vstack(
            [-2.0 * self.memory_.T, self._squared_norms]).astype(np.float32)

    def _closeness(self, rows: FloatArray) -> npt.NDArray[np.float32]:
        """What ranks the memory by distance from each row, (n, n_remembered)."""
        query = np.empty((len(rows), rows.shape[1] + 1), dtype=np.float32)
        query[:, :-1] = rows
        query[:, -1] = 1.0
        return query @ self._fast_memory

    def _nearest(self, X: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        k, n_memory = self.n_neighbors_, len(self.memory_)
        distances = np.empty((len(X), k))
        nearest = np.empty((len(X), k), dtype=np.intp)
        for start in range(0, len(X), _ROWS_AT_ONCE):
            rows = X[start:start + _ROWS_AT_ONCE]
            if n_memory <= k + _SPARE:
                found = np.broadcast_to(np.arange(n_memory), (len(rows), n_memory))
            else:
                found = smallest(self._closeness(rows), k + _SPARE)
            apart = rows[:, None, :] - self.memory_[found]
            squared = np.einsum("nkd,nkd->nk", apart, apart)
            order = np.argsort(squared, axis=1, kind="stable")
            squared = np.take_along_axis(squared, order, axis=1)
            found = np.take_along_axis(found, order, axis=1)
            here = slice(start, start + len(rows))
            distances[here] = np.sqrt(squared[:, :k])
            nearest[here] = found[:, :k]
            if found.shape[1] > k:
                length = np.einsum("nd,nd->n", rows, rows)
                for i in np.flatnonzero(
                        squared[:, k] - squared[:, k - 1] <= self._unsure(length)):
                    distances[start + i], nearest[start + i] = self._nearest_of_all(rows[i])
        return distances, nearest

    def _unsure(self, length: FloatArray) -> FloatArray:
        """By how much the squared distances of the fast search may be off, from squared norms."""
        return _ROUNDING * (length + self._longest)

    def _nearest_of_all(self, row: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """The nearest of one row where rounding would choose among them, as in a loop.

        All that may be among them are measured, so that a single row and one of a batch, which
        round otherwise, have the same.
        """
        k = self.n_neighbors_
        ranking = self._squared_norms - 2.0 * (self.memory_ @ row)
        within = np.partition(ranking, k - 1)[k - 1] + 1e-6 * float(self._unsure(row @ row))
        close = np.flatnonzero(ranking <= within)
        squared = np.sum((row - self.memory_[close]) ** 2, axis=1)
        order = np.argsort(squared, kind="stable")[:k]
        return np.sqrt(squared[order]), close[order]

    def _novelty(self, X: FloatArray) -> FloatArray:
        if len(X) == 1:
            return self._novelty_of_one(X)
        return self._nearest(X)[0].mean(axis=1)

    def _novelty_of_one(self, X: FloatArray) -> FloatArray:
        """`_nearest` for the single rows of a stream, which asks for no more than it needs."""
        k = self.n_neighbors_
        memory = self.memory_
        if len(memory) > k + _SPARE:
            memory = memory[smallest(self._closeness(X), k + _SPARE)[0]]
        squared = np.add.reduce((X - memory) ** 2, axis=1)
        squared.sort()
        if len(squared) > k and squared[k] - squared[k - 1] <= self._unsure(X[0] @ X[0]):
            return self._nearest_of_all(X[0])[0][None].mean(axis=1)
        return np.add.reduce(np.sqrt(squared[None, :k]), axis=1) / k


def smallest(values: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.intp]:
    """Columns of the ``n`` smallest values of each row, smallest first; spoils the values.

    A few passes for the smallest cost a third of a partition of rows as short as a memory is.
    """
    if n > _MOST_PASSES:
        return np.argpartition(values, n - 1, axis=1)[:, :n]
    found = np.empty((len(values), n), dtype=np.intp)
    if len(values) == 1:  # as below; a stream's single rows are worth the shorter way
        row = values[0]
        for i in range(n):
            found[0, i] = nearest = row.argmin()
            row[nearest] = np.inf
        return found
    rows = np.arange(len(values))
    for i in range(n):
        found[:, i] = values.argmin(axis=1)
        values[rows, found[:, i]] = np.inf
    return found


def thinned(X: FloatArray, n_kept: int) -> npt.NDArray[np.intp]:
    """Rows to remember where there are too many, in order.

    Nine in ten lie evenly spaced, so that what is common stays common; the others are those
    that the first cover worst, so that what is rare is not lost.

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
    even = np.linspace(0, len(X) - 1, n_kept - n_rare).astype(np.intp)
    others = np.setdiff1d(np.arange(len(X)), even)
    others = others[np.linspace(0, len(others) - 1, min(len(others), 2 * n_kept)).astype(np.intp)]
    others = np.unique(others)
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
