"""How long does one push take, against the 10 ms until the next frame?

    python -m benchmarks.latency [--minutes 5 120] [--scorers knn] [--pushes 100000]

A model trained on so many minutes hears fresh frames one at a time, on one core. Judged by the
slow pushes: nine of ten only add a frame to the sums, the tenth answers. Wall time is what a
performer waits; processor time is what it would be on a machine that does nothing else. The last
column is what the process grew by while pushing.
"""

from __future__ import annotations

import argparse
import gc
import os
import time

import numpy as np
import numpy.typing as npt

from barkcluster import SCORERS, FamiliarityModel
from barkcluster.synthetic import make_session

FloatArray = npt.NDArray[np.float64]
TARGETS_MS = {"median": 0.05, "p99": 1.0, "worst": 5.0}


def session_takes(minutes: float, seed: int) -> list[npt.NDArray[np.floating]]:
    """Five minutes a take, each another jam."""
    takes = []
    while minutes > 0:
        takes.append(make_session(min(5.0, minutes), random_state=seed + len(takes))[0].frames)
        minutes -= 5.0
    return takes


def resident_mb() -> float:
    """Memory of this process now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def time_pushes(model: FamiliarityModel, frames: npt.NDArray[np.floating], n_pushes: int
                ) -> tuple[FloatArray, FloatArray, float]:
    """Wall and processor time of each push in ms, and megabytes grown."""
    stream = model.stream()
    wall, processor = np.empty(n_pushes), np.empty(n_pushes)
    stream.extend(frames[:2000])
    before = resident_mb()
    for i in range(n_pushes):
        frame = frames[i % len(frames)]
        begun, begun_processor = time.perf_counter(), time.thread_time()
        stream.push(frame)
        processor[i] = time.thread_time() - begun_processor
        wall[i] = time.perf_counter() - begun
    return 1e3 * wall, 1e3 * processor, resident_mb() - before


def main() -> None:
    parser = argparse.ArgumentParser(description="How long does one push take?")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 120.0])
    parser.add_argument("--scorers", nargs="+", choices=list(SCORERS), default=["knn"])
    parser.add_argument("--pushes", type=int, default=100_000)
    arguments = parser.parse_args()

    unheard = np.concatenate(session_takes(10.0, 1000))
    print(f"{arguments.pushes} pushes, ms; aims "
          + ", ".join(f"{name} {value:g}" for name, value in TARGETS_MS.items())
          + f"; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':24}{'wall':^24}{'processor':^24}")
    print(f"{'scorer':8}{'trained':>8}{'fit s':>8}" + 2 * f"{'median':>8}{'p99':>8}{'worst':>8}"
          + f"{'+MB':>8}")
    for minutes in arguments.minutes:
        takes = session_takes(minutes, 0)
        for name in arguments.scorers:
            begun = time.perf_counter()
            model = FamiliarityModel(name, random_state=0).fit(takes)
            fit_s = time.perf_counter() - begun
            gc.collect()
            gc.freeze()  # as `barkcluster live` does
            collections = sum(generation["collections"] for generation in gc.get_stats())
            wall, processor, grown = time_pushes(model, unheard, arguments.pushes)
            collections = sum(g["collections"] for g in gc.get_stats()) - collections
            cells = "".join(f"{value:8.3f}" for times in (wall, processor)
                            for value in (np.median(times), np.percentile(times, 99), times.max()))
            print(f"{name:8}{minutes:6.0f} m{fit_s:8.1f}{cells}{grown:8.1f}"
                  f"   {collections} garbage collections", flush=True)


if __name__ == "__main__":
    main()
