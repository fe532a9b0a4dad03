"""Events to score, whose tickets come from the rule of splits in plain Python."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy import Splits
from memmpy.kernels import Words
from memmpy.training import Scores
from memmpy.typing import Array, Entries
from tests.splits.reference import ticket

Batch: TypeAlias = dict[str, Any]
NO_TICKETS: Words = np.empty(0, np.uint64)
FOLDS = Splits(by=("event",), num_folds=3, val=0.25)
NO_FOLDS = Splits(by=("event",), fractions={"train": 0.4, "val": 0.1, "test": 0.5})


@dataclass
class Events:
    """Events whose numbers are their entries, with labels and weights."""

    splits: Splits = FOLDS
    num_entries: int = 60
    classes: tuple[str, ...] = ("background", "signal")
    path: Path = Path("data.mmpy")
    fit_tickets: Words = field(default_factory=NO_TICKETS.copy)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.num_entries)
        self.labels = random.integers(0, max(1, len(self.classes)), self.num_entries)
        self.weights = random.choice([-0.5, 0.75, 1.0, 2.0], self.num_entries)
        self.drawn = np.array([ticket([n], self.splits.seed) for n in range(self.num_entries)])

    def tickets(self, entries: Entries) -> Words:
        return self.drawn[entries]

    def batch(self, entries: Any) -> Batch:
        """Return a batch as a loader hands it out."""
        index = np.asarray(entries, np.int64)
        batch = {"_index": index, "weight_physics": self.weights[index]}
        return batch | ({"label": self.labels[index]} if self.classes else {})

    def entries_of(self, split: str, fold: int | None) -> NDArray[np.int64]:
        """Return the entries of a split, by plain arithmetic on their tickets."""
        share = self.drawn.astype(np.float64) / 2.0**64
        if fold is None:
            fractions = self.splits.fractions
            assert fractions is not None
            edges = np.cumsum([0, *fractions.values()])
        else:
            num, val = self.splits.num_folds, self.splits.val
            assert num is not None
            assert val is not None
            share = (share - fold / num) % 1
            # What the fold tests, what it validates on, and what it trains on.
            edges = np.array([0, 1 / num, 1 / num + val * (1 - 1 / num), 1])
        order = ("train", "val", "test") if fold is None else ("test", "val", "train")
        number = order.index(split)
        return np.flatnonzero((edges[number] <= share) & (share < edges[number + 1]))

    def batches(self, size: int = 7) -> Iterator[tuple[Batch, Entries, int | None]]:
        """Yield batches of all test events, their entries and their fold."""
        num = self.splits.num_folds
        for fold in [None] if num is None else range(num):
            entries = self.entries_of("test", fold)
            np.random.default_rng(0).shuffle(entries)
            for start in range(0, len(entries), size):
                some = entries[start : start + size]
                yield self.batch(some), some, fold

    def scored(self, values: Array, *, size: int = 7) -> Scores:
        """Return the scores of all test events: for entry i, the value i."""
        scores = Scores(self, average=False)
        for batch, entries, fold in self.batches(size):
            scores.add(batch, values[entries], fold)
        return scores

    def loader(
        self, split: str, *, fold: int | None, batch_size: int, shuffle: bool
    ) -> list[Batch]:
        """Return the batches of a split, as a training set does."""
        entries = self.entries_of(split, fold)
        if shuffle:
            np.random.default_rng(0).shuffle(entries)
        starts = range(0, len(entries), batch_size)
        return [self.batch(entries[start : start + batch_size]) for start in starts]

    def train(self, scores: Scores, value_of: Callable[[Entries], Array]) -> tuple[Entries, Array]:
        """Add scores of all training events of all folds, and return their entries and values."""
        num = self.splits.num_folds
        parts = []
        for fold in [None] if num is None else range(num):
            entries = self.entries_of("train", fold)
            scores.add(self.batch(entries), value_of(entries), fold, split="train")
            parts.append(entries)
        whole = np.concatenate(parts)
        return whole, value_of(whole)
