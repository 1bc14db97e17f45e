"""A page about how well a gallery names sessions: the confusion, a map, the mistakes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from barkcluster._clock import clock
from barkcluster._typing import FloatArray
from barkcluster.display.chart import policy_hash
from barkcluster.files.atomic import replace_file
from barkcluster.gallery.evaluation import NONE_OF_THEM, Answer, Evaluation

_SIZE = 460
_MARGIN = 14
_STAR = "M{x:.1f} {y:.1f}m0 -11l3 8h8l-6 5l2 8l-7 -5l-7 5l2 -8l-6 -5h8z"
_STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.45; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; }
.scroll { overflow-x: auto; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-top: 1px solid #8886;
  vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.right { font-weight: 700; }
svg.map { width: 100%; max-width: 32rem; height: auto; border: 1px solid #8886;
  border-radius: 6px; }
.map circle { stroke: currentColor; stroke-opacity: .6; }
.map circle:hover, .map path:hover { stroke: currentColor; stroke-opacity: 1; stroke-width: 3; }
ul.names { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: 0;
  overflow-wrap: anywhere; }
.names svg { width: .8em; height: .8em; margin-right: .4em; }
"""


def write_gallery_report(evaluation: Evaluation, places: Mapping[str, FloatArray],
                         path: str | os.PathLike[str],
                         queries: Mapping[str, FloatArray] | None = None) -> None:
    """Write a page about a gallery; it takes the place of an older one when it is all there.

    Parameters
    ----------
    evaluation : Evaluation
    places : dict of str to ndarray of shape (n_takes, 2)
        Where each name's sessions lie, by `places_of`.
    path : path-like
        An .html file.
    queries : dict of str to ndarray of shape (2,), optional
        Where sessions lie that were asked about, by `places_of_queries`.
    """
    with replace_file(path) as file:
        # A name that is not UTF-8 is shown with replacements.
        file.write(gallery_html(evaluation, places, queries).encode("utf-8", errors="replace"))


def gallery_html(evaluation: Evaluation, places: Mapping[str, FloatArray],
                 queries: Mapping[str, FloatArray] | None = None) -> str:
    """The page as text, without scripts; it loads nothing.

    Parameters
    ----------
    evaluation : Evaluation
    places : dict of str to ndarray of shape (n_takes, 2)
        As in `write_gallery_report`.
    queries : dict of str to ndarray of shape (2,), optional
        Likewise.

    Returns
    -------
    html : str
    """
    policy = ("default-src 'none'; base-uri 'none'; form-action 'none'; "
              f"style-src {policy_hash(_STYLE)}")
    auc = evaluation.mean_stranger_auc
    known = "" if np.isnan(auc) else (
        " Sessions of a name that the gallery does not know are told from those of the others "
        f"with an AUC of {auc:.2f}; 0.5 is chance.")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sessions by name</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Sessions by name</h1>
