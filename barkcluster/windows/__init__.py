"""What is heard up to now, at each scale and view, as rows of numbers."""

from .features import SHORTEST_RHYTHM_S, VIEWS, ViewWindows, WindowFeatures, check_scales
from .running import PATTERN_S, PATTERNS, TEXTURE_UNITS, RunningWindows

__all__ = [
    "PATTERNS",
    "PATTERN_S",
    "SHORTEST_RHYTHM_S",
    "TEXTURE_UNITS",
    "VIEWS",
    "RunningWindows",
    "ViewWindows",
    "WindowFeatures",
    "check_scales",
]
