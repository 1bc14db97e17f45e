"""What the page keeps of each player: enough to draw it again after a reload, and no more."""

from __future__ import annotations

import base64
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from barkcluster.frames.session import Session
from barkcluster.motifs.search import Motif

from .likeness import Likeness
from .messages import Heard, Hello, Json, Row

# Ten minutes of readings, ten a second.
MOST_ROWS = 6000


@dataclass(eq=False)
class PlayerMemory:
    """One player as its page shows it.

    Attributes
    ----------
    name : str
    scales : list of float
        Window lengths, in seconds.
    likeness : Likeness
    rows : deque of Row
        The newest `MOST_ROWS`.
    n_rows : int
        Rows that there ever were.
    n_forgotten : int
        Times that the player began anew.
    facts : dict
        Status, motifs and the like, each with its own name.
    changed : dict of str to int
        When a fact last changed, in changes of the whole.
    """

    name: str
    scales: list[float]
    likeness: Likeness
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=MOST_ROWS))
    n_rows: int = 0
    n_forgotten: int = 0
    facts: dict[str, Json] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)


@dataclass
class Cursor:
    """How far a browser has been told.

    Attributes
    ----------
    run : str
        Of which run of the program; another one begins with an empty page.
    change : int
        The last change that it knows.
    n_rows : list of int
        Rows of each player that it had.
    """

    run: str = ""
    change: int = 0
    n_rows: list[int] = field(default_factory=list)


class Memory:
    """Readings and status of all players, for any number of browsers. Thread-safe.

    Parameters
    ----------
    hello : Hello
        First message of the feed.

    Attributes
    ----------
    run : str
        Tells this run of the program from others.
    """

    def __init__(self, hello: Hello) -> None:
        self.run = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._change = 0
        self._marks = hello["marks"]
        self.players = [
            PlayerMemory(one["name"], one["scales"], Likeness(one["frame_rate"], one["n_bands"]))
            for one in hello["players"]]

    def take(self, message: Heard) -> None:
        """Keep what the feed reports of a player."""
        player = self.players[message["player"]]
        with self._lock:
            if message.get("reset"):
                self._forget(player)
            for first, packed in message.get("frames", ()):
                frames = np.frombuffer(base64.b64decode(packed), np.float32)
                player.likeness.add(first, frames.reshape(-1, message["n_bands"]))
            rows = message.get("rows", [])
            player.rows.extend(rows)
            player.n_rows += len(rows)
            if "status" in message:
                self._tell(player, "status", message["status"])
                self._tell(player, "likest", player.likeness.likest())

    def session_of(self, player: PlayerMemory) -> Session | None:
        """The session of a player to search for motifs; None while it is too short."""
        with self._lock:
            return player.likeness.session()

    def set_motifs(self, player: PlayerMemory, motifs: Sequence[Motif]) -> None:
        """Keep the motifs of a player's session."""
        with self._lock:
            self._tell(player, "motifs", [
                {"starts": [round(s, 2) for s in motif.starts], "length": motif.length,
                 "similarity": round(motif.similarity, 2),
                 "bpm": None if np.isnan(motif.bpm) else round(motif.bpm, 1)}
                for motif in motifs])

    def news(self, cursor: Cursor) -> dict[str, Json] | None:
        """What a browser was not told yet, or None; the cursor moves on.

        The first time that is everything, with ``run``. Rows that it missed because they were
        too many are not said later.
        """
        with self._lock:
            anew = cursor.run != self.run
            if anew:
                cursor.run, cursor.change = self.run, -1
                cursor.n_rows = [0] * len(self.players)
            players: dict[str, Json] = {}
            for i, player in enumerate(self.players):
                told: dict[str, Json] = {name: player.facts[name]
                                         for name, change in player.changed.items()
                                         if change > cursor.change}
                n_new = min(player.n_rows - cursor.n_rows[i], len(player.rows))
                if n_new:
                    rows = list(player.rows)
                    told["rows"] = rows[len(rows) - n_new:]
                cursor.n_rows[i] = player.n_rows
                if anew:
                    told |= {"name": player.name, "scales": player.scales}
                if told:
                    players[str(i)] = told
            cursor.change = self._change
            if anew:
                return {"run": self.run, "most_rows": MOST_ROWS, "marks": self._marks,
                        "players": players}
            return {"players": players} if players else None

    def _tell(self, player: PlayerMemory, name: str, fact: Json) -> None:
        if name not in player.facts or player.facts[name] != fact:
            self._change += 1
            player.facts[name] = fact
            player.changed[name] = self._change

    def _forget(self, player: PlayerMemory) -> None:
        player.likeness.clear()
        player.rows.clear()
        player.n_forgotten += 1
        self._tell(player, "motifs", [])
        self._tell(player, "forgotten", player.n_forgotten)
