"""What is wrong with sessions, before anything is learned from them.

A dead band, levels that are not in dB or a session that is in the folder twice spoil what is
learned, and no answer of the model shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.spatial import KDTree

from barkcluster._typing import FloatArray
from barkcluster.frames.bark import BARK_EDGES_HZ
from barkcluster.frames.session import N_BANDS, RATE_TOLERANCE, Session

# Gravest first: sessions are listed in this order.
FAULTS = ("unreadable", "silent", "units", "frame rate", "copy", "too short", "dead bands",
          "missing frames", "clipped", "stretch of silence", "band limit")

# The faults that spoil what is learned; commands that learn warn of them.
GRAVE = ("silent", "units", "dead bands", "clipped")

# A frame is silent if no band is above the one, or so far below the loudest frames.
_SILENT_DB = -85.0
_FAR_BELOW_DB = 60.0
_SILENCE_S = 10.0
# No band of music moves as little as this over a session.
_CONSTANT_DB = 0.05
# Levels that stay exactly the same so long are of a sender that hangs, unless they are rounded.
_HELD_S = 10.0
_FEWEST_LEVELS = 200
# What a codec or sample rate leaves out ends so steeply from one band to the next; nothing that is
# played does. Where the bands above lie on the floor, less of the fall is seen.
_STEEP_DB = 30.0
_STEEP_TO_THE_FLOOR_DB = 15.0
# Clipped is a band with this share of the frames, and so many, at exactly its highest level, and
# so many times as many as at the next: in loops and rounded levels both have their share.
_AT_THE_TOP = 0.02
_FEWEST_AT_THE_TOP = 10
_PILED_UP = 2.0
_LINEAR_SPREAD = 8.0
# Numbers of mean 0 and spread 1 are as near 0 as levels in dB, of whatever reference, are not.
_AROUND_ZERO = 1.0
_NORMALIZED = 12.0
# Frames compared for copies: one a second, levels relative to their mean, to half a dB a band.
# They are means over this many seconds: a copy that is shifted by half a frame has other frames.
_LANDMARK_EVERY_S = 1.0
_LANDMARK_S = 0.15
_COPY_DB = 0.5
# What lies farther than this below the loudest band of a frame is taken to lie there.
_DEEPEST_DB = 40.0
_LEAST_SHARED = 5
# What two sessions share is shifted by times that differ by no more than this.
_SAME_SHIFT_S = 0.1
_MOST_NEIGHBORS = 20


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


def check_session(session: Session, *, longest_s: float = 0.0) -> list[Finding]:
    """What is wrong with a session, the gravest first.

    Parameters
    ----------
    session : Session
    longest_s : float, default=0
        Seconds of the longest window that is to be learned from it; three of them are needed.

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
    if np.mean(loudest > _SILENT_DB) < 0.05:
        return [Finding("silent", f"nothing above {_SILENT_DB:g} dB in "
                                  f"{np.mean(loudest <= _SILENT_DB):.0%} of its frames")]
    # What is wrong in dB says nothing of numbers that are not.
    found = [*(_units(frames) or [*_dead_bands(frames), *_held(session, frames),
                                  *_clipped(frames), *_silence(session, loudest)]),
             *_missing(session)]
    if session.duration < 3.0 * longest_s:
        found.append(Finding("too short", f"{session.duration:.3g} s; windows of {longest_s:g} s "
                                          f"need {3 * longest_s:g} s"))
    return sorted(found, key=lambda finding: finding.rank)


