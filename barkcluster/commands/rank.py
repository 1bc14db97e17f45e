"""Which sessions of a folder another one is like."""

from __future__ import annotations

import argparse

from barkcluster.display.progress import progress

from ._files import files_of
from ._gallery import Asked, add_gallery, gallery_of
from ._options import add_color, add_reading, check_output, count

_DESCRIPTION = """\
Ranks the names in DIR by how familiar QUERY is to each. A file in DIR is a name; so is a
subfolder, with a session in each of its files and in those of folders below. Familiarity is the
share of pieces of the known sessions, held out while they were learned, that are at least as
strange to their own name. A QUERY may be a folder: all sessions in it and below.
"""
_EPILOG = """\
examples:
  barkcluster rank now.txt sessions/
  barkcluster rank now.txt sessions/ --save gallery
  barkcluster rank other.txt gallery -n 3
  barkcluster rank found/ gallery -n 1 --csv nearest.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster rank` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("queries", nargs="+", metavar="QUERY",
                        help="session or sound files, or folders of them")
    add_gallery(parser)
    parser.add_argument("-n", "--most", type=count, default=10, metavar="N",
                        help="names to show for each QUERY, at most (default: 10)")
    parser.add_argument("--csv", metavar="FILE",
                        help="write the rankings to FILE as csv; -: print them as csv")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load, rank, show."""
    # Here, so that --help is there at once.
    from ._evaluation import write_rows

    check_output(args.csv, args.queries)
    files = files_of(args.queries)
    asked = Asked(files, args)
    gallery = gallery_of(args)
    rows = []
    with progress(asked.n_files) as step:
        for path, query in asked.each(step, "ranking"):
            with asked.skipped.tried(path):
                rows += [[path, name, f"{familiarity:.3g}"] for name, familiarity in
                         gallery.rank(query)[:args.most]]
    # A single query needs no column of its own on the screen; in csv the columns are always the
    # same.
    first = 1 if args.csv is None and len(files) == 1 else 0
    write_rows(["session", "name", "familiarity"][first:], [row[first:] for row in rows], args)
    asked.skipped.tell()
