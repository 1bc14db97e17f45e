"""Files: written whole or not at all, and read as input from strangers."""

from .archive import ModelFormatError

__all__ = [
    "ModelFormatError",
]
