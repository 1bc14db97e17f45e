"""Which stretches of a session are one motif."""

from __future__ import annotations

import heapq
from bisect import bisect
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster.windows.training import spread_ends

from .similarity import DetrendedFrames, blocks, similarities

# The stretches most similar to one stretch, the most similar first: similarities, and start rows.
Others: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]
Partners: TypeAlias = dict[int, Others]

# Occurrences have at least this share of the similarity of the closest one, so that a groove does
# not join all riffs over it.
_AS_LIKE = 0.8
_MOST_PARTNERS = 48     # that a stretch keeps
# Rows that are compared with all: those of 12 minutes, in pieces of half a minute.
_MOST_SEARCHED = 6144
_PIECE = 256


def all_partners(rows: DetrendedFrames, spans: list[int], least: dict[int, float],
                 ) -> dict[int, Partners]:
    """For each length and stretch, the most similar others that do not overlap it.

    In long sessions only some stretches, from all over them, are compared with all.

    Parameters
    ----------
    rows : DetrendedFrames
    spans : list of int
        Lengths in rows, as for `similarities`.
    least : dict of int to float
        Similarity from which on two stretches of a length are taken for the same.

    Returns
    -------
    partners : dict of int to dict of int to (ndarray, ndarray)
        By length and start row: similarities, highest first, and start rows of the others.
    """
    alike: dict[int, Partners] = {span: {} for span in spans}
    able = {span: rows.eventful(span) for span in spans}
    for first, last in _searched(len(rows)):
        for span, similarity in similarities(rows, rows, first, last, spans):
            eventful = able[span]
            # A stretch overlaps those that start less than a span away.
            for k, against in enumerate(similarity, first):
                against[max(0, k - span + 1):k + span] = -1.0
            row, column = np.nonzero(similarity >= least[span])
            kept = eventful[first + row] & eventful[column]
            row, column = row[kept], column[kept]
            value = similarity[row, column]
            peak = _are_highest(row * 2 * len(rows) + column, value, span)
            row, column, value = row[peak], column[peak], value[peak]
            # In each row the most similar first, and of equal ones the earlier.
            order = np.lexsort((column, -value, row))
            begins = np.searchsorted(row, np.arange(len(similarity) + 1))
            for i in np.flatnonzero(np.diff(begins)).tolist():
                likest = order[begins[i]:min(begins[i + 1], begins[i] + _MOST_PARTNERS)]
                alike[span][first + i] = (value[likest], column[likest])
    return alike


def _searched(n: int) -> Iterator[tuple[int, int]]:
    """First and last of the rows that are compared with all, block by block, as by `blocks`.

    In a short session these are all rows. In a long one they are many pieces at uneven places,
    which lock onto no beat and no form: what recurs often occurs in some of them.
    """
    if n <= _MOST_SEARCHED:
        yield from blocks(n, n)
        return
    stop = 0
    for last in spread_ends(_PIECE, n, n * _PIECE // _MOST_SEARCHED).tolist():
        for first, end in blocks(last - max(stop, last - _PIECE), n):
            yield first + max(stop, last - _PIECE), end + max(stop, last - _PIECE)
        stop = last


def _are_highest(places: npt.NDArray[np.intp], values: npt.NDArray[np.float32],
                 span: int) -> npt.NDArray[np.bool_]:
    """Whether each value is the highest within half a span of its place; places are ascending."""
    if not len(places):
        return np.zeros(0, np.bool_)
    begins = np.searchsorted(places, places - span // 2)
    ends = np.searchsorted(places, places + (span - 1) // 2, side="right")
    # Of each second pair of bounds: one more value at the end, so that all bounds are within.
    bounds = np.column_stack([begins, ends]).ravel()
    highest = np.maximum.reduceat(np.append(values, values[-1:]), bounds)[::2]
    return np.asarray(values == highest)


def groups(partners: Partners, span: int, least: float, most: int,
           ) -> list[tuple[dict[int, float], float]]:
    """Stretches that belong together, the strongest group first.

    Each is start row -> similarity to the representative (itself: 1), with the similarity that
    made a stretch part of the group.
    """
    taken: set[int] = set()       # starts within half a span of an occurrence
    found: list[tuple[dict[int, float], float]] = []
    waiting = [(-sum(_kept(others, taken, span, least)[0].values()), row)
               for row, others in partners.items()]
    heapq.heapify(waiting)
    while waiting and len(found) < most:
        promised, row = heapq.heappop(waiting)
        if row in taken:
            continue
        group, limit = _kept(partners[row], taken, span, least)
        if not group:
            continue
        if -sum(group.values()) > promised:      # another group has taken some of it since
            heapq.heappush(waiting, (-sum(group.values()), row))
            continue
        group[row] = 1.0
        found.append((group, limit))
        for start in group:
            taken.update(range(start - span // 2, start + span // 2 + 1))
    return found


def _kept(others: Others, taken: set[int], span: int, least: float,
          ) -> tuple[dict[int, float], float]:
    """Partners nearly as similar as the closest, no two of which overlap, and their limit."""
    kept: dict[int, float] = {}
    places: list[int] = []       # of those kept, ascending
    limit = least
    for similarity, row in zip(others[0].tolist(), others[1].tolist(), strict=True):
        if row in taken:
            continue
        i = bisect(places, row)
        if (i and row - places[i - 1] < span) or (i < len(places) and places[i] - row < span):
            continue
        if not kept:
            limit = max(least, _AS_LIKE * similarity)
        if similarity < limit:
            break
        kept[row] = similarity
        places.insert(i, row)
    return kept, limit


def inside(starts: list[int], span: int, covered: list[tuple[int, list[int]]]) -> bool:
    """Whether a longer motif has all of these occurrences, or all but one, within its own."""
    for longer, theirs in covered:
        if longer <= span:
            continue
        # One of theirs, which are ascending, must begin a little after, or so far before, each.
        first = np.searchsorted(theirs, np.array(starts) - (longer - 3 * span // 4))
        last = np.searchsorted(theirs, np.array(starts) + span // 4, side="right")
        if np.count_nonzero(last > first) >= len(starts) - (len(starts) > 3):
            return True
    return False
