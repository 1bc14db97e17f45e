"""Many sessions: which one is this like?"""

from .gallery import DEFAULT_HOP, DEFAULT_SCALES, SessionGallery, load_gallery

__all__ = [
    "DEFAULT_HOP",
    "DEFAULT_SCALES",
    "SessionGallery",
    "load_gallery",
]
