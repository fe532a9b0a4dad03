"""A store of events for the tests of BDTs, and the same events as arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy import Objects, Splits, WriteVector

__all__ = ["TreeEvents", "make_events"]

FEATURES = ["met", "njets", "jet_pt[0]", "jet_eta[0]", "jet_pt[1]", "jet_eta[1]"]


@dataclass(frozen=True)
class TreeEvents:
    """A store, and its content as arrays in the order of entries."""

    path: Path
    columns: dict[str, np.ndarray]
    features: np.ndarray

    def training_set(self, **options: Any) -> memmpy.TrainingSet:
        """Return a training set with weights of both signs and missing values."""
        given: dict[str, Any] = {
            "splits": Splits(by=("event",)),
            "inputs": {
                "flat": ["met", "njets"],
                "jets": Objects(
                    {"jet_pt": ["pt_1", "pt_2"], "jet_eta": ["eta_1", "eta_2"]}, length=2
                ),
            },
            "labels": {"background": "!is_signal", "signal": "is_signal"},
            "weight": "w",
            "spectators": ["event"],
            "missing": -999,
            "fill": None,
            "normalise": None,
        }
        return memmpy.open(self.path).training_set(**(given | options))


def make_events(path: Path, num: int) -> TreeEvents:
    """Write events whose classes differ, some without a second jet, and some of weight < 0."""
    random = np.random.default_rng(num)
    is_signal = random.random(num) < 0.4
    has_second = random.random(num) < 0.7
    columns = {
        "event": np.arange(num),
        "is_signal": is_signal,
        "met": random.exponential(np.where(is_signal, 90, 50)).astype(np.float32),
        "njets": random.poisson(3 + is_signal, num).astype(np.int32),
        "w": random.uniform(0.5, 1.5, num) * np.where(random.random(num) < 0.1, -1, 1),
    }
    for name, has_jet in (("1", True), ("2", has_second)):
        pt, eta = random.exponential(40, num) + 20 * is_signal, random.normal(size=num)
        for key, values in {"pt": pt, "eta": eta}.items():
            columns[f"{key}_{name}"] = np.where(has_jet, values, -999).astype(np.float32)
    for key, values in columns.items():
        with WriteVector(path, key) as column:
            column.extend(values)
    keys = ["met", "njets", "pt_1", "eta_1", "pt_2", "eta_2"]
    features = np.stack([columns[key].astype(np.float32) for key in keys], axis=1)
    return TreeEvents(path, columns, np.where(features == -999, np.float32("nan"), features))
