"""Learning in a process of its own, so that the program that plays never waits for it.

A thread that learns shares one interpreter with the stream: each time the stream has slept or
waited for a socket, it may have to wait up to 5 ms more for the interpreter, and a self-organizing
map is a long loop in Python. A process takes a second to start, and only the learning waits for
that. It is started as a plain program, not by multiprocessing, which would import the user's main
script again. Frames, parameters and the model are passed as files in a folder of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster._processes import start_module
from barkcluster._threads import THREAD_VARIABLES
from barkcluster.files.locking import lock_file
from barkcluster.frames.session import Session
from barkcluster.model.background import Background, load_background
from barkcluster.model.model import FamiliarityModel, load_model
from barkcluster.model.stored import pack_parameters
from barkcluster.scorers import FamiliarityScorer

_JOB, _MODEL, _BACKGROUND, _LOCK = "job.json", "model.npz", "background.npz", "lock"
_FOLDER = "barkcluster-learning-"
# A younger folder may belong to a program that is about to lock it.
_LEFT_S = 60.0


class LearningError(Exception):
    """The other process could not learn; its text says why."""


@contextmanager
def job_folder() -> Iterator[Path]:
    """A folder for one job, removed afterwards unless this program is killed meanwhile.

    Yields
    ------
    folder : Path
        Empty but for a file that is locked while this program runs.
    """
    with (tempfile.TemporaryDirectory(prefix=_FOLDER) as folder,
          (Path(folder) / _LOCK).open("wb") as lock):
        lock_file(lock.fileno())
        yield Path(folder)


def remove_left_folders() -> None:
    """Remove the folders of this user's programs that were killed while they learned."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        # Of others, in a folder for all, and their links: not ours to remove.
        with suppress(OSError):
            told = folder.lstat()
            ours = stat.S_ISDIR(told.st_mode) and told.st_uid == getattr(os, "getuid", int)()
            if ours and time.time() - told.st_mtime > _LEFT_S and _is_left(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(lock: Path) -> bool:
    try:
        with lock.open("r+b") as file:
            return lock_file(file.fileno())
    except FileNotFoundError:
        return True


def parameters_as_json(model: FamiliarityModel) -> str:
    """The parameters from which the other process makes the same unfitted model.

    The background is not among them: it has a file of its own.

    Raises
    ------
    ValueError
        If the model's scorer is of a class of your own, or seeded by more than a number.
    """
    # Here, as below, for the time of a start: they bring half of scikit-learn.
    from barkcluster.scorers import SCORERS

    parameters = model.get_params(deep=False)
    del parameters["background"]  # which has a file of its own
    scorer = parameters["scorer"]
    cls = SCORERS.get(scorer, FamiliarityScorer) if isinstance(scorer, str) else type(scorer)
    if not cls.__module__.startswith("barkcluster."):
        raise ValueError(f"{cls.__name__} is a scorer that another process does not know: learn "
                         "in a thread, learn_in='thread'.")
    return json.dumps(pack_parameters(parameters))


def start_learning(
    parameters: str, background: Background | None,
    takes: list[list[npt.NDArray[np.float32]]], frame_rate: float,
    folder: str | os.PathLike[str],
) -> subprocess.Popen[bytes]:
    """Write the job to an empty folder and start the process that does it.

    Takes come in pieces and are written as they are: joined here, each learning would need room
    for the whole session once more.
    """
    here = Path(folder)
    for i, pieces in enumerate(takes):
        with (here / f"take{i}").open("wb") as file:
            for piece in pieces:
                file.write(piece.data)
    if background is not None:
        background.save(here / _BACKGROUND)
    n_bands = takes[0][0].shape[1]
    job = {"model": json.loads(parameters), "n_takes": len(takes), "n_bands": n_bands,
           "frame_rate": frame_rate}
    (here / _JOB).write_text(json.dumps(job), encoding="utf-8")
    # One thread: the other cores are for those who play.
    return start_module(
        "barkcluster.retraining.process", str(here),
        environment=dict.fromkeys(THREAD_VARIABLES, "1"), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish_learning(process: subprocess.Popen[bytes], folder: str | os.PathLike[str]
                    ) -> FamiliarityModel:
    """Wait for the process and load the model it left.

    Raises
    ------
    LearningError
        If it failed or was ended.
    """
    _, said = process.communicate()
    if process.returncode:
        lines = said.decode("utf-8", errors="replace").strip().splitlines()
        raise LearningError(lines[-1] if lines else f"ended with code {process.returncode}.")
    return load_model(Path(folder) / _MODEL)


def _main(folder: str) -> int:
    from barkcluster.scorers import SCORERS

    with suppress(AttributeError, OSError):  # not on every system
        os.nice(5)
    here = Path(folder)
    job = json.loads((here / _JOB).read_text(encoding="utf-8"))
    parameters = job["model"]
    if not isinstance(parameters["scorer"], str):
        scorer = parameters["scorer"]
        parameters["scorer"] = SCORERS[scorer["kind"]](**scorer["parameters"])
    background = load_background(here / _BACKGROUND) if (here / _BACKGROUND).exists() else None
    takes = [
        Session(np.fromfile(here / f"take{i}", np.float32).reshape(-1, job["n_bands"]),
                job["frame_rate"], n_bands=job["n_bands"])
        for i in range(job["n_takes"])]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scales that a young session is too short for
            FamiliarityModel(**parameters, background=background).fit(takes).save(here / _MODEL)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
