"""What a performer glances at: bars for each scale, tempo, counts, the model's age."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from barkcluster.display.terminal import clock

from .player import Player

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDTH = 40


class View:
    """A few lines at the bottom of the terminal, on standard error.

    Parameters
    ----------
    players : sequence of Player
    """

    def __init__(self, players: Sequence[Player]) -> None:
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError as error:
            raise ImportError("The view needs rich: pip install barkcluster[live], or --quiet"
                              ) from error
        self._players = players
        # Drawn by the loop when no frame waits, not by a thread of rich's.
        self._live = Live(console=Console(file=sys.stderr), auto_refresh=False)
        self._live.start()

    def show(self) -> None:
        """Draw how things are."""
        self._live.update(self._lines(), refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def _lines(self) -> RenderableType:
        from rich.text import Text

        return Text("\n").join(Text(line) for player in self._players
                               for line in player_lines(player))


def player_lines(player: Player) -> list[str]:
    """How a player is doing, in lines of plain text."""
    stream = player.stream
    reading, tempo = player.last_reading, player.last_tempo
    lines = []
    title = f"{player.name}: " if player.name else ""
    beats = "" if tempo is None or math.isnan(tempo.bpm) else (
        f"   {tempo.bpm:.1f} bpm ({tempo.confidence:.0%} sure)")
    if reading is None:
        lines.append(f"{title}listening{beats}")
    else:
        lines.append(f"{title}{bar(reading.familiarity)} familiarity{beats}")
        lines += [f"{'':{len(title)}}{bar(value)} {scale:g} s"
                  for value, scale in zip(reading.by_scale, stream.stream.features.scales,
                                          strict=True)]
    age = "no model yet" if stream.model is None else f"model {clock(stream.model_age)} old"
    lines.append(f"{player.state}, heard {clock(stream.heard)}, {age}; frames: "
                 f"{player.n_received} received, {player.n_rejected} rejected, "
                 f"{player.n_late} late, {stream.stream.n_gaps} gaps")
    if player.rate_is_off:
        lines.append(f"frames come at {player.measured_rate:.1f} a second, not "
                     f"{player.frame_rate:g}: see --frame-rate")
    lines += [f"! {said}" for said in (stream.last_error, stream.journal_error) if said]
    if player.last_word:
        lines.append(player.last_word)
    return lines


def bar(familiarity: float) -> str:
    """A familiarity as a bar, a number behind it.

    Examples
    --------
    >>> bar(0.5)
    '████████████████████░░░░░░░░░░░░░░░░░░░░ 0.50'
    """
    if math.isnan(familiarity):
        return "·" * _WIDTH + "    -"
    full = round(_WIDTH * familiarity)
    return "█" * full + "░" * (_WIDTH - full) + f" {familiarity:.2f}"
