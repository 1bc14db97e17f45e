"""One scorer for each scale and view, what they say together, and all that hears with it."""

from barkcluster.files.archive import ModelFormatError

from .background import Background
from .ensemble import Combination, Ensemble, Part
from .explanation import Explanation
from .model import DEFAULT_SCALES, FamiliarityModel
from .stored import load_background, load_model, load_scorer
from .stream import FamiliarityStream, Reading
from .timeline import Timeline

__all__ = [
    "DEFAULT_SCALES",
    "Background",
    "Combination",
    "Ensemble",
    "Explanation",
    "FamiliarityModel",
    "FamiliarityStream",
    "ModelFormatError",
    "Part",
    "Reading",
    "Timeline",
    "load_background",
    "load_model",
    "load_scorer",
]
