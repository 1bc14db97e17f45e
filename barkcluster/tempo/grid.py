"""The tempi that are considered, and how each is judged by what is periodic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from barkcluster._typing import FloatArray
from barkcluster._validation import check_positive

from .memory import STEPS_PER_OCTAVE, TOLERANCE, TempoMemory
from .periodicity import onset_strength, periodicity, refined, value_at

BPM_RANGE = (40.0, 240.0)

# Onset strength has this many values in the shortest beat: 100 a second for 240 beats a minute.
VALUES_PER_BEAT = 25
WINDOW_BEATS = 40   # of the shortest beat, 10 s

FEWEST_BEATS = 3    # of the longest, that must have been heard
_LEAST_SHARE = 0.01  # of a candidate
_CLEAR = 0.1         # autocorrelation from which on a beat is no matter of chance
_MOST_CANDIDATES = 6

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
        if not TOLERANCE * slowest <= fastest <= 64 * slowest:
            raise ValueError("bpm_range must be slowest and fastest beats per minute, at least "
                             f"4 % apart; got {self.bpm_range}.")
        octaves = math.log2(fastest / slowest)
        steps = np.arange(math.floor(octaves * STEPS_PER_OCTAVE + 1e-9) + 1) / STEPS_PER_OCTAVE
        # Powers of two times the fastest: half the range is exactly half the grid.
        self.bpm = fastest * 2.0 ** -steps
        self.period = VALUES_PER_BEAT * 2.0 ** steps
        up = (1 - USUAL_PLACE) * octaves - steps
        self.log_prior = _USUAL[0] * up + _USUAL[1] * up * up

    @property
    def shortest_s(self) -> float:
        """Seconds that must have been heard."""
        return FEWEST_BEATS * 60.0 / min(self.bpm_range)

    def answer(self, takes: list[npt.NDArray[np.floating]], frame_rate: float,
               memory: TempoMemory | None = None) -> Tempo:
        """The tempo of checked frames, takes apart from each other; by what was before, too."""
        fastest = max(self.bpm_range)
        frames_per_value = frame_rate * 60.0 / (fastest * VALUES_PER_BEAT)
        heard = [onsets for take in takes
                 if (onsets := onset_strength(take, frames_per_value)).any()]
        if not heard:
            return Tempo(math.nan, 0.0, ())
        length = max(WINDOW_BEATS * VALUES_PER_BEAT, round(FEWEST_BEATS * self.period[-1]))
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
        near = math.log2(TOLERANCE) * STEPS_PER_OCTAVE
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
        periods = [refined(autocorrelation, float(self.period[i])) for _, i in found]
        candidates = tuple(Candidate(minute / period, share)
                           for period, (share, _) in zip(periods, found, strict=True))
        clear = float(value_at(autocorrelation, periods[0] * np.array([1.0, 2.0, 4.0])).max())
        confidence = candidates[0].share * min(1.0, max(0.0, clear) / _CLEAR)
        return Tempo(candidates[0].bpm, confidence, candidates)
