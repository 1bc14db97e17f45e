"""Why a moment is familiar or strange: what it reminded the model of, and what about it is new."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from barkcluster._clock import clock
from barkcluster._familiarity import STRANGE
from barkcluster._html import card, svg, words_at
from barkcluster._typing import FloatArray
from barkcluster._validation import check_non_negative, check_positive_int
from barkcluster.frames.bark import BARK_EDGES_HZ
from barkcluster.frames.session import N_BANDS, Frames, Session, check_frames
from barkcluster.windows.layout import PATTERNS
from barkcluster.windows.running import COMMON_LEVEL, TEXTURE_UNITS

from .breaks import GOES_ON_S
from .ensemble import Ensemble
from .listening import Listener

if TYPE_CHECKING:
    from barkcluster.scorers.base import FamiliarityScorer

# Bands are named from this difference on, in dB.
_ODD_DB = 4.0
_FEW_RANGES = 2
# Seconds that a surprise and its short windows may take beside the long ones.
_SPARE_S = 4.0


@dataclass(frozen=True)
class Match:
    """A moment of what was learned that a window resembles.

    Attributes
    ----------
    time : float
        Seconds at the remembered window's end, counted on over the takes.
    scale : float
        Length of the windows compared, in seconds.
    view : str
        What was compared: "texture", "rhythm", or the pattern of a group of bands.
    distance : float
        In the scorer's own unit: novelties of the same scale and view compare with it.
    """

    time: float
    scale: float
    view: str
    distance: float


@dataclass(frozen=True)
class ViewScore:
    """What one scorer of the model says of a moment by itself.

    Attributes
    ----------
    scale : float
        Window length in seconds.
    view : str
        "texture", "rhythm", or the pattern of a group of bands.
    familiarity : float
        0 to 1: the share of its own held-out windows at least as strange.
    """

    scale: float
    view: str
    familiarity: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """What `FamiliarityModel.explain` answers.

    Attributes
    ----------
    time : float
        Seconds: the end of the windows that are explained.
    familiarity : float
        All scales together.
    by_scale : dict of float to float
        Familiarity at each window length that is full.
    view_scores : tuple of ViewScore
        Strangest first.
    matches : tuple of Match
        The most similar remembered windows of each view at the longest window length, nearest
        first within a view. Scorers that keep prototypes alone (som, gmm) have no moments to name.
    bands : ndarray of shape (n_bands,)
        dB: how much louder each band is than in the most similar texture remembered, at the scale
        whose texture is strangest.

    Notes
    -----
    ``str(explanation)`` says it in words.
    """

    time: float
    familiarity: float
    by_scale: dict[float, float]
    view_scores: tuple[ViewScore, ...]
    matches: tuple[Match, ...]
    bands: FloatArray

    def __str__(self) -> str:
        worst = self.view_scores[0]
        lines = [f"{clock(self.time, 1)}: familiarity {self.familiarity:.2g}; strangest to the "
                 f"{_named(worst.view)} of {worst.scale:g} s ({worst.familiarity:.2g})"]
        odd = band_words(self.bands)
        if odd:
            lines.append(f"compared with the most similar sound known: {odd}")
        # Of the patterns, the group of bands whose memory is nearest.
        closest: dict[str, Match] = {}
        for match in self.matches:
            kind = "pattern" if match.view in PATTERNS else match.view
            if kind not in closest or match.distance < closest[kind].distance:
                closest[kind] = match
        lines += [f"{_named(match.view)} reminds of {clock(match.time, 1)}"
                  for _, match in sorted(closest.items(), reverse=True)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: the words, and bars for scales and bands."""
        rows = [("all", self.familiarity), *((f"{s:g} s", f) for s, f in self.by_scale.items())]
        bars = [part for i, (name, value) in enumerate(rows) for part in (
            words_at(40, 14 * i + 11, name, "end"),
            f'<rect x="46" y="{14 * i + 2}" width="{max(1.0, 220 * value):.1f}" height="10" '
            f'fill="{"#b3243c" if value < STRANGE else "#1e6ea5"}"/>',
            words_at(52 + 220 * value, 14 * i + 11, f"{value:.2g}"))]
        height, middle = max(90.0, 14.0 * len(rows) + 4), 45.0
        wide, tallest = 300 / max(1, len(self.bands)), max(1.0, float(np.abs(self.bands).max()))
        for i, odd in enumerate(self.bands.tolist()):
            tall = 40 * abs(odd) / tallest
            bars.append(f'<rect x="{330 + wide * i:.1f}" y="{middle - tall * (odd > 0):.1f}" '
                        f'width="{wide - 1:.1f}" height="{tall:.1f}" fill="#8c7bd6"/>')
        lines = str(self).split("\n")
        return card(lines[0], [("", line) for line in lines[1:]], svg(
            height, *bars, label="familiarity at each window length, and how much louder or "
                                 "softer each band is than in the most similar sound known"))


