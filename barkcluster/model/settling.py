"""After a surprise: long windows still hold it, and count as before it until they do not."""

from __future__ import annotations

import math

import numpy as np

from barkcluster._typing import FloatArray
from barkcluster.windows.layout import WindowLayout
from barkcluster.windows.rolling import RollingBuffer

# Scales below this hear what is sudden.
SUDDEN_S = 2.0
# A surprise: in most of so long a time their mean is stranger than one in six. A higher bar (1.3,
# 1.64) leaves more behind: scores of a short session do not rise that far.
_STRANGE = 1.0
_SURPRISE_S = 0.8
_SURPRISE_SHARE = 0.6
# Held-out moments are a second apart, and one stands for most of the time that a surprise takes.
_STRANGE_ALONE = 1.4
# A surprise is noticed late: what a scale said so long before that is free of it.
_BEFORE_S = 1.5
# What was usual lately: the mean of what the short scales said for so long (s), until so long ago.
_LATELY_S = 10.0
LATELY_UNTIL_S = 2.0
# Hops at once, at most.
HOPS_AT_ONCE = 4096


class Settling:
    """Long scales that still hold a surprise, and what they said before it.

    A window of 10 s goes on being strange for 10 s after a surprise, when the short ones have long
    stopped. Until it holds nothing of the surprise, its scale counts as no stranger than it was
    before, or than the short ones are now. Where that takes twice as long as the window, it was
    no surprise but other music, and the scale says what it hears.

    Parameters
    ----------
    layout : WindowLayout
        Which scales there are, and how often they are heard.
    hops_at_once : int, default=4096
        How many hops `settled` takes at most.
    strange : float, default=1.0
        Mean of the short scales beyond which a hop is strange.

    Examples
    --------
    >>> settling = Settling(WindowLayout(scales=(0.5, 3.0)))
    >>> short = np.where((np.arange(60) >= 30) & (np.arange(60) < 40), 3.0, 0.0)
    >>> long = np.where(np.arange(60) >= 30, 2.0, -1.0)
    >>> settling.settled([short, long])[1][[20, 35, 39, 50, 59]]
    array([-1.,  2.,  2.,  0.,  0.])
    """

    def __init__(self, layout: WindowLayout, hops_at_once: int = HOPS_AT_ONCE,
                 strange: float = _STRANGE) -> None:
        self.layout = layout
        self._strange = strange
        hop = layout.hop_frames
        short = [i for i, scale in enumerate(layout.scales) if scale < SUDDEN_S]
        self._n_short = len(short)
        n_scales = len(layout.scales)
        # Without short scales nobody knows of a surprise.
        self._long = range(self._n_short, n_scales) if short else range(0)
        longest_short = layout.scale_frames[short[-1]] if short else 0
        lengths = np.array([[layout.scale_frames[i]] for i in self._long], dtype=np.intp)
        # Hops at which a short window ends that lies within the long one.
        self._within = (lengths - longest_short) // hop + 1
        self._patience = 2 * lengths // hop

        def hops(seconds: float) -> int:
            return max(1, round(seconds * layout.frame_rate / hop))

        self._length = hops(_SURPRISE_S)
        self._needed = math.ceil(_SURPRISE_SHARE * self._length)
        self._before = hops(_BEFORE_S)
        self._lately, self._lately_until = hops(_LATELY_S), hops(LATELY_UNTIL_S)
        self._longest_within = int(self._within.max(initial=0))
        keep = max(int(self._patience.max(initial=0)) + self._before + self._length,
                   self._lately + self._lately_until) + 1
        self._scores = RollingBuffer(keep, hops_at_once, n_scales)
        self._scores.extend(keep)[:] = np.nan
        # Running sums: of the sudden, of hops at which it was strange, of those in a surprise.
        self._sums = RollingBuffer(keep, hops_at_once, 3)
        self._sums.extend(keep)[:] = 0.0
        # The newest hop at which each long scale held nothing of a surprise.
        self._last_clean = np.full((len(self._long), 1), keep - 1)

    def settled(self, scores: list[FloatArray]) -> list[FloatArray]:
        """Hear the scores of the newest hops; return them as they count for the moment.

        Parameters
        ----------
        scores : list of ndarray of shape (n_windows,)
            Strangeness of each scale that is full, shortest first; the last of all scales belong
            together. Scales whose first window filled later have fewer.

        Returns
        -------
        scores : list of ndarray of shape (n_windows,)
            None higher than it was.
        """
        if not self._long or not scores or not len(scores[0]):
            return scores
        n, start = len(scores[0]), self._scores.n_rows
        rows = self._scores.extend(n)
        if len(scores[-1]) == n and len(scores) == rows.shape[1]:
            rows[:] = np.array(scores).T
        else:
            rows[:] = np.nan
            for i, score in enumerate(scores):
                rows[n - len(score):, i] = score
        self._hear(rows, start)
        sums = self._sums.between(start - self._longest_within, start + n)[:, 2]
        if sums[0] == sums[-1]:  # nearly always
            self._last_clean[:] = start + n - 1
            return scores
        numbers = np.arange(start, start + n)
        clean = sums[-n:] == self._sums.at(numbers - self._within)[..., 2]
        last = np.maximum.accumulate(np.where(clean, numbers, self._last_clean), axis=1)
        self._last_clean = last[:, -1:]
        hold = numbers - last <= self._patience
        hold &= ~clean
        if not hold.any():
            return scores
        # Of those that hold nothing it does not matter which hops are looked up, if they are kept.
        before = self._scores.at(np.maximum(last, numbers - self._patience) - self._before)
        sudden = self._sums.between(start - self._length, start + n)[:, 0]
        now = (sudden[self._length:] - sudden[:n]) / self._length
        result = list(scores)
        for j, i in enumerate(self._long):
            if i >= len(scores):
                break
            # Of before there may be nothing: the window was not full.
            counted = np.fmin(rows[:, i], np.maximum(before[j, :, i], now))
            result[i] = np.where(hold[j], counted, rows[:, i])[n - len(scores[i]):]
        return result

    def lately(self, n: int) -> FloatArray:
        """What the short scales said in the ten seconds before the last two, on average.

        Parameters
        ----------
        n : int
            Hops, those of the newest call of `settled`.

        Returns
        -------
        lately : ndarray of shape (n,)
            At each of them; what was not heard counts as 0, as typical.
        """
        if not self._long:
            return np.zeros(n)
        stop = self._sums.n_rows - self._lately_until
        sums = self._sums.between(stop - n - self._lately, stop)[:, 0]
        return np.asarray((sums[self._lately:] - sums[:n]) / self._lately)

    def _hear(self, rows: FloatArray, start: int) -> None:
        """Take the scores of the short scales into the running sums."""
        n = len(rows)
        sudden = np.add.reduce(rows[:, :self._n_short], axis=1) / self._n_short
        # Before the longest of the short scales is full, there is no saying what is sudden.
        sudden[np.isnan(sudden)] = 0.0
        sums = self._sums.extend(n)
        last = self._sums.between(start - 1, start)[0]
        sums[:, 0] = sudden
        sums[:, 1] = sudden > self._strange
        sums[0, :2] += last[:2]
        if n > 1:
            np.cumsum(sums[:, :2], axis=0, out=sums[:, :2])
        before = self._sums.between(start - self._length, start - self._length + n)
        sums[:, 2] = sums[:, 1] - before[:, 1] >= self._needed
        sums[0, 2] += last[2]
        if n > 1:
            np.cumsum(sums[:, 2], out=sums[:, 2])


