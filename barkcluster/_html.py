"""How results show themselves in a notebook: small inline SVG, nothing loaded, nothing run."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from ._familiarity import STRANGE
from ._typing import FloatArray

WIDTH = 640
# Strange, typical, heard before: as on the pages.
_FAMILIARITY = np.array([[200, 49, 72], [226, 220, 200], [30, 110, 165]], dtype=float)
# Soft to loud.
_LEVEL = np.array([[10, 8, 30], [90, 25, 110], [205, 65, 80], [252, 170, 90], [252, 250, 190]],
                  dtype=float)


def card(title: str, facts: Sequence[tuple[str, str]], drawing: str = "") -> str:
    """A title, facts in a row, and a drawing below.

    Parameters
    ----------
    title : str
        Text, as are the facts: shown, not obeyed.
    facts : sequence of (str, str)
        Name and value of each.
    drawing : str, default=""
        SVG or HTML of this module.

    Returns
    -------
    html : str
    """
    said = " · ".join(f"{_shown(name)} <b>{_shown(value)}</b>" for name, value in facts)
    return (f'<div style="max-width:{WIDTH}px;font-family:sans-serif"><div><b>{_shown(title)}</b>'
            f'</div><div style="font-size:85%">{said}</div>{drawing}</div>')


def svg(height: float, *parts: str, label: str) -> str:
    """A drawing as wide as the card.

    Parameters
    ----------
    height : float
        In the drawing's units, of which a card is `WIDTH` wide.
    *parts : str
        Its elements.
    label : str
        What it shows, for those who do not see it.

    Returns
    -------
    html : str
    """
    return (f'<svg viewBox="0 0 {WIDTH} {height:g}" width="100%" role="img" '
            f'aria-label="{_shown(label)}" style="color:inherit">{"".join(parts)}</svg>')


def words_at(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Words at a point."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="currentColor" '
            f'text-anchor="{anchor}">{_shown(words)}</text>')


def pixels_at(pixels: npt.NDArray[np.uint8], x: float, y: float, width: float, height: float
              ) -> str:
    """An array of shape (rows, columns, 3) as a picture, the first row above."""
    data = base64.b64encode(_png(pixels)).decode("ascii")
    return (f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            f'preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>')


def curve_over(values: FloatArray, x: float, y: float, width: float, height: float) -> str:
    """Values from 0 to 1 over the width, 1 above; nan is a break; a dotted line is 0.05."""
    lines: list[list[str]] = []
    points: list[str] = []
    for i, value in enumerate(values.tolist()):
        if np.isnan(value):
            lines.append(points)
            points = []
        else:
            points.append(f"{x + (i + 0.5) * width / len(values):.1f},"
                          f"{y + (1 - value) * height:.1f}")
    lines.append(points)
    drawn = "".join(f'<polyline points="{" ".join(line)}" fill="none" stroke="currentColor" '
                    f'stroke-width="1.2"/>' for line in lines if line)
    low = y + (1 - STRANGE) * height
    return (f'<line x1="{x:g}" x2="{x + width:g}" y1="{low:.1f}" y2="{low:.1f}" '
            f'stroke="#b3243c" stroke-dasharray="2 3"/>{drawn}')


def level_pixels(levels: FloatArray) -> npt.NDArray[np.uint8]:
    """Levels in dB, of shape (columns, bands), as a picture with the lowest band below."""
    known = levels[np.isfinite(levels)]
    low, high = (np.percentile(known, 2), known.max()) if len(known) else (0.0, 1.0)
    return _colored(np.flipud((levels.T - low) / max(high - low, 1e-9)), _LEVEL)


def familiarity_pixels(familiarity: FloatArray) -> npt.NDArray[np.uint8]:
    """Familiarities of shape (rows, columns) as a picture; nan is gray."""
    return _colored(familiarity, _FAMILIARITY)


def lowest(values: FloatArray, columns: int) -> FloatArray:
    """At most so many values, each the lowest of its stretch; nan where none is known."""
    if len(values) <= columns:
        return values
    starts = np.linspace(0, len(values), columns, endpoint=False).astype(int)
    least = np.minimum.reduceat(np.where(np.isnan(values), np.inf, values), starts)
    return np.where(np.isinf(least), np.nan, least)


def _colored(shares: FloatArray, colors: FloatArray) -> npt.NDArray[np.uint8]:
    at = np.linspace(0.0, 1.0, len(colors))
    shown = np.stack([np.interp(np.nan_to_num(shares, nan=0.5), at, channel)
                      for channel in colors.T], axis=-1)
    shown[np.isnan(shares)] = 200
    return np.round(shown).astype(np.uint8)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    # Each row begins with the filter that it was stored with: none.
    rows = b"".join(b"\x00" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0,
                                                              0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def _shown(words: str) -> str:
    return escape(words.encode("utf-8", "replace").decode())
