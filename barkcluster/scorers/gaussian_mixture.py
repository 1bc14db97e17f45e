"""Density as a mixture of Gaussians: improbable is novel."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive_int
from barkcluster.files.archive import LARGEST
from barkcluster.files.record import LONGEST, ArrayField, Field, NumberField

from .together import Judge, JudgedTogether

# Directions that the Gaussians describe one by one; the others share one variance.
_MAX_DIRECTIONS = 20
# Added to each variance of a Gaussian, as a share of the mean one along the directions: narrower
# Gaussians follow the few rows that they hold (docs/developers/experiments.rst).
_WIDTH = 0.3
# Least variance of a Gaussian; a model file may not say less.
_NARROWEST = 1e-15
# Least width where rows differ by rounding alone: a share of their size, and for silence.
_ROUNDING = 1e-6
_OF_NOTHING = 1e-12


class GaussianMixtureScorer(JudgedTogether):
    """Negative log-likelihood under a Gaussian mixture, in nats.

    Rows are rotated to their principal directions. The strongest carry the mixture; what is left
    of a row beyond them is judged by one Gaussian of equal spread in all directions, as in
    probabilistic PCA, so that a sound in a direction never heard is improbable too.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Gaussians. "auto" is one for each 40 rows, at most 8. To each variance 0.3 of the mean one
        is added, so that none follows a few rows.
    max_iter : int, default=6
        Steps of expectation maximization.
    random_state : int, RandomState or None, default=None
        Seeds where the Gaussians start.
    whitening, shrinkage, n_blocks, gap, false_alarm_rate
        See `FamiliarityScorer`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components_,)
        Share of each Gaussian.
    means_ : ndarray of shape (n_components_, n_directions)
        Their centers, in the principal directions.
    variances_ : ndarray of shape (n_components_, n_directions)
        Their variances along these.
    directions_ : ndarray of shape (n_features, n_directions)
        The principal directions, in the metric.
    residual_variance_ : float
        Variance in each of the other directions.
    n_components_ : int
        Gaussians in use.
    n_iter_ : int
        Steps of expectation maximization taken.
    calibration_, held_out_novelty_, n_effective_, gap_, metric_mean_, metric_basis_
        See `FamiliarityScorer`.

    References
    ----------
    Dempster, Laird, Rubin (1977). Maximum likelihood from incomplete data via the EM algorithm.
    JRSS B 39. Tipping, Bishop (1999). Probabilistic principal component analysis. JRSS B 61.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> scorer = GaussianMixtureScorer(random_state=0).fit(rows)
    >>> near, far = scorer.novelty([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    >>> bool(near < far)
    True
    """

    kind: ClassVar[str] = "gmm"
    stored_fields: ClassVar[tuple[Field, ...]] = (
        ArrayField("weights_", ("n_components",), least=0.0, most=1.0, total=1.0),
        ArrayField("means_", ("n_components", "n_directions")),
        ArrayField("variances_", ("n_components", "n_directions"), least=_NARROWEST),
        ArrayField("directions_", ("n_inner", "n_directions")),
        NumberField("residual_variance_", _NARROWEST, LARGEST),
        NumberField("n_iter_", 0, LONGEST),
    )
    offset_weight: ClassVar[float] = 0.4
    _judge: Mixtures

    def __init__(
        self,
        *,
        n_components: int | Literal["auto"] = "auto",
        max_iter: int = 6,
        random_state: int | np.random.RandomState | None = None,
        whitening: float = 0.0,
        shrinkage: float = 0.3,
        n_blocks: int = 5,
        gap: int | Literal["auto"] = "auto",
        false_alarm_rate: float = 0.05,
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.random_state = random_state
        self.whitening = whitening
        self.shrinkage = shrinkage
        self.n_blocks = n_blocks
        self.gap = gap
        self.false_alarm_rate = false_alarm_rate

    @property
    def n_components_(self) -> int:
        """Gaussians in use."""
        return len(self.weights_)

    @property
    def n_residual_(self) -> int:
        """Directions that the Gaussians leave out."""
        n_inner, n_directions = self.directions_.shape
        return n_inner - n_directions

    def responsibilities(self, X: npt.ArrayLike) -> FloatArray:
        """How much each Gaussian accounts for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components_)
            Rows sum to 1.
        """
        check_is_fitted(self)
        rows = self.to_metric(validate_data(self, X, dtype=np.float64, reset=False))
        joint = self._judge.log_joint((rows @ self.directions_)[None])[0]
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def _prototypes(self) -> FloatArray:
        return self.means_ @ self.directions_.T

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""
        super().check_parameters()
        if self.n_components != "auto":
            check_positive_int("n_components", self.n_components)
        check_positive_int("max_iter", self.max_iter)

    def _choose_sizes(self, n_rows: int) -> None:
        self.n_components = self._components_of(n_rows)

    def _components_of(self, n_rows: int) -> int:
        """How many Gaussians are wanted of so many rows."""
        if self.n_components == "auto":
            return min(8, n_rows // 40)
        return int(self.n_components)

    def _learn(self, X: FloatArray) -> None:
        n = len(X)
        self.directions_, variances, residual = principal_directions(X, _MAX_DIRECTIONS)
        # A direction nobody moved in still has some width, or one new row there costs 1e6 nats.
        # One row alone, or silence, says nothing of widths.
        width = _WIDTH * float(variances.mean()) or 1.0
        # Where rows differ by the rounding of single precision alone, that is their width.
        width = max(width, float(_ROUNDING * np.abs(self.metric_mean_).max()) ** 2, _OF_NOTHING)
        self.residual_variance_ = residual + width
        n_components = max(1, min(self._components_of(n), n // 2))
        projected = X @ self.directions_
        if n < 2:
            self.weights_ = np.ones(1)
            self.means_ = projected.copy()
            self.variances_ = np.full((1, projected.shape[1]), width)
            self.n_iter_ = 1
        else:
            mixture = GaussianMixture(
                n_components, covariance_type="diag", reg_covar=width,
                init_params="k-means++", max_iter=self.max_iter,
                random_state=check_random_state(self.random_state))
            with warnings.catch_warnings():
                # Stopping early is meant; and fewer distinct rows than Gaussians is silence.
                warnings.simplefilter("ignore", ConvergenceWarning)
                mixture.fit(projected)
            self.weights_ = mixture.weights_
            self.means_ = mixture.means_
            self.variances_ = mixture.covariances_
            self.n_iter_ = mixture.n_iter_

    @classmethod
    def _judge_of(cls, scorers: Sequence[Self]) -> Mixtures:
        return Mixtures(scorers)

    def _alike(self) -> int:
        return self.directions_.shape[1]


class Mixtures(Judge):
    """Negative log-likelihood under the mixtures of several scorers.

    Parameters
    ----------
    scorers : sequence of GaussianMixtureScorer
        Fitted, with as many principal directions each.
    """

    def __init__(self, scorers: Sequence[GaussianMixtureScorer]) -> None:
        shape = len(scorers), max(scorer.n_components_ for scorer in scorers)
        n_directions = scorers[0].directions_.shape[1]
        self._directions = [
            np.stack(list(block)) for _, block in groupby(
                (scorer.directions_ for scorer in scorers), lambda directions: len(directions))]
        # Mixtures of fewer Gaussians have their first once more, of no weight.
        self._logs = np.full((shape[0], 1, shape[1]), -np.inf)
        # Of (x - m)^2 / 2v, the factors of x^2 and of x: all distances are one product.
        self._quadratic = np.empty((shape[0], 2 * n_directions, shape[1]))
        # What the directions leave out is judged by one Gaussian: a log, and its part of a square.
        self._rest_logs = np.zeros((shape[0], 1))
        self._of_rest = np.zeros((shape[0], 1))
        for s, scorer in enumerate(scorers):
            mine = slice(scorer.n_components_)
            narrowness = 0.5 / scorer.variances_
            scaled = narrowness * scorer.means_
            quadratic = np.hstack([-narrowness, 2.0 * scaled])
            self._quadratic[s] = quadratic[0][:, None]
            self._quadratic[s, :, mine] = quadratic.T
            self._logs[s, 0, mine] = np.log(scorer.weights_ + 1e-300) - 0.5 * np.sum(
                np.log(2.0 * np.pi * scorer.variances_), axis=1) - np.vecdot(
                    scaled, scorer.means_)
            if scorer.n_residual_:
                self._of_rest[s] = 0.5 / scorer.residual_variance_
                self._rest_logs[s] = 0.5 * scorer.n_residual_ * np.log(
                    2.0 * np.pi * scorer.residual_variance_)

    def log_joint(self, projected: FloatArray) -> FloatArray:
        """Log of weight times density of each Gaussian.

        Parameters
        ----------
        projected : ndarray of shape (n_scorers, n, n_directions)

        Returns
        -------
        log_joint : ndarray of shape (n_scorers, n, n_components)
        """
        # A fifth of the time of squared differences. Rows lie around zero, and Gaussians are not
        # far narrower than rows are apart: little is lost where squares nearly cancel.
        n_directions = projected.shape[2]
        terms = np.empty((*projected.shape[:2], 2 * n_directions))
        np.multiply(projected, projected, out=terms[..., :n_directions])
        terms[..., n_directions:] = projected
        joint = np.matmul(terms, self._quadratic)
        joint += self._logs
        return np.asarray(joint)

    def novelty(self, X: Sequence[FloatArray]) -> FloatArray:
        """Negative log-likelihood of a few rows under the mixture of each scorer."""
        n_scorers, n = len(self._logs), X[0].shape[1]
        projected = np.empty((n_scorers, n, self._quadratic.shape[1] // 2))
        rest = np.empty((n_scorers, n))
        first = 0
        for rows, directions in zip(X, self._directions, strict=True):
            here = slice(first, first + len(rows))
            np.matmul(rows, directions, out=projected[here])
            np.vecdot(rows, rows, out=rest[here])
            first = here.stop
        joint = self.log_joint(projected)
        likeliest = np.maximum.reduce(joint, axis=2)
        joint -= likeliest[..., None]
        np.exp(joint, out=joint)
        novelty = np.log(np.add.reduce(joint, axis=2))
        novelty += likeliest
        rest -= np.vecdot(projected, projected)
        np.maximum(rest, 0.0, out=rest)
        rest *= self._of_rest
        rest += self._rest_logs
        rest -= novelty
        return rest


def principal_directions(X: FloatArray, most: int) -> tuple[FloatArray, FloatArray, float]:
    """Strongest directions of centered rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    most : int
        Directions wanted; fewer where rows or features are fewer.

    Returns
    -------
    directions : ndarray of shape (d, k)
    variances : ndarray of shape (k,)
        Along them.
    residual : float
        Mean variance along each of the others; 0 where none is left.
    """
    n, d = X.shape
    k = max(1, min(most, d, n // 2))
    covariance = X.T @ X / n
    values, vectors = eigh(covariance, subset_by_index=[d - k, d - 1])
    values = np.maximum(values[::-1], 0.0)
    left = max(float(np.trace(covariance)) - float(values.sum()), 0.0)
    return vectors[:, ::-1].copy(), values, left / (d - k) if k < d else 0.0
