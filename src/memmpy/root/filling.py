"""Columns of a conversion: the writer of each type, and what it is filled with."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from memmpy.columns import (
    ColumnWriter,
    ReadText,
    StoredColumn,
    WriteJagged,
    WriteNested,
    WriteText,
    WriteVector,
)
from memmpy.root.types import BranchType
from memmpy.store import Origin, SourceRecord, Transaction, hash64

__all__ = ["fill", "kept_entries", "metadata_recipe", "new_writer", "write_metadata"]

#: Entries of a column that are written at a time where nothing limits them.
STEP_SIZE = 1 << 16


def new_writer(transaction: Transaction, key: str, held: BranchType) -> ColumnWriter:
    """Return the writer of a new column of a type."""
    path = transaction.directory
    match held.kind:
        case "text":
            return WriteText(path, key, transaction=transaction)
        case "nested":
            return WriteNested(path, key, type=held.type, transaction=transaction)
    write = WriteVector if held.kind == "vector" else WriteJagged
    return write(path, key, dtype=held.dtype, shape=held.shape, transaction=transaction)


def fill(writer: ColumnWriter, values: Any) -> None:
    """Add entries to a column; text comes as jagged UTF-8 bytes."""
    if isinstance(writer, WriteText):
        writer.extend_encoded(values)
    else:
        assert isinstance(writer, WriteVector | WriteJagged | WriteNested)
        writer.extend(values)


def kept_entries(column: StoredColumn, entries: range) -> Iterator[Any]:
    """Yield entries of a column as `fill` takes them, in steps."""
    encoded = column.encoded if isinstance(column, ReadText) else column
    for start in range(entries.start, entries.stop, STEP_SIZE):
        yield encoded[start : min(start + STEP_SIZE, entries.stop)]


def metadata_recipe(name: str, sources: Sequence[SourceRecord]) -> dict[str, Any]:
    """Return the recipe of a column of what the user said of the files."""
    return {"metadata": [source.metadata[name] for source in sources]}


def write_metadata(transaction: Transaction, name: str, sources: Sequence[SourceRecord]) -> None:
    """Write what the user said of the files: for each entry, the hash of a text."""
    column = WriteVector(
        transaction.directory, name, dtype=np.uint64, shape=(), transaction=transaction
    )
    parts = tuple((source.id, source.num_entries) for source in sources)
    column.origin, column.details = Origin(metadata_recipe(name, sources), parts), {"hashed": True}
    with column:
        for source in sources:
            number = np.uint64(hash64(source.metadata[name]))
            for start in range(0, source.num_entries, STEP_SIZE):
                column.extend(np.full(min(STEP_SIZE, source.num_entries - start), number))
