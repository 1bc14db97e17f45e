"""From the outcomes of the quality benchmark to its tables and its json."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from . import figures
from .corpora import SPARSE_STEMS, Track
from .figures import between, cell, print_table
from .tasks import AFTER_S, FOUND_WITHIN_S, TASKS, Outcome

GROUPS = ("all", "other", "jam-like")
Figure = tuple[float, float, float]
Result = dict[str, object]


def summarize(outcomes: Sequence[Outcome], calibrations: Sequence[Outcome],
              tracks: Mapping[str, Track]) -> Result:
    """Everything the tables are made of, fit for json.

    Returns
    -------
    result : dict
        ``figures``: a row for each system, seconds of training, column, group of tracks and task,
        with its mean, 95 % interval, 10th and 90th percentile over tracks and the number of
        tracks. ``calibration``, ``agreement``, ``speed`` likewise. ``tracks``: each figure of
        each track. ``errors``: what could not be done.
    """
    rows: list[dict[str, object]] = []
    runs: dict[tuple[str, float], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        runs[outcome.system, outcome.train_s].append(outcome)
    for (system, train_s), run in runs.items():
        for group in GROUPS:
            members = [o for o in run if group in ("all", tracks[o.track].group)]
            for (task, column), figure in _figures(members).items():
                rows.append({"system": system, "train_s": train_s, "group": group,
                             "column": column, "task": task, **figure})
    return {
        "figures": rows,
        "calibration": _calibration(calibrations, tracks),
        "agreement": _agreement(outcomes),
        "speed": [{"system": system, "train_s": train_s,
                   "fit_s": _median([o.fit_s for o in run]),
                   "times_real_time": _median([o.times_real_time for o in run])}
                  for (system, train_s), run in runs.items()],
        "tracks": [{"system": o.system, "train_s": o.train_s, "track": o.track, "column": column,
                    "task": task, "value": value}
                   for o in outcomes for (task, column), value in o.values.items()],
        "errors": [{"system": o.system, "train_s": o.train_s, "track": o.track, "error": o.error}
                   for o in [*outcomes, *calibrations] if o.error],
    }


def show(result: Result, *, columns: bool = False, worst: int = 0) -> None:
    """Print the tables.

    Parameters
    ----------
    result : dict
        From ``summarize``.
    columns : bool
        Each scale and each conversion as a row of its own, beside the answer.
    worst : int
        How many of the worst tracks to list for each task.
    """
    rows = _rows(result, "figures")
    trains = sorted({_f(r, "train_s") for r in rows})
    shown = [*TASKS, "pooled"]
    for train_s in trains:
        everyone = 0
        for group in GROUPS:
            def keep(r: Mapping[str, object], t: float = train_s, g: str = group) -> bool:
                return r["train_s"] == t and r["group"] == g and (columns or r["column"] == "")
            picked = [r for r in rows if keep(r)]
            n = max((int(_f(r, "n")) for r in picked if r["task"] in shown), default=0)
            everyone = max(n, everyone)
            if n and (group == "all" or n < everyone):
                _pivot(f"T = {train_s:g} s, {group}, {n} tracks: mean over tracks and half width"
                       " of its 95 % interval", picked, shown,
                       lambda r: cell(_f(r, "mean"), _f(r, "low"), _f(r, "high")))
                if group != "other":
                    _pivot(f"T = {train_s:g} s, {group}: 10th to 90th percentile of the tracks",
                           picked, list(TASKS), lambda r: between(_f(r, "p10"), _f(r, "p90")))
        _pivot(f"T = {train_s:g} s, intrusions: share of moments under .05 from {AFTER_S[0]:g} to"
               f" {AFTER_S[1]:g} s after one, and of the rest without any",
               [r for r in rows if keep(r, g="all")],
               [f"{task} {what}" for task in ("intrusion2", "intrusion6")
                for what in ("after", "without")],
               lambda r: f"{_f(r, 'mean'):.3f}")
        _pivot(f"T = {train_s:g} s, intrusions: share found within {FOUND_WITHIN_S:g} s (over the"
               " track's own 95 % of novelty; familiarity under .05), median delay in s, and how"
               " often a second without one alarms",
               [r for r in rows if keep(r, g="all")],
               [f"{task} {what}" for task in ("intrusion2", "intrusion6")
                for what in ("found", "found at .05", "delay", "delay at .05", "false")],
               lambda r: f"{_f(r, 'mean'):.2f}")
    if len(trains) > 1:
        _curves(rows, trains)
    _show_calibration(result)
    _show_rest(result)
    _show_tracks(result, worst)


def _figures(run: Sequence[Outcome]) -> dict[tuple[str, str], dict[str, float | int]]:
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    delays: dict[tuple[str, str], list[float]] = defaultdict(list)
    for outcome in run:
        for key, value in outcome.values.items():
            if not np.isnan(value):
                values[key].append(value)
        for key, seconds in outcome.delays.items():
            delays[key] += seconds
    figures_: dict[tuple[str, str], dict[str, float | int]] = {}
    for key, list_ in values.items():
        p10, p90 = np.percentile(list_, [10, 90])
        figures_[key] = _figure(figures.mean_interval(list_), len(list_),
                                float(p10), float(p90))
    for (task, column), seconds in delays.items():
        intrusion, kind = task.split()
        ending = " at .05" if kind == "alarm" else ""
        found = float(np.mean(np.array(seconds) <= FOUND_WITHIN_S + 1e-6))
        # One that is never found has no delay: the median is over all, and inf when most are not.
        for what, value in (("found", found), ("delay", float(np.median(seconds)))):
            figures_[f"{intrusion} {what}{ending}", column] = _figure(
                (value, float("nan"), float("nan")), len(seconds))
    for column in {c for o in run for c in o.usual}:
        both = [o for o in run if column in o.usual and column in o.strange]
        if both:
            figures_["pooled", column] = _figure(figures.pooled_auc(
                [o.usual[column] for o in both], [o.strange[column] for o in both]), len(both))
    return figures_


def _figure(figure: Figure, n: int, p10: float = float("nan"),
            p90: float = float("nan")) -> dict[str, float | int]:
    return {"mean": figure[0], "low": figure[1], "high": figure[2], "p10": p10, "p90": p90, "n": n}


def _calibration(outcomes: Sequence[Outcome],
                 tracks: Mapping[str, Track]) -> list[dict[str, object]]:
    values: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for outcome in outcomes:
        for (what, column), value in outcome.values.items():
            for group in ("all", tracks[outcome.track].group):
                values[outcome.system, group, column, what].append(value)
    return [{"system": system, "group": group, "column": column, "what": what,
             **_figure(figures.mean_interval(list_), len(list_))}
            for (system, group, column, what), list_ in values.items()]


def _agreement(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """Rank correlation of two systems over the rows of a track and its strangers."""
    by_track: dict[tuple[str, float], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.strange:
            by_track[outcome.track, outcome.train_s].append(outcome)
    values: dict[tuple[float, str, str], list[float]] = defaultdict(list)
    for (_, train_s), run in by_track.items():
        rows = [np.concatenate([o.usual[""], o.strange[""]]) for o in run]
        for i, a in enumerate(run):
            for j, b in enumerate(run[:i]):
                if len(rows[i]) == len(rows[j]):
                    values[train_s, b.system, a.system].append(
                        figures.spearman(rows[i], rows[j]))
    return [{"train_s": train_s, "a": a, "b": b, "spearman": float(np.nanmean(list_)),
             "n": len(list_)} for (train_s, a, b), list_ in values.items()]


def _pivot(title: str, rows: Sequence[Mapping[str, object]], tasks: Sequence[str],
           text: Callable[[Mapping[str, object]], str]) -> None:
    cells = {(str(r["system"]), str(r["column"]), str(r["task"])): text(r) for r in rows}
    systems = dict.fromkeys((system, column) for system, column, _ in cells)
    print_table(title, ["", *tasks],
                [[f"{system} {column}".strip(), *(cells.get((system, column, t), "-")
                                                  for t in tasks)]
                 for system, column in systems])


def _curves(rows: Sequence[Mapping[str, object]], trains: Sequence[float]) -> None:
    for task in ("hard", "easy", "order", "shuffle", "pooled"):
        picked = [{**r, "task": f"T = {_f(r, 'train_s'):g}"} for r in rows
                  if r["task"] == task and r["group"] == "all" and r["column"] == ""]
        _pivot(f"{task} over seconds of training", picked, [f"T = {t:g}" for t in trains],
               lambda r: cell(_f(r, "mean"), _f(r, "low"), _f(r, "high")))


def _show_calibration(result: Result) -> None:
    rows = _rows(result, "calibration")
    everyone = sum(r["group"] == "all" for r in rows)
    for group in GROUPS:
        picked = [{**r, "task": r["what"]} for r in rows if r["group"] == group]
        if picked and (group == "all" or len(picked) < everyone):
            n = max(int(_f(r, "n")) for r in picked)
            _pivot(f"Calibration on a held-out middle block, {group}, {n} tracks: .05, .20 and .50"
                   " are right", picked, ["below .05", "below .2", "median"],
                   lambda r: cell(_f(r, "mean"), _f(r, "low"), _f(r, "high")))


def _show_rest(result: Result) -> None:
    agreement = _rows(result, "agreement")
    for train_s in sorted({_f(r, "train_s") for r in agreement}):
        picked = [r for r in agreement if r["train_s"] == train_s]
        names = list(dict.fromkeys(str(r[side]) for r in picked for side in "ab"))
        values = {(str(r["a"]), str(r["b"])): f"{_f(r, 'spearman'):.2f}" for r in picked}
        print_table(f"T = {train_s:g} s: rank correlation between systems", ["", *names],
                    [[a, *(values.get((a, b), values.get((b, a), "-")) for b in names)]
                     for a in names])
    speed = sorted(_rows(result, "speed"), key=lambda r: _f(r, "train_s"))
    print_table("Speed, median over tracks", ["", "T", "fit, s", "scoring, x real time"],
                [[str(r["system"]), f"{_f(r, 'train_s'):g}", f"{_f(r, 'fit_s'):.3f}",
                  f"{_f(r, 'times_real_time'):.0f}"] for r in speed])
    errors = _rows(result, "errors")
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in errors:
        counts[str(row["system"]), str(row["error"])] += 1
    for (system, error), n in counts.items():
        print(f"\n{system} failed on {n}: {error}")


def _show_tracks(result: Result, worst: int) -> None:
    rows = [r for r in _rows(result, "tracks") if r["column"] == "" and r["task"] in TASKS]
    for train_s in sorted({_f(r, "train_s") for r in rows}):
        mine = [r for r in rows if r["train_s"] == train_s]
        systems = list(dict.fromkeys(str(r["system"]) for r in mine))
        for task in ("hard", "shuffle"):
            stems = [{**r, "system": r["track"], "task": r["system"]} for r in mine
                     if r["task"] == task and SPARSE_STEMS.search(str(r["track"]).split("/")[1])]
            _pivot(f"T = {train_s:g} s, {task}: drum and voice stems", stems, systems,
                   lambda r: f"{_f(r, 'value'):.2f}")
        for system in systems if worst else ():
            print(f"\nT = {train_s:g} s, {system}: worst tracks")
            for task in TASKS:
                picked = sorted((r for r in mine if r["task"] == task and r["system"] == system
                                 and not np.isnan(_f(r, "value"))), key=_badness)[:worst]
                if picked:
                    print(f"  {task:10} " + ", ".join(
                        f"{r['track']} {_f(r, 'value'):.2f}" for r in picked))


def _badness(row: Mapping[str, object]) -> float:
    """Small for a bad figure; where .5 is best, far from it is bad."""
    value = _f(row, "value")
    return -abs(value - 0.5) if row["task"] in TASKS[-4:] else value


def _rows(result: Result, what: str) -> list[dict[str, object]]:
    rows = result[what]
    assert isinstance(rows, list)
    return rows


def _f(row: Mapping[str, object], what: str) -> float:
    value = row[what]
    assert isinstance(value, (int, float))
    return float(value)


def _median(values: Sequence[float]) -> float:
    kept = [v for v in values if not np.isnan(v)]
    return float(np.median(kept)) if kept else float("nan")
