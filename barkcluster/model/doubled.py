"""The same music given twice: a take and its copy, a wav beside its mp3.

Of a stretch that is in the session twice, whichever is held out for the calibration is heard in
the other: it looks better known than any unheard music could be, and all else is called strange.
A loop that a musician repeats is no such copy: it resembles itself at other times as well. Where a
recording of loops is given twice, its copy is nearer than they are.
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
# A copy differs by this much (dB, median over the bands of what is left beside a gain of each band
# and one of each moment): codecs leave .3 to 1, two takes of one riff 3 to 6.
_ALIKE_DB = 1.5
# What is this near in the contours is looked at frame by frame.
_LIKELY_DB = 3.0
# Shorter stretches recur in music. A take may be shorter than that, if nearly all of it is a copy.
_SHORTEST_S = 10.0
_SHORTEST_TAKE_S = 4.0
_NEARLY_ALL = 0.8
# A stretch is a loop if half of it is as near after another time: farther by so little, or by so
# few dB that it does not matter which of them is learned.
_ELSEWHERE_S = 1.0
_LOOP = 0.5
_AS_NEAR = 1.25
_AS_NEAR_DB = 0.3
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
    shorter = min(len(a.frames), len(b.frames)) / frame_rate
    if shorter < _SHORTEST_TAKE_S:
        return None
    shortest = min(_SHORTEST_S, _NEARLY_ALL * shorter)
    alike = []
    for likely, run in _likely_lags(a, b, shortest, frame_rate):
        nearest, lag, gains = _fine_lag(a.frames, b.frames, likely, run, frame_rate)
        if nearest > _ALIKE_DB:
            continue
        apart = _apart(_difference(a.frames, b.frames, lag, range(len(b.frames))), gains)
        start, stop = _longest_stretch(apart, frame_rate)
        alike.append((stop - start, start, stop, lag, apart))
    if not alike:
        return None
    length, start, stop, lag, here = max(alike, key=lambda copy: copy[0])
    if length < shortest * frame_rate or any(
            _is_as_near(here[start:stop], there[start:stop], frame_rate)
            for _, _, _, other, there in alike if other != lag):
        return None
    return start, stop, start + lag


def _is_as_near(here: FloatArray, there: FloatArray, frame_rate: float) -> bool:
    """Whether half of a stretch, by the second, is hardly farther after another time."""
    cuts = np.arange(0, len(here), max(1, round(frame_rate)))
    near, other = (np.array([np.median(piece) for piece in np.split(apart, cuts[1:])])
                   for apart in (here, there))
    return bool(np.mean(other <= np.maximum(_AS_NEAR * near, _AS_NEAR_DB)) >= _LOOP)


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
            while owners[earlier] != owners[later] and kept[later]:
                begin, end = max(kept[later], key=lambda piece: piece[1] - piece[0])
                if end - begin < len(of_piece.frames):
                    of_piece = _Contours(take[begin:end], frame_rate)
                copy = _doubled(contours[earlier], of_piece, frame_rate)
                if copy is None:
                    break
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


def _likely_lags(first: _Contours, second: _Contours, shortest: float, frame_rate: float
                 ) -> list[tuple[int, range]]:
    """Frames that the second take may lag behind, the likeliest first, well apart.

    With each of them the frames of the second take at which the contours are alike, most of the
    shortest stretch (s) that is looked for.
    """
    a, b = first.levels, second.levels
    # A few lengths alone, so that spectra can be kept.
    n = 1 << (len(a) + len(b) - 1).bit_length()
    product = np.sum(first.spectrum(n) * second.spectrum(n).conj(), axis=0)
    correlation = fft.irfft(product, n)
    lags = np.arange(n)
    lags = np.where(lags < len(a), lags, lags - n)
    overlap = np.minimum(len(a), lags + len(b)) - np.maximum(lags, 0)
    usable = overlap >= shortest * _SEARCH_RATE
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
        if length >= 0.8 * shortest:
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
              ) -> tuple[float, int, FloatArray]:
    """The lag near one at which a fifth of some frames are most alike.

    How far apart they are there (dB), the lag, and the gain of each band.
    """
    size = max(1, round(frame_rate / _SEARCH_RATE))
    some = run[::max(1, len(run) // _FRAMES_COMPARED)]

    def gains_at(lag: int) -> FloatArray:
        difference = _difference(first, second, lag, some)
        return np.asarray(np.median(difference[~np.isnan(difference[:, 0])], axis=0))

    gains = gains_at(lag)
    apart = {near: float(np.quantile(_apart(_difference(first, second, near, some), gains), 0.2))
             for near in range(lag - size, lag + size + 1)}
    best = min(apart, key=lambda near: apart[near])
    return apart[best], best, gains_at(best)


def _difference(first: Frames, second: Frames, lag: int, frames: range) -> FloatArray:
    """What is added (dB) to the first take in some frames of the second; nan where it has none."""
    there = np.arange(frames.start, min(frames.stop, len(second)), frames.step)
    inside = (there + lag >= 0) & (there + lag < len(first))
    result = np.full((len(there), second.shape[1]), np.nan)
    result[inside] = (np.maximum(second[there[inside]], _QUIETEST_DB)
                      - np.maximum(first[there[inside] + lag], _QUIETEST_DB))
    return result


def _apart(difference: FloatArray, gains: FloatArray) -> FloatArray:
    """Of each frame, how much (dB) is left of a difference beside gains of the bands and its own.

    Infinite where the first take has no such frame.
    """
    left = difference - gains
    left -= np.median(left, axis=1, keepdims=True)
    apart = np.median(np.abs(left, out=left), axis=1)
    return np.where(np.isnan(apart), np.inf, apart)


def _longest_stretch(apart: FloatArray, frame_rate: float) -> tuple[int, int]:
    """Frames, from one to another, in which two takes are alike."""
    size = max(1, round(frame_rate))
    run, length = _longest_run(apart, size, _ALIKE_DB)
    start, stop = run * size, min((run + length) * size, len(apart))
    near = apart <= _LIKELY_DB
    # It may begin and end within a second.
    start -= int(np.logical_and.accumulate(near[max(0, start - size):start][::-1]).sum())
    stop += int(np.logical_and.accumulate(near[stop:stop + size]).sum())
    return start, stop
