"""Frames one by one, a reading each hop: the numbers of `FamiliarityModel.timeline`, live.

No thread, no clock, no socket, and no memory that grows: those who have them, `retraining` and
`live`, hold a stream and push into it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from barkcluster._parameters import check_fitted
from barkcluster._threads import one_thread_for_products
from barkcluster._typing import FloatArray
from barkcluster._validation import check_not_masked, check_positive_int
from barkcluster.frames.session import (
    FLOOR_DB,
    LARGEST_DB,
    LEVELS_IN_WORDS,
    Session,
    check_frames,
    check_rate,
)
from barkcluster.windows.features import WindowFeatures

from .ensemble import Fitted
from .listening import Listener

# A stream gives back the type of model that it was given.
ModelT = TypeVar("ModelT", bound=Fitted)

# Room for so many new frames before what the windows keep is moved to the front again.
_CHUNK_FRAMES = 1000


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """What the windows that end now sound like.

    Attributes
    ----------
    time : float
        Seconds since the first frame, at the end of the windows.
    familiarity : float
        0 to 1, all scales together.
    by_scale : ndarray of shape (n_scales,)
        Familiarity at each scale, shortest first; nan until that scale's window is full.
    """

    time: float
    familiarity: float
    by_scale: FloatArray

    @property
    def novelty(self) -> float:
        """``-log10(familiarity)``: 0 is well known, 1.3 stranger than 95 % of the session.

        Familiarity below 0.05 tells degrees of strangeness apart only behind the decimal point;
        this spreads them: 2 is 1 in 100, 6 is 1 in a million.
        """
        return -math.log10(self.familiarity)


class FamiliarityStream(Generic[ModelT]):
    """Familiarity of frames as they come.

    Frame by frame it says what `FamiliarityModel.timeline` says of the whole.

    Parameters
    ----------
    model : FamiliarityModel or None
        A fitted model. None: there is none yet, and every push returns None until `model` is
        set.
    features : WindowFeatures, optional
        Windows to keep, where they are more than the model knows: a later one, learned from a
        longer session, may have longer scales. Needed where ``model`` is None.

    Attributes
    ----------
    features : WindowFeatures
        The windows kept.
    n_frames : int
        Frames of time that went by: those heard and those missing.
    n_missing : int
        Frames of time that `push` of None and `skip` reported lost.
    n_gaps : int
        How often that interrupted the windows.
    n_rejected : int
        Frames left out because they held nan or infinity.
    n_silent : int
        Frames with every band at the floor, -100 dB or ``-inf``.
    last_error : str or None
        Why the last rejected frame was.

    Notes
    -----
    A *missing* frame (``push(None)``, ``skip``) takes time, and no window spans it: with 10 ms
    cut out, a rhythm would be another one. Windows fill anew behind a gap, short ones first, as
    behind the end of a take. A *rejected* frame is left out as if nobody had sent it.

    Examples
    --------
    >>> from barkcluster import FamiliarityModel
    >>> heard = np.random.default_rng(0).normal(-40, 6, size=(600, 25))
    >>> model = FamiliarityModel(scales=(0.5, 1.0)).fit(heard)
    >>> stream = FamiliarityStream(model)
    >>> readings = [stream.push(frame) for frame in heard[:100]]
    >>> [round(reading.time, 2) for reading in readings if reading is not None]
    [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    """

    def __init__(self, model: ModelT | None, *,
                 features: WindowFeatures | None = None) -> None:
        if features is None:
            if model is None:
                raise ValueError("features must be given where there is no model yet.")
            check_fitted(model, "ensemble_")
            features = model.ensemble_.features
        self.features = features
        self._model: ModelT | None = None
        self._listener: Listener | None = None
        self.reset()
        self.model = model

    @property
    def model(self) -> ModelT | None:
        """The model that answers. Setting another one swaps it whole, between two frames.

        It answers from the next hop on as if it had heard all that came before.
        """
        return self._model

    @model.setter
    def model(self, model: ModelT | None) -> None:
        if model is not None:
            check_fitted(model, "ensemble_")
            self._check_fits(model.ensemble_.features)
        self._model = model
        self._listen_anew()

    @property
    def time(self) -> float:
        """Seconds since the first frame."""
        return self.n_frames / self.features.frame_rate

    def reset(self) -> None:
        """Begin anew: empty windows, time 0, all counts 0. The model stays."""
        self.n_frames = 0
        self.n_missing = 0
        self.n_gaps = 0
        self.n_rejected = 0
        self.n_silent = 0
        self.last_error: str | None = None
        self._windows = self.features.running(_CHUNK_FRAMES)
        self._listen_anew()

    def _listen_anew(self) -> None:
        """Listen through the model; patterns that the windows still hold are heard at once."""
        # Scores of before a surprise are in a unit that models share.
        before = self._listener if self._windows.n_frames else None
        self._listener = None
        # Asked here and not in every push: whether there are threads to limit.
        self._one_thread = one_thread_for_products()
        if self._model is not None:
            self._listener = Listener(self._model.ensemble_, before)
            if self._listener.n_history:
                with self._one_thread:
                    self._listener.prime(self._windows.recent_patterns(self._listener.n_history))

    def push(self, frame: npt.ArrayLike | None) -> Reading | None:
        """Hear one frame.

        Parameters
        ----------
        frame : array-like of shape (n_bands,) or None
            Levels in dB; ``-inf`` is silence. None: this frame is missing.

        Returns
        -------
        reading : Reading or None
            None between hops, until the first window is full, and where there is no model yet.

        Raises
        ------
        ValueError
            If the frame has another shape. A frame with nan or ``+inf`` raises nothing: it is
            counted in ``n_rejected`` and left out.
        """
        if frame is None:
            self.skip(1)
            return None
        row = self.check_frame(frame)
        if row is None:
            return None
        self.n_frames += 1
        windows = self._windows.push(row[None])
        model, listener = self._model, self._listener
        if model is None or listener is None or not any(map(len, windows)):
            return None
        with self._one_thread:
            familiarity, by_scale = listener.answer(windows[:len(model.ensemble_.parts)])
        if not len(familiarity):
            return None
        answered = by_scale[0]
        n_scales = len(self.features.scales)
        if len(answered) < n_scales:
            answered = np.full(n_scales, np.nan)
            answered[:by_scale.shape[1]] = by_scale[0]
        return Reading(self.time, float(familiarity[0]), answered)

    def extend(self, frames: npt.ArrayLike | Session) -> list[Reading]:
        """Hear several frames.

        Parameters
        ----------
        frames : array-like of shape (n_frames, n_bands) or Session
            Levels in dB. The gaps of a session are skipped.

        Returns
        -------
        readings : list of Reading
            What `push` returned for them, without the None.

        Raises
        ------
        ValueError
            If the frames are not finite, or a Session comes at another rate.
        """
        if isinstance(frames, Session):
            self.check_frame_rate(frames.frame_rate)
        checked = check_frames(frames, self.features.n_bands)
        gaps = dict(frames.gaps) if isinstance(frames, Session) else {}
        readings = []
        for row, frame in enumerate(checked):
            if row in gaps:
                self._skip(gaps[row])
            reading = self.push(frame)
            if reading is not None:
                readings.append(reading)
        return readings

    def skip(self, n_frames: int) -> None:
        """Let time go by in which frames were lost.

        Parameters
        ----------
        n_frames : int
            How many, at least 1.
        """
        self._skip(check_positive_int("n_frames", n_frames))

    def _skip(self, n_frames: int) -> None:
        """Begin another take, so many frames later."""
        self.n_missing += n_frames
        self.n_frames += n_frames
        if self._windows.n_frames:
            self.n_gaps += 1
            self._windows = self.features.running(_CHUNK_FRAMES)
            self._listen_anew()

    def check_frame_rate(self, frame_rate: float) -> None:
        """Raise ValueError if frames at this rate are not what the model learned.

        Parameters
        ----------
        frame_rate : float
            Frames per second.
        """
        check_rate("frames", frame_rate, self.features.frame_rate, "as in the fit")

    def check_frame(self, frame: npt.ArrayLike) -> FloatArray | None:
        """The frame as an array, or None, and counted, where it is not finite.

        Parameters
        ----------
        frame : array-like of shape (n_bands,)

        Returns
        -------
        row : ndarray of shape (n_bands,) or None
            Not below ``FLOOR_DB``.

        Raises
        ------
        ValueError
            If the frame has another shape or holds no numbers.
        """
        n_bands = self.features.n_bands
        check_not_masked("frame", frame)
        try:
            row: FloatArray = np.asarray(frame, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"frame must be {n_bands} numbers; got {frame!r:.80}.") from None
        if row.shape != (n_bands,):
            raise ValueError(f"frame must have shape ({n_bands},); got {row.shape}. "
                             "Several frames at once: extend.")
        loudest = float(np.maximum.reduce(row))
        if not loudest <= LARGEST_DB:  # also when it is nan
            band = int(np.argmax(~(row <= LARGEST_DB)))
            self.n_rejected += 1
            self.last_error = (f"frame {self.n_frames} must hold {LEVELS_IN_WORDS}; got "
                               f"{row[band]:g} in band {band}.")
            return None
        if loudest <= FLOOR_DB:
            self.n_silent += 1
        if np.minimum.reduce(row) < FLOOR_DB:
            row = np.maximum(row, FLOOR_DB)
        return row

    def _check_fits(self, features: WindowFeatures) -> None:
        """Raise ValueError unless these are the windows kept, or the first of their scales."""
        mine = self.features
        same = (
            features.frame_rate == mine.frame_rate
            and features.hop_frames == mine.hop_frames
            and features.n_bands == mine.n_bands
            and features.definition == mine.definition
            and features.scale_frames == mine.scale_frames[:len(features.scales)]
            and features.blocks == mine.blocks[:len(features.blocks)])
        if not same:
            raise ValueError(f"model must use the stream's windows, {mine}, or its first scales; "
                             f"got one with {features}.")
