"""Songs for ``synthetic``: what a small seeded band plays, as notes with times.

A song has a few kinds of section (A, B, C ...), each with its own chords, grooves and riffs.
The band plays them in a form (A B A C ...), repeats them with slight changes, drifts in tempo,
and its players come and go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .instruments import BASSES, DRUMS, KEYS, LEADS, PADS

PLAYERS = ("drums", "bass", "keys", "pad", "lead")
BEATS_PER_BAR = 4
STEPS_PER_BAR = 16
PARTS = "ABCDE"
RIFF_BARS = 2

_NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
_PROGRESSIONS = (
    (0, 5, 3, 4), (0, 3, 0, 4), (0, 4, 5, 3), (0, 6, 5, 6), (5, 3, 0, 4), (0, 0, 3, 3),
    (0, 2, 3, 4), (3, 0, 4, 5), (0, 3, 6, 2), (1, 4, 0, 0), (0, 5, 1, 4), (3, 4, 0, 0),
)
# Grooves: a digit a sixteenth, 0 silent to 9 loudest.
_KICKS = ("9000000090000000", "9000009090000000", "9000900090009000", "9000000000900000",
          "9009000000900000", "9000000790700000", "9000005009000050")
_SNARES = ("0000900000009000", "0000900000009002", "0000900200209000", "0000000090000000",
           "0000900000009030")
_CYMBALS = ("7050705070507050", "7353735373537353", "7000600070006000", "0070007000700070",
            "7030703370307033", "7006500670065006")
_BASSLINES = ("9000000090000000", "9000007090000070", "9070507090705070", "9000900090009000",
              "9009009000900090", "9000000500907000", "0090009000900090")
_COMPS = ("9000000000000000", "9000000080000000", "0000800000008000", "9000000700000000",
          "9070807090708070", "0080008000800080", "9000007000060000", "9008008000800800")
_CELLS = ((0,), (0, 2), (0, 2), (0, 3), (0, 1, 2), (0, 1, 2, 3), (2,), (1, 2), (), (0, 2, 3))


class Note(NamedTuple):
    """A note: start in seconds, player, MIDI pitch or number of the drum, steps, loudness 0-1."""

    start: float
    player: str
    pitch: int
    steps: int
    velocity: float


@dataclass(frozen=True)
class Riff:
    """One time a riff was played.

    Attributes
    ----------
    name : str
        The same each time the riff recurs.
    start, stop : float
        Seconds.
    variation : int
        0 as first written; 1, 2, ... with some of its notes changed.
    """

    name: str
    start: float
    stop: float
    variation: int


@dataclass(frozen=True)
class Section:
    """A stretch of the form.

    Attributes
    ----------
    name : str
        Sections of one name share chords, grooves and riffs.
    start, stop : float
        Seconds.
    players : tuple of str
        Who plays in it.
    """

    name: str
    start: float
    stop: float
    players: tuple[str, ...]


RiffNotes = tuple[tuple[int, int, int], ...]  # step, pitch, steps


@dataclass(frozen=True)
class Part:
    """The material of all sections of one name: a chord for each bar, grooves, riffs."""

    chords: tuple[tuple[int, ...], ...]  # pitch classes, the root first
    drums: dict[str, str]
    bass: str
    bass_hold: int
    bass_moves: tuple[int, ...]
    keys: str
    keys_hold: int  # longest note, in steps
    broken: bool  # keys play the chord's notes one by one
    pad: str
    riffs: tuple[tuple[RiffNotes, ...], ...]  # riffs[i][variation]
    riff_order: tuple[int, ...]
    level_db: float


@dataclass(frozen=True)
class Song:
    """The material of a song, the band's instruments and its feel."""

    tempo: float
    swing: float
    key: str
    instruments: dict[str, str]  # player -> name of a tone
    kit: dict[str, float]  # drum -> size, 0-1
    lateness: dict[str, float]  # player -> seconds behind the beat
    looseness: float  # standard deviation of the timing, seconds
    swells: dict[str, tuple[float, float]]  # player -> period (s), phase of its slow dynamics
    drift: npt.NDArray[np.float64]  # rows: amplitude, period in beats, phase
    parts: dict[str, Part]


