"""Which options of `barkcluster live` exclude each other, found out before a port is open."""

from __future__ import annotations

import argparse
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import barkcluster
from barkcluster.files.suffixes import is_audio

from ._options import check_output

if TYPE_CHECKING:
    from barkcluster.live.addresses import Address


# Kinds of sources whose frames are lines of text.
_TEXT = ("file", "play", "udp-text", "-")


def check_demo(args: argparse.Namespace) -> None:
    """Raise ValueError if --demo is given together with options for another source."""
    for option, value in (("--in", args.sources), ("--wekinator", args.wekinator),
                          ("--model", args.model), ("--gather", args.gather),
                          ("--frame-rate", args.frame_rate), ("--bands", args.bands),
                          ("--columns", args.columns), ("--no-learning", args.no_learning),
                          ("--pace", args.pace)):
        if value:
            raise ValueError(f"--demo plays a built-in jam: leave {option} away.")


def check_model(args: argparse.Namespace) -> None:
    """Raise ValueError if options ask for what the model file decides, or what nobody does."""
    if args.no_learning and args.model is None:
        raise ValueError("--no-learning needs a model to answer by: --model jam.npz.")
    if args.no_learning and args.gather is not None:
        raise ValueError("--no-learning gathers nothing: leave it or --gather away.")
    if args.model is not None and (args.scorer, args.scales) != (None, None):
        raise ValueError(f"--model {args.model} has a scorer and scales of its own: leave "
                         "--scorer and --scales away.")


def check_apart(sources: list[Address], sinks: list[Address]) -> None:
    """Raise ValueError if two players share a name, or answers go to a port of a source."""
    names = [address.name.casefold() for address in sources if address.name]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"--in {twice}=... is given twice: each player needs a name of its own.")
    for sink in sinks:
        for source in sources:
            if sink.port and (sink.host, sink.port) == (source.host, source.port) and (
                    sink.kind == "fudi-tcp") == (source.kind == "fudi-tcp"):
                raise ValueError(f"--out {sink} is where --in {source} listens: it would hear its "
                                 "own answers. Choose another port.")


def check_files(args: argparse.Namespace, sources: list[Address], sinks: list[Address]) -> None:
    """Raise if files cannot be read or written, if two are one, or for a folder that is none."""
    if (args.allow_save or args.page is not None) and not Path(args.folder).is_dir():
        raise ValueError(f"--folder {args.folder}: there is no such folder.")
    read = [(f"--in {a}", a.path) for a in sources if a.kind in ("file", "play")]
    for option, path in read:
        if Path(path).is_dir():
            raise ValueError(f"{option} is a folder: name a file in it.")
        if Path(path).exists() and not os.access(path, os.R_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
    read += [("--model", args.model)] if args.model else []
    written = [(f"--out {a}", a.path) for a in sinks if a.kind in ("file", "latest")]
    gathered = [] if args.gather is None else [(f"--gather {args.gather}", args.gather)]
    for i, (option, path) in enumerate([*written, *gathered]):
        for other, its in read + written[:i]:
            if Path(its).resolve() == Path(path).resolve():
                raise ValueError(f"{option} is the file of {other}, too: choose another name.")
    for _, path in written:
        check_output(path, [path for _, path in read])
    for _, path in gathered:
        _check_gathered(path)


def _check_gathered(path: str) -> None:
    """Raise ValueError if a session cannot be gathered into a file of this name."""
    if not Path(path).name or Path(path).is_dir():
        raise ValueError(f"--gather needs the name of a file; got {path!r}.")
    if not Path(path).parent.is_dir():
        raise ValueError(f"{path}: there is no folder {Path(path).parent}.")
    if is_audio(path):
        raise ValueError(f"--gather writes text, and {path} would be taken for sound: call it "
                         f"{Path(path).stem}.txt.")


def check_columns(args: argparse.Namespace, sources: list[Address]) -> None:
    """Raise ValueError if --columns is given where no source sends lines of text."""
    if args.columns is not None and not any(source.kind in _TEXT for source in sources):
        raise ValueError("--columns is for lines of text: file:, udp-text:// or standard input. "
                         "Leave it away.")


def check_fits(args: argparse.Namespace, model: barkcluster.FamiliarityModel) -> None:
    """Raise ValueError if the frame rate or the bands given are not those of the model."""
    if args.bands not in (None, model.n_features_in_):
        raise ValueError(f"--model {args.model} was learned from frames of {model.n_features_in_} "
                         f"bands; got --bands {args.bands}.")
    if args.frame_rate is not None:
        from barkcluster.frames.session import check_rate  # imported with the model by now

        check_rate("frames", args.frame_rate, model.frame_rate_, f"as {args.model} was learned")
