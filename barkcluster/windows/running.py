"""Window features of frames that keep coming, in bounded memory.

The numbers of every view are computed here, once, for whole sessions and for streams.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import N_BANDS

from .layout import PATTERNS, RHYTHM_GROUPS, WindowLayout
from .rolling import RollingBuffer

# Below this, changes of level are quantization and codec noise, not music (dB).
_QUIETEST_DB = -90.0
# Sums run over levels near zero, so that a day of squares keeps its last digits.
_CENTER_DB = 60.0

# dB; average spread of each texture number within a piece, measured on recorded music.
TEXTURE_UNITS = {
    "level": 4.0, "spread": 1.9, "change": 0.28, "attack_10ms": 0.67, "attack_50ms": 1.5}
_UNITS = np.array(list(TEXTURE_UNITS.values()))[:, None, None]

# Keep the spectrum, and the pattern, of a group without onsets near zero instead of blowing its
# noise up; a third and three times as much are in docs/developers/experiments.rst.
_RHYTHM_QUIET_POWER = 0.03
_PATTERN_QUIET_POWER = 0.03

# Running sums are off by some 1e-10 of what they have seen: mean squares (dB^2) and cubes (dB^3)
# below this are no spread and no attack, or the root of that error would be heard.
_SOFTNESS = 1e-6

# Changes over 10 and over 50 ms (dB) count up to these: one click is not the whole window.
_HIGHEST_RISES = np.array([[[20.0]], [[30.0]]])

# Share of the level common to all bands that is left in the texture.
COMMON_LEVEL = 0.25

_LEAST_FLOAT = np.finfo(np.float32).tiny
_THIRD = np.float32(1.0 / 3.0)
_NO_ONSETS = np.empty((0, 0, 0))

# Frames worked on at once: large enough for numpy, small enough for the cache.
CHUNK_FRAMES = 2048
# Frames that may wait to be summed: those between two hops cost less together than one by one.
_MOST_WAITING = 32


class RunningWindows:
    """Window features of frames that keep coming; made by `WindowFeatures.running`.

    Memory is bounded by the longest window, and the cost of a window does not grow with its
    length but for the short transform of its rhythm.

    Parameters
    ----------
    layout : WindowLayout
        What to compute.
    chunk_frames : int, default=2048
        Frames worked on at once, at most: a kilobyte of memory each.

    Attributes
    ----------
    n_frames : int
        Frames heard so far.

    Examples
    --------
    >>> import numpy as np
    >>> from barkcluster import WindowFeatures
    >>> running = WindowFeatures(scales=(0.1,), hop=0.05).running()
    >>> [len(running.push(np.full((1, 25), -40.0))[0]) for _ in range(16)]
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    """

    def __init__(self, layout: WindowLayout, chunk_frames: int = CHUNK_FRAMES) -> None:
        self.layout = layout
        self.n_frames = 0
        self._n_summed = 0
        self._chunk_frames = chunk_frames
        longest, rate = layout.scale_frames[-1], layout.frame_rate
        self._step = max(1, round(0.01 * rate))    # what counts as one frame: 10 ms
        self._attack = max(1, round(0.05 * rate))
        self._flux = max(1, round(0.02 * rate))
        self._blocks = [
            (i, view, layout.block_frames(i, view), layout.n_features(i, view))
            for i, view in layout.blocks]
        # Nine pushes in ten answer this: made once.
        self._nothing = [np.empty((0, width), np.float32) for _, _, _, width in self._blocks]
        self._lengths = np.array(layout.scale_frames)
        self._rhythm_columns = {
            i: _as_slice(layout.rhythm_bins(i)) for i, view in layout.blocks
            if view == "rhythm"}
        # Signed: what swells and breaks off is the reverse of what is struck and dies away.
        self._lowest_rises = -_HIGHEST_RISES if layout.definition > 1 else 0.0 * _HIGHEST_RISES
        self._needs_textures = "texture" in layout.views
        onsets = [b for b, (_, view) in enumerate(layout.blocks) if view != "texture"]
        self._needs_onsets = bool(onsets)
        self._longest = max(onsets, key=lambda b: self._blocks[b][2], default=0)
        room = chunk_frames + _MOST_WAITING
        # An even number of columns: sums run over two at a time.
        self._sums = RollingBuffer(longest + 1, room, -(-5 * layout.n_bands // 2) * 2)
        # One row more than the window: a sum over L frames is a difference of rows L apart.
        self._sums.extend(1)[:] = 0.0
        self._recent = RollingBuffer(self._attack + _MOST_WAITING + 1, room, layout.n_bands)
        self._onsets = RollingBuffer(longest + 1, room, len(RHYTHM_GROUPS))
        self._onsets.extend(1)[:] = 0.0
        self._rises = RollingBuffer(layout.smoothing_frames, room, len(RHYTHM_GROUPS))
        self._rises.extend(layout.smoothing_frames - 1)[:] = 0.0
        self._to_groups = group_matrix(layout.n_bands)

    def push(self, frames: npt.NDArray[np.floating]) -> list[Float32Array]:
        """Hear frames; return the windows that end within them.

        Parameters
        ----------
        frames : ndarray of shape (n_frames, n_bands)
            The next frames in dB, any number of them, checked by the caller.

        Returns
        -------
        windows : list of ndarray of shape (n_windows, n_features), float32
            A block for each of ``layout.blocks``; without rows between hops and until the
            scale's first window is full.
        """
        if len(frames) > self._chunk_frames:
            parts = [self.push(frames[i:i + self._chunk_frames])
                     for i in range(0, len(frames), self._chunk_frames)]
            return [np.concatenate(block) for block in zip(*parts, strict=True)]
        hop = self.layout.hop_frames
        first = (self.n_frames // hop + 1) * hop
        self._take(frames)
        if first > self.n_frames:
            if self.n_frames - self._n_summed >= _MOST_WAITING:
                self._sum()
            return self._nothing.copy()
        self._sum()
        ends = np.arange(first, self.n_frames + 1, hop)
        if first >= self._lengths[-1]:
            return self.windows_at([ends] * len(self._blocks))
        return self.windows_at([ends[ends >= length] for _, _, length, _ in self._blocks])

    def recent_patterns(self, n_hops: int) -> list[Float32Array]:
        """The patterns that the newest hops ended with, once more.

        Parameters
        ----------
        n_hops : int
            How many, where there are as many: no more than start within the longest scale.

        Returns
        -------
        patterns : list of ndarray of shape (n, n_features), float32
            For each group of bands, what `push` returned at the last ``n`` hops, oldest first.
        """
        hop = self.layout.hop_frames
        length = self.layout.block_frames(0, PATTERNS[0])
        newest = self.n_frames // hop * hop
        n = min(n_hops, (newest - self.layout.first_end(length)) // hop + 1)
        if n <= 0:
            return [np.empty((0, length // self.layout.bin_frames), np.float32)
                    for _ in PATTERNS]
        ends = newest - hop * np.arange(n - 1, -1, -1)
        return self._patterns(self._onset_windows(ends, length))

    def windows_at(self, ends: list[npt.NDArray[np.intp]]) -> list[Float32Array]:
        """The windows that ended at these frames, whether hops end there or not.

        Parameters
        ----------
        ends : list of ndarray of shape (n_windows,)
            For each of ``layout.blocks``, frames heard at the end of each window, rising: at
            least its length, at most ``n_frames``, and among those of the newest call of `hear`.
            The patterns of all groups of bands end together.

        Returns
        -------
        windows : list of ndarray of shape (n_windows, n_features), float32
        """
        out: list[Float32Array] = []
        textures, patterns = self._textures(ends), None
        longest, windows = self._longest_onsets(ends)
        for (scale, view, length, width), mine in zip(self._blocks, ends, strict=True):
            if view == "texture":
                out.append(next(textures))
            elif not len(mine):
                out.append(np.empty((0, width), np.float32))
            elif view == "rhythm":
                onsets = (self._last(windows, length) if mine is longest
                          else self._onset_windows(mine, length))
                out.append(self._rhythm(onsets, self._rhythm_columns[scale]))
            else:
                if patterns is None:
                    patterns = self._patterns(self._last(windows, length) if mine is longest
                                              else self._onset_windows(mine, length))
                out.append(patterns[PATTERNS.index(view)])
        return out

    def hear(self, frames: npt.NDArray[np.floating]) -> None:
        """Take frames into the running sums, for `windows_at`; `push` does so by itself.

        Parameters
        ----------
        frames : ndarray of shape (n_frames, n_bands)
            The next frames in dB, at most ``chunk_frames`` of them.
        """
        self._take(frames)
        self._sum()

    def _take(self, frames: npt.NDArray[np.floating]) -> None:
        """Remember frames, to be summed before the next windows end."""
        levels = self._recent.extend(len(frames))
        np.maximum(frames, _QUIETEST_DB, out=levels)
        levels += _CENTER_DB
        self.n_frames += len(frames)

    def _sum(self) -> None:
        """Take the frames that wait into the running sums."""
        start, n = self._n_summed, self.n_frames - self._n_summed
        if not n:
            return
        self._n_summed = self.n_frames
        if self._needs_textures:
            self._hear_textures(start, n)
        if self._needs_onsets:
            self._hear_onsets(start, n)

    def _hear_textures(self, start: int, n: int) -> None:
        """Add what the texture averages to the running sums."""
        bands = self.layout.n_bands
        row = self._sums.extend(n)
        total = self._sums.between(start, start + 1)[0]  # sums before this chunk
        levels = self._recent.between(start, start + n)
        # Worked out column by column: what lies in one piece takes half as long.
        columns = np.empty((5, n, bands))
        rises = columns[3:]
        columns[0] = levels
        np.multiply(levels, levels, out=columns[1])
        _rise(self._recent, start, self._step, out=rises[0])
        _rise(self._recent, start, self._attack, out=rises[1])
        np.abs(rises[0], out=columns[2])
        np.maximum(rises, self._lowest_rises, out=rises)
        np.minimum(rises, _HIGHEST_RISES, out=rises)
        rises *= rises * rises
        row[:, :5 * bands].reshape(n, 5, bands)[:] = columns.transpose(1, 0, 2)
        row[:, 5 * bands:] = 0.0
        row[0] += total
        if n > 1:
            # Each addition waits for the one before it: two columns at a time, as if they were
            # complex numbers, take half as long.
            pairs = row.view(np.complex128)
            np.cumsum(pairs, axis=0, out=pairs)

    def _hear_onsets(self, start: int, n: int) -> None:
        """Add the rise of the level in groups of bands, smoothed, to the running sums."""
        lag = self._flux
        first = max(0, start - lag)
        grouped = self._recent.between(first, start + n) @ self._to_groups
        at = self._rises.n_rows
        rises = self._rises.extend(n)
        rises[:] = 0.0
        known = min(n, len(grouped) - lag)  # the first frames of all have nothing to rise from
        if known > 0:
            rises[n - known:] = np.minimum(np.maximum(grouped[lag:] - grouped[:-lag], 0.0), 20.0)[
                -known:]
        row = self._onsets.extend(n)
        total = self._onsets.between(start, start + 1)[0]
        size = self.layout.smoothing_frames
        if n == 1:
            np.add.reduce(self._rises.between(at - size + 1, at + 1), axis=0, out=row[0])
        else:  # the same additions in the same order
            row[:] = self._rises.between(at - size + 1, at - size + 1 + n)
            for back in range(size - 2, -1, -1):
                row += self._rises.between(at - back, at - back + n)
        row /= size
        row[0] += total
        if n > 1:
            np.cumsum(row, axis=0, out=row)

    def _textures(self, ends: list[npt.NDArray[np.intp]]) -> Iterator[Float32Array]:
        """The texture of each scale, all of them worked out together."""
        mine = [of_block for (_, view, _, _), of_block in zip(self._blocks, ends, strict=True)
                if view == "texture"]
        if not mine:
            return
        counts = [len(of_block) for of_block in mine]
        rows = self._texture(np.concatenate(mine), self._lengths.repeat(counts))
        start = 0
        for count in counts:
            yield rows[start:start + count]
            start += count

    def _texture(self, ends: npt.NDArray[np.intp],
                 lengths: npt.NDArray[np.intp]) -> Float32Array:
        """The texture of windows of these lengths."""
        bands, n = self.layout.n_bands, len(ends)
        sums = self._sums.at(ends)
        sums -= self._sums.at(ends - lengths)
        sums /= lengths[:, None]
        mean = sums[:, :5 * bands].reshape(n, 5, bands).transpose(1, 0, 2).copy()
        level, spread, change, attacks = mean[0], mean[1], mean[2], mean[3:]
        softness = _SOFTNESS if self.layout.definition > 1 else 0.0
        spread -= level * level
        np.maximum(spread, 0.0, out=spread)
        spread += softness
        np.sqrt(spread, out=spread)
        spread -= np.sqrt(softness)
        common = np.add.reduce(level, axis=1, keepdims=True) / bands
        level -= (1.0 - COMMON_LEVEL) * common + COMMON_LEVEL * _CENTER_DB
        if softness:
            _soften(attacks, change, softness)
        else:
            np.cbrt(attacks, out=attacks)
        mean /= _UNITS
        texture = np.empty((n, 5, bands), np.float32)
        texture.transpose(1, 0, 2)[:] = mean
        return texture.reshape(n, 5 * bands)

    def _rhythm(self, onsets: FloatArray, columns: slice) -> Float32Array:
        # Around zero or not: the lowest bin, which alone knows, is none of the rhythm's.
        strength = np.abs(np.fft.rfft(onsets.transpose(1, 0, 2), axis=2)[:, :, columns])
        strength /= np.sqrt(_mean_square(strength) + _RHYTHM_QUIET_POWER)
        return strength.astype(np.float32).reshape(len(strength), -1)

    def _patterns(self, onsets: FloatArray) -> list[Float32Array]:
        windows = onsets - np.add.reduce(onsets, axis=2, keepdims=True) / onsets.shape[2]
        windows /= np.sqrt(_mean_square(windows) + _PATTERN_QUIET_POWER)
        return list(windows.astype(np.float32))

    def _longest_onsets(self, ends: list[npt.NDArray[np.intp]]
                        ) -> tuple[npt.NDArray[np.intp] | None, FloatArray]:
        """Ends and onset strength of the longest windows: shorter ones are their last samples."""
        if not self._needs_onsets:
            return None, _NO_ONSETS
        length, mine = self._blocks[self._longest][2], ends[self._longest]
        return (mine, self._onset_windows(mine, length)) if len(mine) else (None, _NO_ONSETS)

    def _last(self, onsets: FloatArray, length: int) -> FloatArray:
        """Windows of that length that end with longer ones."""
        return onsets[:, :, onsets.shape[2] - length // self.layout.bin_frames:]

    def _onset_windows(self, ends: npt.NDArray[np.intp], length: int) -> FloatArray:
        """Onset strength (n_groups, n_windows, n_samples), to be read alone.

        Samples are counted back from the end of each window: what is said of a moment does not
        depend on when listening began.
        """
        size = self.layout.bin_frames
        n_samples = length // size
        places = ends % size
        if len(ends) == 1 or (places == places[0]).all():
            return self._windows_at_a_place(ends, n_samples)
        # Those of a fit: few, and each at a place of its own.
        sums = self._onsets.at(ends[:, None] - size * np.arange(n_samples, -1, -1))
        return ((sums[:, 1:] - sums[:, :-1]) / size).transpose(2, 0, 1)

    def _windows_at_a_place(self, ends: npt.NDArray[np.intp], n_samples: int) -> FloatArray:
        """The same for ends that are whole samples apart."""
        size = self.layout.bin_frames
        first, last = int(ends[0]), int(ends[-1])
        sums = self._onsets.between(first - n_samples * size, last + 1)[::size].T.copy()
        samples = sums[:, 1:] - sums[:, :-1]
        samples /= size
        if len(ends) == 1:
            return samples[:, None]
        each = np.lib.stride_tricks.sliding_window_view(samples, n_samples, axis=1)
        numbers = (ends - first) // size
        step = int(numbers[1])
        if step * (len(ends) - 1) == numbers[-1] and (numbers[1:] - numbers[:-1] == step).all():
            return each[:, ::step]
        return each[:, numbers]


def _soften(cubes: FloatArray, change: FloatArray, softness: float) -> None:
    """Make attacks (dB, signed) of mean cubes (dB^3), beside the mean change (dB) of their bands.

    The cube root where attacks stand out. Where rises and falls are alike, as in noise, the mean
    cube is the little that they do not cancel, and its root would be large with a sign of chance:
    there it counts in proportion.
    """
    root = cube_root(cubes * cubes)
    root += change * change
    root += np.cbrt(softness * softness)
    cubes /= root


def cube_root(X: FloatArray) -> FloatArray:
    """`numpy.cbrt` of what is not negative, in less than half the time.

    Logarithms in single precision give six digits, and a step of Halley's method triples them.
    """
    guess = X.astype(np.float32)
    np.maximum(guess, _LEAST_FLOAT, out=guess)
    np.log(guess, out=guess)
    guess *= _THIRD
    np.exp(guess, out=guess)
    root = guess.astype(np.float64)
    cube = root * root
    cube *= root
    above = cube + X
    above += X
    cube += cube
    cube += X
    above /= cube
    root *= above
    return root


def _as_slice(wanted: npt.NDArray[np.bool_]) -> slice:
    """The one stretch of True values, if there is one."""
    (where,) = np.nonzero(wanted)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)


def _mean_square(X: FloatArray) -> FloatArray:
    """Along the last axis, which stays."""
    return np.vecdot(X, X)[..., None] / X.shape[-1]


def _rise(levels: RollingBuffer, start: int, lag: int, out: FloatArray) -> None:
    """Put the change of rows from ``start`` against those ``lag`` before; 0 without any."""
    n = len(out)
    unknown = min(n, max(0, lag - start))
    out[:unknown] = 0.0
    if unknown < n:
        known = start + unknown
        np.subtract(levels.between(known, start + n), levels.between(known - lag, start + n - lag),
                    out=out[unknown:])


def group_matrix(n_bands: int) -> FloatArray:
    """Weights (n_bands, 6) that average bands into the groups of the rhythm view.

    The groups are given for 25 bands, and stretched for other numbers of bands.
    """
    weights = np.zeros((n_bands, len(RHYTHM_GROUPS)))
    for g, (low, high) in enumerate(RHYTHM_GROUPS):
        a = round(low * n_bands / N_BANDS)
        b = max(a + 1, round(high * n_bands / N_BANDS))
        a = min(a, n_bands - 1)
        weights[a:b, g] = 1.0 / len(range(a, min(b, n_bands)))
    return weights
