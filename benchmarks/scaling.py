"""How seconds and memory grow with the length of a session, and with the names of a gallery?

    python -m benchmarks.scaling
    python -m benchmarks.scaling --minutes 1 10 --names 100 1000      # a quick look

Each task and size runs in a process of its own, with one thread for matrices, so that the peak
memory is its own. The session is a built-in jam, as long as the longest, of which the others are
the beginning. ``growth`` is e in seconds ~ size ** e, fitted to all sizes on logarithms: 1 is in
step with the size, 2 with its square; ``last`` is that of the last two sizes alone, where what
each run costs in any case counts least. Queries are those of `benchmarks.gallery`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from barkcluster import FamiliarityModel, Session, find_motifs
from barkcluster.display.report.contents import report_on_itself
from barkcluster.display.report.page import report_html
from barkcluster.synthetic import make_session

# A timeline is asked of a model of so much, whatever is scored.
_LEARNED_S = 60.0


def fit(session: Session) -> Callable[[], object]:
    """Learn all of it."""
    return lambda: FamiliarityModel(random_state=0).fit(session)


def timeline(session: Session) -> Callable[[], object]:
    """Score all of it."""
    model = FamiliarityModel(random_state=0).fit(session.between(0, _LEARNED_S))
    return lambda: model.timeline(session)


def motifs(session: Session) -> Callable[[], object]:
    """Find what recurs."""
    return lambda: find_motifs(session)


def report(session: Session) -> Callable[[], object]:
    """All of a report: learn, score, motifs, map, tempo, page."""
    return lambda: report_html([report_on_itself(session, FamiliarityModel(random_state=0))])


TASKS = {task.__name__: task for task in (fit, timeline, motifs, report)}


def measure(task: str, path: str, minutes: float) -> dict[str, float]:
    """Processor seconds of a task, and the peak of this process, MiB."""
    frames = np.load(path, mmap_mode="r")[:round(minutes * 6000)]
    run = TASKS[task](Session(frames))
    start = time.process_time()
    run()
    return {"seconds": time.process_time() - start,
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def make(path: str, minutes: float) -> None:
    """Write the jam's frames; in a process of its own, for who starts others hands on its peak."""
    np.save(path, make_session(minutes, random_state=0)[0].frames)


def in_own_process(task: str, path: Path, minutes: float) -> str:
    """What this program prints of one task and size."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", "--one", task, str(path), str(minutes)],
        check=True, capture_output=True, text=True).stdout


def query(names: int) -> dict[str, float]:
    """Seconds of a query to a gallery of so many names, and MiB, as its benchmark has them."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.gallery", "--names", str(names), "--played", "1000"],
        check=True, capture_output=True, text=True).stdout
    header, row = said.strip().splitlines()[-2:]
    columns = [name.strip() for name in header.replace(", ms", ",ms").replace(", MB", ",MB")
               .replace("of it ", "of-it-").replace("by ", "by-").split()]
    figures = dict(zip(columns, map(float, row.split()), strict=True))
    return {"seconds": figures["query,ms"] / 1e3, "mib": figures["process,MB"] * 1e6 / 2 ** 20}


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Exponent e of seconds ~ size ** e, by least squares on logarithms.

    Examples
    --------
    >>> round(growth([1, 10, 60], [2.0, 200.0, 7200.0]), 3)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def show(name: str, sizes: Sequence[float], rows: list[dict[str, float]]) -> None:
    """One line: seconds and MiB at each size, and how they grow."""
    seconds = [row["seconds"] for row in rows]
    cells = " ".join(f"{row['seconds']:8.2f} s {row['mib']:5.0f} MiB" for row in rows)
    grows = (f"{growth(sizes, seconds):7.2f} {growth(sizes[-2:], seconds[-2:]):6.2f}"
             if len(sizes) > 1 else "")
    print(f"{name:9} {cells} {grows}", flush=True)


def heading(unit: str, sizes: Sequence[float]) -> None:
    """The line above those of `show`."""
    cells = " ".join(f"{f'{size:g} {unit}':>20}" for size in sizes)
    print(f"{'':9} {cells}  growth   last")


def main() -> None:
    """Print a table for lengths and one for names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60, 120])
    parser.add_argument("--names", type=int, nargs="*", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--one", nargs=3, metavar=("TASK", "FILE", "MINUTES"),
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        task, path, size = options.one
        if task == "make":
            make(path, float(size))
        else:
            print(json.dumps(measure(task, path, float(size))))
        return
    minutes = sorted(options.minutes)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "jam.npy"
        in_own_process("make", path, minutes[-1])
        heading("minutes", minutes)
        for task in options.tasks:
            show(task, minutes, [json.loads(in_own_process(task, path, size))
                                 for size in minutes])
    if options.names:
        names = sorted(options.names)
        heading("names", names)
        show("query", names, [query(n) for n in names])


if __name__ == "__main__":
    main()
