"""The same music, heard a fraction of a frame later: what nobody could tell apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster.frames.resampling import later

# How an echo differs from what was heard: rises and steep falls are read fractions of a frame
# later, and it is so much louder (dB). Rises and falls apart, since a short sound begins at one
# edge of the analysis window and ends at the other. The window is no whole number of frames long,
# so the two fall on frames differently, and whether a click seems to attack or to break off
# changes within a frame.
_WAYS = ((0.5, 0.0, -0.25), (0.0, 0.5, 0.25), (0.5, 0.5, 0.0))
N_WAYS = len(_WAYS)
# So many dB a frame are steep.
_STEEP_DB = 3.0
# Noise has nothing between its frames that could be read off them: only what stands out of it, the
# attacks of a loop in noise, is a fraction of a frame later. Frames are noise where levels bend by
# more than this for each dB they move (white noise .87, a random walk .71, noise that was analyzed
# as sound .67, recorded music .47 to .67) and most occur once, of the first minutes: what recurs
# is a loop, however rough.
_NOISE_BEND = 0.69
_NOISE_FRAMES = 30_000
# What stands out moves, in squares, by more than the median to the upper quartile so many times
# over: bands that fluctuate each by itself seldom move much more than usual together, those that
# do as one often.
_STANDS_OUT = 4
_STILL = 1e-9


def echo_of(frames: npt.NDArray[np.floating], way: int, *, noise_alone: bool
            ) -> npt.NDArray[np.floating]:
    """The frames, too little later and louder for anybody to tell.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_bands)
    way : int
        In which of the `N_WAYS` ways, counted on and on.
    noise_alone : bool
        Whether the frames `is_noise`, and only what stands out of it is later.

    Returns
    -------
    echo : ndarray of shape (n_frames, n_bands)

    Examples
    --------
    >>> click = np.array([[-60.0], [-60.0], [-20.0], [-60.0], [-60.0]])
    >>> for way in range(N_WAYS):
    ...     print(echo_of(click, way, noise_alone=False).ravel().tolist())
    [-62.75, -37.75, -20.25, -62.75, -60.25]
    [-59.75, -59.75, -37.25, -59.75, -59.75]
    [-62.5, -37.5, -37.5, -62.5, -60.0]
    """
    rises, falls, louder = _WAYS[way % N_WAYS]
    echo = later(frames, rises)
    if falls != rises:
        falling = np.diff(frames, axis=0, append=frames[-1:]) < -_STEEP_DB
        echo[falling] = later(frames, falls)[falling]
    if noise_alone:
        echo = np.where(_stands_out(frames)[:, None], echo, frames)
    return echo + louder


def is_noise(frames: npt.NDArray[np.floating]) -> bool:
    """Whether each frame is drawn anew, with nothing between it and the next.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_bands)

    Returns
    -------
    noise : bool

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(-40.0, 6.0, size=(1000, 25))
    >>> is_noise(white), is_noise(np.tile(white[:100], (10, 1)))
    (True, False)
    """
    some = frames[:_NOISE_FRAMES]
    steps = np.diff(some, axis=0)
    if len(steps) < 2:
        return False
    bends = 0.5 * np.diff(steps, axis=0)
    if np.abs(bends).mean() <= _NOISE_BEND * np.abs(steps).mean():
        return False
    return len(np.unique(np.round(some, 1), axis=0)) > len(some) / 2


def _stands_out(frames: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """From which of the frames something begins or ends in the noise."""
    moved = np.append(np.square(np.diff(frames, axis=0)).mean(axis=1), 0.0)
    half, more = np.quantile(moved, (0.5, 0.75))
    return np.asarray(moved > more * (more / max(half, _STILL)) ** (_STANDS_OUT - 1))
