"""How long learning and scoring take, and how much memory, on one core?

    python -m benchmarks.speed                      # 5 minutes of a built-in jam, all scorers
    python -m benchmarks.speed --minutes 5 120      # 2 hours as well
    python -m benchmarks.speed --sessions jam.txt   # your own, repeated to the length asked for
    python -m benchmarks.speed --scales 1 6 --hop 0.2   # what a small computer might do with less

Each scorer runs in a process of its own with one thread for matrices, so that the peak memory is
its own. Other programs distort processor seconds least; wall seconds stand beside them. "x the
limit" is how many times as long the timeline takes as its matrix products alone, in single
precision, measured in the same process; it hardly depends on the machine. PyOD's KNN, on windows
as its users would make them, is measured as well where it is installed (extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from barkcluster.frames import read_session
from barkcluster.model import DEFAULT_SCALES, FamiliarityModel
from barkcluster.scorers import SCORERS
from barkcluster.synthetic import make_session
from barkcluster.windows import WindowFeatures

from .limit import Products
from .peers import make_peer

PEER = "pyod-knn"


def seconds(task: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median processor and wall seconds of a task."""
    taken = []
    for _ in range(repeats):
        processor, wall = time.process_time(), time.perf_counter()
        task()
        taken.append((time.process_time() - processor, time.perf_counter() - wall))
    processor_s, wall_s = np.median(taken, axis=0)
    return float(processor_s), float(wall_s)


def peak_mib() -> float:
    """Largest memory this process has had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def jam(minutes: float, path: str | None) -> npt.NDArray[np.float32]:
    """Frames to learn and as many to score."""
    n = round(minutes * 6000)
    frames = (np.asarray(read_session(path)) if path
              else np.asarray(make_session(min(minutes, 10), random_state=0)[0]))
    return np.tile(frames, (-(-n // len(frames)), 1))[:n].astype(np.float32)


def measure(what: str, minutes: float, path: str | None, repeats: int,
            scales: tuple[float, ...], hop: float) -> dict[str, float]:
    """Figures of one scorer, of the peer, or of the features alone."""
    frames = jam(minutes, path)
    before = peak_mib()
    if what == "features":
        features = WindowFeatures(scales, hop)
        work = seconds(lambda: features.transform_views(frames), repeats)
        return {"fit": work[0], "fit_wall": work[1], "mib": peak_mib() - before}
    scored = frames[:60_000]
    if what == PEER:
        peer = make_peer(PEER)
        fit = seconds(lambda: peer.fit([frames]), repeats)
        score = seconds(lambda: peer.novelty(scored), repeats)
        limit = {}
    else:
        model = FamiliarityModel(what, scales=scales, hop=hop, random_state=0)
        fit = seconds(lambda: model.fit(frames), repeats)
        score = seconds(lambda: model.timeline(scored), repeats)
        windows = [view.X for view in model.features_.transform_views(scored)]
        products = Products(model)
        limit = {"limit": score[0] / seconds(lambda: products.run(windows), 3 * repeats)[0]}
    return {"fit": fit[0], "fit_wall": fit[1], "real_time": len(scored) / 100 / score[0],
            "real_time_wall": len(scored) / 100 / score[1], "mib": peak_mib(), **limit}


def main() -> None:
    """Print a row for each scorer and length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0])
    parser.add_argument("--scorers", nargs="+", choices=sorted(SCORERS), default=list(SCORERS))
    parser.add_argument("--sessions", metavar="FILE", help="a session file to learn from")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scales", type=float, nargs="+", default=DEFAULT_SCALES)
    parser.add_argument("--hop", type=float, default=0.1)
    parser.add_argument("--one", choices=["features", PEER, *SCORERS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.minutes[0], options.sessions,
                                 options.repeats, tuple(options.scales), options.hop)))
        return
    print(f"{'minutes':>7}  {'what':8}  {'fit s':>7} {'(wall)':>8}  {'x real time':>11} "
          f"{'(wall)':>7}  {'x the limit':>11}  {'peak MiB':>8}")
    peers = [PEER] if find_spec("pyod") else []
    for minutes in options.minutes:
        for what in ("features", *options.scorers, *peers):
            command = [sys.executable, "-m", "benchmarks.speed", "--one", what, "--minutes",
                       str(minutes), "--repeats", str(options.repeats), "--hop",
                       str(options.hop), "--scales", *map(str, options.scales)]
            if options.sessions:
                command += ["--sessions", options.sessions]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:     # it has said why
                sys.exit(done.returncode)
            figures = json.loads(done.stdout)
            line = (f"{minutes:7g}  {what:8}  {figures['fit']:7.2f} {figures['fit_wall']:8.2f}  ")
            if "real_time" in figures:
                line += f"{figures['real_time']:11.0f} {figures['real_time_wall']:7.0f}  "
            if "limit" in figures:
                line += f"{figures['limit']:11.1f}"
            print(f"{line:59}  {figures['mib']:8.0f}", flush=True)
    if not peers:
        print("left out: PyOD, which is not installed.")
    print("\npeak MiB of the features: above the input; of the scorers: of the whole process.")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"speed.py: {error}")
