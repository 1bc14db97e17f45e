"""All scorers side by side on your own session."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import barkcluster
from barkcluster.display.progress import progress
from barkcluster.display.terminal import Style, clock, printable, style_for, table

from ._options import add_color, add_reading, add_seed, positive, read, scales
from ._race import Run, agreement, auc, number, race

_DESCRIPTION = """\
Lets every scorer learn the beginning of a session and score the rest: what they say, how fast
they are, how far they agree. With intrusions, sounds that are none of this session's, also how
well they tell them from the rest of it.
"""
_EPILOG = """\
examples:
  barkcluster compare jam.txt
  barkcluster compare jam.txt --train 60 --intrusions radio.txt other.wav
  barkcluster compare jam.txt --train 25%
"""
_DEFAULT_SHARE = 0.4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster compare` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("session", metavar="SESSION", help="session or sound file")
    parser.add_argument("--train", type=_length, default=(_DEFAULT_SHARE, True),
                        metavar="SECONDS|SHARE%",
                        help="how much to learn: 60, or 40%% of the session (default: 40%%)")
    parser.add_argument("--intrusions", nargs="+", default=[], metavar="FILE",
                        help="session or sound files of something else")
    parser.add_argument("--scales", type=scales, metavar="S,S,...",
                        help="window lengths in seconds (default: the model's own)")
    add_seed(parser)
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, race, show."""
    style = style_for(sys.stdout, args.color)
    with progress(1 + len(args.intrusions)) as step:
        step(f"reading {args.session}")
        session = read(args.session, args)
        intrusions = []
        for path in args.intrusions:
            step(f"reading {path}")
            intrusions.append(read(path, args))
    length, is_share = args.train
    train_s = session.elapsed(length * session.duration) if is_share else length
    if not train_s < session.span:
        raise ValueError(f"--train must leave something to score: {args.session} lasts "
                         f"{session.span:g} s; got {train_s:g} s.")
    runs = race(session, train_s, args.seed, args.scales)
    answers = [[r.model.timeline(intrusion) for intrusion in intrusions] for r in runs]
    name = printable(Path(args.session).name)
    print(f"{name}: learned the first {clock(train_s, 1)}, scored the other "
          f"{clock(session.span - train_s, 1)}.\n")
    print(_results(runs, answers, style))
    if len(intrusions) > 1:
        print(f"\n{style.bold('AUC against each')}\n")
        rows = [[Path(path).name, *(number(_auc(r, [told[i]]), 3)
                                    for r, told in zip(runs, answers, strict=True))]
                for i, path in enumerate(args.intrusions)]
        print(table(["intrusion", *(r.name for r in runs)], rows, style))
    print(f"\n{style.bold('agreement')} (rank correlation of the familiarity, moment by moment)\n")
    correlations = agreement(runs)
    print(table(["", *(r.name for r in runs)],
                [[r.name, *(number(value, 2) for value in row)]
                 for r, row in zip(runs, correlations, strict=True)], style))


def _length(text: str) -> tuple[float, bool]:
    """Seconds, or a share of the session and True."""
    if not text.endswith("%"):
        return positive(text), False
    share = positive(text.removesuffix("%")) / 100
    if share >= 1:
        raise argparse.ArgumentTypeError(f"must be less than 100%; got {text!r}.")
    return share, True


def _results(runs: Sequence[Run], answers: Sequence[Sequence[barkcluster.Timeline]],
             style: Style) -> str:
    header = ["scorer", "mean", "< 0.05", "< 0.2", "fit", "real time"]
    rows = []
    for r in runs:
        values = r.timeline.familiarity
        rows.append([r.name, f"{values.mean():.2f}", f"{100 * np.mean(values < 0.05):.1f} %",
                     f"{100 * np.mean(values < 0.2):.1f} %", f"{r.fit_s:.2f} s",
                     f"{r.speed:,.0f} x"])
    notes = "Of more of the same, about 5 % is below 0.05, 20 % below 0.2, and the mean is 0.5."
    if any(answers):
        header.insert(4, "AUC")
        for row, r, told in zip(rows, runs, answers, strict=True):
            row.insert(4, number(_auc(r, told), 3))
        notes += ("\nAUC: how often an intrusion's moment is less familiar than one of the rest; "
                  "0.5 is chance.")
    return f"{table(header, rows, style)}\n\n{style.dim(notes)}"


def _auc(r: Run, told: Sequence[barkcluster.Timeline]) -> float:
    return auc(np.concatenate([_warm(timeline) for timeline in told]), _warm(r.timeline))


def _warm(timeline: barkcluster.Timeline) -> npt.NDArray[np.float64]:
    """Familiarity from when all scales are full, or all of it if they never are."""
    full = ~np.isnan(timeline.by_scale).any(axis=1)
    return timeline.familiarity[full] if full.any() else timeline.familiarity
