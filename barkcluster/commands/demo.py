"""A synthetic jam: every scorer learns its beginning and judges the rest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import barkcluster
from barkcluster import synthetic
from barkcluster._clock import clock
from barkcluster.display.bars import Mark, draw_timeline
from barkcluster.display.picture import timeline_picture
from barkcluster.display.progress import progress
from barkcluster.display.terminal import style_for, terminal_width
from barkcluster.scorers import SCORER_NAMES

from ._options import add_color, add_seed, positive

_DESCRIPTION = """\
Makes a jam session of drums, bass, chords and riffs, lets every scorer learn its first 40 % and
score the rest, in which things intrude that the band never played. Prints how well they are
noticed, and the familiarity over time.
"""
_EPILOG = """\
examples:
  barkcluster demo
  barkcluster demo --seed 7 -o demo   also writes the jam (wav, text), tables and a picture
"""
# What is written, beside tables and a picture.
_SOUND, _SESSIONS = "jam.wav", ("heard.txt", "rest.txt")
_FULL_SCALE = 32767  # of 16 bits
_NOTES = """\
Mean and shares are of calm moments, whose windows hold no surprise: about 5 % are expected below
0.05, fewer where the band repeats itself. AUC: how often a moment of a surprise is less familiar
than a calm one; 0.5 is chance, 1 perfect. AUC 1 s: the same for windows of 1 s alone. Agreement:
mean rank correlation with the other scorers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what `barkcluster demo` takes."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("--minutes", type=positive, default=4.0, metavar="M",
                        help="length of the jam (default: 4)")
    add_seed(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR",
                        help="folder to write the jam, csv files and a picture to")
    add_color(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Make the jam, learn it, score it, print the results."""
    style = style_for(sys.stdout, args.color)
    if args.output is not None:
        _check_folder(args.output)
    session, known = synthetic.make_session(args.minutes, random_state=args.seed)
    print(f"A jam of {clock(session.duration)} at {known.tempo:.0f} beats per minute in "
          f"{known.key}: the first {clock(known.clean_stop)}\nare learned, the rest is scored. "
          f"In it are {len(known.surprises)} surprises.\n", flush=True)
    with progress(len(SCORER_NAMES)) as step:
        compared = barkcluster.compare_scorers(
            session, surprises=known, train=known.clean_stop, random_state=args.seed, on_step=step)
    print(f"{compared.table(style)}\n\n{style.dim(_NOTES)}")
    best = max(compared, key=lambda row: np.nan_to_num(row.auc)).scorer
    marks = [Mark(s.start, s.stop, s.kind) for s in known.surprises]
    print(f"\n{style.bold(f'Familiarity, by {best}')}\n")
    print(draw_timeline(compared.timelines[best], style, width=terminal_width(), marks=marks,
                        marks_name="surprises"))
    if args.output is not None:
        _write(args, session, known.clean_stop, compared.timelines, best, marks)


def _check_folder(folder: Path) -> None:
    """Raise, before the work, if files of the demo would replace others."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder to write to.")
    for name in (_SOUND, *_SESSIONS):
        if (folder / name).exists():
            raise ValueError(f"{folder / name} is there already: name a new folder.")


def _write(args: argparse.Namespace, session: barkcluster.Session, heard_s: float,
           timelines: Mapping[str, barkcluster.Timeline], best: str,
           marks: Sequence[Mark]) -> None:
    """Write the jam, its sessions, the tables and a picture."""
    from scipy.io import wavfile

    folder: Path = args.output
    folder.mkdir(parents=True, exist_ok=True)
    heard, rest = _SESSIONS
    sound, sample_rate, _ = synthetic.make_sound(args.minutes, random_state=args.seed)
    wavfile.write(folder / _SOUND, sample_rate, np.round(sound * _FULL_SCALE).astype(np.int16))
    barkcluster.write_session(session.between(0, heard_s), folder / heard)
    barkcluster.write_session(session.between(heard_s, session.duration), folder / rest)
    for name, timeline in timelines.items():
        timeline.to_csv(folder / f"{name}.csv")
    written = [_SOUND, heard, rest, *(f"{name}.csv" for name in timelines)]
    try:
        figure = timeline_picture(session, timelines[best], marks=marks,
                                  title=f"{session.name}, learned until {clock(heard_s)}")
        figure.savefig(folder / "demo.png", dpi=100)
        written.append("demo.png")
    except ImportError as error:
        print(f"\nNo picture. {error}", file=sys.stderr)
    print(f"\nWritten to {folder}: {', '.join(written)}.\n"
          f"Next: barkcluster score {folder / heard} {folder / rest}")
