"""Which session of a folder another one belongs to, or none."""

from __future__ import annotations

import argparse
from functools import partial

from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._files import read_each
from ._gallery import add_gallery, gallery_of
from ._options import add_reading, positive, read

_DESCRIPTION = """\
Prints, for each QUERY, the name in the folder that it belongs to, or "none of them". A subfolder
is one name, with a session in each of its files.
"""
_EPILOG = """\
examples:
  barkcluster identify now.txt other.txt sessions/
  barkcluster identify now.txt sessions/ --false-alarms 0.01
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster identify` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.usage = "%(prog)s [options] QUERY [QUERY ...] DIR"
    parser.add_argument("queries", nargs="+", metavar="QUERY", help="session or sound files")
    add_gallery(parser)
    parser.add_argument("--false-alarms", type=positive, default=0.05, metavar="SHARE",
                        help="share of what does belong to a name that may be called none of "
                             "them (default: 0.05)")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load, identify, say."""
    with progress(len(args.queries)) as step:
        paths, queries, skipped = read_each(args.queries, args.strict, partial(read, args=args),
                                            step)
    gallery = gallery_of(args).set_params(false_alarm_rate=args.false_alarms)
    for path, query in zip(paths, queries, strict=True):
        with skipped.tried(path):
            name = gallery.identify(query)
            print(printable(f"{path}: {'none of them' if name is None else name}"))
    skipped.tell()
