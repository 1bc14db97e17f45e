"""Sound and frames as arrays: whatever the numbers, finite levels or one ValueError.

    python tests/fuzz/fuzz_audio_frames.py -max_total_time=60 -rss_limit_mb=1000 -timeout=5

Needs atheris. The first eight bytes of an input choose the type, the shape, the rates and how
the sound is cut in pieces; the rest are the numbers themselves.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

DTYPES = ("<f4", "<f8", "<f2", "<i2", "<i4", "|u1", ">f4", ">i2", "<i8", "<u2", "|b1", "<c8")
SAMPLE_RATES = (8000, 44100, 48000, 22050.5, 1000, 999, 0, -1, np.nan, np.inf, 11025, 16000)
FRAME_RATES = (100.0, 86.13, 1.0, 1000.0, 0.5, 7.7, np.nan, 0)


def fuzz_one(data: bytes) -> None:
    """Raise if one input breaks a promise about sound or frames."""
    if len(data) < 8:
        return
    values = np.frombuffer(data[8:8 + (len(data) - 8) // 16 * 16],
                           dtype=DTYPES[data[0] % len(DTYPES)])
    if data[1] % 16 == 15:
        values = values.reshape(-1, 2)
    repeats = data[2] % 16
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz_sound(np.tile(values, (repeats, 1) if values.ndim == 2 else repeats), data)
        fuzz_frames(values.ravel(), data)


def fuzz_sound(sound: np.ndarray, data: bytes) -> None:
    """Frames of a sound are finite, and the same whole or in pieces."""
    from barkcluster.frames import FLOOR_DB, BarkAnalyzer, bark_frames

    sample_rate = SAMPLE_RATES[data[3] % len(SAMPLE_RATES)]
    frame_rate = FRAME_RATES[data[4] % len(FRAME_RATES)]
    try:
        frames = bark_frames(sound, sample_rate, frame_rate=frame_rate)
    except ValueError as error:
        assert len(str(error)) < 300, error
        return
    assert frames.dtype == np.float32 and frames.shape[1:] == (25,)
    assert np.isfinite(frames).all() and np.all(frames >= FLOOR_DB)
    analyzer = BarkAnalyzer(sample_rate, frame_rate=frame_rate)
    size = 1 + 37 * data[5]
    pieces = [analyzer.push(sound[i:i + size]) for i in range(0, len(sound), size)]
    apart = np.concatenate([np.empty((0, 25), np.float32), *pieces])
    np.testing.assert_allclose(apart, frames, atol=1e-2)


def fuzz_frames(values: np.ndarray, data: bytes) -> None:
    """Frames are refused, or give finite features, the same whole or in pieces."""
    from barkcluster import Session, WindowFeatures

    rows = len(values) // 25
    try:
        session = Session(values[:25 * rows].reshape(rows, 25), name="fuzzed")
    except ValueError as error:
        assert len(str(error)) < 300, error
        return
    features = WindowFeatures(scales=(0.05, 0.2), hop=0.02, views=("texture", "pattern"))
    cut = data[6] % (rows + 1)
    running = features.running()
    parts = [running.push(session.frames[:cut]), running.push(session.frames[cut:])]
    for whole, first, second in zip(features.transform_views(session), *parts, strict=True):
        assert np.isfinite(whole.X).all()
        np.testing.assert_array_equal(np.concatenate([first, second]), whole.X)


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["barkcluster"]):
        import barkcluster.frames
        import barkcluster.windows  # noqa: F401
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as seeds:
        for i, dtype in enumerate(DTYPES):
            numbers = rng.normal(-40, 10, size=600)
            scaled = numbers / 100 if i % 2 else numbers
            with np.errstate(invalid="ignore"):
                content = scaled.astype(dtype).tobytes()
            for rates in (0, 1, 2):
                choice = bytes([i, 0, 8, rates, rates, 20, 11, 0])
                (Path(seeds) / f"{i}-{rates}").write_bytes(choice + content)
        atheris.Setup([*sys.argv, seeds], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
