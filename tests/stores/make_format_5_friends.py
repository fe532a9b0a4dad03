"""How `format-5-friends` was made: columns from friends of files, one of them stale."""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from memmpy.columns import WriteVector
from memmpy.store import (
    LOCK,
    FriendRecord,
    Metadata,
    Origin,
    SourceRecord,
    Transaction,
    part_finder,
    parts_of,
)

path = Path(sys.argv[1])


def friend(name: str, file: str, digit: str) -> FriendRecord:
    return FriendRecord(
        name=name,
        asked="Events",
        path=f"/data/{file}.root",
        uuid=digit * 32,
        size=1234,
        mtime_ns=1_700_000_000_000_000_000,
        tree="Events;1",
        tag="etag" if name == "b" else "",
    )


def source(name: str, digit: str, entry_start: int, *friends: FriendRecord) -> SourceRecord:
    return SourceRecord(
        path=f"/data/{name}.root",
        uuid=digit * 32,
        size=4321,
        mtime_ns=1_700_000_000_000_000_000,
        tree="Events;1",
        asked="Events",
        num_entries=2,
        entry_start=entry_start,
        tree_entries=2,
        friends=friends,
        friend_of={"score": "a", "weight": "b", "b.score": "b"} if friends else {},
    )


former = friend("b", "former", "f")
sources = (
    source("ttH", "0", 0, friend("a", "ttH_a", "a"), friend("b", "ttH_b", "b")),
    source("ttbb", "1", 2, friend("a", "ttbb_a", "c"), friend("b", "ttbb_b", "d")),
    source("data", "2", 4),
)
before = (source("ttH", "0", 0, friend("a", "ttH_a", "a"), former), *sources[1:])


def with_sources(metadata: Metadata) -> Metadata:
    return dataclasses.replace(metadata, sources=sources)


with Transaction(path) as transaction:
    for key, branches, made_of in [
        ("met", (), sources),
        ("score", ("score",), sources),
        ("sum", ("met", "score", "weight"), sources),
        ("stale", ("b.score",), before),
    ]:
        with WriteVector(path, key, transaction=transaction) as column:
            recipe = {"branch": key} if len(branches) < 2 else {"expression": "x", "language": 2}
            parts = part_finder(made_of)(branches)
            assert (parts == parts_of(made_of)) == (branches == ())
            column.origin = Origin(recipe, parts, ("0.5.0",) * 3, (), branches)
            column.extend(np.arange(6) + len(key))
    transaction.change(with_sources)

(path / LOCK).unlink()
