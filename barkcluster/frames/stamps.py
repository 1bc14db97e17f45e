"""Frames on the grid of their stamps: the rate that a time column tells, and which are missing.

Stamps say when a frame was made, or when it arrived somewhere: rounded to hundredths, two at a
time, on the ticks of a slow clock, or late by what a network likes. So a rate is never read off
single steps. All stamps together are compared with two explanations:

all there
    The frames follow one another, and the stamps stray about their places: frame number against
    time is a line, and what strays from it comes back.
some lost
    The stamps are places on a grid themselves, and some places have no frame. What strays from a
    line does not come back.

Where the stamps fit both, more frames are there than lost; where they fit none, nobody can tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

IntArray = npt.NDArray[np.int64]

# A frame may be that far, in frames, from its place on the grid of a column without jitter.
_SHARP = 0.3
# More than this share of all frames is not lost: the stamps come in bursts.
_MOST_LOST = 0.36
# From here on they surely do; between the two is doubt.
_SURELY_BURSTS = 0.62
# Where somebody says the rate, more may be lost.
_FEWEST_THERE = 0.1
# A clock that ticks no faster than frames come tells no rate if some are lost.
_SLOW_CLOCK = 0.95
_SHARE_OF_TICK = 0.02
# Variance of lost frames in stretches of a few, over their mean: 1 by chance.
_LEAST_CHANCE = 0.5
# A step of so many frames may be a pause or a gap; shorter ones are few frames lost, or jitter.
_LONG_STEP = 4.0
_PAUSE = 6.5
# Stamps are compared with a rate in stretches of so many frames.
_STRETCH = 4096
_MOST_STRETCHES = 12
_FEWEST_IN_STRETCH = 32
_MOST_BINS = 1 << 22
# Rates that differ by less are one, where stamps stray.
_MARGIN = 0.03
_SAME = 0.003
# Years of frames in one step are no pause but damage, and so are stamps beyond any unit.
_MOST_FRAMES = 1e10
_SMALLEST, _LARGEST = 1e-18, 1e18
# Fewer lost than this are even by chance.
_FEWEST_EVEN = 6
_FEW = 0.03


class NoRateError(ValueError):
    """Stamps that tell no rate; the text says what they could mean."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the frames of a time column belong.

    Attributes
    ----------
    rate : float
        Frames in a unit of the stamps.
    numbers : ndarray of int of shape (n_frames,)
        Frame numbers, the first 0; where they skip, frames are missing.
    other_rate : float or None
        Another rate that the stamps may mean, where they leave doubt.
    """

    rate: float
    numbers: IntArray
    other_rate: float | None = None


def places_of(stamps: FloatArray, rates: tuple[float, ...] = ()) -> Places:
    """Places of frames by their stamps.

    Parameters
    ----------
    stamps : ndarray of shape (n_frames,)
        At least two, in any unit, not falling.
    rates : tuple of float
        Frames in a unit, if that is known: one of these.

    Returns
    -------
    places : Places

    Raises
    ------
    NoRateError
        If the stamps fit no rate.

    Examples
    --------
    >>> places_of(np.array([0.0, 10.0, 20.0, 40.0, 50.0, 60.0])).numbers
    array([0, 1, 2, 4, 5, 6])
    >>> bursts = np.repeat(np.arange(0.0, 300.0, 20.0), 2)
    >>> round(1000 * places_of(bursts).rate)
    100
    """
    if stamps[-1] == stamps[0]:
        raise NoRateError(f"all {len(stamps)} stamps are {stamps[0]:g}")
    steps = np.diff(stamps)
    usual = min(_usual_step(stamps), _usual_span(stamps))
    if not (_SMALLEST < usual and steps.max() < min(_LARGEST, _MOST_FRAMES * usual)):
        raise NoRateError(f"steps are from {steps[steps > 0].min():g} to {steps.max():g}")
    line = _Line(stamps)
    for rate in rates:
        found = _on_grid(stamps, rate, fixed=True) if line.rate > _FEWEST_THERE * rate else None
        if found is not None:
            return Places(rate, found[1])
    for rate in rates:
        if abs(line.rate / rate - 1) < _MARGIN:
            return Places(rate, line.numbers(rate))
        if 1 - _MOST_LOST < line.rate / rate < 1:
            return Places(rate, _tracked(stamps, rate))
    return _chosen(stamps, line)


def _chosen(stamps: FloatArray, line: _Line) -> Places:
    """What explains the stamps best."""
    found = _on_grid(stamps, 1.0 / _usual_step(stamps))
    if found is not None and line.n_within(found[1]) == line.n_shown:
        return Places(*found)
    all_there = Places(line.rate, line.numbers(line.rate))
    if found is None:
        return _with_jitter(stamps, line, all_there)
    rate, numbers = found
    n_lost = line.n_within(numbers) - line.n_shown
    share = n_lost / line.n_within(numbers)
    strays = np.ptp(stamps * rate - numbers) if len(line.starts) == 1 else _spread(
        stamps * rate - numbers, line.starts)
    digit = _quantum(stamps) * rate
    rounded = 1.2 * digit if digit < 0.25 else 0.0
    crisp = strays < 0.02 + rounded
    # Frames lost by chance would stray as a random walk does, jitter by a part of a step.
    even = min(1.0 + 0.1 * np.sqrt(n_lost), 2.0) * line.rate / rate
    if crisp and n_lost >= _FEWEST_EVEN and share > _FEW and line.strays <= even:
        # As even as if the stamps of another rate were rounded to this grid.
        left_out = _is_each_nth(numbers) and not (
            line.begins_at_zero(1.0 / rate) or _is_tick(1.0 / rate)
            or (_is_customary(line.rate) and stamps[0]))
        return Places(rate, numbers, line.rate) if left_out else all_there
    if crisp and share < _SURELY_BURSTS and (
            _is_tick(1.0 / rate) or abs(rate * _quantum(stamps) - 1.0) < 1e-3):
        # The grid is that of digits or a clock: beneath it may be another one, with frames lost.
        beneath = _with_losses(stamps, line, 0.97 * rate)
        if beneath is not None:
            return Places(beneath.rate, beneath.numbers, rate)
    if crisp and _is_tick(1.0 / rate):
        return _with_jitter(stamps, line, all_there)
    sure = line.wanders or (
        strays < 0.2 + rounded and strays < 0.25 * line.strays)
    if share <= _MOST_LOST and sure:
        return Places(rate, numbers)
    if share < _SURELY_BURSTS and sure:
        return Places(all_there.rate, all_there.numbers, rate)
    return _with_jitter(stamps, line, all_there)


def _with_jitter(stamps: FloatArray, line: _Line, all_there: Places) -> Places:
    """What explains stamps that are on no grid."""
    if not line.wanders:
        return all_there
    # A clock slower than the frames keeps to the beats of other rates as well.
    if _tick(stamps) * line.rate < _SLOW_CLOCK:
        found = _with_losses(stamps, line, line.rate / (1 - _MOST_LOST))
        if found is not None:
            return found
    usual = 1.0 / _usual_step(stamps)
    if abs(line.rate / usual - 1) < _SAME:
        return all_there
    raise NoRateError(f"{line.rate:.6g} if all frames are there, {usual:.6g} as most steps say")


def _with_losses(stamps: FloatArray, line: _Line, most: float) -> Places | None:
    """Places at a rate up to `most` that the stamps keep to, if frames are lost there by chance.

    A rate that is not the frames' own would miss frames as evenly as a comb misses teeth.
    """
    rate = _coherent_rate(stamps, line, most)
    if rate is None:
        return None
    numbers = _tracked(stamps, rate)
    lost = np.diff(numbers) - 1
    lost[line.starts[1:] - 1] = 0  # pauses are no chance
    size = math.ceil(5 * len(lost) / max(1, int(lost.sum())))
    n = len(lost) // size
    counts = lost[:n * size].reshape(n, size).sum(axis=1)
    if n >= 8 and counts.var() < _LEAST_CHANCE * counts.mean():
        return None
    return Places(rate, numbers)


class _Line:
    """Frame number against time, all frames there but for pauses.

    Attributes
    ----------
    rate : float
        Frames in a unit.
    starts : ndarray of int
        Frames that begin a stretch: the first, and those after a pause.
    residual : ndarray of shape (n_frames,)
        How many frames later than its place each stamp is.
    strays : float
        How far apart the residuals of one stretch are.
    """

    def __init__(self, stamps: FloatArray) -> None:
        self._stamps = stamps
        n = len(stamps)
        usual = _usual_span(stamps)
        self.starts = _after_long_steps(stamps, usual)
        part = np.zeros(n, dtype=np.intp)
        part[self.starts[1:]] = 1
        self._part = np.cumsum(part)
        counts = np.bincount(self._part)
        k = np.arange(n, dtype=np.float64)
        mean_k = np.bincount(self._part, k) / counts
        mean_t = np.bincount(self._part, stamps - stamps[0]) / counts
        dk, dt = k - mean_k[self._part], stamps - stamps[0] - mean_t[self._part]
        along = float(dk @ dk)
        self.rate = along / float(dk @ dt) if along and dk @ dt > 0 else 1.0 / usual
        self.residual = dt * self.rate - dk
        self.strays = _spread(self.residual, self.starts)
        self._mean_k, self._mean_t = mean_k, mean_t

    @property
    def n_shown(self) -> int:
        """Frames, but for one in each stretch between pauses: as many as there are steps."""
        return len(self._stamps) - len(self.starts)

    def n_within(self, numbers: IntArray) -> int:
        """Steps from place to place within the stretches between pauses."""
        inside = np.diff(numbers)
        inside[self.starts[1:] - 1] = 0
        return int(inside.sum())

    def numbers(self, rate: float) -> IntArray:
        """Frame numbers where all frames are there but in pauses."""
        k = np.arange(len(self._stamps))
        late = np.rint(self._mean_t * rate - self._mean_k)
        return k + np.maximum.accumulate(late - late[0])[self._part].astype(np.int64)

    def begins_at_zero(self, quantum: float) -> bool:
        """Whether they are the times from 0 on, rounded: none strays by more than half a digit."""
        first = self.starts[1] if len(self.starts) > 1 else len(self._stamps)
        late = self._stamps[:first] * self.rate - np.arange(first)
        return bool(self._stamps[0] == 0
                    and np.all(np.abs(late) <= 0.51 * quantum * self.rate + 1e-6))

    @property
    def wanders(self) -> bool:
        """Whether the stamps stray from the line for long."""
        parts = np.split(self.residual, self.starts[1:])
        longest = max(parts, key=len)
        step = np.diff(self._stamps) * self.rate
        step = np.delete(step, self.starts[1:] - 1)
        size = max(64, int(4 * step.max(initial=1.0)))
        n = len(longest) // size
        if n < 4:
            return False
        blocks = longest[:n * size].reshape(n, size)
        middle = blocks.mean(axis=1)
        along = np.arange(size) - (size - 1) / 2
        drift = blocks @ along / (along @ along)
        near = np.ptp(np.percentile(blocks - middle[:, None] - drift[:, None] * along, [10, 90]))
        return bool(np.ptp(np.percentile(middle, [5, 95])) > max(0.75, near))


def _usual_span(stamps: FloatArray) -> float:
    """Seconds a frame, the median over stretches: one pause among them does no harm."""
    n = len(stamps)
    span = min(64, max(1, (n - 1) // 8))
    spans = stamps[span:] - stamps[:-span]
    usual = float(np.median(spans)) / span
    return usual if usual > 0 else float(stamps[-1] - stamps[0]) / (n - 1)


def _usual_step(stamps: FloatArray) -> float:
    """Step that most frames are apart, the mean of those near the median."""
    steps = np.diff(stamps)
    steps = np.sort(steps[steps > 0])
    middle = float(steps[len(steps) // 2])
    return float(steps[(steps > 0.5 * middle) & (steps < 1.5 * middle)].mean())


def _after_long_steps(stamps: FloatArray, usual: float) -> IntArray:
    """Where stretches begin: at the first frame, after steps that later ones do not make up."""
    steps = np.diff(stamps) / usual
    starts = [0]
    made_up = 0.0
    n = len(stamps)
    for i in np.flatnonzero(steps > _LONG_STEP).tolist():
        step = float(steps[i])
        reach = int(1.5 * step) + 8
        before = stamps[max(0, i + 1 - reach):i + 1] / usual
        after = stamps[i + 1:i + 1 + reach] / usual
        was = float(np.percentile(before - np.arange(-len(before), 0), 90))
        comes_back = float(np.min(after - np.arange(len(after)))) - was
        whole = i + 1 + reach <= n
        if comes_back >= 0.5 * step and (whole or step > 1.5 * made_up):
            starts.append(i + 1)
        else:
            made_up = max(made_up, step)
    return np.array(starts)


def _spread(residual: FloatArray, starts: IntArray) -> float:
    """How far apart the residuals of one stretch are, the widest of them."""
    return float(np.max(np.maximum.reduceat(residual, starts)
                        - np.minimum.reduceat(residual, starts)))


def _quantum(stamps: FloatArray) -> float:
    """What the stamps are whole multiples of: a power of ten, as they were written."""
    for digits in range(7):
        scaled = stamps * 10.0 ** digits
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled))):
            return 10.0 ** -digits
    return 0.0


def _tick(stamps: FloatArray) -> float:
    """What all steps are multiples of, the smallest of them, or 0: digits, or a slow clock."""
    steps = np.diff(stamps)
    least = float(steps[steps > 1e-3 * _usual_step(stamps)].min())
    least = float(steps[(steps >= least) & (steps < 1.5 * least)].mean())
    digit = _quantum(stamps)
    times = steps[steps < 64 * least] / least
    near = 0.02 + 1.1 * digit / least
    if near >= 0.3:
        return digit
    return least if np.all(np.abs(times - np.rint(times)) < near) else digit


def _is_each_nth(numbers: IntArray) -> bool:
    """Whether one frame is missing after so many, always as many: each n-th is left out."""
    jumps = np.flatnonzero(np.diff(numbers) != 1)
    if len(jumps) < 2 or np.any(np.diff(numbers)[jumps] != 2):
        return False
    return bool(np.all(np.diff(jumps) == jumps[1] - jumps[0])) and int(jumps[1] - jumps[0]) >= 4


def _is_tick(step: float) -> bool:
    """Whether a clock of Windows steps so, in s or ms: the stamps are its ticks."""
    return any(abs(step / tick - 1) < 1e-3 for tick in (0.015625, 15.625))


def _is_customary(rate: float) -> bool:
    """Whether analyzers have such a rate, in s or ms: a common sample rate by a power of two."""
    for unit in (1.0, 1000.0):
        hops = np.log2(np.array([44100.0, 48000.0]) / (rate * unit))
        if np.any((np.abs(hops - np.rint(hops)) < 0.002) & (hops > 5) & (hops < 14)):
            return True
    return False


def _on_grid(stamps: FloatArray, rate: float, fixed: bool = False,
             ) -> tuple[float, IntArray] | None:
    """Rate and frame numbers if each stamp is near a place of its own, else None."""
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
    """Where in a period of the rate the times are, from -0.5 to 0.5."""
    return float(np.angle(np.exp(2j * np.pi * rate * times).mean()) / (2 * np.pi))


def _coherent_rate(stamps: FloatArray, line: _Line, most: float) -> float | None:
    """The rate from that of all frames there up to `most` which the stamps keep to, or None."""
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
    beat = rates[inside] * _tick(stamps)  # to that of their clock they keep in any case
    inside = inside[np.abs(beat - np.maximum(np.rint(beat), 1.0)) > _SHARE_OF_TICK]
    if not len(inside):
        return None
    found = np.sqrt(np.maximum(beats[inside] / sum(len(part) ** 2 for part in parts), 0.0))
    # What chance makes of so many rates.
    if found.max() < max(0.05, 1.8 * np.sqrt(np.log(len(inside)) / n)):
        return None
    # Rounded stamps keep to several rates alike: the lowest of those loses least.
    first = int(np.flatnonzero(found >= 0.85 * found.max())[0])
    best = first + int(np.argmax(found[first:first + 16]))
    return _refined(parts, float(rates[inside[best]]), float(rates[1]))


def _stretches(stamps: FloatArray, starts: IntArray) -> list[FloatArray]:
    """Some runs of stamps between pauses, each from 0."""
    cuts = [start + i for start, stop in zip(starts, [*starts[1:], len(stamps)], strict=True)
            for i in range(0, stop - start, _STRETCH)] + [len(stamps)]
    runs = [stamps[a:b] - stamps[a] for a, b in zip(cuts[:-1], cuts[1:], strict=True)
            if b - a >= min(_FEWEST_IN_STRETCH, len(stamps))]
    every = max(1, len(runs) // _MOST_STRETCHES)
    return runs[::every]


def _refined(parts: list[FloatArray], rate: float, step: float) -> float:
    """The rate near this one that the stamps keep to best."""
    near = rate + np.linspace(-step, step, 81)
    beats = sum(np.abs(np.exp(2j * np.pi * near[:, None] * part).sum(axis=1)) ** 2
                for part in parts)
    return float(near[np.argmax(beats)])


def _tracked(stamps: FloatArray, rate: float) -> IntArray:
    """Frame numbers where stamps stray by more than a frame's length, and some frames are lost."""
    from scipy.ndimage import median_filter

    n = len(stamps)
    behind = (stamps - stamps[0]) * rate - np.arange(n)
    level = median_filter(behind, size=min(15, n), mode="nearest")
    return np.arange(n) + np.maximum.accumulate(np.rint(level - level[0])).astype(np.int64)
