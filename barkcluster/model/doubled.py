"""The same music given twice: a take and its copy, a wav beside its mp3.

Of a stretch that is in the session twice, whichever is held out for the calibration is heard in
the other: it looks better known than any unheard music could be, and all else is called strange.
A loop that a musician repeats is no such copy: it resembles itself at other times as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import fft

from barkcluster._typing import FloatArray

Frames = npt.NDArray[np.floating]

# Values a second of the contours that copies are searched by.
_SEARCH_RATE = 10.0
_GROUPS = 5
_QUIETEST_DB = -90.0
# A copy differs by this much (dB, median over the bands of what is left beside one gain): codecs
# leave .3 to 1, two takes of one riff 3 to 6.
_ALIKE_DB = 1.5
# What is this near in the contours is looked at frame by frame.
_LIKELY_DB = 3.0
# Shorter stretches recur in music.
_SHORTEST_S = 10.0
# A stretch that resembles itself as well after another time is a loop.
_ELSEWHERE_S = 1.0
_LOOP = 0.5
_N_LAGS = 4
# Frames of two takes that are compared at each lag, from where the contours are alike: more find
# the same copies, later.
_FRAMES_COMPARED = 150


def doubled(first: Frames, second: Frames, frame_rate: float) -> tuple[int, int, int] | None:
    """Where the second take holds the same as the first.

    Parameters
    ----------
    first, second : ndarray of shape (n_frames, n_bands)
        Levels in dB.
    frame_rate : float

    Returns
    -------
    start, stop, in_first : int or None
        Frames of the second take, and where in the first they begin. None where there are no
        10 s of it, or where it is a loop.

    Examples
    --------
    >>> take = np.random.default_rng(0).normal(-40.0, 8.0, size=(3000, 25))
    >>> doubled(take, take[500:] - 3.0, frame_rate=100.0)
    (0, 2500, 500)
    """
    return _doubled(_Contours(first, frame_rate), _Contours(second, frame_rate), frame_rate)


def _doubled(a: _Contours, b: _Contours, frame_rate: float) -> tuple[int, int, int] | None:
    """`doubled` of the takes with these contours."""
    first, second = a.frames, b.frames
    shortest = round(_SHORTEST_S * frame_rate)
    if min(len(first), len(second)) < shortest:
        return None
    alike = []
    for likely, run in _likely_lags(a, b, frame_rate):
        lag, apart = _fine_lag(first, second, likely, run, frame_rate)
        if apart <= _ALIKE_DB:
            start, stop = _longest_stretch(first, second, lag, frame_rate)
            alike.append((stop - start, start, stop, lag))
    if not alike:
        return None
    alike.sort(reverse=True)
    (length, start, stop, lag), *others = alike
    elsewhere = round(_ELSEWHERE_S * frame_rate)
    if length < shortest or any(other >= _LOOP * length and abs(other_lag - lag) >= elsewhere
                                for other, _, _, other_lag in others):
        return None
    return start, stop, start + lag


def without_doubles(
    takes: Sequence[Frames], owners: Sequence[int], frame_rate: float
) -> tuple[list[list[tuple[int, int]]], list[tuple[int, int, int, int, int]]]:
    """What is left of takes when nothing is in two of them.

    Parameters
    ----------
    takes : sequence of ndarray of shape (n_frames, n_bands)
    owners : sequence of int
        The session that each take is of. Takes of one session are not compared: what a player
        repeats is repeated.
    frame_rate : float

    Returns
    -------
    kept : list of list of (start, stop)
        For each take, the frames to keep.
    found : list of (earlier, later, start, stop, in_earlier)
        Indices of two takes, the frames of the later one that are left out, and where they begin
        in the earlier.
    """
    kept = [[(0, len(take))] for take in takes]
    found: list[tuple[int, int, int, int, int]] = []
    contours = [_Contours(take, frame_rate) for take in takes]
    for later, take in enumerate(takes):
        of_piece = contours[later]
        for earlier in range(later):
            if owners[earlier] == owners[later] or not kept[later]:
                continue
            begin, end = max(kept[later], key=lambda piece: piece[1] - piece[0])
            if end - begin < len(of_piece.frames):
                of_piece = _Contours(take[begin:end], frame_rate)
            copy = _doubled(contours[earlier], of_piece, frame_rate)
            if copy is not None:
                start, stop = begin + copy[0], begin + copy[1]
                kept[later].remove((begin, end))
                kept[later] += [piece for piece in ((begin, start), (stop, end))
                                if piece[1] > piece[0]]
                kept[later].sort()
                found.append((earlier, later, start, stop, copy[2]))
    return kept, found


class _Contours:
    """Levels of a take in a few groups of bands, ten a second, without what a gain adds to all."""

    def __init__(self, frames: Frames, frame_rate: float) -> None:
        self.frames = frames
        self._size = max(1, round(frame_rate / _SEARCH_RATE))
        self._spectra: dict[int, npt.NDArray[np.complexfloating]] = {}

    @cached_property
    def levels(self) -> FloatArray:
        """Of shape (n, n_groups)."""
        frames, size = self.frames, self._size
        whole = len(frames) // size * size
        levels = np.maximum(frames[:whole], _QUIETEST_DB).reshape(-1, size, frames.shape[1])
        groups = np.array_split(levels.mean(axis=1), min(_GROUPS, frames.shape[1]), axis=1)
        contours = np.column_stack([group.mean(axis=1) for group in groups])
        if contours.shape[1] > 1:
            contours -= contours.mean(axis=1, keepdims=True)
        contours -= contours.mean(axis=0)
        return np.asarray(contours, dtype=np.float64)

    def spectrum(self, n: int) -> npt.NDArray[np.complexfloating]:
        """Of the levels and zeros, ``n`` in all; each take is compared with many."""
        if n not in self._spectra:
            self._spectra[n] = fft.rfft(self.levels.T, n)
        return self._spectra[n]


def _likely_lags(first: _Contours, second: _Contours, frame_rate: float
                 ) -> list[tuple[int, range]]:
    """Frames that the second take may lag behind, the likeliest first, well apart.

    With each of them the frames of the second take at which the contours are alike.
    """
    a, b = first.levels, second.levels
    # A few lengths alone, so that spectra can be kept.
    n = 1 << (len(a) + len(b) - 1).bit_length()
    product = np.sum(first.spectrum(n) * second.spectrum(n).conj(), axis=0)
    correlation = fft.irfft(product, n)
    lags = np.arange(n)
    lags = np.where(lags < len(a), lags, lags - n)
    overlap = np.minimum(len(a), lags + len(b)) - np.maximum(lags, 0)
    usable = overlap >= _SHORTEST_S * _SEARCH_RATE
    # Per value, so that long overlaps do not win by length; short ones win by chance.
    likeness = np.where(usable, correlation / np.sqrt(np.maximum(overlap, 1)), -np.inf)
    found: list[tuple[int, range]] = []
    size = max(1, round(frame_rate / _SEARCH_RATE))
    apart = round(_ELSEWHERE_S * _SEARCH_RATE)
    for _ in range(_N_LAGS):
        best = int(np.argmax(likeness))
        if not np.isfinite(likeness[best]):
            break
        lag = int(lags[best])
        likeness[np.abs(lags - lag) < apart] = -np.inf
        start, stop = max(0, -lag), min(len(b), len(a) - lag)
        difference = b[start:stop] - a[start + lag:stop + lag]
        piece = round(_SEARCH_RATE)
        run, length = _longest_run(np.median(np.abs(
            difference - np.median(difference, axis=0)), axis=1), piece, _LIKELY_DB)
        if length >= 0.8 * _SHORTEST_S:
            alike = size * (start + piece * run)
            found.append((lag * size, range(alike, alike + size * piece * length)))
    return found


def _longest_run(apart: FloatArray, size: int, limit: float) -> tuple[int, int]:
    """Where the longest run of pieces with a median within a limit begins, and its length."""
    whole = len(apart) // size * size
    medians = np.median(apart[:whole].reshape(-1, size), axis=1)
    if whole < len(apart):
        medians = np.append(medians, np.median(apart[whole:]))
    within = np.concatenate([[0], medians <= limit, [0]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(within))
    if not len(edges):
        return 0, 0
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    longest = int(np.argmax(lengths))
    return int(starts[longest]), int(lengths[longest])


def _fine_lag(first: Frames, second: Frames, lag: int, run: range, frame_rate: float
              ) -> tuple[int, float]:
    """The lag near one at which a fifth of some frames are most alike, and how much (dB)."""
    size = max(1, round(frame_rate / _SEARCH_RATE))
    step = max(1, len(run) // _FRAMES_COMPARED)
    apart = {near: float(np.quantile(_apart(first, second, near, run[::step]), 0.2))
             for near in range(lag - size, lag + size + 1)}
    best = min(apart, key=lambda near: apart[near])
    return best, apart[best]


def _apart(first: Frames, second: Frames, lag: int, frames: range) -> FloatArray:
    """Difference (dB) of frames of both takes, at a lag, but for one gain."""
    start, stop = max(frames.start, -lag), min(frames.stop, len(second), len(first) - lag)
    if stop <= start:
        return np.array([np.inf])
    difference = (np.maximum(second[start:stop:frames.step], _QUIETEST_DB)
                  - np.maximum(first[start + lag:stop + lag:frames.step], _QUIETEST_DB))
    difference = difference - np.median(difference)
    return np.asarray(np.median(np.abs(difference), axis=1), dtype=np.float64)


def _longest_stretch(first: Frames, second: Frames, lag: int, frame_rate: float
                     ) -> tuple[int, int]:
    """Frames of the second take, from one to another, that are as in the first."""
    size = max(1, round(frame_rate))
    apart = _apart(first, second, lag, range(len(second)))
    run, length = _longest_run(apart, size, _ALIKE_DB)
    start = max(0, -lag)
    return start + run * size, start + min((run + length) * size, len(apart))
