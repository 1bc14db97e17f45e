"""How far long work has come, on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from barkcluster._clock import clock

from .terminal import printable

Step = Callable[[str], None]

# Where stderr is no terminal: seconds until the first line, and between others.
FIRST_S = 10.0
EVERY_S = 15.0


def complain(text: str) -> None:
    """Say a line on stderr, in the place of a line of progress if one stands there.

    Parameters
    ----------
    text : str
        A warning, or what is left out; file names in it are shown, not obeyed.
    """
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{start}barkcluster: {printable(text)}", file=sys.stderr)


@contextmanager
def progress(n_steps: int) -> Iterator[Step]:
    """Show the steps of long work while it lasts.

    In a terminal this is a bar where rich is installed, else a line; either is gone when the work
    is done. Where stderr is no terminal, lines are printed now and then, if the work takes more
    than some seconds.

    Parameters
    ----------
    n_steps : int
        Number of steps.

    Yields
    ------
    step : callable
        To be called before each step with a text that says what it does.

    Examples
    --------
    >>> with progress(2) as step:
    ...     step("listening")
    ...     step("learning")
    """
    if not sys.stderr.isatty():
        with _lines(n_steps) as step:
            yield step
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        with _line(n_steps) as step:
            yield step
        return
    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
                  console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=n_steps)
        begun = 0

        def next_step(name: str) -> None:
            nonlocal begun
            bar.update(task, description=printable(name), completed=begun)
            begun += 1

        yield next_step


@contextmanager
def _line(n_steps: int) -> Iterator[Step]:
    """`progress` in a terminal without rich: one line that is overwritten."""
    begun = 0

    def next_step(name: str) -> None:
        nonlocal begun
        begun += 1
        print(f"\r\x1b[K{printable(name)} ({begun} of {n_steps})", end="", file=sys.stderr,
              flush=True)

    try:
        yield next_step
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def _lines(n_steps: int) -> Iterator[Step]:
    """`progress` into a file or a pipe: a line now and then, from a thread of its own."""
    begun, current = 0, "working"
    start = time.monotonic()
    done = threading.Event()

    def next_step(name: str) -> None:
        nonlocal begun, current
        begun, current = begun + 1, name

    def tell() -> None:
        wait = FIRST_S
        while not done.wait(wait):
            wait = EVERY_S
            print(f"barkcluster: {clock(time.monotonic() - start)} so far: {printable(current)} "
                  f"({begun} of {n_steps})", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield next_step
    finally:
        done.set()
        teller.join()
