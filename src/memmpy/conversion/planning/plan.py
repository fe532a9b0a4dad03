"""The plan of a conversion: entries to read and columns to write, decided before any is read.

A plan is plain data. It tells which entries of which branches of which files become which entries
of the store, and which columns the store has already. `memmpy.conversion.running.coordinator`
carries it out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memmpy.columns import ColumnLayout, ColumnType, type_of_column
from memmpy.conversion.planning.inspection import FileInspection
from memmpy.conversion.planning.inventory import (
    Inventory,
    Reusable,
    Target,
    record_for,
    stale_origins,
)
from memmpy.conversion.planning.number_columns import constants_of, describe_numbers
from memmpy.conversion.planning.partition import TreeRange
from memmpy.conversion.planning.reasons import check_replaceable, reason_to_write
from memmpy.conversion.planning.schema import (
    agreed_types,
    is_exact,
    layout_of,
    size_of_lists,
    size_of_rows,
)
from memmpy.conversion.planning.skips import SkippedBranches
from memmpy.conversion.planning.summary import ColumnLine, Report, compare_files, format_type
from memmpy.display import DisplayBlock, Renderable
from memmpy.errors import argument_hints
from memmpy.sources import NullRules, TreeIndex
from memmpy.store import (
    ColumnRecord,
    Metadata,
    SourceRecord,
    events_of,
    num_filled,
    part_finder,
)

__all__ = ["ConversionPlan", "FileRead", "NewColumn", "make_plan"]

#: The type of the column of a name of the metadata.
_HASHES = ColumnType("vector", np.dtype("<u8"))


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that must be written.

    Parameters
    ----------
    key : str
        The column.
    spec : mapping
        The spec of its entries, as JSON values.
    layout : ColumnLayout
        Its arrays.
    reusable : tuple of Reusable or None
        For each source, the entries of the store that can be reused; None for those to be read.
    reason : str
        The reason why it must be written.
    type : ColumnType
        The type of its entries.
    num_bytes : int
        Bytes on disk: exact for vectors, about the maximum for others, which may share offsets.
    """

    key: str
    spec: Mapping[str, Any]
    layout: ColumnLayout
    reusable: tuple[Reusable | None, ...]
    reason: str
    type: ColumnType
    num_bytes: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """One read of a file: the entries of a tree for some columns.

    Parameters
    ----------
    source : int
        Number of the source.
    entry_start : int
        The first entry of the store that they become.
    range : TreeRange
        The entries of the tree, and the columns.
    nulls : NullRules
        The rules for missing values of the file.
    friends : frozenset of str
        The names of the friends that have some of the branches.
    index : TreeIndex or None
        The places of the branches in the file.
    """

    source: int
    entry_start: int
    range: TreeRange
    nulls: NullRules = field(default_factory=NullRules)
    friends: frozenset[str] = frozenset()
    index: TreeIndex | None = field(default=None, repr=False, compare=False)


