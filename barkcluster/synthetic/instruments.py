"""Sounds of single notes: pitched tones, a drum kit, colored noise, a small room.

Only ``synthetic`` and its helpers use these. A pitched note is a polynomial in
``w(t) = b(t) exp(i phase(t))``: its powers are the harmonics, and a ``b`` that falls below 1
damps the upper ones sooner, as a plucked string or a closing filter does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

SAMPLE_RATE = 44_100
DRUMS = ("kick", "snare", "hat", "open hat", "ride", "low tom", "high tom", "crash")
N_TAKES = 3

Sound = npt.NDArray[np.float32]
_HIGHEST_HZ = 14_000.0
_FASTEST_FADE_S = 0.0015  # shorter edges are heard, and seen in the frames, as clicks


@dataclass(frozen=True)
class Tone:
    """How one instrument makes a note.

    Attributes
    ----------
    weights : tuple of float
        Amplitudes of the harmonics, the fundamental first.
    attack, decay, release : float
        Seconds: linear rise; fall to 1/e while held (``inf`` sustains); fade after the end.
    bright : tuple of float
        Damping base of the harmonics at the onset and later, and the seconds between.
    vibrato : tuple of float
        Rate in Hz and depth in cents.
    detune : float
        Two copies this many cents apart; 0 for one alone.
    fm : tuple of float
        Frequency modulation: ratio, index and the seconds in which the index decays.
    breath : float
        Level of the noise that follows the note.
    drive : float
        Above 0, distortion before the envelope.
    """

    weights: tuple[float, ...]
    attack: float = 0.004
    decay: float = float("inf")
    release: float = 0.06
    bright: tuple[float, float, float] = (1.0, 0.95, 0.3)
    vibrato: tuple[float, float] = (0.0, 0.0)
    detune: float = 0.0
    fm: tuple[float, float, float] = (1.0, 0.0, 1.0)
    breath: float = 0.0
    drive: float = 0.0


def _saw(n: int) -> tuple[float, ...]:
    return tuple(1.0 / k for k in range(1, n + 1))


def _square(n: int) -> tuple[float, ...]:
    return tuple(k % 2 / k for k in range(1, n + 1))


def _plucked(n: int, at: float) -> tuple[float, ...]:
    """Harmonics of a string plucked at this share of its length."""
    return tuple(abs(float(np.sin(np.pi * k * at))) / k for k in range(1, n + 1))


BASSES = {
    "finger bass": Tone(_plucked(18, 0.23), 0.006, 0.9, 0.05, (0.93, 0.72, 0.12)),
    "picked bass": Tone(_plucked(26, 0.11), 0.002, 0.8, 0.04, (1.0, 0.84, 0.15)),
    "synth bass": Tone(_saw(28), 0.004, 1.5, 0.05, (0.98, 0.78, 0.18), detune=7.0),
    "round bass": Tone((1.0, 0.35, 0.12, 0.05), 0.008, 1.2, 0.06, (1.0, 0.9, 0.2)),
}
KEYS = {
    "electric piano": Tone((1.0, 0.12), 0.003, 1.1, 0.10, fm=(7.0, 0.6, 0.12)),
    "organ": Tone((1.0, 0.8, 0.6, 0.5, 0.0, 0.25, 0.0, 0.3), 0.008, release=0.04,
                  vibrato=(6.3, 7.0), breath=0.01),
    "piano": Tone(_plucked(22, 0.12), 0.002, 0.7, 0.12, (0.98, 0.86, 0.25), detune=1.6),
    "clavinet": Tone(_plucked(30, 0.06), 0.0015, 0.35, 0.03, (1.0, 0.93, 0.2)),
    "guitar": Tone(_plucked(26, 0.15), 0.0015, 0.6, 0.08, (1.0, 0.88, 0.2), breath=0.004),
}
PADS = {
    "strings": Tone(_saw(24), 0.14, release=0.30, bright=(0.90, 0.95, 0.5),
                    vibrato=(5.2, 9.0), detune=14.0),
    "warm pad": Tone(_saw(18), 0.22, release=0.35, bright=(0.72, 0.86, 0.8), detune=11.0),
    "choir": Tone((1.0, 0.7, 0.9, 0.35, 0.15, 0.2, 0.1), 0.12, release=0.25,
                  vibrato=(4.6, 16.0), detune=9.0, breath=0.03),
    "brass": Tone(_saw(22), 0.05, release=0.10, bright=(0.70, 0.93, 0.09), vibrato=(4.8, 6.0)),
}
LEADS = {
    "square lead": Tone(_square(19), 0.006, 2.5, 0.07, (1.0, 0.94, 0.3), (5.4, 12.0)),
    "flute": Tone((1.0, 0.25, 0.12, 0.04), 0.05, release=0.08, vibrato=(5.0, 14.0), breath=0.06),
    "saxophone": Tone((0.7, 1.0, 0.8, 0.65, 0.5, 0.3, 0.3, 0.2, 0.15, 0.1), 0.03, release=0.06,
                      bright=(0.88, 0.98, 0.1), vibrato=(5.1, 15.0), breath=0.03),
    "fuzz guitar": Tone(_plucked(16, 0.2), 0.003, 1.8, 0.06, (1.0, 0.92, 0.3), (5.6, 10.0),
                        breath=0.01, drive=3.0),
    "vibraphone": Tone((1.0, 0.0, 0.0, 0.25), 0.002, 0.9, 0.15, (1.0, 0.8, 0.1),
                       fm=(4.0, 0.2, 0.2)),
}
STRANGERS = {
    "bagpipe": Tone(tuple(1.0 / k ** 0.5 for k in range(1, 25)), 0.015, release=0.02,
                    bright=(0.97, 0.97, 1.0), detune=4.0, breath=0.02),
    "tubular bell": Tone((1.0, 0.3, 0.2), 0.001, 1.4, 0.3, fm=(3.53, 2.2, 0.9)),
    "accordion": Tone((0.8, 1.0, 0.7, 0.8, 0.5, 0.6, 0.4, 0.4, 0.3, 0.3), 0.03, release=0.05,
                      bright=(0.92, 0.97, 0.1), detune=22.0),
    "marimba": Tone((1.0, 0.0, 0.0, 0.5), 0.001, 0.13, 0.04, (1.0, 0.6, 0.05)),
    "harpsichord": Tone(_plucked(34, 0.04), 0.001, 0.5, 0.04, (1.0, 0.97, 0.3), breath=0.005),
    "theremin": Tone((1.0, 0.2, 0.05), 0.09, release=0.12, vibrato=(6.6, 55.0)),
}
TONES = {**BASSES, **KEYS, **PADS, **LEADS, **STRANGERS}


def play(tone: Tone, pitch: int, duration: float, loudness: float,
         rng: np.random.Generator) -> Sound:
    """One note at about unit power; `pitch` is a MIDI number, and louder notes are brighter."""
    n = round((duration + tone.release) * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    weights = tone.weights[:max(1, int(_HIGHEST_HZ / hz))]
    start, later, seconds = tone.bright
    damping = later + (start - later) * np.exp(-t / seconds)
    damping **= 1.0 + 1.2 * (1.0 - loudness)
    cycles = t + _vibrato_seconds(tone, t)
    cents = (-tone.detune / 2, tone.detune / 2) if tone.detune else (0.0,)
    tail = t - duration  # negative while the note is held
    envelope = np.minimum(1.0, t / max(tone.attack, _FASTEST_FADE_S)) * np.exp(-t / tone.decay)
    envelope *= np.clip(1.0 - tail / tone.release, 0.0, 1.0) ** 2
    sound = np.zeros(n, np.float32)
    for offset in cents:
        phase = 2 * np.pi * ((hz * 2.0 ** (offset / 1200) * cycles + rng.random()) % 1.0)
        if tone.fm[1]:
            ratio, index, fades = tone.fm
            phase += loudness * index * np.exp(-t / fades) * np.sin(ratio * phase)
        sound += _harmonics(weights, damping.astype(np.float32), phase.astype(np.float32))
    sound /= np.sqrt(0.5 * len(cents) * sum(w * w for w in weights))
    if tone.breath:
        sound += tone.breath * np.sqrt(2) * rng.standard_normal(n, np.float32)
    if tone.drive:
        sound = np.tanh(tone.drive * sound)
    sound *= envelope.astype(np.float32)
    return sound


def _vibrato_seconds(tone: Tone, t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far vibrato, which sets in after the onset, has moved the phase, in seconds."""
    rate, cents = tone.vibrato
    if not cents:
        return np.zeros_like(t)
    depth = (2.0 ** (cents / 1200) - 1.0) * np.clip((t - 0.1) / 0.3, 0.0, 1.0)
    moved: npt.NDArray[np.float64] = depth * np.sin(2 * np.pi * rate * t) / (2 * np.pi * rate)
    return moved


