"""Which sessions of a folder another one is like."""

from __future__ import annotations

import argparse
import sys

from barkcluster.display.terminal import style_for, table

from ._gallery import add_gallery, gallery_of
from ._options import add_color, add_reading, read

_DESCRIPTION = """\
Ranks the sessions of a folder by how familiar QUERY is to each: the share of pieces of the
folder's own sessions that are at least as strange to the session they are from. A subfolder is one
name, with a session in each of its files.
"""
_EPILOG = """\
examples:
  barkcluster rank now.txt sessions/
  barkcluster rank now.txt sessions/ --save gallery
  barkcluster rank other.txt gallery -n 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster rank` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("query", metavar="QUERY", help="session or sound file")
    add_gallery(parser)
    parser.add_argument("-n", "--most", type=int, default=10, metavar="N",
                        help="print so many at most (default: 10)")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load, rank, show."""
    query = read(args.query, args)
    ranking = gallery_of(args).rank(query)
    rows = [[name, f"{familiarity:.3g}"] for name, familiarity in ranking[:max(1, args.most)]]
    print(table(["name", "familiarity"], rows, style_for(sys.stdout, args.color)))
