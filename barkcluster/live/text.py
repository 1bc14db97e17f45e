"""Lines of text: frames as in session files, and commands."""

from __future__ import annotations

from barkcluster.frames.parser import FrameParser

from .messages import COMMANDS, Command, Frame


class TextParser:
    """Frames and commands in lines that arrive piece by piece.

    A line is a frame, in any form that `read_session` reads, or a command such as ``pause 1``.

    Parameters
    ----------
    n_bands : int, default=25
    units : {"db", "linear"}, default="db"
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

    def __init__(self, n_bands: int = 25, units: str = "db", *,
                 datagrams: bool = False) -> None:
        self._frames = FrameParser(n_bands, units)
        self._datagrams = datagrams
        self._tail = b""

    @property
    def n_rejected(self) -> int:
        """Lines that were neither."""
        return self._frames.n_rejected

    @property
    def last_error(self) -> str | None:
        """Why the last such line was not."""
        return self._frames.last_error

    @property
    def frame_rate(self) -> float | None:
        """Frames per second as a comment said, or None."""
        return self._frames.frame_rate

    def feed(self, data: bytes) -> list[Frame | Command]:
        """Return what these bytes complete."""
        if self._datagrams and not data.endswith(b"\n"):
            data += b"\n"
        whole, newline, tail = (self._tail + data).rpartition(b"\n")
        if not newline:
            # The parser of frames forgets lines that never end; here is no second copy.
            self._tail = tail if len(tail) < 1 << 16 else tail[-1:]
            return []
        self._tail = tail
        arrivals: list[Frame | Command] = []
        waiting: list[bytes] = []
        for line in whole.split(b"\n"):
            command = _command(line)
            if command is None:
                waiting.append(line)
                continue
            arrivals += self._parse(waiting)
            waiting = []
            arrivals.append(command)
        return arrivals + self._parse(waiting)

    def _parse(self, lines: list[bytes]) -> list[Frame]:
        if not lines:
            return []
        frames = self._frames.feed(b"\n".join(lines) + b"\n")
        return [Frame("", levels) for levels in frames.tolist()]


def _command(line: bytes) -> Command | None:
    if not line[:1].isalpha():
        return None
    name, _, argument = line.decode("utf-8", errors="replace").strip().partition(" ")
    return Command("", name, argument.strip()) if name in COMMANDS else None
