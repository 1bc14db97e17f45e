"""The main loop: frames from sources go to players, and their readings to sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from barkcluster.frames.session import Session

from .addresses import Address, places_of, shared
from .decoding import Decoder, decoder_of
from .messages import Arrival, Command, Frame, Missing
from .microphone import Microphone
from .osc import check_installed
from .playback import Playback
from .player import Player, Report
from .receiving import Received, Receiver
from .sinks import Sink

_STATUS_S = 1.0
# Seconds between updates of the view, and checks for the end.
_TICK_S = 0.1
# Seconds of work on a flood before other tasks get their turn, and that the view waits meanwhile.
_TURN_S = 0.05
_LONGEST_TICK_S = 1.0
# How long an end may take to hear what is still waiting, and how long it waits for a burst.
_WAITING_S = 2.0
_BURST_S = 0.1
# What TouchDesigner calls the channels that nobody gave a name: /chan1, /chan2, ...
_UNNAMED_CHANNELS = "/chan"


@dataclass(eq=False)
class Source:
    """A player, the address its frames come to and, of kind "play", the session to play."""

    address: Address
    player: Player
    session: Session | None = None


class Watcher(Protocol):
    """Something that is shown every frame, such as the page."""

    def hear(self, player: Player, levels: list[float], report: Report | None) -> None:
        """Take a frame that was heard and the report on it; must not wait."""


class Live:
    """Passes frames from sources to players, and readings to sinks, until it is stopped.

    Parameters
    ----------
    sources : sequence of Source
        Several may share a port, if OSC messages tell them apart by their path.
    sinks : sequence of Sink
    units : {"db", "linear", "amplitude"}, default="db"
        What the numbers are.
    columns : str, optional
        What the columns of lines are, as for `read_session`.
    receiver : Receiver, optional
        One that listens at `places_of` the addresses already, opened before there were players.
    watcher : Watcher, optional
        The page.

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
                 units: str = "db", columns: str | None = None,
                 receiver: Receiver | None = None, watcher: Watcher | None = None) -> None:
        self.sources = list(sources)
        self.sinks = list(sinks)
        self.n_unclaimed = 0
        self.last_error: str | None = None
        self.ended = False
        self._units = units
        self._columns = columns
        self._watcher = watcher
        self._decoders: dict[tuple[int, int], Decoder] = {}
        self._declared_rate: set[tuple[int, int]] = set()
        addresses = [source.address for source in self.sources]
        self._at_place = [[self.sources[i] for i in there] for there in shared(addresses)]
        self._receiver = Receiver(places_of(addresses)) if receiver is None else receiver
        self._microphones: list[Microphone] = []
        self._playing: list[Playback] = []
        try:
            for i, there in enumerate(self._at_place):
                if there[0].address.kind == "osc":
                    check_installed()
                elif there[0].address.kind == "mic":
                    rate = there[0].player.frame_rate
                    self._microphones.append(Microphone(i, rate, self._receiver.put))
                elif there[0].session is not None:
                    self._playing.append(Playback(i, there[0].session, self._receiver.put,
                                                  self._receiver.end))
        except (ImportError, OSError):
            self.close()
            raise

    def run(self, *, until: Callable[[], bool] = lambda: False,
            tick: Callable[[], None] = lambda: None) -> None:
        """Run until ``until()`` or until all sources have ended.

        Parameters
        ----------
        until : callable
            Asked ten times a second.
        tick : callable
            Called as often, when no frame is waiting: for a view.
        """
        self._receiver.start()
        for playback in self._playing:
            playback.start()
        next_status = next_tick = time.monotonic()
        steps: Iterator[None] = iter(())
        while not self.ended:
            if not _take_some(steps, time.monotonic() + _TURN_S):
                batch = self._receiver.take(_TICK_S)
                steps = iter(()) if batch is None else self._steps(batch)
            now = time.monotonic()
            if now >= next_status:
                next_status = now + _STATUS_S
                self._tell_status(now)
            overdue = now >= next_tick + _LONGEST_TICK_S
            if overdue or (now >= next_tick and self._receiver.batches.empty()):
                next_tick = now + _TICK_S
                self._count_dropped()
                for source in self.sources:
                    source.player.tick(now)
                tick()
            if until():
                break
        self._hear_waiting(steps, time.monotonic() + _WAITING_S)
        self._count_dropped()

    def _count_dropped(self) -> None:
        """Let players know how much sound their microphones lost."""
        for microphone in self._microphones:
            self._at_place[microphone.place][0].player.n_dropped = microphone.n_dropped

    def _hear_waiting(self, steps: Iterator[None], deadline: float) -> None:
        """Hear what had arrived before the end, so that it is gathered as well."""
        ended = time.monotonic()
        if _take_some(steps, deadline):
            return
        # The receiver hands a burst over once it is over; what arrives after the end is not heard.
        while (batch := self._receiver.take(_BURST_S)) and batch[0].time <= ended:
            if _take_some(self._steps(batch), deadline):
                return

    def close(self) -> None:
        """Stop receiving. Players and sinks are closed by those who opened them."""
        for microphone in self._microphones:
            microphone.close()
        for playback in self._playing:
            playback.close()
        self._receiver.close()

    def take(self, batch: list[Received]) -> None:
        """Process a batch: frames to players, commands, readings to sinks.

        Parameters
        ----------
        batch : list of Received
            Empty when there will be no more.
        """
        for _ in self._steps(batch):
            pass

    def _steps(self, batch: list[Received]) -> Iterator[None]:
        """`take`, with a step after each packet and each frame."""
        for received in batch:
            yield
            there = self._at_place[received.place]
            if received.refused:
                self._reject(there[0].player, 1, received.refused)
            if not received.data:
                self._decoders.pop((received.place, received.client), None)
                player = there[0].player
                if there[0].address.kind == "file" and player.stream.n_frames:
                    player.stream.skip(1)  # what another file begins with does not go on from here
                continue
            for arrival in self._decoded(received, there[0]):
                if isinstance(arrival, Frame):
                    self._hear(there, arrival, received.time)
                    yield
                elif isinstance(arrival, Missing):
                    there[0].player.stream.skip(arrival.n_frames)
                else:
                    self._apply(arrival)
        if not batch:
            self.ended = True

    def _decoded(self, received: Received, first: Source) -> list[Arrival]:
        place, client = received.place, received.client
        decoder = self._decoder(place, client, first.address.kind)
        n_rejected = decoder.n_rejected
        arrivals = decoder.feed(received.data)
        if decoder.n_rejected > n_rejected:
            self._reject(first.player, decoder.n_rejected - n_rejected, decoder.last_error or "")
        self._check_rate(place, client, decoder, first.player)
        return arrivals

    def _reject(self, player: Player, n: int, why: str) -> None:
        player.reject(n, why)
        self.last_error = why

    def _tell_status(self, now: float) -> None:
        for source in self.sources:
            source.player.tick(now)
            for sink in self.sinks:
                sink.send_status(source.player)

    def _decoder(self, place: int, client: int, kind: str) -> Decoder:
        decoder = self._decoders.get((place, client))
        if decoder is None:
            # A session is in dB already, and its columns are bands.
            units, columns = ("db", None) if kind == "play" else (self._units, self._columns)
            stream = self._at_place[place][0].player.stream
            decoder = self._decoders[place, client] = decoder_of(
                kind, units, stream.features.n_bands, columns)
        return decoder

    def _check_rate(self, place: int, client: int, decoder: Decoder, player: Player) -> None:
        """Say so if a comment in the text tells of another frame rate."""
        said = getattr(decoder, "frame_rate", None)
        if said is not None and (place, client) not in self._declared_rate:
            self._declared_rate.add((place, client))
            try:
                player.stream.check_frame_rate(said)
            except ValueError as error:
                self.last_error = player.last_message = player.rate_said = str(error)

    def _hear(self, there: list[Source], frame: Frame, arrived: float) -> None:
        player = _claimed_by(there, frame.path)
        if player is None:
            self.n_unclaimed += 1
            listening = ", ".join(source.address.path for source in there)
            self.last_error = (f"frames came to {frame.path!r:.60}; sources listen to "
                               f"{listening}.")
            there[0].player.n_elsewhere += 1
            there[0].player.last_rejection = self.last_error
            return
        report = player.hear(frame.levels, arrived, time.monotonic())
        if self._watcher is not None:
            self._watcher.hear(player, frame.levels, report)
        if report is not None:
            for sink in self.sinks:
                sink.send(report)

    def _apply(self, command: Command) -> None:
        name = command.path.rpartition("/")[2]
        named = [s.player for s in self.sources if s.player.name and s.player.name == name]
        for player in named or [source.player for source in self.sources]:
            player.apply(command)


def _take_some(steps: Iterator[None], until: float) -> bool:
    """Take steps until a time; True if there are more."""
    for _ in steps:  # noqa: SIM110 - the time is asked for after a step, not before
        if time.monotonic() >= until:
            return True
    return False


def _claimed_by(there: list[Source], path: str) -> Player | None:
    """The player whose frames come to this path."""
    if there[0].address.kind != "osc":
        return there[0].player
    path = path if path.startswith("/") else f"/{path}"
    for source in there:
        wanted = source.address.path
        if not wanted or path == wanted or path.startswith(f"{wanted}/"):
            return source.player
    return there[0].player if path == _UNNAMED_CHANNELS and len(there) == 1 else None
