"""Refuses input files that hold the same events, which would count twice."""

from collections.abc import Sequence

from memmpy.errors import OptionError
from memmpy.sources import ByteSource, uuid_of
from memmpy.store import SourceRecord, tree_name

__all__ = ["check_no_duplicates"]

#: Bytes of two files that are compared at a time.
_BLOCK_BYTES = 1 << 22  # 4 MiB


def check_no_duplicates(
    sources: Sequence[SourceRecord], known: Sequence[SourceRecord | None]
) -> list[str]:
    """Check that no two sources hold the same events.

    Files of different UUIDs hold different events. Copies share a UUID, and so do a file and a
    changed copy of it. memmpy compares the content of such files only: first by stripes and, where
    these are equal, as a whole.

    Parameters
    ----------
    sources : sequence of SourceRecord
        The trees that shall fill a store.
    known : sequence of SourceRecord or None
        The record of each that the store has already. Two known sources were compared before.

    Returns
    -------
    list of str
        Warnings of files of one UUID and different content.

    Raises
    ------
    OptionError
        If two sources hold the same events, or memmpy could not distinguish them later.
    """
    notes: list[str] = []
    seen: dict[tuple[str, str], list[int]] = {}
    contents: dict[str, str] = {}
    for i, source in enumerate(sources):
        # Cycles of a tree are older and newer states of the same events.
        others = seen.setdefault((source.uuid, tree_name(source)), [])
        shared = [j for j in others if _overlap(source, sources[j])]
        for j in shared:
            other = sources[j]
            is_known = known[i] is not None and known[j] is not None
            if source.path == other.path or not (
                is_known or _differ(source, other, contents=contents)
            ):
                raise _same_events(source, other)
            if source.state == other.state:
                raise _indistinguishable(source, other)
        if shared and known[i] is None:
            notes.append(_note(source, sources[shared[0]]))
        others.append(i)
    return notes


def _overlap(source: SourceRecord, other: SourceRecord) -> bool:
    start = max(source.tree_start, other.tree_start)
    return start < min(source.tree_stop, other.tree_stop)


def _differ(source: SourceRecord, other: SourceRecord, *, contents: dict[str, str]) -> bool:
    """Return whether two files differ in their content; `contents` caches their hashes."""
    if source.size != other.size:
        return True
    for path in (source.path, other.path):
        if path not in contents:
            with ByteSource(path) as file:
                contents[path] = uuid_of(file)
    if contents[source.path] != contents[other.path]:
        return True
    # Equal stripes do not prove that files are equal.
    with ByteSource(source.path) as one, ByteSource(other.path) as another:
        blocks = range(0, source.size, _BLOCK_BYTES)
        return any(
            one.read(at, min(at + _BLOCK_BYTES, source.size))
            != another.read(at, min(at + _BLOCK_BYTES, source.size))
            for at in blocks
        )


def _same_events(source: SourceRecord, other: SourceRecord) -> OptionError:
    message = (
        f"{source.path!r} holds the same events as {other.path!r} (tree {tree_name(source)!r}, "
        "the UUID and the content of the file): they would count twice; leave one of them out"
    )
    return OptionError(message)


def _indistinguishable(source: SourceRecord, other: SourceRecord) -> OptionError:
    message = (
        f"{source.path!r} and {other.path!r} have the same UUID, size and time of change, but "
        "other content: memmpy could not tell their events apart later; touch one, or leave it out"
    )
    return OptionError(message)


def _note(source: SourceRecord, other: SourceRecord) -> str:
    return (
        f"{source.path!r} has the UUID of {other.path!r} (tree {tree_name(source)!r}), but other "
        "content: memmpy takes both, and entries of the same number share an identity and a split; "
        "if one file is a changed copy of the other, its events count twice: leave it out"
    )
