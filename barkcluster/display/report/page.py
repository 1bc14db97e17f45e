"""The report as one HTML page that loads nothing, from the network or from other files.

Names and other text of users are escaped, and the page's content security policy lets no script
run but its own.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from barkcluster._clock import clock
from barkcluster._familiarity import STRANGE, shown_familiarity
from barkcluster._typing import FloatArray
from barkcluster.display.chart import policy_hash, shared
from barkcluster.display.islands import IslandMap
from barkcluster.display.levels import level_columns
from barkcluster.files.atomic import replace_file
from barkcluster.frames.resampling import rows_at
from barkcluster.frames.session import Session
from barkcluster.model.timeline import Timeline
from barkcluster.motifs.search import Motif

from .contents import SessionReport

_MOST_ROWS = 20_000
_LEVEL_COLUMNS = 1500
_MAP_SIZE = 420
_MAP_TILES = 28
_MOST_PATH = 400
# Sea, beach, grass, forest, rock: as the plots have them.
_ISLAND_STOPS = (0.0, 0.25, 0.38, 0.45, 0.6, 0.8, 1.0)
_ISLAND_COLORS = ((23, 63, 107), (47, 118, 173), (143, 193, 217), (236, 223, 174),
                  (156, 194, 106), (77, 138, 74), (205, 196, 186))


def write_report(reports: Sequence[SessionReport], path: str | os.PathLike[str]) -> None:
    """Write a page about sessions. An older one stays until all of the new one is written.

    Parameters
    ----------
    reports : sequence of SessionReport
        At least one.
    path : path-like
        An .html file.
    """
    with replace_file(path) as file:
        # A name that is not UTF-8 is shown with replacements.
        file.write(report_html(reports).encode("utf-8", errors="replace"))


def report_html(reports: Sequence[SessionReport]) -> str:
    """The page as text.

    Parameters
    ----------
    reports : sequence of SessionReport
        At least one.

    Returns
    -------
    html : str
    """
    if not reports:
        raise ValueError("reports must hold at least one; got none.")
    script, style = (shared(kind) + _template(f"report.{kind}") for kind in ("js", "css"))
    names = [_shown_name(report.session) for report in reports]
    title = names[0] if len(names) == 1 else f"{len(names)} sessions"
    policy = (f"default-src 'none'; base-uri 'none'; form-action 'none'; "
              f"script-src {policy_hash(script)}; style-src {policy_hash(style)}")
    contents = "" if len(reports) == 1 else "<nav aria-label='Sessions'><ul>" + "".join(
        f"<li><a href='#session-{i}'><bdi>{escape(name)}</bdi></a></li>"
        for i, name in enumerate(names)) + "</ul></nav>"
    sections = "".join(_section(i, report) for i, report in enumerate(reports))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}: familiarity</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">To the sessions</a>
<header>
<h1>How familiar: <bdi>{escape(title)}</bdi></h1>
<button type="button" id="theme" aria-pressed="false" hidden>Dark / light</button>
</header>
<main id="main">
<p class="soft">Familiarity compares a moment with the music that was learned: it is the share of
that music, held out from learning for the comparison, that is at least as strange. 0.5 is typical
of it, near 1 was heard before, 0.05 is stranger than 95 % of it.</p>
{contents}
{sections}
</main>
<footer><p>Made by barkcluster. This page is complete: it loads nothing.</p></footer>
<noscript><p>The chart needs JavaScript; the tables do not.</p></noscript>
<script>{script}</script>
</body>
</html>
"""


