"""Files: written whole or not at all, and read as untrusted input.

The names below are imported when first used: what only asks for a suffix or a lock, as the command
line does before its ports are open, does without numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .archive import ModelFormatError
    from .record import ArrayField, NumberField

_HOME = {"ArrayField": "record", "ModelFormatError": "archive", "NumberField": "record"}

__all__ = ["ArrayField", "ModelFormatError", "NumberField"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
