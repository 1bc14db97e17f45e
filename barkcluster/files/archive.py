"""A zip file of a JSON header and plain arrays (.npz), read as untrusted input.

Everything is checked before it is used, cheapest first: the end of the zip file, its directory,
the header, and then, member by member, type, shape and every number. An `ArraySpec` says what an
array must be like, and whoever reads the header what it must hold. Nothing is unpickled,
evaluated or imported, and memory stays within `MAX_BYTES` and a little.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Array: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.int64] | npt.NDArray[np.int32]

# In memory, all arrays together. The model of a two-hour session takes about a fifth.
MAX_BYTES = 100_000_000
MAX_HEADER_BYTES = 1_000_000
MAX_MEMBERS = 1000
# No feature of sound is larger, and the square of one would overflow single precision.
LARGEST = 1e15

HEADER = "header.json"
_MEMBER_NAME = re.compile(r"[a-z0-9_]{1,60}(\.[a-z0-9_]{1,60})?\.npy")
_END_BYTES = 22          # of a zip file without a comment
_ENTRY_BYTES = 256       # of a member in the directory, at most
_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '(<[fi][248])', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n")
_NPY_LONGEST = 512
_PIECE = 1 << 20
# What the standard library raises for damaged bytes: BadZipFile for the structure of the zip,
# zlib.error for deflated data, EOFError where a member ends early, NotImplementedError for a
# compression or zip version that it lacks, RuntimeError for members that claim to be encrypted,
# ValueError for text and offsets, OverflowError for sizes that no C integer holds. (An OSError is
# reported before these.)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
           ValueError, OverflowError)


class ModelFormatError(ValueError):
    """A file is not a model file, or is damaged; the message says what is wrong with it."""

    __module__ = "barkcluster"      # where users import it from, and what tracebacks call it


@dataclass(frozen=True)
class ArraySpec:
    """What an array must be like.

    Attributes
    ----------
    dtype : str
        In memory: ``"<f8"``, ``"<i8"`` or ``"<i4"``.
    stored : str
        In the file: the same type, or a narrower float that holds the same numbers.
    shape : tuple of int
    least, most : float
        Smallest and largest number allowed. nan is never allowed.
    """

    dtype: str
    stored: str
    shape: tuple[int, ...]
    least: float = -LARGEST
    most: float = LARGEST

    @property
    def n_bytes(self) -> int:
        """Bytes in memory."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class ArrayArchive:
    """An open archive whose directory and header have been checked; made by `open_archive`.

    Attributes
    ----------
    header : dict
        The JSON header, as it stands in the file.
    """

    def __init__(self, archive: zipfile.ZipFile, most_bytes: int = MAX_BYTES) -> None:
        self._archive = archive
        self._most_bytes = most_bytes
        self._members = _checked_directory(archive, most_bytes)
        self.header = _header_of(archive, self._members.pop(HEADER))

    def read(self, specs: Mapping[str, ArraySpec]) -> dict[str, Array]:
        """All arrays, checked; ModelFormatError if one is missing, wrong or not asked for.

        Parameters
        ----------
        specs : dict of str to ArraySpec
            By member name without ``.npy``.

        Returns
        -------
        arrays : dict of str to ndarray
        """
        self.check(specs)
        return {name: self.array(name, spec) for name, spec in specs.items()}

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Raise ModelFormatError unless these are the arrays, as far as the directory tells."""
        check_total(specs, self._most_bytes)
        wanted = {f"{name}.npy" for name in specs}
        for name in sorted(wanted ^ set(self._members))[:1]:
            fault = "is missing" if name in wanted else "does not belong to this kind of model"
            raise ModelFormatError(f"{name} {fault}.")
        for name, spec in specs.items():
            bare = math.prod(spec.shape) * np.dtype(spec.stored).itemsize
            size = self._members[f"{name}.npy"].file_size
            if not bare + len(_NPY_MAGIC) + 2 <= size <= bare + _NPY_LONGEST:
                raise ModelFormatError(
                    f"{name}.npy must hold {bare} bytes of numbers; it has {size} in all.")

    def array(self, name: str, spec: ArraySpec) -> Array:
        """One of the arrays, after `check`."""
        name = f"{name}.npy"
        info = self._members[name]
        with self._archive.open(info) as member:
            start = member.read(len(_NPY_MAGIC) + 2)
            length = int.from_bytes(start[-2:], "little")
            if not start.startswith(_NPY_MAGIC) or length > _NPY_LONGEST:
                raise ModelFormatError(f"{name} is no array of the .npy format 1.0.")
            said = _NPY_HEADER.fullmatch(member.read(length))
            if said is None:
                raise ModelFormatError(
                    f"{name} must hold plain little-endian numbers in C order.")
            shape = tuple(int(n) for n in said[2].replace(b" ", b"").split(b",") if n)
            stored = said[1].decode("ascii")
            if (stored, shape) != (spec.stored, spec.shape):
                raise ModelFormatError(
                    f"{name} must be {spec.stored} of shape {spec.shape}, as the header says; "
                    f"got {stored} of shape {str(shape)[:60]}.")
            values = np.empty(shape, dtype=spec.stored)
            room = values.reshape(-1).view(np.uint8)
            if len(start) + length + len(room) != info.file_size:
                raise ModelFormatError(
                    f"{name} has {info.file_size} bytes, not as many as it says.")
            filled = 0
            while filled < len(room):
                piece = member.read(min(_PIECE, len(room) - filled))
                if not piece:
                    raise ModelFormatError(f"{name} ends early.")
                room[filled:filled + len(piece)] = np.frombuffer(piece, np.uint8)
                filled += len(piece)
        check_numbers(name, values, spec)
        return values.astype(spec.dtype, copy=False)


def check_total(specs: Mapping[str, ArraySpec], most_bytes: int | None = None) -> None:
    """Raise ModelFormatError if arrays like these take more memory than is allowed."""
    most_bytes = MAX_BYTES if most_bytes is None else most_bytes
    total = sum(spec.n_bytes for spec in specs.values())
    if total > most_bytes:
        raise ModelFormatError(
            f"its arrays take {total / 1e6:g} MB; at most {most_bytes / 1e6:g} MB are allowed.")


def check_numbers(name: str, values: Array, spec: ArraySpec) -> None:
    """Raise ModelFormatError if an array holds nan or a number out of range."""
    # Written so that nan fails, and no array of answers as large as this one is made.
    with np.errstate(invalid="ignore"):
        least, most = float(values.min()), float(values.max())
    if not (least >= spec.least and most <= spec.most):
        raise ModelFormatError(
            f"{name} must hold numbers from {spec.least:g} to {spec.most:g}; "
            f"got {least:g} to {most:g}.")


@contextlib.contextmanager
def open_archive(path: str | os.PathLike[str], most_bytes: int = MAX_BYTES
                 ) -> Iterator[ArrayArchive]:
    """Open an archive for reading.

    Parameters
    ----------
    path : path-like
    most_bytes : int, default=100000000
        Of all arrays together, in memory.

    Yields
    ------
    archive : ArrayArchive

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ModelFormatError
        If what is there, or read from it later in the ``with`` block, is not an archive.
    """
    name = os.fspath(path)
    try:
        # Asked before opening: a pipe would be waited for, for ever.
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise ModelFormatError("is not a file.")
        with open(name, "rb") as file:
            _check_end(file, most_bytes)
            with zipfile.ZipFile(file) as archive:
                yield ArrayArchive(archive, most_bytes)
    except FileNotFoundError:
        raise
    except ModelFormatError as error:
        raise ModelFormatError(f"{name}: {error}") from None
    except OSError as error:
        raise ModelFormatError(f"{name}: cannot be read: {error.strerror or error}.") from error
    except _BROKEN as error:
        raise ModelFormatError(f"{name}: is damaged: {str(error)[:200]}") from error


def write_archive(
    file: BinaryIO, header: Mapping[str, Json], arrays: Mapping[str, Array], *,
    packed: bool = True,
) -> None:
    """Write a header and arrays so that `open_archive` reads them.

    Parameters
    ----------
    file : binary file
        Open for writing, and for seeking.
    header : dict
        What goes into ``header.json``.
    arrays : dict of str to ndarray
        C-contiguous, in the type they are to be stored in, by member name without ``.npy``.
    packed : bool, default=True
        Whether to compress them, which takes less room and more time.
    """
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
    try:
        # No times in the directory: the same model makes the same bytes but for its header.
        archive.writestr(_member(HEADER), json.dumps(header, indent=1, allow_nan=False))
        for name, values in arrays.items():
            with archive.open(_member(f"{name}.npy", packed), "w") as member:
                np.lib.format.write_array(member, values, version=(1, 0), allow_pickle=False)
        archive.close()
    except BaseException:
        # Half an archive is thrown away. Closing it would raise again, and hide a Ctrl-C.
        archive.fp = None
        raise


def stored_type(values: npt.NDArray[np.generic]) -> str:
    """Narrowest type of the same kind that holds exactly these numbers.

    Examples
    --------
    >>> stored_type(np.array([0.5, 1024.0])), stored_type(np.array([0.1]))
    ('<f2', '<f8')
    """
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            for narrow in ("<f2", "<f4"):
                if np.array_equal(values.astype(narrow).astype(np.float64), values):
                    return narrow
    return values.dtype.newbyteorder("<").str


def _member(name: str, packed: bool = True) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    return info


def _check_end(file: BinaryIO, most_bytes: int) -> None:
    """Check the last bytes of a zip file, so that its directory is small and where it should be.

    zipfile reads the whole directory, however long, before it can be asked about it.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise ModelFormatError("is empty.")
    start = max(0, size - _END_BYTES - 20)
    file.seek(start)
    tail = file.read()
    end = tail[-_END_BYTES:]
    if len(end) < _END_BYTES or not end.startswith(b"PK\x05\x06") or end[20:] != b"\0\0":
        raise ModelFormatError("is no model file, or cut short: it does not end as a zip file.")
    if size > most_bytes + MAX_HEADER_BYTES:
        raise ModelFormatError(f"has {size} bytes, more than any model file.")
    here, all_disks = end[8:10], end[10:12]
    length = int.from_bytes(end[12:16], "little")
    offset = int.from_bytes(end[16:20], "little")
    if (end[4:8] != b"\0" * 4 or here != all_disks or tail.startswith(b"PK\x06\x07")
            or int.from_bytes(here, "little") > MAX_MEMBERS
            or length > MAX_MEMBERS * _ENTRY_BYTES or offset + length + _END_BYTES != size):
        raise ModelFormatError("has a zip directory that no model file has.")
    file.seek(0)


