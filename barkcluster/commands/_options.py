"""Options that several commands share, and checks of their values."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import barkcluster
from barkcluster.display.progress import Step, complain
from barkcluster.files.kinds import is_gathered, is_model
from barkcluster.files.suffixes import is_audio
from barkcluster.scorers import SCORER_NAMES

if TYPE_CHECKING:
    from barkcluster.frames.flat_tops import FlatTops

# The bands of barkcluster.frames, and the most there may be, which take too long to import for a
# help text.
N_BANDS = 25
MOST_BANDS = 256


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options for reading session files."""
    reading = parser.add_argument_group("reading session files")
    reading.add_argument(
        "--frame-rate", type=positive, metavar="HZ",
        help="frames per second, whatever the file says (default: as its comments or times say, "
             "else 100)")
    reading.add_argument(
        "--units", choices=("db", "linear", "amplitude"),
        help="what the numbers are: levels in dB, linear powers, or amplitudes (magnitudes); "
             "default: db")
    reading.add_argument(
        "--bands", type=int, default=N_BANDS, metavar="N",
        help="numbers in a frame (default: 25)")
    reading.add_argument(
        "--columns", metavar="WORD,...",
        help="what the columns are: time, number, sample or skip, then levels (default: their "
             "names and numbers tell)")
    reading.add_argument(
        "--header", choices=("yes", "no"),
        help="whether the first line names the columns (default: its words tell)")
    reading.add_argument(
        "--one-per-line", action="store_true",
        help="each line holds one number, and as many as there are bands are a frame")


def add_learning(parser: argparse.ArgumentParser) -> None:
    """Add the options for learning."""
    learning = parser.add_argument_group("learning")
    learning.add_argument("--scorer", choices=SCORER_NAMES,
                          help="how familiarity is judged (default: knn)")
    learning.add_argument(
        "--scales", type=scales, metavar="S,S,...",
        help="window lengths in seconds, shortest first (default: the model's own)")
    learning.add_argument("--background", metavar="FILE",
                          help="file of `barkcluster background`: other sessions, so that one "
                               "threshold serves all")
    add_seed(learning)


