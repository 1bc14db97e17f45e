"""The microphone as a source: sound is analyzed and handed over as lines of frames."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from barkcluster._extras import missing_extra
from barkcluster.frames.bark import BarkAnalyzer

from .receiving import Received

if TYPE_CHECKING:
    from sounddevice import CallbackFlags

_MOST_BLOCKS = 100


class Microphone:
    """Frames of the default sound input.

    The sound card's callback only copies its block into a queue; a thread makes frames of it.

    Parameters
    ----------
    place : int
        What `Received` calls it.
    frame_rate : float
        Frames per second.
    put : callable
        Takes frames, as lines of text.

    Attributes
    ----------
    place : int
    n_dropped : int
        Blocks of sound lost, by the card or because the queue was full.

    Raises
    ------
    ImportError
        If sounddevice or its library is not there.
    OSError
        If there is no input.
    """

    def __init__(self, place: int, frame_rate: float,
                 put: Callable[[list[Received]], None]) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # OSError: PortAudio is missing
            raise missing_extra("The microphone", "sounddevice and PortAudio",
                                "live") from error
        self.n_dropped = 0
        self.place = place
        self._put = put
        self._blocks: queue.Queue[npt.NDArray[np.float32] | None] = queue.Queue(_MOST_BLOCKS)
        self._card_error: type[Exception] = sounddevice.PortAudioError
        try:
            self._input = sounddevice.InputStream(
                channels=1, dtype="float32", latency="low", callback=self._copy)
            self._analyzer = BarkAnalyzer(self._input.samplerate, frame_rate=frame_rate)
            self._input.start()
        except self._card_error as error:
            raise OSError(f"no microphone: {error}") from None
        self._thread = threading.Thread(target=self._analyze, name="microphone", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(self._card_error):  # of one that was unplugged
            self._input.stop()
            self._input.close()
        self._blocks.put(None)
        self._thread.join()

    def _copy(self, block: npt.NDArray[np.float32], n_samples: int, when: object,
              status: CallbackFlags) -> None:
        self.n_dropped += bool(status)
        try:
            self._blocks.put_nowait(block[:, 0].copy())
        except queue.Full:
            self.n_dropped += 1

    def _analyze(self) -> None:
        while (block := self._blocks.get()) is not None:
            frames = self._analyzer.push(block)
            if len(frames):
                text = "".join(" ".join(f"{level:.6g}" for level in frame) + "\n"
                               for frame in frames.tolist())
                self._put([Received(self.place, 0, text.encode(), time.monotonic())])
