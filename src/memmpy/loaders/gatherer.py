"""The protocol `Gatherer`: copies the entries of an epoch from a skim or columns, in chunks."""

from collections.abc import Sequence
from typing import Protocol

from memmpy.loaders.chunk import EntryChunk
from memmpy.loaders.pagecache.advice import MappedData, ReadMode
from memmpy.loaders.pagecache.pages import Blocks
from memmpy.order import GatherRequest
from memmpy.typing import Array, Entries

__all__ = ["Gatherer"]


class Gatherer(Protocol):
    """Gathers the members of an epoch from some data, in any thread."""

    def __len__(self) -> int:
        """Return the number of members."""
        ...

    @property
    def num_data(self) -> int:
        """Entries of all data, also those that are no members."""
        ...

    @property
    def arrays(self) -> Sequence[Array]:
        """The arrays that hold the data, as far as known."""
        ...

    @property
    def entry_bytes(self) -> float:
        """Bytes of an entry, on average."""
        ...

    @property
    def mapped(self) -> MappedData:
        """The files of the data."""
        ...

    @property
    def file_bytes(self) -> float:
        """Bytes of the files in which the members may lie."""
        ...

    @property
    def chunk_rows(self) -> int:
        """About how many entries to gather at once."""
        ...

    @property
    def may_grow(self) -> bool:
        """Whether entries of larger chunks take `entry_bytes`, too, so that chunks may grow."""
        ...

    def read_mode(self, *, is_scattered: bool) -> ReadMode:
        """Return how an epoch that began now would be read: see `MappedData.read_mode`."""
        ...

    def entries(self, request: GatherRequest) -> Entries:
        """Return the entries that a request asks for, by their place in the data."""
        ...

    def blocks(self, request: GatherRequest) -> Blocks:
        """Return the entries that a request reads, in any order."""
        ...

    def gather(self, request: GatherRequest) -> EntryChunk:
        """Return the entries that a request asks for, in its order."""
        ...

    def take(self, entries: Entries) -> EntryChunk:
        """Return some entries, without what only `complete` can add."""
        ...

    def complete(self, chunk: EntryChunk) -> EntryChunk:
        """Return a chunk with values that cannot be reordered."""
        ...
