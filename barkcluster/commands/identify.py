"""Which session of a folder another one belongs to, or none; how well that goes."""

from __future__ import annotations

import argparse

from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._files import files_of
from ._gallery import Asked, add_gallery, gallery_of
from ._options import add_color, add_reading, check_output, count, share

_DESCRIPTION = """\
Prints, for each QUERY, the name in DIR that it belongs to, or "none of them". A file in DIR is a
name; so is a subfolder, with a session in each of its files and in those of folders below. A QUERY
may be a folder: all sessions in it and below. With --evaluate there is no QUERY: whole sessions of
DIR are held out in turn, and named by a gallery that learned the others.
"""
_EPILOG = """\
examples:
  barkcluster identify now.txt other.txt sessions/
  barkcluster identify now.txt sessions/ --false-alarms 0.01
  barkcluster identify found/ sessions/ --strangers --csv found.csv
  barkcluster identify --evaluate sessions/ --page sessions.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster identify` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.usage = "%(prog)s [options] (QUERY [QUERY ...] DIR | --evaluate DIR)"
    queries = parser.add_argument("queries", nargs="+", metavar="QUERY",
                                  help="session or sound files, or folders of them")
    folder = add_gallery(parser)
    parser.add_argument("--false-alarms", type=share, default=0.05, metavar="SHARE",
                        help="share of the sessions that do belong to a name that may be called "
                             "none of them (default: 0.05)")
    evaluated = parser.add_argument(
        "--evaluate", action=_Instead, metavar="DIR",
        help="hold out sessions of this folder, and say how often they are named rightly")
    evaluated.instead_of = (queries, folder)  # type: ignore[attr-defined]
    parser.add_argument("--folds", type=count, default=5, metavar="N",
                        help="with --evaluate: times that sessions are held out, 2 or more "
                             "(default: 5)")
    parser.add_argument("--page", metavar="PAGE",
                        help="with --evaluate: HTML page to write, with a map of the sessions")
    parser.add_argument("--on-map", nargs="+", default=[], metavar="QUERY",
                        help="with --page: sessions to show on the map among the others")
    parser.add_argument("--strangers", action="store_true",
                        help="list the queries in order, least like any name first")
    parser.add_argument("--csv", metavar="FILE",
                        help="write the answers to FILE as csv; -: print them as csv")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load, identify, say."""
    # Here, so that --help is there at once.
    from barkcluster.gallery import NONE_OF_THEM

    from ._evaluation import evaluate, print_strangers, write_rows

    check_output(args.csv, args.queries or ())
    check_output(args.page, [*(args.queries or ()), *args.on_map])
    _check_together(args)
    if args.evaluate is not None:
        evaluate(args)
        return
    asked = Asked(files_of(args.queries), args)
    gallery = gallery_of(args).set_params(false_alarm_rate=args.false_alarms)
    if args.strangers:
        print_strangers(gallery, asked, args)
        asked.skipped.tell()
        return
    rows = []
    with progress(asked.n_files) as step:
        for path, query in asked.each(step, "identifying"):
            with asked.skipped.tried(path):
                nearest, familiarity = gallery.rank(query)[0]
                name = nearest if familiarity >= args.false_alarms else NONE_OF_THEM
                rows.append([path, name, nearest, f"{familiarity:.3g}"])
    for row in rows if args.csv is None else ():
        print(printable(": ".join(row[:2])))
    if args.csv is not None:
        write_rows(["session", "name", "nearest", "familiarity"], rows, args)
    asked.skipped.tell()


def _check_together(args: argparse.Namespace) -> None:
    """Raise ValueError for options that do not go together."""
    if args.on_map and args.page is None:
        raise ValueError("--on-map must be given with --page, whose map it is.")
    if args.evaluate is None:
        if args.page is not None:
            raise ValueError("--page must be given with --evaluate, whose answers it shows.")
        return
    if args.queries:
        raise ValueError(f"--evaluate takes its DIR alone; got {args.queries[0]} as well.")
    for option, given in (("--save", args.save), ("--strangers", args.strangers)):
        if given:
            raise ValueError(f"{option} cannot be given with --evaluate: no QUERY is asked about, "
                             "and the galleries are gone when it ends.")


class _Instead(argparse.Action):
    """An option that is given instead of positional arguments: they are no longer required."""

    instead_of: tuple[argparse.Action, ...] = ()

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: object, option_string: str | None = None) -> None:
        """Store what was given."""
        setattr(namespace, self.dest, values)
        for positional in self.instead_of:
            positional.required = False
