"""What is wrong with sessions, before anything is learned from them.

A dead band, levels that are not in dB or a session that is in the folder twice spoil what is
learned, and no answer of the model shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster.frames.bark import BARK_EDGES_HZ
from barkcluster.frames.session import N_BANDS, RATE_TOLERANCE, Session

from .copies import SILENT_DB, copies

# Gravest first: sessions are listed in this order.
FAULTS = ("unreadable", "silent", "units", "frame rate", "copy", "too short", "dead bands",
          "missing frames", "clipped", "stretch of silence", "band limit")

# The faults that spoil what is learned; commands that learn warn of them.
GRAVE = ("silent", "units", "dead bands", "clipped")
# So large a share of a sound file's samples, that is: some clipped peaks spoil nothing.
GRAVELY_CLIPPED = 0.001

# So far below the loudest frames, too, a frame is silent.
_FAR_BELOW_DB = 60.0
# Five seconds, less what the windows at either end still hear of what is around them; music may
# take as long as this to begin and to end.
_SILENCE_S = 4.8
_SILENT_END_S = 10.0
# No band of music moves as little as this over a session.
_CONSTANT_DB = 0.05
# A level that so many bands fall to is where the sender, or a gate, cut what is softer.
_SHARED_FLOOR = 3
# Levels that stay exactly the same so long are of a sender that hangs, unless they are rounded.
_HELD_S = 5.0
_FEWEST_LEVELS = 200
# What plays in a band leaks into the next ones: none is so far below those around it, but where
# pure tones are.
_HOLE_BANDS = 2
_HOLE_DB = 40.0
# What a codec or sample rate leaves out ends so steeply from one band to the next; nothing that is
# played does. Where the bands above lie on the floor, less of the fall is seen.
_STEEP_DB = 30.0
_STEEP_TO_THE_FLOOR_DB = 15.0
# Above the floor the fall is taken from broad sound alone: the last two bands are as loud, and lie
# in the upper half. Tones may end anywhere.
_CLIFF_DB = 40.0
_AS_LOUD_DB = 20.0
# Clipped is a band with this share of the frames, and so many, at exactly its highest level, and
# so many times as many as at the next: in loops and rounded levels both have their share.
_AT_THE_TOP = 0.02
_FEWEST_AT_THE_TOP = 10
_PILED_UP = 2.0
# Of a sound file's samples. Fewer are a click or two.
_CLIPPED_SAMPLES = 0.00005
_LINEAR_SPREAD = 8.0
# Numbers of mean 0 and spread 1 are as near 0 as levels in dB, of whatever reference, are not.
_AROUND_ZERO = 1.0
_NORMALIZED = 12.0
# Of 25 bands of music in dB, the softest frame and the loudest are farther apart (by 57 dB or more
# in 219 recorded tracks), and on average they lie farther from 0 dB than natural logarithms do.
_NARROW_DB = 26.0
_NEAR_ZERO_DB = 20.0
# What sounds begins at once and dies away: the cubes of all changes, up to so many dB a frame, are
# in sum -0.03 of their sizes or more in 222 recorded tracks, 0.12 in nine of ten. Played backwards
# or upside down they are as much below zero.
_MOST_CHANGE_DB = 30.0
_BREAKS_OFF = -0.05


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a session.

    Attributes
    ----------
    fault : str
        One of `FAULTS`.
    text : str
        What was found.
    """

    fault: str
    text: str

    @property
    def rank(self) -> int:
        """0 is gravest."""
        return FAULTS.index(self.fault)


def check_session(session: Session, *, longest_s: float = 0.0,
                  of_sound: bool = False) -> list[Finding]:
    """What is wrong with a session, the gravest first.

    Parameters
    ----------
    session : Session
    longest_s : float, default=0
        Seconds of the longest window that is to be learned from it; three of them are needed.
    of_sound : bool, default=False
        Whether the frames were measured from sound: a level that does not move is a tone then, and
        no sender that hangs.

    Returns
    -------
    findings : list of Finding
        Empty if nothing is.

    Examples
    --------
    >>> [finding.fault for finding in check_session(Session(np.full((300, 25), -100.0)))]
    ['silent']
    >>> rng = np.random.default_rng(0)
    >>> check_session(Session(rng.normal(-40, 6, size=(3000, 25))))
    []
    """
    frames = np.asarray(session, dtype=np.float64)
    if not len(frames):
        return [Finding("too short", "no frames")]
    loudest = frames.max(axis=1)
    if np.mean(loudest > SILENT_DB) < 0.05:
        return [Finding("silent", f"nothing above {SILENT_DB:g} dB in "
                                  f"{np.mean(loudest <= SILENT_DB):.0%} of its frames")]
    # What is wrong in dB says nothing of numbers that are not.
    found = [*(_units(frames) or [*_dead_bands(frames, of_sound),
                                  *([] if of_sound else _held(session, frames)),
                                  *_clipped(frames), *_silence(session, loudest)]),
             *_missing(session)]
    if session.duration < 3.0 * longest_s:
        found.append(Finding("too short", f"{session.duration:.3g} s; windows of {longest_s:g} s "
                                          f"need {3 * longest_s:g} s"))
    return sorted(found, key=lambda finding: finding.rank)


