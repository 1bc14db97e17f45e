"""How long does a query to a gallery of up to 100,000 names take, and what do the sketches miss?

    python -m benchmarks.gallery --names 100 1000 10000 100000

The names are synthetic jams of 45 s, each also played through other rooms (a smooth change of the
bands) at other tempi. The first 30 s are learned, 10 s later on are the query. Every name has a
sketch of its own. Full models are fitted for the jams as written; names played through another
room use the models of these, which take a query as long as their own would. ``in folder`` reads
each candidate's model from its file, as in the first query after loading.

Names beyond ``--played`` are never asked about. Their sketches and summaries lie between those of
two played names, because playing all of them would take half an hour.

``found`` is the share of queries whose name is among the candidates for the full models. ``by
means`` is the time that the gallery takes to find the names whose sketches are compared, by going
through all means of sketches; ``by tree`` is what a ball tree of scikit-learn takes for the same.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import BallTree

from barkcluster import Session, SessionGallery, load_gallery
from barkcluster.gallery.candidates import CandidateSearch, sketch, sketch_prototypes
from barkcluster.gallery.comparison import SessionComparison
from barkcluster.gallery.summary import summarize
from barkcluster.synthetic import make_session

Frames = npt.NDArray[np.float32]

N_JAMS = 24
N_QUERIES = 40
LEARNED, ASKED = slice(0, 3000), slice(3400, 4400)


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row for each size of the gallery."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--names", nargs="+", type=int, default=[100, 1000, 10_000], metavar="N")
    parser.add_argument("--jams", type=int, default=N_JAMS, metavar="N")
    parser.add_argument("--played", type=int, default=10_000, metavar="N",
                        help="names that have music of their own (default: 10,000)")
    args = parser.parse_args(argv)
    most = min(args.played, max(args.names))
    jams = [np.asarray(make_session(0.75, random_state=seed, surprises=False)[0].frames)
            for seed in range(args.jams)]
    start = time.perf_counter()
    gallery = SessionGallery().fit({f"jam {i}": jam[LEARNED] for i, jam in enumerate(jams)})
    print(f"learning a name: {1e3 * (time.perf_counter() - start) / len(jams):.0f} ms, of 30 s")
    with TemporaryDirectory() as folder:
        gallery.save(folder)
        stored = load_gallery(folder)
        files = sum(entry.stat().st_size for entry in os.scandir(folder))
        print(f"a name in a folder: {files / 1e6 / len(jams):.1f} MB")
        start = time.perf_counter()
        stored.rank(jams[0][ASKED])
        print(f"first query in folder: {1e3 * (time.perf_counter() - start):.0f} ms, "
              f"{len(jams[:gallery.n_candidates])} models read")
    start = time.perf_counter()
    prototypes = np.stack([sketch_prototypes([Session(_played(jams, i)[LEARNED])])
                           for i in range(most)])
    summaries = np.stack([summarize(Session(_played(jams, i)[LEARNED])) for i in range(most)])
    print(f"a sketch: {1e3 * (time.perf_counter() - start) / most:.0f} ms, "
          f"{prototypes[0].nbytes / 1e3:.0f} kB")
    crowd = max(args.names) - most
    prototypes, summaries = (_crowded(known, crowd) for known in (prototypes, summaries))
    print(f"\n{'names':>7} {'query, ms':>10} {'of it sketches':>15} {'found':>6} "
          f"{'sketches, MB':>13} {'summaries, MB':>14} {'process, MB':>12} {'by means, ms':>13} "
          f"{'by tree, ms':>12}")
    kept = list(gallery.store_.kept.values())
    for n in sorted(args.names):
        names = [f"name {i}" for i in range(n)]
        gallery.names_ = names
        gallery.search_ = CandidateSearch(prototypes[:n])
        fitted = list(gallery.records_.values())[:len(jams)]
        gallery.comparison_ = SessionComparison().fit({
            name: replace(fitted[i % len(jams)], takes=summaries[i:i + 1],
                          pieces=fitted[i % len(jams)].pieces[:None if i < len(jams) else 0])
            for i, name in enumerate(names)})
        gallery.store_.kept = {name: kept[i % len(kept)] for i, name in enumerate(names)}
        whole, coarse, found = [], [], []
        for i in np.linspace(0, min(n, most) - 1, N_QUERIES).astype(int):
            query = Session(_played(jams, int(i))[ASKED])
            start = time.perf_counter()
            apart = gallery.comparison_.log_distances(summarize(query))
            candidates = gallery.search_.find(query, apart, gallery.comparison_,
                                              gallery.n_candidates)
            coarse.append(time.perf_counter() - start)
            start = time.perf_counter()
            gallery.rank(query)
            whole.append(time.perf_counter() - start)
            found.append(i in candidates)
        by_means, by_tree = _nearest_means(prototypes[:n], sketch(query).mean(axis=0))
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(f"{n:7} {1e3 * np.median(whole):10.0f} {1e3 * np.median(coarse):15.0f} "
              f"{np.mean(found):6.2f} {prototypes[:n].nbytes / 1e6:13.0f} "
              f"{summaries[:n].nbytes / 1e6:14.0f} {process:12.0f} {1e3 * by_means:13.1f} "
              f"{1e3 * by_tree:12.1f}", flush=True)


def _crowded(known: Frames, n_more: int) -> Frames:
    """So many more rows, each somewhere between two that are known."""
    rng = np.random.default_rng(0)
    crowd = np.empty((len(known) + n_more, *known.shape[1:]), np.float32)
    crowd[:len(known)] = known
    for i in range(len(known), len(crowd)):
        one, other = known[rng.integers(len(known), size=2)]
        crowd[i] = one + rng.uniform(0.2, 0.8) * (other - one)
    return crowd


def _nearest_means(prototypes: Frames, query: Frames) -> tuple[float, float]:
    """Seconds to find a twentieth of the names by their means: all in turn, and by a tree."""
    means = prototypes.mean(axis=1)
    tree = BallTree(means)
    wanted = min(len(means) - 1, max(2000, len(means) // 20))
    seconds = []
    for find in (lambda: np.argpartition(
            np.square(means).sum(axis=1) - 2.0 * means @ query, wanted),
            lambda: tree.query(query[None], wanted, sort_results=False)):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            find()
            times.append(time.perf_counter() - start)
        seconds.append(float(np.median(times)))
    return seconds[0], seconds[1]


def _played(jams: Sequence[Frames], i: int) -> Frames:
    """Jam ``i`` modulo their number, as written the first time, then in other rooms."""
    jam = jams[i % len(jams)]
    if i < len(jams):
        return jam
    rng = np.random.default_rng(i)
    bands = np.arange(jam.shape[1])
    room = sum(rng.normal(0, 4.0 / k) * np.cos(np.pi * k * (bands + rng.uniform(0, 25)) / 25)
               for k in range(1, 5))
    speed = rng.uniform(0.9, 1.1)
    times = np.clip(np.arange(len(jam)) * speed, 0, len(jam) - 1)
    return np.asarray(jam[times.round().astype(int)] + room, np.float32)


if __name__ == "__main__":
    main()
