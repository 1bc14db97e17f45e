"""The grammar of one line of session text; nothing here remembers other lines.

Everything here works on bytes: a file may be of any encoding, or no text at all,
and numbers are ASCII. ``float`` alone would also take ``1_0``, ``nan`` and the
digits of other scripts.
"""

from __future__ import annotations

import codecs
import json
import re
from itertools import pairwise

from .session import LARGEST_DB

# Bytes of a line of plain numbers; float() takes no token of these that is no number.
PLAIN = b"0123456789+-.eE \t,;"
TO_SPACES = bytes.maketrans(b"\t,;", b"   ")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# analyzer~ writes -inf for silence; older programs on Windows -1.#INF.
_MINUS_INFINITY = re.compile(rb"-(?:inf|infinity|1\.#inf0*)", re.IGNORECASE)
_MINUS_INF_FIELD = re.compile(rb"(?<![^\s,;])-inf(?![^\s,;])")
_NO_NAME = re.compile(rb'[ ]*(?:""\s*)?[,;\t]|[ ]*""[ ]')
# What bands may be called: 50Hz, 1.5kHz, 100-200, 100-200Hz.
_FREQUENCIES = re.compile(rb"\"?[0-9.]+k?(?:-[0-9.]+k?(?:hz)?|hz|(?<=k))\"?", re.IGNORECASE)
_NOT_A_WORD = re.compile(rb"nan|inf|infinity", re.IGNORECASE)
_FIRST_GAP = re.compile(rb"[ \t;]+")
# One or two may part the numbers of columns before the levels.
_FEWEST_DECIMAL_COMMAS = 3
_WITH_DECIMAL_COMMA = re.compile(rb"[+-]?[0-9]+(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# MATLAB, YAAFE and ARFF begin comments with %, C and its kin with //.
_COMMENT = re.compile(rb"(?:^|(?<=[\s,;]))#.*|^\s*(?:%|//).*")
_SAYING = re.compile(r"#\s*(frame_rate|name|dtype|start)\s*:(.*)")
# Where frames are missing, as `write_session` and journals say it.
_GAP = re.compile(rb"#\s*(?:gap\s*(?::\s*([0-9]{1,12}))?|reset)\s*")
_EXCEL = re.compile(rb"\s*sep=.?\s*", re.IGNORECASE)
_QUOTED = re.compile(rb'\s*"([^"]*)"')
_ALL_QUOTED = re.compile(rb'\s*"[^"]*"(?:\s*[,;\t ]\s*"[^"]*")*[\s;,]*')
# A time may stand before a list, a comma or semicolon behind it; lists may lie in a list.
_LIST = re.compile(rb"([^\[({]*)[\[({]+([^\[\](){}]*)[\])}]+([\s,;]*)")
_COLL_LINE = re.compile(rb"[ \t]*[0-9]+[ \t]*,[^,;\n]*;[ \t]*")
_COLL_LINES = re.compile(rb"%b(?:\n%b)*" % (_COLL_LINE.pattern, _COLL_LINE.pattern))
# Fewer numbers than this in a line are a frame, whatever they are.
_FEWEST_COLUMNS = 5
# Words a message may begin with: of Pd, and of the messages of live input.
_SELECTORS = (b"list", b"bark", b"/bark")
# What [print] of Pd and Max puts before each message: its name.
_PRINTED = re.compile(rb"[ \t]*[A-Za-z_][^\s,;:]*: +")


class BadLineError(Exception):
    """A line that is no frame; its text says what was expected and what came."""


def check_is_text(line: bytes) -> None:
    """Raise BadLineError for UTF-16 without a mark and for bytes that no text file holds."""
    n_nul = line.count(0)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
            n_nul and (0.3 <= n_nul / len(line) <= 0.8 or len(line) < 4)):
        raise BadLineError("looks like UTF-16 without its mark; save it as UTF-8 text.")
    odd = line.translate(None, delete=bytes(set(range(256)) - set(_CONTROL)))
    if odd:
        raise BadLineError(f"expected text, got binary data (byte 0x{odd[0]:02x}). "
                           "For sound files there is read_audio.")


def split_comment(line: bytes) -> tuple[bytes, bytes]:
    """The line without its comment, and the comment.

    Examples
    --------
    >>> split_comment(b"-40 -39 # loud")
    (b'-40 -39 ', b'# loud')
    """
    found = _COMMENT.search(line)
    return (line, b"") if found is None else (line[:found.start()], found.group())


def said_in_comment(comment: bytes) -> tuple[str, str] | None:
    """What a comment such as ``# frame_rate: 86.13`` says, key and value.

    Examples
    --------
    >>> said_in_comment(b"# frame_rate: 86.13")
    ('frame_rate', '86.13')
    >>> said_in_comment(b"# the second take")
    """
    found = _SAYING.fullmatch(decoded(comment).strip())
    return None if found is None else (found[1], found[2].strip())


