"""Sorted runs: temporary files of one sorted chunk each, written at once and read in slices."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.jagged import Jagged
from memmpy.kernels import Words
from memmpy.skims.row_layout import SkimLayout
from memmpy.store import PartWriter, bytes_of, open_to_read, read_exactly
from memmpy.typing import Array

__all__ = ["RunReader", "SortedRun", "write_run"]


@dataclass(frozen=True, slots=True)
class SortedRun:
    """A file of one sorted chunk: tickets, offsets of lists, rows, contents of lists.

    Parameters
    ----------
    path : str
        The file.
    num_rows : int
        Number of rows of the chunk.
    num_items : tuple of int
        Number of items of each of its lists.
    """

    path: str
    num_rows: int
    num_items: tuple[int, ...]


def write_run(
    path: str, tickets: Words, rows: Iterable[Array], lists: Sequence[Jagged]
) -> SortedRun:
    """Write a run; the file appears whole, even if several workers write it."""
    offsets, contents = [one.offsets for one in lists], [one.content for one in lists]
    with PartWriter(path) as writer:
        for array in chain([tickets, *offsets], rows, contents):
            writer.append(array)
        writer.finish(is_durable=False)
    return SortedRun(path, len(tickets), tuple(len(one.content) for one in lists))


class RunReader:
    """Reads slices of an open run.

    Parameters
    ----------
    run : SortedRun
        The run.
    layout : SkimLayout
        The layout of the skim.
    file : int
        The open file.
    """

    def __init__(self, run: SortedRun, layout: SkimLayout, file: int) -> None:
        self._file, self._num_rows = file, run.num_rows
        self._row_bytes = layout.row.itemsize
        self._item_bytes = [one.item_bytes for one in layout.lists]
        self._offsets_at = [
            8 * run.num_rows + 8 * (run.num_rows + 1) * i for i in range(len(layout.lists))
        ]
        self._rows_at = 8 * run.num_rows + 8 * (run.num_rows + 1) * len(layout.lists)
        at = self._rows_at + self._row_bytes * run.num_rows
        self._contents_at = []
        for num, size in zip(run.num_items, self._item_bytes, strict=True):
            self._contents_at.append(at)
            at += num * size

    @classmethod
    @contextmanager
    def open(cls, run: SortedRun, layout: SkimLayout) -> "Iterator[RunReader]":
        """Open a run for a moment: there may be more runs than files that a process may open."""
        try:
            file = open_to_read(run.path)
        except OSError as error:
            message = f"a sorted run is missing: {run.path!r} ({error.strerror}); run again"
            raise CorruptStoreError(message) from error
        try:
            yield cls(run, layout, file)
        finally:
            os.close(file)

    def tickets(self) -> Words:
        """Map the tickets of all rows."""
        if self._num_rows == 0:
            return np.empty(0, np.uint64)
        with os.fdopen(os.dup(self._file), "rb") as file:
            return np.asarray(np.memmap(file, np.uint64, "r", shape=(self._num_rows,)))

    def read_tickets(self, start: int, out: Words) -> None:
        """Fill an array with the tickets from a row on."""
        self._read(8 * start, out)

    def read_rows(self, start: int, out: Array) -> None:
        """Fill an array with rows."""
        self._read(self._rows_at + self._row_bytes * start, out)

    def read_offsets(self, number: int, start: int, stop: int) -> NDArray[np.int64]:
        """Return the offsets of lists, and the end of the last of them."""
        offsets = np.empty(stop - start + 1, np.int64)
        self._read(self._offsets_at[number] + 8 * start, offsets)
        return offsets

    def read_content(self, number: int, start: int, out: Array) -> None:
        """Fill an array with items of lists."""
        self._read(self._contents_at[number] + self._item_bytes[number] * start, out)

    def _read(self, at: int, out: Array) -> None:
        try:
            read_exactly(self._file, bytes_of(out), at=at)
        except EOFError as error:
            raise CorruptStoreError(f"a sorted run is damaged: {error}; run again") from error
