"""Sessions that repeat exactly: a loop, a drum machine, a sequencer.

What a calibration holds out of them is no unheard music. It was learned from the other times
around, and what goes on is nearer to none of them than it is: by ranks alone, one moment in twenty
of a loop that was learned would be strange.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft

from barkcluster._distances import squared_distances
from barkcluster._spread import spread_rows
from barkcluster._typing import FloatArray
from barkcluster.frames.session import FLOOR_DB
from barkcluster.windows.features import WindowFeatures

# Windows (s) that are compared, one beginning each second, with all others of their stretch but
# those that share half of their frames or more.
_WINDOW_S = 1.0
_APART_S = 1.5
# Stretches of a session that are looked at, at least so long (s): half as long may a loop be.
_STRETCH_S = 75.0
_N_STRETCHES = 2
# What comes back is as near as a window is to the one so much later (s), on average over the
# session. Loops are at 0, drum machines, whose beats fall between frames, at up to 16 ms, loops
# that were recorded at 15; machines with human jitter at 20 or more, loops in noise at 20 to 50,
# players at 40 to 200.
_MOVES_S = 0.017
# Seconds from a window to the next: loops that fall between two are half of that away.
_HOP_S = 0.02
# Where a window moves less in that time nothing goes on: silence, a held sound.
_STILL = 1e-3
# Windows whose other times around are looked for, in each stretch. Powers of one that comes back
# correlate by .965 and more, at any place in the frames; those of played music seldom do.
_N_SOUGHT = 12
_ALIKE = 0.95
# Bands whose powers vary by less than this share of what they do in the loudest hold noise alone.
_SOFT = 1e-4
# Correlations of fewer frames mean nothing.
_FEWEST_FRAMES = 25
# Nine windows in ten have no wider gap: what was played once, a fill, has been heard at one place.
_MOST_WINDOWS = 0.9
_TINY = 1e-12


def share_by_heart(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float) -> float:
    """How much of a session comes back so exactly that nobody could tell.

    Parameters
    ----------
    takes : sequence of ndarray of shape (n_frames, n_bands)
        Levels in dB.
    frame_rate : float

    Returns
    -------
    share : float
        0 if half of it comes back or less, 1 if all does.

    Examples
    --------
    >>> import numpy as np
    >>> bar = np.random.default_rng(0).normal(-40.0, 10.0, size=(200, 25))
    >>> share_by_heart([np.tile(bar, (5, 1))], 100.0)
    1.0
    >>> share_by_heart([np.random.default_rng(0).normal(-40.0, 10.0, size=(1000, 25))], 100.0)
    0.0
    """
    known = [_known(stretch, frame_rate) for stretch in _stretches(takes, frame_rate)]
    comes_back = np.concatenate(known) if known else np.zeros(0)
    return max(0.0, 2.0 * float(comes_back.mean()) - 1.0) if len(comes_back) else 0.0


def widest_gap(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float) -> float:
    """How far apart the places in the frames are at which a session was heard as it came back.

    Bars of a whole number of frames are heard at one place alone, whatever they hold, bars of
    another length at more with each time around.

    Parameters
    ----------
    takes, frame_rate
        As in `share_by_heart`.

    Returns
    -------
    gap : float
        The widest, as a share of a frame: 1 if there was one place, or nothing came back.

    Examples
    --------
    >>> import numpy as np
    >>> for bar in (200.0, 200.3):  # frames
    ...     turn = 2.0 * np.pi * np.arange(6000) / bar
    ...     frames = np.stack([20.0 * np.sin(turn), 9.0 * np.sin(7.0 * turn)], axis=1) - 40.0
    ...     print(round(widest_gap([frames], 100.0), 1))
    1.0
    0.1
    """
    gaps = [float(np.diff(places, append=places[0] + 1.0).max())
            for places in _places(takes, frame_rate)]
    return float(np.quantile(gaps, _MOST_WINDOWS)) if gaps else 1.0


def goes_round(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float) -> bool:
    """Whether most of a session comes back, at whatever place in the frames, loose or in noise.

    Parameters
    ----------
    takes, frame_rate
        As in `share_by_heart`.

    Returns
    -------
    goes_round : bool
        As loops and machines do, and players do not.

    Examples
    --------
    >>> import numpy as np
    >>> bar = np.random.default_rng(0).normal(-40.0, 10.0, size=(200, 25))
    >>> goes_round([np.tile(bar, (5, 1))], 100.0)
    True
    """
    again = [len(places) > 1 for places in _places(takes, frame_rate)]
    return sum(again) > len(again) / 2


def _stretches(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float
               ) -> list[npt.NDArray[np.floating]]:
    """What is looked at of a session."""
    length = round(_STRETCH_S * frame_rate)
    all_there_are = [piece for take in takes for piece in np.array_split(
        take, max(1, len(take) // length)) if len(piece) >= 2 * _APART_S * frame_rate]
    return [all_there_are[s] for s in spread_rows(len(all_there_are), _N_STRETCHES)]


def _known(frames: npt.NDArray[np.floating], frame_rate: float) -> npt.NDArray[np.bool_]:
    """Of some windows in which something moves, whether they come back."""
    # At low rates a hop is a frame: then it is what lies between two frames that comes back.
    hop = max(1, round(_HOP_S * frame_rate)) / frame_rate
    features = WindowFeatures((_WINDOW_S,), hop, frame_rate, views=("texture",),
                              n_bands=frames.shape[1])
    windows = features.transform_views(frames)[0].X
    steps = np.linalg.norm(np.diff(windows, axis=0), axis=1)
    some = spread_rows(len(steps), round(len(frames) / frame_rate))
    some = some[steps[some] > _STILL]
    apart = squared_distances(windows[some], windows)
    apart[np.abs(some[:, None] - np.arange(len(windows))) * hop < _APART_S] = np.inf
    return np.asarray(apart.min(axis=1) < (_MOVES_S / hop * steps.mean()) ** 2)


def _places(takes: Sequence[npt.NDArray[np.floating]], frame_rate: float) -> list[FloatArray]:
    """For some windows, at which places in the frames they and their other times around were."""
    n, apart = round(_WINDOW_S * frame_rate), round(_APART_S * frame_rate)
    if n < _FEWEST_FRAMES:
        return []
    return [places for frames in _stretches(takes, frame_rate)
            for places in _places_of(frames, n, apart)]


def _places_of(frames: npt.NDArray[np.floating], n: int, apart: int) -> list[FloatArray]:
    """The same for windows of n frames of one stretch, rising from 0."""
    # Powers, unlike levels, hardly change between two frames by more than can be read off them.
    power = 10.0 ** (np.maximum(frames, FLOOR_DB) / 10.0)
    power -= power.mean(axis=0)
    spread = power.std(axis=0)
    power /= spread + _SOFT * spread.max() + _TINY
    energy = _energy(power, n)
    length = next_fast_len(len(power) + n, real=True)
    spectrum = rfft(power, length, axis=0)
    result = []
    for start in 1 + spread_rows(len(energy) - 2, _N_SOUGHT):
        if energy[start] < _STILL:
            continue
        window = power[start:start + n] - power[start:start + n].mean(axis=0)
        alike = irfft(np.vecdot(rfft(window, length, axis=0), spectrum), length)[:len(energy)]
        alike /= np.sqrt(np.maximum(energy * energy[start], _TINY))
        at, place, height = _peaks(alike)
        known = (height > _ALIKE) & (np.abs(at - start) > apart)
        own = place[at == start]
        result.append(np.sort(np.append(0.0, place[known] - own) % 1.0) if len(own)
                      else np.zeros(1))
    return result


def _energy(power: FloatArray, n: int) -> FloatArray:
    """Sum of squares around their mean of each window of n frames."""
    sums, squares = (np.cumsum(np.vstack([np.zeros(power.shape[1]), of]), axis=0)
                     for of in (power, power ** 2))
    return np.asarray((squares[n:] - squares[:-n] - (sums[n:] - sums[:-n]) ** 2 / n).sum(axis=1))


def _peaks(values: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray]:
    """Where values have peaks, how far beside them a parabola has its own, and its height."""
    before, here, after = values[:-2], values[1:-1], values[2:]
    at = np.flatnonzero((here >= before) & (here > after))
    before, here, after = before[at], here[at], after[at]
    place = 0.5 * (before - after) / (before - 2.0 * here + after)
    return at + 1, place, here - 0.25 * (before - after) * place
