"""Which names of many are worth a closer look: small sketches say which may be nearest.

A query takes a fiftieth of the time for a sketch that it takes for a full model. Of thousands of
names, only those are compared whose sketches are near on average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from barkcluster._spread import spread_rows
from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import Session
from barkcluster.windows.features import WindowFeatures

from .comparison import SessionComparison

# A sketch is this many prototypes of this many numbers.
N_PROTOTYPES = 16
SKETCH_SIZE = 64

# Names compared with a query at once.
_NAMES_AT_ONCE = 512
# Length of the windows, and how many are taken of a take, about.
_SKETCH_SCALE_S = 3.0
_SKETCH_WINDOWS = 200
# Of more names than this, only those whose sketches are nearest on average are compared: a
# twentieth of them, and this many at least. Of 2,000 names a tenth holds 95 % of the 20 nearest.
_SKETCHES_COMPARED = 2000
# Windows of a query that sketches are compared with.
_SKETCHED_WINDOWS = 40


class CandidateSearch:
    """Finds the names that full models are to judge.

    Parameters
    ----------
    prototypes : ndarray of shape (n_names, N_PROTOTYPES, SKETCH_SIZE), float32
        The sketch of each name.
    """

    def __init__(self, prototypes: Float32Array) -> None:
        self.prototypes = prototypes
        self._means: Float32Array | None = None     # of each sketch, once there are many

    def find(self, take: Session, apart: FloatArray, comparison: SessionComparison,
             n_candidates: int) -> npt.NDArray[np.intp]:
        """Rows of the names that sketches and summaries say are nearest, nearest first.

        Parameters
        ----------
        take : Session
            The query.
        apart : ndarray of shape (n_names,)
            Its log distances to all names, by `SessionComparison.log_distances`.
        comparison : SessionComparison
            Weighs sketches and log distances.
        n_candidates : int
            How many to find. If there are no more names, all are returned in their own order.

        Returns
        -------
        rows : ndarray of shape (n,)
        """
        if len(self.prototypes) <= n_candidates:
            return np.arange(len(self.prototypes))
        rows = sketch(take)
        rows = rows[spread_rows(len(rows), _SKETCHED_WINDOWS)]
        some = self._near(rows, n_candidates)
        nearest = nearest_sketches(self.prototypes[some], rows)
        coarse = comparison.combine(np.log(np.maximum(nearest, 1e-9)), apart[some])
        return some[np.argsort(coarse, kind="stable")[:n_candidates]]

    def _near(self, rows: Float32Array, n_candidates: int) -> npt.NDArray[np.intp]:
        """Rows of the names whose sketches are nearest by their means, ascending."""
        n_names = len(self.prototypes)
        wanted = max(_SKETCHES_COMPARED, n_names // 20, n_candidates)
        if n_names <= wanted:
            return np.arange(n_names)
        if self._means is None:
            self._means = self.prototypes.mean(axis=1)
        means = self._means
        squares = np.square(means).sum(axis=1) - 2.0 * means @ rows.mean(axis=0)
        return np.sort(np.argpartition(squares, wanted)[:wanted])


def sketch(session: Session) -> Float32Array:
    """Windows of a session in the few numbers that candidates are found by.

    They are texture and rhythm of windows of 3 s, projected at random, which nearly keeps
    distances (Johnson and Lindenstrauss 1984). Nothing is learned, so that entries need not know
    each other.

    Parameters
    ----------
    session : Session
        If it is shorter than a window, it is repeated.

    Returns
    -------
    rows : ndarray of shape (n_windows, SKETCH_SIZE), float32
    """
    if session.gaps:
        takes = [take for take in session.takes if take.duration >= _SKETCH_SCALE_S]
        takes = takes or [max(session.takes, key=len)]
        return np.concatenate([sketch(take) for take in takes])
    frames = np.asarray(session.frames)
    shortest = int(np.ceil(_SKETCH_SCALE_S * session.frame_rate)) + 1
    if len(frames) < shortest:
        frames = np.tile(frames, (-(-shortest // len(frames)), 1))
    hop = max(0.1, len(frames) / session.frame_rate / _SKETCH_WINDOWS)
    features = WindowFeatures((_SKETCH_SCALE_S,), hop, session.frame_rate,
                              views=("texture", "rhythm"), n_bands=session.n_bands,
                              definition=1)   # as in all sketches in files
    rows = np.hstack([view.X for view in features.transform_views(frames)])
    # The legacy generator's numbers never change: sketches in files stay comparable.
    projection = np.random.RandomState(0).normal(size=(rows.shape[1], SKETCH_SIZE))
    return np.asarray(rows @ (projection / np.sqrt(SKETCH_SIZE)), dtype=np.float32)


def nearest_sketches(prototypes: Float32Array, rows: Float32Array) -> FloatArray:
    """Mean distance of a query's windows to the nearest prototype of each name.

    Parameters
    ----------
    prototypes : ndarray of shape (n_names, N_PROTOTYPES, SKETCH_SIZE)
    rows : ndarray of shape (n_windows, SKETCH_SIZE)
        By `sketch`.

    Returns
    -------
    distances : ndarray of shape (n_names,)
    """
    distances = np.empty(len(prototypes))
    for start in range(0, len(prototypes), _NAMES_AT_ONCE):
        some = prototypes[start:start + _NAMES_AT_ONCE]
        flat = some.reshape(-1, SKETCH_SIZE)
        squares = ((rows ** 2).sum(axis=1)[:, None] + (flat ** 2).sum(axis=1)
                   - 2.0 * rows @ flat.T)
        nearest = squares.reshape(len(rows), len(some), N_PROTOTYPES).min(axis=2)
        distances[start:start + len(some)] = np.sqrt(np.maximum(nearest, 0.0)).mean(axis=0)
    return distances


def sketch_prototypes(takes: Sequence[Session]) -> Float32Array:
    """Prototypes of the sketches of takes. If there are fewer windows, they are repeated."""
    rows = np.concatenate([sketch(take) for take in takes]).astype(np.float64)
    distinct = np.unique(rows, axis=0)
    if len(distinct) <= N_PROTOTYPES:
        return np.resize(distinct, (N_PROTOTYPES, SKETCH_SIZE)).astype(np.float32)
    means = KMeans(N_PROTOTYPES, n_init=1, random_state=0).fit(rows).cluster_centers_
    return np.asarray(means, dtype=np.float32)
