"""What kind of file it is, by its first bytes; nothing that reads such files is imported."""

from __future__ import annotations

import codecs
import os

_MODEL = b"PK\x03\x04"
_TABLE_OF_FAMILIARITY = b"time_s,familiarity,"
_SESSION = b"# frame_rate: "
# The second line of a session that was gathered live.
GATHERED_MARK = b"# gathered by barkcluster"
_MOST_BYTES = 1000


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a model or a background: both are zip files, no session or sound is."""
    return _begin(path).startswith(_MODEL)


def is_table_of_familiarity(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a table that `barkcluster score --csv` wrote, and no session."""
    return _begin(path).startswith(_TABLE_OF_FAMILIARITY)


def is_gathered(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a session that was gathered live, which nobody can play again."""
    return _begin(path).split(b"\n", 2)[1:2] == [GATHERED_MARK]


def is_written_session(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a session that `write_session` wrote, and so one that can be made again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "jam.txt"
    ...     _ = path.write_text("# frame_rate: 100.0\\n# name: jam\\n-40 -50\\n")
    ...     is_written_session(path), is_gathered(path), is_model(path)
    (True, False, False)
    """
    return _begin(path).startswith(_SESSION) and not is_gathered(path)


def _begin(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a file, with LF as line ends; empty if it cannot be read."""
    if not os.path.isfile(path):  # what is read of a pipe is gone
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
    except OSError:  # whoever opens it says what is wrong
        return b""
