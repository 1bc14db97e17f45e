"""The gallery that `rank` and `identify` ask: a folder of sessions, or one that was saved."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import barkcluster
from barkcluster.display.progress import progress

from ._options import SESSION_SUFFIXES, is_session, read


def add_gallery(parser: argparse.ArgumentParser) -> None:
    """Add where the sessions are."""
    parser.add_argument("folder", metavar="DIR",
                        help="folder of session or sound files, or a saved gallery")
    parser.add_argument("--save", metavar="DIR",
                        help="keep what was learned here: later queries take seconds")
    parser.add_argument("--jobs", type=int, metavar="N", help="learn with N processes; -1: all")


def gallery_of(args: argparse.Namespace) -> barkcluster.SessionGallery:
    """The saved gallery in a folder, or one that learns the sessions in it."""
    folder = Path(args.folder)
    if not folder.is_dir():
        raise ValueError(f"{args.folder} is not a folder.")
    reader = partial(_read, args=args)
    if (folder / "gallery.npz").exists():
        return barkcluster.load_gallery(folder, reader=reader, n_jobs=args.jobs)
    sessions = {}
    for entry in sorted(folder.iterdir()):
        files = sorted(f for f in entry.iterdir() if is_session(f)) if entry.is_dir() else []
        if files:
            sessions[entry.name] = files
        elif is_session(entry):
            sessions[entry.stem if entry.stem not in sessions else entry.name] = [entry]
    if not sessions:
        raise ValueError(f"{args.folder} must hold session or sound files "
                         f"({', '.join(SESSION_SUFFIXES[:4])}, ...), or folders of them; "
                         "got none.")
    with progress(1) as step:
        step(f"learning {len(sessions)} names")
        return barkcluster.SessionGallery(
            folder=args.save, reader=reader, n_jobs=args.jobs).fit(sessions)


def _read(path: Path, args: argparse.Namespace) -> barkcluster.Session:
    return read(str(path), args)
