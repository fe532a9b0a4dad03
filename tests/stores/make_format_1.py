"""How `format-1` was made: a column of every kind, by the first memmpy that wrote this format."""

import dataclasses
import sys
from pathlib import Path

import awkward as ak
import numpy as np

from memmpy.columns import WriteJagged, WriteNested, WriteShaped, WriteText, WriteVector
from memmpy.store import LOCK, Origin, SourceRecord, Transaction

path = Path(sys.argv[1])
source = SourceRecord(
    path="/data/ttH.root",
    uuid="0123456789abcdef0123456789abcdef",
    size=1234,
    mtime_ns=1_700_000_000_000_000_000,
    tree="nominal;1",
    asked="nominal",
    num_entries=3,
    entry_start=0,
    tree_entries=3,
    metadata={"process": "ttH"},
)
fields = np.dtype([("run", "<u4"), ("weight", "<f8", (2,))])

with Transaction(path) as transaction:
    with WriteVector(path, "met", transaction=transaction) as vector:
        vector.origin = Origin({"branch": "met"}, ((source.id, source.num_entries),))
        vector.extend(np.array([10.5, 20.25, 30.0], np.float32))
    with WriteVector(path, "event", transaction=transaction) as vector:
        vector.extend(np.array([2**64 - 1, 2**53 + 1, 0], np.uint64))
    with WriteVector(path, "fields", transaction=transaction) as vector:
        vector.extend(np.array([(1, (0.5, 1.5)), (2, (2.5, 3.5)), (3, (4.5, 5.5))], fields))
    with WriteJagged(path, "jet_pt", transaction=transaction) as jagged:
        jagged.extend([np.array([50.0, 30.0]), np.array([]), np.array([80.0])])
    with WriteShaped(path, "images", transaction=transaction) as shaped:
        shaped.extend([np.arange(6).reshape(2, 3), np.array([[7]]), np.zeros((0, 2), np.int64)])
    with WriteText(path, "trigger", transaction=transaction) as text:
        text.extend(["mu26", "", "é28"])
    with WriteNested(path, "vertices", transaction=transaction) as nested:
        nested.extend(ak.Array([[{"z": 1.5, "tracks": [1, 2]}], [], [{"z": 2.5, "tracks": []}]]))
    transaction.change(lambda m: dataclasses.replace(m, sources=(source,)).with_texts({"ttH"}))

(path / LOCK).unlink()
