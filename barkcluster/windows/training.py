"""What a model learns from: windows of the takes, thinned, and the same music a little faster.

Neighboring windows say the same again, so a scale keeps a few in each of its lengths, at places
that no beat can lock onto. Live bands drift: rhythm and pattern are learned from copies at tempi
around the one that was played as well; how far off a copy is, a scorer takes as a distance. And
windows are heard once more a fraction of a frame later, which is how a session differs from
itself where nobody could tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._spread import golden_places
from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.resampling import stretched

from .echoes import N_WAYS, echo_of
from .features import WindowFeatures
from .layout import PATTERNS

Takes: TypeAlias = list[npt.NDArray[np.floating]]

# Windows kept in each window's length; half and twice as many are in
# docs/developers/experiments.rst, as are those kept in all.
_WINDOWS_A_LENGTH = 20
# Windows kept in all, for sessions of up to ten minutes: patterns are not free of shift and need
# many. Longer sessions keep more of their windows, up to four times.
_KEPT = {"texture": 300, "rhythm": 300, "pattern": 600}
_MOST_TIMES = 4
_HOPS_OF_KEPT = 6000
# Tempi of the copies, the one that was played among them: a band drifts by some per cent.
_TEMPI = (0.955, 0.97, 0.985, 1.0, 1.015, 1.03, 1.045)
# The change of tempo that lies one unit away (`TrainingWindows.augmented_offsets`).
_TEMPO_UNIT = 0.03
# Echoes come with noise of what levels in text are rounded to, a tenth of a dB.
_ROUNDING_DB = 0.1
# Each of the ways of `echo_of` is heard of a stretch in turn, about so long (s), which the longest
# windows lead in to. Of longer sessions so much (s) is heard again, all over them: it is ranks
# that are wanted.
_ECHO_PIECE_S = 60.0
_ECHOED_S = 600.0
# Frames around a stretch that its windows need: those it rises from, and those to interpolate.
_CONTEXT_FRAMES = 16
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
    augmented_offsets : ndarray of shape (m,)
        How far off the tempo of each of them is, in units of 3 %.
    echoes : ndarray of shape (k, n_features)
        Rows, heard a fraction of a frame later: all of them, in a session of ten minutes.
    echoed_rows : ndarray of shape (k,)
        The row that each of them is an echo of, rising.
    """

    rows: Float32Array
    times: FloatArray
    takes: npt.NDArray[np.intp]
    augmented: Float32Array
    augmented_rows: npt.NDArray[np.intp]
    augmented_offsets: FloatArray
    echoes: Float32Array
    echoed_rows: npt.NDArray[np.intp]

    @property
    def echoed(self) -> Self:
        """The rows alone that there are echoes of."""
        return replace(self, rows=self.rows[self.echoed_rows], times=self.times[self.echoed_rows],
                       takes=self.takes[self.echoed_rows])

    def after(self, time: float) -> Self:
        """The windows that end after a time, and their echoes; none of the copies.

        Parameters
        ----------
        time : float
            In seconds, counted on over the takes.
        """
        first = int(np.searchsorted(self.times, time, "right"))
        echo = int(np.searchsorted(self.echoed_rows, first))
        return replace(self, rows=self.rows[first:], times=self.times[first:],
                       takes=self.takes[first:], augmented=self.augmented[:0],
                       augmented_rows=self.augmented_rows[:0],
                       augmented_offsets=self.augmented_offsets[:0],
                       echoes=self.echoes[echo:], echoed_rows=self.echoed_rows[echo:] - first)

    def then(self, later: Self) -> Self:
        """These windows and later ones, whose echoes and copies are left out."""
        return replace(self, rows=np.concatenate([self.rows, later.rows]),
                       times=np.concatenate([self.times, later.times]),
                       takes=np.concatenate([self.takes, later.takes]))

    @property
    def step(self) -> float:
        """Seconds between neighbors."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0


def training_windows(features: WindowFeatures, takes: Takes, noise: Sequence[bool] | None = None
                     ) -> list[TrainingWindows]:
    """Windows to learn from, for each block of the features.

    Parameters
    ----------
    features : WindowFeatures
    takes : list of ndarray of shape (n_frames, n_bands)
        Separate takes.
    noise : sequence of bool, optional
        Which of the takes are noise (`echo_of`); none by default.

    Returns
    -------
    windows : list of TrainingWindows
        For each of ``features.blocks``.
    """
    strides = _strides(features, takes)
    windows = _windows_of(features, takes, strides)
    _add_echoes(windows, features, takes, strides, noise or [False] * len(takes))
    _add_copies(windows, features, takes, strides)
    return windows


def windows_between(features: WindowFeatures, takes: Takes, until: float
                    ) -> list[TrainingWindows]:
    """Windows at places between those of `training_windows`, without echoes and copies.

    Parameters
    ----------
    features : WindowFeatures
    takes : list of ndarray of shape (n_frames, n_bands)
    until : float
        Seconds, counted on over the takes, by which they end.

    Returns
    -------
    windows : list of TrainingWindows
        For each of ``features.blocks``.
    """
    left, some = round(until * features.frame_rate), []
    for take in takes:
        some.append(take[:max(0, left)])
        left -= len(take)
    return _windows_of(features, some, _strides(features, takes), turn=0.5)


def _strides(features: WindowFeatures, takes: Takes) -> dict[tuple[int, str], int]:
    """Of each block, in how many hops one window is kept."""
    n_hops = _n_hops(features, takes)
    times = min(max(n_hops / _HOPS_OF_KEPT, 1.0), _MOST_TIMES)

    def stride(scale: int, view: str) -> int:
        kind = "pattern" if view in PATTERNS else view
        apart = 1.0 if kind == "pattern" else (
            features.scale_frames[scale] / features.hop_frames / _WINDOWS_A_LENGTH)
        return max(1, round(apart), math.ceil(n_hops / (times * _KEPT[kind])))

    return {block: stride(*block) for block in features.blocks}


def _windows_of(features: WindowFeatures, takes: Takes, strides: dict[tuple[int, str], int],
                turn: float = 0.0) -> list[TrainingWindows]:
    """One window of each stride of the takes, block by block."""
    kept = [_thinned(features, take, strides, turn) for take in takes]
    starts = np.cumsum([0, *(len(take) for take in takes)]) / features.frame_rate
    return [TrainingWindows(
        rows=np.concatenate([rows[b] for rows, _ in kept]),
        times=np.concatenate([ends[b] + start for (_, ends), start in
                              zip(kept, starts[:-1], strict=True)]),
        takes=np.repeat(np.arange(len(takes)), [len(ends[b]) for _, ends in kept]),
        augmented=np.empty((0, features.n_features(*block)), np.float32),
        augmented_rows=np.empty(0, np.intp),
        augmented_offsets=np.empty(0),
        echoes=np.empty((0, features.n_features(*block)), np.float32),
        echoed_rows=np.empty(0, np.intp)) for b, block in enumerate(features.blocks)]


def _n_hops(features: WindowFeatures, takes: Takes) -> int:
    return sum(len(take) for take in takes) // features.hop_frames


def spread_ends(first: int, n_frames: int, stride: int, turn: float = 0.0
                ) -> npt.NDArray[np.intp]:
    """Where windows end that are about a stride apart and lock onto no period.

    One in each stride, at one of `golden_places`: windows a fixed step apart hear a beat that
    divides it in the same few places for ever.

    Parameters
    ----------
    first : int
        Frames at the end of the first window that is full.
    n_frames : int
        Frames there are.
    stride : int
        Frames in which one window is kept.
    turn : float, default=0.0
        Where in the stride to begin, 0 to 1: two sets of windows at different turns lie between
        each other.

    Returns
    -------
    ends : ndarray of shape (n,)
        Frames heard at the end of each window, rising.

    Examples
    --------
    >>> spread_ends(10, 60, 10)
    array([15, 21, 37, 43, 59])
    >>> spread_ends(10, 10, 10)
    array([10])
    """
    number = np.arange(max(0, -(-(n_frames - first + 1) // stride)))
    place = golden_places(len(number), turn)
    ends: npt.NDArray[np.intp] = first + number * stride + (place * stride).astype(np.intp)
    if len(ends) == 1:  # a take that just fills a window has one
        return np.minimum(ends, n_frames)
    return ends[ends <= n_frames]


def spread_windows(features: WindowFeatures, frames: npt.NDArray[np.floating],
                   ) -> list[Float32Array]:
    """Windows of one take, one in each hop, at places that lock onto no period.

    Parameters
    ----------
    features : WindowFeatures
    frames : ndarray of shape (n_frames, n_bands)

    Returns
    -------
    windows : list of ndarray of shape (n, n_features)
        For each of ``features.blocks``.
    """
    return _thinned(features, frames, dict.fromkeys(features.blocks, 1))[0]


def _thinned(
    features: WindowFeatures, frames: npt.NDArray[np.floating],
    strides: dict[tuple[int, str], int], turn: float = 0.0,
) -> tuple[list[Float32Array], list[FloatArray]]:
    """One window of each stride of one take and the seconds they end at, block by block."""
    ends = _ends(features, len(frames), strides, turn)
    return (_windows_at(features, frames, ends),
            [of_block / features.frame_rate for of_block in ends])


def _ends(features: WindowFeatures, n_frames: int, strides: dict[tuple[int, str], int],
          turn: float = 0.0) -> list[npt.NDArray[np.intp]]:
    return [spread_ends(features.block_frames(*block), n_frames,
                        strides[block] * features.hop_frames, turn)
            for block in features.blocks]


def _windows_at(features: WindowFeatures, frames: npt.NDArray[np.floating],
                ends: list[npt.NDArray[np.intp]]) -> list[Float32Array]:
    """The windows of one take that end at these frames, block by block."""
    rows: list[list[Float32Array]] = [[] for _ in ends]
    running = features.running(_CHUNK_FRAMES)
    for start in range(0, max(len(frames), 1), _CHUNK_FRAMES):
        running.hear(frames[start:start + _CHUNK_FRAMES])
        new = [of_block[slice(*np.searchsorted(of_block, [start, running.n_frames], "right"))]
               for of_block in ends]
        for b, windows in enumerate(running.windows_at(new)):
            rows[b].append(windows)
    return [np.concatenate(of_block) for of_block in rows]


def _add_echoes(
    windows: list[TrainingWindows], features: WindowFeatures, takes: Takes,
    strides: dict[tuple[int, str], int], noise: Sequence[bool],
) -> None:
    """Add echoes of the windows that are kept, too little later and louder for anybody to tell."""
    ends = [_ends(features, len(take), strides) for take in takes]
    pieces = list(_echo_pieces(takes, features.frame_rate))
    every = max(1, int(sum(map(len, takes)) / features.frame_rate / _ECHOED_S))
    draw = np.random.default_rng(0)
    # One of so many, at random: takes may be alike in length.
    some = [group[draw.integers(len(group))]
            for group in (pieces[i:i + every] for i in range(0, len(pieces), every))]
    # Long windows end late in each take, where none of the pieces may be.
    if any(len(of_block.times) and not any(
            len(_within(ends[take][b], begin, end)) for take, begin, end in some)
           for b, of_block in enumerate(windows)):
        some = pieces
    for turn, (take, begin, end) in enumerate(some):
        start = max(0, begin - features.scale_frames[-1] - _CONTEXT_FRAMES)
        frames = takes[take][start:end + _CONTEXT_FRAMES]
        heard = echo_of(frames, turn, noise_alone=noise[take])[:end - start]
        rounding = draw.random(heard.shape, dtype=np.float32) - 0.5
        mine = [_within(of_block, begin, end) for of_block in ends[take]]
        rows = _windows_at(features, heard + _ROUNDING_DB * rounding,
                           [ends[take][b][which] - start for b, which in enumerate(mine)])
        for b, of_block in enumerate(windows):
            first = np.searchsorted(of_block.takes, take)
            of_block.echoes = np.concatenate([of_block.echoes, rows[b]])
            of_block.echoed_rows = np.concatenate([of_block.echoed_rows, first + mine[b]])


def _echo_pieces(takes: Takes, rate: float) -> Iterator[tuple[int, int, int]]:
    """Takes in pieces to be heard in turn in each of the ways: take, first frame and end."""
    for number, take in enumerate(takes):
        n_turns = max(1, round(len(take) / rate / _ECHO_PIECE_S / N_WAYS))
        cuts = np.linspace(0, len(take), n_turns * N_WAYS + 1).astype(int).tolist()
        for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
            yield number, begin, end


def _within(ends: npt.NDArray[np.intp], begin: int, end: int) -> npt.NDArray[np.intp]:
    """Which of rising ends lie after one frame, up to another."""
    return np.arange(*np.searchsorted(ends, [begin, end], "right"))


def _add_copies(
    windows: list[TrainingWindows], features: WindowFeatures, takes: Takes,
    strides: dict[tuple[int, str], int],
) -> None:
    """Rhythm and pattern of the takes at tempi around theirs."""
    views = tuple(view for view in features.views if view != "texture")
    if not views:
        return
    of_time = WindowFeatures(features.scales, features.hop, features.frame_rate, views=views,
                             n_bands=features.n_bands, definition=features.definition)
    if not of_time.blocks:
        return
    where = {block: b for b, block in enumerate(features.blocks)}
    many = min(1.0, _n_hops(features, takes) / _KEPT["pattern"])
    for begin, part, tempi in _pieces(takes, features.frame_rate):
        every = max(1, round(_COPY_STRIDE * many * len(tempi) / len(_TEMPI)))
        sparser = {block: strides[block] * every for block in of_time.blocks}
        for i, tempo in enumerate(tempi):
            # Patterns are not free of shift: each copy has windows where the others have none.
            rows, ends = _thinned(of_time, stretched(part, 1.0 / tempo), sparser,
                                  turn=i / len(tempi))
            for block, X, end in zip(of_time.blocks, rows, ends, strict=True):
                mine = windows[where[block]]
                if not len(X) or not len(mine.times):
                    continue
                time = begin + end * tempo
                after = np.clip(np.searchsorted(mine.times, time), 1, max(1, len(mine.times) - 1))
                before = mine.times[after - 1]
                here = mine.times[np.minimum(after, len(mine.times) - 1)]
                nearest = np.where(time - before < here - time, after - 1,
                                   np.minimum(after, len(mine.times) - 1))
                mine.augmented = np.concatenate([mine.augmented, X])
                mine.augmented_rows = np.concatenate([mine.augmented_rows, nearest])
                mine.augmented_offsets = np.concatenate(
                    [mine.augmented_offsets, np.full(len(X), (tempo - 1.0) / _TEMPO_UNIT)])


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
