"""`TreeBranches`: the branches of a tree by name, each read when it is asked for."""

from contextlib import suppress
from functools import cached_property
from typing import Any, final

from memmpy.columns import ColumnType
from memmpy.sources.root.baskets import Encoding, NotDecodedError
from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.branch_types import type_of_branch, type_of_leaves
from memmpy.sources.root.branches import (
    BranchNames,
    Place,
    Position,
    names_of_tree,
    outline_of,
    place_at,
)
from memmpy.sources.root.tree_index import BranchIndex, index_of_record

__all__ = ["TreeBranches"]


@final
class TreeBranches:
    """The branches of a TTree. One thread may call it at a time.

    Parameters
    ----------
    file : uproot.ReadOnlyDirectory
        The open file.
    name : str
        The name of the tree with its cycle.
    """

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        self._lazy = _lazy_tree(file.key(name))
        #: The tree of uproot, without branches as long as they are read one by one.
        self.tree: Any = self._lazy.header if self._lazy else file[name]
        self._places: dict[str, Place] = {}
        self._names_of: dict[str, BranchNames] = {}
        self._top_indices: dict[str, int | None] = {}

    def close(self) -> None:
        """Free the memory, which Python's garbage collection might do much later."""
        if self._lazy:
            self._lazy.close()

    def names(self) -> list[str]:
        """Return the full names, in the order of the file."""
        return list(self._names.positions)

    def find(self, name: str) -> tuple[str, ...]:
        """Return the full names that a full or short name may mean."""
        if self._top_index(name) is not None:
            return (name,)
        return self._names_like(name).find(name)

    def place(self, name: str) -> Place:
        """Return the branch or leaf of a full name."""
        if name not in self._places:
            position = self._position(name)
            self._places[name] = place_at(position, self._top_branch(position.path[0]))
        return self._places[name]

    def type_of(
        self, name: str, path: str
    ) -> tuple[ColumnType, Encoding | None, BranchIndex | None]:
        """Return the column type of a full name, and the encoding of plain numbers.

        Parameters
        ----------
        name : str
            The full name.
        path : str
            The file of the tree.

        Returns
        -------
        ColumnType, Encoding or None, BranchIndex or None
            The index comes where no object of uproot is needed for it.

        Raises
        ------
        NotDecodedError
            If there is no such column, the values are in another file, or the branch has more or
            fewer entries than the tree.
        """
        index = self._plain(name)
        if index is not None:
            return index.type, index.encoding, index
        place = self.place(name)
        column_type, encoding = (type_of_leaves if place.leaves else type_of_branch)(place, path)
        num, expected = place.branch.num_entries, self.tree.num_entries
        if num != expected:
            raise NotDecodedError(f"has {num} entries, the tree {expected}")
        return column_type, encoding, None

    def _plain(self, name: str) -> BranchIndex | None:
        """Return the index of a branch of plain numbers; None for others, which uproot reads."""
        position = self._position(name)
        if not self._lazy or position.leaf is not None or len(position.path) > 1:
            return None
        with suppress(RecordError):
            record = self._lazy.records.plain(position.path[0])
            if record and record.num_entries == self.tree.num_entries:
                return index_of_record(record)
        return None

    def _position(self, name: str) -> Position:
        index = self._top_index(name)
        return self._names_like(name).positions[name] if index is None else Position((index,))

    def _top_index(self, name: str) -> int | None:
        """Return the index of a branch of the tree itself, if its name can mean no other."""
        if not self._lazy or "/" in name or "_names" in self.__dict__:  # the names know it
            return None
        if name not in self._top_indices:
            try:
                self._top_indices[name] = self._lazy.records.index_of(name)
            except RecordError:
                self._read_whole_tree()
                return None
        return self._top_indices[name]

    @cached_property
    def _names(self) -> BranchNames:
        if self._lazy:
            with suppress(RecordError):
                return names_of_tree(self._lazy.outlines(range(self._lazy.records.num)))
            self._read_whole_tree()
        return names_of_tree(enumerate(map(outline_of, self.tree.branches)))

    def _names_like(self, name: str) -> BranchNames:
        """Return the names of at least those branches that a name may mean."""
        if not self._lazy or "_names" in self.__dict__:
            return self._names
        if name not in self._names_of:
            with suppress(RecordError):
                outlines = self._lazy.outlines(self._lazy.records.candidates(name))
                self._names_of[name] = names_of_tree(outlines)
        return self._names_of.get(name) or self._names

    def _top_branch(self, index: int) -> Any:
        """Return a branch of the tree itself."""
        if self._lazy:
            with suppress(Exception):  # of any kind: uproot may still read the whole tree
                return self._lazy.branch(index)
            self._read_whole_tree()
        return self.tree.branches[index]

    def _read_whole_tree(self) -> None:
        self._lazy, self.tree = None, self._file[self._name]
        self._places.clear()


def _lazy_tree(key: Any) -> Any | None:
    """Return a `LazyTree`; None if only uproot can read it."""
    from memmpy.sources.root.lazy_tree import LazyTree  # uproot is slow to import

    try:
        return LazyTree(key)
    except Exception:  # noqa: BLE001 - of any kind: uproot may still read the whole tree
        return None
