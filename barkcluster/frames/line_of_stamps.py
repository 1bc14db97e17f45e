"""Stamps as a line: frame number against time, if no frame is missing but in pauses."""

from __future__ import annotations

import numpy as np

from barkcluster._typing import FloatArray, IntArray

# Frames. A longer step may be a pause or a gap; a shorter one is jitter, or a few lost frames.
_LONG_STEP = 4.0


class Line:
    """Straight line through frame number against time, if no frame is missing but in pauses.

    Attributes
    ----------
    rate : float
        Frames in a unit.
    starts : ndarray of int
        Frames that begin a stretch: the first, and those after a pause.
    residual : ndarray of shape (n_frames,)
        How many frames later than its place each stamp is.
    strays : float
        How far apart the residuals of one stretch are.
    """

    def __init__(self, stamps: FloatArray) -> None:
        self._stamps = stamps
        n = len(stamps)
        usual = usual_span(stamps)
        self.starts = _after_long_steps(stamps, usual)
        part = np.zeros(n, dtype=np.intp)
        part[self.starts[1:]] = 1
        self._part = np.cumsum(part)
        counts = np.bincount(self._part)
        k = np.arange(n, dtype=np.float64)
        mean_k = np.bincount(self._part, k) / counts
        mean_t = np.bincount(self._part, stamps - stamps[0]) / counts
        dk, dt = k - mean_k[self._part], stamps - stamps[0] - mean_t[self._part]
        along = float(dk @ dk)
        self.rate = along / float(dk @ dt) if along and dk @ dt > 0 else 1.0 / usual
        self.residual = dt * self.rate - dk
        self.strays = spread(self.residual, self.starts)
        self._mean_k, self._mean_t = mean_k, mean_t

    @property
    def n_shown(self) -> int:
        """Number of steps from frame to frame within the stretches between pauses."""
        return len(self._stamps) - len(self.starts)

    def n_within(self, numbers: IntArray) -> int:
        """Number of places passed within the stretches, given the frames' numbers."""
        inside = np.diff(numbers)
        inside[self.starts[1:] - 1] = 0
        return int(inside.sum())

    def numbers(self, rate: float) -> IntArray:
        """Frame numbers at a rate, if frames are missing in pauses alone."""
        k = np.arange(len(self._stamps))
        late = np.rint(self._mean_t * rate - self._mean_k)
        return k + np.maximum.accumulate(late - late[0])[self._part].astype(np.int64)

    def begins_at_zero(self, quantum: float) -> bool:
        """Whether the stamps are even times from 0 on, rounded to multiples of `quantum`."""
        first = self.starts[1] if len(self.starts) > 1 else len(self._stamps)
        late = self._stamps[:first] * self.rate - np.arange(first)
        return bool(self._stamps[0] == 0
                    and np.all(np.abs(late) <= 0.51 * quantum * self.rate + 1e-6))

    @property
    def wanders(self) -> bool:
        """Whether the stamps leave the line for long, rather than jitter about it."""
        parts = np.split(self.residual, self.starts[1:])
        longest = max(parts, key=len)
        step = np.diff(self._stamps) * self.rate
        step = np.delete(step, self.starts[1:] - 1)
        size = max(64, int(4 * step.max(initial=1.0)))
        n = len(longest) // size
        if n < 4:
            return False
        blocks = longest[:n * size].reshape(n, size)
        middle = blocks.mean(axis=1)
        along = np.arange(size) - (size - 1) / 2
        drift = blocks @ along / (along @ along)
        near = np.ptp(np.percentile(blocks - middle[:, None] - drift[:, None] * along, [10, 90]))
        return bool(np.ptp(np.percentile(middle, [5, 95])) > max(0.75, near))


def usual_span(stamps: FloatArray) -> float:
    """Time between frames, the median over stretches, so that one pause does no harm."""
    n = len(stamps)
    span = min(64, max(1, (n - 1) // 8))
    spans = stamps[span:] - stamps[:-span]
    usual = float(np.median(spans)) / span
    return usual if usual > 0 else float(stamps[-1] - stamps[0]) / (n - 1)


def usual_step(stamps: FloatArray) -> float:
    """Time between most neighboring frames: the mean of the steps near the median."""
    steps = np.diff(stamps)
    steps = np.sort(steps[steps > 0])
    middle = float(steps[len(steps) // 2])
    return float(steps[(steps > 0.5 * middle) & (steps < 1.5 * middle)].mean())


def _after_long_steps(stamps: FloatArray, usual: float) -> IntArray:
    """Indices of the frames that begin a stretch: the first, and those after a real pause.

    After a frame that was only late, shorter steps make up for the long one.
    """
    steps = np.diff(stamps) / usual
    starts = [0]
    made_up = 0.0
    n = len(stamps)
    for i in np.flatnonzero(steps > _LONG_STEP).tolist():
        step = float(steps[i])
        reach = int(1.5 * step) + 8
        before = stamps[max(0, i + 1 - reach):i + 1] / usual
        after = stamps[i + 1:i + 1 + reach] / usual
        was = float(np.percentile(before - np.arange(-len(before), 0), 90))
        comes_back = float(np.min(after - np.arange(len(after)))) - was
        whole = i + 1 + reach <= n
        if comes_back >= 0.5 * step and (whole or step > 1.5 * made_up):
            starts.append(i + 1)
        else:
            made_up = max(made_up, step)
    return np.array(starts)


def spread(residual: FloatArray, starts: IntArray) -> float:
    """Range of the residuals within a stretch, the largest of all stretches."""
    return float(np.max(np.maximum.reduceat(residual, starts)
                        - np.minimum.reduceat(residual, starts)))
