"""Repair of wav headers: of a recorder that died, or of a chunk without its pad byte."""

from __future__ import annotations

import io
import os
import struct

_HEADER_BYTES = 12
_MOST_CHUNKS = 1000
_MOST_FORMAT_BYTES = 1 << 12


def repaired_wav(path: str | os.PathLike[str]) -> io.RawIOBase | None:
    """A wav file with its header repaired; None if the header is valid, or it is no wav file.

    A recorder writes the size of the sound when it stops: where it never did, all that follows is
    sound. Chunks of odd length have a byte behind them, which some programs forget.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    file : binary file or None
        To be read, and closed, in its place.
    """
    file = open(path, "rb", buffering=0)  # noqa: SIM115
    try:
        found = _sound_of(file)
    except OSError:
        found = None
    if found is None:
        file.close()
        return None
    return _Repaired(file, *found)


def _sound_of(file: io.FileIO) -> tuple[bytes, int, int] | None:
    """The format chunk, where the sound begins and its size, if the header needs repair."""
    head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    end = file.seek(0, os.SEEK_END)
    at, format_chunk, odd = _HEADER_BYTES, b"", False
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        chunk = file.read(8)
        if len(chunk) < 8:
            return None
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            died = size == 0 and end > at + 8
            if not format_chunk or not (died or odd):
                return None
            return format_chunk, at + 8, end - at - 8 if died else min(size, end - at - 8)
        if name == b"fmt " and size <= _MOST_FORMAT_BYTES:
            format_chunk = chunk + file.read(size) + b"\0" * (size % 2)
        at += 8 + size
        if size % 2:
            file.seek(at)
            if _is_name(file.read(4)):  # where there should be a byte of padding
                odd = True
            else:
                at += 1
    return None


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and name[:1].isalpha()


class _Repaired(io.RawIOBase):
    """File object of a valid header, followed by the sound of a file."""

    def __init__(self, file: io.FileIO, format_chunk: bytes, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        n = min(size, 0xFFFFFFFF - 64)
        self._header = (b"RIFF" + struct.pack("<I", 4 + len(format_chunk) + 8 + n) + b"WAVE"
                        + format_chunk + b"data" + struct.pack("<I", n))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at,
                os.SEEK_END: len(self._header) + self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        if self._at < len(self._header):
            piece = self._header[self._at:self._at + len(view)]
        else:
            into = self._at - len(self._header)
            self._file.seek(self._start + into)
            piece = self._file.read(max(0, min(len(view), self._size - into))) or b""
        view[:len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()
