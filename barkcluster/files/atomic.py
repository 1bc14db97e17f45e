"""Atomic writing: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new binary file that takes the place of ``path`` once all is written.

    The new file grows under another name in the same folder and is synced to disk
    before it is renamed. If anything fails on the way, a full disk or an exception
    in the ``with`` block, the old file stays as it was and the new one is removed.

    Parameters
    ----------
    path : path-like
        A file or nothing yet. A symbolic link stays, the file it points to is replaced.

    Yields
    ------
    file : binary file
        Open for writing.

    Raises
    ------
    OSError
        If the folder is missing or read-only, the disk is full, or ``path`` is a
        folder or a device.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "notes.txt"
    ...     with replace_file(target) as file:
    ...         _ = file.write(b"all of it")
    ...     target.read_text()
    'all of it'
    """
    target = Path(os.path.realpath(path))
    exists = target.exists()
    if exists and not target.is_file():  # renaming over /dev/null would end it
        raise OSError(f"{os.fspath(path)} is not a file that could be replaced.")
    # A short name of its own: the target's may already be as long as names can be.
    growing = target.with_name(f".barkcluster-{secrets.token_hex(8)}.tmp")
    try:
        try:
            file = growing.open("xb")
        except OSError as error:  # of the file that was asked for: nobody knows the other name
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if exists:
            shutil.copymode(target, growing)
        growing.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):  # also where there is no such folder
            growing.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system lets a folder be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse; the rename itself has worked.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
