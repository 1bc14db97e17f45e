"""Whole sessions held out from a gallery, and what it says of them.

Pieces of one take are never both learned and asked about.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from barkcluster._typing import Float32Array, FloatArray
from barkcluster._validation import check_positive_int
from barkcluster.frames.session import Session
from barkcluster.model.model import FamiliarityModel

from .comparison import Record, SessionComparison
from .entry import decisive_seconds
from .evaluation import NONE_OF_THEM, Answer, Evaluation
from .sources import Source, take_of


class Namer(Protocol):
    """The part of `SessionGallery` that an evaluation needs."""

    false_alarm_rate: float
    on_error: str
    reader: Callable[[str | os.PathLike[str]], Session]
    names_: list[str]
    records_: dict[str, Record]
    comparison_: SessionComparison
    frame_rate_: float
    skipped_: dict[str, str]

    def set_params(self, *, folder: None, on_error: str) -> Self:
        """Learn in memory."""

    def fit(self, sessions: Mapping[str, Sequence[Source]]) -> Self:
        """Learn sessions by name."""

    def rank(self, session: Source) -> list[tuple[str, float]]:
        """The names that a session is most like."""

    def identify(self, session: Source) -> str | None:
        """The name that a session belongs to, or None."""

    def predict(self, sessions: Sequence[Source]) -> npt.NDArray[np.str_]:
        """The name of each of several sessions."""

    def judge(self, session: Source) -> tuple[FloatArray, Float32Array]:
        """What `SessionComparison.judge` takes."""

    def model_of(self, name: str) -> FamiliarityModel:
        """The model of a name."""


@dataclass(eq=False)
class _Fold:
    """What one gallery said of the sessions held out from it.

    ``strangers``, of shape (n_answers, n_names), is the strangeness to the nearest name while one
    name is left unknown, each in turn. ``heard`` says of sessions that were learned as well, from
    a copy, under which name.
    """

    answers: list[Answer]
    strangers: FloatArray
    skipped: dict[str, str]
    heard: list[str]


def evaluate(gallery: Namer, sessions: Mapping[str, Sequence[Source]], n_folds: int,
             on_error: str, step: Callable[[str], None]) -> Evaluation:
    """Hold out takes of each name in turn, learn the rest, and ask which name they belong to.

    Parameters
    ----------
    gallery : SessionGallery, or another Namer
        It need not be fitted: clones of it learn.
    sessions : dict of str to list of sessions
    n_folds : int
        At least 2.
    on_error : {"raise", "skip"}
        Whether sessions that cannot be read or learned are an error or left out.
    step : callable
        Called with a line of text before each fold.

    Returns
    -------
    evaluation : Evaluation

    Raises
    ------
    ValueError
        If fewer than two names have several takes.

    Warns
    -----
    UserWarning
        If a session that was held out was learned as well, from a copy of it.
    """
    counts = {name: len(takes) for name, takes in sessions.items()}
    if check_positive_int("n_folds", n_folds) < 2:
        raise ValueError(f"n_folds must be at least 2; got {n_folds}.")
    if sum(n > 1 for n in counts.values()) < 2:
        raise ValueError("sessions must have two names with several takes each, to hold some "
                         f"out; got takes {counts!r:.300}.")
    held_out = list(folds_of(counts, n_folds))
    folds = []
    for i, one in enumerate(held_out):
        step(f"fold {i + 1} of {len(held_out)}")
        folds.append(_ask(gallery, sessions, one, on_error))
    answers = [answer for fold in folds for answer in fold.answers]
    skipped = {path: why for fold in folds for path, why in fold.skipped.items()}
    if not answers:
        raise ValueError("sessions must hold some that can be asked about; got none: "
                         + next(iter(skipped.values())))
    heard = [what for fold in folds for what in fold.heard]
    if heard:
        warnings.warn(f"{len(heard)} of {len(answers)} sessions that were held out were learned "
                      f"as well: {'; '.join(heard):.300}. What is said of them shows nothing; "
                      "barkcluster check finds copies.", stacklevel=3)
    strangers = np.concatenate([fold.strangers for fold in folds if fold.answers])
    names = list(sessions)
    auc = {}
    for i, name in enumerate(names if len(names) > 2 else ()):
        asked = ~np.isnan(strangers[:, i])
        unknown = np.array([answer.truth == name for answer in answers])[asked]
        if unknown.any() and not unknown.all():
            auc[name] = float(roc_auc_score(unknown, strangers[asked, i]))
    return Evaluation(names, answers, gallery.false_alarm_rate, auc, skipped)


def folds_of(counts: Mapping[str, int], n_folds: int) -> Iterator[dict[str, list[int]]]:
    """Takes of each name to hold out, fold by fold; a name's only take is never held out.

    Parameters
    ----------
    counts : dict of str to int
        Number of takes of each name.
    n_folds : int
        Folds; at most as many as the largest number of takes.

    Yields
    ------
    held_out : dict of str to list of int
        Numbers of the takes.

    Examples
    --------
    >>> list(folds_of({"anna": 3, "bert": 1, "carl": 2}, 5))
    [{'anna': [0], 'carl': [0]}, {'anna': [1], 'carl': [1]}, {'anna': [2]}]
    """
    several = {name: n for name, n in counts.items() if n > 1}
    for fold in range(min(n_folds, max(several.values(), default=0))):
        yield {name: list(range(fold, n, min(n_folds, n)))
               for name, n in several.items() if fold < min(n, n_folds)}


def _ask(gallery: Namer, sessions: Mapping[str, Sequence[Source]],
         held_out: Mapping[str, Sequence[int]], on_error: str) -> _Fold:
    """Learn all takes but some, and ask about these."""
    copy: Namer = clone(gallery)
    learned = copy.set_params(folder=None, on_error=on_error).fit({
        name: [take for i, take in enumerate(takes) if i not in held_out.get(name, ())]
        for name, takes in sessions.items()})
    without = {unknown: SessionComparison.uncalibrated(
        {name: record for name, record in learned.records_.items() if name != unknown})
        for unknown in (learned.names_ if len(learned.names_) > 2 else ())}
    answers, strangers, skipped, heard = [], [], dict(learned.skipped_), []
    for name, rows in held_out.items():
        for i in rows if name in learned.names_ else ():
            source = sessions[name][i]
            try:
                take = take_of(source, learned.frame_rate_, learned.reader)
                said, summary = learned.judge(take)
            except (ValueError, OSError) as error:
                if on_error == "raise":
                    raise
                skipped[_path_of(source) or f"{name}, take {i + 1}"] = str(error)
                continue
            called = _called(sessions[name], i, take, name)
            answers.append(_answer(learned, take, called, name,
                                   learned.comparison_.judge(said, summary)))
            same = [repr(other) for other, record in learned.records_.items()
                    if len(record.takes) and np.any(np.all(record.takes == summary, axis=1))]
            if same:
                heard.append(f"{called} of {name!r} as a take of {' and '.join(same)}")
            strangers.append([_nearest_but(unknown, learned, without, said, summary)
                              for unknown in sessions])
    return _Fold(answers, np.array(strangers), skipped, heard)


def _nearest_but(unknown: str, learned: Namer, without: Mapping[str, SessionComparison],
                 said: FloatArray, summary: Float32Array) -> float:
    """How strange a session is to the nearest name but one; nan if only one would be left."""
    if unknown not in learned.names_:       # its takes could not be learned
        return float(learned.comparison_.judge(said, summary).min())
    if unknown not in without:
        return np.nan
    others = np.delete(said, learned.names_.index(unknown))
    return float(without[unknown].judge(others, summary).min())


def _answer(gallery: Namer, take: Session, called: str, truth: str,
            strangeness: FloatArray) -> Answer:
    familiarity = gallery.comparison_.calibration_.familiarity(strangeness)
    best, own = int(np.argmin(strangeness)), gallery.names_.index(truth)
    nearest = gallery.names_[best]
    said = nearest if familiarity[best] >= gallery.false_alarm_rate else NONE_OF_THEM
    start, stop = (np.nan, np.nan) if nearest == truth else decisive_seconds(
        gallery.model_of(nearest), gallery.model_of(truth), take)
    return Answer(called, truth, nearest, said, float(familiarity[best]),
                  float(familiarity[own]), start, stop)


def _called(sources: Sequence[Source], i: int, take: Session, name: str) -> str:
    """The name of a file among those of one name, with the folders that tell it from others."""
    path = _path_of(sources[i])
    if path is None:
        return take.name or f"{name} {i + 1}"
    parts = PurePath(path).parts
    others = [PurePath(other).parts for k, other in enumerate(map(_path_of, sources))
              if other is not None and k != i]
    n_parts = 1
    while n_parts < len(parts) and any(other[-n_parts:] == parts[-n_parts:] for other in others):
        n_parts += 1
    return str(PurePath(*parts[-n_parts:]))


def _path_of(source: Source) -> str | None:
    return os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else None
