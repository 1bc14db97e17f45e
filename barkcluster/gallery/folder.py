"""A gallery in a folder: an index, and for each name a model file and some windows.

Each file is an archive of plain arrays and read as untrusted input (`barkcluster.files.archive`).
The index is written last and takes its place all at once: a program that reads meanwhile finds the
old gallery or the new one. Names stand in the index alone; files are named by numbers.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from barkcluster._typing import Float32Array
from barkcluster.files.archive import (
    Array,
    ArraySpec,
    Json,
    ModelFormatError,
    open_archive,
    write_archive,
)
from barkcluster.files.atomic import replace_file
from barkcluster.frames.session import same_rate
from barkcluster.model.model import FamiliarityModel, load_model
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERNS, VIEWS

from .index import GalleryIndex, opened, read_index, write_index

Windows: TypeAlias = dict[tuple[float, str], Float32Array]

_VERSION = 1
_INDEX = "gallery.npz"
_MOST_BLOCKS = 200
_MOST_COLUMNS = 100_000


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
        """What the files of the gallery that is there are called, without their endings.

        Empty where there is no gallery: other files in the folder belong to somebody else.
        """
        try:
            return read_index(self.path / _INDEX).files
        except (FileNotFoundError, ModelFormatError):
            return []

    def write_entry(self, model: FamiliarityModel, sample: Windows, name: str) -> str:
        """Write a model and windows.

        Parameters
        ----------
        model : FamiliarityModel
        sample : dict of (float, str) to ndarray
            Windows by length in seconds and view.
        name : str
            By `new_name`.

        Returns
        -------
        name : str
            What the files are called, without their endings.
        """
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

    @staticmethod
    def new_name() -> str:
        """What the files of a name may be called: what no others are called, by all likelihood."""
        return secrets.token_hex(8)

    @contextlib.contextmanager
    def removed_on_error(self, names: Sequence[str]) -> Iterator[None]:
        """Remove these files again if what they are written for fails or is interrupted."""
        try:
            yield
        except BaseException:
            self.delete(names)
            raise

    def check_known(self, names: Iterable[str]) -> None:
        """Raise ValueError if another program has changed the gallery that had these files.

        Where there is no gallery any more, none is lost by writing one.
        """
        files = self.files()
        if files and set(files) != set(names):
            raise ValueError(f"{self.path}: the gallery in this folder is no longer the one that "
                             "was loaded: another program has changed it. Load it again first.")

    def model(self, name: str, wanted: WindowFeatures) -> FamiliarityModel:
        """The model in a name's file.

        Parameters
        ----------
        name : str
        wanted : WindowFeatures
            Of the gallery: the model must have the same windows, or the shorter ones of them.

        Raises
        ------
        ModelFormatError
            If the file is missing or damaged, or its windows are others.
        """
        path = self.path / f"{name}.model.npz"
        with _there(path):
            model = load_model(path)
        features = model.features_
        if not (features.scales == wanted.scales[:len(features.scales)]
                and (features.views, features.hop, features.n_bands, features.definition)
                == (wanted.views, wanted.hop, wanted.n_bands, wanted.definition)
                and same_rate(features.frame_rate, wanted.frame_rate)):
            raise ModelFormatError(f"{path}: must be a model of the gallery's windows, {wanted}; "
                                   f"got one of {features}.")
        return model

    def sample(self, name: str, wanted: WindowFeatures) -> Windows:
        """The windows in a name's file.

        Parameters
        ----------
        name : str
        wanted : WindowFeatures
            Of the gallery; each block must be one of these.

        Raises
        ------
        ModelFormatError
            If the file is missing or damaged, or its windows are others.
        """
        path = self.path / f"{name}.windows.npz"
        known = {(wanted.scales[i], view): wanted.n_features(i, view)
                 for i, view in wanted.blocks}
        with _there(path), open_archive(path) as archive:
            fields = opened(archive.header, "barkcluster windows", _VERSION)
            fields.integer("version", 1, _VERSION)
            specs, keys = {}, []
            for i, block in enumerate(fields.objects("blocks", _MOST_BLOCKS)):
                keys.append((block.number("scale", 1e-6, 1e6),
                             block.choice("view", (*VIEWS, *PATTERNS))))
                shape = (block.integer("rows", 1, 1_000_000),
                         block.integer("columns", 1, _MOST_COLUMNS))
                if known.get(keys[-1]) != shape[1]:
                    raise ModelFormatError(
                        f"must hold windows of {wanted}; got {shape[1]} columns of "
                        f"{keys[-1][1]} at {keys[-1][0]:g} s.")
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
        write_index(self.path / _INDEX, index)

    def read_index(self) -> GalleryIndex:
        """The index, checked; the files that it names are there."""
        return read_index(self.path / _INDEX, self._check_files)

    def _check_files(self, names: list[str]) -> None:
        there = {entry.name for entry in os.scandir(self.path)}
        for name in names:
            for kind in ("model", "windows"):
                if f"{name}.{kind}.npz" not in there:
                    raise ModelFormatError(f"names {name}.{kind}.npz, which is not there.")


@contextlib.contextmanager
def _there(path: Path) -> Iterator[None]:
    """Make a missing file one that is not in order: the index says that it is there."""
    try:
        yield
    except FileNotFoundError:
        raise ModelFormatError(
            f"{path}: is named in the gallery's index, and not there. If another program has "
            "changed the gallery, load it again.") from None
