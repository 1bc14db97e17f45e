"""Model files: a fitted model, scorer or background, as numbers in a file that may be passed on.

A file is an .npz, a zip archive of plain arrays, with a JSON header beside them. It holds no
pickle, no class names, nothing that is executed; a model is built anew from the fields that
this version knows (`_scorer_record.SCORER_FIELDS` and `_ModelRecord`), and any byte that does
not fit makes the whole file a `ModelFormatError`.

`FORMAT_VERSION` counts up when a file of before would no longer be read as it is, or would be
read and give other answers: also when `windows` describes a window by other numbers. A function
in `_MIGRATIONS` then turns the older header into the newer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy
import sklearn
from sklearn.utils.validation import check_is_fitted

from barkcluster import __version__
from barkcluster.files.archive import (
    Array,
    ArrayArchive,
    ArraySpec,
    Json,
    ModelFormatError,
    check_numbers,
    check_total,
    open_archive,
    stored_type,
    write_archive,
)
from barkcluster.files.atomic import replace_file
from barkcluster.files.header import Fields, shown
from barkcluster.frames.session import FLOOR_DB, N_BANDS
from barkcluster.scorers import SCORERS, FamiliarityScorer
from barkcluster.scorers.stored import (
    SCORER_FIELDS,
    CalibrationRecord,
    ScorerRecord,
    check_seed,
    kind_of,
    pack_calibration,
    pack_scorer,
    parameters_of,
    plain_parameters,
    scorer_of,
)
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import VIEWS

from .background import LOUDEST_DB, Background, excerpt_frames
from .ensemble import Ensemble, Part

if TYPE_CHECKING:
    from .model import FamiliarityModel

__all__ = ["FORMAT_VERSION", "ModelFormatError", "load_background", "load_model", "load_scorer",
           "save_background", "save_model", "save_scorer"]

FORMAT_VERSION = 1
_FORMAT = "barkcluster"

# From the header of one version to that of the next; each is given a dict and returns one.
_MIGRATIONS: dict[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}

# Parameters of a model beside the plain ones. A background is not stored: what a model needs of
# it is in its calibrations.
_NOT_PLAIN = ("scorer", "background")
_MOST_SCALES = 32
_MOST_BANDS = 256
# Faster frames would let a small file ask for a window of gigabytes.
_MOST_FRAME_RATE = 2000.0
_MOST_SECONDS = 1e9


def save_model(model: FamiliarityModel, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; what `FamiliarityModel.save` does."""
    check_is_fitted(model)
    arrays: dict[str, Array] = {}
    given = model.scorer
    features = model.features_
    entry: dict[str, Json] = {
        "parameters": {
            "scorer": given if isinstance(given, str) else {
                "kind": kind_of(given), "parameters": parameters_of(given)},
            **plain_parameters({name: value for name, value in model.get_params(False).items()
                                if name not in _NOT_PLAIN})},
        "frame_rate": float(model.frame_rate_),
        "scales": [float(s) for s in model.scales_],
        "hop": float(features.hop),
        "views": list(features.views),
        "n_bands": int(features.n_bands),
        "duration": float(model.duration_),
        "parts": [
            {"scale": part.scale, "view": part.view,
             "scorer": pack_scorer(part.scorer, f"part{i}", arrays),
             **_pack_times(part.times, f"part{i}.times", arrays)}
            for i, part in enumerate(model.parts_)],
        "scale_calibrations": [
            pack_calibration(calibration, f"scale_calibration{i}", arrays)
            for i, calibration in enumerate(model.scale_calibrations_)],
        "calibrations": [
            pack_calibration(calibration, f"calibration{i}", arrays)
            for i, calibration in enumerate(model.calibrations_)],
    }
    _write(path, "model", entry, arrays)


def save_scorer(scorer: FamiliarityScorer, path: str | os.PathLike[str]) -> None:
    """Write a fitted scorer; what `FamiliarityScorer.save` does."""
    check_is_fitted(scorer)
    arrays: dict[str, Array] = {}
    _write(path, "scorer", pack_scorer(scorer, "scorer", arrays), arrays)


def save_background(background: Background, path: str | os.PathLike[str]) -> None:
    """Write a fitted background; what `Background.save` does."""
    entry: dict[str, Json] = {
        "frame_rate": background.frame_rate_,
        "n_sessions": background.n_sessions_,
        "excerpts": list(background.excerpts_.shape),
    }
    excerpts = background.excerpts_
    _write(path, "background", entry,
           {"excerpts": np.ascontiguousarray(excerpts, dtype=stored_type(excerpts))})


