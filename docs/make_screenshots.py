"""Record the page of `barkcluster live --demo`, as three pictures for the documentation.

    python docs/make_screenshots.py

Takes a minute and a half; needs the extras `page` and `plot`, Chromium and its driver.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "_static"
sys.path.insert(0, str(ROOT / "tests"))

from webdriver import Browser, browser  # noqa: E402

# Name, seconds after the start, width and height, colors: within the first surprise, between two,
# within the second.
PICTURES = (("live_page", 11, (1000, 940), "light"),
            ("live_page_dark", 30, (1000, 940), "dark"),
            ("live_page_phone", 42, (390, 940), "light"))


def main() -> None:
    """Write ``_static/live_page*.png``."""
    with tempfile.TemporaryDirectory() as folder:
        live = subprocess.Popen(
            [sys.executable, "-m", "barkcluster", "live", "--demo", "--page", "0", "--folder",
             folder], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert live.stderr is not None
        try:
            url = next(line.split()[1] for line in live.stderr if line.startswith("page: "))
            with browser() as page:
                page.open(url)
                while not page.run("return players.get('0')?.data.times.length"):
                    time.sleep(0.1)
                begun = time.monotonic()
                for name, at, (width, height), scheme in PICTURES:
                    page.size(width, height)
                    page.scheme(scheme)
                    time.sleep(max(1.0, begun + at - time.monotonic()))
                    _save(page, FOLDER / f"{name}.png")
        finally:
            live.terminate()
            live.wait()


def _save(page: Browser, path: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.screenshot(Path(file.name))
        picture = Image.open(io.BytesIO(Path(file.name).read_bytes()))
    # A palette halves the file and looks the same.
    picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
