"""The protocol `EpochOrder`: which members of an epoch come next, as integers.

An order is one file of this room, such as `sequential`, `exact` or `blocks`, and one line of
`memmpy.loaders.epoch`, which makes orders. It knows the number of members and nothing of the data:
a loader carries out its requests.
"""

from collections.abc import Iterator
from typing import Protocol

from memmpy.typing import Entries

__all__ = ["EpochOrder", "GatherRequest", "batch_runs", "num_batches", "num_delivered"]


class GatherRequest(Protocol):
    """Members that come at consecutive positions of an epoch, and are gathered at once."""

    @property
    def start(self) -> int:
        """The first of its positions."""
        ...

    @property
    def stop(self) -> int:
        """The position after its last one."""
        ...

    def members(self, *, compiled: bool) -> Entries:
        """Return the member at each position; by Numba where `compiled`."""
        ...

    def blocks(self) -> tuple[Entries, Entries]:
        """Return the starts and counts of the runs of members that it reads, in any order.

        After the last member comes member 0.
        """
        ...


class EpochOrder(Protocol):
    """The order of one epoch. It follows from its key alone, so that an epoch can be resumed."""

    @property
    def is_scattered(self) -> bool:
        """Whether members that follow each other in the order lie far apart in the data."""
        ...

    def __len__(self) -> int:
        """Return the number of positions."""
        ...

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[GatherRequest]:
        """Yield requests for all positions from one on, in order.

        Parameters
        ----------
        position : int
            Where to start, at the edge of a batch. The first request may begin before it.
        num_rows : int
            About how many positions a request should have.
        batch_size : int
            Entries in a batch: a batch across two requests costs a copy.
        """
        ...


def num_batches(num: int, batch_size: int, *, drop_last: bool) -> int:
    """Return the number of batches of `num` entries, with the last short one unless `drop_last`."""
    return num // batch_size if drop_last else -(-num // batch_size)


def num_delivered(num: int, batch_size: int, *, drop_last: bool) -> int:
    """Return how many of `num` entries lie in a batch."""
    return num - num % batch_size if drop_last else num


def batch_runs(
    num: int, position: int, *, num_rows: int, batch_size: int
) -> Iterator[tuple[int, int]]:
    """Yield the (start, stop) of runs of whole batches that cover the positions up to `num`.

    A run has as many batches as fit in `num_rows`, and at least one. All boundaries are at edges of
    batches if `position` is.
    """
    rows = max(1, num_rows // batch_size) * batch_size
    for start in range(position, num, rows):
        yield start, min(start + rows, num)
