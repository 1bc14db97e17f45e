"""Many files at once: finding the sessions in folders, and skipping files that cannot be read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import barkcluster
from barkcluster.display.progress import complain
from barkcluster.files.kinds import is_table_of_familiarity
from barkcluster.files.suffixes import (
    OTHER_AUDIO_SUFFIXES,
    SESSION_SUFFIXES,
    TEXT_SUFFIXES,
    suffix_of,
)

# What systems and programs put beside the files of people.
_NOT_OURS = ("__MACOSX", "Thumbs.db", "desktop.ini")
_MODEL_SUFFIX = ".npz"


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Add the option that stops the command at the first unreadable file."""
    parser.add_argument("--strict", action="store_true",
                        help="stop at the first file that cannot be read, rather than name it and "
                             "go on without it")


def sessions_in(folder: Path, *, below: bool = False) -> list[Path]:
    """The session and sound files of a folder, sorted by name.

    Hidden files are left out, what macOS adds to archives, and tables of familiarity that
    barkcluster wrote.

    Parameters
    ----------
    folder : Path
    below : bool, default=False
        Whether to look in its subfolders as well; in each once, however many links lead to it.

    Returns
    -------
    files : list of Path
        Sound files that cannot be read are among them: the error of reading says what to do.
    """
    found: list[Path] = []
    seen = {folder.resolve()}

    def look_in(some: Path) -> None:
        for entry in sorted(some.iterdir()):
            if is_hidden(entry):
                continue
            if not entry.is_dir():
                if _is_session(entry):
                    found.append(entry)
            elif below and entry.resolve() not in seen:
                seen.add(entry.resolve())
                look_in(entry)

    look_in(folder)
    return found


def files_of(queries: Sequence[str]) -> list[str]:
    """The files that queries name; of a folder, the sessions in it and below."""
    return [str(file) for query in queries for file in (
        sessions_in(Path(query), below=True) if Path(query).is_dir() else [query])]


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is hidden, or one that systems and programs make, by its name."""
    return path.name.startswith((".", "~$")) or path.name in _NOT_OURS


def no_sessions(folder: str) -> ValueError:
    """The error for a folder without sessions."""
    return ValueError(f"{folder} must hold session or sound files "
                      f"({', '.join(SESSION_SUFFIXES[:4])}, ...), or folders of them; got none.")


def _is_session(path: Path) -> bool:
    suffix = suffix_of(path)
    if not path.is_file() or suffix not in (*SESSION_SUFFIXES, *OTHER_AUDIO_SUFFIXES):
        return False
    return suffix not in TEXT_SUFFIXES or not is_table_of_familiarity(path)


class Skipped:
    """Files that are skipped because they cannot be read or used.

    Parameters
    ----------
    n_files : int
        How many files there are in all. The error of an only file is raised.
    strict : bool
        Whether the first error is raised.
    """

    def __init__(self, n_files: int, strict: bool) -> None:
        self.n_files = n_files
        self._strict = strict or n_files == 1
        self.names: list[str] = []

    @contextmanager
    def tried(self, path: object) -> Iterator[None]:
        """Within this context, an error skips the file and names it."""
        try:
            yield
        except (ValueError, OSError) as error:
            if self._strict:
                raise
            self.add(path, error)
            if len(self.names) == self.n_files:
                raise

    def add(self, path: object, error: object) -> None:
        """Report a skipped file and the reason."""
        self.names.append(str(path))
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        # The message of a file that cannot be read begins with its name.
        text = " ".join(reason.split())
        text = text if str(path) in text else f"{path}: {text}"
        complain(f"skipped {text}")

    def tell(self) -> None:
        """Report how many files were skipped, if any were."""
        if self.names:
            print(f"barkcluster: {len(self.names)} of {self.n_files} files skipped; --strict "
                  "stops at the first.", file=sys.stderr)


def read_each(paths: Sequence[str], strict: bool, read: Callable[[str], barkcluster.Session],
              step: Callable[[str], None],
              ) -> tuple[list[str], list[barkcluster.Session], Skipped]:
    """Read files one by one, naming those that cannot be read.

    Returns
    -------
    able : list of str
        The paths that could be read.
    sessions : list of Session
        What was read.
    skipped : Skipped
        Its `tell` has still to be called.
    """
    skipped = Skipped(len(paths), strict)
    able: list[str] = []
    sessions: list[barkcluster.Session] = []
    for path in paths:
        step(f"reading {path}")
        with skipped.tried(path):
            sessions.append(read(path))
            able.append(path)
    return able, sessions, skipped
