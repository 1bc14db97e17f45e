"""What repeats in a session, and what only this session has."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator

import barkcluster
from barkcluster._clock import clock
from barkcluster.display.progress import Step, progress
from barkcluster.display.terminal import style_for, table

from ._options import add_color, add_reading, count, positive, read

_DESCRIPTION = """\
Finds the patterns that recur in FILE, 1 to 16 s long: how often, how alike (0 to 1) and where,
those that explain most of the session first. With --unique-to, only the patterns and moments that
the OTHER sessions lack.
"""
_EPILOG = """\
examples:
  barkcluster motifs jam.txt
  barkcluster motifs now.txt --unique-to jam.txt other.txt
"""
_MOST_STARTS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster motifs` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("file", metavar="FILE", help="session or sound file")
    parser.add_argument("--unique-to", nargs="+", metavar="OTHER", default=(),
                        help="sessions to compare with: show what they lack")
    parser.add_argument("--shortest", type=positive, default=1.0, metavar="S",
                        help="seconds of the shortest motifs (default: 1)")
    parser.add_argument("--longest", type=positive, default=16.0, metavar="S",
                        help="lengths double up to this (default: 16)")
    parser.add_argument("-n", "--most", type=count, default=10, metavar="N",
                        help="motifs to show, at most (default: 10)")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Find and show."""
    with progress(1 + len(args.unique_to)) as step:
        step(f"looking for motifs in {args.file}")
        session = read(args.file, args)
        if not args.unique_to:
            motifs = barkcluster.find_motifs(session, shortest=args.shortest,
                                             longest=args.longest, max_motifs=args.most)
        else:
            unique = barkcluster.unique_to(
                session, _others(args, step), shortest=args.shortest, longest=args.longest,
                window=2 * args.shortest, max_motifs=args.most)
    if not args.unique_to:
        print(_motifs(motifs, args))
        return
    print(_motifs(list(unique.motifs), args))
    shown = [f"{clock(part.start, 1)} to {clock(part.stop, 1)}" for part in unique.stretches]
    print(f"\nmoments that the others lack: {', '.join(shown) or 'none'}")


def _others(args: argparse.Namespace, step: Step) -> Iterator[barkcluster.Session]:
    """The sessions to compare with, read as they are needed."""
    for path in args.unique_to:
        step(f"comparing with {path}")
        yield read(path, args)


def _motifs(motifs: list[barkcluster.Motif], args: argparse.Namespace) -> str:
    if not motifs:
        return "no motifs"
    rows = []
    for motif in motifs:
        starts = " ".join(clock(start, 1) for start in motif.starts[:_MOST_STARTS])
        if len(motif) > _MOST_STARTS:
            starts += f" and {len(motif) - _MOST_STARTS} more"
        rows.append([f"{motif.length:g} s", f"{len(motif)}", f"{motif.similarity:.2f}",
                     "-" if math.isnan(motif.bpm) else f"{motif.bpm:.0f}",
                     f"{motif.loudness:.0f} dB", clock(motif.representative, 1), starts])
    return table(["length", "times", "alike", "bpm", "loudness", "best at", "starts"], rows,
                 style_for(sys.stdout, args.color), (0, 6))
