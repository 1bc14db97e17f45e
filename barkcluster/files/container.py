"""The file around a model, a scorer or a background: its header, its version, its arrays.

A file is an .npz, a zip archive of plain arrays, with a JSON header beside them. It holds no
pickle, no class names, and nothing that is executed. Objects are built from the fields that this
version knows, and any byte that does not fit makes the whole file a `ModelFormatError`.

`FORMAT_VERSION` is raised when older files could not be read as they are, or would give other
answers, as when a window is described by other numbers. A function in `_MIGRATIONS` then turns the
older header into the newer one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import scipy

from barkcluster._validation import shown
from barkcluster._version import __version__

from .archive import (
    Array,
    ArrayArchive,
    ArraySpec,
    Json,
    ModelFormatError,
    check_numbers,
    check_total,
    open_archive,
    write_archive,
)
from .atomic import replace_file
from .header import Fields

FORMAT_VERSION = 8
_FORMAT = "barkcluster"
# What a file may hold.
_HOLDS = ("model", "scorer", "background")

# From the header of one version to that of the next; each is given a dict and returns one.
_MIGRATIONS: dict[int, Callable[[dict[str, Json]], dict[str, Json]]] = {
    # Version 2 says by which definition windows are described; without it, it is the first.
    1: dict,
    # Version 3 holds calibrations of what scales say together; without them, their scores are
    # added as they are.
    2: dict,
    # Version 4 says by which definition scales make the score of the moment; without it, it is the
    # second where there are such calibrations.
    3: dict,
    # Versions 5, 6 and 7 know a fourth, a fifth and a sixth of these definitions.
    4: dict,
    5: dict,
    6: dict,
    # Version 8 holds what tells that something breaks off a machine; without it, nothing does.
    7: dict,
}

Specs: TypeAlias = dict[str, ArraySpec]


def write_container(path: str | os.PathLike[str], holds: str, entry: Json,
                    arrays: Mapping[str, Array], specs_of: Callable[[Fields], Specs]) -> None:
    """Write a file; if that fails, the old one stays as it was.

    Parameters
    ----------
    path : path-like
    holds : str
        "model", "scorer" or "background".
    entry : JSON value
        What the header says of it.
    arrays : dict of str to ndarray
    specs_of : callable
        From the fields of an entry to what its arrays must be like, as when the file is read.

    Raises
    ------
    ValueError
        If the file could not be read again.
    OSError
        If it cannot be written.
    """
    try:
        specs = specs_of(Fields(entry, holds))
        check_total(specs)
        for name, spec in specs.items():
            check_numbers(name, arrays[name], spec)
    except ModelFormatError as error:
        # Said now: a file that will not load again would be found out too late.
        raise ValueError(f"the {holds} cannot be saved: {error}") from None
    import sklearn  # here, so that files can be read without waiting for it

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


@contextmanager
def open_container(path: str | os.PathLike[str], holds: str
                   ) -> Iterator[tuple[Fields, ArrayArchive]]:
    """The header entry of what a file holds, and the archive to read its arrays from.

    Parameters
    ----------
    path : path-like
    holds : str
        What is wanted: "model", "scorer" or "background".

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything else is wrong with it, or it holds something else.
    """
    with open_archive(path) as archive:
        yield _entry_of(archive, holds), archive


def _entry_of(archive: ArrayArchive, holds: str) -> Fields:
    """The header entry of what the file holds, migrated to this version of the format."""
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
    holding = fields.choice("holds", _HOLDS)
    if holding != holds:
        option = " (--background)" if holding == "background" else ""
        raise ModelFormatError(f"holds a {holding}: load it with load_{holding}{option}.")
    entry = fields.fields(holds)
    fields.nothing_else()
    return entry
