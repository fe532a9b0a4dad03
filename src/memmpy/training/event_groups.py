"""`EventGroups`: groups of events by process and class, for sums of weights."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.splits import has_source_identity
from memmpy.store import Metadata, process_of, source_numbers
from memmpy.training.class_numbers import rows_of_classes
from memmpy.typing import Array, Entries

__all__ = ["EventGroups"]


@final
@dataclass(frozen=True, slots=True)
class EventGroups:
    """The group of an event: ``process * (classes + 1) + class``; the last class is "none".

    Attributes
    ----------
    processes : tuple of str
        The names of the processes; ``"all"`` for events that no file holds.
    classes : tuple of str
        The names of the classes.
    """

    processes: tuple[str, ...]
    classes: tuple[str, ...]
    _starts: NDArray[np.int64]
    _numbers: NDArray[np.int64]

    @classmethod
    def of(cls, metadata: Metadata, num_entries: int, classes: tuple[str, ...]) -> "EventGroups":
        """Return the groups of the entries of a store."""
        if not has_source_identity(metadata, num_entries):
            none = np.empty(0, np.int64)
            return cls(("all",), classes, none, none)
        texts = [", ".join(process_of(source).values()) or "all" for source in metadata.sources]
        names = tuple(dict.fromkeys(texts))
        numbers = np.array([names.index(text) for text in texts], np.int64)
        starts = np.array([source.entry_start for source in metadata.sources], np.int64)
        return cls(names, classes, starts, numbers)

    @property
    def num_groups(self) -> int:
        """The number of groups."""
        return len(self.processes) * (len(self.classes) + 1)

    def to_json(self) -> dict[str, Any]:
        """Return what the number of the group of an entry depends on, as JSON values."""
        return {
            "num_processes": len(self.processes),
            "num_classes": len(self.classes),
            "starts": self._starts.tolist(),
            "numbers": self._numbers.tolist(),
        }

    def processes_of(self, entries: Entries) -> NDArray[np.int64]:
        """Return the number of the process of each entry of the store."""
        if len(self.processes) == 1:
            return np.zeros(len(entries), np.int64)
        return self._numbers[source_numbers(self._starts, entries)]

    def __call__(self, entries: Entries, labels: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Return the group of each entry; without labels, all are in the first class."""
        first = self.processes_of(entries) * (len(self.classes) + 1)
        if labels is None:
            return first
        return first + rows_of_classes(labels, len(self.classes))

    def of_rows(self, rows: Array) -> NDArray[np.int64]:
        """Return the group of each row of a skim."""
        labels = np.asarray(rows["label"]) if "label" in (rows.dtype.names or ()) else None
        return self(np.asarray(rows["_index"]), labels)

    @property
    def group_classes(self) -> NDArray[np.int64]:
        """The class of each group."""
        return np.tile(np.arange(len(self.classes) + 1), len(self.processes))

    @property
    def group_processes(self) -> NDArray[np.int64]:
        """The process of each group."""
        return np.repeat(np.arange(len(self.processes)), len(self.classes) + 1)
