"""What a store knows of itself: columns, sources and texts."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from msgspec import Meta

from memmpy.errors import OptionError
from memmpy.store.file_names import hash64, hash_text
from memmpy.store.json_types import Checked, Checksum, Count, plain

__all__ = [
    "ArrayRecord",
    "ColumnRecord",
    "Computed",
    "Metadata",
    "Origin",
    "Part",
    "SourceRecord",
    "are_unchanged",
    "events_of",
    "parts_of",
    "process_of",
    "tree_name",
]

#: What fills a range of a column: the id of a source, and a number of entries.
Part: TypeAlias = tuple[str, int]

#: Where the details of a column say how it was computed.
COMPUTED = "computed"


class ArrayRecord(Checked, frozen=True):
    """One array on disk, as the metadata describes it.

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
    """How a column came from ROOT files, so that it is known when it is stale.

    Parameters
    ----------
    recipe : mapping
        JSON values that say how an entry of the column is made. A column of another recipe is
        another column.
    parts : tuple of Part
        What fills the column, in the order of its entries. Columns may share the tuple.
    made_by : tuple of str
        The version of memmpy that read each part; empty where that was not kept.
    clipped : tuple of (tuple of int or None)
        Of a column of padded lists, for each part: the number of items, of those that padding cut
        off, of the entries that lost some, and the items of the longest; None where that was not
        kept. Empty for other columns.
    """

    recipe: Mapping[str, Any]
    parts: tuple[Part, ...]
    made_by: tuple[str, ...] = ()
    clipped: tuple[tuple[int, ...] | None, ...] = ()


