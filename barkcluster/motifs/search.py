"""What recurs in a session, where, and what only this session has.

Every stretch of a length is compared with every other (`barkcluster.motifs.similarity`). A stretch
and the others that are more like it than chance makes them are a motif; the motif that explains
most is found first, then those among the stretches that are left. Chance is measured by comparing
the session with itself backwards. Lengths double from ``shortest`` to ``longest``; a short motif
that occurs only inside a longer one is left out.

This is coarser than a matrix profile, which finds the nearest neighbor of every frame's window,
and far faster; see benchmarks/motifs.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from barkcluster._clock import clock
from barkcluster._html import WIDTH, card, svg, words_at
from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive, check_positive_int
from barkcluster.frames.session import N_BANDS, Session, check_frames
from barkcluster.tempo import estimate_tempo

from .grouping import all_partners, groups, inside
from .similarity import (
    ROWS_IN_SHORTEST,
    DetrendedFrames,
    blocks,
    chance_similarity,
    detrended_takes,
    similarities,
)

_LEAST_SIMILARITY = 0.55
_TEMPO_CONTEXT_S = 12.0
_COLORS = ("#3f8fd2", "#e08a2e", "#4aa564", "#c65b9a", "#8c7bd6", "#b59a2b")
_HEARD_AGAIN_ROWS = 1   # rows that the place of a motif may be off by rounding


@dataclass(frozen=True, eq=False)
class Motif:
    """A pattern that recurs.

    Attributes
    ----------
    starts : tuple of float
        Seconds at which the occurrences begin, ascending.
    length : float
        Seconds.
    similarities : tuple of float
        Similarity of each occurrence to the representative, 0 to 1; 1 for the representative.
    similarity : float
        Mean of the similarities of the others.
    representative : float
        Start in seconds of the occurrence that the others are most like.
    levels : ndarray of shape (n_bands,)
        Mean level of each band in dB, over all occurrences.
    loudness : float
        Mean level of all bands together in dB.
    bpm : float
        Beats per minute around the representative; nan where no tempo is found.
    """

    starts: tuple[float, ...]
    length: float
    similarities: tuple[float, ...]
    similarity: float
    representative: float
    levels: FloatArray
    loudness: float
    bpm: float

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self) -> str:
        return (f"<Motif of {self.length:g} s, {len(self)} times, {self.similarity:.2f} alike, "
                f"best at {self.representative:g} s>")


class Motifs(list[Motif]):
    """A list of motifs that shows itself in a notebook."""

    def _repr_html_(self) -> str:
        if not self:
            return card("No motifs", [])
        stop = max(motif.starts[-1] + motif.length for motif in self)
        left, lane = 60.0, 14.0
        scale = (WIDTH - left) / stop
        parts = []
        for row, motif in enumerate(self):
            parts.append(words_at(0, lane * row + 11, f"#{row + 1}: {motif.length:.1f} s"))
            parts += [f'<rect x="{left + start * scale:.1f}" y="{lane * row + 2:g}" '
                      f'width="{max(2.0, motif.length * scale - 1):.1f}" height="{lane - 4:g}" '
                      f'fill="{_COLORS[row % len(_COLORS)]}"><title>{clock(start, 1)}</title>'
                      "</rect>" for start in motif.starts]
        height = lane * len(self) + 16
        drawing = svg(height, *parts, words_at(left, height - 3, clock(0)),
                      words_at(WIDTH, height - 3, clock(stop), "end"),
                      label="where each motif occurs")
        return card(f"{len(self)} motifs", [("occurrences", f"{sum(map(len, self))}")], drawing)


@dataclass(frozen=True)
class Stretch:
    """A part of a session that is like nothing in other sessions.

    Attributes
    ----------
    start, stop : float
        Seconds.
    similarity : float
        Similarity of its strangest window to the most similar one in the others, 0 to 1.
    """

    start: float
    stop: float
    similarity: float


@dataclass(frozen=True, eq=False)
class Unique:
    """The result of `unique_to`.

    Attributes
    ----------
    motifs : tuple of Motif
        Motifs of the session that do not occur in the others.
    stretches : tuple of Stretch
        Parts in which windows are no more like anything in the others than chance makes them.
    """

    motifs: tuple[Motif, ...]
    stretches: tuple[Stretch, ...]


def find_motifs(frames: npt.ArrayLike | Session, *, frame_rate: float = 100.0,
                shortest: float = 1.0, longest: float = 16.0, max_motifs: int = 20,
                ) -> list[Motif]:
    """The patterns that recur in a session, those that explain most of it first.

    Parameters
    ----------
    frames : array-like of shape (n_frames, 25) or Session
        Bark coefficients in dB.
    frame_rate : float, default=100.0
        Frames per second; a Session brings its own.
    shortest : float, default=1.0
        Seconds of the shortest motifs; starts are found to an eighth of it.
    longest : float, default=16.0
        Lengths double from ``shortest`` up to this.
    max_motifs : int, default=20
        Most motifs to return.

    Returns
    -------
    motifs : list of Motif
        May be empty. Occurrences of one motif do not overlap; those of different ones may.

    Raises
    ------
    ValueError
        For frames that are not finite levels in dB, or shorter than three times ``shortest``; and
        for a ``shortest`` of fewer than eight frames.

    Notes
    -----
    Three minutes take 0.3 s of processor time, 20 minutes 4 s, an hour 12 s and half a gigabyte of
    memory. Up to 12 minutes every stretch is compared with every other, which takes time with the
    square of the length. Of a longer session, stretches of 12 minutes in all, from all over it,
    are compared with the whole: a motif that occurs a few times in an hour may be missed.

    Occurrences may be up to a tenth slower or faster than the representative, louder or softer,
    varied, and covered in part by other instruments. Silence, held notes and noise are no motifs:
    a stretch counts only if something begins in it at least once a second.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> riff = np.repeat(rng.normal(-40, 10, size=(16, 25)), 12, axis=0)        # 1.92 s
    >>> between = [np.repeat(rng.normal(-40, 10, size=(40, 25)), 12, axis=0) for _ in range(3)]
    >>> frames = np.concatenate([riff, between[0], riff, between[1], riff, between[2]])
    >>> motif = find_motifs(frames)[0]
    >>> len(motif), motif.length
    (3, 2.0)
    """
    session = _as_session(frames, frame_rate)
    search = _MotifSearch(session, shortest, longest)
    check_positive_int("max_motifs", max_motifs)
    return Motifs(motif for motif, _, _ in _find(session, search, max_motifs))


def unique_to(session: npt.ArrayLike | Session, others: Iterable[npt.ArrayLike | Session], *,
              frame_rate: float = 100.0, shortest: float = 1.0, longest: float = 16.0,
              window: float = 2.0, max_motifs: int = 20) -> Unique:
    """Motifs and moments of a session that other sessions lack.

    Parameters
    ----------
    session : array-like of shape (n_frames, 25) or Session
        The session whose motifs and moments are found.
    others : iterable of such
        Sessions to compare it with. They are taken one at a time, so they may be read as they are
        needed.
    frame_rate, shortest, longest, max_motifs
        As for `find_motifs`. A Session brings its own frame rate.
    window : float, default=2.0
        Seconds of the windows that moments are judged by: ``shortest`` times a power of two, and
        less than half of the session.

    Returns
    -------
    unique : Unique

    Raises
    ------
    ValueError
        As by `find_motifs`; and for an other session without a take of two rows.

    Examples
    --------
    >>> from barkcluster import synthetic
    >>> jam, _ = synthetic.make_session(0.5, random_state=1, surprises=False)
    >>> unique_to(jam, [jam]).motifs
    ()
    >>> other, _ = synthetic.make_session(0.5, random_state=2, surprises=False)
    >>> bool(unique_to(jam, [other]).motifs)
    True
    """
    own = _as_session(session, frame_rate, "session")
    search = _MotifSearch(own, shortest, longest)
    check_positive_int("max_motifs", max_motifs)
    judged = round(check_positive("window", window) / search.row_s)
    if judged not in search.spans:
        lengths = ", ".join(f"{length:g}" for length in search.lengths)
        raise ValueError(f"window must be one of the lengths that are compared in a session of "
                         f"{own.duration:g} s, {lengths or 'none'} s; got {window:g} s.")
    found = _find(own, search, max_motifs)
    best = {span: np.full(max(0, len(search.rows) - span + 1), -1.0) for span in search.spans}
    by_chance: list[float] = []
    for i, other in enumerate(others):
        theirs = _as_session(other, frame_rate, f"others[{i}]")
        name = f"others[{i}] ({theirs.name})" if theirs.name else f"others[{i}]"
        check_frames(theirs, own.n_bands, name=name)
        rows, _ = detrended_takes([take.frames for take in theirs.takes], theirs.frame_rate,
                                  search.row_s, name)
        _raise_to_best(search, rows, best)
        by_chance.append(chance_similarity(search.rows, rows, search.spans).get(judged, 1.0))
    motifs = tuple(motif for motif, least, row in found
                   if _heard(row, best[round(motif.length / search.row_s)]) < least)
    limit = max([_LEAST_SIMILARITY, *by_chance])
    return Unique(motifs, _stretches(best[judged], search, judged, limit))


class _MotifSearch:
    """A session's rows, the lengths of stretches to compare, and the similarity by chance."""

    def __init__(self, session: Session, shortest: float, longest: float) -> None:
        if check_positive("longest", longest) < check_positive("shortest", shortest):
            raise ValueError(f"longest must be at least shortest={shortest:g}; got {longest:g}.")
        self.row_s = shortest / ROWS_IN_SHORTEST
        if self.row_s * session.frame_rate < 1:
            raise ValueError(f"shortest must be at least {ROWS_IN_SHORTEST} frames; got "
                             f"{shortest:g} s.")
        if len(session) < session.frame_rate * 3 * shortest:
            raise ValueError(f"frames must cover three times the shortest motif, {3 * shortest:g} "
                             f"s; got {session.duration:g} s.")
        takes = session.takes
        self.rows, able = detrended_takes([take.frames for take in takes], session.frame_rate,
                                          self.row_s)
        # Where the takes of the rows begin: seconds, and frames of the session.
        self._begin_s = np.array([takes[i].start for i in able])
        self._begin_frame = np.cumsum([0, *(len(take) for take in takes)])[able]
        span, self.spans = ROWS_IN_SHORTEST, []
        while span * self.row_s <= longest * (1 + 1e-9) and 2 * span < len(self.rows):
            self.spans.append(span)
            span *= 2
        self.lengths = tuple(span * self.row_s for span in self.spans)
        self.chance = chance_similarity(self.rows, self.rows, self.spans)

    def time(self, row: int) -> float:
        """Seconds at which a row begins, on the session's clock."""
        take = self._take(row)
        return float(self._begin_s[take] + (row - self.rows.starts[take]) * self.row_s)

    def frame(self, row: int, frame_rate: float) -> float:
        """The frame that a row begins at."""
        take = self._take(row)
        return float(self._begin_frame[take]
                     + (row - self.rows.starts[take]) * self.row_s * frame_rate)

    def _take(self, row: int) -> int:
        return int(np.searchsorted(self.rows.starts, row, side="right")) - 1

    def least(self, span: int) -> float:
        """Similarity from which on two stretches are taken for the same."""
        return max(_LEAST_SIMILARITY, self.chance.get(span, 1.0))


