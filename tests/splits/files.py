"""ROOT files whose entries know who they are, and loaders that tell it."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from memmpy import SplitLoader

Trees = dict[str, dict[str, np.ndarray]]


def write_file(path: Path, trees: Trees, *, name: uuid.UUID | None = None) -> Path:
    """Write a ROOT file of some trees, with a UUID of its own unless one is given."""
    with uproot.recreate(path, uuid_function=lambda: name or uuid.uuid4()) as file:
        for tree, branches in trees.items():
            written = file.mktree(tree, {key: values.dtype for key, values in branches.items()})
            if len(next(iter(branches.values()))):
                written.extend(branches)
    return path


def write_events(path: Path, event: Any, *, tree: str = "t", **more: Any) -> Path:
    """Write a file of one tree, whose `gid` counts its entries."""
    event = np.asarray(event)
    return write_file(path, {tree: {"event": event, "gid": np.arange(len(event)), **more}})


def values_of(loader: SplitLoader, key: str) -> np.ndarray:
    """Return the values of an epoch."""
    parts = [np.asarray(batch[key]) for batch in loader.batches(0)]
    return np.concatenate([np.empty(0, np.int64), *parts])
