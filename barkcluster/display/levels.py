"""The levels of a session, averaged to as many columns as a picture has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from barkcluster.frames.session import Session


def level_columns(session: Session, most: int) -> tuple[npt.NDArray[np.float64], float, float]:
    """Mean levels in columns of equal length over the time of a session.

    Parameters
    ----------
    session : Session
        With one frame at least.
    most : int
        Most columns, about.

    Returns
    -------
    levels : ndarray of shape (n_columns, n_bands)
        dB; nan where nothing was recorded.
    start, stop : float
        Seconds on the session's clock at which the columns begin and end.

    Examples
    --------
    >>> from barkcluster import Session
    >>> levels, start, stop = level_columns(Session([[-1.0], [-3.0], [-5.0]], n_bands=1,
    ...                                             gaps=[(2, 2)]), 3)
    >>> levels.ravel(), start, stop
    (array([-2., nan, -5.]), 0.0, 0.06)
    """
    numbers = session.numbers
    every = max(1, -(-(int(numbers[-1]) + 1) // most))
    columns, first = np.unique(numbers // every, return_index=True)
    sums = np.add.reduceat(session.frames, first, axis=0, dtype=np.float64)
    counts = np.diff(np.append(first, len(numbers)))
    levels = np.full((int(columns[-1]) + 1, session.n_bands), np.nan)
    levels[columns] = sums / counts[:, None]
    stop = session.start + len(levels) * every / session.frame_rate
    return levels, session.start, stop
