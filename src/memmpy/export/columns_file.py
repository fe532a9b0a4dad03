"""`export_columns`: writes columns of a store to one Parquet, HDF5 or ROOT file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.checks import check_path
from memmpy.columns import ReadNested, ReadShaped, ReadText, Snapshot, StoredColumn, text_array
from memmpy.display import Progress, format_count
from memmpy.errors import ColumnError, LengthError, OptionError, damaged, nearest
from memmpy.export.column_writers import WRITERS, ColumnArrays
from memmpy.export.files_aside import check_targets, files_aside
from memmpy.typing import Entries

__all__ = ["ColumnsFile", "export_columns"]

#: Limits of the entries and bytes of a chunk.
_STEP_SIZE, _STEP_BYTES = 1 << 20, 1 << 26


@dataclass(frozen=True, slots=True)
class ColumnsFile:
    """A file that columns were exported to.

    Parameters
    ----------
    path : Path
        The file.
    keys : tuple of str
        The columns.
    num_entries : int
        Their entries.
    """

    path: Path
    keys: tuple[str, ...]
    num_entries: int

    def __str__(self) -> str:
        columns = format_count(len(self.keys), "column")
        return f"{self.path}: {columns}, {format_count(self.num_entries, 'entry', 'entries')}"


def export_columns(
    snapshot: Snapshot,
    path: Any,
    *,
    keys: Sequence[str],
    entries: Entries | None,
    cut_keys: Collection[str],
    overwrite: bool,
    progress: bool | None,
) -> ColumnsFile:
    """Write columns to a file; see `Store.export`.

    Parameters
    ----------
    snapshot : Snapshot
        The columns of the store.
    path : path-like
        The file. Its suffix is that of the format.
    keys : sequence of str
        The columns to write.
    entries : int64 array or None
        The entries to write, ascending; None for all.
    cut_keys : collection of str
        The columns that the entries come from, which must be as long.
    overwrite : bool
        Whether to replace a file.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    """
    file = check_path(path)
    suffix = file.suffix.lower()
    if suffix not in WRITERS:
        hint = nearest(suffix, WRITERS) if suffix else ""
        expected = f"a file that ends in {', '.join(WRITERS)}"
        raise OptionError(f"an export is {expected}, got {str(file)!r}{hint}")
    columns = {key: snapshot.columns[key] for key in keys}
    num_rows = _check_lengths({key: snapshot.columns[key] for key in (*keys, *cut_keys)})
    for key, column in columns.items():
        if isinstance(column, ReadShaped):
            message = f"column {key!r} has entries of different shapes, which no file can hold; "
            raise ColumnError(f"{message}leave it out of keys")
    check_targets({file}, snapshot.metadata.sources, overwrite=overwrite)
    texts = {key: table for key in keys if (table := snapshot.texts(key)) is not None}
    num_bytes = sum(snapshot.metadata.columns[key].nbytes for key in keys)
    step_size = max(1, min(_STEP_SIZE, _STEP_BYTES * num_rows // max(1, num_bytes)))
    num_entries = num_rows if entries is None else len(entries)

    def chunk(index: slice | Entries) -> ColumnArrays:
        return {key: _values(key, column, index, texts.get(key)) for key, column in columns.items()}

    def chunks() -> Iterator[ColumnArrays]:
        for start in range(0, num_entries, step_size):
            stop = min(start + step_size, num_entries)
            yield chunk(slice(start, stop) if entries is None else np.asarray(entries[start:stop]))
            bar.advance(stop - start)

    with (
        files_aside(file.parent, {file}) as aside,
        Progress("exporting", num_entries, show=progress) as bar,
    ):
        WRITERS[suffix](aside(file), chunk(slice(0, 0)), chunks())
    return ColumnsFile(file, tuple(keys), num_entries)


def _check_lengths(columns: Mapping[str, StoredColumn]) -> int:
    """Return the length of columns, which must be the same for all."""
    lengths = {len(column): key for key, column in columns.items()}
    if len(lengths) > 1:
        (num, key), (other_num, other), *_ = lengths.items()
        message = f"column {key!r} has {num:,} entries, and {other!r} has {other_num:,}"
        raise LengthError(f"{message}: export them to files of their own")
    return next(iter(lengths))


def _values(key: str, column: Any, index: slice | Entries, texts: Mapping[int, str] | None) -> Any:
    """Return some entries of a column as writers take them; hashes as their texts."""
    import awkward as ak

    if texts is not None:
        hashes, numbers = np.unique(np.asarray(column[index]), return_inverse=True)
        if unknown := {*hashes.tolist()}.difference(texts):
            raise damaged(f"column {key!r}", f"the hash {min(unknown)} has no text")
        known = ak.Array([*map(texts.__getitem__, hashes.tolist()), ""])
        return ak.to_packed(known[numbers])
    if isinstance(column, ReadText):
        return text_array(column.encoded[index])
    if isinstance(column, ReadNested):
        return ak.to_packed(column[index])
    values = column[index]
    return np.asarray(values) if isinstance(values, np.ndarray) else values
