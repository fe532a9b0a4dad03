"""Events of two processes in three files, the same events as arrays, and plain sums of them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

import memmpy
from memmpy import RFileConfig, SplitLoader, Splits, WriteVector

__all__ = ["NUM_FOLDS", "Sample", "arrays_of", "epoch", "make_sample", "total", "write_vectors"]

NUM_FOLDS = 5
SPLIT_NUMBERS = {"train": 0, "val": 1, "test": 2}
LABELS = {"background": "process == 'DY'", "signal": "process == 'ggH'"}
#: The process, the first event number, and the events of each file.
FILES = (("DY", 0, 2500), ("ggH", 0, 1700), ("DY", 2500, 1300))


@dataclass(frozen=True)
class Sample:
    """A store of files, and its content as arrays in the order of entries."""

    path: Path
    configs: list[RFileConfig]
    splits: Splits
    columns: dict[str, Any]

    @property
    def labels(self) -> np.ndarray:
        """0 for DY, 1 for ggH."""
        return np.array([int(process == "ggH") for process in self.columns["process"]])

    def store(self) -> memmpy.Store:
        """Open the store."""
        return memmpy.open(self.path)

    def training_set(self, **options: Any) -> memmpy.TrainingSet:
        """Return a training set of two classes with a weight; options replace what it is of."""
        return self.store().training_set(
            **{"inputs": {"kin": ["met", "pt_1"]}, "labels": LABELS, "weight": "w", **options}
        )

    def is_in(self, split: str, fold: int = 0) -> np.ndarray:
        """Return which entries are in a split, by the rule alone."""
        names = {key: self.columns[key] for key in ("process", "run", "event")}
        numbers: np.ndarray = self.splits.of(names, fold=fold) == SPLIT_NUMBERS[split]
        return numbers


def make_columns(process: str, first: int, num: int) -> dict[str, Any]:
    random = np.random.default_rng([len(process), first])
    counts = random.integers(0, 6, num)
    signal = process == "ggH"
    flat = ak.unflatten
    return {
        "run": np.full(num, 300 + signal, np.int32),
        "event": np.arange(first, first + num, dtype=np.int64),
        "met": random.exponential(70 if signal else 50, num).astype(np.float32),
        "pt_1": np.where(random.random(num) < 0.1, -999, random.exponential(30, num)).astype("f4"),
        "time": random.normal(size=num) + 1e9,
        "njets": counts.astype(np.int32),
        "w": np.where(random.random(num) < 0.2, -1, 1) * random.uniform(0.5, 1.5, num),
        "jet_pt": flat(random.exponential(40, counts.sum()).astype(np.float32), counts),
        "jet_eta": flat(random.normal(size=counts.sum()).astype(np.float32), counts),
    }


def write_file(path: Path, columns: Mapping[str, Any]) -> Path:
    """Write a ROOT file with one tree."""
    with uproot.recreate(path) as file:
        types = {k: v.type if isinstance(v, ak.Array) else v.dtype for k, v in columns.items()}
        file.mktree("Events", types).extend(columns)
    return path


def make_sample(folder: Path, change: Any = None) -> Sample:
    """Convert the files to a store; `change` gets the columns of each file before."""
    splits = Splits(by=("process", "run", "event"), num_folds=NUM_FOLDS, val=0.25)
    configs, parts = [], []
    for number, (process, first, num) in enumerate(FILES):
        columns = make_columns(process, first, num)
        if change is not None:
            columns |= change(process, columns, splits)
        file = write_file(folder / f"{process}_{number}.root", columns)
        configs.append(RFileConfig(file, "Events", {"process": process}))
        parts.append({**columns, "process": np.full(num, process)})
    memmpy.convert(configs, folder / "s.mmpy", keys=["*"], splits=splits, progress=False)
    whole = {
        key: ak.concatenate([part[key] for part in parts])
        if isinstance(parts[0][key], ak.Array)
        else np.concatenate([part[key] for part in parts])
        for key in parts[0]
    }
    return Sample(folder / "s.mmpy", configs, splits, whole)


def write_vectors(path: Path, columns: Mapping[str, np.ndarray]) -> memmpy.Store:
    """Write columns to a store without files."""
    for key, values in columns.items():
        with WriteVector(path, key) as file:
            file.extend(values)
    return memmpy.open(path)


def epoch(loader: SplitLoader) -> dict[str, Any]:
    """Return all batches of an epoch, one after the other; lists as they are."""
    parts: dict[str, list[Any]] = {}
    for batch in loader.batches(0):
        for key, values in batch.items():
            own = [*values] if isinstance(values, memmpy.Jagged) else np.array(values)
            parts.setdefault(key, []).append(own)
    return {
        key: [one for part in own for one in part]
        if isinstance(own[0], list)
        else np.concatenate(own)
        for key, own in parts.items()
    }


def arrays_of(loader: SplitLoader) -> dict[str, Any]:
    """Return all batches of an epoch, in the order of the store."""
    whole = epoch(loader)
    order = np.argsort(whole["_index"])
    return {
        key: [values[i] for i in order] if isinstance(values, list) else values[order]
        for key, values in whole.items()
    }


def total(weights: Iterable[Any]) -> float:
    """Return the exact sum."""
    return math.fsum(map(float, weights))
