"""A source of frames, the stream that hears it, and what it is told to do."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from barkcluster.frames.session import LARGEST_DB
from barkcluster.model.model import FamiliarityModel
from barkcluster.model.stored import load_model
from barkcluster.model.stream import Reading
from barkcluster.retraining.stream import RetrainingStream
from barkcluster.tempo import Tempo, TempoTracker

from .messages import Command

# A sender that says nothing for so long may have missed frames; less is a slow moment.
_GAP_S = 0.5
# Or it was held up, and sends them now all at once, as Pd does: so long it is given for it.
_CATCH_UP_S = 0.1
# Between the frames that a rate is measured on, and how far it may be off before it is said.
_RATE_S = 5.0
_RATE_TOLERANCE = 0.05


class Report(NamedTuple):
    """What a player says after a frame that ended a hop."""

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
    folder : path-like
        Where models are saved to and loaded from: nobody on the network may name another.
    live : bool, default=True
        Whether frames come as they are played. In a file they may come at any speed: silence
        between them is no gap, and none is late.

    Attributes
    ----------
    n_received : int
        Frames that came.
    n_late : int
        Frames heard later after they came than the next one was due.
    n_rejected : int
        Packets, lines and frames that were none.
    last_word : str
        What was last done or could not be done.
    """

    def __init__(self, name: str, stream: RetrainingStream, tracker: TempoTracker,
                 folder: Path, *, live: bool = True) -> None:
        self.name = name
        self.stream = stream
        self.tracker = tracker
        self.folder = folder
        self.live = live
        self.n_received = 0
        self.n_late = 0
        self.n_bad_packets = 0
        self.last_word = ""
        self.last_reading: Reading | None = None
        self.last_tempo: Tempo | None = None
        self._told_tempo: Tempo | None = None
        self.measured_rate = math.nan
        self._arrived = math.nan
        self._rate_since = math.nan
        self._rate_frames = 0
        self._n_owed = 0        # frames that did not come in time, while it is not known why
        self._owed_since = math.nan
        self._n_since = 0
        self._errand: threading.Thread | None = None
        self._loaded: FamiliarityModel | None = None

    @property
    def frame_rate(self) -> float:
        """Frames per second that the stream expects."""
        return self.stream.stream.features.frame_rate

    @property
    def n_rejected(self) -> int:
        """Packets, lines and frames that were none."""
        return self.n_bad_packets + self.stream.stream.n_rejected

    @property
    def state(self) -> str:
        """In a word: waiting, learning, ready, paused or failing."""
        if self.stream.paused:
            return "paused"
        if self.stream.learning:
            return "learning"
        if self.stream.last_error or self.stream.journal_error:
            return "failing"
        return "waiting" if self.stream.model is None else "ready"

    @property
    def rate_is_off(self) -> bool:
        """Whether frames come at another rate than was said."""
        return abs(self.measured_rate / self.frame_rate - 1) > _RATE_TOLERANCE

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
        if self.live:
            self._keep_time(arrived)
            self.n_late += now - arrived > 1.0 / self.frame_rate
        self._take_loaded()
        reading = self.stream.push(levels)
        if all(level <= LARGEST_DB for level in levels):
            self.last_tempo = self.tracker.push(levels)
        if reading is None or self._n_owed:
            return None
        self.last_reading = reading
        is_new = self.last_tempo is not self._told_tempo
        self._told_tempo = self.last_tempo
        return Report(self.name, reading, self.last_tempo, is_new)

    def obey(self, command: Command) -> None:
        """Do what a command says; what comes of it is in `last_word`."""
        word, argument = command.word, command.argument
        if word == "retrain":
            self.stream.retrain()
            self.last_word = "learning again"
        elif word == "reset":
            self.stream.reset()
            self.tracker.reset()
            self.last_reading = self.last_tempo = None
            self.last_word = "began anew"
        elif word == "pause":
            self.stream.paused = argument not in ("0", "off")
            self.last_word = "paused" if self.stream.paused else "goes on"
        else:
            self._run_errand(word, argument)

    def close(self) -> None:
        """Finish errands and write what was gathered."""
        if self._errand is not None:
            self._errand.join()
        self.stream.close()

    def _run_errand(self, word: str, name: str) -> None:
        """Save or load in a thread: a disk may take longer than a frame."""
        if self._errand is not None and self._errand.is_alive():
            self.last_word = f"cannot {word} {name}: still busy with another"
            return
        if not name or Path(name).name != name or name.startswith("."):
            self.last_word = f"cannot {word} {name!r}: must be the plain name of a file"
            return
        path = self.folder / name
        errand: Callable[[], None]
        model = self.stream.model
        if word == "load":
            def errand() -> None:
                self._loaded = load_model(path)
        elif model is None:
            self.last_word = f"cannot save {name}: no model yet"
            return
        else:
            def errand() -> None:
                model.save(path)

        def run() -> None:
            try:
                errand()
            except (OSError, ValueError) as error:
                self.last_word = f"cannot {word} {name}: {error}"
            else:
                self.last_word = f"{word} {name}: done"

        self._errand = threading.Thread(target=run, name=f"{word} {name}", daemon=True)
        self._errand.start()

    def _take_loaded(self) -> None:
        if self._loaded is None:
            return
        model, self._loaded = self._loaded, None
        try:
            self.stream.model = model
        except ValueError as error:
            self.last_word = f"cannot load: {error}"

    def _keep_time(self, arrived: float) -> None:
        """Notice missing frames, and the rate of those that come."""
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
            self.measured_rate = self._rate_frames / (arrived - self._rate_since)
            self._rate_since, self._rate_frames = arrived, 0

    def _settle_gap(self, arrived: float) -> None:
        """Find out whether the frames that did not come in time are lost, or come now."""
        self._n_since += 1
        elapsed = arrived - self._owed_since
        missing = self._n_owed - (self._n_since - round(elapsed * self.frame_rate))
        are_lost = missing > 0.5 * _GAP_S * self.frame_rate
        if are_lost and elapsed < _CATCH_UP_S:
            return
        self._n_owed = 0
        if are_lost:
            self.stream.skip(missing)
