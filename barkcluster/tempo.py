"""Beats per minute, for whole sessions and while frames arrive.

How an answer comes about:

1. Onset strength: how much the level rises within 20 ms, averaged over the bass, the middle and
   the high bands apart. A bass drum that plays half as often as the hi-hat tells which of the two
   is the beat; their sum does not.
2. How periodic it is, in windows of 10 s: autocorrelation, which sees a period and its multiples,
   and spectrum, which sees a rate and its multiples. Averaged over the session.
3. Each tempo of a fine grid is judged by a weighted sum of both, the spectra of bass, middle and
   high each with weights of their own, at simple ratios of its beat (half, third, twice, ...: the
   meter around it, after Peeters) and by how usual it is. A softmax makes shares of 1 of these
   scores.
4. While frames arrive, what was heard before counts, too: see `TempoMemory`.

All lengths, from the onsets' 20 ms to the windows, are fixed parts of the beats in ``bpm_range``.
Frames repeated twice, with that range halved, so give the same numbers, and half the tempo,
exactly.

References
----------
Percival, G. and Tzanetakis, G. (2014). Streamlined tempo estimation based on autocorrelation and
cross-correlation with pulses. IEEE/ACM Trans. Audio, Speech, and Language Processing 22(12),
1765-1776.

Peeters, G. (2006). Template-based estimation of time-varying tempo. EURASIP J. Advances in Signal
Processing 2007, 67215.

Degara, N. et al. (2012). Reliability-informed beat tracking of musical signals. IEEE Trans. Audio,
Speech, and Language Processing 20(1), 290-301. (Tempi as states of a hidden Markov model.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive, check_positive_int
from barkcluster.frames.resampling import pooled
from barkcluster.frames.session import N_BANDS, Session, check_frames

BPM_RANGE = (40.0, 240.0)

# Onset strength has this many values in the shortest beat: 100 a second for 240 beats a minute.
VALUES_PER_BEAT = 25
_RISE = 2            # values between the two levels compared
_LARGEST_RISE_DB = 20.0
_DYNAMICS_DB = 60.0  # below the loudest, changes are noise
_QUIETEST_DB = -90.0
_SMOOTH = 5          # values
_TREND = 99          # values; what changes more slowly is no onset
_REGISTERS = (0, 6, 14, 25)  # bands where the bass, the middle and the high ones begin and end
WINDOW_BEATS = 40   # of the shortest beat, 10 s
_WINDOWS_AT_ONCE = 64
_ROWS_AT_ONCE = 1 << 14

_STEPS_PER_OCTAVE = 80
_TOLERANCE = 1.04    # tempi this near each other are one answer
_FEWEST_BEATS = 3    # of the longest, that must have been heard
_LEAST_SHARE = 0.01  # of a candidate
_CLEAR = 0.1         # autocorrelation from which on a beat is no matter of chance
_MOST_CANDIDATES = 6

# What is remembered while frames arrive. Chosen on pairs of scores, one after the other (how soon
# the second tempo is answered), and on recorded music (how often the octave jumps):
# benchmarks/tempo.py.
_EVIDENCE = 0.4      # of scores, a second: two windows of 10 s, 0.5 s apart, say much the same
_CHANGES = 0.1       # chance a second that another tempo begins, whatever it is
_OCTAVE_CHANGES = 1e-5  # the same, that it is in one of these ratios to the one before
_OCTAVES = (4 / 3, 3 / 2, 2, 8 / 3, 3, 4, 6)
_DRIFT = 1.5         # steps of the grid between estimates
_MOST_DRIFT = 4

# What the autocorrelation at this multiple of the beat's period, and the spectra of bass, middle
# and high at this multiple of its rate, say for a tempo. Learned (conditional logit, ridge) from
# seeded scores in 20 styles and jams, without recorded music: benchmarks/tempo_weights.py.
_WEIGHTS = {
    1 / 4: (0.13, -18.62, -9.27, 11.81),
    1 / 3: (1.38, -6.78, 25.74, 0.30),
    1 / 2: (-1.02, 3.97, -2.64, 11.19),
    2 / 3: (0.62, 0.10, 7.18, -4.91),
    3 / 4: (0.74, 1.37, 1.67, -3.42),
    1: (1.22, 1.82, -3.00, 2.30),
    4 / 3: (0.41, 0.29, 0.87, -2.01),
    3 / 2: (-0.67, -1.16, -2.68, 3.71),
    2: (0.63, 10.14, 2.04, 2.94),
    3: (1.27, 4.12, 5.46, 2.40),
    4: (2.17, 5.11, 3.86, 7.24),
    6: (-0.32, 6.33, 4.47, -0.30),
    8: (3.19, -0.53, 0.54, 2.21),
}
# The same for u, octaves above the middle of the range, and u squared.
_USUAL = (0.068, -0.528)
# The most usual tempo lies here between the ends of the range, in octaves: 117 of 40 to 240.
USUAL_PLACE = 0.6


@dataclass(frozen=True)
class Candidate:
    """A tempo and its share of the evidence.

    Attributes
    ----------
    bpm : float
        Beats per minute.
    share : float
        0 to 1; the shares of all tempi together make 1.
    """

    bpm: float
    share: float


@dataclass(frozen=True)
class Tempo:
    """What `estimate_tempo` answers.

    Attributes
    ----------
    bpm : float
        Beats per minute; nan where nothing begins, as in silence or a held chord.
    confidence : float
        0 to 1: the share of the evidence within 4 % of ``bpm``, less where hardly anything
        recurs. Doubt is mostly about the octave: then ``candidates`` holds ``bpm / 2`` or
        ``2 * bpm`` with much the same share.
    candidates : tuple of Candidate
        The likeliest first, ``bpm`` among them; at most six.
    """

    bpm: float
    confidence: float
    candidates: tuple[Candidate, ...]


def estimate_tempo(frames: npt.ArrayLike | Session, *, frame_rate: float = 100.0,
                   bpm_range: tuple[float, float] = BPM_RANGE) -> Tempo:
    """The tempo of a session: that of most of it, if it changes.

    Parameters
    ----------
    frames : array-like of shape (n_frames, 25) or Session
        Bark coefficients in dB, at least three beats of the slowest tempo (4.5 s of the default).
    frame_rate : float, default=100.0
        Frames per second; a Session brings its own.
    bpm_range : tuple of float, default=(40.0, 240.0)
        Slowest and fastest tempo to consider. Narrow it to settle the octave: of 70 and 140 only
        one lies in ``(60, 110)``. Tempi near 60 % of the way up, in octaves, are held likeliest:
        117 in the default range.

    Returns
    -------
    tempo : Tempo

    Raises
    ------
    ValueError
        For frames that are too few or not usable, and ranges that are not increasing.

    Notes
    -----
    ``estimate_tempo(np.repeat(frames, 2, axis=0), bpm_range=(20, 120))`` is half of
    ``estimate_tempo(frames)``, exactly; and so for every factor, up to rounding, with the range
    divided by it. With the range left as it is the tempo halves only while the half is as
    plausible a tempo as the whole: a song at 90, played at half speed, is a song at 90 with long
    notes.

    Examples
    --------
    >>> frames = np.full((1000, 25), -60.0)
    >>> frames[::50] = -20.0                        # a click every half second
    >>> round(estimate_tempo(frames, bpm_range=(80, 160)).bpm, 1)
    120.0
    """
    n_bands = N_BANDS
    if isinstance(frames, Session):
        frame_rate, n_bands = frames.frame_rate, frames.n_bands
    rate = check_positive("frame_rate", frame_rate)
    grid = TempoGrid(bpm_range)
    checked = check_frames(frames, n_bands)
    takes = [take.frames for take in frames.takes] if isinstance(frames, Session) else [checked]
    fewest = math.ceil(grid.shortest_s * rate)
    able = [take for take in takes if len(take) >= fewest]
    if not able:
        in_one = " in one take" if len(takes) > 1 else ""
        raise ValueError(
            f"frames must cover {_FEWEST_BEATS} beats of the slowest tempo, {fewest} frames "
            f"({grid.shortest_s:g} s){in_one}; got {max(map(len, takes))}. Raise the lower end of "
            "bpm_range?")
    return grid.answer(able, rate)


class TempoTracker:
    """The tempo now, while frames arrive.

    Parameters
    ----------
    window : float, default=10.0
        Seconds of frames that are listened to at once, and kept.
    hop : float, default=0.5
        Seconds between estimates.
    frame_rate : float, default=100.0
        Frames per second.
    bpm_range : tuple of float, default=(40.0, 240.0)
        Slowest and fastest tempo to consider.
    n_bands : int, default=25
        Numbers in a frame.
    memory : bool, default=True
        Whether what the tempo was before counts, so that an answer does not jump to its double or
        half within a song. Without it an answer is `estimate_tempo` of the newest window.

    Attributes
    ----------
    n_frames : int
        Frames heard.
    warm_up : float
        Seconds until the first answer: three beats of the slowest tempo, 4.5 s of the default.

    Examples
    --------
    >>> tracker = TempoTracker(bpm_range=(80, 160))
    >>> for i in range(1000):
    ...     tempo = tracker.push(np.full(25, -60.0 if i % 50 else -20.0))
    >>> round(tempo.bpm, 1)
    120.0
    """

    def __init__(self, *, window: float = 10.0, hop: float = 0.5, frame_rate: float = 100.0,
                 bpm_range: tuple[float, float] = BPM_RANGE, n_bands: int = N_BANDS,
                 memory: bool = True) -> None:
        self.window = check_positive("window", window)
        self.hop = check_positive("hop", hop)
        self.frame_rate = check_positive("frame_rate", frame_rate)
        self.bpm_range = bpm_range
        self.n_bands = check_positive_int("n_bands", n_bands)
        self._grid = TempoGrid(bpm_range)
        self._memory = TempoMemory(self._grid, self.hop) if memory else None
        self.warm_up = self._grid.shortest_s
        if self.window < self.warm_up:
            raise ValueError(f"window must hold {_FEWEST_BEATS} beats of the slowest tempo, "
                             f"{self.warm_up:g} s; got {self.window:g}.")
        self._fewest = math.ceil(self.warm_up * self.frame_rate)
        self._hop_frames = max(1, round(self.hop * self.frame_rate))
        # Twice the window, so that the newest frames are one piece: each is written twice.
        self._kept = max(self._fewest, round(self.window * self.frame_rate))
        self._ring = np.zeros((2 * self._kept, self.n_bands))
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self.n_frames = 0
        if self._memory is not None:
            self._memory.forget()
        self._newest: Tempo | None = None

    def push(self, frame: npt.ArrayLike) -> Tempo | None:
        """Hear one frame; return the newest estimate, or None while warming up.

        Parameters
        ----------
        frame : array-like of shape (n_bands,)
            Levels in dB. A frame with nan raises ValueError and is not counted.

        Returns
        -------
        tempo : Tempo or None
            A new one when ``n_frames`` is a multiple of the hop, then the same until the next.
        """
        levels = check_frames(np.asarray(frame)[None], self.n_bands, name="frame")
        at = self.n_frames % self._kept
        self._ring[at] = self._ring[at + self._kept] = levels[0]
        self.n_frames += 1
        if self.n_frames >= self._fewest and self.n_frames % self._hop_frames == 0:
            if self.n_frames < self._kept:
                heard = self._ring[:self.n_frames]
            else:
                heard = self._ring[at + 1:at + 1 + self._kept]
            self._newest = self._grid.answer([heard], self.frame_rate, self._memory)
        return self._newest


@dataclass
class TempoGrid:
    """The tempi of a range and what is made ready to judge them."""

    bpm_range: tuple[float, float]
    bpm: FloatArray = field(init=False)          # beats per minute, fastest first
    period: FloatArray = field(init=False)       # the same as values of onset strength in a beat
    log_prior: FloatArray = field(init=False)    # score of each tempo before anything is heard

    def __post_init__(self) -> None:
        try:
            slowest, fastest = self.bpm_range
        except (TypeError, ValueError) as error:  # not a pair
            raise ValueError("bpm_range must be two numbers, slowest and fastest; "
                             f"got {self.bpm_range!r}.") from error
        slowest, fastest = (check_positive("bpm_range", bpm) for bpm in (slowest, fastest))
        if not _TOLERANCE * slowest <= fastest <= 64 * slowest:
            raise ValueError("bpm_range must be slowest and fastest beats per minute, at least "
                             f"4 % apart; got {self.bpm_range}.")
        octaves = math.log2(fastest / slowest)
        steps = np.arange(math.floor(octaves * _STEPS_PER_OCTAVE + 1e-9) + 1) / _STEPS_PER_OCTAVE
        # Powers of two times the fastest: half the range is exactly half the grid.
        self.bpm = fastest * 2.0 ** -steps
        self.period = VALUES_PER_BEAT * 2.0 ** steps
        up = (1 - USUAL_PLACE) * octaves - steps
        self.log_prior = _USUAL[0] * up + _USUAL[1] * up * up

    @property
    def shortest_s(self) -> float:
        """Seconds that must have been heard."""
        return _FEWEST_BEATS * 60.0 / min(self.bpm_range)

    def answer(self, takes: list[npt.NDArray[np.floating]], frame_rate: float,
               memory: TempoMemory | None = None) -> Tempo:
        """The tempo of checked frames, takes apart from each other; by what was before, too."""
        fastest = max(self.bpm_range)
        frames_per_value = frame_rate * 60.0 / (fastest * VALUES_PER_BEAT)
        heard = [onsets for take in takes
                 if (onsets := onset_strength(take, frames_per_value)).any()]
        if not heard:
            return Tempo(math.nan, 0.0, ())
        length = max(WINDOW_BEATS * VALUES_PER_BEAT, round(_FEWEST_BEATS * self.period[-1]))
        # The same of each take, in proportion to how long it is.
        parts = [periodicity(onsets, length) for onsets in heard]
        share = np.array([onsets.shape[1] for onsets in heard], dtype=np.float64)
        share /= share.sum()
        autocorrelation, spectra = (
            np.tensordot(share, np.stack(part), axes=1) for part in zip(*parts, strict=True))
        score = self.log_prior.copy()
        n_fft = 2 * (spectra.shape[1] - 1)
        for ratio, (for_period, *for_rates) in _WEIGHTS.items():
            score += for_period * value_at(autocorrelation, self.period * ratio)
            for register, for_rate in zip(spectra, for_rates, strict=True):
                score += for_rate * value_at(register, n_fft / self.period * ratio)
        if memory is None:
            shares = np.exp(score - score.max())
            shares /= shares.sum()
        else:
            shares = memory.hear(score)
        return self._candidates(shares, autocorrelation)

    def _candidates(self, shares: FloatArray, autocorrelation: FloatArray) -> Tempo:
        """The peaks of the shares, each with those of the tempi it stands for."""
        padded = np.concatenate([[-1.0], shares, [-1.0]])
        peaks = np.flatnonzero((shares >= padded[:-2]) & (shares > padded[2:]))
        near = math.log2(_TOLERANCE) * _STEPS_PER_OCTAVE
        found: list[tuple[float, int]] = []
        taken = np.zeros(len(shares), np.bool_)
        for i in peaks[np.argsort(-shares[peaks], kind="stable")]:
            mine = (np.abs(np.arange(len(shares)) - i) <= near) & ~taken
            share = float(shares[mine].sum())
            if taken[i] or (found and share < _LEAST_SHARE) or len(found) == _MOST_CANDIDATES:
                continue
            taken |= mine
            found.append((share, int(i)))
        found.sort(reverse=True)
        minute = max(self.bpm_range) * VALUES_PER_BEAT
        periods = [_refine(autocorrelation, float(self.period[i])) for _, i in found]
        candidates = tuple(Candidate(minute / period, share)
                           for period, (share, _) in zip(periods, found, strict=True))
        clear = float(value_at(autocorrelation, periods[0] * np.array([1.0, 2.0, 4.0])).max())
        confidence = candidates[0].share * min(1.0, max(0.0, clear) / _CLEAR)
        return Tempo(candidates[0].bpm, confidence, candidates)


class TempoMemory:
    """How likely each tempo is now, by all that was heard: a hidden Markov model of the grid.

    From one estimate to the next a tempo drifts a little or, seldom, another begins. That hardly
    ever is twice or half the one before: scores that say so are nearly always the same music, of
    which for some bars the hi-hat or the bass is loudest. So the octave is settled by all of a
    song, and another tempo is still followed.

    Parameters
    ----------
    grid : TempoGrid
    hop : float
        Seconds between estimates.

    Attributes
    ----------
    shares : ndarray of shape (n_tempi,)
        Of each tempo of the grid; together 1.

    Examples
    --------
    >>> grid = TempoGrid((60, 240))
    >>> memory = TempoMemory(grid, 0.5)
    >>> for heard in 40 * [120] + 4 * [240]:       # for two seconds it sounds twice as fast
    ...     shares = memory.hear(np.where(abs(grid.bpm - heard) < 3, 5.0, 0.0))
    >>> round(grid.bpm[shares.argmax()])
    120
    """

    def __init__(self, grid: TempoGrid, hop: float) -> None:
        n = len(grid.bpm)
        apart = np.abs(np.arange(n) - np.arange(n)[:, None])
        drifted = np.where(apart <= _MOST_DRIFT, np.exp(-apart / _DRIFT), 0.0)
        near = math.log2(_TOLERANCE) * _STEPS_PER_OCTAVE
        is_octave = np.any([np.abs(apart - math.log2(ratio) * _STEPS_PER_OCTAVE) <= near
                            for ratio in _OCTAVES], axis=0)
        changes = min(0.5, _CHANGES * hop)
        moves = (1 - changes) * drifted / drifted.sum(axis=0)
        moves += np.where(is_octave, _OCTAVE_CHANGES, changes) / n
        self._moves = moves / moves.sum(axis=0)
        self._weight = min(1.0, _EVIDENCE * hop)
        self.forget()

    def forget(self) -> None:
        """Nothing was heard yet."""
        self.shares = np.full(len(self._moves), 1 / len(self._moves))

    def hear(self, score: FloatArray) -> FloatArray:
        """Return the shares after one more estimate.

        Parameters
        ----------
        score : ndarray of shape (n_tempi,)
            Logarithms of how well each tempo fits, up to a constant.
        """
        shares = (self._moves @ self.shares) * np.exp(self._weight * (score - score.max()))
        self.shares = shares / shares.sum()
        return self.shares


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


def _refine(autocorrelation: FloatArray, period: float) -> float:
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
