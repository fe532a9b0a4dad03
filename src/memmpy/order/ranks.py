"""The order of one rank of several: its part of each batch of an order that all ranks share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from memmpy.order.epoch_order import EpochOrder, GatherRequest
from memmpy.typing import Entries

__all__ = ["RankOrder", "Ranks"]


@final
@dataclass(frozen=True, slots=True)
class Ranks:
    """How ranks share the batches of an epoch.

    Step t has the positions ``t * step_size`` and on of an order that does not depend on the number
    of ranks. Rank r has `batch_size` of them, from ``t * step_size + r * batch_size`` on. In a
    shorter last step, the numbers of entries of the ranks differ by at most one; a rank that would
    have none repeats one entry.

    Parameters
    ----------
    rank, world_size : int
        The number of this rank, and how many there are.
    batch_size : int
        Entries per batch of one rank.
    drop_last : bool
        Whether to leave out a last step that is shorter.
    worker, num_workers : int, default 0, 1
        Processes that load the batches of a rank in turns: worker w has every `num_workers`-th
        batch, from number w on.
    """

    rank: int
    world_size: int
    batch_size: int
    drop_last: bool
    worker: int = 0
    num_workers: int = 1

    @property
    def num_parts(self) -> int:
        """The number of processes that share an epoch: the workers of all ranks."""
        return self.world_size * self.num_workers

    @property
    def step_size(self) -> int:
        """Entries per step: a batch of each rank."""
        return self.batch_size * self.world_size

    def repeats(self, num: int) -> bool:
        """Return whether the last batch of `num` entries is one that another rank has, too."""
        left = self._num_left(num)
        start, stop = self._part_of(left)
        return left > 0 and start == stop and self._has(num // self.step_size)

    def num_before(self, position: int, num: int) -> int:
        """Return how many entries this rank has before a position of `num`."""
        steps, inside = divmod(position, self.step_size)
        num_own = (steps - self.worker + self.num_workers - 1) // self.num_workers
        if not self._has(steps):
            own = 0
        elif steps < num // self.step_size:
            own = min(max(0, inside - self.rank * self.batch_size), self.batch_size)
        else:
            start, stop = self._last_batch(num)
            own = min(max(start, inside), stop) - start
        return num_own * self.batch_size + own

    def positions(self, start: int, stop: int, num: int) -> Entries:
        """Return the positions of the entries start..stop-1 of this rank, of `num` positions."""
        own_steps, inside = np.divmod(np.arange(start, stop), self.batch_size)
        steps = own_steps * self.num_workers + self.worker
        is_last = steps == num // self.step_size
        begins = np.where(is_last, self._last_batch(num)[0], self.rank * self.batch_size)
        positions: Entries = steps * self.step_size + begins + inside
        return positions

    def _has(self, step: int) -> bool:
        """Return whether this worker has a step."""
        return step % self.num_workers == self.worker

    def _last_batch(self, num: int) -> tuple[int, int]:
        """Return the (start, stop) of this rank in the last step if it is shorter, else nothing."""
        left = self._num_left(num)
        start, stop = self._part_of(left)
        if left and start == stop:
            start = max(0, stop - 1)
            stop = start + 1
        return start, stop

    def _num_left(self, num: int) -> int:
        """Return how many of `num` entries lie in a last step that is shorter."""
        return 0 if self.drop_last else num % self.step_size

    def _part_of(self, num: int) -> tuple[int, int]:
        return num * self.rank // self.world_size, num * (self.rank + 1) // self.world_size


class RankRun(NamedTuple):
    """The entries start..stop-1 of a rank, which lie in a request of all ranks."""

    request: GatherRequest
    order: "RankOrder"
    start: int
    stop: int

    def members(self, *, compiled: bool) -> Entries:
        """Return the member at each position."""
        positions = self.order.ranks.positions(self.start, self.stop, len(self.order.order))
        members = self.request.members(compiled=compiled)
        own: Entries = members[positions - self.request.start]
        return own

    def blocks(self) -> tuple[Entries, Entries]:
        """Return the blocks of all ranks."""
        return self.request.blocks()


@final
@dataclass(frozen=True, slots=True)
class RankOrder:
    """The part of one rank of the order of an epoch.

    Parameters
    ----------
    order : EpochOrder
        The order of all ranks, which does not depend on their number.
    ranks : Ranks
        This rank, and the batches.

    Examples
    --------
    >>> order = RankOrder(SequentialOrder(10), Ranks(1, 2, batch_size=2, drop_last=False))
    >>> [run.members(compiled=False) for run in order.requests(0, num_rows=4, batch_size=2)]
    [array([2, 3, 6, 7]), array([9])]
    """

    order: EpochOrder
    ranks: Ranks

    @property
    def is_scattered(self) -> bool:
        """Whether members that follow each other in the order lie far apart in the data."""
        return self.order.is_scattered

    def __len__(self) -> int:
        return self.ranks.num_before(len(self.order), len(self.order))

    @property
    def repeats(self) -> bool:
        """Whether the last batch is one entry that another rank has, too."""
        return self.ranks.repeats(len(self.order))

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[RankRun]:
        """Yield what a rank has of the requests of all ranks: see `EpochOrder`."""
        ranks, num = self.ranks, len(self.order)
        if position >= len(self):
            return
        requests = self.order.requests(
            (position // batch_size * ranks.num_workers + ranks.worker) * ranks.step_size,
            num_rows=num_rows * ranks.num_parts,
            batch_size=ranks.step_size,
        )
        for request in requests:
            start, stop = (ranks.num_before(at, num) for at in (request.start, request.stop))
            if start < stop:
                yield RankRun(request, self, start, stop)
