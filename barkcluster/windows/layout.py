"""Which windows there are: their lengths, their views, and the columns of each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.frames.session import N_BANDS

VIEWS = ("texture", "rhythm", "pattern")

# Values a second of the onset strength that rhythm and pattern are made of.
RHYTHM_RATE = 20.0
RHYTHM_RANGE_HZ = (0.3, 8.0)
RHYTHM_GROUPS = ((0, 3), (3, 6), (6, 10), (10, 14), (14, 18), (18, 25))
SHORTEST_RHYTHM_S = 3.0

# Onset strength is averaged over this long before it is cut into values: a value of 50 ms alone
# changes by half where an onset is a frame later and falls into the next one. With 70 ms a loop is
# the same from whichever frame it is heard (30, 50, 80 and 100 ms are uneven: docs, experiments).
ONSET_SMOOTHING_S = 0.07

PATTERN_S = 2.0
PATTERNS = tuple(f"pattern{g}" for g in range(len(RHYTHM_GROUPS)))


class WindowLayout:
    """Which windows there are, and how many numbers describe each.

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
    definition : {1, 2}, default=2
        How the views are computed. 1 is what model files of format 1 were learned with: attacks
        that count rises alone, and onset strength that is not smoothed.

    Raises
    ------
    ValueError
        If a scale, the hop, the rate, a view or the definition is not usable.

    Attributes
    ----------
    hop_frames : int
        Frames between the ends of neighboring windows.
    scale_frames : tuple of int
        Frames in a window of each scale.
    bin_frames : int
        Frames that one value of the onset strength averages.
    smoothing_frames : int
        Frames that the onset strength is averaged over before that.

    Examples
    --------
    >>> layout = WindowLayout(scales=(0.5, 3.0))
    >>> layout.blocks[:3], layout.block_frames(1, "rhythm"), layout.n_features(1, "texture")
    ([(0, 'texture'), (1, 'texture'), (1, 'rhythm')], 300, 125)
    """

    def __init__(
        self,
        scales: tuple[float, ...] = (0.5, 1.0, 3.0, 6.0, 10.0),
        hop: float = 0.1,
        frame_rate: float = 100.0,
        *,
        views: tuple[str, ...] = VIEWS,
        n_bands: int = N_BANDS,
        definition: int = 2,
    ) -> None:
        self.scales = check_scales(scales)
        self.hop = check_positive("hop", hop)
        self.frame_rate = check_positive("frame_rate", frame_rate)
        if self.frame_rate < 1.0:
            raise ValueError("frame_rate must be at least 1 frame a second; got "
                             f"{self.frame_rate:g}. In frames a second, not seconds a frame?")
        self.views = tuple(views)
        self.n_bands = n_bands
        if definition not in (1, 2):
            raise ValueError(f"definition must be 1 or 2; got {definition!r}.")
        self.definition = definition
        for view in self.views:
            if view not in VIEWS:
                raise ValueError(f"views must be among {', '.join(VIEWS)}; got {view!r}.")
        if not self.views:
            raise ValueError(f"views must name at least one of {', '.join(VIEWS)}; got none.")
        self.hop_frames = max(1, round(self.hop * self.frame_rate))
        self.scale_frames = tuple(max(2, round(s * self.frame_rate)) for s in self.scales)
        self.bin_frames = max(1, round(self.frame_rate / RHYTHM_RATE))
        self.smoothing_frames = (
            1 if definition == 1 else max(1, round(ONSET_SMOOTHING_S * self.frame_rate)))

    def __repr__(self) -> str:
        older = "" if self.definition == 2 else f", definition={self.definition}"
        return (f"{type(self).__name__}(scales={self.scales}, hop={self.hop}, "
                f"frame_rate={self.frame_rate}, views={self.views}{older})")

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

    def block_frames(self, scale_index: int, view: str) -> int:
        """Frames in the windows of one block: of its scale, or the two seconds of a pattern."""
        if view in PATTERNS:
            return max(2, round(PATTERN_S * self.frame_rate))
        return self.scale_frames[scale_index]

    def n_features(self, scale_index: int, view: str) -> int:
        """Columns of one block: of a scale by its index and a view by its name."""
        if view == "texture":
            return 5 * self.n_bands
        if view in PATTERNS:
            return self.block_frames(scale_index, view) // self.bin_frames
        return len(RHYTHM_GROUPS) * int(self.rhythm_bins(scale_index).sum())

    def rhythm_bins(self, scale_index: int) -> npt.NDArray[np.bool_]:
        """Which bins of the spectrum of a window of this scale lie in the rhythm's range."""
        n_samples = self.scale_frames[scale_index] // self.bin_frames
        hz = np.arange(n_samples // 2 + 1) * self.frame_rate / self.bin_frames / n_samples
        low, high = RHYTHM_RANGE_HZ
        return (hz >= low - 1e-9) & (hz <= high + 1e-9)

    def first_end(self, length: int) -> int:
        """Frames heard when the first window of a length is full, on the grid of hops."""
        return -(-length // self.hop_frames) * self.hop_frames


def check_scales(scales: tuple[float, ...] | npt.ArrayLike) -> tuple[float, ...]:
    """Window lengths as a tuple of floats, shortest first, each 0.02 to 60 s.

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
