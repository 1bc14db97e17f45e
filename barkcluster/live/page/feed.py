"""Passes frames and readings to the process of the page, and never waits for it."""

from __future__ import annotations

import base64
import importlib.util
import json
import math
import os
import queue
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from barkcluster._extras import missing_extra
from barkcluster._processes import start_module
from barkcluster.frames.session import FLOOR_DB
from barkcluster.live.demonstration import Mark
from barkcluster.live.messages import Command
from barkcluster.live.model_folder import ModelFolder
from barkcluster.live.player import Player, Report

from .messages import Answer, Heard, Hello, Introduction, Json, Row

_START_S = 30.0
_STATUS_S = 0.5
_END_S = 2.0
# Messages that may wait, ten a second and player; then the page misses some.
_MOST_WAITING = 300
# Frames that one message may hold: a file that is read at once comes with minutes of them.
_MOST_FRAMES = 3000
_DIGITS = 4
_ANY = ("0.0.0.0", "::")
# Of the range for documentation: asked for a way to it, the system names the address it would
# take, and nothing is sent.
_ELSEWHERE = ("192.0.2.1", 9)


@dataclass(eq=False)
class _Unsent:
    """Frames and readings of a player that the page was not sent yet."""

    n_frames: int
    frames: list[tuple[int, list[float]]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    reset: bool = False


class PageFeed:
    """The page of all players, in a process of its own.

    Parameters
    ----------
    players : sequence of Player
    host, port : str and int
        What the page listens on; port 0 is any that is free.
    folder : path-like
        Where the page's button saves models.
    marks : sequence of Mark, default=()
        Stretches to name in the chart.

    Attributes
    ----------
    port : int
        Where it listens.
    token : str
        What the buttons need.
    n_missed : int
        Messages that the page missed, because it was too slow.

    Raises
    ------
    ImportError
        If the server library is missing.
    OSError
        If the port is taken.
    """

    def __init__(self, players: Sequence[Player], host: str, port: int,
                 folder: str | os.PathLike[str], *, marks: Sequence[Mark] = ()) -> None:
        if importlib.util.find_spec("aiohttp") is None:
            raise missing_extra("The page", "aiohttp", "page")
        self.host, self.port = host, port
        self.token = secrets.token_urlsafe(9)
        self.n_missed = 0
        self._players = list(players)
        self._folder = ModelFolder(folder)
        self._unsent = {p: _Unsent(p.stream.n_frames) for p in self._players}
        self._next_status = 0.0
        self._waiting: queue.Queue[Hello | Heard | None] = queue.Queue(_MOST_WAITING)
        self._pressed: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._process = start_module("barkcluster.live.page", stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._threads = [threading.Thread(target=work, name="page", daemon=True)
                         for work in (self._write_all, self._read_all)]
        hello: Hello = {"host": host, "port": port, "token": self.token,
                        "marks": [(mark.start, mark.stop, mark.text) for mark in marks],
                        "players": [_introduced(p) for p in self._players]}
        self._waiting.put(hello)
        for thread in self._threads:
            thread.start()
        self.port = self._wait_for_port()

    @property
    def url(self) -> str:
        """The address of the page, with the token that its buttons need."""
        host = own_address() if self.host in _ANY else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/#{self.token}"

    @property
    def running(self) -> bool:
        """Whether the page's process is there."""
        return self._process.poll() is None

    def hear(self, player: Player, levels: list[float], report: Report | None) -> None:
        """Take a frame that was heard and the report on it."""
        unsent, n = self._unsent[player], player.stream.n_frames
        if n <= unsent.n_frames:
            if n == unsent.n_frames:  # it was rejected
                return
            self._forget(unsent)
        unsent.n_frames = n
        unsent.frames.append((n - 1, levels))
        if len(unsent.frames) > _MOST_FRAMES:
            self._send(player, unsent)
        if report is not None:
            reading = report.reading
            unsent.rows.append([round(reading.time, 3), *(
                None if math.isnan(v) else round(v, _DIGITS)
                for v in (reading.familiarity, *reading.by_scale.tolist()))])

    def tick(self) -> list[str]:
        """Send the page what is new, and act on its buttons; to be called some times a second.

        Returns
        -------
        lines : list of str
            What there is to say: that the process of the page ended, once.
        """
        lines = []
        while not self._pressed.empty():
            pressed = self._pressed.get()
            if "player" in pressed:
                self._press(self._players[pressed["player"]], pressed["word"])
            elif "error" in pressed:
                lines.append(f"{pressed['error'][1]}; all else goes on")
        now = time.monotonic()
        tells_status = now >= self._next_status
        if tells_status:
            self._next_status = now + _STATUS_S
        for player, unsent in self._unsent.items():
            if player.stream.n_frames < unsent.n_frames:
                self._forget(unsent)
                unsent.n_frames = player.stream.n_frames
            status = status_of(player) if tells_status else None
            if status or unsent.frames or unsent.reset:
                self._send(player, unsent, status)
        return lines

    def close(self) -> None:
        """End the page's process."""
        self._end()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(_END_S)

    def _end(self) -> None:
        while True:
            try:
                self._waiting.put_nowait(None)
                return
            except queue.Full:
                with suppress(queue.Empty):
                    self._waiting.get_nowait()

    @staticmethod
    def _forget(unsent: _Unsent) -> None:
        unsent.frames, unsent.rows, unsent.reset = [], [], True

    def _send(self, player: Player, unsent: _Unsent, status: dict[str, Json] | None = None
              ) -> None:
        message: Heard = {"player": self._players.index(player)}
        if status:
            message["status"] = status
        if unsent.reset:
            message["reset"] = True
        if unsent.frames:
            message["frames"] = _packed(unsent.frames)
            message["n_bands"] = len(unsent.frames[0][1])
        if unsent.rows:
            message["rows"] = unsent.rows
        unsent.frames, unsent.rows, unsent.reset = [], [], False
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self.n_missed += 1

    def _press(self, player: Player, word: str) -> None:
        if word == "save":
            name = f"{player.name or 'live'}-{time.strftime('%Y%m%d-%H%M%S')}.npz"
            player.apply(Command("", "save", name), self._folder)
        elif word in ("pause", "go on"):
            player.apply(Command("", "pause", "1" if word == "pause" else "0"))
        else:
            player.apply(Command("", word, ""))

    def _wait_for_port(self) -> int:
        answer: Answer = {"error": (None, "the page's process does not answer")}
        with suppress(queue.Empty):
            answer = self._pressed.get(timeout=_START_S)
        if "port" in answer:
            return answer["port"]
        self.close()
        raise OSError(*answer["error"], f"--page {self.port}")

    def _write_all(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as pipe:
            while (message := self._waiting.get()) is not None:
                pipe.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
                pipe.flush()

    def _read_all(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._pressed.put(json.loads(line))
        self._pressed.put({"error": (None, "the page's process ended")})


def own_address() -> str:
    """The address by which others in the network reach this machine."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def status_of(player: Player) -> dict[str, Json]:
    """How a player is doing, as its page shows it.

    Parameters
    ----------
    player : Player

    Returns
    -------
    status : dict
        What is not known is None.
    """
    stream, tempo = player.stream, player.last_tempo
    has_beat = tempo is not None and not math.isnan(tempo.bpm)
    troubles = [stream.last_error, stream.journal_error]
    if player.rate_is_off:
        troubles.append(f"frames come at {player.measured_rate:.1f} a second, not "
                        f"{player.frame_rate:g}: see --frame-rate")
    return {
        "state": player.state, "silent": round(player.silent, 1), "heard": round(stream.heard, 1),
        "received": player.n_received, "late": player.n_late, "rejected": player.n_rejected,
        "elsewhere": player.n_elsewhere, "gaps": stream.n_gaps,
        "reason": player.last_rejection, "message": player.last_message,
        "troubles": [trouble for trouble in troubles if trouble],
        "paused": stream.paused, "learned": stream.n_learned,
        "age": None if stream.model is None else round(stream.model_age, 1),
        "known": None if stream.model is None else round(stream.model.duration_, 1),
        "bpm": round(tempo.bpm, 1) if tempo is not None and has_beat else None,
        "sure": round(tempo.confidence, 2) if tempo is not None and has_beat else None,
    }


def _introduced(player: Player) -> Introduction:
    features = player.stream.features
    return {"name": player.name, "scales": [float(s) for s in features.scales],
            "frame_rate": features.frame_rate, "n_bands": features.n_bands}


def _packed(frames: list[tuple[int, list[float]]]) -> list[tuple[int, str]]:
    """Runs of consecutive frames: how many frames were before each, and its bytes in base64."""
    runs: list[tuple[int, list[list[float]]]] = []
    for before, levels in frames:
        if runs and runs[-1][0] + len(runs[-1][1]) == before:
            runs[-1][1].append(levels)
        else:
            runs.append((before, [levels]))
    return [(first, base64.b64encode(np.maximum(
        np.asarray(rows, np.float32), np.float32(FLOOR_DB)).tobytes()).decode("ascii"))
        for first, rows in runs]