def load_model(path: str | os.PathLike[str]) -> FamiliarityModel:
    """The model in a file, which gives the answers that it gave when it was saved.

    Whatever the file holds, nothing in it is executed, and a file that is not in order is
    refused within a second and 200 MB of memory.

    Parameters
    ----------
    path : path-like
        A file written by `FamiliarityModel.save`.

    Returns
    -------
    model : FamiliarityModel
        Fitted, with the parameters it was made with.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything is wrong with the file: damaged, of a newer version, no model file at all, a
        folder, or not to be read by you.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import FamiliarityModel
    >>> heard = np.random.default_rng(0).normal(-40, 6, size=(3000, 25))
    >>> model = FamiliarityModel(scales=(0.5,)).fit(heard[:2000])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/jam.npz")
    ...     again = load_model(f"{folder}/jam.npz")
    >>> again.score(heard[2000:]) == model.score(heard[2000:])
    True
    """
    with open_archive(path) as archive:
        record = _ModelRecord(_entry_of(archive, "model"))
        arrays = archive.read(record.specs)
        record.check(arrays)
        return record.build(arrays)


def load_scorer(path: str | os.PathLike[str]) -> FamiliarityScorer:
    """The single scorer in a file.

    Parameters
    ----------
    path : path-like
        A file written by `FamiliarityScorer.save`.

    Returns
    -------
    scorer : FamiliarityScorer
        Fitted, of the class it had.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything else is wrong with the file; see `load_model`.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import KNNDensityScorer
    >>> scorer = KNNDensityScorer(n_neighbors=1).fit([[0.0], [1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scorer.save(f"{folder}/scorer.npz")
    ...     load_scorer(f"{folder}/scorer.npz").novelty([[1.0], [4.0]])
    array([0., 3.])
    """
    with open_archive(path) as archive:
        record = ScorerRecord(_entry_of(archive, "scorer"), "scorer", {})
        arrays = archive.read(record.specs)
        record.check(arrays)
        return record.build(arrays)


def load_background(path: str | os.PathLike[str]) -> Background:
    """The background in a file.

    Parameters
    ----------
    path : path-like
        A file written by `Background.save`.

    Returns
    -------
    background : Background
        Fitted; models that are given it answer as with the one that was saved, to the last bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything else is wrong with the file; see `load_model`.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import Background
    >>> background = Background().fit([np.full((1500, 25), -40.0)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     background.save(f"{folder}/others.npz")
    ...     load_background(f"{folder}/others.npz")
    <Background: 1 excerpts of 15 s from 1 session, 100 frames a second>
    """
    with open_archive(path) as archive:
        record = _BackgroundRecord(_entry_of(archive, "background"))
        return record.build(archive.read(record.specs))


class _BackgroundRecord:
    """A background as a header tells of it, before its array is read."""

    def __init__(self, fields: Fields) -> None:
        self._frame_rate = fields.number("frame_rate", 1e-3, _MOST_FRAME_RATE)
        self._n_sessions = fields.integer("n_sessions", 1, Background.MOST_EXCERPTS)
        shape = fields.items("excerpts", 3)
        most, n_frames = Background.MOST_EXCERPTS, excerpt_frames(self._frame_rate)
        if not (type(shape[0]) is int and self._n_sessions <= shape[0] <= most
                and shape[1:] == [n_frames, N_BANDS]):
            raise ModelFormatError(
                f"excerpts must be {self._n_sessions} to {most}, each of {n_frames} frames of "
                f"{N_BANDS} bands; got {shown(shape)}.")
        fields.nothing_else()
        self.specs = {"excerpts": ArraySpec(
            "<f8", "<f2", (shape[0], n_frames, N_BANDS), FLOOR_DB, LOUDEST_DB)}

    def build(self, arrays: Mapping[str, Array]) -> Background:
        """The fitted background."""
        background = Background(frame_rate=self._frame_rate)
        background.excerpts_ = arrays["excerpts"].astype(np.float16)
        background.frame_rate_ = self._frame_rate
        background.n_sessions_ = self._n_sessions
        return background


