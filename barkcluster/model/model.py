"""The model: one scorer for each scale and view, and what they say together.

Each view of each scale has a scorer of its own, calibrated on blocks it did not hear. Their
strangeness, a normal score, adds up to the strangeness of a scale and of the moment; both sums are
calibrated again, on the same held-out windows, so that every number that comes out means the same.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from barkcluster._validation import check_choice, check_positive
from barkcluster.calibration.calibration import Calibration
from barkcluster.frames.session import RATE_TOLERANCE, Session, check_frames
from barkcluster.scorers import (
    SCORERS,
    FamiliarityScorer,
    KMeansScorer,
    KNNDensityScorer,
    SOMScorer,
)
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.layout import PATTERNS, check_scales
from barkcluster.windows.training import TrainingWindows, training_windows

from .background import Background
from .cohort import stranger_calibrations
from .listening import Listener, activity, pattern_word, scale_strangeness, spans, together
from .timeline import Timeline

if TYPE_CHECKING:
    from .explanation import Explanation
    from .stream import FamiliarityStream

FloatArray: TypeAlias = npt.NDArray[np.float64]
Frames: TypeAlias = npt.ArrayLike | Session

DEFAULT_SCALES = (0.5, 1.0, 3.0, 6.0, 10.0)

# Texture is measured in its own units; what is heard in time is whitened this far.
TIME_WHITENING = 0.75

# A scale is learned from a session at least this many times as long.
_SHORTEST_SESSION = 3.0
_CHUNK_FRAMES = 4096
# Patterns are not free of shift: they need many to choose from, and the nearest alone.
_PATTERN_SETTINGS: dict[type[FamiliarityScorer], dict[str, object]] = {
    KNNDensityScorer: {"max_memory": 1200, "n_neighbors": 1},
    KMeansScorer: {"n_clusters": 256},
    SOMScorer: {"shape": (8, 8)},
}
_PLAYING = 0.3
_FEWEST_PLAYING = 10


@dataclass(eq=False)
class Part:
    """One scorer of a model and what it looks at.

    Attributes
    ----------
    scale : int
        Index of its scale among the model's.
    view : str
        Name of its view.
    scorer : FamiliarityScorer
        Fitted on the windows of that scale and view.
    times : ndarray of shape (n_windows,)
        Seconds at which those windows end, counted on over the takes; empty if not known.
    """

    scale: int
    view: str
    scorer: FamiliarityScorer
    times: FloatArray = field(default_factory=lambda: np.empty(0))


class FamiliarityModel(BaseEstimator):
    """Learns a session, then says how familiar every moment of another one is.

    Parameters
    ----------
    scorer : {"kmeans", "gmm", "som", "knn"} or FamiliarityScorer, default="knn"
        What judges the windows. An instance is cloned for each scale and view, with the
        whitening that the view needs.
    scales : tuple of float, default=(0.5, 1.0, 3.0, 6.0, 10.0)
        Window lengths in seconds, shortest first.
    hop : float, default=0.1
        Seconds between answers.
    frame_rate : float, default=100.0
        Frames per second of plain arrays. A `Session` brings its own.
    random_state : int or None, default=None
        Seeds the scorers that draw at random.
    n_jobs : int or None, default=None
        Threads to fit with, as in joblib.
    background : Background or None, default=None
        Other sessions, heard after the fit: how strange they are makes one threshold serve all
        sessions. What was learned of it is saved with the model, the background is not.

    Attributes
    ----------
    scales_ : tuple of float
        The scales in use: those that the session is long enough for.
    frame_rate_ : float
        Frames per second of what was learned.
    features_ : WindowFeatures
        What turns frames into windows.
    parts_ : list of Part
        The fitted scorers.
    scale_calibrations_ : list of Calibration
        Of the views of each scale together.
    calibrations_ : list of Calibration
        Of the first scale, the first two, ... and of all scales together: what is heard while
        the longer windows are still filling is judged by the shorter ones.
    n_effective_ : float
        Independent windows that the held-out ones of all scales together are worth.
    duration_ : float
        Seconds of music learned.

    Examples
    --------
    >>> import numpy as np
    >>> heard = np.random.default_rng(0).normal(-40, 6, size=(3000, 25))
    >>> model = FamiliarityModel(scales=(0.5, 2.0)).fit(heard[:2000])
    >>> timeline = model.timeline(heard[2000:])
    >>> timeline.familiarity.shape, timeline.by_scale.shape
    ((96,), (96, 2))
    >>> other = np.random.default_rng(1).normal(-40, 12, size=(1000, 25))
    >>> model.score(other) < 0.01 < model.score(heard[2000:])
    True
    """

    def __init__(
        self,
        scorer: str | FamiliarityScorer = "knn",
        *,
        scales: tuple[float, ...] = DEFAULT_SCALES,
        hop: float = 0.1,
        frame_rate: float = 100.0,
        random_state: int | None = None,
        n_jobs: int | None = None,
        background: Background | None = None,
    ) -> None:
        self.scorer = scorer
        self.scales = scales
        self.hop = hop
        self.frame_rate = frame_rate
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.background = background

    def fit(self, frames: Frames | Sequence[Frames], y: None = None) -> Self:
        """Learn what this session sounds like.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25), Session, or a list of them
            Bark coefficients in dB. A list holds separate takes: no window spans two.
        y : None
            Not used.

        Returns
        -------
        self : FamiliarityModel

        Raises
        ------
        ValueError
            If the session is too short even for the shortest scale, takes differ in rate, or the
            background comes at another rate.
        """
        template = self._template()
        takes, rate = self._takes(frames)
        self._check_background(rate)
        features = self._features_for(takes, rate)
        training = training_windows(features, takes)

        def learn(windows: TrainingWindows, scale: int, view: str) -> Part:
            length = features.block_frames(scale, view) / rate
            scorer = clone(template).set_params(
                whitening=0.0 if view == "texture" else TIME_WHITENING,
                gap=int(np.ceil(length / windows.step)))
            if isinstance(self.scorer, str):
                if isinstance(scorer, KNNDensityScorer):
                    scorer.set_params(memory_dtype="float16")
                if view in PATTERNS:
                    scorer.set_params(**_PATTERN_SETTINGS.get(type(scorer), {}))
            scorer.fit(windows.rows, variants=windows.variants,
                       variant_rows=windows.variant_rows)
            if view in PATTERNS:
                # Judged against the windows in which that group of bands plays.
                playing = activity(windows.rows) > _PLAYING
                if playing.sum() >= _FEWEST_PLAYING:
                    scorer.calibration_ = Calibration(scorer.held_out_novelty_[playing])
            return Part(scale, view, scorer, windows.times)

        self.parts_ = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(learn)(windows, scale, view)
            for windows, (scale, view) in zip(training, features.blocks, strict=True))
        self.features_ = features
        self.scales_ = features.scales
        self.frame_rate_ = rate
        self.n_features_in_ = features.n_bands
        self.duration_ = sum(len(take) for take in takes) / rate
        self._calibrate(training)
        if self.background is not None:
            related = stranger_calibrations(self, self.background)
            if related is None:
                warnings.warn("background has too little that this session is not familiar with: "
                              "left out. It should hold other sessions.", stacklevel=2)
            else:
                self.calibrations_ = related
        return self

    def timeline(self, frames: Frames) -> Timeline:
        """Familiarity of each moment.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25) or Session
            Bark coefficients in dB.

        Returns
        -------
        timeline : Timeline
            A row every ``hop`` from the end of the first window of the shortest scale.

        Raises
        ------
        ValueError
            If the frames do not fill a window of the shortest scale, or come at another rate.
        """
        check_is_fitted(self)
        self._check_rate(frames)
        checked = check_frames(frames, self.features_.n_bands)
        shortest = self.features_.scale_frames[0]
        pieces = list(self._answers(checked))
        if not pieces:
            raise ValueError(
                f"frames must cover the shortest window, {shortest} frames "
                f"({self.scales_[0]:g} s); got {len(checked)}.")
        ends, familiarity, by_scale = (np.concatenate(p) for p in zip(*pieces, strict=True))
        return Timeline(ends / self.frame_rate_, familiarity, by_scale, np.array(self.scales_))

    def score(self, frames: Frames, y: None = None) -> float:
        """Mean familiarity.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25) or Session
        y : None
            Not used.

        Returns
        -------
        score : float
        """
        return float(np.mean(self.timeline(frames).familiarity))

    def explain(self, frames: Frames, time: float, *, n_reminders: int = 3) -> Explanation:
        """What a moment reminds of, or what about it is strange.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25) or Session
            What is heard, from its beginning.
        time : float
            Seconds: the moment in question, the end of its windows.
        n_reminders : int, default=3
            Remembered windows to name for each view.

        Returns
        -------
        explanation : Explanation
            Its text, ``str(explanation)``, says it in words.

        Raises
        ------
        ValueError
            If no window is full at that time, or the frames come at another rate.
        """
        from .explanation import explain  # a floor up

        return explain(self, frames, time, n_reminders)

    def stream(self) -> FamiliarityStream:
        """A stream that answers frame by frame what `timeline` answers of the whole.

        Returns
        -------
        stream : FamiliarityStream
        """
        from .stream import FamiliarityStream  # a floor up: only its name is known here

        return FamiliarityStream(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file for `load_model`.

        The file holds numbers and text alone, and takes the place of an older one only when all
        of it is on disk.

        Parameters
        ----------
        path : path-like
            An .npz file, whatever its name ends in.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If the scorer is of a class of your own, or seeded by more than a number.
        OSError
            If the file cannot be written; an older one is as it was.
        """
        from .stored import save_model

        save_model(self, path)

    def answer(
        self, windows: list[npt.NDArray[np.float32]]
    ) -> tuple[FloatArray, FloatArray]:
        """Familiarity of windows computed elsewhere, from the first of a session on.

        Parameters
        ----------
        windows : list of ndarray of shape (n_windows, n_features)
            A block for each of ``features_.blocks``. Blocks of scales that are not full yet
            have fewer rows: their last rows go with the last of the others.

        Returns
        -------
        familiarity : ndarray of shape (n,)
        by_scale : ndarray of shape (n, n_scales)
        """
        return Listener(self).answer(windows)

    def _answers(
        self, frames: npt.NDArray[np.floating]
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray, FloatArray]]:
        """Frame counts at window ends, familiarity and familiarity by scale, chunk by chunk."""
        running = self.features_.running()
        listener = Listener(self)
        hop = self.features_.hop_frames
        for start in range(0, len(frames), _CHUNK_FRAMES):
            windows = running.push(frames[start:start + _CHUNK_FRAMES])
            familiarity, by_scale = listener.answer(windows)
            n = len(familiarity)
            if n:
                last = running.n_frames // hop * hop
                yield last - hop * np.arange(n - 1, -1, -1), familiarity, by_scale

    def _template(self) -> FamiliarityScorer:
        """The unfitted scorer that every part is a clone of."""
        if isinstance(self.scorer, FamiliarityScorer):
            template = clone(self.scorer)
        else:
            template = SCORERS[check_choice("scorer", self.scorer, SCORERS)]()
        if self.random_state is not None and "random_state" in template.get_params():
            template.set_params(random_state=self.random_state)
        return template

    def _takes(self, frames: Frames | Sequence[Frames]) -> tuple[list[npt.NDArray[np.floating]],
                                                                 float]:
        """Checked takes and their common frame rate."""
        given = [cast("Frames", frames)]
        if isinstance(frames, (list, tuple)) and frames and all(
                isinstance(take, Session) or np.ndim(take) == 2 for take in frames):
            given = list(frames)
        rates = {take.frame_rate for take in given if isinstance(take, Session)}
        if len(rates) > 1:
            raise ValueError(
                "takes must have one frame rate; got "
                + ", ".join(f"{r:g}" for r in sorted(rates)) + " frames a second.")
        rate = rates.pop() if rates else check_positive("frame_rate", self.frame_rate)
        return [check_frames(take) for take in given], rate

    def _features_for(
        self, takes: list[npt.NDArray[np.floating]], rate: float
    ) -> WindowFeatures:
        """Windows at the scales that the takes are long enough for."""
        wanted = check_scales(self.scales)

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
        return WindowFeatures(usable, self.hop, rate)

    def _calibrate(self, training: list[TrainingWindows]) -> None:
        """Calibrate scales and their sum on the windows held out by every part.

        The witnesses are heard as `Listener` hears them, from held-out windows alone.
        """
        features = self.features_
        held_out = [part.scorer.calibration_.strangeness(part.scorer.held_out_novelty_)
                    for part in self.parts_]
        where = {(part.scale, part.view): b for b, part in enumerate(self.parts_)}
        groups = [b for b, part in enumerate(self.parts_) if part.view in PATTERNS]
        if groups:
            weights = [activity(training[b].rows) for b in groups]
            pattern_weight = np.mean(weights, axis=0)
            pattern_sum = np.mean(
                [held_out[b] * w for b, w in zip(groups, weights, strict=True)], axis=0)
        sums: list[tuple[FloatArray, FloatArray]] = []
        self.scale_calibrations_ = []
        self.calibrations_ = []
        hop_s = features.hop_frames / features.frame_rate
        for i, span in enumerate(spans(features)):
            texture = where[i, "texture"]
            rows = training[texture]
            rhythm = where.get((i, "rhythm"))
            pattern = None
            if groups and span:
                seconds = span * hop_s
                pattern = pattern_word(
                    _mean_before(training[groups[0]], pattern_sum, rows, seconds),
                    _mean_before(training[groups[0]], pattern_weight, rows, seconds))
            of_scale = scale_strangeness(
                held_out[texture], None if rhythm is None else held_out[rhythm], pattern)
            self.scale_calibrations_.append(Calibration(of_scale))
            sums.append((rows.times, of_scale))
            # The shorter windows that end with these, or just before where they are fewer.
            here = [y[np.maximum(np.searchsorted(t, rows.times + 1e-9) - 1, 0)]
                    for t, y in sums]
            self.calibrations_.append(Calibration(together(here, self.scales_)))
        self.n_effective_ = self.calibrations_[-1].n_effective_

    def _check_background(self, rate: float) -> None:
        if self.background is None:
            return
        if not isinstance(self.background, Background):
            raise ValueError(
                f"background must be a Background or None; got {self.background!r:.80}.")
        self.background.check_is_fitted()
        if abs(self.background.frame_rate_ / rate - 1) > RATE_TOLERANCE:
            raise ValueError(f"background must come at {rate:g} frames a second, as the session; "
                             f"got {self.background.frame_rate_:g}.")

    def _check_rate(self, frames: Frames) -> None:
        if isinstance(frames, Session) and (
                abs(frames.frame_rate / self.frame_rate_ - 1) > RATE_TOLERANCE):
            raise ValueError(
                f"frames must come at {self.frame_rate_:g} a second, as in the fit; got "
                f"{frames.frame_rate:g}.")


def _mean_before(
    short: TrainingWindows, values: FloatArray, rows: TrainingWindows, seconds: float
) -> FloatArray:
    """Mean of the short windows' values in the seconds before each row, within its take."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.searchsorted(short.times, rows.times + 1e-9)
    start = np.maximum(np.searchsorted(short.times, rows.times - seconds + 1e-9),
                       np.searchsorted(short.takes, rows.takes))
    # Where thinning left none within, the one just before.
    start = np.maximum(np.minimum(start, stop - 1), 0)
    stop = np.maximum(stop, start + 1)
    return (sums[stop] - sums[start]) / (stop - start)
