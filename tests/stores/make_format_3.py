"""How `format-3` was made: columns of the user beside one of files, for their events or others."""

import dataclasses
import sys
from pathlib import Path

import numpy as np

import memmpy
from memmpy import Splits
from memmpy.columns import WriteJagged, WriteVector
from memmpy.store import LOCK, Origin, SourceRecord, Transaction, parts_of

path = Path(sys.argv[1])
sources = tuple(
    SourceRecord(
        path=f"/data/{name}.root",
        uuid=digit * 32,
        size=1234,
        mtime_ns=1_700_000_000_000_000_000,
        tree="nominal;1",
        asked="nominal",
        num_entries=2,
        entry_start=2 * i,
        tree_entries=2,
    )
    for i, (name, digit) in enumerate([("ttH", "a"), ("ttbb", "b")])
)


def fill(*sources: SourceRecord) -> None:
    with Transaction(path) as transaction:
        with WriteVector(path, "met", transaction=transaction) as met:
            met.origin = Origin({"branch": "met"}, parts_of(sources), ("0.3.0",) * len(sources))
            met.extend(np.array([10.5, 20.25, 30.0, 40.75][: 2 * len(sources)], np.float32))
        transaction.change(lambda m: dataclasses.replace(m, sources=sources))


fill(sources[0])
with WriteVector(path, "of_ttH", dtype=np.float64) as vector:
    vector.extend([0.25, 0.5])
fill(*sources)
with WriteVector(path, "score", dtype=np.float64) as vector:
    vector.extend([0.125, 0.25, 0.5, 0.75])
with WriteJagged(path, "jet_score", dtype=np.float32) as jagged:
    jagged.extend([[0.5], [], [0.25, 0.75], []])
with WriteVector(path, "edges", dtype=np.float64) as vector:
    vector.extend([0.0, 0.5, 1.0])

memmpy.open(path).set_splits(Splits(by="file", fractions={"train": 0.5, "test": 0.5}, seed=3))

(path / LOCK).unlink()
