"""Excerpts of other sessions, in a file for models to be compared with."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import barkcluster
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._files import add_strict, no_sessions, read_each, sessions_in
from ._options import add_reading, check_model_output, read_checked

_DESCRIPTION = """\
Takes excerpts of other sessions. A model that has heard how strange they are to it can use one
threshold for every session: `barkcluster fit`, `score`, `report` and `live` take the file as
--background. Sessions shorter than 15 s are left out.
"""
_EPILOG = """\
examples:
  barkcluster background evenings/ -o others.npz
  barkcluster fit jam.txt --background others.npz -o jam.npz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster background` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("sessions", nargs="+", metavar="SESSION|DIR",
                        help="session or sound files, or folders of them")
    parser.add_argument("-o", "--output", required=True, metavar="FILE",
                        help="background file to write (.npz)")
    add_strict(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, take excerpts, write."""
    check_model_output(args.output, args.sessions)
    paths = [path for given in args.sessions for path in _files(given)]
    most = barkcluster.Background.MOST_EXCERPTS
    if len(paths) > most:  # of more, only as many are read as are kept, from all over the list
        paths = [paths[i * len(paths) // most] for i in range(most)]
    with progress(len(paths)) as step:
        _, sessions, skipped = read_each(paths, args.strict,
                                         partial(read_checked, args=args), step)
        background = barkcluster.Background().fit(sessions)
    background.save(args.output)
    n_short = len(sessions) - background.n_sessions_
    left_out = f"; {n_short} shorter than that left out" if n_short else ""
    print(f"{printable(args.output)}: {background.contents}{left_out}.")
    skipped.tell()


def _files(given: str) -> list[str]:
    """The file itself, or the session and sound files of a folder and its subfolders."""
    if not Path(given).is_dir():
        return [given]
    files = sessions_in(Path(given), below=True)
    if not files:
        raise no_sessions(given)
    return [str(path) for path in files]