@argument_hints
@dataclass(frozen=True, slots=True, repr=False)
class ConversionPlan(Renderable):
    """The entries that a conversion must read, and the columns that it must write.

    Parameters
    ----------
    target : Target
        The columns of the store after the conversion.
    columns : tuple of NewColumn
        The columns that must be written; empty where the store has all.
    current : mapping of str to ColumnRecord
        The columns of the target that are up to date in the store.
    reads : tuple of FileRead
        The reads of files.
    skipped : tuple of str
        Branches that a pattern matches and no column can hold.
    undecodable : tuple of str
        Branches that a pattern matches and neither memmpy nor uproot can decode.
    stale, stale_metadata : tuple of str
        Other columns of the store, made of other files or of the metadata of other files. They
        cannot be opened before they are converted again.
    stale_own : tuple of str
        Columns that the user wrote for the events of other files.
    before : tuple of SourceRecord
        The trees that filled the store before.
    num_opened, seconds_open : int, float
        Files that were opened for the plan, and the time that this took. The store knows enough of
        the others.
    num_totals_read : int
        Files whose totals were read for the plan; the store knows those of the others.
    new_records : mapping of str to ColumnRecord
        Those of `current` that keep their arrays, and know of files without entries now.
    """

    target: Target
    columns: tuple[NewColumn, ...]
    current: Mapping[str, ColumnRecord]
    reads: tuple[FileRead, ...]
    skipped: tuple[str, ...]
    undecodable: tuple[str, ...]
    stale: tuple[str, ...]
    stale_metadata: tuple[str, ...]
    stale_own: tuple[str, ...]
    before: tuple[SourceRecord, ...]
    num_opened: int
    num_totals_read: int = 0
    seconds_open: float = field(default=0.0, compare=False)
    new_records: Mapping[str, ColumnRecord] = field(default_factory=dict)

    @property
    def num_entries(self) -> int:
        """Entries of all sources."""
        return num_filled(self.target.sources)

    @property
    def bytes_packed(self) -> int:
        """Bytes to read from files, about."""
        return sum(read.range.packed for read in self.reads)

    @property
    def bytes_unpacked(self) -> int:
        """Bytes to read once they are decompressed, about."""
        return sum(read.range.unpacked for read in self.reads)

    @property
    def bytes_on_disk(self) -> int:
        """Bytes that the new columns will take, about the maximum; see `is_exact`.

        Each column of lists counts its own offsets, which columns may share in the end.
        """
        return sum(column.num_bytes for column in self.columns)

    @property
    def is_exact(self) -> bool:
        """Whether `bytes_on_disk` is exact, because no new column has lists."""
        return all(is_exact(column.layout) for column in self.columns)

    @property
    def bytes_kept(self) -> int:
        """Bytes of the columns that are up to date; shared arrays count once."""
        arrays = {a.file: a for column in self.current.values() for a in column.arrays.values()}
        return sum(array.nbytes for array in arrays.values())

    def _blocks(self) -> Sequence[DisplayBlock]:
        return self.report()._blocks()

    def report(
        self,
        *,
        bytes_written: int | None = None,
        store: str = "",
        seconds: float | None = None,
        clipped: Mapping[str, str] | None = None,
    ) -> Report:
        """Return a report of the plan, or of the conversion that carried it out.

        Parameters
        ----------
        bytes_written : int, optional
            Bytes that were written, for the report of a conversion that is done.
        store : str
            The path of the store, to show it.
        seconds : float, optional
            How long the conversion took.
        clipped : mapping of str to str, optional
            By column, the items that padding cuts off, in words.
        """
        sources, specs = self.target.sources, self.target.origins
        num_read = len({read.source for read in self.reads})
        is_done = bytes_written is not None
        return Report(
            files=compare_files(
                sources, self.before, num_opened=self.num_opened, num_read=num_read
            ),
            seconds_open=self.seconds_open,
            num_entries=self.num_entries,
            bytes_packed=self.bytes_packed,
            bytes_unpacked=self.bytes_unpacked,
            bytes_written=self.bytes_on_disk if bytes_written is None else bytes_written,
            is_exact=is_done or self.is_exact,
            bytes_kept=self.bytes_kept,
            written=[
                ColumnLine(
                    column.key,
                    format_type(column.type, column.spec),
                    self.target.num_read(column.key, column.reusable),
                    tuple(dict.fromkeys(one.key for one in column.reusable if one is not None)),
                    column.reason,
                )
                for column in self.columns
            ],
            kept=[
                ColumnLine(key, format_type(type_of_column(column), specs[key]))
                for key, column in self.current.items()
            ],
            skipped=self.skipped,
            undecodable=self.undecodable,
            stale=self.stale,
            stale_metadata=self.stale_metadata,
            stale_own=self.stale_own,
            is_done=is_done,
            store=store,
            seconds=seconds,
            clipped=clipped or {},
            numbers=list(describe_numbers(self.target.numbers, sources)),
            num_totals_read=self.num_totals_read,
        )

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column of the target."""
        kept = {key: type_of_column(column) for key, column in self.current.items()}
        return kept | {column.key: column.type for column in self.columns}

    def branches_read(self) -> dict[str, tuple[str, ...]]:
        """Return the branches that are read, by file."""
        specs = self.target.specs_by_key
        by_file: dict[str, dict[str, None]] = {}
        for read in self.reads:
            source = self.target.sources[read.source]
            paths = {friend.name: friend.path for friend in source.friends}
            numbers = constants_of(self.target.numbers, read.source)
            for branch in (b for key in read.range.keys for b in specs[key].branches):
                if branch not in numbers:
                    path = paths.get(source.friend_of.get(branch, ""), source.path)
                    by_file.setdefault(path, {})[branch] = None
        return {path: tuple(branches) for path, branches in by_file.items()}


def make_plan(
    target: Target,
    inspections: Sequence[FileInspection | None],
    metadata: Metadata,
    *,
    inventory: Inventory,
    recreate: bool,
) -> ConversionPlan:
    """Return the plan that leads from a store to a target.

    Parameters
    ----------
    target : Target
        The columns of the store after the conversion.
    inspections : sequence of FileInspection or None
        The inspection of each source; None for files that were not inspected.
    metadata : Metadata
        The metadata of the store.
    inventory : Inventory
        The columns of the store by spec.
    recreate : bool
        Whether to read everything again.

    Raises
    ------
    MissingKeyError, SchemaError
        If files lack a branch, or differ in a type.
    OptionError
        If a column would replace one that the user wrote.
    """
    sources, parts = target.sources, part_finder(target.sources)
    specs, origins = target.specs_by_key, target.origins
    reusable: dict[str, tuple[Reusable | None, ...]] = {}
    current: dict[str, ColumnRecord] = {}
    for key, origin in origins.items():
        column = metadata.columns.get(key)
        if not recreate and column is not None and column.origin is None:
            check_replaceable(key, column, origin)
        branches = specs[key].branches if key in specs else ()
        record = None if recreate else record_for(column, origin, parts, branches)
        if record is not None:
            current[key] = record
        elif recreate or key not in specs:
            reusable[key] = (None,) * len(sources)
        else:
            reusable[key] = inventory.find(specs[key], parts(branches), target.numbers)
    new_records = {k: one for k, one in current.items() if one is not metadata.columns[k]}
    stored_types = {key: _type_of(reusable[key], metadata) for key in reusable}
    stored_types |= {key: type_of_column(one) for key, one in new_records.items()}
    types = agreed_types(
        [(source.path, one) for source, one in zip(sources, inspections, strict=True)],
        specs.keys(),
        {key: one for key, one in stored_types.items() if key in specs and one is not None},
    )
    metadata_types = {key: column.type for key, column in target.numbers.items()}
    new_types = {key: types.get(key, metadata_types.get(key, _HASHES)) for key in reusable}
    layouts = {key: layout_of(new_types[key], key=key) for key in reusable}
    reads = []
    for i, (source, inspection) in enumerate(zip(sources, inspections, strict=True)):
        for entries in () if inspection is None else inspection.ranges:
            keys = tuple(k for k in entries.keys if k in reusable and reusable[k][i] is None)
            if keys and inspection is not None:
                entry_start = source.entry_start + entries.tree_start - source.tree_start
                own = dataclasses.replace(entries, keys=keys)
                friends = source.friends_with([b for key in keys for b in specs[key].branches])
                facts = inspection.nulls, friends, inspection.index
                reads.append(FileRead(i, entry_start, own, *facts))
    sizes = size_of_lists([read.range for read in reads], specs, layouts)
    columns = []
    for key, reused in reusable.items():
        reason = reason_to_write(metadata.columns.get(key), origins[key], reused, recreate=recreate)
        if is_exact(layouts[key]):
            num_bytes = size_of_rows(layouts[key], num_filled(sources))
        else:
            num_bytes = sizes.get(key, 0) + _bytes_reused(reused, metadata)
        columns.append(
            NewColumn(key, origins[key], layouts[key], reused, reason, new_types[key], num_bytes)
        )
    skipped = SkippedBranches.union(one.skipped for one in inspections if one is not None)
    stale = stale_origins(metadata, origins, sources)
    return ConversionPlan(
        target=target,
        columns=tuple(columns),
        current=current,
        reads=tuple(reads),
        skipped=skipped.unsupported,
        undecodable=skipped.undecodable,
        stale=tuple(key for key, origin in stale.items() if not origin.is_metadata),
        stale_metadata=tuple(key for key, origin in stale.items() if origin.is_metadata),
        stale_own=_stale_own(metadata, origins, sources),
        before=metadata.sources,
        num_opened=sum(one is not None for one in inspections),
        new_records=new_records,
    )


def _type_of(reusable: Sequence[Reusable | None], metadata: Metadata) -> ColumnType | None:
    """Return the type that reusable entries will have; None where there are none."""
    for one in reusable:
        if one is not None:
            stored = type_of_column(metadata.columns[one.key])
            return stored if one.spec is None else one.spec.stored_type(stored)
    return None


def _bytes_reused(reusable: Sequence[Reusable | None], metadata: Metadata) -> int:
    """Return about how many bytes reusable entries take."""
    used = [(metadata.columns[one.key], len(one.entries)) for one in reusable if one is not None]
    return sum(column.nbytes * num // column.num_entries for column, num in used if num)


def _stale_own(
    metadata: Metadata, target: Mapping[str, object], sources: Sequence[SourceRecord]
) -> tuple[str, ...]:
    """Return the columns that the user wrote for the events of other files."""
    columns, events = metadata.columns.items(), events_of(sources)
    return tuple(k for k, c in columns if k not in target and c.events not in {None, events})
