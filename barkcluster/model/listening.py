"""From windows as they come to what they say together; what timeline and stream share.

At each hop every part of a model says how strange the window before it is, as a normal score. A
scale hears three witnesses, each over just as long as the scale is: the texture and the rhythm of
its window, and the patterns of two seconds within it, each group of bands by its own account,
weighed by how much goes on there, so that a player who comes or goes changes what is said of that
player alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERN_S, PATTERNS
from barkcluster.windows.rolling import Tail

if TYPE_CHECKING:
    from .model import FamiliarityModel, Part

FloatArray: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]

# What each view has to say in a scale.
WITNESS_WEIGHT = {"texture": 1.0, "rhythm": 2.0, "pattern": 3.0}
# Activity at which the patterns' word counts half: nobody plays, nothing is strange.
_QUIET_ACTIVITY = 0.05
_HOPS_AT_ONCE = 4096
# Scales below this hear what is sudden, and by so much stranger they must be to overrule the rest.
_SUDDEN_S = 2.0
_SUDDEN_LEAD = 2.0


def together(by_scale: list[FloatArray], scales: tuple[float, ...]) -> FloatArray:
    """Strangeness of a moment from that of its scales.

    Longer windows know more, and weigh as much as they are long; but what is sudden fills only
    the short ones, so these may overrule the mean where they are far stranger than it.

    Parameters
    ----------
    by_scale : list of ndarray of shape (n,)
        Strangeness of each scale, shortest first.
    scales : tuple of float
        Their lengths in seconds; longer ones than there are strangenesses are not full yet.

    Returns
    -------
    strangeness : ndarray of shape (n,)
    """
    # Sums, not np.average: a stream has one row to add, and ten times a second.
    said, sudden = np.zeros_like(by_scale[0]), np.zeros_like(by_scale[0])
    n_sudden = 0
    for z, scale in zip(by_scale, scales, strict=False):
        said += scale * z
        if scale < _SUDDEN_S:
            sudden += z
            n_sudden += 1
    mean = said / sum(scales[:len(by_scale)])
    if not 0 < n_sudden < len(by_scale):
        return mean
    return np.maximum(mean, sudden / n_sudden - _SUDDEN_LEAD)


def scale_strangeness(
    texture: FloatArray, rhythm: FloatArray | None, pattern: FloatArray | None
) -> FloatArray:
    """Strangeness of one scale from that of its witnesses; None has nothing to say."""
    said, weight = WITNESS_WEIGHT["texture"] * texture, WITNESS_WEIGHT["texture"]
    for view, z in (("rhythm", rhythm), ("pattern", pattern)):
        if z is not None:
            said = said + WITNESS_WEIGHT[view] * z
            weight += WITNESS_WEIGHT[view]
    return said / weight


def activity(X: npt.NDArray[np.floating]) -> FloatArray:
    """How much goes on in each window of a pattern: 0 for silence or a held sound, 1 at most.

    Windows are the last axis but one.
    """
    squares = np.square(X, dtype=np.float64)
    return np.minimum(np.add.reduce(squares, axis=-1) / X.shape[-1], 1.0)


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
        # Strangeness and weight of the patterns, summed.
        self._sums = Tail(max(self._spans) + 2, _HOPS_AT_ONCE, 2)
        self._sums.extend(1)[:] = 0.0

    @property
    def n_recalled(self) -> int:
        """Hops whose patterns still count at the next one."""
        return max(0, max(self._spans) - 1)

    def recall(self, patterns: list[Float32Array]) -> None:
        """Hear patterns of before the first answer, so that averages need not fill anew.

        Parameters
        ----------
        patterns : list of ndarray of shape (n_windows, n_features)
            Of each group of bands; what `RunningWindows.recent_patterns` returned.
        """
        parts = [part for part in self._model.parts_ if part.view in PATTERNS]
        self._remember([self._strangeness(part, X)
                        for part, X in zip(parts, patterns, strict=True)], patterns)

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
            A row for each window of the shortest scale.
        by_scale : ndarray of shape (n, n_scales)
            nan where the scale is not full yet.
        """
        n = max(len(X) for X in windows)
        if n > _HOPS_AT_ONCE:
            pieces = [self.answer([X[max(0, len(X) - n + i):max(0, len(X) - n + i + _HOPS_AT_ONCE)]
                                   for X in windows]) for i in range(0, n, _HOPS_AT_ONCE)]
            return (np.concatenate([familiarity for familiarity, _ in pieces]),
                    np.concatenate([by_scale for _, by_scale in pieces]))
        model = self._model
        strangeness = [self._strangeness(part, X)
                       for part, X in zip(model.parts_, windows, strict=True)]
        patterns = [b for b, part in enumerate(model.parts_) if part.view in PATTERNS]
        self._remember([strangeness[b] for b in patterns], [windows[b] for b in patterns])
        texts = {p.scale: z for p, z in zip(model.parts_, strangeness, strict=True)
                 if p.view == "texture"}
        rhythms = {p.scale: z for p, z in zip(model.parts_, strangeness, strict=True)
                   if p.view == "rhythm"}
        n_scales = len(model.scales_)
        # Patterns of two seconds may be full before the shortest scale is: they are remembered.
        n = len(texts[0])
        familiarity = np.empty(n)
        by_scale = np.full((n, n_scales), np.nan)
        heard: list[FloatArray] = []
        for i, calibration in enumerate(model.scale_calibrations_):
            full = len(texts[i])
            if not full:
                break
            of_scale = self._scale(i, texts[i], rhythms.get(i))
            by_scale[n - full:, i] = calibration.familiarity(of_scale)
            heard.append(of_scale)
            # Rows of which this is the longest scale that is full.
            longer = len(texts[i + 1]) if i + 1 < n_scales else 0
            if full > longer:
                here = [z[len(z) - full:len(z) - longer] for z in heard]
                familiarity[n - full:n - longer] = model.calibrations_[i].familiarity(
                    together(here, model.scales_))
        return familiarity, by_scale

    @staticmethod
    def _strangeness(part: Part, X: Float32Array) -> FloatArray:
        return part.scorer.calibration_.strangeness(part.scorer.novelty_of(X))

    def _remember(self, strangeness: list[FloatArray], patterns: list[Float32Array]) -> None:
        """Take the patterns, a block and its strangeness for each group, into the running sums."""
        if not patterns or not len(patterns[0]):
            return
        weights = activity(np.stack(patterns))
        last = self._sums.between(self._sums.n_rows - 1, self._sums.n_rows)[0].copy()
        new = self._sums.extend(weights.shape[1])
        new[:, 0] = np.add.reduce(np.stack(strangeness) * weights, axis=0) / len(patterns)
        new[:, 1] = np.add.reduce(weights, axis=0) / len(patterns)
        new[0] += last
        if len(new) > 1:
            np.cumsum(new, axis=0, out=new)

    def _scale(self, i: int, texture: FloatArray, rhythm: FloatArray | None) -> FloatArray:
        """Strangeness of one scale at its newest windows."""
        pattern = None
        span = self._spans[i]
        if span:
            first, last = self._sums.n_rows - len(texture), self._sums.n_rows
            if first >= span:
                means = (self._sums.between(first, last)
                         - self._sums.between(first - span, last - span)) / span
            else:
                ends = np.arange(first, last)
                starts = np.maximum(ends - span, 0)
                means = (self._sums.at(ends) - self._sums.at(starts)) / (ends - starts)[:, None]
            pattern = pattern_word(means[:, 0], means[:, 1])
        return scale_strangeness(texture, rhythm, pattern)


def spans(features: WindowFeatures) -> list[int]:
    """Hops over which patterns are averaged in each scale.

    So many that the first and the last of the patterns just fill the scale; 0 for scales that
    are too short for one.
    """
    hop = features.hop_frames
    pattern = round(PATTERN_S * features.frame_rate)
    has_patterns = any(view in PATTERNS for _, view in features.blocks)
    return [(length - pattern) // hop + 1 if has_patterns and length >= pattern else 0
            for length in features.scale_frames]
