"""One scorer for each scale and view, what they say together, and all that hears with it."""

from .background import Background, load_background
from .ensemble import BandsWarning, Combination, Ensemble, Part
from .explanation import Explanation
from .model import DEFAULT_SCALES, FamiliarityModel, load_model
from .stream import FamiliarityStream, Reading
from .timeline import Timeline

__all__ = [
    "DEFAULT_SCALES",
    "Background",
    "BandsWarning",
    "Combination",
    "Ensemble",
    "Explanation",
    "FamiliarityModel",
    "FamiliarityStream",
    "Part",
    "Reading",
    "Timeline",
    "load_background",
    "load_model",
]
