"""Are the riffs found, and how quickly?

    python -m benchmarks.motifs

Synthetic jams with known riffs (2 bars, varied now and then, a band over them, drifting tempo).
Recall: of the times a riff that recurs was played, the share that some motif links, aligned within
0.3 s, to another time it was played. Precision: of the occurrences that motifs claim, the share
that plays what the representative plays: the same riff at the same place, or where there is no
riff the same part of the song, aligned to the bar; and, more loosely, the same part of the song.
Then the second half at another speed, what has no motifs, what is unique to a session, and, where
installed, STUMPY's multidimensional matrix profile on the same 30 s.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
import numpy.typing as npt

from barkcluster import Session, synthetic
from barkcluster.frames.resampling import rows_at
from barkcluster.motifs import Motif, find_motifs, unique_to
from barkcluster.synthetic import Annotations, Riff, Section

WITHIN_S = 0.3
EXCERPT_S = 30
MSTUMP_WINDOW_S = 2.0


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jams", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--excerpts", type=int, default=4, help="of 30 s, for STUMPY")
    args = parser.parse_args()
    print(f"{args.jams} jams of {args.minutes:g} minutes; seconds of processor time")
    print(f"{'':22} recall precision  loosely  motifs  seconds")
    for name, how in {"as they are": {}, "no drums": {"drums": False},
                      "with surprises": {"surprises": True}}.items():
        rows = []
        for seed in range(args.jams):
            options = {"surprises": False, **how}
            session, known = synthetic.make_session(args.minutes, random_state=seed, **options)
            start = time.process_time()
            found = find_motifs(session)
            seconds = time.process_time() - start
            rows.append((recall(found, known.riffs), *precision(found, known), len(found),
                         seconds))
        show(name, rows)
    for change in (0.95, 0.9, 1.1):
        show(f"second half x {change}",
             [other_tempo(seed, args.minutes, change) for seed in range(args.jams)])
    nothing()
    unique(args.jams)
    beside_stumpy(args.excerpts)


def show(name: str, rows: list[tuple[float, ...]]) -> None:
    """One line of the table."""
    known = [[value for value in column if not np.isnan(value)]
             for column in zip(*rows, strict=True)]
    means = [f"{np.mean(column):.2f}" if column else "-" for column in known]
    print(f"{name:22} {means[0]:>6} {means[1]:>9} {means[2]:>8} {means[3]:>7} {means[4]:>8}",
          flush=True)


def recall(found: list[Motif], riffs: tuple[Riff, ...]) -> float:
    """Share of the riffs played more than once that a motif links to another time."""
    played = Counter(riff.name for riff in riffs)
    again = [riff for riff in riffs if played[riff.name] > 1]
    linked = {(riff.name, riff.start) for motif in found for riff, other in links(motif, again)}
    return len(linked) / len(again) if again else np.nan


def links(motif: Motif, riffs: list[Riff]) -> list[tuple[Riff, Riff]]:
    """Pairs of one riff that two occurrences of the motif lie on alike."""
    on = [[riff for riff in riffs if covers(start, motif.length, riff)] for start in motif.starts]
    return [(one, other)
            for i, first in enumerate(motif.starts) for j, second in enumerate(motif.starts)
            if i != j for one in on[i] for other in on[j]
            if one.name == other.name and one.start != other.start
            and abs((second - first) - (other.start - one.start)) < WITHIN_S]


def covers(start: float, length: float, riff: Riff) -> bool:
    """Whether a stretch and a riff share half of the shorter."""
    shared = min(start + length, riff.stop) - max(start, riff.start)
    return shared > 0.5 * min(length, riff.stop - riff.start)


def precision(found: list[Motif], known: Annotations) -> tuple[float, float]:
    """Share of claimed occurrences that are right, strictly and loosely."""
    bar = 240.0 / known.tempo
    right = loosely = n = 0
    for motif in found:
        at = motif.representative
        here, riff = section(known, at + motif.length / 2), riff_at(known, at, motif.length)
        for start in motif.starts:
            if start == at:
                continue
            n += 1
            there = section(known, start + motif.length / 2)
            other = riff_at(known, start, motif.length)
            loosely += here is not None and there is not None and here.name == there.name
            if riff is not None and other is not None:
                right += (riff.name == other.name and
                          abs((at - riff.start) - (start - other.start)) < WITHIN_S)
            elif here is not None and there is not None and here.name == there.name:
                off = ((at - here.start) - (start - there.start)) / bar
                right += abs(off - round(off)) * bar < WITHIN_S
    return (right / n, loosely / n) if n else (np.nan, np.nan)


def section(known: Annotations, time_s: float) -> Section | None:
    """The part of the form at a time."""
    return next((s for s in known.sections if s.start <= time_s < s.stop), None)


def riff_at(known: Annotations, start: float, length: float) -> Riff | None:
    """The riff that fills most of a stretch, or lies in it."""
    for riff in known.riffs:
        shared = min(start + length, riff.stop) - max(start, riff.start)
        if shared >= 0.6 * min(length, riff.stop - riff.start):
            return riff
    return None


def other_tempo(seed: int, minutes: float, speed: float) -> tuple[float, ...]:
    """The second half of a jam played faster or slower: do motifs link it to the first?"""
    session, known = synthetic.make_session(minutes, random_state=seed, surprises=False)
    half = len(session) // 2
    frames = session.frames.astype(np.float64)
    places = np.arange(half, len(frames) - 1, speed)
    changed = Session(np.concatenate([frames[:half], rows_at(frames, places)]))
    middle = half / session.frame_rate
    first = {riff.name for riff in known.riffs if riff.stop <= middle}
    start = time.process_time()
    found = find_motifs(changed)
    seconds = time.process_time() - start
    late_riffs = [riff for riff in known.riffs if riff.start >= middle and riff.name in first]
    linked = 0
    for riff in late_riffs:
        moved = Riff(riff.name, middle + (riff.start - middle) / speed,
                     middle + (riff.stop - middle) / speed, riff.variation)
        early = [r for r in known.riffs if r.stop <= middle and r.name == riff.name]
        linked += any(links(motif, [moved, one]) for motif in found for one in early)
    share = linked / len(late_riffs) if late_riffs else np.nan
    return share, np.nan, np.nan, len(found), seconds


def nothing() -> None:
    """What has no motifs."""
    rng = np.random.default_rng(0)
    n = 6000
    held = np.repeat(rng.normal(-40, 12, size=(12, 25)), n // 12, axis=0)
    walk = np.cumsum(rng.normal(0, 0.5, size=(n, 25)), axis=0) - 40
    cases = {"silence": np.full((n, 25), -100.0), "a held chord": held[:1].repeat(n, axis=0),
             "a chord every 5 s": held + rng.normal(0, 0.5, size=held.shape),
             "noise": rng.normal(-40, 5, size=(n, 25)), "slow random walks": walk,
             "notes at random": np.repeat(rng.normal(-40, 10, size=(n // 12, 25)), 12, axis=0)}
    print("\nmotifs in a minute of: " + ", ".join(
        f"{name} {len(find_motifs(frames))}" for name, frames in cases.items()))


def unique(n: int) -> None:
    """One jam followed by another, against the first: is the other told apart?"""
    right, of_found, of_other, motifs_right, motifs = 0.0, 0.0, 0.0, 0, 0
    for seed in range(n):
        known = synthetic.make_session(1, random_state=seed, surprises=False)[0].frames
        more = synthetic.make_session(2, random_state=seed, surprises=False)[0].frames
        new = synthetic.make_session(1, random_state=500 + seed, surprises=False)[0].frames
        both = Session(np.concatenate([more[6000:], new]))
        answer = unique_to(both, [Session(known), Session(more[:6000])])
        for stretch in answer.stretches:
            of_found += stretch.stop - stretch.start
            right += max(0.0, stretch.stop - max(60.0, stretch.start))
        of_other += 60.0
        for motif in answer.motifs:
            motifs += 1
            motifs_right += motif.representative + motif.length / 2 > 60.0
    print(f"\nunique: a minute of another jam after one of the same: {100 * right / of_other:.0f} "
          f"% of its time found, {100 * right / max(of_found, 1):.0f} % of the time found is its; "
          f"{motifs_right} of {motifs} unique motifs are its")


def beside_stumpy(n: int) -> None:
    """Recall and seconds on the same excerpts."""
    try:
        import stumpy
    except ImportError:
        print("STUMPY is not installed: no comparison")
        return
    window = round(MSTUMP_WINDOW_S * 100)
    rng = np.random.default_rng(0)
    stumpy.mstump(rng.normal(size=(25, 400)), window)      # compiles
    ours, theirs, seconds = [], [], [0.0, 0.0]
    done = seed = 0
    while done < n:
        session, known = synthetic.make_session(EXCERPT_S / 60, random_state=900 + seed,
                                                surprises=False)
        seed += 1
        played = Counter(riff.name for riff in known.riffs)
        again = [riff for riff in known.riffs if played[riff.name] > 1]
        if len(again) < 4:
            continue
        done += 1
        start = time.process_time()
        found = find_motifs(session)
        seconds[0] += time.process_time() - start
        ours.append(recall(found, known.riffs))
        start = time.process_time()
        _, nearest = stumpy.mstump(session.frames.T.astype(np.float64), window)
        seconds[1] += time.process_time() - start
        theirs.append([profile_recall(row.astype(int), again) for row in nearest])
    by_dimensions = np.mean(theirs, axis=0)
    best = int(np.argmax(by_dimensions))
    print(f"\n{n} excerpts of {EXCERPT_S} s: recall {np.mean(ours):.2f} in {seconds[0] / n:.3f} s;"
          f" mstump {by_dimensions[best]:.2f} in {seconds[1] / n:.1f} s (at its best number of "
          f"bands, {best + 1}): {seconds[1] / seconds[0]:.0f} times as long")


def profile_recall(nearest: npt.NDArray[np.int_], riffs: list[Riff]) -> float:
    """Share of riffs whose nearest neighbor, from any frame near the start, is itself again."""
    found = 0
    for riff in riffs:
        others = [r.start for r in riffs if r.name == riff.name and r.start != riff.start]
        first = max(0, round(100 * (riff.start - WITHIN_S)))
        frames = np.arange(first, min(len(nearest), round(100 * (riff.start + WITHIN_S)) + 1))
        lags = (nearest[frames] - frames) / 100
        found += any(np.any(np.abs(lags - (other - riff.start)) < WITHIN_S) for other in others)
    return found / len(riffs)


if __name__ == "__main__":
    main()
