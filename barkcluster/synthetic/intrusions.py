"""Sounds that the band never played, for ``synthetic``: a function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .instruments import SAMPLE_RATE, STRANGERS, Sound, colored_noise, play
from .mixing import Voices, add_notes
from .songwriting import STEPS_PER_BAR, Note, Song, perform, write_song

_STRANGE_TEMPO_RATIOS = (0.62, 0.71, 1.37, 1.61)


class Moment(NamedTuple):
    """What an intrusion is told of the band that it interrupts."""

    seconds: float
    song: Song
    notes: Sequence[Note]  # what the band would play meanwhile, from 0 s
    voices: Voices


class Intrusion(NamedTuple):
    """How a kind of intrusion sounds and how much of the band stays audible."""

    render: Callable[[np.random.Generator, Moment], Sound]
    band_gain: float
    level: float  # its RMS amplitude against the band's


def _silence(moment: Moment) -> Sound:
    return np.zeros(round(moment.seconds * SAMPLE_RATE), np.float32)


def _add(sound: Sound, note: Sound, start_s: float) -> None:
    at = round(start_s * SAMPLE_RATE)
    note = note[:max(0, len(sound) - at)]
    sound[at:at + len(note)] += note


def _instrument(rng: np.random.Generator, moment: Moment) -> Sound:
    """An instrument that the band lacks, alone, in three time, in chords off the key."""
    sound = _silence(moment)
    tone = STRANGERS[str(rng.choice(list(STRANGERS)))]
    beat = 60.0 / moment.song.tempo * float(rng.choice((0.77, 0.87, 1.18)))
    root = 51 + int(rng.integers(12))
    for i in range(int(moment.seconds / beat) + 1):
        chord = (0,) if i % 3 == 0 else (4, 8, 13)
        for tone_above in chord:
            shift = (0, 6, 1, 7)[i // 3 % 4]
            _add(sound, play(tone, root + tone_above + shift, 0.6 * beat, 0.9, rng), i * beat)
    return sound


def _tempo(rng: np.random.Generator, moment: Moment) -> Sound:
    """Another band: its own song, key and sounds, at another tempo."""
    tempo = moment.song.tempo * float(rng.choice(_STRANGE_TEMPO_RATIOS))
    song = write_song(rng, tempo=min(max(tempo, 50.0), 230.0), swing=None)
    score = perform(rng, song, moment.seconds, section_bars=4, n_parts=1, drums=True,
                    settled_s=moment.seconds)
    sound = _silence(moment)
    add_notes(sound, score.notes, Voices(song, rng), 0)
    return sound


def _noise(rng: np.random.Generator, moment: Moment) -> Sound:
    """Bursts of noise, each in another color: a loose cable, a falling stand."""
    sound = _silence(moment)
    at = 0.0
    while at < moment.seconds:
        seconds = float(rng.uniform(0.15, 1.2))
        n = round(seconds * SAMPLE_RATE)
        low = float(rng.uniform(100.0, 3000.0))
        burst = colored_noise(n, rng, low, low * float(rng.uniform(2.0, 6.0)))
        t = np.arange(n) / n
        burst *= (np.minimum(1.0, 40 * t) * (1.0 - t)).astype(np.float32)
        _add(sound, burst, at)
        at += seconds * float(rng.uniform(0.6, 1.1))
    return sound


def _crowd(rng: np.random.Generator, moment: Moment) -> Sound:
    """Applause of many hands, each at its own pace, over a murmur."""
    sound = _silence(moment)
    n = len(sound)
    claps = [colored_noise(900, rng, float(hz), 2.5 * float(hz))
             * np.exp(-np.arange(900) / 130).astype(np.float32)
             for hz in rng.uniform(700.0, 1800.0, 12)]
    for clap in claps:
        for _ in range(4):
            pace = float(rng.uniform(0.18, 0.32))
            times = np.arange(rng.uniform(0, pace), moment.seconds, pace)
            for time in times + rng.normal(0.0, 0.02, len(times)):
                _add(sound, clap, max(0.0, float(time)))
    murmur = colored_noise(n, rng, 250.0, 900.0)
    babble = 0.5 + colored_noise(n, rng, 2.0, 6.0)
    sound += np.float32(0.5) * murmur * np.abs(babble)
    return sound


def _melody(rng: np.random.Generator, moment: Moment) -> Sound:
    """An unknown melody in another register, in triplets, over the band."""
    sound = _silence(moment)
    tone = STRANGERS[str(rng.choice(("bagpipe", "theremin", "harpsichord", "accordion")))]
    step = 20.0 / moment.song.tempo
    center = int(rng.choice((40, 88)))
    pitch, at = center, 0.0
    while at < moment.seconds:
        steps = int(rng.choice((1, 1, 2, 2, 4)))
        _add(sound, play(tone, pitch, 0.9 * steps * step, 0.9, rng), at)
        pitch += int(rng.choice((-5, -3, -1, 1, 2, 4, 6)))
        pitch = center + (pitch - center + 8) % 17 - 8
        at += steps * step
    return sound


def _order(rng: np.random.Generator, moment: Moment) -> Sound:
    """The notes the band would play, in the wrong order: pieces of a beat or less, shuffled."""
    piece = float(rng.choice((0.5, 1.0))) * 60.0 / moment.song.tempo
    n_pieces = max(2, int(moment.seconds / piece) + 1)
    places = rng.permutation(n_pieces)
    shuffled = []
    for note in moment.notes:
        i = min(int(note.start / piece), n_pieces - 1)
        start = note.start + piece * float(places[i] - i)
        if 0.0 <= start < moment.seconds:
            short = min(note.steps, STEPS_PER_BAR // 4)
            shuffled.append(note._replace(start=start, steps=short))
    sound = _silence(moment)
    add_notes(sound, sorted(shuffled), moment.voices, 0)
    return sound


INTRUSIONS = {
    "instrument": Intrusion(_instrument, band_gain=0.0, level=0.9),
    "noise": Intrusion(_noise, band_gain=0.5, level=0.9),
    "tempo": Intrusion(_tempo, band_gain=0.0, level=1.0),
    "melody": Intrusion(_melody, band_gain=0.8, level=0.6),
    "crowd": Intrusion(_crowd, band_gain=0.4, level=0.7),
    "order": Intrusion(_order, band_gain=0.0, level=1.0),
}
