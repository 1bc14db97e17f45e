"""Beats per minute, for whole sessions and while frames arrive.

How an answer comes about, a file each (periodicity.py: 1 and 2, grid.py: 3, memory.py: 4):

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

from .estimate import estimate_tempo
from .grid import BPM_RANGE, Candidate, Tempo
from .tracker import TempoTracker

__all__ = ["BPM_RANGE", "Candidate", "Tempo", "TempoTracker", "estimate_tempo"]
