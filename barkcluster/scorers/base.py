"""What every scorer does: it learns windows, and gives novelty and calibrated familiarity.

A scorer is a subclass of `FamiliarityScorer` that writes two methods, `_learn` and `_novelty`;
the base class checks arrays, learns the metric, calibrates on held-out blocks and answers. What
else there is to know of a scorer it says itself: what of it goes into a file (``kind`` and
``stored_fields``), which remembered rows are nearest (`nearest_rows`, `nearest_prototype`), and
what "auto" means within a model (``auto_in_model``, ``auto_for_patterns``).
"""

from __future__ import annotations

import os
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from barkcluster._threads import OneThread
from barkcluster._typing import FloatArray
from barkcluster._validation import check_fraction, check_positive_int, check_share
from barkcluster.calibration.calibration import Calibration
from barkcluster.files.archive import Array
from barkcluster.files.container import write_container
from barkcluster.files.record import Field

from .augmented import Forms, check_augmented, check_echoes, check_offsets
from .cross_fitting import CrossFits
from .metric import correlation_gap, has_limit, whitening_basis
from .stored import ScorerRecord, pack_scorer

# Squares of larger numbers, and metrics of them in single precision, are out of range.
_LARGEST = 1e50
# Of smaller numbers a thousandth is what calibration takes for rounding.
_SMALLEST = 1e-3


class ScaleWarning(UserWarning):
    """All features are too small to be told apart."""


