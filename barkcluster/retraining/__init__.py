"""A stream that learns what it hears, beside the answers."""

from .stream import RetrainingStream

__all__ = [
    "RetrainingStream",
]
