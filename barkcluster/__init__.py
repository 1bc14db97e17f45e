"""Say how familiar each moment of a jam session is, given what was heard before.

The names below are the public ones; they are imported when first used, so that the command line
answers before scikit-learn is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__  # noqa: F401

if TYPE_CHECKING:
    from .calibration import Calibration
    from .comparison import ScorerComparison, ScorerRow, compare_scorers
    from .files import ModelFormatError
    from .frames import Session, bark_frames, read_audio, read_session, write_session
    from .gallery import SessionGallery, check_session, load_gallery
    from .model import (
        Background,
        Explanation,
        FamiliarityModel,
        FamiliarityStream,
        Reading,
        Timeline,
        load_background,
        load_model,
    )
    from .motifs import Motif, Stretch, Unique, find_motifs, unique_to
    from .retraining import RetrainingStream
    from .scorers import (
        SCORERS,
        FamiliarityScorer,
        GaussianMixtureScorer,
        KMeansScorer,
        KNNDensityScorer,
        SOMScorer,
    )
    from .scorers.loading import load_scorer
    from .tempo import Tempo, TempoTracker, estimate_tempo
    from .windows import WindowFeatures

_HOME = {
    "Session": "frames",
    "bark_frames": "frames",
    "read_session": "frames",
    "write_session": "frames",
    "read_audio": "frames",
    "WindowFeatures": "windows",
    "Calibration": "calibration",
    "ScorerComparison": "comparison",
    "ScorerRow": "comparison",
    "compare_scorers": "comparison",
    "SCORERS": "scorers",
    "FamiliarityScorer": "scorers",
    "KMeansScorer": "scorers",
    "GaussianMixtureScorer": "scorers",
    "SOMScorer": "scorers",
    "KNNDensityScorer": "scorers",
    "FamiliarityModel": "model",
    "Timeline": "model",
    "Background": "model",
    "FamiliarityStream": "model",
    "Reading": "model",
    "RetrainingStream": "retraining",
    "Explanation": "model",
    "SessionGallery": "gallery",
    "load_gallery": "gallery",
    "check_session": "gallery",
    "ModelFormatError": "files",
    "load_background": "model",
    "load_model": "model",
    "load_scorer": "scorers.loading",
    "Tempo": "tempo",
    "TempoTracker": "tempo",
    "estimate_tempo": "tempo",
    "Motif": "motifs",
    "Stretch": "motifs",
    "Unique": "motifs",
    "find_motifs": "motifs",
    "unique_to": "motifs",
}

__all__ = [
    "SCORERS",
    "Background",
    "Calibration",
    "Explanation",
    "FamiliarityModel",
    "FamiliarityScorer",
    "FamiliarityStream",
    "GaussianMixtureScorer",
    "KMeansScorer",
    "KNNDensityScorer",
    "ModelFormatError",
    "Motif",
    "Reading",
    "RetrainingStream",
    "SOMScorer",
    "ScorerComparison",
    "ScorerRow",
    "Session",
    "SessionGallery",
    "Stretch",
    "Tempo",
    "TempoTracker",
    "Timeline",
    "Unique",
    "WindowFeatures",
    "bark_frames",
    "check_session",
    "compare_scorers",
    "estimate_tempo",
    "find_motifs",
    "load_background",
    "load_gallery",
    "load_model",
    "load_scorer",
    "read_audio",
    "read_session",
    "unique_to",
    "write_session",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
