"""The least time that an answer can take: that of a model's matrix products, in single precision.

Rows of windows are multiplied by the metric and by all that is remembered, whatever else is done.
How many times as long an answer takes says how near it is to this limit, on slow machines and fast
ones alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from barkcluster import FamiliarityModel
from barkcluster.scorers import FamiliarityScorer

Float32Array = npt.NDArray[np.float32]


class Products:
    """All matrix products of a model's scorers, ready to run.

    Parameters
    ----------
    model : FamiliarityModel
        Fitted.
    """

    def __init__(self, model: FamiliarityModel) -> None:
        self._factors = [[np.asarray(factor, np.float32, order="C") for factor in
                          factors(part.scorer)] for part in model.parts_]

    def run(self, windows: Sequence[Float32Array]) -> None:
        """Multiply; the windows are those of each part of the model."""
        for rows, mine in zip(windows, self._factors, strict=True):
            for factor in mine:
                rows = rows @ factor


def factors(scorer: FamiliarityScorer) -> list[npt.NDArray[np.float64]]:
    """The matrices that rows are multiplied by in turn: the metric, then all that is remembered.

    Those of a mixture are its directions and then, side by side, the factors of the rows' squares
    and of the rows.
    """
    metric = [] if scorer.metric_basis_ is None else [scorer.metric_basis_]
    if scorer.kind == "gmm":
        return [*metric, scorer.directions_,
                np.vstack([1.0 / scorer.variances_, scorer.means_ / scorer.variances_]).T]
    remembered = scorer.memory_ if scorer.kind == "knn" else scorer.codebook_
    return [*metric, remembered.reshape(-1, remembered.shape[-1]).T]
