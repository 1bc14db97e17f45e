"""What a fit learned, and the formulas that make one number of its views and scales.

Every part of an ensemble says how strange a window is, in a unit near that of normal scores: its
*view score*. A scale weighs three of them, each over just as long as the scale is: texture and
rhythm of its window, and the patterns of two seconds within it. The scales make the score of the
moment, in moments.py. Both formulas stand once: the calibration in the fit uses them on held-out
windows, `Listener` on what is heard.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from barkcluster._familiarity import STRANGE
from barkcluster._typing import Float32Array, FloatArray
from barkcluster.calibration.calibration import Calibration, Calibrations
from barkcluster.frames.session import Session, bands_end, check_rate
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERN_S, PATTERNS, WindowLayout

from .breaks import Steady
from .moments import SUDDEN_LIMIT, Moments

if TYPE_CHECKING:
    from barkcluster.scorers.base import FamiliarityScorer

# Weight of each view in a scale, chosen on half of the tracks of docs/developers/experiments.rst:
# hard .988, order .931; on layered jams hard .82.
VIEW_WEIGHTS = {"texture": 1.0, "rhythm": 2.0, "pattern": 3.0}
# Onset energy at which the pattern score is halved, so that silence is not called strange: a fifth
# and four times as much say the same (docs/developers/experiments.rst).
_QUIET_ENERGY = 0.05
# Onset energy of windows in which a group of bands plays.
_PLAYING = 0.3
# A little less than what is called strange.
_CALLED_STRANGE = 0.9 * STRANGE
# Bands that one of two recordings lacks, and frames that are enough to tell.
_BANDS_APART = 2
_LONG_ENOUGH_S = 2.0


class BandsWarning(UserWarning):
    """What is heard ends at other bands than what was learned."""


@dataclass(eq=False)
class Part:
    """One scorer of an ensemble and what it looks at.

    Attributes
    ----------
    scale_index : int
        Which of the ensemble's scales it looks at.
    view : str
        Name of its view.
    scorer : FamiliarityScorer
        Fitted on the windows of that scale and view.
    times : ndarray of shape (n_windows,)
        Seconds at which those windows end, counted on over the takes; empty if not known.
    """

    scale_index: int
    view: str
    scorer: FamiliarityScorer
    times: FloatArray = field(default_factory=lambda: np.empty(0))


class ViewScores:
    """What the parts of an ensemble say of windows: how strange they are, in one unit.

    Parameters
    ----------
    parts : sequence of Part
    beyond_ranks : bool, default=True
        Whether scores grow on beyond the strangest held-out window. Those of model files up to
        format 5 are ranks throughout.
    """

    def __init__(self, parts: Sequence[Part], beyond_ranks: bool = True) -> None:
        # Here, so that a model can be named, and windows kept, before scikit-learn is loaded.
        from barkcluster.scorers.together import Together

        self._scorers = Together([part.scorer for part in parts])
        calibrations = Calibrations([part.scorer.calibration_ for part in parts])
        self._score_of = (calibrations.strangeness_beyond_ranks if beyond_ranks
                          else calibrations.strangeness)

    def novelty_of(self, windows: Sequence[Float32Array]) -> FloatArray:
        """How novel each window is to its part, in a unit of its own.

        Parameters
        ----------
        windows : sequence of ndarray of shape (n_windows, n_features)
            Of each part; the last of all parts end together. Parts whose first window filled
            later have fewer.

        Returns
        -------
        novelty : ndarray of shape (n_parts, n)
            Finite, but without a meaning, where a part has no window.
        """
        return self._scorers.novelty_of(windows)

    def of_novelty(self, novelty: FloatArray) -> FloatArray:
        """The view score of each novelty (n_parts, n)."""
        return self._score_of(novelty)


@dataclass(eq=False)
class Ensemble:
    """All that a fit learned of a session.

    Attributes
    ----------
    features : WindowFeatures
        What turns frames into windows.
    parts : list of Part
        The fitted scorers, one for each of ``features.blocks``.
    scale_calibrations : list of Calibration
        Of the views of each scale together.
    calibrations : list of Calibration
        Of the first scale, the first two, ... and of all scales together.
    moments : Moments
        How scales make the score of the moment.
    duration : float
        Seconds of music learned.
    bands_end : int or None
        How many bands there were up to the highest that held anything; None if not known.
    steady : Steady or None
        What tells that something breaks off or in while a machine goes on; None for sessions of
        which echoes hide nothing.
    """

    features: WindowFeatures
    parts: list[Part]
    scale_calibrations: list[Calibration]
    calibrations: list[Calibration]
    moments: Moments
    duration: float
    bands_end: int | None = None
    steady: Steady | None = None

    @property
    def scales(self) -> tuple[float, ...]:
        """Window lengths in seconds, shortest first."""
        return self.features.scales

    @cached_property
    def view_scores(self) -> ViewScores:
        """What judges the windows of all parts at once."""
        return ViewScores(self.parts, self.moments.definition > 4)

    @cached_property
    def calibrated_scales(self) -> Calibrations:
        """All of ``scale_calibrations`` at once."""
        return Calibrations(self.scale_calibrations)

    @cached_property
    def sudden_limits(self) -> list[float]:
        """What short scales may say by themselves: that a moment is strange, and no more.

        For the first scale, the first two, ... and all: where little is known of what comes next,
        it takes more to be called strange.
        """
        return [max(SUDDEN_LIMIT, calibration.novelty_at(_CALLED_STRANGE))
                for calibration in self.calibrations]

    def __getstate__(self) -> dict[str, object]:
        """What a copy cannot work out by itself."""
        return {name: value for name, value in vars(self).items()
                if name not in ("view_scores", "calibrated_scales", "sudden_limits")}

    @property
    def frame_rate(self) -> float:
        """Frames per second of what was learned."""
        return self.features.frame_rate

    def check_rate(self, frames: npt.ArrayLike | Session) -> None:
        """Raise ValueError if a session comes at another rate than what was learned."""
        if isinstance(frames, Session):
            check_rate("frames", frames.frame_rate, self.frame_rate, "as in the fit")

    def warn_of_bands(self, frames: Float32Array | FloatArray, stacklevel: int) -> None:
        """Warn if frames end at other bands than what was learned, from another sample rate."""
        if self.bands_end is None or len(frames) < _LONG_ENOUGH_S * self.frame_rate:
            return
        here = bands_end(frames)
        if abs(here - self.bands_end) < _BANDS_APART:
            return
        warnings.warn(
            f"frames hold something in the first {here} of {frames.shape[1]} bands, what was "
            f"learned in the first {self.bands_end}: they sound strange for that alone. Were they "
            "recorded at another sample rate?", BandsWarning, stacklevel=stacklevel + 1)


class Fitted(Protocol):
    """What holds a fitted ensemble, as `FamiliarityModel` does."""

    @property
    def ensemble_(self) -> Ensemble:
        """What was learned."""


class Combination:
    """How the view scores of an ensemble make the score of each scale.

    View scores are given as an array with a row for each of ``layout.blocks``.

    Parameters
    ----------
    layout : WindowLayout
        Which scales and views there are.

    Attributes
    ----------
    scales : tuple of float
        Window lengths in seconds, shortest first.
    texture : list of int
        For each scale, which block is its texture.
    patterns : list of int
        Which blocks are patterns, one for each group of bands.
    pattern_counts : list of int
        For each scale, the patterns averaged in it, one a hop: so many that the first and the
        last of them just fill the scale; 0 for scales too short for one.
    view_weights : ndarray of shape (n_scales, n_blocks)
        How much of each view score there is in each scale.
    pattern_weights : ndarray of shape (n_scales, 1)
        And of the pattern score, which is a mean of its own. All of a scale add up to 1.

    Examples
    --------
    >>> combination = Combination(WindowLayout(scales=(1.0, 3.0)))
    >>> combination.texture, combination.patterns, combination.pattern_counts
    ([0, 1], [3, 4, 5, 6, 7, 8], [0, 11])
    >>> combination.view_weights[:, :3].round(2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.17, 0.33]]
    """

    def __init__(self, layout: WindowLayout) -> None:
        self.scales = layout.scales
        where = {block: b for b, block in enumerate(layout.blocks)}
        self.texture = [where[i, "texture"] for i in range(len(self.scales))]
        self.patterns = [b for b, (_, view) in enumerate(layout.blocks) if view in PATTERNS]
        length = round(PATTERN_S * layout.frame_rate)
        self.pattern_counts = [
            (scale - length) // layout.hop_frames + 1 if self.patterns and scale >= length else 0
            for scale in layout.scale_frames]
        self.view_weights = np.zeros((len(self.scales), len(where)))
        self.pattern_weights = np.zeros((len(self.scales), 1))
        for i, count in enumerate(self.pattern_counts):
            for view in ("texture", "rhythm"):
                if (i, view) in where:
                    self.view_weights[i, where[i, view]] = VIEW_WEIGHTS[view]
            if count:
                self.pattern_weights[i] = VIEW_WEIGHTS["pattern"]
        total = self.view_weights.sum(axis=1, keepdims=True) + self.pattern_weights
        self.view_weights /= total
        self.pattern_weights /= total

    def pattern_terms(self, scores: FloatArray,
                      windows: Sequence[Float32Array]) -> FloatArray:
        """What each hop adds to the pattern score: sum of the weighted scores, sum of weights.

        Each group of bands counts as much as its players play, so that one who comes or goes
        changes what is said of that player alone.

        Parameters
        ----------
        scores : ndarray of shape (n_groups, n)
            View scores of the patterns alone, a group of bands each.
        windows : sequence of ndarray of shape (n, n_features)
            The patterns.

        Returns
        -------
        terms : ndarray of shape (n, 2)
            Both averaged over the groups. `pattern_score` takes their mean over a scale.
        """
        terms = np.empty((2, *scores.shape))
        terms[1] = onset_energy(np.concatenate(windows)).reshape(scores.shape)
        np.multiply(scores, terms[1], out=terms[0])
        return np.asarray((np.add.reduce(terms, axis=1) / len(scores)).T)

    def scale_scores(self, scores: FloatArray, pattern_scores: FloatArray) -> FloatArray:
        """Strangeness of windows that end together, one of each scale.

        Parameters
        ----------
        scores : ndarray of shape (n_blocks, n)
            View scores of all blocks.
        pattern_scores : ndarray of shape (n_scales, n) or (n,)
            `pattern_score` of each of the windows; anything for scales without patterns.

        Returns
        -------
        scores : ndarray of shape (n_scales, n)
        """
        return np.asarray(self.view_weights @ scores + self.pattern_weights * pattern_scores)


def pattern_score(terms: FloatArray) -> FloatArray:
    """Strangeness of patterns from the mean of their terms, (..., 2)."""
    return np.asarray(terms[..., 0] / (terms[..., 1] + _QUIET_ENERGY))


def onset_energy(X: npt.NDArray[np.floating]) -> FloatArray:
    """How much goes on in each window of a pattern: 0 for silence or a held sound, 1 at most.

    Windows are the last axis but one.
    """
    squares = np.square(X, dtype=np.float64)
    return np.minimum(np.add.reduce(squares, axis=-1) / X.shape[-1], 1.0)


def is_playing(energy: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether a group of bands plays in each of some windows, by its onset energy.

    In a session that is soft throughout, soft windows count: judged against the loudest few of
    steady noise alone, all the rest of it would be called familiar.
    """
    typical = float(energy @ energy) / max(float(energy.sum()), 1e-12)
    return energy > min(_PLAYING, 0.5 * typical)
