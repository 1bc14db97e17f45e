"""Search for the nearest of remembered rows, for several scorers at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import groupby
from typing import ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

from .together import Judge, JudgedTogether

Numbers: TypeAlias = npt.NDArray[np.intp]

_MOST_PASSES = 12
# What squared distances of the fast search may be off by, as a share of squared lengths; in double
# precision it is a millionth of that.
_ROUNDING = 2e-6
_ROUNDING_OF_DOUBLES = 1e-6 * _ROUNDING
# Squared distance, in the fast search, of rows that fill memories up to the size of the largest.
_NOWHERE = np.float32(3e38)


class Memories:
    """Memories of rows of one width, those of several scorers.

    A row of 1 stands beside a query and one of squared norms beside a memory: one product is the
    squared distance but for the query's own norm, which ranks nothing.

    Parameters
    ----------
    memories : sequence of ndarray of shape (n_remembered, n_features)
        What each scorer remembers; not all need be as many.
    first : int
        Which of all scorers the first of these is.
    """

    def __init__(self, memories: Sequence[FloatArray], first: int) -> None:
        d = memories[0].shape[1]
        self.size = max(map(len, memories))
        # Which of the scorers these are.
        self.here = slice(first, first + len(memories))
        if len(memories) == 1:
            self._rows = np.ascontiguousarray(memories[0])
            self.memories = [self._rows]
        else:
            kept = np.zeros((len(memories), self.size, d))
            self._rows = kept.reshape(-1, d)
            self.memories = [mine[:len(memory)]
                             for mine, memory in zip(kept, memories, strict=True)]
            for mine, memory in zip(self.memories, memories, strict=True):
                mine[:] = memory
        self.norms = [np.vecdot(memory, memory) for memory in self.memories]
        self._fast = np.zeros((len(memories), d + 1, self.size), np.float32)
        self._fast[:, d] = _NOWHERE
        with _overflow_ignored():
            for fast, memory, norms in zip(self._fast, self.memories, self.norms, strict=True):
                np.multiply(memory.T, -2.0, out=fast[:d, :len(memory)], casting="same_kind")
                fast[d, :len(memory)] = norms
        # Where each memory begins among all rows.
        self._first = self.size * np.arange(len(memories), dtype=np.intp)[:, None]

    def alone(self, s: int) -> Self:
        """One of the memories, which is not kept twice for it."""
        one = copy(self)
        one.here = slice(0, 1)
        one._rows, one._fast, one._first = self.memories[s], self._fast[s:s + 1], self._first[:1]
        one.memories, one.norms = [self.memories[s]], [self.norms[s]]
        return one

    def rank(self, X: FloatArray, ranking: npt.NDArray[np.float32]) -> None:
        """Put squared distances, less the norms of the rows, into (n_scorers, n, size or more)."""
        query = np.empty((*X.shape[:2], X.shape[2] + 1), np.float32)
        query[..., :-1] = X
        query[..., -1] = 1.0
        np.matmul(query, self._fast, out=ranking[..., :self.size])
        ranking[..., self.size:] = _NOWHERE

    def squared_distances(self, X: FloatArray, found: Numbers) -> FloatArray:
        """Measured from rows (n_scorers, n, n_features) to those of each memory."""
        apart = self._rows.take(found + self._first, axis=0, mode="clip")
        apart -= X
        return np.vecdot(apart, apart)


class NearestRows(Judge):
    """Mean distance to the nearest of remembered rows.

    One product in single precision ranks a memory by distance; what it finds is measured in
    double precision, as differences, since a sum of squares less their product loses small
    distances. Where rounding would choose among rows, as in a loop, all that may be the nearest
    are measured: a single row and one of a batch, which round otherwise, are told the same.

    Parameters
    ----------
    memories : sequence of ndarray of shape (n_remembered, n_features)
        What each scorer remembers; not all need be as many. Those of as many features follow one
        another.
    n_neighbors : int
        Neighbors that are averaged, no more than the smallest memory has.

    Attributes
    ----------
    memories : list of ndarray of shape (n_remembered, n_features)
        As given, but kept together.

    Examples
    --------
    >>> nearest = NearestRows([np.array([[0.0], [5.0]]), np.array([[7.0]])], n_neighbors=1)
    >>> nearest.novelty([np.array([[[1.0], [9.0]], [[7.0], [9.0]]])])
    array([[1., 4.],
           [0., 2.]])
    """

    def __init__(self, memories: Sequence[FloatArray], n_neighbors: int) -> None:
        self.n_neighbors = n_neighbors
        self._blocks: list[Memories] = []
        first = 0
        for _, block in groupby(memories, lambda memory: memory.shape[1]):
            self._blocks.append(Memories(list(block), first))
            first = self._blocks[-1].here.stop
        # One more than are averaged, so that there is one to compare them with.
        self._size = max(n_neighbors + 1, *(block.size for block in self._blocks))
        self._restore()

    def _restore(self) -> None:
        """Work out what follows from the blocks."""
        self.memories = [memory for block in self._blocks for memory in block.memories]
        self._norms = [norms for block in self._blocks for norms in block.norms]
        self._longest = np.array([[norms.max()] for norms in self._norms])
        self._slack = _ROUNDING * self._longest

    def alone(self, s: int) -> Self:
        """One of the memories, which is not kept twice for it."""
        one = copy(self)
        one._blocks = [block.alone(s - block.here.start) for block in self._blocks
                       if block.here.start <= s < block.here.stop]
        one._size = max(self.n_neighbors + 1, one._blocks[0].size)
        one._restore()
        return one

    def novelty(self, X: Sequence[FloatArray]) -> FloatArray:
        """Mean distance of a few rows to the nearest of what each scorer remembers."""
        distances = np.sqrt(self._nearest(X)[0])
        if self.n_neighbors == 1:
            return distances[0]
        return np.add.reduce(distances, axis=0) / self.n_neighbors

    def nearest(self, X: FloatArray) -> tuple[FloatArray, Numbers]:
        """The nearest rows of the first memory.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)

        Returns
        -------
        distances, rows : ndarray of shape (n, n_neighbors)
            Nearest first.
        """
        distances = np.empty((len(X), self.n_neighbors))
        rows = np.empty((len(X), self.n_neighbors), np.intp)
        for here in self.pieces(len(X)):
            squared, found = (of_all[:, 0].T for of_all in self._nearest([X[None, here]]))
            order = np.argsort(squared, axis=1, kind="stable")
            distances[here] = np.sqrt(np.take_along_axis(squared, order, axis=1))
            rows[here] = np.take_along_axis(found, order, axis=1)
        return distances, rows

    def _nearest(self, X: Sequence[FloatArray]) -> tuple[FloatArray, Numbers]:
        """Squared distances (n_neighbors, n_scorers, n) to the nearest rows, and which those."""
        n_scorers, n = len(self.memories), X[0].shape[1]
        ranking = np.empty((n_scorers, n, self._size), np.float32)
        with _overflow_ignored():
            for block, rows in zip(self._blocks, X, strict=True):
                block.rank(rows, ranking[block.here])
            found, beyond = _smallest(ranking, self.n_neighbors)
        squared = np.empty(found.shape)
        gap = np.empty(beyond.shape)
        for block, rows in zip(self._blocks, X, strict=True):
            squared[:, block.here] = block.squared_distances(rows, found[:, block.here])
            np.vecdot(rows, rows, out=gap[block.here])
        farthest = squared[0] if self.n_neighbors == 1 else np.maximum.reduce(squared, axis=0)
        # How much farther the next one is, less what the fast search may be off by.
        gap *= 1.0 - _ROUNDING
        gap += beyond
        gap -= farthest
        sure = gap > self._slack
        # What overflows in single precision is not known to be far.
        if not sure.all() or np.maximum.reduce(gap, axis=None, initial=0.0) == np.inf:
            sure &= gap < np.inf
            for block, rows in zip(self._blocks, X, strict=True):
                for s, mine in enumerate(rows, block.here.start):
                    unsure = np.flatnonzero(~sure[s])
                    if len(unsure):
                        squared[:, s, unsure], found[:, s, unsure] = self._nearest_of_all(
                            s, mine[unsure])
        return squared, found

    def _nearest_of_all(self, s: int, X: FloatArray) -> tuple[FloatArray, Numbers]:
        """The same (n_neighbors, n) for one of the memories, in double precision."""
        k, memory, norms = self.n_neighbors, self.memories[s], self._norms[s]
        ranking = norms - 2.0 * (X @ memory.T)
        found = np.argpartition(ranking, k - 1, axis=1)[:, :k]
        within = np.take_along_axis(ranking, found, axis=1).max(axis=1)
        within += _ROUNDING_OF_DOUBLES * (np.vecdot(X, X) + self._longest[s])
        apart = memory[found] - X[:, None]
        squared = np.vecdot(apart, apart)
        close = ranking <= within[:, None]
        for i in np.flatnonzero(np.count_nonzero(close, axis=1) > k):
            rows = np.flatnonzero(close[i])
            apart = memory[rows] - X[i]
            of_rows = np.vecdot(apart, apart)
            order = np.argsort(of_rows, kind="stable")[:k]
            squared[i], found[i] = of_rows[order], rows[order]
        return squared.T, found.T


def _overflow_ignored() -> np.errstate:
    """What is too large for single precision is told from what is not known to be far."""
    return np.errstate(over="ignore", invalid="ignore")


def _smallest(values: npt.NDArray[np.float32], k: int
              ) -> tuple[Numbers, npt.NDArray[np.float32]]:
    """Where the ``k`` smallest of the last axis are, in any order, and the next; spoils values.

    A few passes for the smallest cost a third of a partition of rows as short as a memory is.
    """
    shape = values.shape[:-1]
    rows = values.reshape(-1, values.shape[-1])
    numbers = np.arange(len(rows))
    if k > _MOST_PASSES:
        partition = np.argpartition(rows, k, axis=1)
        return (np.ascontiguousarray(partition[:, :k].T).reshape(k, *shape),
                rows[numbers, partition[:, k]].reshape(shape))
    found = np.empty((k, len(rows)), np.intp)
    for nearest in found:
        rows.argmin(axis=1, out=nearest)
        rows[numbers, nearest] = np.inf
    return found.reshape(k, *shape), np.minimum.reduce(rows, axis=1).reshape(shape)


class NearestScorer(JudgedTogether):
    """A scorer whose novelty is the distance to the nearest of what it keeps."""

    # What it keeps: rows of the metric, along the last axis.
    _kept_as: ClassVar[str]

    @classmethod
    def _judge_of(cls, scorers: Sequence[Self]) -> Judge:
        kept = [getattr(scorer, cls._kept_as) for scorer in scorers]
        judge = NearestRows([rows.reshape(-1, rows.shape[-1]) for rows in kept],
                            scorers[0]._n_averaged())
        if len(scorers) > 1:
            for s, scorer in enumerate(scorers):
                scorer._keep_in(judge, s)
        return judge

    def _keep_in(self, judge: NearestRows, s: int) -> None:
        """What lies together with that of others need not lie apart as well."""
        shape = getattr(self, self._kept_as).shape
        setattr(self, self._kept_as, judge.memories[s].reshape(shape))
        self._judge = judge.alone(s)

    def _alike(self) -> int:
        return self._n_averaged()

    def _n_averaged(self) -> int:
        """How many of the nearest are averaged."""
        return 1
