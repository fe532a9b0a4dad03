"""Columns of a store: writers, and readers over memory maps."""

from memmpy.columns.casting import MAX_ENTRY_BYTES, can_cast, cast, padded_type
from memmpy.columns.column_layout import (
    ENTRIES,
    ColumnArray,
    ColumnLayout,
    layout_of_nested,
    layout_of_numbers,
    shift,
)
from memmpy.columns.jagged_column import ReadJagged, WriteJagged
from memmpy.columns.loading import (
    Snapshot,
    StoredColumn,
    check_keys,
    load_memmaps,
    open_column,
    open_columns,
    open_undamaged,
)
from memmpy.columns.memory_maps import no_column, why_stale
from memmpy.columns.nested import ReadNested, WriteNested
from memmpy.columns.nested_fields import nested_member, resolve_key
from memmpy.columns.shaped import ReadShaped, WriteShaped
from memmpy.columns.text import ReadText, WriteText, text_array
from memmpy.columns.types import ColumnType, type_of_column, type_of_values
from memmpy.columns.vector import WriteVector, read_vector
from memmpy.columns.writer import ColumnWriter

__all__ = [
    "ENTRIES",
    "MAX_ENTRY_BYTES",
    "ColumnArray",
    "ColumnLayout",
    "ColumnType",
    "ColumnWriter",
    "ReadJagged",
    "ReadNested",
    "ReadShaped",
    "ReadText",
    "Snapshot",
    "StoredColumn",
    "WriteJagged",
    "WriteNested",
    "WriteShaped",
    "WriteText",
    "WriteVector",
    "can_cast",
    "cast",
    "check_keys",
    "layout_of_nested",
    "layout_of_numbers",
    "load_memmaps",
    "nested_member",
    "no_column",
    "open_column",
    "open_columns",
    "open_undamaged",
    "padded_type",
    "read_vector",
    "resolve_key",
    "shift",
    "text_array",
    "type_of_column",
    "type_of_values",
    "why_stale",
]
