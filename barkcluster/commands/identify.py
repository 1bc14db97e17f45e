"""Which session of a folder another one belongs to, or none; how well that goes."""

from __future__ import annotations

import argparse

from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._files import files_of
from ._gallery import add_gallery, asked_of, gallery_of
from ._options import add_color, add_reading, check_output, positive

_DESCRIPTION = """\
Prints, for each QUERY, the name in the folder that it belongs to, or "none of them". A subfolder
is one name, with a session in each of its files and in those of folders below. A QUERY may be a
folder, too: all sessions in it and below. With --evaluate there is no QUERY: sessions of the
folder are held out, whole, and named by what the others teach.
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
    parser.add_argument("--false-alarms", type=positive, default=0.05, metavar="SHARE",
                        help="share of what does belong to a name that may be called none of "
                             "them (default: 0.05)")
    evaluated = parser.add_argument(
        "--evaluate", action=_Instead, metavar="DIR",
        help="hold sessions of this folder out by name, and say how they are named")
    evaluated.instead_of = (queries, folder)  # type: ignore[attr-defined]
    parser.add_argument("--folds", type=int, default=5, metavar="N",
                        help="of --evaluate (default: 5)")
    parser.add_argument("--page", metavar="PAGE",
                        help="of --evaluate: an HTML page with a map of the sessions")
    parser.add_argument("--on-map", nargs="+", default=[], metavar="QUERY",
                        help="of --page: sessions to show on the map among the others")
    parser.add_argument("--strangers", action="store_true",
                        help="the queries in order, least like anybody known first")
    parser.add_argument("--csv", metavar="FILE", help="write what is said as csv; -: print it so")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn or load, identify, say."""
    # Here, so that --help is there at once.
    from ._evaluation import evaluate, print_strangers, write_rows

    check_output(args.csv, args.queries or ())
    check_output(args.page, [*(args.queries or ()), *args.on_map])
    if args.evaluate is not None:
        if args.queries:
            raise ValueError(f"--evaluate takes its DIR alone; got {args.queries[0]} as well.")
        if args.on_map and args.page is None:
            raise ValueError("--on-map is of --page.")
        evaluate(args)
        return
    if args.page is not None:
        raise ValueError("--page is of --evaluate.")
    if args.on_map:
        raise ValueError("--on-map is of --page.")
    paths, queries, skipped = asked_of(files_of(args.queries), args)
    gallery = gallery_of(args).set_params(false_alarm_rate=args.false_alarms)
    if args.strangers:
        print_strangers(gallery, paths, queries, args)
        skipped.tell()
        return
    rows = []
    with progress(len(queries)) as step:
        for path, query in zip(paths, queries, strict=True):
            step(f"identifying {path}")
            with skipped.tried(path):
                name = gallery.identify(query)
                rows.append([path, "none of them" if name is None else name])
    for row in rows if args.csv is None else ():
        print(printable(": ".join(row)))
    if args.csv is not None:
        write_rows(["session", "name"], rows, args)
    skipped.tell()


class _Instead(argparse.Action):
    """An option that is given instead of positional arguments: they are no longer required."""

    instead_of: tuple[argparse.Action, ...] = ()

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: object, option_string: str | None = None) -> None:
        """Store what was given."""
        setattr(namespace, self.dest, values)
        for positional in self.instead_of:
            positional.required = False
