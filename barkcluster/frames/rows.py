"""The numbers of a frame from the fields of a line, each checked for its column.

`columns` finds out at the first frame what the columns are; this file remembers it and checks
all lines that follow against it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from . import grammar as lines
from .columns import LEVEL, SKIP, Columns, ColumnTeller
from .decimals import table_of
from .grammar import BadLineError
from .units import are_in_range, check_range


class RowReader:
    """Reads lines that all have the same columns into rows: the other numbers, then the bands.

    Parameters
    ----------
    n_bands : int
        Numbers in a frame.
    units : {"db", "linear", "amplitude"}
        What they are.
    said : str or sequence of str, optional
        What the columns are, as an option says it.

    Attributes
    ----------
    teller : ColumnTeller
        Finds out what the columns are.
    columns : Columns or None
        What they are; None until the first frame.
    is_coll : bool
        Whether each line begins with the index of Max's coll.

    Examples
    --------
    >>> reader = RowReader(2, "db", None)
    >>> reader.of_line(b"0.5 -40 -50", [b"0.5", b"-40", b"-50"])
    [0.5, -40.0, -50.0]
    >>> reader.columns.roles
    ('time', 'levels', 'levels')
    """

    def __init__(self, n_bands: int, units: str, said: str | Sequence[str] | None) -> None:
        self.n_bands = n_bands
        self.units = units
        self.teller = ColumnTeller(n_bands, units, said)
        self.columns: Columns | None = None
        self.is_coll = False
        self._before: tuple[float, ...] = ()  # what stood before the levels of the last frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowReader) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def of_plain_lines(self, whole: bytes, *, end_in_semicolons: bool,
                       ) -> npt.NDArray[np.float64] | None:
        """The rows of many lines at once, or None if any needs a closer look.

        What this takes, `of_line` takes line by line with the same result, only ten
        times slower: so here every check may be coarse, as long as none is missing.

        Parameters
        ----------
        whole : bytes
            Whole lines, the last without its newline.
        end_in_semicolons : bool
            Whether each of them must end in one.
        """
        if self.columns is None or self.teller.is_in_doubt:
            return None
        if self.is_coll and not lines.are_coll_lines(whole):
            return None
        plain = lines.in_plain_numbers(whole)
        if end_in_semicolons and not lines.all_end_in_semicolons(plain):
            return None
        if not self.is_coll and not lines.commas_part_numbers(plain):
            return None
        rows = table_of(plain, len(self.columns.roles))
        if rows is None:
            return None
        others, levels = rows[:, self.columns.others], rows[:, self.columns.levels]
        if not are_in_range(levels, self.units):
            return None
        if others.size:
            steps = np.diff(others, axis=0, prepend=np.array([self._before]))
            if not (np.all(steps >= 0) and np.all(others[-1] < np.inf)
                    and not (self.is_coll and np.any(steps[:, 0] == 0))):
                return None
            self._before = tuple(others[-1].tolist())
        order = self.columns.others + self.columns.levels
        return rows if order == list(range(rows.shape[1])) else rows[:, order]

    def of_line(self, line: bytes, fields: list[bytes]) -> list[float]:
        """The numbers of a line: those beside the bands, then the bands.

        Parameters
        ----------
        line : bytes
            Without a comment; where a semicolon ends a frame, all of its lines.
        fields : list of bytes
            What stands between its separators.

        Raises
        ------
        BadLineError
            If they are no frame.
        """
        is_coll = lines.is_coll_line(line)
        # Among the lines of a coll a comma parts the index, even where no space follows.
        if not (self.is_coll and is_coll):
            wanted = None if self.columns is None else len(self.columns.roles)
            lines.check_no_decimal_commas(line, len(fields), self.n_bands, wanted)
        columns = self.columns
        if columns and columns.roles[0] == SKIP and len(fields) == len(columns.roles) - 1 and (
                line.lstrip(b" ")[:1] in (b",", b";", b"\t")):
            fields = [b"", *fields]  # Sonic Annotator names a file in its first line alone
        if columns is None:
            columns = self.teller.columns_of(fields, is_coll)
        elif len(fields) != len(columns.roles) or (self.is_coll and not is_coll):
            lines.numbers_of(fields)  # a word among them is the better answer
            raise BadLineError(f"expected {self._in_words()}{self.n_bands} numbers, got "
                               f"{len(fields) - is_coll}.")
        others = lines.numbers_of([fields[i] for i in columns.others])
        levels = lines.numbers_of([fields[i] for i in columns.levels])
        self._check_others(others, len(fields), is_coll)
        self.teller.check_levels(levels)
        check_range(min(levels), max(levels), self.units)
        if self.columns is None:
            self.is_coll = is_coll
        self.columns = columns
        return others + levels

    def _in_words(self) -> str:
        """The columns beside the bands, as an error names them."""
        assert self.columns is not None
        if self.is_coll:
            return "an index and "
        others = [role for role in self.columns.roles if role != LEVEL]
        return "".join(f"a {role} and " for role in others)

    def _check_others(self, others: list[float], came: int, is_coll: bool) -> None:
        """Raise BadLineError if a time or number falls below that of the line before."""
        before = self._before
        if len(before) != len(others):
            before = (-np.inf,) * len(others)
        # Also after a rejection: a clock that starts again costs one line, not all.
        if all(value < np.inf for value in others):
            self._before = tuple(others)
        for i, (was, value) in enumerate(zip(before, others, strict=True)):
            if not value < np.inf or value < was or (is_coll and i == 0 and value == was):
                what = "a rising index" if is_coll else "times that do not fall"
                raise BadLineError(
                    f"expected {self.n_bands} numbers, or {what} and {self.n_bands} numbers; "
                    f"got {came} with first {value:g} after {was:g}.")
