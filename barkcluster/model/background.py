"""Excerpts of other sessions, for a model to learn how strange strangers are to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Self, cast

import numpy as np
import numpy.typing as npt

from barkcluster._spread import golden_places
from barkcluster._validation import check_positive, shown
from barkcluster.files.archive import Array, ArraySpec, Json, ModelFormatError, stored_type
from barkcluster.files.container import open_container, write_container
from barkcluster.files.header import Fields
from barkcluster.frames.session import (
    FLOOR_DB,
    MOST_BANDS,
    N_BANDS,
    Frames,
    Session,
    check_frames,
    check_rate,
    common_rate,
)

# Long enough for the longest windows of a model, and for their averages to settle.
EXCERPT_S = 15.0
# Half precision, .03 dB at the levels of music; older files may hold any level of it.
LOUDEST_DB = 65504.0
# Faster frames would let a small file ask for gigabytes.
_MOST_FRAME_RATE = 2000.0


class Background:
    """Excerpts of other sessions, for models to be compared with.

    A model says how strange a moment is among those of its session. With a background,
    ``FamiliarityModel(background=...)``, it also knows how strange other music is to it, and one
    threshold serves all sessions.

    Parameters
    ----------
    frame_rate : float, default=100.0
        Frames per second of plain arrays, if no `Session` is among them; a Session brings its
        own.

    Attributes
    ----------
    excerpts_ : ndarray of shape (n_excerpts, n_frames, n_bands), float16
        Up to 32 stretches of 15 s, evenly from all sessions.
    frame_rate_ : float
        Frames per second.
    n_sessions_ : int
        Number of sessions that the excerpts are from.

    Notes
    -----
    It holds frames and depends on no scorer or window, so that any model can use it.
    `sklearn.base.clone` returns it as it is, fitted: a model is compared with it and does not
    learn it.

    Examples
    --------
    >>> import numpy as np
    >>> from barkcluster import FamiliarityModel
    >>> rng = np.random.default_rng(0)
    >>> others = [rng.normal(-40, spread, size=(2000, 25)) for spread in (2, 12, 18)]
    >>> background = Background().fit(others)
    >>> background
    <Background: 3 excerpts of 15 s from 3 sessions, 100 frames a second>
    >>> heard = rng.normal(-40, 6, size=(2000, 25))
    >>> model = FamiliarityModel(scales=(0.5,), background=background).fit(heard)
    >>> model.score(others[1]) < 0.05 < model.score(rng.normal(-40, 6, size=(1000, 25)))
    True
    """

    # Each fit of a model hears all of them, in half a second; six serve nearly as well.
    MOST_EXCERPTS = 32

    excerpts_: npt.NDArray[np.float16]
    frame_rate_: float
    n_sessions_: int

    def __init__(self, *, frame_rate: float = 100.0) -> None:
        self.frame_rate = frame_rate

    def fit(self, sessions: Frames | Sequence[Frames], y: None = None) -> Self:
        """Take excerpts of other sessions.

        Parameters
        ----------
        sessions : list of (array-like of shape (n_frames, 25) or Session), or one of them
            Bark coefficients in dB. Sessions shorter than an excerpt are left out. Of more than
            32 sessions, 32 are taken, evenly over the list; of fewer, several excerpts of each.
        y : None
            Ignored, present for scikit-learn.

        Returns
        -------
        self : Background

        Raises
        ------
        ValueError
            If no session is long enough, or they differ in frame rate or number of bands.
        """
        given = list(sessions) if isinstance(sessions, (list, tuple)) else [sessions]
        rate = common_rate("sessions", (s.frame_rate for s in given if isinstance(s, Session)))
        if rate is None:
            rate = check_positive("frame_rate", self.frame_rate)
        length = excerpt_frames(rate)
        bands = {s.n_bands for s in given if isinstance(s, Session)} or {N_BANDS}
        if len(bands) > 1:
            raise ValueError("sessions must have one number of bands; got "
                             + ", ".join(map(str, sorted(bands))) + ".")
        n_bands, = bands
        checked = [check_frames(s, n_bands, name=f"sessions[{i}]")
                   for i, s in enumerate(cast("list[Frames]", given))]
        takes = [_takes_of(session, frames)
                 for session, frames in zip(given, checked, strict=True)]
        able = [long for session in takes
                if (long := [take for take in session if len(take) >= length])]
        if not able:
            raise ValueError(
                f"sessions must hold one of at least {length} frames ({EXCERPT_S:g} s); the "
                f"longest has {max((len(t) for s in takes for t in s), default=0)}.")
        chosen = [able[i] for i in np.unique(
            np.linspace(0, len(able) - 1, self.MOST_EXCERPTS).round().astype(int))]
        each, more = divmod(self.MOST_EXCERPTS, len(chosen))
        excerpts = [excerpt for i, session in enumerate(chosen)
                    for excerpt in _of_takes(session, length, each + (i < more))]
        self.excerpts_ = np.stack(excerpts).astype(np.float16)
        self.frame_rate_ = float(rate)
        self.n_sessions_ = len(chosen)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the background to a file for `load_background`.

        Parameters
        ----------
        path : path-like
            An .npz file, whatever its name ends in. An older one stays until all of the new one
            is on disk.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If the file cannot be written; an older one stays as it was.
        """
        self.check_is_fitted()
        excerpts = np.ascontiguousarray(self.excerpts_, dtype=stored_type(self.excerpts_))
        entry: dict[str, Json] = {
            "frame_rate": self.frame_rate_,
            "n_sessions": self.n_sessions_,
            "excerpts": list(excerpts.shape),
        }
        write_container(path, "background", entry, {"excerpts": excerpts},
                        lambda fields: _BackgroundRecord(fields).specs)

    def check_is_fitted(self) -> None:
        """Raise NotFittedError before ``fit``."""
        if not hasattr(self, "excerpts_"):
            from sklearn.exceptions import NotFittedError  # rarely: it takes a second

            raise NotFittedError("This Background is empty: call fit with other sessions.")

    def __sklearn_clone__(self) -> Self:
        return self

    def __repr__(self) -> str:
        if not hasattr(self, "excerpts_"):
            return f"Background(frame_rate={self.frame_rate!r})"
        return f"<Background: {self.contents}, {self.frame_rate_:g} frames a second>"

    @property
    def contents(self) -> str:
        """What it holds, in words: "12 excerpts of 15 s from 6 sessions"."""
        self.check_is_fitted()
        n, n_sessions = len(self.excerpts_), self.n_sessions_
        return (f"{n} excerpt{'s' if n > 1 else ''} of {EXCERPT_S:g} s from {n_sessions} "
                f"session{'s' if n_sessions > 1 else ''}")


