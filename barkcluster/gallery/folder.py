"""A gallery in a folder: an index, and for each name a model file and some windows.

Each file is an archive of plain arrays, read as if an enemy had written it (`_array_archive`). The
index is written last and takes its place all at once: whoever reads meanwhile finds the old
gallery or the new one. Names stand in the index alone; files are named by numbers.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster import __version__
from barkcluster.files.archive import (
    Array,
    ArraySpec,
    Json,
    ModelFormatError,
    open_archive,
    write_archive,
)
from barkcluster.files.atomic import replace_file
from barkcluster.files.header import Fields, shown
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.stored import load_model
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERNS, VIEWS

FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]
Windows: TypeAlias = dict[tuple[float, str], Float32Array]

_VERSION = 1
_INDEX = "gallery.npz"
_FILE = re.compile(r"[0-9a-f]{16}")
_MOST_NAMES = 100_000
_MOST_SCALES = 32
_MOST_BLOCKS = 200
_MOST_COLUMNS = 100_000


@dataclass(eq=False)
class GalleryIndex:
    """What the index of a gallery says.

    Attributes
    ----------
    names, files : list of str
    prototypes : ndarray of shape (n_names, n_prototypes, n_numbers), float32
    held_out : list of ndarray
        For each name.
    features : WindowFeatures
        Of a query.
    n_candidates, n_pieces : int
    false_alarm_rate : float
    """

    names: list[str]
    files: list[str]
    prototypes: Float32Array
    held_out: list[FloatArray]
    features: WindowFeatures
    n_candidates: int
    n_pieces: int
    false_alarm_rate: float


class GalleryFolder:
    """The files of a gallery.

    Parameters
    ----------
    path : path-like
    make : bool, default=False
        Whether to make the folder if it is not there.
    """

    def __init__(self, path: str | os.PathLike[str], *, make: bool = False) -> None:
        self.path = Path(path)
        if make:
            self.path.mkdir(parents=True, exist_ok=True)

    def files(self) -> list[str]:
        """What names' files are called, without their endings."""
        found = self.path.glob("*.model.npz")
        return sorted(name for name in (p.name.split(".")[0] for p in found)
                      if _FILE.fullmatch(name))

    def write_entry(self, model: FamiliarityModel, sample: Windows) -> str:
        """Write a model and windows; what their files are called."""
        name = secrets.token_hex(8)
        model.save(self.path / f"{name}.model.npz")
        arrays: dict[str, Array] = {}
        blocks: list[Json] = []
        filled = ((key, rows) for key, rows in sample.items() if len(rows))
        for i, ((scale, view), rows) in enumerate(filled):
            arrays[f"block{i}"] = rows.astype("<f4")
            blocks.append({"scale": scale, "view": view, "rows": len(rows),
                           "columns": rows.shape[1]})
        header: dict[str, Json] = {"format": "barkcluster windows", "version": _VERSION,
                                   "blocks": blocks}
        with replace_file(self.path / f"{name}.windows.npz") as file:
            write_archive(file, header, arrays)
        return name

    def model(self, name: str) -> FamiliarityModel:
        """The model in a name's file."""
        return load_model(self.path / f"{name}.model.npz")

    def sample(self, name: str) -> Windows:
        """The windows in a name's file."""
        with open_archive(self.path / f"{name}.windows.npz") as archive:
            fields = _opened(archive.header, "barkcluster windows")
            specs, keys = {}, []
            for i, block in enumerate(fields.objects("blocks", _MOST_BLOCKS)):
                keys.append((block.number("scale", 1e-6, 1e6),
                             block.choice("view", (*VIEWS, *PATTERNS))))
                shape = (block.integer("rows", 1, 1_000_000),
                         block.integer("columns", 1, _MOST_COLUMNS))
                specs[f"block{i}"] = ArraySpec("<f8", "<f4", shape)
                block.nothing_else()
            fields.nothing_else()
            arrays = archive.read(specs)
        return {key: arrays[f"block{i}"].astype(np.float32) for i, key in enumerate(keys)}

    def delete(self, names: Iterable[str]) -> None:
        """Remove names' files, if they are still there."""
        for name in names:
            for kind in ("model", "windows"):
                with contextlib.suppress(FileNotFoundError):
                    (self.path / f"{name}.{kind}.npz").unlink()

    def write_index(self, index: GalleryIndex) -> None:
        """Write the index, all at once."""
        features = index.features
        header: dict[str, Json] = {
            "format": "barkcluster gallery",
            "version": _VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "barkcluster": __version__,
            "names": list(index.names),
            "files": list(index.files),
            "n_held_out": [len(values) for values in index.held_out],
            "sketch": [int(n) for n in index.prototypes.shape[1:]],
            "scales": [float(s) for s in features.scales],
            "hop": float(features.hop),
            "frame_rate": float(features.frame_rate),
            "views": list(features.views),
            "n_bands": int(features.n_bands),
            "n_candidates": int(index.n_candidates),
            "n_pieces": int(index.n_pieces),
            "false_alarm_rate": float(index.false_alarm_rate),
        }
        arrays: dict[str, Array] = {
            "prototypes": np.ascontiguousarray(
                index.prototypes, dtype="<f4"),
            "held_out": np.concatenate(index.held_out).astype("<f8")}
        with replace_file(self.path / _INDEX) as file:
            write_archive(file, header, arrays)

    def read_index(self) -> GalleryIndex:
        """The index, checked."""
        with open_archive(self.path / _INDEX) as archive:
            fields = _opened(archive.header, "barkcluster gallery")
            fields.text("created")
            fields.text("barkcluster")
            names = _texts(fields, "names", re.compile(r".{1,200}", re.DOTALL))
            files = _texts(fields, "files", _FILE)
            counts = [Fields({"n": n}, "header.n_held_out").integer("n", 0, 10_000)
                      for n in fields.items("n_held_out", _MOST_NAMES)]
            if not len(names) == len(files) == len(counts):
                raise ModelFormatError("names, files and n_held_out must be as many.")
            sizes = [Fields({"n": n}, "header.sketch").integer("n", 1, 10_000)
                     for n in fields.items("sketch", 2)]
            features = WindowFeatures(
                fields.numbers("scales", _MOST_SCALES), fields.number("hop", 1e-6, 1e6),
                fields.number("frame_rate", 1e-3, 2000.0),
                views=tuple(Fields({"view": v}, "header.views").choice("view", VIEWS)
                            for v in fields.items("views", len(VIEWS))),
                n_bands=fields.integer("n_bands", 1, 256))
            n_candidates = fields.integer("n_candidates", 1)
            n_pieces = fields.integer("n_pieces", 1)
            rate = fields.number("false_alarm_rate", 1e-12, 1.0 - 1e-12)
            fields.nothing_else()
            arrays = archive.read({
                "prototypes": ArraySpec("<f8", "<f4", (len(names), *sizes)),
                "held_out": ArraySpec("<f8", "<f8", (sum(counts),))})
        held_out = np.split(np.asarray(arrays["held_out"], np.float64), np.cumsum(counts)[:-1])
        return GalleryIndex(names, files, arrays["prototypes"].astype(np.float32), held_out,
                            features, n_candidates, n_pieces, rate)


def _opened(header: dict[str, Json], wanted: str) -> Fields:
    if header.get("format") != wanted:
        raise ModelFormatError(f"is no file of a {wanted.split()[1]}.")
    if header.get("version") != _VERSION:
        raise ModelFormatError(
            f"is of version {shown(header.get('version'))}; this barkcluster, {__version__}, "
            f"reads {_VERSION}.")
    fields = Fields(header, "header")
    fields.take("format")
    fields.take("version")
    return fields


def _texts(fields: Fields, name: str, pattern: re.Pattern[str]) -> list[str]:
    texts = [t for t in fields.items(name, _MOST_NAMES)
             if isinstance(t, str) and pattern.fullmatch(t)]
    if len(set(texts)) != len(texts) or not texts:
        raise ModelFormatError(f"{name} must be different texts.")
    return texts
