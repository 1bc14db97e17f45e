"""Lines at the bottom of a terminal, drawn by a thread that no other thread waits for.

A terminal may stop reading: at Ctrl-S, while text is selected, or when it hangs. A program that
writes to it then waits. So a thread of its own writes, only the newest lines, and no other thread
waits for it, not even at the end. It does not write through Python's text streams, because Python
waits for their locks when it exits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from .terminal import width_of

_END_S = 1.0
_WIDTH, _HEIGHT = 80, 24


class TerminalLines:
    """Lasting lines, and below them lines that are drawn again and again.

    Parameters
    ----------
    stream : text file
        Such as ``sys.stderr``. If it is no terminal, only `say` makes sense.
    """

    def __init__(self, stream: TextIO) -> None:
        self._encoding = stream.encoding or "utf-8"
        try:
            descriptor = os.dup(stream.fileno())
        except (OSError, ValueError):  # in a notebook, for one
            descriptor = os.dup(2)
        self._file = open(descriptor, "wb", buffering=0)  # noqa: SIM115
        self._changed = threading.Condition()
        self._said: list[str] = []
        self._lines: list[str] = []
        self._outdated = False
        self._ended = False
        self._drawn: list[str] = []  # of the thread alone
        # A daemon, because it never ends while the terminal does not read.
        self._thread = threading.Thread(target=self._write_all, name="terminal", daemon=True)
        self._thread.start()

    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        try:
            columns, rows = os.get_terminal_size(self._file.fileno())
        except (OSError, ValueError):  # no terminal, or gone
            return _WIDTH, _HEIGHT
        return columns or _WIDTH, rows or _HEIGHT

    def say(self, line: str) -> None:
        """Write a line that stays."""
        with self._changed:
            self._said.append(line)
            self._changed.notify()

    def show(self, lines: Sequence[str]) -> None:
        """Draw lines in the place of those that were drawn before."""
        with self._changed:
            if self._lines != lines:
                self._lines, self._outdated = list(lines), True
                self._changed.notify()

    def keep(self) -> None:
        """Leave the lines that are drawn as they are; what is said next stands below them."""
        with self._changed:
            self._said += self._lines
            self._lines, self._outdated = [], True
            self._changed.notify()

    def close(self) -> None:
        """Leave the last lines standing; if the terminal does not read, give them up."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(_END_S)

    def _write_all(self) -> None:
        ended = False
        with self._file, suppress(OSError):  # the terminal is gone
            while not ended:
                with self._changed:
                    self._changed.wait_for(lambda: self._ended or self._said or self._outdated)
                    said, self._said = self._said, []
                    lines, self._outdated, ended = self._lines, False, self._ended
                self._write(said, lines, ended)

    def _write(self, said: list[str], lines: list[str], ended: bool) -> None:
        columns, rows = self.size()
        text = erasing(self._drawn, columns) + "".join(f"{line}\n" for line in said)
        self._drawn = [cut(line, columns - 1) for line in lines[:rows - 1]]
        text += "\n".join(self._drawn)
        left = memoryview((text + ("\n" if ended and lines else "")).encode(
            self._encoding, errors="replace"))
        while len(left):
            left = left[self._file.write(left):]


def erasing(lines: Sequence[str], columns: int) -> str:
    """Escapes that erase the lines drawn last, even if the terminal has become narrower since.

    Examples
    --------
    >>> erasing(["twelve cells", "two"], 10)
    '\\r\\x1b[2A\\x1b[J'
    """
    if not lines:
        return ""
    # A line that was longer than the terminal is wide by now takes several rows of it.
    n_rows = sum(max(1, -(-width_of(line) // columns)) for line in lines)
    return "\r" + (f"\x1b[{n_rows - 1}A" if n_rows > 1 else "") + "\x1b[J"


def cut(line: str, columns: int) -> str:
    """The beginning of a line that fits into a number of columns.

    Examples
    --------
    >>> cut("session", 4), cut("録音です", 4)
    ('sess', '録音')
    """
    if width_of(line) <= columns:
        return line
    kept, left = [], columns
    for character in line:
        left -= width_of(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept)
