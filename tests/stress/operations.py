"""What users do to a store, and all that is visible of it: small enough for thousands of trials."""

import hashlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

import memmpy
from memmpy import (
    RFileConfig,
    Splits,
    Work,
    WriteJagged,
    WriteNested,
    WriteShaped,
    WriteText,
    WriteVector,
)
from memmpy.errors import MissingFileError
from memmpy.store import read_metadata

__all__ = [
    "NUM_ENTRIES",
    "OLD_CUT",
    "OPERATIONS",
    "SKIM",
    "Operation",
    "Place",
    "clean",
    "leftovers",
    "make_place",
    "state",
    "whole",
    "write_other_formats",
]

#: Entries of the store that operations begin with.
NUM_ENTRIES = 140
#: First event and number of events of each file; ``b_longer`` is ``b`` after it grew.
FILES = {"a": (0, 80, 0), "b": (80, 60, 0), "b_longer": (80, 70, 1), "c": (150, 40, 0)}
#: The generation of an array, the name of a cut, what makes a file that is written aside unique.
_RANDOM = re.compile(
    r"(?<=[0-9a-f]{16}\.)\d+(?=\.npy)|(?<=cuts/)[0-9a-f]{32}|(?<=\.)[0-9a-f]{16}(?=\.)"
)
CUT = "Sum$(jets) > 50 && number % 2 == 0"
OLD_CUT = "number > 9"
SKIM: dict[str, Any] = {"keys": ["number", "jets"], "keys_padded": {"eta": (3, -1.0)}}
CONVERSION: dict[str, Any] = {
    "keys": {"number", "jets"},
    "keys_padded": {"eta": (3, -1.0)},
    "work": Work(step_bytes=3000),
    "progress": False,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trial happens.

    Parameters
    ----------
    folder : Path
        Holds the input files, the store that a trial begins with, and its copy.
    """

    folder: Path

    @property
    def template(self) -> Path:
        """What a trial begins with: a store and friend trees."""
        return self.folder / "template"

    @property
    def trial(self) -> Path:
        """A copy of it, for one trial."""
        return self.folder / "trial"

    @property
    def store(self) -> Path:
        """The store of a trial."""
        return self.trial / "data.mmpy"

    @property
    def friends(self) -> Path:
        """The friend trees of a trial."""
        return self.trial / "friends"

    @property
    def log(self) -> Path:
        """For what children say at their death; out of reach of the faults in the folder."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def files(self, *names: str) -> list[RFileConfig]:
        """Return input files."""
        inputs = self.folder / "inputs"
        return [RFileConfig(inputs / f"{n}.root", "tree", {"process": n[0]}) for n in names]

    def reset(self, *, is_empty: bool = False) -> None:
        """Begin a trial: with a copy of the template, or with nothing."""
        shutil.rmtree(self.trial, ignore_errors=True)
        if is_empty:
            self.trial.mkdir()
        else:
            shutil.copytree(self.template, self.trial)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a user does to a store.

    Parameters
    ----------
    run : callable
        Does it, and returns what the user sees.
    makes_store : bool
        Whether it begins with nothing.
    """

    run: Callable[[Place], object]
    makes_store: bool = False


def make_place(folder: Path) -> Place:
    """Write the input files and the template."""
    place = Place(folder)
    (folder / "inputs").mkdir(parents=True)
    for name, (first, num, shift) in FILES.items():
        _write_file(folder / "inputs" / f"{name}.root", first, num, shift)
    place.trial.mkdir()
    _convert(place, "a", "b")
    with WriteVector(place.store, "own") as vector:
        vector.extend(np.arange(float(NUM_ENTRIES)))
    with WriteText(place.store, "words") as text:
        text.extend([f"ä{i}" * (i % 3) for i in range(NUM_ENTRIES)])
    with WriteNested(place.store, "nested") as nested:
        nested.extend(ak.Array([[[i + k] * (k % 3) for k in range(i % 4)] for i in range(140)]))
    with WriteShaped(place.store, "shaped") as shaped:
        for i in range(NUM_ENTRIES):
            shaped.append(np.full((i % 3 + 1, 2), i, np.int16))
    memmpy.open(place.store).set_splits(Splits(by=("process", "number")))
    memmpy.compute_cut_batched(place.store, OLD_CUT)
    memmpy.skim(place.store, **SKIM, cut=OLD_CUT, progress=False)
    memmpy.write_friend(place.store, place.friends, {"score": -np.arange(float(NUM_ENTRIES))})
    place.trial.rename(place.template)
    return place


def _write_file(path: Path, first: int, num: int, shift: int) -> None:
    number = np.arange(first, first + num)
    counts = number % 4
    content = (np.repeat(number, counts) + 0.25 + shift).astype(np.float32)
    jets = ak.unflatten(content, counts)
    with uproot.recreate(path) as file:
        lists = "var * float32"
        types = {"number": "int32", "huge": "uint64", "weight": "float64", "good": "bool"}
        tree = file.mktree("tree", {**types, "jets": lists, "eta": lists})
        for start in range(0, num, 40):
            step = slice(start, min(start + 40, num))
            events = {
                "number": number[step].astype(np.int32),
                "huge": number[step].astype(np.uint64) + np.uint64((1 << 63) + 1),
                "weight": number[step] / 3 + shift,
                "good": number[step] % 3 == 0,
                "jets": jets[step],
                "eta": -jets[step],
            }
            tree.extend(events)


def write_other_formats(folder: Path) -> None:
    """Write an RNTuple, a Parquet and an HDF5 file. That starts threads: do it in a child."""
    import h5py

    number = np.arange(80)
    jets = ak.unflatten((np.repeat(number, number % 4) + 0.25).astype(np.float32), number % 4)
    events = ak.Array({"number": number.astype(np.int32), "weight": number / 3, "jets": jets})
    with uproot.recreate(folder / "rntuple.root") as file:
        file.mkrntuple("tree", events.layout.form).extend(events)
    ak.to_parquet(events, folder / "events.parquet", row_group_size=40)
    with h5py.File(folder / "events.h5", "w") as file:
        file["number"], file["weight"] = number.astype(np.int32), number / 3
        lists = file.create_dataset("jets", (80,), h5py.vlen_dtype(np.dtype(np.float32)))
        for i, entry in enumerate(jets):
            lists[i] = ak.to_numpy(entry)


def _convert(place: Place, *names: str, more: tuple[str, ...] = ()) -> object:
    asked = {**CONVERSION, "keys": CONVERSION["keys"] | set(more)}
    return memmpy.convert(place.files(*names), place.store, **asked).num_entries


def _add(place: Place) -> object:
    return _digest(np.asarray(memmpy.open(place.store).add("ht", "Sum$(jets)")))


def _cut(place: Place) -> object:
    return _digest(np.asarray(memmpy.compute_cut_batched(place.store, CUT)))


def _skim(place: Place, *, cut: str, recreate: bool = False) -> object:
    return _skim_digest(
        memmpy.skim(place.store, **SKIM, cut=cut, recreate=recreate, progress=False)
    )


def _read(place: Place) -> object:
    store = memmpy.open(place.store)
    loader = store.loader("val", keys=["number", "jets", "own"], batch_size=50)
    return (
        {key: _column_digest(column) for key, column in store.items()},
        [{key: _column_digest(values) for key, values in batch.items()} for batch in loader],
        _skim_digest(memmpy.skim(place.store, **SKIM, cut=OLD_CUT, progress=False)),
    )


def _vector(place: Place) -> object:
    with WriteVector(place.store, "own") as column:
        for i in range(NUM_ENTRIES):
            column.append(-float(i))
        column.extend(np.arange(9000.0))
    return None


def _jagged(place: Place) -> object:
    with WriteJagged(place.store, "own_jets") as column:
        for i in range(NUM_ENTRIES):
            column.append(np.arange(float(i)))
    return None


def _friend(place: Place) -> object:
    branches = {"score": np.arange(float(NUM_ENTRIES))}
    friends = memmpy.write_friend(place.store, place.friends, branches, overwrite=True)
    return [friend.num_entries for friend in friends]


def _load_root(place: Place) -> object:
    loader = memmpy.load_root(
        place.files("a", "b"),
        place.store,
        keys={"number", "weight"},
        keys_padded={"jets": (4, 0.0)},
        tcut="number > 7",
        split="train",
        batch_size=50,
        progress=False,
    )
    return [{key: _digest(values) for key, values in batch.items()} for batch in loader]


OPERATIONS = {
    "convert": Operation(lambda place: _convert(place, "a", "b"), makes_store=True),
    "convert a key": Operation(lambda place: _convert(place, "a", "b", more=("weight", "huge"))),
    "convert grown files": Operation(lambda place: _convert(place, "a", "b_longer", "c")),
    "read": Operation(_read),
    "add": Operation(_add),
    "cut": Operation(_cut),
    "skim": Operation(lambda place: _skim(place, cut="number % 3 != 0")),
    "skim again": Operation(lambda place: _skim(place, cut=OLD_CUT, recreate=True)),
    "write a vector": Operation(_vector),
    "write lists": Operation(_jagged),
    "write friends": Operation(_friend),
    "load_root": Operation(_load_root),
}


def state(place: Place) -> dict[str, str]:
    """Return all that is visible of a store, by what is committed together.

    Raises whatever reading it raises; a store that is not there shows nothing.
    """
    found: dict[str, str] = {}
    for file in sorted(place.friends.glob("*.root")):
        with uproot.open(file, handler=uproot.MemmapSource) as friend:  # needs no threads
            found[file.name] = _digest(friend["tree"]["score"].array(library="np"))
    try:
        store = memmpy.open(place.store)
    except MissingFileError:
        return found
    kept = sorted(read_metadata(place.store).columns)  # also those that are stale
    if kept:
        found["keys"] = str(kept)
        found["columns"] = str({key: _column_digest(column) for key, column in store.items()})
    for skim in store.skims:
        found[skim.path.name] = _skim_digest(skim)
    assert all(record.expression for record in store.cuts)
    return found


def whole(place: Place) -> list[str]:
    """Return what `verify` finds."""
    try:
        return [str(problem) for problem in memmpy.verify(place.store)]
    except MissingFileError:
        return []


def clean(place: Place) -> None:
    """Remove leftovers, a day after they were left: young files may be of a process at work."""
    yesterday = time.time() - 86_400
    for file in place.store.rglob("*"):
        os.utime(file, (yesterday, yesterday), follow_symlinks=False)
    memmpy.clean(place.store, dry_run=False)


def leftovers(place: Place) -> Counter[str]:
    """Return the files of a trial, with a star for what differs from run to run in their names."""
    files = (file.relative_to(place.trial) for file in place.trial.rglob("*") if file.is_file())
    return Counter(_RANDOM.sub("*", str(file)) for file in files)


def _digest(values: Any) -> str:
    buffers = values.buffers if hasattr(values, "buffers") else (np.asarray(values),)
    text = hashlib.sha256()
    for buffer in buffers:
        text.update(
            f"{buffer.dtype} {buffer.shape}".encode() + np.ascontiguousarray(buffer).tobytes()
        )
    return text.hexdigest()[:16]


def _column_digest(column: Any) -> str:
    if isinstance(column, np.ndarray) or hasattr(column, "buffers"):
        return _digest(column)
    return hashlib.sha256(repr([column[i] for i in range(len(column))]).encode()).hexdigest()[:16]


def _skim_digest(skim: memmpy.Skim) -> str:
    lists = [array for name in sorted(skim.lists) for array in skim.lists[name]]
    arrays = [np.asarray(skim.rows).view(np.uint8), skim.tickets, *lists]
    return " ".join(map(_digest, arrays))
