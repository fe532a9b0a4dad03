"""Files with seeded defects, and stores of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import uproot

import memmpy

Events: TypeAlias = dict[str, Any]


def make_events(num: int, *, first: int = 0, seed: int = 0) -> Events:
    """Return events with names, and with a content that no two have by chance."""
    random = np.random.default_rng([seed, first, num])
    return {
        "run": np.full(num, 1, np.int32),
        "event": np.arange(first, first + num, dtype=np.int64),
        "njets": random.poisson(3, num).astype(np.int32),
        "pt": random.exponential(50, num).astype(np.float32),
        "eta": random.normal(size=num).astype(np.float32),
        "mass": random.normal(size=num),
    }


def rows(events: Events, chosen: Any) -> Events:
    """Return some rows of events."""
    return {key: values[chosen] for key, values in events.items()}


def chain(*parts: Events) -> Events:
    """Return events one after the other."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def write_trees(path: Path, trees: Mapping[str, Events]) -> Path:
    """Write a ROOT file."""
    with uproot.recreate(path) as file:
        for name, events in trees.items():
            types = {key: np.dtype((v.dtype, v.shape[1:])) for key, v in events.items()}
            tree = file.mktree(name, types)
            if len(events["event"] if "event" in events else next(iter(events.values()))):
                tree.extend(events)
    return path


def check(
    configs: list[memmpy.RFileConfig], path: Path, splits: memmpy.Splits | None = None
) -> memmpy.Audit:
    """Convert files, and return what is found in the store."""
    memmpy.convert(configs, path, keys=["*"], progress=False, splits=splits)
    return memmpy.open(path).check()


def found(audit: memmpy.Audit, *levels: str) -> dict[str, int]:
    """Return the counts by kind of findings of some levels."""
    chosen = [one for one in audit.findings if not levels or one.level in levels]
    counts = {one.kind: one.count for one in chosen}
    assert len(counts) == len(chosen), audit
    return counts