class FamiliarityScorer(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Learn what is usual; say how familiar the rest is.

    Parameters
    ----------
    whitening : float, default=0.0
        Power of the whitening that rows go through first: 0 takes the features in their own
        units, 1 gives every direction of the data the same spread. Learned anew in every fit. Of
        more than 200 directions the others, which hold the least of the spread, are left out.
    shrinkage : float, default=0.3
        Share of the average variance mixed into the covariance before whitening, 0 to 1, so
        that fewer rows than features are enough.
    n_blocks : int, default=5
        Contiguous blocks that are held out in turn for the calibration.
    gap : int or "auto", default="auto"
        Rows left out on each side of a held-out block: as many as neighboring windows share
        frames. "auto" takes the correlation time of the rows themselves.
    false_alarm_rate : float, default=0.05
        `predict` calls rows below this familiarity novel: its expected share of alarms on more
        of the same.

    Attributes
    ----------
    calibration_ : Calibration
        The map from novelty to familiarity.
    held_out_novelty_ : ndarray of shape (n_samples,)
        Novelty of each training row to a fit that did not hear it.
    excess_novelty_ : ndarray of shape (n_samples,) or None
        How much of that is owed to the other fit having heard less (`LearningCurve`). None in
        scorers from files of format 1.
    n_effective_ : float
        Independent rows that the overlapping rows of the fit are worth.
    gap_ : int
        Rows left out on each side of a held-out block.
    offset_ : float
        The ``false_alarm_rate`` of the fit: the familiarity below which a row is novel.
    metric_mean_ : ndarray of shape (n_features,)
        Origin of the metric.
    metric_basis_ : ndarray of shape (n_features, min(n_features, 200)) or None
        Rows go through ``(X - metric_mean_) @ metric_basis_``; None where ``whitening=0``. One
        column more, of zeros, where augmented rows were learned at an offset.
    n_features_in_ : int
        Columns seen in ``fit``.
    """

    # Its name in `SCORERS` and in files; a class without one cannot be saved.
    kind: ClassVar[str] = ""
    # What it learns, beside what every scorer does.
    stored_fields: ClassVar[tuple[Field, ...]] = ()
    # Whether novelty is a distance, so that its logarithm compares between sessions.
    novelty_is_distance: ClassVar[bool] = False
    # Distance of an augmented row that is one unit off, in typical norms. At half of it what
    # was played is hardly nearer than its copies, at 0.8 3 % are strange (AUC .70).
    offset_weight: ClassVar[float] = 0.3
    # How novelty falls with what was heard: see `LearningCurve`.
    learning_power: ClassVar[float] = 1.0
    # What parameters that are "auto" become in a model: for every view, and for patterns.
    auto_in_model: ClassVar[Mapping[str, object]] = {}
    auto_for_patterns: ClassVar[Mapping[str, object]] = {}

    excess_novelty_: FloatArray | None
    _unheard_echoes: FloatArray = np.empty(0)

    whitening: float
    shrinkage: float
    n_blocks: int
    gap: int | Literal["auto"]
    false_alarm_rate: float

    def fit(self, X: npt.ArrayLike, y: None = None, *, augmented: npt.ArrayLike | None = None,
            augmented_rows: npt.ArrayLike | None = None,
            augmented_offsets: npt.ArrayLike | None = None,
            echoes: npt.ArrayLike | None = None,
            echoed_rows: npt.ArrayLike | None = None) -> Self:
        """Learn from windows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in time order, at least 2.
        y : None
            Not used.
        augmented : array-like of shape (n_augmented, n_features), optional
            What to learn in the place of the rows: other forms of them, like the same music a
            little slower and a little faster. They are held out with their rows, which are then
            only judged, so that none of the forms is more familiar than another.
        augmented_rows : array-like of shape (n_augmented,), optional
            The row of ``X`` that each of them is a form of.
        augmented_offsets : array-like of shape (n_augmented,), optional
            How far each of them is from what was played, positive or negative. It becomes one
            more coordinate of the metric, in which all that is judged is at 0: what is a little
            off is a little farther, neither equally near nor out of reach.
        echoes : array-like of shape (n_echoes, n_features), optional
            Rows as they would be a little later, to judge as `unheard_echoes`, not to learn.
        echoed_rows : array-like of shape (n_echoes,), optional
            The row of ``X`` that each of them is an echo of, rising: they are held out together.

        Returns
        -------
        self : FamiliarityScorer

        Raises
        ------
        ValueError
            For arrays and parameters that are not in order, and numbers beyond 1e50.

        Warns
        -----
        ScaleWarning
            If all numbers are so small that rows are told apart badly or not at all.
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        _check_size(rows)
        self.check_parameters()
        learned, sources = check_augmented(rows, augmented, augmented_rows)
        offsets = check_offsets(len(learned), augmented, augmented_offsets)
        again, echoed = check_echoes(rows, echoes, echoed_rows)
        self.gap_ = correlation_gap(rows) if self.gap == "auto" else int(self.gap)
        unfitted = clone(self)
        unfitted._choose_sizes(len(learned))
        forms = Forms(learned, sources, offsets)
        fits = CrossFits(rows, forms, self.n_blocks, self.gap_, self.learning_power,
                         has_limit(rows.shape[1], self.whitening), self.whitening > 0)
        # Here, too: a model may fit its scorers in threads of their own.
        with OneThread():
            held_out, of_echoes = fits.judged(
                lambda kept, n_reached: unfitted._twin(rows, forms, kept, n_reached).novelty_of,
                again, echoed)
            self._learn_rows(forms, fits.n_reached)
            own = self.novelty_of(rows)
        self.held_out_novelty_ = held_out
        self.excess_novelty_ = fits.excess(held_out, own)
        self._unheard_echoes = of_echoes - self.excess_novelty_[echoed]
        self.recalibrate(self.unheard_novelty())
        self.offset_ = float(self.false_alarm_rate)
        return self

    def unheard_novelty(self) -> FloatArray:
        """Novelty of the rows of ``fit``, had the fit on the others heard as many as this one.

        Returns
        -------
        novelty : ndarray of shape (n_samples,)
            ``held_out_novelty_`` less ``excess_novelty_``.
        """
        check_is_fitted(self)
        if self.excess_novelty_ is None:
            return self.held_out_novelty_
        return np.asarray(self.held_out_novelty_ - self.excess_novelty_)

    def unheard_echoes(self) -> FloatArray:
        """Novelty of the echoes of ``fit``, to fits that did not hear their rows.

        How far apart the session is from itself elsewhere *and* a moment later: what noise and
        the place of the frames do to it together.

        Returns
        -------
        novelty : ndarray of shape (n_echoes,)
            As `unheard_novelty`; a scorer that was fitted without echoes, or loaded, has none.
        """
        check_is_fitted(self)
        return self._unheard_echoes

    def recalibrate(self, held_out: npt.ArrayLike) -> None:
        """Calibrate on these novelties instead of those of `unheard_novelty`.

        Parameters
        ----------
        held_out : array-like of shape (n,)
            Novelty of rows that the fit did not hear, in time order.
        """
        self.calibration_ = Calibration(held_out)
        self.n_effective_ = self.calibration_.n_effective_

    def novelty(self, X: npt.ArrayLike) -> FloatArray:
        """How strange rows are, in the scorer's own unit; higher is stranger.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        novelty : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        with OneThread():
            return self.novelty_of(rows)

    def score_samples(self, X: npt.ArrayLike) -> FloatArray:
        """Familiarity of each row: the share of unheard rows at least as strange.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        familiarity : ndarray of shape (n_samples,)
            0 to 1; 1 is well known.
        """
        return self.calibration_of(self.novelty(X))

    def score(self, X: npt.ArrayLike, y: None = None) -> float:
        """Mean familiarity of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        score : float
        """
        return float(np.mean(self.score_samples(X)))

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Familiarity above the threshold of `predict`; negative is novel.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """+1 for rows that are familiar, -1 for novel ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted scorer to a file for `load_scorer`.

        Parameters
        ----------
        path : path-like
            An .npz file, whatever its name ends in.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If its class has no ``kind`` or ``stored_fields`` leave something out, or if it is
            seeded by more than a number.
        OSError
            If the file cannot be written; an older one is as it was.
        """
        check_is_fitted(self)
        arrays: dict[str, Array] = {}
        entry = pack_scorer(self, "scorer", arrays)
        write_container(path, "scorer", entry, arrays, lambda fields: ScorerRecord(
            fields, "scorer", {}, {self.kind: type(self)}).specs)

    def calibration_of(self, novelty: npt.ArrayLike) -> FloatArray:
        """Familiarity of novelties of this scorer.

        Parameters
        ----------
        novelty : array-like of shape (n_samples,)

        Returns
        -------
        familiarity : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.calibration_.familiarity(novelty)

    def novelty_of(self, rows: npt.NDArray[np.floating]) -> FloatArray:
        """`novelty` without its checks, for rows that come a hundred times a second.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features), float
            Finite, as many columns as in ``fit``.

        Returns
        -------
        novelty : ndarray of shape (n_samples,)
        """
        return self._novelty(self.to_metric(rows))

    def nearest_rows(self, row: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Rows of the fit that were remembered, and how far from one row they are.

        Parameters
        ----------
        row : ndarray of shape (1, n_features)

        Returns
        -------
        distances : ndarray of shape (n,)
            In the unit of the novelty, in any order; none from scorers that remember no rows.
        rows : ndarray of shape (n,)
            Which rows of ``fit``'s ``X`` they are.
        """
        return np.empty(0), np.empty(0, dtype=np.intp)

    def nearest_prototype(self, row: FloatArray) -> FloatArray:
        """What was learned that is nearest to one row.

        Parameters
        ----------
        row : ndarray of shape (1, n_features)

        Returns
        -------
        prototype : ndarray of shape (n_features,)
            In the units of the features.
        """
        prototypes = self._prototypes()
        nearest = np.argmin(cdist(self.to_metric(row), prototypes))
        return self.from_metric(prototypes[[nearest]])[0]

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""
        check_share("whitening", self.whitening)
        check_share("shrinkage", self.shrinkage)
        check_fraction("false_alarm_rate", self.false_alarm_rate)
        check_positive_int("n_blocks", self.n_blocks)
        if self.n_blocks < 2:
            raise ValueError(f"n_blocks must be at least 2; got {self.n_blocks}.")
        if self.gap != "auto" and (not isinstance(self.gap, (int, np.integer)) or self.gap < 0):
            raise ValueError(
                f"gap must be 'auto' or a number of rows from 0 up; got {self.gap!r}.")

    def _twin(self, rows: FloatArray, forms: Forms, kept: npt.NDArray[np.intp],
              n_reached: int) -> Self:
        """A copy of this unfitted scorer that has learned some of the rows alone."""
        twin = deepcopy(self)  # as `clone` does, which looks up what parameters there are anew
        heard = forms.of(kept)
        twin._learn_rows(
            Forms(forms.rows[heard], forms.sources[heard], forms.offsets[heard]) if heard.any()
            else Forms(rows[kept], kept, np.zeros(len(kept))),  # too few forms for as many blocks
            n_reached)
        return twin

    def _learn_rows(self, forms: Forms, n_reached: int) -> None:
        """Learn forms of rows of the fit, in a metric that follows them in so many directions."""
        rows, offsets = forms.rows, forms.offsets
        self.metric_mean_ = rows.mean(axis=0)
        self.metric_basis_ = (
            None if self.whitening == 0
            # Single precision is plenty for a metric, and half as large in a file.
            else whitening_basis(rows - self.metric_mean_, self.whitening, self.shrinkage,
                                 n_reached)
            .astype(np.float32).astype(np.float64))
        X = self.to_metric(rows)
        if offsets.any():
            # A column of zeros: wherever rows go through the metric, their offset is 0.
            basis = np.eye(rows.shape[1]) if self.metric_basis_ is None else self.metric_basis_
            self.metric_basis_ = np.column_stack([basis, np.zeros(len(basis))])
            norm = np.sqrt(np.mean(np.sum(X ** 2, axis=1)))
            X = np.column_stack([X, self.offset_weight * norm * offsets])
        self._learn(X)
        self._restored()

    def to_metric(self, rows: npt.NDArray[np.floating]) -> FloatArray:
        """Rows in the metric: whitened, around their mean."""
        centered = rows - self.metric_mean_
        return centered if self.metric_basis_ is None else centered @ self.metric_basis_

    def from_metric(self, rows: FloatArray) -> FloatArray:
        """Rows of the metric back in the units of the features."""
        if self.metric_basis_ is None:
            return rows + self.metric_mean_
        return rows @ np.linalg.pinv(self.metric_basis_) + self.metric_mean_

    def _prototypes(self) -> FloatArray:
        """What was learned, as rows of the metric; here the mean of the rows of the fit alone."""
        return self.to_metric(self.metric_mean_[None])

    def _choose_sizes(self, n_rows: int) -> None:
        """Replace each "auto" that depends on the number of rows by what so many call for.

        Asked of a copy whose fits hold blocks out: they have the sizes of the fit on all rows.
        Fewer prototypes because there are fewer rows would make held-out rows too strange, and
        more so where the numbers jump.
        """

    def _restored(self) -> None:
        """Work out what follows from the stored fields."""

    @abstractmethod
    def _learn(self, X: FloatArray) -> None:
        """Learn from rows in the metric; one row is enough."""

    @abstractmethod
    def _novelty(self, X: FloatArray) -> FloatArray:
        """Novelty of rows in the metric; changes nothing."""


def _check_size(rows: FloatArray) -> None:
    """Raise ValueError for numbers that are too large to measure; warn if all are too small."""
    largest = float(np.abs(rows).max())
    if largest > _LARGEST:
        raise ValueError(f"X must hold numbers up to {_LARGEST:g}; got {largest:g}. Scale them, "
                         "as StandardScaler does.")
    if 0 < largest < _SMALLEST:
        warnings.warn(f"X holds numbers up to {largest:.3g} alone. Novelties that differ by less "
                      "than 1e-6 count as one: scale the features, as StandardScaler does.",
                      ScaleWarning, stacklevel=4)
