"""What a file holds of a model, written and read: its parameters and its ensemble."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster._validation import shown
from barkcluster.calibration.stored import CalibrationRecord, pack_calibration
from barkcluster.files.archive import Array, ArraySpec, Json, ModelFormatError, stored_type
from barkcluster.files.container import open_container, write_container
from barkcluster.files.header import Fields
from barkcluster.frames.session import MOST_BANDS
from barkcluster.scorers import SCORER_NAMES, SCORERS
from barkcluster.scorers.base import FamiliarityScorer
from barkcluster.scorers.stored import (
    ScorerRecord,
    check_seed,
    kind_of,
    pack_scorer,
    parameters_of,
    plain_parameters,
    scorer_of,
)
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import VIEWS

from .breaks import Steady
from .ensemble import Ensemble, Part
from .moments import Moments
from .settling import SUDDEN_S

_MOST_SCALES = 32
# Faster frames would let a small file ask for a window of gigabytes.
_MOST_FRAME_RATE = 2000.0
_MOST_SECONDS = 1e9
_MOST_NOVELTY = 1e60


def write_model(path: str | os.PathLike[str], parameters: Mapping[str, object],
                ensemble: Ensemble) -> None:
    """Write a model file; it takes the place of an older one once all of it is on disk.

    Parameters
    ----------
    path : path-like
    parameters : mapping of str to object
        Those of the model, by name.
    ensemble : Ensemble
    """
    arrays: dict[str, Array] = {}
    entry: dict[str, Json] = {"parameters": pack_parameters(parameters),
                              **pack_ensemble(ensemble, arrays)}
    scorers = [part.scorer for part in ensemble.parts]
    if isinstance(parameters["scorer"], FamiliarityScorer):
        scorers.append(parameters["scorer"])
    classes = {scorer.kind: type(scorer) for scorer in scorers}
    write_container(path, "model", entry, arrays,
                    lambda fields: _entries(fields, list(parameters), classes)[1].specs)


def read_model(path: str | os.PathLike[str], names: Sequence[str]
               ) -> tuple[dict[str, object], Ensemble]:
    """Parameters of these names, and what was learned, from a model file."""
    with open_container(path, "model") as (fields, archive):
        parameters, record = _entries(fields, names, SCORERS)
        arrays = archive.read(record.specs)
        record.check(arrays)
        return parameters, record.build(arrays)


def _entries(fields: Fields, names: Sequence[str], classes: Mapping[str, type[FamiliarityScorer]]
             ) -> tuple[dict[str, object], EnsembleRecord]:
    """The parameters in the header of a model file, and what it says of what was learned."""
    parameters = read_parameters(fields.fields("parameters"), names, classes)
    return parameters, EnsembleRecord(fields, classes)


def pack_ensemble(ensemble: Ensemble, arrays: dict[str, Array]) -> dict[str, Json]:
    """The header entries of an ensemble; its arrays go into ``arrays``."""
    features = ensemble.features
    return {
        "frame_rate": float(features.frame_rate),
        "scales": [float(scale) for scale in features.scales],
        "hop": float(features.hop),
        "views": list(features.views),
        "n_bands": int(features.n_bands),
        "definition": int(features.definition),
        "duration": float(ensemble.duration),
        **({} if ensemble.bands_end is None else {"bands_end": ensemble.bands_end}),
        "parts": [
            {"scale": part.scale_index, "view": part.view,
             "scorer": pack_scorer(part.scorer, f"part{i}", arrays),
             **_pack_times(part.times, f"part{i}.times", arrays)}
            for i, part in enumerate(ensemble.parts)],
        "scale_calibrations": [
            pack_calibration(calibration, f"scale_calibration{i}", arrays)
            for i, calibration in enumerate(ensemble.scale_calibrations)],
        "calibrations": [
            pack_calibration(calibration, f"calibration{i}", arrays)
            for i, calibration in enumerate(ensemble.calibrations)],
        **_pack_moments(ensemble.moments, arrays),
        **({} if ensemble.steady is None else {"steady": [
            {"typical": float(typical), "spread": float(spread)}
            for typical, spread in zip(ensemble.steady.typical, ensemble.steady.spread,
                                       strict=True)]}),
    }


def pack_parameters(parameters: Mapping[str, object]) -> dict[str, Json]:
    """Parameters of a model as plain values; ValueError for one that JSON does not know."""
    scorer = parameters["scorer"]
    plain = plain_parameters({name: value for name, value in parameters.items()
                              if name != "scorer"})
    if isinstance(scorer, FamiliarityScorer):
        return {"scorer": {"kind": kind_of(scorer), "parameters": parameters_of(scorer)}, **plain}
    return {**plain_parameters({"scorer": scorer}), **plain}


def read_parameters(fields: Fields, names: Sequence[str],
                    classes: Mapping[str, type[FamiliarityScorer]]) -> dict[str, object]:
    """Parameters of a model, read from its file; `fit` checks them when it is called again.

    Parameters
    ----------
    fields : Fields
        The parameters in the header; all of them are taken out of it.
    names : sequence of str
        Names of the parameters.
    classes : dict of str to type
        Scorers that the file may name, by their kinds.

    Returns
    -------
    parameters : dict of str to object
    """
    parameters: dict[str, object] = {}
    for name in names:
        if name == "scorer":
            given = fields.take(name)
            if isinstance(given, str) and (given in SCORER_NAMES or given in classes):
                parameters[name] = given
                continue
            inner = Fields(given, "model.parameters.scorer")
            parameters[name] = scorer_of(classes[inner.choice("kind", classes)],
                                         inner.fields("parameters"))
            inner.nothing_else()
        else:
            value = fields.plain(name)
            if name == "random_state":
                check_seed(value)
            parameters[name] = value
    fields.nothing_else()
    return parameters


class EnsembleRecord:
    """An ensemble as the header of a file describes it, before its arrays are read.

    Parameters
    ----------
    fields : Fields
        The ensemble's entries in the header; all of them are taken out of it.
    classes : dict of str to type
        Scorers that the file may name, by their kinds.

    Attributes
    ----------
    specs : dict of str to ArraySpec
        What its arrays must be like.
    """

    def __init__(self, fields: Fields, classes: Mapping[str, type[FamiliarityScorer]]) -> None:
        self.specs: dict[str, ArraySpec] = {}
        self._classes = classes
        self._features = WindowFeatures(
            fields.numbers("scales", _MOST_SCALES),
            fields.number("hop", 1e-6, _MOST_SECONDS),
            fields.number("frame_rate", 1e-3, _MOST_FRAME_RATE),
            views=_views(fields.items("views", len(VIEWS))),
            n_bands=fields.integer("n_bands", 1, MOST_BANDS),
            definition=fields.integer("definition", 1, 2) if fields.has("definition") else 1)
        self._duration = fields.number("duration", 0.0, _MOST_SECONDS)
        self._bands_end = (fields.integer("bands_end", 0, self._features.n_bands)
                           if fields.has("bands_end") else None)
        blocks = self._features.blocks
        parts = fields.objects("parts", len(VIEWS) * _MOST_SCALES)
        if len(parts) != len(blocks):
            raise ModelFormatError(
                f"parts must be {len(blocks)}, one for each scale and view; got {len(parts)}.")
        self._parts = [self._part(i, part, *block)
                       for i, (part, block) in enumerate(zip(parts, blocks, strict=True))]
        self._scale_calibrations = self._calibrations(fields, "scale_calibration")
        self._sum_calibrations = self._calibrations(fields, "calibration")
        self._mean_calibrations: list[CalibrationRecord] = []
        self._sudden_calibration: CalibrationRecord | None = None
        self._moments_definition = 1
        if fields.has("mean_calibrations"):
            self._moments_definition = (fields.integer("moments_definition", 2, 6)
                                        if fields.has("moments_definition") else 2)
            self._mean_calibrations = self._calibrations(fields, "mean_calibration")
            if self._features.scales[0] < SUDDEN_S:
                self._sudden_calibration = CalibrationRecord(
                    fields.fields("sudden_calibration"), "sudden_calibration", self.specs)
        self._steady = (self._steady_of(fields.objects("steady", _MOST_SCALES))
                        if fields.has("steady") else None)
        fields.nothing_else()

    def _steady_of(self, entries: list[Fields]) -> Steady:
        n_short = sum(scale < SUDDEN_S for scale in self._features.scales)
        if len(entries) != n_short:
            raise ModelFormatError(
                f"steady must have an entry for each scale below {SUDDEN_S:g} s, {n_short}; "
                f"got {len(entries)}.")
        numbers = [(entry.number("typical", -_MOST_NOVELTY, _MOST_NOVELTY),
                    entry.number("spread", 1e-9, _MOST_NOVELTY)) for entry in entries]
        for entry in entries:
            entry.nothing_else()
        return Steady(*np.array(numbers).T)

    def _part(self, i: int, part: Fields, scale_index: int, view: str
              ) -> ScorerRecord[FamiliarityScorer]:
        part.integer("scale", scale_index, scale_index)
        part.choice("view", (view,))
        record = ScorerRecord(part.fields("scorer"), f"part{i}", self.specs, self._classes)
        if part.has("times"):
            self.specs[f"part{i}.times"] = ArraySpec(
                "<f8", part.choice("times", ("<f2", "<f4", "<f8")), (record.n_rows,), 0.0,
                _MOST_SECONDS)
        part.nothing_else()
        wanted = self._features.n_features(scale_index, view)
        if record.n_features != wanted:
            raise ModelFormatError(
                f"part{i} must have {wanted} features, the {view} of scale {scale_index}; "
                f"got {record.n_features}.")
        return record

    def _calibrations(self, fields: Fields, name: str) -> list[CalibrationRecord]:
        entries = fields.objects(f"{name}s", _MOST_SCALES)
        if len(entries) != len(self._features.scales):
            raise ModelFormatError(
                f"{name}s must be one for each scale, {len(self._features.scales)}; "
                f"got {len(entries)}.")
        return [CalibrationRecord(entry, f"{name}{i}", self.specs)
                for i, entry in enumerate(entries)]

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise ModelFormatError unless the arrays go with one another."""
        for part in self._parts:
            part.check(arrays)
        for calibration in (*self._scale_calibrations, *self._sum_calibrations,
                            *self._mean_calibrations):
            calibration.check(arrays)
        if self._sudden_calibration is not None:
            self._sudden_calibration.check(arrays)

    def build(self, arrays: Mapping[str, Array]) -> Ensemble:
        """The ensemble with its arrays."""
        features = self._features
        parts = [
            Part(scale_index, view, record.build(arrays),
                 np.asarray(arrays.get(f"part{i}.times", ()), dtype=np.float64))
            for i, ((scale_index, view), record) in enumerate(
                zip(features.blocks, self._parts, strict=True))]
        sudden = self._sudden_calibration
        moments = Moments(features.scales, [c.build(arrays) for c in self._mean_calibrations],
                          None if sudden is None else sudden.build(arrays),
                          self._moments_definition)
        return Ensemble(
            features, parts, [c.build(arrays) for c in self._scale_calibrations],
            [c.build(arrays) for c in self._sum_calibrations], moments, self._duration,
            self._bands_end, self._steady)


def _pack_moments(moments: Moments, arrays: dict[str, Array]) -> dict[str, Json]:
    """Header entries of how scales make one number; definition 1, of the first files, has none."""
    if moments.definition == 1:
        return {}
    sudden = moments.sudden
    return {
        "moments_definition": moments.definition,
        "mean_calibrations": [pack_calibration(calibration, f"mean_calibration{i}", arrays)
                              for i, calibration in enumerate(moments.means)],
        **({} if sudden is None else {
            "sudden_calibration": pack_calibration(sudden, "sudden_calibration", arrays)}),
    }


def _pack_times(times: FloatArray, name: str,
                arrays: dict[str, Array]) -> dict[str, Json]:
    """Header entry of a part's times, which go into ``arrays``; none where they are not known."""
    if not len(times):
        return {}
    arrays[name] = np.ascontiguousarray(times, dtype=stored_type(times))
    return {"times": stored_type(times)}


def _views(names: list[Json]) -> tuple[str, ...]:
    views = tuple(name for name in VIEWS if name in names)
    if list(views) != names:
        raise ModelFormatError(
            f"views must be some of {', '.join(VIEWS)}, in this order; got {shown(names)}.")
    return views
