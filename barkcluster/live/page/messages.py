"""Messages between the two processes, in lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict

# What JSON can say.
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
# Seconds, familiarity, and that at each scale.
Row: TypeAlias = "list[float | None]"


class Introduction(TypedDict):
    """A player; scales in seconds, frame_rate in frames a second."""

    name: str
    scales: list[float]
    frame_rate: float
    n_bands: int


class Hello(TypedDict):
    """The first thing that the page is told: where to listen, who plays, what to mark."""

    host: str
    port: int
    token: str
    marks: list[tuple[float, float, str]]
    players: list[Introduction]


class _Player(TypedDict):
    player: int


class Heard(_Player, total=False):
    """What a player, by number, did since the last time.

    ``frames`` are runs of frames that follow on one another: how many were before them, and their
    bytes as base64 of float32. ``reset``: all before is forgotten.
    """

    reset: bool
    frames: list[tuple[int, str]]
    n_bands: int
    rows: list[Row]
    status: dict[str, Json]


class Answer(TypedDict, total=False):
    """What the page says: its port, once; or why there is none; then the buttons pressed."""

    port: int
    error: tuple[int | None, str]
    player: int
    word: str
