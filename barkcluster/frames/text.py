"""Session text files: read them, write them, follow them while they grow.

A line is a frame: 25 numbers with spaces, tabs, commas or semicolons between them,
as Max, Pd, spreadsheets and scripts write them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.files.atomic import replace_file

from . import grammar as lines
from .columns import TIME
from .parser import FrameParser
from .session import N_BANDS, Levels, Session
from .timing import (
    MissingFramesWarning,
    TimeColumnWarning,
    Timing,
    on_grid,
    timing_of,
    warn_of_missing,
)
from .units import look_linear

__all__ = ["FrameParser", "MissingFramesWarning", "TimeColumnWarning", "UnfinishedLineWarning",
           "UnitsWarning", "read_session", "write_session"]

_CHUNK_BYTES = 1 << 20
_FRAME_RATE_UNSAID = 100.0


class UnfinishedLineWarning(UserWarning):
    """The last line of a session file has no newline yet and was left out."""


def shown_path(path: str | os.PathLike[str] | bytes) -> str:
    """A path as valid UTF-8 text, for messages and files: undecodable bytes are replaced."""
    return os.fsencode(path).decode("utf-8", errors="replace")


class UnitsWarning(UserWarning):
    """The numbers of a session file were taken for dB, but look like powers or amplitudes."""


def read_session(path: str | os.PathLike[str], *, frame_rate: float | None = None,
                 units: str | None = None, n_bands: int = N_BANDS,
                 columns: str | Sequence[str] | None = None,
                 header: bool | None = None, one_per_line: bool = False) -> Session:
    """Session in a text file.

    One frame a line. Between the numbers: spaces, tabs, commas or semicolons. Also
    read are Max's coll (``0, v v v;``), Pd's messages (``list v v v;``), frames over several
    lines that end in a semicolon, the log of ``[print]`` (``frame: v v v``), a line of column
    names at the top, ``#`` comments, columns of times or numbers before the levels, blank lines,
    CRLF and CR, byte order marks, UTF-16 that begins with one, as PowerShell writes it, and
    decimal commas where something else parts the numbers.

    Frames stand on the grid of their times: up to 0.1 s that are missing are filled in from
    their neighbors, longer gaps and pauses begin a new take (`Session.gaps`).

    Parameters
    ----------
    path : path-like
        The file. Two hours of frames take some seconds.
    frame_rate : float, optional
        Frames per second. If not given: what a comment ``# frame_rate: 86.13`` says,
        else what the time column says (in s or ms: whichever makes sense of its
        steps), else 100. A first column that counts lines (0, 1, 2, ...) is no time.
    units : {"db", "linear", "amplitude"}, optional
        What the numbers are: levels in dB, linear powers, or amplitudes, which are squared;
        both are converted with `barkcluster.frames.linear_to_db`. By default dB, with a warning
        where they look like something else.
    n_bands : int, default=25
        Numbers in a frame.
    columns : str or sequence of str, optional
        What the columns are, such as ``"time,levels"``: ``time``, ``number``, ``sample`` or
        ``skip``, and ``levels`` for all bands, which come last if it is left out. By default
        their names and numbers tell.
    header : bool, optional
        Whether the first line names columns. By default it does if it holds words, or numbers
        that no frame would be.
    one_per_line : bool, default=False
        Whether each line holds one number, and ``n_bands`` of them in a row are a frame.

    Returns
    -------
    session : Session
        Named as a comment ``# name: jam`` says, else as the file without its suffix.
        float64, or float32 for files of `write_session` that were float32. Its clock is that of
        the time column, or counts from the first frame where that began more than a day before.

    Raises
    ------
    ValueError
        With ``file:line``, what was expected and what came, for the first line that is
        no frame; for a file without frames; and where it is in doubt what a column is or how
        many frames a second there are, with the options that settle it.
    OSError
        If there is no such file or it cannot be read.

    Warns
    -----
    UnfinishedLineWarning
        If the last line does not end in a newline. It is left out, as another program may be
        halfway through writing its last number.
    MissingFramesWarning
        If frames are missing by the time column, with how many.
    TimeColumnWarning
        If the time column may mean two frame rates.
    UnitsWarning
        If the numbers look like powers or amplitudes, and ``units`` is not given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "jam.txt"
    ...     _ = path.write_text("time,low,high\\n0,-40,-50\\n11.61,-41,-inf\\n")
    ...     session = read_session(path, n_bands=2)
    >>> session
    <Session 'jam': 2 frames, 0.02322 s at 86.1326 Hz>
    >>> session.frames
    array([[ -40.,  -50.],
           [ -41., -100.]])
    """
    if frame_rate is not None:
        frame_rate = check_positive("frame_rate", frame_rate)
    parser = FrameParser(n_bands, units or "db", columns=columns, header=header,
                         one_per_line=one_per_line)
    shown = shown_path(path)
    frames, others = _all_frames(path, parser, shown)
    assert parser.columns is not None
    rate = frame_rate or parser.frame_rate
    timing = Timing(None, np.arange(len(frames)))
    is_timed = not parser.is_coll or TIME in parser.columns.roles
    if is_timed:
        timing = timing_of(others, parser.columns, rate, shown)
    rate = rate or timing.rate or _FRAME_RATE_UNSAID
    n = len(frames)
    frames, gaps, n_filled_in = on_grid(
        frames, timing.numbers, [gap for gap in parser.gaps if gap[0] < n], rate)
    if parser.columns.others and is_timed:
        warn_of_missing(gaps, n_filled_in, n, rate, shown)
    if units is None and not parser.is_ours and (why := look_linear(frames)):
        warnings.warn(f"{shown}: its numbers are taken for dB, but {why}. Powers are read with "
                      "units='linear' (--units linear), amplitudes or magnitudes with "
                      "'amplitude'.", UnitsWarning, stacklevel=2)
    name = shown_path(Path(path).stem) if parser.name is None else parser.name
    return Session(frames, rate, name, n_bands=n_bands, gaps=gaps,
                   start=timing.start or parser.start)


def _all_frames(path: str | os.PathLike[str], parser: FrameParser, shown: str,
                ) -> tuple[Levels, npt.NDArray[np.float64]]:
    """All frames of a file and the numbers beside them; ValueError for its first bad line."""
    parts: list[Levels] = []
    beside = []
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            frames, others = parser.feed_columns(chunk)
            _raise_first_error(parser, shown)
            if len(frames):
                parts.append(frames.astype(np.float32) if parser.single_precision else frames)
                beside.append(others)
    frames, others = parser.finish()
    _raise_first_error(parser, shown)
    if len(frames):
        parts.append(frames.astype(np.float32) if parser.single_precision else frames)
        beside.append(others)
    _end_of_file(parser, shown)
    return cast(Levels, np.concatenate(parts)), np.concatenate(beside)


def write_session(session: Session, path: str | os.PathLike[str]) -> None:
    """Write a session to a text file that `read_session` reads back the same.

    Plain numbers with spaces between them, one frame a line, after comments with the
    frame rate, the name and the precision. Every digit that float32 or float64 needs
    is written. The file is replaced at once: until then readers see the old file, and a full
    disk or a crash leaves it as it was.

    Parameters
    ----------
    session : Session
        What to write.
    path : path-like
        File to make or replace, in a folder that exists.

    Notes
    -----
    Gaps are comments before the frame that they end at (``# gap: 300``), and so is a clock that
    does not start at 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "jam.txt"
    ...     write_session(Session([[-40.5, -50.0]], 86.13, "first take", n_bands=2), path)
    ...     print(path.read_text())
    # frame_rate: 86.13
    # name: first take
    # dtype: float64
    -40.5 -50.0
    <BLANKLINE>
    """
    # %r is the shortest text of a float64; nine digits tell any two float32 apart.
    number = "%.9g" if session.frames.dtype == np.float32 else "%r"
    line = " ".join([number] * session.n_bands) + "\n"
    with replace_file(path) as file:
        file.write((f"# frame_rate: {session.frame_rate!r}\n"
                    f"# name: {lines.name_to_text(session.name)}\n"
                    f"# dtype: {session.frames.dtype}\n").encode())
        if session.start:
            file.write(f"# start: {session.start!r}\n".encode())
        gaps = [(0, 0), *session.gaps, (len(session), 0)]
        for (start, n_missing), (stop, _) in pairwise(gaps):
            if start:
                file.write(f"# gap: {n_missing}\n".encode())
            for i in range(start, stop, 4096):
                rows = session.frames[i:min(stop, i + 4096)].tolist()
                file.write("".join([line % tuple(row) for row in rows]).encode())


def _raise_first_error(parser: FrameParser, shown: str) -> None:
    if parser.first_error is not None:
        number, text = parser.first_error
        raise ValueError(f"{shown}:{number}: {text}")


def _end_of_file(parser: FrameParser, shown: str) -> None:
    """Raise ValueError if there were no frames; warn if the last line is unfinished."""
    expected = f"{shown}: expected lines of {parser.n_bands} numbers, got"
    n_lines, unfinished = parser.n_lines, parser.unfinished
    if parser.n_frames == 0:
        if not n_lines and not unfinished:
            raise ValueError(f"{expected} an empty file.")
        if unfinished:  # what is wrong with it may be the better answer
            parser.feed(b"\n")
            parser.finish()
            _raise_first_error(parser, shown)
        if parser.n_frames:
            raise ValueError(f"{shown}:{n_lines + 1}: expected a newline after the only "
                             "frame, got the end of the file. Is it still being written?")
        n = parser.n_lines
        raise ValueError(f"{expected} no frame in {n} line{'' if n == 1 else 's'}.")
    if lines.split_comment(unfinished)[0].strip():
        what, end = ("frame", "semicolon") if parser.ended_in_newline else ("line", "newline")
        number = n_lines + 1 - parser.ended_in_newline
        warnings.warn(
            f"{shown}:{number}: left out the last {what}, which has no {end} at its end: it may "
            f"be half a {what} of a program that is still writing.",
            UnfinishedLineWarning, stacklevel=4)