<p>{len(evaluation.answers)} sessions were held out, whole, and named by a gallery that had learned
the others. For {evaluation.accuracy:.0%} of them the nearest name is their own;
{evaluation.false_alarms:.0%} are called none of them, nominally
{evaluation.false_alarm_rate:.0%}.{known}</p>
{_confusion(evaluation)}
<h2>Which sessions are alike</h2>
{_map(places, queries or {})}
{_table("Mistakes, the most confident first", evaluation.mistakes)}
{_table("All sessions", evaluation.answers)}
</body>
</html>
"""


def _confusion(evaluation: Evaluation) -> str:
    said = [*evaluation.names, NONE_OF_THEM]
    head = "".join(f"<th scope='col' class='number'><bdi>{escape(name)}</bdi></th>"
                   for name in said)
    rows = []
    for name, counts in zip(evaluation.names, evaluation.confusion.tolist(), strict=True):
        cells = "".join(
            f"<td class='number{' right' if other == name else ''}' "
            f"title='{escape(f'{n} of {name}, said: {other}', quote=True)}'>{n or ''}</td>"
            for other, n in zip(said, counts, strict=True))
        auc = evaluation.stranger_auc.get(name)
        rows.append(f"<tr><th scope='row'><bdi>{escape(name)}</bdi></th>{cells}"
                    f"<td class='number'>{'' if auc is None else f'{auc:.2f}'}</td></tr>")
    return ("<p>Rows: the name that sessions belong to; columns: the name that was said. AUC as a "
            "stranger: how well they are told from the others while their name is unknown.</p>"
            "<div class='scroll'><table>"
            f"<tr><td></td>{head}<th scope='col' class='number'>AUC as a stranger</th></tr>"
            f"{''.join(rows)}</table></div>")


def _map(places: Mapping[str, FloatArray], queries: Mapping[str, FloatArray]) -> str:
    """Each session a point in the color of its name, the names, and a table of the same."""
    points = np.concatenate([*places.values(), *(place[None] for place in queries.values())])
    low = points.min(axis=0)
    extent = np.maximum(np.ptp(points, axis=0), 1e-9)

    def at(place: FloatArray) -> tuple[float, float]:
        x, y = _MARGIN + (_SIZE - 2 * _MARGIN) * (place - low) / extent
        return float(x), float(_SIZE - y)

    shapes, rows, names = [], [], []
    for i, (name, takes) in enumerate(places.items()):
        # The golden angle keeps neighbors in the list apart.
        color = f"hsl({i * 137.5 % 360:.0f} 65% {(45, 60, 35)[i % 3]}%)"
        names.append("<li><svg viewBox='0 0 10 10' aria-hidden='true'><rect width='10' "
                     f"height='10' fill='{color}'/></svg><bdi>{escape(name)}</bdi></li>")
        for j, place in enumerate(takes):
            x, y = at(place)
            shapes.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='6' fill='{color}'>"
                          f"<title>{escape(name)}, session {j + 1}</title></circle>")
            rows.append((f"{name}, session {j + 1}", place))
    for called, place in queries.items():
        x, y = at(place)
        shapes.append(f"<path d='{_STAR.format(x=x, y=y)}' fill='currentColor'>"
                      f"<title>{escape(called)}, asked about</title></path>")
        rows.append((f"{called}, asked about", place))
    cells = "".join(f"<tr><td><bdi>{escape(what)}</bdi></td><td class='number'>{x:.2f}</td>"
                    f"<td class='number'>{y:.2f}</td></tr>" for what, (x, y) in rows)
    stars = " A star is a session that was asked about." if queries else ""
    return ("<p>Each point is a session in the color of its name; sessions near each other are "
            f"alike.{stars} With the mouse on a point, it says which session it is.</p>"
            f"<svg class='map' viewBox='0 0 {_SIZE} {_SIZE}' role='img' "
            f"aria-label='Sessions as points; near ones are alike'>{''.join(shapes)}</svg>"
            f"<ul class='names'>{''.join(names)}</ul>"
            "<details><summary>The same as a table</summary><div class='scroll'><table><tr>"
            "<th>session</th><th class='number'>across</th><th class='number'>up</th></tr>"
            f"{cells}</table></div></details>")


def _table(caption: str, answers: Sequence[Answer]) -> str:
    if not answers:
        return ""
    rows = "".join(
        f"<tr><td><bdi>{escape(a.session)}</bdi></td><td><bdi>{escape(a.truth)}</bdi></td>"
        f"<td><bdi>{escape(a.said)}</bdi></td><td><bdi>{escape(a.nearest)}</bdi></td>"
        f"<td class='number'>{a.familiarity:.2g}</td>"
        f"<td class='number'>{a.familiarity_of_truth:.2g}</td><td>{_seconds(a)}</td></tr>"
        for a in answers)
    return (f"<h2>{caption}</h2><p>Listen at the seconds that are most like the nearest name and "
            "least like its own.</p><div class='scroll'><table><tr><th>session</th>"
            "<th>belongs to</th><th>said</th><th>nearest name</th>"
            "<th class='number'>familiarity to it</th><th class='number'>to its own</th>"
            f"<th>listen at</th></tr>{rows}</table></div>")


def _seconds(answer: Answer) -> str:
    if np.isnan(answer.start):
        return ""
    return f"{clock(answer.start)} to {clock(answer.stop)}"
