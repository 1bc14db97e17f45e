"""What a model learns from: windows of the takes, thinned, and the same music a little faster.

Neighboring windows say the same again, so a scale keeps a few in each of its lengths. Live bands
drift: rhythm and pattern are learned from copies at tempi around the one that was played, each as
near to it as it is to the next, so that none is more familiar than another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._typing import Float32Array, FloatArray

from .features import WindowFeatures
from .layout import PATTERNS

Takes: TypeAlias = list[npt.NDArray[np.floating]]

# Windows kept in each window's length.
_WINDOWS_A_LENGTH = 20
# Windows kept in all, for sessions of up to ten minutes: patterns are not free of shift and need
# many. Longer sessions keep more of their windows, up to four times.
_KEPT = {"texture": 300, "rhythm": 300, "pattern": 600}
_MOST_TIMES = 4
_HOPS_OF_KEPT = 6000
# Tempi of the copies. A band drifts by some per cent. The tempo that was played is not among them:
# a window would be at home there, and strange 1 % beside it, which is what 10 s can tell apart.
_TEMPI = (0.95625, 0.96875, 0.98125, 0.99375, 1.00625, 1.01875, 1.03125, 1.04375)
# A copy keeps one window of so many: half as many again in all as there are rows to judge. Where
# all rows together are few, it keeps more of them: learned from 10 s, order gains .03.
_COPY_STRIDE = 5
# Sessions up to this long (s) are copied at every tempo. Of longer ones, whose music comes back,
# each piece is at a few in turn, at one at least.
_ALL_TEMPI_S = 600.0
_PIECE_S = 120.0
_CHUNK_FRAMES = 4096


@dataclass(eq=False)
class TrainingWindows:
    """The windows of one block of features that a scorer learns from.

    Attributes
    ----------
    rows : ndarray of shape (n, n_features)
        In time order.
    times : ndarray of shape (n,)
        Seconds at the windows' ends, counted on over the takes.
    takes : ndarray of shape (n,)
        Which take each is from.
    augmented : ndarray of shape (m, n_features)
        The same at tempi around theirs, to learn in their place; none for texture.
    augmented_rows : ndarray of shape (m,)
        The row that each of them is a copy of.
    """

    rows: Float32Array
    times: FloatArray
    takes: npt.NDArray[np.intp]
    augmented: Float32Array
    augmented_rows: npt.NDArray[np.intp]

    @property
    def step(self) -> float:
        """Seconds between neighbors."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0


def training_windows(features: WindowFeatures, takes: Takes) -> list[TrainingWindows]:
    """Windows to learn from, for each block of the features.

    Parameters
    ----------
    features : WindowFeatures
    takes : list of ndarray of shape (n_frames, n_bands)
        Separate takes.

    Returns
    -------
    windows : list of TrainingWindows
        For each of ``features.blocks``.
    """
    blocks = features.blocks
    hop = features.hop_frames
    n_hops = _n_hops(features, takes)
    times = min(max(n_hops / _HOPS_OF_KEPT, 1.0), _MOST_TIMES)

    def stride(scale: int, view: str) -> int:
        kind = "pattern" if view in PATTERNS else view
        apart = 1.0 if kind == "pattern" else (
            features.scale_frames[scale] / hop / _WINDOWS_A_LENGTH)
        return max(1, round(apart), math.ceil(n_hops / (times * _KEPT[kind])))

    strides = {block: stride(*block) for block in blocks}
    kept = [_every(features, take, strides) for take in takes]
    starts = np.cumsum([0, *(len(take) for take in takes)]) / features.frame_rate
    windows = []
    for b in range(len(blocks)):
        windows.append(TrainingWindows(
            rows=np.concatenate([rows[b] for rows, _ in kept]),
            times=np.concatenate([ends[b] + start for (_, ends), start in
                                  zip(kept, starts[:-1], strict=True)]),
            takes=np.repeat(np.arange(len(takes)), [len(ends[b]) for _, ends in kept]),
            augmented=np.empty((0, features.n_features(*blocks[b])), np.float32),
            augmented_rows=np.empty(0, np.intp)))
    _add_copies(windows, features, takes, strides)
    return windows


def _n_hops(features: WindowFeatures, takes: Takes) -> int:
    return sum(len(take) for take in takes) // features.hop_frames


