"""Familiarity of what comes next, which differs by more than held-out blocks tell.

Held-out blocks mostly have neighbors in time on both sides; what is heard next has them on one.
To noise that is the same. Music moves on, in sections that are as long as the blocks: then a
session is worth few independent windows, however many it has.
"""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray

from .calibration import Calibration

# Independent windows of a scale that are few, and that are enough: windows of 10 s of recorded
# music of one or two minutes are worth up to 16 (one in ten more), of five minutes of noise 45 to
# 62.
_FEW = 25.0
_ENOUGH = 40.0
# Where they are few, moments beyond the middle count so much farther from it. Others are compared
# in docs/developers/experiments.rst.
_FARTHER = 1.2


def caution(n_effective: float) -> float:
    """How much stranger than what was held out the next moments may be.

    Parameters
    ----------
    n_effective : float
        Independent windows that were held out.

    Returns
    -------
    caution : float
        From 1, where they are few, to 0, where they are enough.

    Examples
    --------
    >>> [caution(n) for n in (8.0, 34.0, 60.0)]
    [1.0, 0.4, 0.0]
    """
    return float(np.clip((_ENOUGH - n_effective) / (_ENOUGH - _FEW), 0.0, 1.0))


def calibration_ahead(held_out: FloatArray, caution: float) -> Calibration:
    """The calibration for what comes next.

    Parameters
    ----------
    held_out : ndarray of shape (n,)
        Novelty of moments that the fit did not hear, in time order.
    caution : float
        0 to 1. With 0 it is `Calibration`.

    Returns
    -------
    calibration : Calibration

    Examples
    --------
    >>> moments = np.random.default_rng(0).normal(size=1000)
    >>> for share in (0.0, 0.5, 1.0):
    ...     print(calibration_ahead(moments, share).familiarity([0.0, 1.6]).round(3))
    [0.467 0.046]
    [0.471 0.059]
    [0.474 0.084]
    """
    middle = float(np.median(held_out))
    ahead = held_out + (_FARTHER - 1.0) * caution * np.maximum(held_out - middle, 0.0)
    # What is farther from the middle is worth as many independent moments as before.
    return Calibration.restore(np.sort(ahead), Calibration(held_out).n_effective_)
