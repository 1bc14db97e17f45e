"""How often is the tempo right?

    python -m benchmarks.tempo
    python -m benchmarks.tempo --files tempi.csv        # lines: path,bpm (sound or session files)
    python -m benchmarks.tempo --sessions DIR           # only how often live answers jump on these

Accuracy1: within 4 % of the truth. Accuracy2: of the truth, its double, triple, half or third.
Synthetic jams of 60 to 200 beats a minute, with and without drums, swinging, with surprises;
seeded scores in 20 styles by other rules (scores.py), rendered to sound; and files of known tempo.
librosa, where installed, hears the same sound. Then: how often half speed gives half the tempo,
exactly with half the range, and with the range left as it is; whether confidence means anything;
how often live answers jump, on the same songs or any sessions; how soon another tempo is followed;
and the time it takes. The weights were learned on other seeds of
the same jams and styles; benchmarks/tempo_weights.py leaves styles out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster import bark_frames, read_audio, read_session, synthetic
from barkcluster.tempo import Tempo, TempoTracker, estimate_tempo

from . import corpora, scores

Array = npt.NDArray[np.float64]
SAMPLE_RATE = 44_100
OCTAVES = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=5, help="songs a style")
    parser.add_argument("--jams", type=int, default=30, help="jams of each kind")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--files", type=Path, help="CSV file of lines path,bpm")
    parser.add_argument("--sessions", nargs="+", type=Path, metavar="DIR|FILE",
                        help="music of any tempo: count jumps of live answers, nothing else")
    args = parser.parse_args()
    if args.sessions:
        tracks = corpora.spread(corpora.load(args.sessions), 70)
        jumps([track.frames for track in tracks if track.clips is None])
        return
    librosa_tempo = _librosa()
    print(f"{'':16}{'n':>4}  {'Acc1':>5} {'Acc2':>5}   {'librosa':>7} {'Acc2':>5}")
    everything: list[tuple[float, Tempo, npt.ArrayLike]] = []
    groups = {"jams": jams(args.jams, args.seconds), "styles": styles(args.songs, args.seconds)}
    if args.files:
        groups["files"] = files(args.files)
    for group, pieces in groups.items():
        rows: dict[str, list[tuple[float, float, float]]] = {}
        for name, true, frames, sound in pieces:
            answer = estimate_tempo(frames)
            everything.append((true, answer, frames))
            theirs = librosa_tempo(sound) if librosa_tempo and sound is not None else np.nan
            rows.setdefault(name, []).append((true, answer.bpm, theirs))
        for name, found in rows.items():
            show(name, found)
        show(f"all {group}", [row for found in rows.values() for row in found])
    half_speed(everything)
    confidence(everything)
    jumps([np.asarray(frames) for _, _, frames in everything[::5]])  # each takes some seconds
    changes([(true, np.asarray(frames)) for true, answer, frames in everything
             if abs(answer.bpm / true - 1) <= 0.04])
    live()


def jams(n: int, seconds: float) -> Iterator[tuple[str, float, npt.ArrayLike, Array]]:
    """Kind, tempo, frames and sound of synthetic jams."""
    kinds: dict[str, dict[str, float | bool]] = {
        "straight": {"swing": 0.5}, "no drums": {"drums": False}, "swing": {"swing": 0.66},
        "surprises": {"surprises": True}}
    rng = np.random.default_rng(0)
    for name, how in kinds.items():
        for i in range(n):
            true = float(rng.uniform(60.0, 200.0))
            sound, _, known = synthetic.make_sound(
                seconds / 60, random_state=i, tempo=true, surprises=bool(how.get("surprises")),
                drums=bool(how.get("drums", True)), swing=how.get("swing"))
            # The band drifts: what it really played.
            played = 60.0 / float(np.diff(known.beats).mean())
            yield name, played, bark_frames(sound, SAMPLE_RATE), sound.astype(np.float64)


def styles(n: int, seconds: float) -> Iterator[tuple[str, float, npt.ArrayLike, Array]]:
    """Style, tempo, frames and sound of seeded scores."""
    for k, style in enumerate(scores.STYLES):
        for i in range(n):
            rng = np.random.default_rng(1000 * k + i)
            notes, true = scores.compose(style, rng, seconds)
            sound = scores.render(notes, rng, seconds)
            yield style, true, bark_frames(sound, SAMPLE_RATE), sound.astype(np.float64)


def files(table: Path) -> Iterator[tuple[str, float, npt.ArrayLike, Array | None]]:
    """Folder, tempo, frames and sound of files; paths are relative to the table's folder."""
    with table.open(newline="", encoding="utf-8") as lines:
        for name, bpm in csv.reader(lines):
            path = table.parent / name
            try:
                read = read_session if path.suffix in (".txt", ".csv") else read_audio
                session = read(path)
            except (OSError, ValueError) as error:
                print(f"{path}: {error}", file=sys.stderr)
                continue
            yield path.parent.name, float(bpm), session.frames, None


def show(name: str, rows: list[tuple[float, float, float]]) -> None:
    """One line of the table."""
    true, ours, theirs = np.array(rows).T
    line = f"{name:16}{len(rows):4}  {accuracy(ours, true)}"
    if np.isfinite(theirs).all():
        line += f"   {'':2}{accuracy(theirs, true)}"
    print(line, flush=True)