def _section(i: int, report: SessionReport) -> str:
    session, timeline = report.session, report.timeline
    low = float(np.mean(timeline.familiarity < STRANGE))
    figures = [("length", clock(session.duration)),
               ("mean familiarity", f"{timeline.familiarity.mean():.2f}"),
               (f"strange (below {STRANGE:g})", f"{low:.0%}"),
               ("tempo", _tempo_figure(report))]
    return f"""<section class="session" id="session-{i}" aria-labelledby="name-{i}">
<h2 id="name-{i}"><bdi>{escape(_shown_name(session))}</bdi></h2>
<p class="soft">Judged by what was learned of <bdi>{escape(report.learned_from)}</bdi>.</p>
<dl class="figures">{"".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in figures)}</dl>
<h3 id="time-{i}">Familiarity over time</h3>
<p class="soft" id="help-{i}">From top to bottom: levels of the Bark bands; familiarity, with a
dotted line at {STRANGE:g}; a stripe for each window length, red where it is strange and blue where
it was heard before; where motifs occur. Click or tap to read a moment, drag to move. Keys: arrows
move (with Shift further), + and - zoom, 0 shows all. Ctrl and the wheel, or two fingers, zoom.</p>
<div class="tools" role="group" aria-label="Zoom">
<button type="button" data-act="in">Zoom in</button>
<button type="button" data-act="out">Zoom out</button>
<button type="button" data-act="back" aria-label="Earlier">←</button>
<button type="button" data-act="on" aria-label="Later">→</button>
<button type="button" data-act="all">Show all</button>
<button type="button" data-act="table">Save as table</button>
</div>
<canvas tabindex="0" role="application" aria-labelledby="time-{i}" aria-describedby="help-{i}"
></canvas>
<output aria-live="polite">Choose a moment to read its numbers here; the least familiar one is
chosen at the start.</output>
<script type="application/json">{_data(report)}</script>
{_moments(report)}
{_motifs(report.motifs)}
<div class="columns"><div>{_map(i, report.islands)}</div><div>{_tempi(report)}</div></div>
<details><summary>The numbers behind it</summary><div class="scroll"><table>
<caption>Lengths, means and shares</caption><tbody>{"".join(
    f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in report.numbers)}
</tbody></table></div></details>
</section>
"""


def _moments(report: SessionReport) -> str:
    rows = "".join(
        f"<tr><td>{_time_button(m.start, m.stop)}</td>"
        f'<td class="number">{shown_familiarity(m.familiarity)}</td>'
        f'<td class="why">{escape(m.because)}</td></tr>' for m in report.moments)
    caption = (f"Below {STRANGE:g}, strangest first" if report.moments[0].familiarity < STRANGE
               else f"Nothing was below {STRANGE:g}: the least familiar moment")
    return f"""<h3>What was strange</h3><div class="scroll"><table class="moments">
<caption>{caption}; the buttons show the moment in the chart</caption>
<thead><tr><th scope="col">when</th><th scope="col" class="number">familiarity</th>
<th scope="col">why</th></tr></thead><tbody>{rows}</tbody></table></div>"""


def _motifs(motifs: Sequence[Motif]) -> str:
    if not motifs:
        return "<h3>Motifs</h3><p>Nothing recurs clearly enough to be called a motif.</p>"
    rows = "".join(
        f'<tr><th scope="row">#{i + 1}</th><td class="number">{motif.length:.1f} s</td>'
        f'<td class="where">'
        f"{''.join(_time_button(s, s + motif.length, short=True) for s in motif.starts)}</td>"
        f'<td class="number">{motif.similarity:.2f}<span class="unit"> alike</span></td>'
        f'<td class="number">{_bpm(motif.bpm)}<span class="unit"> bpm</span></td></tr>'
        for i, motif in enumerate(motifs))
    return f"""<h3>Motifs</h3><div class="scroll"><table class="motifs">
<caption>What recurs; each row is a lane of the chart</caption>
<thead><tr><th scope="col">motif</th><th scope="col" class="number">length</th>
<th scope="col">where</th><th scope="col" class="number">alike</th>
<th scope="col" class="number">bpm</th></tr></thead><tbody>{rows}</tbody></table></div>"""


