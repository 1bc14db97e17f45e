"""Checks sessions for faults before anything is learned from them."""

from __future__ import annotations

import argparse
import csv
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import barkcluster
from barkcluster.display.progress import progress
from barkcluster.display.terminal import style_for, table
from barkcluster.files.suffixes import is_audio

from ._files import no_sessions, sessions_in
from ._options import add_color, add_reading, check_output, read

if TYPE_CHECKING:
    from barkcluster.gallery.soundness import Finding

_DESCRIPTION = """\
Prints a line for each session, those with the gravest fault first: files that cannot be read,
silence, levels in another unit, another frame rate than the others, copies, dead bands, missing
frames. The exit code is 1 if anything is wrong.
"""
_EPILOG = """\
examples:
  barkcluster check jam.txt
  barkcluster check sessions/ --csv faults.csv
"""
FAULTY = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster check` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("paths", nargs="+", metavar="PATH",
                        help="session or sound files, or folders of them and below")
    parser.add_argument("--longest", type=float, default=10.0, metavar="S",
                        help="longest window to be learned, in seconds; three are needed "
                             "(default: 10)")
    parser.add_argument("--csv", metavar="FILE", help="write a row a fault; -: print them so")
    add_color(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and check the sessions, print the faults."""
    # Here, so that --help is there at once.
    from barkcluster.gallery.soundness import Finding, check_sessions

    check_output(args.csv, args.paths)
    paths = [str(file) for path in args.paths for file in (
        sessions_in(Path(path), below=True) if Path(path).is_dir() else [path])]
    if not paths:
        raise no_sessions(args.paths[0])
    sessions: dict[str, barkcluster.Session] = {}
    found: dict[str, list[Finding]] = {}
    with progress(2 * len(paths)) as step:
        for path in paths:
            step(f"reading {path}")
            try:
                sessions[path], found[path] = _read(path, args)
            except (ValueError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else None
                found[path] = [Finding("unreadable", _without(path, reason or str(error)))]
        among = check_sessions(sessions, longest_s=args.longest,
                               of_sound=set(filter(is_audio, sessions)), step=step)
    for path, findings in among.items():
        said = {finding.fault for finding in found[path]}
        found[path] += [finding for finding in findings if finding.fault not in said]
        found[path].sort(key=lambda finding: finding.rank)
    _tell(found, args)
    return FAULTY if any(found.values()) else 0


def _read(path: str, args: argparse.Namespace) -> tuple[barkcluster.Session, list[Finding]]:
    """Session in a file, and what its frames no longer show."""
    # Here, so that --help is there at once.
    from barkcluster.frames.flat_tops import FlatTops
    from barkcluster.gallery.soundness import Finding, check_samples

    tops = FlatTops()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = read(path, args, tops)
    found = []
    for warning in caught:
        if issubclass(warning.category, barkcluster.frames.MissingFramesWarning):
            found.append(Finding("missing frames", _without(path, str(warning.message))))
        else:
            warnings.warn(warning.message, stacklevel=2)
    return session, found + check_samples(tops.share)


def _without(path: str, text: str) -> str:
    """A message without its path, which stands in the column before; path:17: is line 17:."""
    text = " ".join(text.split())
    return re.sub(rf"^{re.escape(path)}:(\d+):", r"line \1:", text).removeprefix(f"{path}: ")


def _tell(found: dict[str, list[Finding]],
          args: argparse.Namespace) -> None:
    order = sorted(found, key=lambda path: found[path][0].rank if found[path] else 99)
    rows = [["session", "fault", "what"],
            *([path, finding.fault, finding.text] for path in order for finding in found[path])]
    if args.csv == "-":
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    if args.csv is not None:
        # A file's name that is not UTF-8 is spelled out.
        with open(args.csv, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    shown = [[path, "; ".join(f"{finding.fault}: {finding.text}" for finding in found[path])
              or "sound"] for path in order]
    print(table(["session", "what is wrong"], shown, style_for(sys.stdout, args.color), (0, 1)))