def check_samples(clipped: float) -> list[Finding]:
    """What is wrong with the samples of a sound file.

    Parameters
    ----------
    clipped : float
        Share of them in flat tops, `FlatTops.share`.

    Returns
    -------
    findings : list of Finding
    """
    if clipped < _CLIPPED_SAMPLES:
        return []
    return [Finding("clipped", f"{100 * clipped:.2g}% of the samples in flat tops")]


def check_sessions(sessions: Mapping[str, Session], *, longest_s: float = 0.0,
                   of_sound: Collection[str] = (),
                   step: Callable[[str], None] = lambda what: None) -> dict[str, list[Finding]]:
    """What is wrong with each of several sessions, and with them among each other.

    Parameters
    ----------
    sessions : dict of str to Session
        By what to call them.
    longest_s : float, default=0
        As in `check_session`.
    of_sound : collection of str, default=()
        Those that were measured from sound.
    step : callable, optional
        Told what comes next, for a display of progress.

    Returns
    -------
    findings : dict of str to list of Finding
        For each session the gravest first.
    """
    found = {}
    for name, session in sessions.items():
        step(f"checking {name}")
        found[name] = check_session(session, longest_s=longest_s, of_sound=name in of_sound)
    rates = [session.frame_rate for session in sessions.values()]
    if rates:
        usual = max(rates, key=lambda rate: sum(abs(other / rate - 1) <= RATE_TOLERANCE
                                                for other in rates))
        for name, session in sessions.items():
            if abs(session.frame_rate / usual - 1) > RATE_TOLERANCE:
                found[name].append(Finding("frame rate", f"{session.frame_rate:g} frames a second;"
                                                         f" most have {usual:g}"))
    for name, text in copies(sessions).items():
        found[name].append(Finding("copy", text))
    return {name: sorted(some, key=lambda finding: finding.rank) for name, some in found.items()}


def _units(frames: FloatArray) -> list[Finding]:
    """Powers and amplitudes are never below zero, and most are near it; levels in dB are not."""
    least, most = float(frames.min()), float(frames.max())
    if least >= 0.0 and most <= 1.5:
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}: linear? --units linear "
                                 "or amplitude")]
    middle = max(float(np.median(frames)), 1e-9)
    if least >= 0.0 and most > _LINEAR_SPREAD * middle:
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}, half below "
                                 f"{middle:.3g}: linear?")]
    middle = float(np.median(frames))
    if abs(middle) < _AROUND_ZERO and max(-least, most) < _NORMALIZED and least < 0.0 < most:
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}, half below "
                                 f"{middle:.2g}: normalized? Write them in dB")]
    if (most - least < _NARROW_DB and abs(middle) < _NEAR_ZERO_DB
            and np.ptp(frames, axis=0).max() >= _CONSTANT_DB):
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}: logarithms, not dB? "
                                 "10 log10 of the power is dB")]
    if least >= 0.0 and _breaks_off(frames):
        return [Finding("units", f"levels from {least:.3g} to {most:.3g} that rise slowly and "
                                 "break off: dB without the minus?")]
    return []


def _breaks_off(frames: FloatArray) -> bool:
    """Whether levels fall at once and rise slowly, where they are below their highest."""
    change = np.clip(np.diff(frames, axis=0), -_MOST_CHANGE_DB, _MOST_CHANGE_DB)
    highest = float(frames.max()) - _CONSTANT_DB
    cubes = change[(frames[1:] < highest) & (frames[:-1] < highest)] ** 3
    return bool(cubes.sum() < _BREAKS_OFF * np.abs(cubes).sum())


def _dead_bands(frames: FloatArray, of_sound: bool) -> list[Finding]:
    """Bands that never move; those from one band up are the limit of a codec or sample rate."""
    still = np.ptp(frames, axis=0) < _CONSTANT_DB
    n_bands = len(still)
    if still.all() and not of_sound:
        return [Finding("dead bands", "no band moves")]
    highest = frames.max(axis=0)
    quiet = (highest < max(SILENT_DB, float(highest.max()) - 2 * _FAR_BELOW_DB)) | (
        highest <= _floor(frames) + _CONSTANT_DB)
    idle = still | quiet
    top = n_bands
    while top > 0 and idle[top - 1]:
        top -= 1
    bottom = int(np.argmin(idle))
    if bottom and highest[bottom] - highest[:bottom].max() >= _STEEP_DB:
        bottom = 0          # no filter of low sounds is as steep
    found = []
    limit = _cliff(frames)
    if 0 < top < n_bands:
        steep = _STEEP_TO_THE_FLOOR_DB if still[top:].all() else _STEEP_DB
        if highest[top - 1] - highest[top:].max() >= steep:
            limit = top
    if limit is not None:
        hertz = f", {BARK_EDGES_HZ[limit]:.0f} Hz" if n_bands == N_BANDS else ""
        found.append(Finding("band limit", f"nothing from band {limit}{hertz} up: a codec, or "
                                           "a lower sample rate"))
    # What is too soft for a band leaves it on the floor.
    bands = np.arange(n_bands)
    dead = np.flatnonzero(still & ~(quiet & ((bands < bottom) | (bands >= top))))
    if len(dead) and not of_sound:
        found.append(Finding("dead bands", f"bands {', '.join(map(str, dead))} never move"))
    return found


