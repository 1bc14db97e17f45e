"""Stamps as a grid: places in time that are a step apart, some of which may have no frame."""

from __future__ import annotations

import math

import numpy as np

from barkcluster._typing import FloatArray, IntArray

from .line_of_stamps import Line, usual_step

# Distance in frames up to which a stamp belongs to a place, in a column without jitter.
_SHARP = 0.3
# A longer step, in frames, is a pause.
_PAUSE = 6.5
# Stamps are compared with a rate in stretches: frames in one, stretches at most, frames in the
# shortest, and bins of time at most.
_STRETCH = 4096
_MOST_STRETCHES = 12
_FEWEST_IN_STRETCH = 32
_MOST_BINS = 1 << 22
# A rate this close to the beat of the stamps' own clock, in ticks, tells nothing.
_SHARE_OF_TICK = 0.02


def on_grid_of(stamps: FloatArray, rate: float, fixed: bool = False,
               ) -> tuple[float, IntArray] | None:
    """Rate and frame numbers if each stamp is near a place of its own, else None.

    Parameters
    ----------
    stamps : ndarray of shape (n_frames,)
        In any unit, not falling.
    rate : float
        Frames in a unit: about that many or, where it is fixed, exactly.
    fixed : bool, default=False

    Returns
    -------
    rate : float
        As the stamps tell it.
    numbers : ndarray of int of shape (n_frames,)
        The first is 0.
    """
    t = stamps - stamps[0]
    n = len(t)
    # A pause is no whole number of frames: each stretch has its own places.
    starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(t) * rate > _PAUSE)])
    if not fixed:
        # From few steps to many: each number is right if the rate is known to a share of a frame.
        first = max(zip(starts, np.append(starts[1:], n), strict=True), key=lambda p: p[1] - p[0])
        part = t[first[0]:first[1]] - t[first[0]]
        m = 16
        while True:
            piece = part[:m]
            places = np.rint(piece * rate - _offset(piece, rate))
            if len(piece) > 1:
                dk, dt = places - places.mean(), piece - piece.mean()
                if not dt @ dt > 0 or not dk @ dk > 0:
                    return None
                rate = float(dk @ dk) / float(dk @ dt)
            if m >= len(part):
                break
            m *= 2
    numbers = np.empty(n, dtype=np.int64)
    base = 0
    for a, b in zip(starts, np.append(starts[1:], n), strict=True):
        piece = t[a:b] - t[a]
        off = _offset(piece, rate)
        places = np.rint(piece * rate - off)
        if np.any(np.abs(piece * rate - off - places) > _SHARP) or np.any(np.diff(places) < 1):
            return None
        if a:
            base = int(numbers[a - 1]) + max(1, round((t[a] - t[a - 1]) * rate))
        numbers[a:b] = base + (places - places[0]).astype(np.int64)
    return rate, numbers


def _offset(times: FloatArray, rate: float) -> float:
    """Phase of the times in a period of the rate, from -0.5 to 0.5."""
    return float(np.angle(np.exp(2j * np.pi * rate * times).mean()) / (2 * np.pi))


def coherent_rate(stamps: FloatArray, line: Line, most: float) -> float | None:
    """The most coherent rate of the stamps, above that of the line and below `most`, or None."""
    from scipy.fft import rfft  # here, so that text is read without scipy

    parts = _stretches(stamps, line.starts)
    bin_s = 1.0 / (16.0 * most)
    longest = max((float(part[-1]) for part in parts), default=0.0)
    # Powers of two: a step between rates is a quarter of what the longest stretch tells apart.
    size = 1 << math.ceil(math.log2(4.0 * longest / bin_s + 2.0))
    if not parts or size > _MOST_BINS:
        return None
    n = sum(map(len, parts))
    beats = np.zeros(size // 2 + 1)
    for part in parts:
        counts = np.bincount(np.rint(part / bin_s).astype(np.intp), minlength=size)
        beats += np.abs(rfft(counts.astype(np.float64))) ** 2 - len(part)
    rates = np.arange(len(beats)) / (size * bin_s)
    inside = np.flatnonzero((rates > line.rate * 1.003) & (rates < most))
    if not len(inside):
        return None
    beat = rates[inside] * tick(stamps)  # to that of their clock they keep in any case
    inside = inside[np.abs(beat - np.maximum(np.rint(beat), 1.0)) > _SHARE_OF_TICK]
    if not len(inside):
        return None
    found = np.sqrt(np.maximum(beats[inside] / sum(len(part) ** 2 for part in parts), 0.0))
    # The highest coherence that chance alone reaches among that many rates.
    if found.max() < max(0.05, 1.8 * np.sqrt(np.log(len(inside)) / n)):
        return None
    # Rounded stamps keep to several rates alike: the lowest of those loses least.
    first = int(np.flatnonzero(found >= 0.85 * found.max())[0])
    best = first + int(np.argmax(found[first:first + 16]))
    return _refined(parts, float(rates[inside[best]]), float(rates[1]))


def _stretches(stamps: FloatArray, starts: IntArray) -> list[FloatArray]:
    """Some runs of stamps without a pause in them, each counted from 0."""
    cuts = [start + i for start, stop in zip(starts, [*starts[1:], len(stamps)], strict=True)
            for i in range(0, stop - start, _STRETCH)] + [len(stamps)]
    runs = [stamps[a:b] - stamps[a] for a, b in zip(cuts[:-1], cuts[1:], strict=True)
            if b - a >= min(_FEWEST_IN_STRETCH, len(stamps))]
    every = max(1, len(runs) // _MOST_STRETCHES)
    return runs[::every]


def _refined(parts: list[FloatArray], rate: float, step: float) -> float:
    """The rate near this one at which the stamps are most coherent."""
    near = rate + np.linspace(-step, step, 81)
    beats = sum(np.abs(np.exp(2j * np.pi * near[:, None] * part).sum(axis=1)) ** 2
                for part in parts)
    return float(near[np.argmax(beats)])


def tracked(stamps: FloatArray, rate: float) -> IntArray:
    """Frame numbers where stamps stray by more than a frame's length, and some frames are lost."""
    from scipy.ndimage import median_filter  # here, for the same reason

    n = len(stamps)
    behind = (stamps - stamps[0]) * rate - np.arange(n)
    level = median_filter(behind, size=min(15, n), mode="nearest")
    return np.arange(n) + np.maximum.accumulate(np.rint(level - level[0])).astype(np.int64)


def quantum(stamps: FloatArray) -> float:
    """The power of ten that all stamps are multiples of, their last digit; 0 if there is none."""
    for digits in range(7):
        scaled = stamps * 10.0 ** digits
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled))):
            return 10.0 ** -digits
    return 0.0


def tick(stamps: FloatArray) -> float:
    """The smallest step if all are multiples of it, as with a slow clock; else `quantum`."""
    steps = np.diff(stamps)
    least = float(steps[steps > 1e-3 * usual_step(stamps)].min())
    least = float(steps[(steps >= least) & (steps < 1.5 * least)].mean())
    digit = quantum(stamps)
    times = steps[steps < 64 * least] / least
    near = 0.02 + 1.1 * digit / least
    if near >= 0.3:
        return digit
    return least if np.all(np.abs(times - np.rint(times)) < near) else digit
