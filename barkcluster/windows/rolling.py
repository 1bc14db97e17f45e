"""The newest rows of what comes without end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray


class RollingBuffer:
    """The newest rows of an array that grows for ever, in bounded memory."""

    def __init__(self, keep: int, room: int, width: int) -> None:
        self._rows = np.zeros((keep + room, width))
        self._keep = keep
        self._first = 0  # absolute number of the row stored at index 0
        self.n_rows = 0  # rows ever appended

    def extend(self, n: int) -> FloatArray:
        """Make room for ``n`` new rows at the end and return them to be filled."""
        start = self.n_rows - self._first
        if start + n > len(self._rows):
            kept = min(self._keep, start)
            self._rows[:kept] = self._rows[start - kept:start]
            self._first = self.n_rows - kept
            start = kept
        self.n_rows += n
        return self._rows[start:start + n]

    def at(self, numbers: npt.NDArray[np.intp]) -> FloatArray:
        """Rows by absolute number; they must be among the newest ``keep``."""
        return self._rows[numbers - self._first]

    def between(self, start: int, stop: int) -> FloatArray:
        """Rows ``start`` to ``stop`` by absolute number, as a view."""
        return self._rows[start - self._first:stop - self._first]
