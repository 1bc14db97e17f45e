"""Sound files to frames: decode, resample to 44.1 kHz, analyze, average the channels' powers.

All steps go through the file piece by piece, so that hours of sound need no more memory than
seconds, beside the frames themselves. Needs the extra ``audio``.
"""

from __future__ import annotations

import base64
import io
import os
import wave
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barkcluster._clock import clock
from barkcluster._extras import missing_extra
from barkcluster._html import card
from barkcluster._validation import check_non_negative, check_positive
from barkcluster.files.suffixes import how_to_convert

from .bark import BARK_EDGES_HZ, BarkAnalyzer
from .flat_tops import FlatTops
from .session import FLOOR_DB, N_BANDS, Session
from .text import shown_path
from .wav import repaired_wav

# All sessions are analyzed at one rate: one window, one set of FFT bins in each band.
_SAMPLE_RATE = 44100
_BLOCK_SAMPLES = 1 << 17
_LONGEST_SOUND_S = 60
# Slower than any sound: frames of an analysis that somebody saved as if they were samples.
_SLOWEST_SOUND = 2000


def read_audio(path: str | os.PathLike[str], *, frame_rate: float = 100.0,
               flat_tops: FlatTops | None = None) -> Session:
    """Session of a sound file: its Bark frames in dB.

    The power in a band is the mean of all channels' powers. Other sample rates are converted to
    44.1 kHz first; bands above half the file's own rate then read ``FLOOR_DB``.

    Parameters
    ----------
    path : path-like
        A file soundfile reads: wav, flac, ogg, opus, mp3, aiff, caf, w64, au and others.
    frame_rate : float, default=100.0
        Frames per second.
    flat_tops : FlatTops, optional
        Is given the samples as they are in the file, and then knows whether they are clipped.

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
        for rate, block in _blocks(path, flat_tops):
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


@dataclass(frozen=True, eq=False)
class Sound:
    """A stretch of a sound file, which a notebook shows with a play button.

    Attributes
    ----------
    samples : ndarray of shape (n_samples,)
        The mean of all channels at 44.1 kHz, float32.
    title : str
        What to call it.
    """

    samples: npt.NDArray[np.float32]
    title: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / _SAMPLE_RATE

    def __repr__(self) -> str:
        return f"<Sound {self.title!r}: {self.duration:.6g} s>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a player that holds the sound itself."""
        file = io.BytesIO()
        with wave.open(file, "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(_SAMPLE_RATE)
            written.writeframes((32767 * self.samples.clip(-1, 1)).round().astype("<i2").tobytes())
        data = base64.b64encode(file.getvalue()).decode("ascii")
        return card(self.title, [("length", clock(self.duration, 1))],
                    f'<audio controls src="data:audio/wav;base64,{data}"></audio>')


def sound_of(path: str | os.PathLike[str], start_s: float, stop_s: float) -> Sound:
    """A stretch of a sound file, to listen to in a notebook.

    Parameters
    ----------
    path : path-like
        What the session was read from, by `read_audio`.
    start_s, stop_s : float
        Seconds from the beginning of the file, at most 60 apart: the page holds the sound.

    Returns
    -------
    sound : Sound
        The last line of a cell shows it.

    Raises
    ------
    ImportError, OSError, ValueError
        As `read_audio`; and for a moment that is not in the file or too long.

    Examples
    --------
    >>> import soundfile, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "hum.wav"
    ...     soundfile.write(path, 0.5 * np.sin(np.arange(96000) / 50), 48000)
    ...     sound_of(path, 0.5, 1.5)
    <Sound 'hum, 0:00.5 to 0:01.5': 1 s>
    """
    first = round(check_non_negative("start_s", start_s) * _SAMPLE_RATE)
    last = round(check_positive("stop_s", stop_s) * _SAMPLE_RATE)
    if not 0 < last - first <= _LONGEST_SOUND_S * _SAMPLE_RATE:
        raise ValueError(f"stop_s must be up to {_LONGEST_SOUND_S} s after start_s={start_s}; got "
                         f"{stop_s}.")
    parts, n = [np.empty(0, dtype=np.float32)], 0
    for _, block in _blocks(path):
        wanted = block[max(0, first - n):max(0, last - n)]
        parts.append(wanted.mean(axis=1, dtype=np.float32))
        n += len(block)
        if n >= last:
            break
    samples = np.concatenate(parts)
    if not len(samples):
        raise ValueError(f"{shown_path(path)}: start_s must be within its "
                         f"{n / _SAMPLE_RATE:.1f} s; got {start_s}.")
    stop = clock(start_s + len(samples) / _SAMPLE_RATE, 1)
    return Sound(samples, f"{shown_path(Path(path).stem)}, {clock(start_s, 1)} to {stop}")


def _mean_power(channels: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Frames in dB whose powers are the mean of the channels'."""
    if len(channels) == 1:
        return channels[0]
    power = sum(10.0 ** (frames / 10.0) for frames in channels) / len(channels)
    return np.maximum(10.0 * np.log10(power), FLOOR_DB).astype(np.float32)


def _blocks(path: str | os.PathLike[str], flat_tops: FlatTops | None = None,
            ) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield the sample rate of a file and, piece by piece, its sound at 44.1 kHz."""
    try:
        import soxr
    except ImportError as error:
        raise _missing() from error

    convert = None
    for rate, block in _decoded(path):
        if flat_tops is not None:
            flat_tops.push(block)
        if rate == _SAMPLE_RATE:
            yield rate, block
            continue
        if convert is None:
            convert = soxr.ResampleStream(rate, _SAMPLE_RATE, block.shape[1], dtype="float32")
        yield rate, convert.resample_chunk(block)
    if convert is not None:
        rest = np.empty((0, block.shape[1]), dtype=np.float32)
        yield rate, convert.resample_chunk(rest, last=True)


def _decoded(path: str | os.PathLike[str]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield the sample rate of a file and, piece by piece, its sound as it is."""
    try:
        import soundfile
    except ImportError as error:
        raise _missing() from error

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
            while len(block := file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                if not np.isfinite(block).all():  # the resampler would spread it
                    raise ValueError("sound must be finite; got nan or inf before "
                                     f"{file.tell() / rate:.1f} s.")
                yield rate, block
    except soundfile.LibsndfileError as error:
        raise ValueError(f"expected a sound file, got {error.error_string.rstrip('.')}."
                         f"{how_to_convert(path)}") from error


def _missing() -> ImportError:
    return missing_extra("read_audio", "soundfile and soxr", "audio")
