"""One stored column: written, then read as a memory map."""

from memmpy.columns.casting import cast
from memmpy.columns.loading import (
    Snapshot,
    StoredColumn,
    check_keys,
    load_memmaps,
    open_column,
    open_columns,
)
from memmpy.columns.nested import ReadNested, WriteNested
from memmpy.columns.opening import no_column, why_stale
from memmpy.columns.pieces import (
    ENTRIES,
    Field,
    Layout,
    layout_of_nested,
    layout_of_numbers,
    shifted,
)
from memmpy.columns.ragged import ReadJagged, WriteJagged
from memmpy.columns.salvage import open_what_is_whole
from memmpy.columns.shaped import ReadShaped, WriteShaped
from memmpy.columns.text import ReadText, WriteText
from memmpy.columns.tickets import are_named_by_files, check_split_by, tickets_of
from memmpy.columns.vector import WriteVector, read_vector
from memmpy.columns.writing import ColumnWriter

__all__ = [
    "ENTRIES",
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
    "are_named_by_files",
    "cast",
    "check_keys",
    "check_split_by",
    "layout_of_nested",
    "layout_of_numbers",
    "load_memmaps",
    "no_column",
    "open_column",
    "open_columns",
    "open_what_is_whole",
    "read_vector",
    "shifted",
    "tickets_of",
    "why_stale",
]
