"""A live session written to disk as it comes, so that a crash loses its last second at most.

It is plain session text with a comment for each interruption, which `read_session` reads.
"""

from __future__ import annotations

import codecs
import os
import queue
import re
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster.files.kinds import GATHERED_MARK
from barkcluster.files.locking import lock_file
from barkcluster.frames.parser import FrameParser
from barkcluster.frames.session import same_rate

_RATE = b"# frame_rate: "
# Characters reserved for the rate, so that it can be corrected in place.
_RATE_WIDTH = 20
_RESET = b"# reset"
# As lines of their own: a damaged line may end like one.
_GAP_LINE = re.compile(rb"^# gap(?:: [0-9]+)?\n", re.MULTILINE)
_RESET_LINE = re.compile(rb"^# reset\n", re.MULTILINE)
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
        If the file is there and is no journal, or one of another frame rate, or another program
        is writing to it.
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
        # A quarter of a second: a crash loses less than a second.
        self._lines_at_once = max(1, round(frame_rate / 4))
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            if not lock_file(self._file):
                raise ValueError(f"{self.path} is being written to by another program that "
                                 "listens. End that one, or choose another name.")
            size = self._recover(n_bands)
            os.ftruncate(self._file, size)
        except BaseException:
            os.close(self._file)
            raise
        self._size = size
        self._lines: list[str] = []
        self._n_frames = 0  # in them
        # The rate in the file, and what it ought to be; empty where it must stay.
        self._rate_text = self._wanted_rate = "" if size else f"{frame_rate!r}"
        if not size:
            self._lines.append(f"{_RATE.decode()}{self._rate_text:{_RATE_WIDTH}}\n"
                               f"{GATHERED_MARK.decode()}\n# dtype: float32\n")
        self._pieces: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        # A daemon: a program that ends without close() must end.
        self._thread = threading.Thread(target=self._write_all, name="session journal",
                                        daemon=True)
        self._thread.start()

    def append(self, row: npt.NDArray[np.float32]) -> None:
        """Add one frame."""
        self._lines.append(self._line % tuple(row.tolist()))
        self._n_frames += 1
        if len(self._lines) >= self._lines_at_once:
            self.flush()

    def end_take(self, n_missing: int = 0) -> None:
        """End the take; ``n_missing`` is how many frames are missing, 0 if that is not known."""
        self._lines.append(f"# gap: {n_missing}\n" if n_missing else "# gap\n")

    def reset(self) -> None:
        """Begin a new session: what came before stays in the file, but is not recovered."""
        self._lines.append(f"{_RESET.decode()}\n")
        self.flush()

    def correct_frame_rate(self, frame_rate: float) -> None:
        """Write the measured frame rate into the file, unless it holds older frames."""
        if self._rate_text:
            same = frame_rate == self.frame_rate
            self._wanted_rate = f"{frame_rate!r}" if same else f"{frame_rate:.2f}"

    def flush(self) -> None:
        """Hand what was added to the writing thread."""
        if self._lines:
            self._pieces.put((self._n_frames, "".join(self._lines).encode("ascii")))
            self._lines, self._n_frames = [], 0

    def close(self) -> None:
        """Write the rest, and close the file."""
        if self._thread.is_alive():
            self.flush()
            self._pieces.put(None)
            self._thread.join()
            os.close(self._file)

    def _recover(self, n_bands: int) -> int:
        """Read the file up to its last newline; the number of bytes until there comes back."""
        parser = FrameParser(n_bands, columns="levels", header=False)
        takes: list[list[npt.NDArray[np.float32]]] = [[]]
        size, unfinished = 0, b""
        with self.path.open("rb") as file:
            # An editor may have changed how lines end, and told of it in front.
            head = [line.rstrip(b"\r") for line in
                    file.read(1000).removeprefix(codecs.BOM_UTF8).split(b"\n", 2)]
            # A crash may have left a part of the header, but nothing else.
            if not (head[0].startswith(_RATE) or _RATE.startswith(head[0])) or (
                    len(head) > 1 and head[1] != GATHERED_MARK[:len(head[1])]):
                raise ValueError(f"{self.path} is there already, and no session gathered live. "
                                 "Choose another name.")
            if len(head) < 3:
                return 0
            file.seek(0)
            # The text of hours is much more than its frames: never all of it at once.
            while data := file.read(_CHUNK_BYTES):
                lines, newline, unfinished = (unfinished + data).rpartition(b"\n")
                size += len(lines + newline)
                lines = (lines + newline).replace(b"\r\n", b"\n")
                for i, session in enumerate(_RESET_LINE.split(lines)):
                    if i:
                        takes = [[]]
                    for j, piece in enumerate(_GAP_LINE.split(session)):
                        if j:
                            takes.append([])
                        takes[-1].append(parser.feed(piece).astype(np.float32))
                rate = parser.frame_rate or 0.0
                if not same_rate(rate, self.frame_rate):
                    raise ValueError(
                        f"{self.path} holds {rate:g} frames a second; got {self.frame_rate:g}. "
                        "Choose that frame rate, or another name.")
        parser.finish()  # lines that are too short might have gone on in the next
        if parser.first_error is not None and not parser.n_frames:
            raise ValueError(f"{self.path} holds other frames: line {parser.first_error[0]}: "
                             f"{parser.first_error[1]} Or choose another name.")
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
            if self._wanted_rate != self._rate_text and self._size:
                self._write_rate()
            while sum(len(data) for _, data in waiting) > _MOST_WAITING_BYTES:
                self.n_lost += waiting.pop(0)[0]
        self.n_lost += sum(n_frames for n_frames, _ in waiting)

    def _write_rate(self) -> None:
        """Overwrite the rate in the first line of the file."""
        self._rate_text = self._wanted_rate
        with suppress(OSError):
            os.lseek(self._file, len(_RATE), os.SEEK_SET)
            os.write(self._file, f"{self._rate_text:{_RATE_WIDTH}}".encode("ascii"))

    def _write(self, data: bytes) -> bool:
        """Write all of a piece or, if the disk fills up meanwhile, nothing of it."""
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
