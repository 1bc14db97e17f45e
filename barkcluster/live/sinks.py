"""Sinks for readings: OSC, FUDI and text over the network, files, standard output.

A sink never raises and never waits once it is open: what cannot be sent is counted.
"""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from barkcluster.display.terminal import printable
from barkcluster.model.stream import Reading
from barkcluster.tempo import Tempo

from .addresses import Address
from .fudi import to_fudi
from .messages import Value
from .osc import build_message, check_installed
from .player import Player, Report

# Stands for a familiarity not known yet: nan is no number to many programs.
UNKNOWN = -1.0
_CONNECT_AGAIN_S = 1.0
_MOST_REASON = 200
_MOST_UNSENT_BYTES = 1 << 16
# Five hours of readings, 30 MB: a pager that nobody turns, or a player faster than who reads.
_MOST_UNSENT_LINES = 200_000
# At the end, lines wait so long for a reader that takes none.
_PATIENCE_MS = 2000


class Sink(Protocol):
    """A destination for the reports of players.

    Attributes
    ----------
    n_failed : int
        Messages or lines that could not be sent.
    """

    n_failed: int

    def send(self, report: Report) -> None:
        """Send the report of a player at the end of a hop."""

    def send_status(self, player: Player) -> None:
        """Send how a player is doing."""

    def close(self) -> None:
        """Send what is left, and close."""


Words = list[tuple[str, list[Value]]]


def words_of(report: Report) -> Words:
    """A report as messages: the address without its slash, and the values.

    Examples
    --------
    >>> import numpy as np
    >>> words_of(Report("", Reading(1.0, 0.1, np.array([0.1, np.nan])), None, False))
    [('familiarity', [0.1]), ('familiarity/scales', [0.1, -1.0]), ('novelty', [1.0])]
    """
    reading = report.reading
    words: Words = [("familiarity", [reading.familiarity]),
                    ("familiarity/scales", list(_known(reading))),
                    ("novelty", [reading.novelty])]
    if report.tempo is not None and report.tempo_is_new:
        words.append(("tempo", list(_beats(report.tempo))))
    return words


def status_of(player: Player) -> Words:
    """How a player is doing, as a message.

    State, seconds heard, frames received, rejected and late, seconds that the model is behind
    (-1 without one), and why something was last rejected ("-": nothing was).
    """
    age = player.stream.model_age
    return [("status", [player.state, player.stream.heard, float(player.n_received),
                        float(player.n_rejected), float(player.n_late),
                        UNKNOWN if math.isnan(age) else age,
                        printable(player.last_rejection)[:_MOST_REASON] or "-"])]


class NetworkSink:
    """Messages over UDP: OSC, FUDI or lines of text.

    Parameters
    ----------
    address : Address
    single : bool, default=False
        One OSC message at the path itself: familiarity, then that of each scale. As Wekinator
        sends and takes it.
    """

    def __init__(self, address: Address, *, single: bool = False) -> None:
        self.address = address
        self.single = single
        self.n_failed = 0
        if address.kind == "osc":
            check_installed()
        family, self._to = _found(address, socket.SOCK_DGRAM)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, report: Report) -> None:
        """Send a datagram for each message."""
        if self.single:
            self._send_one("", [report.reading.familiarity, *_known(report.reading)], "")
            return
        for word, values in words_of(report):
            self._send_one(word, values, report.player)

    def send_status(self, player: Player) -> None:
        """Send ``/status``."""
        if not self.single:
            for word, values in status_of(player):
                self._send_one(word, values, player.name)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send_one(self, word: str, values: Sequence[Value], player: str) -> None:
        try:
            self._socket.sendto(packet(self.address, word, values, player), self._to)
        except OSError:  # nobody listens there, or the network is busy
            self.n_failed += 1


