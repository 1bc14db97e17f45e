"""Decoders: bytes of a client to frames and commands, for each protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from barkcluster._validation import check_choice
from barkcluster.frames.session import N_BANDS
from barkcluster.frames.units import UNITS, to_db

from .fudi import FudiParser
from .messages import (
    Arrival,
    Frame,
    FrameAssembly,
    NotUnderstoodError,
    frames_and_commands,
    numbered,
)
from .osc import parse_packet
from .text import TextParser


class Decoder(Protocol):
    """Turns bytes into frames and commands; anything else is counted, and nothing is raised.

    Attributes
    ----------
    n_rejected : int
        Packets, messages or lines that were neither.
    last_error : str or None
        Why the last one was not.
    """

    @property
    def n_rejected(self) -> int: ...

    @property
    def last_error(self) -> str | None: ...

    def feed(self, data: bytes) -> list[Arrival]:
        """The frames and commands that these bytes complete."""


class OscDecoder:
    """A decoder of OSC datagrams."""

    def __init__(self, units: str = "db", n_bands: int = N_BANDS) -> None:
        self._units = units
        self._n_bands = n_bands
        self._assembly = FrameAssembly(n_bands)
        self.n_rejected = 0
        self.last_error: str | None = None

    def feed(self, data: bytes) -> list[Arrival]:
        """The frames and commands in one datagram, or the frame that it completes."""
        try:
            messages = parse_packet(data)
            part = numbered(messages)
            if part is None:
                return _in_db(frames_and_commands(messages, self._n_bands), self._units)
            frame = self._assembly.add(part)
            return [] if frame is None else _in_db([frame], self._units)
        except NotUnderstoodError as error:
            self.n_rejected += 1
            self.last_error = str(error)
            return []


class FudiDecoder:
    """A decoder of FUDI, in datagrams or a stream.

    Parameters
    ----------
    units : {"db", "linear", "amplitude"}, default="db"
    n_bands : int, default=25
    datagrams : bool, default=False
        Whether what is fed ends a message, with a semicolon or without.
    """

    def __init__(self, units: str = "db", n_bands: int = N_BANDS, *,
                 datagrams: bool = False) -> None:
        self._units = units
        self._n_bands = n_bands
        self._datagrams = datagrams
        self._parser = FudiParser()
        self._n_rejected = 0
        self._last_error: str | None = None

    @property
    def n_rejected(self) -> int:
        """Messages that were neither frame nor command."""
        return self._n_rejected + self._parser.n_rejected

    @property
    def last_error(self) -> str | None:
        """Why the last of them was not."""
        return self._last_error

    def feed(self, data: bytes) -> list[Arrival]:
        """The frames and commands that these bytes complete."""
        arrivals: list[Arrival] = []
        n_rejected = self._parser.n_rejected
        messages = self._parser.feed(data)
        if self._datagrams:
            messages += self._parser.end()
        if self._parser.n_rejected > n_rejected:
            self._last_error = self._parser.last_error
        for message in messages:
            try:
                arrivals += _in_db(frames_and_commands([message], self._n_bands), self._units)
            except NotUnderstoodError as error:
                self._n_rejected += 1
                self._last_error = str(error)
        return arrivals


def decoder_of(kind: str, units: str = "db", n_bands: int = N_BANDS,
               columns: str | None = None) -> Decoder:
    """A new decoder for a client of this kind of address.

    Parameters
    ----------
    kind : str
        As in `Address`.
    units : {"db", "linear", "amplitude"}, default="db"
        What the numbers are.
    n_bands : int, default=25
        Numbers in a frame.
    columns : str, optional
        What the columns of lines are, as for `read_session`.
    """
    check_choice("units", units, UNITS)
    if kind == "osc":
        return OscDecoder(units, n_bands)
    if kind.startswith("fudi"):
        return FudiDecoder(units, n_bands, datagrams=kind == "fudi-udp")
    return TextParser(n_bands, units, columns=columns, datagrams=kind == "udp-text")


def _in_db(arrivals: Sequence[Arrival], units: str) -> list[Arrival]:
    if units == "db":
        return list(arrivals)
    converted: list[Arrival] = []
    for arrival in arrivals:
        if isinstance(arrival, Frame):
            try:
                arrival = Frame(arrival.path, to_db(arrival.levels, units).tolist())
            except ValueError:
                raise NotUnderstoodError("expected powers of 0 or more. For levels in dB: "
                                         "--units db.") from None
        converted.append(arrival)
    return converted