@dataclass
class Score:
    """A song as it is played: its notes in the order of time, and annotations."""

    notes: list[Note] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    riffs: list[Riff] = field(default_factory=list)
    beats: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def write_song(rng: np.random.Generator, *, tempo: float | None, swing: float | None) -> Song:
    """A song with all of its material, drawn from `rng`."""
    root = int(rng.integers(12))
    scale_name = str(rng.choice(list(_SCALES)))
    drawn_tempo = round(float(rng.uniform(70.0, 160.0)), 1)
    drawn_swing = float(rng.choice((0.5, 0.5, 0.5, 0.56, 0.62, 0.66)))
    families = {"bass": BASSES, "keys": KEYS, "pad": PADS, "lead": LEADS}
    instruments = {player: str(rng.choice(list(family))) for player, family in families.items()}
    periods = rng.uniform((20.0, 60.0, 150.0), (60.0, 150.0, 400.0))
    drift = np.stack([np.array([0.003, 0.005, 0.007]), periods, rng.uniform(0, 2 * np.pi, 3)])
    return Song(
        tempo=drawn_tempo if tempo is None else float(tempo),
        swing=drawn_swing if swing is None else float(swing),
        key=f"{_NOTE_NAMES[root]} {scale_name}",
        instruments=instruments,
        kit={drum: float(rng.random()) for drum in DRUMS},
        lateness={player: float(rng.uniform(-0.006, 0.010)) for player in PLAYERS},
        looseness=float(rng.uniform(0.003, 0.008)),
        swells={player: (float(rng.uniform(15.0, 90.0)), float(rng.uniform(0.0, 2 * np.pi)))
                for player in PLAYERS},
        drift=drift,
        parts={name: _write_part(rng, root, _SCALES[scale_name]) for name in PARTS})


def _write_part(rng: np.random.Generator, root: int, scale: tuple[int, ...]) -> Part:
    degrees = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    thirds = (0, 2, 4, 6) if rng.random() < 0.4 else (0, 2, 4)
    chords = tuple(tuple((root + scale[(degree + third) % 7]) % 12 for third in thirds)
                   for degree in degrees)
    cymbal = str(rng.choice(("hat", "hat", "hat", "ride")))
    drums = {"kick": str(rng.choice(_KICKS)), "snare": str(rng.choice(_SNARES)),
             cymbal: str(rng.choice(_CYMBALS))}
    if rng.random() < 0.4:
        drums["open hat"] = str(rng.choice(("0000000000000060", "0000006000000060")))
    ladder = [root + 48 + 12 * octave + scale[i] for octave in range(3) for i in (0, 1, 2, 4, 5)]
    riffs = tuple(_write_riff(rng, ladder) for _ in range(2))
    return Part(
        chords=chords, drums=drums,
        bass=str(rng.choice(_BASSLINES)), bass_hold=int(rng.choice((1, 2, 4, 6))),
        bass_moves=tuple(int(move) for move in rng.choice((0, 0, 0, 7, 12, 1), size=16)),
        keys=str(rng.choice(_COMPS)), keys_hold=int(rng.choice((2, 3, 4, 8))),
        broken=bool(rng.random() < 0.3),
        pad=str(rng.choice(_COMPS[:2])),
        riffs=riffs,
        riff_order=((0, 1, 0, 1), (0, 1, 0, 0), (0, 1, 1, 0))[rng.integers(3)],
        level_db=float(rng.uniform(-2.5, 1.5)))


def _write_riff(rng: np.random.Generator, ladder: list[int]) -> tuple[RiffNotes, ...]:
    """A riff of two bars on the rungs of a scale, and two variations of it."""
    cells = [_CELLS[i] for i in rng.integers(len(_CELLS), size=3)]
    order = ((0, 1, 0, 2, 0, 1, 2, 2), (0, 1, 2, 1, 0, 1, 2, 2), (0, 0, 1, 2, 0, 0, 1, 1))
    onsets = [4 * beat + step for beat, cell in enumerate(order[rng.integers(3)])
              for step in cells[cell]] or [0]
    if onsets[0] > 2:
        onsets.insert(0, 0)
    rung = int(rng.integers(4, 9))
    notes: list[tuple[int, int, int]] = []
    for i, onset in enumerate(onsets):
        until = onsets[i + 1] if i + 1 < len(onsets) else RIFF_BARS * STEPS_PER_BAR
        rung = int(np.clip(rung + rng.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3)), 2, len(ladder) - 2))
        notes.append((onset, ladder[rung], min(until - onset, int(rng.choice((2, 4, 6))))))
    return tuple(notes), _varied(rng, notes, ladder), _varied(rng, notes, ladder)


