"""Systems that name a piece: the gallery, and usual classifiers on the same windows.

Each is given the pieces of all classes at once, and says how far another piece is from each class.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from barkcluster import FamiliarityModel, Session, SessionGallery, WindowFeatures
from barkcluster.gallery import DEFAULT_HOP, DEFAULT_SCALES, SessionComparison
from barkcluster.gallery.comparison import Record
from barkcluster.gallery.entry import strangeness, windows_of
from barkcluster.gallery.summary import summarize

from .corpora import FRAME_RATE, Frames
from .tasks import Columns

Distances = npt.NDArray[np.float64]
Learned = Sequence[Sequence[Frames]]
# Of some of the classes, by their numbers.
Ask = Callable[[Sequence[int]], Distances]
Identifier = Callable[[Learned, Sequence[Frames], Sequence[float] | None], Ask]


def gallery(learned: Learned, asked: Sequence[Frames],
            scales: Sequence[float] | None) -> Ask:
    """1 - familiarity of each piece to each class, by `SessionGallery`: learned once for all."""
    fitted = gallery_of(learned, None if scales is None else FamiliarityModel(
        scales=tuple(scales), hop=0.1, random_state=0))
    return lambda classes: gallery_distances(fitted, classes, asked)


def gallery_of(learned: Learned, model: FamiliarityModel | None = None) -> SessionGallery:
    """A gallery whose names are the numbers of the classes."""
    return SessionGallery(model, n_candidates=len(learned)).fit(
        {str(c): [Session(piece) for piece in pieces] for c, pieces in enumerate(learned)})


def gallery_distances(fitted: SessionGallery, classes: Sequence[int],
                      asked: Sequence[Frames]) -> Distances:
    """1 - familiarity of each piece to each of some classes; the others are forgotten."""
    names = [str(c) for c in classes]
    others = [name for name in fitted.names_ if name not in names]
    some = copy.copy(fitted).remove(*others) if others else fitted
    distances = np.empty((len(asked), len(names)))
    for row, piece in zip(distances, asked, strict=True):
        for name, familiarity in some.rank(piece):
            row[names.index(name)] = 1.0 - familiarity
    return distances


def anew(identify: Callable[[Learned, Sequence[Frames], Sequence[float] | None], Distances],
         ) -> Identifier:
    """A system that learns each choice of classes by itself."""
    return lambda learned, asked, scales: (
        lambda classes: identify([learned[c] for c in classes], asked, scales))


def centroid(learned: Learned, asked: Sequence[Frames],
             scales: Sequence[float] | None) -> Distances:
    """Mean distance of a piece's windows to the mean window of each class."""
    known, rows = _windows(learned, asked, scales)
    means = np.array([X.mean(axis=0) for X in known])
    return np.array([[np.linalg.norm(X - m, axis=1).mean() for m in means] for X in rows])


def nearest(learned: Learned, asked: Sequence[Frames],
            scales: Sequence[float] | None) -> Distances:
    """scikit-learn's k nearest neighbors, k = 15: shares of the classes over a piece's windows."""
    return _shares(KNeighborsClassifier(15), learned, asked, scales)


def forest(learned: Learned, asked: Sequence[Frames],
           scales: Sequence[float] | None) -> Distances:
    """A random forest of 200 trees: shares of the classes over a piece's windows."""
    return _shares(RandomForestClassifier(200, max_samples=0.5, random_state=0),
                   learned, asked, scales)


class Measure:
    """A gallery's comparison with one session alone, as a system of the benchmark.

    It gives one row for a piece, at its end.
    """

    name = "gallery"

    def fit(self, takes: Sequence[Frames]) -> Measure:
        self._model = FamiliarityModel(scales=DEFAULT_SCALES, hop=DEFAULT_HOP, random_state=0)
        self._model.fit(list(takes))
        summaries = np.array([summarize(Session(take)) for take in takes])
        nothing = Record.without_summaries(np.empty(0))
        self._whole = SessionComparison.uncalibrated({"": replace(nothing, takes=summaries)})
        return self

    def novelty(self, frames: Frames) -> tuple[Distances, Columns]:
        session = Session(frames)
        said = strangeness(self._model, windows_of(self._model.features_, session))
        return (np.array([len(frames) / FRAME_RATE]),
                {"": self._whole.judge([said], summarize(session))})


IDENTIFIERS: dict[str, Identifier] = {
    "gallery": gallery, "centroid": anew(centroid), "sklearn-knn": anew(nearest),
    "forest": anew(forest)}


def _shares(classifier: KNeighborsClassifier | RandomForestClassifier, learned: Learned,
            asked: Sequence[Frames], scales: Sequence[float] | None) -> Distances:
    known, rows = _windows(learned, asked, scales)
    classifier.fit(np.concatenate(known), np.repeat(np.arange(len(known)), [*map(len, known)]))
    return np.array([1.0 - classifier.predict_proba(X).mean(axis=0) for X in rows])


def _windows(learned: Learned, asked: Sequence[Frames], scales: Sequence[float] | None,
             ) -> tuple[list[npt.NDArray[np.float64]], list[npt.NDArray[np.float64]]]:
    """Standardized windows of each class and of each piece asked about."""
    # Longer windows would leave a piece without any.
    shortest = min(map(len, asked)) / FRAME_RATE
    hop = DEFAULT_HOP if scales is None else 0.1
    features = WindowFeatures(
        tuple(s for s in scales or DEFAULT_SCALES if s + hop <= shortest), hop)
    longest = features.scale_frames[-1] + features.hop_frames
    known = [np.concatenate([features.transform(p) for p in pieces if len(p) >= longest])
             for pieces in learned]
    scaler = StandardScaler().fit(np.concatenate(known))
    return ([scaler.transform(X) for X in known],
            [scaler.transform(features.transform(piece)) for piece in asked])
