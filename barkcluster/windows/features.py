"""Window features of whole sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import Session, check_frames, check_rate

from .layout import PATTERN_S, SHORTEST_RHYTHM_S, WindowLayout
from .running import CHUNK_FRAMES, RunningWindows

Frames: TypeAlias = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class ViewWindows:
    """The windows of one scale, seen through one view.

    Attributes
    ----------
    scale : float
        Window length in seconds.
    view : str
        "texture", "rhythm", or the pattern of one group of bands, named in `PATTERNS`.
    times : ndarray of shape (n_windows,)
        Seconds at which each window ends.
    X : ndarray of shape (n_windows, n_features), float32
        One row for each window.
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
            Those of a scale that the frames do not fill have no rows. No window spans a gap of a
            session; times are those of its clock.
        """
        views = [self._views_of(start, take) for start, take in self._takes(frames)]
        if len(views) == 1:
            return views[0]
        return [ViewWindows(first.scale, first.view,
                            np.concatenate([views_of_take[j].times for views_of_take in views]),
                            np.concatenate([views_of_take[j].X for views_of_take in views]))
                for j, first in enumerate(views[0])]

    def _takes(self, frames: npt.ArrayLike | Session) -> list[tuple[float, Frames]]:
        """Frames, checked: for each take the second at which it begins, and its frames."""
        checked = check_frames(frames, self.n_bands)
        if not isinstance(frames, Session):
            return [(0.0, checked)]
        check_rate("frames", frames.frame_rate, self.frame_rate, "as WindowFeatures counts them")
        return [(take.start, take.frames) for take in frames.takes]

    def _views_of(self, begin: float, frames: Frames) -> list[ViewWindows]:
        """Windows of one take."""
        out = []
        for i, view in self.blocks:
            ends = np.arange(self.first_end(self.block_frames(i, view)), len(frames) + 1,
                             self.hop_frames)
            out.append(ViewWindows(self.scales[i], view, begin + ends / self.frame_rate,
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
            (n_windows, n_features) for each scale that has a view, shortest first.
        """
        takes = [self._scales_of(start, take) for start, take in self._takes(frames)]
        if len(takes) == 1:
            return takes[0]
        return [(np.concatenate([times for times, _ in scale]),
                 np.concatenate([X for _, X in scale])) for scale in zip(*takes, strict=True)]

    def _scales_of(self, begin: float, frames: Frames) -> list[tuple[FloatArray, Float32Array]]:
        """Windows of one take, by scale."""
        views = self._views_of(begin, frames)
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
            Row ``i`` describes the windows that end ``i`` hops after the first multiple of the
            hop at which the longest scale is full; after a gap, rows begin anew.

        Raises
        ------
        ValueError
            If the frames do not fill the longest window, or no scale is long enough for a view.
        """
        takes = self._takes(frames)
        if not self.blocks:
            raise ValueError(
                f"scales must be long enough for a view: rhythm needs {SHORTEST_RHYTHM_S:g} s, "
                f"pattern {PATTERN_S:g} s; got {self.scales[-1]:g} s and {', '.join(self.views)}.")
        # A hop may be longer than the window, which then ends with the first hop.
        fewest = self.first_end(self.scale_frames[-1])
        able = [take for take in takes if len(take[1]) >= fewest]
        if not able:
            raise ValueError(
                f"frames must cover the longest window, {fewest} frames "
                f"({fewest / self.frame_rate:g} s); got {max(len(take) for _, take in takes)}.")
        return np.concatenate([self._side_by_side(start, take) for start, take in able])

    def _side_by_side(self, begin: float, frames: Frames) -> Float32Array:
        """Windows of all scales of one take, from the moment the longest is full."""
        n_windows = 1 + (len(frames) - self.first_end(self.scale_frames[-1])) // self.hop_frames
        return np.hstack([X[len(X) - n_windows:] for _, X in self._scales_of(begin, frames)])
