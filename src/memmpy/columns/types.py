"""The type of a column: its kind, and the dtype and shape of its entries."""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.jagged import Jagged
from memmpy.store import ColumnRecord
from memmpy.typing import Array

__all__ = ["ColumnType", "type_of_column", "type_of_values"]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """Kind, dtype and shape of the entries of a branch or a column.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``text`` or ``nested``.
    dtype : np.dtype or None
        The dtype of numbers; None for text and nested.
    shape : tuple of int
        The shape of an entry of a vector, or of an item of a jagged entry.
    type : str
        The type of nested entries, as awkward writes it.
    """

    kind: str
    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] = ()
    type: str = ""

    @property
    def entry_bytes(self) -> int:
        """Bytes of an entry of a vector, or of an item of a jagged entry; 0 without a dtype."""
        return 0 if self.dtype is None else self.dtype.itemsize * math.prod(self.shape)

    def in_words(self) -> str:
        """Return the type as a user reads it: ``float32``, ``list of float32``, ``text``."""
        if self.kind == "nested":
            return _in_words(self.type)
        return str(self) if self.kind == "text" else _in_words(str(self))

    def __str__(self) -> str:
        lists = ["var"] if self.kind == "jagged" else []
        numbers = " * ".join([*lists, *map(str, self.shape), str(self.dtype)])
        return {"text": "text", "nested": self.type}.get(self.kind, numbers)


def _in_words(datashape: str) -> str:
    """Return a type of awkward in words: ``var * 3 * float32`` is a list of 3 x float32."""
    depth = 0
    while datashape.startswith("var * "):
        datashape = datashape.removeprefix("var * ")
        depth += 1
    length, star, rest = datashape.partition(" * ")
    if star and length.isdecimal():
        inner = f"{length} x {_in_words(rest)}"
    else:
        inner = "text" if datashape == "string" else datashape
    if not depth:
        return inner
    lists = "list of " + "lists of " * (depth - 1)
    return f"{lists}{inner}"


def type_of_values(values: Array | Jagged) -> ColumnType:
    """Return the type of a column that holds values."""
    if isinstance(values, Jagged):
        return ColumnType("jagged", values.dtype, values.content.shape[1:])
    return ColumnType("vector", values.dtype, values.shape[1:])


def type_of_column(column: ColumnRecord) -> ColumnType:
    """Return the type of a stored column."""
    if column.kind == "text":
        return ColumnType("text")
    if column.kind == "nested":
        import awkward as ak

        form = ak.forms.from_json(json.dumps(column.details["form"]))
        return ColumnType("nested", type=str(form.type))
    array = column.arrays["values" if column.kind == "vector" else "content"]
    return ColumnType(column.kind, array.dtype, array.shape[1:])
