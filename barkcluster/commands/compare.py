"""All scorers side by side on your own session."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import barkcluster
from barkcluster._clock import clock
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable, style_for, table
from barkcluster.scorers import SCORER_NAMES

from ._options import add_color, add_reading, add_seed, positive, read, scales

_DESCRIPTION = """\
Compares the scorers on your session. Each learns the beginning and scores the rest: how familiar
the rest is to it, how fast it is, how far it agrees with the others. With --intrusions, sounds
that are not of this session, also how well it tells them from the rest.
"""
_EPILOG = """\
examples:
  barkcluster compare jam.txt
  barkcluster compare jam.txt --train 60 --intrusions radio.txt other.wav
  barkcluster compare jam.txt --train 25%
"""
_DEFAULT_SHARE = 0.4
_NOTES = ("If the session goes on as it began, about 5 % is below 0.05, 20 % below 0.2, and the "
          "mean is 0.5.\nAgreement: mean rank correlation with the other scorers.")
_OF_INTRUSIONS = ("\nAUC: how often an intrusion's moment is less familiar than one of the rest; "
                  "0.5 is chance.\nAUC 1 s: the same for windows of 1 s alone.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster compare` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("sessions", metavar="SESSION", nargs="+",
                        help="session or sound file: one")
    parser.usage = "%(prog)s [options] SESSION"
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
    """Read, compare, show."""
    from barkcluster.comparison import figure  # after the parser, for it takes scikit-learn

    if len(args.sessions) > 1:
        raise ValueError(f"compare takes one SESSION and splits it; got {len(args.sessions)}. "
                         f"Sounds of something else: compare {args.sessions[0]} --intrusions "
                         f"{' '.join(args.sessions[1:])}. Several takes: score.")
    (path,) = args.sessions
    style = style_for(sys.stdout, args.color)
    with progress(1 + len(args.intrusions)) as step:
        step(f"reading {path}")
        session = read(path, args)
        intrusions = []
        for other in args.intrusions:
            step(f"reading {other}")
            intrusions.append(read(other, args))
    length, is_share = args.train
    train_s = session.elapsed(length * session.duration) if is_share else length
    if not train_s < session.span:
        raise ValueError(f"--train must leave something to score: {path} lasts "
                         f"{session.span:g} s; got {train_s:g} s.")
    options = {} if args.scales is None else {"scales": args.scales}
    with progress(len(SCORER_NAMES)) as step:
        compared = barkcluster.compare_scorers(
            session, intrusions=intrusions, train=train_s, random_state=args.seed, on_step=step,
            **options)
    name = printable(Path(path).name)
    print(f"{name}: learned the first {clock(train_s, 1)}, scored the other "
          f"{clock(session.span - train_s, 1)}.\n")
    print(compared.table(style))
    print("\n" + style.dim(_NOTES + (_OF_INTRUSIONS if intrusions else "")))
    if len(intrusions) > 1:
        print(f"\n{style.bold('AUC against each')}\n")
        rows = [[Path(other).name, *(figure(values[i], 3)
                                     for values in compared.auc_of_intrusions.values())]
                for i, other in enumerate(args.intrusions)]
        print(table(["intrusion", *compared.models], rows, style))
    print(f"\n{style.bold('agreement')} (rank correlation of the familiarity, moment by moment)\n")
    print(table(["", *compared.models],
                [[name, *(figure(value, 2) for value in row)]
                 for name, row in zip(compared.models, compared.agreement, strict=True)], style))


def _length(text: str) -> tuple[float, bool]:
    """Seconds, or a share of the session and True."""
    if not text.endswith("%"):
        return positive(text), False
    share = positive(text.removesuffix("%")) / 100
    if share >= 1:
        raise argparse.ArgumentTypeError(f"must be less than 100%; got {text!r}.")
    return share, True
