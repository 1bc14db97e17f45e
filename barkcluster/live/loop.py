"""Sources, players and sinks, joined: what comes in is heard, and what is heard goes out."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .addresses import Address
from .decoding import Decoder, decoder_of
from .messages import Command, Frame
from .microphone import Microphone
from .player import Player
from .receiving import Received, Receiver
from .sinks import Sink

_STATUS_S = 1.0
# Between looks at the view and at whether it is time to end.
_TICK_S = 0.1


@dataclass(eq=False)
class Source:
    """A player and the address its frames come to."""

    address: Address
    player: Player


class Live:
    """Hears sources and tells sinks, until it is stopped.

    Parameters
    ----------
    sources : sequence of Source
        Several may share a port, if OSC messages tell them apart by their path.
    sinks : sequence of Sink
    units : {"db", "linear"}, default="db"
        What the numbers are.

    Attributes
    ----------
    n_unclaimed : int
        Frames to an OSC path that no source has.
    last_error : str or None
        What was wrong with the last bytes that were no frame.

    Raises
    ------
    OSError
        If a port is taken.
    ValueError
        If two sources want the same frames.
    """

    def __init__(self, sources: Sequence[Source], sinks: Sequence[Sink], *,
                 units: str = "db") -> None:
        self.sources = list(sources)
        self.sinks = list(sinks)
        self.n_unclaimed = 0
        self.last_error: str | None = None
        self.ended = False
        self._units = units
        self._decoders: dict[tuple[int, int], Decoder] = {}
        self._said_rate: set[tuple[int, int]] = set()
        places: dict[tuple[str, str, int, str], list[Source]] = {}
        for source in self.sources:
            a = source.address
            path = "" if a.kind == "osc" else a.path
            places.setdefault((a.kind, a.host, a.port, path), []).append(source)
        self._at_place = list(places.values())
        for there in self._at_place:
            paths = [source.address.path for source in there]
            if len(set(paths)) < len(paths):
                raise ValueError(f"--in {there[0].address} is given twice. Players on one port "
                                 "need OSC and paths of their own.")
        self._receiver = Receiver([there[0].address for there in self._at_place])
        self._microphones: list[Microphone] = []
        try:
            for i, there in enumerate(self._at_place):
                if there[0].address.kind == "mic":
                    rate = there[0].player.frame_rate
                    self._microphones.append(Microphone(i, rate, self._receiver.batches))
        except (ImportError, OSError):
            self.close()
            raise

    def run(self, *, until: Callable[[], bool] = lambda: False,
            tick: Callable[[], None] = lambda: None) -> None:
        """Hear and tell until ``until()`` or the end of standard input.

        Parameters
        ----------
        until : callable
            Asked ten times a second.
        tick : callable
            Called as often, when no frame is waiting: for a view.
        """
        self._receiver.start()
        next_status = next_tick = time.monotonic()
        while not self.ended:
            try:
                batch = self._receiver.batches.get(timeout=_TICK_S)
            except queue.Empty:
                batch = None
            if batch is not None:
                self.take(batch)
            now = time.monotonic()
            if now >= next_status:
                next_status = now + _STATUS_S
                for sink in self.sinks:
                    for source in self.sources:
                        sink.send_status(source.player)
            if now >= next_tick and self._receiver.batches.empty():
                next_tick = now + _TICK_S
                tick()
            if until():
                return

    def close(self) -> None:
        """Stop receiving. Players and sinks are closed by those who opened them."""
        for microphone in self._microphones:
            microphone.close()
        self._receiver.close()

    def take(self, batch: list[Received]) -> None:
        """Hear what came, and tell the sinks what it sounds like.

        Parameters
        ----------
        batch : list of Received
            Empty when there will be no more.
        """
        if not batch:
            self.ended = True
        for place, client, data, arrived in batch:
            if not data:
                self._decoders.pop((place, client), None)
                continue
            there = self._at_place[place]
            decoder = self._decoder(place, client, there[0].address.kind)
            n_rejected = decoder.n_rejected
            arrivals = decoder.feed(data)
            if decoder.n_rejected > n_rejected:
                there[0].player.n_bad_packets += decoder.n_rejected - n_rejected
                self.last_error = decoder.last_error
            self._check_rate(place, client, decoder, there[0].player)
            for arrival in arrivals:
                if isinstance(arrival, Frame):
                    self._hear(there, arrival, arrived)
                else:
                    self._obey(arrival)

    def _decoder(self, place: int, client: int, kind: str) -> Decoder:
        decoder = self._decoders.get((place, client))
        if decoder is None:
            decoder = self._decoders[place, client] = decoder_of(kind, self._units)
        return decoder

    def _check_rate(self, place: int, client: int, decoder: Decoder, player: Player) -> None:
        """Say so if a comment in the text tells of another frame rate."""
        said = getattr(decoder, "frame_rate", None)
        if said is not None and (place, client) not in self._said_rate:
            self._said_rate.add((place, client))
            try:
                player.stream.stream.check_frame_rate(said)
            except ValueError as error:
                self.last_error = player.last_word = str(error)

    def _hear(self, there: list[Source], frame: Frame, arrived: float) -> None:
        player = _claimed_by(there, frame.path)
        if player is None:
            self.n_unclaimed += 1
            listening = ", ".join(source.address.path for source in there)
            self.last_error = (f"frames came to {frame.path!r:.60}; sources listen to "
                               f"{listening}.")
            return
        report = player.hear(frame.levels, arrived, time.monotonic())
        if report is not None:
            for sink in self.sinks:
                sink.send(report)

    def _obey(self, command: Command) -> None:
        name = command.path.rpartition("/")[2]
        named = [s.player for s in self.sources if s.player.name and s.player.name == name]
        for player in named or [source.player for source in self.sources]:
            player.obey(command)


def _claimed_by(there: list[Source], path: str) -> Player | None:
    """The player whose frames come to this path."""
    if there[0].address.kind != "osc":
        return there[0].player
    path = path if path.startswith("/") else f"/{path}"
    for source in there:
        wanted = source.address.path
        if not wanted or path == wanted or path.startswith(f"{wanted}/"):
            return source.player
    return None
