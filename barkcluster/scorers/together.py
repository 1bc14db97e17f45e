"""Scorers of one kind, judged together, not one by one.

A hop of a model asks fourteen scorers for one row each, and each step of numpy on one row costs
more to call than to work out. Those of as many directions share a product; all the rest is done
for all of them at once, single rows and whole sessions alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

from .base import FamiliarityScorer

# Rows judged at once: few calls, and arrays so small that their memory is used again. Where the
# system takes it back after each piece, as it may with four times as many, a timeline takes up to
# a quarter longer.
_ROWS_AT_ONCE = 1024


class Judge(ABC):
    """What several scorers learned, in arrays that it takes few steps to ask.

    Scorers whose metrics have as many directions follow one another: they are a *block*, and
    their rows come in one array.
    """

    @staticmethod
    def pieces(n: int, n_scorers: int = 1) -> list[slice]:
        """Rows to judge at once, piece by piece."""
        step = max(1, _ROWS_AT_ONCE // n_scorers)
        if n <= step:
            return [slice(0, n)]
        return [slice(start, min(start + step, n)) for start in range(0, n, step)]

    def of_all(self, X: Sequence[FloatArray]) -> FloatArray:
        """`novelty` of any number of rows."""
        n_scorers = sum(map(len, X))
        return np.concatenate([self.novelty([rows[:, here] for rows in X])
                               for here in self.pieces(X[0].shape[1], n_scorers)], axis=1)

    @abstractmethod
    def novelty(self, X: Sequence[FloatArray]) -> FloatArray:
        """Novelty of a few rows of each scorer.

        Parameters
        ----------
        X : sequence of ndarray of shape (n_scorers_of_block, n, n_directions)
            For each block, rows in the metric of each of its scorers.

        Returns
        -------
        novelty : ndarray of shape (n_scorers, n)
        """


class JudgedTogether(FamiliarityScorer):
    """A scorer that is judged together with others of its kind.

    Instead of ``_novelty`` a subclass writes `_judge_of`, which is given one scorer or several.
    """

    _judge: Judge

    @classmethod
    @abstractmethod
    def _judge_of(cls, scorers: Sequence[Self]) -> Judge:
        """What judges the rows of fitted scorers that `_alike` says the same of.

        Those of a block follow one another.
        """

    def _alike(self) -> Hashable:
        """What scorers must have in common to be judged together."""
        return None

    def _restored(self) -> None:
        self._judge = self._judge_of([self])

    def _novelty(self, X: FloatArray) -> FloatArray:
        return self._judge.of_all([X[None]])[0]


class Together:
    """Fitted scorers, each to judge rows of its own.

    Those that can be asked together are; a scorer of another class, or one that writes its own
    ``_novelty``, is asked by itself.

    Parameters
    ----------
    scorers : sequence of FamiliarityScorer

    Examples
    --------
    >>> from barkcluster import KNNDensityScorer
    >>> near, far = (KNNDensityScorer(n_neighbors=1).fit([[x], [x + 1.0]]) for x in (0.0, 9.0))
    >>> Together([near, far]).novelty_of([np.array([[1.0], [4.0]]), np.array([[9.0], [4.0]])])
    array([[0., 3.],
           [0., 5.]])
    """

    def __init__(self, scorers: Sequence[FamiliarityScorer]) -> None:
        self._n_scorers = len(scorers)
        self._alone: list[tuple[int, FamiliarityScorer]] = []
        alike: dict[Hashable, list[tuple[int, JudgedTogether]]] = {}
        for number, scorer in enumerate(scorers):
            if isinstance(scorer, JudgedTogether) and _judged_as_all(type(scorer)):
                alike.setdefault((type(scorer), scorer._alike()), []).append((number, scorer))
            else:
                self._alone.append((number, scorer))
        self._groups = [_Group(members) for members in alike.values()]

    def novelty_of(self, rows: Sequence[npt.NDArray[np.floating]]) -> FloatArray:
        """Novelty of the rows of each scorer.

        Parameters
        ----------
        rows : sequence of ndarray of shape (n_rows, n_features)
            For each scorer; the last of all belong together. Some may have fewer.

        Returns
        -------
        novelty : ndarray of shape (n_scorers, n)
            Finite, but without a meaning, where a scorer has no row.
        """
        n = max(map(len, rows))
        novelty = np.zeros((self._n_scorers, n))
        for group in self._groups:
            group.judge(rows, novelty)
        for number, scorer in self._alone:
            mine = rows[number]
            if len(mine):
                novelty[number, n - len(mine):] = scorer.novelty_of(mine)
        return novelty


class _Group:
    """Scorers that are judged together."""

    def __init__(self, members: list[tuple[int, JudgedTogether]]) -> None:
        blocks: dict[int, list[tuple[int, JudgedTogether]]] = {}
        for number, scorer in members:
            blocks.setdefault(_n_directions(scorer), []).append((number, scorer))
        self._blocks = [_Block(block) for block in blocks.values()]
        scorers = [scorer for block in self._blocks for scorer in block.scorers]
        self._numbers = [number for block in self._blocks for number in block.numbers]
        self._places = np.array(self._numbers)
        self._judge = (
            scorers[0]._judge if len(scorers) == 1 else type(scorers[0])._judge_of(scorers))

    def judge(self, rows: Sequence[npt.NDArray[np.floating]], novelty: FloatArray) -> None:
        """Put the novelty of the rows that are the group's into its place among all."""
        n = novelty.shape[1]
        if not any(len(rows[number]) for number in self._numbers):
            return
        raw = [block.rows(rows, n) for block in self._blocks]
        for here in self._judge.pieces(n, len(self._numbers)):
            novelty[self._places, here] = self._judge.novelty(
                [block.in_metric(mine, here)
                 for block, mine in zip(self._blocks, raw, strict=True)])


