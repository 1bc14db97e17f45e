"""Draw the pictures of README.md and the documentation from a built-in jam.

    python docs/make_figures.py

Needs the extra `plot`.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

import barkcluster
from barkcluster import synthetic
from barkcluster.display.bars import Mark
from barkcluster.display.picture import timeline_picture

FOLDER = Path(__file__).parent / "_static"


def main() -> None:
    """Write ``_static/demo.png``."""
    session, known = synthetic.make_session(4, random_state=0)
    heard, rest = (session.between(0, known.clean_stop),
                   session.between(known.clean_stop, session.duration))
    model = barkcluster.FamiliarityModel("knn", random_state=0).fit(heard)
    timeline = model.timeline(rest)
    timeline = replace(timeline, times=timeline.times + known.clean_stop)
    figure = timeline_picture(
        session, timeline, marks=[Mark(s.start, s.stop, s.kind) for s in known.surprises],
        title="A synthetic jam after 1:36 min of listening; what intrudes is shaded")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=90)
    FOLDER.mkdir(exist_ok=True)
    # A palette halves the file and looks the same.
    Image.open(picture).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        FOLDER / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