def _map(i: int, islands: IslandMap | None) -> str:
    if islands is None:
        return "<h3>Map</h3><p>The session is too short for a map.</p>"
    down, across = islands.histogram.shape
    # Squares finer than the units, blurred, so that islands have smooth shores. Some lie outside
    # of the picture, or the blur would fade at its edge.
    places = np.arange(-2, _MAP_TILES + 2)
    rows, columns = ((places + 0.5) * n / _MAP_TILES - 0.5 for n in (down, across))
    heights = rows_at(rows_at(islands.histogram, rows).T, columns).T
    tile = _MAP_SIZE / _MAP_TILES
    tiles = "".join(
        f'<rect x="{(c - 2) * tile:g}" y="{(r - 2) * tile:g}" width="{tile:g}" height="{tile:g}" '
        f'fill="{_island_color(float(h))}"/>' for (r, c), h in np.ndenumerate(heights))
    unit = np.array([_MAP_SIZE / across, _MAP_SIZE / down])
    tallest = float(np.percentile(np.abs(islands.spectra), 99)) or 1.0
    along = np.linspace(-0.36, 0.36, islands.spectra.shape[2])
    spectra = ""
    for r in range(down):
        for c in range(across):
            height = -0.36 * np.clip(islands.spectra[r, c] / tallest, -1, 1)
            points = (np.column_stack([c + along, r + height]) + 0.5) * unit
            spectra += f'<polyline points="{_points(points)}"/>'
    points = (islands.path[:, ::-1] + 0.5) * unit
    points = points[::max(1, len(points) // _MOST_PATH)]
    return f"""<h3 id="map-{i}">Map</h3>
<svg class="map" viewBox="0 0 {_MAP_SIZE} {_MAP_SIZE}" role="img" aria-labelledby="map-{i}"
 aria-describedby="mapped-{i}"><defs><filter id="shore-{i}"><feGaussianBlur
 stdDeviation="{0.7 * tile:g}"/></filter></defs><g filter="url(#shore-{i})">{tiles}</g>
<g fill="none" stroke="#fff" stroke-width="2.6" stroke-opacity=".7">{spectra}</g>
<g fill="none" stroke="#111" stroke-width="1.1">{spectra}</g>
<polyline points="{_points(points)}" fill="none" stroke="#7a1fa2" stroke-width="1.4"
 stroke-opacity=".5" stroke-linejoin="round"/>
<circle class="here" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="7" fill="#ff9b3d"
 stroke="#111" stroke-width="1.5"/></svg>
<p class="soft" id="mapped-{i}">Sounds of 3 s, those that are alike near each other: islands where
there are many, sea where there are few. Each small curve is the spectrum of the sounds there, low
bands on the left. The line is the session's way over the map; the dot is the moment chosen in the
chart.</p>"""


def _tempi(report: SessionReport) -> str:
    if report.tempo is None:
        return "<h3>Tempo</h3><p>The session is too short for a tempo.</p>"
    tempo = report.tempo
    if np.isnan(tempo.bpm):
        text = "<p>The session has no beat that could be found.</p>"
    else:
        candidates = ", ".join(f"{_bpm(c.bpm)} ({c.share:.0%})" for c in tempo.candidates[:4])
        text = (f"<p>The whole session: {_bpm(tempo.bpm)} beats per minute, with a confidence of "
                f"{tempo.confidence:.2f}; 1 is certain. Tempi that the evidence is for, and its "
                f"share for each: {candidates}.</p>")
    rows = "".join(
        f"<tr><td>{_time_button(a, b)}</td><td class='number'>{_bpm(part.bpm)}</td>"
        f"<td class='number'>{part.confidence:.2f}</td></tr>" for a, b, part in report.tempi)
    table = "" if not rows else f"""<div class="scroll"><table>
<caption>The tempo of parts of the session, each estimated from that part alone; the buttons show
the part in the chart</caption>
<thead><tr><th scope="col">part</th><th scope="col" class="number">bpm</th>
<th scope="col" class="number">confidence</th></tr></thead><tbody>{rows}</tbody></table></div>"""
    return f"<h3>Tempo</h3>{text}{table}"


def _data(report: SessionReport) -> str:
    """What the script draws, as JSON that cannot end its element."""
    session, (timeline, step) = report.session, _thinned(report.timeline)
    path: dict[str, list[float]] | None = None
    if report.islands is not None:
        down, across = report.islands.histogram.shape
        points = (report.islands.path[:, ::-1] + 0.5) * [_MAP_SIZE / across, _MAP_SIZE / down]
        path = {"times": _rounded(report.islands.times), "x": _rounded(points[:, 0], 4),
                "y": _rounded(points[:, 1], 4)}
    times = _rounded(timeline.times, 7)
    data = {
        "start": session.start,
        "duration": session.span,
        "learned": report.learned_s,
        "step": step,
        "times": times,
        "familiarity": _rounded(timeline.familiarity),
        "by_scale": [[None if np.isnan(v) else v for v in _rounded(column)]
                     for column in timeline.by_scale.T],
        "scales": [float(s) for s in timeline.scales],
        "strangest": times[int(np.argmin(timeline.familiarity))],
        "motifs": [{"length": float(m.length), "starts": [float(s) for s in m.starts]}
                   for m in report.motifs],
        "levels": _levels(session),
        "path": path,
    }
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _levels(session: Session) -> dict[str, object]:
    """The frames as bytes, column by column, lowest band first."""
    levels, start, stop = level_columns(session, _LEVEL_COLUMNS)
    low, high = float(np.nanpercentile(levels, 2)), float(np.nanmax(levels))
    scaled = np.clip((np.nan_to_num(levels, nan=low) - low) / max(high - low, 1e-9), 0.0, 1.0)
    pixels = np.round(255 * scaled).astype(np.uint8)
    return {"columns": len(levels), "bands": session.n_bands, "duration": stop - start,
            "pixels": base64.b64encode(pixels.tobytes()).decode("ascii")}


def _thinned(timeline: Timeline) -> tuple[Timeline, float]:
    """At most `_MOST_ROWS` rows, and the most seconds that are between two without a pause.

    Of each stretch the strangest row is kept, so that no strange moment goes missing.
    """
    step = timeline.step if len(timeline) > 1 else 0.1
    every = -(-len(timeline) // _MOST_ROWS)
    if every <= 1:
        return timeline, step
    starts = np.arange(0, len(timeline), every)
    rows = np.array([s + int(np.argmin(timeline.familiarity[s:s + every])) for s in starts])
    # From the first of one stretch to the last of the next: a line must not break there.
    return Timeline(timeline.times[rows], timeline.familiarity[rows], timeline.by_scale[rows],
                    timeline.scales), (2 * every - 1) * step


def _island_color(height: float) -> str:
    channels = (np.interp(height, _ISLAND_STOPS, channel)
                for channel in zip(*_ISLAND_COLORS, strict=True))
    return "#" + "".join(f"{round(float(c)):02x}" for c in channels)


def _points(points: FloatArray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points.tolist())


def _rounded(values: FloatArray, digits: int = 3) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values.tolist()]


def _time_button(start: float, stop: float, *, short: bool = False) -> str:
    text = clock(start) if short else f"{clock(start, 1)}–{clock(stop, 1)}"
    return (f'<button type="button" class="time" data-start="{start:.2f}" '
            f'data-stop="{stop:.2f}" aria-label="show {clock(start, 1)} to {clock(stop, 1)}">'
            f"{text}</button>")


def _tempo_figure(report: SessionReport) -> str:
    if report.tempo is None or np.isnan(report.tempo.bpm):
        return "–"
    return f"{_bpm(report.tempo.bpm)} bpm"


def _bpm(bpm: float) -> str:
    return "–" if np.isnan(bpm) else f"{bpm:.0f}"


def _shown_name(session: Session) -> str:
    return session.name or "session"


def _template(name: str) -> str:
    return (files("barkcluster.display.report") / name).read_text(encoding="utf-8")
