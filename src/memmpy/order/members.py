"""Members: the entries of an epoch, by number."""

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from memmpy.order.permutation import Permutation
from memmpy.order.subset import Subset
from memmpy.typing import Array, Entries

__all__ = ["ChosenEntries", "EveryEntry", "Members", "PermutedEntries"]


class Members(Protocol):
    """Some entries in some order, each once."""

    def __len__(self) -> int:
        """Return the number of entries."""
        ...

    def entries(self, positions: Entries, *, compiled: bool) -> Entries:
        """Return the entry at each position, 0 <= position < len; by Numba where `compiled`."""
        ...


@final
@dataclass(frozen=True, slots=True)
class EveryEntry:
    """All entries 0..num-1, in their order."""

    num: int

    def __len__(self) -> int:
        return self.num

    def entries(self, positions: Entries, *, compiled: bool) -> Entries:  # noqa: ARG002
        """Return the entry at each position."""
        return positions


@final
@dataclass(frozen=True, slots=True)
class PermutedEntries:
    """The `num` entries of a permutation from `start` on; after its end it starts again."""

    permutation: Permutation
    start: int
    num: int

    def __len__(self) -> int:
        return self.num

    def entries(self, positions: Entries, *, compiled: bool) -> Entries:
        """Return the entry at each position."""
        positions = (positions + self.start) % len(self.permutation)
        return self.permutation(positions, compiled=compiled)


@final
@dataclass(frozen=True, slots=True)
class ChosenEntries:
    """A subset of all entries, or of a selection, which is never copied."""

    subset: Subset
    selection: Array | None

    def __len__(self) -> int:
        return len(self.subset)

    def entries(self, positions: Entries, *, compiled: bool) -> Entries:
        """Return the entry at each position, in the order of the selection."""
        chosen = self.subset.select(positions, compiled=compiled)
        if self.selection is None:
            return chosen
        return np.take(self.selection, chosen).astype(np.int64, copy=False)
