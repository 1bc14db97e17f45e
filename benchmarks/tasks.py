"""The questions of the quality benchmark, each put to one system about one track.

The first ``T`` seconds of a track are learned; the *rest* of it is usual. Every other piece is
scored from its own beginning, and its rows count from ``WARM_UP_S`` on, when windows of up to 10 s
are full. The result is the area under the curve of the novelty of the strange rows against the
usual ones: 0.5 is chance, 1 perfect; for ``SAME``, 0.5 is perfect.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from barkcluster.frames.resampling import rows_at

from .corpora import FLOOR_DB, FRAME_RATE, Frames, Track, seed_of, strangers
from .figures import Array, auc

WARM_UP_S = 10.0
MIN_REST_S = 20.0
N_STRANGERS = 8
STRANGER_S = 30.0                 # rows of each stranger, after the warm-up
SHUFFLE_S = 0.4
INTRUSIONS_S = (2.0, 6.0)
FIRST_INTRUSION_S = 12.0
BETWEEN_INTRUSIONS_S = 25.0
LINGER_S = 0.5                    # rows this long after an intrusion still count as within it
AFTER_S = (1.0, 9.0)              # from when to when after it the usual should be known again
AWAY_S = 12.0                     # rows this long after an intrusion are the usual again
FOUND_WITHIN_S = 1.0
ALARM = 0.05                      # familiarity below it is an alarm
GAP_S = 12.0
MIN_CALIBRATION_S = 80.0
# The answer, of windows alone whose last second has a band above this level.
SOUNDING = "sounding"
SILENT_DB = -70.0

STRANGE = ("hard", "easy", "order", "shuffle", "intrusion2", "intrusion6")
SAME = ("soft6", "loud6", "slow3", "fast3")
TASKS = (*STRANGE, *SAME)

Columns = dict[str, Array]


class System(Protocol):
    """Anything that learns takes of one session and says how strange each moment of a piece is.

    Attributes
    ----------
    name : str
        What it is called in the tables.
    calibrated : collection of str
        The columns that are 1 - familiarity, or claim to be a probability.
    """

    @property
    def name(self) -> str: ...

    @property
    def calibrated(self) -> Collection[str]: ...

    def fit(self, takes: Sequence[Frames]) -> object:
        """Learn; no window spans two takes."""

    def novelty(self, frames: Frames) -> tuple[Array, Columns]:
        """End of each window in seconds, and its novelty in columns; the first is the answer.

        Columns are nan where a shorter piece does not fill the window.
        """


@dataclass
class Outcome:
    """What one system did with one track, learned for ``train_s`` seconds.

    Attributes
    ----------
    values : dict of (str, str) to float
        Figure by task and column.
    usual, strange : dict of str to ndarray
        Novelty rows by column, of the rest and of all strangers: for what is asked of many
        tracks together.
    delays : dict of (str, str) to list of float
        Seconds to the alarm for each intrusion, ``inf`` when there is none, by task and column.
    error : str
        Why there is nothing, when there is nothing.
    """

    system: str
    track: str
    train_s: float
    values: dict[tuple[str, str], float] = field(default_factory=dict)
    usual: Columns = field(default_factory=dict)
    strange: Columns = field(default_factory=dict)
    delays: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    fit_s: float = float("nan")
    times_real_time: float = float("nan")
    error: str = ""


def evaluate(system: System, track: Track, tracks: Sequence[Track], train_s: float,
             tasks: Collection[str] = TASKS) -> Outcome:
    """Ask one system the tasks about one track.

    Parameters
    ----------
    system : System
        A fresh one.
    track : Track
        Music of at least ``train_s + MIN_REST_S`` seconds.
    tracks : sequence of Track
        Where strangers are from.
    train_s : float
        Seconds to learn.
    tasks : collection of str
        Those of ``TASKS`` to ask.
    """
    outcome = Outcome(system.name, track.key, train_s)
    cut = round(train_s * FRAME_RATE)
    take, rest = track.frames[:cut], track.frames[cut:]
    listened = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")       # "too short for this scale": seen in the figures
        try:
            started = time.perf_counter()
            system.fit([take])
            outcome.fit_s = time.perf_counter() - started
            started = time.perf_counter()
            usual = _rows(system, rest)
            for kind in ("hard", "easy"):
                if kind in tasks:
                    pieces = _stranger_pieces(track, tracks, kind)
                    _compare(outcome, kind, usual, [_rows(system, p) for p in pieces], True)
                    listened += sum(map(len, pieces))
            for task, piece in changed(rest, track.key).items():
                if task in tasks:
                    _compare(outcome, task, usual, [_rows(system, piece)], False)
                    listened += len(piece)
            for length in INTRUSIONS_S:
                task = f"intrusion{length:g}"
                if task in tasks:
                    piece, starts = spliced(track, tracks, rest, length)
                    if starts:
                        _intrusions(outcome, task, usual, system, piece, starts, length)
                        listened += len(piece)
            spent = time.perf_counter() - started
            outcome.times_real_time = (listened + len(rest)) / FRAME_RATE / spent
        except (ValueError, MemoryError) as error:
            outcome.error = f"{type(error).__name__}: {error}".splitlines()[0]
    outcome.usual = usual if not outcome.error else {}
    return outcome


def calibration(system: System, track: Track) -> Outcome | None:
    """How uniform familiarity is on a block the system has not heard, in the middle of a track.

    The third quarter of the track is held out, with ``GAP_S`` left out on either side; the
    system learns what is before and after as two takes.

    Returns
    -------
    outcome : Outcome or None
        Shares of rows below 0.05 and below 0.2, and the median, of each calibrated column; None
        when the track is too short.
    """
    if track.duration < MIN_CALIBRATION_S:
        return None
    outcome = Outcome(system.name, track.key, float("nan"))
    n, gap = len(track.frames), round(GAP_S * FRAME_RATE)
    start, stop = n // 2, 3 * n // 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            system.fit([track.frames[:start - gap], track.frames[stop + gap:]])
            rows = _rows(system, track.frames[start:stop])
        except (ValueError, MemoryError) as error:
            outcome.error = f"{type(error).__name__}: {error}".splitlines()[0]
            return outcome
    for column in system.calibrated:
        familiarity = 1.0 - rows.get(column, np.array([]))
        familiarity = familiarity[~np.isnan(familiarity)]
        if len(familiarity):
            outcome.values["below .05", column] = float(np.mean(familiarity < 0.05))
            outcome.values["below .2", column] = float(np.mean(familiarity < 0.2))
            outcome.values["median", column] = float(np.median(familiarity))
    return outcome


def changed(rest: Frames, key: str) -> dict[str, Frames]:
    """The same rest, changed: out of order, in another order, louder, softer, slower, faster."""
    rng = np.random.default_rng(seed_of(key, "shuffle"))
    block = round(SHUFFLE_S * FRAME_RATE)
    whole = len(rest) // block * block
    blocks = rest[:whole].reshape(-1, block, rest.shape[1])
    return {
        "order": rest[::-1],
        "shuffle": np.concatenate([rng.permutation(blocks).reshape(whole, -1), rest[whole:]]),
        "soft6": np.maximum(rest - 6, FLOOR_DB),
        # Where there was nothing, nothing is made louder.
        "loud6": np.where(rest > FLOOR_DB, rest + 6, rest),
        "slow3": at_speed(rest, 1 / 1.03),
        "fast3": at_speed(rest, 1.03),
    }


def at_speed(frames: Frames, speed: float) -> Frames:
    """Frames read at another speed, straight lines between them."""
    return rows_at(frames, np.arange(0, len(frames) - 1, speed)).astype(np.float32)


def spliced(track: Track, tracks: Sequence[Track], rest: Frames,
            length_s: float) -> tuple[Frames, list[float]]:
    """The rest with pieces of other tracks of the corpus let in, and where each starts (s).

    The rest goes on afterwards where it was left. Each intruder is another track, from a place
    where it sounds.
    """
    rng = np.random.default_rng(seed_of(track.key, "intrusion", f"{length_s:g}"))
    intruders = (strangers(track, tracks, "hard", N_STRANGERS, WARM_UP_S)
                 or strangers(track, tracks, "easy", N_STRANGERS, WARM_UP_S))
    n = round(length_s * FRAME_RATE)
    parts: list[Frames] = []
    starts: list[float] = []
    done, at = 0, round(FIRST_INTRUSION_S * FRAME_RATE)
    while intruders and at + 3 * FRAME_RATE <= len(rest):
        stranger = intruders[len(starts) % len(intruders)].frames
        places = rng.integers(len(stranger) - n, size=20)
        loudness = [float(stranger[p:p + n].mean()) for p in places]
        place = places[int(np.argsort(loudness)[len(places) // 2])]
        starts.append((at + len(starts) * n) / FRAME_RATE)
        parts += [rest[done:at], stranger[place:place + n]]
        done, at = at, at + round(BETWEEN_INTRUSIONS_S * FRAME_RATE)
    return np.concatenate([*parts, rest[done:]]), starts


def _stranger_pieces(track: Track, tracks: Sequence[Track], kind: str) -> list[Frames]:
    seconds = WARM_UP_S + STRANGER_S
    chosen = strangers(track, tracks, kind, N_STRANGERS, WARM_UP_S + STRANGER_S / 2)
    return [s.frames[:round(seconds * FRAME_RATE)] for s in chosen]


def _rows(system: System, frames: Frames) -> Columns:
    times, columns = system.novelty(np.ascontiguousarray(frames))
    warm = _warm(times)
    rows = {name: column[warm] for name, column in columns.items()}
    # The answer once more, where it is about something: silence is like silence.
    answer = next(iter(columns.values()))
    rows[SOUNDING] = np.where(_sounds(frames, times), answer, np.nan)[warm]
    return rows


def _sounds(frames: Frames, times: Array) -> npt.NDArray[np.bool_]:
    """Whether anything sounds in the last second before each of these times."""
    loud = np.concatenate([[0], np.cumsum(frames.max(axis=1) > SILENT_DB)])
    ends = np.clip(np.round(times * FRAME_RATE).astype(int), 0, len(frames))
    return np.asarray(loud[ends] > loud[np.maximum(ends - round(FRAME_RATE), 0)])


def _warm(times: Array) -> npt.NDArray[np.bool_]:
    return times >= WARM_UP_S - 1e-6


def _compare(outcome: Outcome, task: str, usual: Columns, pieces: list[Columns],
             keep: bool) -> None:
    for column in usual if pieces else ():
        strange = np.concatenate([p[column] for p in pieces])
        outcome.values[task, column] = auc(usual[column], strange)
        if keep:
            before = outcome.strange.get(column, np.array([]))
            outcome.strange[column] = np.concatenate([before, strange])


def _intrusions(outcome: Outcome, task: str, usual: Columns, system: System, piece: Frames,
                starts: list[float], length: float) -> None:
    times, columns = system.novelty(piece)
    within, after = np.zeros(len(times), bool), np.zeros(len(times), bool)
    away = _warm(times)
    for start in starts:
        within |= (times > start - 1e-6) & (times <= start + length + LINGER_S + 1e-6)
        after |= ((times > start + length + AFTER_S[0] + 1e-6)
                  & (times <= start + length + AFTER_S[1] + 1e-6))
        away &= (times <= start) | (times > start + length + AWAY_S)
    for column, novelty in columns.items():
        outcome.values[task, column] = auc(novelty[away], novelty[within])
        thresholds = {"quantile": _quantile(usual[column], 1 - ALARM)}
        if column in system.calibrated:
            thresholds["alarm"] = 1 - ALARM
            if after.any():
                outcome.values[f"{task} after", column] = float(
                    np.mean(novelty[after] > 1 - ALARM))
                outcome.values[f"{task} without", column] = float(
                    np.mean(usual[column] > 1 - ALARM))
        for kind, threshold in thresholds.items():
            delays = [_delay(times, novelty, start, length, threshold) for start in starts]
            outcome.delays[f"{task} {kind}", column] = delays
        outcome.values[f"{task} false", column] = _false_share(usual[column],
                                                               thresholds["quantile"])


def _quantile(values: Array, q: float) -> float:
    values = values[~np.isnan(values)]
    return float(np.quantile(values, q)) if len(values) else float("nan")


def _delay(times: Array, novelty: Array, start: float, length: float, threshold: float) -> float:
    """Seconds until novelty is over the threshold, ``inf`` if it never is while it may be."""
    rows = ((times > start + 1e-6) & (times <= start + length + LINGER_S + 1e-6)
            & (novelty > threshold))
    return float(times[rows][0] - start) if rows.any() else float("inf")


def _false_share(usual: Array, threshold: float) -> float:
    """Share of stretches of the rest as long as ``FOUND_WITHIN_S`` with an alarm in them."""
    n = round(FOUND_WITHIN_S * 10)
    alarms = usual[: len(usual) // n * n].reshape(-1, n) > threshold
    return float(alarms.any(axis=1).mean()) if len(alarms) else float("nan")
