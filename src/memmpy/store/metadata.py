"""The metadata of a store: records of its columns, arrays and sources."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from memmpy.errors import OptionError
from memmpy.store.computation import COMPUTED, Computed
from memmpy.store.file_names import hash64
from memmpy.store.json_types import Checksum, Count, JsonObject
from memmpy.store.number_record import has_current_numbers
from memmpy.store.tree_source import Part, SourceRecord, events_of, part_finder, parts_of

__all__ = [
    "ArrayRecord",
    "ColumnRecord",
    "Metadata",
    "Origin",
    "are_unchanged",
]


class ArrayRecord(JsonObject, frozen=True):
    """One array on disk.

    Parameters
    ----------
    file : str
        Name of the file inside the store.
    dtype : np.dtype
        Little endian, of fixed width.
    shape : tuple of int
        First axis first.
    checksum : str or None
        ``crc32:`` and 8 hexadecimal digits, of the values without the header.

    Attributes
    ----------
    has_header : bool
        Whether the file is a real ``.npy`` file.
    """

    has_header: ClassVar[bool] = True

    file: Annotated[str, Meta(pattern=r"\A[0-9a-z.]+\.npy\Z")]
    dtype: np.dtype[Any]
    shape: Annotated[tuple[Count, ...], Meta(min_length=1)]
    checksum: Checksum | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class Origin:
    """The sources and the spec of a converted column, which decide whether it is stale.

    Parameters
    ----------
    spec : mapping
        JSON values that describe how an entry is made; ``recipe`` in the document. A column with
        another spec is another column.
    parts : tuple of Part
        The parts of the column, in the order of the entries. Columns may share the tuple.
    made_by : tuple of str
        The version of memmpy that read each part; empty if unknown.
    clipped : tuple of (tuple of int or None)
        For a column of padded lists, counts for each part: items, items that padding cut off,
        entries that lost items, and items of the longest list; None if unknown. Empty for other
        columns.
    branches : tuple of str
        For a column that is made of friend trees, all branches that it is made of; else empty.
    """

    spec: Mapping[str, Any]
    parts: tuple[Part, ...]
    made_by: tuple[str, ...] = ()
    clipped: tuple[tuple[int, ...] | None, ...] = ()
    branches: tuple[str, ...] = ()

    @property
    def is_metadata(self) -> bool:
        """Whether the column holds metadata of files: texts, numbers or totals."""
        return "branch" not in self.spec and "expression" not in self.spec


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """One column: its kind, its arrays by role, and its origin.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``shaped``, ``text`` or ``nested``.
    num_entries : int
        Length of the column.
    arrays : mapping of role to ArrayRecord
        The arrays that the kind needs.
    details : mapping
        More JSON values that the kind needs.
    origin : Origin or None
        None for a column that the user wrote.
    events : tuple of Part or None
        For a column that the user wrote, with one value for each entry of the files: the events of
        these files, as `events_of` returns them. None for all other columns.
    """

    kind: str
    num_entries: int
    arrays: Mapping[str, ArrayRecord]
    details: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    events: tuple[Part, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays, which other columns may share."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def is_hashed(self) -> bool:
        """Whether its values are hashes of texts; of memmpy 0.1.2, whether they may be."""
        return bool(self.details.get("hashed"))

    @property
    def source_texts(self) -> Sequence[str] | None:
        """The text of each source, for a column of metadata texts; None for other columns."""
        return None if self.origin is None else self.origin.spec.get("metadata")

    @property
    def computed(self) -> Computed | None:
        """The computation of the column; None for other columns."""
        computed = self.details.get(COMPUTED)
        return None if computed is None else Computed(**computed)

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever the column is rewritten. Caches depend on it."""
        arrays = [[role, a.file, a.checksum] for role, a in sorted(self.arrays.items())]
        return json.dumps([self.kind, self.num_entries, arrays, dict(self.details)], sort_keys=True)


def are_unchanged(fingerprints: Mapping[str, str], current: Mapping[str, ColumnRecord]) -> bool:
    """Return whether columns still have the fingerprints that they had.

    All that is made of columns keeps their fingerprints: a computed column, a cached cut, a skim.
    It is stale as soon as one of them has changed, is stale itself, or is gone.

    Parameters
    ----------
    fingerprints : mapping of str to str
        The former fingerprints of the columns, by key.
    current : mapping of str to ColumnRecord
        The result of `Metadata.current_columns`.
    """
    return all(k in current and current[k].fingerprint == f for k, f in fingerprints.items())


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a store.

    Parameters
    ----------
    generation : int
        Number that grows with every commit.
    columns : mapping of key to ColumnRecord
        The columns, in the order in which they were first written.
    sources : tuple of SourceRecord
        The sources of the converted columns, in the order of the entries.
    hashes : mapping of 64-bit number to text
        Texts of hashed metadata.
    read_only : bool
        Whether memmpy cannot write to a store of this format.
    splits : mapping or None
        JSON values that describe how events are split; None until the user splits them.
    format_version : int
        The version of the format that it was read from; 0 for memmpy 0.1.2.
    """

    generation: int = 0
    columns: Mapping[str, ColumnRecord] = field(default_factory=dict)
    sources: tuple[SourceRecord, ...] = ()
    hashes: Mapping[int, str] = field(default_factory=dict)
    read_only: bool = False
    splits: Mapping[str, Any] | None = None
    format_version: int = field(default=0, compare=False)

    def current_keys(self) -> list[str]:
        """Return the keys of the columns that are not stale."""
        return list(self.current_columns())

    def current_columns(self) -> dict[str, ColumnRecord]:
        """Return the columns that hold what they would hold if they were made now.

        The others are stale. They were made from other files than the store's sources or with other
        numbers, written by the user for the events of other files, or computed from columns that
        have changed.
        """
        parts, columns = part_finder(self.sources), self.columns
        has_events = any(column.events is not None for column in columns.values())
        events = events_of(self.sources) if has_events else None
        specs = {k: c.origin.spec for k, c in columns.items() if c.origin is not None}
        current = {
            key: column
            for key, column in columns.items()
            if (column.origin is None or column.origin.parts == parts(column.origin.branches))
            and column.events in {None, events}
            and has_current_numbers(specs.get(key, {}), specs)
        }
        made_of = {k: c.computed.made_of for k, c in current.items() if c.computed is not None}
        while stale := {k for k, used in made_of.items() if not are_unchanged(used, current)}:
            for key in stale:
                del current[key], made_of[key]
        return current

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of a column that all sources fill."""
        return parts_of(self.sources)

    def with_texts(self, texts: set[str]) -> "Metadata":
        """Return a copy with the hashes of more texts.

        Raises
        ------
        OptionError
            If two texts have the same hash.
        """
        hashes = dict(self.hashes)
        for text in sorted(texts):
            number = hash64(text)
            if hashes.setdefault(number, text) != text:
                message = (
                    f"the texts {hashes[number]!r} and {text!r} have the same 64-bit hash; "
                    "rename one of them"
                )
                raise OptionError(message)
        return dataclasses.replace(self, hashes=hashes)
