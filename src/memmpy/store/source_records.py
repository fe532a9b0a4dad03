"""Finds the file, the tree and the entry that entries of a store came from."""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.display import fields_html
from memmpy.errors import ColumnError, OptionError
from memmpy.store.metadata import Metadata
from memmpy.store.tree_source import SourceRecord, tree_name
from memmpy.typing import Entries

__all__ = [
    "Lineage",
    "SourceEntries",
    "SourceEntry",
    "check_sources",
    "lineage_of",
    "locate",
    "num_filled",
    "source_numbers",
    "source_of",
]


class SourceEntry(NamedTuple):
    """The origin of one entry of a store.

    Parameters
    ----------
    file : str
        An absolute path, or a URL.
    tree : str
        The tree with its directories, without its cycle.
    entry : int
        The entry in the tree, as ROOT and uproot count it.
    """

    file: str
    tree: str
    entry: int


class SourceEntries(NamedTuple):
    """The origin of entries of a store: three arrays of the same length.

    Parameters
    ----------
    file, tree : array of str, of dtype object
        As in `SourceEntry`.
    entry : array of int64
        As in `SourceEntry`.
    """

    file: NDArray[np.object_]
    tree: NDArray[np.object_]
    entry: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The part of a column that came from one tree of one file, and how it was made.

    Parameters
    ----------
    file : str
        The file when it was read: an absolute path, or a URL. For a branch of a friend, its file.
    uuid : str
        The UUID of the file, 32 hexadecimal digits.
    tree : str
        The tree with its cycle.
    tree_start, tree_stop : int
        The range of entries of the tree, half open.
    entry_start, entry_stop : int
        The range of entries of the store, half open.
    expression : str
        The branch, or the normal form of the expression of branches; for metadata the text in
        double quotes, or the number; ``null`` if it is missing.
    padding : tuple of (int, str) or None
        Length and fill value of the padding; None without padding.
    made_by : str
        The version of memmpy that read the entries; empty if unknown.
    """

    file: str
    uuid: str
    tree: str
    tree_start: int
    tree_stop: int
    entry_start: int
    entry_stop: int
    expression: str
    padding: tuple[int, str] | None
    made_by: str

    def _repr_html_(self) -> str:
        return fields_html(self)


def locate(
    sources: Sequence[SourceRecord], entries: Entries
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the source of each entry, and its entry in the tree.

    Parameters
    ----------
    sources : sequence of SourceRecord
        All of the store, in the order of their entries.
    entries : array of int64
        Entries of the store, in any order, all in range.

    Returns
    -------
    owners, local : array of int64
        Indices of the sources; and entries of the trees, counted from the start of the tree even
        if the store holds only a part of it.
    """
    starts = np.array([source.entry_start for source in sources], np.int64)
    shifts = np.array([source.tree_start - source.entry_start for source in sources], np.int64)
    owners = source_numbers(starts, entries)
    return owners, entries + shifts[owners]


def source_numbers(starts: NDArray[np.int64], entries: Entries) -> NDArray[np.int64]:
    """Return the number of the source of each entry, from the first entries of all sources."""
    # A source without entries starts at the same entry as the next source, which has the entry.
    return np.searchsorted(starts, entries, side="right").astype(np.int64, copy=False) - 1


@overload
def source_of(sources: Sequence[SourceRecord], entries: int | np.integer[Any]) -> SourceEntry: ...
@overload
def source_of(
    sources: Sequence[SourceRecord], entries: Sequence[int] | NDArray[Any]
) -> SourceEntries: ...
def source_of(sources: Sequence[SourceRecord], entries: Any) -> SourceEntry | SourceEntries:
    """Return the file, the tree and the entry in the tree of entries of a store.

    Parameters
    ----------
    sources : sequence of SourceRecord
        All of the store, in the order of their entries.
    entries : int, or array of int
        Entries of the store, in any order.

    Returns
    -------
    SourceEntry for an int, SourceEntries for an array

    Raises
    ------
    OptionError
        If no files fill the store, or an entry is out of range.
    """
    check_sources(sources)
    entry = _as_int(entries)
    indices = entries if entry is None else [entry]
    indices = check_indices(indices, num_filled(sources), of="entries from files")
    owners, local = locate(sources, indices)
    if entry is not None:
        source = sources[int(owners[0])]
        return SourceEntry(source.path, tree_name(source), int(local[0]))
    files = np.array([source.path for source in sources], object)
    trees = np.array([tree_name(source) for source in sources], object)
    return SourceEntries(files[owners], trees[owners], local)


def check_sources(sources: Sequence[SourceRecord]) -> None:
    """Raise an `OptionError` if a store has no sources."""
    if not sources:
        message = "no files fill this store: its columns were written by hand, not converted"
        raise OptionError(message)


def num_filled(sources: Sequence[SourceRecord]) -> int:
    """Return the number of entries that the sources of a store fill."""
    return sum(source.num_entries for source in sources)


def lineage_of(metadata: Metadata, key: str) -> list[Lineage]:
    """Return the origin of a column, source by source. The column must not be stale.

    Returns
    -------
    list of Lineage
        In the order of the entries; empty for a column that the user wrote.

    Raises
    ------
    ColumnError
        If the column was computed from others of the store.
    """
    column = metadata.columns[key]
    if column.computed is not None:
        made_of = ", ".join(map(repr, column.computed.made_of))
        message = (
            f"{key!r} was computed in the store: {column.computed.expression!r}; "
            f"ask for the lineage of {made_of or 'its inputs'}"
        )
        raise ColumnError(message)
    origin = column.origin
    if origin is None:
        return []
    made_by = origin.made_by or ("",) * len(origin.parts)
    spec = origin.spec
    padding = spec.get("padding")
    lineage = []
    for i, (source, version) in enumerate(zip(metadata.sources, made_by, strict=True)):
        number = spec.get("numbers", {}).get(spec.get("branch", key))
        if "metadata" in spec:
            expression = json.dumps(spec["metadata"][i], ensure_ascii=False)
        elif number is not None and (number["values"][i] is not None or origin.is_metadata):
            expression = json.dumps(number["values"][i])
        else:
            expression = spec["branch"] if "branch" in spec else spec["expression"]
        friends = source.friends_with([spec["branch"]] if "branch" in spec else [])
        tree = next((one for one in source.friends if one.name in friends), source)
        lineage.append(
            Lineage(
                file=tree.path,
                uuid=tree.uuid,
                tree=tree.tree,
                tree_start=source.tree_start,
                tree_stop=source.tree_stop,
                entry_start=source.entry_start,
                entry_stop=source.entry_stop,
                expression=expression,
                padding=None if padding is None else (int(padding[0]), str(padding[1])),
                made_by=version,
            )
        )
    return lineage


def _as_int(entries: Any) -> int | None:
    """Return one entry as an int, or None for several entries."""
    if isinstance(entries, bool | np.bool_):
        raise OptionError(f"an entry must be an integer, got {entries!r}")
    try:
        return operator.index(entries)
    except TypeError:
        return None
