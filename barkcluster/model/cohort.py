"""The calibrations of an ensemble in relation to the strangers of a background."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from barkcluster._typing import FloatArray
from barkcluster.calibration.calibration import Calibration
from barkcluster.calibration.cohort import CohortCalibration
from barkcluster.calibration.table import normal_score

from .background import Background
from .ensemble import Ensemble
from .listening import Listener

# An excerpt whose median familiarity is above this is taken for a part of the session itself. What
# backgrounds do on recorded music is in docs/developers/experiments.rst.
_OWN = 0.9
# Fewer excerpts tell nothing about strangers in general.
_FEWEST = 3


def cohort_calibrations(
    ensemble: Ensemble, background: Background
) -> list[Calibration] | None:
    """The calibrations of an ensemble, each in relation to the strangers of a background.

    Every excerpt is heard from its beginning, as any music is. So answers that are given while
    longer windows still fill are compared with strangers of which no more was heard.

    Parameters
    ----------
    ensemble : Ensemble
        With calibrations of its own, one for each number of scales that are full.
    background : Background
        Fitted, at the frame rate of the ensemble.

    Returns
    -------
    calibrations : list of CohortCalibration or None
        In the same order; None where fewer than three excerpts are strangers to the session.
        Scales longer than an excerpt are compared with the longest scale that it fills.
    """
    strangers: list[tuple[FloatArray, npt.NDArray[np.intp]]] = []
    for excerpt in background.excerpts_:
        windows = ensemble.features.running().push(excerpt.astype(np.float32))
        familiarity, by_scale = Listener(ensemble).answer(windows)
        if len(familiarity) and np.median(familiarity) <= _OWN:
            strangers.append((normal_score(familiarity), np.sum(~np.isnan(by_scale), axis=1)))
    if len(strangers) < _FEWEST:
        return None
    strangeness = np.concatenate([z for z, _ in strangers])
    n_full = np.concatenate([n for _, n in strangers])
    lengths = np.unique(n_full)
    related: list[Calibration] = []
    for i, calibration in enumerate(ensemble.calibrations):
        nearest = lengths[np.argmin(np.abs(lengths - (i + 1)))]
        low, typical, high = np.percentile(strangeness[n_full == nearest], [25.0, 50.0, 75.0])
        related.append(CohortCalibration.of(
            calibration, typical, (high - low) / (2.0 * float(ndtri(0.75)))))
    return related
