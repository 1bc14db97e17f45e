"""Which columns of session text are bands, and what the others are.

A table may begin with times, with numbers of lines, frames or samples, or with names. If one of
these were taken for a band, everything after it would be wrong without an error. So a column with
such a name, or one that rises by equal steps, is never a band.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .grammar import BadLineError, decoded, is_number, numbers_of
from .session import LARGEST_DB, MOST_BANDS

LEVEL, TIME, NUMBER, SAMPLE, SKIP = "levels", "time", "number", "sample", "skip"
ROLES = (TIME, NUMBER, SAMPLE, SKIP, LEVEL)

# What columns are called that hold no band, and what they are; by words in their names.
_WORDS = {
    TIME: "time times timestamp timestamps timecode t sec secs second seconds s ms msec msecs "
          "millis millisecond milliseconds start begin onset",
    SKIP: "end stop offset duration dur label labels name names file filename channel",
    SAMPLE: "sample samples smp",
    NUMBER: "unnamed index idx frame frames hop hops number num no nr n id row rows i line lines "
            "count position",
}
_ROLE_OF_WORD = {word: role for role, words in _WORDS.items() for word in words.split()}
_MS = ("ms", "msec", "msecs", "millis", "millisecond", "milliseconds")
_S = ("s", "sec", "secs", "second", "seconds")
_UNIT_OF_WORD = {**dict.fromkeys(_MS, "ms"), **dict.fromkeys(_S, "s")}
_TABLE_OF_FAMILIARITY = ["time_s", "familiarity"]
# So many lines tell whether their first column only rises.
LINES_TO_TELL = 16
_FEWEST_TO_TELL = 3
_ONE_HEADER = "One line alone may name the columns; put # before the others."
# More words than these beside a frame are no columns.
_MOST_WORDS = 8


@dataclass(frozen=True)
class Columns:
    """What each column is.

    Attributes
    ----------
    roles : tuple of str
        One of `ROLES` for each column.
    unit : {"s", "ms"} or None
        Of the times, if their name says so.
    sure : bool
        Whether a header or the user said so; otherwise it is a guess by their number.
    """

    roles: tuple[str, ...]
    unit: str | None = None
    sure: bool = False

    @property
    def levels(self) -> list[int]:
        """Indices of the bands."""
        return [i for i, role in enumerate(self.roles) if role == LEVEL]

    @property
    def others(self) -> list[int]:
        """Indices of the columns of times, line numbers and sample numbers."""
        return [i for i, role in enumerate(self.roles) if role not in (LEVEL, SKIP)]


class ColumnTeller:
    """Finds out what the columns are: from the options, the header, their number and their values.

    Parameters
    ----------
    n_bands : int
    units : str
        What the levels are: "db", "linear" or "amplitude".
    said : str or sequence of str, optional
        As for `columns_by_option`.

    Attributes
    ----------
    names : list of str or None
        Names of the columns, if a line gave them.
    comment : bytes
        The last comment line, which may name them as well.
    """

    def __init__(self, n_bands: int, units: str, said: str | Sequence[str] | None) -> None:
        self.n_bands = n_bands
        self.units = units
        self.names: list[str] | None = None
        self.comment = b""
        self._said = None if said is None else columns_by_option(said, n_bands)
        self._rising: list[list[float]] | None = [] if said is None else None
        self._risers = [0, -1]  # which columns only rose so far
        self._no_band: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ColumnTeller) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def trust_levels(self) -> None:
        """Take all columns for bands, as barkcluster wrote the text; options still prevail."""
        if self._said is None:
            self._said = columns_by_option(LEVEL, self.n_bands)
            self._rising = None

    @property
    def begins_with_name(self) -> bool:
        """Whether the first column may hold names rather than numbers."""
        if self._said is not None:
            return self._said.roles[0] == SKIP
        if not self.names:  # None, or empty after a header of what other scripts call spaces
            return False
        return role_of_name(self.names[0])[0] != LEVEL

    @property
    def may_begin_with_time(self) -> bool:
        """Whether the first column holds times, unless an option says that it does not."""
        return self._said is None or self._said.roles[0] == TIME

    @property
    def is_in_doubt(self) -> bool:
        """Whether the first column, taken for a band so far, may still turn out to be a time."""
        return self._rising is not None

    def columns_of(self, fields: list[bytes], is_coll: bool) -> Columns:
        """What the columns are: as the options say, else by their names, else by their number."""
        if self._said is not None:
            if len(fields) != len(self._said.roles):
                raise BadLineError(f"expected {len(self._said.roles)} columns, "
                                   f"{self.n_bands} of them bands, got {len(fields)}.")
            return self._said
        columns = self._by_name(fields)
        if columns is not None:
            self._rising = None
            return columns
        if is_coll:
            behind = columns_by_count(numbers_of(fields[1:]), self.n_bands, self.units)
            return Columns((NUMBER, *behind.roles))
        try:
            numbers = numbers_of(fields)
        except BadLineError as error:
            are_names = self.names and 2 * sum(map(is_number, fields)) <= len(fields)
            why = _ONE_HEADER if are_names else hint_of_words(fields, self.n_bands)
            raise BadLineError(f"{error} {why}".rstrip()) from None
        return columns_by_count(numbers, self.n_bands, self.units)

    def _by_name(self, fields: list[bytes]) -> Columns | None:
        """What the columns are if the header says so, or a comment above the first frame."""
        names = self.names if self.names is not None or not self.comment else (
            names_in(self.comment))
        if not names or 2 * sum(map(is_number, fields)) <= len(fields):
            return None
        columns = columns_by_header(names, len(fields), self.n_bands)
        if columns is None:
            return None
        # Rows may have names in place of numbers.
        roles = tuple(SKIP if role == NUMBER and not is_number(field) else role
                      for role, field in zip(columns.roles, fields, strict=True))
        return Columns(roles, columns.unit, sure=True)

    def check_levels(self, levels: list[float]) -> None:
        """Raise BadLineError if the first or last column turns out to be a time or a number."""
        if self._no_band is not None:
            raise BadLineError(self._no_band)
        if self._rising is None or levels[0] == np.inf:  # no time is, nor is a level
            return
        rising = self._rising = [*self._rising, levels]
        self._risers = [at for at in self._risers if len(levels) > 1 and (
            at == 0 or levels[at] <= LARGEST_DB) and (
            len(rising) < 2 or rising[-1][at] >= rising[-2][at] >= 0)]
        if self._risers and len(rising) < LINES_TO_TELL and levels[0] <= LARGEST_DB:
            return
        self._risers = [at for at in self._risers if self._rises(at) or (
            levels[at] > LARGEST_DB > max(levels[1:]))]
        if not self._risers:
            self._rising = None
            return
        self._no_band = self.doubt()
        raise BadLineError(self._no_band)

    def is_rising(self) -> bool:
        """Whether, in a text that ended after few lines, the first or last column only rises."""
        if self._no_band is None and self._rising:
            self._risers = [at for at in self._risers if self._rises(at)]
            return bool(self._risers)
        return False

    def _rises(self, at: int) -> bool:
        levels = np.array(self._rising)
        return only_rises(levels[:, at].tolist(), np.delete(levels, at, axis=1))

    def doubt(self) -> str:
        """The error for a column that only rises, with the options that settle it."""
        at = self._risers[0]
        first = ", ".join(f"{row[at]:g}" for row in (self._rising or [])[:3])
        n = self.n_bands - 1
        say = f"n_bands={n} (--bands {n})" if at == 0 else (
            f"n_bands={n}, columns='levels,time' (--bands {n} --columns levels,time)")
        return (f"expected {self.n_bands} bands, got a {'last ' if at else ''}column that only "
                f"rises ({first}, ...), a time or number, beside {n}. If that is right, {say}; if "
                "it is a band, columns='levels' (--columns levels).")


def columns_by_option(said: str | Sequence[str], n_bands: int) -> Columns:
    """Columns as a user says, such as "time,levels".

    Parameters
    ----------
    said : str or sequence of str
        Words from `ROLES`, in the order of the columns. "levels" stands for all bands; left out,
        they come last.
    n_bands : int

    Returns
    -------
    columns : Columns

    Examples
    --------
    >>> columns_by_option("time,skip", 3).roles
    ('time', 'skip', 'levels', 'levels', 'levels')
    """
    words = [word.strip() for word in (said.split(",") if isinstance(said, str) else said)]
    words = [word for word in words if word]
    if any(word not in ROLES for word in words) or words.count(LEVEL) > 1:
        raise ValueError(f"columns must be words of {', '.join(ROLES)}, with commas between them "
                         f"and levels once; got {said!r}.")
    if LEVEL not in words:
        words.append(LEVEL)
    at = words.index(LEVEL)
    return Columns((*words[:at], *[LEVEL] * n_bands, *words[at + 1:]), sure=True)


def columns_by_header(names: list[str], n_fields: int, n_bands: int) -> Columns | None:
    """Columns as their names say; None where no name tells anything.

    Parameters
    ----------
    names : list of str
        As `names_in` returned.
    n_fields : int
        Columns in the lines that follow.
    n_bands : int

    Returns
    -------
    columns : Columns or None

    Raises
    ------
    BadLineError
        If they leave another number of bands.
    """
    if len(names) == n_fields - 1:  # R leaves out the name of the rows' names
        names = ["", *names]
    if len(names) != n_fields:
        return None
    found = [role_of_name(name) for name in names]
    roles = tuple(role for role, _ in found)
    n = roles.count(LEVEL)
    if n == n_fields:
        return None
    if n != n_bands:
        others = ", ".join(repr(name or "(no name)") for name, role in
                           zip(names, roles, strict=True) if role != LEVEL)
        raise BadLineError(f"expected {n_bands} bands, got {n} beside the columns {others:.80}. "
                           f"{hint(n) if n > 1 else ''}".rstrip())
    units = [unit for role, unit in found if role == TIME]
    return Columns(roles, units[0] if units else None, sure=True)


def columns_by_count(numbers: list[float], n_bands: int, units: str) -> Columns:
    """Columns of the first line of numbers, where nothing else tells what they are.

    Raises
    ------
    BadLineError
        If they are not the bands, or the bands behind one or two columns of times or numbers.
    """
    came = len(numbers)
    before = came - n_bands
    if before == 1 and not numbers[0] >= 0:
        raise BadLineError(f"expected {n_bands} numbers, got {came}; the first is no time, it is "
                           f"{numbers[0]:g}. {hint(came)}")
    if before not in (0, 1, 2) or any(not value >= 0 for value in numbers[:max(before, 0)]):
        if came > MOST_BANDS:
            raise BadLineError(f"expected {n_bands} numbers, got {came}. Are these several frames "
                               "in one line? Put each in a line of its own.")
        beside = units == "db" and came > 2 and numbers[0] >= 0 > max(numbers[1:])
        raise BadLineError(f"expected {n_bands} numbers, got {came}. "
                           f"{hint(came - 1, ' beside a time or number')}" if beside else
                           f"expected {n_bands} numbers, got {came}. {hint(came)}".rstrip())
    return Columns((TIME,) * before + (LEVEL,) * n_bands)


def hint(n_bands: int, beside: str = "") -> str:
    """The option to pass if that many bands are right; empty where they cannot be."""
    if n_bands == 1 and not beside:
        return "If each line is one number of a frame, one_per_line=True (--one-per-line)."
    if not 2 <= n_bands <= MOST_BANDS:
        return ""
    return f"If {'that is' if not beside else f'{n_bands} bands{beside} are'} right, " \
           f"n_bands={n_bands} (--bands {n_bands})."


def hint_of_words(fields: list[bytes], n_bands: int) -> str:
    """The option to pass where a line has words beside a frame; empty where it holds none.

    Examples
    --------
    >>> hint_of_words(b"jam.wav 0.5 -40 -41 -42".split(), 3)
    "If only 3 columns are bands, columns='skip,time' (--columns skip,time)."
    """
    runs = "".join("n" if is_number(field) else " " for field in fields)
    found = re.search(f"n{{{n_bands},{n_bands + 2}}}", runs)
    if found is None or len(fields) > n_bands + _MOST_WORDS:
        return ""
    roles = [SKIP] * found.start() + [TIME, SKIP][:found.end() - found.start() - n_bands]
    after = [SKIP] * (len(fields) - found.end())
    said = ",".join([*roles, LEVEL, *after] if after else roles)
    return f"If only {n_bands} columns are bands, columns='{said}' (--columns {said})."


def names_in(line: bytes) -> list[str]:
    """The names in a line of column names.

    Raises
    ------
    BadLineError
        If it is the header of a table that barkcluster wrote.

    Examples
    --------
    >>> names_in(b'"","V1","V2"')
    ['', 'V1', 'V2']
    >>> names_in(b"time b1 b2")
    ['time', 'b1', 'b2']
    """
    text = decoded(line).strip("\r\n").lstrip("#%/").strip(" ")
    between = next((mark for mark in ",;\t" if mark in text), None)
    cells = text.split(between) if between else text.split()
    names = [cell.strip(" \"'\r") for cell in cells]
    if names[:2] == _TABLE_OF_FAMILIARITY:
        raise BadLineError("is a table of familiarity that barkcluster wrote, no session.")
    return names


def role_of_name(name: str) -> tuple[str, str | None]:
    """The role of a column by its name and, if it holds times, their unit.

    Examples
    --------
    >>> role_of_name("Time (ms)"), role_of_name("Unnamed: 0"), role_of_name("bark 1")
    (('time', 'ms'), ('number', None), ('levels', None))
    >>> role_of_name("frameTime")
    ('time', None)
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    if not name.strip(" \"'#"):
        return (NUMBER, None) if "#" in name or not name else (LEVEL, None)
    unit = next((_UNIT_OF_WORD[word] for word in words if word in _UNIT_OF_WORD), None)
    roles = [_ROLE_OF_WORD[word] for word in words if word in _ROLE_OF_WORD]
    if not roles or len(words) > 4:
        return LEVEL, None
    if roles[0] != SKIP and TIME in roles:
        return TIME, unit
    return roles[0], None


def only_rises(column: Sequence[float], others: npt.NDArray[np.float64]) -> bool:
    """Whether a column rises by equal steps, or alone is never below 0: then it is no band.

    Parameters
    ----------
    column : sequence of float
        Its numbers in successive lines.
    others : ndarray of shape (n_lines, n_others)
        What stands beside it.

    Examples
    --------
    >>> only_rises([0.0, 0.01, 0.02, 0.03], np.full((4, 2), -40.0))
    True
    >>> only_rises([-40.0, -39.0, -38.0, -37.0], np.full((4, 2), -40.0))
    False
    """
    values = np.asarray(column, dtype=np.float64)
    if len(values) < _FEWEST_TO_TELL or values.min() < 0 or not values[-1] > values[0]:
        return False
    steps = np.diff(values)
    if steps.min() < 0:
        return False
    even = values[0] + np.arange(len(values)) * steps.mean()
    if np.all(np.abs(values - even) <= 0.75 * steps.mean()) and steps.max() < 2.5 * steps.mean():
        return True
    return bool(others.size and others.max() < 0)
