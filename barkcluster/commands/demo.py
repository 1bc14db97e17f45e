"""A synthetic jam, learned by every scorer, with what they hear in the rest of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import barkcluster
from barkcluster import synthetic
from barkcluster.display.bars import Mark, draw_timeline
from barkcluster.display.picture import timeline_picture
from barkcluster.display.terminal import Style, clock, style_for, table, terminal_width

from ._options import add_color, add_seed, positive
from ._race import Run, auc, number, race

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
_FULL_SCALE = 32767  # of 16 bits
_SHORT_S = 1.0  # a scale at which what is strange is noticed soon


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
    """Make, learn, score, show."""
    style = style_for(sys.stdout, args.color)
    session, known = synthetic.make_session(args.minutes, random_state=args.seed)
    print(f"A jam of {clock(session.duration)} at {known.tempo:.0f} beats per minute in "
          f"{known.key}: the first {clock(known.clean_stop)}\nare learned, the rest is scored. "
          f"In it are {len(known.surprises)} surprises.\n", flush=True)
    runs = race(session, known.clean_stop, args.seed, None)
    print(_results(runs, known, style))
    best = max(runs, key=lambda r: np.nan_to_num(_auc(r, known)))
    marks = [Mark(s.start, s.stop, s.kind) for s in known.surprises]
    print(f"\n{style.bold(f'Familiarity, by {best.name}')}\n")
    print(draw_timeline(best.timeline, style, width=terminal_width(), marks=marks,
                        marks_name="surprises"))
    if args.output is not None:
        _write(args, session, known.clean_stop, runs, best, marks)


def _results(runs: Sequence[Run], known: synthetic.Annotations, style: Style) -> str:
    rows = []
    for r in runs:
        calm = r.timeline.familiarity[~_disturbed(r, known)]
        strange = 100 * float(np.mean(calm < 0.05)) if len(calm) else np.nan
        rows.append([r.name, number(_auc(r, known), 3), number(_auc_short(r, known), 3),
                     f"{number(strange, 1)} %", f"{r.fit_s:.2f} s", f"{r.speed:,.0f} x"])
    header = ["scorer", "AUC", f"AUC {_SHORT_S:g} s", "calm < 0.05", "fit", "real time"]
    notes = (f"AUC: how often a moment of a surprise is less familiar than a calm one, whose "
             f"windows hold\nno surprise; 0.5 is chance, 1 perfect. AUC {_SHORT_S:g} s: the same "
             f"for windows of {_SHORT_S:g} s alone.\ncalm < 0.05: calm moments below 0.05; about "
             "5 % are expected, fewer where the band repeats itself.")
    return f"{table(header, rows, style)}\n\n{style.dim(notes)}"


def _disturbed(r: Run, known: synthetic.Annotations) -> npt.NDArray[np.bool_]:
    """Whether any of the windows that end at each time holds a surprise."""
    return known.surprise_mask(r.timeline.times, float(r.timeline.scales[-1]))


def _auc(r: Run, known: synthetic.Annotations) -> float:
    surprising = known.surprise_mask(r.timeline.times)
    return auc(r.timeline.familiarity[surprising], r.timeline.familiarity[~_disturbed(r, known)])


def _auc_short(r: Run, known: synthetic.Annotations) -> float:
    column = np.flatnonzero(r.timeline.scales == _SHORT_S)
    if not len(column):  # too short a session
        return float("nan")
    values = r.timeline.by_scale[:, column[0]]
    full = np.isfinite(values)
    surprising = known.surprise_mask(r.timeline.times, _SHORT_S, least_share=0.5)
    return auc(values[full & surprising],
               values[full & ~known.surprise_mask(r.timeline.times, _SHORT_S)])


def _write(args: argparse.Namespace, session: barkcluster.Session, heard_s: float,
           runs: Sequence[Run], best: Run, marks: Sequence[Mark]) -> None:
    """Write all there is to see and to hear."""
    from scipy.io import wavfile

    folder: Path = args.output
    folder.mkdir(parents=True, exist_ok=True)
    sound, sample_rate, _ = synthetic.make_sound(args.minutes, random_state=args.seed)
    wavfile.write(folder / "jam.wav", sample_rate, np.round(sound * _FULL_SCALE).astype(np.int16))
    barkcluster.write_session(session.between(0, heard_s), folder / "heard.txt")
    barkcluster.write_session(session.between(heard_s, session.duration), folder / "rest.txt")
    for r in runs:
        r.timeline.to_csv(folder / f"{r.name}.csv")
    written = ["jam.wav", "heard.txt", "rest.txt", *(f"{r.name}.csv" for r in runs)]
    try:
        figure = timeline_picture(session, best.timeline, marks=marks,
                                  title=f"{session.name}, learned until {clock(heard_s)}")
        figure.savefig(folder / "demo.png", dpi=100)
        written.append("demo.png")
    except ImportError as error:
        print(f"\nNo picture. {error}", file=sys.stderr)
    print(f"\nWritten to {folder}: {', '.join(written)}.\n"
          f"Next: barkcluster score {folder / 'heard.txt'} {folder / 'rest.txt'}")
