"""A session written to disk as it comes, so that a crash costs its last second.

Plain session text with a comment for each interruption: `read_session` reads it like any other.
"""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster.frames.parser import FrameParser

_RATE = b"# frame_rate: "
_MARK = b"# gathered by barkcluster"
_GAP = b"# gap"
_RESET = b"# reset"
_CHUNK_BYTES = 1 << 18
# Some minutes of frames, kept while the disk is full.
_MOST_WAITING_BYTES = 1 << 24


class SessionJournal:
    """Append-only text of the frames of a live session.

    Writing happens in a thread of its own: a disk may take longer than the 10 ms to the next
    frame. A full disk loses nothing for some minutes; it is tried again with every piece.

    Parameters
    ----------
    path : path-like
        A file that is not there yet, or one that a journal wrote: it is continued behind its
        last whole line.
    frame_rate : float
        Frames per second.
    n_bands : int
        Numbers in a frame.

    Attributes
    ----------
    recovered : list of ndarray of shape (n_frames, n_bands), float32
        The takes already in the file, since its last reset.
    last_error : str or None
        Why the last attempt to write failed; None once one worked.
    n_lost : int
        Frames given up, because the disk was full for too long.

    Raises
    ------
    ValueError
        If the file is there and is no journal, or one of another frame rate.
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], frame_rate: float, n_bands: int) -> None:
        self.path = Path(path)
        self.frame_rate = frame_rate
        self.last_error: str | None = None
        self.n_lost = 0
        self.recovered: list[npt.NDArray[np.float32]] = []
        self._line = " ".join(["%.9g"] * n_bands) + "\n"  # any two float32 apart
        # Within a second: what a crash may cost, with room to spare.
        self._lines_at_once = max(1, round(frame_rate / 4))
        size = self._recover(n_bands) if self.path.exists() else 0
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        os.ftruncate(self._file, size)
        self._size = size
        self._lines: list[str] = []
        if not size:
            self._lines.append(f"{_RATE.decode()}{frame_rate!r}\n{_MARK.decode()}\n"
                               "# dtype: float32\n")
        self._pieces: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        # A daemon: a program that ends without close() must end.
        self._thread = threading.Thread(target=self._write_all, name="session journal",
                                        daemon=True)
        self._thread.start()

    def append(self, row: npt.NDArray[np.float32]) -> None:
        """Add one frame."""
        self._lines.append(self._line % tuple(row.tolist()))
        if len(self._lines) >= self._lines_at_once:
            self.flush()

    def end_take(self) -> None:
        """What comes next does not follow on what came."""
        self._lines.append(f"{_GAP.decode()}\n")

    def reset(self) -> None:
        """What came before is kept in the file, but not recovered."""
        self._lines.append(f"{_RESET.decode()}\n")
        self.flush()

    def flush(self) -> None:
        """Hand what was added to the writing thread."""
        if self._lines:
            self._pieces.put((len(self._lines), "".join(self._lines).encode("ascii")))
            self._lines = []

    def close(self) -> None:
        """Write the rest, and close the file."""
        if self._thread.is_alive():
            self.flush()
            self._pieces.put(None)
            self._thread.join()
            os.close(self._file)

    def _recover(self, n_bands: int) -> int:
        """Read the file up to its last newline; return how many bytes that is."""
        parser = FrameParser(n_bands)
        takes: list[list[npt.NDArray[np.float32]]] = [[]]
        size, unfinished = 0, b""
        with self.path.open("rb") as file:
            head = file.read(1000).split(b"\n", 2)
            # A crash may have left a part of the header, but nothing else.
            if not (head[0].startswith(_RATE) or _RATE.startswith(head[0])) or (
                    len(head) > 1 and head[1] != _MARK[:len(head[1])]):
                raise ValueError(f"{self.path} is there already, and no session gathered live. "
                                 "Choose another name.")
            if len(head) < 3:
                return 0
            file.seek(0)
            # The text of hours is much more than its frames: never all of it at once.
            while data := file.read(_CHUNK_BYTES):
                lines, newline, unfinished = (unfinished + data).rpartition(b"\n")
                size += len(lines + newline)
                for i, session in enumerate((lines + newline).split(_RESET + b"\n")):
                    if i:
                        takes = [[]]
                    for j, piece in enumerate(session.split(_GAP + b"\n")):
                        if j:
                            takes.append([])
                        takes[-1].append(parser.feed(piece).astype(np.float32))
                if parser.frame_rate != self.frame_rate:
                    raise ValueError(
                        f"{self.path} holds {parser.frame_rate} frames a second; got "
                        f"{self.frame_rate:g}. Choose another name.")
        self.recovered = [np.concatenate(take) for take in takes if sum(map(len, take))]
        return size

    def _write_all(self) -> None:
        waiting: list[tuple[int, bytes]] = []
        ended = False
        while not ended:
            piece = self._pieces.get()
            ended = piece is None
            if piece is not None:
                waiting.append(piece)
            while waiting and self._write(waiting[0][1]):
                del waiting[0]
            while sum(len(data) for _, data in waiting) > _MOST_WAITING_BYTES:
                self.n_lost += waiting.pop(0)[0]
        self.n_lost += sum(n_lines for n_lines, _ in waiting)

    def _write(self, data: bytes) -> bool:
        """Write all of it or, where the disk fills up on the way, nothing."""
        try:
            written = 0
            while written < len(data):
                os.lseek(self._file, self._size + written, os.SEEK_SET)
                written += os.write(self._file, data[written:])
        except OSError as error:
            self.last_error = f"{self.path}: {error.strerror or error}"
            with suppress(OSError):
                # Half a line, ended by the next newline, could pass for a frame.
                os.ftruncate(self._file, self._size)
            return False
        self._size += len(data)
        self.last_error = None
        return True
