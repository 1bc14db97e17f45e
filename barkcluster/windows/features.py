"""Window features of whole sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster.frames.session import Session, check_frames

from .layout import WindowLayout
from .running import CHUNK_FRAMES, RunningWindows

FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]


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


class WindowFeatures(WindowLayout):
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
            ends = np.arange(self.first_end(self.block_frames(i, view)), len(frames) + 1,
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
        if len(frames) < self.first_end(longest):
            raise ValueError(
                f"frames must cover the longest window, {longest} frames "
                f"({longest / self.frame_rate:g} s); got {len(frames)}.")
        blocks = [X for _, X in self.transform_scales(frames)]
        n_windows = min(len(X) for X in blocks)
        return np.hstack([X[len(X) - n_windows:] for X in blocks])
