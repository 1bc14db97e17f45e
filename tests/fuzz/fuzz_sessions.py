"""Session text: whatever the bytes, frames or counted rejections, the same for any split.

    python tests/fuzz/fuzz_sessions.py -max_total_time=60

Needs atheris. The first two bytes of an input choose the options and the size of the
pieces, the rest is the text.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

SEEDS = [
    b"-40.5 -50\n-41 -inf\n",
    b"0, -40 -50;\n1, -41.5 -60;\n",
    b"list -40 -50;\nlist -41 -60;\n",
    b"time,low,high\r\n0.01,-40,-50\r\n0.02,-41,-51\r\n",
    b"\xef\xbb\xbf# frame_rate: 86.13\n# name: \"a\"\n# dtype: float32\n-0.1 -0.2 # end\n",
    b"-40,5 -39,2\n\n;\n1_0 1e999\nnan 3\n-1.#INF 3\n",
    "-40 -41\n-42 -43\n".encode("utf-16"),
    b"1 2\r3 4\r\n5 6\n\r7 8",
    b"-40 " * 200 + b"\n-40 -41\n",
]


def fuzz_one(data: bytes) -> None:
    """Raise if one input breaks a promise of the session reader."""
    from barkcluster.frames import FLOOR_DB, FrameParser, UnfinishedLineWarning, read_session

    if len(data) < 2:
        return
    choice, piece, text = data[0], 1 + data[1], data[2:]
    n_bands, units = 1 + choice % 4, ("db", "linear")[choice // 4 % 2]
    max_line_bytes = (64, 1 << 16)[choice // 8 % 2]

    together = FrameParser(n_bands, units, max_line_bytes)
    frames = together.feed(text)
    assert frames.shape == (together.n_frames, n_bands)
    assert np.isfinite(frames).all() and np.all(frames >= FLOOR_DB)
    assert together.n_frames + together.n_rejected <= together.n_lines
    assert len(together.unfinished) <= max_line_bytes
    assert (together.last_error is None) == (together.n_rejected == 0)

    apart = FrameParser(n_bands, units, max_line_bytes)
    fed = [apart.feed(text[i:i + piece]) for i in range(0, len(text), piece)]
    np.testing.assert_array_equal(np.concatenate([np.empty((0, n_bands)), *fed]), frames)
    assert vars(apart) == vars(together)

    with tempfile.NamedTemporaryFile(dir=_memory_folder()) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfinishedLineWarning)
        file.write(text)
        file.flush()
        try:
            session = read_session(file.name, units=units, n_bands=n_bands)
        except ValueError as error:
            assert str(error).startswith(file.name), error
            assert "\n" not in str(error), error
        else:
            assert np.isfinite(session.frames).all() and session.frame_rate > 0
            if max_line_bytes == 1 << 16:  # what read_session allows, too
                assert together.n_rejected == 0
                np.testing.assert_array_equal(session.frames, frames)


def _memory_folder() -> str | None:
    """Return a folder that is no disk, where there is one: a file for every input."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["barkcluster"]):
        import barkcluster.frames  # noqa: F401
    with tempfile.TemporaryDirectory() as seeds:
        for i, text in enumerate(SEEDS):
            for choice in (1, 9):
                (Path(seeds) / f"{i}-{choice}").write_bytes(bytes([choice, 2]) + text)
        atheris.Setup([*sys.argv, seeds], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