def gap_in_comment(comment: bytes) -> int | None:
    """How many frames a comment says are missing, 0 if it does not say; None if none are.

    Examples
    --------
    >>> gap_in_comment(b"# gap: 300"), gap_in_comment(b"# gap"), gap_in_comment(b"# a gap")
    (300, 0, None)
    """
    found = _GAP.fullmatch(comment)
    return None if found is None else int(found[1] or 0)


def decoded(text: bytes) -> str:
    """The bytes as text: UTF-8 or, as older programs write it, Latin-1."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def without_quotes(line: bytes) -> bytes:
    """A line whose first cell, or whose every cell, is in quotes without them.

    Examples
    --------
    >>> without_quotes(b'"1",-40,-41'), without_quotes(b'"take 1",-40,-41')
    (b'1,-40,-41', b'take_1,-40,-41')
    """
    if _ALL_QUOTED.fullmatch(line):
        return _QUOTED.sub(_bare, line)
    return _QUOTED.sub(_bare, line, count=1) if _QUOTED.match(line) else line


def _bare(cell: re.Match[bytes]) -> bytes:
    return re.sub(rb"[\s,;]", b"_", cell[1].strip())


def without_brackets(line: bytes) -> bytes:
    """A list as Python, SuperCollider or JSON print it, without its brackets.

    Examples
    --------
    >>> without_brackets(b"[ -40, -41 ]"), without_brackets(b"0.5 {-40,-41};")
    (b' -40, -41 ', b'0.5 -40,-41;')
    """
    found = _LIST.fullmatch(line)
    return line if found is None else b"".join(found.groups())


def name_to_text(name: str) -> str:
    """``name`` as it stands in a comment; as JSON if it would not be read back the same."""
    plain = name.isprintable() and name == name.strip() and not name.startswith('"')
    return name if plain else json.dumps(name)


def text_to_name(text: str) -> str:
    """The name that `name_to_text` made the text of."""
    if text.startswith('"'):
        try:
            name = json.loads(text)
        except ValueError:
            return text
        if isinstance(name, str):
            return name
    return text


def split_fields(line: bytes) -> list[bytes]:
    """What stands between spaces, tabs, commas and semicolons.

    Examples
    --------
    >>> split_fields(b"list -40.5, -39;")
    [b'-40.5', b'-39']
    """
    fields = line.translate(TO_SPACES).split()
    return fields[1:] if fields and fields[0] in _SELECTORS else fields


def without_print(line: bytes) -> bytes:
    """A line of numbers from the log of Pd or Max without the name that [print] puts first.

    Examples
    --------
    >>> without_print(b"frame: -40 -41"), without_print(b"time: low high")
    (b'-40 -41', b'time: low high')
    """
    found = _PRINTED.match(line)
    rest = line[found.end():] if found else line
    first = rest.rstrip(b"\n;").split(b" ", 1)[:1]  # commas part columns: "Unnamed: 0,low"
    return rest if first and (is_number(first[0]) or first[0] in _SELECTORS) else line


def is_header(line: bytes, fields: list[bytes]) -> bool:
    """Whether a line names columns: half of it words, or a name or none and then rising numbers.

    Examples
    --------
    >>> is_header(b"band 1, band 2", [b"band", b"1", b"band", b"2"])
    True
    >>> is_header(b"-40 x -39", [b"-40", b"x", b"-39"])
    False
    >>> is_header(b"time,0,1,2,3,4", [b"time", b"0", b"1", b"2", b"3", b"4"])
    True
    """
    words = list(map(_is_word, fields))
    if _EXCEL.fullmatch(line) or 2 * sum(words) >= len(fields):
        return True
    n_words = words.index(False)
    if n_words and may_number_columns([field.strip(b'"') for field in fields[n_words:]]):
        return True
    # pandas leaves the name of its index empty, R has "" there.
    return _NO_NAME.match(line) is not None and may_number_columns(
        [field.strip(b'"') for field in fields if field != b'""'])


def is_for_excel(line: bytes) -> bool:
    """Whether a line tells Excel the separator, ``sep=;``."""
    return _EXCEL.fullmatch(line) is not None


def may_number_columns(fields: list[bytes]) -> bool:
    """Whether numbers could be the names of columns: 0 to 24, or center frequencies in Hz.

    Examples
    --------
    >>> may_number_columns(b"0 1 2 3 4".split()), may_number_columns(b"5 9 15 40 1e3".split())
    (True, True)
    >>> may_number_columns(b"-40 -39 -38 -37 -36".split())
    False
    """
    if len(fields) < _FEWEST_COLUMNS or not all(map(_NUMBER.fullmatch, fields)):
        return False
    values = [float(field) for field in fields]
    steps = [b - a for a, b in pairwise(values)]
    if values[0] < 0 or min(steps) <= 0:
        return False
    whole = all(value == int(value) for value in values if value < 1e15)
    return whole or values[-1] > LARGEST_DB or max(steps) - min(steps) <= 1e-6 * max(steps)


def _is_word(field: bytes) -> bool:
    text = decoded(field.lstrip(b"\"'_(["))
    return (text[:1].isalpha() and not _NOT_A_WORD.fullmatch(field)) or (
        _FREQUENCIES.fullmatch(field) is not None)


def is_coll_line(line: bytes) -> bool:
    """Whether a line is an entry of Max's coll, ``index, v v v;``."""
    return _COLL_LINE.fullmatch(line) is not None