class Computed(Checked, frozen=True):
    """How a column was computed from others of the store, so that it is known when it is stale.

    Parameters
    ----------
    expression : str
        As the user wrote it.
    normal : str
        The same in its normal form, with aliases and constants put in.
    language : int
        Grows when an expression comes to mean something else.
    made_of : mapping of str to str
        The fingerprints of the columns that it uses, by key.
    """

    expression: str
    normal: str
    language: Count
    made_of: dict[str, str]

    def to_details(self) -> dict[str, Any]:
        """Return what the details of the column say of it."""
        return {COMPUTED: plain(self)}


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """One column: its kind, its arrays by role, and where it came from.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``shaped``, ``text`` or ``nested``.
    num_entries : int
        Length of the column.
    arrays : mapping of role to ArrayRecord
        The arrays the kind needs.
    details : mapping
        JSON values the kind needs beside them.
    origin : Origin or None
        None for what the user wrote.
    events : tuple of Part or None
        The events of files that its values belong to, as `events_of` has them: of a column that
        the user wrote, one value for each entry of the files. None for all other columns.
    """

    kind: str
    num_entries: int
    arrays: Mapping[str, ArrayRecord]
    details: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    events: tuple[Part, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays, of which other columns may share some."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def computed(self) -> "Computed | None":
        """How the column was computed from others; None for what was not."""
        held = self.details.get(COMPUTED)
        return None if held is None else Computed(**held)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the column is written again: what caches depend on."""
        arrays = [[role, a.file, a.checksum] for role, a in sorted(self.arrays.items())]
        return json.dumps([self.kind, self.num_entries, arrays, dict(self.details)], sort_keys=True)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One tree of one file that fills a range of entries.

    Parameters
    ----------
    path : str
        Where the file was when it was read: an absolute path, or a URL.
    uuid : str
        The file's own identity, 32 hexadecimal digits.
    size, mtime_ns : int
        Bytes, and time of the last change in nanoseconds; 0 where a server does not tell it.
    tree : str
        Path of the tree inside the file, with its cycle.
    asked : str or None
        The tree as the user named it; None for the only one.
    num_entries, entry_start : int
        The range of the store's entries that it fills.
    tree_entries : int
        All entries of the tree.
    metadata : mapping of str to str
        What the user said about the file.
    tree_start : int
        The first of them that is taken.
    tag : str
        What a server says of the content, such as an ETag; empty for files of this machine.
    matches : mapping of str to tuple of str
        The branches that each pattern of keys found in the tree.
    naming : tuple of str
        The branches of the tree that usually name an event, whether or not they were converted.
    """

    path: str
    uuid: str
    size: int
    mtime_ns: int
    tree: str
    asked: str | None
    num_entries: int
    entry_start: int
    tree_entries: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    tree_start: int = 0
    tag: str = ""
    matches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    naming: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same entries of the same content at another path."""
        text = f"{self.uuid} {self.size} {self.mtime_ns} {self.tree}"
        if self.tag:
            text += f" {self.tag}"
        if self.num_entries != self.tree_entries:
            text += f" {self.tree_start}:{self.tree_stop}"
        return hash_text(hash64(text))

    @property
    def events_id(self) -> str:
        """The same for the same entries of a file that was moved, copied or touched."""
        entries = f"{self.tree_start}:{self.tree_stop}"
        return hash_text(hash64(f"events {self.uuid} {self.size} {tree_name(self)} {entries}"))

    @property
    def state(self) -> tuple[int, int, str]:
        """What changes when the file does."""
        return self.size, self.mtime_ns, self.tag

    @property
    def entry_stop(self) -> int:
        """One more than the last of the store's entries that it fills."""
        return self.entry_start + self.num_entries

    @property
    def tree_stop(self) -> int:
        """One more than the last entry of the tree that is taken."""
        return self.tree_start + self.num_entries


def process_of(source: SourceRecord) -> Mapping[str, str]:
    """Return what tells the process of a file: the metadata of that name, else all of them.

    Other ``variation`` of one process hold the same events by right, and so are left out.
    """
    texts = source.metadata
    if "process" in texts:
        return {"process": texts["process"]}
    return {name: texts[name] for name in sorted(texts) if name != "variation"}


def parts_of(sources: Iterable[SourceRecord]) -> tuple[Part, ...]:
    """Return what the origin of a column says of the sources that fill it."""
    return tuple((source.id, source.num_entries) for source in sources)


def events_of(sources: Iterable[SourceRecord]) -> tuple[Part, ...]:
    """Return the events that sources hold, in the order of their entries."""
    filled = [source for source in sources if source.num_entries]
    ids = [source.events_id for source in filled]
    num = Counter(ids)
    # Different files may have one UUID: only what else is known of them tells them apart.
    return tuple(
        (source.id if num[events_id] > 1 else events_id, source.num_entries)
        for source, events_id in zip(filled, ids, strict=True)
    )


def tree_name(source: SourceRecord) -> str:
    """Return the tree of a source with its directories, without its cycle."""
    name, has_cycle, _ = source.tree.rpartition(";")
    return name if has_cycle else source.tree


def are_unchanged(fingerprints: Mapping[str, str], current: Mapping[str, ColumnRecord]) -> bool:
    """Say whether columns still have the fingerprints that they had.

    All that is made of columns keeps their fingerprints: a computed column, a cached cut, a skim.
    It is stale as soon as one of them has changed, is stale itself, or is gone.

    Parameters
    ----------
    fingerprints : mapping of str to str
        Those that the columns had, by key.
    current : mapping of str to ColumnRecord
        As `Metadata.current_columns` gives them.
    """
    return all(k in current and current[k].fingerprint == f for k, f in fingerprints.items())


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that a store knows of itself.

    Parameters
    ----------
    generation : int
        Grows with every commit.
    columns : mapping of key to ColumnRecord
        In the order in which they were first written.
    sources : tuple of SourceRecord
        What the columns that came from files hold now, in the order of their entries.
    hashes : mapping of 64-bit number to text
        Turns hashed metadata back into text.
    read_only : bool
        Whether another format keeps memmpy from writing to the store.
    splits : mapping or None
        JSON values that say how the events are split; None while nobody has asked for that.
    """

    generation: int = 0
    columns: Mapping[str, ColumnRecord] = field(default_factory=dict)
    sources: tuple[SourceRecord, ...] = ()
    hashes: Mapping[int, str] = field(default_factory=dict)
    read_only: bool = False
    splits: Mapping[str, Any] | None = None

    def current_keys(self) -> list[str]:
        """Return the keys of the columns that are not stale."""
        return list(self.current_columns())

    def current_columns(self) -> dict[str, ColumnRecord]:
        """Return the columns that hold what they would hold if they were made now.

        The others are stale. They were made from other files than the store's sources, written by
        the user for the events of other files, or computed from columns that have changed.
        """
        parts, columns = self.parts, self.columns
        has_events = any(column.events is not None for column in columns.values())
        events = events_of(self.sources) if has_events else None
        current = {
            key: column
            for key, column in columns.items()
            if (column.origin is None or column.origin.parts == parts)
            and column.events in {None, events}
        }
        made_of = {k: c.computed.made_of for k, c in current.items() if c.computed is not None}
        while stale := {k for k, used in made_of.items() if not are_unchanged(used, current)}:
            for key in stale:
                del current[key], made_of[key]
        return current

    @property
    def parts(self) -> tuple[Part, ...]:
        """Source ids and entries, as a column made from all sources has them in its origin."""
        return parts_of(self.sources)

    def with_texts(self, texts: set[str]) -> "Metadata":
        """Return a copy that knows these texts.

        Raises
        ------
        OptionError
            If two texts have one hash.
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
