"""One stored column: written, then read as a memory map."""

from memmpy.columns.identity import Tickets, open_tickets
from memmpy.columns.indexing import resolve
from memmpy.columns.jagged import Jagged, check_fill
from memmpy.columns.loading import StoredColumn, load_memmaps, open_column, open_columns
from memmpy.columns.nested import ReadNested, WriteNested
from memmpy.columns.ragged import ReadJagged, WriteJagged
from memmpy.columns.shaped import ReadShaped, WriteShaped
from memmpy.columns.text import ReadText, WriteText
from memmpy.columns.vector import WriteVector, read_vector
from memmpy.columns.writing import ColumnWriter

__all__ = [
    "ColumnWriter",
    "Jagged",
    "ReadJagged",
    "ReadNested",
    "ReadShaped",
    "ReadText",
    "StoredColumn",
    "Tickets",
    "WriteJagged",
    "WriteNested",
    "WriteShaped",
    "WriteText",
    "WriteVector",
    "check_fill",
    "load_memmaps",
    "open_column",
    "open_columns",
    "open_tickets",
    "read_vector",
    "resolve",
]
