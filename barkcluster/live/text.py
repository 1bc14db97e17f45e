"""Text protocol: lines that are frames, as in session files, or commands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster.frames.line_ends import LineEnds
from barkcluster.frames.parser import FrameParser

from .messages import COMMANDS, Arrival, Command, Frame, Missing


class TextParser:
    """Parses frames and commands from lines that arrive piece by piece.

    A line is a frame, in any form that `read_session` reads, or a command such as ``pause 1``.
    A comment ``# gap: 300`` says how many frames are missing.

    Parameters
    ----------
    n_bands : int, default=25
    units : {"db", "linear", "amplitude"}, default="db"
    columns : str, optional
        What the columns are, as for `read_session`.
    datagrams : bool, default=False
        Whether the end of what is fed ends a line, with a newline or without.

    Attributes
    ----------
    frame_rate : float or None
        What a comment ``# frame_rate: 86.13`` said.

    Examples
    --------
    >>> parser = TextParser(n_bands=2)
    >>> parser.feed(b"-40 -50\\nsave jam.npz\\n-4")
    [Frame(path='', levels=[-40.0, -50.0]), Command(path='', name='save', argument='jam.npz')]
    """

    def __init__(self, n_bands: int = 25, units: str = "db", *, columns: str | None = None,
                 datagrams: bool = False) -> None:
        self._n_bands, self._units, self._columns = n_bands, units, columns
        self._frames = FrameParser(n_bands, units, columns=columns)
        self._n_rejected = 0  # by parsers before this one
        self._last_error: str | None = None
        self._datagrams = datagrams
        self._line_ends = LineEnds()
        self._tail = b""
        self._n_missing: int | None = None  # frames before the next one
        self._is_overlong = False  # the parser of frames has the beginning of this line already

    @property
    def n_rejected(self) -> int:
        """Lines that were neither frame nor command."""
        return self._n_rejected + self._frames.n_rejected

    @property
    def last_error(self) -> str | None:
        """Why the last rejected line was."""
        return self._frames.last_error or self._last_error

    @property
    def frame_rate(self) -> float | None:
        """Frames per second as a comment said, or None."""
        return self._frames.frame_rate

    def feed(self, data: bytes) -> list[Arrival]:
        """The frames, commands and gaps that these bytes complete."""
        data = self._line_ends.to_lf(data)
        if self._datagrams and not data.endswith(b"\n"):
            data += b"\n"
        if self._is_overlong:
            end, newline, data = data.partition(b"\n")
            self._frames.feed(end + newline)
            self._is_overlong = not newline
        whole, newline, self._tail = (self._tail + data).rpartition(b"\n")
        arrivals = self._taken(whole) if newline else []
        if len(self._tail) > self._frames.max_line_bytes:
            # No command is so long. The parser of frames counts it, and keeps none of it.
            self._frames.feed(self._tail)
            self._tail, self._is_overlong = b"", True
        return arrivals

    def _taken(self, whole: bytes) -> list[Arrival]:
        """What stands in whole lines, in their order."""
        arrivals: list[Arrival] = []
        waiting: list[bytes] = []
        for line in whole.split(b"\n"):
            # A line too long for a frame is rejected, however it begins and in whatever pieces.
            command = None if len(line) > self._frames.max_line_bytes else _command(line)
            if command is None:
                waiting.append(line)
                continue
            arrivals += self._parse(waiting)
            waiting = []
            arrivals.append(command)
        return arrivals + self._parse(waiting)

    def _parse(self, lines: list[bytes]) -> list[Arrival]:
        if not lines:
            return []
        text = b"\n".join(lines) + b"\n"
        n_frames = self._frames.n_frames
        before = self._frames.n_rejected, self._frames.last_error
        frames = self._frames.feed(text)
        if self._datagrams and not len(frames):
            frames = self._begun_anew(text, *before)
        gaps = {row - n_frames: n_missing for row, n_missing in self._frames.gaps}
        self._frames.gaps = []
        if self._datagrams:  # what anybody may send shall not move the clock
            gaps = {}
        arrivals: list[Arrival] = []
        for i, levels in enumerate(frames.tolist()):
            self._add_missing(gaps.pop(i, None))
            if self._n_missing is not None:
                arrivals.append(Missing(max(1, self._n_missing)))
                self._n_missing = None
            arrivals.append(Frame("", levels))
        self._add_missing(next(iter(gaps.values()), None))
        return arrivals

    def _add_missing(self, n_frames: int | None) -> None:
        """Remember a gap until the frame behind it comes."""
        if n_frames is not None:
            self._n_missing = (self._n_missing or 0) + n_frames

    def _begun_anew(self, text: bytes, n_rejected: int, last_error: str | None,
                    ) -> npt.NDArray[np.float64]:
        """Frames of a sender that came back with other columns, or without its semicolons.

        Datagrams do not tell one sender from another.
        """
        anew = FrameParser(self._n_bands, self._units, columns=self._columns)
        frames = anew.feed(text)
        waits = self._frames.n_rejected == n_rejected  # for a semicolon
        if len(frames) and not anew.n_rejected and (
                waits or anew.columns != self._frames.columns):
            self._n_rejected += n_rejected
            self._last_error = last_error or self._last_error
            anew.frame_rate = anew.frame_rate or self._frames.frame_rate
            self._frames = anew
            return frames
        return frames[:0]


def _command(line: bytes) -> Command | None:
    if not line[:1].isalpha():
        return None
    name, _, argument = line.decode("utf-8", errors="replace").strip().partition(" ")
    return Command("", name, argument.strip()) if name in COMMANDS else None
