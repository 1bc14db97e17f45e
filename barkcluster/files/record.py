"""Fields of a stored object: what each may hold, how it is written and read back.

An object that is stored names its fields, an `ArrayField` or a `NumberField` each. Numbers stand
in the header of the file, arrays beside it. The header also gives the type and sizes of every
array, so that nothing is read that does not fit its field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from barkcluster._validation import shown

from .archive import LARGEST, Array, ArraySpec, Json, ModelFormatError, stored_type
from .header import Fields, Plain, plain

# Columns, rows or units of an array, and any other count, at most.
LONGEST = 10_000_000
_STORED_AS = {"<f8": ("<f2", "<f4", "<f8"), "<i8": ("<i8",), "<i4": ("<i4",)}


@dataclass(frozen=True)
class ArrayField:
    """A learned array: its shape, type and range.

    Attributes
    ----------
    attribute : str
        What it is called; in the file without a trailing underscore.
    shape : tuple of str
        Names of its sizes: the same name is the same size in every array of the object.
    dtype : str, default="<f8"
        "<f8", "<i8" or "<i4".
    least, most : float
        Smallest and largest number in it.
    below : str, default=""
        Name of a size that its numbers stay below, where they count along it.
    total : float or None, default=None
        What its numbers sum to.
    optional : bool, default=False
        Whether it may be None.
    """

    attribute: str
    shape: tuple[str, ...]
    dtype: str = "<f8"
    least: float = -LARGEST
    most: float = LARGEST
    below: str = ""
    total: float | None = None
    optional: bool = False


@dataclass(frozen=True)
class NumberField:
    """A learned number and its range; a whole number if both bounds are ints.

    Attributes
    ----------
    attribute : str
        What it is called; in the file without a trailing underscore.
    least, most : float
        Smallest and largest that it may be.
    up_to : str, default=""
        Name of a size that it does not exceed.
    """

    attribute: str
    least: float
    most: float
    up_to: str = ""


Field: TypeAlias = ArrayField | NumberField


def stored_name(field: Field) -> str:
    """Name of a field in a file."""
    return field.attribute.rstrip("_")


def pack_fields(source: object, fields: Sequence[Field], prefix: str, arrays: dict[str, Array]
                ) -> tuple[dict[str, Json], dict[str, Json]]:
    """Numbers and array shapes of an object, for the header; its arrays go into ``arrays``.

    Parameters
    ----------
    source : object
        Has the attributes that the fields name.
    fields : sequence of Field
    prefix : str
        What the names of the arrays start with.
    arrays : dict of str to ndarray
        The object's own are added.

    Returns
    -------
    numbers, shapes : dict
        For the header.
    """
    numbers: dict[str, Json] = {}
    shapes: dict[str, Json] = {}
    for field in fields:
        value = getattr(source, field.attribute)
        name = stored_name(field)
        if isinstance(field, NumberField):
            numbers[name] = as_json(name, value)
        elif value is not None:
            shapes[name] = pack_array(value, field, f"{prefix}.{name}", arrays)
    return numbers, shapes


def pack_array(value: object, field: ArrayField, name: str, arrays: dict[str, Array]) -> Json:
    """Type and sizes of one array, for the header; the array itself goes into ``arrays``."""
    values = np.asarray(value, dtype=field.dtype)
    stored: Array = np.ascontiguousarray(values, dtype=stored_type(values))
    arrays[name] = stored
    return [stored.dtype.str, *stored.shape]


def as_json(name: str, value: object) -> Json:
    """A number, text, None or a list of these for a header; ValueError if it is more."""
    try:
        simple: Plain = plain(value)
    except ValueError as error:
        raise ValueError(f"{name} cannot be saved: it {error}") from None
    return list(simple) if isinstance(simple, tuple) else simple  # type: ignore[arg-type]


def array_spec(field: ArrayField, given: Json, sizes: dict[str, int], name: str) -> ArraySpec:
    """Specification of an array, from its field and ``[type, size, ...]`` in the header."""
    if not (isinstance(given, list) and len(given) == 1 + len(field.shape)
            and given[0] in _STORED_AS[field.dtype]):
        raise ModelFormatError(
            f"{name} must be given as its type, one of {', '.join(_STORED_AS[field.dtype])}, "
            f"and {len(field.shape)} sizes; got {shown(given)}.")
    shape = []
    for size_name, value in zip(field.shape, given[1:], strict=True):
        size = Fields({size_name: value}, name).integer(size_name, 1, LONGEST)
        if sizes.setdefault(size_name, size) != size:
            raise ModelFormatError(
                f"{name} has {size_name} = {size}; elsewhere it is {sizes[size_name]}.")
        shape.append(size)
    return ArraySpec(field.dtype, str(given[0]), tuple(shape), field.least, field.most)


class FieldRecord:
    """The fields of an object as its header describes them, before its arrays are read.

    Parameters
    ----------
    fields : sequence of Field
        What it must have, all of it and no more.
    numbers, shapes : Fields
        Of the header; emptied.
    prefix : str
        What the names of its arrays start with.
    specs : dict of str to ArraySpec
        What its arrays must be like is added.

    Attributes
    ----------
    sizes : dict of str to int
        The sizes of its arrays by name.
    """

    def __init__(self, fields: Sequence[Field], numbers: Fields, shapes: Fields, prefix: str,
                 specs: dict[str, ArraySpec]) -> None:
        self.sizes: dict[str, int] = {}
        self._prefix = prefix
        self._numbers: list[tuple[NumberField, float]] = []
        self._arrays: list[tuple[ArrayField, str | None]] = []
        for field in fields:
            name = stored_name(field)
            if isinstance(field, NumberField):
                whole = isinstance(field.least, int) and isinstance(field.most, int)
                self._numbers.append((field, (
                    numbers.integer(name, int(field.least), int(field.most)) if whole
                    else numbers.number(name, field.least, field.most))))
            elif field.optional and not shapes.has(name):
                self._arrays.append((field, None))
            else:
                key = f"{prefix}.{name}"
                specs[key] = array_spec(field, shapes.take(name), self.sizes, key)
                self._arrays.append((field, key))
        for number, value in self._numbers:
            if number.up_to and value > self.sizes[number.up_to]:
                raise ModelFormatError(
                    f"{prefix}.{stored_name(number)} must be at most {number.up_to}, "
                    f"{self.sizes[number.up_to]}; got {value:g}.")
        numbers.nothing_else()
        shapes.nothing_else()

    def has(self, attribute: str) -> bool:
        """Whether an array is there and not None."""
        return any(field.attribute == attribute and key is not None for field, key in self._arrays)

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise unless the arrays hold what their fields say beyond least and most."""
        for field, key in self._arrays:
            if key is None:
                continue
            if field.below and arrays[key].max() >= self.sizes[field.below]:
                raise ModelFormatError(f"{key}.npy must stay below {field.below}, "
                                       f"{self.sizes[field.below]}; got {arrays[key].max():g}.")
            if field.total is not None and abs(float(arrays[key].sum()) - field.total) > 1e-6:
                raise ModelFormatError(f"{key}.npy must sum to {field.total:g}; "
                                       f"got {arrays[key].sum():g}.")

    def restore(self, target: object, arrays: Mapping[str, Array]) -> None:
        """Set the attributes of an object."""
        for number, value in self._numbers:
            setattr(target, number.attribute, value)
        for field, key in self._arrays:
            setattr(target, field.attribute, None if key is None else arrays[key])
