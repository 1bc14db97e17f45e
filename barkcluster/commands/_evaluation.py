"""What `identify --evaluate` and `--strangers` print."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import barkcluster
from barkcluster._clock import clock
from barkcluster.display.progress import progress
from barkcluster.display.terminal import printable, style_for, table
from barkcluster.gallery.evaluation import NONE_OF_THEM, Evaluation

from ._files import Skipped, files_of, no_sessions
from ._gallery import Asked, Reader, named_sessions


def evaluate(args: argparse.Namespace) -> None:
    """Hold out sessions of a folder of folders by name, and print how they are identified."""
    folder = Path(args.evaluate)
    if not folder.is_dir():
        raise ValueError(f"{args.evaluate} is not a folder.")
    if (folder / "gallery.npz").exists():
        raise ValueError(f"--evaluate takes the folder of the sessions; got {args.evaluate}, a "
                         "saved gallery, which has learned them and cannot hold any out.")
    sessions = named_sessions(folder)
    if not sessions:
        raise no_sessions(args.evaluate)
    asked = Asked(files_of(args.on_map), args) if args.on_map else None
    on_map: dict[str, barkcluster.Session] = {}
    if asked is not None:
        with progress(asked.n_files) as step:
            on_map.update(asked.each(step, "reading"))
    gallery = barkcluster.SessionGallery(
        false_alarm_rate=args.false_alarms, reader=Reader(args), n_jobs=args.jobs,
        on_error="raise" if args.strict else "skip")
    # There are no more folds than takes of a name.
    with progress(min(args.folds, max(map(len, sessions.values())))) as step:
        found = gallery.evaluate(sessions, n_folds=args.folds, step=step)
    skipped = Skipped(sum(map(len, sessions.values())), args.strict)
    for path, why in found.skipped.items():
        skipped.add(path, why)
    if args.csv == "-":
        found.to_csv(sys.stdout)
    else:
        _print(found, args)
        if args.csv is not None:
            found.to_csv(args.csv)
    if args.page is not None:
        from barkcluster.display.galleries import places_of, places_of_queries
        from barkcluster.display.report.gallery import write_gallery_report

        gallery.fit(sessions)
        write_gallery_report(found, places_of(gallery), args.page,
                             places_of_queries(gallery, on_map))
    skipped.tell()
    if asked is not None:
        asked.skipped.tell()


def _print(found: Evaluation, args: argparse.Namespace) -> None:
    style = style_for(sys.stdout, args.color)
    rows = [[name, *(str(n) if n else "." for n in counts),
             f"{found.stranger_auc[name]:.2f}" if name in found.stranger_auc else "-"]
            for name, counts in zip(found.names, found.confusion.tolist(), strict=True)]
    print(table(["is, said:", *found.names, NONE_OF_THEM, "AUC as a stranger"], rows, style))
    print(f"\naccuracy (the nearest name is their own): {found.accuracy:.3f}; "
          f"each name counting as one: {found.balanced_accuracy:.3f}\n"
          f"called none of them: {found.false_alarms:.3f}, nominally {found.false_alarm_rate:g}")
    if found.stranger_auc:
        print(f"told from the others while their name is unknown: "
              f"AUC {found.mean_stranger_auc:.3f}")
    if found.mistakes:
        print()
        print(table(
            ["mistaken", "is", "said", "familiarity", "of its own", "listen at"],
            [[a.session, a.truth, a.said, f"{a.familiarity:.2g}", f"{a.familiarity_of_truth:.2g}",
              "-" if np.isnan(a.start) else f"{clock(a.start)} to {clock(a.stop)}"]
             for a in found.mistakes], style, (0, 1, 2, 5)))


def print_strangers(gallery: barkcluster.SessionGallery, asked: Asked,
                    args: argparse.Namespace) -> None:
    """The queries, least like any name first."""
    order = []
    with progress(asked.n_files) as step:
        for path, query in asked.each(step, "ranking"):
            with asked.skipped.tried(path):
                name, familiarity = gallery.rank(query)[0]
                order.append((familiarity, path, name))
    rows = [[path, name, f"{familiarity:.3g}"] for familiarity, path, name in sorted(order)]
    write_rows(["least like anybody known", "nearest", "familiarity"], rows, args)


def write_rows(header: Sequence[str], rows: Sequence[Sequence[str]],
               args: argparse.Namespace) -> None:
    """Print a table, or write it as csv if the options say so."""
    if args.csv is None:
        texts = [i for i, name in enumerate(header) if name != "familiarity"]
        print(table(header, rows, style_for(sys.stdout, args.color), texts))
        return
    names = [word.replace(" ", "_") for word in header]
    if args.csv == "-":
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *rows])
        return
    # A file's name that is not UTF-8 is spelled out.
    with open(args.csv, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        csv.writer(file, lineterminator="\n").writerows([names, *rows])
    print(printable(f"{args.csv}: {len(rows)} rows"))
