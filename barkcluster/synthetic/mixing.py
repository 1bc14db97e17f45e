"""Sound of the notes of ``synthetic``: each player's voice, and all of them mixed."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.fft

from .instruments import (
    DRUMS,
    SAMPLE_RATE,
    TONES,
    Sound,
    colored_noise,
    drum_takes,
    play,
    room_response,
)
from .songwriting import Note, Song

BLOCK = 2 * SAMPLE_RATE
_LOUDNESS_LAYERS = 3
_LONGEST_S = 7.0
_GAINS = {"drums": 0.42, "bass": 0.20, "keys": 0.065, "pad": 0.03, "lead": 0.11}
_HISS_BLOCKS = 4
_DRIVE = np.float32(1.5)
_HUM_HARMONICS = (1.0, 0.5, 0.7, 0.2, 0.3)


class Voices:
    """The band's sounds, each rendered once for a pitch, length and loudness, then reused."""

    def __init__(self, song: Song, rng: np.random.Generator) -> None:
        self._song = song
        self._rng = rng
        self._sounds: dict[tuple[str, int, int, int], list[Sound]] = {}
        self._n_played = 0

    def sound(self, note: Note) -> Sound:
        """The note at unit level; drums alternate between their takes."""
        loudness = min(int(note.velocity * _LOUDNESS_LAYERS), _LOUDNESS_LAYERS - 1)
        if note.player == "drums":
            loudness = 0
        key = (note.player, note.pitch, note.steps, loudness)
        if key not in self._sounds:
            self._sounds[key] = self._render(note, (loudness + 0.7) / _LOUDNESS_LAYERS)
        takes = self._sounds[key]
        self._n_played += 1
        return takes[self._n_played % len(takes)]

    def _render(self, note: Note, loudness: float) -> list[Sound]:
        if note.player == "drums":
            drum = DRUMS[note.pitch]
            return drum_takes(drum, self._song.kit[drum], self._rng)
        tone = TONES[self._song.instruments[note.player]]
        duration = min(0.95 * note.steps * 15.0 / self._song.tempo, _LONGEST_S)
        return [play(tone, note.pitch, duration, loudness, self._rng)]


def add_notes(bus: Sound, notes: Sequence[Note], voices: Voices, start: int) -> None:
    """Add notes to a bus whose first sample is number `start`; what lies beyond its end is cut."""
    for note in notes:
        at = round(note.start * SAMPLE_RATE) - start
        sound = voices.sound(note)[:len(bus) - at]
        bus[at:at + len(sound)] += np.float32(_GAINS[note.player] * note.velocity) * sound


def band_blocks(notes: Sequence[Note], voices: Voices, n_samples: int) -> Iterator[Sound]:
    """The dry band, block by block; memory does not grow with the length of the session."""
    bus = np.zeros(BLOCK + round((_LONGEST_S + 1.0) * SAMPLE_RATE), np.float32)
    starts = [note.start for note in notes]
    done = 0
    for first in range(0, n_samples, BLOCK):
        until = bisect.bisect_left(starts, (first + BLOCK - 0.5) / SAMPLE_RATE)
        add_notes(bus, notes[done:until], voices, first)
        done = until
        yield bus[:min(BLOCK, n_samples - first)].copy()
        bus[:-BLOCK] = bus[BLOCK:]
        bus[-BLOCK:] = 0.0


class Room:
    """What room and microphone add: reverberation, hiss, mains hum, soft saturation."""

    def __init__(self, rng: np.random.Generator) -> None:
        response = room_response(rng, float(rng.uniform(0.35, 0.7)), float(rng.uniform(0.12, 0.3)))
        self._n_fft = scipy.fft.next_fast_len(BLOCK + len(response) - 1, real=True)
        self._spectrum = scipy.fft.rfft(response, self._n_fft)
        self._tail = np.zeros(len(response) - 1, np.float32)
        hiss_db, hum_db, level_db = rng.uniform((-74.0, -80.0, -12.0), (-62.0, -68.0, 0.0))
        # Two seconds hold a whole number of periods of hum, which so loops without a click.
        t = np.arange(BLOCK) / SAMPLE_RATE
        mains = float(rng.choice((50.0, 60.0)))
        hum = sum(weight * np.sin(2 * np.pi * mains * k * t + rng.uniform(0, 2 * np.pi))
                  for k, weight in enumerate(_HUM_HARMONICS, 1))
        self._hum = (10 ** (hum_db / 20) * hum).astype(np.float32)
        self._hiss = colored_noise(_HISS_BLOCKS * BLOCK, rng, 40.0, 12_000.0, tilt=-3.5)
        self._hiss *= np.float32(10 ** (hiss_db / 20))
        self._gain = np.float32(10 ** (level_db / 20))
        self._n_blocks = 0

    def record(self, dry: Sound) -> Sound:
        """The next block as recorded, peaks below 0.95."""
        n = len(dry)
        wet = scipy.fft.irfft(scipy.fft.rfft(dry, self._n_fft) * self._spectrum, self._n_fft)
        wet = np.asarray(wet, np.float32)
        wet[:len(self._tail)] += self._tail
        self._tail = wet[n:n + len(self._tail)].copy()
        sound = wet[:n]
        sound += self._hum[:n]
        at = self._n_blocks % _HISS_BLOCKS * BLOCK
        sound += self._hiss[at:at + n]
        self._n_blocks += 1
        sound *= _DRIVE
        np.tanh(sound, out=sound)
        sound *= np.float32(0.95) * self._gain
        return sound
