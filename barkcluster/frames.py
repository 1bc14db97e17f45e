"""What a frame is: 25 Bark bands, their edges, unit and floor; and a session of frames.

A frame is one row of 25 levels in dB, one a Bark band, lowest first. Rows follow
each other ``frame_rate`` times a second, 100 unless said otherwise.

Level
    ``10 log10(p + 1e-10)``, ``p`` the power in the band. A sine of full scale
    (peak 1.0) has ``p = 1`` and reads 0 dB (as in AES17, where 0 dBFS is the RMS
    value of such a sine); silence reads the floor, -100 dB. Programs that count
    otherwise (bark~ in Max and Pd has an offset of its own) are as good a source:
    all that matters is that one session is measured in one way.

Bands
    The edges of the critical bands of Zwicker (1961), 0 to 15.5 kHz, and one more
    band up to 20.5 kHz, as Max and Pd objects send. An FFT bin belongs to the band
    its center lies in. With windows of 46 ms bins are 21.5 Hz apart: bands below
    500 Hz hold five bins each, so low notes leak into the neighboring band.

References
----------
Zwicker, E. (1961). Subdivision of the audible frequency range into critical
bands (Frequenzgruppen). J. Acoust. Soc. Am. 33, 248.

Zwicker, E. and Terhardt, E. (1980). Analytical expressions for critical-band
rate and critical bandwidth as a function of frequency. J. Acoust. Soc. Am. 68,
1523-1525.

AES17-2020. Measurement of digital audio equipment. 0 dBFS: section 3.12.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from barkcluster._validation import (
    check_non_negative,
    check_not_masked,
    check_positive,
    check_positive_int,
    shown,
)

FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]

N_BANDS = 25
FLOOR_DB = -100.0
BARK_EDGES_HZ: npt.NDArray[np.float64] = np.array([
    0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150,
    3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20500], dtype=np.float64)
BARK_EDGES_HZ.flags.writeable = False

# No sound is louder in any program's scale: samples of 16 bits that nobody scaled have powers of
# 90 dB. One frame beyond it, a damaged packet, would outweigh minutes of music in what is learned.
LARGEST_DB = 100.0
LEVELS_IN_WORDS = f"finite levels in dB, at most {LARGEST_DB:g}"
# Frame rates that differ by less are one: clocks of two machines do, two analyses differ by more.
RATE_TOLERANCE = 0.005
# Windows analysed at once: small enough for the cache, large enough to hide Python.
_BLOCK_FRAMES = 128
# Samples converted at once, 3 s at 44.1 kHz.
_PIECE_SAMPLES = 1 << 17
# What a wav file holds beside floats, and its full scale.
_FULL_SCALE = {np.dtype(np.int16): 2.0 ** 15, np.dtype(np.int32): 2.0 ** 31,
               np.dtype(np.uint8): 2.0 ** 7}
# 60 dB over full scale: no sound, but integer samples that nobody scaled.
_LARGEST_SAMPLE = 1000.0


@dataclass(frozen=True, eq=False, repr=False)
class Session:
    """Frames of one recording, checked, and read-only from then on.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_bands)
        Bark coefficients in dB, one row a frame. ``-inf`` and values below
        ``FLOOR_DB`` become ``FLOOR_DB``. float32 stays float32, everything else
        becomes float64. The array is copied: what happens to it later does not
        change the session.
    frame_rate : float, default=100.0
        Frames per second.
    name : str, default=""
        What to call the session in tables and plots.
    n_bands : int, default=25
        Numbers in a frame.

    Raises
    ------
    ValueError
        If ``frames`` has another shape, or holds nan or ``+inf``.

    Examples
    --------
    >>> session = Session(np.full((300, 25), -40.0), name="jam")
    >>> session
    <Session 'jam': 300 frames, 3 s at 100 Hz>
    >>> len(session), session.duration
    (300, 3.0)
    >>> np.asarray(session).shape
    (300, 25)
    """

    frames: FloatArray
    frame_rate: float = 100.0
    name: str = ""
    n_bands: int = field(default=N_BANDS, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bands", check_positive_int("n_bands", self.n_bands))
        object.__setattr__(self, "frame_rate", check_positive("frame_rate", self.frame_rate))
        clean = check_frames(self.frames, self.n_bands)
        # A view would still change with the caller's array.
        own = clean.copy(order="C")
        own.flags.writeable = False
        object.__setattr__(self, "frames", own)

    def __len__(self) -> int:
        return len(self.frames)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None,
                  ) -> npt.NDArray[np.generic]:
        return np.array(self.frames, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return (f"<Session {self.name!r}: {len(self)} frames, {self.duration:.6g} s "
                f"at {self.frame_rate:.6g} Hz>")

    @property
    def duration(self) -> float:
        """Length in seconds, ``len(session) / frame_rate``."""
        return len(self) / self.frame_rate

    def between(self, start_s: float, stop_s: float) -> Session:
        """Return the part from ``start_s`` up to, not including, ``stop_s``.

        Parameters
        ----------
        start_s, stop_s : float
            Seconds from the beginning, rounded to frames. A ``stop_s`` beyond the
            end means the end, as in slices.

        Returns
        -------
        part : Session
            Same name and frame rate.

        Examples
        --------
        >>> Session(np.zeros((300, 25))).between(0.5, 2.0).duration
        1.5
        """
        start = round(check_non_negative("start_s", start_s) * self.frame_rate)
        if stop_s == np.inf:
            stop = len(self)
        else:
            stop = round(check_non_negative("stop_s", stop_s) * self.frame_rate)
        if stop < start:
            raise ValueError(f"stop_s must not be before start_s={start_s}; got {stop_s}.")
        return Session(self.frames[start:stop], self.frame_rate, self.name,
                       n_bands=self.n_bands)


def check_frames(frames: npt.ArrayLike | Session, n_bands: int = N_BANDS, *,
                 name: str = "frames") -> FloatArray:
    """Frames as a float array in which every number is finite and at or above the floor.

    Parameters
    ----------
    frames : array-like of shape (n_frames, n_bands) or Session
        Levels in dB. Never changed.
    n_bands : int, default=25
        Numbers expected in a frame.
    name : str, default="frames"
        What to call the argument in error messages.

    Returns
    -------
    checked : ndarray of shape (n_frames, n_bands)
        float32 if ``frames`` is float32, else float64; ``-inf`` and values below
        ``FLOOR_DB`` replaced by ``FLOOR_DB``. May be ``frames`` itself if there was
        nothing to replace. No frames at all, shape ``(0, n_bands)``, is fine.

    Raises
    ------
    ValueError
        For another shape, for what is not a real number, for nan and numbers above
        ``LARGEST_DB``, and for arrays of which something is masked.

    Examples
    --------
    >>> check_frames([[-np.inf, -250.0, -40.0]], n_bands=3)
    array([[-100., -100.,  -40.]])
    >>> check_frames(np.zeros((25, 300)))
    Traceback (most recent call last):
        ...
    ValueError: frames must have shape (n, 25); got (25, 300). Transpose it?
    """
    if isinstance(frames, Session):
        frames = frames.frames
    check_not_masked(name, frames)
    try:
        array = np.asarray(frames)
    except ValueError as error:
        raise ValueError(f"{name} must have shape (n, {n_bands}); got rows of different "
                         "lengths.") from error
    if array.ndim != 2 or array.shape[1] != n_bands:
        hint = ""
        if array.ndim == 2 and array.shape[0] == n_bands:
            hint = " Transpose it?"
        elif array.shape == (n_bands,):
            hint = f" One frame alone is an array of shape (1, {n_bands})."
        raise ValueError(f"{name} must have shape (n, {n_bands}); got {array.shape}.{hint}")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold real numbers; got dtype {array.dtype}.")
    if array.dtype != np.float32:
        with np.errstate(invalid="ignore"):  # a signalling nan, which is refused below
            array = array.astype(np.float64, copy=False)
    if not array.size:
        return array
    if not array.max() <= LARGEST_DB:  # also when it is nan
        row, band = np.argwhere(~(array <= LARGEST_DB))[0]
        raise ValueError(f"{name} must hold {LEVELS_IN_WORDS} (-inf is taken as {FLOOR_DB:g}); "
                         f"got {array[row, band]:g} in row {row}, band {band}.")
    if array.min() < FLOOR_DB:
        array = np.maximum(array, array.dtype.type(FLOOR_DB))
    return array


def linear_to_db(power: npt.ArrayLike) -> FloatArray:
    """Level of each power in dB, ``10 log10(power + 1e-10)``: 1 is 0 dB, 0 the floor.

    Parameters
    ----------
    power : array-like
        Powers (not amplitudes: square those first), 0 or more.

    Returns
    -------
    level : ndarray of the same shape
        dB; float32 for float32, else float64.

    Examples
    --------
    >>> linear_to_db([0.0, 0.01, 1.0]).round(3)
    array([-100.,  -20.,    0.])
    """
    check_not_masked("power", power)
    values: FloatArray = np.asarray(power)
    if values.dtype != np.float32:
        with np.errstate(invalid="ignore"):  # a signalling nan stays one
            values = values.astype(np.float64)
    if not np.all(values >= 0):
        raise ValueError("power must be 0 or more; got negative numbers or nan. "
                         "Are these dB already?")
    level: FloatArray = 10 * np.log10(values + values.dtype.type(1e-10))
    # The logarithm rounds: silence is to be the floor exactly, in float32 too.
    return np.maximum(level, level.dtype.type(FLOOR_DB))


def bark_frames(sound: npt.ArrayLike, sample_rate: float, *,
                frame_rate: float = 100.0) -> npt.NDArray[np.float32]:
    """Bark frames of a sound, in dB.

    A Hann window of 46.4 ms (2048 samples at 44.1 kHz) moves over the sound; the
    power of its FFT bins is summed within each Bark band.

    Parameters
    ----------
    sound : array-like of shape (n_samples,)
        One channel. Floats with full scale 1.0, or int16, int32 or uint8 samples as
        wav files hold them.
    sample_rate : float
        Samples per second. Bands above half of it read ``FLOOR_DB``.
    frame_rate : float, default=100.0
        Frames per second.

    Returns
    -------
    frames : ndarray of shape (n_frames, 25), float32
        dB; a sine of full scale reads 0 dB in its band. Row ``i`` describes the
        window that starts at sample ``round(i * sample_rate / frame_rate)``. Only
        whole windows count: shorter sounds give no rows.

    Notes
    -----
    With ``w`` the window and ``X`` the one-sided spectrum of ``N`` samples, the power
    is ``4 |X|^2 / (N sum(w^2))`` (half of it in bins 0 and ``N / 2``, which have no
    mirror image), so that the bands together hold what the window holds, twice its
    mean square (Parseval).

    Examples
    --------
    >>> time = np.arange(44100) / 44100
    >>> frames = bark_frames(np.sin(2 * np.pi * 1000 * time), 44100)
    >>> frames.shape, int(frames[0].argmax())
    ((96, 25), 8)
    >>> abs(float(frames[0, 8])) < 0.01
    True
    """
    return BarkAnalyzer(sample_rate, frame_rate=frame_rate).push(sound)


class BarkAnalyzer:
    """`bark_frames` of a sound that arrives piece by piece.

    Whatever the pieces, the frames are those of the whole sound, to float32 rounding.

    Parameters
    ----------
    sample_rate : float
        Samples per second, at least 1000.
    frame_rate : float, default=100.0
        Frames per second.

    Attributes
    ----------
    window_samples : int
        Length of the window in samples.

    Examples
    --------
    >>> analyzer = BarkAnalyzer(44100)
    >>> len(analyzer.push(np.zeros(2000))), len(analyzer.push(np.zeros(1000)))
    (0, 3)
    """

    def __init__(self, sample_rate: float, *, frame_rate: float = 100.0) -> None:
        self.sample_rate = check_positive("sample_rate", sample_rate)
        if self.sample_rate < 1000:
            raise ValueError(f"sample_rate must be at least 1000 Hz; got {shown(sample_rate)}. "
                             "In Hz, not kHz?")
        self.frame_rate = check_positive("frame_rate", frame_rate)
        if self.frame_rate > self.sample_rate:
            raise ValueError(f"frame_rate must not exceed sample_rate={sample_rate}; "
                             f"got {shown(frame_rate)}.")
        self.window_samples = round(2048 * self.sample_rate / 44100)
        self._window = np.sin(np.pi * np.arange(self.window_samples) / self.window_samples) ** 2
        self._band_weights = self._make_band_weights()
        self._window = self._window.astype(np.float32)
        self._n_frames = 0
        self._held = np.zeros(0, dtype=np.float32)
        self._held_from = 0  # place in the sound of the first held sample

    def push(self, sound: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the frames, shape (k, 25) in dB, whose windows this piece completes.

        Parameters
        ----------
        sound : array-like of shape (n_samples,)
            The next samples, as for `bark_frames`.
        """
        checked = _check_sound(sound)
        # In pieces, so that hours of sound are never held a second time.
        parts = [self._push_piece(_full_scale(checked[i:i + _PIECE_SAMPLES]))
                 for i in range(0, len(checked), _PIECE_SAMPLES)]
        return np.concatenate(parts) if parts else np.empty((0, N_BANDS), dtype=np.float32)

    def _push_piece(self, piece: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the frames that a few seconds of checked sound complete."""
        held = np.concatenate([self._held, piece])
        heard = self._held_from + len(held)
        # Two too many, to be safe from rounding; then those whose window is whole.
        possible = np.arange(self._n_frames, int(heard * self.frame_rate / self.sample_rate) + 2)
        starts = np.rint(possible * self.sample_rate / self.frame_rate).astype(np.int64)
        starts = starts[starts + self.window_samples <= heard] - self._held_from
        frames = np.empty((len(starts), N_BANDS), dtype=np.float32)
        if len(starts):
            windows = np.lib.stride_tricks.sliding_window_view(held, self.window_samples)
            for i in range(0, len(starts), _BLOCK_FRAMES):
                frames[i:i + _BLOCK_FRAMES] = self._analyze(windows[starts[i:i + _BLOCK_FRAMES]])
        self._n_frames += len(starts)
        next_start = round(self._n_frames * self.sample_rate / self.frame_rate)
        done = min(max(next_start - self._held_from, 0), len(held))
        self._held = held[done:].copy()  # a view would keep the whole piece alive
        self._held_from += done
        return frames

    def _analyze(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the frames, in dB, of windows of shape (k, window_samples)."""
        windows *= self._window
        # Real and imaginary parts side by side: one square and one product give the
        # band powers, with no array of magnitudes between.
        spectrum: npt.NDArray[np.float32] = rfft(windows, axis=1).view(np.float32)
        np.square(spectrum, out=spectrum)
        power: npt.NDArray[np.float32] = spectrum @ self._band_weights
        return np.asarray(linear_to_db(power), dtype=np.float32)

    def _make_band_weights(self) -> npt.NDArray[np.float32]:
        """Return the weights, shape (2 n_bins, 25), that turn squares into band powers."""
        n_bins = self.window_samples // 2 + 1
        hertz = np.arange(n_bins) * self.sample_rate / self.window_samples
        weight = np.full(n_bins, 4 / (self.window_samples * np.sum(self._window ** 2)))
        weight[0] /= 2
        if self.window_samples % 2 == 0:
            weight[-1] /= 2
        band = np.searchsorted(BARK_EDGES_HZ, hertz, side="right") - 1
        inside = band < N_BANDS
        weights = np.zeros((n_bins, N_BANDS))
        weights[inside, band[inside]] = weight[inside]
        return np.repeat(weights, 2, axis=0).astype(np.float32)


def _check_sound(sound: npt.ArrayLike) -> npt.NDArray[np.number]:
    """Return ``sound`` as one channel of samples in a known format, or raise ValueError."""
    check_not_masked("sound", sound)
    array = np.asarray(sound)
    if array.ndim != 1:
        hint = " Mix the channels first: sound.mean(axis=1)." if array.ndim == 2 else ""
        raise ValueError(f"sound must have shape (n_samples,); got {array.shape}.{hint}")
    if array.dtype in _FULL_SCALE:
        return array
    if array.dtype.kind != "f":
        raise ValueError("sound must be floats with full scale 1.0, or int16, int32 or uint8 "
                         f"samples; got dtype {array.dtype}.")
    if array.size:
        peak = max(-array.min(), array.max())
        if not np.isfinite(peak):
            raise ValueError("sound must be finite; got nan or inf at sample "
                             f"{np.flatnonzero(~np.isfinite(array))[0]}.")
        if peak > _LARGEST_SAMPLE:
            raise ValueError(f"sound must have full scale 1.0; got a peak of {peak:g}. "
                             "Divide 16-bit samples by 32768.")
    return array


def _full_scale(samples: npt.NDArray[np.number]) -> npt.NDArray[np.float32]:
    """Return checked samples as float32, integers divided by their full scale."""
    floats = samples.astype(np.float32)
    if samples.dtype == np.uint8:  # silence is 128
        floats -= 128
    if samples.dtype in _FULL_SCALE:
        floats /= _FULL_SCALE[samples.dtype]
    return floats
