"""A finished session as a source: its frames are played in time, as if they came now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from barkcluster.frames.session import Session

from .receiving import Received


class Playback:
    """Plays a session in time, frame by frame, as lines of text; gaps in it take no time.

    Parameters
    ----------
    place : int
        What `Received` calls it.
    session : Session
    put : callable
        Takes frames.
    end : callable
        Called with ``place`` after the last one.
    """

    def __init__(self, place: int, session: Session, put: Callable[[list[Received]], None],
                 end: Callable[[int], None]) -> None:
        self._place = place
        self._session = session
        self._put = put
        self._end = end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._play, name="playback", daemon=True)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def close(self) -> None:
        """Stop playing."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _play(self) -> None:
        begun, missing = time.monotonic(), dict(self._session.gaps)
        for i, frame in enumerate(self._session.frames):
            if self._closed.wait(begun + i / self._session.frame_rate - time.monotonic()):
                return
            line = " ".join(f"{level:.9g}" for level in frame.tolist()) + "\n"
            if i in missing:
                line = f"# gap: {missing[i]}\n{line}"
            self._put([Received(self._place, 0, line.encode("ascii"), time.monotonic())])
        self._end(self._place)
