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
from memmpy.columns.members import holder_of, member_of
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
    "cast",
    "check_keys",
    "holder_of",
    "layout_of_nested",
    "layout_of_numbers",
    "load_memmaps",
    "member_of",
    "no_column",
    "open_column",
    "open_columns",
    "open_what_is_whole",
    "read_vector",
    "shifted",
    "why_stale",
]
