"""Samples in flat tops: sound that was clipped.

Bark frames do not show it: clipped sound is a little louder in high bands, and that is all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray

# Samples are counted by level, in steps of this share of full scale, to twice full scale.
_STEP = 1.0 / 1024
_N_LEVELS = 4096
_ZERO = _N_LEVELS // 2
# The top is what lies within this share of the highest level. Softer than the softest, all of a
# sound of few bits is flat.
_TOP = 0.98
_SOFTEST = 0.05
# The top of a clipped sound is flat in a larger share than the peaks of a slow wave or of a
# saturated one; a square wave is flat elsewhere as well, or is nowhere else.
_FLAT_TOP = 0.15
_FLAT_ELSEWHERE = 0.3
_ELSEWHERE = (0.1, 0.95)
_LEAST_ELSEWHERE = 0.001


class FlatTops:
    """Counts the samples of a sound, and those in flat tops, as its blocks come.

    A flat top is three or more samples of one value at the highest level of the sound or at the
    lowest, whatever level that is: what was clipped may have been made softer since.

    Examples
    --------
    >>> tops = FlatTops()
    >>> hum = 2.0 * np.sin(np.arange(48000) / 50)
    >>> tops.push(hum.clip(-1, 1)[:, None])
    >>> print(f"{tops.share:.2f}")
    0.67
    """

    def __init__(self) -> None:
        self._n = np.zeros(_N_LEVELS, dtype=np.int64)
        self._n_flat = np.zeros(_N_LEVELS, dtype=np.int64)

    def push(self, block: npt.NDArray[np.floating]) -> None:
        """Count the samples of a block, of shape (n_samples, n_channels)."""
        level = np.clip(block / _STEP + _ZERO, 0, _N_LEVELS - 1).astype(np.int16)
        same = block[1:] == block[:-1]
        middle = same[1:] & same[:-1]
        flat = np.zeros(block.shape, dtype=bool)
        # The middle of each three; those at its ends belong to it as well.
        for first in range(3):
            flat[first:first + len(middle)] |= middle
        self._n += np.bincount(level.ravel(), minlength=_N_LEVELS)
        self._n_flat += np.bincount(level[flat], minlength=_N_LEVELS)

    @property
    def share(self) -> float:
        """Share of all samples that lie in flat tops; 0 for square waves."""
        heights = np.arange(_N_LEVELS, dtype=np.float64) - _ZERO + 0.5
        n_clipped = self._clipped(heights) + self._clipped(-heights)
        return n_clipped / max(1, int(self._n.sum()))

    def _clipped(self, heights: FloatArray) -> int:
        """Samples in flat tops, with the heights of all levels toward them."""
        highest = float(heights[self._n > 0].max(initial=0.0))
        if highest * _STEP < _SOFTEST:
            return 0
        top = heights >= _TOP * highest - 0.5
        elsewhere = (heights > _ELSEWHERE[0] * highest) & (heights < _ELSEWHERE[1] * highest)
        n_elsewhere = int(self._n[elsewhere].sum())
        if (n_elsewhere < _LEAST_ELSEWHERE * self._n.sum()
                or self._n_flat[elsewhere].sum() > _FLAT_ELSEWHERE * n_elsewhere):
            return 0
        n_flat = int(self._n_flat[top].sum())
        return n_flat if n_flat > _FLAT_TOP * self._n[top].sum() else 0
