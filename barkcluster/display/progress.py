"""How far long work has come, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .terminal import printable

Step = Callable[[str], None]


@contextmanager
def progress(n_steps: int) -> Iterator[Step]:
    """Show steps of long work while it lasts.

    A bar where rich is installed, else a line; nothing where stderr is no terminal. Either is
    gone when the work is done.

    Parameters
    ----------
    n_steps : int
        How many steps there are.

    Yields
    ------
    step : callable
        To be called with what comes next, before each step.

    Examples
    --------
    >>> with progress(2) as step:
    ...     step("listening")
    ...     step("learning")
    """
    if not sys.stderr.isatty():
        yield lambda name: None
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
    """`progress` without rich: one line that is written over."""
    begun = 0

    def next_step(name: str) -> None:
        nonlocal begun
        begun += 1
        line = f"{printable(name)} ({begun} of {n_steps})"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    try:
        yield next_step
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
