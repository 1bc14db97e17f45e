"""Sessions that are, or are contained in, another: exactly, softer, shifted, through a codec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.spatial import KDTree

from barkcluster._typing import FloatArray
from barkcluster.frames.session import N_BANDS, Session

# A frame is silent if no band is above this.
SILENT_DB = -85.0
# Frames compared for copies: one a second, levels relative to their mean, to half a dB a band.
# They are means over this many seconds: a copy that is shifted by half a frame has other frames.
_LANDMARK_EVERY_S = 1.0
_LANDMARK_S = 0.15
_COPY_DB = 0.5
# Below 4.4 kHz: codecs and other sample rates leave out what lies above.
_COPIED_BANDS = 18
# What lies farther than this below the loudest band of a frame is taken to lie there.
_DEEPEST_DB = 40.0
_LEAST_SHARED = 5
# What two sessions share is shifted by times that differ by no more than this.
_SAME_SHIFT_S = 0.1
_MOST_NEIGHBORS = 20


def copies(sessions: Mapping[str, Session]) -> dict[str, str]:
    """Sessions that are, or are contained in, another: exactly, softer, shifted, through a codec.

    Exact copies have the same frames. For the others, the loudest 0.15 s of each second, below
    4.4 kHz, are looked up among those of all sessions in a tree, their level taken away; this
    takes n log n for n sessions. A part of a loop that repeats exactly is not found.

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
    if session.n_bands == N_BANDS:
        frames = frames[:, :_COPIED_BANDS]
    # In a softer copy what was quiet already lies on the floor of all frames, and stays there.
    frames = np.maximum(frames, frames.max(axis=1, keepdims=True) - _DEEPEST_DB)
    frames = uniform_filter1d(frames, max(1, round(_LANDMARK_S * session.frame_rate)), axis=0,
                              mode="nearest")
    half = max(1, round(_LANDMARK_EVERY_S * session.frame_rate)) // 2
    power = frames.mean(axis=1)
    # A frame louder than all within half a second on either side, wherever the session begins.
    highest = maximum_filter1d(power, 2 * half + 1, mode="constant", cval=-np.inf)
    at = np.flatnonzero((power >= highest) & (frames.max(axis=1) > SILENT_DB))
    # Of a held level the first frame alone: others equal to it are as loud, and say no more.
    at = at[np.diff(at, prepend=-half - 1) > half]
    spread = frames[at].std(axis=1) > 1.0
    at = at[spread]
    return (frames[at] - power[at, None], at / session.frame_rate, power[at])
