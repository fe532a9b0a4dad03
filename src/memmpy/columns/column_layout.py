"""The arrays that make up a column, and how to split and join them.

A column has nodes: the entries are one, the items of its lists another. A chunk has a length for
each node. An array either holds plain values, one for each place of its node, or it points into
another node: as offsets of lists, or as the index of values that may be missing. Chunks are joined
in order. Plain values stay as they are, and values that point into a node are shifted by the length
of this node in the chunks before.
"""

import math
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
    "shift",
]

#: The node of the entries, in all kinds of columns.
ENTRIES = "node0"
_ITEMS = "node0.0"
_INT64 = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class ColumnArray:
    """One array of a column.

    Parameters
    ----------
    role : str
        Its name within the column.
    dtype : np.dtype
        Little endian.
    shape : tuple of int
        The shape of one row.
    node : str
        The node whose length is the number of rows.
    points_into : str or None
        The node that its values point into; None for plain values.
    kind : str
        ``values``, ``offsets`` (a chunk has the ends of lists, the array has a 0 before them), or
        ``index`` (-1 for a missing value).
    """

    role: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    node: str
    points_into: str | None = None
    kind: Literal["values", "offsets", "index"] = "values"

    @property
    def is_fixed(self) -> bool:
        """Whether it has one row of plain values for each entry."""
        return self.node == ENTRIES and self.points_into is None

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """Some entries of a column: the length of each node, and the arrays by role."""

    lengths: Mapping[str, int]
    arrays: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """The kind of a column, and its arrays.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``text`` or ``nested``.
    fields : tuple of ColumnArray
        Its arrays.
    details : mapping
        JSON values that the kind needs, too.
    """

    kind: str
    fields: tuple[ColumnArray, ...]
    details: Mapping[str, Any] = field(default_factory=dict)

    def chunk_of(self, values: Any) -> ColumnChunk:
        """Return some entries as a chunk.

        Parameters
        ----------
        values : np.ndarray, Jagged or ak.Array
            An array for ``vector``, `Jagged` for ``jagged`` and ``text`` (UTF-8 bytes), an
            `ak.Array` for ``nested``.
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
    """Return the layout of a ``nested`` column of an awkward type."""
    empty = empty_of_type(type_of_entry)
    return layout_of_array(empty, form_of(empty))


def layout_of_array(array: Any, form: Mapping[str, Any]) -> ColumnLayout:
    """Return the layout of a ``nested`` column of an `ak.Array`, of which the form is given."""
    _, buffers = buffers_of(array)
    fields = tuple(
        ColumnArray(role, b.values.dtype, (), b.node, b.points_into, b.kind)
        for role, b in buffers.items()
    )
    return ColumnLayout("nested", fields, {"form": form})


def shift(field: ColumnArray, values: Array, base: int) -> Array:
    """Return rows of a chunk as they are in the column; only those that point into a node change.

    Parameters
    ----------
    field : ColumnArray
        Their array.
    values : array
        What `ColumnLayout.chunk_of` returned.
    base : int
        Length of the node they point into, in the chunks before.
    """
    if field.points_into is None or base == 0:
        return values
    return np.where(values < 0, -1, values + base) if field.kind == "index" else values + base


def empty_of_type(type_of_entry: str) -> Any:
    """Return an `ak.Array` of a type without entries."""
    import awkward as ak

    try:
        form = ak.forms.from_type(ak.types.from_datashape(type_of_entry, highlevel=False))
    except Exception as error:  # awkward does not export those of its parser
        message = f"awkward knows no type {type_of_entry!r}; write it as in 'var * var * float32'"
        raise ColumnError(message) from error
    return ak.Array(form.length_zero_array(highlevel=False))