class _Block:
    """Scorers whose metrics have as many directions."""

    def __init__(self, members: list[tuple[int, JudgedTogether]]) -> None:
        alike: dict[Hashable, list[tuple[int, JudgedTogether]]] = {}
        for number, scorer in members:
            alike.setdefault((scorer.n_features_in_, scorer.metric_basis_ is None), []).append(
                (number, scorer))
        members = [member for group in alike.values() for member in group]
        self.numbers = [number for number, _ in members]
        self.scorers = [scorer for _, scorer in members]
        self._n_directions = _n_directions(self.scorers[0])
        self._metrics = [_Metric(group) for group in alike.values()]

    def rows(self, rows: Sequence[npt.NDArray[np.floating]], n: int
             ) -> list[npt.NDArray[np.floating]]:
        """The rows that are these scorers', for each of the metrics."""
        return [metric.rows(rows, n) for metric in self._metrics]

    def in_metric(self, rows: list[npt.NDArray[np.floating]], here: slice) -> FloatArray:
        """Some of them in the metric of each scorer, (n_scorers, n, n_directions)."""
        if len(rows) == 1:
            return self._metrics[0].of(rows[0][:, here])
        X = np.empty((len(self.numbers), here.stop - here.start, self._n_directions))
        first = 0
        for metric, mine in zip(self._metrics, rows, strict=True):
            metric.of(mine[:, here], out=X[first:first + len(mine)])
            first += len(mine)
        return X


class _Metric:
    """The metrics of scorers of as many features, in one product."""

    def __init__(self, members: list[tuple[int, JudgedTogether]]) -> None:
        self._numbers = [number for number, _ in members]
        self._means = np.stack([scorer.metric_mean_ for _, scorer in members])[:, None]
        bases = [scorer.metric_basis_ for _, scorer in members if scorer.metric_basis_ is not None]
        self._bases: FloatArray | None = None
        if bases:  # of one, no copy
            self._bases = bases[0][None] if len(bases) == 1 else np.stack(bases)

    def rows(self, rows: Sequence[npt.NDArray[np.floating]], n: int) -> npt.NDArray[np.floating]:
        """The rows that are these scorers', (n_scorers, n, n_features); 0 before the first."""
        mine = [rows[number] for number in self._numbers]
        if all(len(some) == n for some in mine):
            return mine[0][None] if len(mine) == 1 else np.concatenate(mine).reshape(
                len(mine), n, -1)
        X = np.zeros((len(mine), n, self._means.shape[2]))
        for of_scorer, some in zip(X, mine, strict=True):
            if len(some):
                of_scorer[n - len(some):] = some
        return X

    def of(self, rows: npt.NDArray[np.floating], out: FloatArray | None = None) -> FloatArray:
        """Rows in the metric of each scorer."""
        if self._bases is None:
            return np.subtract(rows, self._means, out=out)
        return np.matmul(rows - self._means, self._bases, out=out)


def _n_directions(scorer: JudgedTogether) -> int:
    """Of the metric."""
    basis = scorer.metric_basis_
    return scorer.n_features_in_ if basis is None else basis.shape[1]


def _judged_as_all(kind: type[JudgedTogether]) -> bool:
    """Whether a class answers as its judge does, and changes nothing on the way."""
    return all(getattr(kind, name) is getattr(JudgedTogether, name)
               for name in ("_novelty", "novelty_of", "to_metric"))
