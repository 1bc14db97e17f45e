"""Where the weights in ``barkcluster/tempo/grid.py`` come from.

    python -m benchmarks.tempo_weights

Renders seeded scores in all styles, some of them once more as drums alone and without drums, and
synthetic jams (seeds that benchmarks/tempo.py does not use), and fits a conditional logit: the
tempi of the grid compete, those within 3 % of the truth should win. Prints the table, and the
accuracy on styles left out of the fit, and on what another composer wrote: all styles are of one
hand, and what is learned of it may hold for no other.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from barkcluster import bark_frames, synthetic
from barkcluster.tempo.grid import BPM_RANGE, USUAL_PLACE, VALUES_PER_BEAT, WINDOW_BEATS, TempoGrid
from barkcluster.tempo.periodicity import onset_strength, periodicity, value_at

from . import scores

Array = npt.NDArray[np.float64]

RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8)
RIDGE = 0.1
JAMS_WEIGH = 0.5    # one composer wrote them all
# Tempi are drawn evenly here. Music is rarely as slow or as fast as that: weight added to the
# square of the octaves away from the most usual tempo.
RARE = -0.25
# Of each style, so many songs are heard autocorrelation with the drums alone, and so many without.
DRUMS_ALONE, WITHOUT_DRUMS = 5, 2


def main() -> None:
    """Fit on everything and print; then once more for each fifth of the styles, left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=14, help="songs a style")
    parser.add_argument("--jams", type=int, default=200)
    args = parser.parse_args()
    names, bpm, X = [], [], []
    for name, true, frames in songs(args.songs, args.jams):
        names.append(name)
        bpm.append(true)
        X.append(features(frames))
    where, truth, table = np.array(names), np.array(bpm), np.stack(X)
    learned = fit(table, truth, where)
    for ratio, weights in zip(RATIOS, learned[:-2].reshape(-1, len(RATIOS)).T, strict=True):
        print(f"    {Fraction(ratio).limit_denominator(9)}: "
              f"({', '.join(f'{weight:.2f}' for weight in weights)}),")
    print("usual:", learned[-2:].round(3))

    grid = TempoGrid(BPM_RANGE).bpm
    styles = np.array(sorted(set(names) - {"jam"}))
    estimate = np.zeros(len(truth))
    for k in range(5):
        held = np.isin(where, styles[k::5])
        weights = fit(table[~held], truth[~held], where[~held])
        estimate[held] = grid[np.argmax(table[held] @ weights, axis=1)]
    is_jam = where == "jam"
    print(f"Accuracy1 on styles left out: {accuracy1(estimate, truth, ~is_jam):.3f}")
    for name, held in (("jams, learned from scores", is_jam),
                       ("scores, learned from jams", ~is_jam)):
        weights = fit(table[~held], truth[~held], where[~held])
        estimate = grid[np.argmax(table @ weights, axis=1)]
        print(f"Accuracy1 on {name} alone: {accuracy1(estimate, truth, held):.3f}")


def accuracy1(estimate: Array, truth: Array, which: npt.NDArray[np.bool_]) -> float:
    """Share of some pieces that is within 4 % of the truth."""
    return float(np.mean(np.abs(estimate[which] / truth[which] - 1) <= 0.04))


def songs(per_style: int, n_jams: int) -> Iterator[tuple[str, float, npt.ArrayLike]]:
    """Name of the style, tempo and frames of each piece to learn from."""
    for i in range(per_style):
        for k, style in enumerate(scores.STYLES):
            rng = np.random.default_rng(50_000 + 100 * i + k)
            notes, true = scores.compose(style, rng, 40)
            yield style, true, bark_frames(scores.render(notes, rng, 40), 44_100)
            if not scores.STYLES[style].drums:
                continue
            tones = {tone for layer in scores.STYLES[style].layers for tone in layer.tones}
            for alone, n in ((True, DRUMS_ALONE), (False, WITHOUT_DRUMS)):
                part = [note for note in notes if (note.voice in tones) != alone]
                if i < n and len(part) >= 20:
                    rng = np.random.default_rng(i)
                    yield style, true, bark_frames(scores.render(part, rng, 40), 44_100)
    rng = np.random.default_rng(77)
    for i in range(n_jams):
        true = float(rng.uniform(60, 200))
        session, _ = synthetic.make_session(0.7, random_state=10_000 + i, tempo=true,
                                            drums=i % 4 != 1, surprises=False)
        yield "jam", true, session.frames


def features(frames: npt.ArrayLike) -> Array:
    """What `tempo` weighs: one row a tempo of the grid."""
    grid = TempoGrid(BPM_RANGE)
    autocorrelation, spectra = periodicity(onset_strength(np.asarray(frames), 1.0),
                                           WINDOW_BEATS * VALUES_PER_BEAT)
    n_fft = 2 * (spectra.shape[1] - 1)
    up = np.log2(grid.bpm / 40) - USUAL_PLACE * np.log2(6)
    return np.stack([*(value_at(autocorrelation, grid.period * r) for r in RATIOS),
                     *(value_at(register, n_fft / grid.period * r)
                       for register in spectra for r in RATIOS),
                     up, up * up], axis=1)


def fit(X: Array, bpm: Array, names: npt.NDArray[np.str_]) -> Array:
    """Weights of the columns, by ridge-penalized conditional likelihood."""
    grid = TempoGrid(BPM_RANGE).bpm
    right = np.abs(np.log2(grid[None] / bpm[:, None])) < np.log2(1.03)
    share = np.where(names == "jam", JAMS_WEIGH, 1.0)
    share /= share.sum()
    spread = X.reshape(-1, X.shape[2]).std(axis=0) + 1e-9
    Z = (X - X.mean(axis=(0, 1))) / spread

    def loss(w: Array) -> tuple[float, Array]:
        score = Z @ w
        everything = logsumexp(score, axis=1)
        good = np.where(right, score, -1e9)
        best = logsumexp(good, axis=1)
        pull = np.exp(score - everything[:, None]) - np.exp(good - best[:, None])
        slope = np.einsum("n,ng,ngk->k", share, pull, Z) + RIDGE * w
        return float(share @ (everything - best)) + RIDGE * float(w @ w) / 2, slope

    found = minimize(loss, np.zeros(X.shape[2]), jac=True, method="L-BFGS-B")
    weights = np.asarray(found.x) / spread
    weights[-1] += RARE
    return weights


if __name__ == "__main__":
    main()
