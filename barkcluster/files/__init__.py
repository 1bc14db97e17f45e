"""Files: written whole or not at all, and read as input from strangers."""

from .archive import ModelFormatError
from .record import ArrayField, NumberField

__all__ = ["ArrayField", "ModelFormatError", "NumberField"]
