"""The order of the members themselves: no shuffle."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np

from memmpy.order.epoch_order import batch_runs
from memmpy.typing import Entries

__all__ = ["MemberList", "MemberRun", "SequentialOrder"]


class MemberRun(NamedTuple):
    """The members start..stop-1: each comes at the position of its own number."""

    start: int
    stop: int

    def members(self, *, compiled: bool) -> Entries:  # noqa: ARG002
        """Return the members."""
        return np.arange(self.start, self.stop)

    def blocks(self) -> tuple[Entries, Entries]:
        """Return the run as one block."""
        return np.array([self.start]), np.array([self.stop - self.start])


class MemberList(NamedTuple):
    """Some members, at the positions 0, 1, ..."""

    numbers: Entries

    @property
    def start(self) -> int:
        """The first position."""
        return 0

    @property
    def stop(self) -> int:
        """The number of members."""
        return len(self.numbers)

    def members(self, *, compiled: bool) -> Entries:  # noqa: ARG002
        """Return the members."""
        return self.numbers

    def blocks(self) -> tuple[Entries, Entries]:
        """Return each member as a block."""
        return self.numbers, np.ones_like(self.numbers)


@final
@dataclass(frozen=True, slots=True)
class SequentialOrder:
    """The members 0..num-1, one after the other.

    Parameters
    ----------
    num : int
        The number of members.

    Examples
    --------
    >>> list(SequentialOrder(5).requests(0, num_rows=4, batch_size=2))
    [MemberRun(start=0, stop=4), MemberRun(start=4, stop=5)]
    """

    is_scattered: ClassVar[bool] = False
    num: int

    def __len__(self) -> int:
        return self.num

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[MemberRun]:
        """Yield runs of members from a position on: see `EpochOrder`."""
        for run in batch_runs(self.num, position, num_rows=num_rows, batch_size=batch_size):
            yield MemberRun(*run)