def _harmonics(weights: tuple[float, ...], damping: Sound, phase: Sound) -> Sound:
    """Sum of ``weights[k-1] damping**k sin(k phase)``, by Horner's rule in complex numbers."""
    w = np.empty(len(phase), np.complex64)
    w.real = damping * np.cos(phase)
    w.imag = damping * np.sin(phase)
    total = np.full(len(phase), weights[-1], np.complex64)
    for weight in weights[-2::-1]:
        total *= w
        total += np.float32(weight)
    total *= w
    return total.imag.copy()


def colored_noise(n: int, rng: np.random.Generator, low_hz: float, high_hz: float,
                  tilt: float = 0.0) -> Sound:
    """Noise of unit power between two frequencies; `tilt` in dB per octave. Loops seamlessly."""
    spectrum = scipy.fft.rfft(rng.standard_normal(n, np.float32))
    hz = np.maximum(scipy.fft.rfftfreq(n, 1 / SAMPLE_RATE), 1.0)
    gain = 1.0 / (1.0 + (low_hz / hz) ** 4) / (1.0 + (hz / high_hz) ** 4)
    gain *= (hz / low_hz) ** (tilt / 6.02)
    sound = scipy.fft.irfft(spectrum * gain.astype(np.float32), n)
    sound /= np.sqrt(np.mean(sound * sound))
    return np.asarray(sound, np.float32)