def _as_session(frames: npt.ArrayLike | Session, frame_rate: float,
                name: str = "frames") -> Session:
    if isinstance(frames, Session):
        return frames
    return Session(check_frames(frames, N_BANDS, name=name), frame_rate)


def _find(session: Session, search: _MotifSearch, max_motifs: int
          ) -> list[tuple[Motif, float, int]]:
    """Motifs, the similarity that made a stretch one's occurrence, its representative's row."""
    if not search.spans:
        return []
    alike = all_partners(search.rows, search.spans,
                         {span: search.least(span) for span in search.spans})
    chosen: list[tuple[float, int, dict[int, float], float]] = []
    covered: list[tuple[int, list[int]]] = []
    for span in reversed(search.spans):
        for group, least in groups(alike[span], span, search.least(span), max_motifs):
            starts = sorted(group)
            if inside(starts, span, covered):
                continue
            covered.append((span, starts))
            worth = (sum(group.values()) - 1) * span   # its representative alone is no repetition
            chosen.append((worth, span, group, least))
    chosen.sort(key=lambda choice: -choice[0])
    tempi: dict[int, float] = {}
    return [(_describe(session, group, span, search, tempi), least, _representative(group))
            for _, span, group, least in chosen[:max_motifs]]


def _representative(group: dict[int, float]) -> int:
    return next(row for row, similarity in group.items() if similarity == 1.0)


