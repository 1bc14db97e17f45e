"""Other problems for the same models: which composer, speaker, digit or artist is it?

    python -m benchmarks.neighbors --sessions FOLDER

Nothing is tuned for them; they show how far familiarity goes when it is asked something else. A
*stranger* here is a class that was not learned ("none of them"). Systems are compared by the mean
novelty of a piece, and lower is nearer.

- composer: one model for each composer, from half of the pieces; the other half is identified.
  "None": each composer in turn is left out, and its pieces should be the strangest. Pieces without
  a label are ranked; whether rightly, is not known.
- speaker, digit: one model for each speaker or digit, from the first half of the takes; the second
  half is identified, several clips at a time. Background noise alone tells speakers apart, so each
  is asked again with level and noise taken away.
  ``gallery``, ``centroid``, ``sklearn-knn`` and ``forest`` (identifiers.py) answer these as well;
  they are given all classes at once, and learn again without the class that is left out, which
  the gallery forgets.
- artist retrieval: from one track, others by the same artist, over everything and within the
  corpus, against the precision of a random order.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import corpora
from .corpora import FRAME_RATE, NOBODY, Frames, Track
from .figures import auc, average_precision, print_table
from .identifiers import IDENTIFIERS, Ask, Distances, Measure
from .systems import Library
from .tasks import WARM_UP_S, System

MakeSystem = Callable[[str, Sequence[float] | None], System]
Row = dict[str, object]

COMPOSERS = "midi_composers"
PIECE_S = 30.0                     # of each piece learned or identified, after the warm-up
RETRIEVAL_S = 10.0
N_QUERIES = 40
DB_UNDER_LOUDEST = 40.0
CLIPS_A_STREAM = {"speaker": 25, "digit": 5}
SPEECH_SCALES_S = {"speaker": (0.5, 1.0, 2.0), "digit": (0.2, 0.4, 1.0)}


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table for each problem that the sessions have labels for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sessions", nargs="+", type=Path, required=True, metavar="PATH")
    parser.add_argument("--systems", nargs="+", metavar="NAME", default=list(IDENTIFIERS),
                        help=f"scorers, and of {', '.join(IDENTIFIERS)} (default: these)")
    parser.add_argument("--limit", type=int, metavar="N", help="queries of artist retrieval")
    args = parser.parse_args(argv)
    rows = run(corpora.load(args.sessions), args.systems, Library, args.limit)
    if not rows:
        raise ValueError("--sessions must have labels of composers, speakers or artists.")
    show(rows)


def run(tracks: Sequence[Track], names: Sequence[str], make: MakeSystem,
        limit: int | None) -> list[Row]:
    """Every problem that the tracks have the labels for, for each system.

    Returns
    -------
    rows : list of dict
        ``system``, ``problem``, ``figure`` and its ``value``.
    """
    rows: list[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            if name.startswith("neural:"):
                continue                # their windows are longer than what these ask
            for problem, ask in (("composer", composer), ("speaker", speech),
                                 ("digit", speech), ("artist", retrieval)):
                if ask is retrieval and name in IDENTIFIERS and name != Measure.name:
                    continue            # from one track alone there is nothing to classify
                try:
                    found = ask(tracks, name, make, limit, problem)
                except ValueError as error:
                    print(f"{name}, {problem}: {error}")
                    continue
                shown = name if name in IDENTIFIERS else make(name, None).name
                rows += [{"system": shown, "problem": problem, "figure": figure, "value": value}
                         for figure, value in found.items()]
    return rows


def show(rows: Sequence[Row]) -> None:
    """A table a problem."""
    for problem in dict.fromkeys(str(r["problem"]) for r in rows):
        mine = [r for r in rows if r["problem"] == problem]
        figures = list(dict.fromkeys(str(r["figure"]) for r in mine))
        cells = {(r["system"], r["figure"]): r["value"] for r in mine}
        table = []
        for system in dict.fromkeys(str(r["system"]) for r in mine):
            values = [cells.get((system, f), "-") for f in figures]
            table.append([system, *(f"{v:.3f}" if isinstance(v, float) else str(v)
                                    for v in values)])
        print_table(problem, ["", *figures], table)


def composer(tracks: Sequence[Track], name: str, make: MakeSystem, limit: int | None,
             problem: str) -> dict[str, float | str]:
    """Accuracy of naming the composer, AUC of "none of them", the strangest unlabeled pieces."""
    pieces = [t for t in tracks if t.corpus == COMPOSERS]
    named: dict[str, list[Track]] = {}
    for piece in pieces:
        if not NOBODY.search(piece.label):
            named.setdefault(piece.label, []).append(piece)
    named = {c: sorted(p, key=lambda t: corpora.seed_of(t.key)) for c, p in named.items()
             if len(p) >= 2}
    if len(named) < 2:
        return {}
    composers = list(named)
    n = round(PIECE_S * FRAME_RATE)
    warm = round(WARM_UP_S * FRAME_RATE)
    unknown = [p for p in pieces if NOBODY.search(p.label)]
    truth: list[int] = []
    asks: list[Ask] = []
    for fold in (0, 1):
        asked = [(i, p) for i, c in enumerate(composers) for p in named[c][1 - fold::2]]
        truth += [i for i, _ in asked]
        pieces_asked = [*(p for _, p in asked), *unknown]
        asks.append(_asking(name, make, [[p.frames[:n] for p in named[c][fold::2]]
                                         for c in composers],
                            [p.frames[:n + warm] for p in pieces_asked], None, WARM_UP_S))
    n_known = [sum(len(named[c][1 - fold::2]) for c in composers) for fold in (0, 1)]

    def ask(classes: Sequence[int]) -> Distances:
        return np.concatenate([answer(classes)[:k]
                               for answer, k in zip(asks, n_known, strict=True)])

    everyone = range(len(composers))
    strange = sum(answer(everyone)[k:] for answer, k in zip(asks, n_known, strict=True))
    order = np.argsort(-np.asarray(strange).min(axis=1)) if unknown else []
    return {**_identified(np.array(truth), ask, len(composers)),
            "strangest unlabeled": " ".join(unknown[i].name[:8] for i in order[:4])}


def speech(tracks: Sequence[Track], name: str, make: MakeSystem, limit: int | None,
           problem: str) -> dict[str, float | str]:
    """Accuracy of naming the speaker or the digit, AUC of "none of them"."""
    found: dict[str, float | str] = {}
    speakers = [t for t in tracks if t.clips is not None and {"digit", "take"} <= set(t.tags)]
    for how, clean in (("", False), (" without noise and level", True)):
        learned: dict[int, list[Frames]] = {}
        asked: list[tuple[int, Frames]] = []
        for i, track in enumerate(speakers):
            assert track.clips is not None
            clips = [track.frames[a:b] for a, b in zip(track.clips, track.clips[1:], strict=False)]
            if clean:
                clips = [np.maximum(c - c.max(), -DB_UNDER_LOUDEST) for c in clips]
            classes = track.tags["digit"] if problem == "digit" else np.full(len(clips), i)
            early = track.tags["take"] < np.median(track.tags["take"])
            for which in np.unique(classes):
                mine = np.flatnonzero(classes == which)
                learned.setdefault(int(which), []).extend(clips[j] for j in mine if early[j])
                late = [clips[j] for j in mine if not early[j]]
                n = CLIPS_A_STREAM[problem]
                asked += [(int(which), np.concatenate(late[j:j + n]))
                          for j in range(0, len(late) - n + 1, n)]
        if len(learned) < 2:
            return {}
        ask = _asking(name, make, [[np.concatenate(clips)] for clips in learned.values()],
                      [stream for _, stream in asked], SPEECH_SCALES_S[problem], 0.0)
        truth = np.array([list(learned).index(which) for which, _ in asked])
        found |= {f + how: v for f, v in _identified(truth, ask, len(learned)).items()}
    return found


def retrieval(tracks: Sequence[Track], name: str, make: MakeSystem, limit: int | None,
              problem: str) -> dict[str, float | str]:
    """Mean average precision of tracks by the same artist."""
    start, stop = (round(s * FRAME_RATE) for s in (30 - WARM_UP_S, 30 + RETRIEVAL_S))
    able = [t for t in tracks if t.clips is None and len(t.frames) >= stop
            and not NOBODY.search(t.label)]
    queries = [q for q in able if any(t.artist == q.artist and t.song != q.song for t in able)]
    rng = np.random.default_rng(0)
    figures: dict[str, list[float]] = {}
    for query in corpora.spread(queries, min(limit or N_QUERIES, N_QUERIES)):
        system = _fitted(Measure() if name == Measure.name else make(name, None),
                         [query.frames[:round(60 * FRAME_RATE)]])
        others = [t for t in able if t.song != query.song]
        novelty = np.array([_mean_novelty(system, t.frames[start:stop]) for t in others])
        same = np.array([t.artist == query.artist for t in others])
        near = np.array([t.corpus == query.corpus for t in others])
        for where, among in (("mAP", np.ones_like(near)), ("mAP in corpus", near)):
            relevant = same[among]
            # One who has the whole corpus to himself is found by whatever order.
            if relevant.any() and not relevant.all():
                order = np.argsort(novelty[among], kind="stable")
                figures.setdefault(where, []).append(average_precision(relevant[order]))
                chance = [average_precision(rng.permutation(relevant)) for _ in range(50)]
                figures.setdefault(f"{where}, random", []).append(float(np.mean(chance)))
    found: dict[str, float | str] = {f: float(np.mean(v)) for f, v in figures.items()}
    return {**found, "queries": str(len(figures.get("mAP", [])))} if found else {}


def _asking(name: str, make: MakeSystem, learned: Sequence[Sequence[Frames]],
            asked: Sequence[Frames], scales: Sequence[float] | None, warm_up_s: float) -> Ask:
    """How far each piece is from each class, when these classes are known."""
    if name in IDENTIFIERS:
        return IDENTIFIERS[name](learned, asked, scales)
    # Models know nothing of each other.
    systems = [_fitted(make(name, scales), takes) for takes in learned]
    distances = np.array([[_mean_novelty(s, piece, warm_up_s) for s in systems]
                          for piece in asked])
    return lambda classes: distances[:, list(classes)]


def _identified(truth: npt.NDArray[np.intp], ask: Ask, n_classes: int) -> dict[str, float]:
    """Accuracy of the nearest class; AUC of the pieces of a class left out, averaged over it."""
    none = []
    for left_out in range(n_classes):
        distance = ask([c for c in range(n_classes) if c != left_out]).min(axis=1)
        none.append(auc(distance[truth != left_out], distance[truth == left_out]))
    return {"accuracy": float(np.mean(ask(range(n_classes)).argmin(axis=1) == truth)),
            "chance": float(np.bincount(truth).max() / len(truth)),
            "none of them, AUC": float(np.mean(none))}


def _fitted(system: System, takes: Sequence[Frames]) -> System:
    system.fit(takes)
    return system


def _mean_novelty(system: System, frames: Frames, warm_up_s: float = WARM_UP_S) -> float:
    times, columns = system.novelty(frames)
    return float(np.nanmean(columns[""][times >= warm_up_s - 1e-6]))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"neighbors.py: {error}")
