"""Many sessions: which one is this like?"""

from .comparison import SessionComparison
from .evaluation import NONE_OF_THEM, Answer, Evaluation
from .gallery import DEFAULT_HOP, DEFAULT_SCALES, SessionGallery, load_gallery

__all__ = [
    "DEFAULT_HOP",
    "DEFAULT_SCALES",
    "NONE_OF_THEM",
    "Answer",
    "Evaluation",
    "SessionComparison",
    "SessionGallery",
    "load_gallery",
]
