"""Pauses in a session, which are no measure of how its music differs from itself.

Half a second of silence is farther from all music than any other music is. While it is held out
nothing in the fit is like it, and then nothing that breaks in is stranger than what the session
had itself. So a few pauses are learned, like all that was heard, but other windows are not
measured by them. Where they come again and again they are music.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

# A pause: the loudest band lies so far (dB) below where it mostly is, for so long (s). What rings
# between two notes is louder, and what separates two hits of a drum shorter.
_BELOW_DB = 40.0
_SHORTEST_S = 0.3
# It begins where music dies away, and ends where it is back: a last chord rings for seconds.
_DYING_DB = 10.0
# Of all windows, so many may lie across the beginning or the end of a pause: three a minute,
# in windows of one second. They may be called strange where music is heard that pauses.
_MOST_EDGES = 0.1
# Of what is held out, at least so much must be left.
_LEAST_LEFT = 0.5


class Pauses:
    """Where the takes of a session pause.

    Parameters
    ----------
    takes : list of ndarray of shape (n_frames, n_bands)
        Levels in dB.
    frame_rate : float
    edge_frames : int
        Length of the windows of which few may lie across an edge of a pause; else there are none.

    Examples
    --------
    >>> take = np.full((1000, 25), -40.0)
    >>> take[300:350] = -100.0
    >>> pauses = Pauses([take], 100.0, 10)
    >>> pauses.within(np.array([2.5, 3.2, 3.6, 4.5]), 20)
    array([False,  True,  True, False])
    """

    def __init__(self, takes: list[npt.NDArray[np.floating]], frame_rate: float,
                 edge_frames: int) -> None:
        self._frame_rate = frame_rate
        loudest = np.concatenate([take.max(axis=1) for take in takes])
        below = np.median(loudest) - loudest
        quiet = np.concatenate([[0], np.cumsum(below > _BELOW_DB)])
        edges = np.diff(np.concatenate([[False], below > _DYING_DB, [False]]).astype(np.int8))
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        long = quiet[stops] - quiet[starts] >= _SHORTEST_S * frame_rate
        if 2 * long.sum() * edge_frames > _MOST_EDGES * len(loudest):
            long[:] = False
        change = np.zeros(len(loudest) + 1, np.intp)
        np.add.at(change, starts[long], 1)
        np.add.at(change, stops[long], -1)
        self._sums = np.concatenate([[0], np.cumsum(np.cumsum(change[:-1]))])

    def within(self, times: FloatArray, n_frames: int) -> npt.NDArray[np.bool_]:
        """Whether windows hold a pause, or some of one.

        Parameters
        ----------
        times : ndarray of shape (n,)
            Seconds at their ends, counted on over the takes.
        n_frames : int
            Their length.

        Returns
        -------
        within : ndarray of shape (n,)
        """
        ends = np.clip(np.round(times * self._frame_rate), 0, len(self._sums) - 1).astype(np.intp)
        return np.asarray(self._sums[ends] > self._sums[np.maximum(ends - n_frames, 0)])

    def without(self, times: FloatArray, n_frames: int) -> npt.NDArray[np.bool_]:
        """Which windows to measure by: those without a pause, or all where too few are left."""
        sounding = ~self.within(times, n_frames)
        return sounding if sounding.mean() >= _LEAST_LEFT else np.ones_like(sounding)