def _describe(session: Session, group: dict[int, float], span: int, search: _MotifSearch,
              tempi: dict[int, float]) -> Motif:
    """The motif with these start rows. `tempi` holds tempi that were estimated already."""
    rate = session.frame_rate
    length = span * search.row_s
    begins = [search.frame(row, rate) for row in group]
    heard = [session.frames[round(begin):round(begin + length * rate)] for begin in begins]
    levels = np.mean([part.mean(axis=0, dtype=np.float64) for part in heard], axis=0)
    loudness = np.mean([10 * np.log10(np.sum(10.0 ** (part / 10.0), axis=1)).mean()
                        for part in heard])
    best = _representative(group)
    middle = search.time(best) - session.start + length / 2
    around = max(0, round(2 * middle / _TEMPO_CONTEXT_S) - 1)
    if around not in tempi:
        tempi[around] = _tempo_around(session, around)
    others = [similarity for row, similarity in group.items() if row != best]
    return Motif(starts=tuple(search.time(row) for row in sorted(group)), length=length,
                 similarities=tuple(group[row] for row in sorted(group)),
                 similarity=float(np.mean(others)), representative=search.time(best),
                 levels=levels, loudness=float(loudness), bpm=tempi[around])


def _tempo_around(session: Session, half: int) -> float:
    """Tempo of the context that starts `half` half contexts in; nan if it is too short."""
    start = half * _TEMPO_CONTEXT_S / 2
    try:
        return estimate_tempo(session.between(start, start + _TEMPO_CONTEXT_S)).bpm
    except ValueError:
        return math.nan


