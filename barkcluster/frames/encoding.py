"""Text in UTF-16, as PowerShell's ``>`` and some spreadsheets write it, turned into UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

# UTF-32 begins with the first of these and two zeros: it stays as it is, and is refused.
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class Utf8:
    """Turns a text that comes in pieces into UTF-8, if it begins with the mark of UTF-16.

    Examples
    --------
    >>> text = Utf8()
    >>> data = "-40 -50".encode("utf-16")
    >>> text.of(data[:5]) + text.of(data[5:])
    b'-40 -50'
    >>> Utf8().of(b"-40 -50")
    b'-40 -50'
    """

    _begin: bytes | None = b""     # until it is known what the text begins with
    _decoder: codecs.IncrementalDecoder | None = field(default=None, compare=False)

    def of(self, data: bytes) -> bytes:
        """The piece as UTF-8; of a mark that is not whole yet nothing."""
        if self._begin is not None:
            data = self._begin + data
            self._begin = data
            may_be = any(mark.startswith(data[:2]) for mark in _MARKS)
            if not data or (may_be and len(data) < 4):
                return b""
            self._begin = None
            if may_be and data[2:4] != b"\0\0":
                self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        return data if self._decoder is None else self._decoder.decode(data).encode("utf-8")

    def rest(self) -> bytes:
        """What was held back of a text that has ended."""
        rest, self._begin = self._begin or b"", None
        return rest
