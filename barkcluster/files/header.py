"""Checked reading of a JSON object: each field is taken once, and none may be left over."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Self, TypeAlias

from barkcluster._validation import shown

from .archive import Json, ModelFormatError

# Larger whole numbers do not fit into an array of 64-bit integers.
_MOST = 2 ** 62

# What a parameter of a scorer or a model may be, in JSON and, with tuples for lists, in Python.
Plain: TypeAlias = "bool | int | float | str | tuple[Plain, ...] | None"


class Fields:
    """The fields of a JSON object, checked as they are taken out.

    Parameters
    ----------
    value : JSON value
        Must be an object.
    where : str
        What errors call it.

    Examples
    --------
    >>> fields = Fields({"gap": 3, "offset": -1}, "knn")
    >>> fields.integer("gap", 0, 10)
    3
    >>> fields.number("offset", 0.0, 1.0)
    Traceback (most recent call last):
        ...
    barkcluster.ModelFormatError: knn.offset must be a number from 0 to 1; got -1.
    """

    def __init__(self, value: Json, where: str) -> None:
        if not isinstance(value, dict):
            raise ModelFormatError(f"{where} must be a JSON object; got {shown(value)}.")
        self._left = dict(value)
        self._where = where

    def take(self, name: str) -> Json:
        """Any value."""
        if name not in self._left:
            raise ModelFormatError(f"{self._where}.{name} is missing.")
        return self._left.pop(name)

    def integer(self, name: str, least: int = 0, most: int = _MOST) -> int:
        """A whole number."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._fault(name, f"a whole number from {least} to {most}", value)
        return value

    def number(self, name: str, least: float, most: float) -> float:
        """A number; always a float."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (
                least <= value <= most):
            raise self._fault(name, f"a number from {least:g} to {most:g}", value)
        return float(value)

    def text(self, name: str, most: int = 200) -> str:
        """A short text."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > most:
            raise self._fault(name, f"a text of at most {most} characters", value)
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """One of several texts."""
        value = self.take(name)
        if not isinstance(value, str) or value not in choices:
            raise self._fault(name, f"one of {', '.join(choices)}", value)
        return value

    def items(self, name: str, most: int) -> list[Json]:
        """A list of 1 to ``most`` values."""
        value = self.take(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self._fault(name, f"a list of 1 to {most} values", value)
        return value

    def numbers(self, name: str, most: int) -> tuple[float, ...]:
        """A list of 1 to ``most`` numbers."""
        values = self.items(name, most)
        each = Fields({str(i): v for i, v in enumerate(values)}, f"{self._where}.{name}")
        return tuple(each.number(str(i), -1e15, 1e15) for i in range(len(values)))

    def fields(self, name: str) -> Self:
        """An object inside this one."""
        return type(self)(self.take(name), f"{self._where}.{name}")

    def objects(self, name: str, most: int) -> list[Self]:
        """A list of 1 to ``most`` objects."""
        return [type(self)(value, f"{self._where}.{name}[{i}]")
                for i, value in enumerate(self.items(name, most))]

    def plain(self, name: str) -> Plain:
        """A parameter: None, a truth value, a number, a text or a tuple of them."""
        value = self.take(name)
        try:
            return plain(value)
        except ValueError as error:
            raise ModelFormatError(f"{self._where}.{name} {error}") from None

    def has(self, name: str) -> bool:
        """Whether a field is there and not taken yet."""
        return name in self._left

    def nothing_else(self) -> None:
        """Raise if a field was never asked for."""
        for name in self._left:
            raise ModelFormatError(f"{self._where} has a field {name[:60]!r} that is not known.")

    def _fault(self, name: str, wanted: str, got: object) -> ModelFormatError:
        return ModelFormatError(f"{self._where}.{name} must be {wanted}; got {shown(got)}.")


def plain(value: object, *, inner: bool = False) -> Plain:
    """The value as plain Python, with lists as tuples; ValueError for any other type.

    Examples
    --------
    >>> import numpy as np
    >>> plain([np.int64(3), "auto"])
    (3, 'auto')
    """
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", None) == 0:
        value = item()
    if value is None or isinstance(value, bool) or (isinstance(value, str) and len(value) <= 200):
        return value
    if isinstance(value, int) and abs(value) <= _MOST:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, (list, tuple)) and len(value) <= 100 and not inner:
        return tuple(plain(v, inner=True) for v in value)
    raise ValueError(
        f"must be a plain number, text, None or a list of these; got {shown(value)}.")
