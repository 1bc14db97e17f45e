"""Frame rate and gaps of a session text, from its columns of times or numbers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from barkcluster._typing import FloatArray, IntArray

from .columns import NUMBER, SAMPLE, TIME, Columns
from .session import Levels
from .stamps import NoRateError, Places, places_of

# Frames a second; a column that implies fewer or more does not hold times.
_FRAME_RATES_HEARD = (4.0, 2000.0)
# A first time above this is a date or an uptime: times then count from the first frame.
_LATEST_START_S = 86400.0
# Up to this long, missing frames are made from their neighbors; a longer gap ends the take.
FILLED_S = 0.1
# Equal steps above this, and powers of two from 32 on, may count samples as well as ms.
_LARGEST_MS = 100.0
_SAY_IT = "Say how many frames a second there are: frame_rate= (--frame-rate)."


class MissingFramesWarning(UserWarning):
    """Frames of a session file are missing, as its time column shows."""


class TimeColumnWarning(UserWarning):
    """A time column may be read in two ways; the text names both."""


@dataclass(frozen=True, eq=False)
class Timing:
    """Frame rate, frame numbers and start of a session text.

    Attributes
    ----------
    rate : float or None
        Frames per second; None if the columns do not tell.
    numbers : ndarray of int of shape (n_frames,)
        Frame numbers from 0; they skip where frames are missing.
    start : float
        Seconds on the clock of the column at which the first frame begins.
    """

    rate: float | None
    numbers: IntArray
    start: float = 0.0


def timing_of(others: FloatArray, columns: Columns, rate: float | None,
              shown: str) -> Timing:
    """Timing of frames, from the columns beside the bands.

    Parameters
    ----------
    others : ndarray of shape (n_frames, n_others)
        What stands beside the bands.
    columns : Columns
    rate : float or None
        Frames per second, where that is known.
    shown : str
        The file, for messages.

    Returns
    -------
    timing : Timing

    Raises
    ------
    ValueError
        If a column may be times and says no rate, or could be numbers of samples.
    """
    n = len(others)
    role, column = _telling(others, columns)
    consecutive = Timing(None, np.arange(n))
    if column is None:
        return consecutive
    if n < 2:
        if columns.sure:
            return consecutive
        n_bands = len(columns.levels)
        raise ValueError(f"{shown}: expected {n_bands} numbers, got {n_bands + 1}; one line "
                         "alone cannot show that the first is a time.")
    if role == TIME:
        return _timed(column, columns.unit, rate, shown)
    steps = np.diff(column)
    if role == NUMBER and steps.min() >= 1 and np.all(steps == np.rint(steps)) and (
            np.median(steps) == 1):
        return Timing(None, np.rint(column - column[0]).astype(np.int64))
    if rate is None and steps.min() > 0 and steps.max() > 1:
        raise ValueError(_no_rate_of_samples(float(steps.min()), shown, in_ms=False))
    if rate is None or column[-1] == column[0]:
        return consecutive
    return Timing(None, places_of(column).numbers)


def _telling(others: FloatArray, columns: Columns) -> tuple[str, FloatArray | None]:
    """Role and numbers of the column that says most about time; empty and None without one."""
    roles = [columns.roles[i] for i in columns.others]
    if not columns.sure:
        # By their number alone all were taken for times; what counts lines is none.
        roles = [NUMBER if _counts(column) else role
                 for role, column in zip(roles, others.T, strict=True)]
    # Fractions count no lines: tables of pandas have their times in a column without a name.
    roles = [TIME if role == NUMBER and np.any(column != np.rint(column)) else role
             for role, column in zip(roles, others.T, strict=True)]
    for wanted in (TIME, SAMPLE, NUMBER):
        if wanted in roles:
            return wanted, others[:, roles.index(wanted)]
    return "", None


def _counts(column: FloatArray) -> bool:
    """Whether a column counts lines, some of which may be missing."""
    steps = np.diff(column)
    return bool(len(steps) and steps.min() >= 1 and np.median(steps) == 1
                and np.all(column == np.rint(column)))


def _timed(times: FloatArray, unit: str | None, rate: float | None, shown: str) -> Timing:
    """Timing of frames from a column of times in s or ms."""
    per_s = {"s": (1.0,), "ms": (1000.0,), None: (1.0, 1000.0)}[unit]
    try:
        places = places_of(times, () if rate is None else tuple(rate / each for each in per_s))
    except NoRateError as error:
        if rate is not None:
            return Timing(rate, np.arange(len(times)))
        raise ValueError(f"{shown}: expected a time column that tells how many frames a second "
                         f"there are; {error}. {_SAY_IT}") from None
    if rate is not None:
        known = [each for each in per_s if places.rate == rate / each]
        return Timing(rate, places.numbers, _start(times[0] / known[0]) if known else 0.0)
    if unit is None:
        per_s = (1000.0,) if 1.0 / places.rate >= 0.5 else (1.0,)
        _check_are_times(times, shown)
    found = places.rate * per_s[0]
    slowest, fastest = _FRAME_RATES_HEARD
    if not slowest <= found <= fastest:
        step = 1.0 / places.rate
        raise ValueError(f"{shown}: expected a time column in s or ms, got one with steps of "
                         f"{step:g}. Pass frame_rate=. If they are samples at 44100 Hz, it is "
                         f"{44100 / step:.6g} (--frame-rate {44100 / step:.6g}).")
    if places.other_rate is not None:
        _warn_of_other(places, per_s[0], shown)
    return Timing(float(f"{found:.6g}"), places.numbers, _start(times[0] / per_s[0]))


def _start(seconds: float) -> float:
    return float(seconds) if 0 <= seconds <= _LATEST_START_S else 0.0


def _check_are_times(times: FloatArray, shown: str) -> None:
    """Raise ValueError if the times could as well be sample numbers."""
    steps = np.diff(times)
    step = float(steps[0])
    if step < 2 or np.any(steps != step) or step != int(step):
        return
    power_of_two = int(step) & (int(step) - 1) == 0 and step >= 32
    if step * _FRAME_RATES_HEARD[0] <= 1000 and (step > _LARGEST_MS or power_of_two):
        raise ValueError(_no_rate_of_samples(step, shown, in_ms=True))


def _no_rate_of_samples(step: float, shown: str, in_ms: bool) -> str:
    as_ms = f"{1000 / step:.6g} frames a second if those are ms, " if in_ms else ""
    return (f"{shown}: expected a column of times, got one with steps of {step:g}: {as_ms}"
            f"{44100 / step:.6g} if samples at 44100 Hz. {_SAY_IT}")


def _warn_of_other(places: Places, per_s: float, shown: str) -> None:
    assert places.other_rate is not None
    n = len(places.numbers)
    lost = 1.0 - n / (int(places.numbers[-1]) + 1)
    rate, other = places.rate * per_s, places.other_rate * per_s
    taken = f"{rate:.5g} frames a second" + (f" with {lost:.0%} of them lost" if lost else "")
    warnings.warn(f"{shown}: its times may mean {taken}, which is taken, or {other:.4g}. "
                  f"{_SAY_IT}", TimeColumnWarning, stacklevel=5)


def on_grid(frames: Levels, numbers: IntArray, cuts: list[tuple[int, int]], rate: float,
            ) -> tuple[Levels, list[tuple[int, int]], int]:
    """Frames with short gaps filled in, and the list of long gaps.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_bands)
    numbers : ndarray of int of shape (n_frames,)
        Their numbers; what they skip is missing.
    cuts : list of (row, n_missing)
        Where a take ends, however little is missing.
    rate : float
        Frames per second.

    Returns
    -------
    filled : ndarray of shape (n_filled, n_bands)
        Up to `FILLED_S` that are missing lie on a line between their neighbors.
    gaps : list of (row, n_missing)
        Of `filled`.
    n_filled_in : int

    Examples
    --------
    >>> on_grid(np.array([[0.0], [2.0], [3.0]]), np.array([0, 2, 500]), [], 100.0)
    (array([[0.],
           [1.],
           [2.],
           [3.]]), [(3, 497)], 1)
    """
    missing = np.diff(numbers, prepend=numbers[:1] - 1) - 1
    at_least = dict(cuts)
    longest = max(1, round(FILLED_S * min(rate, _FRAME_RATES_HEARD[1])))
    is_cut = missing > longest
    is_cut[list(at_least)] = True
    to_fill = np.where(is_cut, 0, missing)
    n_filled_in = int(to_fill.sum())
    rows = np.arange(len(frames)) + np.cumsum(to_fill)
    gaps = [(int(rows[i]), max(int(missing[i]), at_least.get(int(i), 0)))
            for i in np.flatnonzero(is_cut)]
    if not n_filled_in:
        return frames, gaps, 0
    filled = np.empty((int(rows[-1]) + 1, frames.shape[1]), dtype=frames.dtype)
    filled[rows] = frames
    for i in np.flatnonzero(to_fill):
        share = np.arange(1, to_fill[i] + 1)[:, None] / (to_fill[i] + 1)
        filled[rows[i] - to_fill[i]:rows[i]] = (
            frames[i - 1] * (1 - share) + frames[i] * share)
    return filled, gaps, n_filled_in


def warn_of_missing(gaps: list[tuple[int, int]], n_filled_in: int, n_frames: int, rate: float,
                    shown: str) -> None:
    """Warn of frames that a time column shows to be missing."""
    lengths = [n / rate for _, n in gaps if n]
    if not n_filled_in and not lengths:
        return
    parts = []
    if n_filled_in:
        parts.append(f"{n_filled_in} are filled in from their neighbors")
    if lengths:
        of = f"{lengths[0]:.3g} s" if len(lengths) == 1 else (
            f"{min(lengths):.3g} to {max(lengths):.3g} s")
        parts.append(f"{'a gap' if len(lengths) == 1 else f'{len(lengths)} gaps'} of {of} "
                     f"begin{'s' if len(lengths) == 1 else ''} a new take")
    n_missing = n_filled_in + sum(n for _, n in gaps)
    warnings.warn(f"{shown}: {n_missing} frames are missing beside {n_frames}, by the times in "
                  f"the file: {', '.join(parts)}.", MissingFramesWarning, stacklevel=3)
