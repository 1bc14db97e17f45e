"""A player: one source of frames with its stream, its counts and its commands."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import NamedTuple

from barkcluster.frames.session import LARGEST_DB
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.stream import Reading
from barkcluster.retraining.stream import RetrainingStream
from barkcluster.tempo import Tempo, TempoTracker

from .messages import Command
from .model_folder import ModelFolder

# A pause of a sender, in seconds, after which frames may be missing; a shorter one is jitter.
_GAP_S = 0.5
# Or the sender was held up and sends them all at once, as Pd does: it has so long to do so.
_CATCH_UP_S = 0.1
# Seconds that the rate is measured over, and the error from which on it is reported.
_RATE_S = 5.0
_RATE_TOLERANCE = 0.05
# Seconds of frames after which their speed is judged, and the speed that is called too fast.
_RACE_S = 10.0
_OUTRUN = 2.0
# A source that is silent for so long has stopped: its last familiarity is out of date.
_SILENT_S = 2.0
# What `pause` is told to end it.
_NO = ("0", "off")


class Report(NamedTuple):
    """The answer of a player after a frame that ended a hop."""

    player: str
    reading: Reading
    tempo: Tempo | None
    tempo_is_new: bool


class Player:
    """One source of frames and its own stream.

    Parameters
    ----------
    name : str
    stream : RetrainingStream
    tracker : TempoTracker
        Of the same frame rate.
    folder : path-like or None, default=None
        The one folder that messages may save models to and load them from; None if they may do
        neither.
    live : bool, default=True
        Whether frames come as they are played. In a file they may come at any speed: silence
        between them is no gap, and none is late.
    learns : bool, default=True
        Whether it learns what it hears. One that does not stays paused and keeps its model,
        whatever messages say.

    Attributes
    ----------
    n_received : int
        Frames that arrived.
    n_late : int
        Frames heard later after they came than the next one was due.
    n_rejected : int
        Packets, lines and frames that were rejected.
    n_elsewhere : int
        Frames to the port of this source, but to an address that no source has.
    n_dropped : int
        Blocks of sound that the microphone lost.
    last_rejection : str
        Why the last of these was left out.
    last_message : str
        The outcome of the last command.
    rate_said : str
        What is wrong with the frame rate that a comment in the text says; empty if nothing is.
    silent : float
        Seconds since the last frame, as of the last `tick`; 0 while frames come, and before the
        first.
    """

    def __init__(self, name: str, stream: RetrainingStream, tracker: TempoTracker,
                 folder: str | os.PathLike[str] | None = None, *, live: bool = True,
                 learns: bool = True) -> None:
        self.name = name
        self.stream = stream
        self.tracker = tracker
        self.folder = None if folder is None else ModelFolder(folder)
        self.live = live
        self.learns = learns
        stream.paused = not learns
        self.n_received = 0
        self.n_late = 0
        self.n_bad_packets = 0
        self.n_elsewhere = 0
        self.n_dropped = 0
        self.last_rejection = ""
        self.last_message = ""
        self.rate_said = ""
        self.silent = 0.0
        self.last_reading: Reading | None = None
        self.last_tempo: Tempo | None = None
        self._told_tempo: Tempo | None = None
        self.measured_rate = math.nan
        self._arrived = math.nan
        self._first_frame = self._last_frame = math.nan
        self._rate_since = math.nan
        self._rate_frames = 0
        self._steady_frames = 0  # and seconds, of all stretches that a rate was measured on
        self._steady_s = 0.0
        self._n_owed = 0        # frames that did not come in time, while it is not known why
        self._owed_since = math.nan
        self._n_since = 0
        self._job: threading.Thread | None = None
        self._loaded: FamiliarityModel | None = None

    @property
    def frame_rate(self) -> float:
        """Frames per second that the stream expects."""
        return self.stream.features.frame_rate

    @property
    def n_rejected(self) -> int:
        """Packets, lines and frames that were rejected."""
        return self.n_bad_packets + self.stream.n_rejected

    @property
    def state(self) -> str:
        """One of waiting, learning, ready, paused, silent and failing."""
        if self.stream.paused:
            return "paused"
        if self.silent:
            return "silent"
        if self.stream.learning:
            return "learning"
        if self.stream.last_error or self.stream.journal_error:
            return "failing"
        return "waiting" if self.stream.model is None else "ready"

    @property
    def rate_is_off(self) -> bool:
        """Whether frames come at another rate than the stream expects."""
        return self._is_off(self.measured_rate)

    @property
    def speed(self) -> float:
        """How many times faster than real time frames come, of a source that is not live.

        nan before there are 10 seconds of them.
        """
        if self.live or self.n_received < _RACE_S * self.frame_rate:
            return math.nan
        seconds = max(self._last_frame - self._first_frame, 1e-3)
        return self.n_received / self.frame_rate / seconds

    @property
    def outruns(self) -> bool:
        """Whether frames come much faster than real time, as from a finished file."""
        return self.speed > _OUTRUN

    @property
    def rate_was_off(self) -> bool:
        """Whether frames came at another rate than expected over all of the session."""
        return self._is_off(self.true_rate)

    @property
    def true_rate(self) -> float:
        """Frames per second over all of the session; nan while it is too short to tell."""
        return self._steady_frames / self._steady_s if self._steady_s else math.nan

    def reject(self, n: int, why: str) -> None:
        """Count packets or lines that were no frame."""
        self.n_bad_packets += n
        self.last_rejection = why

    def tick(self, now: float) -> None:
        """Take over new models and notice silence; to be called some times a second.

        Parameters
        ----------
        now : float
            Seconds, on the clock of `hear`.
        """
        self.stream.take_over()
        self._take_loaded()
        waited = now - self._last_frame
        self.silent = waited if waited > _SILENT_S else 0.0

    def hear(self, levels: list[float], arrived: float, now: float) -> Report | None:
        """Hear a frame.

        Parameters
        ----------
        levels : list of float
            One frame, dB.
        arrived, now : float
            Seconds on one clock: when it came, and now.

        Returns
        -------
        report : Report or None
            None between hops, and where there is no model yet.
        """
        self.n_received += 1
        self._last_frame, self.silent = now, 0.0
        if self.n_received == 1:
            self._first_frame = now
        if self.live:
            self._keep_time(arrived)
            self.n_late += now - arrived > 1.0 / self.frame_rate
        self._take_loaded()
        n_rejected = self.stream.n_rejected
        reading = self.stream.push(levels)
        if self.stream.n_rejected > n_rejected:
            self.last_rejection = self.stream.last_rejection or ""
        if all(level <= LARGEST_DB for level in levels):
            self.last_tempo = self.tracker.push(levels)
        if reading is None or self._n_owed:
            return None
        self.last_reading = reading
        is_new = self.last_tempo is not self._told_tempo
        self._told_tempo = self.last_tempo
        return Report(self.name, reading, self.last_tempo, is_new)

    def apply(self, command: Command, folder: ModelFolder | None = None) -> None:
        """Carry out a command; `last_message` says with what outcome.

        Parameters
        ----------
        command : Command
        folder : ModelFolder, optional
            Where this command may save and load, if not where messages may: as for the page.
        """
        name, argument = command.name, command.argument
        if not self.learns and (name == "retrain" or (name == "pause" and argument in _NO)):
            what = "learn" if name == "retrain" else "go on"
            self.last_message = f"cannot {what}: --no-learning"
        elif name == "retrain":
            self.stream.retrain()
            self.last_message = "learning again"
        elif name == "reset":
            model = None if self.learns else self.stream.model
            self.stream.reset()
            self.stream.model = model
            self.tracker.reset()
            self.last_reading = self.last_tempo = None
            self.last_message = "began anew"
        elif name == "pause":
            self.stream.paused = argument not in _NO
            self.last_message = "paused" if self.stream.paused else "goes on"
        else:
            self._run_job(name, argument, folder or self.folder)

    def close(self) -> None:
        """Wait for saving and loading, and write the last frames to the session file."""
        if self._job is not None:
            self._job.join()
        self.stream.close()

    def _run_job(self, name: str, file_name: str, folder: ModelFolder | None) -> None:
        """Save or load in a thread: a disk may take longer than a frame."""
        if self._job is not None and self._job.is_alive():
            self.last_message = f"cannot {name} {file_name}: still busy with another"
            return
        if folder is None:
            self.last_message = f"cannot {name} {file_name}: --allow-save lets messages do that"
            return
        job: Callable[[], None]
        if name == "load":
            def job() -> None:
                self._loaded = folder.load(file_name)
        else:
            self.stream.take_over()
            model = self.stream.model
            if model is None:
                self.last_message = f"cannot save {file_name}: no model yet"
                return

            def job() -> None:
                folder.save(model, file_name)

        def run() -> None:
            try:
                job()
            except (OSError, ValueError) as error:
                self.last_message = f"cannot {name} {file_name}: {error}"
            else:
                self.last_message = f"{name} {file_name}: done"

        self._job = threading.Thread(target=run, name=f"{name} {file_name}", daemon=True)
        self._job.start()

    def _take_loaded(self) -> None:
        if self._loaded is None:
            return
        model, self._loaded = self._loaded, None
        try:
            self.stream.model = model
        except ValueError as error:
            self.last_message = f"cannot load: {error}"

    def _keep_time(self, arrived: float) -> None:
        """Notice missing frames, and measure the rate of those that come."""
        waited = arrived - self._arrived
        self._arrived = arrived
        if waited > _GAP_S:
            self._n_owed = round(waited * self.frame_rate)
            self._owed_since, self._n_since = arrived, 0
        if self._n_owed:
            self._settle_gap(arrived)
        if not waited <= _GAP_S:  # the first frame of all, too
            self._rate_since, self._rate_frames = arrived, 0
            return
        self._rate_frames += 1
        if arrived - self._rate_since >= _RATE_S:
            self._measure(self._rate_frames, arrived - self._rate_since)
            self._rate_since, self._rate_frames = arrived, 0

    def _measure(self, n_frames: int, seconds: float) -> None:
        """Add a stretch to the measured rate, which the gathered file is to hold."""
        self.measured_rate = n_frames / seconds
        self._steady_frames += n_frames
        self._steady_s += seconds
        self.stream.correct_frame_rate(
            self.true_rate if self.rate_was_off else self.frame_rate)

    def _is_off(self, rate: float) -> bool:
        return abs(rate / self.frame_rate - 1) > _RATE_TOLERANCE

    def _settle_gap(self, arrived: float) -> None:
        """Find out whether overdue frames are lost, or only late and coming now."""
        self._n_since += 1
        elapsed = arrived - self._owed_since
        missing = self._n_owed - (self._n_since - round(elapsed * self.frame_rate))
        are_lost = missing > 0.5 * _GAP_S * self.frame_rate
        if are_lost and elapsed < _CATCH_UP_S:
            return
        self._n_owed = 0
        if are_lost:
            self.stream.skip(missing)
