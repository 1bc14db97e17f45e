"""What a session contains must not be strange when it is heard a moment later."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray

# They stand out by chance, too, by a tenth of the spread of what was held out: of fifty to a few
# hundred independent windows that is little.
_CHANCE = 0.1


def raised(held_out: FloatArray, echoes: FloatArray) -> FloatArray:
    """Held-out novelties, none lower than its equal among those of the echoes.

    Held-out windows say how a session differs from itself elsewhere. A loop repeats exactly and
    does not differ at all: then whatever is a thousandth stranger is stranger than all of it.
    Echoes, the session heard a fraction of a frame later, say how it differs from itself where
    nobody could tell. They are held out, too: noise and the place of the frames together differ by
    more than either alone. Each held-out novelty is compared with the echo of the same rank.

    Parameters
    ----------
    held_out : ndarray of shape (n,)
        nan where a row was not held out.
    echoes : ndarray of shape (m,)
        What fits that did not hear their rows say of echoes.

    Returns
    -------
    raised : ndarray of shape (n,)
        In the order of ``held_out``.

    Examples
    --------
    >>> raised(np.array([0.0, 5.0, 0.0]), np.array([2.0, 1.0, 3.0]))
    array([1., 5., 2.])
    """
    known = np.isfinite(held_out)
    if not known.any() or not len(echoes):
        return held_out
    result = held_out.copy()
    result[known] = np.maximum(held_out[known], _at_ranks_of(held_out[known], echoes))
    return result


def weighed(echoes: FloatArray, held_out: FloatArray, weight: float) -> FloatArray:
    """Echoes, those that stand out beyond the held-out novelties by more or less than they did.

    Parameters
    ----------
    echoes : ndarray of shape (m,)
    held_out : ndarray of shape (n,)
        nan where a row was not held out.
    weight : float
        How many times what they stand out by counts.

    Returns
    -------
    echoes : ndarray of shape (m,)

    Examples
    --------
    >>> weighed(np.array([2.0, 1.0, 3.0]), np.array([0.0, 5.0, 0.0]), 5.0).round(1)
    array([9.1, 4.1, 3. ])
    """
    known = held_out[np.isfinite(held_out)]
    if not len(known) or not len(echoes):
        return echoes
    beyond = echoes - _at_ranks_of(echoes, known) - _CHANCE * float(np.std(known))
    return echoes + (weight - 1.0) * np.maximum(beyond, 0.0)


def _at_ranks_of(values: FloatArray, others: FloatArray) -> FloatArray:
    """For each value, the quantile of the others at its rank."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    quantiles: FloatArray = np.quantile(others, rank, method="hazen")
    return quantiles
