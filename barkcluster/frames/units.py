"""Units of session text: levels in dB, linear powers, or amplitudes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .bark import linear_to_db
from .grammar import BadLineError
from .session import LARGEST_DB, Levels

UNITS = ("db", "linear", "amplitude")
_LARGEST = {"db": LARGEST_DB, "linear": 10.0 ** (LARGEST_DB / 10),
            "amplitude": 10.0 ** (LARGEST_DB / 20)}
_NAMES = {"linear": "powers", "amplitude": "amplitudes"}


def to_db(values: npt.ArrayLike, units: str) -> Levels:
    """Levels in dB of numbers in these units.

    Parameters
    ----------
    values : array-like
    units : {"db", "linear", "amplitude"}
        An amplitude is the root of a power.

    Returns
    -------
    levels : ndarray of the same shape

    Examples
    --------
    >>> to_db([0.1, 1.0], "linear").round(3), to_db([0.1, 1.0], "amplitude").round(3)
    (array([-10.,   0.]), array([-20.,   0.]))
    """
    if units == "db":
        return np.asarray(values, dtype=np.float64)
    return linear_to_db(np.square(values) if units == "amplitude" else values)


def are_in_range(values: npt.NDArray[np.float64], units: str) -> bool:
    """Whether all numbers lie in the range of these units."""
    return bool(values.max() <= _LARGEST[units] and (units == "db" or values.min() >= 0))


def check_range(least: float, most: float, units: str) -> None:
    """Raise BadLineError if the lowest or highest number of a frame is out of range."""
    if most > _LARGEST[units]:
        if units == "db":
            raise BadLineError(f"expected levels up to {LARGEST_DB:g} dB, got {most:g}. "
                               "For linear powers: units='linear' (--units linear).")
        raise BadLineError(f"expected {_NAMES[units]} up to {_LARGEST[units]:g} ({LARGEST_DB:g} "
                           f"dB), got {most:g}. Divide them, so that full scale is about 1.")
    if units != "db" and least < 0:
        raise BadLineError(f"expected {_NAMES[units]} of 0 or more, got {least:g}. For levels in "
                           "dB: units='db' (--units db).")


def look_linear(frames: npt.NDArray[np.floating]) -> str | None:
    """Why numbers that are taken for dB look like another unit; None if they do not."""
    if not frames.size or frames.min() < 0 or frames.max() == frames.min():
        return None
    return "all lie from 0 to 1" if frames.max() <= 1 else "none is below 0"
