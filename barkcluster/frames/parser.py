"""Frames from session text, as its bytes arrive.

What one line may look like is in `grammar`, what its columns may be in `columns`; this file
remembers what the lines before it said: which columns are bands, what the comments declared,
which bytes still wait for their newline, and which lines for the semicolon that ends their frame.
`read_session` reads whole files with it, live input growing ones: there is one grammar.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_choice, check_positive_int

from . import grammar as lines
from .clock_times import with_seconds
from .columns import LEVEL, SKIP, TIME, Columns, hint, names_in
from .encoding import Utf8
from .grammar import BadLineError
from .line_ends import LineEnds
from .rows import RowReader
from .session import FLOOR_DB, N_BANDS
from .units import UNITS, check_range, to_db

# Bytes among which an odd line is looked for line by line.
_LONGEST_ONE_BY_ONE = 1 << 14


class FrameParser:
    """Frames from session text that arrives piece by piece, as from a growing file.

    Lines may end in LF, CR or both, UTF-16 is read if it begins with its mark. How the bytes are
    split into pieces makes no difference. A line that is no frame is left out and counted, and
    nothing is raised. Comments, blank lines and one line of column names at the top do not count
    as rejected.

    Parameters
    ----------
    n_bands : int, default=25
        Numbers in a frame.
    units : {"db", "linear", "amplitude"}, default="db"
        What the numbers are; linear powers, and amplitudes squared, are converted with
        `linear_to_db`.
    max_line_bytes : int, default=65536
        A longer line is rejected as soon as it is that long; its bytes are not kept.
    columns : str or sequence of str, optional
        What the columns are, as for `read_session`; by default the text tells.
    header : bool, optional
        Whether the first line names columns; by default the text tells.
    one_per_line : bool, default=False
        Whether each line holds one number, and ``n_bands`` of them are a frame.

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
    start : float
        Seconds on the session's clock if a comment ``# start: 12.5`` said so, else 0.
    gaps : list of (int, int)
        Frames before which a comment ``# gap: 300`` said that frames are missing, and how many.
    columns : Columns or None
        What the columns are; None until the first frame.
    is_coll : bool
        Whether each line begins with the index of Max's coll, which is no time.
    is_ours : bool
        Whether a comment ``# dtype:`` said that barkcluster wrote the text.
    single_precision : bool
        Whether a comment ``# dtype: float32`` said that the levels are exact as float32.
    first_error : tuple of (int, str) or None
        Line number and reason of the first rejection.
    unfinished : bytes
        The line whose newline has not come yet; after `finish` also the lines of a frame whose
        semicolon has not, where ``ended_in_newline``.

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
                 max_line_bytes: int = 1 << 16, *, columns: str | Sequence[str] | None = None,
                 header: bool | None = None, one_per_line: bool = False) -> None:
        self.n_bands = check_positive_int("n_bands", n_bands)
        self.units = check_choice("units", units, UNITS)
        self.max_line_bytes = check_positive_int("max_line_bytes", max_line_bytes)
        self.n_lines = 0
        self.n_frames = 0
        self.n_rejected = 0
        self.last_error: str | None = None
        self.frame_rate: float | None = None
        self.name: str | None = None
        self.start = 0.0
        self.gaps: list[tuple[int, int]] = []
        self.first_error: tuple[int, str] | None = None
        self.unfinished = b""  # a line whose newline has not come yet
        self.ended_in_newline = False
        self.single_precision = False
        self.is_ours = False
        self._rows = RowReader(self.n_bands, self.units, columns)
        self.one_per_line = one_per_line
        if one_per_line:
            self._rows.teller.trust_levels()
        self._header = header
        self._header_may_come = header is not False
        self._first: tuple[int, bytes] | None = None  # a first line that may name the columns
        self._semicolons: bool | None = None  # whether each frame ends in one
        self._decimal_commas: bool | None = None  # whether commas stand for decimal points
        self._clock = False  # whether lines begin with a time of day
        self._waiting: list[tuple[int, bytes]] = []  # lines of a frame without its semicolon yet
        self._utf8 = Utf8()
        self._line_ends = LineEnds()
        self._skipping = False  # inside an overlong line

    @property
    def columns(self) -> Columns | None:
        """What the columns are; None until the first frame."""
        return self._rows.columns

    @property
    def is_coll(self) -> bool:
        """Whether each line begins with the index of Max's coll, which is no time."""
        return self._rows.is_coll

    def feed(self, data: bytes) -> npt.NDArray[np.float64]:
        """The frames that these bytes complete.

        Parameters
        ----------
        data : bytes-like
            The next piece of the text, of any length.

        Returns
        -------
        frames : ndarray of shape (k, n_bands)
            dB, finite, not below ``FLOOR_DB``. ``k`` may be 0.
        """
        return self.feed_columns(data)[0]

    def feed_timed(self, data: bytes,
                   ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The frames that these bytes complete, and their time column.

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
        frames, others = self.feed_columns(data)
        roles = () if self.columns is None or self.is_coll else [
            role for role in self.columns.roles if role not in (LEVEL, SKIP)]
        return frames, others[:, roles.index(TIME)].copy() if TIME in roles else np.empty(0)

    def feed_columns(self, data: bytes,
                     ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The frames that these bytes complete, and the numbers beside them.

        Parameters
        ----------
        data : bytes-like
            The next piece of the text.

        Returns
        -------
        frames : ndarray of shape (k, n_bands)
            As from `feed`.
        others : ndarray of shape (k, n_others)
            The columns that are no bands, but for those to skip: ``columns.others``.
        """
        return self._feed(self._utf8.of(bytes(memoryview(data))))

    def _feed(self, data: bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """`feed_columns` of UTF-8."""
        whole = self._whole_lines(data)
        parts = [] if whole is None else self._taken(whole)
        self._reject_overlong_tail()
        parts = [part for part in parts if len(part[0])]
        if len(parts) > 1:
            frames, others = zip(*parts, strict=True)
            return np.concatenate(frames), np.concatenate(others)
        return parts[0] if parts else self._parted(None)

    def finish(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Take what still waited for more lines, as the text has ended: a frame, or a rejection.

        Returns
        -------
        frames, others : ndarray
            As from `feed_columns`, of whole lines; a last line without a newline stays in
            `unfinished`.
        """
        self._feed(self._utf8.rest())  # too short for a frame
        rows: list[list[float]] = []
        self._release_first(rows)
        if self.one_per_line:
            self._check_multiple()
        elif self._semicolons is None:
            self._reject_waiting()
        elif self._waiting and not self.unfinished:
            self.unfinished = self._joined()
            self.ended_in_newline = True
        if self._rows.teller.is_rising():
            self._reject(BadLineError(self._rows.teller.doubt()), self.n_lines)
        return self._parted(np.array(rows) if rows else None)

    def _taken(self, whole: bytes,
               ) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
        """Frames of whole lines and the numbers beside them, in as few parts as possible."""
        rows = self._plain_rows(whole)
        if rows is None:
            # The one odd line among many does not make its neighbors slow.
            cut = whole.find(b"\n", len(whole) // 2)
            if len(whole) > _LONGEST_ONE_BY_ONE and cut >= 0:
                return self._taken(whole[:cut]) + self._taken(whole[cut + 1:])
            rows = self._rows_one_by_one(whole)
        return [self._parted(rows)]

    def _parted(self, rows: npt.NDArray[np.float64] | None,
                ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Rows split into frames in dB and the numbers beside them."""
        if rows is None or not len(rows):
            n_others = 0 if self.columns is None else len(self.columns.others)
            return np.empty((0, self.n_bands)), np.empty((0, n_others))
        self.n_frames += len(rows)
        levels, others = rows[:, -self.n_bands:], rows[:, :-self.n_bands]
        levels = to_db(levels, self.units).astype(np.float64, copy=False)
        if self.single_precision:
            levels = levels.astype(np.float32).astype(np.float64)
        # Copies: a view would keep all columns in memory.
        return np.maximum(levels, FLOOR_DB), others.copy()

    def _whole_lines(self, data: bytes) -> bytes | None:
        """The complete lines, without the last newline; the rest is kept for later."""
        data = self._line_ends.to_lf(data)
        if not data:
            return None
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
            self._reject(self._overlong(), self.n_lines)

    def _overlong(self) -> BadLineError:
        return BadLineError(f"expected {self.n_bands} numbers, got a line of more than "
                            f"{self.max_line_bytes} bytes.")

    def _reject(self, error: BadLineError, number: int) -> None:
        self.n_rejected += 1
        self.last_error = f"line {number}: {error}"
        if self.first_error is None:
            self.first_error = (number, str(error))

    def _plain_rows(self, whole: bytes) -> npt.NDArray[np.float64] | None:
        """The rows of many lines at once, or None if any needs a closer look."""
        if self._waiting or self.one_per_line or (
                max(map(len, whole.split(b"\n"))) > self.max_line_bytes):
            return None
        if self._clock and self._rows.teller.may_begin_with_time:
            whole = b"\n".join(map(with_seconds, whole.split(b"\n")))
        if self._decimal_commas:
            whole = whole.replace(b",", b".")
        elif self._decimal_commas is None and (b"." in whole or b"," in whole):
            return None
        rows = self._rows.of_plain_lines(whole, end_in_semicolons=bool(self._semicolons))
        if rows is not None:
            self.n_lines += whole.count(b"\n") + 1
        return rows

    def _rows_one_by_one(self, whole: bytes) -> npt.NDArray[np.float64] | None:
        rows: list[list[float]] = []
        for line in whole.split(b"\n"):
            self.n_lines += 1
            try:
                self._take(line, rows)
            except BadLineError as error:
                self._reject(error, self.n_lines)
        return np.array(rows) if rows else None

    def _take(self, line: bytes, rows: list[list[float]]) -> None:
        """Take one line: add its frame to the rows, or keep it until the frame is complete."""
        if len(line) > self.max_line_bytes:
            raise self._overlong()
        if line.translate(None, lines.PLAIN):
            line = self._text_of(line, rows)
        if self._decimal_commas is None:
            self._decimal_commas = lines.has_decimal_commas(
                lines.without_first(line) if self._clock else line, self.n_bands)
        if self._decimal_commas:
            line = line.replace(b",", b".")
        fields = lines.split_fields(line)
        if not fields and not (self._waiting and b";" in line):
            return
        if self._header_may_come:
            if self._header or lines.is_header(line, fields):
                self._release_first(rows)
                self._header_may_come = lines.is_for_excel(line)
                if not self._header_may_come:
                    self._rows.teller.names = names_in(line)
                return
            if self._first is None and self.columns is None and self._header is None and (
                    lines.may_number_columns(fields)):
                self._first = (self.n_lines, line)
                return
        if self._first is not None:
            if not lines.may_number_columns(fields):
                # No frame is like it: it numbered the columns.
                self._rows.teller.names = names_in(self._first[1])
                self._first, self._header_may_come = None, False
            self._release_first(rows)
        if self.one_per_line:
            self._take_number(fields, rows)
        else:
            self._take_statement(line, fields, rows)

    def _take_number(self, fields: list[bytes], rows: list[list[float]]) -> None:
        """Take a line of one number, and those before it if it ends their frame."""
        if len(fields) != 1:
            raise BadLineError(f"expected one number, got {len(fields)}. Without one_per_line "
                               "(--one-per-line) a line is a frame.")
        number, = lines.numbers_of(fields)
        check_range(number, number, self.units)
        self._waiting.append((self.n_lines, fields[0]))
        if len(self._waiting) == self.n_bands:
            line = self._joined()
            self._waiting.clear()
            rows.append(self._row(line, line.split()))

    def _check_multiple(self) -> None:
        """Reject the last line if the numbers, one a line, do not add up to whole frames."""
        n = len(self._waiting) + bool(self.unfinished.strip())
        if n % self.n_bands:
            self._reject(BadLineError(
                f"expected a multiple of {self.n_bands} numbers, a number a line, got "
                f"{self.n_frames * self.n_bands + n}."), self.n_lines)

    def _text_of(self, line: bytes, rows: list[list[float]]) -> bytes:
        """The line without its comment and quotes; what the comment declares is taken."""
        # At the top of a file, or wherever files were joined.
        line = line.removeprefix(codecs.BOM_UTF8)
        lines.check_is_text(line)
        line, comment = lines.split_comment(line)
        if comment and not line.strip():
            self._heed(comment, rows)
            self._rows.teller.comment = comment
        if b'"' in line and not (self._header_may_come and lines.is_header(
                line, lines.split_fields(line))):
            line = lines.without_quotes(line)
        if self._rows.teller.may_begin_with_time:
            said, line = line, with_seconds(line)
            self._clock = self._clock or line != said
        line = lines.without_brackets(line)
        return line if self._rows.teller.begins_with_name else lines.without_print(line)

    def _release_first(self, rows: list[list[float]]) -> None:
        """Take a first line, which might have named columns, for the frame that it is."""
        if self._first is None:
            return
        (number, line), self._first = self._first, None
        try:
            self._take_statement(line, lines.split_fields(line), rows, number)
        except BadLineError as error:
            self._reject(error, number)

    def _take_statement(self, line: bytes, fields: list[bytes], rows: list[list[float]],
                        number: int = 0) -> None:
        """Take a line of numbers, with those before it where a semicolon ends a frame."""
        number = number or self.n_lines
        ends = line.rstrip().endswith(b";")
        if self._semicolons is None and not ends and len(fields) >= self.n_bands:
            self._reject_waiting()
        elif not ends and self._semicolons is not False and not self.is_coll and (
                self._semicolons or all(map(lines.is_number, fields))):
            self._waiting.append((number, line))
            size = sum(len(text) for _, text in self._waiting)
            if self._semicolons is None and sum(
                    len(lines.split_fields(text)) for _, text in self._waiting) > self.n_bands + 2:
                self._reject_waiting()
            elif size > self.max_line_bytes:
                self._waiting.clear()
                raise self._overlong()
            return
        elif self._waiting:
            number = self._waiting[0][0]
            line = self._joined() + b" " + line
            self._waiting.clear()
            fields = lines.split_fields(line)
        try:
            rows.append(self._row(line, fields))
        except BadLineError as error:
            self._reject(error, number)
            return
        if self._semicolons is None:
            self._semicolons = ends

    def _joined(self) -> bytes:
        return b" ".join(text for _, text in self._waiting)

    def _reject_waiting(self) -> None:
        """Reject lines that are too short for a frame and that no semicolon came to end."""
        waiting, self._waiting = self._waiting, []
        for number, line in waiting:
            n = len(lines.split_fields(line))
            self._reject(BadLineError(f"expected {self.n_bands} numbers, got {n}. "
                                      f"{hint(n)}".rstrip()), number)

    def _row(self, line: bytes, fields: list[bytes]) -> list[float]:
        """The numbers of a line: those beside the bands, then the bands."""
        row = self._rows.of_line(line, fields)
        self._header_may_come = False
        return row

    def _heed(self, comment: bytes, rows: list[list[float]]) -> None:
        """Take what a comment declares about the session, or about a gap at this place."""
        n_missing = lines.gap_in_comment(comment)
        if n_missing is not None:
            self._add_gap(self.n_frames + len(rows), n_missing)
            return
        said = lines.said_in_comment(comment)
        if said is None:
            return
        key, value = said
        if key == "name" and self.name is None:
            self.name = lines.text_to_name(value)
        elif key == "dtype" and self.columns is None:
            self.is_ours = True
            self._header_may_come = bool(self._header)
            self._rows.teller.trust_levels()
            self.single_precision = value == "float32"
        elif key == "start" and self.columns is None:
            self.start = self._number_said(key, value, 0.0)
        elif key == "frame_rate":
            rate = self._number_said(key, value, np.nextafter(0.0, 1.0))
            if self.frame_rate not in (None, rate):
                raise BadLineError(f"expected frame_rate {self.frame_rate}, got {value!r}.")
            self.frame_rate = rate

    def _add_gap(self, row: int, n_missing: int) -> None:
        """Note a gap before a frame; several comments in a row are one gap."""
        if self.gaps and self.gaps[-1][0] == row:
            n_missing += self.gaps.pop()[1]
        if row:
            self.gaps.append((row, n_missing))

    def _number_said(self, key: str, value: str, least: float) -> float:
        try:
            number, = lines.numbers_of([value.encode()])
        except BadLineError:
            number = -1.0
        if not least <= number < np.inf:
            expected = self.frame_rate if key == "frame_rate" and self.frame_rate else (
                "a positive number" if least else "a number of 0 or more")
            raise BadLineError(f"expected {key} {expected}, got {value!r}.")
        return number
