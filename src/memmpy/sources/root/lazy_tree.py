"""A TTree of uproot without its branches, each of which uproot reads when it is asked for.

To read all 1,500 branches of a wide tree takes uproot half a second, and a few take a hundredth of
it. If the records of branches have an unusual layout, uproot reads the whole tree.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any, final

import numpy as np
from uproot.deserialization import read_object_any
from uproot.models.TObjArray import Model_TObjArray
from uproot.models.TObject import Model_TObject
from uproot.source.chunk import Chunk
from uproot.source.cursor import Cursor

from memmpy.sources.root.branch_records import BranchRecord, RecordError, TreeRecords
from memmpy.sources.root.branches import Outline

__all__ = ["LazyTree"]


@final
class LazyTree:
    """A TTree whose branches are read one by one.

    Parameters
    ----------
    key : uproot.reading.ReadOnlyKey
        The key of the tree.

    Raises
    ------
    RecordError
        If the tree is laid out unusually.
    """

    def __init__(self, key: Any) -> None:
        self._key, self._file = key, key.file
        chunk, cursor = key.get_uncompressed_chunk_cursor()
        data = bytes(chunk.raw_data)  # the only copy
        self._chunk = Chunk.wrap(chunk.source, np.frombuffer(data, np.uint8))
        #: The tree of uproot, with an empty list of branches.
        context = {"breadcrumbs": (), "TKey": key}
        self.header: Any = self._file.class_named("TTree").read(
            self._chunk, cursor, context, _HeaderFile(self._file), self._file, key
        )
        branches = self.header.member("fBranches")
        #: Finds branches by name.
        self.records: TreeRecords = TreeRecords(
            data,
            key.fKeylen,
            start=branches.start,
            stop=branches.stop,
            num=branches.member("fSize"),
        )
        self._references = _References(self._referenced, self.records)
        self._branches: dict[int, Any] = {}

    def close(self) -> None:
        """Free the bytes of the tree, to which objects of uproot refer in circles."""
        self._chunk._raw_data = None
        self.records.close()

    def branch(self, index: int) -> Any:
        """Return a branch of the tree, with all of its own branches: an uproot.TBranch."""
        if index not in self._branches:
            start = self.records.place(index)
            self._references.limit = start
            branch = self._read(start, self.header)
            branch._index = index  # uproot would look for it in the list of the tree
            self._branches[index] = branch
        return self._branches[index]

    def outlines(self, indices: Iterable[int]) -> list[tuple[int, Outline]]:
        """Return the names in some branches, each after the index, without reading them."""
        return [(index, self._outline(self.records.top(index))) for index in indices]

    def _outline(self, record: BranchRecord) -> Outline:
        branches, leaves = self.records.parts(record)
        inner = tuple(self._outline(branch) for branch in branches)
        return Outline(record.name, record.classname, tuple(leaves), inner)

    def _read(self, start: int, parent: Any) -> Any:
        """Let uproot read the object at a place in the bytes of the tree."""
        cursor = Cursor(start, origin=-self._key.fKeylen, refs=self._references)
        context = {"breadcrumbs": (), "TKey": self._key}
        return read_object_any(self._chunk, cursor, context, self._file, self._file, parent)

    def _referenced(self, reference: int) -> Any:
        """Return a class, or a leaf of an earlier branch."""
        records = self.records
        if records.is_class(reference):
            return self._file.class_named(records.class_at(reference))
        place = records.place_of(reference)
        if not records.class_of(place).startswith("TLeaf"):
            raise RecordError("a reference means no leaf")
        return self._read(place, None)


class _References(dict[int, Any]):
    """Classes and leaves that a branch refers to, by reference, read when they are needed.

    Parameters
    ----------
    read : callable
        Returns what a reference means.
    records : TreeRecords
        The bytes of the tree.
    """

    def __init__(self, read: Callable[[int], Any], records: TreeRecords) -> None:
        super().__init__()
        self._read, self._records = read, records
        #: Where the branch begins that uproot reads. What comes before was read, to uproot.
        self.limit = 0

    def __contains__(self, reference: object) -> bool:
        if super().__contains__(reference):
            return True
        assert isinstance(reference, int)
        return 0 <= self._records.place_of(reference) < self.limit

    def __missing__(self, reference: int) -> Any:
        self[reference] = None  # should the object refer to itself, in a damaged file
        self[reference] = self._read(reference)
        return self[reference]


class _HeaderFile:
    """A file of uproot that reads lists of a tree as empty ones."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def class_named(self, classname: str, version: Any = None) -> Any:
        """Return the model of a class."""
        if classname == "TObjArray":
            return _UnreadArray
        return self._file.class_named(classname, version)


class _UnreadArray(Model_TObjArray):  # type: ignore[misc]  # uproot has no types
    """A list of objects that uproot does not read: an empty one, which knows where they are."""

    classname = "TObjArray"

    def read_members(self, chunk: Any, cursor: Any, context: Any, file: Any) -> None:
        """Read the number of objects, and skip the objects."""
        options = {"concrete": self.concrete}
        base = Model_TObject.read(chunk, cursor, context, file, self._file, self._parent, **options)
        self._bases.append(base)
        self._members["fName"] = cursor.string(chunk, context)
        sizes = cursor.fields(chunk, struct.Struct(">ii"), context)
        self._members["fSize"], self._members["fLowerBound"] = sizes
        self._data: list[Any] = []
        #: Where the first object begins, and where the last one ends.
        self.start = cursor.index
        cursor.skip_after(self)
        self.stop = cursor.index
