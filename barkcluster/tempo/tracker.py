"""The tempo now, while frames arrive."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive, check_positive_int
from barkcluster.frames.session import N_BANDS, check_frames

from .grid import BPM_RANGE, FEWEST_BEATS, Tempo, TempoGrid
from .memory import TempoMemory


class TempoTracker:
    """The tempo now, while frames arrive.

    Parameters
    ----------
    window : float, default=10.0
        Seconds of frames that are listened to at once, and kept.
    hop : float, default=0.5
        Seconds between estimates.
    frame_rate : float, default=100.0
        Frames per second.
    bpm_range : tuple of float, default=(40.0, 240.0)
        Slowest and fastest tempo to consider.
    n_bands : int, default=25
        Numbers in a frame.
    memory : bool, default=True
        Whether what the tempo was before counts, so that an answer does not jump to its double or
        half within a song. Without it an answer is `estimate_tempo` of the newest window.

    Attributes
    ----------
    n_frames : int
        Frames heard.
    warm_up : float
        Seconds until the first answer: three beats of the slowest tempo, 4.5 s of the default.

    Examples
    --------
    >>> tracker = TempoTracker(bpm_range=(80, 160))
    >>> for i in range(1000):
    ...     tempo = tracker.push(np.full(25, -60.0 if i % 50 else -20.0))
    >>> round(tempo.bpm, 1)
    120.0
    """

    def __init__(self, *, window: float = 10.0, hop: float = 0.5, frame_rate: float = 100.0,
                 bpm_range: tuple[float, float] = BPM_RANGE, n_bands: int = N_BANDS,
                 memory: bool = True) -> None:
        self.window = check_positive("window", window)
        self.hop = check_positive("hop", hop)
        self.frame_rate = check_positive("frame_rate", frame_rate)
        self.bpm_range = bpm_range
        self.n_bands = check_positive_int("n_bands", n_bands)
        self._grid = TempoGrid(bpm_range)
        self._memory = TempoMemory(len(self._grid.bpm), self.hop) if memory else None
        self.warm_up = self._grid.shortest_s
        if self.window < self.warm_up:
            raise ValueError(f"window must hold {FEWEST_BEATS} beats of the slowest tempo, "
                             f"{self.warm_up:g} s; got {self.window:g}.")
        self._fewest = math.ceil(self.warm_up * self.frame_rate)
        self._hop_frames = max(1, round(self.hop * self.frame_rate))
        # Twice the window, so that the newest frames are one piece: each is written twice.
        self._kept = max(self._fewest, round(self.window * self.frame_rate))
        self._ring = np.zeros((2 * self._kept, self.n_bands))
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self.n_frames = 0
        if self._memory is not None:
            self._memory.forget()
        self._newest: Tempo | None = None

    def push(self, frame: npt.ArrayLike) -> Tempo | None:
        """Hear one frame; return the newest estimate, or None while warming up.

        Parameters
        ----------
        frame : array-like of shape (n_bands,)
            Levels in dB. A frame with nan raises ValueError and is not counted.

        Returns
        -------
        tempo : Tempo or None
            A new one when ``n_frames`` is a multiple of the hop, then the same until the next.
        """
        levels = check_frames(np.asarray(frame)[None], self.n_bands, name="frame")
        at = self.n_frames % self._kept
        self._ring[at] = self._ring[at + self._kept] = levels[0]
        self.n_frames += 1
        if self.n_frames >= self._fewest and self.n_frames % self._hop_frames == 0:
            if self.n_frames < self._kept:
                heard = self._ring[:self.n_frames]
            else:
                heard = self._ring[at + 1:at + 1 + self._kept]
            self._newest = self._grid.answer([heard], self.frame_rate, self._memory)
        return self._newest
