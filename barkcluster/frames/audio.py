"""Sound files to frames: decode, mix to one channel, resample to 44.1 kHz, analyse.

All four steps go through the file piece by piece, so that hours of sound need no more
memory than seconds, beside the frames themselves. Needs the extra ``audio``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_positive

from .bark import BarkAnalyzer
from .session import N_BANDS, Session

# All sessions are analysed at one rate: one window, one set of FFT bins in each band.
_SAMPLE_RATE = 44100
_BLOCK_SAMPLES = 1 << 17


def read_audio(path: str | os.PathLike[str], *, frame_rate: float = 100.0) -> Session:
    """Session of a sound file: its Bark frames in dB.

    Channels are mixed to their mean. Other sample rates are converted to 44.1 kHz
    first; bands above half the file's own rate then read about ``FLOOR_DB``.

    Parameters
    ----------
    path : path-like
        A file soundfile reads: wav, flac, ogg, opus, mp3, aiff and others.
    frame_rate : float, default=100.0
        Frames per second.

    Returns
    -------
    session : Session
        float32 frames as of `barkcluster.frames.bark_frames`, named as the file
        without its suffix.

    Raises
    ------
    ImportError
        Without soundfile and soxr: ``pip install barkcluster[audio]``.
    ValueError
        If the file is no sound, holds nan, or is shorter than one window (46.4 ms).
    OSError
        If there is no such file or it cannot be opened.

    Examples
    --------
    >>> import soundfile, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "hum.wav"
    ...     soundfile.write(path, 0.5 * np.sin(np.arange(96000) / 50), 48000)
    ...     read_audio(path)
    <Session 'hum': 196 frames, 1.96 s at 100 Hz>
    """
    analyzer = BarkAnalyzer(_SAMPLE_RATE, frame_rate=check_positive("frame_rate", frame_rate))
    try:
        parts = [analyzer.push(block) for block in _blocks(path)]
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    frames = np.concatenate(parts) if parts else np.empty((0, N_BANDS), dtype=np.float32)
    if not len(frames):
        needed = analyzer.window_samples / _SAMPLE_RATE
        raise ValueError(f"{os.fspath(path)}: expected at least {needed:.3f} s of sound, one "
                         "window; got less.")
    return Session(frames, frame_rate, Path(path).stem)


def _blocks(path: str | os.PathLike[str]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the sound of a file at 44.1 kHz, one channel, piece by piece."""
    try:
        import soundfile
        import soxr
    except ImportError as error:
        raise ImportError(
            "read_audio needs soundfile and soxr: pip install barkcluster[audio]") from error

    with open(path, "rb"):  # soundfile's own error would not tell missing from forbidden
        pass
    try:
        with soundfile.SoundFile(path) as file:
            # A product: numpy's mean over so few columns is seven times slower.
            mix = np.full(file.channels, 1 / file.channels, dtype=np.float32)
            convert = None
            if file.samplerate != _SAMPLE_RATE:
                convert = soxr.ResampleStream(file.samplerate, _SAMPLE_RATE, 1, dtype="float32")
            while len(block := file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                sound = block @ mix
                if not np.isfinite(sound).all():  # the resampler would spread it
                    raise ValueError("sound must be finite; got nan or inf before "
                                     f"{file.tell() / file.samplerate:.1f} s.")
                yield sound if convert is None else convert.resample_chunk(sound)
            if convert is not None:
                yield convert.resample_chunk(np.empty(0, dtype=np.float32), last=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"expected a sound file, got {error.error_string}") from error
