"""The moments of a timeline that are worth a second listen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from barkcluster._familiarity import STRANGE

if TYPE_CHECKING:  # the model takes long to import
    from barkcluster.model.timeline import Timeline


def strange_moments(timeline: Timeline, count: int = 5) -> list[int]:
    """Rows of the strangest moments below 0.05; of the least familiar one if none is.

    Parameters
    ----------
    timeline : Timeline
        With one row at least.
    count : int, default=5
        Most rows to return.

    Returns
    -------
    rows : list of int
        Strangest first.

    Examples
    --------
    >>> from barkcluster import Timeline
    >>> times = np.arange(1.0, 7.0)
    >>> values = np.array([0.5, 0.01, 0.3, 0.04, 0.7, 0.1])
    >>> strange_moments(Timeline(times, values, values[:, None], np.array([1.0])))
    [1, 3]
    >>> strange_moments(Timeline(times, values + 0.2, values[:, None], np.array([1.0])))
    [1]
    """
    rows = strangest(timeline, count)
    return [row for row in rows if timeline.familiarity[row] < STRANGE] or rows[:1]


def strangest(timeline: Timeline, count: int = 5, apart_s: float | None = None) -> list[int]:
    """Rows of the strangest moments, apart from each other.

    Parameters
    ----------
    timeline : Timeline
    count : int, default=5
        Most rows to return.
    apart_s : float, optional
        Least seconds between two moments; by default the longest scale, so that the windows of
        no two share a sound.

    Returns
    -------
    rows : list of int
        Strangest first.

    Examples
    --------
    >>> from barkcluster import Timeline
    >>> times = np.arange(1.0, 7.0)
    >>> values = np.array([0.5, 0.01, 0.02, 0.6, 0.7, 0.1])
    >>> strangest(Timeline(times, values, values[:, None], np.array([1.0])), 2, apart_s=2.0)
    [1, 5]
    """
    apart = float(timeline.scales[-1]) if apart_s is None else apart_s
    rows: list[int] = []
    for row in np.argsort(timeline.familiarity, kind="stable").tolist():
        if len(rows) == count:
            break
        if all(abs(timeline.times[row] - timeline.times[other]) >= apart for other in rows):
            rows.append(row)
    return rows
