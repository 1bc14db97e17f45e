"""Session files to a model file."""

from __future__ import annotations

import argparse

from barkcluster._clock import clock
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable

from ._options import add_learning, add_reading, check_model_output, learned

_DESCRIPTION = """\
Learns sessions and writes a model file, for `barkcluster score` and for load_model().
"""
_EPILOG = """\
examples:
  barkcluster fit jam.txt -o jam.npz
  barkcluster fit take1.txt take2.txt --scorer gmm --scales 0.5,2,6 -o jam.npz
  barkcluster fit jam.txt --background others.npz -o jam.npz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster fit` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("sessions", nargs="+", metavar="SESSION",
                        help="session or sound files: takes of one session")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL",
                        help="model file to write (.npz)")
    add_learning(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read and learn the sessions, write the model."""
    check_model_output(args.output, [*args.sessions, args.background])
    with progress(len(args.sessions) + 1) as step:
        model = learned(args.sessions, args, step)
    model.save(args.output)
    scales = ", ".join(f"{scale:g}" for scale in model.scales_)
    n_takes = len(args.sessions)
    of_takes = f" in {n_takes} takes" if n_takes > 1 else ""
    how = f"{args.scorer or 'knn'} on {clock(model.duration_)}{of_takes}"
    print(printable(f"{args.output}: {how}, windows of {scales} s."))