def _every(
    features: WindowFeatures, frames: npt.NDArray[np.floating],
    strides: dict[tuple[int, str], int],
) -> tuple[list[Float32Array], list[FloatArray]]:
    """Every so many windows of one take and the seconds they end at, block by block."""
    rows: list[list[Float32Array]] = [[] for _ in features.blocks]
    ends: list[list[FloatArray]] = [[] for _ in features.blocks]
    # Windows that no block keeps are not computed.
    common = math.gcd(*strides.values())
    hop = features.hop_frames * common
    running = WindowFeatures(features.scales, hop / features.frame_rate, features.frame_rate,
                             views=features.views, n_bands=features.n_bands).running()
    for start in range(0, max(len(frames), 1), _CHUNK_FRAMES):
        windows = running.push(frames[start:start + _CHUNK_FRAMES])
        last = running.n_frames // hop
        for b, (X, block) in enumerate(zip(windows, features.blocks, strict=True)):
            number = last - np.arange(len(X) - 1, -1, -1)   # hops since the take began
            chosen = number % (strides[block] // common) == 0
            rows[b].append(X[chosen])
            ends[b].append(number[chosen] * hop / features.frame_rate)
    return [np.concatenate(r) for r in rows], [np.concatenate(e) for e in ends]


def _add_copies(
    windows: list[TrainingWindows], features: WindowFeatures, takes: Takes,
    strides: dict[tuple[int, str], int],
) -> None:
    """Rhythm and pattern of the takes at tempi around theirs."""
    views = tuple(view for view in features.views if view != "texture")
    if not views:
        return
    of_time = WindowFeatures(features.scales, features.hop, features.frame_rate, views=views,
                             n_bands=features.n_bands)
    if not of_time.blocks:
        return
    where = {block: b for b, block in enumerate(features.blocks)}
    many = min(1.0, _n_hops(features, takes) / _KEPT["pattern"])
    for begin, part, tempi in _pieces(takes, features.frame_rate):
        every = max(1, round(_COPY_STRIDE * many * len(tempi) / len(_TEMPI)))
        sparser = {block: strides[block] * every for block in of_time.blocks}
        for i, tempo in enumerate(tempi):
            # Patterns are not free of shift: each copy has windows where the others have none.
            first = round(features.hop_frames * min(sparser.values()) * i / len(tempi))
            rows, ends = _every(of_time, stretched(part, 1.0 / tempo)[first:], sparser)
            for block, X, end in zip(of_time.blocks, rows, ends, strict=True):
                mine = windows[where[block]]
                if not len(X) or not len(mine.times):
                    continue
                time = begin + (end + first / features.frame_rate) * tempo
                after = np.clip(np.searchsorted(mine.times, time), 1, max(1, len(mine.times) - 1))
                before = mine.times[after - 1]
                here = mine.times[np.minimum(after, len(mine.times) - 1)]
                nearest = np.where(time - before < here - time, after - 1,
                                   np.minimum(after, len(mine.times) - 1))
                mine.augmented = np.concatenate([mine.augmented, X])
                mine.augmented_rows = np.concatenate([mine.augmented_rows, nearest])


def _pieces(
    takes: Takes, rate: float
) -> Iterator[tuple[float, npt.NDArray[np.floating], tuple[float, ...]]]:
    """Seconds at which each piece to copy begins, its frames, and the tempi of its copies."""
    total = sum(len(take) for take in takes) / rate
    n_tempi = max(1, min(len(_TEMPI), round(len(_TEMPI) * _ALL_TEMPI_S / max(total, 1e-9))))
    turn = 0
    start = 0.0
    for take in takes:
        n_pieces = 1
        if n_tempi < len(_TEMPI):
            n_pieces = max(1, round(len(take) / rate / _PIECE_S))
        cuts = np.linspace(0, len(take), n_pieces + 1).astype(int).tolist()
        for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
            tempi = tuple(_TEMPI[(turn + i * len(_TEMPI) // n_tempi) % len(_TEMPI)]
                          for i in range(n_tempi))
            yield start + begin / rate, take[begin:end], tempi
            turn += 1
        start += len(take) / rate


def stretched(frames: npt.NDArray[np.floating], factor: float) -> npt.NDArray[np.floating]:
    """The frames as if they had been played slower or faster.

    Parameters
    ----------
    frames : ndarray of shape (n, n_bands)
    factor : float
        How many times as long the result is: 1.04 is 4 % slower.

    Returns
    -------
    frames : ndarray of shape (round(n * factor), n_bands)
        Linear interpolation between neighboring frames.
    """
    n = len(frames)
    if n < 2:
        return frames
    at = np.minimum(np.arange(round(n * factor)) / factor, n - 1)
    before = np.minimum(at.astype(np.intp), n - 2)
    share = (at - before)[:, None]
    return frames[before] * (1.0 - share) + frames[before + 1] * share