def check_sessions(sessions: Mapping[str, Session], *, longest_s: float = 0.0,
                   step: Callable[[str], None] = lambda what: None) -> dict[str, list[Finding]]:
    """What is wrong with each of several sessions, and with them among each other.

    Parameters
    ----------
    sessions : dict of str to Session
        By what to call them.
    longest_s : float, default=0
        As in `check_session`.
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
        found[name] = check_session(session, longest_s=longest_s)
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


def copies(sessions: Mapping[str, Session]) -> dict[str, str]:
    """Sessions that are, or are contained in, another: exactly, softer, or shifted.

    Exact copies have the same frames. For the others, the loudest 0.15 s of each second are looked
    up among those of all sessions in a tree, their level taken away; this takes n log n for n
    sessions. A part of a loop that repeats exactly is not found.

    Parameters
    ----------
    sessions : dict of str to Session
        Those of different numbers of bands are not compared.

    Returns
    -------
    copies : dict of str to str
        By name, what it is a copy of; of two that are the same, the later one.
    """
    found: dict[str, str] = {}
    for n_bands in sorted({session.n_bands for session in sessions.values()}):
        found |= _copies({name: session for name, session in sessions.items()
                          if session.n_bands == n_bands})
    return found


def _copies(sessions: Mapping[str, Session]) -> dict[str, str]:
    """`copies` among sessions of one number of bands."""
    exact = _exact_copies(sessions)
    names = [name for name in sessions if name not in exact]
    rows = [_landmarks(sessions[name]) for name in names]
    owner = np.repeat(np.arange(len(names)), [len(some[0]) for some in rows])
    if not len(owner):
        return exact
    shapes = np.concatenate([some[0] for some in rows])
    times = np.concatenate([some[1] for some in rows])
    levels = np.concatenate([some[2] for some in rows])
    tree = KDTree(shapes)
    radius = _COPY_DB * np.sqrt(shapes.shape[1])
    distance, index = tree.query(shapes, k=min(_MOST_NEIGHBORS, len(shapes)),
                                 distance_upper_bound=radius)
    rows_near, columns = np.nonzero(np.isfinite(np.reshape(distance, (len(shapes), -1))))
    others = np.reshape(index, (len(shapes), -1))[rows_near, columns]
    votes: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for i, j in zip(rows_near, others, strict=True):
        if owner[i] != owner[j]:
            votes.setdefault((int(owner[i]), int(owner[j])), []).append(
                (times[i] - times[j], levels[i] - levels[j]))
    counts = np.bincount(owner, minlength=len(names))
    return exact | _told(names, counts, votes)


def _exact_copies(sessions: Mapping[str, Session]) -> dict[str, str]:
    """Sessions whose frames and rate are those of an earlier one."""
    first: dict[tuple[bytes, float], str] = {}
    found = {}
    for name, session in sessions.items():
        frames = np.ascontiguousarray(session.frames, dtype=np.float32)
        key = blake2b(frames.tobytes()).digest(), session.frame_rate
        earlier = first.setdefault(key, name)
        if len(frames) and earlier != name:
            found[name] = f"the same as {earlier}"
    return found


def _told(names: Sequence[str], counts: npt.NDArray[np.intp],
          votes: Mapping[tuple[int, int], list[tuple[float, float]]]) -> dict[str, str]:
    agreed = {pair: found for pair, pairs in sorted(votes.items())
              if (found := _agreed(pairs, max(_LEAST_SHARED, 0.8 * counts[pair[0]]))) is not None}
    said: dict[str, str] = {}
    for (a, b), (shift, softer) in agreed.items():
        if names[a] in said:
            continue
        same = counts[b] <= 1.25 * counts[a]
        if same and b > a and (b, a) in agreed:
            continue                        # the later one is named instead
        parts = ["the same as" if same else "contained in", names[b]]
        if abs(softer) >= 0.5:
            parts.append(f"{abs(softer):.1f} dB {'softer' if softer < 0 else 'louder'}")
        if abs(shift) >= 0.05:
            parts.append(f"from its second {-shift:.1f}" if shift < 0 else
                         f"after {shift:.1f} s of its own")
        said[names[a]] = f"{parts[0]} {', '.join(parts[1:])}"
    return said


def _agreed(pairs: Sequence[tuple[float, float]], least: float) -> tuple[float, float] | None:
    """Shift in seconds and in level that most pairs have; None if it is fewer than ``least``.

    Two sessions are one recording only if what they share is shifted by the same time. What
    repeats within them has other shifts as well.
    """
    votes = np.array(sorted(pairs))
    stops = np.searchsorted(votes[:, 0], votes[:, 0] + _SAME_SHIFT_S, side="right")
    # Frames that stand out are farther apart than this: each counts once.
    n_agreed = stops - np.arange(len(votes))
    i = int(np.argmax(n_agreed))
    if n_agreed[i] < least:
        return None
    shift, softer = np.median(votes[i:stops[i]], axis=0)
    return float(shift), float(softer)


def _landmarks(session: Session) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Frames that stand out, the same ones in a shifted copy: shapes, seconds, levels."""
    frames = np.asarray(session, dtype=np.float64)
    # In a softer copy what was quiet already lies on the floor of all frames, and stays there.
    frames = np.maximum(frames, frames.max(axis=1, keepdims=True) - _DEEPEST_DB)
    frames = uniform_filter1d(frames, max(1, round(_LANDMARK_S * session.frame_rate)), axis=0,
                              mode="nearest")
    half = max(1, round(_LANDMARK_EVERY_S * session.frame_rate)) // 2
    power = frames.mean(axis=1)
    # A frame louder than all within half a second on either side, wherever the session begins.
    highest = maximum_filter1d(power, 2 * half + 1, mode="constant", cval=-np.inf)
    at = np.flatnonzero((power >= highest) & (frames.max(axis=1) > _SILENT_DB))
    # Of a held level the first frame alone: others equal to it are as loud, and say no more.
    at = at[np.diff(at, prepend=-half - 1) > half]
    spread = frames[at].std(axis=1) > 1.0
    at = at[spread]
    return (frames[at] - power[at, None], at / session.frame_rate, power[at])