def in_plain_numbers(text: bytes) -> bytes:
    """Many lines without Pd's word ``list``, and with a number for ``-inf``.

    Examples
    --------
    >>> in_plain_numbers(b"list -40 -inf;\\nlist -41 -60;")
    b'-40 -1000000000;\\n-41 -60;'
    """
    if b"i" not in text:
        return text
    text = (b"\n" + text).replace(b"\nlist ", b"\n")[1:]
    return _MINUS_INF_FIELD.sub(b"-1000000000", text) if b"-inf" in text else text


def are_coll_lines(text: bytes) -> bool:
    """Whether all of many lines are entries of Max's coll."""
    return _COLL_LINES.fullmatch(text) is not None


def commas_part_numbers(text: bytes) -> bool:
    """Whether the commas in many lines of plain numbers can only be separators.

    They are if there is nothing else between the numbers, or a space after each.
    """
    if b"," not in text:
        return True
    if b";" in text:
        return False
    alone = b" " not in text and b"\t" not in text
    return alone or text.count(b", ") == text.count(b",")


def without_first(line: bytes) -> bytes:
    """What stands behind the first space, tab or semicolon; all of a line with commas alone."""
    return _FIRST_GAP.split(line.strip(), maxsplit=1)[-1]


def has_decimal_commas(line: bytes, n_bands: int) -> bool | None:
    """Whether the commas of a line stand for decimal points; None if it does not tell.

    They do if what stands between spaces or semicolons is enough numbers for a frame, and several
    of them have a comma inside.

    Examples
    --------
    >>> has_decimal_commas(b"-40,5;-41;-42,5;-43,5", 4), has_decimal_commas(b"-40,-41", 2)
    (True, False)
    >>> has_decimal_commas(b"-40 -41", 2), has_decimal_commas(b"time,low,high", 2)
    (None, None)
    """
    if b"." not in line and b"," not in line:
        return None
    parts = line.replace(b";", b" ").split()
    if (b"." not in line and line.count(b",") >= _FEWEST_DECIMAL_COMMAS and len(parts) >= n_bands
            and all(_WITH_DECIMAL_COMMA.fullmatch(part) or _MINUS_INFINITY.fullmatch(part)
                    for part in parts)):
        return True
    return False if all(map(is_number, split_fields(line))) else None


def check_no_decimal_commas(line: bytes, n_fields: int, n_bands: int,
                            n_wanted: int | None) -> None:
    """Raise BadLineError if the commas of a line stand for decimal points.

    They do if all that stands between spaces or semicolons are numbers and some have
    a comma inside, or if commas alone part twice as many whole numbers as asked for, and not as
    many as there are columns where these are known.
    """
    if b"," not in line or b"." in line:
        return
    parts = line.replace(b";", b" ").split()
    ends_in_comma = any(part.endswith(b",") for part in parts)
    parts = [part.strip(b",") for part in parts]
    example = next((part for part in parts if b"," in part), b"")
    between_others = (
        len(parts) > 1 and bool(example)
        and all(map(_WITH_DECIMAL_COMMA.fullmatch, parts))
        # "1,2, 3,4": commas between all numbers, some with a space.
        and not (ends_in_comma and n_fields in (n_bands, n_bands + 1)))
    if between_others or (example and n_fields == 2 * n_bands not in (n_bands + 1, n_wanted)):
        sample = b",".join(example.split(b",")[:2])
        raise BadLineError(f"expected decimal points, got decimal commas "
                           f"({sample.decode('ascii', errors='replace')}).")


def numbers_of(fields: list[bytes]) -> list[float]:
    """The numbers of a line; ``-inf`` is one of them.

    Raises
    ------
    BadLineError
        For anything else, with the first such field.

    Examples
    --------
    >>> numbers_of([b"-40.5", b"1e1", b"-inf"])
    [-40.5, 10.0, -inf]
    """
    return [_number(field) for field in fields]


def is_number(field: bytes) -> bool:
    """Whether a field is a number, as `numbers_of` reads them."""
    return bool(_NUMBER.fullmatch(field) or _MINUS_INFINITY.fullmatch(field))


def all_end_in_semicolons(text: bytes) -> bool:
    """Whether each line but blank ones ends in a semicolon."""
    return all(line.endswith(b";") for line in map(bytes.rstrip, text.split(b"\n")) if line)


def _number(field: bytes) -> float:
    if _NUMBER.fullmatch(field):
        return float(field)
    if _MINUS_INFINITY.fullmatch(field):
        return float("-inf")
    text = decoded(field)
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise BadLineError(f"expected a number, got {shown!r}.")
