"""Beats per minute of session and sound files."""

from __future__ import annotations

import argparse
import math
import sys

import barkcluster
from barkcluster.display.progress import progress
from barkcluster.display.terminal import style_for, table

from ._files import Skipped, add_strict
from ._options import add_color, add_reading, read

_DESCRIPTION = """\
Estimates the tempo of each FILE: beats per minute, a confidence from 0 to 1, and what else it may
be, with shares of the evidence. Doubt is mostly about the octave: --bpm-range settles it.
"""
_EPILOG = """\
examples:
  barkcluster tempo jam.txt
  barkcluster tempo take1.wav take2.wav --bpm-range 60 110
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster tempo` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("files", nargs="+", metavar="FILE", help="session or sound file")
    parser.add_argument("--bpm-range", nargs=2, type=float, default=(40.0, 240.0),
                        metavar=("SLOWEST", "FASTEST"),
                        help="tempi to consider, in beats per minute (default: 40 240)")
    add_strict(parser)
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Estimate and print the tempo of each file."""
    rows = []
    skipped = Skipped(len(args.files), args.strict)
    with progress(len(args.files)) as step:
        for path in args.files:
            step(f"listening to {path}")
            with skipped.tried(path):
                tempo = barkcluster.estimate_tempo(read(path, args),
                                                   bpm_range=tuple(args.bpm_range))
                rows.append(_row(path, tempo))
    print(table(["file", "bpm", "confidence", "or else"], rows,
                style_for(sys.stdout, args.color)))
    skipped.tell()


def _row(path: str, tempo: barkcluster.Tempo) -> list[str]:
    others = ", ".join(f"{other.bpm:.1f} ({other.share:.2f})" for other in tempo.candidates[1:4])
    bpm = "none" if math.isnan(tempo.bpm) else f"{tempo.bpm:.1f}"
    return [path, bpm, f"{tempo.confidence:.2f}", others or "-"]