def _varied(rng: np.random.Generator, notes: list[tuple[int, int, int]],
            ladder: list[int]) -> RiffNotes:
    """The riff with about a sixth of its notes moved or left out, most of them near its end."""
    varied = list(notes)
    for _ in range(max(1, len(notes) // 6)):
        i = int(len(varied) * rng.beta(3, 1))
        step, pitch, steps = varied[i]
        if rng.random() < 0.3 and len(varied) > 2:
            del varied[i]
        else:
            rung = min(max(ladder.index(pitch) + int(rng.choice((-2, -1, 1, 2))), 0),
                       len(ladder) - 1)
            varied[i] = (step, ladder[rung], steps)
    return tuple(varied)


def _count_beats(song: Song, seconds: float) -> npt.NDArray[np.float64]:
    """Times of the beats, to a bar past the end. The tempo drifts slowly, by about 1 %."""
    amplitude, period, phase = song.drift
    beat = np.arange(int(1.03 * seconds * song.tempo / 60) + 2 * BEATS_PER_BAR)
    wander = (amplitude[:, None]
              * np.sin(2 * np.pi * beat / period[:, None] + phase[:, None])).sum(0)
    lengths = 60.0 / (song.tempo * (1.0 + wander))
    return np.concatenate([[0.0], np.cumsum(lengths)]) + 0.05


def _plan_form(rng: np.random.Generator, names: str, n_sections: int) -> str:
    """A form such as ``ABACABAB``: each name is heard soon and returns later."""
    others = names[1:] or names
    visited = list(others + others)
    while len(visited) < n_sections:
        visited.append(others[rng.integers(len(others))])
    return "".join(names[0] + other for other in visited)[:n_sections]


def perform(rng: np.random.Generator, song: Song, seconds: float, *, section_bars: int,
            n_parts: int, drums: bool, settled_s: float) -> Score:
    """Play the song for so many seconds.

    Line-ups change from section to section; from `settled_s` on they are ones heard before.
    """
    score = Score()
    beats = _count_beats(song, seconds)
    n_bars = (len(beats) - 1) // BEATS_PER_BAR
    form = _plan_form(rng, PARTS[:n_parts], -(-n_bars // section_bars))
    times_played: Counter[str] = Counter()
    band = [player for player in PLAYERS if drums or player != "drums"]
    for i, name in enumerate(form):
        first = i * section_bars
        bars = range(first, min(first + section_bars, n_bars))
        start, stop = (float(beats[BEATS_PER_BAR * bar]) for bar in (bars[0], bars[-1] + 1))
        if start >= seconds:
            break
        heard = [section.players for section in score.sections if section.name == name]
        players = _who_plays(rng, band, opening=i == 0 and n_bars >= 8 * section_bars,
                             lead_due=not any("lead" in lineup for lineup in heard))
        if heard and start >= settled_s:
            players = heard[rng.integers(len(heard))]
        score.sections.append(Section(name, start, min(stop, seconds), players))
        for bar in bars:
            times = _step_times(song, beats, bar)
            last = bar == bars[-1]
            score.notes.extend(
                note for note in _play_bar(rng, song, song.parts[name], bar - first, times,
                                           players, fill=last, crash=bar == first)
                if note.start < seconds)
        if "lead" in players:
            score.riffs.extend(_play_riffs(rng, song, name, beats, bars, seconds, score.notes,
                                           times_played))
    score.notes.sort()
    score.beats = beats[beats < seconds]
    return score


def _who_plays(rng: np.random.Generator, band: list[str], *, opening: bool,
               lead_due: bool) -> tuple[str, ...]:
    """Players of a section: mostly all, without lead and pad in an opening; some may sit out."""
    if opening:
        return tuple(player for player in band if player not in ("pad", "lead"))
    out: set[str] = set()
    if rng.random() < 0.5:
        out.add("pad")
    if rng.random() < 0.4:
        out.add(str(rng.choice(("lead", "lead", "keys", "keys", "bass", "drums"))))
    if lead_due:
        out.discard("lead")
    return tuple(player for player in band if player not in out)


def _step_times(song: Song, beats: npt.NDArray[np.float64], bar: int) -> list[float]:
    """Seconds at which the 16 steps of a bar, and the next bar, begin; the off-eighth swings."""
    within = np.array([0.0, song.swing / 2, song.swing, (1.0 + song.swing) / 2])
    start = beats[BEATS_PER_BAR * bar:BEATS_PER_BAR * (bar + 1) + 1]
    steps = start[:-1, None] + np.diff(start)[:, None] * within
    return [*(float(step) for step in steps.ravel()), float(start[-1])]


def _played(rng: np.random.Generator, song: Song, player: str, time: float, pitch: int,
            steps: int, velocity: float) -> Note:
    """A note as a human plays it: a little early or late, softer or louder, swelling slowly."""
    period, phase = song.swells[player]
    velocity *= 0.85 * (1.0 + 0.15 * math.sin(2 * math.pi * time / period + phase))
    late = song.lateness[player] + song.looseness * float(rng.standard_normal())
    loud = velocity * (1.0 + 0.08 * float(rng.standard_normal()))
    return Note(max(0.0, time + late), player, pitch, steps, min(1.0, max(0.05, loud)))


def _play_bar(rng: np.random.Generator, song: Song, part: Part, bar: int, times: list[float],
              players: tuple[str, ...], *, fill: bool, crash: bool) -> Iterator[Note]:
    chord = part.chords[bar % len(part.chords)]
    if "drums" in players:
        yield from _play_drums(rng, song, part, times, fill=fill, crash=crash)
    if "bass" in players:
        for step, velocity, steps in _hits(part.bass, longest=part.bass_hold):
            if velocity < 0.8 and rng.random() < 0.06:
                continue
            move = part.bass_moves[step]
            pitch = 28 + (chord[0] - 28) % 12
            pitch += chord[2] - chord[0] if move == 1 else move
            yield _played(rng, song, "bass", times[step], max(28, pitch), steps, velocity)
    if "keys" in players:
        voicing = sorted(57 + (tone - 57) % 12 for tone in chord)
        if part.broken:
            for i, step in enumerate(range(0, STEPS_PER_BAR, 2)):
                tone = voicing[(0, 1, 2, 1)[i % 4]] + (12 if i % 4 == 3 else 0)
                yield _played(rng, song, "keys", times[step], tone, 2, 0.75 - 0.15 * (i % 2))
        else:
            for step, velocity, steps in _hits(part.keys, longest=part.keys_hold):
                for tone in voicing:
                    yield _played(rng, song, "keys", times[step], tone, steps, velocity)
    if "pad" in players:
        for step, velocity, steps in _hits(part.pad, longest=16):
            for tone in chord[:3]:
                yield _played(rng, song, "pad", times[step], 52 + (tone - 52) % 12, steps,
                              velocity)


def _hits(groove: str, longest: int) -> list[tuple[int, float, int]]:
    """Step, velocity 0-1 and length in steps of each note of a groove."""
    steps = [step for step, digit in enumerate(groove) if digit != "0"]
    ends = [*steps[1:], STEPS_PER_BAR]
    return [(step, int(groove[step]) / 9, min(longest, end - step))
            for step, end in zip(steps, ends, strict=True)]


def _play_drums(rng: np.random.Generator, song: Song, part: Part, times: list[float], *,
                fill: bool, crash: bool) -> Iterator[Note]:
    stop = int(rng.choice((8, 12, 12))) if fill else STEPS_PER_BAR
    for drum, groove in part.drums.items():
        for step, velocity, _ in _hits(groove, 1):
            silenced = step >= stop and drum != "kick"
            if silenced or (velocity < 0.7 and rng.random() < 0.05):
                continue
            yield _played(rng, song, "drums", times[step], DRUMS.index(drum), 0, velocity)
    if rng.random() < 0.12:
        ghost = int(rng.choice((7, 9, 10, 15)))
        yield _played(rng, song, "drums", times[ghost], DRUMS.index("snare"), 0, 0.25)
    if crash:
        yield _played(rng, song, "drums", times[0], DRUMS.index("crash"), 0, 0.7)
    for step in range(stop, STEPS_PER_BAR):
        if rng.random() < 0.7:
            drum = ("snare", "high tom", "low tom")[min(2, (step - stop) * 3 // (16 - stop))]
            yield _played(rng, song, "drums", times[step], DRUMS.index(drum), 0,
                          0.55 + 0.02 * step)


def _play_riffs(rng: np.random.Generator, song: Song, name: str, beats: npt.NDArray[np.float64],
                bars: range, seconds: float, notes: list[Note], times_played: Counter[str],
                ) -> Iterator[Riff]:
    """Play the lead's riffs over a section; twice as written, from then on at times varied."""
    part = song.parts[name]
    for i, bar in enumerate(bars[::RIFF_BARS]):
        if bar + RIFF_BARS > bars[-1] + 1:
            return
        which = part.riff_order[i % len(part.riff_order)]
        riff = f"{name}{which + 1}"
        variation = int(rng.choice((0, 0, 1, 2))) if times_played[riff] >= 2 else 0
        start, stop = (float(beats[BEATS_PER_BAR * at]) for at in (bar, bar + RIFF_BARS))
        if stop > seconds:
            return
        times = [*_step_times(song, beats, bar)[:-1], *_step_times(song, beats, bar + 1)]
        for step, pitch, steps in part.riffs[which][variation]:
            notes.append(_played(rng, song, "lead", times[step], pitch, steps,
                                 0.85 if step % 4 == 0 else 0.7))
        times_played[riff] += 1
        yield Riff(riff, start, stop, variation)