def _units(frames: FloatArray) -> list[Finding]:
    """Powers and amplitudes are never below zero, and most are near it."""
    least, most = float(frames.min()), float(frames.max())
    if least >= 0.0 and most <= 1.5:
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}: linear? --units linear "
                                 "or amplitude")]
    middle = max(float(np.median(frames)), 1e-9)
    if least >= 0.0 and most > _LINEAR_SPREAD * middle:
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}, half below "
                                 f"{middle:.3g}: linear?")]
    if abs(float(np.median(frames))) < _AROUND_ZERO and (
            max(-least, most) < _NORMALIZED and least < 0.0 < most):
        return [Finding("units", f"levels from {least:.3g} to {most:.3g}, half below "
                                 f"{float(np.median(frames)):.2g}: normalized? Write them in dB")]
    return []


def _dead_bands(frames: FloatArray) -> list[Finding]:
    """Bands that never move; those from one band up are the limit of a codec or sample rate."""
    still = np.ptp(frames, axis=0) < _CONSTANT_DB
    n_bands = len(still)
    if still.all():
        return [Finding("dead bands", "no band moves")]
    highest = frames.max(axis=0)
    quiet = highest < max(_SILENT_DB, float(highest.max()) - 2 * _FAR_BELOW_DB)
    top = n_bands
    while top > 0 and (still | quiet)[top - 1]:
        top -= 1
    found = []
    if 0 < top < n_bands:
        steep = _STEEP_TO_THE_FLOOR_DB if still[top:].all() else _STEEP_DB
        if highest[top - 1] - highest[top:].max() >= steep:
            hertz = f", {BARK_EDGES_HZ[top]:.0f} Hz" if n_bands == N_BANDS else ""
            found.append(Finding("band limit", f"nothing from band {top}{hertz} up: a codec, or "
                                               "a lower sample rate"))
    # What is too soft for a band leaves it on the floor.
    dead = np.flatnonzero(still & ~(quiet & (np.arange(n_bands) >= top)))
    if len(dead):
        found.append(Finding("dead bands", f"bands {', '.join(map(str, dead))} never move"))
    return found


def _held(session: Session, frames: FloatArray) -> list[Finding]:
    """Bands that stay at exactly one level, above the floor, for a stretch of the session."""
    moving = np.flatnonzero(np.ptp(frames, axis=0) >= _CONSTANT_DB)
    shortest = round(_HELD_S * session.frame_rate)
    held = []
    for band in moving:
        levels = frames[:, band]
        edges = np.flatnonzero(np.diff(levels, prepend=np.nan, append=np.nan) != 0.0)
        lengths = np.diff(edges) * (levels[edges[:-1]] > _SILENT_DB)
        i = int(np.argmax(lengths))
        if lengths[i] >= shortest and len(np.unique(levels)) >= min(
                _FEWEST_LEVELS, len(levels) - lengths[i]):
            held.append((int(band), edges[i] / session.frame_rate,
                         lengths[i] / session.frame_rate))
    if not held:
        return []
    _, start, seconds = held[0]
    which = "no band moves" if len(held) == len(moving) else (
        f"bands {', '.join(str(band) for band, _, _ in held)} do not move")
    return [Finding("dead bands", f"{which} for {seconds:.0f} s from {start:.0f} s")]


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
    """The longest stretch far below the rest, or below everything."""
    quiet = loudest < max(_SILENT_DB, float(np.percentile(loudest, 95)) - _FAR_BELOW_DB)
    edges = np.flatnonzero(np.diff(np.r_[False, quiet, False].astype(np.int8)))
    if not len(edges):
        return []
    starts, stops = edges[::2], edges[1::2]
    i = int(np.argmax(stops - starts))
    seconds = (stops[i] - starts[i]) / session.frame_rate
    if seconds < _SILENCE_S:
        return []
    return [Finding("stretch of silence",
                    f"{seconds:.0f} s from {starts[i] / session.frame_rate:.0f} s")]


def _missing(session: Session) -> list[Finding]:
    if not session.gaps:
        return []
    n_missing = sum(missing for _, missing in session.gaps)
    return [Finding("missing frames", f"{len(session.gaps)} gaps, {n_missing} frames or "
                                      f"{n_missing / session.frame_rate:.1f} s")]
