"""How well does familiarity tell a session from other music?

    python -m benchmarks.quality --sessions DIR_OR_FILE... --train 10 30 60 --peers

Learns the first T seconds of each track and asks of the rest: is it told from other tracks of the
same corpus (hard) and of other corpora (easy), from itself reversed (order), or cut into blocks of
400 ms and shuffled (shuffle)? Is another track noticed that breaks in for 2 s or 6 s (intrusion)?
Does one threshold serve all tracks (pooled)? And do changes that should not matter, 6 dB or 3 % of
speed, make no difference (soft6, loud6, slow3, fast3)? Figures are areas under the curve: .5 is
chance and 1 perfect; for the last four .5 is best. Then follow calibration on held-out blocks,
agreement between scorers, and with --neighbors other problems. Without --sessions, the tracks are
seeded synthetic jams.

With --background every scorer is run once more with a background, learned from the other half of
the tracks, which holds neither the tracks nor their strangers: a row ``knn+background`` beside
``knn``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from . import corpora, report, tasks
from .corpora import Track
from .tasks import Outcome, System

if TYPE_CHECKING:
    from barkcluster import Background

# Of a worker process: sent once, not with every job.
_tracks: list[Track] = []
_backgrounds: list[Background] = []        # one or none
_WITH_BACKGROUND = "+background"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark that the arguments ask for and print its tables."""
    args = _arguments(argv)
    names = _systems(args)
    everything = corpora.load(args.sessions) if args.sessions else corpora.synthetic()
    if args.corpora:
        everything = [t for t in everything if t.corpus in args.corpora]
    if args.background:
        from barkcluster import Background

        others = corpora.half(everything, "A" if args.half == "B" else "B")
        _backgrounds[:] = [Background().fit([t.frames for t in others if t.clips is None])]
    if args.half:
        everything = corpora.half(everything, args.half)
    music = [t for t in everything if t.clips is None]
    scored = corpora.spread(music, args.limit)
    print(f"{len(music)} tracks of {len({t.corpus for t in music})} corpora, {len(scored)} of them"
          f" learned; systems: {', '.join(names) or 'none'}")

    for train_s in args.train:
        n = sum(t.duration >= train_s + tasks.MIN_REST_S for t in scored)
        if n < len(scored):
            print(f"T = {train_s:g} s: {len(scored) - n} tracks are too short")

    outcomes: list[Outcome] = []
    calibrations: list[Outcome] = []
    for done, calibrated in _run(music, scored, names, args):
        outcomes += done
        calibrations += calibrated
    result = report.summarize(outcomes, calibrations, {t.key: t for t in scored})
    report.show(result, columns=args.columns, worst=args.worst)
    if args.neighbors:
        from . import neighbors

        nearby = neighbors.run(everything, [*names, *neighbors.IDENTIFIERS], make_system,
                               args.limit)
        neighbors.show(nearby)
        result["neighbors"] = nearby
    if args.json:
        result["arguments"] = {k: str(v) for k, v in vars(args).items()}
        args.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
        print(f"\nwritten: {args.json}")
    return 0


def make_system(name: str, scales: Sequence[float] | None = None) -> System:
    """A fresh system by the name it has on the command line.

    Parameters
    ----------
    name : str
        ``knn``, ``knn@0.5+2`` (with these scales), ``knn@1+6/0.2`` (and this hop),
        ``knn+background``, ``peer:pyod-knn``, ``neural:forecast``.
    scales : sequence of float or None
        Window lengths in seconds where the name says none; None for its own. Networks have one.
    """
    family, _, which = name.partition(":")
    if family == "peer":
        from .peers import make_peer

        return make_peer(which, scales)
    if family == "neural":
        from .neural import make_network

        return make_network(which)
    from .systems import Library

    background = _backgrounds[0] if name.endswith(_WITH_BACKGROUND) else None
    scorer, _, own = name.removesuffix(_WITH_BACKGROUND).partition("@")
    own, _, hop = own.partition("/")
    return Library(scorer, [float(s) for s in own.split("+")] if own else scales, background,
                   float(hop) if hop else None)


def _run(music: Sequence[Track], scored: Sequence[Track], names: Sequence[str],
         args: argparse.Namespace) -> Iterator[tuple[list[Outcome], list[Outcome]]]:
    """The outcomes of each track, with progress on stderr."""
    started = time.perf_counter()
    if args.jobs == 1:
        _tracks[:] = music
        for i, track in enumerate(scored):
            yield _job(track.key, names, args.train, args.tasks, args.calibration)
            _progress(started, i + 1, len(scored), track.key)
    else:
        with ProcessPoolExecutor(args.jobs, initializer=_receive,
                                 initargs=(music, _backgrounds)) as pool:
            jobs: dict[Future[tuple[list[Outcome], list[Outcome]]], str] = {
                pool.submit(_job, t.key, names, args.train, args.tasks, args.calibration): t.key
                for t in scored}
            for i, job in enumerate(as_completed(jobs)):
                yield job.result()
                _progress(started, i + 1, len(scored), jobs[job])
    print(file=sys.stderr)


