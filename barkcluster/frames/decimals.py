"""Many plain lines of numbers parsed at once, to the same floats that ``float`` gives.

``float`` takes a fifth of a microsecond, and a session has millions of numbers. Numbers without
an exponent are whole numbers over powers of ten; as long as both are exact, one division rounds
the quotient as ``float`` does. Everything else is left to ``float``.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from .grammar import PLAIN, TO_SPACES

FloatArray = npt.NDArray[np.float64]

_DIGIT, _POINT, _SEPARATOR, _NEWLINE, _OTHER = range(5)
_KIND_OF = dict.fromkeys(b"0123456789-", _DIGIT) | dict.fromkeys(b" \t,;", _SEPARATOR) | {
    ord("."): _POINT, ord("\n"): _NEWLINE}
_KINDS = bytes(_KIND_OF.get(byte, _OTHER) for byte in range(256))
# Below this ``float`` is as quick.
_FEW_BYTES = 2000
# Powers of ten up to here are exact, and so are whole numbers up to 2 ** 53.
_POWERS: FloatArray = np.array([10.0 ** i for i in range(23)])
_EXACT = 1 << 53
_LARGEST = 10 ** 18
# A quotient that lies so close to the middle between two floats, in their distance, is in doubt.
_DOUBT = 1e-9
# Veltkamp's constant: parts a float in two of 26 bits.
_HALF_BITS = float((1 << 27) + 1)


def table_of(text: bytes, width: int) -> FloatArray | None:
    """Numbers of many lines, or None if one is no number or a line has more or fewer.

    Parameters
    ----------
    text : bytes
        Blank lines are left out. Commas are separators here, never decimal points.
    width : int
        Numbers in a line.

    Returns
    -------
    table : ndarray of shape (n_lines, width) or None

    Examples
    --------
    >>> table_of(b"-40.5 -50\\n-41,1e1;", 2)
    array([[-40.5, -50. ],
           [-41. ,  10. ]])
    >>> table_of(b"-40 -50\\n-41", 2)
    """
    table = decimal_table(text, width) if len(text) > _FEW_BYTES else None
    return float_table(text, width) if table is None else table


def float_table(text: bytes, width: int) -> FloatArray | None:
    """What `table_of` returns, each number by ``float``."""
    if text.translate(None, PLAIN + b"\n"):
        return None
    fields = [row for row in map(bytes.split, text.translate(TO_SPACES).split(b"\n")) if row]
    if set(map(len, fields)) != {width}:
        return None
    try:
        return np.fromiter(map(float, itertools.chain.from_iterable(fields)), np.float64,
                           len(fields) * width).reshape(-1, width)
    except ValueError:
        return None


def decimal_table(text: bytes, width: int) -> FloatArray | None:
    """What `table_of` returns, by arithmetic; None where that cannot be sure of the last bit."""
    text += b"\n"
    kinds_at = np.frombuffer(text.translate(_KINDS), np.uint8)
    places = np.flatnonzero(kinds_at != _DIGIT)
    kinds = kinds_at[places]
    is_point = kinds == _POINT
    if kinds.max() == _OTHER or np.any(is_point[1:] & is_point[:-1]):
        return None
    # A number stands before each separator that another one does not touch.
    ends = np.flatnonzero(~is_point)
    stops = places[ends]
    starts = np.concatenate([[0], stops[:-1] + 1])
    is_number = stops > starts
    per_line = np.diff(np.cumsum(is_number)[kinds[ends] == _NEWLINE], prepend=0)
    if not np.all((per_line == width) | (per_line == 0)) or not per_line.any():
        return None
    ends, starts, stops = ends[is_number], starts[is_number], stops[is_number]
    is_minus = np.frombuffer(text, np.uint8) == ord("-")
    negative = is_minus[starts]
    if np.count_nonzero(negative) != np.count_nonzero(is_minus):
        return None
    # The mark before the first is the last of all, a newline.
    n_decimals = np.where(is_point[ends - 1], stops - places[ends - 1] - 1, 0)
    digits = text.translate(TO_SPACES, b"-.")
    if digits.isspace():  # fromstring makes a number of nothing
        return None
    whole = np.fromstring(digits, dtype=np.int64, sep=" ")
    if len(whole) != len(ends) or whole.max() > _LARGEST or n_decimals.max() >= len(_POWERS):
        return None
    values = _quotients(whole, _POWERS[n_decimals])
    if values is None:
        return None
    np.negative(values, out=values, where=negative)
    return values.reshape(-1, width)


def _quotients(whole: npt.NDArray[np.int64], powers: FloatArray) -> FloatArray | None:
    """Whole numbers over powers of ten, rounded once; None if one is too close to call."""
    rounded = whole.astype(np.float64)
    values = rounded / powers
    if whole.max() <= _EXACT:
        return values
    # Dekker (1971): what the products and sums of floats leave over, as floats.
    a, b = _halves(values), _halves(powers)
    product = values * powers
    error = ((a[0] * b[0] - product) + a[0] * b[1] + a[1] * b[0]) + a[1] * b[1]
    left = (rounded - product - error) + (whole - rounded.astype(np.int64))
    more = left / powers
    nearest = values + more
    off = np.abs(more - (nearest - values))
    step = np.spacing(np.nextafter(nearest, 0.0))
    return None if np.any(off > (0.5 - _DOUBT) * step) else nearest


def _halves(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two floats of half the digits whose sum each is (Veltkamp 1968)."""
    spread = _HALF_BITS * values
    high = spread - (spread - values)
    return high, values - high