def _checked_directory(archive: zipfile.ZipFile, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Members by name; ModelFormatError for a name, packing or total size that no model has."""
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in archive.infolist():
        name = info.orig_filename
        if name != HEADER and not _MEMBER_NAME.fullmatch(name):
            raise ModelFormatError(f"holds {name[:60]!r}, which is no part of a model file.")
        if name in members:
            raise ModelFormatError(f"holds {name} twice.")
        if (info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                or info.flag_bits & ~0x0806):
            raise ModelFormatError(f"{name} is packed in a way that model files are not.")
        # Deflate packs 1032 bytes into one at best: a larger claim is a lie.
        if info.file_size > 1032 * info.compress_size + 64:
            raise ModelFormatError(
                f"{name} cannot hold {info.file_size} bytes in {info.compress_size}.")
        members[name] = info
        total += info.file_size
        if total > most_bytes + MAX_HEADER_BYTES or len(members) > MAX_MEMBERS:
            raise ModelFormatError("holds more than any model file.")
    if HEADER not in members:
        raise ModelFormatError(f"holds no {HEADER}: it is not a model file.")
    return members


def _header_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, Json]:
    if info.file_size > MAX_HEADER_BYTES:
        raise ModelFormatError(
            f"{HEADER} has {info.file_size} bytes; at most {MAX_HEADER_BYTES} are allowed.")
    with archive.open(info) as member:
        text = member.read(MAX_HEADER_BYTES)
    try:
        header: Json = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ModelFormatError(f"{HEADER} is nested too deep.") from None
    except ModelFormatError:
        raise
    except ValueError as error:
        raise ModelFormatError(f"{HEADER} is not JSON: {str(error)[:120]}") from None
    if not isinstance(header, dict):
        raise ModelFormatError(f"{HEADER} must hold a JSON object.")
    return header


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """A JSON object without repeated keys, which two readers could read in two ways."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ModelFormatError(f"{HEADER} names a field twice.")
    return fields


def _no_constant(name: str) -> Json:
    raise ModelFormatError(f"{HEADER} holds {name}, which is no number.")
