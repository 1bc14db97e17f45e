"""The figures of the benchmark: AUC, its interval over tracks, and one AUC for many tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

Array = npt.NDArray[np.float64]

N_RESAMPLES = 500
N_BINS = 4000


def auc(usual: npt.ArrayLike, strange: npt.ArrayLike) -> float:
    """Probability that a strange row has more novelty than a usual one; ties count half.

    Examples
    --------
    >>> auc([0.0, 1.0], [1.0, 2.0])
    0.875
    """
    usual, strange = _finite(usual), _finite(strange)
    if not len(usual) or not len(strange):
        return float("nan")
    # Ranks: novelty may be infinite.
    return float(roc_auc_score(np.repeat([0, 1], [len(usual), len(strange)]),
                               rankdata(np.concatenate([usual, strange]))))


def mean_interval(values: npt.ArrayLike, *, seed: int = 0) -> tuple[float, float, float]:
    """Mean over tracks, and the 95 % bootstrap interval of it."""
    values = _finite(values)
    if not len(values):
        return (float("nan"),) * 3
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(N_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def pooled_auc(usual: Sequence[Array], strange: Sequence[Array], *,
               seed: int = 0) -> tuple[float, float, float]:
    """One AUC for all tracks together, one threshold, with its interval over tracks.

    Parameters
    ----------
    usual, strange : sequence of ndarray
        Novelty of the rows of each track.

    Returns
    -------
    value, low, high : float
        The AUC of all rows, and the 95 % interval when tracks are drawn again.
    """
    value = auc(np.concatenate([[], *usual]), np.concatenate([[], *strange]))
    if np.isnan(value):
        return (float("nan"),) * 3
    # Drawn again, the order of the rows stays what it was: ranks in bins, counted per track.
    everything = np.sort(_finite(np.concatenate([*usual, *strange])))
    edges = np.unique(everything[np.linspace(0, len(everything) - 1, N_BINS).astype(int)])
    u, s = (np.array([np.bincount(np.searchsorted(edges, _finite(rows)),
                                  minlength=len(edges) + 1) for rows in side], np.float64)
            for side in (usual, strange))
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(N_RESAMPLES):
        weight = np.bincount(rng.integers(len(u), size=len(u)), minlength=len(u))
        a, b = weight @ u, weight @ s
        if a.sum() and b.sum():
            draws.append(b @ (np.cumsum(a) - a / 2) / (a.sum() * b.sum()))
    low, high = np.percentile(draws, [2.5, 97.5])
    return value, float(low), float(high)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Rank correlation; ties share their mean rank."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def average_precision(relevant: npt.ArrayLike) -> float:
    """Mean of the precision at each relevant item of a ranking, best first.

    Examples
    --------
    >>> average_precision([True, False, True])
    0.8333333333333333
    """
    hits = np.flatnonzero(relevant)
    return float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1))) if len(hits) else float("nan")


def cell(value: float, low: float, high: float) -> str:
    """``.953±.012``: the value and the longer side of its interval."""
    if np.isnan(value):
        return "-"
    return f"{_short(value)}±{_short(max(high - value, value - low))}"


def between(low: float, high: float) -> str:
    """``.71-.99``."""
    return "-" if np.isnan(low) else f"{_short(low, 2)}-{_short(high, 2)}"


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in columns as wide as they need to be; columns of nothing but ``-`` are left out."""
    keep = [j for j in range(len(header))
            if j == 0 or any(row[j] not in {"-", ""} for row in rows)]
    if len(keep) < 2:
        return
    table = [[row[j] for j in keep] for row in [header, *rows]]
    widths = [max(len(row[j]) for row in table) for j in range(len(keep))]
    print(f"\n{title}")
    for row in table:
        print("  " + row[0].ljust(widths[0])
              + "".join("  " + text.rjust(w) for text, w in zip(row[1:], widths[1:], strict=True)))


def _short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".removeprefix("0") if value < 1 else f"{value:.{digits}f}"


def _finite(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, np.float64).ravel()
    return array[~np.isnan(array)]
