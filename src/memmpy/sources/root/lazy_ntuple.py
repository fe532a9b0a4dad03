"""An RNTuple of which memmpy reads only the fields that are asked for.

uproot takes seconds to list 1,500 fields, since it looks through all of them for the parts of each.
This module reads header, footer and lists of pages itself, and decodes numbers, arrays and texts,
and lists of them. uproot reads all other fields.
"""

import math
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np
import xxhash
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.compression import PackedBytes
from memmpy.sources.root.ntuple_clusters import (
    Cluster,
    Page,
    page_table,
    pages_between,
    read_clusters,
)
from memmpy.sources.root.ntuple_encodings import decode_page, page_bytes
from memmpy.sources.root.ntuple_fields import CodedColumn, FieldColumns, NtupleFields
from memmpy.sources.root.ntuple_pages import CHECKSUM, DamagedPageError, check_page
from memmpy.sources.root.ntuple_records import FieldDescription, NtupleDescription, read_schema
from memmpy.typing import Array

__all__ = ["LazyNtuple"]


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of some entries: their offsets, and their items in each cluster."""

    offsets: NDArray[np.int64]
    items: list[tuple[Cluster, int, int]]


@final
class LazyNtuple:
    """The fields of an RNTuple, and the values of those that memmpy reads itself.

    Several threads may call it.

    Parameters
    ----------
    anchor : mapping of str to int
        Where header and footer are, in the words of ROOT.
    source : ByteSource
        The file.

    Raises
    ------
    ValueError
        If it is damaged.
    RecordError
        If only uproot may read it.
    """

    def __init__(self, anchor: Mapping[str, int], source: ByteSource) -> None:
        if anchor["fVersionEpoch"] != 1:
            raise RecordError("the RNTuple has another version")
        self._source, self._lock = source, threading.Lock()
        starts = [anchor[f"fSeek{part}"] for part in ("Header", "Footer")]
        sizes = [anchor[f"fNBytes{part}"] for part in ("Header", "Footer")]
        ranges = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
        header, footer = source.read_many(ranges)
        self._schema = read_schema(header, anchor["fLenHeader"], footer, anchor["fLenFooter"])
        self._description = self._schema.description
        self.fields = _fields_of(self._description)
        self._columns: dict[int, FieldColumns | None] = {}

    @cached_property
    def _unlocked_clusters(self) -> list[Cluster]:
        return read_clusters(self._schema, lambda start, stop: self._fetch([(start, stop)])[0])

    @property
    def clusters(self) -> list[Cluster]:
        """All clusters, in the order of their entries."""
        with self._lock:
            return self._unlocked_clusters

    @property
    def num_entries(self) -> int:
        """Entries of the RNTuple."""
        return sum(cluster.num_entries for cluster in self.clusters)

    def columns_of(self, field: FieldDescription) -> FieldColumns | None:
        """Return the columns of a field, or None if only uproot may read it."""
        if field.number not in self._columns:
            columns = self.fields.columns_of(field)
            self._columns[field.number] = columns if self._has_pages(columns) else None
        return self._columns[field.number]

    def sizes_of(self, field: FieldDescription) -> tuple[int, int]:
        """Return the compressed and decompressed bytes of a field and its parts."""
        return self._sizes(self.fields.column_numbers(field))

    def sizes(self) -> tuple[int, int]:
        """Return the compressed and decompressed bytes of all fields."""
        return self._sizes(range(len(self._description.columns)))

    def read(
        self, fields: Mapping[str, FieldColumns], start: int, stop: int
    ) -> Iterator[tuple[str, Any]]:
        """Yield fields, each with its entries `start` to `stop`.

        Raises
        ------
        DamagedPageError
            If a page is damaged.
        ValueError
            If the pages do not fit the clusters.
        """
        entries = [
            (cluster, max(start - cluster.first, 0), min(stop - cluster.first, cluster.num_entries))
            for cluster in self.clusters
        ]
        entries = [(cluster, first, last) for cluster, first, last in entries if first < last]
        lists = self._lists(fields.values(), entries)
        pages: dict[str, list[Page]] = {}
        for name, columns in fields.items():
            own = lists[columns.lists[-1].number].items if columns.lists else entries
            pages[name] = (
                _pages(columns.content, own, math.prod(columns.shape)) if columns.content else []
            )
        fetched = self._fetch_pages(pages.values())
        for name, columns in fields.items():
            offsets = [lists[column.number].offsets for column in columns.lists]
            if columns.content is None:
                yield name, np.diff(offsets[0]).astype(columns.type.dtype)
                continue
            content = self._decode(columns.content, pages[name], fetched)
            num = int(offsets[-1][-1]) if offsets else stop - start
            content = content.reshape(num, *columns.shape)
            yield name, _values(columns, content, offsets)

    def _has_pages(self, columns: FieldColumns | None) -> bool:
        """Return whether each cluster has pages of all columns, in the usual layout."""
        if columns is None:
            return False
        try:
            own = [column for column in (*columns.lists, columns.content) if column]
            num = 1 if columns.lists else math.prod(columns.shape)
            for cluster in self.clusters:
                # Without lists or numbers, it has no items either.
                if _num_zeros(own[0], cluster, num) < cluster.num_entries * num:
                    for column in own:
                        page_table(cluster, column.number)
        except RecordError:
            return False
        return True

    def _lists(
        self, fields: Collection[FieldColumns], entries: list[tuple[Cluster, int, int]]
    ) -> dict[int, _Lists]:
        """Return the lists of fields by the numbers of the columns of their ends."""
        lists: dict[int, _Lists] = {}
        for depth in range(max((len(columns.lists) for columns in fields), default=0)):
            items = {}
            for columns in fields:
                if depth < len(columns.lists):
                    own = lists[columns.lists[depth - 1].number].items if depth else entries
                    items[columns.lists[depth].number] = columns.lists[depth], own
            lists |= self._lists_of(items.values())
        return lists

    def _lists_of(
        self, several: Collection[tuple[CodedColumn, list[tuple[Cluster, int, int]]]]
    ) -> dict[int, _Lists]:
        """Return the lists of columns of ends, each with its entries or items, by their numbers.

        Each field of a collection has ends of its own, usually in pages with the same bytes: these
        are decoded once.
        """
        pages = {}
        for column, entries in several:
            # With the end of the list before the first one.
            wide = [(cluster, max(first - 1, 0), last) for cluster, first, last in entries]
            pages[column.number] = _pages(column, wide, 1)
        fetched = self._fetch_pages(pages.values())
        lists: dict[int, _Lists] = {}
        known: dict[tuple[object, ...], list[tuple[list[Page], _Lists]]] = {}
        for column, entries in several:
            own = pages[column.number]
            alike = known.setdefault((column.encoding, *entries, *_marks(own, fetched)), [])
            found = next((f for p, f in alike if _have_same_bytes(own, p, fetched)), None)
            if found is None:
                found = self._lists_at(column, entries, own, fetched)
                alike.append((own, found))
            lists[column.number] = found
        return lists

    def _lists_at(
        self,
        column: CodedColumn,
        entries: list[tuple[Cluster, int, int]],
        pages: Sequence[Page],
        fetched: Mapping[Page, memoryview],
    ) -> _Lists:
        """Return the lists of a column of ends."""
        ends = self._decode(column, pages, fetched).astype(np.int64, copy=False)
        offsets = np.zeros(sum(last - first for _, first, last in entries) + 1, np.int64)
        items, at, used = [], 1, 0
        for cluster, first, last in entries:
            begin = int(ends[used]) if first else 0
            own = ends[used + (first > 0) : used + last - max(first - 1, 0)]
            used += last - max(first - 1, 0)
            np.add(own, offsets[at - 1] - begin, out=offsets[at : at + len(own)])
            if own[-1] > begin:
                items.append((cluster, begin, int(own[-1])))
            at += len(own)
        if np.any(offsets[1:] < offsets[:-1]):
            name = self._name_of(column.number)
            raise ValueError(f"the lists of {name!r} end before they begin")
        return _Lists(offsets, items)

    def _decode(
        self, column: CodedColumn, pages: Sequence[Page], fetched: Mapping[Page, memoryview]
    ) -> Array:
        """Return the values of some pages of a column."""
        encoding = column.encoding
        # All sizes are checked before the allocation, since a damaged file may claim any.
        packed = [self._check(column, page, fetched) for page in pages]
        out = np.empty(sum(page.stop - page.start for page in pages), encoding.dtype)
        at = 0
        for page, raw in zip(pages, packed, strict=True):
            num = page.stop - page.start
            if raw is None:
                out[at : at + num] = 0
                at += num
                continue
            with self._page_errors(column, page):
                octets = raw.unpack()
            if num == page.num:
                decode_page(encoding, octets, out[at : at + num])
            else:
                whole = np.empty(page.num, encoding.dtype)
                decode_page(encoding, octets, whole)
                out[at : at + num] = whole[page.start : page.stop]
            at += num
        return out

    def _check(
        self, column: CodedColumn, page: Page, fetched: Mapping[Page, memoryview]
    ) -> PackedBytes | None:
        """Return the compressed bytes of a page, after a look at its checksum and its size.

        None for a page of zeros.
        """
        if page.offset < 0:
            return None
        with self._page_errors(column, page):
            size = page_bytes(column.encoding, page.num)
            return check_page(fetched[page], size, has_checksum=page.has_checksum)

    @contextmanager
    def _page_errors(self, column: CodedColumn, page: Page) -> Iterator[None]:
        """Raise a ValueError as one that names the field and the place of the page."""
        try:
            yield
        except ValueError as error:
            name = self._name_of(column.number)
            message = f"in branch {name!r}, page at byte {page.offset}: {error}"
            raise DamagedPageError(message) from error

    def _name_of(self, column: int) -> str:
        """Return the name of the top field of a column."""
        field = self._description.fields[self._description.columns[column].field]
        return self.fields.top(field).name

    def _fetch(self, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        return self._source.read_many(ranges)

    def _fetch_pages(self, pages: Iterable[Sequence[Page]]) -> dict[Page, memoryview]:
        """Return the bytes of pages, with their checksums."""
        all_pages = list({p: None for several in pages for p in several if p.offset >= 0})
        ranges = [
            (page.offset, page.offset + page.num_bytes + CHECKSUM * page.has_checksum)
            for page in all_pages
        ]
        return dict(zip(all_pages, self._fetch(ranges), strict=True))

    def _sizes(self, columns: Iterable[int]) -> tuple[int, int]:
        bits = [self._description.columns[column].num_bits for column in columns]
        packed = unpacked = 0
        for cluster in self.clusters:
            for column, width in zip(columns, bits, strict=True):
                try:
                    table = page_table(cluster, column)
                except RecordError:
                    continue
                packed += int(table["num_bytes"].sum(dtype=np.int64))
                unpacked += int(np.abs(table["num"]).sum(dtype=np.int64)) * width // 8
        return packed, unpacked


@lru_cache(maxsize=4)
def _fields_of(description: NtupleDescription) -> NtupleFields:
    """Return the fields of RNTuples with the same header."""
    return NtupleFields(description)


def _pages(column: CodedColumn, items: list[tuple[Cluster, int, int]], num_each: int) -> list[Page]:
    """Return the pages of a column with some items, each of `num_each` values."""
    return [
        page
        for cluster, first, last in items
        for page in pages_between(
            cluster,
            column.number,
            first * num_each,
            last * num_each,
            num_zeros=_num_zeros(column, cluster, num_each),
        )
    ]


def _marks(pages: Sequence[Page], fetched: Mapping[Page, memoryview]) -> Iterator[object]:
    """Yield for each page what pages with the same bytes have in common."""
    for page in pages:
        yield page.offset < 0, *page[1:], xxhash.xxh3_64_intdigest(fetched.get(page, b""))


def _have_same_bytes(
    first: Sequence[Page], second: Sequence[Page], fetched: Mapping[Page, memoryview]
) -> bool:
    """Return whether two lists of pages with the same marks have the same bytes."""
    both = [[np.frombuffer(fetched.get(p, b""), np.uint8) for p in own] for own in (first, second)]
    return all(map(np.array_equal, *both))


def _num_zeros(column: CodedColumn, cluster: Cluster, num_each: int) -> int:
    """Return how many values of a cluster are before the first one of a column in the file.

    Only columns whose items are entries have values before that.
    """
    num = column.first - cluster.first * num_each
    return max(0, min(num, cluster.num_entries * num_each)) if column.first else 0


def _values(columns: FieldColumns, content: Array, offsets: Sequence[NDArray[np.int64]]) -> Any:
    """Return values of a field: an array, lists or texts of one level, or an `ak.Array`."""
    if columns.type.kind == "vector":
        return content
    if columns.type.kind != "nested":
        return Jagged.trusted(content, offsets[0])
    import awkward as ak

    layout: Any = ak.from_numpy(content, regulararray=True, highlevel=False)
    if columns.is_text:
        layout = ak.with_parameter(layout, "__array__", "char", highlevel=False)
    for depth, ends in reversed([*enumerate(offsets, 1)]):
        is_text = columns.is_text and depth == len(offsets)
        parameters = {"__array__": "string"} if is_text else None
        index = ak.index.Index64(ends)
        layout = ak.contents.ListOffsetArray(index, layout, parameters=parameters)
    return ak.Array(layout)
