"""A training set with an array and objects as inputs, and what is compared of its batches."""

from typing import Any

import torch

from memmpy import Objects, Store, TrainingSet
from tests.training.samples import LABELS, Sample

__all__ = ["BATCH_SIZE", "bytes_of", "entries_of", "flat", "training_set_of"]

BATCH_SIZE = 400

torch.set_num_threads(1)  # more only wait for each other, where several processes run tests


def training_set_of(store: Store, *, length: int | None = None) -> TrainingSet:
    """Return a training set; with a length, its objects are padded, and else lists."""
    max_length = 4 if length is None else None
    objects = Objects(["jet_pt", "jet_eta"], length=length, max_length=max_length)
    return store.training_set(
        inputs={"kin": ["met", "pt_1"], "jets": objects},
        labels=LABELS,
        weight="w",
        missing=-999,
        scale="standard",
    )


def entries_of(sample: Sample, split: str, fold: int = 0) -> list[int]:
    """Return the entries of a split, by the rule alone."""
    entries: list[int] = sample.is_in(split, fold).nonzero()[0].tolist()
    return entries


def flat(batches: list[list[int]]) -> list[int]:
    """Return the entries of batches, one after the other."""
    return [entry for batch in batches for entry in batch]


def bytes_of(batch: dict[str, Any]) -> dict[str, list[bytes]]:
    """Return the values of all tensors of a batch, and its numbers."""
    return {
        key: [str(one).encode() if isinstance(one, int) else one.numpy().tobytes() for one in many]
        for key, values in batch.items()
        for many in [values if isinstance(values, tuple) else (values,)]
    }
