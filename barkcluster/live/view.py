"""The terminal view: a bar for each scale, tempo, counts, the age of the model."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from barkcluster._clock import clock
from barkcluster.display.terminal import printable

from .addresses import NETWORK, Address
from .player import Player
from .sinks import Sink

_WIDEST_BAR = 40
_NARROWEST_BAR = 8
_NARROWEST = 20
_NUMBER = len(" 0.00 familiarity")
# Rows that a message may take, which may be a stranger's.
_MOST_ROWS = 2
# A model of less is young: what it calls strange may be the second verse.
_YOUNG_S = 60.0


def player_lines(player: Player, columns: int = 80) -> list[str]:
    """Lines that show how a player is doing.

    Parameters
    ----------
    player : Player
    columns : int, default=80
        Of the terminal.

    Returns
    -------
    lines : list of str
        Plain text, not longer than that or than 20.
    """
    stream = player.stream
    # The last column is the cursor's. Of a terminal that is narrower still, lines are cut.
    width = max(_NARROWEST, columns - 1)
    title = f"{player.name}: " if player.name else ""
    lines = _bars(player, title, width)
    age = "no model yet" if stream.model is None else f"model {clock(stream.model_age)} old"
    facts = [f"{player.state}, heard {clock(stream.heard)}, {age}; frames: {player.n_received} "
             f"received, {player.n_rejected} rejected, {player.n_late} late, "
             f"{stream.n_gaps} gaps"]
    if player.n_elsewhere:
        facts[0] += f", {player.n_elsewhere} to another address"
    if player.n_dropped:
        facts[0] += f", {_blocks(player.n_dropped)} of sound lost"
    if player.rate_is_off:
        facts.append(f"frames come at {player.measured_rate:.1f} a second, not "
                     f"{player.frame_rate:g}: see --frame-rate")
    if player.outruns:
        facts.append(f"frames come {player.speed:.0f} times as fast as they were played: --pace")
    messages = [f"! {said}" for said in (stream.last_error, stream.journal_error) if said]
    if player.last_rejection:
        messages.append(f"last rejected: {player.last_rejection}")
    if player.last_message:
        messages.append(player.last_message)
    for fact in facts:
        lines += textwrap.wrap(fact, width, subsequent_indent="  ")
    for message in messages:
        lines += textwrap.wrap(printable(message), width, subsequent_indent="  ",
                               max_lines=_MOST_ROWS, placeholder=" ...")
    return lines


def closing_lines(player: Player) -> list[str]:
    """Summary of a player at the end, as lines of plain text."""
    n_learned = player.stream.n_learned
    title = f"{player.name}: " if player.name else ""
    elsewhere = f", {player.n_elsewhere} to another address" if player.n_elsewhere else ""
    lines = [f"{title}heard {clock(player.stream.heard)}; {player.n_received} frames received, "
             f"{player.n_rejected} rejected{elsewhere}, {player.n_late} late; "
             f"{n_learned} model{'' if n_learned == 1 else 's'} learned."]
    if player.n_dropped:
        lines.append(f"{title}the microphone lost {_blocks(player.n_dropped)} of sound: the "
                     "machine is too busy.")
    if player.silent:
        lines.append(f"{title}no frames came for the last {clock(player.silent)}.")
    if player.rate_was_off:
        lines.append(f"{title}frames came at {player.true_rate:.1f} a second, not "
                     f"{player.frame_rate:g}: next time --frame-rate {player.true_rate:.3g}.")
    if player.outruns:
        lines.append(f"{title}frames came {player.speed:.0f} times as fast as they were played: "
                     "--pace plays a file in time, `barkcluster score` judges it at once.")
    if player.stream.n_unwritten:
        lines.append(f"{title}{player.stream.n_unwritten} frames could not be written and are "
                     f"lost: {player.stream.journal_error}.")
    if player.rate_said:
        lines.append(f"{title}{player.rate_said}")
    if player.stream.last_error:
        lines.append(f"{title}the last learning failed: {player.stream.last_error}")
    if player.last_rejection:
        lines.append(f"{title}last rejected: {player.last_rejection}")
    return [printable(line) for line in lines]


def unsent_lines(outputs: Sequence[tuple[Address, Sink]]) -> list[str]:
    """Lines about the outputs that could not be sent or written, for the end."""
    return [printable(f"--out {address}: {sink.n_failed} could not be "
                      f"{'sent' if address.kind in NETWORK else 'written'}.")
            for address, sink in outputs if sink.n_failed]


def _blocks(n: int) -> str:
    return f"{n} block{'' if n == 1 else 's'}"


def _bars(player: Player, title: str, width: int) -> list[str]:
    """Bars of familiarity and the tempo; or a line that says why there are none yet."""
    reading, tempo = player.last_reading, player.last_tempo
    beats = "" if tempo is None or math.isnan(tempo.bpm) else (
        f"{tempo.bpm:.1f} bpm ({tempo.confidence:.0%} sure)")
    if player.silent:
        return textwrap.wrap(f"{title}no frames for {clock(player.silent)}", width)
    if reading is None:
        return textwrap.wrap(f"{title}listening {beats}".rstrip(), width)
    cells = min(_WIDEST_BAR, max(_NARROWEST_BAR, width - len(title) - _NUMBER))
    lines = [f"{title}{bar(reading.familiarity, cells)} familiarity"]
    lines += [f"{'':{len(title)}}{bar(value, cells)} {scale:g} s"
              for value, scale in zip(reading.by_scale, player.stream.features.scales,
                                      strict=True)]
    known = 0.0 if player.stream.model is None else player.stream.model.duration_
    young = f"only {clock(known)} known" if known < _YOUNG_S else ""
    beside = ", ".join(filter(None, [young, beats]))
    if beside and len(lines[0]) + 2 + len(beside) <= width:
        lines[0] += f"  {beside}"
    elif beside:
        lines[1:1] = textwrap.wrap(beside, width)
    return lines


def bar(familiarity: float, cells: int = _WIDEST_BAR) -> str:
    """A familiarity as a bar followed by the number.

    Parameters
    ----------
    familiarity : float
        0 to 1, or nan.
    cells : int, default=40

    Examples
    --------
    >>> bar(0.5, 20)
    '██████████░░░░░░░░░░ 0.50'
    """
    if math.isnan(familiarity):
        return "·" * cells + "    -"
    full = round(cells * familiarity)
    return "█" * full + "░" * (cells - full) + f" {familiarity:.2f}"
