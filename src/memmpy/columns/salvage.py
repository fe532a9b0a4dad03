"""Opens of a damaged store what is whole."""

from memmpy.columns.loading import Snapshot, StoredColumn, open_column, open_columns
from memmpy.errors import CorruptStoreError, UnreadableError
from memmpy.store import ColumnRecord
from memmpy.typing import PathLike

__all__ = ["open_what_is_whole"]


def open_what_is_whole(path: PathLike) -> tuple[Snapshot, dict[str, str]]:
    """Return the columns that can be opened, and what is wrong with the others."""
    try:
        return open_columns(path, None), {}
    except (CorruptStoreError, UnreadableError):
        snapshot = open_columns(path, ())
    damage: dict[str, str] = {}
    columns: dict[str, StoredColumn] = {}
    for key in snapshot.metadata.current_keys():
        opened = _open_or_say(path, key, snapshot.metadata.columns[key])
        if isinstance(opened, str):
            damage[key] = opened
        else:
            columns[key] = opened
    return Snapshot(snapshot.path, snapshot.metadata, columns), damage


def _open_or_say(path: PathLike, key: str, record: ColumnRecord) -> StoredColumn | str:
    try:
        return open_column(path, key, record)
    except (CorruptStoreError, UnreadableError, FileNotFoundError) as error:
        return str(error)
