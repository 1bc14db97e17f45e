"""Frames from session text, as its bytes arrive.

What one line may look like is in `_session_lines`; this file remembers what the lines
before it said: whether there is a time column, what the comments declared, which
bytes still wait for their newline. `read_session` reads whole files with it, live
input growing ones: there is one grammar.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_choice, check_positive_int

from . import grammar as lines
from .bark import linear_to_db
from .grammar import BadLineError
from .session import FLOOR_DB, LARGEST_DB, N_BANDS

_LARGEST_POWER = 10.0 ** (LARGEST_DB / 10)


class FrameParser:
    """Frames from session text that arrives piece by piece, as from a growing file.

    Lines may end in LF, CR or both. How the bytes are split into pieces makes no
    difference. A line that is no frame is counted and left out, never raised; comments,
    blank lines and one line of column names at the top are no rejections.

    Parameters
    ----------
    n_bands : int, default=25
        Numbers in a frame.
    units : {"db", "linear"}, default="db"
        What the numbers are; linear powers are converted with `linear_to_db`.
    max_line_bytes : int, default=65536
        A longer line is rejected as soon as it is that long; its bytes are not kept.

    Attributes
    ----------
    n_lines : int
        Lines seen, the overlong one that still lacks its newline included.
    n_frames, n_rejected : int
        Frames returned, and lines rejected.
    last_error : str or None
        Why the last rejected line was, ``"line 17: expected 25 numbers, got 24."``.
    frame_rate : float or None
        Frames per second if a comment ``# frame_rate: 86.13`` said so.
    name : str or None
        The session's name if a comment ``# name: jam`` said so.
    lead : {"", "time", "index"} or None
        What stands before the levels of a line; None until the first frame.
    single_precision : bool
        Whether a comment ``# dtype: float32`` said that the levels are exact as float32.
    first_error : tuple of (int, str) or None
        Line number and reason of the first rejection.
    unfinished : bytes
        The line whose newline has not come yet.

    Examples
    --------
    >>> parser = FrameParser(n_bands=3)
    >>> parser.feed(b"-40 -50 -6")
    array([], shape=(0, 3), dtype=float64)
    >>> parser.feed(b"0\\n-41 oops -61\\n")
    array([[-40., -50., -60.]])
    >>> parser.n_rejected, parser.last_error
    (1, "line 2: expected a number, got 'oops'.")
    """

    def __init__(self, n_bands: int = N_BANDS, units: str = "db",
                 max_line_bytes: int = 1 << 16) -> None:
        self.n_bands = check_positive_int("n_bands", n_bands)
        self.units = check_choice("units", units, ("db", "linear"))
        self.max_line_bytes = check_positive_int("max_line_bytes", max_line_bytes)
        self.n_lines = 0
        self.n_frames = 0
        self.n_rejected = 0
        self.last_error: str | None = None
        self.frame_rate: float | None = None
        self.name: str | None = None
        self.first_error: tuple[int, str] | None = None
        self.unfinished = b""  # a line whose newline has not come yet
        self._after_cr = False  # a LF at the start of the next piece belongs to a CR
        self._skipping = False  # inside an overlong line
        self._largest = LARGEST_DB if units == "db" else _LARGEST_POWER
        self._header_may_come = True
        self.lead: str | None = None  # what stands before the levels: "", "time", "index"
        self._last_lead = -np.inf
        self.single_precision = False

    def feed(self, data: bytes) -> npt.NDArray[np.float64]:
        """Return the frames that these bytes complete.

        Parameters
        ----------
        data : bytes-like
            The next piece of the text, of any length.

        Returns
        -------
        frames : ndarray of shape (k, n_bands)
            dB, finite, not below ``FLOOR_DB``. ``k`` may be 0.
        """
        return self.feed_timed(data)[0]

    def feed_timed(self, data: bytes,
                   ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the frames that these bytes complete, and their time column.

        Parameters
        ----------
        data : bytes-like
            The next piece of the text.

        Returns
        -------
        frames : ndarray of shape (k, n_bands)
            As from `feed`.
        times : ndarray of shape (k,), or (0,) without a time column
            In the file's unit, s or ms.
        """
        whole = self._whole_lines(data)
        rows = np.empty((0, self.n_bands + 1))
        if whole is not None:
            quick = self._plain_rows(whole)
            rows = self._rows_one_by_one(whole) if quick is None else quick
        self._reject_overlong_tail()
        self.n_frames += len(rows)
        levels = rows[:, -self.n_bands:]
        if self.units == "linear":
            levels = linear_to_db(levels).astype(np.float64)
        if self.single_precision:
            levels = levels.astype(np.float32).astype(np.float64)
        # A copy: a view would keep all columns in memory.
        times = rows[:, 0].copy() if self.lead == "time" else np.empty(0)
        return np.maximum(levels, FLOOR_DB), times

    def _whole_lines(self, data: bytes) -> bytes | None:
        """Return the complete lines, without the last newline, and keep the rest."""
        data = bytes(memoryview(data))
        if not data:
            return None
        ends_in_cr = data.endswith(b"\r")
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = ends_in_cr
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            self.unfinished += rest
            return None
        whole, self.unfinished = self.unfinished + whole, rest
        return whole

    def _reject_overlong_tail(self) -> None:
        if len(self.unfinished) > self.max_line_bytes:
            self.unfinished = b""
            self._skipping = True
            self.n_lines += 1
            self._reject(self._overlong())

    def _overlong(self) -> BadLineError:
        return BadLineError(f"expected {self.n_bands} numbers, got a line of more than "
                            f"{self.max_line_bytes} bytes.")

    def _reject(self, error: BadLineError) -> None:
        self.n_rejected += 1
        self.last_error = f"line {self.n_lines}: {error}"
        if self.first_error is None:
            self.first_error = (self.n_lines, str(error))

    def _plain_rows(self, whole: bytes) -> npt.NDArray[np.float64] | None:
        """Return the rows of many lines at once, or None if any needs a closer look.

        What this takes, `_row` takes line by line with the same result, only three
        times slower: so here every check may be coarse, as long as none is missing.
        """
        if self.lead is None or max(map(len, whole.split(b"\n"))) > self.max_line_bytes:
            return None
        if self.lead == "index" and not lines.are_coll_lines(whole):
            return None
        plain = lines.in_plain_numbers(whole)
        if plain.translate(None, lines.PLAIN + b"\n"):
            return None
        if self.lead != "index" and not lines.commas_part_numbers(plain):
            return None
        split = plain.translate(lines.TO_SPACES).split(b"\n")
        fields = [row for row in map(bytes.split, split) if row]
        width = self.n_bands + bool(self.lead)
        if set(map(len, fields)) != {width}:
            return None
        try:
            rows = np.fromiter(map(float, itertools.chain.from_iterable(fields)), np.float64,
                               len(fields) * width).reshape(-1, width)
        except ValueError:
            return None
        levels = rows[:, -self.n_bands:]
        if levels.max() > self._largest or (self.units == "linear" and levels.min() < 0):
            return None
        if self.lead:
            if not (np.all(np.diff(rows[:, 0], prepend=self._last_lead) > 0)
                    and rows[-1, 0] < np.inf):
                return None
            self._last_lead = float(rows[-1, 0])
        self.n_lines += len(split)
        return rows if self.lead == "time" else levels

    def _rows_one_by_one(self, whole: bytes) -> npt.NDArray[np.float64]:
        rows = []
        for line in whole.split(b"\n"):
            self.n_lines += 1
            try:
                row = self._row(line)
            except BadLineError as error:
                self._reject(error)
            else:
                if row is not None:
                    rows.append(row)
        return np.array(rows) if rows else np.empty((0, self.n_bands + 1))

    def _row(self, line: bytes) -> list[float] | None:
        """Return the numbers of a line, a time before them too; None if it has none."""
        if len(line) > self.max_line_bytes:
            raise self._overlong()
        if line.translate(None, lines.PLAIN):
            if self.n_lines == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            lines.check_is_text(line)
            line, comment = lines.split_comment(line)
            if comment and not line.strip():
                self._heed(comment)
        fields = lines.split_fields(line)
        if not fields:
            return None
        if self._header_may_come and lines.is_header(line, fields):
            self._header_may_come = False
            return None
        # Among the lines of a coll a comma parts the index, even where no space follows.
        if not (self.lead == "index" and lines.is_coll_line(line)):
            lines.check_no_decimal_commas(line, len(fields), self.n_bands)
        numbers = lines.numbers_of(fields)
        lead = self._check_lead(line, numbers)
        levels = numbers[1:] if lead else numbers
        self._check_levels(levels)
        self.lead = lead
        self._header_may_come = False
        return numbers if lead == "time" else levels

    def _check_lead(self, line: bytes, numbers: list[float]) -> str:
        """Return what stands before the levels: nothing, a time or an index."""
        n, came = self.n_bands, len(numbers)
        if lines.is_coll_line(line):
            lead, came = "index", came - 1
        else:
            lead = "time" if came == n + 1 else ""
        if self.lead is None:  # the first frame tells what the others must be
            if came - (lead == "time") != n:
                raise BadLineError(f"expected {n} numbers, got {came}. "
                                   f"If that is right, n_bands={came}.")
            if lead == "time" and not numbers[0] >= 0:
                raise BadLineError(f"expected {n} numbers, got {came}; the first is no time, "
                                   f"it is {numbers[0]:g}.")
        elif lead != self.lead or came - (lead == "time") != n:
            expected = {"": "", "time": "a time and ", "index": "an index and "}[self.lead]
            raise BadLineError(f"expected {expected}{n} numbers, got {came}.")
        if lead:
            # Also after a rejection: a clock that starts again costs one line, not all.
            before = self._last_lead
            if numbers[0] < np.inf:
                self._last_lead = numbers[0]
            if not before < numbers[0] < np.inf:
                raise BadLineError(
                    f"expected {n} numbers, or a rising {lead} and {n} numbers; got "
                    f"{len(numbers)} with first {numbers[0]:g} after {before:g}.")
        return lead

    def _check_levels(self, levels: list[float]) -> None:
        if max(levels) > self._largest:
            raise BadLineError(self._too_large(max(levels)))
        if self.units == "linear" and min(levels) < 0:
            raise BadLineError(f"expected powers of 0 or more, got {min(levels):g}. "
                               "For levels in dB: units='db'.")

    def _too_large(self, came: float) -> str:
        if self.units == "db":
            return (f"expected levels up to {LARGEST_DB:g} dB, got {came:g}. "
                    "For linear powers: units='linear'.")
        return (f"expected powers up to {_LARGEST_POWER:g} ({LARGEST_DB:g} dB), got {came:g}. "
                "Divide them, so that full scale is about 1.")

    def _heed(self, comment: bytes) -> None:
        """Take what a comment says about the whole session."""
        said = lines.said_in_comment(comment)
        if said is None:
            return
        key, value = said
        if key == "name" and self.name is None:
            self.name = lines.text_to_name(value)
        elif key == "dtype" and self.lead is None:
            self.single_precision = value == "float32"
        elif key == "frame_rate":
            try:
                rate, = lines.numbers_of([value.encode()])
            except BadLineError:
                rate = 0.0
            if not 0 < rate < np.inf or self.frame_rate not in (None, rate):
                expected = "a positive number" if self.frame_rate is None else self.frame_rate
                raise BadLineError(f"expected frame_rate {expected}, got {value!r}.")
            self.frame_rate = rate
