"""Finds the clusters of an RNTuple, and the pages of one column in a cluster."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.ntuple_records import Schema, open_envelope

__all__ = ["Cluster", "Page", "page_table", "pages_between", "read_clusters"]

_PAGE_LIST = 3
_ULONG, _LONG = struct.Struct("<Q"), struct.Struct("<q")
_LIST = struct.Struct("<qI")
_SUMMARY = struct.Struct("<QQ")
#: The highest byte of the number of entries has flags; one means that a cluster has not all fields.
_FLAGS = 56
#: A page: the number of its values, negative if a checksum follows, and its place.
_PAGE = np.dtype([("num", "<i4"), ("num_bytes", "<i4"), ("offset", "<u8")])
#: After the pages: the first value, negative if the cluster has none.
_FIRST = struct.Struct("<q")


class Page(NamedTuple):
    """A page, and the values of it that are asked for: `start` to `stop` of `num`.

    A page of zeros is not in the file. Its offset is negative.
    """

    offset: int
    num_bytes: int
    has_checksum: bool
    num: int
    start: int
    stop: int


@final
@dataclass(slots=True, eq=False)
class Cluster:
    """A range of entries whose pages are together.

    Parameters
    ----------
    first, num_entries : int
        Its entries.
    data : bytes
        The envelope with the list of its pages.
    start, stop : int
        The place of the list in the envelope.
    num_columns : int
        Number of columns in the list.
    """

    first: int
    num_entries: int
    data: bytes
    start: int
    stop: int
    num_columns: int
    _places: list[int] = field(default_factory=list)

    def places(self) -> list[int]:
        """Return where the pages of each column are listed, and the end of the list."""
        if not self._places:
            place, places = self.start, [self.start]
            for _ in range(self.num_columns):
                start, stop = place + _LIST.size, self.stop
                if start <= stop:
                    place -= _LIST.unpack_from(self.data, place)[0]  # the negative size
                if not start <= place <= stop:
                    raise ValueError("a list of pages ends too early")
                places.append(place)
            self._places = places
        return self._places


def read_clusters(schema: Schema, fetch: Callable[[int, int], memoryview]) -> list[Cluster]:
    """Return all clusters in the order of their entries.

    Parameters
    ----------
    schema : Schema
        The fields and columns.
    fetch : callable
        Returns bytes of the file, from the first offset to the second.

    Raises
    ------
    ValueError
        If a list of pages is damaged.
    RecordError
        If it is laid out in another way.
    """
    clusters: list[Cluster] = []
    num_entries = 0
    for group in schema.groups:
        offset, num_bytes, size = group.locator
        raw = fetch(offset, offset + num_bytes)
        cursor = open_envelope(raw, size, _PAGE_LIST, "the list of its pages")
        cursor.skip(_ULONG.size)  # the checksum of the header
        summaries, num = cursor.list()
        lists, num_lists = cursor.list()
        if not num == num_lists == group.num_clusters:
            raise ValueError("a list of pages has more or fewer clusters than its group")
        for _ in range(num):
            first, count = summaries.record().unpack(_SUMMARY)
            if count >> _FLAGS or first != num_entries:
                raise RecordError("a cluster has unusual entries")
            columns, num_columns = lists.list()
            place = columns.at, columns.stop, num_columns
            clusters.append(Cluster(first, count, cursor.data, *place))
            num_entries += count
    return clusters


def page_table(cluster: Cluster, column: int) -> NDArray[np.void]:
    """Return the pages of a column in a cluster: ``num`` of values, ``num_bytes``, ``offset``.

    Raises
    ------
    ValueError
        If the list is damaged.
    RecordError
        If the cluster has no values of the column, or a page has more than 2 GiB.
    """
    if column >= cluster.num_columns:
        raise RecordError("a cluster has no pages of the column")
    start, stop = cluster.places()[column : column + 2]
    _, num = _LIST.unpack_from(cluster.data, start)
    start += _LIST.size
    end = start + num * _PAGE.itemsize
    if end + _FIRST.size > stop:
        raise ValueError("a list of pages ends too early")
    if _FIRST.unpack_from(cluster.data, end)[0] < 0:
        raise RecordError("a cluster has no values of the column")
    table: NDArray[np.void] = np.frombuffer(cluster.data, _PAGE, num, start)
    if np.any(table["num_bytes"] < 0):
        raise RecordError("a page has more than 2 GiB")
    return table


def pages_between(
    cluster: Cluster, column: int, start: int, stop: int, *, num_zeros: int
) -> list[Page]:
    """Return the pages that hold the values `start` to `stop` of a column in a cluster.

    The cluster begins with `num_zeros` zeros, which are in no page.

    Raises
    ------
    ValueError, RecordError
        See `page_table`; also if the cluster has fewer values.
    """
    pages = []
    if start < min(stop, num_zeros):
        num = min(stop, num_zeros) - start
        pages.append(Page(-1, 0, False, num, 0, num))
    if num_zeros and stop <= num_zeros:
        return pages
    start, stop = max(start - num_zeros, 0), stop - num_zeros
    table = page_table(cluster, column)
    edges = np.zeros(len(table) + 1, np.int64)
    np.cumsum(np.abs(table["num"].astype(np.int64)), out=edges[1:])
    if not 0 <= start <= stop <= edges[-1]:
        raise ValueError(f"a cluster has {edges[-1]} values of a column, not {stop}")
    if start == stop:
        return pages
    first = int(np.searchsorted(edges, start, side="right")) - 1
    last = int(np.searchsorted(edges, stop, side="left"))
    for (num, num_bytes, offset), edge in zip(
        table[first:last].tolist(), edges[first:last].tolist(), strict=True
    ):
        inside = max(start - edge, 0), min(stop - edge, abs(num))
        pages.append(Page(offset, num_bytes, num < 0, abs(num), *inside))
    return pages
