"""What recurs within a session, and what only one session has."""

from .search import Motif, Stretch, Unique, find_motifs, unique_to

__all__ = [
    "Motif",
    "Stretch",
    "Unique",
    "find_motifs",
    "unique_to",
]