def explain(ensemble: Ensemble, frames: Frames, time: float,
            n_matches: int = 3) -> Explanation:
    """What `FamiliarityModel.explain` does.

    Parameters
    ----------
    ensemble : Ensemble
    frames : array-like of shape (n_frames, 25) or Session
        What is heard, from its beginning.
    time : float
        Seconds: the moment in question, the end of its windows.
    n_matches : int, default=3
        Remembered windows to name for each view.

    Returns
    -------
    explanation : Explanation
    """
    ensemble.check_rate(frames)
    check_positive_int("n_matches", n_matches)
    features = ensemble.features
    rate, hop = features.frame_rate, features.hop_frames
    start, checked = _take_at(frames, check_non_negative("time", time), features.n_bands)
    stop = int((time - start) * rate + 1e-6)
    shortest = -(-features.scale_frames[0] // hop) * hop
    if not shortest <= stop <= len(checked):
        raise ValueError(f"time must be from {start + shortest / rate:g} s, when the first window "
                         f"is full, to the end, {start + len(checked) / rate:g} s; got {time:g}.")
    # What averages over the longest scale hears starts two of them before, what it said before a
    # surprise three, what goes on some seconds; on the grid of hops.
    spare = math.ceil(_SPARE_S * rate) + 4 * hop
    before = max(3 * features.scale_frames[-1], math.ceil(GOES_ON_S * rate))
    first = max(0, stop - before - spare) // hop * hop
    piece = Session(checked[first:stop], rate, n_bands=features.n_bands)
    blocks = [view.X for view in features.transform_views(piece)]
    familiarity, by_scale = Listener(ensemble).answer(blocks)
    rows = [X[-1:].astype(np.float64) for X in blocks]
    view_scores = sorted(
        (ViewScore(ensemble.scales[part.scale_index], part.view, float(
            part.scorer.calibration_of(part.scorer.novelty_of(row))[0]))
         for part, row in zip(ensemble.parts, rows, strict=True) if len(row)),
        key=lambda view: view.familiarity)
    full = np.isfinite(by_scale[-1])
    longest = int(np.flatnonzero(full)[-1])
    matches: list[Match] = []
    for part, row in zip(ensemble.parts, rows, strict=True):
        if len(row) and len(part.times) and (part.scale_index == longest or part.view in PATTERNS):
            scale = features.block_frames(part.scale_index, part.view) / rate
            matches += [Match(float(part.times[i]), scale, part.view, distance)
                        for i, distance in _nearest(part.scorer, row, n_matches)]
    ends = start + stop // hop * hop / rate
    return Explanation(
        ends, float(familiarity[-1]),
        {float(s): float(f) for s, f in zip(ensemble.scales, by_scale[-1], strict=True)
         if np.isfinite(f)},
        tuple(view_scores), tuple(matches), _bands(ensemble, rows, view_scores))


def _take_at(frames: Frames, time: float, n_bands: int,
             ) -> tuple[float, npt.NDArray[np.floating]]:
    """The take that a time is in, or the last before it: when it begins, and its frames."""
    checked = check_frames(frames, n_bands)
    if not isinstance(frames, Session):
        return 0.0, checked
    takes = frames.takes
    take = next((take for take in reversed(takes) if take.start < time), takes[0])
    return take.start, take.frames


def band_words(bands: npt.ArrayLike) -> str:
    """Differences of level in words, such as "louder at 1.5 kHz to 2.3 kHz".

    Parameters
    ----------
    bands : array-like of shape (n_bands,)
        dB; named are those of 4 dB and more.

    Returns
    -------
    text : str
        Empty if no band differs by as much, or the bands are not the 25 of Bark.

    Examples
    --------
    >>> band_words([0.0] * 20 + [9.0] * 2 + [0.0] * 3)
    'louder at 6.4 kHz to 9.5 kHz'
    """
    values = np.asarray(bands, dtype=np.float64)
    if len(values) != N_BANDS:
        return ""
    texts = []
    for word, odd in (("louder", values >= _ODD_DB), ("softer", values <= -_ODD_DB)):
        if odd.all():
            texts.append(f"{word} in all bands")
        elif odd.any():
            texts.append(f"{word} at " + ", ".join(_ranges(odd)))
    return "; ".join(texts)


def _nearest(scorer: FamiliarityScorer, row: FloatArray, n: int) -> list[tuple[int, float]]:
    """The most similar rows of the fit, no two of them neighbors, and their distances."""
    distances, numbers = scorer.nearest_rows(row)
    chosen: list[tuple[int, float]] = []
    for i in np.argsort(distances, kind="stable"):
        number = int(numbers[i])
        if all(abs(number - other) > max(1, scorer.gap_) for other, _ in chosen):
            chosen.append((number, float(distances[i])))
        if len(chosen) == n:
            break
    return chosen


def _bands(ensemble: Ensemble, rows: list[FloatArray],
           view_scores: list[ViewScore]) -> FloatArray:
    """Level of each band less that of the most similar texture, where texture is strangest."""
    scale = next(w.scale for w in view_scores if w.view == "texture")
    part, row = next((p, r) for p, r in zip(ensemble.parts, rows, strict=True)
                     if p.view == "texture" and ensemble.scales[p.scale_index] == scale)
    scorer, n_bands = part.scorer, ensemble.features.n_bands
    nearest = scorer.nearest_prototype(row)
    columns = (row[0] - nearest)[:n_bands] * TEXTURE_UNITS["level"]
    # The texture holds a share of the level that all bands have in common: back to all of it.
    return columns + (1.0 / COMMON_LEVEL - 1.0) * columns.mean()


def _ranges(odd: npt.NDArray[np.bool_]) -> list[str]:
    """Runs of bands as frequencies, the widest few from low to high."""
    edges = np.flatnonzero(np.diff(np.r_[False, odd, False].astype(int)))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[0] - run[1])
    return [f"{shown_hertz(BARK_EDGES_HZ[a])} to {shown_hertz(BARK_EDGES_HZ[b])}"
            for a, b in sorted(runs[:_FEW_RANGES])]


def shown_hertz(value: float) -> str:
    """A frequency as people say it.

    Examples
    --------
    >>> shown_hertz(300.0), shown_hertz(1270.0)
    ('300 Hz', '1.3 kHz')
    """
    return f"{value:g} Hz" if value < 1000 else f"{value / 1000:.2g} kHz"


def _named(view: str) -> str:
    if view not in PATTERNS:
        return view
    return f"pattern of band group {PATTERNS.index(view) + 1} of {len(PATTERNS)}"
