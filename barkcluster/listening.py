"""From windows as they come to what they say together; what timeline and stream share.

At each hop every part of a model says how strange the window before it is, as a normal score. A
scale hears three witnesses, each over just as long as the scale is: the texture, of its own window
and of the one-second windows within it; the rhythm of its window; and the patterns of two seconds
within it, each group of bands by its own account, weighed by how much goes on there, so that a
player who comes or goes changes what is said of that player alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from ._tail import Tail
from .windows import PATTERN_S, PATTERNS, WindowFeatures

if TYPE_CHECKING:
    from .model import FamiliarityModel

FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]

# What each view has to say in a scale.
WITNESS_WEIGHT = {"texture": 1.0, "rhythm": 1.0, "pattern": 1.0}
# Activity at which the patterns' word counts half: nobody plays, nothing is strange.
_QUIET_ACTIVITY = 0.05
# The windows whose texture is averaged over longer scales.
_SHORT_TEXTURE_S = 1.0
_HOPS_AT_ONCE = 4096


def scale_weight(scale: float) -> float:
    """Say of a scale in the sum over scales: longer windows know more.

    Parameters
    ----------
    scale : float
        Seconds.

    Returns
    -------
    weight : float
    """
    return scale


def short_texture(scales: Sequence[float]) -> int:
    """Index of the scale whose texture is averaged over the longer ones: nearest to a second."""
    return int(np.argmin([abs(np.log(s / _SHORT_TEXTURE_S)) for s in scales]))


def activity(X: npt.NDArray[np.floating]) -> FloatArray:
    """How much goes on in each window of a pattern: 0 for silence or a held sound, 1 at most."""
    return np.minimum(np.mean(np.square(X, dtype=np.float64), axis=1), 1.0)


def pattern_word(strangeness: FloatArray, weight: FloatArray) -> FloatArray:
    """Strangeness of patterns from its weighted sum and the sum of its weights."""
    return strangeness / (weight + _QUIET_ACTIVITY)


class Listener:
    """Hears a session through a model, in pieces of any length.

    Parameters
    ----------
    model : FamiliarityModel
        Fitted.

    Notes
    -----
    Averages over a scale are differences of running sums, kept for the longest scale alone.
    """

    def __init__(self, model: FamiliarityModel) -> None:
        self._model = model
        features = model.features_
        self._spans = spans(features)
        self._short = short_texture(features.scales)
        longest = max(max(span) for span in self._spans.values())
        # Columns: texture of the short scale; strangeness and weight of the patterns.
        self._texture_sums = Tail(longest + 2, _HOPS_AT_ONCE, 1)
        self._pattern_sums = Tail(longest + 2, _HOPS_AT_ONCE, 2)
        self._texture_sums.extend(1)[:] = 0.0
        self._pattern_sums.extend(1)[:] = 0.0

    def answer(self, windows: list[Float32Array]) -> tuple[FloatArray, FloatArray]:
        """Familiarity of the windows that end now.

        Parameters
        ----------
        windows : list of ndarray of shape (n_windows, n_features)
            What `RunningWindows.push` of the model's features returned. Blocks that are not full
            yet have fewer rows: their last rows go with the last of the others.

        Returns
        -------
        familiarity : ndarray of shape (n,)
        by_scale : ndarray of shape (n, n_scales)
            nan where the scale is not full yet.
        """
        n = max(len(X) for X in windows)
        if n > _HOPS_AT_ONCE:
            pieces = [self.answer([X[max(0, len(X) - n + i):max(0, len(X) - n + i + _HOPS_AT_ONCE)]
                                   for X in windows]) for i in range(0, n, _HOPS_AT_ONCE)]
            familiarity, by_scale = zip(*pieces, strict=True)
            return np.concatenate(familiarity), np.concatenate(by_scale)
        model = self._model
        strangeness = [
            part.scorer.calibration_.strangeness(part.scorer.novelty_of(X.astype(np.float64)))
            for part, X in zip(model.parts_, windows, strict=True)]
        self._remember(strangeness, windows)
        texts = {p.scale: z for p, z in zip(model.parts_, strangeness, strict=True)
                 if p.view == "texture"}
        rhythms = {p.scale: z for p, z in zip(model.parts_, strangeness, strict=True)
                   if p.view == "rhythm"}
        n_scales = len(model.scales_)
        familiarity = np.empty(n)
        by_scale = np.full((n, n_scales), np.nan)
        together, weight = np.zeros(n), 0.0
        for i, calibration in enumerate(model.scale_calibrations_):
            full = len(texts[i])
            if not full:
                break
            of_scale = self._scale(i, texts[i], rhythms.get(i))
            by_scale[n - full:, i] = calibration.familiarity(of_scale)
            share = scale_weight(model.scales_[i])
            weight += share
            together[n - full:] += share * of_scale
            # Rows of which this is the longest scale that is full.
            longer = len(texts[i + 1]) if i + 1 < n_scales else 0
            rows = slice(n - full, n - longer)
            if full > longer:
                familiarity[rows] = model.calibrations_[i].familiarity(together[rows] / weight)
        return familiarity, by_scale

    def _remember(self, strangeness: list[FloatArray], windows: list[Float32Array]) -> None:
        """Take the short texture and the patterns into the running sums."""
        patterns = []
        for part, z, X in zip(self._model.parts_, strangeness, windows, strict=True):
            if not len(z):
                continue
            if part.view == "texture" and part.scale == self._short:
                _accumulate(self._texture_sums, z[:, None])
            elif part.view in PATTERNS:
                patterns.append((z, activity(X)))
        if patterns:
            weight = np.mean([w for _, w in patterns], axis=0)
            weighted = np.mean([z * w for z, w in patterns], axis=0)
            _accumulate(self._pattern_sums, np.column_stack([weighted, weight]))

    def _scale(self, i: int, texture: FloatArray, rhythm: FloatArray | None) -> FloatArray:
        """Strangeness of one scale at its newest windows."""
        n = len(texture)
        texture_span, pattern_span = self._spans[i]
        if i > self._short:
            texture = 0.5 * texture + 0.5 * _mean(self._texture_sums, n, texture_span)[:, 0]
        said, weight = WITNESS_WEIGHT["texture"] * texture, WITNESS_WEIGHT["texture"]
        if rhythm is not None:
            said = said + WITNESS_WEIGHT["rhythm"] * rhythm
            weight += WITNESS_WEIGHT["rhythm"]
        if pattern_span:
            sums = _mean(self._pattern_sums, n, pattern_span)
            said = said + WITNESS_WEIGHT["pattern"] * pattern_word(sums[:, 0], sums[:, 1])
            weight += WITNESS_WEIGHT["pattern"]
        return said / weight


def spans(features: WindowFeatures) -> dict[int, tuple[int, int]]:
    """Hops over which short texture and pattern are averaged in each scale.

    So many that the first and the last of the short windows just fill the scale; 0 patterns for
    scales that are too short for one.
    """
    hop = features.hop_frames
    short = features.scale_frames[short_texture(features.scales)]
    pattern = round(PATTERN_S * features.frame_rate)
    has_patterns = any(view in PATTERNS for _, view in features.blocks)
    return {
        i: (max(1, (length - short) // hop + 1),
            (length - pattern) // hop + 1 if has_patterns and length >= pattern else 0)
        for i, length in enumerate(features.scale_frames)}


def _accumulate(sums: Tail, rows: FloatArray) -> None:
    start = sums.n_rows
    last = sums.between(start - 1, start)[0].copy()
    new = sums.extend(len(rows))
    new[:] = rows
    new[0] += last
    if len(new) > 1:
        np.cumsum(new, axis=0, out=new)


def _mean(sums: Tail, n: int, span: int) -> FloatArray:
    """Means over the newest ``span`` rows, at each of the newest ``n`` rows."""
    ends = np.arange(sums.n_rows - n, sums.n_rows)
    starts = np.maximum(ends - span, 0)
    return (sums.at(ends) - sums.at(starts)) / (ends - starts)[:, None]