def load_background(path: str | os.PathLike[str]) -> Background:
    """The background in a file.

    Parameters
    ----------
    path : path-like
        A file written by `Background.save`.

    Returns
    -------
    background : Background
        Fitted. Models answer with it as with the one that was saved, to the last bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything else is wrong with the file; see `load_model`.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import Background
    >>> background = Background().fit([np.full((1500, 25), -40.0)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     background.save(f"{folder}/others.npz")
    ...     load_background(f"{folder}/others.npz")
    <Background: 1 excerpt of 15 s from 1 session, 100 frames a second>
    """
    with open_container(path, "background") as (fields, archive):
        record = _BackgroundRecord(fields)
        return record.build(archive.read(record.specs))


class _BackgroundRecord:
    """A background as the header of a file describes it, before its array is read."""

    def __init__(self, fields: Fields) -> None:
        self._frame_rate = fields.number("frame_rate", 1e-3, _MOST_FRAME_RATE)
        self._n_sessions = fields.integer("n_sessions", 1, Background.MOST_EXCERPTS)
        shape = fields.items("excerpts", 3)
        most, n_frames = Background.MOST_EXCERPTS, excerpt_frames(self._frame_rate)
        if not (len(shape) == 3 and type(shape[0]) is int and type(shape[2]) is int
                and self._n_sessions <= shape[0] <= most and shape[1] == n_frames
                and 1 <= shape[2] <= MOST_BANDS):
            raise ModelFormatError(
                f"excerpts must be {self._n_sessions} to {most}, each of {n_frames} frames of "
                f"{N_BANDS} bands, or up to {MOST_BANDS}; got {shown(shape)}.")
        fields.nothing_else()
        self.specs = {"excerpts": ArraySpec(
            "<f8", "<f2", (shape[0], n_frames, shape[2]), FLOOR_DB, LOUDEST_DB)}

    def build(self, arrays: Mapping[str, Array]) -> Background:
        """The fitted background."""
        background = Background(frame_rate=self._frame_rate)
        background.excerpts_ = arrays["excerpts"].astype(np.float16)
        background.frame_rate_ = self._frame_rate
        background.n_sessions_ = self._n_sessions
        return background


def check_background(background: object, rate: float, n_bands: int) -> None:
    """Raise ValueError unless this is a fitted background of this frame rate and these bands."""
    if not isinstance(background, Background):
        raise ValueError(f"background must be a Background or None; got {background!r:.80}.")
    background.check_is_fitted()
    check_rate("background", background.frame_rate_, rate, "as the session")
    if background.excerpts_.shape[2] != n_bands:
        raise ValueError(f"background must have {n_bands} bands, as the session; got "
                         f"{background.excerpts_.shape[2]}.")


def excerpt_frames(frame_rate: float) -> int:
    """Number of frames in an excerpt."""
    return max(1, round(EXCERPT_S * frame_rate))


def _takes_of(session: object, frames: npt.NDArray[np.floating],
              ) -> list[npt.NDArray[np.floating]]:
    """The takes of a session, or its checked frames."""
    return [take.frames for take in session.takes] if isinstance(session, Session) else [frames]


def _of_takes(
    takes: list[npt.NDArray[np.floating]], length: int, wanted: int
) -> list[npt.NDArray[np.floating]]:
    """Excerpts of the takes of one session, evenly over all of them."""
    if len(takes) == 1:
        return _excerpts(takes[0], length, wanted)
    all_there_are = [excerpt for take in takes
                     for excerpt in _excerpts(take, length, len(take) // length)]
    n = min(wanted, len(all_there_are))
    places = np.linspace(0, len(all_there_are) - 1, n).round().astype(int)
    return [all_there_are[i] for i in np.unique(places)]


def _excerpts(
    frames: npt.NDArray[np.floating], length: int, wanted: int
) -> list[npt.NDArray[np.floating]]:
    """A stretch from each of equal parts, as many as fit, at uneven places that no loop has.

    The first is from the middle of its part, because the ends of sessions are often silent.
    """
    n = min(wanted, len(frames) // length)
    part = len(frames) / n
    starts = np.arange(n) * part + golden_places(n) * (part - length)
    return [frames[start:start + length] for start in starts.round().astype(int)]
