"""Bark frames of sound: the bands, their unit, and the analysis of samples.

What a frame is, its bands and its unit: see the package, `barkcluster.frames`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._validation import check_not_masked, check_positive, shown

from .session import FLOOR_DB, N_BANDS, Levels

BARK_EDGES_HZ: npt.NDArray[np.float64] = np.array([
    0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150,
    3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20500], dtype=np.float64)
BARK_EDGES_HZ.flags.writeable = False

# Windows analyzed at once: small enough for the cache, large enough to hide Python.
_BLOCK_FRAMES = 128
# Samples converted at once, 3 s at 44.1 kHz.
_PIECE_SAMPLES = 1 << 17
# What a wav file holds beside floats, and its full scale.
_FULL_SCALE = {np.dtype(np.int16): 2.0 ** 15, np.dtype(np.int32): 2.0 ** 31,
               np.dtype(np.uint8): 2.0 ** 7}
# 60 dB over full scale: no sound, but integer samples that nobody scaled.
_LARGEST_SAMPLE = 1000.0


def linear_to_db(power: npt.ArrayLike) -> Levels:
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
    values: Levels = np.asarray(power)
    if values.dtype != np.float32:
        with np.errstate(invalid="ignore"):  # a signaling nan stays one
            values = values.astype(np.float64)
    if not np.all(values >= 0):
        raise ValueError("power must be 0 or more; got negative numbers or nan. "
                         "Are these dB already?")
    level: Levels = 10 * np.log10(values + values.dtype.type(1e-10))
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
        """The frames, shape (k, 25) in dB, whose windows this piece completes.

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
        """The frames that a few seconds of checked sound complete."""
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
        """The frames, in dB, of windows of shape (k, window_samples)."""
        from scipy.fft import rfft  # here, so that text is read without scipy

        windows *= self._window
        # Real and imaginary parts side by side: one square and one product give the
        # band powers, with no array of magnitudes between.
        spectrum: npt.NDArray[np.float32] = rfft(windows, axis=1).view(np.float32)
        np.square(spectrum, out=spectrum)
        power: npt.NDArray[np.float32] = spectrum @ self._band_weights
        return np.asarray(linear_to_db(power), dtype=np.float32)

    def _make_band_weights(self) -> npt.NDArray[np.float32]:
        """The weights, shape (2 n_bins, 25), that turn squares into band powers."""
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
    """``sound`` as one channel of samples in a known format; ValueError for anything else."""
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
    """Checked samples as float32, integers divided by their full scale."""
    floats = samples.astype(np.float32)
    if samples.dtype == np.uint8:  # silence is 128
        floats -= 128
    if samples.dtype in _FULL_SCALE:
        floats /= _FULL_SCALE[samples.dtype]
    return floats