def _floor(frames: FloatArray) -> float:
    """The level below which nothing is: that of silence, or one that several bands fall to."""
    least = frames.min(axis=0)
    shared = int(np.sum(least <= least.min() + _CONSTANT_DB)) >= _SHARED_FLOOR
    return max(SILENT_DB, float(least.min())) if shared else SILENT_DB


def _cliff(frames: FloatArray) -> int | None:
    """The band from which on broad sound ends, although what is left of it is above the floor."""
    highest, middle = frames.max(axis=0), np.median(frames, axis=0)
    for limit in range(max(2, frames.shape[1] // 2), frames.shape[1]):
        falls = [levels[limit - 1] - levels[limit:].max() for levels in (highest, middle)]
        beside = abs(highest[limit - 2] - highest[limit - 1])
        if min(falls) >= _CLIFF_DB and beside < _AS_LOUD_DB:
            return limit
    return None


def _held(session: Session, frames: FloatArray) -> list[Finding]:
    """Bands that stay at exactly one level for a stretch of the session while others move.

    On the floor a band may rest: it is held there if those around it are far above.
    """
    moving = np.flatnonzero(np.ptp(frames, axis=0) >= _CONSTANT_DB)
    shortest = round(_HELD_S * session.frame_rate)
    floor = _floor(frames)
    held = []
    for band in map(int, moving):
        levels = frames[:, band]
        edges = np.flatnonzero(np.diff(levels, prepend=np.nan, append=np.nan) != 0.0)
        lengths = np.diff(edges)
        i = int(np.argmax(lengths))
        start, stop = edges[i], edges[i + 1]
        if lengths[i] < shortest or len(np.unique(levels)) < min(
                _FEWEST_LEVELS, len(levels) - lengths[i]):
            continue
        if levels[start] > floor + _CONSTANT_DB or _is_a_hole(frames[start:stop], band):
            held.append((band, start / session.frame_rate, lengths[i] / session.frame_rate))
    if not held:
        return []
    _, begin, seconds = held[0]
    which = "no band moves" if len(held) == len(moving) else (
        f"bands {', '.join(str(band) for band, _, _ in held)} do not move")
    return [Finding("dead bands", f"{which} for {seconds:.0f} s from {begin:.0f} s")]


def _is_a_hole(frames: FloatArray, band: int) -> bool:
    """Whether bands near a band that is on the floor, on both sides, are far above it."""
    around = [frames[:, max(0, band - _HOLE_BANDS):band], frames[:, band + 1:][:, :_HOLE_BANDS]]
    return all(side.size and float(np.median(side.max(axis=1))) > frames[0, band] + _HOLE_DB
               for side in around)


def _clipped(frames: FloatArray) -> list[Finding]:
    """Many frames at exactly the largest level of a band that is otherwise free to move."""
    highest = frames.max(axis=0)
    n_at_top = np.sum(frames == highest, axis=0)
    next_highest = np.where(frames < highest, frames, -np.inf).max(axis=0)
    piled_up = n_at_top > _PILED_UP * np.sum(frames == next_highest, axis=0)
    share = n_at_top / len(frames)
    moving = np.ptp(frames, axis=0) >= 6.0
    bands = np.flatnonzero(moving & piled_up & (share > _AT_THE_TOP)
                           & (n_at_top >= _FEWEST_AT_THE_TOP))
    if not len(bands):
        return []
    return [Finding("clipped", f"{share[bands].max():.0%} of the frames at the highest level of "
                               f"band {bands[np.argmax(share[bands])]}")]


def _silence(session: Session, loudest: FloatArray) -> list[Finding]:
    """The longest stretch far below the rest, or below everything, that is too long."""
    quiet = loudest < max(SILENT_DB, float(np.percentile(loudest, 95)) - _FAR_BELOW_DB)
    edges = np.flatnonzero(np.diff(np.r_[False, quiet, False].astype(np.int8)))
    if not len(edges):
        return []
    starts, stops = edges[::2], edges[1::2]
    seconds = (stops - starts) / session.frame_rate
    at_an_end = (starts == 0) | (stops == len(quiet))
    seconds[seconds < np.where(at_an_end, _SILENT_END_S, _SILENCE_S)] = 0.0
    i = int(np.argmax(seconds))
    if not seconds[i]:
        return []
    return [Finding("stretch of silence",
                    f"{seconds[i]:.0f} s from {starts[i] / session.frame_rate:.0f} s")]


def _missing(session: Session) -> list[Finding]:
    if not session.gaps:
        return []
    n_missing = sum(missing for _, missing in session.gaps)
    gaps = "a gap" if len(session.gaps) == 1 else f"{len(session.gaps)} gaps"
    return [Finding("missing frames", f"{gaps}, {n_missing} frames or "
                                      f"{n_missing / session.frame_rate:.1f} s")]
