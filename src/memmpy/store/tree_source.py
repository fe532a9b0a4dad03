"""The record of a tree of a file that fills entries, and the parts of columns that it fills."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from memmpy.display import fields_html
from memmpy.errors import argument_hints
from memmpy.store.file_names import hash64, hash_text
from memmpy.store.friend_record import FriendRecord, id_with_friends
from memmpy.store.number_record import NumberRecord

__all__ = [
    "Part",
    "SourceRecord",
    "events_of",
    "part_finder",
    "parts_of",
    "process_names",
    "process_of",
    "tree_name",
]

#: A range of a column: the id of the source that fills it, and the number of entries.
Part: TypeAlias = tuple[str, int]


@argument_hints
@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One tree of one file that fills a range of entries.

    Parameters
    ----------
    path : str
        The file when it was read: an absolute path, or a URL.
    uuid : str
        The UUID of the file, 32 hexadecimal digits.
    size, mtime_ns : int
        Bytes, and time of the last change in nanoseconds; 0 if a server does not report it.
    tree : str
        Path of the tree inside the file, with its cycle.
    asked : str or None
        The tree as the user named it; None for the only tree of the file.
    num_entries, entry_start : int
        The range of the store's entries that it fills.
    tree_entries : int
        All entries of the tree.
    metadata : mapping of str to str
        Facts about the file that the user gave.
    tree_start : int
        The first entry of the tree that was taken.
    tag : str
        Tag of the content from a server, such as an ETag; empty for local files.
    matches : mapping of str to tuple of str
        The branches that each pattern of keys found in the tree.
    naming : tuple of str
        The branches of the tree that usually name an event, whether or not they were converted.
    friends : tuple of FriendRecord
        Its friend trees, in the order in which branches are looked up.
    friend_of : mapping of str to str
        The name of the friend that each branch came from; branches of the tree itself are left out.
    numbers : NumberRecord
        Its numbers and totals.
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
    friends: tuple[FriendRecord, ...] = ()
    friend_of: Mapping[str, str] = field(default_factory=dict)
    numbers: NumberRecord = field(default_factory=NumberRecord)

    def __repr__(self) -> str:
        entries = f"entries {self.entry_start:,} to {self.entry_stop:,}"
        texts = f", {dict(self.metadata)}" if self.metadata else ""
        return f"SourceRecord({self.path!r}, {self.tree!r}, {entries}{texts})"

    def _repr_html_(self) -> str:
        return fields_html(self)

    @property
    def id(self) -> str:
        """Identity of the entries and of the content of the file, whatever its path."""
        text = f"{self.uuid} {self.size} {self.mtime_ns} {self.tree}"
        if self.tag:
            text += f" {self.tag}"
        if self.num_entries != self.tree_entries:
            text += f" {self.tree_start}:{self.tree_stop}"
        return hash_text(hash64(text))

    @property
    def events_id(self) -> str:
        """Identity of the entries, which stays if the file is moved, copied or touched."""
        entries = f"{self.tree_start}:{self.tree_stop}"
        return hash_text(hash64(f"events {self.uuid} {self.size} {tree_name(self)} {entries}"))

    @property
    def state(self) -> tuple[int, int, str]:
        """Size, time and tag, which change when the file does."""
        return self.size, self.mtime_ns, self.tag

    @property
    def entry_stop(self) -> int:
        """One more than the last of the store's entries that it fills."""
        return self.entry_start + self.num_entries

    @property
    def tree_stop(self) -> int:
        """One more than the last entry of the tree that is taken."""
        return self.tree_start + self.num_entries

    def friends_with(self, branches: Collection[str]) -> frozenset[str]:
        """Return the names of the friends that some branches come from."""
        return frozenset(self.friend_of[name] for name in branches if name in self.friend_of)


def process_names(names: Collection[str]) -> tuple[str, ...]:
    """Return the metadata that tell the process: ``process`` if it is among them, else all.

    ``variation`` is left out, since variations of one process hold the same events.
    """
    if "process" in names:
        return ("process",)
    return tuple(sorted(name for name in names if name != "variation"))


def process_of(source: SourceRecord) -> Mapping[str, str]:
    """Return the metadata that tell the process of a file."""
    return {name: source.metadata[name] for name in process_names(source.metadata)}


def parts_of(sources: Iterable[SourceRecord]) -> tuple[Part, ...]:
    """Return the parts of a column that these sources fill."""
    return tuple((source.id, source.num_entries) for source in sources)


def part_finder(
    sources: Sequence[SourceRecord],
) -> Callable[[Collection[str]], tuple[Part, ...]]:
    """Return a function: the branches of a column to the parts that it has if it is not stale.

    A part that is made of friends has an id that changes when one of these friends does.
    """
    own_parts = parts_of(sources)
    known: dict[tuple[frozenset[str], ...], tuple[Part, ...]] = {}

    def parts(branches: Collection[str]) -> tuple[Part, ...]:
        names = tuple(source.friends_with(branches) for source in sources)
        if not any(names):
            return own_parts
        if names not in known:  # many columns come from the same friends
            ids = (
                id_with_friends(id_, [f for f in source.friends if f.name in own])
                for (id_, _), source, own in zip(own_parts, sources, names, strict=True)
            )
            numbers = (num for _, num in own_parts)
            known[names] = tuple(zip(ids, numbers, strict=True))
        return known[names]

    return parts


def events_of(sources: Iterable[SourceRecord]) -> tuple[Part, ...]:
    """Return the events that sources hold, in the order of their entries."""
    filled = [source for source in sources if source.num_entries]
    ids = [source.events_id for source in filled]
    num = Counter(ids)
    # Different files may have the same UUID: then the id of the source tells them apart.
    return tuple(
        (source.id if num[events_id] > 1 else events_id, source.num_entries)
        for source, events_id in zip(filled, ids, strict=True)
    )


def tree_name(source: SourceRecord) -> str:
    """Return the tree of a source with its directories, without its cycle."""
    name, has_cycle, _ = source.tree.rpartition(";")
    return name if has_cycle else source.tree
