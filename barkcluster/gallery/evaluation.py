"""How well a gallery names sessions that it did not hear, and where it goes wrong."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, recall_score

NONE_OF_THEM = "none of them"


@dataclass(frozen=True)
class Answer:
    """What a gallery said of a session that it had not heard.

    Attributes
    ----------
    session : str
        What the session is called: the name of its file, with the folders in which files of the
        same name differ; or its own; else the name that it belongs to, and a number.
    truth : str
        The name that it belongs to.
    nearest : str
        The name that it is most like.
    said : str
        ``nearest``, or "none of them" if its familiarity is below the false-alarm rate.
    familiarity, familiarity_of_truth : float
        Its familiarity to ``nearest``, and to ``truth``.
    start, stop : float
        Where it is most like ``nearest`` and least like ``truth``, in seconds; nan if they are the
        same.
    """

    session: str
    truth: str
    nearest: str
    said: str
    familiarity: float
    familiarity_of_truth: float
    start: float
    stop: float


@dataclass(frozen=True)
class Evaluation:
    """How well sessions are named.

    Attributes
    ----------
    names : list of str
    answers : list of Answer
        One for each session that was held out.
    false_alarm_rate : float
        The nominal one, a parameter of the gallery.
    stranger_auc : dict of str to float
        For each name, how well its sessions are told from those of the others while the gallery
        does not know the name: area under the curve, 0.5 is chance. Empty with fewer than three
        names.
    skipped : dict of str to str
        Sessions that were left out, and why.
    """

    names: list[str]
    answers: list[Answer] = field(repr=False)
    false_alarm_rate: float
    stranger_auc: dict[str, float]
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Share of sessions whose nearest name is their own."""
        return float(np.mean([answer.nearest == answer.truth for answer in self.answers]))

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the names of the share of their sessions whose nearest name is their own."""
        truth = [answer.truth for answer in self.answers]
        # `balanced_accuracy_score` warns of names never asked about, as those of one take.
        return float(recall_score(truth, [answer.nearest for answer in self.answers],
                                  labels=sorted(set(truth)), average="macro"))

    @property
    def false_alarms(self) -> float:
        """Share of sessions of known names that are called none of them."""
        return float(np.mean([answer.said == NONE_OF_THEM for answer in self.answers]))

    @property
    def mean_stranger_auc(self) -> float:
        """Mean of ``stranger_auc`` over the names; nan with fewer than three."""
        return float(np.mean(list(self.stranger_auc.values()))) if self.stranger_auc else np.nan

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Numbers of sessions by their name (rows) and what was said (columns).

        The last column is "none of them".
        """
        labels = [*self.names, NONE_OF_THEM]
        return np.asarray(confusion_matrix(
            [answer.truth for answer in self.answers], [answer.said for answer in self.answers],
            labels=labels)[:-1], dtype=np.int64)

    @property
    def mistakes(self) -> list[Answer]:
        """Answers that are wrong, the most confident first."""
        wrong = [answer for answer in self.answers if answer.said != answer.truth]
        return sorted(wrong, key=lambda answer: answer.familiarity_of_truth - answer.familiarity)

    def to_csv(self, file: str | os.PathLike[str] | TextIO) -> None:
        """Write the answers, a row each, under the names of their fields.

        Parameters
        ----------
        file : path-like or text file
        """
        if isinstance(file, (str, os.PathLike)):
            # A file's name that is not UTF-8 is spelled out.
            with open(file, "w", newline="", encoding="utf-8",
                      errors="backslashreplace") as opened:
                self.to_csv(opened)
            return
        rows = csv.writer(file, lineterminator="\n")
        columns = list(Answer.__dataclass_fields__)
        rows.writerow(columns)
        rows.writerows([getattr(answer, column) for column in columns]
                       for answer in self.answers)
