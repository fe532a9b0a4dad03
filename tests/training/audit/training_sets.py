"""Training sets with planted faults, of columns that are written for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy import Audit, Finding, Jagged, Splits, TrainingSet


def write_columns(path: Path, columns: Mapping[str, Any]) -> Path:
    """Write columns, arrays or lists, to a store."""
    for key, values in columns.items():
        if isinstance(values, Jagged):
            with memmpy.WriteJagged(path, key) as lists:
                lists.extend(values)
        else:
            with memmpy.WriteVector(path, key) as vector:
                vector.extend(values)
    return path


def clean_columns(num: int, *, seed: int = 0) -> dict[str, Any]:
    """Return columns of events without a fault; of 10, four are signal, with higher momenta."""
    random = np.random.default_rng([seed, num])
    is_signal = random.random(num) < 0.4
    counts = random.poisson(2.0, num)
    offsets = np.append(0, np.cumsum(counts))
    return {
        "event": np.arange(num),
        "signal": is_signal,
        "pt": random.exponential(np.where(is_signal, 60.0, 40.0)).astype(np.float32),
        "eta": random.normal(size=num),
        "njets": random.poisson(np.where(is_signal, 4.0, 3.0)).astype(np.int32),
        "tagged": random.random(num) < 0.004,
        "w": random.uniform(0.5, 1.5, num),
        "jet_pt": Jagged(random.exponential(30.0, counts.sum()), offsets),
        "jet_eta": Jagged(random.normal(size=counts.sum()).astype(np.float32), offsets),
    }


def training_set_of(path: Path, columns: Mapping[str, Any], **options: Any) -> TrainingSet:
    """Write columns, and return a training set of them."""
    chosen: dict[str, Any] = {
        "inputs": {"event": ["pt", "eta", "njets"]},
        "labels": {"background": "!signal", "signal": "signal"},
        "weight": "w",
        "splits": Splits(by=("event",)),
    }
    return memmpy.open(write_columns(path, columns)).training_set(**{**chosen, **options})


def of_kind(audit: Audit, kind: str, *levels: str) -> list[Finding]:
    """Return the findings of a kind, of some levels."""
    return [
        one for one in audit.findings if one.kind == kind and (not levels or one.level in levels)
    ]


def above_info(audit: Audit) -> list[tuple[str, str]]:
    """Return kind and key of the findings above info."""
    return [(one.kind, one.key) for one in audit.findings if one.level != "info"]
