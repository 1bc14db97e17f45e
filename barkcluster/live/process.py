"""Settings of the process for live use: memory, thread switching, signals."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# From malloc.h of the GNU C library, and its own default, which would grow.
_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD_BYTES = 1 << 17
# Threads that receive, load and save hand the interpreter back after so long, not after 5 ms.
_SWITCH_INTERVAL_S = 0.0005


def settle_in() -> None:
    """Return unused memory to the system, and make threads wait less for each other.

    The GNU C library keeps room once used for the thread that used it, and every model is loaded
    by a thread of its own: four players came to hold a hundred megabytes of nothing. Other
    systems' libraries have no such function, or ignore it.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


@contextmanager
def stop_on_interrupt(stopped: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C set an event, and only a second one interrupt.

    An interruption could come between two lines of whatever is done with a frame, and what waits
    to be heard would be lost.

    Parameters
    ----------
    stopped : threading.Event
    """
    def stop(signal_number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stop_on_sigterm() -> threading.Event:
    """An event that SIGTERM sets."""
    stopped = threading.Event()

    def stop(signal_number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    return stopped
