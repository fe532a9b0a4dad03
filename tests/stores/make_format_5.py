"""How `format-5` was made: all that metadata may hold, with a checksum at their end."""

import dataclasses
import sys
from pathlib import Path

import numpy as np

import memmpy
from memmpy import Splits
from memmpy.columns import WriteJagged, WriteNested, WriteShaped, WriteText, WriteVector
from memmpy.store import (
    LOCK,
    Metadata,
    NumberRecord,
    Origin,
    SourceRecord,
    Transaction,
    hash64,
    parts_of,
)

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
        tree_entries=5,
        metadata={"process": name},
        tree_start=i,
        tag="etag",
        matches={"jet_*": ("jet_pt",)},
        naming=("event",),
        numbers=NumberRecord(
            values={"xsec": 0.5 * 3**i, "campaign": 2**53 + i, "is_signal": i == 0},
            totals={"sum_w": "Runs:genEventSumw"},
            sums={"Runs:genEventSumw (language 3)": 12.5 + i},
            branches={"campaign": None, "is_signal": None, "sum_w": None, "weight": "<f4"},
        ),
    )
    for i, (name, digit) in enumerate([("ttH", "a"), ("ttbb", "b")])
)
parts, made_by = parts_of(sources), ("0.3.0", "0.4.0")


def with_sources(metadata: Metadata) -> Metadata:
    return dataclasses.replace(metadata, sources=sources).with_texts({"ttH", "ttbb"})


with Transaction(path) as transaction:
    with WriteVector(path, "event", transaction=transaction) as event:
        event.origin = Origin({"branch": "event"}, parts, made_by)
        event.extend(np.array([2**64 - 1, 2**53 + 1, 0, 7], np.uint64))
    with WriteVector(path, "jet_pt", transaction=transaction) as padded:
        recipe = {"expression": "(2 * jet_pt)", "language": 2, "padding": [2, "nan"]}
        padded.origin = Origin(recipe, parts, made_by, ((4, 0, 0, 2), None))
        padded.extend(np.array([[50, 30], [20, np.nan], [np.nan, np.nan], [80, 10]], np.float32))
    with WriteVector(path, "process", transaction=transaction) as process:
        process.origin = Origin({"metadata": ["ttH", "ttbb"]}, parts, made_by)
        process.details = {"hashed": True}
        process.extend(np.array([hash64("ttH")] * 2 + [hash64("ttbb")] * 2, np.uint64))
    with WriteVector(path, "xsec", transaction=transaction) as xsec:
        numbers = {"xsec": {"dtype": "<f8", "values": [0.5, None]}}
        xsec.origin = Origin({"numbers": numbers}, parts, made_by)
        xsec.extend(np.array([0.5, 0.5, np.nan, np.nan]))
    with WriteVector(path, "weight", transaction=transaction) as weight:
        numbers = {"weight": {"dtype": "<f4", "values": [None, 1.0]}}
        weight.origin = Origin({"branch": "weight", "numbers": numbers}, parts, made_by)
        weight.extend(np.array([0.25, 4, 1, 1], np.float32))
    transaction.change(with_sources)
with WriteVector(path, "score", dtype=np.float64) as vector:
    vector.extend([0.125, 0.25, 0.5, 0.75])
with WriteVector(path, "fields") as vector:
    vector.extend(np.array([(1, (0.5, 1.5))], [("run", "<u4"), ("weight", "<f8", (2,))]))
with WriteJagged(path, "hits", dtype=np.float32) as jagged:
    jagged.extend([[0.5], [], [0.25, 0.75], []])
with WriteShaped(path, "images") as shaped:
    shaped.extend([np.array([[1, 2]]), np.array([[3], [4]])])
with WriteText(path, "trigger\udcff") as text:
    text.extend(["mu26", "é28"])
with WriteNested(path, "vertices") as nested:
    nested.extend([[{"z": 1.5, "tracks": [1, 2]}], []])

store = memmpy.open(path)
store.add("sum", "Sum$(hits)")
store.set_splits(Splits(by=("event",), num_folds=2, val=0.25, seed=3))

(path / LOCK).unlink()
