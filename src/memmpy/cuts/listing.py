"""The cached selections of a store, listed as a table."""

from collections.abc import Sequence
from typing import final, overload

from memmpy.cuts.cache import CutRecord
from memmpy.cuts.tables import Table

__all__ = ["Cuts"]


@final
class Cuts(Sequence[CutRecord]):
    """The selections cached in a store, by expression; prints as a table.

    Parameters
    ----------
    records : sequence of CutRecord
        What is cached.
    """

    __slots__ = ("_records",)

    def __init__(self, records: Sequence[CutRecord]) -> None:
        self._records = tuple(records)

    @property
    def num_bytes(self) -> int:
        """What all of them take on disk."""
        return sum(record.num_bytes for record in self._records)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> CutRecord: ...
    @overload
    def __getitem__(self, index: slice) -> "Cuts": ...
    def __getitem__(self, index: int | slice) -> "CutRecord | Cuts":
        if isinstance(index, slice):
            return Cuts(self._records[index])
        return self._records[index]

    def _table(self) -> Table:
        rows = [
            (
                record.expression,
                ", ".join(record.keys),
                "current" if record.is_current else "outdated",
                f"{record.num_passing:,}",
                _size(record.num_bytes),
            )
            for record in self._records
        ]
        headings = ("cut", "columns", "state", "entries", "size")
        num = len(self)
        caption = f"{num} cached {'cut' if num == 1 else 'cuts'}, {_size(self.num_bytes)}"
        return Table(headings, 3, [rows], caption)

    def __rich__(self) -> Table:
        return self._table()

    def __repr__(self) -> str:
        return self._table().to_text() if self._records else "no cached cuts"

    def _repr_html_(self) -> str:
        return self._table().to_html()


def _size(num_bytes: int) -> str:
    """Return bytes in words: ``1.2 MB``."""
    if num_bytes < 1000:
        return f"{num_bytes} B"
    size, unit = num_bytes / 1e3, "kB"
    for larger in ("MB", "GB", "TB"):
        if size < 999.95:
            break
        size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}"
