"""A file that another program appends to."""

from __future__ import annotations

import os
from typing import BinaryIO

_CHUNK_BYTES = 1 << 16


class GrowingFile:
    """Reads what is appended to a file, also if the file is cut short, moved or replaced.

    The file need not exist yet. If it is moved away and a new one takes its name, the rest of the
    old one is read first.

    Parameters
    ----------
    path : path-like

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     growing = GrowingFile(f"{folder}/jam.txt")
    ...     nothing = growing.read()
    ...     with open(f"{folder}/jam.txt", "wb") as file:
    ...         _ = file.write(b"-40 -50")
    ...     begun = growing.read()
    ...     growing.close()
    >>> nothing, begun
    ((b'', False), (b'-40 -50', False))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._begun_anew = False

    def read(self) -> tuple[bytes, bool]:
        """New bytes, and whether they are the first of another file.

        Returns
        -------
        data : bytes
            At most 64 kB; empty if there is nothing new.
        anew : bool
            True for the first bytes after the file was cut short or replaced: what was left of
            a line before them will not be continued.
        """
        try:
            if self._file is None:
                self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115
            if os.fstat(self._file.fileno()).st_size < self._file.tell():
                self._file.seek(0)
                self._begun_anew = True
            data = self._file.read(_CHUNK_BYTES) or b""
            if not data and self._was_replaced():
                self.close()
                self._begun_anew = True
                return self.read()
        except OSError:  # not there, for now
            return b"", False
        anew = bool(data) and self._begun_anew
        if data:
            self._begun_anew = False
        return data, anew

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _was_replaced(self) -> bool:
        """Whether there is another file of this name by now."""
        assert self._file is not None
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False  # moved away, and nothing new yet
