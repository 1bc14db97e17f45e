"""Frames to window features: what it sounds like, when things happen, in which order.

Every ``hop`` seconds, for each scale, the window that ends now is described by views:

texture
    Five numbers a band: level, spread, mean change from frame to frame, and the size of the
    attacks at one frame and at 50 ms; divided by fixed constants, the average spread of each
    number within a piece of music. `TEXTURE_UNITS` holds them. The level that all bands share
    counts a quarter: a player who turns up by 6 dB is no stranger.
rhythm
    The spectrum, 0.3 to 8 Hz, of the onset strength in six groups of bands: fluctuation patterns
    (Pampalk, Rauber, Merkl 2002), but at the full resolution of the window. Free of level and of
    shift in time. Only for scales of `SHORTEST_RHYTHM_S` and more.
pattern
    The onset strength of the last two seconds, sample by sample, in each group of bands apart:
    the order of events, and who plays it. Given once, with the first scale that holds it.

`WindowLayout` says which windows there are, `WindowFeatures` computes them for whole sessions and,
frame by frame, as `RunningWindows`. Both run the same additions in the same order, so the numbers
agree to the last bits.
"""

from .features import ViewWindows, WindowFeatures
from .layout import PATTERN_S, PATTERNS, SHORTEST_RHYTHM_S, VIEWS, WindowLayout, check_scales
from .running import TEXTURE_UNITS, RunningWindows

__all__ = [
    "PATTERNS",
    "PATTERN_S",
    "SHORTEST_RHYTHM_S",
    "TEXTURE_UNITS",
    "VIEWS",
    "RunningWindows",
    "ViewWindows",
    "WindowFeatures",
    "WindowLayout",
    "check_scales",
]
