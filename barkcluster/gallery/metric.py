"""A metric that is learned from the takes of names, for summaries of whole sessions.

Fixed units do not know what tells *these* names apart. Where names have several takes, the
differences between takes of one name show what does not matter. Their covariance, shrunk (Ledoit
and Wolf 2004), is whitened, and what remains is what names differ in. This is within-class
covariance normalization, as in speaker verification (Hatch, Kajarekar, Stolcke 2006), and the
classical counterpart of a triplet network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

from barkcluster._typing import Float32Array, FloatArray

# A number's own variance between takes of one name is divided by in this share; the rest is the
# mean of all numbers, since few takes tell it badly.
_OWN_SPREAD = 0.5
# Added to all log distances of a session: this share of that in the axes between the names. Names
# that are not known differ from the others in what these differ in, too.
_AXES_WEIGHT = 0.25
# Axes along which names differ by less than this share of the most are rounding.
_NO_AXIS = 1e-9
# Squared distances below this count as this: a query may be a session that was learned.
_NEAREST = 1e-3
# Summaries, in single precision, that differ by less than this are of the same session.
_SAME = 1e-5


class Metric:
    """Distances to the mean summary of each name, in units of how takes of one name differ.

    Parameters
    ----------
    takes : list of ndarray of shape (n_takes, n_numbers), float32
        Summaries of each name's takes.
    definition : int
        How sessions are compared, as in `SessionComparison`.
    learned : bool, default=True
        Whether to learn the unit; else all numbers count as they are.

    Attributes
    ----------
    n_free : int
        Takes that all names have beyond their first; 0 if nothing is learned.
    n_more : float
        The same of a name, on average.
    """

    n_free: int
    n_more: float

    def __init__(self, takes: list[Float32Array], definition: int, *,
                 learned: bool = True) -> None:
        counts = np.array([len(rows) for rows in takes])
        self.n_free = n_more = int(counts.sum()) - len(counts) if learned else 0
        self.n_more = n_more / len(counts)
        self._axes_weight = _AXES_WEIGHT if definition > 3 else 0.0
        self._axes: FloatArray | None = None
        rows = np.concatenate(takes).astype(np.float64)
        self._center = rows.mean(axis=0)
        means = np.array([some.astype(np.float64).mean(axis=0) for some in takes]) - self._center
        self._takes = takes
        # The mean of few takes is itself uncertain: that makes distances to it larger.
        self._uncertain = 0.5 * np.log1p(1.0 / counts)
        rows = rows - self._center
        apart = rows - np.repeat(means, counts, axis=0)
        self._scale: FloatArray | float = 1.0
        if not learned or np.all(np.abs(apart) < _SAME):    # one take a name, or copies of it
            self._basis = None
            self._names = means
            self._squares = np.square(means).sum(axis=1)
            return
        if definition > 2:
            square = np.square(apart).sum(axis=0) / n_more
            self._scale = 1.0 / np.sqrt((1.0 - _OWN_SPREAD) * square.mean() + _OWN_SPREAD * square)
            rows, apart, means = (some * self._scale for some in (rows, apart, means))
        # Directions in which no take differs from another tell nothing, and are left out. Of more
        # takes than numbers there are none, and to look for them takes longer than all else.
        span = None if len(rows) > rows.shape[1] else (
            PCA(min(len(rows) - 1, rows.shape[1]), svd_solver="full").fit(rows).components_.T)
        apart = (apart if span is None else apart @ span) * np.sqrt(len(rows) / n_more)
        within = LedoitWolf(assume_centered=True).fit(apart)
        basis = np.linalg.cholesky(within.precision_)
        self._basis = basis if span is None else span @ basis
        self._span = span
        # Differences in directions that no take had count as those in the others do on average.
        self._outside = len(apart[0]) / float(np.trace(within.covariance_))
        self._names = means @ self._basis
        self._squares = np.square(self._names).sum(axis=1)
        if definition > 3:
            self._axes = _axes_between(self._names)
        self._on_axes = self._names if self._axes is None else self._names @ self._axes

    def log_distances(self, summary: FloatArray) -> FloatArray:
        """Log distance of a session to each name."""
        distances, on_axes = self._apart(summary)
        return distances + self._added(on_axes)

    def nearest_beside(self, i: int, piece: Float32Array, own: Float32Array) -> float:
        """Log distance of a piece to the nearest name; to name ``i``, to what else it has."""
        distances, on_axes = self._apart(piece)
        distances[i] = self.between(piece, own, 1)
        if self._basis is not None:
            apart = (piece.astype(np.float64) - own) * self._scale @ self._basis
            on_axes[i] = np.square(apart if self._axes is None else apart @ self._axes).sum()
        return float(distances.min() + self._added(on_axes))

    def _apart(self, summary: npt.NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
        """Log distance of a session to each name, and its squared one on the axes between them."""
        x = (summary.astype(np.float64) - self._center) * self._scale
        place = x if self._basis is None else x @ self._basis
        beyond = self._beyond(x)
        # By the binomial formula: of many names, the differences would be a second large matrix.
        squares = self._squares - 2.0 * (self._names @ place) + place @ place + beyond
        distances = 0.5 * np.log(np.maximum(squares, _NEAREST)) - self._uncertain
        if self._axes is None:
            return distances, squares - beyond
        return distances, np.square(self._on_axes - place @ self._axes).sum(axis=1)

    def _added(self, on_axes: FloatArray) -> float:
        """What makes a session stranger to all names alike, so that their order stays.

        Within a standard deviation of a take from its name, distances on the axes tell nothing.
        """
        if self._basis is None or not self._axes_weight:
            return 0.0
        return 0.5 * self._axes_weight * float(np.log1p(max(0.0, on_axes.min())))

    def places(self, summaries: FloatArray) -> FloatArray:
        """Where sessions lie on two axes."""
        basis = np.eye(len(self._center)) if self._basis is None else self._basis
        names = self._names if self._basis is not None and len(self._names) > 2 else (
            (np.concatenate(self._takes) - self._center) * self._scale @ basis)
        found = np.zeros((len(summaries), 2))
        if not np.any(np.ptp(names, axis=0)):
            return found
        n_axes = min(2, *names.shape, max(1, len(names) - 1))
        axes = PCA(n_axes, svd_solver="full").fit(names)
        found[:, :n_axes] = axes.transform((summaries - self._center) * self._scale @ basis)
        return found

    def between(self, piece: Float32Array, mean: Float32Array, n_takes: int) -> float:
        """Log distance of a piece to the mean of ``n_takes`` takes."""
        x, name = ((rows.astype(np.float64) - self._center) * self._scale
                   for rows in (piece, mean))
        apart = x - name if self._basis is None else (x - name) @ self._basis
        square = float(apart @ apart) + self._beyond(x)
        return float(0.5 * np.log(max(square, _NEAREST)) - 0.5 * np.log1p(1.0 / n_takes))

    def _beyond(self, x: FloatArray) -> float:
        """Squared distance in directions that no take had."""
        if self._basis is None or self._span is None:
            return 0.0
        return self._outside * max(0.0, float(x @ x - np.square(x @ self._span).sum()))


def _axes_between(names: FloatArray) -> FloatArray | None:
    """Axes in which some names differ, in columns; None if these are all there are."""
    if len(names) > names.shape[1]:
        return None
    apart = names - names.mean(axis=0)
    spread, axes = np.linalg.eigh(apart.T @ apart)
    some = spread > _NO_AXIS * max(spread[-1], 1.0)
    return None if some.all() else axes[:, some]
