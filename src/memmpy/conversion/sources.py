"""The trees that fill a store, each with its range of entries."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from memmpy.errors import OptionError
from memmpy.conversion.config import Input
from memmpy.root.reading import TreeFile
from memmpy.store import SourceRecord

__all__ = ["describe_sources"]

#: Bytes of either end of a file that tell it from others where it has no UUID.
_SAMPLE_BYTES = 1 << 20


def describe_sources(
    inputs: Sequence[Input], known: Sequence[SourceRecord]
) -> tuple[SourceRecord, ...]:
    """Return the inputs with what only the files themselves can tell; unchanged ones stay shut.

    Raises
    ------
    OptionError
        If two inputs hold the same events, which would count twice.
    """
    unchanged = {(s.path, s.size, s.mtime_ns, s.asked): s for s in known}
    sources: list[SourceRecord] = []
    seen: dict[tuple[str, str], str] = {}
    entry_start = 0
    for found in inputs:
        same = unchanged.get((found.path, found.size, found.mtime_ns, found.tree))
        source = _describe(found) if same is None else same
        # What names an event: cycles of a tree are older and newer states of the same events.
        events = (source.uuid, source.tree.rpartition(";")[0])
        if events in seen:
            message = (
                f"{found.path!r} holds the same events as {seen[events]!r} (tree {events[1]!r}, "
                "and the UUID of the file): they would count twice; give one of them"
            )
            raise OptionError(message)
        seen[events] = found.path
        sources.append(
            dataclasses.replace(source, entry_start=entry_start, metadata=found.metadata)
        )
        entry_start += source.num_entries
    return tuple(sources)


def _describe(found: Input) -> SourceRecord:
    with TreeFile(found.path, found.tree) as file:
        return SourceRecord(
            path=found.path,
            uuid=file.uuid if int(file.uuid, 16) else _uuid_of_content(Path(found.path)),
            size=found.size,
            mtime_ns=found.mtime_ns,
            tree=file.tree,
            asked=found.tree,
            num_entries=file.num_entries,
            entry_start=0,
        )


def _uuid_of_content(path: Path) -> str:
    """Return 32 hexadecimal digits for a file that was written without a UUID."""
    with path.open("rb") as file:
        first = file.read(_SAMPLE_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _SAMPLE_BYTES))
        last = file.read()
    return hashlib.sha256(b"%d " % size + first + last).hexdigest()[:32]
