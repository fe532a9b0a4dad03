"""`Ntuple`: the fields of an RNTuple by name. uproot reads those that memmpy does not."""

import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.root.baskets import NotDecodedError
from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.branch_types import type_of_field
from memmpy.sources.root.branches import Place
from memmpy.sources.root.lazy_ntuple import LazyNtuple
from memmpy.sources.root.ntuple_fields import FieldColumns
from memmpy.sources.root.ntuple_pages import check_pages, sizes_of_fields

__all__ = ["Ntuple"]


@final
class Ntuple:
    """The fields of an RNTuple. Several threads may call it.

    Parameters
    ----------
    tree : uproot.behaviors.RNTuple.RNTuple
        The RNTuple of uproot, of which nothing but the anchor was read.
    source : ByteSource
        The file.

    Raises
    ------
    ValueError
        If it is damaged.
    """

    def __init__(self, tree: Any, source: ByteSource) -> None:
        self.tree = tree
        # Objects of uproot fill their caches when they are used.
        self._lock = threading.RLock()
        self._lazy: LazyNtuple | None = None
        try:
            self._lazy = LazyNtuple(tree.all_members, source)
            _ = self._lazy.clusters
        except RecordError:
            self._lazy = None
            _ = self._whole

    @property
    def num_entries(self) -> int:
        """Entries of the RNTuple."""
        return self._lazy.num_entries if self._lazy else int(self._whole.num_entries)

    def names(self) -> list[str]:
        """Return the names of the top fields, in the order of the file."""
        return list(self._lazy.fields.tops if self._lazy else self._whole_fields)

    def find(self, name: str) -> tuple[str, ...]:
        """Return the name itself for each field, or part of a field (``jets.pt``), of this name."""
        if self._lazy:
            return (name,) * len(self._lazy.fields.find(name))
        return (name,) if name in self._whole_fields else ()

    def place(self, name: str) -> Place:
        """Return the field of a name, one of memmpy or of uproot."""
        return Place(self._lazy.fields.find(name)[0] if self._lazy else self._whole_fields[name])

    def is_decoded(self, name: str) -> bool:
        """Return whether memmpy reads a field itself."""
        return self._columns_of(name) is not None

    def type_of(self, name: str) -> ColumnType:
        """Return the type of the column that holds a field.

        Raises
        ------
        NotDecodedError
            If there is no such column.
        """
        columns = self._columns_of(name)
        if columns:
            return columns.type
        field = self._whole_field(name)
        if ",0>" in field.typename:
            message = f"has arrays of no numbers ({field.typename}), which no column can hold; "
            raise NotDecodedError(f"{message}leave it out")
        if self._lazy and self._lazy.fields.has_late_array(self._lazy.fields.find(name)[0]):
            message = "has arrays that begin after the first entries, which uproot reads wrong; "
            raise NotDecodedError(f"{message}name its parts, or leave it out")
        return type_of_field(self._whole, field)

    def sizes_of(self, name: str) -> tuple[int, int]:
        """Return the compressed and decompressed bytes of a field and its parts."""
        if self._lazy:
            return self._lazy.sizes_of(self._lazy.fields.find(name)[0])
        return self._whole_sizes[name]

    def sizes(self) -> tuple[int, int]:
        """Return the compressed and decompressed bytes of all fields."""
        if self._lazy:
            return self._lazy.sizes()
        own = self._whole_sizes.values()
        return sum(packed for packed, _ in own), sum(unpacked for _, unpacked in own)

    def boundaries(self) -> NDArray[np.int64]:
        """Return the first entry of each cluster, and the number of entries."""
        if self._lazy:
            stops = [cluster.first + cluster.num_entries for cluster in self._lazy.clusters]
        else:
            stops = [c.num_first_entry + c.num_entries for c in self._whole.cluster_summaries]
        return np.array(sorted({0, *stops}), np.int64)

    def read(self, names: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield those fields that memmpy reads itself, each with some of its entries.

        Raises
        ------
        DamagedPageError, ValueError
            See `LazyNtuple.read`.
        """
        fields = {name: columns for name in names if (columns := self._columns_of(name))}
        if self._lazy and fields:
            yield from self._lazy.read(fields, start, stop)

    def read_by_uproot(self, names: Sequence[str], start: int, stop: int) -> Any:
        """Return fields as an awkward array of uproot, which reads all of them at once."""
        with self._lock:
            numbers = {self._whole_field(name).field_id for name in names}
        return self._whole.arrays(
            filter_field=lambda field: field.field_id in numbers,
            entry_start=start,
            entry_stop=stop,
        )

    def _columns_of(self, name: str) -> FieldColumns | None:
        """Return the columns of a field, or None if uproot reads it."""
        return self._lazy.columns_of(self._lazy.fields.find(name)[0]) if self._lazy else None

    def _whole_field(self, name: str) -> Any:
        """Return a field of uproot.

        Raises
        ------
        NotDecodedError
            If the name is of a part of a field.
        """
        with self._lock:
            if name in self._whole_fields:
                return self._whole_fields[name]
        top = name
        while top not in self._whole_fields:
            top = top.rpartition(".")[0]
        message = f"is a part of the field {top!r} that memmpy cannot read alone; "
        raise NotDecodedError(f"{message}take {top!r} as a whole")

    @cached_property
    def _whole(self) -> Any:
        """The RNTuple of uproot, with all of its fields."""
        with self._lock:
            check_pages(self.tree)
            return self.tree

    @cached_property
    def _whole_fields(self) -> dict[str, Any]:
        """The top fields of uproot by name. They may have dots and slashes."""
        fields: dict[str, Any] = {}
        for field in self._whole.fields:
            fields.setdefault(field.name, field)  # of several, the first counts
        return fields

    @cached_property
    def _whole_sizes(self) -> dict[str, tuple[int, int]]:
        return sizes_of_fields(self._whole)
