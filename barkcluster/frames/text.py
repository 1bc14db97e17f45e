"""Session text files: read them, write them, follow them while they grow.

A line is a frame: 25 numbers with spaces, tabs, commas or semicolons between them,
as Max, Pd, spreadsheets and scripts write them.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive
from barkcluster.files.atomic import replace_file

from . import grammar as lines
from .parser import FrameParser
from .session import N_BANDS, FloatArray, Session

__all__ = ["FrameParser", "UnfinishedLineWarning", "read_session", "write_session"]

_CHUNK_BYTES = 1 << 20
_FRAME_RATE_UNSAID = 100.0
# Slower or faster than this is no analysis of sound, but a column of something else.
_FRAME_RATES_HEARD = (4.0, 2000.0)


class UnfinishedLineWarning(UserWarning):
    """The last line of a session file has no newline yet and was left out."""


def read_session(path: str | os.PathLike[str], *, frame_rate: float | None = None,
                 units: str = "db", n_bands: int = N_BANDS) -> Session:
    """Session in a text file.

    One frame a line. Between the numbers: spaces, tabs, commas or semicolons. Also
    read are Max's coll (``0, v v v;``), Pd's messages (``list v v v;``), a line of
    column names at the top, ``#`` comments, a time column before the levels, blank
    lines, CRLF and CR, and a byte order mark of UTF-8.

    Parameters
    ----------
    path : path-like
        The file. Two hours of frames take a few seconds.
    frame_rate : float, optional
        Frames per second. If not given: what a comment ``# frame_rate: 86.13`` says,
        else what the time column says (in s or ms: whichever makes sense of its
        steps), else 100. A first column that counts lines (0, 1, 2, ...) is no time.
    units : {"db", "linear"}, default="db"
        What the numbers are; linear powers are converted with
        `barkcluster.frames.linear_to_db`.
    n_bands : int, default=25
        Numbers in a frame.

    Returns
    -------
    session : Session
        Named as a comment ``# name: jam`` says, else as the file without its suffix.
        float64, or float32 for files of `write_session` that were float32.

    Raises
    ------
    ValueError
        With ``file:line``, what was expected and what came, for the first line that is
        no frame; and for a file without frames.
    OSError
        If there is no such file or it cannot be read.

    Warns
    -----
    UnfinishedLineWarning
        If the last line does not end in a newline. It is left out: whoever writes the
        file may be halfway through its last number.

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
    parser = FrameParser(n_bands, units)
    shown = os.fspath(path)
    parts: list[FloatArray] = []
    times = []
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            frames, part_times = parser.feed_timed(chunk)
            _raise_first_error(parser, shown)
            if len(frames):
                parts.append(frames.astype(np.float32) if parser.single_precision else frames)
                times.append(part_times)
    _end_of_file(parser, shown)
    rate = frame_rate or parser.frame_rate
    if parser.lead == "time":
        rate_of_times = _rate_of_times(np.concatenate(times), shown, n_bands, rate is None)
        rate = rate or rate_of_times
    name = Path(path).stem if parser.name is None else parser.name
    whole = cast(FloatArray, np.concatenate(parts))
    parts.clear()  # the session makes a copy of its own: two at a time are enough
    return Session(whole, rate or _FRAME_RATE_UNSAID, name, n_bands=n_bands)


def write_session(session: Session, path: str | os.PathLike[str]) -> None:
    """Write a session to a text file that `read_session` reads back the same.

    Plain numbers with spaces between them, one frame a line, after comments with the
    frame rate, the name and the precision. Every digit that float32 or float64 needs
    is written. The file appears all at once: whoever reads it meanwhile, and a full
    disk or a crash, find the old file as it was.

    Parameters
    ----------
    session : Session
        What to write.
    path : path-like
        File to make or replace, in a folder that exists.

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
        for i in range(0, len(session), 4096):
            rows = session.frames[i:i + 4096].tolist()
            file.write("".join([line % tuple(row) for row in rows]).encode())


def _raise_first_error(parser: FrameParser, shown: str | bytes) -> None:
    if parser.first_error is not None:
        number, text = parser.first_error
        raise ValueError(f"{shown!s}:{number}: {text}")


def _end_of_file(parser: FrameParser, shown: str | bytes) -> None:
    """Raise ValueError if there were no frames; warn if the last line is unfinished."""
    expected = f"{shown!s}: expected lines of {parser.n_bands} numbers, got"
    n_lines, unfinished = parser.n_lines, parser.unfinished
    if parser.n_frames == 0:
        if not n_lines and not unfinished:
            raise ValueError(f"{expected} an empty file.")
        if unfinished:  # what is wrong with it may be the better answer
            parser.feed(b"\n")
            _raise_first_error(parser, shown)
        if parser.n_frames:
            raise ValueError(f"{shown!s}:{n_lines + 1}: expected a newline after the only "
                             "frame, got the end of the file. Is it still being written?")
        raise ValueError(f"{expected} no frame in {parser.n_lines} lines.")
    if lines.split_comment(unfinished)[0].strip():
        warnings.warn(
            f"{shown!s}:{n_lines + 1}: left out the last line, which has no newline at its "
            "end: it may be half a line of a program that is still writing.",
            UnfinishedLineWarning, stacklevel=3)


def _rate_of_times(times: npt.NDArray[np.float64], shown: str | bytes, n_bands: int,
                   wanted: bool) -> float | None:
    """Return frames per second by the time column; None if it only counts lines."""
    if len(times) < 2:
        raise ValueError(f"{shown!s}: expected {n_bands} numbers, got {n_bands + 1}; one line "
                         "alone cannot show that the first is a time.")
    steps = np.diff(times)
    if np.all(steps == 1) or not wanted:
        return None
    # Times in whole ms step by 11, 12, 12, ...: the median step is not their rate. The
    # mean of all steps is not either, where a program paused or lost lines.
    usual = float(np.median(steps))
    step = float(steps[(steps > 0.5 * usual) & (steps < 1.5 * usual)].mean())
    # No frames come every half second, and none every half millisecond.
    rate = (1000 if step >= 0.5 else 1) / step
    slowest, fastest = _FRAME_RATES_HEARD
    if not slowest <= rate <= fastest:
        raise ValueError(f"{shown!s}: expected a time column in s or ms, got one with steps "
                         f"of {step:g}. Pass frame_rate=.")
    return float(f"{rate:.6g}")  # 100, not 99.9999999997
