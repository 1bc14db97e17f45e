"""Draw the pictures of README.md and the documentation from a built-in jam.

    python docs/make_figures.py

Needs the extra `plot`.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import barkcluster
from barkcluster import synthetic
from barkcluster.display.bars import Mark
from barkcluster.display.picture import timeline_picture

FOLDER = Path(__file__).parent / "_static"


def main() -> None:
    """Write ``_static/demo.png`` and ``_static/surprise.png``."""
    FOLDER.mkdir(exist_ok=True)
    session, known = synthetic.make_session(4, random_state=0)
    heard, rest = (session.between(0, known.clean_stop),
                   session.between(known.clean_stop, session.duration))
    model = barkcluster.FamiliarityModel("knn", random_state=0).fit(heard)
    timeline = model.timeline(rest)
    timeline = replace(timeline, times=timeline.times + known.clean_stop)
    save(timeline_picture(
        session, timeline, marks=[Mark(s.start, s.stop, s.kind) for s in known.surprises],
        title="A synthetic jam after 1:36 min of listening; what intrudes is shaded"), "demo.png")
    save(surprise_picture(), "surprise.png")


def surprise_picture() -> Figure:
    """Two seconds of another band: what the moment says, and two of its scales."""
    jam, _ = synthetic.make_session(4, random_state=0, surprises=False)
    other, _ = synthetic.make_session(1, random_state=23, surprises=False)
    model = barkcluster.FamiliarityModel("knn", random_state=0).fit(jam.between(0, 180))
    frames = np.array(jam.between(180, 230).frames)
    frames[2500:2700] = other.frames[2000:2200]
    timeline = model.timeline(frames)
    scales = list(timeline.scales)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(25, 27, color="black", alpha=0.12, linewidth=0)
    for scale, color in ((1.0, "tab:orange"), (10.0, "tab:green")):
        axes.plot(timeline.times, timeline.by_scale[:, scales.index(scale)], color=color,
                  linewidth=1, label=f"windows of {scale:g} s")
    axes.plot(timeline.times, timeline.familiarity, color="tab:blue", linewidth=2,
              label="the moment")
    axes.axhline(0.05, color="gray", linestyle=":", linewidth=1)
    axes.set(xlim=(12, 45), ylim=(0, 1), xlabel="s", ylabel="familiarity",
             title="Two seconds of another band (shaded)")
    axes.legend(loc="upper right", fontsize=8)
    return figure


def save(figure: Figure, name: str) -> None:
    """Write a picture with a palette, which halves the file and looks the same."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=90)
    Image.open(picture).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        FOLDER / name, optimize=True)


if __name__ == "__main__":
    main()
