"""The order of a permutation of all members: `shuffle="exact"`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np

from memmpy.order.epoch_order import batch_runs
from memmpy.order.permutation import Permutation
from memmpy.typing import Entries

__all__ = ["ExactOrder", "PermutedRun"]


class PermutedRun(NamedTuple):
    """The members that a permutation has at the positions start..stop-1."""

    permutation: Permutation
    start: int
    stop: int

    def members(self, *, compiled: bool) -> Entries:
        """Return the member at each position."""
        return self.permutation.run(self.start, self.stop, compiled=compiled)

    def blocks(self) -> tuple[Entries, Entries]:
        """Return each member as a block."""
        members = self.members(compiled=False)
        return members, np.ones_like(members)


@final
@dataclass(frozen=True, slots=True)
class ExactOrder:
    """Each member with the same probability at each position.

    Parameters
    ----------
    permutation : Permutation
        The permutation of the members.
    """

    is_scattered: ClassVar[bool] = True
    permutation: Permutation

    def __len__(self) -> int:
        return len(self.permutation)

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[PermutedRun]:
        """Yield runs of positions of the permutation: see `EpochOrder`."""
        for run in batch_runs(len(self), position, num_rows=num_rows, batch_size=batch_size):
            yield PermutedRun(self.permutation, *run)
