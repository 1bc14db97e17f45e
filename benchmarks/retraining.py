"""Does a push wait longer than 10 ms while a model is being learned beside it?

    python -m benchmarks.retraining [--minutes 5] [--trainings 5] [--scorers knn som]
                                    [--switch-interval 5]

A stream that remembers so many minutes learns them again, in a process and in a thread, while
frames come at 100 a second; then as many frames come while nothing is learned, the control. For
each frame: how long its push took on the wall, how much processor time of its own, and how long
after it was due it had been heard, the interpreter's delay in waking up included. What the control
waits as well is the machine's doing; where the wall is longer than in the control and the
processor time is not, the learning took processor or interpreter away. The swap is the push that
took over the new model. `barkcluster live` sets Python's switch interval to 0.5 ms.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Literal

import numpy as np
import numpy.typing as npt

from barkcluster import SCORERS, FamiliarityModel, RetrainingStream
from barkcluster.synthetic import make_session

FRAME_S = 0.01
AIM_MS = 10.0


class Waits:
    """What frames waited for: wall and processor time of pushes, and from due to heard, in s."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float]] = []

    def push(self, stream: RetrainingStream, frame: npt.NDArray[np.floating], due: float) -> None:
        """Push a frame when it is due."""
        time.sleep(max(0.0, due - time.perf_counter()))
        begun, begun_processor = time.perf_counter(), time.thread_time()
        stream.push(frame)
        processor = time.thread_time() - begun_processor
        ended = time.perf_counter()
        self.rows.append((ended - begun, processor, ended - due))

    def show(self, title: str) -> None:
        """One line of the table, in ms."""
        cells = ""
        for times in 1e3 * np.array(self.rows).T:
            p50, p99 = np.percentile(times, [50, 99])
            cells += f"{p50:8.2f}{p99:7.2f}{times.max():7.2f}{np.sum(times > AIM_MS):5}"
        print(f"{title:26}{len(self.rows):7}{cells}", flush=True)


def measure(learn_in: Literal["process", "thread"], scorer: str,
            frames: npt.NDArray[np.floating], n_trainings: int) -> None:
    """Learn some times with frames coming in, and let as many come without."""
    while_learning, swaps, control = Waits(), Waits(), Waits()
    learning_s = []
    model = FamiliarityModel(scorer, random_state=0)
    with RetrainingStream(model, every=1e9, learn_in=learn_in) as stream:
        for frame in frames:
            stream.push(frame)
        stream.wait()
        for _ in range(n_trainings):
            stream.retrain()
            begun = due = time.perf_counter()
            n_learned, n = stream.n_learned, 0
            while stream.n_learned == n_learned:
                due += FRAME_S
                while_learning.push(stream, frames[n % len(frames)], due)
                n += 1
                if stream.n_failed:
                    raise RuntimeError(stream.last_error)
            swaps.rows.append(while_learning.rows.pop())
            learning_s.append(time.perf_counter() - begun)
            due = time.perf_counter()
            for i in range(n):
                due += FRAME_S
                control.push(stream, frames[i % len(frames)], due)
    while_learning.show(f"{scorer}, {learn_in}: learning")
    swaps.show("    swap")
    control.show("    control")
    print(f"    learning took {np.mean(learning_s):.1f} s, at most {max(learning_s):.1f}")


def main() -> None:
    """Print a table for each way to learn."""
    parser = argparse.ArgumentParser(description="Does a push wait while a model is learned?")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--trainings", type=int, default=5)
    parser.add_argument("--scorers", nargs="+", choices=list(SCORERS), default=["knn"])
    parser.add_argument("--switch-interval", type=float, default=1e3 * sys.getswitchinterval(),
                        help="ms after which threads hand the interpreter on (default: Python's)")
    arguments = parser.parse_args()
    sys.setswitchinterval(arguments.switch_interval / 1e3)
    frames = make_session(arguments.minutes, random_state=0)[0].frames
    print(f"{arguments.minutes:g} minutes learned {arguments.trainings} times; ms, and how many "
          f"over {AIM_MS:g}; switch interval {arguments.switch_interval:g} ms; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':33}{'wall of push':^27}{'processor of push':^27}{'due until heard':^27}")
    print(f"{'':26}{'frames':>7}" + 3 * f"{'median':>8}{'p99':>7}{'worst':>7}{'>10':>5}")
    for scorer in arguments.scorers:
        measure("process", scorer, frames, arguments.trainings)
        measure("thread", scorer, frames, arguments.trainings)


if __name__ == "__main__":
    main()
