"""Sessions that repeat exactly: a loop, a drum machine, a sequencer.

What a calibration holds out of them is no unheard music. It was learned from the other times
around, and what goes on is nearer to none of them than it is: by ranks alone, one moment in twenty
of a loop that was learned would be strange.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from barkcluster._distances import squared_distances
from barkcluster._spread import spread_rows
from barkcluster.windows.features import WindowFeatures

# Windows (s) that are compared, one beginning each second, with all others of their stretch but
# those that share half of their frames or more.
_WINDOW_S = 1.0
_APART_S = 1.5
# Stretches of a session that are looked at, at least so long (s): half as long may a loop be.
_STRETCH_S = 75.0
_N_STRETCHES = 2
# What comes back is as near as a window is to the one so much later (s), on average over the
# session. Loops are at 0, drum machines, whose beats fall between frames, at up to 16 ms, loops
# that were recorded at 15; machines with human jitter at 20 or more, loops in noise at 20 to 50,
# players at 40 to 200.
_MOVES_S = 0.017
# Seconds from a window to the next: loops that fall between two are half of that away.
_HOP_S = 0.02
# Where a window moves less in that time nothing goes on: silence, a held sound.
_STILL = 1e-3


def share_by_heart(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float) -> float:
    """How much of a session comes back so exactly that nobody could tell.

    Parameters
    ----------
    takes : sequence of ndarray of shape (n_frames, n_bands)
        Levels in dB.
    frame_rate : float

    Returns
    -------
    share : float
        0 if half of it comes back or less, 1 if all does.

    Examples
    --------
    >>> import numpy as np
    >>> bar = np.random.default_rng(0).normal(-40.0, 10.0, size=(200, 25))
    >>> share_by_heart([np.tile(bar, (5, 1))], 100.0)
    1.0
    >>> share_by_heart([np.random.default_rng(0).normal(-40.0, 10.0, size=(1000, 25))], 100.0)
    0.0
    """
    length = round(_STRETCH_S * frame_rate)
    stretches = [piece for take in takes for piece in np.array_split(
        take, max(1, len(take) // length)) if len(piece) >= 2 * _APART_S * frame_rate]
    known = [_known(stretches[s], frame_rate) for s in spread_rows(len(stretches), _N_STRETCHES)]
    comes_back = np.concatenate(known) if known else np.zeros(0)
    return max(0.0, 2.0 * float(comes_back.mean()) - 1.0) if len(comes_back) else 0.0


def _known(frames: npt.NDArray[np.floating], frame_rate: float) -> npt.NDArray[np.bool_]:
    """Of some windows in which something moves, whether they come back."""
    # At low rates a hop is a frame: then it is what lies between two frames that comes back.
    hop = max(1, round(_HOP_S * frame_rate)) / frame_rate
    features = WindowFeatures((_WINDOW_S,), hop, frame_rate, views=("texture",),
                              n_bands=frames.shape[1])
    windows = features.transform_views(frames)[0].X
    steps = np.linalg.norm(np.diff(windows, axis=0), axis=1)
    some = spread_rows(len(steps), round(len(frames) / frame_rate))
    some = some[steps[some] > _STILL]
    apart = squared_distances(windows[some], windows)
    apart[np.abs(some[:, None] - np.arange(len(windows))) * hop < _APART_S] = np.inf
    return np.asarray(apart.min(axis=1) < (_MOVES_S / hop * steps.mean()) ** 2)
