"""The process of the page: hears the feed on standard input, answers on standard output."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress

from .messages import Answer
from .server import serve

# Frames come first.
_NICENESS = 10


def main() -> None:
    """Serve until standard input ends, as it does when the program that hears frames does."""
    # Ctrl-C in a terminal reaches both processes; who hears frames ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)

    def answer(message: Answer) -> None:
        with suppress(OSError):  # nobody listens any more: the end is near
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    serve(sys.stdin.buffer, answer)


if __name__ == "__main__":
    main()
