"""Motifs of a session that goes on, and the earlier moment that sounds most like now."""

from __future__ import annotations

from collections import deque

import numpy as np

from barkcluster._typing import Float32Array
from barkcluster.frames.session import Session
from barkcluster.motifs.search import Motif, find_motifs
from barkcluster.windows.features import WindowFeatures

# Motifs are searched for in the newest ten minutes, which takes a core 2.5 s; see `find_motifs`.
_MOTIFS_S = 600.0
_FIRST_MOTIFS_S = 12.0
_MOST_MOTIFS = 8
# Sounds compared: their length in seconds, as on the report's map, the time between them, and how
# many are kept, half an hour of them.
_SOUND_S = 3.0
_SOUND_HOP_S = 0.5
_MOST_SOUNDS = 3600
# Seconds between two sounds to compare, as neighboring ones are always alike.
_APART_S = 10.0


class Likeness:
    """The newest frames of one player, in bounded memory, and the moments in them that are alike.

    Parameters
    ----------
    frame_rate : float
        Frames per second.
    n_bands : int
        Numbers in a frame.

    Examples
    --------
    >>> likeness = Likeness(100.0, 25)
    >>> for level in [-40.0, -60.0, -20.0, -40.0]:
    ...     likeness.add(likeness.n_heard, np.full((1000, 25), level, np.float32))
    >>> likeness.likest()
    3.0
    """

    def __init__(self, frame_rate: float, n_bands: int) -> None:
        self.frame_rate = frame_rate
        self._features = WindowFeatures((_SOUND_S,), _SOUND_HOP_S, frame_rate, n_bands=n_bands,
                                        views=("texture",))
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.n_heard = 0  # frames since the session began, those that are missing among them
        self._pieces: deque[tuple[int, Float32Array]] = deque()
        self._n_kept = 0
        self._running = self._features.running()
        self._times: deque[float] = deque(maxlen=_MOST_SOUNDS)
        self._sounds: deque[Float32Array] = deque(maxlen=_MOST_SOUNDS)

    def add(self, first: int, frames: Float32Array) -> None:
        """Hear frames.

        Parameters
        ----------
        first : int
            Frames of the session before these.
        frames : ndarray of shape (n_frames, n_bands)
            dB.
        """
        if first < self.n_heard:
            self.clear()
        if first > self.n_heard:  # no window spans a gap
            self._running = self._features.running()
        self.n_heard = first + len(frames)
        self._pieces.append((first, frames))
        self._n_kept += len(frames)
        while self._n_kept - len(self._pieces[0][1]) >= _MOTIFS_S * self.frame_rate:
            self._n_kept -= len(self._pieces.popleft()[1])
        (sounds,) = self._running.push(frames)
        end = self.n_heard - self._running.n_frames % self._features.hop_frames
        for i, sound in enumerate(sounds):
            before = (len(sounds) - 1 - i) * self._features.hop_frames
            self._times.append((end - before) / self.frame_rate)
            self._sounds.append(sound)

    def likest(self) -> float | None:
        """End, in seconds, of the earlier sound most similar to the newest; None without one."""
        if not self._times:
            return None
        n = sum(time <= self._times[-1] - _APART_S for time in self._times)
        if not n:
            return None
        earlier = np.array([sound for sound, _ in zip(self._sounds, range(n), strict=False)])
        return self._times[int(np.argmin(((earlier - self._sounds[-1]) ** 2).sum(axis=1)))]

    def session(self) -> Session | None:
        """The session to search for motifs; None while it is too short."""
        if self._n_kept < _FIRST_MOTIFS_S * self.frame_rate:
            return None
        pieces = list(self._pieces)
        gaps, n, end = [], 0, pieces[0][0]
        for first, frames in pieces:
            if first > end:
                gaps.append((n, first - end))
            n += len(frames)
            end = first + len(frames)
        return Session(np.concatenate([frames for _, frames in pieces]), self.frame_rate,
                       n_bands=self._features.n_bands, gaps=gaps,
                       start=pieces[0][0] / self.frame_rate)


def motifs_of(session: Session) -> list[Motif]:
    """Motifs of a session by first occurrence; an empty list if it is too short.

    Parameters
    ----------
    session : Session
    """
    try:
        found = find_motifs(session, max_motifs=_MOST_MOTIFS)
    except ValueError:  # its takes are too short
        return []
    return sorted(found, key=lambda motif: motif.starts[0])
