"""How far a whole session is from each name, in a metric that is learned from the names.

Models of the names say how strange it is to each; the metric, once it is learned, counts far more.
What it says of pieces that were held out tells how strange another session of a name may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.calibration.calibration import Calibration

from .metric import Metric

Folds: TypeAlias = npt.NDArray[np.int32]

# How sessions are compared; galleries in files go on as they did.
# 1: models weigh `_MODELS_WEIGHT`, summaries `_UNLEARNED_WEIGHT` and 1 more for each take that a
#    name has beyond its first, on average. A held-out piece is judged by the metric of all takes
#    but its fold, from fewer takes, and weighed as in that metric.
# 2: it is weighed as a query is.
# 3: before the metric is learned, each number is divided by how it differs between takes of one
#    name; once it is, models weigh `_MODELS_BESIDE_METRIC`. A held-out piece is judged by the
#    metric of all takes but itself.
# 4: how strange a session is to all names counts its distance in the axes in which names differ
#    once more. Held-out takes are drawn to their mean: see `_drawn_together`.
# 5: no metric is learned from one take alone beyond the first of each name. While either of these
#    two takes is held out there is none, and distances in another unit say nothing of queries.
NEWEST = 5

_MODELS_WEIGHT = 2.0
_UNLEARNED_WEIGHT = 1.0
_MODELS_BESIDE_METRIC = 0.2
# Metrics that are learned to judge held-out pieces: one for each piece while takes are few.
_FEWEST_METRICS = 2
_TAKES_OF_ALL_METRICS = 6000


@dataclass(eq=False)
class Record:
    """What is known of a name for comparing whole sessions.

    Attributes
    ----------
    held_out : ndarray of shape (n_held_out,)
        Strangeness of pieces of its sessions to models that did not hear them.
    takes : ndarray of shape (n_takes, n_numbers), float32
        Summary of each session; no rows in galleries that were saved without summaries.
    pieces : ndarray of shape (n_held_out, 2, n_numbers), float32
        Summary of each piece held out, and the mean summary of what was learned without it. Of
        large galleries, of the first pieces alone.
    take_folds : ndarray of shape (n_takes,)
        Fold in which each take was held out; -1 where only stretches of it were.
    piece_folds : ndarray of shape (n_held_out,)
        Fold in which each piece was held out.
    """

    held_out: FloatArray
    takes: Float32Array
    pieces: Float32Array
    take_folds: Folds
    piece_folds: Folds

    @classmethod
    def without_summaries(cls, held_out: FloatArray) -> Self:
        """The record of a name that is compared by its models alone."""
        return cls(held_out, np.empty((0, 0), np.float32), np.empty((0, 2, 0), np.float32),
                   np.empty(0, np.int32), np.zeros(len(held_out), np.int32))


class SessionComparison:
    """Compares whole sessions with names, and knows how strange held-out pieces are.

    Parameters
    ----------
    definition : int, default=5
        How sessions are compared, 1 to 5. The newest is 5; galleries in files of version 6 have 4,
        of version 5 3, of version 4 2, those before it 1.

    Attributes
    ----------
    names_ : list of str
    n_more_ : float
        Takes that a name has beyond its first, on average. Above 0, a metric is learned; where
        there is one such take in all, it is not, and this is 0.
    held_out_ : dict of str to ndarray
        Strangeness of each name's held-out pieces, from models and a metric that did not hear
        them.
    calibration_ : Calibration
        Calibration of all held-out pieces together.
    """

    names_: list[str]
    n_more_: float
    held_out_: dict[str, FloatArray]
    calibration_: Calibration
    _metric: Metric | None

    def __init__(self, definition: int = NEWEST) -> None:
        self.definition = definition

    def fit(self, records: Mapping[str, Record]) -> Self:
        """Learn the metric, and how strange more of the same sessions is.

        Parameters
        ----------
        records : dict of str to Record

        Returns
        -------
        self : SessionComparison

        Raises
        ------
        ValueError
            If no piece was held out.
        """
        self._learn_metric(records)
        known = list(records.values())
        usual = [r.held_out for r in known]
        if self._metric is not None:
            usual = (_held_out_alone(known, self._metric, self.definition)
                     if self.definition > 2 else
                     _held_out(known, self.n_more_ if self.definition > 1 else None))
        self.held_out_ = dict(zip(records, usual, strict=True))
        pool = np.sort(np.concatenate([np.empty(0), *usual]))
        if not len(pool):
            raise ValueError("records must hold at least one piece held out; got none.")
        # Pieces share no frames: each counts as an independent one.
        self.calibration_ = (Calibration.of_few(pool) if self.definition > 2 else
                             Calibration.restore(pool, float(len(pool))))
        return self

    @classmethod
    def uncalibrated(cls, records: Mapping[str, Record]) -> Self:
        """A comparison without a calibration: enough to order names, and five times as fast."""
        comparison = cls()
        comparison._learn_metric(records)
        return comparison

    def _learn_metric(self, records: Mapping[str, Record]) -> None:
        self.names_ = list(records)
        # If some names have no summaries, all are compared by their models alone.
        complete = all(len(record.takes) for record in records.values())
        takes = [record.takes for record in records.values()]
        n_free = sum(len(rows) - 1 for rows in takes)
        self._metric = Metric(takes, self.definition,
                              learned=self.definition < 5 or n_free > 1) if complete else None
        self.n_more_ = self._metric.n_more if self._metric is not None else 0.0

    def log_distances(self, summary: npt.ArrayLike) -> FloatArray:
        """Log distance of a session to each name; zeros if names have no summaries.

        Parameters
        ----------
        summary : array-like of shape (n_numbers,)
            The session, by `summarize`.

        Returns
        -------
        distances : ndarray of shape (n_names,)
        """
        if self._metric is None:
            return np.zeros(len(self.names_))
        return self._metric.log_distances(np.asarray(summary, dtype=np.float64))

    def places(self, summaries: npt.ArrayLike) -> FloatArray:
        """Where sessions lie in two dimensions, for a map of them.

        The axes are the directions in which names differ most in the metric that was learned
        (discriminants). With fewer than three names, or nothing learned, they are those in which
        sessions differ most (principal components).

        Parameters
        ----------
        summaries : array-like of shape (n_sessions, n_numbers)
            By `summarize`.

        Returns
        -------
        places : ndarray of shape (n_sessions, 2)

        Raises
        ------
        ValueError
            If the gallery was saved before there were summaries.
        """
        if self._metric is None:
            raise ValueError("names must have summaries to be put on a map; got some without. "
                             "Learn the gallery anew.")
        return self._metric.places(np.asarray(summaries, dtype=np.float64))

    def judge(self, strangeness: npt.ArrayLike, summary: npt.ArrayLike) -> FloatArray:
        """How strange a session is to each name.

        Parameters
        ----------
        strangeness : array-like of shape (n_names,)
            How strange it is to the full model of each name.
        summary : array-like of shape (n_numbers,)

        Returns
        -------
        strangeness : ndarray of shape (n_names,)
        """
        return self.combine(strangeness, self.log_distances(summary))

    def combine(self, strangeness: npt.ArrayLike, log_distances: npt.ArrayLike) -> FloatArray:
        """Weighted mean of what the models and the summaries say.

        Parameters
        ----------
        strangeness : array-like of shape (n,)
            Strangeness of a session to the full models of some names.
        log_distances : array-like of shape (n,)
            Its log distances to the same names.

        Returns
        -------
        strangeness : ndarray of shape (n,)
        """
        strangeness = np.asarray(strangeness, dtype=np.float64)
        if self._metric is None:
            return strangeness
        return _combined(strangeness, np.asarray(log_distances, np.float64),
                         _weights(self.n_more_, self.definition))


def _weights(n_more: float, definition: int) -> tuple[float, float]:
    """What the models count, and what the summaries do."""
    if definition < 3:
        return _MODELS_WEIGHT, _UNLEARNED_WEIGHT + n_more
    unlearned = _MODELS_WEIGHT / _UNLEARNED_WEIGHT
    return unlearned * float((_MODELS_BESIDE_METRIC / unlearned) ** min(n_more, 1.0)), 1.0


def _combined(strangeness: FloatArray, log_distances: FloatArray,
              weights: tuple[float, float]) -> FloatArray:
    models, summaries = weights
    return (models * strangeness + summaries * log_distances) / (models + summaries)


def _held_out(records: list[Record], n_more: float | None) -> list[FloatArray]:
    """Strangeness of each piece to its name, from models and a metric that did not hear it.

    They are weighed as for names that have ``n_more`` takes beyond their first; with None, as many
    as names have without the piece.
    """
    # In large galleries, only the first pieces have summaries.
    said = [np.empty(len(record.pieces)) for record in records]
    for fold in np.unique(np.concatenate([record.piece_folds for record in records])):
        kept = [_kept(record, fold) for record in records]
        metric = Metric(kept, 2)
        for record, takes, mine in zip(records, kept, said, strict=True):
            for j in np.flatnonzero(record.piece_folds[:len(mine)] == fold):
                # As for a query, the distance to the nearest name counts.
                piece, own = record.pieces[j]
                distance = min(metric.between(piece, own, len(takes)),
                               float(metric.log_distances(piece).min()))
                weights = _weights(metric.n_more if n_more is None else n_more, 2)
                mine[j:j + 1] = _combined(record.held_out[j:j + 1], np.array([distance]), weights)
    return said


def _held_out_alone(records: list[Record], learned: Metric, definition: int,
                    ) -> list[FloatArray]:
    """Strangeness of each piece to its name, from models that did not hear it.

    A piece that is a take is judged by a metric of the other takes: of all of them, or where they
    are many, of those in other groups. Any other piece is a stretch of its name's only take, which
    tells the metric nothing: to its own name the rest of the take counts.
    """
    said = [np.empty(len(record.pieces)) for record in records]
    takes = [_takes_held_out(record) for record in records]
    whole = [(i, j) for i, mine in enumerate(takes) for j in np.flatnonzero(mine >= 0)]
    n_takes = sum(len(record.takes) for record in records)
    n_groups = min(len(whole), max(_FEWEST_METRICS, _TAKES_OF_ALL_METRICS // n_takes))
    weights = _weights(learned.n_more, 3)
    for group in range(n_groups):
        pieces = whole[group::n_groups]
        kept = [record.takes for record in records]
        for i in {i for i, _ in pieces}:
            rest = np.delete(kept[i], [takes[k][j] for k, j in pieces if k == i], axis=0)
            kept[i] = rest if len(rest) else kept[i]
        metric = Metric(kept, definition)
        for i, j in pieces:
            said[i][j] = metric.log_distances(records[i].pieces[j, 0]).min()
    if definition > 3 and whole and learned.n_free:
        found = np.array([said[i][j] for i, j in whole])
        for (i, j), one in zip(whole, _drawn_together(found, learned.n_free), strict=True):
            said[i][j] = one
    for i, record in enumerate(records):
        for j in np.flatnonzero(takes[i] < 0):
            piece, own = record.pieces[j]
            said[i][j] = learned.nearest_beside(i, piece, own)
        said[i] = _combined(record.held_out[:len(said[i])], said[i], weights)
    return said


def _drawn_together(distances: FloatArray, n_free: int) -> FloatArray:
    """Log distances of held-out takes as they would be if none moved the unit it is judged in.

    The unit is how the other takes differ. Without an odd take they differ less, and in a smaller
    unit it is the odder: where there are ``n_free`` takes more than names, its log distance is
    n_free / (n_free - 1) times as far from the mean, to the first order. A query moves no unit.
    """
    middle = distances.mean()
    return np.asarray(middle + (1.0 - 1.0 / max(2, n_free)) * (distances - middle))


def _takes_held_out(record: Record) -> npt.NDArray[np.intp]:
    """Which take each piece with a summary is; -1 if it is a stretch of one."""
    found = np.full(len(record.pieces), -1)
    for j, (piece, _) in enumerate(record.pieces):
        same = np.flatnonzero((record.take_folds == record.piece_folds[j])
                              & np.all(record.takes == piece, axis=1))
        found[j] = same[0] if len(same) else -1
    return found


def _kept(record: Record, fold: int) -> Float32Array:
    """Summaries of the takes that were learned while those of a fold were held out."""
    takes = record.takes[record.take_folds != fold]
    return takes if len(takes) else record.takes
