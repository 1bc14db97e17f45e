"""What a terminal can show, and how text is laid out in it."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TextIO

_NARROWEST = 40
_WIDEST = 160


@dataclass(frozen=True)
class Style:
    """How text may be marked up.

    Attributes
    ----------
    color : bool
        Whether ANSI escapes are understood.
    blocks : bool
        Whether block elements (U+2581 to U+2588) can be printed.

    Examples
    --------
    >>> Style(color=True, blocks=True).paint("red", 203)
    '\\x1b[38;5;203mred\\x1b[0m'
    >>> Style(color=False, blocks=True).bold("as it is")
    'as it is'
    """

    color: bool
    blocks: bool

    def paint(self, text: str, code: int) -> str:
        """Text in one of the 256 colors that nearly every terminal has."""
        return f"\x1b[38;5;{code}m{text}\x1b[0m" if self.color and text.strip() else text

    def bold(self, text: str) -> str:
        """Text in bold type."""
        return f"\x1b[1m{text}\x1b[0m" if self.color else text

    def dim(self, text: str) -> str:
        """Lines of text in faint type."""
        if not self.color:
            return text
        return "\n".join(f"\x1b[2m{line}\x1b[0m" for line in text.split("\n"))


def style_for(stream: TextIO, color: str = "auto") -> Style:
    """How text may be marked up on a stream.

    Parameters
    ----------
    stream : text file
        Where the text goes.
    color : {"auto", "always", "never"}, default="auto"
        "auto" colors terminals, unless the environment variable ``NO_COLOR`` is set
        (https://no-color.org) or ``TERM`` is ``dumb``.

    Returns
    -------
    style : Style
    """
    wanted = color == "always" or (
        color == "auto" and stream.isatty() and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb")
    try:
        "▁█·━".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Style(wanted, blocks=False)
    return Style(wanted, blocks=True)


def printable(text: object) -> str:
    """Text of unknown origin, such as a file's name, made safe to print in a terminal.

    Characters that would move the cursor, clear the screen, begin a line or turn the direction of
    writing are spelled out.

    Parameters
    ----------
    text : object
        Its ``str`` is shown.

    Returns
    -------
    shown : str
        One line.

    Examples
    --------
    >>> printable("jam\\x1b[2J\\n.txt"), printable("Übung 3.txt")
    ('jam\\\\x1b[2J\\\\n.txt', 'Übung 3.txt')
    """
    given = str(text)
    if given.isprintable():
        return given
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs"
                   else c.encode("unicode_escape").decode("ascii") for c in given)


def terminal_width() -> int:
    """Columns to fill: those of the terminal or of ``COLUMNS``, else 80; from 40 to 160."""
    return min(max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST), _WIDEST)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], style: Style,
          texts: Collection[int] = (0,)) -> str:
    """Columns under a header: texts begin below each other, numbers end so.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
        As many cells in each as in the header.
    style : Style
        How the header is marked up.
    texts : collection of int, default=(0,)
        Columns of texts; the others hold numbers.

    Returns
    -------
    text : str
        Lines without a newline at the end; all cells as `printable` shows them.

    Examples
    --------
    >>> print(table(["scorer", "AUC"], [["knn", "0.97"], ["kmeans", "0.9"]],
    ...             Style(color=False, blocks=True)))
    scorer   AUC
    knn     0.97
    kmeans   0.9
    """
    lines = [[printable(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(width_of, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        # Not by ljust and rjust, which count characters, whatever they take on the screen.
        gaps = [" " * (width - width_of(cell)) for cell, width in zip(cells, widths, strict=True)]
        return "  ".join(cell + gap if i in texts else gap + cell for i, (cell, gap) in enumerate(
            zip(cells, gaps, strict=True))).rstrip()

    return "\n".join([style.bold(line(lines[0])), *map(line, lines[1:])])


def width_of(text: str) -> int:
    """Columns that a text takes: two for a wide character of East Asia, none for an accent.

    Examples
    --------
    >>> width_of("jam"), width_of("録音")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
               for c in text)
