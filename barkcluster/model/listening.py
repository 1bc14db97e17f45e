"""Windows as they come, judged by an ensemble: what timeline and stream share."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.windows.rolling import RollingBuffer

from .ensemble import Combination, Ensemble, Part
from .settling import HOPS_AT_ONCE, Settling


class Listener:
    """Hears a session through an ensemble, in pieces of any length.

    Parameters
    ----------
    ensemble : Ensemble
    settling : Settling, optional
        That of a listener before, who heard the same through another ensemble: what was said
        before a surprise, and with that it goes on where its scales are the same.

    Attributes
    ----------
    settling : Settling or None
        What long scales said before a surprise; None for model files of before there was any.

    Notes
    -----
    Averages over a scale are differences of running sums, kept for the longest scale alone.
    """

    def __init__(self, ensemble: Ensemble, settling: Settling | None = None) -> None:
        self._ensemble = ensemble
        self._combination = Combination(ensemble.features)
        if settling is None or settling.layout.scales != ensemble.scales:
            settling = Settling(ensemble.features)
        self.settling = settling if ensemble.features.definition > 1 else None
        # The terms of the pattern score, summed.
        self._sums = RollingBuffer(max(self._combination.pattern_counts) + 2, HOPS_AT_ONCE, 2)
        self._sums.extend(1)[:] = 0.0

    @property
    def n_history(self) -> int:
        """Hops whose patterns still count at the next one."""
        return max(0, max(self._combination.pattern_counts) - 1)

    def prime(self, patterns: list[Float32Array]) -> None:
        """Hear patterns of before the first answer, so that averages need not fill anew.

        Parameters
        ----------
        patterns : list of ndarray of shape (n_windows, n_features)
            Of each group of bands; what `RunningWindows.recent_patterns` returned.
        """
        parts = [self._ensemble.parts[b] for b in self._combination.patterns]
        self._remember([self._score(part, X)
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
        if n > HOPS_AT_ONCE:
            pieces = [self.answer([X[max(0, len(X) - n + i):max(0, len(X) - n + i + HOPS_AT_ONCE)]
                                   for X in windows]) for i in range(0, n, HOPS_AT_ONCE)]
            return (np.concatenate([familiarity for familiarity, _ in pieces]),
                    np.concatenate([by_scale for _, by_scale in pieces]))
        ensemble, combination = self._ensemble, self._combination
        scores = [self._score(part, X) for part, X in zip(ensemble.parts, windows, strict=True)]
        self._remember([scores[b] for b in combination.patterns],
                       [windows[b] for b in combination.patterns])
        n_scales = len(ensemble.scales)
        # Rows that each scale is full at, none for those beyond the longest.
        n_full = [len(scores[b]) for b in combination.texture] + [0]
        # Patterns of two seconds may be full before the shortest scale is: they are remembered.
        n = n_full[0]
        familiarity = np.empty(n)
        by_scale = np.full((n, n_scales), np.nan)
        heard: list[FloatArray] = []
        for i, calibration in enumerate(ensemble.scale_calibrations):
            full = n_full[i]
            if not full:
                break
            score = combination.scale_score(i, scores, self._mean_terms(i, full))
            by_scale[n - full:, i] = calibration.familiarity(score)
            heard.append(ensemble.moments.common(score, by_scale[n - full:, i]))
        if self.settling is not None:
            heard = self.settling.settled(heard)
        for i in range(len(heard)):
            full, longer = n_full[i], n_full[i + 1]
            if full > longer:  # rows of which this is the longest scale that is full
                here = [z[len(z) - full:len(z) - longer] for z in heard[:i + 1]]
                familiarity[n - full:n - longer] = ensemble.calibrations[i].familiarity(
                    ensemble.moments.score(here))
        return familiarity, by_scale

    @staticmethod
    def _score(part: Part, X: Float32Array) -> FloatArray:
        return part.scorer.calibration_.strangeness(part.scorer.novelty_of(X))

    def _remember(self, scores: list[FloatArray], patterns: list[Float32Array]) -> None:
        """Take the patterns, a block and its scores for each group, into the running sums."""
        if not patterns or not len(patterns[0]):
            return
        last = self._sums.between(self._sums.n_rows - 1, self._sums.n_rows)[0].copy()
        terms = self._combination.pattern_terms(scores, patterns)
        new = self._sums.extend(len(terms))
        new[:] = terms
        new[0] += last
        if len(new) > 1:
            np.cumsum(new, axis=0, out=new)

    def _mean_terms(self, scale_index: int, n: int) -> FloatArray | None:
        """Mean of the pattern terms over each of the newest ``n`` windows of one scale."""
        count = self._combination.pattern_counts[scale_index]
        if not count:
            return None
        first, last = self._sums.n_rows - n, self._sums.n_rows
        if first >= count:
            return (self._sums.between(first, last)
                    - self._sums.between(first - count, last - count)) / count
        ends = np.arange(first, last)
        starts = np.maximum(ends - count, 0)
        return (self._sums.at(ends) - self._sums.at(starts)) / (ends - starts)[:, None]
