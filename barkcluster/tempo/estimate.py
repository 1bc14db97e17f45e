"""The tempo of a whole session."""

from __future__ import annotations

import math

import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.frames.session import N_BANDS, Session, check_frames

from .grid import BPM_RANGE, FEWEST_BEATS, Tempo, TempoGrid


def estimate_tempo(frames: npt.ArrayLike | Session, *, frame_rate: float = 100.0,
                   bpm_range: tuple[float, float] = BPM_RANGE) -> Tempo:
    """The tempo of a session: that of most of it, if it changes.

    Parameters
    ----------
    frames : array-like of shape (n_frames, 25) or Session
        Bark coefficients in dB, at least three beats of the slowest tempo (4.5 s of the default).
    frame_rate : float, default=100.0
        Frames per second; a Session brings its own.
    bpm_range : tuple of float, default=(40.0, 240.0)
        Slowest and fastest tempo to consider. Narrow it to settle the octave: of 70 and 140 only
        one lies in ``(60, 110)``. Tempi near 60 % of the way up, in octaves, are held likeliest:
        117 in the default range.

    Returns
    -------
    tempo : Tempo

    Raises
    ------
    ValueError
        For frames that are too few or not usable, and ranges that are not increasing.

    Notes
    -----
    ``estimate_tempo(np.repeat(frames, 2, axis=0), bpm_range=(20, 120))`` is half of
    ``estimate_tempo(frames)``, exactly; and so for every factor, up to rounding, with the range
    divided by it. With the range left as it is the tempo halves only while the half is as
    plausible a tempo as the whole: a song at 90, played at half speed, is a song at 90 with long
    notes.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.full((1000, 25), -60.0)
    >>> frames[::50] = -20.0                        # a click every half second
    >>> round(estimate_tempo(frames, bpm_range=(80, 160)).bpm, 1)
    120.0
    """
    n_bands = N_BANDS
    if isinstance(frames, Session):
        frame_rate, n_bands = frames.frame_rate, frames.n_bands
    rate = check_positive("frame_rate", frame_rate)
    grid = TempoGrid(bpm_range)
    checked = check_frames(frames, n_bands)
    takes = [take.frames for take in frames.takes] if isinstance(frames, Session) else [checked]
    fewest = math.ceil(grid.shortest_s * rate)
    able = [take for take in takes if len(take) >= fewest]
    if not able:
        in_one = " in one take" if len(takes) > 1 else ""
        raise ValueError(
            f"frames must cover {FEWEST_BEATS} beats of the slowest tempo, {fewest} frames "
            f"({grid.shortest_s:g} s){in_one}; got {max(map(len, takes))}. Raise the lower end of "
            "bpm_range?")
    return grid.answer(able, rate)
