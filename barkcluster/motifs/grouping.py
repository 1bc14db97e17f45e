"""Which stretches of a session belong together, for ``motifs``."""

from __future__ import annotations

import heapq
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from .similarity import DetrendedFrames, blocks, similarities

# The likest others of a stretch, the likest first: their similarities and where they start.
Others: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]
Partners: TypeAlias = dict[int, Others]

# An occurrence is at least this share as like as the closest one: a groove is not its riffs.
_AS_LIKE = 0.8
_MOST_PARTNERS = 48     # a stretch remembers


def all_partners(rows: DetrendedFrames, spans: list[int], least: dict[int, float],
                 ) -> dict[int, Partners]:
    """For each length and stretch the likest others, at least so like, that do not overlap it."""
    alike: dict[int, Partners] = {span: {} for span in spans}
    for first, last in blocks(len(rows), len(rows)):
        for span, similarity in similarities(rows, rows, first, last, spans):
            eventful = rows.eventful(span)
            similarity[:, ~eventful] = -1.0
            similarity[~eventful[first:first + len(similarity)]] = -1.0
            # A stretch overlaps those that start less than a span away.
            for k, against in enumerate(similarity, first):
                against[max(0, k - span + 1):k + span] = -1.0
            peaks = similarity >= least[span]
            peaks &= similarity == maximum_filter1d(similarity, span, axis=1)
            for i in np.flatnonzero(peaks.any(axis=1)):
                where = np.flatnonzero(peaks[i])
                order = np.argsort(-similarity[i, where], kind="stable")[:_MOST_PARTNERS]
                alike[span][first + int(i)] = (similarity[i, where[order]], where[order])
    return alike


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
        if -sum(group.values()) > promised:      # some of it has been taken since
            heapq.heappush(waiting, (-sum(group.values()), row))
            continue
        group[row] = 1.0
        found.append((group, limit))
        for start in group:
            taken.update(range(start - span // 2, start + span // 2 + 1))
    return found


def _kept(others: Others, taken: set[int], span: int, least: float,
          ) -> tuple[dict[int, float], float]:
    """The partners much as like as the closest, none overlapping another."""
    kept: dict[int, float] = {}
    limit = least
    for similarity, row in zip(others[0].tolist(), others[1].tolist(), strict=True):
        if row in taken or any(abs(row - other) < span for other in kept):
            continue
        if not kept:
            limit = max(least, _AS_LIKE * similarity)
        if similarity < limit:
            break
        kept[row] = similarity
    return kept, limit


def inside(starts: list[int], span: int, covered: list[tuple[int, list[int]]]) -> bool:
    """Whether a longer motif has all of these occurrences, or all but one, within its own."""
    for longer, theirs in covered:
        if longer <= span:
            continue
        within = sum(any(their - span // 4 <= start <= their + longer - 3 * span // 4
                         for their in theirs) for start in starts)
        if within >= len(starts) - (len(starts) > 3):
            return True
    return False
