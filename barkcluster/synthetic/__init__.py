"""Synthetic jam sessions of which everything is known: composed, played, mixed, annotated."""

from .jam import Annotations, Surprise, make_session, make_sound
from .songwriting import Riff, Section

__all__ = [
    "Annotations",
    "Riff",
    "Section",
    "Surprise",
    "make_session",
    "make_sound",
]
