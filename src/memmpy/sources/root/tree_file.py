"""Reads one TTree or RNTuple of a ROOT file: an `EventFile`."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from functools import cached_property, partial, reduce
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.errors import MemmpyError, RootFileError, UndecodableError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import in_parentheses, missing_branch_error, reader_errors
from memmpy.sources.access.file_identity import former_uuid_of, uuid_of
from memmpy.sources.awkward_types import from_awkward
from memmpy.sources.root.baskets import BasketDecoder, Encoding, NotDecodedError, NotPlainError
from memmpy.sources.root.branch_types import not_decoded, typename_of
from memmpy.sources.root.branches import Place
from memmpy.sources.root.contents import find_tree, open_root
from memmpy.sources.root.leaves import read_structs
from memmpy.sources.root.ntuple import Ntuple
from memmpy.sources.root.ntuple_pages import DamagedPageError
from memmpy.sources.root.packed_baskets import (
    check_baskets,
    check_owner,
    embedded_bytes,
    ranges_of,
)
from memmpy.sources.root.tree_branches import TreeBranches
from memmpy.sources.root.tree_index import TreeIndex, index_of_branch, index_of_tree

__all__ = ["TreeFile"]

_reader_errors = partial(reader_errors, kind=RootFileError)


@final
class TreeFile:
    """A TTree or RNTuple of an open ROOT file: an `EventFile`.

    Several threads may read at once.

    Parameters
    ----------
    source : ByteSource
        The file; it is closed with the tree.
    tree : str or None
        Name of the tree with its directories, perhaps with its cycle; None for the only tree.
    index : TreeIndex or None
        The index of the unchanged file; the tree is then opened only for what the index lacks.

    Raises
    ------
    RootFileError
        If the file is no ROOT file, is broken, or has no such tree.
    """

    def __init__(
        self, source: ByteSource, tree: str | None, index: TreeIndex | None = None
    ) -> None:
        self.path: str = source.path
        self._bytes, self._asked, self._index = source, tree, index
        branches = index.branches if index else {}
        self._types: dict[str, ColumnType] = {n: b.type for n, b in branches.items()}
        self._encodings: dict[str, Encoding | None] = {n: b.encoding for n, b in branches.items()}
        self._reading_places: dict[str, Place] = {n: Place(b) for n, b in branches.items()}
        # Objects of uproot fill their caches when they are used.
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._stack.callback(source.close)
        with ExitStack() as stack:
            stack.callback(self.close)
            _ = index or self._branches
            stack.pop_all()

    @cached_property
    def _branches(self) -> TreeBranches | Ntuple:
        with self._lock:
            with _reader_errors(self.path, "cannot be opened as ROOT"):
                file = self._stack.enter_context(open_root(self._bytes))
            name, is_ntuple = find_tree(file, self.path, self._asked)
            with _reader_errors(f"{self.path}:{name}", "cannot be read"):
                if not is_ntuple:
                    return self._stack.enter_context(closing(TreeBranches(file, name)))
                ntuple = file[name]
            with _reader_errors(f"{self.path}:{name}", "is damaged"):
                return Ntuple(ntuple, self._bytes)

    @property
    def _ntuple(self) -> Ntuple | None:
        return self._branches if isinstance(self._branches, Ntuple) else None

    @property
    def uuid(self) -> str:
        """The UUID of the file, 32 hexadecimal digits; without one, a hash of its content."""
        uuid: str = self._branches.tree.file.uuid.hex
        return uuid if int(uuid, 16) else uuid_of(self._bytes)

    @property
    def former_uuid(self) -> str:
        """The identity that memmpy 0.2 and older gave the file."""
        uuid: str = self._branches.tree.file.uuid.hex
        return uuid if int(uuid, 16) else former_uuid_of(self._bytes)

    @cached_property
    def tree(self) -> str:
        """Path of the tree in the file, with its cycle."""
        if self._index:
            return self._index.tree
        name: str = self._branches.tree.object_path.strip("/")
        return name

    @property
    def num_entries(self) -> int:
        """Entries of the tree."""
        if self._index:
            return self._index.num_entries
        with self._damage():
            return int((self._ntuple or self._branches.tree).num_entries)

    @property
    def where(self) -> str:
        """File and tree, for messages."""
        return f"{self.path}:{self.tree}"

    def branches(self) -> list[str]:
        """Return the names of all branches or fields."""
        with self._lock, self._damage():
            return self._branches.names()

    def has_branch(self, name: str) -> bool:
        """Return whether there is a branch of this full or short name."""
        if name in self._types:
            return True
        with self._lock, self._damage():
            return bool(self._branches.find(name))

    def type_of(self, branch: str) -> ColumnType:
        """Return the type of the column that holds a branch.

        Raises
        ------
        MissingKeyError
            If the tree has no such branch.
        UndecodableError
            If uproot cannot decode it, no column can hold its values, or it has more or fewer
            entries than the tree.
        """
        if branch not in self._types:
            with self._lock, self._damage(), self._named(branch):
                name = self._full_name(branch)
                if isinstance(self._branches, Ntuple):
                    column_type, encoding, index = self._branches.type_of(branch), None, None
                else:
                    column_type, encoding, index = self._branches.type_of(name, self.path)
            if index is not None:
                self._reading_places[branch] = Place(index)
            # The type comes last: other threads take the rest as known then.
            self._encodings[branch], self._types[branch] = encoding, column_type
        return self._types[branch]

    def try_decoding(self, branch: str) -> None:
        """Decode the first entry of a branch if only that shows whether it can be decoded.

        Raises
        ------
        UndecodableError
            If it cannot be decoded. `read` raises all other errors.
        """
        self.type_of(branch)
        if self._encodings[branch] is not None or self._ntuple or not self.num_entries:
            return
        try:
            for _ in self.read([branch], 0, 1):
                pass
        except UndecodableError:
            raise
        except RootFileError:
            pass

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in the file, and about those after decoding."""
        with self._lock, self._damage():
            place = self._known_place(branch)
            if self._ntuple:
                return self._ntuple.sizes_of(branch)
            packed = int(place.branch.compressed_bytes)
            # All leaves of a branch are decoded together.
            share = 1 if place.leaf is None else len(place.leaves)
            unpacked = int(place.branch.uncompressed_bytes) + embedded_bytes(place.branch)
            return packed // share, unpacked

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of all branches in the file, and about those after decoding."""
        with self._lock, self._damage():
            if self._ntuple:
                return self._ntuple.sizes()
            places = map(self._place, self._branches.names())
            branches = {id(place.branch): place.branch for place in places}
            embedded = sum(map(embedded_bytes, branches.values()))
            unpacked = int(self._branches.tree.uncompressed_bytes) + embedded
            return int(self._branches.tree.compressed_bytes), unpacked

    def stored_type(self, branch: str) -> str:
        """Return the C++ type of a branch; empty if uproot does not know it."""
        place = self._place(branch)
        if place.leaf is not None:
            return str(place.leaves[place.leaf].dtype)
        with self._lock:
            return typename_of(place.branch)

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the entries at which reads should begin and end, so that nothing is decoded twice.

        Returns
        -------
        array of int64
            Entries, ascending, from 0 to `num_entries`: edges of clusters, or of the baskets of
            all the branches.
        """
        with self._lock, self._damage():
            places = [self._known_place(branch) for branch in branches]
            if self._ntuple:
                return self._ntuple.boundaries()
            # A set, as `np.unique` imports all of `numpy.ma`, which takes 15 ms.
            edges = (np.asarray(place.branch.entry_offsets).tolist() for place in places)
            common = reduce(set.intersection, edges, set(next(edges, ())))
            return np.array(sorted({0, self.num_entries} | common), np.int64)

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`."""
        for branch in branches:
            self.type_of(branch)  # raises before anything is read
        if not self._index and self._ntuple:
            yield from self._read_fields(self._ntuple, branches, start, stop)
            return
        with self._damage():
            fetched = self._fetch([b for b in branches if self._encodings[b]], start, stop)
        decoder, structs = BasketDecoder(start, stop), dict[int, Any]()
        for name in branches:
            place, baskets = self._reading_place(name), fetched.pop(name, [])
            if place.leaf is None:
                yield name, self._read_branch(name, baskets, decoder)
                continue
            # All leaves of a branch are decoded together.
            number = id(place.branch)
            if number not in structs:
                structs[number] = self._read_structs(name, baskets, decoder)
            yield name, np.ascontiguousarray(structs[number][str(place.leaf)])

    def index(self, branches: Iterable[str]) -> TreeIndex | None:
        """Return the index of branches of a TTree, but for those that uproot reads."""
        if self._ntuple:
            return None
        indices = {name: self._reading_place(name).branch for name in branches}
        return index_of_tree(self.tree, self.num_entries, indices)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _place(self, name: str) -> Place:
        with self._lock, self._damage():
            return self._branches.place(self._full_name(name))

    def _full_name(self, name: str) -> str:
        wholes = self._branches.find(name)
        if len(wholes) == 1:
            return wholes[0]
        if not wholes:
            raise missing_branch_error(name, self.where, self.branches())
        message = f"branch {name!r} of {self.where!r} may be any of{in_parentheses(wholes)}"
        raise RootFileError(f"{message}; give the whole name of one")

    def _known_place(self, name: str) -> Place:
        """Return the place to read a branch from, if its type is known; else that of uproot."""
        return self._reading_places.get(name) or self._place(name)

    def _reading_place(self, name: str) -> Place:
        """Return the place to read a branch from: its index if memmpy decodes it."""
        column_type = self.type_of(name)  # finds the index of a plain branch
        if name not in self._reading_places:
            place = self._place(name)
            with self._lock, self._damage():
                index = index_of_branch(place, column_type, self._encodings[name])
            self._reading_places[name] = Place(index) if index else place
        return self._reading_places[name]

    @contextmanager
    def _named(self, branch: str) -> Iterator[None]:
        """Raise a `NotDecodedError` as an error that names the branch."""
        try:
            yield
        except NotDecodedError as error:
            message = f"branch {branch!r} of {self.where!r} {error}"
            raise UndecodableError(message, self.path, self.tree, branch) from error

    def _read_fields(
        self, ntuple: Ntuple, fields: Sequence[str], start: int, stop: int
    ) -> Iterator[tuple[str, Any]]:
        """Yield fields of an RNTuple; uproot reads those together that memmpy does not read."""
        own = ntuple.read(fields, start, stop)
        others: Any = None
        for i, field in enumerate(fields):
            if ntuple.is_decoded(field):
                with self._damage(field), self._page_errors():
                    values = next(own)
                yield values
                continue
            if others is None:
                rest = [name for name in fields[i:] if not ntuple.is_decoded(name)]
                others = self._arrays(ntuple, rest, start, stop)
            yield field, self._checked(others[field], field, stop - start)

    def _arrays(self, ntuple: Ntuple, fields: Sequence[str], start: int, stop: int) -> Any:
        """Return the arrays of some fields, or raise an error that names one field."""
        try:
            with self._page_errors():
                return ntuple.read_by_uproot(fields, start, stop)
        except (MemmpyError, MemoryError):
            raise
        except Exception:
            if len(fields) > 1:
                for field in fields:  # which one is it?
                    self._arrays(ntuple, [field], start, stop)
            with self._named(fields[0]), not_decoded(self._place(fields[0]).branch):
                raise

    def _fetch(self, branches: Sequence[str], start: int, stop: int) -> dict[str, list[memoryview]]:
        """Return the bytes of the baskets of branches."""
        uproot_branches = {branch: self._reading_place(branch).branch for branch in branches}
        with self._lock:
            ranges = {id(b): ranges_of(b, start, stop) for b in uproot_branches.values()}
        content = iter(self._bytes.read_many([r for several in ranges.values() for r in several]))
        fetched = {number: [next(content) for _ in several] for number, several in ranges.items()}
        for branch in uproot_branches.values():
            # Only a foreign name needs the header.
            check_owner(branch, fetched[id(branch)], lambda n: self._branches.find(n) == (n,))
        return {name: fetched[id(branch)] for name, branch in uproot_branches.items()}

    def _read_branch(self, branch: str, fetched: list[memoryview], decoder: BasketDecoder) -> Any:
        """Return entries of a branch of a TTree; memmpy decodes plain ones, uproot all others."""
        encoding = self._encodings[branch]
        if encoding is not None:
            with self._damage(branch), self._named(branch):
                try:
                    return decoder.decode(self._reading_place(branch).branch, encoding, fetched)
                except NotPlainError:
                    if encoding.truncation is not None:
                        raise ValueError("the size of a basket does not fit its type") from None
        uproot_branch, start, stop = self._place(branch).branch, decoder.start, decoder.stop
        with self._lock:
            try:
                array = uproot_branch.array(
                    library="ak", array_cache=None, entry_start=start, entry_stop=stop
                )
            except Exception:
                self._check_baskets(branch, start, stop)
                with self._named(branch), not_decoded(uproot_branch):
                    raise
        return self._checked(array, branch, stop - start)

    def _read_structs(self, name: str, fetched: list[memoryview], decoder: BasketDecoder) -> Any:
        """Return entries of a branch of several leaves, with a field for each leaf."""
        branch, encoding = self._place(name).branch, self._encodings[name]
        assert encoding is not None
        with self._damage(name):
            with suppress(NotPlainError):
                return decoder.decode(branch, encoding, fetched)
            with self._lock:
                return read_structs(branch, encoding.dtype, decoder.start, decoder.stop)

    def _check_baskets(self, branch: str, start: int, stop: int) -> None:
        """Raise a `RootFileError` if the checksum of a basket is wrong."""
        with self._damage(branch):
            check_baskets(self._bytes.read_many(ranges_of(self._place(branch).branch, start, stop)))

    @contextmanager
    def _page_errors(self) -> Iterator[None]:
        """Raise a `DamagedPageError`, which names the field, as one that names the tree too."""
        try:
            yield
        except DamagedPageError as error:
            raise RootFileError(f"{self.where!r} is damaged {error}") from error

    def _damage(self, branch: str | None = None) -> AbstractContextManager[None]:
        """Raise errors as one that names the damaged file, tree and branch."""
        where = "" if branch is None else f" in branch {branch!r}"
        return _reader_errors(self.where, f"is damaged{where}")

    def _checked(self, array: Any, branch: str, num_entries: int) -> Any:
        """Return an array of uproot as values for a column."""
        with self._damage(branch):
            if len(array) != num_entries:
                raise ValueError(f"uproot read {len(array)} of {num_entries} entries")
            return from_awkward(array, self.type_of(branch).kind)
