"""How long does one push take, against the 10 ms until the next frame?

    python -m benchmarks.latency [--minutes 5 120] [--scorers knn] [--pushes 100000] [--page]
    python -m benchmarks.latency --scales 1 6 --hop 0.2      # what a small computer might do with

A model trained on so many minutes hears fresh frames one at a time, on one core. Judged by the
slow pushes: nine of ten only add a frame to the sums, the tenth answers. Wall time is what a
performer waits; processor time is what it would be on a machine that does nothing else. Then
follow what the process grew by while pushing; how many players a core would keep up with, by the
mean of all pushes; the mean processor time of a push that answers; and, as "x the limit", how many
times as long that is as the matrix products of one answer, in single precision, measured in the
same process. PyOD's KNN, asked each tenth of a second about the newest windows as its users would
make them, stands beside where it is installed (extra `bench`).

--page: 3,000 frames in time, 100 a second, through a whole player, at first alone and then while a
page shows it and somebody looks. A push then also hands the frame to the page's process.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from barkcluster import SCORERS, FamiliarityModel, RetrainingStream, TempoTracker
from barkcluster.live.page.feed import PageFeed
from barkcluster.live.player import Player
from barkcluster.model import DEFAULT_SCALES
from barkcluster.synthetic import make_session

from .limit import Products
from .peers import SCALES_S, make_peer

FloatArray = npt.NDArray[np.float64]
# A browser that takes all it is told, in a process of its own as browsers are. It ends, which is
# noticed, if the page refuses it or stays silent.
_LOOK = """
import asyncio, sys, aiohttp
async def look(url):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "/live", origin=url) as page:
            while (await page.receive(timeout=10)).type == aiohttp.WSMsgType.TEXT:
                pass
asyncio.run(look(sys.argv[1].split("/#")[0]))
"""
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


def time_products(model: FamiliarityModel, frames: npt.NDArray[np.floating]) -> float:
    """Processor time of the matrix products of one answer, ms."""
    windows = [view.X[-1:] for view in model.features_.transform_views(frames)]
    products = Products(model)
    n = 1000
    begun = time.thread_time()
    for _ in range(n):
        products.run(windows)
    return 1e3 * (time.thread_time() - begun) / n


def time_peer(takes: list[npt.NDArray[np.floating]], frames: npt.NDArray[np.floating],
              n_answers: int) -> tuple[float, FloatArray, FloatArray]:
    """Seconds of PyOD's fit; wall and processor time of each of its answers, ms."""
    peer = make_peer("pyod-knn")
    begun = time.perf_counter()
    peer.fit(takes)
    fit_s = time.perf_counter() - begun
    wall, processor = np.empty(n_answers), np.empty(n_answers)
    longest = round(max(SCALES_S) * 100)
    for i in range(n_answers):
        start = 10 * i % (len(frames) - longest)
        begun, begun_processor = time.perf_counter(), time.thread_time()
        peer.novelty(frames[start:start + longest])
        processor[i] = time.thread_time() - begun_processor
        wall[i] = time.perf_counter() - begun
    return fit_s, 1e3 * wall, 1e3 * processor


def cells_of(*columns: FloatArray) -> str:
    """Median, 99 % and worst of each."""
    return "".join(f"{value:8.3f}" for times in columns
                   for value in (np.median(times), np.percentile(times, 99), times.max()))


def time_player(model: FamiliarityModel, frames: npt.NDArray[np.floating], *,
                looked_at: bool) -> tuple[FloatArray, FloatArray]:
    """Wall and processor time of each frame of a player in ms, with a page open or without."""
    stream = RetrainingStream(model, learn_in="thread")
    stream.paused = True  # benchmarks/retraining.py measures what learning costs
    player = Player("", stream, TempoTracker(), live=False)
    page = PageFeed([player], "127.0.0.1", 0, os.curdir) if looked_at else None
    looking = None if page is None else subprocess.Popen([sys.executable, "-c", _LOOK, page.url])
    wall, processor = np.empty(len(frames)), np.empty(len(frames))
    try:
        due = time.perf_counter() + 3.0  # until somebody looks
        for i, levels in enumerate(frames.tolist()):
            time.sleep(max(0.0, due - time.perf_counter()))
            due += 0.01
            begun, begun_processor = time.perf_counter(), time.thread_time()
            report = player.hear(levels, begun, begun)
            if page is not None:
                page.hear(player, levels, report)
                if i % 10 == 0:
                    page.tick()
            processor[i] = time.thread_time() - begun_processor
            wall[i] = time.perf_counter() - begun
        if looking is not None and looking.poll() is not None:
            raise RuntimeError("nobody looked at the page: its figures would mean nothing.")
    finally:
        if looking is not None:
            looking.kill()
            looking.wait()
        if page is not None:
            page.close()
        player.close()
    return 1e3 * wall, 1e3 * processor


def main() -> None:
    parser = argparse.ArgumentParser(description="How long does one push take?")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 120.0])
    parser.add_argument("--scorers", nargs="+", choices=list(SCORERS), default=["knn"])
    parser.add_argument("--pushes", type=int, default=100_000)
    parser.add_argument("--scales", type=float, nargs="+", default=DEFAULT_SCALES)
    parser.add_argument("--hop", type=float, default=0.1)
    parser.add_argument("--page", action="store_true",
                        help="also frames of a player in time, with a page open and without")
    arguments = parser.parse_args()

    unheard = np.concatenate(session_takes(10.0, 1000))
    print(f"{arguments.pushes} pushes, ms; aims "
          + ", ".join(f"{name} {value:g}" for name, value in TARGETS_MS.items())
          + f"; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':24}{'wall':^24}{'processor':^24}")
    print(f"{'scorer':8}{'trained':>8}{'fit s':>8}" + 2 * f"{'median':>8}{'p99':>8}{'worst':>8}"
          + f"{'+MB':>8}{'players':>8}{'answer':>8}{'x the limit':>13}")
    for minutes in arguments.minutes:
        takes = session_takes(minutes, 0)
        for name in arguments.scorers:
            begun = time.perf_counter()
            model = FamiliarityModel(name, scales=tuple(arguments.scales), hop=arguments.hop,
                                     random_state=0).fit(takes)
            fit_s = time.perf_counter() - begun
            gc.collect()
            gc.freeze()  # as `barkcluster live` does
            collections = sum(generation["collections"] for generation in gc.get_stats())
            wall, processor, grown = time_pushes(model, unheard, arguments.pushes)
            collections = sum(g["collections"] for g in gc.get_stats()) - collections
            answer = float(np.mean(processor[model.features_.hop_frames - 1::
                                             model.features_.hop_frames]))
            print(f"{name:8}{minutes:6.0f} m{fit_s:8.1f}{cells_of(wall, processor)}{grown:8.1f}"
                  f"{10.0 / processor.mean():8.0f}{answer:8.3f}"
                  f"{answer / time_products(model, unheard[:2000]):13.1f}"
                  f"   {collections} garbage collections", flush=True)
            if arguments.page:
                for looked_at in (False, True):
                    cells = cells_of(*time_player(model, unheard[:3000], looked_at=looked_at))
                    print(f"  player, page {'open' if looked_at else 'none':9}{cells}", flush=True)
        if find_spec("pyod"):
            fit_s, wall, processor = time_peer(takes, unheard, min(1000, arguments.pushes))
            print(f"{'PyOD KNN':8}{minutes:6.0f} m{fit_s:8.1f}{cells_of(wall, processor)}"
                  f"{'':8}{'':8}{np.mean(processor):8.3f}  (answers alone)", flush=True)


if __name__ == "__main__":
    main()