def _raise_to_best(search: _MotifSearch, other: DetrendedFrames, best: dict[int, FloatArray]
                   ) -> None:
    """Raise the highest similarity known of each stretch to that in another session."""
    for first, last in blocks(len(search.rows), len(other)):
        for span, similarity in similarities(search.rows, other, first, last, search.spans):
            here = best[span][first:first + len(similarity)]
            np.maximum(here, similarity.max(axis=1)[:len(here)], out=here)


def _heard(row: int, best: FloatArray) -> float:
    """Similarity of a motif, at its representative's row, to the most similar of the others."""
    near = best[max(0, row - _HEARD_AGAIN_ROWS):row + _HEARD_AGAIN_ROWS + 1]
    return float(near.max())


def _stretches(best: FloatArray, search: _MotifSearch, span: int, limit: float
               ) -> tuple[Stretch, ...]:
    """Windows less like the others than chance, joined where they overlap."""
    strange = np.flatnonzero((best < limit) & search.rows.eventful(span))
    found: list[tuple[int, int, float]] = []
    for row in strange.tolist():
        if found and row <= found[-1][1]:
            start, _, least = found[-1]
            found[-1] = (start, row + span, min(least, float(best[row])))
        else:
            found.append((row, row + span, float(best[row])))
    return tuple(Stretch(search.time(start), search.time(stop - 1) + search.row_s, max(0.0, least))
                 for start, stop, least in found)
