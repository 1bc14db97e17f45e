"""Checks sessions for faults before anything is learned from them."""

from __future__ import annotations

import argparse
import csv
import re
import sys
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
# Of a sound file's samples. Fewer are a click or two, or the peaks of a loud master.
_CLIPPED = 0.001


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
    from barkcluster.frames.audio import clipped_share
    from barkcluster.gallery.soundness import Finding, check_sessions

    check_output(args.csv, args.paths)
    paths = [str(file) for path in args.paths for file in (
        sessions_in(Path(path), below=True) if Path(path).is_dir() else [path])]
    if not paths:
        raise no_sessions(args.paths[0])
    sessions: dict[str, barkcluster.Session] = {}
    found: dict[str, list[Finding]] = {}
    clipped: dict[str, float] = {}
    with progress(2 * len(paths)) as step:
        for path in paths:
            step(f"reading {path}")
            try:
                sessions[path] = read(path, args)
                if is_audio(path):
                    clipped[path] = clipped_share(path)
            except (ValueError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else None
                text = " ".join((reason or str(error)).split())
                # The session stands in the column before: path:17: is line 17: here.
                text = re.sub(rf"^{re.escape(path)}:(\d+):", r"line \1:", text)
                found[path] = [Finding("unreadable", text.removeprefix(f"{path}: "))]
        found |= check_sessions(sessions, longest_s=args.longest, step=step)
    for path, share in clipped.items():
        if share >= _CLIPPED:
            text = f"{share:.2%} of the samples in flat tops at full scale"
            found[path] = sorted([*found[path], Finding("clipped", text)],
                                 key=lambda finding: finding.rank)
    _tell(found, args)
    return FAULTY if any(found.values()) else 0


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
