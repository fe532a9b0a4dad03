"""Reads the header and the footer of an RNTuple: records of fields, columns and clusters.

The layout is that of ROOT's ``BinaryFormatSpecification.md``, version 1. Frames know their sizes,
so that what later versions append is skipped.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, final

from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.compression import open_packed
from memmpy.sources.root.ntuple_pages import check_envelope

__all__ = [
    "ARRAY",
    "COLLECTION",
    "LEAF",
    "RECORD",
    "ClusterGroup",
    "ColumnDescription",
    "Cursor",
    "FieldDescription",
    "Locator",
    "NtupleDescription",
    "Schema",
    "open_envelope",
    "read_schema",
]

#: Roles of fields. A leaf with a size is an array of fixed size.
LEAF, COLLECTION, RECORD = 0, 1, 2
ARRAY = 1 << 16  # no role of the file
_STREAMED = 4
#: Flags of fields: a size, a field whose columns it shows, a checksum.
_HAS_SIZE, _IS_PROJECTED = 1, 2
#: Flags of columns: entries before the first value, a range of values.
_IS_DEFERRED, _HAS_RANGE = 1, 2
#: Types of envelopes.
_HEADER, _FOOTER, _PAGE_LIST = 1, 2, 3
#: The type of a locator of more than 2 GiB, in the highest byte of its negative size.
_LARGE = 1

_LONG, _INT, _UINT, _ULONG = (struct.Struct(f"<{letter}") for letter in "qiIQ")
_FIELD, _COLUMN, _RANGE = struct.Struct("<IIIHH"), struct.Struct("<HHIHH"), struct.Struct("<dd")
_GROUP = struct.Struct("<QQI")


class FieldDescription(NamedTuple):
    """A field: its number, that of its parent, and that of the field whose columns it shows."""

    number: int
    parent: int
    role: int
    name: str
    typename: str
    size: int
    source: int


class ColumnDescription(NamedTuple):
    """A column of a field: its type, and its first value in the file; those before are zeros."""

    number: int
    kind: int
    num_bits: int
    field: int
    representation: int
    first: int
    low: float
    high: float


class Locator(NamedTuple):
    """The place of bytes in the file, and their size after decompression."""

    offset: int
    num_bytes: int
    size: int


class ClusterGroup(NamedTuple):
    """A list of pages for several clusters."""

    num_clusters: int
    locator: Locator


@dataclass(frozen=True, slots=True, eq=False)
class NtupleDescription:
    """The fields and columns of an RNTuple."""

    fields: list[FieldDescription]
    columns: list[ColumnDescription]


@dataclass(frozen=True, slots=True)
class Schema:
    """The description of an RNTuple, and where the lists of its pages are."""

    description: NtupleDescription
    groups: list[ClusterGroup]


@final
class Cursor:
    """Reads numbers, texts and frames one after the other. `at` is the next byte.

    Raises
    ------
    ValueError
        By each method, if the bytes end too early. uproot would hang at some of these.
    """

    def __init__(self, data: bytes, at: int, stop: int) -> None:
        self.data, self.at, self.stop = data, at, stop

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return numbers."""
        at = self.at
        self.skip(layout.size)
        return layout.unpack_from(self.data, at)

    def skip(self, num_bytes: int) -> None:
        """Go on by some bytes."""
        self.at += num_bytes
        if self.at > self.stop:
            raise ValueError("a record of the RNTuple ends too early")

    def text(self) -> str:
        """Return a text."""
        [length] = self.unpack(_UINT)
        at = self.at
        self.skip(length)
        return self.data[at : self.at].decode(errors="surrogateescape")

    def skip_text(self) -> None:
        """Go behind a text."""
        [length] = self.unpack(_UINT)
        self.skip(length)

    def record(self) -> "Cursor":
        """Return the content of a record frame, and go behind it."""
        at = self.at
        [size] = self.unpack(_LONG)
        if size < _LONG.size:
            raise ValueError("a record of the RNTuple has no content")
        self.skip(size - _LONG.size)
        return Cursor(self.data, at + _LONG.size, self.at)

    def list(self) -> tuple["Cursor", int]:
        """Return the content of a list frame and its number of items, and go behind it."""
        at = self.at
        [negative] = self.unpack(_LONG)
        [num] = self.unpack(_UINT)
        size = -negative
        # Each item is a frame, or at least as long as its size would be.
        if num * _LONG.size > size:
            raise ValueError("a list of the RNTuple has more items than bytes")
        self.skip(size - _LONG.size - _UINT.size)
        return Cursor(self.data, at + _LONG.size + _UINT.size, self.at), num

    def locator(self, size: int) -> Locator:
        """Return where bytes are in the file; `size` is theirs after decompression."""
        [num_bytes] = self.unpack(_INT)
        if num_bytes < 0:
            if -num_bytes >> 24 != _LARGE:
                raise RecordError("a locator of the RNTuple has an unknown type")
            [num_bytes] = self.unpack(_ULONG)
        [offset] = self.unpack(_ULONG)
        return Locator(offset, num_bytes, size)


