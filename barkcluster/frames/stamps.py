"""Time stamps of frames: the frame rate they imply, and which frames are missing.

Stamps say when a frame was made, or when it arrived somewhere: rounded to hundredths, two at a
time, on the ticks of a slow clock, or late by whatever a network adds. So the rate is never read
off single steps. All stamps together are compared with two explanations:

all there
    The frames follow one another, and the stamps stray about their places: frame number against
    time is a line, and what strays from it comes back.
some lost
    The stamps are places on a grid themselves, and some places have no frame. What strays from a
    line does not come back.

Where the stamps fit both, fewer frames are assumed lost than present; where they fit neither, an
error asks for the rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from barkcluster._typing import FloatArray, IntArray

from .grid_of_stamps import coherent_rate, on_grid_of, quantum, tick, tracked
from .line_of_stamps import Line, spread, usual_span, usual_step

# A larger share of missing frames is no loss: the stamps come in bursts.
_MOST_LOST = 0.36
# From this share on that is certain; between the two there is doubt, and a warning.
_SURELY_BURSTS = 0.62
# The smallest share of frames that must be there, where the rate is given.
_FEWEST_THERE = 0.1
# A clock that ticks no faster than frames come tells no rate if some are lost.
_SLOW_CLOCK = 0.95
# Variance of lost frames in stretches of a few, over their mean: 1 by chance.
_LEAST_CHANCE = 0.5
# Relative differences up to which two rates are the same: of stamps that stray, and of others.
_MARGIN = 0.03
_SAME = 0.003
# A step of more frames than this is damage, not a pause; so are steps below or above any unit.
_MOST_FRAMES = 1e10
_SMALLEST, _LARGEST = 1e-18, 1e18
# Fewer missing frames than these, in number and share, may be evenly spaced by chance.
_FEWEST_EVEN = 6
_FEW = 0.03


class NoRateError(ValueError):
    """Stamps that tell no rate; the text says what they could mean."""


@dataclass(frozen=True, eq=False)
class Places:
    """Frame rate and frame numbers, as a time column implies them.

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
    usual = min(usual_step(stamps), usual_span(stamps))
    if not (_SMALLEST < usual and steps.max() < min(_LARGEST, _MOST_FRAMES * usual)):
        raise NoRateError(f"steps are from {steps[steps > 0].min():g} to {steps.max():g}")
    line = Line(stamps)
    for rate in rates:
        found = on_grid_of(stamps, rate, fixed=True) if line.rate > _FEWEST_THERE * rate else None
        if found is not None:
            return Places(rate, found[1])
    for rate in rates:
        if abs(line.rate / rate - 1) < _MARGIN:
            return Places(rate, line.numbers(rate))
        if 1 - _MOST_LOST < line.rate / rate < 1:
            return Places(rate, tracked(stamps, rate))
    return _chosen(stamps, line)


def _chosen(stamps: FloatArray, line: Line) -> Places:
    """The explanation that fits the stamps best."""
    found = on_grid_of(stamps, 1.0 / usual_step(stamps))
    if found is not None and line.n_within(found[1]) == line.n_shown:
        return Places(*found)
    all_there = Places(line.rate, line.numbers(line.rate))
    if found is None:
        return _with_jitter(stamps, line, all_there)
    rate, numbers = found
    n_lost = line.n_within(numbers) - line.n_shown
    share = n_lost / line.n_within(numbers)
    strays = np.ptp(stamps * rate - numbers) if len(line.starts) == 1 else spread(
        stamps * rate - numbers, line.starts)
    digit = quantum(stamps) * rate
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
            _is_tick(1.0 / rate) or abs(rate * quantum(stamps) - 1.0) < 1e-3):
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


def _with_jitter(stamps: FloatArray, line: Line, all_there: Places) -> Places:
    """The best explanation of stamps that lie on no grid."""
    if not line.wanders:
        return all_there
    # A clock slower than the frames keeps to the beats of other rates as well.
    if tick(stamps) * line.rate < _SLOW_CLOCK:
        found = _with_losses(stamps, line, line.rate / (1 - _MOST_LOST))
        if found is not None:
            return found
    usual = 1.0 / usual_step(stamps)
    if abs(line.rate / usual - 1) < _SAME:
        return all_there
    raise NoRateError(f"{line.rate:.6g} if all frames are there, {usual:.6g} as most steps say")


def _with_losses(stamps: FloatArray, line: Line, most: float) -> Places | None:
    """Places at a coherent rate up to `most`, if the frames missing there are missing by chance.

    A rate that is not the frames' own would miss frames as evenly as a comb misses teeth.
    """
    rate = coherent_rate(stamps, line, most)
    if rate is None:
        return None
    numbers = tracked(stamps, rate)
    lost = np.diff(numbers) - 1
    lost[line.starts[1:] - 1] = 0  # pauses are no chance
    size = math.ceil(5 * len(lost) / max(1, int(lost.sum())))
    n = len(lost) // size
    counts = lost[:n * size].reshape(n, size).sum(axis=1)
    if n >= 8 and counts.var() < _LEAST_CHANCE * counts.mean():
        return None
    return Places(rate, numbers)


def _is_each_nth(numbers: IntArray) -> bool:
    """Whether every n-th frame is missing: one after equal numbers of frames."""
    jumps = np.flatnonzero(np.diff(numbers) != 1)
    if len(jumps) < 2 or np.any(np.diff(numbers)[jumps] != 2):
        return False
    return bool(np.all(np.diff(jumps) == jumps[1] - jumps[0])) and int(jumps[1] - jumps[0]) >= 4


def _is_tick(step: float) -> bool:
    """Whether a step is that of the Windows system clock, 15.625 ms, in s or ms."""
    return any(abs(step / tick - 1) < 1e-3 for tick in (0.015625, 15.625))


def _is_customary(rate: float) -> bool:
    """Whether a rate is a common sample rate over a power of two, in s or ms, as of analyzers."""
    for unit in (1.0, 1000.0):
        hops = np.log2(np.array([44100.0, 48000.0]) / (rate * unit))
        if np.any((np.abs(hops - np.rint(hops)) < 0.002) & (hops > 5) & (hops < 14)):
            return True
    return False
