"""A whole session in a few hundred numbers: levels of the bands, how they move, and together.

Windows describe a moment. What a session shares with another evening of the same players,
instruments or room shows in averages over minutes.
"""

from __future__ import annotations

import numpy as np

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.frames.session import N_BANDS, Session

# Seconds over which changes of level are measured, from a frame to a phrase.
_LAGS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0)
_ATTACK_S = 0.05
_STEEPEST_DB = 30.0
# Below this, changes of level are noise of codecs and of rounding.
_QUIETEST_DB = -90.0
# Share of the level common to all bands that is kept: how loud a recording is tells little.
_COMMON_LEVEL = 0.25
# Added to the spread of a band in dB, so that a band that hardly moves correlates with none.
_STILL_DB = 1.0
_NO_CHANGE_DB = 0.1
# The unit of each kind of number: about its spread between pieces by the same players.
_LEVEL_DB, _PER_FACTOR, _PER_CORRELATION = 2.0, 2.0, 2.0


def n_summary_numbers(n_bands: int = N_BANDS) -> int:
    """Number of values that `summarize` makes of frames with ``n_bands`` bands.

    Examples
    --------
    >>> n_summary_numbers(25)
    550
    """
    return n_bands * (2 + len(_LAGS_S)) + n_bands * (n_bands - 1) // 2


def summarize(session: Session) -> Float32Array:
    """The numbers that whole sessions are compared by.

    Parameters
    ----------
    session : Session
        Of any length, but not empty. No change is measured across its gaps.

    Returns
    -------
    summary : ndarray of shape (n_summary_numbers(n_bands),), float32
        For each band its mean level, most of the level common to all bands removed (in units of
        2 dB); how far it moves in 10 ms to 3 s (twice the logarithm of the mean change in dB); how
        steeply it rises (dB); and for each pair of bands twice their correlation.

    Examples
    --------
    >>> quiet = Session(np.full((300, 25), -80.0))
    >>> summarize(quiet)[:2], summarize(quiet)[-1]      # nothing moves, nothing goes together
    (array([-10., -10.], dtype=float32), np.float32(0.0))
    """
    stretches = [np.maximum(np.asarray(take, dtype=np.float64), _QUIETEST_DB)
                 for take in session.takes]
    frames = np.concatenate(stretches)
    level = frames.mean(axis=0)
    level -= (1.0 - _COMMON_LEVEL) * level.mean()
    changes = [_mean_change(stretches, max(1, round(lag * session.frame_rate)))
               for lag in _LAGS_S]
    steps = max(1, round(_ATTACK_S * session.frame_rate))
    rises = np.concatenate([np.clip(_differences(one, steps), 0.0, _STEEPEST_DB)
                            for one in stretches])
    return np.concatenate([
        level / _LEVEL_DB,
        _PER_FACTOR * np.log(np.concatenate(changes) + _NO_CHANGE_DB),
        np.cbrt((rises ** 3).mean(axis=0)),
        _PER_CORRELATION * _correlations(frames)]).astype(np.float32)


def _mean_change(stretches: list[FloatArray], steps: int) -> FloatArray:
    """Mean absolute change of level over ``steps`` frames."""
    changes = [np.abs(_differences(one, steps)) for one in stretches]
    return np.asarray(sum(c.sum(axis=0) for c in changes) / sum(map(len, changes)))


def _differences(frames: FloatArray, steps: int) -> FloatArray:
    """Changes of level over ``steps`` frames, or as many as there are."""
    if len(frames) < 2:
        return np.zeros_like(frames)
    steps = min(steps, len(frames) - 1)
    return frames[steps:] - frames[:-steps]


def _correlations(frames: FloatArray) -> FloatArray:
    """Correlation of each pair of bands, in the order of the upper triangle."""
    centered = frames - frames.mean(axis=0)
    covariance = centered.T @ centered / len(frames)
    spread = np.sqrt(np.diag(covariance) + _STILL_DB ** 2)
    return (covariance / spread / spread[:, None])[np.triu_indices(len(spread), 1)]
