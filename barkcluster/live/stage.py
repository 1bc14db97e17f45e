"""Opening of sources, and the performance from start to end."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from barkcluster.display.terminal_lines import TerminalLines
from barkcluster.frames.session import Session, check_frames
from barkcluster.model.model import FamiliarityModel
from barkcluster.retraining.stream import RetrainingStream
from barkcluster.tempo import TempoTracker

from .addresses import Address, is_live
from .demonstration import Demonstration
from .loop import Live, Source
from .page.feed import PageFeed
from .player import Player
from .process import stop_on_interrupt
from .view import player_lines


def open_source(address: Address, name: str, model: FamiliarityModel, session: Session | None, *,
                n_bands: int, learning: bool, every: float, minutes: float,
                keep: Literal["newest", "thinned"], gather: Path | None,
                folder: str | None) -> Source:
    """A source with its player, which has a stream and a file of its own.

    Parameters
    ----------
    address : Address
    name : str
        Of the player; empty where there is one alone.
    model : FamiliarityModel
        What answers, or what is fitted to what is heard.
    session : Session or None
        What is to be played, where the address is of kind "play".
    n_bands : int
    learning : bool
        Whether to learn from what is heard.
    every, minutes, keep
        As in `RetrainingStream`.
    gather : Path or None
        Session file to write to; a player with a name has one with that name in it.
    folder : str or None
        Where messages may save and load models; None where they may not.

    Raises
    ------
    ValueError
        If the session is not of the model's rate or bands.
    """
    if gather is not None and name:
        gather = gather.with_stem(f"{gather.stem}-{name}")
    stream = RetrainingStream(model, every=every, minutes=minutes, keep=keep,
                              session_path=gather, n_bands=n_bands)
    features = stream.features
    tracker = TempoTracker(frame_rate=features.frame_rate, n_bands=features.n_bands)
    player = Player(name, stream, tracker, folder, live=is_live(address), learns=learning)
    if session is not None:
        try:
            stream.check_frame_rate(session.frame_rate)
            check_frames(session, features.n_bands)
        except ValueError as error:
            player.close()
            raise ValueError(f"{address.path}: {error}") from None
    return Source(address, player, session)


def perform(live: Live, players: Sequence[Player], terminal: TerminalLines | None, *,
            page: PageFeed | None, demo: Demonstration | None, seconds: float,
            stopped: threading.Event, say: Callable[[str], None]) -> None:
    """Run until the sources end, a time is up, Ctrl-C, or `stopped` is set.

    Parameters
    ----------
    live : Live
    players : sequence of Player
    terminal : TerminalLines or None
        Where to show the players; None for nowhere.
    page : PageFeed or None
        The page to show them on, if there is one.
    demo : Demonstration or None
        The built-in jam, if it is what is played.
    seconds : float
        ``inf`` for no end.
    stopped : threading.Event
    say : callable
        Prints a line that stays.
    """
    has_view = sys.stderr.isatty()

    def tick() -> None:
        for line in [] if page is None else page.tick():
            say(line)
        for line in [] if demo is None else demo.begun(players[0]):
            say(line)
        if terminal is not None and has_view:
            columns, _ = terminal.size()
            terminal.show([line for player in players for line in player_lines(player, columns)])

    if demo is not None:
        say(demo.prepare(players[0], page))
    # What is imported by now never becomes garbage, and to look through it takes some ms.
    gc.freeze()
    end = time.monotonic() + seconds
    with suppress(KeyboardInterrupt), stop_on_interrupt(stopped):
        live.run(until=lambda: stopped.is_set() or time.monotonic() >= end, tick=tick)