def add_seed(parser: argparse._ActionsContainer) -> None:
    """Add the option of the random seed."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N",
                        help="seed of all random choices (default: 0)")


def add_color(parser: argparse.ArgumentParser) -> None:
    """Add the option of colors."""
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                        help="color the output (default: auto, in terminals)")


def read(path: str, args: argparse.Namespace, flat_tops: FlatTops | None = None,
         ) -> barkcluster.Session:
    """Session in a text file, or in a sound file by its suffix.

    The samples of sound are counted in ``flat_tops``.
    """
    check_bands(args.bands)
    if is_audio(path):
        if args.bands != N_BANDS:
            raise ValueError(f"{path}: --bands {args.bands} is for text; sound is analyzed in "
                             f"{N_BANDS} bands.")
        return barkcluster.read_audio(path, frame_rate=args.frame_rate or 100.0,
                                      flat_tops=flat_tops)
    return barkcluster.read_session(
        path, frame_rate=args.frame_rate, units=args.units, n_bands=args.bands,
        columns=args.columns, header={"yes": True, "no": False, None: None}[args.header],
        one_per_line=args.one_per_line)


def check_bands(n_bands: int | None) -> None:
    """Raise ValueError for more bands than any analysis has, before memory is taken for them."""
    if n_bands is not None and n_bands > MOST_BANDS:
        raise ValueError(f"--bands must be at most {MOST_BANDS}; got {n_bands}.")


def read_checked(path: str, args: argparse.Namespace) -> barkcluster.Session:
    """Session in a file, as from `read`, with a warning if something is gravely wrong with it."""
    # Here, so that --help is there at once.
    from barkcluster.frames.flat_tops import FlatTops
    from barkcluster.gallery.soundness import (
        GRAVE,
        GRAVELY_CLIPPED,
        check_samples,
        check_session,
    )

    tops = FlatTops()
    session = read(path, args, tops)
    found = [finding for finding in check_session(session, of_sound=is_audio(path))
             if finding.fault in GRAVE]
    if tops.share >= GRAVELY_CLIPPED:
        found += check_samples(tops.share)
    if found:
        complain(f"warning: {path}: {found[0].fault}: {found[0].text}")
    return session


def learned(paths: Sequence[str], args: argparse.Namespace, step: Step,
            ) -> barkcluster.FamiliarityModel:
    """Model that has learned the sessions in some files, takes of one session.

    Parameters
    ----------
    paths : sequence of str
    args : argparse.Namespace
        With the options of `add_reading` and `add_learning`.
    step : callable
        Told of each step.
    """
    # Here, so that --help is there at once.
    from barkcluster.frames.session import same_rate

    takes = []
    for path in paths:
        step(f"reading {path}")
        takes.append(read_checked(path, args))
        first, rate = takes[0].frame_rate, takes[-1].frame_rate
        if not same_rate(first, rate):
            raise ValueError(f"takes must have one frame rate; got {first:g} frames a second in "
                             f"{paths[0]} and {rate:g} in {path}.")
    step("learning")
    return make_model(args).fit(takes)


def check_output(path: str | None, inputs: Iterable[str | None] = ()) -> None:
    """Raise, before the work rather than after it, if an output must not be written.

    Parameters
    ----------
    path : str or None
        The file to write; None and "-", standard output, are fine.
    inputs : iterable of str or None
        Files that the command reads.

    Raises
    ------
    ValueError
        If it is a folder, or lies in none; if it is one of the inputs; and if sound or a session
        that was gathered live would be lost.
    OSError
        If it must not be written.
    """
    if path is None or path == "-":
        return
    target = Path(path)
    if not path:
        raise ValueError("expected the name of a file to write, got an empty one.")
    if target.is_dir():
        raise ValueError(f"{path} is a folder: name a file to write.")
    if not target.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {target.parent}.")
    if not target.exists():
        if not os.access(target.parent, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        return
    for given in inputs:
        if given is not None and Path(given).exists() and target.samefile(given):
            raise ValueError(f"{path} is what is read, and would be lost: choose another name to "
                             "write.")
    if is_audio(path) or is_gathered(path):
        what = "sound" if is_audio(path) else "a session that was gathered live"
        raise ValueError(f"{path} is {what}, and would be lost: choose another name to write.")
    if not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)


def check_model_output(path: str, inputs: Iterable[str | None]) -> None:
    """Raise as `check_output` does, and if the file is there and is no model."""
    check_output(path, inputs)
    if Path(path).exists() and not is_model(path):
        raise ValueError(f"{path} is there already, and is no model file: choose another name to "
                         "write.")


def make_model(args: argparse.Namespace) -> barkcluster.FamiliarityModel:
    """Model as the options of `add_learning` say."""
    model = barkcluster.FamiliarityModel(
        args.scorer or "knn", random_state=args.seed, background=background_of(args))
    return model if args.scales is None else model.set_params(scales=args.scales)


def background_of(args: argparse.Namespace) -> barkcluster.Background | None:
    """The background that the options of `add_learning` name."""
    return None if args.background is None else barkcluster.load_background(args.background)


def positive(text: str) -> float:
    """Number above 0, or the error that argparse shows."""
    number = _number(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number; got {text!r}.")
    return number


def share(text: str) -> float:
    """Number between 0 and 1, or the error that argparse shows."""
    number = _number(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, both excluded; got {text!r}.")
    return number


def count(text: str) -> int:
    """Whole number of 1 or more, or the error that argparse shows."""
    return _whole(text, lambda number: number >= 1, "a whole number of 1 or more")


def jobs(text: str) -> int:
    """Number of processes as joblib takes it, or the error that argparse shows."""
    return _whole(text, lambda number: number != 0,
                  "a whole number of processes, or -1 for all cores")


def seed(text: str) -> int:
    """Whole number from 0 to 2**32 - 1, as scikit-learn takes seeds."""
    return _whole(text, lambda number: 0 <= number < 2 ** 32,
                  f"a whole number from 0 to {2 ** 32 - 1}")


def scales(text: str) -> tuple[float, ...]:
    """Window lengths with commas between them; the model checks that they make sense."""
    return tuple(positive(word) for word in text.split(","))


def _whole(text: str, fits: Callable[[int], bool], expected: str) -> int:
    with suppress(ValueError):
        number = int(text)
        if fits(number):
            return number
    raise argparse.ArgumentTypeError(f"must be {expected}; got {text!r}.")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        point = ", with a decimal point" if "," in text else ""
        raise argparse.ArgumentTypeError(f"must be a number{point}; got {text!r}.") from None
