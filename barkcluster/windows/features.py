"""Frames to window features: what it sounds like, when things happen, in which order.

Every ``hop`` seconds, for each scale, the window that ends now is described by views:

texture
    Five numbers a band: level, spread, mean change from frame to frame, and the size of the
    attacks at one frame and at 50 ms; divided by fixed constants, the average spread of each
    number within a piece of music. `TEXTURE_UNITS` holds them. The level that all bands share
    counts a quarter: a player who turns up by 6 dB is no stranger.
rhythm
    The spectrum, 0.3 to 8 Hz, of the onset strength in six groups of bands: fluctuation patterns
    (Pampalk, Rauber, Merkl 2002), but at the full resolution of the window. Free of level and of
    shift in time. Only for scales of `SHORTEST_RHYTHM_S` and more.
pattern
    The onset strength of the last two seconds, sample by sample, in each group of bands apart:
    the order of events, and who plays it. Given once, with the first scale that holds it.

`WindowFeatures` computes them for whole sessions and, frame by frame, as `RunningWindows`. Both
run the same additions in the same order, so the numbers agree to the last bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.frames.session import N_BANDS, Session, check_frames

from .running import (
    CHUNK_FRAMES,
    PATTERN_S,
    PATTERNS,
    RHYTHM_GROUPS,
    RHYTHM_RANGE_HZ,
    RHYTHM_RATE,
    TEXTURE_UNITS,
    RunningWindows,
)

FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]

__all__ = ["PATTERNS", "PATTERN_S", "SHORTEST_RHYTHM_S", "TEXTURE_UNITS", "VIEWS",
           "RunningWindows", "ViewWindows", "WindowFeatures", "check_scales"]

VIEWS = ("texture", "rhythm", "pattern")
SHORTEST_RHYTHM_S = 3.0


@dataclass(frozen=True, eq=False)
class ViewWindows:
    """The windows of one scale, seen through one view.

    Attributes
    ----------
    scale : float
        Window length in seconds.
    view : str
        One of `VIEWS`; the pattern of each group of bands apart, as `PATTERNS`.
    times : ndarray of shape (n_windows,)
        Seconds at which each window ends.
    X : ndarray of shape (n_windows, n_features), float32
        One row a window.
    """

    scale: float
    view: str
    times: FloatArray
    X: Float32Array


class WindowFeatures:
    """Features of the windows that end every ``hop`` seconds, at several scales.

    Parameters
    ----------
    scales : tuple of float, default=(0.5, 1.0, 3.0, 6.0, 10.0)
        Window lengths in seconds, shortest first.
    hop : float, default=0.1
        Seconds between the ends of neighboring windows.
    frame_rate : float, default=100.0
        Frames per second. Lengths are rounded to whole frames.
    views : tuple of str, default=("texture", "rhythm", "pattern")
        Which views to compute, from `VIEWS`.
    n_bands : int, default=25
        Numbers in a frame.

    Raises
    ------
    ValueError
        If a scale, the hop, the rate or a view is not usable.

    Examples
    --------
    >>> import numpy as np
    >>> features = WindowFeatures(scales=(0.5, 2.0), views=("texture",))
    >>> features.transform(np.full((300, 25), -40.0)).shape     # ends at 2.0, 2.1, ... 3.0 s
    (11, 250)
    >>> [X.shape for times, X in features.transform_scales(np.full((300, 25), -40.0))]
    [(26, 125), (11, 125)]
    """

    def __init__(
        self,
        scales: tuple[float, ...] = (0.5, 1.0, 3.0, 6.0, 10.0),
        hop: float = 0.1,
        frame_rate: float = 100.0,
        *,
        views: tuple[str, ...] = VIEWS,
        n_bands: int = N_BANDS,
    ) -> None:
        self.scales = check_scales(scales)
        self.hop = check_positive("hop", hop)
        self.frame_rate = check_positive("frame_rate", frame_rate)
        self.views = tuple(views)
        self.n_bands = n_bands
        for view in self.views:
            if view not in VIEWS:
                raise ValueError(f"views must be among {', '.join(VIEWS)}; got {view!r}.")
        if not self.views:
            raise ValueError(f"views must name at least one of {', '.join(VIEWS)}; got none.")
        self.hop_frames = max(1, round(self.hop * self.frame_rate))
        self.scale_frames = tuple(max(2, round(s * self.frame_rate)) for s in self.scales)
        self._bin_frames = max(1, round(self.frame_rate / RHYTHM_RATE))

    def __repr__(self) -> str:
        return (f"WindowFeatures(scales={self.scales}, hop={self.hop}, "
                f"frame_rate={self.frame_rate}, views={self.views})")

    @property
    def blocks(self) -> list[tuple[int, str]]:
        """Index of the scale and name of the view of each block of features, in order.

        A view is left out at scales that are too short for it.
        """
        blocks = []
        for i, scale in enumerate(self.scales):
            shorter = self.scales[i - 1] if i else 0.0
            for view in self.views:
                if view == "pattern":
                    if shorter < PATTERN_S <= scale:
                        blocks += [(i, group) for group in PATTERNS]
                elif view == "texture" or scale >= SHORTEST_RHYTHM_S:
                    blocks.append((i, view))
        return blocks

    def block_frames(self, scale: int, view: str) -> int:
        """Frames in the windows of one block: of its scale, or the two seconds of a pattern."""
        if view in PATTERNS:
            return max(2, round(PATTERN_S * self.frame_rate))
        return self.scale_frames[scale]

    def n_features(self, scale: int, view: str) -> int:
        """Columns of one block: the scale by its index, the view by its name."""
        if view == "texture":
            return 5 * self.n_bands
        if view in PATTERNS:
            return self.block_frames(scale, view) // self._bin_frames
        return len(RHYTHM_GROUPS) * int(self._rhythm_bins(scale).sum())

    def _rhythm_bins(self, scale: int) -> npt.NDArray[np.bool_]:
        """Which bins of the spectrum of a window of this scale lie in the rhythm's range."""
        n_samples = self.scale_frames[scale] // self._bin_frames
        hz = np.arange(n_samples // 2 + 1) * self.frame_rate / self._bin_frames / n_samples
        low, high = RHYTHM_RANGE_HZ
        return (hz >= low - 1e-9) & (hz <= high + 1e-9)

    def running(self, chunk_frames: int = CHUNK_FRAMES) -> RunningWindows:
        """The incremental form: frames in, the newest windows' features out."""
        return RunningWindows(self, chunk_frames)

    def transform_views(self, frames: npt.ArrayLike | Session) -> list[ViewWindows]:
        """Windows of each scale and view on their own, in the order of `blocks`.

        Parameters
        ----------
        frames : array-like of shape (n_frames, n_bands) or Session
            Bark coefficients in dB.

        Returns
        -------
        views : list of ViewWindows
            No rows where the frames are shorter than the scale.
        """
        frames = check_frames(frames, self.n_bands)
        out = []
        for i, view in self.blocks:
            ends = np.arange(self._first_end(self.block_frames(i, view)), len(frames) + 1,
                             self.hop_frames)
            out.append(ViewWindows(self.scales[i], view, ends / self.frame_rate,
                                   np.empty((len(ends), self.n_features(i, view)), np.float32)))
        filled = [0] * len(out)
        running = self.running()
        for start in range(0, len(frames), CHUNK_FRAMES):
            pieces = running.push(frames[start:start + CHUNK_FRAMES])
            for j, piece in enumerate(pieces):
                out[j].X[filled[j]:filled[j] + len(piece)] = piece
                filled[j] += len(piece)
        return out

    def transform_scales(
        self, frames: npt.ArrayLike | Session
    ) -> list[tuple[FloatArray, Float32Array]]:
        """Windows of each scale, its views side by side.

        Parameters
        ----------
        frames : array-like of shape (n_frames, n_bands) or Session
            Bark coefficients in dB.

        Returns
        -------
        scales : list of (times, X)
            ``times`` (n_windows,), the seconds at which the windows end, and ``X``
            (n_windows, n_features) for each scale, shortest first.
        """
        views = self.transform_views(frames)
        by_scale: list[tuple[FloatArray, Float32Array]] = []
        for i in range(len(self.scales)):
            mine = [v for v, (scale, _) in zip(views, self.blocks, strict=True) if scale == i]
            if mine:
                # Patterns are shorter than their scale: they wait for it.
                n = min(len(v.times) for v in mine)
                times = mine[0].times
                by_scale.append((times[len(times) - n:],
                                 np.hstack([v.X[len(v.X) - n:] for v in mine])))
        return by_scale

    def transform(self, frames: npt.ArrayLike | Session) -> Float32Array:
        """Windows of all scales side by side, from the moment the longest is full.

        Parameters
        ----------
        frames : array-like of shape (n_frames, n_bands) or Session
            Bark coefficients in dB.

        Returns
        -------
        X : ndarray of shape (n_windows, n_features), float32
            Row ``i`` describes the windows that end ``max(scales) + i * hop`` seconds in.

        Raises
        ------
        ValueError
            If the frames do not fill the longest window.
        """
        frames = check_frames(frames, self.n_bands)
        longest = self.scale_frames[-1]
        if len(frames) < self._first_end(longest):
            raise ValueError(
                f"frames must cover the longest window, {longest} frames "
                f"({longest / self.frame_rate:g} s); got {len(frames)}.")
        blocks = [X for _, X in self.transform_scales(frames)]
        n_windows = min(len(X) for X in blocks)
        return np.hstack([X[len(X) - n_windows:] for X in blocks])

    def _first_end(self, length: int) -> int:
        """Frames heard when the first window of a length is full, on the grid of hops."""
        return -(-length // self.hop_frames) * self.hop_frames


def check_scales(scales: tuple[float, ...] | npt.ArrayLike) -> tuple[float, ...]:
    """Window lengths as a tuple of floats, shortest first, each 0.1 to 20 s.

    Raises
    ------
    ValueError
        If there is none, one is out of range, or they do not increase.
    """
    values = tuple(float(s) for s in np.atleast_1d(np.asarray(scales, dtype=np.float64)))
    if not values:
        raise ValueError("scales must name at least one window length in seconds; got none.")
    for value in values:
        if not 0.02 <= value <= 60.0:
            raise ValueError(
                f"scales must be window lengths from 0.02 to 60 seconds; got {value:g}. "
                "Are they in frames or ms?")
    if any(b <= a for a, b in zip(values, values[1:], strict=False)):
        raise ValueError(f"scales must increase, shortest first; got {values}.")
    return values
