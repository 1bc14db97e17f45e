"""Scorers: windows in, novelty and calibrated familiarity out.

`SCORERS` names them; a new one is a subclass of `FamiliarityScorer` and a row here.
"""

from .base import FamiliarityScorer
from .gaussian_mixture import GaussianMixtureScorer
from .kmeans import KMeansScorer
from .knn_density import KNNDensityScorer
from .som import SOMScorer

SCORERS: dict[str, type[FamiliarityScorer]] = {
    "kmeans": KMeansScorer,
    "gmm": GaussianMixtureScorer,
    "som": SOMScorer,
    "knn": KNNDensityScorer,
}

__all__ = [
    "SCORERS",
    "FamiliarityScorer",
    "GaussianMixtureScorer",
    "KMeansScorer",
    "KNNDensityScorer",
    "SOMScorer",
]
