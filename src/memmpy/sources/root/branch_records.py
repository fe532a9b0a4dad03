"""Finds the branches of a TTree by the byte counts of their records, without reading them.

A tree is one object in the file. Its list of branches is a `TObjArray`: records, each after its
number of bytes. A record begins with the class of the branch and its name; inside are the lists of
its own branches and leaves. ROOT documents the format in `TBufferFile` and in the streamer info of
each file.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BranchRecord", "LeafRecord", "PlainRecord", "RecordError", "TreeRecords"]

#: Bits of a byte count, of a class that was named before, and the tag before a class name.
_HAS_COUNT, _IS_CLASS, _NEW_CLASS = 0x40000000, 0x80000000, 0xFFFFFFFF
#: References count bytes from two before the first one of the object.
_MAP_OFFSET = 2

_PAIR = struct.Struct(">II")
#: The byte count and the version of a class.
_HEADER = struct.Struct(">IH")
#: A `TObject`: version, unique number, bits; two more bytes follow if others refer to it.
_OBJECT = struct.Struct(">HII")
_IS_REFERENCED, _VERSION_HAS_COUNT = 1 << 4, 0x4000
_INT = struct.Struct(">i")
_UINT = struct.Struct(">I")

#: What joins the parts of a name.
_SEPARATORS = re.compile("[/.]")

#: Classes of branches, and the number of headers of derived classes before that of TBranch.
_DERIVED = {"TBranch": 0, "TBranchElement": 1, "TBranchObject": 1, "TBranchRef": 1}
#: Version of TBranch to the bytes of numbers before and after `fIOFeatures`, which 13 has.
_NUMBERS = {10: (0, 60), 11: (0, 68), 12: (0, 68), 13: (24, 44)}
#: Of version 13: fCompress, fBasketSize, fEntryOffsetLen, fWriteBasket, fEntryNumber.
_BEFORE, _VERSION = struct.Struct(">iiiiq"), 13
#: fOffset, fMaxBaskets, fSplitLevel, fEntries, fFirstEntry, fTotBytes, fZipBytes.
_AFTER = struct.Struct(">iIiqqqq")
#: After a byte each: fBasketBytes, fBasketEntry, fBasketSeek.
_OF_BASKETS: list[np.dtype[Any]] = [np.dtype(">i4"), np.dtype(">i8"), np.dtype(">i8")]
#: Of a leaf: fLen, fLenType, fOffset, fIsRange, fIsUnsigned, and the begin of fLeafCount.
_LEAF = struct.Struct(">iii??I")


class RecordError(ValueError):
    """The bytes are not laid out as expected."""


@dataclass(frozen=True, slots=True)
class BranchRecord:
    """The place of a branch in the bytes of its tree.

    Parameters
    ----------
    name : str
        The name of the branch.
    classname : str
        Its C++ class.
    start : int
        Where the record begins.
    title : int
        Where its title begins.
    version : int
        The version of TBranch.
    """

    name: str
    classname: str
    start: int
    title: int
    version: int


class LeafRecord(NamedTuple):
    """A leaf: names, values of an entry or item, its sign, and whether another counts its items."""

    classname: str
    name: str
    title: str
    length: int
    is_unsigned: bool
    has_counter: bool


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A branch with one leaf, without branches of its own, and with all baskets in its file.

    Parameters
    ----------
    name : str
        The name of the branch.
    leaf : LeafRecord
        Its leaf.
    num_entries, num_packed, num_unpacked : int
        Entries; bytes of all baskets in the file, and after decompression.
    entry_offsets : array of int64
        The first entry of each basket, and the end of the last.
    seek, sizes : array of integers
        Where each basket is in the file, and its bytes.
    """

    name: str
    leaf: LeafRecord
    num_entries: int
    num_packed: int
    num_unpacked: int
    entry_offsets: NDArray[np.int64]
    seek: NDArray[np.int64]
    sizes: NDArray[np.int32]


