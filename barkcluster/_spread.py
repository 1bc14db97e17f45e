"""Places that lie evenly and lock onto no beat: where to look when not everything is looked at.

A loop that is read at fixed steps is read in the same few places for ever, if its length is a
multiple of the step.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ._typing import FloatArray

# Multiples of the golden ratio, modulo 1, lie as evenly as can be. Yet after 13, 21 or 34 of them
# they are back within a fiftieth, and a bar that has come around by then is heard in as many
# places for ever (up to 54 % of more of the same was below 0.05): each few begin anew, at random.
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_WALKS = 8


def nested_place(number: int) -> float:
    """Place of one number, from 0 up to 1; that of 0 is 0.

    Of the numbers below any limit, about as many lie below a place as that place says. So those
    below a half, a quarter, an eighth are each a part of those before, spread over all.

    Examples
    --------
    >>> [number for number in range(20) if nested_place(number) < 0.25]
    [0, 2, 5, 10, 13, 18]
    """
    return number * _GOLDEN % 1.0


def golden_places(n: int, turn: float = 0.0) -> FloatArray:
    """Places from 0 to 1 that walk by the golden ratio, and from a random place after each eight.

    Parameters
    ----------
    n : int
    turn : float, default=0.0
        Added to all of them, around the circle; without it the first is the middle.

    Returns
    -------
    places : ndarray of shape (n,)

    Examples
    --------
    >>> golden_places(4).round(2)
    array([0.5 , 0.12, 0.74, 0.35])
    """
    number = np.arange(n)
    begin = np.random.default_rng(0).random(n // _WALKS + 1)
    begin[0] = 0.5
    return np.asarray((begin[number // _WALKS] + turn + number * _GOLDEN) % 1.0)


def spread_rows(n: int, n_kept: int) -> npt.NDArray[np.intp]:
    """So many of some rows: one of each of as many equal parts, at golden places.

    Parameters
    ----------
    n : int
        Rows there are.
    n_kept : int
        Rows wanted.

    Returns
    -------
    rows : ndarray of shape (min(n, n_kept),)
        Rising.

    Examples
    --------
    >>> spread_rows(12, 4), spread_rows(3, 4)
    (array([ 1,  3,  8, 10]), array([0, 1, 2]))
    """
    n_kept = min(n, n_kept)
    cuts = np.arange(n_kept + 1) * n // max(n_kept, 1)
    rows: npt.NDArray[np.intp] = cuts[:-1] + (
        golden_places(n_kept) * np.diff(cuts)).astype(np.intp)
    return rows
