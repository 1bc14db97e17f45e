"""The gallery of `rank` and `identify`: learned from a folder of sessions, or loaded."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import barkcluster
from barkcluster.display.progress import Step, complain, progress

from ._files import Skipped, add_strict, is_hidden, no_sessions, sessions_in
from ._options import jobs, read, read_checked


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


class Asked:
    """The sessions to ask a gallery about, each read when its turn comes.

    Those of a large folder need not be in memory together. The first that can be read is read at
    once, so that what is wrong with all of them is said before anything is learned.

    Parameters
    ----------
    files : sequence of str
    args : argparse.Namespace
        With the options of `add_reading` and `add_strict`.

    Attributes
    ----------
    n_files : int
    skipped : Skipped
        Files that cannot be read. Its `tell` has still to be called.
    """

    def __init__(self, files: Sequence[str], args: argparse.Namespace) -> None:
        if not files:
            raise ValueError("QUERY must be session or sound files, or folders of them; got "
                             "folders without any.")
        self.n_files = len(files)
        self.skipped = Skipped(len(files), args.strict)
        self._read = partial(read_checked, args=args)
        there = []
        for path in files:
            with self.skipped.tried(path):
                os.stat(path)
                there.append(path)
        self._left = iter(there)
        with progress(len(there)) as step:
            self._ahead = self._next(step, "reading")

    def each(self, step: Step, doing: str) -> Iterator[tuple[str, barkcluster.Session]]:
        """Path and session of each file that can be read, once.

        Parameters
        ----------
        step : callable
            Called with what is being done, and to which file.
        doing : str
        """
        found, self._ahead = self._ahead, None
        if found is not None:
            step(f"{doing} {found[0]}")
        while found is not None:
            yield found
            found = self._next(step, doing)

    def _next(self, step: Step, doing: str) -> tuple[str, barkcluster.Session] | None:
        for path in self._left:
            step(f"{doing} {path}")
            with self.skipped.tried(path):
                return path, self._read(path)
        return None


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
    """The files of each name in a folder: a file, or a subfolder with sessions in it or below.

    Subfolders without any are said, and links to what the folder holds itself.
    """
    sessions: dict[str, list[Path]] = {}
    files = set(sessions_in(folder))
    entries = [entry for entry in sorted(folder.iterdir()) if not is_hidden(entry)]
    # By what it leads to; of a thing and a link to it, the thing.
    first = {entry.resolve(): entry for entry in sorted(
        entries, key=lambda entry: (entry.is_symlink(), entry), reverse=True)}
    for entry in entries:
        found = sessions_in(entry, below=True) if entry.is_dir() else (
            [entry] if entry in files else [])
        name = entry.name if entry.is_dir() or entry.stem in sessions else entry.stem
        if found and first[entry.resolve()] != entry:
            complain(f"{entry} leads to {first[entry.resolve()].name}: left out.")
        elif found:
            sessions[name] = found
        elif entry.is_dir():
            complain(f"{entry} holds no session or sound file: left out.")
    return sessions


class Reader:
    """Reads sessions as the options say, and warns once of each that something is wrong with.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of `add_reading`.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._told: set[str] = set()

    def __call__(self, path: str | os.PathLike[str]) -> barkcluster.Session:
        text = os.fspath(path)
        if text in self._told:
            return read(text, self._args)
        self._told.add(text)
        return _read(path, self._args)

    def __deepcopy__(self, memo: object) -> Self:
        """This reader: the gallery of each fold is a copy, and none is to warn again."""
        return self


def _read(path: str | os.PathLike[str], args: argparse.Namespace,
          step: Step | None = None) -> barkcluster.Session:
    if step is not None:
        step(f"learning {path}")
    return read_checked(os.fspath(path), args)
