"""FUDI, the language of Pure Data: words with spaces between them, a semicolon at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from barkcluster.frames.grammar import BadLineError, numbers_of

from .messages import Message, NotUnderstoodError, Value

_WORD = re.compile(rb"(?:[^\s\\]|\\.)+", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
# The words that lists of numbers come with when nobody named them.
_UNNAMED = ("list", "float", "symbol")


class FudiParser:
    """Messages in bytes that arrive piece by piece.

    Parameters
    ----------
    most_bytes : int, default=65536
        A longer message is left out, up to its semicolon.

    Attributes
    ----------
    n_rejected : int
        Messages left out.
    last_error : str or None
        Why the last one was.

    Examples
    --------
    >>> parser = FudiParser()
    >>> parser.feed(b"bark -40 -5")
    []
    >>> parser.feed(b"0.5;\\nretrain;")
    [Message(address='bark', values=[-40.0, -50.5]), Message(address='retrain', values=[])]
    """

    def __init__(self, most_bytes: int = 1 << 16) -> None:
        self.most_bytes = most_bytes
        self.n_rejected = 0
        self.last_error: str | None = None
        self._tail = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        *whole, self._tail = _split(self._tail + data)
        messages = []
        for text in whole:
            if self._skipping:
                self._skipping = False
            elif len(text) > self.most_bytes:
                self._reject(f"expected messages of at most {self.most_bytes} bytes.")
            elif words := _words(text):
                try:
                    messages.append(_message(words))
                except NotUnderstoodError as error:
                    self._reject(str(error))
        if len(self._tail) > self.most_bytes:
            if not self._skipping:
                self._reject(f"expected messages of at most {self.most_bytes} bytes.")
            self._tail, self._skipping = b"", True
        return messages

    def _reject(self, error: str) -> None:
        self.n_rejected += 1
        self.last_error = error


def to_fudi(selector: str, values: Sequence[Value]) -> bytes:
    """A message for Pd.

    Parameters
    ----------
    selector : str
        Its first word.
    values : sequence of float or str

    Returns
    -------
    message : bytes

    Examples
    --------
    >>> to_fudi("tempo", [120.5, "so; so"])
    b'tempo 120.5 so\\\\;\\\\ so;\\n'
    """
    words = [_escaped(value) if isinstance(value, str) else f"{value:.9g}" for value in values]
    return (" ".join([_escaped(selector), *words]) + ";\n").encode()


def _split(data: bytes) -> list[bytes]:
    """Cut at semicolons, but for those with a backslash in front."""
    if b"\\" not in data:
        return data.split(b";")
    pieces, start, at = [], 0, 0
    while at < len(data):
        if data[at] == 0x5C:
            at += 1
        elif data[at] == 0x3B:
            pieces.append(data[start:at])
            start = at + 1
        at += 1
    return [*pieces, data[start:]]


def _words(text: bytes) -> list[bytes]:
    if b"\\" not in text:
        return text.split()
    # What is escaped belongs to its word, a space too.
    return [_ESCAPED.sub(rb"\1", word) for word in _WORD.findall(text)]


def _message(words: list[bytes]) -> Message:
    first = words[0].decode("utf-8", errors="replace")
    named = not (first[0].isdigit() or first[0] in "+-.")
    address = "" if not named or first in _UNNAMED else first
    rest = words[1:] if named else words
    try:
        return Message(address, numbers_of(rest))
    except BadLineError as error:
        if len(rest) == 1:  # save jam.npz
            return Message(address, [rest[0].decode("utf-8", errors="replace")])
        raise NotUnderstoodError(str(error)) from None


def _escaped(word: str) -> str:
    return "".join(f"\\{c}" if c in ";, \\$" else c for c in word) or "\\ "
