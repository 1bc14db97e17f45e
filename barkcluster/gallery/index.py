"""The index of a gallery: names, what their files are called, sketches and summaries.

It is an archive of plain arrays, read as untrusted input. Names are an array as well, a number for
each character: a header of a hundred thousand names would be larger than headers may be.
Older versions are still read: version 1 had the names in its header, versions 1 and 2 had no
summaries of whole sessions, and versions up to 6 compared sessions by older definitions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from barkcluster._typing import Float32Array, FloatArray
from barkcluster._validation import shown
from barkcluster._version import __version__
from barkcluster.files.archive import (
    Array,
    ArrayArchive,
    ArraySpec,
    Json,
    ModelFormatError,
    open_archive,
    write_archive,
)
from barkcluster.files.atomic import replace_file
from barkcluster.files.header import Fields
from barkcluster.frames.session import MOST_BANDS
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import VIEWS

from .comparison import NEWEST, Record

FORMAT = "barkcluster gallery"
VERSION = 7
MOST_NAMES = 100_000
MOST_LETTERS = 200
_MOST_HELD_OUT = 10_000
_MOST_SCALES = 32
_MOST_SKETCHED = 64
# Of 100,000 names: sketches, 410 MB, summaries, 220 MB, and the rest.
_MOST_BYTES = 1_000_000_000
_MOST_NUMBERS = 100_000
_FILE = re.compile(r"[0-9a-f]{16}")
_LAST_CHARACTER = 0x10FFFF


@dataclass(eq=False)
class GalleryIndex:
    """What the index of a gallery holds.

    Attributes
    ----------
    names : list of str
    files : list of str
        What the files of each name are called; empty if its models are in memory.
    prototypes : ndarray of shape (n_names, n_prototypes, n_numbers), float32
        The sketch of each name.
    records : list of Record
        For each name.
    features : WindowFeatures
        Windows that a query is divided into.
    n_candidates, n_pieces : int
    false_alarm_rate : float
        Parameters of the gallery.
    comparison : int
        How sessions are compared: see `SessionComparison`.
    """

    names: list[str]
    files: list[str]
    prototypes: Float32Array
    records: list[Record]
    features: WindowFeatures
    n_candidates: int
    n_pieces: int
    false_alarm_rate: float
    comparison: int


def check_names(names: Sequence[object]) -> None:
    """Raise ValueError for names that an index cannot hold.

    Parameters
    ----------
    names : sequence of str
        All names that are to be in it.
    """
    if len(names) > MOST_NAMES:
        raise ValueError(f"a gallery takes {MOST_NAMES} names at most; got {len(names)}.")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= MOST_LETTERS:
            raise ValueError(
                f"names must be texts of 1 to {MOST_LETTERS} characters; got {name!r:.300}.")


def write_index(path: str | os.PathLike[str], index: GalleryIndex) -> None:
    """Write an index. An older one stays until all of the new one is written.

    Raises
    ------
    ValueError
        If `read_index` would not take it; nothing is written then.
    OSError
        If it cannot be written.
    """
    check_names(index.names)
    counts = np.array([len(record.held_out) for record in index.records], "<i4")
    if counts.max() > _MOST_HELD_OUT:
        raise ValueError(f"a name takes {_MOST_HELD_OUT} held-out pieces at most; got "
                         f"{counts.max()}. Fewer n_pieces?")
    letters = [ord(character) for name in index.names for character in name]
    features = index.features
    header: dict[str, Json] = {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "barkcluster": __version__,
        "n_names": len(index.names),
        "n_letters": len(letters),
        "n_held_out": int(counts.sum()),
        **_sizes(index.records),
        "sketch": [int(n) for n in index.prototypes.shape[1:]],
        "scales": [float(s) for s in features.scales],
        "hop": float(features.hop),
        "frame_rate": float(features.frame_rate),
        "views": list(features.views),
        "n_bands": int(features.n_bands),
        "definition": int(features.definition),
        "n_candidates": int(index.n_candidates),
        "n_pieces": int(index.n_pieces),
        "false_alarm_rate": float(index.false_alarm_rate),
        "comparison": int(index.comparison),
    }
    arrays: dict[str, Array] = {
        "names": np.array(letters, "<i4"),
        "name_lengths": np.array([len(name) for name in index.names], "<i4"),
        "files": np.array([int(name, 16) for name in index.files], "<u8").view("<i8"),
        "held_out_counts": counts,
        "held_out": np.concatenate([r.held_out for r in index.records]).astype("<f8"),
        **_arrays(index.records),
        "prototypes": np.ascontiguousarray(index.prototypes, dtype="<f4")}
    with replace_file(path) as file:
        # Sketches are as good as random: to pack them would take the longest and save nothing.
        write_archive(file, header, arrays, packed=False)


def read_index(path: str | os.PathLike[str],
               check_files: Callable[[list[str]], None] = lambda files: None) -> GalleryIndex:
    """Read an index and check it.

    Parameters
    ----------
    path : path-like
    check_files : callable
        Raises ModelFormatError unless the files of these names are there. It is asked before the
        sketches are read, so that a small file cannot claim to be the index of a large gallery.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ModelFormatError
        If anything is wrong with it.
    """
    with open_archive(path, _MOST_BYTES) as archive:
        fields = opened(archive.header, FORMAT, VERSION)
        version = fields.integer("version", 1, VERSION)
        fields.text("created")
        fields.text("barkcluster")
        if version == 1:
            names = _texts(fields, "names", re.compile(r".{1,200}", re.DOTALL))
            files = _texts(fields, "files", _FILE)
            counts = [_number(n, "n_held_out", 0, _MOST_HELD_OUT)
                      for n in fields.items("n_held_out", MOST_NAMES)]
            if not len(names) == len(files) == len(counts):
                raise ModelFormatError("names, files and n_held_out must be equally many.")
            n_names, n_letters, n_held_out = len(names), 0, sum(counts)
        else:
            n_names = fields.integer("n_names", 1, MOST_NAMES)
            n_letters = fields.integer("n_letters", n_names, n_names * MOST_LETTERS)
            n_held_out = fields.integer("n_held_out", 1, n_names * _MOST_HELD_OUT)
        sized = _sizes_of(fields, n_names, n_held_out) if version > 2 else None
        sizes = [_number(n, "sketch", 1, _MOST_SKETCHED) for n in fields.items("sketch", 2)]
        features = _features(fields)
        n_candidates = fields.integer("n_candidates", 1)
        n_pieces = fields.integer("n_pieces", 1)
        rate = fields.number("false_alarm_rate", 1e-12, 1.0 - 1e-12)
        comparison = 1
        if version > 3:
            comparison = (1 + fields.integer("as_queries", 0, 1) if version == 4
                          else fields.integer("comparison", 1, NEWEST))
        fields.nothing_else()
        specs = {"prototypes": ArraySpec("<f4", "<f4", (n_names, *sizes)),
                 "held_out": ArraySpec("<f8", "<f8", (n_held_out,))}
        if version > 1:
            specs |= _specs_of_names(n_names, n_letters)
        if sized is not None:
            specs |= _specs_of_summaries(n_names, n_held_out, *sized)
        archive.check(specs)
        if version > 1:
            names, files, counts = _names(archive, specs, n_held_out)
        check_files(files)
        held_out = np.split(np.asarray(archive.array("held_out", specs["held_out"]), np.float64),
                            np.cumsum(counts)[:-1])
        prototypes = np.asarray(archive.array("prototypes", specs["prototypes"]), np.float32)
        records = [Record.without_summaries(values) for values in held_out] if sized is None else (
            _records(archive, specs, held_out))
    return GalleryIndex(names, files, prototypes, records, features, n_candidates, n_pieces, rate,
                        comparison)


def opened(header: dict[str, Json], wanted: str, newest: int) -> Fields:
    """The fields of a header of the wanted format, the format's own taken out.

    Raises
    ------
    ModelFormatError
        If it is of another format or a newer version.
    """
    if header.get("format") != wanted:
        raise ModelFormatError(f"is no file of a {wanted.split()[1]}.")
    version = header.get("version")
    if isinstance(version, int) and version > newest:
        raise ModelFormatError(
            f"is of version {shown(version)}; this barkcluster, {__version__}, reads up to "
            f"{newest}. Is there a newer one?")
    fields = Fields(header, "header")
    fields.take("format")
    return fields


def _specs_of_names(n_names: int, n_letters: int) -> dict[str, ArraySpec]:
    return {
        "names": ArraySpec("<i4", "<i4", (n_letters,), 0, _LAST_CHARACTER),
        "name_lengths": ArraySpec("<i4", "<i4", (n_names,), 1, MOST_LETTERS),
        "files": ArraySpec("<i8", "<i8", (n_names,), -2.0 ** 63, 2.0 ** 63),
        "held_out_counts": ArraySpec("<i4", "<i4", (n_names,), 0, _MOST_HELD_OUT)}


def _sizes(records: Sequence[Record]) -> dict[str, Json]:
    """How many summaries there are, for the header."""
    return {"n_takes": sum(len(record.takes) for record in records),
            "n_pieces_heard": sum(len(record.pieces) for record in records),
            "n_numbers": max(record.takes.shape[1] for record in records)}


def _sizes_of(fields: Fields, n_names: int, n_held_out: int) -> tuple[int, int, int]:
    return (fields.integer("n_takes", 0, n_names * _MOST_HELD_OUT),
            fields.integer("n_pieces_heard", 0, n_held_out),
            fields.integer("n_numbers", 0, _MOST_NUMBERS))


def _arrays(records: Sequence[Record]) -> dict[str, Array]:
    """Summaries of all names one after another, and how many belong to each."""
    some = [record for record in records if len(record.takes)]
    arrays: dict[str, Array] = {
        "take_counts": np.array([len(record.takes) for record in records], "<i4"),
        "piece_counts": np.array([len(record.pieces) for record in records], "<i4"),
        "piece_folds": np.concatenate([record.piece_folds for record in records]).astype("<i4")}
    if some:
        arrays["takes"] = np.concatenate([record.takes for record in some]).astype("<f4")
        arrays["take_folds"] = np.concatenate([record.take_folds for record in some]).astype("<i4")
        arrays["pieces"] = np.concatenate([record.pieces for record in some]).astype("<f4")
    return arrays


def _specs_of_summaries(n_names: int, n_held_out: int, n_takes: int, n_pieces: int,
                        n_numbers: int) -> dict[str, ArraySpec]:
    specs = {"take_counts": ArraySpec("<i4", "<i4", (n_names,), 0, _MOST_HELD_OUT),
             "piece_counts": ArraySpec("<i4", "<i4", (n_names,), 0, _MOST_HELD_OUT),
             "piece_folds": ArraySpec("<i4", "<i4", (n_held_out,), 0, _MOST_HELD_OUT)}
    if n_takes:
        specs |= {"takes": ArraySpec("<f4", "<f4", (n_takes, n_numbers)),
                  "take_folds": ArraySpec("<i4", "<i4", (n_takes,), -1, _MOST_HELD_OUT),
                  "pieces": ArraySpec("<f4", "<f4", (n_pieces, 2, n_numbers))}
    return specs


def _records(archive: ArrayArchive, specs: dict[str, ArraySpec], held_out: list[FloatArray],
             ) -> list[Record]:
    """The record of each name, from the arrays of an index."""
    def pieces_of(name: str, counts: npt.NDArray[np.int64]) -> list[npt.NDArray[np.generic]]:
        rows = np.asarray(archive.array(name, specs[name]))
        if counts.sum() != len(rows):
            raise ModelFormatError(f"{name} must be as many as the header says.")
        return np.split(rows, np.cumsum(counts)[:-1])

    n_takes, n_heard = (np.asarray(archive.array(name, specs[name]), np.int64)
                        for name in ("take_counts", "piece_counts"))
    n_held_out = np.array([len(values) for values in held_out])
    if np.any(n_heard > n_held_out):
        raise ModelFormatError("pieces must be no more than were held out.")
    folds = pieces_of("piece_folds", n_held_out)
    if "takes" not in specs:
        return [Record.without_summaries(values) for values in held_out]
    return [Record(values, takes.astype(np.float32), pieces.astype(np.float32),
                   take_folds.astype(np.int32), piece_folds.astype(np.int32))
            for values, takes, pieces, take_folds, piece_folds in zip(
                held_out, pieces_of("takes", n_takes), pieces_of("pieces", n_heard),
                pieces_of("take_folds", n_takes), folds, strict=True)]


def _names(archive: ArrayArchive, specs: dict[str, ArraySpec], n_held_out: int
           ) -> tuple[list[str], list[str], list[int]]:
    """Names, their files and how many pieces each held out, from the arrays of an index."""
    letters, lengths, numbers, held_out = (
        archive.array(name, specs[name])
        for name in ("names", "name_lengths", "files", "held_out_counts"))
    counts: list[int] = held_out.tolist()
    if lengths.sum() != len(letters) or sum(counts) != n_held_out:
        raise ModelFormatError("names and held-out pieces must be as many as the header says.")
    text = "".join(map(chr, letters.tolist()))
    ends = np.cumsum(lengths).tolist()
    names = [text[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    files = [f"{number:016x}" for number in numbers.view("<u8").tolist()]
    for what, texts in (("names", names), ("files", files)):
        if len(set(texts)) != len(texts):
            raise ModelFormatError(f"{what} must be different texts.")
    return names, files, counts


def _features(fields: Fields) -> WindowFeatures:
    return WindowFeatures(
        fields.numbers("scales", _MOST_SCALES), fields.number("hop", 1e-6, 1e6),
        fields.number("frame_rate", 1e-3, 2000.0),
        views=tuple(Fields({"view": v}, "header.views").choice("view", VIEWS)
                    for v in fields.items("views", len(VIEWS))),
        n_bands=fields.integer("n_bands", 1, MOST_BANDS),
        definition=fields.integer("definition", 1, 2) if fields.has("definition") else 1)


def _number(value: Json, name: str, least: int, most: int) -> int:
    return Fields({"n": value}, f"header.{name}").integer("n", least, most)


def _texts(fields: Fields, name: str, pattern: re.Pattern[str]) -> list[str]:
    texts = [t for t in fields.items(name, MOST_NAMES)
             if isinstance(t, str) and pattern.fullmatch(t)]
    if len(set(texts)) != len(texts) or not texts:
        raise ModelFormatError(f"{name} must be different texts.")
    return texts
