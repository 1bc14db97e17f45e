"""A session and its timeline in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from barkcluster._extras import missing_extra

from .bars import Mark
from .levels import level_columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from barkcluster.frames.session import Session
    from barkcluster.model.timeline import Timeline

_MOST_COLUMNS = 2000


def check_picture(path: str) -> None:
    """Raise before the work, rather than after it, if no picture can be drawn to a file.

    Parameters
    ----------
    path : str
        Its suffix says what kind of picture; without one it gets ``.png``.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If matplotlib draws no such pictures.
    """
    kinds = _figure_class()(figsize=(1, 1)).canvas.get_supported_filetypes()
    kind = PurePath(path).suffix.lower().removeprefix(".")
    if kind and kind not in kinds:
        raise ValueError(f"{path} must be a picture, such as png, svg or pdf; got .{kind}.")


def timeline_picture(session: Session, timeline: Timeline, *, marks: Sequence[Mark] = (),
                     title: str = "") -> Figure:
    """Draw the frames above the familiarity over the same time.

    Parameters
    ----------
    session : Session
        What was scored.
    timeline : Timeline
        Its familiarity, by the same clock.
    marks : sequence of Mark
        Stretches to point out.
    title : str, default=""
        Text above the picture.

    Returns
    -------
    figure : matplotlib Figure
        For ``figure.savefig``. Needs the extra ``plot``.
    """
    figure = _figure_class()(figsize=(10, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.2])
    # More columns than the picture has dots only cost time.
    levels, start, stop = level_columns(session, _MOST_COLUMNS)
    above.imshow(levels.T, origin="lower", aspect="auto", cmap="magma",
                 vmin=float(np.nanpercentile(levels, 2)), vmax=float(np.nanmax(levels)),
                 extent=(start, stop, 0.5, session.n_bands + 0.5))
    above.set_ylabel("Bark band")
    timeline.plot(below)
    for mark in marks:
        below.axvspan(mark.start, mark.stop, color="black", alpha=0.12, linewidth=0)
        above.annotate(plain_text(mark.label), ((mark.start + mark.stop) / 2, 1.02),
                       xycoords=("data", "axes fraction"), ha="center", fontsize=8)
    below.set_xlim(float(timeline.times[0]), float(timeline.times[-1]))
    if title:
        figure.suptitle(plain_text(title), fontsize=11)
    return figure


def plain_text(text: str) -> str:
    """Text that matplotlib draws as it is: no mathematics, and nothing that is not UTF-8."""
    return text.replace("$", r"\$").encode("utf-8", errors="replace").decode("utf-8")


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("A picture", "matplotlib", "plot") from error
    return Figure