class FudiTcpSink:
    """FUDI over a TCP connection, tried again each second while nobody listens."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.n_failed = 0
        # Once: to ask for a name takes time, and may fail.
        self._family, self._to = _found(address, socket.SOCK_STREAM)
        self._socket: socket.socket | None = None
        self._connected = False
        self._tried = -math.inf
        self._unsent = b""

    def send(self, report: Report) -> None:
        """Send the messages of a report."""
        self._send_words(words_of(report), report.player)

    def send_status(self, player: Player) -> None:
        """Send ``status``."""
        self._send_words(status_of(player), player.name)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._connected, self._unsent = None, False, b""

    def _send_words(self, words: Words, player: str) -> None:
        if not self._connect() or len(self._unsent) > _MOST_UNSENT_BYTES:
            self.n_failed += len(words)
            return
        assert self._socket is not None
        self._unsent += b"".join(packet(self.address, *word, player) for word in words)
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self.n_failed += len(words)
            self.close()

    def _connect(self) -> bool:
        """Whether there is a connection; begins or goes on to make one where there is none."""
        if self._connected:
            return True
        if self._socket is None:
            if time.monotonic() - self._tried < _CONNECT_AGAIN_S:
                return False
            self._tried = time.monotonic()
            self._socket = socket.socket(self._family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
        state = self._socket.connect_ex(self._to)
        if state in (0, errno.EISCONN):
            self._connected = True
        elif state not in (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK):
            self.close()
        return self._connected


class LineSink:
    """A line of numbers for each reading: appended to a file, or to standard output.

    The columns are the player, where there are several; seconds, familiarity, novelty, beats per
    minute, their confidence, and the familiarity at each scale; nan for what is not known.
    """

    def __init__(self, path: str | None) -> None:
        self.n_failed = 0
        self._newline = b""
        self._unsent: deque[bytes] = deque()
        self._file = (os.dup(sys.stdout.fileno()) if path is None
                      else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
        # Whether a pipe has room for a line; Windows does not tell.
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self._file, select.POLLOUT)

    def send(self, report: Report) -> None:
        """Write a line, or keep it until who reads takes the ones before it."""
        if len(self._unsent) < _MOST_UNSENT_LINES:
            self._unsent.append(line_of(report).encode())
        else:
            self.n_failed += 1
        self._write(0)

    def send_status(self, player: Player) -> None:
        """Nothing: a table has no place for it."""

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._write(_PATIENCE_MS)
        self.n_failed += len(self._unsent)
        os.close(self._file)

    def _write(self, patience_ms: int) -> None:
        """Write the lines that there is room for, each within a time."""
        while self._unsent and (self._poll is None or self._poll.poll(patience_ms)):
            line = self._newline + self._unsent.popleft()
            try:
                written = os.write(self._file, line)
            except OSError:
                self.n_failed += 1
                continue
            # Half a line, on a full disk, is ended before the next one.
            self._newline = b"\n" if written < len(line) else b""
            self.n_failed += written < len(line)


class LatestSink:
    """A file with the newest line of each player, replaced at once so that no reader sees half."""

    def __init__(self, path: str) -> None:
        self.n_failed = 0
        self._path = Path(path)
        self._growing = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        self._lines: dict[str, str] = {}
        self._growing.write_bytes(b"")  # says now if the folder cannot be written to

    def send(self, report: Report) -> None:
        """Put the line in the place of the last one."""
        self._lines[report.player] = line_of(report)
        try:
            self._growing.write_text("".join(self._lines.values()), encoding="utf-8")
            self._growing.replace(self._path)
        except OSError:  # a full disk; or Windows, while a reader holds the file open
            self.n_failed += 1

    def send_status(self, player: Player) -> None:
        """Nothing: a table has no place for it."""

    def close(self) -> None:
        """Remove what was not put in place."""
        with suppress(OSError):
            self._growing.unlink(missing_ok=True)


def open_sink(address: Address, *, single: bool = False) -> Sink:
    """The sink of an address.

    Parameters
    ----------
    address : Address
    single : bool, default=False
        As for `NetworkSink`.

    Raises
    ------
    OSError
        If the file cannot be written or the host is not known.
    """
    if address.kind == "fudi-tcp":
        return FudiTcpSink(address)
    if address.kind == "latest":
        return LatestSink(address.path)
    if address.kind in ("file", "-"):
        return LineSink(address.path or None)
    return NetworkSink(address, single=single)


def _found(address: Address, kind: socket.SocketKind) -> tuple[int, tuple[str | int | bytes, ...]]:
    """Family and address of a host; OSError, with the address of the sink, if nobody knows it."""
    try:
        family, _, _, _, to = socket.getaddrinfo(address.host, address.port, type=kind)[0]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(address)) from None
    return family, to


def packet(address: Address, word: str, values: Sequence[Value], player: str) -> bytes:
    """A message as the program at an address understands it."""
    if address.kind == "osc":
        path = "/".join(part for part in (address.path, player, word) if part)
        return build_message(path if path.startswith("/") else f"/{path}", values)
    if address.kind == "udp-text":
        shown = [value if isinstance(value, str) else f"{value:.9g}" for value in values]
        return (" ".join([*filter(None, [player]), word, *shown]) + "\n").encode()
    # Pd tells messages apart by their first word: scales, not familiarity/scales.
    selector = word.rpartition("/")[2]
    if player:
        return to_fudi(player, [selector, *values])
    return to_fudi(selector, values)


def line_of(report: Report) -> str:
    """A report as one line; see `LineSink`."""
    reading = report.reading
    bpm, confidence = (math.nan, math.nan) if report.tempo is None else _beats(report.tempo)
    numbers = [f"{reading.time:.3f}", *(f"{value:.6g}" for value in (
        reading.familiarity, reading.novelty, bpm, confidence, *reading.by_scale.tolist()))]
    return " ".join([report.player, *numbers] if report.player else numbers) + "\n"


def _known(reading: Reading) -> list[float]:
    return [UNKNOWN if math.isnan(value) else value for value in reading.by_scale.tolist()]


def _beats(tempo: Tempo) -> tuple[float, float]:
    """Beats per minute and confidence; no beat is 0 and 0."""
    return (0.0, 0.0) if math.isnan(tempo.bpm) else (tempo.bpm, tempo.confidence)