@final
class TreeRecords:
    """The branches of a tree, by their records.

    Parameters
    ----------
    data : bytes
        The decompressed bytes of the tree.
    origin : int
        The number of bytes of the key before them; references count from its begin.
    start, stop : int
        Where the list of branches of the tree begins and ends.
    num : int
        Number of its branches.

    Raises
    ------
    RecordError
        By each method, if the bytes are not laid out as expected.
    """

    def __init__(self, data: bytes, origin: int, *, start: int, stop: int, num: int) -> None:
        self._data, self._origin = data, origin
        self._classes: dict[int, str] = {}
        self._holders: dict[bytes, list[int]] = {}
        #: The place of each branch of the tree itself, and the end of the last.
        self._places = self._places_of(start, num)
        if self._places[-1] != stop:
            raise RecordError("the list of branches has another end")
        #: Number of branches of the tree itself.
        self.num: int = num

    def close(self) -> None:
        """Free the bytes."""
        self._data = b""

    def place(self, index: int) -> int:
        """Return the place of a branch of the tree itself."""
        return self._places[index]

    def top(self, index: int) -> BranchRecord:
        """Return a branch of the tree itself."""
        [record] = self.branches(self._places[index], 1)
        return record

    def index_of(self, name: str) -> int | None:
        """Return the index of the first branch of the tree itself with a name; None without one."""
        text, indices = _stored(name), []
        for index in self._holders_of(text):
            if self.top(index).name == name:
                return index
            indices.append(index)
        self._holders[text] = indices
        return None

    def candidates(self, name: str) -> list[int]:
        """Return those branches of the tree itself that may have a name in them, by their bytes.

        A full or short name ends in the name of a branch or leaf, or is one.
        """
        last = _SEPARATORS.split(name)[-1]
        text = _stored(name) if last == name else _octets(last)
        return self._holders[text] if text in self._holders else [*self._holders_of(text)]

    def branches(self, start: int, num: int) -> list[BranchRecord]:
        """Return the branches of a list of `num` objects that begin at `start`."""
        try:
            return [self._branch(*where) for where in self._objects(start, num)]
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise RecordError(str(error)) from error

    def parts(self, record: BranchRecord) -> tuple[list[BranchRecord], list[str]]:
        """Return the branches of a branch, and the names of its leaves."""
        try:
            branches, num_branches, place = self._array(self._lists_of(record))
            leaves, num_leaves, _ = self._array(place)
            names = [self._leaf(c, p).name for _, c, p in self._objects(leaves, num_leaves)]
        except (struct.error, IndexError, UnicodeDecodeError, KeyError) as error:
            raise RecordError(str(error)) from error
        return self.branches(branches, num_branches), names

    def plain(self, index: int) -> PlainRecord | None:
        """Return a branch of the tree itself; None for one of another kind, or laid out unusually.

        uproot takes ten times as long, as it makes an object of each part.
        """
        record, data = self.top(index), self._data
        if record.classname != "TBranch" or record.version != _VERSION:
            return None
        try:
            place = self._end(self._string(record.title)[1])  # after the base TAttFill
            num_baskets = _BEFORE.unpack_from(data, place)[3]
            place = self._end(place + _BEFORE.size)  # after fIOFeatures
            _, size, _, num, _, num_unpacked, num_packed = _AFTER.unpack_from(data, place)
            _, num_branches, place = self._array(place + _AFTER.size)
            leaves, num_leaves, place = self._array(place)
            place = self._end(place)  # after fBaskets
            if num_branches or num_leaves != 1 or not 0 <= num_baskets < size:
                return None
            [(_, classname, after)] = self._objects(leaves, 1)
            leaf, arrays = self._leaf(classname, after), list[NDArray[Any]]()
            for dtype in _OF_BASKETS:
                arrays.append(np.frombuffer(data, dtype, size, place + 1))
                place += 1 + arrays[-1].nbytes
            # At the end is the name of another file, here an empty one.
            if data[place] or place + 1 != self._places[index + 1]:
                return None
        except (ValueError, struct.error, IndexError) as error:  # also a UnicodeDecodeError
            raise RecordError(str(error)) from error
        sizes, entries, seek = arrays
        entries = entries[: num_baskets + 1].astype(np.int64)
        seek, sizes = seek[:num_baskets].astype(np.int64), sizes[:num_baskets].astype(np.int32)
        if entries[0] != 0 or entries[-1] != num or not np.all(seek):
            return None
        numbers = num, num_packed, num_unpacked
        return PlainRecord(record.name, leaf, *numbers, entries, seek, sizes)

    def _holders_of(self, text: bytes) -> Iterator[int]:
        """Yield the branches of the tree itself whose records contain some bytes."""
        places = self._places
        at = places[0]
        while at < places[-1] and (at := self._data.find(text, at, places[-1])) >= 0:
            index = bisect_right(places, at) - 1
            yield index
            at = places[index + 1]

    def _places_of(self, start: int, num: int) -> list[int]:
        """Return the place of each object of a list, and the end of the last."""
        data, place, places = self._data, start, [start]
        if not 0 <= num <= len(data):
            raise RecordError("a list has too many objects")
        try:
            for _ in range(num):
                (count,) = _UINT.unpack_from(data, place)
                if not count & _HAS_COUNT:
                    raise RecordError("a branch has no byte count")
                place += 4 + (count & ~_HAS_COUNT)
                places.append(place)
        except struct.error as error:
            raise RecordError(str(error)) from error
        return places

    def place_of(self, reference: int) -> int:
        """Return the place of the class or object that a reference means."""
        return reference - _MAP_OFFSET - self._origin

    def is_class(self, reference: int) -> bool:
        """Return whether a reference means a class."""
        place = self.place_of(reference)
        return place >= 0 and self._data[place : place + 4] == b"\xff\xff\xff\xff"

    def class_at(self, reference: int) -> str:
        """Return the name of the class that a reference means."""
        if reference not in self._classes:
            if not self.is_class(reference):
                raise RecordError("a reference means no class")
            self._classes[reference], _ = self._text_until_zero(self.place_of(reference) + 4)
        return self._classes[reference]

    def class_of(self, place: int) -> str:
        """Return the name of the class of an object."""
        try:
            return self._class_of(place)[0]
        except (struct.error, UnicodeDecodeError) as error:
            raise RecordError(str(error)) from error

    def _objects(self, start: int, num: int) -> Iterator[tuple[int, str, int]]:
        """Yield the place of each object, its class, and the place after the class."""
        if not 0 <= num <= len(self._data):
            raise RecordError("a list has too many objects")
        place = start
        for _ in range(num):
            (count,) = _UINT.unpack_from(self._data, place)
            if count & _HAS_COUNT:
                yield place, *self._class_of(place)
                place += 4 + (count & ~_HAS_COUNT)
            else:  # the object was in the file before, as the counter of another leaf may be
                earlier = self.place_of(count)
                if not 0 <= earlier < place:
                    raise RecordError("a reference means no object")
                yield earlier, *self._class_of(earlier)
                place += 4

    def _class_of(self, place: int) -> tuple[str, int]:
        """Return the class of an object, and the place after it."""
        count, tag = _PAIR.unpack_from(self._data, place)
        if not count & _HAS_COUNT or not tag & _IS_CLASS:
            raise RecordError("an object has no byte count")
        if tag == _NEW_CLASS:
            return self._text_until_zero(place + 8)
        return self.class_at(tag & ~_IS_CLASS), place + 8

    def _branch(self, start: int, classname: str, after: int) -> BranchRecord:
        num_derived = _DERIVED.get(classname)
        if num_derived is None:
            raise RecordError(f"{classname!r} is no class of branches")
        place, version = after, 0
        for _ in range(num_derived + 1):
            place, version = self._header(place)
        name, title = self._string(self._named(place))
        return BranchRecord(name, classname, start, title, version)

    def _lists_of(self, record: BranchRecord) -> int:
        """Return the place of the list of branches in a branch."""
        before, after = _NUMBERS[record.version]
        _, place = self._string(record.title)
        place = self._end(place) + before  # after the base TAttFill
        return (self._end(place) if before else place) + after

    def _leaf(self, classname: str, place: int) -> LeafRecord:
        place, _ = self._header(self._header(place)[0])  # of the class and of TLeaf
        name, place = self._string(self._named(place))
        title, place = self._string(place)
        length, _, _, _, is_unsigned, counter = _LEAF.unpack_from(self._data, place)
        return LeafRecord(classname, name, title, length, is_unsigned, counter != 0)

    def _array(self, place: int) -> tuple[int, int, int]:
        """Return the place of the first object of a TObjArray, their number, and its end."""
        end = self._end(place)
        place = self._object(self._header(place)[0])
        _, place = self._string(place)
        return place + 8, _INT.unpack_from(self._data, place)[0], end

    def _named(self, place: int) -> int:
        """Return the place of the name in a TNamed."""
        return self._object(self._header(place)[0])

    def _object(self, place: int) -> int:
        """Return the place after a TObject."""
        version, _, bits = _OBJECT.unpack_from(self._data, place)
        if version & _VERSION_HAS_COUNT:
            raise RecordError("a TObject has a byte count")
        return int(place + _OBJECT.size + (2 if bits & _IS_REFERENCED else 0))

    def _header(self, place: int) -> tuple[int, int]:
        """Return the place after the header of a class, and its version."""
        count, version = _HEADER.unpack_from(self._data, place)
        if not count & _HAS_COUNT:
            raise RecordError("a class has no byte count")
        return place + _HEADER.size, version

    def _end(self, place: int) -> int:
        """Return the place after an object with a byte count."""
        (count,) = _UINT.unpack_from(self._data, place)
        if not count & _HAS_COUNT:
            raise RecordError("an object has no byte count")
        return int(place + 4 + (count & ~_HAS_COUNT))

    def _text_until_zero(self, place: int) -> tuple[str, int]:
        head = self._data[place : place + 256]
        size = head.find(b"\0")
        if size < 0:
            raise RecordError("the name of a class is too long")
        return head[:size].decode(), place + size + 1

    def _string(self, place: int) -> tuple[str, int]:
        """Return a TString, and the place after it."""
        size: int = self._data[place]
        place += 1
        if size == 255:
            (size,) = _UINT.unpack_from(self._data, place)
            place += 4
        text = self._data[place : place + size]
        if len(text) != size:
            raise RecordError("a text ends too late")
        return text.decode(errors="surrogateescape"), place + size


def _stored(name: str) -> bytes:
    """Return a text as a TString in the file."""
    text = _octets(name)
    return (bytes([len(text)]) if len(text) < 255 else b"\xff" + _UINT.pack(len(text))) + text


def _octets(text: str) -> bytes:
    """Return the bytes of a text in the file; other bytes if no file can have it."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