def _hit(n_s: float) -> npt.NDArray[np.float64]:
    return np.arange(round(n_s * SAMPLE_RATE)) / SAMPLE_RATE


def _skin(seconds: float, hz: float, sweep: float, ring: float) -> npt.NDArray[np.float64]:
    """A drum skin: a sine that falls from `sweep` times its pitch and rings for `ring` s."""
    t = _hit(seconds)
    cycles = hz * (t + (sweep - 1.0) * 0.025 * (1.0 - np.exp(-t / 0.025)))
    skin: npt.NDArray[np.float64] = np.sin(2 * np.pi * cycles) * np.exp(-t / ring)
    return skin


def _kick(rng: np.random.Generator, size: float) -> npt.NDArray[np.float64]:
    body = _skin(0.4, 44.0 + 22.0 * size, 3.5, 0.09 + 0.08 * (1 - size))
    click = colored_noise(len(body), rng, 800.0, 5000.0) * np.exp(-_hit(0.4) / 0.006)
    return 1.5 * body + (0.10 + 0.25 * size) * click


def _snare(rng: np.random.Generator, size: float) -> npt.NDArray[np.float64]:
    t = _hit(0.35)
    wires = colored_noise(len(t), rng, 900.0 + 900 * size, 8000.0)
    wires = wires * np.exp(-t / (0.06 + 0.06 * size))
    return 0.6 * _skin(0.35, 165.0 + 60 * size, 1.6, 0.06) + 0.40 * wires


def _metal(rng: np.random.Generator, size: float, seconds: float, ring: float,
           low_hz: float) -> npt.NDArray[np.float64]:
    """Hats and cymbals: noise and a cluster of inharmonic partials, both high."""
    t = _hit(seconds)
    sound = 0.8 * colored_noise(len(t), rng, low_hz, 11_000.0).astype(np.float64)
    for ratio in (1.0, 1.342, 1.2312, 1.6532, 1.9523):
        sound += 0.25 * np.sin(2 * np.pi * (low_hz * (0.8 + 0.3 * size)) * ratio * t
                               + 6.0 * rng.random())
    return sound * np.exp(-t / ring)


_HITS: dict[str, Callable[[np.random.Generator, float], npt.NDArray[np.float64]]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": lambda rng, size: 0.16 * _metal(rng, size, 0.12, 0.025 + 0.02 * size, 7000.0),
    "open hat": lambda rng, size: 0.15 * _metal(rng, size, 0.5, 0.13 + 0.1 * size, 6500.0),
    "ride": lambda rng, size: 0.11 * _metal(rng, size, 0.8, 0.22, 4200.0),
    "low tom": lambda rng, size: 1.1 * _skin(0.5, 85.0 + 30 * size, 1.5, 0.16),
    "high tom": lambda rng, size: 1.1 * _skin(0.45, 130.0 + 40 * size, 1.5, 0.13),
    "crash": lambda rng, size: 0.16 * _metal(rng, size, 1.6, 0.45, 3500.0),
}


def drum_takes(drum: str, size: float, rng: np.random.Generator) -> list[Sound]:
    """`N_TAKES` hits of one drum of a kit, no two quite alike."""
    takes = []
    for _ in range(N_TAKES):
        hit = _HITS[drum](rng, size)
        ramp = np.arange(len(hit)) / SAMPLE_RATE
        hit *= np.minimum(1.0, ramp / _FASTEST_FADE_S) * np.minimum(1.0, ramp[::-1] / 0.02)
        takes.append(hit.astype(np.float32))
    return takes


def room_response(rng: np.random.Generator, seconds: float, wet: float) -> Sound:
    """Impulse response of a small room: the direct sound, then a darkening, decaying tail."""
    t = _hit(seconds)
    bright, dark = (colored_noise(len(t), rng, low, high) for low, high in
                    ((300.0, 9000.0), (200.0, 2500.0)))
    tail = bright * np.exp(-t / (0.10 * seconds)) + dark * np.exp(-t / (0.22 * seconds))
    tail *= np.clip((t - 0.008) / 0.004, 0.0, 1.0) * np.clip((seconds - t) / 0.05, 0.0, 1.0)
    tail *= wet / np.sqrt(np.sum(tail * tail))
    tail[0] = 1.0
    return tail.astype(np.float32)
