"""Argument checks, and the wording of their errors.

Each check returns the value as a plain Python number, so that a caller may
pass ``np.int64(3)`` and the code behind the check only ever sees ``3``.
"""

from __future__ import annotations

import math
import numbers
import operator
import reprlib
from collections.abc import Collection

import numpy as np


def check_positive_int(name: str, value: object) -> int:
    """Return ``value`` as an int of 1 or more, or raise ValueError.

    Examples
    --------
    >>> check_positive_int("n_neighbors", 3)
    3
    >>> check_positive_int("n_neighbors", 0)
    Traceback (most recent call last):
        ...
    ValueError: n_neighbors must be a positive integer; got 0.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Integral):
        number = operator.index(value)
        if number > 0:
            return number
    raise ValueError(f"{name} must be a positive integer; got {shown(value)}.")


def check_positive(name: str, value: object) -> float:
    """Return ``value`` as a finite float above 0, or raise ValueError.

    Examples
    --------
    >>> check_positive("hop", 0.1)
    0.1
    >>> check_positive("hop", -1)
    Traceback (most recent call last):
        ...
    ValueError: hop must be a positive number; got -1.
    """
    number = _finite(value)
    if number is None or number <= 0:
        raise ValueError(f"{name} must be a positive number; got {shown(value)}.")
    return number


def check_non_negative(name: str, value: object) -> float:
    """Return ``value`` as a finite float of 0 or more, or raise ValueError.

    Examples
    --------
    >>> check_non_negative("start_s", 0)
    0.0
    """
    number = _finite(value)
    if number is None or number < 0:
        raise ValueError(f"{name} must be 0 or more; got {shown(value)}.")
    return number


def check_fraction(name: str, value: object) -> float:
    """Return ``value`` as a float between 0 and 1, both excluded, or raise ValueError.

    Examples
    --------
    >>> check_fraction("false_alarm_rate", 0.05)
    0.05
    >>> check_fraction("false_alarm_rate", 5)
    Traceback (most recent call last):
        ...
    ValueError: false_alarm_rate must be between 0 and 1, both excluded; got 5.
    """
    number = _finite(value)
    if number is None or not 0 < number < 1:
        raise ValueError(f"{name} must be between 0 and 1, both excluded; got {shown(value)}.")
    return number


def check_share(name: str, value: object) -> float:
    """Return ``value`` as a float from 0 to 1, both included, or raise ValueError.

    Examples
    --------
    >>> check_share("shrinkage", 1)
    1.0
    >>> check_share("shrinkage", 30)
    Traceback (most recent call last):
        ...
    ValueError: shrinkage must be from 0 to 1; got 30.
    """
    number = _finite(value)
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"{name} must be from 0 to 1; got {shown(value)}.")
    return number


def check_choice(name: str, value: object, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``, or raise ValueError.

    Examples
    --------
    >>> check_choice("units", "db", ("db", "linear"))
    'db'
    >>> check_choice("units", "watt", ("db", "linear"))
    Traceback (most recent call last):
        ...
    ValueError: units must be 'db' or 'linear'; got 'watt'.
    """
    if isinstance(value, str) and value in choices:
        return value
    *others, last = [repr(choice) for choice in choices]
    listed = f"{', '.join(others)} or {last}" if others else last
    raise ValueError(f"{name} must be {listed}; got {shown(value)}.")


def check_not_masked(name: str, array: object) -> None:
    """Raise ValueError for a masked array of which something is masked.

    ``np.asarray`` would take what stands under the mask for numbers.

    Examples
    --------
    >>> check_not_masked("frames", np.ma.masked_equal([-40.0, 0.0], 0.0))
    Traceback (most recent call last):
        ...
    ValueError: frames must hold every number; got an array with 1 of 2 masked.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.getmaskarray(array).any():
        n_masked = int(np.ma.getmaskarray(array).sum())
        raise ValueError(f"{name} must hold every number; got an array with {n_masked} of "
                         f"{array.size} masked.")


def shown(value: object) -> str:
    """The text of ``value`` in an error message: cut short, numpy scalars as numbers.

    Examples
    --------
    >>> shown(np.float64(0.5)), shown(list(range(1000)))
    ('0.5', '[0, 1, 2, 3, 4, 5, ...]')
    """
    return reprlib.repr(value.item() if isinstance(value, np.generic) else value)[:100]


def _finite(value: object) -> float | None:
    """Return ``value`` as a float if it is a finite real number, else None."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int beyond 1e308
        return None
    return number if math.isfinite(number) else None
