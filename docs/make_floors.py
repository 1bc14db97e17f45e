"""Draw docs/_static/floors.svg: the folders of the package, and who imports whom.

    python docs/make_floors.py

The floors are those of tests/test_floors.py; the arrows are read from the imports.
"""

import runpy
from collections import defaultdict
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "_static" / "floors.svg"
WIDTH, BOX_WIDTH, BOX_HEIGHT, FLOOR_HEIGHT, MARGIN = 900, 118, 34, 74, 20


def arrows():
    """Floors, lowest first, and the folders that each folder imports from."""
    floors = runpy.run_path(str(ROOT / "tests" / "test_floors.py"))
    down = defaultdict(set)
    for name, others in floors["all_imports"]().items():
        for other, _ in others:
            here, below = floors["floor_of"](name), floors["floor_of"](other)
            if here and below and here != below:
                down[here].add(below)
    shown = [[name for name in names if not name.startswith("_")] for names in floors["FLOORS"]]
    return [names for names in shown if names], down


def places(floors):
    """Center of each box."""
    height = len(floors) * FLOOR_HEIGHT + 2 * MARGIN
    return {name: ((i + 0.5) / len(names) * WIDTH,
                   height - MARGIN - (floor + 0.5) * FLOOR_HEIGHT)
            for floor, names in enumerate(floors) for i, name in enumerate(names)}, height


def picture():
    """The text of the picture."""
    floors, down = arrows()
    at, height = places(floors)
    lines = []
    for name, others in sorted(down.items()):
        for other in sorted(others):
            if name in at and other in at:
                (x, y), (u, v) = at[name], at[other]
                lines.append(f'<path d="M{x:.0f} {y + BOX_HEIGHT / 2:.0f} C{x:.0f} {y + 60:.0f} '
                             f'{u:.0f} {v - 60:.0f} {u:.0f} {v - BOX_HEIGHT / 2:.0f}"/>')
    boxes = [
        f'<rect x="{x - BOX_WIDTH / 2:.0f}" y="{y - BOX_HEIGHT / 2:.0f}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="6"/><text x="{x:.0f}" y="{y + 5:.0f}">{escape(name)}</text>'
        for name, (x, y) in at.items()]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="sans-serif" font-size="14" text-anchor="middle">\n'
            '<g fill="none" stroke="#7c93ab" stroke-opacity=".55">\n' + "\n".join(lines)
            + '\n</g>\n<g fill="#173f6b">\n'
            + "\n".join(boxes).replace("<text", '<text fill="#fff"') + "\n</g>\n</svg>\n")


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(PICTURE)