def accuracy(found: Array, true: Array) -> str:
    """Accuracy1 and Accuracy2 in per cent."""
    off = np.abs(found[:, None] / true[:, None] / np.array(OCTAVES) - 1)
    return f"{100 * np.mean(off[:, 0] <= 0.04):5.1f} {100 * np.mean(off.min(axis=1) <= 0.04):5.1f}"


def half_speed(everything: list[tuple[float, Tempo, npt.ArrayLike]]) -> None:
    """Each frame twice: half the tempo?"""
    exact, same_range, possible = 0, 0, 0
    for _, answer, frames in everything:
        slow = np.repeat(np.asarray(frames), 2, axis=0)
        exact += estimate_tempo(slow, bpm_range=(20, 120)).bpm == answer.bpm / 2
        if answer.bpm >= 84:
            possible += 1
            same_range += abs(estimate_tempo(slow).bpm / answer.bpm * 2 - 1) < 0.01
    print(f"\nhalf speed: exactly half with half the range {exact} of {len(everything)}; "
          f"half with the default range {same_range} of {possible} answered 84 or more")


def confidence(everything: list[tuple[float, Tempo, npt.ArrayLike]]) -> None:
    """Is it right more often when it says so?"""
    sure = np.array([answer.confidence for _, answer, _ in everything])
    right = np.array([abs(answer.bpm / true - 1) <= 0.04 for true, answer, _ in everything])
    print("\nconfidence      n   right")
    for low, high in ((0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)):
        some = (sure >= low) & (sure < high)
        if some.any():
            print(f"{low:4} to {high:4} {some.sum():5} {100 * right[some].mean():6.1f} %")


def jumps(songs: list[npt.NDArray[np.floating]]) -> None:
    """How often live answers change by more than 4 %, and of these by two, three or four."""
    minutes = sum(map(len, songs)) / 6000
    print(f"\nlive answers, {len(songs)} songs, {minutes:.0f} minutes; jumps a minute:")
    for name, memory, window in (("the newest 20 s alone", False, 20.0),
                                 ("the newest 10 s alone", False, 10.0),
                                 ("with memory", True, 10.0)):
        changed = np.concatenate([np.abs(np.diff(np.log2(answers(
            song, TempoTracker(window=window, memory=memory))))) for song in songs])
        by_octaves = np.abs(changed[:, None] - np.log2([2, 3, 4])).min(axis=1) < np.log2(1.04)
        print(f"{name:24} {np.sum(by_octaves) / minutes:5.2f} by 2, 3 or 4; "
              f"{np.sum(changed > np.log2(1.04)) / minutes:5.2f} in all", flush=True)


def changes(songs: list[tuple[float, npt.NDArray[np.floating]]], n: int = 40) -> None:
    """How soon another tempo is answered: pairs of songs, one after the other."""
    order = np.random.default_rng(0).permutation(len(songs))
    late = []
    for a, b in zip(order[::2], order[1::2], strict=False):
        (was, first), (true, then) = songs[a], songs[b]
        apart = abs(np.log2(true / was))
        if np.abs(apart - np.log2([1, 4 / 3, 3 / 2, 2, 3])).min() < 0.1 or len(late) == n:
            continue
        bpm = answers(np.concatenate([first, then]), TempoTracker(), since=len(first))
        right = np.abs(bpm / true - 1) <= 0.04
        late.append(0.5 * (1 + np.argmax(right)) if right.any() else np.inf)
    print(f"\nanother tempo, {len(late)} pairs of songs: answered within 10 s in "
          f"{100 * np.mean(np.array(late) <= 10):.0f} %, median {np.median(late):.1f} s")


def answers(frames: npt.NDArray[np.floating], tracker: TempoTracker, since: int = 0) -> Array:
    """Beats per minute each half second, where there are any."""
    tempi = [tracker.push(frame) for frame in frames][since + 49::50]
    bpm = np.array([tempo.bpm for tempo in tempi if tempo is not None])
    return bpm[np.isfinite(bpm)]


def live() -> None:
    """How long pushes and whole sessions take."""
    session, _ = synthetic.make_session(2, random_state=1, tempo=100.0, surprises=False)
    frames = session.frames
    tracker = TempoTracker()
    taken = []
    for frame in frames:
        start = time.perf_counter()
        tracker.push(frame)
        taken.append(time.perf_counter() - start)
    p50, p99 = 1e3 * np.percentile(taken, [50, 99])
    print(f"\nlive: a push takes {p50:.3f} ms (median) {p99:.2f} ms (p99) "
          f"{1e3 * max(taken):.1f} ms (worst)")
    start = time.perf_counter()
    estimate_tempo(frames)
    print(f"2 minutes at once: {1e3 * (time.perf_counter() - start):.0f} ms")


def _librosa() -> Callable[[Array], float] | None:
    try:
        import librosa
    except ImportError:
        print("librosa is not installed: no comparison")
        return None

    def tempo(sound: Array) -> float:
        half = sound[:len(sound) // 2 * 2].reshape(-1, 2).mean(axis=1)
        return float(np.ravel(librosa.feature.tempo(y=half, sr=SAMPLE_RATE / 2))[0])

    return tempo


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"tempo.py: {error}")
