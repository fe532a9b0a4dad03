"""Opens columns of a store, each as the class of its kind, even if others are damaged."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns.jagged_column import ReadJagged
from memmpy.columns.memory_maps import Arrays, describe_column, map_column, map_columns
from memmpy.columns.nested import ReadNested
from memmpy.columns.shaped import ReadShaped
from memmpy.columns.text import ReadText
from memmpy.errors import CorruptStoreError, OptionError, UnreadableError, argument_hints
from memmpy.store import ColumnRecord, Metadata, hash64
from memmpy.typing import PathLike

__all__ = [
    "Snapshot",
    "StoredColumn",
    "check_keys",
    "load_memmaps",
    "open_column",
    "open_columns",
    "open_undamaged",
]

StoredColumn: TypeAlias = np.memmap[Any, Any] | ReadJagged | ReadShaped | ReadText | ReadNested
_CLASSES: Mapping[str, type[ReadJagged | ReadShaped | ReadText | ReadNested]] = {
    "jagged": ReadJagged,
    "shaped": ReadShaped,
    "text": ReadText,
    "nested": ReadNested,
}


@argument_hints
def load_memmaps(path: PathLike, keys: Collection[str] | None = None) -> dict[str, StoredColumn]:
    """Open columns of a store.

    Parameters
    ----------
    path : path-like
        The store.
    keys : collection of str, optional
        The columns, in this order; by default all that are not stale.

    Returns
    -------
    dict
        Key to column: an `np.memmap` of shape (n, ...), or a `ReadJagged`, `ReadShaped`,
        `ReadText` or `ReadNested`, which have ``.to_awkward()``. Nothing is read yet.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If a column is stale, for example because the store was converted from other files.
    CorruptStoreError
        If a file is damaged.
    """
    if keys is not None:
        check_keys(keys)
    return dict(open_columns(path, keys).columns)


def check_keys(keys: object) -> None:
    """Raise an `OptionError` unless `keys` is a set or list of texts; one text is refused, too."""
    if isinstance(keys, str | bytes):
        raise OptionError(f"keys is a set of keys, got the text {keys!r}; write {{{keys!r}}}")
    if not isinstance(keys, Collection) or getattr(keys, "shape", None) == ():
        raise OptionError(f"keys is a set or a list of keys, got {keys!r}")
    for key in keys:
        if not isinstance(key, str):
            raise OptionError(f"keys are texts, got {key!r} among them")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Columns of a store as one commit left them; later commits do not change them.

    Parameters
    ----------
    path : Path
        The store.
    metadata : Metadata
        The metadata of that commit, with all columns.
    columns : mapping of key to column
        The open columns.
    """

    path: Path
    metadata: Metadata
    columns: Mapping[str, StoredColumn]

    def texts(self, key: str) -> Mapping[int, str] | None:
        """Return the table from hash to text of a column of hashes; None for other columns."""
        record, column = self.metadata.columns[key], self.columns[key]
        if not record.is_hashed or not isinstance(column, np.ndarray):
            return None
        if record.source_texts is not None:
            return {hash64(text): text for text in record.source_texts}
        # The metadata of old stores does not tell which columns are hashes; the values do.
        known = self.metadata.hashes
        return known if len(column) == 0 or int(column[0]) in known else None


def open_columns(path: PathLike, keys: Iterable[str] | None) -> Snapshot:
    """Open columns as the last commit left them; None for all that are not stale."""
    metadata, arrays = map_columns(path, keys, kind=None)
    columns = {key: _column_of(path, key, metadata.columns[key], a) for key, a in arrays.items()}
    return Snapshot(Path(path), metadata, columns)


def open_undamaged(path: PathLike) -> tuple[Snapshot, dict[str, str]]:
    """Open the columns that are not damaged; return them, and the damage of the others by key."""
    try:
        return open_columns(path, None), {}
    except (CorruptStoreError, UnreadableError):
        snapshot = open_columns(path, ())
    damage: dict[str, str] = {}
    columns: dict[str, StoredColumn] = {}
    for key in snapshot.metadata.current_keys():
        try:
            columns[key] = open_column(path, key, snapshot.metadata.columns[key])
        except (CorruptStoreError, UnreadableError) as error:  # noqa: PERF203 - few
            damage[key] = str(error)
        except FileNotFoundError as error:
            message = f"{error.strerror}: {error.filename!r}"
            damage[key] = f"{message}; convert or write the column again"
    return Snapshot(snapshot.path, snapshot.metadata, columns), damage


def open_column(path: PathLike, key: str, column: ColumnRecord) -> StoredColumn:
    """Open one column that the metadata of a store describes."""
    return _column_of(path, key, column, map_column(path, key, column))


def _column_of(path: PathLike, key: str, record: ColumnRecord, arrays: Arrays) -> StoredColumn:
    if record.kind == "vector":
        return arrays["values"]
    return _CLASSES[record.kind].from_maps(record, arrays, describe_column(path, key))
