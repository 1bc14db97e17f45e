"""A fitted scorer in a file, and out of it.

A scorer says itself what it learns: ``kind`` is its name, ``stored_fields`` are its arrays and
numbers. What every scorer has besides is `COMMON_FIELDS`. What follows from these (a count, a
search index) is not stored but worked out again, in ``_restored``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from barkcluster._validation import shown
from barkcluster.calibration.calibration import Calibration
from barkcluster.calibration.stored import CalibrationRecord, pack_calibration
from barkcluster.files.archive import Array, ArraySpec, Json, ModelFormatError
from barkcluster.files.header import Fields, Plain
from barkcluster.files.record import (
    LONGEST,
    ArrayField,
    Field,
    FieldRecord,
    NumberField,
    as_json,
    pack_fields,
)

COMMON_FIELDS: tuple[Field, ...] = (
    ArrayField("metric_mean_", ("n_features",)),
    ArrayField("metric_basis_", ("n_features", "n_inner"), optional=True),
    ArrayField("held_out_novelty_", ("n_rows",)),
    ArrayField("excess_novelty_", ("n_rows",), optional=True),
    NumberField("gap_", 0, LONGEST),
    NumberField("offset_", 0.0, 1.0),
)
# Attributes of a fitted scorer that are stored by other means, or follow from what is stored.
_OTHERWISE = frozenset({"calibration_", "n_effective_", "n_features_in_", "feature_names_in_"})


class Storable(Protocol):
    """What this module needs to know of a scorer."""

    kind: ClassVar[str]
    stored_fields: ClassVar[tuple[Field, ...]]
    calibration_: Calibration
    n_effective_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Its parameters by name, as scikit-learn's estimators tell them."""

    def set_params(self, **parameters: Any) -> object:
        """Take other parameters, as scikit-learn's estimators do."""

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is not usable."""

    def _restored(self) -> None: ...


ScorerT = TypeVar("ScorerT", bound=Storable)


def kind_of(scorer: Storable) -> str:
    """What a scorer's class is called in a file; ValueError if it has no name of its own."""
    kind = vars(type(scorer)).get("kind")  # not one that it inherits: it is another scorer
    if not isinstance(kind, str) or not kind:
        raise ValueError(
            f"{type(scorer).__name__} cannot be saved: its class has no `kind`. Give it one, name "
            "what it learns in `stored_fields`, and add it to barkcluster.SCORERS.")
    return kind


def parameters_of(scorer: Storable) -> dict[str, Json]:
    """A scorer's parameters as plain values; ValueError if one is more than that."""
    return plain_parameters(scorer.get_params(deep=False))


def plain_parameters(parameters: Mapping[str, object]) -> dict[str, Json]:
    """Parameters as JSON values; ValueError if one cannot be."""
    return {name: as_json(name, value) for name, value in parameters.items()}


def scorer_of(cls: type[ScorerT], fields: Fields) -> ScorerT:
    """An unfitted scorer with the parameters in these fields, all of them, checked."""
    scorer = cls()
    parameters: dict[str, Plain] = {name: fields.plain(name) for name in scorer.get_params()}
    fields.nothing_else()
    check_seed(parameters.get("random_state"))
    scorer.set_params(**parameters)
    try:
        scorer.check_parameters()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(str(error)[:300]) from None
    return scorer


def check_seed(seed: Plain) -> None:
    """Raise unless scikit-learn takes this as a seed."""
    if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2 ** 32):
        raise ModelFormatError(
            f"random_state must be None or a whole number below 2 ** 32; got {shown(seed)}.")


def pack_scorer(scorer: Storable, prefix: str, arrays: dict[str, Array]) -> Json:
    """The header entry of a fitted scorer; its arrays go into ``arrays``, named ``prefix.*``."""
    kind = kind_of(scorer)
    fields = (*COMMON_FIELDS, *scorer.stored_fields)
    known = {field.attribute for field in fields} | _OTHERWISE
    lost = [name for name in vars(scorer) if name.endswith("_") and name not in known]
    if lost:
        raise ValueError(f"{type(scorer).__name__} cannot be saved: its stored_fields must name "
                         f"all that it learns, also {', '.join(lost)}.")
    numbers, shapes = pack_fields(scorer, fields, prefix, arrays)
    entry: dict[str, Json] = {
        "kind": kind, "parameters": parameters_of(scorer), "numbers": numbers, "arrays": shapes,
        "calibration": pack_calibration(scorer.calibration_, f"{prefix}.calibration", arrays)}
    names = getattr(scorer, "feature_names_in_", None)
    if names is not None:
        entry["feature_names"] = [str(name) for name in names]
    return entry


class ScorerRecord(Generic[ScorerT]):
    """A fitted scorer as a header tells of it, before its arrays are read.

    Parameters
    ----------
    fields : Fields
        Its header entry.
    prefix : str
        What the names of its arrays start with.
    specs : dict of str to ArraySpec
        What its arrays must be like is added to these.
    classes : dict of str to type
        Which scorers there may be, by their kinds.

    Attributes
    ----------
    specs : dict of str to ArraySpec
        As given, its own added.
    n_features : int
        Columns that it scores.
    n_rows : int
        Rows that it was fitted on.
    """

    def __init__(self, fields: Fields, prefix: str, specs: dict[str, ArraySpec],
                 classes: Mapping[str, type[ScorerT]]) -> None:
        self.specs = specs
        self._scorer = scorer_of(classes[fields.choice("kind", classes)],
                                 fields.fields("parameters"))
        self._fields = FieldRecord(
            (*COMMON_FIELDS, *self._scorer.stored_fields),
            fields.fields("numbers"), fields.fields("arrays"), prefix, specs)
        self._calibration = CalibrationRecord(
            fields.fields("calibration"), f"{prefix}.calibration", specs)
        sizes = self._fields.sizes
        self.n_features = sizes["n_features"]
        self.n_rows = sizes["n_rows"]
        self._feature_names: list[str] | None = None
        if fields.has("feature_names"):
            self._feature_names = [str(n) for n in fields.items("feature_names", self.n_features)]
            if len(self._feature_names) != self.n_features:
                raise ModelFormatError(f"{prefix} must name {self.n_features} features.")
        n_inner = sizes.get("n_inner", self.n_features)
        if not self._fields.has("metric_basis_") and n_inner != self.n_features:
            raise ModelFormatError(
                f"{prefix} has no metric: it must measure its {self.n_features} features as they "
                f"are; got {n_inner}.")
        # One more where rows were learned at an offset.
        if n_inner > self.n_features + 1 or sizes.get("n_directions", 1) > n_inner:
            raise ModelFormatError(f"{prefix} has more directions than features.")
        fields.nothing_else()

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise unless the arrays go with one another."""
        self._calibration.check(arrays)
        self._fields.check(arrays)

    def build(self, arrays: Mapping[str, Array]) -> ScorerT:
        """The fitted scorer."""
        scorer = self._scorer
        self._fields.restore(scorer, arrays)
        scorer.n_features_in_ = self.n_features
        if self._feature_names is not None:
            scorer.feature_names_in_ = np.array(self._feature_names, dtype=object)
        scorer.calibration_ = self._calibration.build(arrays)
        scorer.n_effective_ = scorer.calibration_.n_effective_
        scorer._restored()
        return scorer
