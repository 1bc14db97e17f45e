"""The processes that the library starts: one that learns, and one that serves the page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def start_module(module: str, *arguments: str, environment: Mapping[str, str] | None = None,
                 stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """Start a module of this package as a program of its own.

    Parameters
    ----------
    module : str
        Its dotted name.
    *arguments : str
    environment : mapping of str to str, optional
        Variables beside those of this process.
    stdin, stdout, stderr : int
        As for `subprocess.Popen`.

    Returns
    -------
    process : subprocess.Popen
    """
    package = str(Path(__file__).resolve().parents[1])
    # A queue.py or random.py in the folder where a musician works is not Python's own: so -P, and
    # no PYTHONPATH of "." either.
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [os.path.abspath(entry) for entry in given]
    path = os.pathsep.join([package, *(entry for entry in others if entry != os.getcwd())])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments], stdin=stdin, stdout=stdout,
        stderr=stderr, env={**os.environ, **(environment or {}), "PYTHONPATH": path})
