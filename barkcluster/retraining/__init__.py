"""A stream that answers and, in the background, learns what it hears."""

from .stream import RetrainingStream

__all__ = [
    "RetrainingStream",
]
