"""One page about sessions: strange moments, motifs, a map, the tempo."""

from __future__ import annotations

import argparse

import barkcluster
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._files import Skipped, add_strict
from ._options import add_learning, add_reading, check_output, make_model, read_checked

_DESCRIPTION = """\
Writes one HTML page about sessions that needs no other file: familiarity over time, strange
moments, motifs, a map, the tempo. Each session is judged by its own first 40 %, or all of them by
what --train names.
"""
_EPILOG = """\
examples:
  barkcluster report jam.txt -o report.html
  barkcluster report now.txt other.txt --train jam.txt -o report.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster report` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("sessions", nargs="+", metavar="SESSION", help="session or sound files")
    parser.add_argument("-o", "--output", required=True, metavar="PAGE",
                        help="page to write (.html)")
    parser.add_argument("--train", nargs="+", default=[], metavar="FILE",
                        help="learn these files, as separate takes, rather than each session's "
                             "first 40%%")
    add_strict(parser)
    add_learning(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, learn, write."""
    # Here, so that --help is there at once.
    from sklearn.base import clone

    from barkcluster.display.report.contents import report_on, report_on_itself
    from barkcluster.display.report.page import write_report

    check_output(args.output, [*args.sessions, *args.train, args.background])
    reports = []
    with progress(2 * len(args.sessions) + len(args.train) + 1) as step:
        model = make_model(args)
        takes: list[barkcluster.Session] = []
        skipped = Skipped(len(args.sessions) + len(args.train), args.strict)
        for path in args.train:
            step(f"reading {path}")
            with skipped.tried(path):
                takes.append(read_checked(path, args))
        if args.train and not takes:
            raise ValueError("--train must name a file that can be read; got none.")
        if takes:
            step("learning")
            model.fit(takes)
        names = ", ".join(take.name or "a session without a name" for take in takes)
        if len(takes) > 1:
            names += " (times of what was learned count on from one to the next)"
        for path in args.sessions:
            step(f"reading {path}")
            with skipped.tried(path):
                session = read_checked(path, args)
                step(f"listening to {path}")
                reports.append(report_on(session, model, names) if takes
                               else report_on_itself(session, clone(model)))
        if not reports:
            raise ValueError("SESSION must name a file that can be read; got none.")
        write_report(reports, args.output)
    many = f"{len(reports)} sessions" if len(reports) > 1 else (
        reports[0].session.name or "one session")
    print(printable(f"{args.output}: {many}. Open it in a browser."))
    skipped.tell()
