"""Hear other programs play, and tell them how familiar it is."""

from __future__ import annotations

import argparse
import ctypes
import gc
import math
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import barkcluster
from barkcluster.display.terminal import clock

from ._options import add_learning, background_of, check_folder_of, make_model, positive

if TYPE_CHECKING:
    from barkcluster.live.addresses import Address
    from barkcluster.live.player import Player

_DESCRIPTION = """\
Hears frames from other programs, learns them as they come, and says each tenth of a second how
familiar it is what it hears. It starts from nothing: the first readings come after some seconds.
Ctrl-C or SIGTERM ends it; what was gathered is on disk then.

sources (--in) and sinks (--out):
  osc://127.0.0.1:7400/bark     Max, SuperCollider, TouchDesigner, Pd: 25 numbers a message
  fudi-udp://127.0.0.1:7400     Pure Data: bark f f f ...;
  fudi-tcp://127.0.0.1:7400     the same over a connection
  udp-text://127.0.0.1:7400     lines of text
  file:session.txt              a file that another program appends to (--out: is appended to)
  latest:now.txt                --out only: a file that always holds the newest line alone
  mic                           --in only: the microphone
  -                             standard input and output
several --in are several players, each with a stream of its own: name them, --in alice=osc://...

sent: /familiarity f, /familiarity/scales f f ..., /novelty f, /tempo bpm confidence, and each
second /status. A scale that is not known yet is -1. To be told: retrain, reset, save NAME,
load NAME, pause 0|1, as messages to any source.
"""
_EPILOG = """\
examples:
  barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401
  barkcluster live --in fudi-udp://127.0.0.1:3000 --out fudi-udp://127.0.0.1:3001 --gather jam.txt
  barkcluster live --in file:session.txt --out -
  barkcluster live --wekinator
"""
# From malloc.h of the GNU C library, and its own default, which would grow.
_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD_BYTES = 1 << 17
# Threads that receive, load and save hand the interpreter back after so long, not after 5 ms.
_SWITCH_INTERVAL_S = 0.0005
_WEKINATOR = ("osc://127.0.0.1:6448/wek/inputs", "osc://127.0.0.1:12000/wek/outputs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster live` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("--in", dest="sources", action="append", metavar="[NAME=]ADDRESS",
                        help="where frames come from")
    parser.add_argument("--out", dest="sinks", action="append", metavar="ADDRESS",
                        help="where readings go to (default: only the view)")
    parser.add_argument("--wekinator", action="store_true",
                        help="hear /wek/inputs at 6448, tell /wek/outputs at 12000")
    parser.add_argument("--bind", metavar="HOST",
                        help="listen to other machines: 0.0.0.0, or this machine's address")
    parser.add_argument("--frame-rate", type=positive, default=100.0, metavar="HZ",
                        help="frames per second (default: 100)")
    parser.add_argument("--units", choices=("db", "linear"), default="db",
                        help="what the numbers are: levels in dB, or linear powers (default: db)")
    parser.add_argument("--quiet", action="store_true", help="show nothing but the end")
    parser.add_argument("--seconds", type=positive, default=math.inf, metavar="S",
                        help="end after so long (default: never)")
    memory = parser.add_argument_group("the session")
    memory.add_argument("--gather", metavar="FILE",
                        help="write what is heard to a session file, and go on from what is in "
                             "it; with several players, FILE gets their names")
    memory.add_argument("--model", metavar="MODEL", help="a model file to begin with")
    memory.add_argument("--every", type=positive, default=30.0, metavar="S",
                        help="learn again after so many new seconds (default: 30)")
    memory.add_argument("--minutes", type=positive, default=30.0, metavar="MIN",
                        help="how much to remember (default: 30)")
    memory.add_argument("--keep", choices=("newest", "thinned"), default="newest",
                        help="of a longer session, the newest minutes or some of all of it "
                             "(default: newest)")
    memory.add_argument("--no-learning", action="store_true",
                        help="answer by --model alone, learn and gather nothing")
    memory.add_argument("--folder", default=".", metavar="FOLDER",
                        help="where `save` and `load` find files (default: here)")
    add_learning(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Open everything, hear and tell until the end, close everything."""
    from barkcluster.live.addresses import parse_sink, parse_source
    from barkcluster.live.loop import Live, Source
    from barkcluster.live.sinks import open_sink
    from barkcluster.live.view import View

    addresses = [parse_source(text, bind=args.bind) for text in args.sources or ()]
    outputs = [(parse_sink(text), False) for text in args.sinks or ()]
    if args.wekinator:
        addresses.append(parse_source(_WEKINATOR[0], bind=args.bind))
        outputs.append((parse_sink(_WEKINATOR[1]), True))
    if not addresses:
        raise ValueError("live needs a source: --in osc://127.0.0.1:7400/bark, for one.")
    if args.no_learning and args.model is None:
        raise ValueError("--no-learning needs a model to answer by: --model jam.npz.")
    check_folder_of(args.gather)
    _give_memory_back()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)

    with ExitStack() as stack:
        players = []
        for i, address in enumerate(addresses):
            name = address.name or ("" if len(addresses) == 1 else str(i + 1))
            players.append(_player(args, address, name))
            stack.callback(players[-1].close)
        sinks = []
        for address, single in outputs:
            sinks.append(open_sink(address, single=single))
            stack.callback(sinks[-1].close)
        live = Live([Source(*pair) for pair in zip(addresses, players, strict=True)], sinks,
                    units=args.units)
        stack.callback(live.close)
        view = None if args.quiet or not sys.stderr.isatty() else View(players)
        if view is not None:
            stack.callback(view.close)
        # What is imported by now never becomes garbage, and to look through it takes some ms.
        gc.freeze()
        end = time.monotonic() + args.seconds
        stopped = _stop_on_sigterm()
        with suppress(KeyboardInterrupt):
            live.run(until=lambda: stopped.is_set() or time.monotonic() >= end,
                     tick=_nothing if view is None else view.show)
    for player in players:
        title = f"{player.name}: " if player.name else ""
        print(f"{title}heard {clock(player.stream.heard)}; {player.n_received} frames received, "
              f"{player.n_rejected} rejected, {player.n_late} late; "
              f"{player.stream.n_learned} models learned.", file=sys.stderr)
    if live.last_error:
        print(f"last rejected: {live.last_error}", file=sys.stderr)


def _player(args: argparse.Namespace, address: Address, name: str) -> Player:
    """The player of a source, with a stream and a file of its own."""
    from barkcluster.live.addresses import is_live
    from barkcluster.live.player import Player
    from barkcluster.retraining.stream import RetrainingStream
    from barkcluster.tempo import TempoTracker

    if args.model is None:
        model = make_model(args).set_params(frame_rate=args.frame_rate)
    else:
        # A model file holds what it learned of a background, but not the background itself.
        model = barkcluster.load_model(args.model).set_params(background=background_of(args))
    gather = None if args.gather is None or args.no_learning else Path(args.gather)
    if gather is not None and name:
        gather = gather.with_stem(f"{gather.stem}-{name}")
    stream = RetrainingStream(model, every=args.every, minutes=args.minutes, keep=args.keep,
                              session_path=gather)
    stream.paused = args.no_learning
    tracker = TempoTracker(frame_rate=stream.stream.features.frame_rate)
    return Player(name, stream, tracker, Path(args.folder), live=is_live(address))


def _give_memory_back() -> None:
    """Let the arrays of a model that was swapped out go back to the system.

    The GNU C library keeps room once used for the thread that used it, and every model is loaded
    by a thread of its own: four players came to hold a hundred megabytes of nothing. Other
    systems' libraries have no such function, or ignore it.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def _stop_on_sigterm() -> threading.Event:
    """An event that SIGTERM sets."""
    stopped = threading.Event()

    def stop(signal_number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    return stopped


def _nothing() -> None:
    """For a view that is not there."""
