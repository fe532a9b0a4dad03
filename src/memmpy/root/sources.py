"""The trees that fill a store, each with its range of entries."""

import dataclasses
from collections.abc import Sequence

from memmpy.root.config import Input
from memmpy.root.reading import TreeFile
from memmpy.store import SourceRecord

__all__ = ["describe_sources"]


def describe_sources(
    inputs: Sequence[Input], known: Sequence[SourceRecord]
) -> tuple[SourceRecord, ...]:
    """Return the inputs with what only the files themselves can tell; unchanged ones stay shut."""
    unchanged = {(s.path, s.size, s.mtime_ns, s.asked): s for s in known}
    sources = []
    entry_start = 0
    for found in inputs:
        same = unchanged.get((found.path, found.size, found.mtime_ns, found.tree))
        if same is None:
            with TreeFile(found.path, found.tree) as file:
                source = SourceRecord(
                    path=found.path,
                    uuid=file.uuid,
                    size=found.size,
                    mtime_ns=found.mtime_ns,
                    tree=file.tree,
                    asked=found.tree,
                    num_entries=file.num_entries,
                    entry_start=entry_start,
                    metadata=found.metadata,
                )
        else:
            source = dataclasses.replace(same, entry_start=entry_start, metadata=found.metadata)
        sources.append(source)
        entry_start += source.num_entries
    return tuple(sources)
