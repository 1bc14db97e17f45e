"""What a fitted scorer consists of, attribute by attribute, and the way from one to a file.

`SCORER_FIELDS` is the whole schema: an array or a number that a scorer learns is a row here. What
follows from the others (a count, a search index) is not stored but worked out again in `_finish`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from barkcluster.calibration.calibration import Calibration
from barkcluster.calibration.cohort import StrangerCalibration
from barkcluster.files.archive import (
    LARGEST,
    Array,
    ArraySpec,
    Json,
    ModelFormatError,
    stored_type,
)
from barkcluster.files.header import Fields, Plain, plain, shown
from barkcluster.scorers import SCORERS

from .base import FamiliarityScorer
from .gaussian_mixture import GaussianMixtureScorer
from .kmeans import KMeansScorer
from .knn_density import KNNDensityScorer

# Columns, rows or units of an array, at most.
_LONGEST = 10_000_000
# No familiarity is so small or so large that its normal score is beyond.
_MOST_STRANGE = 100.0
_STORED_AS = {"<f8": ("<f2", "<f4", "<f8"), "<i8": ("<i8",), "<i4": ("<i4",)}


@dataclass(frozen=True)
class ArrayField:
    """An array that a scorer learns.

    Attributes
    ----------
    attribute : str
    shape : tuple of str
        Names of its sizes: the same name is the same size in every array of the scorer.
    dtype : str, default="<f8"
    least, most : float
        Smallest and largest number in it.
    optional : bool
        Whether it may be None.
    """

    attribute: str
    shape: tuple[str, ...]
    dtype: str = "<f8"
    least: float = -LARGEST
    most: float = LARGEST
    optional: bool = False


@dataclass(frozen=True)
class NumberField:
    """A number that a scorer learns; whole if its bounds are ints."""

    attribute: str
    least: float
    most: float


Field = ArrayField | NumberField

_COMMON: tuple[Field, ...] = (
    ArrayField("metric_mean_", ("n_features",)),
    ArrayField("metric_basis_", ("n_features", "n_inner"), optional=True),
    ArrayField("held_out_novelty_", ("n_rows",)),
    NumberField("gap_", 0, _LONGEST),
    NumberField("offset_", 0.0, 1.0),
)
SCORER_FIELDS: dict[str, tuple[Field, ...]] = {
    "kmeans": (
        *_COMMON,
        ArrayField("codebook_", ("n_clusters", "n_inner")),
        ArrayField("labels_", ("n_rows",), "<i4", 0, _LONGEST),
    ),
    "gmm": (
        *_COMMON,
        ArrayField("weights_", ("n_components",), least=0.0, most=1.0),
        ArrayField("means_", ("n_components", "n_directions")),
        ArrayField("variances_", ("n_components", "n_directions"), least=1e-15),
        ArrayField("directions_", ("n_inner", "n_directions")),
        NumberField("residual_variance_", 1e-15, LARGEST),
        NumberField("n_iter_", 0, _LONGEST),
    ),
    "som": (
        *_COMMON,
        ArrayField("codebook_", ("n_down", "n_across", "n_inner")),
    ),
    "knn": (
        *_COMMON,
        ArrayField("memory_", ("n_memory", "n_inner")),
        ArrayField("memory_rows_", ("n_memory",), "<i8", 0, _LONGEST),
        NumberField("n_neighbors_", 1, _LONGEST),
    ),
}
_CALIBRATION = ArrayField("novelty_", ("n_calibration",))


def kind_of(scorer: FamiliarityScorer) -> str:
    """The name of a scorer's class in `SCORERS`; ValueError if it is another class."""
    for kind, cls in SCORERS.items():
        if type(scorer) is cls and kind in SCORER_FIELDS:
            return kind
    raise ValueError(
        f"{type(scorer).__name__} cannot be saved: model files hold the scorers "
        f"{', '.join(SCORER_FIELDS)} and no classes of your own.")


def parameters_of(scorer: FamiliarityScorer) -> dict[str, Json]:
    """A scorer's parameters as plain values; ValueError if one is more than that."""
    return plain_parameters(scorer.get_params(deep=False))


def plain_parameters(parameters: Mapping[str, object]) -> dict[str, Json]:
    """Parameters as JSON values; ValueError if one cannot be."""
    return {name: _as_json(name, value) for name, value in parameters.items()}


def _as_json(name: str, value: object) -> Json:
    try:
        simple = plain(value)
    except ValueError as error:
        raise ValueError(f"{name} cannot be saved: it {error}") from None
    return list(simple) if isinstance(simple, tuple) else simple  # type: ignore[arg-type]


