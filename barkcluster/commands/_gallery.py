"""The gallery of `rank` and `identify`: learned from a folder of sessions, or loaded."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import barkcluster
from barkcluster.display.progress import Step, progress

from ._files import Skipped, add_strict, is_hidden, no_sessions, read_each, sessions_in
from ._options import jobs, read, read_to_learn


def add_gallery(parser: argparse.ArgumentParser) -> argparse.Action:
    """Add the folder of sessions and how to learn it; the argument of the folder comes back."""
    folder = parser.add_argument("folder", metavar="DIR",
                                 help="folder of session or sound files, or a saved gallery")
    parser.add_argument("--save", metavar="DIR",
                        help="keep what was learned in this folder; given in the place of the "
                             "sessions, it answers in seconds")
    parser.add_argument("--jobs", type=jobs, metavar="N",
                        help="learn with N processes; -1: as many as there are cores")
    add_strict(parser)
    return folder


def asked_of(files: Sequence[str], args: argparse.Namespace,
             ) -> tuple[list[str], list[barkcluster.Session], Skipped]:
    """The sessions to ask the gallery about, and what cannot be read; see `read_each`."""
    if not files:
        raise ValueError("QUERY must be session or sound files, or folders of them; got folders "
                         "without any.")
    with progress(len(files)) as step:
        return read_each(files, args.strict, partial(read, args=args), step)


def gallery_of(args: argparse.Namespace) -> barkcluster.SessionGallery:
    """The saved gallery in a folder, or one that learns the sessions in it."""
    folder = Path(args.folder)
    if not folder.is_dir():
        raise ValueError(f"{args.folder} is not a folder.")
    if (folder / "gallery.npz").exists():
        saved = barkcluster.load_gallery(folder, reader=partial(_read, args=args),
                                         n_jobs=args.jobs)
        if args.save is not None:
            saved.save(args.save)
        return saved
    sessions = named_sessions(folder)
    if not sessions:
        raise no_sessions(args.folder)
    n_files = sum(map(len, sessions.values()))
    with progress(n_files) as step:
        reader = partial(_read, args=args)
        if args.jobs in (None, 1):  # a bar of another process would be nobody's
            reader = partial(_read, args=args, step=step)
        else:
            step(f"learning {len(sessions)} names")
        gallery = barkcluster.SessionGallery(
            folder=args.save, reader=reader, n_jobs=args.jobs,
            on_error="raise" if args.strict else "skip").fit(sessions)
    skipped = Skipped(n_files, args.strict)
    for path, why in gallery.skipped_.items():
        skipped.add(path, why)
    skipped.tell()
    return gallery.set_params(reader=partial(_read, args=args))


def named_sessions(folder: Path) -> dict[str, list[Path]]:
    """The files of each name in a folder: a file, or a subfolder with sessions in it or below."""
    sessions: dict[str, list[Path]] = {}
    files = set(sessions_in(folder))
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not is_hidden(entry):
            found = sessions_in(entry, below=True)
            if found:
                sessions[entry.name] = found
        elif entry in files:
            sessions[entry.stem if entry.stem not in sessions else entry.name] = [entry]
    return sessions


def reader_of(args: argparse.Namespace) -> partial[barkcluster.Session]:
    """A function that reads a session as the options say, and that can be pickled."""
    return partial(_read, args=args)


def _read(path: str | os.PathLike[str], args: argparse.Namespace,
          step: Step | None = None) -> barkcluster.Session:
    if step is not None:
        step(f"learning {path}")
    return read_to_learn(os.fspath(path), args)
