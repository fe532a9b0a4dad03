"""What a column's values lie in: arrays by role, cut from values and joined piece by piece.

A piece of a column has a length for each of its nodes: its entries are one, the items of its lists
another. An array either holds plain values, one a place of its node, or points into another node:
offsets of lists, or the index of values that may be missing. To join pieces, plain values follow
each other, and what points is shifted by the length of the node in the pieces before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from memmpy.columns.awkward_buffers import buffers_of, form_of
from memmpy.errors import ColumnError
from memmpy.jagged import Jagged
from memmpy.typing import Array

__all__ = [
    "ENTRIES",
    "ColumnArray",
    "ColumnChunk",
    "ColumnLayout",
    "empty_of_type",
    "layout_of_array",
    "layout_of_nested",
    "layout_of_numbers",
    "shifted",
]

#: The node of the entries, in all kinds.
ENTRIES = "node0"
_ITEMS = "node0.0"
_INT64 = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class ColumnArray:
    """One array of a column.

    Parameters
    ----------
    role : str
        What it is to the column.
    dtype : np.dtype
        Little endian.
    shape : tuple of int
        Of one row.
    node : str
        Whose length says how many rows there are.
    links : str or None
        The node that its values point into; None for plain values.
    means : str
        ``values``, ``offsets`` (of a piece only where each list ends; the array has a 0 before), or
        ``index`` (-1 for what is missing).
    """

    role: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    node: str
    links: str | None = None
    means: Literal["values", "offsets", "index"] = "values"

    @property
    def is_fixed(self) -> bool:
        """Whether the number of rows is that of the entries, and the values stay as they are."""
        return self.node == ENTRIES and self.links is None

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(self.dtype.itemsize * np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """Some entries of a column: the length of each node, and the arrays by role."""

    lengths: Mapping[str, int]
    arrays: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """The arrays of a column of some kind.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``text`` or ``nested``.
    fields : tuple of ColumnArray
        Its arrays.
    details : mapping
        JSON values that the kind needs beside them.
    """

    kind: str
    fields: tuple[ColumnArray, ...]
    details: Mapping[str, Any] = field(default_factory=dict)

    def cut(self, values: Any) -> ColumnChunk:
        """Return the arrays of some entries.

        Parameters
        ----------
        values : np.ndarray, Jagged or ak.Array
            For ``vector``; for ``jagged`` and (of UTF-8 bytes) ``text``; for ``nested``.
        """
        if self.kind == "vector":
            return ColumnChunk({ENTRIES: len(values)}, {"values": values})
        if isinstance(values, Jagged):
            lengths = {ENTRIES: len(values), _ITEMS: len(values.content)}
            return ColumnChunk(lengths, {"content": values.content, "offsets": values.offsets[1:]})
        import awkward as ak

        lengths, arrays = buffers_of(ak.to_packed(values))
        return ColumnChunk(lengths, {role: buffer.values for role, buffer in arrays.items()})


def layout_of_numbers(kind: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> ColumnLayout:
    """Return the layout of a ``vector``, or of a ``jagged`` or ``text`` column."""
    if kind == "vector":
        return ColumnLayout(kind, (ColumnArray("values", dtype, shape, ENTRIES),))
    offsets = ColumnArray("offsets", _INT64, (), ENTRIES, _ITEMS, "offsets")
    return ColumnLayout(kind, (ColumnArray("content", dtype, shape, _ITEMS), offsets))


def layout_of_nested(type_of_entry: str) -> ColumnLayout:
    """Return the layout of a ``nested`` column of entries of an awkward type."""
    empty = empty_of_type(type_of_entry)
    return layout_of_array(empty, form_of(empty))


def layout_of_array(array: Any, form: Mapping[str, Any]) -> ColumnLayout:
    """Return the layout of the ``nested`` column that holds an `ak.Array` of that form."""
    _, buffers = buffers_of(array)
    fields = tuple(
        ColumnArray(role, b.values.dtype, (), b.node, b.links, b.means)
        for role, b in buffers.items()
    )
    return ColumnLayout("nested", fields, {"form": form})


def shifted(field: ColumnArray, values: Array, base: int) -> Array:
    """Return the rows of a piece as they stand in the column.

    Parameters
    ----------
    field : ColumnArray
        What they are.
    values : array
        As `ColumnLayout.cut` gives them.
    base : int
        Length of the node they point into, in the pieces before.
    """
    if field.links is None or base == 0:
        return values
    return np.where(values < 0, -1, values + base) if field.means == "index" else values + base


def empty_of_type(type_of_entry: str) -> Any:
    """Return an array without entries, of a type."""
    import awkward as ak

    try:
        form = ak.forms.from_type(ak.types.from_datashape(type_of_entry, highlevel=False))
    except Exception as error:  # awkward does not export those of its parser
        message = f"awkward knows no type {type_of_entry!r}; write it as in 'var * var * float32'"
        raise ColumnError(message) from error
    return ak.Array(form.length_zero_array(highlevel=False))
