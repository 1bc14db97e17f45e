"""Detectors of other libraries on the same windows: the peers of the quality benchmark.

Each peer gets what its users would give it: mean, standard deviation and mean absolute change of
each band over windows of 0.5, 1, 2 and 6 s, standardized on the training windows; as
``NAME/library`` it gets barkcluster's own windows instead, standardized likewise. PyOD detectors
answer with their raw score and with its two ``predict_proba`` conversions, which claim to be
comparable between sessions. STUMPY has no windows of features: it compares the bands themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import erf
from sklearn.preprocessing import StandardScaler

from .corpora import FRAME_RATE, Frames
from .figures import Array
from .tasks import Columns

SCALES_S = (0.5, 1.0, 2.0, 6.0)
HOP_S = 0.1
MAX_TRAINING_ROWS = 2000


class Detector(Protocol):
    """What PyOD calls a detector."""

    decision_scores_: Array

    def fit(self, X: npt.ArrayLike) -> object:
        """Learn."""

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Outlier scores, higher is stranger."""


class Density(Protocol):
    """What scikit-learn calls an outlier or density estimator."""

    def fit(self, X: npt.ArrayLike) -> Density:
        """Learn."""

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """Higher is more usual."""


def stack(frames: Frames, scales: Sequence[float] = SCALES_S) -> tuple[Array, Array]:
    """Mean, standard deviation and mean absolute change per band and window, stacked.

    Returns
    -------
    times : ndarray of shape (n,)
        Ends of the windows in seconds, from the first row where all windows are full.
    features : ndarray of shape (n, 75 * len(scales))
        No rows when the piece is shorter than the longest window.
    """
    hop = round(HOP_S * FRAME_RATE)
    ends = np.arange(round(max(scales) * FRAME_RATE), len(frames) + 1, hop)
    x = frames.astype(np.float64)
    sums = _running(x), _running(x * x), _running(np.abs(np.diff(x, axis=0)))
    columns = []
    for scale in scales:
        n = round(scale * FRAME_RATE)
        mean, square = ((s[ends] - s[ends - n]) / n for s in sums[:2])
        change = (sums[2][ends - 1] - sums[2][ends - n]) / (n - 1)
        columns += [mean, np.sqrt(np.maximum(square - mean * mean, 0)), change]
    return ends / FRAME_RATE, np.hstack(columns)


def library_windows(frames: Frames, scales: Sequence[float]) -> tuple[Array, Array]:
    """The same from ``WindowFeatures``: texture and rhythm of every scale, stacked."""
    from barkcluster import WindowFeatures

    blocks = WindowFeatures(scales=tuple(scales), hop=HOP_S,
                            frame_rate=FRAME_RATE).transform_scales(frames)
    times = blocks[-1][0]
    X = np.hstack([block[len(block) - len(times):] for _, block in blocks])
    return times, X.astype(np.float64)


