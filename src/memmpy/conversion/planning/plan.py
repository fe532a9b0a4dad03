"""What a conversion has to do: plain data, decided without reading any entry.

The plan says which entry ranges of which branches of which files go where, and which the store has
already. `memmpy.conversion.running.coordinator` carries it out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memmpy.columns import ColumnType, Layout, type_of_column
from memmpy.conversion.planning.inspection import Facts
from memmpy.conversion.planning.inventory import Held, Holdings
from memmpy.conversion.planning.partition import Range
from memmpy.conversion.planning.reasons import check_replaceable, why_written
from memmpy.conversion.planning.schema import agreed_types, layout_of
from memmpy.conversion.planning.sizes import is_exact, size_of_lists, size_of_rows
from memmpy.conversion.planning.skips import Skips
from memmpy.conversion.planning.summary import Line, Report, Reported, compared, type_in_words
from memmpy.conversion.planning.target import Wanted, is_current
from memmpy.sources import NullRules
from memmpy.store import (
    ColumnRecord,
    Metadata,
    Origin,
    Part,
    SourceRecord,
    events_of,
    num_filled,
    parts_of,
)

__all__ = ["Fill", "NewColumn", "Plan", "make_plan"]

#: The type of the column of a name of the metadata.
_HASHES = ColumnType("vector", np.dtype("<u8"))


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that has to be written.

    Parameters
    ----------
    key : str
        The column.
    recipe : mapping
        How its entries are made, as JSON values.
    layout : Layout
        Its arrays.
    held : tuple of Held or None
        For each source, what the store has of it; None for what must be read.
    why : str
        Why it has to be written.
    type : ColumnType
        Of its entries.
    num_bytes : int
        What it will take on disk: exact for vectors, at most about that for others, which may
        share their offsets.
    """

    key: str
    recipe: Mapping[str, Any]
    layout: Layout
    held: tuple[Held | None, ...]
    why: str
    type: ColumnType
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Fill:
    """Entries of a tree that are read for some columns in one go.

    Parameters
    ----------
    source : int
        Which source.
    entry_start : int
        The first entry of the store that they become.
    range : Range
        Which entries of the tree, for which columns.
    nulls : NullRules
        How the file is read where it has no values.
    """

    source: int
    entry_start: int
    range: Range
    nulls: NullRules = field(default_factory=NullRules)


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Reported):
    """What a conversion has to do.

    Parameters
    ----------
    wanted : Wanted
        What was asked for.
    columns : tuple of NewColumn
        The columns that have to be written; empty where the store has all.
    current : mapping of str to ColumnRecord
        The columns that are right already, as the store has them.
    fills : tuple of Fill
        What has to be read from files.
    skipped : tuple of str
        Branches that a pattern matches and no column can hold.
    undecodable : tuple of str
        Branches that a pattern matches and memmpy and uproot cannot decode.
    stale, stale_metadata : tuple of str
        Columns of the store that were not asked for and are made of other files, and of the
        metadata of other files: they cannot be opened until they are asked for.
    stale_own : tuple of str
        Columns that the user wrote for the events of other files.
    before : tuple of SourceRecord
        What filled the store before.
    num_opened : int
        Files that were looked at for the plan; the store knows enough of the others.
    """

    wanted: Wanted
    columns: tuple[NewColumn, ...]
    current: Mapping[str, ColumnRecord]
    fills: tuple[Fill, ...]
    skipped: tuple[str, ...]
    undecodable: tuple[str, ...]
    stale: tuple[str, ...]
    stale_metadata: tuple[str, ...]
    stale_own: tuple[str, ...]
    before: tuple[SourceRecord, ...]
    num_opened: int

    @property
    def num_entries(self) -> int:
        """Entries of all sources."""
        return num_filled(self.wanted.sources)

    @property
    def bytes_packed(self) -> int:
        """About how many bytes are read from the files."""
        return sum(fill.range.packed for fill in self.fills)

    @property
    def bytes_unpacked(self) -> int:
        """How many bytes that is once decompressed."""
        return sum(fill.range.unpacked for fill in self.fills)

    @property
    def bytes_on_disk(self) -> int:
        """What the columns that are written will take, at most about; see `is_exact`.

        Those with lists count their offsets each, though columns may come to share them.
        """
        return sum(column.num_bytes for column in self.columns)

    @property
    def is_exact(self) -> bool:
        """Whether `bytes_on_disk` is exact, since no column that is written has lists."""
        return all(is_exact(column.layout) for column in self.columns)

    @property
    def bytes_kept(self) -> int:
        """What the columns take that are right already."""
        arrays = {a.file: a for column in self.current.values() for a in column.arrays.values()}
        return sum(array.nbytes for array in arrays.values())

    def report(
        self,
        *,
        bytes_written: int | None = None,
        store: str = "",
        seconds: float | None = None,
        clipped: Mapping[str, str] | None = None,
    ) -> Report:
        """Return the plan in words.

        Parameters
        ----------
        bytes_written : int, optional
            What was written, to say what was done and not what would be.
        store : str
            Where, if that shall be said.
        seconds : float, optional
            How long it took.
        clipped : mapping of str to str, optional
            What padding cuts off of some columns, in words.
        """
        sources, made = self.wanted.sources, self.wanted.origins
        num_read = len({fill.source for fill in self.fills})
        is_done = bytes_written is not None
        return Report(
            files=compared(sources, self.before, num_opened=self.num_opened, num_read=num_read),
            num_entries=self.num_entries,
            bytes_packed=self.bytes_packed,
            bytes_unpacked=self.bytes_unpacked,
            bytes_written=self.bytes_on_disk if bytes_written is None else bytes_written,
            is_exact=is_done or self.is_exact,
            bytes_kept=self.bytes_kept,
            written=[
                Line(
                    column.key,
                    type_in_words(column.type, column.recipe),
                    0 if "metadata" in column.recipe else column.held.count(None),
                    tuple(dict.fromkeys(piece.key for piece in column.held if piece is not None)),
                    column.why,
                )
                for column in self.columns
            ],
            kept=[
                Line(key, type_in_words(type_of_column(column), made[key]))
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
        )

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column that was asked for."""
        kept = {key: type_of_column(column) for key, column in self.current.items()}
        return kept | {column.key: column.type for column in self.columns}

    def branches_read(self) -> dict[str, tuple[str, ...]]:
        """Return the branches that are read, by file."""
        recipes = self.wanted.recipes_by_key
        read: dict[str, dict[str, None]] = {}
        for fill in self.fills:
            of_file = read.setdefault(self.wanted.sources[fill.source].path, {})
            of_file |= dict.fromkeys(b for key in fill.range.keys for b in recipes[key].branches)
        return {path: tuple(branches) for path, branches in read.items()}


def make_plan(
    wanted: Wanted,
    surveyed: Sequence[Facts | None],
    metadata: Metadata,
    *,
    holdings: Holdings,
    recreate: bool,
) -> Plan:
    """Return what has to be done so that a store holds what is wanted.

    Parameters
    ----------
    wanted : Wanted
        What the store shall hold.
    surveyed : sequence of Facts or None
        What each source says; None for those that were not looked at.
    metadata : Metadata
        What the store holds now.
    holdings : Holdings
        The same, by how it is made.
    recreate : bool
        Whether to read everything again.

    Raises
    ------
    MissingKeyError, SchemaError
        If files lack a branch, or differ in a type.
    OptionError
        If a column would replace one that the user wrote.
    """
    sources, parts = wanted.sources, parts_of(wanted.sources)
    recipes, made = wanted.recipes_by_key, wanted.origins
    held: dict[str, tuple[Held | None, ...]] = {}
    current: dict[str, ColumnRecord] = {}
    for key, json in made.items():
        column = metadata.columns.get(key)
        if not recreate and column is not None and column.origin is None:
            check_replaceable(key, column, json)
        if not recreate and column is not None and is_current(column, json, parts):
            current[key] = column
        elif recreate or key not in recipes:
            held[key] = (None,) * len(sources)
        else:
            held[key] = holdings.find(recipes[key], parts)
    types = agreed_types(
        [(source.path, facts) for source, facts in zip(sources, surveyed, strict=True)],
        recipes.keys(),
        {
            key: held_type
            for key in held
            if key in recipes and (held_type := _type_of_held(held[key], metadata)) is not None
        },
    )
    found = {key: types[key] if key in recipes else _HASHES for key in held}
    layouts = {key: layout_of(found[key], key=key) for key in held}
    fills = []
    for i, (source, facts) in enumerate(zip(sources, surveyed, strict=True)):
        if facts is None:
            continue
        for read in facts.ranges:
            keys = tuple(key for key in read.keys if key in held and held[key][i] is None)
            if keys:
                entry = source.entry_start + read.tree_start - source.tree_start
                fills.append(Fill(i, entry, dataclasses.replace(read, keys=keys), facts.nulls))
    sizes = size_of_lists([fill.range for fill in fills], recipes, layouts)
    columns = []
    for key, pieces in held.items():
        why = why_written(metadata.columns.get(key), made[key], pieces, recreate=recreate)
        if is_exact(layouts[key]):
            num_bytes = size_of_rows(layouts[key], num_filled(sources))
        else:
            num_bytes = sizes.get(key, 0) + _bytes_held(pieces, metadata)
        columns.append(NewColumn(key, made[key], layouts[key], pieces, why, found[key], num_bytes))
    skipped = Skips.union(facts.skipped for facts in surveyed if facts is not None)
    stale = _stale(metadata, made, parts)
    return Plan(
        wanted=wanted,
        columns=tuple(columns),
        current=current,
        fills=tuple(fills),
        skipped=skipped.unsupported,
        undecodable=skipped.undecodable,
        stale=tuple(key for key, origin in stale.items() if "metadata" not in origin.recipe),
        stale_metadata=tuple(key for key, origin in stale.items() if "metadata" in origin.recipe),
        stale_own=_stale_own(metadata, made, sources),
        before=metadata.sources,
        num_opened=sum(facts is not None for facts in surveyed),
    )


def _type_of_held(held: Sequence[Held | None], metadata: Metadata) -> ColumnType | None:
    for piece in held:
        if piece is not None:
            found = type_of_column(metadata.columns[piece.key])
            return found if piece.finish is None else piece.finish.finish_type(found)
    return None


def _bytes_held(held: Sequence[Held | None], metadata: Metadata) -> int:
    """Return about how many bytes entries take that serve again."""
    num_bytes = 0
    for piece in held:
        if piece is not None and len(piece.entries):
            column = metadata.columns[piece.key]
            num_bytes += column.nbytes * len(piece.entries) // column.num_entries
    return num_bytes


def _stale(
    metadata: Metadata, made: Mapping[str, object], parts: tuple[Part, ...]
) -> dict[str, Origin]:
    """Return what the columns came from that were not asked for, and are made of other files."""
    return {
        key: column.origin
        for key, column in metadata.columns.items()
        if key not in made and column.origin is not None and column.origin.parts != parts
    }


def _stale_own(
    metadata: Metadata, made: Mapping[str, object], sources: Sequence[SourceRecord]
) -> tuple[str, ...]:
    """Return the columns that the user wrote for the events of other files."""
    columns, events = metadata.columns.items(), events_of(sources)
    return tuple(k for k, c in columns if k not in made and c.events not in {None, events})