class _ModelRecord:
    """A model as a header tells of it, before its arrays are read."""

    def __init__(self, fields: Fields) -> None:
        self.specs: dict[str, ArraySpec] = {}
        self._parameters = _model_parameters(fields.fields("parameters"))
        self._features = WindowFeatures(
            fields.numbers("scales", _MOST_SCALES),
            fields.number("hop", 1e-6, _MOST_SECONDS),
            fields.number("frame_rate", 1e-3, _MOST_FRAME_RATE),
            views=_views(fields.items("views", len(VIEWS))),
            n_bands=fields.integer("n_bands", 1, _MOST_BANDS))
        self._duration = fields.number("duration", 0.0, _MOST_SECONDS)
        blocks = self._features.blocks
        parts = fields.objects("parts", len(VIEWS) * _MOST_SCALES)
        if len(parts) != len(blocks):
            raise ModelFormatError(
                f"parts must be {len(blocks)}, one for each scale and view; got {len(parts)}.")
        self._parts = [self._part(i, part, *block)
                       for i, (part, block) in enumerate(zip(parts, blocks, strict=True))]
        self._scale_calibrations = self._calibrations(fields, "scale_calibration")
        self._sum_calibrations = self._calibrations(fields, "calibration")
        fields.nothing_else()

    def _part(self, i: int, part: Fields, scale: int, view: str) -> ScorerRecord:
        part.integer("scale", scale, scale)
        part.choice("view", (view,))
        record = ScorerRecord(part.fields("scorer"), f"part{i}", self.specs)
        if part.has("times"):
            self.specs[f"part{i}.times"] = ArraySpec(
                "<f8", part.choice("times", ("<f2", "<f4", "<f8")), (record.n_rows,), 0.0,
                _MOST_SECONDS)
        part.nothing_else()
        wanted = self._features.n_features(scale, view)
        if record.n_features != wanted:
            raise ModelFormatError(
                f"part{i} must have {wanted} features, the {view} of scale {scale}; "
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
        """Raise unless the arrays go with one another."""
        for part in self._parts:
            part.check(arrays)
        for calibration in (*self._scale_calibrations, *self._sum_calibrations):
            calibration.check(arrays)

    def build(self, arrays: Mapping[str, Array]) -> FamiliarityModel:
        """The fitted model."""
        from .model import FamiliarityModel

        model = FamiliarityModel().set_params(**self._parameters)
        features = self._features
        parts = [
            Part(scale, view, record.build(arrays),
                 np.asarray(arrays.get(f"part{i}.times", ()), dtype=np.float64))
            for i, ((scale, view), record) in enumerate(
                zip(features.blocks, self._parts, strict=True))]
        model.ensemble_ = Ensemble(
            features, parts, [c.build(arrays) for c in self._scale_calibrations],
            [c.build(arrays) for c in self._sum_calibrations], self._duration)
        return model


def _pack_times(times: npt.NDArray[np.float64], name: str,
                arrays: dict[str, Array]) -> dict[str, Json]:
    """What the header says of a part's times; they go into ``arrays``, if they are known."""
    if not len(times):
        return {}
    arrays[name] = np.ascontiguousarray(times, dtype=stored_type(times))
    return {"times": stored_type(times)}


def _model_parameters(fields: Fields) -> dict[str, object]:
    """The parameters of a model; `fit` checks them when it is called again."""
    from .model import FamiliarityModel

    given = fields.take("scorer")
    scorer: str | FamiliarityScorer
    if isinstance(given, str) and given in SCORERS:
        scorer = given
    else:
        inner = Fields(given, "model.parameters.scorer")
        scorer = scorer_of(inner.choice("kind", SCORER_FIELDS), inner.fields("parameters"))
        inner.nothing_else()
    parameters: dict[str, object] = {"scorer": scorer}
    for name in FamiliarityModel().get_params(deep=False):
        if name not in _NOT_PLAIN:
            value = fields.plain(name)
            if name == "random_state":
                check_seed(value)
            parameters[name] = value
    fields.nothing_else()
    return parameters


def _views(names: list[Json]) -> tuple[str, ...]:
    views = tuple(name for name in VIEWS if name in names)
    if list(views) != names:
        raise ModelFormatError(
            f"views must be some of {', '.join(VIEWS)}, in this order; got {shown(names)}.")
    return views


def _write(
    path: str | os.PathLike[str], holds: str, entry: Json, arrays: Mapping[str, Array]
) -> None:
    try:
        fields = Fields(entry, holds)
        specs = _SPECS[holds](fields)
        check_total(specs)
        for name, spec in specs.items():
            check_numbers(name, arrays[name], spec)
    except ModelFormatError as error:
        # Said now: a file that will not load again would be found out too late.
        raise ValueError(f"the {holds} cannot be saved: {error}") from None
    header: dict[str, Json] = {
        "format": _FORMAT,
        "version": FORMAT_VERSION,
        "holds": holds,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": {"barkcluster": __version__, "numpy": np.__version__,
                      "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        holds: entry,
    }
    with replace_file(path) as file:
        write_archive(file, header, arrays)


# What a file may hold, and the arrays that go with its header.
_SPECS: dict[str, Callable[[Fields], dict[str, ArraySpec]]] = {
    "model": lambda fields: _ModelRecord(fields).specs,
    "scorer": lambda fields: ScorerRecord(fields, "scorer", {}).specs,
    "background": lambda fields: _BackgroundRecord(fields).specs,
}


def _entry_of(archive: ArrayArchive, holds: str) -> Fields:
    """What the header says of the model or scorer, in the words of this version."""
    header = archive.header
    if header.get("format") != _FORMAT:
        raise ModelFormatError("is not a model file of barkcluster.")
    version = header.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ModelFormatError(f"must say which version it is; got {shown(version)}.")
    if version > FORMAT_VERSION:
        raise ModelFormatError(
            f"is of format {shown(version)}; this barkcluster, {__version__}, reads up to "
            f"{FORMAT_VERSION}. Is there a newer one?")
    try:
        for older in range(version, FORMAT_VERSION):
            header = _MIGRATIONS[older](header)
    except (LookupError, TypeError, AttributeError) as error:
        raise ModelFormatError(f"is no file of format {version}: {error}") from error
    fields = Fields(header, "header")
    for name in ("format", "version"):
        fields.take(name)
    fields.text("created")
    fields.fields("libraries")
    holding = fields.choice("holds", _SPECS)
    if holding != holds:
        raise ModelFormatError(f"holds a {holding}: load it with load_{holding}.")
    entry = fields.fields(holds)
    fields.nothing_else()
    return entry
