"""A stream that answers and, in the background, learns the session it hears again and again."""

from __future__ import annotations

import os
import subprocess
import threading
import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from barkcluster._validation import check_choice, check_positive, check_positive_int
from barkcluster.frames.session import FLOOR_DB, N_BANDS, Session
from barkcluster.model.background import check_background
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.stream import FamiliarityStream, Reading
from barkcluster.windows.features import WindowFeatures

from .buffer import Segment, SessionBuffer, takes_of
from .journal import SessionJournal
from .process import (
    LearningError,
    finish_learning,
    job_folder,
    parameters_as_json,
    remove_left_folders,
    start_learning,
)

# Seconds of session that are kept or dropped together: several windows of the longest scale.
_BLOCK_S = 30.0
# Seconds of session for the first model, and the least number of new ones for its successors.
_FIRST_S = 5.0
# Held while one stream learns: if all streams of a program learned at once, no core would be left
# for the frames.
_IN_TURN = threading.Lock()


@dataclass(eq=False)
class _Training:
    """One training in the background; its thread fills in the model, or the error."""

    frames_learned: int
    thread: threading.Thread | None = None
    model: FamiliarityModel | None = None
    error: str | None = None
    done: bool = False
    process: subprocess.Popen[bytes] | None = None
    given_up: bool = False

    def give_up(self) -> None:
        """End the training; its result will not be used."""
        self.given_up = True
        if self.process is not None:
            self.process.kill()
        if self.thread is not None and self.process is not None:
            self.thread.join()  # at once, and the folder of the job is gone