def open_envelope(raw: memoryview, size: int, kind: int, name: str) -> Cursor:
    """Return the content of an envelope, after its checksum was compared.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    octets = open_packed(raw, size).unpack().tobytes()
    check_envelope(memoryview(octets), name)
    cursor = Cursor(octets, 0, len(octets) - _ULONG.size)
    [head] = cursor.unpack(_ULONG)
    if head & 0xFFFF != kind or head >> 16 != len(octets):
        raise ValueError(f"{name} is no envelope of its kind")
    return cursor


def read_schema(header: memoryview, header_size: int, footer: memoryview, size: int) -> Schema:
    """Return what header and footer say.

    Parameters
    ----------
    header, footer : memoryview
        The bytes of the envelopes in the file.
    header_size, size : int
        The sizes of header and footer after decompression.

    Raises
    ------
    ValueError
        If one is damaged.
    RecordError
        If only a later version of the format is laid out so.
    """
    cursor = open_envelope(header, header_size, _HEADER, "the header")
    head, checksum = cursor.data, cursor.data[cursor.stop :]
    cursor = open_envelope(footer, size, _FOOTER, "the footer")
    _check_features(cursor)
    at = cursor.at
    cursor.skip(_ULONG.size)
    if cursor.data[at : cursor.at] != checksum:
        raise ValueError("the footer belongs to another header")
    extension = cursor.record()
    description = _described(head, extension.data[extension.at : extension.stop])
    items, num = cursor.list()
    groups = []
    for _ in range(num):
        item = items.record()
        _, _, num_clusters = item.unpack(_GROUP)
        [size] = item.unpack(_ULONG)
        groups.append(ClusterGroup(num_clusters, item.locator(size)))
    return Schema(description, groups)


@lru_cache(maxsize=4)
def _described(header: bytes, extension: bytes) -> NtupleDescription:
    """Return the fields and columns of a header, and of the extension in the footer.

    Files of one program have equal headers, and 1,500 fields take 10 ms.
    """
    cursor = Cursor(header, _ULONG.size, len(header) - _ULONG.size)
    _check_features(cursor)
    for _ in range(3):  # name, description, writer
        cursor.skip_text()
    description = NtupleDescription([], [])
    _extend(description, cursor)
    _extend(description, Cursor(extension, 0, len(extension)))
    num = len(description.fields)
    if any(field.parent >= num or field.source >= num for field in description.fields):
        raise ValueError("a field belongs to none")
    return description


def _check_features(cursor: Cursor) -> None:
    [flags] = cursor.unpack(_ULONG)
    if flags:
        raise RecordError("the RNTuple needs unknown features")


def _extend(description: NtupleDescription, cursor: Cursor) -> None:
    """Append the fields and columns of a header, or of the extension in a footer."""
    items, num = cursor.list()
    for _ in range(num):
        description.fields.append(_field(items.record(), len(description.fields)))
    items, num = cursor.list()
    for _ in range(num):
        description.columns.append(_column(items.record(), len(description.columns)))


def _field(cursor: Cursor, number: int) -> FieldDescription:
    _, _, parent, role, flags = cursor.unpack(_FIELD)
    name, typename = cursor.text(), cursor.text()
    cursor.skip_text()  # alias
    cursor.skip_text()  # description
    size, source = 0, -1
    if flags & _HAS_SIZE:
        [size] = cursor.unpack(_ULONG)
        role = ARRAY if role == LEAF else _STREAMED
    if flags & _IS_PROJECTED:
        [source] = cursor.unpack(_UINT)
    return FieldDescription(number, parent, role, name, typename, size, source)


def _column(cursor: Cursor, number: int) -> ColumnDescription:
    kind, num_bits, field, flags, representation = cursor.unpack(_COLUMN)
    [first] = cursor.unpack(_LONG) if flags & _IS_DEFERRED else [0]
    low = high = 0.0
    if flags & _HAS_RANGE:
        low, high = cursor.unpack(_RANGE)
    return ColumnDescription(number, kind, num_bits, field, representation, first, low, high)
