"""One stored column: written, then read as a memory map."""

from memmpy.columns.casting import cast
from memmpy.columns.column_layout import (
    ENTRIES,
    Field,
    Layout,
    layout_of_nested,
    layout_of_numbers,
    shifted,
)
from memmpy.columns.jagged_column import ReadJagged, WriteJagged
from memmpy.columns.loading import (
    Snapshot,
    StoredColumn,
    check_keys,
    load_memmaps,
    open_column,
    open_columns,
)
from memmpy.columns.memory_maps import no_column, why_stale
from memmpy.columns.nested import ReadNested, WriteNested
from memmpy.columns.nested_fields import member_of, resolve_key
from memmpy.columns.salvage import open_what_is_whole
from memmpy.columns.shaped import ReadShaped, WriteShaped
from memmpy.columns.text import ReadText, WriteText
from memmpy.columns.types import ColumnType, type_of_column, type_of_values
from memmpy.columns.vector import WriteVector, read_vector
from memmpy.columns.writer import ColumnWriter

__all__ = [
    "ENTRIES",
    "ColumnType",
    "ColumnWriter",
    "Field",
    "Layout",
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
    "cast",
    "check_keys",
    "layout_of_nested",
    "layout_of_numbers",
    "load_memmaps",
    "member_of",
    "no_column",
    "open_column",
    "open_columns",
    "open_what_is_whole",
    "read_vector",
    "resolve_key",
    "shifted",
    "type_of_column",
    "type_of_values",
    "why_stale",
]
