"""Who wrote a piece? The gallery, usual classifiers and small networks on the same labeled pieces.

    python -m benchmarks.naming --sessions FOLDER --networks

The recordings of each name are divided into five folds. Each system learns four fifths of every
name and names the rest; then it learns again without one name at a time (the gallery forgets it),
and the recordings of that name should be the strangest (AUC of "none of them"). The seconds of
learning are those of one fold with all names.

- ``gallery``: `SessionGallery` with its defaults.
- ``forest``, ``extra trees``, ``LDA``, ``5-NN``: scikit-learn's, on mean and spread of each
  recording's windows of 1, 3 and 10 s. A recording is strange if no name has a large share.
- ``CNN``, ``triplet``, ``siamese``: networks.py. They need ``pip install barkcluster[bench]``.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from barkcluster import WindowFeatures

from . import corpora
from .corpora import FRAME_RATE, NOBODY, Frames
from .identifiers import gallery_distances, gallery_of
from .labeling import Distances, Labels, System

N_FOLDS = 5
HEARD_S = 90.0
FEATURES = WindowFeatures((1.0, 3.0, 10.0), 0.5, views=("texture", "rhythm"))


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row for each system."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sessions", nargs="+", type=Path, required=True, metavar="PATH")
    parser.add_argument("--corpus", metavar="NAME", help="of this corpus alone")
    parser.add_argument("--seconds", type=float, default=HEARD_S, metavar="S")
    parser.add_argument("--least", type=int, default=N_FOLDS, metavar="N",
                        help="recordings that a name must have (default: 5)")
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="these alone")
    parser.add_argument("--no-strangers", action="store_true",
                        help="leave out the AUC: a fifth of the trainings and of the time")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds")
    args = parser.parse_args(argv)
    tracks = [track for track in corpora.load(args.sessions) if track.clips is None
              and not NOBODY.search(track.label) and args.corpus in (None, track.corpus)]
    labels = [track.label for track in tracks]
    tracks = [track for track in tracks if labels.count(track.label) >= args.least]
    _, truth = np.unique([track.label for track in tracks], return_inverse=True)
    heard = [track.frames[:round(args.seconds * FRAME_RATE)] for track in tracks]
    systems = dict(SYSTEMS)
    if args.networks:
        from .networks import NETWORKS

        systems |= NETWORKS
    print(f"{len(tracks)} recordings of {truth.max() + 1} names\n")
    print(f"{'':12} {'accuracy':>9} {'none, AUC':>10} {'learning, s':>12}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in args.systems or systems:
            accuracy, auc, seconds = judged(systems[name], heard, truth, args.seed,
                                            not args.no_strangers)
            print(f"{name:12} {accuracy:9.3f} {auc:10.3f} {seconds:12.2f}", flush=True)


def judged(system: System, heard: Sequence[Frames], truth: Labels, seed: int,
           strangers: bool) -> tuple[float, float, float]:
    """Accuracy, AUC of names left unknown, seconds of learning."""
    folds = list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(truth, truth))
    n_names = int(truth.max()) + 1
    said = np.empty(len(truth), np.intp)
    nearest = np.empty((n_names, len(truth)))
    seconds = []
    for learned, asked in folds:
        others = [heard[i] for i in asked]
        distances, took = system([heard[i] for i in learned], truth[learned], others)
        said[asked] = distances.argmin(axis=1)
        seconds.append(took)
        for unknown in range(n_names if strangers else 0):
            if isinstance(system, Gallery):
                nearest[unknown, asked] = system.without(unknown, others).min(axis=1)
                continue
            some = learned[truth[learned] != unknown]
            labels = truth[some] - (truth[some] > unknown)
            distances, _ = system([heard[i] for i in some], labels, others)
            nearest[unknown, asked] = distances.min(axis=1)
    auc = np.nan if not strangers else float(np.mean([
        roc_auc_score(truth == unknown, nearest[unknown]) for unknown in range(n_names)]))
    return float(np.mean(said == truth)), auc, float(np.mean(seconds))


class Gallery:
    """1 - familiarity to each name, by `SessionGallery`."""

    def __call__(self, learned: Sequence[Frames], labels: Labels, asked: Sequence[Frames],
                 ) -> tuple[Distances, float]:
        start = time.perf_counter()
        self._fitted = gallery_of([[frames for frames, label in zip(learned, labels, strict=True)
                                    if label == name] for name in range(int(labels.max()) + 1)])
        seconds = time.perf_counter() - start
        return gallery_distances(self._fitted, range(len(self._fitted.names_)), asked), seconds

    def without(self, unknown: int, asked: Sequence[Frames]) -> Distances:
        """The same once one name is forgotten: the others need not be learned again."""
        others = [name for name in range(len(self._fitted.names_)) if name != unknown]
        return gallery_distances(self._fitted, others, asked)


def classifier(make: Callable[[], object]) -> System:
    """1 - the share of each name, by a classifier of scikit-learn."""
    def system(learned: Sequence[Frames], labels: Labels, asked: Sequence[Frames],
               ) -> tuple[Distances, float]:
        start = time.perf_counter()
        fitted = make().fit([_summary(frames) for frames in learned], labels)
        seconds = time.perf_counter() - start
        return 1.0 - fitted.predict_proba([_summary(frames) for frames in asked]), seconds

    return system


def _summary(frames: Frames) -> npt.NDArray[np.float32]:
    """Mean and spread of a recording's windows."""
    key = (id(frames), len(frames))
    if key not in _SUMMARIES:
        _SUMMARIES[key] = np.concatenate([
            part for view in FEATURES.transform_views(frames)
            for part in (view.X.mean(axis=0), view.X.std(axis=0))])
    return _SUMMARIES[key]


# Views of the recordings stay alive as long as the benchmark does.
_SUMMARIES: dict[tuple[int, int], npt.NDArray[np.float32]] = {}

SYSTEMS: dict[str, System] = {
    "gallery": Gallery(),
    "forest": classifier(lambda: RandomForestClassifier(300, random_state=0)),
    "extra trees": classifier(lambda: ExtraTreesClassifier(300, random_state=0)),
    "LDA": classifier(lambda: make_pipeline(
        PCA(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))),
    "5-NN": classifier(lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(5))),
}


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"naming.py: {error}")
