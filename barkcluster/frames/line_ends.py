"""Line ends of any system, LF, CR or both, turned into LF."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LineEnds:
    """Turns the line ends of a text that comes in pieces into LF.

    Examples
    --------
    >>> ends = LineEnds()
    >>> ends.to_lf(b"-40\\r"), ends.to_lf(b"\\n-41\\r\\n-42\\r")
    (b'-40\\n', b'-41\\n-42\\n')
    """

    # An LF at the start of the next piece belongs to the CR at the end of this one.
    _after_cr: bool = False

    def to_lf(self, data: bytes) -> bytes:
        """The piece with LF at the end of its lines."""
        if not data:
            return data
        ends_in_cr = data.endswith(b"\r")
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = ends_in_cr
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data
