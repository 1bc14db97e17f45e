"""The model: what a musician fits to a session, and asks about another one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from barkcluster._parameters import Parametrized, check_fitted
from barkcluster._threads import OneThread
from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import Calibration
from barkcluster.frames.session import Frames, Session, bands_end, check_frames
from barkcluster.windows.features import WindowFeatures
from barkcluster.windows.running import CHUNK_FRAMES

from .background import Background, check_background
from .cohort import cohort_calibrations
from .ensemble import Part
from .explanation import Explanation, explain
from .listening import Listener
from .stream import FamiliarityStream
from .takes import on_clock, takes_of
from .timeline import Timeline

# What learns, and what brings back what was learned, is imported by those who ask for it: it needs
# scikit-learn, which takes a second to load.
if TYPE_CHECKING:
    from barkcluster.scorers import FamiliarityScorer

DEFAULT_SCALES = (0.5, 1.0, 3.0, 6.0, 10.0)


class FamiliarityModel(Parametrized):
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
    ensemble_ : Ensemble
        All that was learned.
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
            Bark coefficients in dB. A list holds separate takes: no window spans two. Other
            numbers of bands come as a Session that says so.
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

        Warns
        -----
        UserWarning
            If scales are left out that the session is too short for, or music that two takes of
            a list both hold: one of them is enough.
        """
        from .fitting import features_for, fit_ensemble, template_of

        template = template_of(self.scorer, self.random_state)
        takes, starts, rate, n_bands = takes_of(frames, self.frame_rate)
        if self.background is not None:
            check_background(self.background, rate, n_bands)
        features = features_for(self.scales, self.hop, takes, rate, n_bands)
        with OneThread():
            ensemble = fit_ensemble(template, features, takes, self.n_jobs)
            related = (None if self.background is None
                       else cohort_calibrations(ensemble, self.background))
        ensemble.bands_end = max(map(bands_end, takes))
        for part in ensemble.parts:
            part.times = on_clock(part.times, takes, starts, rate)
        if self.background is not None:
            if related is None:
                warnings.warn("background has too little that this session is not familiar with: "
                              "left out. It should hold other sessions.", stacklevel=2)
            else:
                ensemble.calibrations = related
        self.ensemble_ = ensemble
        return self

    def learn_parts(self, frames: Frames | Sequence[Frames], views: tuple[str, ...],
                    copies: bool = True) -> tuple[WindowFeatures, list[Part]]:
        """The scorers that `fit` would learn of some views, by themselves: this model stays.

        They say how strange windows are in units of their own, and take less than half of the
        time of a fit.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25), Session, or a list of them
            As in `fit`.
        views : tuple of str
            Of "texture", "rhythm" and "pattern".
        copies : bool, default=True
            Whether takes may hold the same music, which is learned once, as in `fit`, and without
            a warning.

        Returns
        -------
        features : WindowFeatures
            Windows of these views.
        parts : list of Part

        Raises
        ------
        ValueError
            As in `fit`.
        """
        from .fitting import features_for, fit_parts, template_of

        takes, _, rate, n_bands = takes_of(
            frames, self.frame_rate, search=copies, tell=False)
        scales = features_for(self.scales, self.hop, takes, rate, n_bands).scales
        features = WindowFeatures(scales, self.hop, rate, views=views, n_bands=n_bands)
        with OneThread():
            return features, fit_parts(
                template_of(self.scorer, self.random_state), features, takes, self.n_jobs)

    @property
    def features_(self) -> WindowFeatures:
        """What turns frames into windows."""
        return self.ensemble_.features

    @property
    def parts_(self) -> list[Part]:
        """The fitted scorers, a `Part` each."""
        return self.ensemble_.parts

    @property
    def scale_calibrations_(self) -> list[Calibration]:
        """Calibration of the views of each scale together."""
        return self.ensemble_.scale_calibrations

    @property
    def calibrations_(self) -> list[Calibration]:
        """Calibration of the first scale, of the first two, ... and of all together."""
        return self.ensemble_.calibrations

    @property
    def scales_(self) -> tuple[float, ...]:
        """The scales in use: those that the session is long enough for."""
        return self.ensemble_.scales

    @property
    def frame_rate_(self) -> float:
        """Frames per second of what was learned."""
        return self.ensemble_.frame_rate

    @property
    def duration_(self) -> float:
        """Seconds of music learned."""
        return self.ensemble_.duration

    @property
    def n_features_in_(self) -> int:
        """Bands in a frame."""
        return self.ensemble_.features.n_bands

    @property
    def n_effective_(self) -> float:
        """Independent windows that the held-out ones of all scales together are worth."""
        return self.ensemble_.calibrations[-1].n_effective_

    def timeline(self, frames: Frames) -> Timeline:
        """Familiarity of each moment.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25) or Session
            Bark coefficients in dB.

        Returns
        -------
        timeline : Timeline
            A row every ``hop`` from the end of the first window of the shortest scale; of a
            session with gaps, from that of each take. Times are those of the session's clock.

        Raises
        ------
        ValueError
            If the frames do not fill a window of the shortest scale, or come at another rate.

        Warns
        -----
        BandsWarning
            If the frames end at other bands than what was learned, as those of a recording at
            another sample rate do.
        """
        check_fitted(self, "ensemble_")
        self.ensemble_.check_rate(frames)
        checked = check_frames(frames, self.features_.n_bands)
        self.ensemble_.warn_of_bands(checked, stacklevel=2)
        takes = frames.takes if isinstance(frames, Session) else [Session(
            checked, self.frame_rate_, n_bands=self.features_.n_bands)]
        # Up to the hop at which it is full: hops may be longer than it.
        fewest = self.features_.first_end(self.features_.scale_frames[0])
        with OneThread():
            pieces = [(take.start + ends / self.frame_rate_, familiarity, by_scale)
                      for take in takes
                      for ends, familiarity, by_scale in self._answers(take.frames)]
        if not pieces:
            raise ValueError(
                f"frames must cover the shortest window, {fewest} frames "
                f"({fewest / self.frame_rate_:g} s){' in one take' if len(takes) > 1 else ''}; "
                f"got {max(map(len, takes))}.")
        times, familiarity, by_scale = (np.concatenate(p) for p in zip(*pieces, strict=True))
        return Timeline(times, familiarity, by_scale, np.array(self.scales_))

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

    def explain(self, frames: Frames, time: float, *, n_matches: int = 3) -> Explanation:
        """What a moment reminds of, or what about it is strange.

        Parameters
        ----------
        frames : array-like of shape (n_frames, 25) or Session
            What is heard, from its beginning.
        time : float
            Seconds: the moment in question, the end of its windows.
        n_matches : int, default=3
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
        check_fitted(self, "ensemble_")
        return explain(self.ensemble_, frames, time, n_matches)

    def stream(self) -> FamiliarityStream[FamiliarityModel]:
        """A stream that answers frame by frame what `timeline` answers of the whole.

        Returns
        -------
        stream : FamiliarityStream
        """
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
            If the scorer cannot be saved (`FamiliarityScorer.save`), or is seeded by more than a
            number.
        OSError
            If the file cannot be written; an older one is as it was.
        """
        check_fitted(self, "ensemble_")
        from .stored import write_model

        parameters = self.get_params(deep=False)
        # Not stored: what a model needs of a background is in its calibrations.
        del parameters["background"]
        write_model(path, parameters, self.ensemble_)

    def _answers(
        self, frames: npt.NDArray[np.floating]
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray, FloatArray]]:
        """Frame counts at window ends, familiarity and familiarity by scale, chunk by chunk."""
        running = self.features_.running()
        listener = Listener(self.ensemble_)
        hop = self.features_.hop_frames
        for start in range(0, len(frames), CHUNK_FRAMES):
            windows = running.push(frames[start:start + CHUNK_FRAMES])
            familiarity, by_scale = listener.answer(windows)
            n = len(familiarity)
            if n:
                last = running.n_frames // hop * hop
                yield last - hop * np.arange(n - 1, -1, -1), familiarity, by_scale


def load_model(path: str | os.PathLike[str]) -> FamiliarityModel:
    """The model in a file, which gives the answers that it gave when it was saved.

    Whatever the file holds, nothing in it is executed, and a file that is not in order is
    refused within a second and 200 MB of memory.

    Parameters
    ----------
    path : path-like
        A file written by `FamiliarityModel.save`.

    Returns
    -------
    model : FamiliarityModel
        Fitted, with the parameters it was made with.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If anything is wrong with the file: damaged, of a newer version, no model file at all, a
        folder, or not to be read by you.

    Examples
    --------
    >>> import tempfile
    >>> from barkcluster import FamiliarityModel
    >>> heard = np.random.default_rng(0).normal(-40, 6, size=(3000, 25))
    >>> model = FamiliarityModel(scales=(0.5,)).fit(heard[:2000])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/jam.npz")
    ...     again = load_model(f"{folder}/jam.npz")
    >>> again.score(heard[2000:]) == model.score(heard[2000:])
    True
    """
    from .stored import read_model

    model = FamiliarityModel()
    names = [name for name in model.get_params(deep=False) if name != "background"]
    parameters, model.ensemble_ = read_model(path, names)
    return model.set_params(**parameters)
