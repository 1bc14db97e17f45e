"""Session text: whatever the bytes, frames or counted rejections, the same for any split.

    python tests/fuzz/fuzz_sessions.py -max_total_time=60

Needs atheris. The first three bytes of an input choose the options and the size of the
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
    b"sep=;\n\"\";\"V1\";\"V2\"\n\"1\";-40;-41\n\"take 2\";-40;-41\n",
    b"0,1,2,3,4,5\n-1,-2,-3,-4,-5,-6\n",
    b"-1 -2 -3\n-4 -5 -6;\nlist -1 -2 -3 -4 -5\n-6;\n",
    b"# frame_rate: 50\n# start: 3\n-1 -2\n# gap: 7\n-1 -2\n# reset\n-1 -2\n",
    b"frame time -1\n0 0.00 -1\n1 0.01 -2\n2 0.01 -3\n5 0.05 -4\n",
    b"".join(b"%d -1 -2\n" % (i * 10 + 500 * (i > 6)) for i in range(12)),
    b"start,end,b1\n0,0.01,-3\n0.01,0.02,-4\n0.02,0.03,-4\n",
    b"frame: -40 -50\nframe: -41 -inf\nprint: bark -1 -2\n-1\n-2\n",
]


def fuzz_one(data: bytes) -> None:
    """Raise if one input breaks a promise of the session reader."""
    from barkcluster.frames import FLOOR_DB, LARGEST_DB, FrameParser, read_session

    if len(data) < 3:
        return
    choice, more, piece, text = data[0], data[1], 1 + data[2], data[3:]
    options = {"n_bands": 1 + choice % 6, "units": ("db", "linear", "amplitude")[choice // 6 % 3],
               "columns": (None, None, "levels", "time", "skip,time")[more % 5],
               "header": (None, None, True, False)[more // 5 % 4],
               "one_per_line": more // 40 % 3 == 2}
    n_bands, max_line_bytes = options["n_bands"], (64, 1 << 16)[more // 20 % 2]

    together = FrameParser(max_line_bytes=max_line_bytes, **options)
    frames = together.feed(text)
    assert frames.shape == (together.n_frames, n_bands)
    _check_levels(frames, FLOOR_DB, LARGEST_DB)
    assert together.n_frames + together.n_rejected <= together.n_lines
    assert len(together.unfinished) <= max_line_bytes
    assert (together.last_error is None) == (together.n_rejected == 0)

    apart = FrameParser(max_line_bytes=max_line_bytes, **options)
    fed = [apart.feed(text[i:i + piece]) for i in range(0, len(text), piece)]
    np.testing.assert_array_equal(np.concatenate([np.empty((0, n_bands)), *fed]), frames)
    assert vars(apart) == vars(together)
    last = together.finish()[0]
    np.testing.assert_array_equal(apart.finish()[0], last)
    assert vars(apart) == vars(together)

    with tempfile.NamedTemporaryFile(dir=_memory_folder()) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        file.write(text)
        file.flush()
        try:
            session = read_session(file.name, **options)
        except ValueError as error:
            assert str(error).startswith(file.name), error
            assert "\n" not in str(error), error
        else:
            _check_levels(session.frames, FLOOR_DB, LARGEST_DB)
            assert session.frame_rate > 0 and np.isfinite(session.stop)
            assert sum(map(len, session.takes)) == len(session)
            if max_line_bytes == 1 << 16:  # what read_session allows, too
                assert together.n_rejected == 0
                _check_holds(session.frames, np.concatenate([frames, last]))


def _check_levels(frames: np.ndarray, least: float, most: float) -> None:
    assert np.isfinite(frames).all() and np.all(frames >= least) and np.all(frames <= most + 1e-6)


def _check_holds(frames: np.ndarray, wanted: np.ndarray) -> None:
    """Raise unless the wanted frames are among these, in order: others were filled in."""
    at = 0
    for row in frames:
        at += at < len(wanted) and np.allclose(row, wanted[at], atol=1e-4)
    assert at == len(wanted)


def _memory_folder() -> str | None:
    """Return a folder that is no disk, where there is one: a file for every input."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["barkcluster"]):
        from barkcluster.frames import decimals, parser
    decimals._FEW_BYTES = 0  # inputs are small, and take the way of large ones
    parser._LONGEST_ONE_BY_ONE = 16
    with tempfile.TemporaryDirectory() as seeds:
        for i, text in enumerate(SEEDS):
            for choice in (1, 5):
                (Path(seeds) / f"{i}-{choice}").write_bytes(bytes([choice, 20, 2]) + text)
        atheris.Setup([*sys.argv, seeds], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