class RetrainingStream:
    """Familiarity of live frames, given those that came before.

    It starts from nothing: readings are None until some seconds were heard and learned. From then
    on the newest model answers, while the next one is learned in the background: after 5, 10 and
    20 seconds, and then after each ``every`` seconds. Models are swapped between two frames. If
    learning fails, the old model stays and `last_error` says why.

    Parameters
    ----------
    model : FamiliarityModel, optional
        How to learn. A fitted one also answers until the first of its successors is there.
    every : float, default=30.0
        Seconds of new frames after which to learn again.
    minutes : float, default=30.0
        How much of the session is remembered to learn from, and up to half a minute more: 0.6 MB
        a minute. One minute at least.
    keep : {"newest", "thinned"}, default="newest"
        What is remembered of a longer session: its newest minutes, or blocks of half a minute
        from all of it.
    session_path : path-like, optional
        Text file to which frames are written as they come. If a stream wrote one there before,
        what it holds is heard again first, and it is continued: a crash costs its last second.
    learn_in : {"process", "thread"}, default="process"
        Where learning happens. A thread is done sooner, by the second or two that a process
        takes to start, but shares the interpreter with the frames, which wait for it up to 5 ms
        at a time (``sys.setswitchinterval``). For scorers of your own classes it must be a thread.
    n_bands : int, default=25
        Numbers in a frame, where the model is not fitted yet.

    Attributes
    ----------
    stream : FamiliarityStream
        The stream that answers; it counts frames, gaps and rejections.
    n_learned : int
        Models that were learned.
    n_failed : int
        Times that learning failed.
    last_error : str or None
        Why the last learning failed; None once one worked again.
    n_recovered : int
        Frames found in the file at ``session_path``.
    paused : bool
        While it is set, frames are answered, but not remembered, written or learned.

    Notes
    -----
    Time is counted in frames, not by a clock. Of several streams in a program one learns at a
    time, the others wait for their turn. Frames are remembered and written in single
    precision; a stream recovered from its file learns the same as one that was never ended. Use
    the stream as a context manager, or `close` it, so that the last frames reach the file.

    Examples
    --------
    >>> from barkcluster.synthetic import make_session
    >>> jam, _ = make_session(minutes=0.5)
    >>> with RetrainingStream(learn_in="thread") as stream:
    ...     before = [stream.push(frame) for frame in jam.frames[:600]]
    ...     stream.wait()
    ...     after = [stream.push(frame) for frame in jam.frames[600:610]]
    >>> set(before), type(after[9]).__name__
    ({None}, 'Reading')
    """

    def __init__(
        self,
        model: FamiliarityModel | None = None,
        *,
        every: float = 30.0,
        minutes: float = 30.0,
        keep: Literal["newest", "thinned"] = "newest",
        session_path: str | os.PathLike[str] | None = None,
        learn_in: Literal["process", "thread"] = "process",
        n_bands: int = N_BANDS,
    ) -> None:
        model = FamiliarityModel() if model is None else model
        self.every = check_positive("every", every)
        self.learn_in = check_choice("learn_in", learn_in, ("process", "thread"))
        fitted = model if hasattr(model, "ensemble_") else None
        rate = model.frame_rate if fitted is None else fitted.frame_rate_
        n_bands = n_bands if fitted is None else fitted.features_.n_bands
        features = WindowFeatures(model.scales, model.hop, rate,
                                  n_bands=check_positive_int("n_bands", n_bands))
        if model.background is not None:
            # Now, not in a learning that fails again and again.
            check_background(model.background, rate, n_bands)
        self._template = clone(model)
        self._parameters = parameters_as_json(model) if learn_in == "process" else ""
        if learn_in == "process":
            remove_left_folders()
        self.stream: FamiliarityStream[FamiliarityModel] = FamiliarityStream(
            fitted, features=features)
        self._buffer = SessionBuffer(
            features.n_bands, keep=keep, block_frames=round(_BLOCK_S * rate),
            most_frames=round(60 * check_positive("minutes", minutes) * rate))
        self._journal = (None if session_path is None
                         else SessionJournal(session_path, rate, features.n_bands))
        self.paused = False
        self.n_learned = 0
        self.n_failed = 0
        self.last_error: str | None = None
        self.n_recovered = 0
        self._training: _Training | None = None
        self._wanted = False
        self._n_heard = 0           # frames remembered since the beginning or the last reset
        self._n_learned_from = 0    # as many of them had been when the model was learned
        self._n_tried = 0           # or when learning was last tried
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    @property
    def model(self) -> FamiliarityModel | None:
        """The model that answers, None before there is one. It may be set to another."""
        return self.stream.model

    @model.setter
    def model(self, model: FamiliarityModel | None) -> None:
        self.stream.model = model
        self._n_learned_from = self._n_heard

    @property
    def features(self) -> WindowFeatures:
        """The layout of the windows."""
        return self.stream.features

    @property
    def time(self) -> float:
        """Seconds since the first frame."""
        return self.stream.time

    @property
    def n_frames(self) -> int:
        """Frames since the beginning, those that are missing included."""
        return self.stream.n_frames

    @property
    def n_missing(self) -> int:
        """Frames that were reported missing."""
        return self.stream.n_missing

    @property
    def n_silent(self) -> int:
        """Frames with every band at the floor."""
        return self.stream.n_silent

    @property
    def n_gaps(self) -> int:
        """How often missing frames interrupted the windows."""
        return self.stream.n_gaps

    @property
    def n_rejected(self) -> int:
        """Frames left out because they held nan, infinity or levels above 100 dB."""
        return self.stream.n_rejected

    @property
    def last_rejection(self) -> str | None:
        """Why the last rejected frame was; None if none was."""
        return self.stream.last_error

    def check_frame_rate(self, frame_rate: float) -> None:
        """Raise ValueError if a frame rate is not the one that is learned.

        Parameters
        ----------
        frame_rate : float
            Frames per second.
        """
        self.stream.check_frame_rate(frame_rate)

    @property
    def heard(self) -> float:
        """Seconds of session heard and not paused, those recovered from the file included."""
        return self._n_heard / self.stream.features.frame_rate

    @property
    def model_age(self) -> float:
        """Seconds of session heard since the model was learned; nan without a model."""
        if self.stream.model is None:
            return float("nan")
        return (self._n_heard - self._n_learned_from) / self.stream.features.frame_rate

    @property
    def learning(self) -> bool:
        """Whether a model is being learned now."""
        return self._training is not None

    @property
    def n_unwritten(self) -> int:
        """Frames that are missing in the file at ``session_path``, which could not be written."""
        return 0 if self._journal is None else self._journal.n_lost

    @property
    def journal_error(self) -> str | None:
        """Why the file at ``session_path`` cannot be written at the moment, or None."""
        return None if self._journal is None else self._journal.last_error

    def push(self, frame: npt.ArrayLike | None) -> Reading | None:
        """Hear one frame; as `FamiliarityStream.push`.

        Parameters
        ----------
        frame : array-like of shape (n_bands,) or None
            Levels in dB. None: this frame is missing.

        Returns
        -------
        reading : Reading or None
            None between hops, until the first window is full, and until the first model is
            there.
        """
        if frame is None:
            self.skip(1)
            return None
        self.take_over()
        n_rejected = self.stream.n_rejected
        reading = self.stream.push(frame)
        if not self.paused and self.stream.n_rejected == n_rejected:
            self._remember(np.maximum(np.asarray(frame, np.float32), np.float32(FLOOR_DB)))
            self._learn_if_due()
        return reading

    def skip(self, n_frames: int) -> None:
        """Report frames as missing; as `FamiliarityStream.skip`.

        Parameters
        ----------
        n_frames : int
            How many, at least 1.
        """
        n_gaps = self.stream.n_gaps
        self.stream.skip(n_frames)
        if not self.paused and self.stream.n_gaps > n_gaps:
            self._buffer.end_take()
            if self._journal is not None:
                self._journal.end_take(n_frames)

    def take_over(self) -> None:
        """Let a model that was learned meanwhile answer, and begin one that was asked for since.

        `push` does this too; call it where no frames come and the newest model is wanted.
        """
        training = self._training
        if training is None or not training.done:
            return
        self._training = None
        if training.model is None:
            self.n_failed += 1
            self.last_error = training.error
        else:
            self.stream.model = training.model
            self._n_learned_from = training.frames_learned
            self.n_learned += 1
            self.last_error = None
        if self._wanted:
            self._learn_if_due()

    def correct_frame_rate(self, frame_rate: float) -> None:
        """Write the measured frame rate into the file at ``session_path``.

        Parameters
        ----------
        frame_rate : float
            Frames per second, as measured.
        """
        if self._journal is not None and not self.paused:
            self._journal.correct_frame_rate(frame_rate)

    def retrain(self) -> None:
        """Learn again as soon as possible: now, or after the model that is being learned."""
        self._wanted = True
        self.take_over()
        self._learn_if_due()

    def reset(self) -> None:
        """Begin a new session from nothing: no model, nothing heard, counts 0.

        What was written to the file stays there, but will not be recovered.
        """
        self._give_up()
        self.stream.reset()
        self.stream.model = None
        self._buffer.clear()
        self._n_heard = self._n_learned_from = self._n_tried = 0
        self._wanted = False
        if self._journal is not None:
            self._journal.reset()

    def wait(self) -> None:
        """Wait for the model that is being learned or asked for, and let it answer."""
        while self._training is not None:
            if self._training.thread is not None:
                self._training.thread.join()
            self.take_over()

    def close(self) -> None:
        """Write the last frames to the file and close it; a model being learned is given up."""
        self._give_up()
        if self._journal is not None:
            self._journal.close()

    def _give_up(self) -> None:
        if self._training is not None:
            self._training.give_up()
            self._training = None

    def _recover(self) -> None:
        if self._journal is None:
            return
        for take in self._journal.recovered:
            for row in take:
                self._buffer.append(row)
            self._buffer.end_take()
            self.n_recovered += len(take)
        self._journal.recovered = []
        self._n_heard = self.n_recovered
        if self.n_recovered:
            self._journal.end_take()
            self._learn_if_due()

    def _remember(self, row: npt.NDArray[np.float32]) -> None:
        self._buffer.append(row)
        self._n_heard += 1
        if self._journal is not None:
            self._journal.append(row)

    def _learn_if_due(self) -> None:
        if self._training is not None or not self._n_heard:
            return
        rate = self.stream.features.frame_rate
        # As much again as was known, so that a young session is known soon.
        due = min(self.every, max(_FIRST_S, self._n_tried / rate)) * rate
        if not self._wanted and self._n_heard - self._n_tried < due:
            return
        self._wanted = False
        self._n_tried = self._n_heard
        training = _Training(self._n_heard)
        training.thread = threading.Thread(
            # Not a daemon: ended within numpy when Python exits, it would crash the program.
            target=self._train, args=(training, self._buffer.blocks()), name="learning")
        self._training = training
        training.thread.start()

    def _train(self, training: _Training, blocks: list[Segment]) -> None:
        try:
            with _IN_TURN:
                if not training.given_up:
                    training.model = self._fit(training, takes_of(blocks))
        except (ValueError, OSError, MemoryError, LearningError) as error:
            training.error = str(error) or type(error).__name__
        finally:
            if training.model is None and training.error is None:
                training.error = "learning ended with an error of the program."
            training.done = True

    def _fit(self, training: _Training, takes: list[list[npt.NDArray[np.float32]]]
             ) -> FamiliarityModel:
        rate = self.stream.features.frame_rate
        if self.learn_in == "thread":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # scales that a young session is too short for
                return clone(self._template).set_params(frame_rate=rate).fit(
                    [Session(np.concatenate(pieces), rate, n_bands=self.stream.features.n_bands)
                     for pieces in takes])
        with job_folder() as folder:
            training.process = start_learning(
                self._parameters, self._template.background, takes, rate, folder)
            if training.given_up:  # before there was a process to end
                training.process.kill()
            return finish_learning(training.process, folder)
