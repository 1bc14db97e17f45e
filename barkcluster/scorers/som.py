"""A map of what was heard: far from its best-matching unit is novel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive, check_positive_int
from barkcluster.files.record import ArrayField, Field

from .nearest import NearestScorer

# Rows that are learned at once, where a map has units for them: one product seeks all their units.
# Quantization errors are those of one at a time, in a sixth of the time (32: 1 % larger).
_ROWS_AT_ONCE = 16


class SOMScorer(NearestScorer):
    """Quantization error on a self-organizing map.

    Rows are learned in random order, one after another; what is kept is the codebook alone.

    Parameters
    ----------
    shape : tuple of (int, int) or "auto", default="auto"
        Units down and across. "auto" is a square of about the square root of the number of rows
        in units, at most 10 by 10.
    n_iter : int or "auto", default="auto"
        Training steps, a row each. "auto" is 12 for each unit, at least 300.
    sigma : float, default=1.5
        Radius of the neighborhood that learns with a unit, at the start.
    learning_rate : float, default=0.5
        At the start; falls to zero.
    random_state : int, RandomState or None, default=None
        Seeds the first codebook and the order of the rows.
    whitening, shrinkage, n_blocks, gap, false_alarm_rate
        See `FamiliarityScorer`.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_rows, n_columns, n_features)
        The units' prototypes, in the metric.
    calibration_, held_out_novelty_, n_effective_, gap_, metric_mean_, metric_basis_
        See `FamiliarityScorer`.

    References
    ----------
    Kohonen (1982). Self-organized formation of topologically correct feature maps. Biological
    Cybernetics 43.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> scorer = SOMScorer(shape=(3, 4), random_state=0).fit(rows)
    >>> scorer.codebook_.shape
    (3, 4, 3)
    >>> scorer.best_matching_unit(rows[:2]).shape                  # row and column on the map
    (2, 2)
    """

    kind: ClassVar[str] = "som"
    stored_fields: ClassVar[tuple[Field, ...]] = (
        ArrayField("codebook_", ("n_down", "n_across", "n_inner")),
    )
    novelty_is_distance: ClassVar[bool] = True
    # Patterns are not free of shift: they need many to choose from.
    auto_for_patterns: ClassVar[Mapping[str, object]] = {"shape": (8, 8)}
    _kept_as: ClassVar[str] = "codebook_"

    def __init__(
        self,
        *,
        shape: tuple[int, int] | Literal["auto"] = "auto",
        n_iter: int | Literal["auto"] = "auto",
        sigma: float = 1.5,
        learning_rate: float = 0.5,
        random_state: int | np.random.RandomState | None = None,
        whitening: float = 0.0,
        shrinkage: float = 0.3,
        n_blocks: int = 5,
        gap: int | Literal["auto"] = "auto",
        false_alarm_rate: float = 0.05,
    ) -> None:
        self.shape = shape
        self.n_iter = n_iter
        self.sigma = sigma
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.whitening = whitening
        self.shrinkage = shrinkage
        self.n_blocks = n_blocks
        self.gap = gap
        self.false_alarm_rate = false_alarm_rate

    @property
    def prototypes_(self) -> FloatArray:
        """The units (n_rows, n_columns, n_features) in the units of the features."""
        check_is_fitted(self)
        down, across, d = self.codebook_.shape
        return self.from_metric(self.codebook_.reshape(-1, d)).reshape(down, across, d)

    def best_matching_unit(self, X: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Where on the map each row belongs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        units : ndarray of shape (n_samples, 2)
            Row and column of the nearest prototype.
        """
        check_is_fitted(self)
        rows = self.to_metric(validate_data(self, X, dtype=np.float64, reset=False))
        _, across, d = self.codebook_.shape
        nearest = pairwise_distances_argmin(rows, self.codebook_.reshape(-1, d))
        return np.column_stack(np.divmod(nearest, across))

    def hits(self, X: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """How many rows belong to each unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        hits : ndarray of shape (n_rows, n_columns)
        """
        units = self.best_matching_unit(X)
        count = np.zeros(self.codebook_.shape[:2], dtype=np.intp)
        np.add.at(count, (units[:, 0], units[:, 1]), 1)
        return count

    def _prototypes(self) -> FloatArray:
        return self.codebook_.reshape(-1, self.codebook_.shape[-1])

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""
        super().check_parameters()
        if self.shape != "auto":
            if len(self.shape) != 2:
                raise ValueError(f"shape must be 'auto' or (down, across); got {self.shape!r}.")
            for side in self.shape:
                check_positive_int("shape", side)
        if self.n_iter != "auto":
            check_positive_int("n_iter", self.n_iter)
        check_positive("sigma", self.sigma)
        check_positive("learning_rate", self.learning_rate)

    def _learn(self, X: FloatArray) -> None:
        if self.shape == "auto":
            side = max(1, min(10, round(len(X) ** 0.25)))
            down, across = side, side
        else:
            down, across = self.shape
        units = down * across
        steps = max(300, 12 * units) if self.n_iter == "auto" else self.n_iter
        if units == 1 or len(X) == 1:
            self.codebook_ = np.tile(X.mean(axis=0), (down, across, 1))
            return
        random = check_random_state(self.random_state)
        first = X[random.randint(len(X), size=units)].reshape(down, across, -1)
        order = np.arange(steps) % len(X)
        random.shuffle(order)
        self.codebook_ = trained_map(first, X[order], min(self.sigma, max(down, across)),
                                     self.learning_rate, min(_ROWS_AT_ONCE, max(1, units // 2)))


def trained_map(codebook: FloatArray, rows: FloatArray, sigma: float, learning_rate: float,
                rows_at_once: int) -> FloatArray:
    """A map that has learned rows, each drawing its best-matching unit and those around it nearer.

    Parameters
    ----------
    codebook : ndarray of shape (n_down, n_across, n_features)
        To begin with.
    rows : ndarray of shape (n_steps, n_features)
        In the order in which they are learned.
    sigma : float
        Radius of the neighborhood in units, at the start; falls to a third.
    learning_rate : float
        At the start; falls to zero.
    rows_at_once : int
        Rows whose best-matching units are sought together, before any of them is learned.

    Returns
    -------
    codebook : ndarray of shape (n_down, n_across, n_features)

    Examples
    --------
    >>> trained_map(np.array([[[0.0], [9.0]]]), np.array([[8.0], [8.5]]), 0.1, 0.5, 1).ravel()
    array([0.  , 8.5])
    """
    down, across, d = codebook.shape
    units = codebook.reshape(-1, d)
    place = np.indices((down, across)).reshape(2, -1)
    apart = np.sum((place[:, :, None] - place[:, None, :]) ** 2, axis=0)
    done = np.arange(len(rows)) / len(rows)
    rates = learning_rate * (1.0 - done)
    widths = sigma / (1.0 + 2.0 * done)
    for start in range(0, len(rows), rows_at_once):
        here = slice(start, start + rows_at_once)
        X = rows[here]
        squares = np.einsum("ud,ud->u", units, units)
        best = np.argmin(squares - 2.0 * (X @ units.T), axis=1)
        pull = rates[here, None] * np.exp(-apart[best] / (2.0 * widths[here, None] ** 2))
        # A row moves a unit by its pull, and each later one leaves that much less of it.
        left = np.cumprod(1.0 - pull[::-1], axis=0)[::-1]
        pull[:-1] *= left[1:]
        units = left[0][:, None] * units + pull.T @ X
    return units.reshape(codebook.shape)
