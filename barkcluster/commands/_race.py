"""All scorers on the same music: what they say, how long they take, how far they agree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import barkcluster
from barkcluster.display.progress import progress


@dataclass(frozen=True, eq=False)
class Run:
    """One scorer's part in the race.

    Attributes
    ----------
    name : str
        The scorer.
    model : FamiliarityModel
        Fitted.
    timeline : Timeline
        Of the rest of the session; its times are the session's.
    fit_s : float
        Seconds that the fit took.
    speed : float
        Seconds of music scored in a second.
    """

    name: str
    model: barkcluster.FamiliarityModel
    timeline: barkcluster.Timeline
    fit_s: float
    speed: float


def race(session: barkcluster.Session, train_s: float, seed: int,
         scales: tuple[float, ...] | None) -> list[Run]:
    """Let each scorer learn the beginning of a session and score the rest."""
    heard = session.between(0, train_s, keep_clock=True)
    rest = session.between(train_s, np.inf, keep_clock=True)
    runs = []
    with progress(len(barkcluster.SCORERS)) as step:
        for name in barkcluster.SCORERS:
            step(f"learning with {name}")
            model = barkcluster.FamiliarityModel(name, random_state=seed)
            if scales is not None:
                model.set_params(scales=scales)
            start = time.perf_counter()
            model.fit(heard)
            fitted = time.perf_counter()
            timeline = model.timeline(rest)
            scored = time.perf_counter()
            runs.append(Run(name, model, timeline, fitted - start,
                            rest.duration / (scored - fitted)))
    return runs


def auc(strange: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]) -> float:
    """Chance that a strange moment's familiarity is below a usual one's; ties count half.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4]), np.array([0.3, 0.9]))
    0.75
    """
    from scipy.stats import rankdata

    if not len(strange) or not len(usual):
        return float("nan")
    ranks = rankdata(np.concatenate([usual, strange]))[:len(usual)]
    wins = ranks.sum() - len(usual) * (len(usual) + 1) / 2
    return float(wins / (len(usual) * len(strange)))


def agreement(runs: Sequence[Run]) -> npt.NDArray[np.float64]:
    """Spearman's rank correlation between each two scorers' familiarity, moment by moment."""
    from scipy.stats import rankdata

    ranks = np.array([rankdata(run.timeline.familiarity) for run in runs])
    if np.any(np.ptp(ranks, axis=1) == 0):  # a scorer that says one number of everything
        return np.full((len(runs), len(runs)), np.nan)
    return np.corrcoef(ranks)


def number(value: float, digits: int) -> str:
    """Figure for a table; nothing where it is not known."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