def scorer_of(kind: str, fields: Fields) -> FamiliarityScorer:
    """An unfitted scorer with the parameters in these fields, all of them, checked."""
    scorer = SCORERS[kind]()
    parameters: dict[str, Plain] = {name: fields.plain(name) for name in scorer.get_params()}
    fields.nothing_else()
    check_seed(parameters.get("random_state"))
    scorer.set_params(**parameters)
    try:
        scorer._check_parameters()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(str(error)[:300]) from None
    return scorer


def check_seed(seed: Plain) -> None:
    """Raise unless scikit-learn takes this as a seed."""
    if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2 ** 32):
        raise ModelFormatError(
            f"random_state must be None or a whole number below 2 ** 32; got {shown(seed)}.")


def pack_calibration(calibration: Calibration, name: str, arrays: dict[str, Array]) -> Json:
    """The header entry of a calibration; its array goes into ``arrays``."""
    values = calibration.novelty_
    stored = np.ascontiguousarray(values, dtype=stored_type(values))
    arrays[name] = stored
    entry: dict[str, Json] = {"n_effective": float(calibration.n_effective_),
                              "novelty": [stored.dtype.str, len(stored)]}
    if isinstance(calibration, StrangerCalibration):
        entry["strangers"] = {"typical": calibration.typical_, "spread": calibration.spread_}
    return entry


class CalibrationRecord:
    """A calibration as a header tells of it, before its array is read."""

    def __init__(self, fields: Fields, name: str, specs: dict[str, ArraySpec]) -> None:
        self._name = name
        specs[name] = _spec(_CALIBRATION, fields.take("novelty"), {}, name)
        n = specs[name].shape[0]
        self._n_effective = fields.number("n_effective", 1e-9, float(n) * (1.0 + 1e-9))
        self._strangers: tuple[float, float] | None = None
        if fields.has("strangers"):
            strangers = fields.fields("strangers")
            self._strangers = (strangers.number("typical", -_MOST_STRANGE, _MOST_STRANGE),
                               strangers.number("spread", 0.0, _MOST_STRANGE))
            strangers.nothing_else()
        fields.nothing_else()

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise unless the array is what a calibration holds."""
        novelty = arrays[self._name]
        if not np.all(novelty[1:] >= novelty[:-1]):
            raise ModelFormatError(f"{self._name}.npy must be in ascending order.")

    def build(self, arrays: Mapping[str, Array]) -> Calibration:
        """The calibration."""
        calibration = Calibration.restore(arrays[self._name], self._n_effective)
        if self._strangers is None:
            return calibration
        return StrangerCalibration.of(calibration, *self._strangers)


def pack_scorer(scorer: FamiliarityScorer, prefix: str, arrays: dict[str, Array]) -> Json:
    """The header entry of a fitted scorer; its arrays go into ``arrays``, named ``prefix.*``."""
    kind = kind_of(scorer)
    shapes: dict[str, Json] = {}
    numbers: dict[str, Json] = {}
    for field in SCORER_FIELDS[kind]:
        value = getattr(scorer, field.attribute)
        name = _stored_name(field)
        if isinstance(field, NumberField):
            numbers[name] = plain(value)  # type: ignore[assignment]
        elif value is not None:
            values = np.asarray(value, dtype=field.dtype)
            stored = np.ascontiguousarray(values, dtype=stored_type(values))
            arrays[f"{prefix}.{name}"] = stored
            shapes[name] = [stored.dtype.str, *stored.shape]
    entry: dict[str, Json] = {
        "kind": kind, "parameters": parameters_of(scorer), "numbers": numbers, "arrays": shapes,
        "calibration": pack_calibration(scorer.calibration_, f"{prefix}.calibration", arrays)}
    names = getattr(scorer, "feature_names_in_", None)
    if names is not None:
        entry["feature_names"] = [str(name) for name in names]
    return entry


class ScorerRecord:
    """A fitted scorer as a header tells of it, before its arrays are read.

    Parameters
    ----------
    fields : Fields
        Its header entry.
    prefix : str
        What the names of its arrays start with.
    specs : dict of str to ArraySpec
        What its arrays must be like is added to these.

    Attributes
    ----------
    specs : dict of str to ArraySpec
        As given, its own added.
    n_features : int
        Columns that it scores.
    n_rows : int
        Rows that it was fitted on.
    """

    def __init__(self, fields: Fields, prefix: str, specs: dict[str, ArraySpec]) -> None:
        self.specs = specs
        self._prefix = prefix
        self._kind = fields.choice("kind", SCORER_FIELDS)
        self._scorer = scorer_of(self._kind, fields.fields("parameters"))
        self._numbers: dict[str, float] = {}
        numbers, shapes = fields.fields("numbers"), fields.fields("arrays")
        self._sizes: dict[str, int] = {}
        self._absent: list[str] = []
        for field in SCORER_FIELDS[self._kind]:
            name = _stored_name(field)
            if isinstance(field, NumberField):
                whole = isinstance(field.least, int) and isinstance(field.most, int)
                self._numbers[field.attribute] = (
                    numbers.integer(name, int(field.least), int(field.most)) if whole
                    else numbers.number(name, field.least, field.most))
            elif field.optional and not shapes.has(name):
                self._absent.append(field.attribute)
            else:
                key = f"{prefix}.{name}"
                specs[key] = _spec(field, shapes.take(name), self._sizes, key)
        self._calibration = CalibrationRecord(
            fields.fields("calibration"), f"{prefix}.calibration", specs)
        self.n_features = self._sizes["n_features"]
        self.n_rows = self._sizes["n_rows"]
        self._feature_names: list[str] | None = None
        if fields.has("feature_names"):
            self._feature_names = [str(n) for n in fields.items("feature_names", self.n_features)]
            if len(self._feature_names) != self.n_features:
                raise ModelFormatError(f"{prefix} must name {self.n_features} features.")
        if self._numbers.get("n_neighbors_", 1) > self._sizes.get("n_memory", 1):
            raise ModelFormatError(f"{prefix} has more neighbors than windows remembered.")
        n_inner = self._sizes["n_inner"]
        if "metric_basis_" in self._absent and n_inner != self.n_features:
            raise ModelFormatError(
                f"{prefix} has no metric: it must measure its {self.n_features} features as they "
                f"are; got {n_inner}.")
        if n_inner > self.n_features or self._sizes.get("n_directions", 1) > n_inner:
            raise ModelFormatError(f"{prefix} has more directions than features.")
        numbers.nothing_else()
        shapes.nothing_else()
        fields.nothing_else()

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise unless the arrays go with one another."""
        self._calibration.check(arrays)
        if self._kind == "kmeans":
            labels = arrays[f"{self._prefix}.labels"]
            if labels.max() >= self._sizes["n_clusters"]:
                raise ModelFormatError(f"{self._prefix}.labels.npy names clusters that are not.")
        if self._kind == "knn" and (
                arrays[f"{self._prefix}.memory_rows"].max() >= self._sizes["n_rows"]):
            raise ModelFormatError(f"{self._prefix}.memory_rows.npy names rows that are not.")
        if self._kind == "gmm" and abs(arrays[f"{self._prefix}.weights"].sum() - 1.0) > 1e-6:
            raise ModelFormatError(f"{self._prefix}.weights.npy must sum to 1.")

    def build(self, arrays: Mapping[str, Array]) -> FamiliarityScorer:
        """The fitted scorer."""
        scorer = self._scorer
        for field in SCORER_FIELDS[self._kind]:
            if isinstance(field, NumberField):
                setattr(scorer, field.attribute, self._numbers[field.attribute])
            else:
                name = f"{self._prefix}.{_stored_name(field)}"
                absent = field.attribute in self._absent
                setattr(scorer, field.attribute, None if absent else arrays[name])
        scorer.n_features_in_ = self.n_features
        if self._feature_names is not None:
            scorer.feature_names_in_ = np.array(self._feature_names, dtype=object)
        scorer.calibration_ = self._calibration.build(arrays)
        scorer.n_effective_ = scorer.calibration_.n_effective_
        _finish(scorer)
        return scorer


