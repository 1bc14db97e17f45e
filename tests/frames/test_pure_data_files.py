"""What Pure Data itself writes of frames, with the objects people have for it, is a session."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from barkcluster.frames import read_session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pd") is None,
                       reason="Pure Data is not installed (Debian: puredata-core)")]

N_FRAMES = 30
# Frames arrive as messages "row -40 -41 ...", and "coll 0 -40 -41 ..." where an index is wanted.
# It ends a little later than it is told to: coll writes its file beside the rest.
PATCH = """\
#N canvas 0 0 400 300 12;
#X obj 10 10 r row;
#X obj 10 40 t l l l;
#X obj 10 70 print frame;
#X obj 90 70 list prepend add;
#X obj 90 100 list trim;
#X obj 90 130 textfile;
#X obj 210 70 text insert frames 1e+09;
#X obj 210 130 text define frames;
#X obj 90 10 r textfile;
#X obj 210 10 r text;
#X obj 10 160 r finish;
#X obj 10 190 del 500;
#X msg 10 220 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 1 2 6 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 8 0 5 0;
#X connect 9 0 7 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
"""
COLL = """\
#X obj 330 10 r coll;
#X obj 330 130 coll;
#X connect 13 0 14 0;
"""


@pytest.fixture
def frames(rng):
    return np.round(rng.uniform(-99, 0, size=(N_FRAMES, 25)), 2)


def play(folder, patch, frames, *, receiver="row", numbered=False, then=()):
    """Open a patch, send it the frames and some last words; what was printed."""
    path = folder / "patch.pd"
    path.write_text(patch)
    sent = []
    for i, row in enumerate(frames):
        index = f"{i} " if numbered else ""
        sent += ["-send", f"{receiver} {index}" + " ".join(f"{level:g}" for level in row)]
    for message in (*then, "finish bang"):
        sent += ["-send", message]
    done = subprocess.run(
        ["pd", "-nogui", "-nosound", "-nomidi", "-path", "/usr/lib/pd/extra/cyclone",
         "-open", path, *sent], capture_output=True, text=True, timeout=60, cwd=folder)
    return done.stdout + done.stderr


def test_textfile_text_and_print(tmp_path, frames):
    printed = play(tmp_path, PATCH, frames, then=(
        "textfile write textfile.txt", "textfile write textfile_cr.txt cr",
        "text write text.txt", "text write -c text_cr.txt"))
    # What a terminal shows of Pd; other lines of the log are no frames.
    (tmp_path / "print.txt").write_text("".join(
        line for line in printed.splitlines(keepends=True) if line.startswith("frame:")))
    for name in ("textfile", "textfile_cr", "text", "text_cr", "print"):
        session = read_session(tmp_path / f"{name}.txt")
        np.testing.assert_allclose(session.frames, frames, rtol=1e-5, err_msg=name)


@pytest.mark.skipif(not Path("/usr/lib/pd/extra/cyclone").is_dir(),
                    reason="cyclone is not installed (Debian: pd-cyclone)")
def test_coll_of_cyclone(tmp_path, frames):
    printed = play(tmp_path, PATCH + COLL, frames, receiver="coll", numbered=True,
                   then=("coll write coll.txt",))
    assert (tmp_path / "coll.txt").is_file(), printed
    np.testing.assert_allclose(read_session(tmp_path / "coll.txt").frames, frames, rtol=1e-5)
