"""Scorers: windows in, novelty and calibrated familiarity out.

`SCORERS` names them; a new one is a subclass of `FamiliarityScorer` in a file of its own and a row
here. They are imported when first used, so that the command line can name them before
scikit-learn is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import FamiliarityScorer
    from .gaussian_mixture import GaussianMixtureScorer
    from .kmeans import KMeansScorer
    from .knn_density import KNNDensityScorer
    from .som import SOMScorer

    SCORERS: dict[str, type[FamiliarityScorer]]

# The row of each scorer: its name in commands, models and files; its file and class.
_ROWS = {
    "kmeans": ("kmeans", "KMeansScorer"),
    "gmm": ("gaussian_mixture", "GaussianMixtureScorer"),
    "som": ("som", "SOMScorer"),
    "knn": ("knn_density", "KNNDensityScorer"),
}
SCORER_NAMES = tuple(_ROWS)

_HOME = {"FamiliarityScorer": "base", **{name: file for file, name in _ROWS.values()}}

__all__ = [
    "SCORERS",
    "SCORER_NAMES",
    "FamiliarityScorer",
    "GaussianMixtureScorer",
    "KMeansScorer",
    "KNNDensityScorer",
    "SOMScorer",
]


def __getattr__(name: str) -> object:
    value: object
    if name == "SCORERS":
        value = {kind: getattr(import_module(f".{file}", __name__), cls)
                 for kind, (file, cls) in _ROWS.items()}
    elif name in _HOME:
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # one dict: a row that is added to it stays
    return value