def _finish(scorer: FamiliarityScorer) -> None:
    """Work out what is not stored because it follows from what is."""
    if isinstance(scorer, KNNDensityScorer):
        scorer._index()
    elif isinstance(scorer, KMeansScorer):
        scorer.n_clusters_ = len(scorer.codebook_)
    elif isinstance(scorer, GaussianMixtureScorer):
        scorer.n_components_ = len(scorer.weights_)
        scorer.n_residual_ = int(np.subtract(*scorer.directions_.shape))


def _stored_name(field: Field) -> str:
    return field.attribute.rstrip("_")


def _spec(field: ArrayField, said: Json, sizes: dict[str, int], name: str) -> ArraySpec:
    """What an array must be like, from its row and from ``[type, size, ...]`` in the header."""
    if not (isinstance(said, list) and len(said) == 1 + len(field.shape)
            and said[0] in _STORED_AS[field.dtype]):
        raise ModelFormatError(
            f"{name} must be given as its type, one of {', '.join(_STORED_AS[field.dtype])}, "
            f"and {len(field.shape)} sizes; got {shown(said)}.")
    shape = []
    for size_name, value in zip(field.shape, said[1:], strict=True):
        size = Fields({size_name: value}, name).integer(size_name, 1, _LONGEST)
        if sizes.setdefault(size_name, size) != size:
            raise ModelFormatError(
                f"{name} has {size_name} = {size}; elsewhere it is {sizes[size_name]}.")
        shape.append(size)
    return ArraySpec(field.dtype, str(said[0]), tuple(shape), field.least, field.most)
