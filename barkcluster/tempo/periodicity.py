"""Onset strength of three registers, and how periodic it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from barkcluster._typing import FloatArray
from barkcluster.frames.resampling import pooled
from barkcluster.frames.session import N_BANDS

_RISE = 2            # values between the two levels compared
_LARGEST_RISE_DB = 20.0
_DYNAMICS_DB = 60.0  # below the loudest, changes are noise
_QUIETEST_DB = -90.0
_SMOOTH = 5          # values
_TREND = 99          # values; what changes more slowly is no onset
_REGISTERS = (0, 6, 14, 25)  # bands where the bass, the middle and the high ones begin and end
_WINDOWS_AT_ONCE = 64
_ROWS_AT_ONCE = 1 << 14


def onset_strength(levels: npt.NDArray[np.floating], frames_per_value: float) -> FloatArray:
    """Rise of the level in dB, smoothed, without its trend: a row for each register."""
    n = int(len(levels) / frames_per_value + 1e-9)
    loudest = np.concatenate([
        pooled(levels, i, min(i + _ROWS_AT_ONCE, n), frames_per_value).max(axis=1)
        for i in range(0, n, _ROWS_AT_ONCE)])
    floor = max(float(np.percentile(loudest, 95)) - _DYNAMICS_DB, _QUIETEST_DB)
    registers = _registers(levels.shape[1])
    onsets = np.empty((len(registers), max(0, n - _RISE)))
    for i in range(0, onsets.shape[1], _ROWS_AT_ONCE):
        stop = min(i + _ROWS_AT_ONCE, onsets.shape[1])
        rows = np.maximum(pooled(levels, i, stop + _RISE, frames_per_value), floor)
        rise = np.clip(rows[_RISE:] - rows[:-_RISE], 0.0, _LARGEST_RISE_DB)
        for register, bands in zip(onsets, registers, strict=True):
            register[i:stop] = rise[:, bands].mean(axis=1)
    if not onsets.any():
        return onsets
    trend = signal.windows.hann(_TREND + 2)[1:-1]
    padded = np.pad(onsets, [(0, 0), (_TREND // 2, _TREND // 2)], mode="edge")
    onsets = onsets - signal.oaconvolve(padded, trend[None] / trend.sum(), mode="valid", axes=1)
    smooth = signal.windows.hann(_SMOOTH + 2)[1:-1]
    return np.stack([np.convolve(register, smooth / smooth.sum(), mode="same")
                     for register in onsets])


def _registers(n_bands: int) -> list[slice]:
    """Bands of the bass, the middle and the high; stretched for other numbers of bands."""
    edges = [round(edge * n_bands / N_BANDS) for edge in _REGISTERS]
    starts = [min(low, n_bands - 1) for low in edges[:-1]]
    return [slice(start, max(start + 1, stop))
            for start, stop in zip(starts, edges[1:], strict=True)]


def periodicity(onsets: FloatArray, length: int) -> tuple[FloatArray, FloatArray]:
    """Autocorrelation, mean of registers and windows, and each register's mean spectrum."""
    if onsets.shape[1] < length:
        onsets = np.pad(onsets, [(0, 0), (0, length - onsets.shape[1])])
    n_fft = 1 << (4 * length - 1).bit_length()
    windows = np.lib.stride_tricks.sliding_window_view(onsets, length, axis=1)[:, ::length // 5]
    n_registers, n_windows = windows.shape[:2]
    taper = signal.windows.hann(length + 2)[1:-1]
    autocorrelation, spectra = np.zeros(length), np.zeros((n_registers, n_fft // 2 + 1))
    for i in range(0, n_windows, _WINDOWS_AT_ONCE):
        for some, register in zip(windows[:, i:i + _WINDOWS_AT_ONCE], spectra, strict=True):
            power = np.abs(fft.rfft(some, n_fft, axis=1)) ** 2
            lagged = fft.irfft(power, axis=1)[:, :length]
            # The small term keeps windows of next to nothing from counting as much as music.
            autocorrelation += (lagged / (lagged[:, :1] + 1e-6 * length)).sum(axis=0)
            strength = np.abs(fft.rfft(some * taper, n_fft, axis=1))
            energy = np.sum(some * some, axis=1, keepdims=True)
            register += (strength / np.sqrt(energy * length / 4 + 1e-6 * length)).sum(axis=0)
    # Fewer products at long lags: as if there were as many, up to four times.
    left = np.maximum(length - np.arange(length), length / 4)
    return autocorrelation * (length / left) / (n_windows * n_registers), spectra / n_windows


def value_at(values: FloatArray, places: FloatArray | float) -> FloatArray:
    """Values between samples; 0 beyond the end."""
    return np.asarray(np.interp(places, np.arange(len(values)), values, right=0.0))


def refined(autocorrelation: FloatArray, period: float) -> float:
    """The period within 2 % at which beats one, two and four apart agree best."""
    tried = period * np.linspace(0.98, 1.02, 161)
    agree = sum(_between(autocorrelation, beats * tried) for beats in (1, 2, 4))
    return float(tried[np.argmax(agree)])


def _between(values: FloatArray, places: FloatArray) -> FloatArray:
    """Values between samples by cubics through four of them; straight lines would pull peaks."""
    last = len(values) - 1
    at = np.minimum(places, last).astype(np.intp)
    part = places - at
    before, here, after, later = (values[np.clip(at + k, 0, last)] for k in (-1, 0, 1, 2))
    slope, slope_after = (after - before) / 2, (later - here) / 2
    rise = after - here
    inside = here + part * (slope + part * (3 * rise - 2 * slope - slope_after
                                            + part * (slope + slope_after - 2 * rise)))
    return np.where(places <= last, inside, 0.0)
