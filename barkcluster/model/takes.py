"""Takes: stretches of sessions without a gap, and when on the clock each begins."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive
from barkcluster.frames.session import (
    MOST_BANDS,
    Frames,
    Session,
    check_frames,
    common_rate,
)

from .doubled import without_doubles

_MOST_SECONDS = 1e9


def takes_of(frames: Frames | Sequence[Frames], frame_rate: float, *, search: bool = True,
             tell: bool = True) -> tuple[list[npt.NDArray[np.floating]], FloatArray, float, int]:
    """What a model is given to learn, as takes that no window spans two of.

    Parameters
    ----------
    frames : array-like of shape (n_frames, 25), Session, or a list of them
    frame_rate : float
        Of plain arrays.
    search : bool, default=True
        Whether to look for music that is in two takes.
    tell : bool, default=True
        Whether to warn of it.

    Returns
    -------
    takes : list of ndarray of shape (n_frames, n_bands)
        Checked, and without what an earlier one holds as well.
    starts : ndarray of shape (n_takes,)
        When each begins, in seconds.
    rate : float
        Their common frame rate.
    n_bands : int
        Their common number of bands.
    """
    given = [cast("Frames", frames)]
    if isinstance(frames, (list, tuple)) and frames and all(
            isinstance(take, Session) or np.ndim(take) == 2 for take in frames):
        given = list(frames)
    rate = common_rate("takes", (s.frame_rate for s in given if isinstance(s, Session)))
    if rate is None:
        rate = check_positive("frame_rate", frame_rate)
    sessions = [take if isinstance(take, Session) else Session(check_frames(take), rate)
                for take in given]
    bands = {session.n_bands for session in sessions}
    if len(bands) > 1:
        raise ValueError("takes must have one number of bands; got "
                         + ", ".join(map(str, sorted(bands))) + ".")
    if max(bands) > MOST_BANDS:
        raise ValueError(f"frames must have at most {MOST_BANDS} bands; got {max(bands)}.")
    # One session has its own clock; several are counted on.
    clock = sessions[0].start if len(sessions) == 1 else 0.0
    takes, starts, owners = [], [], []
    for number, session in enumerate(sessions):
        for take in session.takes:
            takes.append(take.frames)
            starts.append(clock + take.start - session.start)
            owners.append(number)
        clock += session.span
    if not search:
        return takes, np.array(starts), rate, bands.pop()
    kept, found = without_doubles(takes, owners, rate)
    for earlier, later, start, stop, _ in found if tell else ():
        first, second = (sessions[owners[i]].name or f"take {owners[i] + 1}"
                         for i in (earlier, later))
        warnings.warn(f"{first} and {second} hold the same {(stop - start) / rate:.1f} s of "
                      f"music: left out of {second}. Learned twice, it would make all other music "
                      "strange.", stacklevel=4)
    pieces = [(take[a:b], begin + a / rate) for take, begin, cuts
              in zip(takes, starts, kept, strict=True) for a, b in cuts]
    return ([piece for piece, _ in pieces], np.array([begin for _, begin in pieces]), rate,
            bands.pop())


def on_clock(times: FloatArray, takes: list[npt.NDArray[np.floating]], starts: FloatArray,
             rate: float) -> FloatArray:
    """Times that count on over the takes as those of their sessions' clock."""
    begins = np.cumsum([0, *(len(take) for take in takes[:-1])]) / rate
    take = np.maximum(np.searchsorted(begins, times - 1e-9, side="left") - 1, 0)
    # A clock that jumped by decades is damage, which a file need not keep.
    return np.minimum(times + (starts - begins)[take], _MOST_SECONDS)
