"""FUDI, the protocol of Pure Data: words separated by spaces, and a semicolon at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from barkcluster.frames.grammar import BadLineError, numbers_of

from .messages import Message, NotUnderstoodError, Value

_WORD = re.compile(rb"(?:[^\s\\]|\\.)+", re.DOTALL)
# What ends a message, or an escaped byte, which does not.
_END = re.compile(rb"\\.|;", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
# Words that Pd puts before numbers without a selector of their own.
_UNNAMED = ("list", "float", "symbol")


class FudiParser:
    """Parses FUDI messages from bytes that arrive piece by piece.

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
        self._tail = bytearray()  # of a message whose end has not come, looked through already
        self._escaping = False    # whether it ends in a backslash that waits for its byte
        self._skipping = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete."""
        *ended, rest = self._split(data)
        messages = []
        for text in ended:
            message = self._end_message(text)
            if message is not None:
                messages.append(message)
        self._keep(rest)
        return messages

    def end(self) -> list[Message]:
        """The message that was left without a semicolon, as at the end of a datagram."""
        self._escaping = False
        message = self._end_message(b"")
        return [] if message is None else [message]

    def _split(self, data: bytes) -> list[bytes]:
        """The bytes cut at semicolons, except those after a backslash.

        Only new bytes are searched, so that a message in many small pieces costs no more than one
        in a single piece.
        """
        pieces, start, seen = [], 0, 0
        if self._escaping and data:
            seen, self._escaping = 1, False
        if b"\\" not in data:
            cut = data.find(b";", seen)
            return [data] if cut < 0 else [data[:cut], *data[cut + 1:].split(b";")]
        for found in _END.finditer(data, seen):
            seen = found.end()
            if found[0] == b";":
                pieces.append(data[start:found.start()])
                start = seen
        self._escaping = seen < len(data) and data.endswith(b"\\")
        return [*pieces, data[start:]]

    def _end_message(self, text: bytes) -> Message | None:
        """The message that ends with this text, or None, counted if it is not understood."""
        self._keep(text)
        whole, self._tail = bytes(self._tail), bytearray()
        if self._skipping:
            self._skipping = False
            return None
        words = _words(whole)
        if not words:
            return None
        try:
            return _message(words)
        except NotUnderstoodError as error:
            self._reject(str(error))
            return None

    def _keep(self, text: bytes) -> None:
        if self._skipping:
            return
        self._tail += text
        if len(self._tail) > self.most_bytes:
            self._reject(f"expected messages of at most {self.most_bytes} bytes.")
            self._tail, self._skipping = bytearray(), True

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
