"""Sessions that a gallery is given: arrays, sessions or paths, by name or in a list with names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster.frames.session import N_BANDS, Session, check_frames

Path: TypeAlias = str | os.PathLike[str]
Source: TypeAlias = npt.ArrayLike | Session | Path
Sources: TypeAlias = Source | Sequence[Source]


def take_of(source: Source, frame_rate: float, reader: Callable[[Path], Session],
            n_bands: int = N_BANDS) -> Session:
    """The session that a source is, or is the path of; arrays have the rate and bands given."""
    if isinstance(source, Session):
        return source
    if isinstance(source, (str, os.PathLike)):
        return reader(source)
    return Session(check_frames(source, n_bands), frame_rate, n_bands=n_bands)


def by_name(sessions: object, y: Sequence[str] | None) -> dict[str, list[Source]]:
    """Sessions of a list, an array or a column of a table, by the name that ``y`` has for each."""
    several = sessions
    if not isinstance(sessions, (Mapping, Sequence, Session)):
        # An array of sessions, of paths, or of frames of one length.
        array = np.asarray(sessions)
        several = list(array) if array.ndim in (1, 3) else None
    if isinstance(several, (Mapping, str)) or not isinstance(several, Sequence) or y is None:
        raise ValueError("sessions must be a dict by name, or a list with the name of each in y; "
                         f"got {type(sessions).__name__}{' without y' if y is None else ''}.")
    if len(y) != len(several):
        raise ValueError(f"y must have a name for each of the {len(several)} sessions; got "
                         f"{len(y)}.")
    takes: dict[str, list[Source]] = {}
    for name, session in zip(y, several, strict=True):
        takes.setdefault(str(name), []).append(session)
    return takes


def takes_by_name(sessions: Mapping[str, Sources]) -> dict[str, list[Source]]:
    """A list of takes for each name."""
    takes: dict[str, list[Source]] = {}
    for name, given in sessions.items():
        several = isinstance(given, (list, tuple)) and all(
            isinstance(take, (Session, str, os.PathLike)) or np.ndim(take) == 2 for take in given)
        takes[name] = list(given) if several else [given]  # type: ignore[arg-type, list-item]
        if not takes[name]:
            raise ValueError(f"{name!r} must have at least one session; got none.")
    return takes