def _receive(tracks: Sequence[Track], backgrounds: Sequence[Background]) -> None:
    _tracks[:] = tracks
    _backgrounds[:] = backgrounds


def _job(key: str, names: Sequence[str], trains: Sequence[float], asked: Sequence[str],
         calibration: bool) -> tuple[list[Outcome], list[Outcome]]:
    track = next(t for t in _tracks if t.key == key)
    outcomes = [tasks.evaluate(make_system(name), track, _tracks, train_s, asked)
                for train_s in trains if track.duration >= train_s + tasks.MIN_REST_S
                for name in names]
    blocks = [tasks.calibration(make_system(name), track) for name in names if calibration]
    return outcomes, [b for b in blocks if b is not None]


def _progress(started: float, done: int, n: int, key: str) -> None:
    spent = time.perf_counter() - started
    left = spent / done * (n - done)
    print(f"\r{done}/{n}  {spent:.0f} s, {left:.0f} s to go  {key[:50]:50}", end="",
          file=sys.stderr, flush=True)


def _systems(args: argparse.Namespace) -> list[str]:
    names = list(args.scorers) if args.scorers is not None else _all_scorers()
    if names:
        _check_names("--scorers", names, _all_scorers())
    if args.scales or args.hop:
        own = "+".join(f"{s:g}" for s in args.scales or ())
        hop = f"/{args.hop:g}" if args.hop else ""
        names = [f"{name}@{own}{hop}" for name in names]
    if args.background:
        if not args.half:
            raise ValueError("--background needs --half: it is learned from the other one.")
        names = [n for name in names for n in (name, f"{name}{_WITH_BACKGROUND}")]
    if args.peers is not None:
        from .peers import PEERS

        _check_names("--peers", args.peers, list(PEERS))
        names += _peers(args.peers, args.peer_windows)
    if args.neural is not None:
        from .neural import NETWORKS

        _check_names("--neural", args.neural, list(NETWORKS))
        names += [f"neural:{name}" for name in args.neural or NETWORKS]
    return names


def _peers(asked: Sequence[str], windows: str) -> list[str]:
    """The peers that can be run; of the others, why not."""
    from .peers import NARROW, PEERS, SLOW

    without = {p: f"{why}; --peers {p} runs it" for p, why in SLOW.items() if not asked}
    names = []
    for peer in asked or PEERS:
        try:
            make_system(f"peer:{peer}")
        except ImportError as error:
            without[peer] = str(error)
        if peer not in without and windows != "library":
            names.append(f"peer:{peer}")
        if peer not in without and windows != "own":
            if peer in NARROW:
                without[f"{peer} on the library's windows"] = NARROW[peer]
            else:
                names.append(f"peer:{peer}/library")
    for peer, why in without.items():
        print(f"left out: {peer}: {why}")
    return names


def _check_names(option: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise ValueError(f"{option} must be among {', '.join(known)}; got {name}.")


def _all_scorers() -> list[str]:
    from barkcluster import SCORERS

    return list(SCORERS)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0],
                                     epilog="The tasks are defined in tasks.py.")
    add = parser.add_argument
    add("--sessions", nargs="+", type=Path, metavar="DIR|FILE",
        help=".npz corpora, session text files, folders of them (default: synthetic jams)")
    add("--corpora", nargs="+", metavar="NAME", help="only these corpora")
    add("--half", choices=["A", "B"], help="tune on one half, confirm on the other")
    add("--limit", type=int, metavar="N", help="learn only N tracks, evenly over the corpora")
    add("--train", nargs="+", type=float, default=[10, 30, 60, 300], metavar="T",
        help="seconds to learn (default: 10 30 60 300); shorter tracks are skipped")
    add("--tasks", nargs="+", default=list(tasks.TASKS), choices=tasks.TASKS, metavar="TASK",
        help=f"only these of {', '.join(tasks.TASKS)}")
    add("--scorers", nargs="*", metavar="NAME", help="scorers to run (default: all; may be none)")
    add("--scales", nargs="+", type=float, metavar="S",
        help="window lengths in seconds (default: the model's)")
    add("--hop", type=float, metavar="S", help="seconds between answers (default: the model's)")
    add("--background", action="store_true",
        help="the scorers with a background of the other half, too")
    add("--peers", nargs="*", metavar="NAME", help="other libraries too, all or those named")
    add("--peer-windows", choices=["own", "library", "both"], default="own",
        help="what peers look at (default: own habits)")
    add("--neural", nargs="*", metavar="NAME", help="small networks too (needs PyTorch)")
    add("--neighbors", action="store_true",
        help="composer, speaker and digit, artist retrieval, where the corpora have them")
    add("--no-calibration", dest="calibration", action="store_false")
    add("--columns", action="store_true", help="also each scale, and each conversion of a peer")
    add("--worst", type=int, default=0, metavar="N", help="list the N worst tracks of each task")
    add("--json", type=Path, metavar="FILE", help="write every figure of every track")
    add("--jobs", type=int, default=1, choices=[1, 2], help="processes (default: 1)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"quality.py: {error}")
