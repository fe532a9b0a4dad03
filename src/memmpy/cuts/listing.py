"""The cached selections of a store, listed as a table."""

from collections.abc import Sequence
from typing import final, overload

from memmpy.cuts.cache import CutRecord
from memmpy.printing import Table, size_in_words

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
                size_in_words(record.num_bytes),
            )
            for record in self._records
        ]
        headings = ("cut", "columns", "state", "entries", "size")
        num = len(self)
        caption = f"{num} cached {'cut' if num == 1 else 'cuts'}, {size_in_words(self.num_bytes)}"
        return Table(headings, 3, [rows], caption)

    def __rich__(self) -> Table:
        return self._table()

    def __repr__(self) -> str:
        return self._table().to_text() if self._records else "no cached cuts"

    def _repr_html_(self) -> str:
        return self._table().to_html()
