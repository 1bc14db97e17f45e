"""Sessions that build up: layer upon layer, player after player, until they are what they stay.

What was heard once, at the beginning, and never came back is unlike all the rest while it is held
out, and then nothing that breaks in later is stranger than that was. It is learned, like all that
was heard; but what comes next is measured by what the session has become.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from barkcluster._distances import squared_distances
from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import held_out_blocks
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.training import TrainingWindows

# A session is measured from where so much of it is left, in longest windows and as a share.
_LEAST_WINDOWS = 6.0
_LEAST_SHARE = 0.4
# A beginning takes so long (s), and its end is looked for at so many places.
_SHORTEST_S = 8.0
_MOST_PLACES = 24
_N_BLOCKS = 5
# A window is unlike what follows if it is farther from all others than 19 in 20 of that are: by
# chance one in twenty is, where players came in half or more.
_UNLIKE = 0.95
_HALF = 0.5
# How many seconds, of half unlike and half like, would have to be added until it is half.
_LEAST_S = 4.0


def built_up_at(training: Sequence[TrainingWindows], features: WindowFeatures,
                duration: float) -> float:
    """When the windows begin to end that hold nothing of how a session was built up.

    Blocks of windows are compared with all others, by texture: a place is the end of a build-up if
    most of what lies before it is unlike all the rest, and what lies behind it is not.

    Parameters
    ----------
    training : sequence of TrainingWindows
        For each of ``features.blocks``.
    features : WindowFeatures
    duration : float
        Of all takes, in seconds.

    Returns
    -------
    time : float
        In seconds, counted on over the takes; 0 where nothing was built up.
    """
    longest = features.scales[-1]
    last = min((1.0 - _LEAST_SHARE) * duration, duration - (1.0 + _LEAST_WINDOWS) * longest)
    if last < _SHORTEST_S:
        return 0.0
    apart = [(windows.times, _apart_from_others(windows, features.scales[scale]))
             for windows, (scale, view) in zip(training, features.blocks, strict=True)
             if view == "texture"]
    n_places = min(_MOST_PLACES, 1 + int((last - _SHORTEST_S) / (0.5 * _SHORTEST_S)))
    places = np.linspace(_SHORTEST_S, last, n_places)
    unlike = np.array([[_share_unlike(times, far, place, place + longest)
                        for times, far in apart] for place in places]).mean(axis=1)
    excess = places * (unlike - _HALF)
    best = int(np.argmax(excess))
    return float(places[best]) + longest if excess[best] >= _LEAST_S else 0.0


def _share_unlike(times: FloatArray, apart: FloatArray, before: float, after: float) -> float:
    """Of windows that end before a time, how many are unlike those that end after another."""
    beginning, rest = apart[times <= before], apart[times > after]
    if not len(beginning) or not len(rest):
        return 0.0
    return float(np.mean(beginning > np.quantile(rest, _UNLIKE)))


def _apart_from_others(windows: TrainingWindows, length: float) -> FloatArray:
    """How far each window is from the nearest that lies in another block, squared."""
    apart = np.empty(len(windows.rows))
    gap = int(np.ceil(length / windows.step))
    for kept, block in held_out_blocks(len(apart), _N_BLOCKS, gap):
        apart[block] = squared_distances(windows.rows[block], windows.rows[kept]).min(axis=1)
    return apart
