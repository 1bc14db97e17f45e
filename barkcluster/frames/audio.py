"""Sound files to frames: decode, resample to 44.1 kHz, analyze, average the channels' powers.

All steps go through the file piece by piece, so that hours of sound need no more memory than
seconds, beside the frames themselves. Needs the extra ``audio``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster._extras import missing_extra
from barkcluster._validation import check_positive
from barkcluster.files.suffixes import how_to_convert

from .bark import BARK_EDGES_HZ, BarkAnalyzer
from .session import FLOOR_DB, N_BANDS, Session
from .text import shown_path
from .wav import repaired_wav

# All sessions are analyzed at one rate: one window, one set of FFT bins in each band.
_SAMPLE_RATE = 44100
_BLOCK_SAMPLES = 1 << 17
# Slower than any sound: frames of an analysis that somebody saved as if they were samples.
_SLOWEST_SOUND = 2000


def read_audio(path: str | os.PathLike[str], *, frame_rate: float = 100.0) -> Session:
    """Session of a sound file: its Bark frames in dB.

    The power in a band is the mean of all channels' powers. Other sample rates are converted to
    44.1 kHz first; bands above half the file's own rate then read ``FLOOR_DB``.

    Parameters
    ----------
    path : path-like
        A file soundfile reads: wav, flac, ogg, opus, mp3, aiff, caf, w64, au and others.
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
    check_positive("frame_rate", frame_rate)
    analyzers: list[BarkAnalyzer] = []
    parts: list[npt.NDArray[np.float32]] = []
    try:
        own_rate = _SAMPLE_RATE
        for rate, block in _blocks(path):
            own_rate = rate
            analyzers = analyzers or [BarkAnalyzer(_SAMPLE_RATE, frame_rate=frame_rate)
                                      for _ in range(block.shape[1])]
            parts.append(_mean_power([analyzer.push(channel) for analyzer, channel
                                      in zip(analyzers, block.T, strict=True)]))
    except ValueError as error:
        raise ValueError(f"{shown_path(path)}: {error}") from error
    frames = np.concatenate(parts) if parts else np.empty((0, N_BANDS), dtype=np.float32)
    if not len(frames):
        needed = BarkAnalyzer(_SAMPLE_RATE).window_samples / _SAMPLE_RATE
        raise ValueError(f"{shown_path(path)}: expected at least {needed:.3f} s of sound, one "
                         "window; got less.")
    # The resampler leaves a trace of what the file cannot hold.
    frames[:, BARK_EDGES_HZ[:-1] >= own_rate / 2] = FLOOR_DB
    return Session(frames, frame_rate, shown_path(Path(path).stem))


def _mean_power(channels: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Frames in dB whose powers are the mean of the channels'."""
    if len(channels) == 1:
        return channels[0]
    power = sum(10.0 ** (frames / 10.0) for frames in channels) / len(channels)
    return np.maximum(10.0 * np.log10(power), FLOOR_DB).astype(np.float32)


def _blocks(path: str | os.PathLike[str]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield the sample rate of a file and, piece by piece, its sound at 44.1 kHz."""
    try:
        import soundfile
        import soxr
    except ImportError as error:
        raise missing_extra("read_audio", "soundfile and soxr", "audio") from error

    with open(path, "rb"):  # soundfile's own error would not tell missing from forbidden
        pass
    repaired = repaired_wav(path)
    try:
        with (closing(repaired) if repaired is not None else nullcontext(),
              soundfile.SoundFile(path if repaired is None else repaired) as file):
            rate, channels = file.samplerate, file.channels
            if rate < _SLOWEST_SOUND:
                raise ValueError(
                    f"expected sound, got {channels} channels of {rate} numbers a second: frames "
                    "of an analysis? Write them as text, a frame in a line, for read_session.")
            convert = None
            if rate != _SAMPLE_RATE:
                convert = soxr.ResampleStream(rate, _SAMPLE_RATE, channels, dtype="float32")
            while len(block := file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                if not np.isfinite(block).all():  # the resampler would spread it
                    raise ValueError("sound must be finite; got nan or inf before "
                                     f"{file.tell() / rate:.1f} s.")
                yield rate, block if convert is None else convert.resample_chunk(block)
            if convert is not None:
                rest = np.empty((0, channels), dtype=np.float32)
                yield rate, convert.resample_chunk(rest, last=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"expected a sound file, got {error.error_string.rstrip('.')}."
                         f"{how_to_convert(path)}") from error
