"""Familiarity of each moment of a session, given others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import barkcluster
from barkcluster._clock import clock
from barkcluster._familiarity import STRANGE, shown_familiarity
from barkcluster.display.bars import draw_timeline
from barkcluster.display.moments import strange_moments
from barkcluster.display.picture import check_picture, timeline_picture
from barkcluster.display.progress import Step, progress
from barkcluster.display.terminal import Style, printable, style_for, table, terminal_width
from barkcluster.files.kinds import is_model

from ._options import add_color, add_learning, add_reading, check_output, learned, read

_DESCRIPTION = """\
Learns the TRAIN files, separate takes of one session, and says how familiar each moment of NEW
is: 0.5 is as familiar as a typical moment of that session, near 1 was heard before, 0.05 is
stranger than 95 % of it. In place of the TRAIN files, a model file of `barkcluster fit` will do.
"""
_EPILOG = """\
examples:
  barkcluster score jam.txt now.txt
  barkcluster score take1.txt take2.txt now.wav --scorer gmm --csv now.csv --plot now.png
  barkcluster score jam.npz now.txt --csv - | head
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster score` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.usage = "%(prog)s [options] TRAIN [TRAIN ...] NEW"
    parser.add_argument("train", nargs="+", metavar="TRAIN",
                        help="session or sound files to learn, or one model file")
    parser.add_argument("new", metavar="NEW", help="session or sound file to score")
    parser.add_argument("--csv", metavar="FILE",
                        help="write a table of all moments; - for standard output")
    parser.add_argument("--plot", metavar="FILE",
                        help="draw a picture (png, svg, pdf); needs the extra `plot`")
    add_color(parser)
    add_learning(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load a model, score the new session, print and write the results."""
    inputs = [*args.train, args.new, args.background]
    check_output(args.csv, inputs)
    check_output(args.plot, inputs)
    if args.plot is not None:
        check_picture(args.plot)
    with progress(len(args.train) + 2) as step:
        model = _model(args, step)
        step(f"scoring {args.new}")
        session = read(args.new, args)
        try:
            timeline = model.timeline(session)
        except ValueError as error:  # of several files, it is this one
            raise ValueError(f"{args.new}: {error}") from error
    if args.plot is not None:
        title = printable(f"{Path(args.new).name}, by what was learned of {_names(args.train)}")
        timeline_picture(session, timeline, title=title).savefig(args.plot, dpi=100)
    if args.csv == "-":
        timeline.to_csv(sys.stdout)
        return
    if args.csv is not None:
        timeline.to_csv(args.csv)
    print(_summary(args, model, timeline, style_for(sys.stdout, args.color)))


def _model(args: argparse.Namespace, step: Step) -> barkcluster.FamiliarityModel:
    models = [path for path in args.train if is_model(path)]
    if not models:
        return learned(args.train, args, step)
    if len(args.train) > 1:
        raise ValueError(f"{models[0]} is a model file: it must be the only TRAIN; got "
                         f"{len(args.train)}.")
    if (args.scorer, args.scales, args.background) != (None, None, None):
        raise ValueError(f"{models[0]} is a model file: its scorer, scales and background are "
                         "those it was learned with. Leave out --scorer, --scales, --background.")
    step(f"reading {models[0]}")
    return barkcluster.load_model(models[0])


def _names(paths: list[str]) -> str:
    first = Path(paths[0]).name
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"


def _summary(args: argparse.Namespace, model: barkcluster.FamiliarityModel,
             timeline: barkcluster.Timeline, style: Style) -> str:
    familiarity = timeline.familiarity
    shown = strange_moments(timeline)
    rows = [[clock(timeline.times[row], 1), shown_familiarity(familiarity[row]),
             *map(shown_familiarity, timeline.by_scale[row])] for row in shown]
    title = (f"strangest moments, below {STRANGE:g}" if familiarity[shown[0]] < STRANGE
             else "nothing was strange: the least familiar moment")
    header = ["ends at", "familiarity", *(f"{scale:g} s" for scale in timeline.scales)]
    return "\n".join([
        printable(f"{Path(args.new).name}, by {clock(model.duration_)} of {_names(args.train)}:"),
        "",
        draw_timeline(timeline, style, width=terminal_width()),
        "",
        f"mean familiarity {familiarity.mean():.2f}; below {STRANGE:g}: "
        f"{100 * np.mean(familiarity < STRANGE):.1f} % of the time (more of the same: about 5 %)",
        "",
        style.bold(title),
        table(header, rows, style)])
