"""A map of what was heard: far from its best-matching unit is novel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from minisom import MiniSom
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive, check_positive_int
from barkcluster.files.record import ArrayField, Field

from .nearest import NearestScorer


class SOMScorer(NearestScorer):
    """Quantization error on a self-organizing map.

    Trained by MiniSom; what is kept is the codebook alone.

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

    def _choose_sizes(self, n_rows: int) -> None:
        self.shape = self._shape_of(n_rows)

    def _shape_of(self, n_rows: int) -> tuple[int, int]:
        """Units down and across that are wanted for so many rows."""
        if self.shape == "auto":
            side = max(1, min(10, round(n_rows ** 0.25)))
            return side, side
        return self.shape

    def _learn(self, X: FloatArray) -> None:
        down, across = self._shape_of(len(X))
        units = down * across
        steps = max(300, 12 * units) if self.n_iter == "auto" else self.n_iter
        # MiniSom takes whole numbers as seeds, no RandomState.
        seed = int(check_random_state(self.random_state).randint(2 ** 31 - 1))
        if units == 1 or len(X) == 1:
            self.codebook_ = np.tile(X.mean(axis=0), (down, across, 1))
            return
        som = MiniSom(down, across, X.shape[1], sigma=min(self.sigma, max(down, across)),
                      learning_rate=self.learning_rate, random_seed=seed,
                      decay_function="linear_decay_to_zero",
                      activation_distance=_squared_distance)
        som.neighborhood = _Neighborhood(down, across)
        som.random_weights_init(X)
        som.train(X, steps, random_order=True)
        self.codebook_ = som.get_weights().copy()


def _squared_distance(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Of a row to each unit: the nearest is the same, and MiniSom's own takes twice as long."""
    apart = weights - x
    return np.asarray(np.vecdot(apart, apart))


class _Neighborhood:
    """The Gaussian neighborhood of MiniSom, from the units' rows and columns apart."""

    def __init__(self, down: int, across: int) -> None:
        self._down, self._across = (
            -np.subtract.outer(np.arange(n), np.arange(n)) ** 2.0 for n in (down, across))

    def __call__(self, unit: tuple[int, int], sigma: float) -> FloatArray:
        """How much each unit learns with that one."""
        width = 2.0 * sigma * sigma
        return np.multiply.outer(np.exp(self._down[unit[0]] / width),
                                 np.exp(self._across[unit[1]] / width))
