"""Many sessions: which one is this like?"""

from .comparison import SessionComparison
from .evaluation import NONE_OF_THEM, Answer, Evaluation
from .gallery import DEFAULT_HOP, DEFAULT_SCALES, SessionGallery
from .loading import load_gallery
from .soundness import Finding, check_session, check_sessions

__all__ = [
    "DEFAULT_HOP",
    "DEFAULT_SCALES",
    "NONE_OF_THEM",
    "Answer",
    "Evaluation",
    "Finding",
    "SessionComparison",
    "SessionGallery",
    "check_session",
    "check_sessions",
    "load_gallery",
]
