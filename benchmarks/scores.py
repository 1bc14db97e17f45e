"""Music of known tempo, composed by other rules than ``barkcluster.synthetic``'s: seeded scores in
20 styles, rendered to sound.

A style is a bar written as strings, one digit a step, 0 silent to 9 loudest, with a range of
tempi at which it is played. The beat is the one a listener taps: a dotted quarter in 12/8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from barkcluster.synthetic.instruments import (
    BASSES,
    KEYS,
    LEADS,
    PADS,
    SAMPLE_RATE,
    STRANGERS,
    TONES,
    drum_takes,
    play,
    room_response,
)

Sound = npt.NDArray[np.float32]

_CHORDS = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2), (2, 5, 9), (4, 7, 11))
_SCALE = (0, 2, 4, 5, 7, 9, 11)


class Note(NamedTuple):
    """One note: seconds, the name of a tone or drum, MIDI pitch, 0 to 1."""

    start: float
    duration: float
    voice: str
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Layer:
    """What one player does, one string for each bar that it alternates between.

    ``how`` is bass (the chord's root, now and then its fifth), chord, broken (its notes one by
    one) or melody (a walk on the scale). ``loose`` is the chance that a soft step is left out or
    a silent one played.
    """

    tones: tuple[str, ...]
    how: str
    octave: int
    bars: tuple[str, ...]
    gain: float
    loose: float = 0.0


@dataclass(frozen=True)
class Style:
    """A way to play: range of tempi in beats a minute, steps a beat, drums and players."""

    tempi: tuple[float, float]
    steps: int
    layers: tuple[Layer, ...]
    drums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    swing: float = 0.5
    jitter_s: float = 0.006


_BASS, _KEYS, _PADS, _LEADS = (tuple(tones) for tones in (BASSES, KEYS, PADS, LEADS))
_PIANO = ("piano",)
_STRINGS = ("strings",)
_PLUCKED = ("harpsichord", "guitar", "piano")

STYLES: dict[str, Style] = {
    "rock": Style((90, 160), 4, (
        Layer(_BASS, "bass", 28, ("9070707090707070",), 0.2),
        Layer(("guitar", "fuzz guitar"), "chord", 52, ("9070007090007070",), 0.08, 0.1),
        Layer(_LEADS, "melody", 69, ("9000700070007000", "9070000070700000"), 0.08, 0.15)), (
        ("kick", ("9000000090000000", "9000009090000000")), ("snare", ("0000900000009000",)),
        ("hat", ("7050705070507050",)))),
    "house": Style((112, 134), 4, (
        Layer(_BASS, "bass", 33, ("0090009000900090", "0090009000900909"), 0.2),
        Layer(("organ", "electric piano"), "chord", 57, ("9009000000900000",), 0.07)), (
        ("kick", ("9000900090009000",)), ("snare", ("0000800000008000",)),
        ("open hat", ("0070007000700070",)), ("hat", ("4050405040504050",))), jitter_s=0.001),
    "jungle": Style((158, 180), 4, (
        Layer(_BASS, "bass", 28, ("9000000000700000", "9000007000000000"), 0.25),
        Layer(_PADS, "chord", 55, ("9000000000000000",), 0.06)), (
        ("kick", ("9000000000900000", "9000000000900090")),
        ("snare", ("0000900000009000", "0000900200209000")), ("hat", ("7070707070707070",))),
        jitter_s=0.001),
    "hiphop": Style((72, 100), 4, (
        Layer(_BASS, "bass", 28, ("9000000700900000", "9000000700000070"), 0.25),
        Layer(_KEYS, "chord", 57, ("9000000000000000", "0000000090000000"), 0.08)), (
        ("kick", ("9000000700900000", "9000000090070000")), ("snare", ("0000900000009000",)),
        ("hat", ("7070707070707077", "7575757575757575"))), 0.56),
    "reggae": Style((62, 92), 4, (
        Layer(_BASS, "bass", 28, ("9000007090000000", "0000907000009070"), 0.25),
        Layer(("organ", "guitar"), "chord", 57, ("0080008000800080",), 0.09)), (
        ("kick", ("0000000090000000",)), ("snare", ("0000000090000000",)),
        ("hat", ("7050705070507050", "7056705070567050")))),
    "funk": Style((92, 124), 4, (
        Layer(_BASS, "bass", 28, ("9009007000900700", "9000700907000070"), 0.22, 0.05),
        Layer(("clavinet", "guitar"), "chord", 57,
              ("0070076000700760", "7006007000700600"), 0.08, 0.05),
        Layer(("brass",), "chord", 62, ("0000000000000090", "9000000000000000"), 0.05)), (
        ("kick", ("9000009000900000", "9090000000900000")),
        ("snare", ("0000900202009000", "0000900200209002")), ("hat", ("7575757575757575",)))),
    "metal": Style((130, 190), 4, (
        Layer(_BASS, "bass", 28, ("9797979797979797", "9070909070909070"), 0.2),
        Layer(("fuzz guitar",), "chord", 45, ("9070909070907070", "9090709090709090"), 0.09),
        Layer(("fuzz guitar",), "melody", 69, ("9000000070007000",), 0.08, 0.1)), (
        ("kick", ("9797979797979797", "9090909090909090")), ("snare", ("0000900000009000",)),
        ("ride", ("7000700070007000",)))),
    "bossa": Style((105, 145), 4, (
        Layer(_BASS, "bass", 33, ("9000007090000070",), 0.2),
        Layer(("guitar",), "chord", 57, ("9000900090090000", "0090009000900900"), 0.09),
        Layer(("flute",), "melody", 72, ("9007000070000000", "0070007000700000"), 0.06, 0.2)), (
        ("hat", ("6464646464646464",)), ("kick", ("8000006080000060",)),
        ("snare", ("4004004000400400",)))),
    "swing": Style((105, 210), 2, (
        Layer(("finger bass",), "bass", 33, ("90909090",), 0.2),
        Layer(("piano",), "chord", 57, ("80080000", "00080080", "08000000"), 0.09, 0.05),
        Layer(("saxophone",), "melody", 66, ("97970700", "07097090"), 0.08, 0.25)), (
        ("ride", ("90799079",)), ("hat", ("00700070",)), ("kick", ("30303030",))), 0.64),
    "shuffle": Style((80, 140), 3, (
        Layer(_BASS, "bass", 28, ("907907907907",), 0.2),
        Layer(("guitar", "organ"), "chord", 57, ("900700900000", "007000007000"), 0.08),
        Layer(_LEADS, "melody", 69, ("907700900000", "000907907000"), 0.07, 0.15)), (
        ("kick", ("900000900000", "900007900000")), ("snare", ("000900000900",)),
        ("ride", ("907907907907",)))),
    "slow twelve": Style((55, 80), 3, (
        Layer(_BASS, "bass", 28, ("900007900000",), 0.2),
        Layer(_KEYS, "broken", 57, ("967967967967",), 0.08),
        Layer(_LEADS, "melody", 69, ("900070900000",), 0.07, 0.15)), (
        ("kick", ("900000900000",)), ("snare", ("000900000900",)), ("hat", ("755755755755",)))),
    "waltz": Style((84, 190), 2, (
        Layer(("finger bass", "strings"), "bass", 36, ("900000",), 0.2),
        Layer(("accordion", "piano", "strings"), "chord", 57, ("007070",), 0.08),
        Layer(("flute", "strings", "accordion"), "melody", 69, ("900070", "909090", "900000"),
              0.09, 0.1)), jitter_s=0.012),
    "march": Style((96, 126), 4, (
        Layer(("brass", "round bass"), "bass", 36, ("9000900090009000",), 0.2),
        Layer(("brass", "accordion"), "chord", 57, ("0080008000800080",), 0.08),
        Layer(("brass", "flute"), "melody", 69, ("9000700090700070",), 0.09, 0.1)), (
        ("kick", ("9000900090009000",)), ("snare", ("9070770090707777", "7000770070707700")))),
    "ballad": Style((58, 84), 4, (
        Layer(_PIANO, "broken", 57, ("9060706080607060",), 0.1),
        Layer(_PIANO, "bass", 36, ("9000000070000000",), 0.15),
        Layer(_STRINGS, "melody", 69, ("9000000070007000", "9000000000000000"), 0.06, 0.1)),
        jitter_s=0.012),
    "toccata": Style((66, 120), 4, (
        Layer(_PLUCKED, "melody", 69, ("9575857595758575",), 0.1),
        Layer(_PLUCKED, "bass", 40, ("9000700090007000", "9070707090707070"), 0.12)),
        jitter_s=0.008),
    "chorale": Style((58, 100), 2, (
        Layer(("organ", "choir", "strings", "brass"), "chord", 60, ("90909090", "90909790"), 0.09),
        Layer(("organ", "choir", "strings"), "melody", 69, ("90909090", "90979090"), 0.07),
        Layer(("organ", "strings"), "bass", 40, ("90909090", "97909790"), 0.12)), jitter_s=0.012),
    "allegro": Style((108, 160), 4, (
        Layer(_PIANO, "broken", 57, ("9060706090607060",), 0.08),
        Layer(_PIANO, "melody", 72, ("9000700070700000", "9070707090000000", "9575957590000000"),
              0.12, 0.05),
        Layer(_PIANO, "bass", 40, ("9000000000000000",), 0.1)), jitter_s=0.010),
    "ragtime": Style((82, 112), 4, (
        Layer(_PIANO, "bass", 36, ("9000000090000000",), 0.14),
        Layer(_PIANO, "chord", 57, ("0000700000007000",), 0.09),
        Layer(_PIANO, "bass", 40, ("0000000070000000",), 0.1),
        Layer(_PIANO, "melody", 72, ("0790790790709000", "9079079090700000"), 0.12, 0.05)),
        jitter_s=0.008),
    "adagio": Style((52, 76), 2, (
        Layer(_STRINGS, "chord", 57, ("90000000", "90009000"), 0.08),
        Layer(("strings", "flute", "choir"), "melody", 69,
              ("90907070", "90007070", "90000090"), 0.1),
        Layer(_STRINGS, "bass", 40, ("90009000",), 0.1)), jitter_s=0.02),
    "tune": Style((92, 130), 4, (
        Layer(tuple(STRANGERS)[:1] + ("flute", "accordion"), "melody", 69,
              ("9070707090707070", "9070907000909070"), 0.12, 0.1),
        Layer(("guitar",), "chord", 55, ("9000007090000070", "9000700090007000"), 0.08)),
        jitter_s=0.010),
}


def compose(style: str, rng: np.random.Generator, seconds: float, *,
            tempo: float | None = None) -> tuple[list[Note], float]:
    """Notes of one song in a style, and its tempo in beats a minute."""
    how = STYLES[style]
    bpm = float(rng.uniform(*how.tempi)) if tempo is None else tempo
    width = len((how.layers[0].bars or ("",))[0])
    n_steps = int(seconds * bpm / 60 * how.steps)
    bar = np.arange(n_steps) // width
    beat = np.arange(n_steps) // how.steps + np.arange(n_steps) % how.steps / how.steps
    if how.swing != 0.5:        # the second half of each beat comes late
        within = beat % 1.0
        late = np.where(within < 0.5, within * 2 * how.swing,
                        how.swing + (within - 0.5) * 2 * (1 - how.swing))
        beat = np.floor(beat) + late
    times = beat * 60 / bpm
    key = int(rng.integers(12))
    progression = [_CHORDS[i] for i in rng.integers(len(_CHORDS), size=4)]
    notes: list[Note] = []
    for name, bars in how.drums:
        for i in range(n_steps):
            velocity = int(bars[bar[i] % len(bars)][i % width]) / 9
            if velocity:
                notes.append(_human(rng, how, times[i], 0.0, name, 0, velocity))
    for layer in how.layers:
        tone = str(rng.choice(layer.tones))
        enters = int(rng.choice((0, 0, 0, 4)))
        walk = int(rng.integers(7))
        for i in range(n_steps):
            velocity = int(layer.bars[bar[i] % len(layer.bars)][i % width]) / 9
            if layer.loose and velocity < 0.9 and rng.random() < layer.loose:
                velocity = 0.0 if velocity else 0.6 * float(rng.random() < 0.4)
            if not velocity or bar[i] < enters:
                continue
            chord = progression[bar[i] % 4]
            length = _length(layer, bar[i], i % width) * 60 / bpm / how.steps
            walk = min(14, max(-3, walk + int(rng.integers(-2, 3))))
            if layer.how == "chord":
                pitches = [layer.octave + (key + tone_ - layer.octave) % 12 for tone_ in chord]
            elif layer.how == "broken":
                tone_ = chord[(0, 1, 2, 1)[i % 4]]
                pitches = [layer.octave + (key + tone_ - layer.octave) % 12]
            elif layer.how == "bass":
                tone_ = chord[0] if rng.random() < 0.8 else chord[2]
                pitches = [layer.octave + (key + tone_ - layer.octave) % 12]
            else:
                pitches = [layer.octave + key % 12 - 6 + 12 * (walk // 7) + _SCALE[walk % 7]]
            notes += [_human(rng, how, times[i], length, tone, pitch, velocity * layer.gain)
                      for pitch in pitches]
    return sorted(notes), bpm


def _length(layer: Layer, bar: int, step: int) -> int:
    """Steps until the layer's next note, at most a bar."""
    pattern = layer.bars[bar % len(layer.bars)]
    after = pattern[step + 1:]
    return next((i for i, digit in enumerate(after, 1) if digit != "0"), len(after) + 1)