class Peer:
    """A detector of another library on stacked, standardized windows.

    Columns are the raw score, then for PyOD ``linear`` and ``unify``: the two conversions of its
    ``predict_proba``, worked out from one scoring where PyOD would score twice more.
    """

    def __init__(self, name: str, make: Callable[[], Detector], converts: bool) -> None:
        self.name = name
        self.calibrated = ("linear", "unify") if converts else ()
        self.scales: tuple[float, ...] = SCALES_S
        self.windows: Callable[[Frames, Sequence[float]], tuple[Array, Array]] = stack
        self._make = make

    def fit(self, takes: Sequence[Frames]) -> Peer:
        longest = max(map(len, takes)) / FRAME_RATE
        # A window of more than half of what there is would leave next to no rows.
        self._scales = [s for s in self.scales if s <= longest / 2] or [self.scales[0]]
        X = np.vstack([self.windows(take, self._scales)[1] for take in takes])
        X = X[:: -(-len(X) // MAX_TRAINING_ROWS)]
        self._scaler = StandardScaler().fit(X)
        self._detector = self._make()
        self._detector.fit(self._scaler.transform(X))
        return self

    def novelty(self, frames: Frames) -> tuple[Array, Columns]:
        times, X = self.windows(frames, self._scales)
        raw = self._detector.decision_function(self._scaler.transform(X)) if len(X) else times
        columns = {"": np.asarray(raw, np.float64)}
        if self.calibrated:
            train = self._detector.decision_scores_
            low, high = train.min(), train.max()
            columns["linear"] = np.clip((raw - low) / max(high - low, 1e-12), 0, 1)
            columns["unify"] = np.clip(
                erf((raw - train.mean()) / max(train.std() * np.sqrt(2), 1e-12)), 0, 1)
        return times, columns


class ScikitLearn:
    """A scikit-learn estimator with ``score_samples``, as PyOD names the methods.

    Its LocalOutlierFactor and IsolationForest are what PyOD's LOF and IForest wrap.
    """

    def __init__(self, estimator: Density) -> None:
        self._estimator = estimator

    def fit(self, X: npt.ArrayLike) -> ScikitLearn:
        self.decision_scores_ = -self._estimator.fit(X).score_samples(X)
        return self

    def decision_function(self, X: npt.ArrayLike) -> Array:
        return np.asarray(-self._estimator.score_samples(X))


class MatrixProfile:
    """STUMPY: for each stretch of each band, how near the nearest one in the session is.

    The mean over bands of the z-normalized distance to the nearest stretch of the training
    music (``stump`` as an AB-join; ``mstump`` has none), at 10 frames a second and not at 100 so
    that it ends, and for the longest take alone.
    """

    name = "STUMPY"
    calibrated = ()
    every = 10

    def __init__(self) -> None:
        import stumpy  # type: ignore[import-untyped]  # noqa: F401  - said before the run

        self.scales: tuple[float, ...] = (6.0,)

    def fit(self, takes: Sequence[Frames]) -> MatrixProfile:
        self._memory = self._thin(max(takes, key=len))
        self._m = round(min(self.scales[-1] * FRAME_RATE / self.every, len(self._memory) // 2))
        if self._m < 3:
            raise ValueError("STUMPY needs windows of 3 points.")
        return self

    def novelty(self, frames: Frames) -> tuple[Array, Columns]:
        import stumpy

        piece = self._thin(frames)
        ends = np.arange(self._m, len(piece) + 1) * self.every / FRAME_RATE
        if not len(ends):
            return ends, {"": ends}
        distance = np.zeros(len(ends))
        for band in range(piece.shape[1]):
            profile = stumpy.stump(piece[:, band], self._m, self._memory[:, band],
                                   ignore_trivial=False)
            distance += np.asarray(profile[:, 0], np.float64)
        return ends, {"": distance / piece.shape[1]}

    def _thin(self, frames: Frames) -> Array:
        n = len(frames) // self.every * self.every
        blocks = frames[:n].astype(np.float64).reshape(-1, self.every, frames.shape[1])
        return np.asarray(blocks.mean(axis=1))


def make_peer(name: str, scales: Sequence[float] | None = None) -> Peer | MatrixProfile:
    """A fresh peer by its name in ``PEERS``, with window lengths in seconds or its own.

    ``/library`` after the name gives it the library's windows.

    Raises
    ------
    ImportError
        When its library is not installed.
    """
    name, _, windows = name.partition("/")
    peer = PEERS[name]()
    if windows and isinstance(peer, Peer):
        from barkcluster.model import DEFAULT_SCALES

        peer.windows = library_windows
        peer.scales = DEFAULT_SCALES
        peer.name += ", library's windows"
    if scales is not None:
        peer.scales = tuple(scales)
    return peer


def _pyod(name: str) -> Callable[[], Peer]:
    def make() -> Peer:
        from pyod.models.gmm import GMM  # type: ignore[import-untyped]
        from pyod.models.iforest import IForest  # type: ignore[import-untyped]
        from pyod.models.kde import KDE  # type: ignore[import-untyped]
        from pyod.models.knn import KNN  # type: ignore[import-untyped]
        from pyod.models.lof import LOF  # type: ignore[import-untyped]
        from pyod.models.ocsvm import OCSVM  # type: ignore[import-untyped]

        makers: dict[str, Callable[[], Detector]] = {
            "KNN": KNN, "LOF": LOF, "KDE": KDE, "OCSVM": OCSVM,
            "GMM": lambda: GMM(n_components=8, random_state=0),
            "IForest": lambda: IForest(random_state=0),
        }
        return Peer(f"PyOD {name}", makers[name], True)
    return make


def _sklearn(name: str) -> Callable[[], Peer]:
    def make() -> Peer:
        from sklearn.mixture import GaussianMixture
        from sklearn.svm import OneClassSVM

        makers: dict[str, Callable[[], Density]] = {
            "one-class SVM": lambda: OneClassSVM(nu=0.1, gamma="scale"),
            "mixture, diagonal": lambda: GaussianMixture(8, covariance_type="diag",
                                                         reg_covar=1e-3, random_state=0),
        }
        return Peer(f"sklearn {name}", lambda: ScikitLearn(makers[name]()), False)
    return make


def _running(x: Array) -> Array:
    return np.vstack([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])


# Those that would take hours on a corpus, and how fast they are: run when named.
SLOW = {"stumpy": "scores at about 35 x real time"}
# Those that cannot take more columns than rows, as the library's windows have.
NARROW = {"pyod-gmm": "full covariances of some 2000 columns", "stumpy": "takes no windows"}

PEERS: dict[str, Callable[[], Peer | MatrixProfile]] = {
    "pyod-knn": _pyod("KNN"), "pyod-lof": _pyod("LOF"), "pyod-gmm": _pyod("GMM"),
    "pyod-iforest": _pyod("IForest"), "pyod-kde": _pyod("KDE"), "pyod-ocsvm": _pyod("OCSVM"),
    "sklearn-ocsvm": _sklearn("one-class SVM"), "sklearn-gmm": _sklearn("mixture, diagonal"),
    "stumpy": MatrixProfile,
}