def settled_moments(scores: FloatArray, times: FloatArray, layout: WindowLayout,
                    share: float | FloatArray) -> FloatArray:
    """Scores of held-out moments, as `Settling` makes those count that are heard.

    Of chance surprises there are many in noise: forgiven in what is heard alone, they would make
    all of it more familiar than it is. Where music moves on in sections, what is strange in a
    held-out block is no surprise but other music, and it is left as it is.

    Parameters
    ----------
    scores : ndarray of shape (n_scales, n)
        Strangeness of the first scales of the layout, shortest first.
    times : ndarray of shape (n,)
        When the windows end, rising, in seconds.
    layout : WindowLayout
    share : float or ndarray of shape (n,)
        How far they are settled, 0 to 1.

    Returns
    -------
    scores : ndarray of shape (n_scales, n)
    """
    if len(times) < 2 or not np.any(share):
        return scores
    moments = WindowLayout(
        layout.scales[:len(scores)], float(np.median(np.diff(times))), layout.frame_rate)
    settled = Settling(moments, len(times), _STRANGE_ALONE).settled(list(scores))
    return np.asarray((1.0 - share) * scores + share * np.array(settled))


def lately_at_moments(scores: FloatArray, times: FloatArray, layout: WindowLayout) -> FloatArray:
    """For held-out moments, what `Settling.lately` says of those that are heard.

    Parameters
    ----------
    scores, times, layout
        As in `settled_moments`.

    Returns
    -------
    lately : ndarray of shape (n,)
        0 where there are none so long before.
    """
    n_short = sum(scale < SUDDEN_S for scale in layout.scales[:len(scores)])
    if not n_short:
        return np.zeros(len(times))
    sums = np.append(0.0, np.cumsum(scores[:n_short].mean(axis=0)))
    start, stop = (np.searchsorted(times, times - ago, "right")
                   for ago in (LATELY_UNTIL_S + _LATELY_S, LATELY_UNTIL_S))
    return np.asarray((sums[stop] - sums[start]) / np.maximum(stop - start, 1))
