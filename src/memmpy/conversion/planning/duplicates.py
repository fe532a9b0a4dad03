"""Files that hold the same events are refused: these would count twice."""

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

    Files whose UUIDs differ hold different events. Copies share a UUID; so do a file and a copy
    of it that was changed since. Only of such files is the content compared: by stripes, and
    where these are equal as a whole.

    Parameters
    ----------
    sources : sequence of SourceRecord
        What is to fill a store.
    known : sequence of SourceRecord or None
        What the store has of each already: two that both fill it were compared before.

    Returns
    -------
    list of str
        What the user should be warned of: files of one UUID and different content.

    Raises
    ------
    OptionError
        If two sources hold the same events, or memmpy could not tell their entries apart later.
    """
    notes: list[str] = []
    seen: dict[tuple[str, str], list[int]] = {}
    contents: dict[str, str] = {}
    for i, source in enumerate(sources):
        # What names an event: cycles of a tree are older and newer states of the same events.
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
                raise _alike(source, other)
        if shared and known[i] is None:
            notes.append(_note(source, sources[shared[0]]))
        others.append(i)
    return notes


def _overlap(source: SourceRecord, other: SourceRecord) -> bool:
    start = max(source.tree_start, other.tree_start)
    return start < min(source.tree_stop, other.tree_stop)


def _differ(source: SourceRecord, other: SourceRecord, *, contents: dict[str, str]) -> bool:
    """Say whether two files differ in their content, and keep what was read of it."""
    if source.size != other.size:
        return True
    for path in (source.path, other.path):
        if path not in contents:
            with ByteSource(path) as file:
                contents[path] = uuid_of(file)
    if contents[source.path] != contents[other.path]:
        return True
    # Stripes tell files apart, and do not tell that they are the same.
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
        "the UUID and the content of the file): they would count twice; give one of them"
    )
    return OptionError(message)


def _alike(source: SourceRecord, other: SourceRecord) -> OptionError:
    message = (
        f"{source.path!r} and {other.path!r} have one UUID, size and time of change, and different "
        "content: memmpy could not tell their events apart later; touch one of them, or give one"
    )
    return OptionError(message)


def _note(source: SourceRecord, other: SourceRecord) -> str:
    return (
        f"{source.path!r} has the UUID of {other.path!r} (tree {tree_name(source)!r}), and other "
        "content: memmpy takes both, and entries of one number have one identity, so they share a "
        "split; if one file is a changed copy of the other, its events count twice: give one"
    )
