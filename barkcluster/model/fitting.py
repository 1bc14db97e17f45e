"""What a fit does: a scorer for each scale and view, then the calibration of their sums.

Each view of each scale has a scorer of its own, calibrated on blocks it did not hear. Their view
scores add up to the strangeness of a scale, and these to that of the moment; both are calibrated
again, on the same held-out windows, so that every number that comes out means the same.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.base import clone

from barkcluster._typing import FloatArray
from barkcluster._validation import check_choice
from barkcluster.calibration.ahead import calibration_ahead, caution
from barkcluster.calibration.calibration import Calibration, Calibrations
from barkcluster.calibration.echoes import raised, weighed
from barkcluster.scorers import SCORERS
from barkcluster.scorers.base import FamiliarityScorer, ScaleWarning
from barkcluster.windows.echoes import is_noise
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERNS, check_scales
from barkcluster.windows.training import TrainingWindows, training_windows, windows_between

from .breaks import Steady, hides
from .build_up import built_up_at
from .ensemble import (
    Combination,
    Ensemble,
    Part,
    is_playing,
    onset_energy,
    pattern_score,
)
from .moments import Moments
from .pauses import Pauses
from .repetition import goes_round, share_by_heart, widest_gap
from .settling import SUDDEN_S, lately_at_moments, settled_moments

# Texture is measured in its own units; rhythm and patterns are whitened this far. What whitening
# patterns gains on layered jams is in docs/developers/experiments.rst.
TIME_WHITENING = 0.75
# A scale is learned from a session at least this many times as long.
_SHORTEST_SESSION = 3.0
_FEWEST_PLAYING = 10
# What echoes stand out by counts five times: between two frames an attack is no cubic. Loops of
# sound heard half a frame later are up to twice as far as their echoes in texture, drums in rhythm
# 2 (nearest neighbors) to 5.4 times (k-means). In textures of noise it counts once: noise and the
# place of an attack differ together, and five times what they differ by hides other music.
_ECHO_WEIGHT = 5.0
# Where a session was heard at all places in the frames, the rest still counts: the places of what
# comes next lie between those.
_LEAST_WEIGHT = 0.1
# Of what comes back exactly nothing was held out: music that was not heard would be stranger, by
# so much of the spread.
_UNHEARD_BY_HEART = 0.5
# A held sound, of which 1 dB more changes the texture as it does that of any other.
_HELD_DB = -40.0


def template_of(scorer: str | FamiliarityScorer, random_state: int | None) -> FamiliarityScorer:
    """The unfitted scorer that every part is a clone of, seeded."""
    if isinstance(scorer, FamiliarityScorer):
        template = clone(scorer)
    else:
        template = SCORERS[check_choice("scorer", scorer, SCORERS)]()
    if random_state is not None and "random_state" in template.get_params():
        template.set_params(random_state=random_state)
    return template


def features_for(scales: tuple[float, ...], hop: float, takes: list[npt.NDArray[np.floating]],
                 rate: float, n_bands: int) -> WindowFeatures:
    """Windows at those scales that the takes are long enough for, with a warning of the others."""
    wanted = check_scales(scales)

    def seconds(scale: float) -> float:
        return sum(len(take) / rate for take in takes if len(take) / rate >= scale)

    usable = tuple(s for s in wanted if seconds(s) >= _SHORTEST_SESSION * s - 1e-9)
    dropped = [f"{s:g} s" for s in wanted if s not in usable]
    total = sum(len(take) for take in takes) / rate
    if not usable:
        raise ValueError(
            f"frames must cover {_SHORTEST_SESSION * wanted[0]:g} s, {_SHORTEST_SESSION:g} "
            f"times the shortest scale ({wanted[0]:g} s), in takes longer than it; "
            f"got {total:g} s in {len(takes)} take{'s' if len(takes) > 1 else ''}.")
    if dropped:
        warnings.warn(
            f"{total:g} s of session are too short for scales {', '.join(dropped)}: left "
            f"out. A scale needs {_SHORTEST_SESSION:g} times its length.", stacklevel=3)
    return WindowFeatures(usable, hop, rate, n_bands=n_bands)


def fit_ensemble(template: FamiliarityScorer, features: WindowFeatures,
                 takes: list[npt.NDArray[np.floating]], n_jobs: int | None = None) -> Ensemble:
    """Learn takes of a session.

    Parameters
    ----------
    template : FamiliarityScorer
        Unfitted; cloned for each scale and view, where its "auto" is what suits the view.
    features : WindowFeatures
        Windows of scales that the takes are long enough for.
    takes : list of ndarray of shape (n_frames, n_bands)
    n_jobs : int or None, default=None
        Threads, as in joblib.

    Returns
    -------
    ensemble : Ensemble

    Raises
    ------
    ValueError
        If hops are so long that a scale has one window alone.
    """
    training, measure = _training(features, takes)
    learned = _learned(template, features, training, measure, n_jobs)
    parts, scores, echoes = (list(of_all) for of_all in zip(*learned, strict=True))
    # Held-out windows and echoes, as all scorers judge them together.
    held_out = _by_scale(scores, features, measure.windows)
    echoed = _by_scale(echoes, features, measure.echoed)
    scales = [Calibration(raised(score, echo)[_measuring(measure.pauses, times, features, i)])
              for i, ((times, score), (_, echo)) in enumerate(
                  zip(held_out, echoed, strict=True))]
    in_one_unit = [Calibrations(scales[:i + 1]).standardized for i in range(len(scales))]
    usual, again = (
        [of(np.array(scores)) for of, scores in zip(in_one_unit, _at_moments(of_one), strict=True)]
        for of_one in (held_out, echoed))
    # What comes next is not between what was heard, as held-out blocks are.
    cautions = [caution(of_scale.n_effective_) for of_scale in scales]
    settled, settled_echoes = (
        [_settled(scores, times, features, 1.0 - with_caution, measure.pauses)
         for scores, (times, _), with_caution in zip(of_scales, of_one, cautions, strict=True)]
        for of_scales, of_one in ((usual, held_out), (again, echoed)))
    moments = Moments.learned(features.scales, [scores for scores, _ in settled],
                              [scores for scores, _ in settled_echoes])
    said, said_of_echoes = ([moments.score(scores, lately=lately) for scores, lately in of_scales]
                            for of_scales in (settled, settled_echoes))
    of_all = [calibration_ahead(raised(of_held_out, of_echoes), with_caution)
              for of_held_out, of_echoes, with_caution in zip(
                  said, said_of_echoes, cautions, strict=True)]
    duration = sum(len(take) for take in takes) / features.frame_rate
    return Ensemble(features, parts, scales, of_all, moments, duration,
                    steady=_steady(parts, features, takes, training, measure))


@dataclass(eq=False)
class _Measure:
    """What is measured by, of all that is learned.

    Attributes
    ----------
    windows : list of TrainingWindows
        For each block of the features, those of after the session was built up.
    again : list of TrainingWindows
        Those of before, between the ones that are learned: heard again, they are not strange.
    pauses : Pauses
        Of those, which lie in a pause.
    by_heart : float
        How much of the session comes back exactly.
    noise : bool
        Whether it is noise, or music in noise, all of it.
    unheard_places : float
        How much of what lies between two frames was not heard each time the session came back.
    """

    windows: list[TrainingWindows]
    again: list[TrainingWindows]
    pauses: Pauses
    by_heart: float
    noise: bool
    unheard_places: float

    @property
    def echoed(self) -> list[TrainingWindows]:
        """What nothing of may be strange: the beginning, and what there are echoes of."""
        return [again.then(windows.echoed)
                for again, windows in zip(self.again, self.windows, strict=True)]

    @classmethod
    def of(cls, takes: list[npt.NDArray[np.floating]], features: WindowFeatures,
           training: list[TrainingWindows], by_heart: float, noise: bool,
           unheard_places: float) -> Self:
        """The measure of a session."""
        duration = sum(len(take) for take in takes) / features.frame_rate
        built_up = built_up_at(training, features, duration)
        # Pauses are where takes pause, if that is seldom by the longest of the short scales.
        short = [n for n, scale in zip(features.scale_frames, features.scales, strict=True)
                 if scale < SUDDEN_S]
        return cls([windows.after(built_up) for windows in training],
                   windows_between(features, takes, built_up),
                   Pauses(takes, features.frame_rate, max(short, default=0)),
                   by_heart, noise, unheard_places)

    def weight_of_echoes(self, view: str) -> float:
        """How many times what echoes of this view stand out by counts."""
        once = self.noise and view == "texture"
        return (1.0 if once else _ECHO_WEIGHT) * self.unheard_places


def _training(features: WindowFeatures, takes: list[npt.NDArray[np.floating]]
              ) -> tuple[list[TrainingWindows], _Measure]:
    """The windows to learn from, and what is measured by."""
    by_heart = share_by_heart(takes, features.frame_rate)
    # What comes back exactly is no noise, however rough it is.
    noise = [not by_heart and is_noise(take) for take in takes]
    # Where it is known at all places in the frames, echoes tell nothing new.
    heard = 1.0 - widest_gap(takes, features.frame_rate) if by_heart else 0.0
    training = training_windows(features, takes, noise)
    return training, _Measure.of(takes, features, training, by_heart, all(noise),
                                 1.0 - (1.0 - _LEAST_WEIGHT) * by_heart * heard)


def _measuring(pauses: Pauses, times: FloatArray, features: WindowFeatures, scale_index: int
               ) -> npt.NDArray[np.bool_]:
    """Which held-out windows of a scale to measure by.

    Long windows hold a pause too often: left out, music that pauses would be strange to them.
    """
    if features.scales[scale_index] >= SUDDEN_S:
        return np.ones(len(times), dtype=bool)
    return pauses.without(times, features.scale_frames[scale_index])


def _settled(scores: FloatArray, times: FloatArray, features: WindowFeatures, share: float,
             pauses: Pauses) -> tuple[FloatArray, FloatArray]:
    """`settled_moments` to measure by, and `lately_at_moments`.

    After a pause, they are settled altogether.
    """
    lately = lately_at_moments(scores, times, features)
    n_short = sum(scale < SUDDEN_S for scale in features.scales[:len(scores)])
    if not n_short:
        return settled_moments(scores, times, features, share), lately
    after = pauses.within(times, features.scale_frames[len(scores) - 1])
    settled = settled_moments(scores, times, features, np.where(after, 1.0, share))
    measuring = pauses.without(times, features.scale_frames[n_short - 1])
    return settled[:, measuring], lately[measuring]


def fit_parts(template: FamiliarityScorer, features: WindowFeatures,
              takes: list[npt.NDArray[np.floating]], n_jobs: int | None = None) -> list[Part]:
    """Learn takes of a session without what makes one number of all parts.

    Parameters
    ----------
    template, features, takes, n_jobs
        As in `fit_ensemble`.

    Returns
    -------
    parts : list of Part
        The same as those of an ensemble.

    Raises
    ------
    ValueError
        As `fit_ensemble`.
    """
    training, measure = _training(features, takes)
    return [part for part, _, _ in _learned(template, features, training, measure, n_jobs)]


def _learned(template: FamiliarityScorer, features: WindowFeatures,
             training: list[TrainingWindows], measure: _Measure, n_jobs: int | None,
             ) -> list[tuple[Part, FloatArray, FloatArray]]:
    """Of each scale and view the part, and how strange held-out windows and echoes are to it."""
    for windows, (scale_index, _) in zip(training, features.blocks, strict=True):
        if len(windows.rows) < 2:
            raise ValueError(
                f"hop must leave two windows of each scale; {features.hop:g} s leaves "
                f"{len(windows.rows)} of {features.scales[scale_index]:g} s.")

    def learn(windows: TrainingWindows, measured: TrainingWindows, again: TrainingWindows,
              scale_index: int, view: str) -> tuple[Part, FloatArray, FloatArray]:
        length = features.block_frames(scale_index, view) / features.frame_rate
        scorer = clone(template).set_params(
            whitening=0.0 if view == "texture" else TIME_WHITENING,
            gap=int(np.ceil(length / windows.step)))
        settings = dict(scorer.auto_in_model)
        if view in PATTERNS:
            settings.update(scorer.auto_for_patterns)
        parameters = scorer.get_params()
        scorer.set_params(**{name: value for name, value in settings.items()
                             if parameters[name] == "auto"})
        scorer.fit(windows.rows, augmented=windows.augmented,
                   augmented_rows=windows.augmented_rows,
                   augmented_offsets=windows.augmented_offsets,
                   echoes=windows.echoes, echoed_rows=windows.echoed_rows)
        unheard, echoes = _unheard(scorer, windows, measured, measure.weight_of_echoes(view))
        stranger = _UNHEARD_BY_HEART * measure.by_heart * float(np.std(raised(unheard, echoes)))
        unheard, echoes = unheard + stranger, echoes + stranger
        echoes = np.concatenate([scorer.novelty_of(again.rows), echoes])
        held_out = raised(unheard, echoes)
        if view in PATTERNS:
            # Judged against the windows in which that group of bands plays.
            playing = is_playing(onset_energy(measured.rows))
            if playing.sum() >= _FEWEST_PLAYING:
                held_out = held_out[playing]
        else:
            held_out = held_out[_measuring(measure.pauses, measured.times, features, scale_index)]
        scorer.recalibrate(held_out)
        score_of = Calibrations([scorer.calibration_]).strangeness_beyond_ranks
        return (Part(scale_index, view, scorer, windows.times),
                score_of(unheard[None])[0], score_of(echoes[None])[0])

    with warnings.catch_warnings():
        # Windows are in units of their own: what hardly moves in them is a held sound.
        warnings.simplefilter("ignore", ScaleWarning)
        learned: list[tuple[Part, FloatArray, FloatArray]] = Parallel(
            n_jobs=n_jobs, prefer="threads")(
            delayed(learn)(windows, measured, again, scale_index, view)
            for windows, measured, again, (scale_index, view) in zip(
                training, measure.windows, measure.again, features.blocks, strict=True))
    return learned


def _unheard(scorer: FamiliarityScorer, windows: TrainingWindows, measured: TrainingWindows,
             weight: float) -> tuple[FloatArray, FloatArray]:
    """Novelty of the windows that are measured by, which end last, and of their echoes."""
    unheard = scorer.unheard_novelty()[len(windows.rows) - len(measured.rows):]
    echoes = scorer.unheard_echoes()[len(windows.echoes) - len(measured.echoes):]
    return unheard, weighed(echoes, unheard, weight)


def _steady(parts: list[Part], features: WindowFeatures, takes: list[npt.NDArray[np.floating]],
            training: list[TrainingWindows], measure: _Measure) -> Steady | None:
    """What tells that something breaks off a machine, if echoes hide it from a short scale."""
    short, unheard, hidden = [], [], False
    for part, windows, measured in zip(parts, training, measure.windows, strict=True):
        scale = features.scales[part.scale_index]
        if part.view != "texture" or scale >= SUDDEN_S:
            continue
        novelty, echoes = _unheard(part.scorer, windows, measured,
                                   measure.weight_of_echoes(part.view))
        here = novelty[_measuring(measure.pauses, measured.times, features, part.scale_index)]
        here = here[np.isfinite(here)]
        if not len(here):
            return None
        hidden |= hides(echoes, here)
        short.append((part.scorer, windows.rows))
        unheard.append(here)
    if (not hidden or len(short) == len(features.scales)
            or not goes_round(takes, features.frame_rate)):
        return None
    held = np.full((features.scale_frames[0] + features.hop_frames, features.n_bands), _HELD_DB)
    before, after = (features.transform_views(frames)[0].X[-1] for frames in (held, held + 1.0))
    return Steady.learned(unheard, [
        scorer.novelty_of(rows + (after - before)) - scorer.novelty_of(rows)
        for scorer, rows in short])


def _by_scale(
    scores: list[FloatArray], features: WindowFeatures, training: list[TrainingWindows]
) -> list[tuple[FloatArray, FloatArray]]:
    """When the windows of each scale end, and their strangeness.

    As in `Listener`, but most windows were thinned out of the fit: each scale takes the newest
    score that is left when its window ends, and averages the pattern scores left within it.
    """
    combination = Combination(features)
    patterns = [training[b] for b in combination.patterns]
    terms = np.empty((0, 2))
    if patterns:
        terms = combination.pattern_terms(np.stack([scores[b] for b in combination.patterns]),
                                          [windows.rows for windows in patterns])
    hop_s = features.hop_frames / features.frame_rate
    heard: list[tuple[FloatArray, FloatArray]] = []
    for i, count in enumerate(combination.pattern_counts):
        rows = training[combination.texture[i]]
        of_rows = [score if windows is rows else _latest(windows.times, score, rows.times)
                   for windows, score in zip(training, scores, strict=True)]
        of_patterns = np.zeros(len(rows.times))
        if count:
            of_patterns = pattern_score(_mean_before(patterns[0], terms, rows, count * hop_s))
        heard.append((rows.times, combination.scale_scores(np.stack(of_rows), of_patterns)[i]))
    return heard


def _at_moments(by_scale: list[tuple[FloatArray, FloatArray]]) -> list[list[FloatArray]]:
    """For the first scale, the first two, ...: their scores when windows of the longest end."""
    return [[_latest(times, score, moments) for times, score in by_scale[:i + 1]]
            for i, (moments, _) in enumerate(by_scale)]


def _latest(times: FloatArray, values: FloatArray, when: FloatArray) -> FloatArray:
    """The values that were newest at some other times."""
    return values[np.maximum(np.searchsorted(times, when + 1e-9) - 1, 0)]


def _mean_before(
    short: TrainingWindows, values: FloatArray, rows: TrainingWindows, seconds: float
) -> FloatArray:
    """Mean of the short windows' values in the seconds before each row, within its take."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    stop = np.searchsorted(short.times, rows.times + 1e-9)
    start = np.maximum(np.searchsorted(short.times, rows.times - seconds + 1e-9),
                       np.searchsorted(short.takes, rows.takes))
    # Where thinning left none within, the one just before.
    start = np.maximum(np.minimum(start, stop - 1), 0)
    stop = np.maximum(stop, start + 1)
    return (sums[stop] - sums[start]) / (stop - start)[:, None]
