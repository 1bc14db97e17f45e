"""Judge windows by an ensemble as they come: what timeline and stream share."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import Float32Array, FloatArray
from barkcluster.windows.rolling import RollingBuffer

from .breaks import Breaks
from .ensemble import Combination, Ensemble, pattern_score
from .settling import HOPS_AT_ONCE, Settling

_NO_WINDOWS = np.empty((0, 0), np.float32)


class Listener:
    """Hears a session through an ensemble, in pieces of any length.

    Parameters
    ----------
    ensemble : Ensemble
    before : Listener, optional
        The one whose place this one takes when a model is swapped, so that what it said before a
        surprise, and of what goes on, is not lost. Left out where its scales are others.

    Attributes
    ----------
    settling : Settling or None
        What long scales said before a surprise; None for models from files of format 1, which do
        without.

    Notes
    -----
    Averages over a scale are differences of running sums, kept for the longest scale alone.
    """

    def __init__(self, ensemble: Ensemble, before: Listener | None = None) -> None:
        self._ensemble = ensemble
        self._combination = Combination(ensemble.features)
        settling, breaks = (None, None) if before is None else (before.settling, before._breaks)
        if settling is None or settling.layout.scales != ensemble.scales:
            settling, breaks = Settling(ensemble.features), None
        self.settling: Settling | None = settling if ensemble.features.definition > 1 else None
        self._breaks: Breaks | None = (
            None if ensemble.steady is None else breaks or Breaks(ensemble.features))
        self._counts = np.array(self._combination.pattern_counts)[:, None]
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
        blocks = dict(zip(self._combination.patterns, patterns, strict=True))
        windows = [blocks.get(b, _NO_WINDOWS) for b in range(len(self._ensemble.parts))]
        self._score(self._ensemble.view_scores.novelty_of(windows), windows)

    def answer(self, windows: list[Float32Array]) -> tuple[FloatArray, FloatArray]:
        """Familiarity of the windows that end now.

        Parameters
        ----------
        windows : list of ndarray of shape (n_windows, n_features)
            What `RunningWindows.push` of the model's features returned. The last rows of all
            blocks end together; blocks whose first window filled later have fewer.

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
        # Rows that each scale is full at, none for those beyond the longest.
        n_full = [len(windows[b]) for b in combination.texture] + [0]
        # Patterns of two seconds may be full before the shortest scale is: they are remembered.
        n = n_full[0]
        novelty = ensemble.view_scores.novelty_of(windows)
        scores = self._score(novelty, windows)
        scores = combination.scale_scores(
            scores[:, scores.shape[1] - n:], pattern_score(self._mean_terms(n)))
        of_scales = ensemble.calibrated_scales.familiarity(scores)
        by_scale = of_scales.T.copy()
        for i, full in enumerate(n_full[:-1]):
            by_scale[:n - full, i] = np.nan
        of_moments = ensemble.moments.scores_of(
            scores, ensemble.calibrated_scales, of_scales)
        heard = [z[n - full:] for z, full in zip(of_moments, n_full, strict=False) if full]
        lately = None
        if self.settling is not None and heard:
            heard = self.settling.settled(heard)
            lately = self.settling.lately(n)
        breaks = self._breaking(novelty[:, novelty.shape[1] - n:], n_full)
        familiarity = np.empty(n)
        for i in range(len(heard)):
            full, longer = n_full[i], n_full[i + 1]
            if full > longer:  # rows of which this is the longest scale that is full
                here = [z[len(z) - full:len(z) - longer] for z in heard[:i + 1]]
                familiarity[n - full:n - longer] = ensemble.calibrations[i].familiarity(
                    ensemble.moments.score(
                        here, ensemble.sudden_limits[i],
                        None if lately is None else lately[n - full:n - longer],
                        None if breaks is None else breaks[n - full:n - longer]))
        return familiarity, by_scale

    def _score(self, novelty: FloatArray, windows: list[Float32Array]) -> FloatArray:
        """View scores of windows, a row for each block; those of patterns are remembered."""
        scores = self._ensemble.view_scores.of_novelty(novelty)
        patterns = self._combination.patterns
        if patterns and len(windows[patterns[0]]):
            of_patterns = scores[patterns, scores.shape[1] - len(windows[patterns[0]]):]
            self._remember(self._combination.pattern_terms(
                of_patterns, [windows[b] for b in patterns]))
        return scores

    def _breaking(self, novelty: FloatArray, n_full: list[int]) -> FloatArray | None:
        """How strange it is that something breaks off or in where a machine goes on."""
        steady = self._ensemble.steady
        if steady is None or self._breaks is None:
            return None
        short = self._combination.texture[:len(steady.typical)]
        beyond = steady.beyond(novelty[short])
        beyond[:novelty.shape[1] - n_full[len(short) - 1]] = np.inf     # not all of them are full
        return self._breaks.strangeness(beyond)

    def _remember(self, terms: FloatArray) -> None:
        """Take what patterns add to their scores into the running sums."""
        last = self._sums.between(self._sums.n_rows - 1, self._sums.n_rows)[0].copy()
        new = self._sums.extend(len(terms))
        new[:] = terms
        new[0] += last
        if len(new) > 1:
            np.cumsum(new, axis=0, out=new)

    def _mean_terms(self, n: int) -> FloatArray:
        """Mean of the pattern terms (n_scales, n, 2) over each of the newest windows."""
        ends = np.maximum(np.arange(self._sums.n_rows - n, self._sums.n_rows), 0)
        starts = np.maximum(ends - self._counts, 0)
        return np.asarray((self._sums.at(ends) - self._sums.at(starts))
                          / np.maximum(ends - starts, 1)[..., None])