def _human(rng: np.random.Generator, how: Style, start: float, duration: float, voice: str,
           pitch: int, velocity: float) -> Note:
    late = how.jitter_s * float(rng.standard_normal())
    loud = velocity * (1 + 0.1 * float(rng.standard_normal()))
    return Note(max(0.0, start + late), 0.9 * duration, voice, pitch, max(0.02, loud))


def render(notes: list[Note], rng: np.random.Generator, seconds: float) -> Sound:
    """The notes as sound in a small room, 44,100 samples a second, peak 0.7."""
    bus = np.zeros(round((seconds + 8) * SAMPLE_RATE), np.float32)
    made: dict[tuple[str, int, int], Sound] = {}
    for note in notes:
        key = (note.voice, note.pitch, round(note.duration * 20))
        if key not in made:
            if note.voice in TONES:
                made[key] = play(TONES[note.voice], note.pitch, min(note.duration, 4.0), 0.7, rng)
            else:
                made[key] = np.float32(0.4) * drum_takes(note.voice, float(rng.random()), rng)[0]
        at = round(note.start * SAMPLE_RATE)
        sound = made[key][:len(bus) - at]
        bus[at:at + len(sound)] += np.float32(note.velocity) * sound
    response = room_response(rng, float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.1, 0.4)))
    n = 1 << (len(bus) + len(response) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(bus, n) * np.fft.rfft(response, n), n)
    wet = wet[:round(seconds * SAMPLE_RATE)]
    return np.asarray(0.7 * wet / max(1e-9, np.abs(wet).max()), np.float32)
