"""From the windows of an epoch to its batches, some windows ahead."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from typing import NamedTuple, Protocol, TypeAlias

from memmpy.loaders.batching import Window, batches_of
from memmpy.loaders.pagecache.advice import Reading
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.order import num_delivered
from memmpy.parallel import prefetch
from memmpy.typing import Array, Batch

__all__ = ["Gather", "Plan", "Windows", "load_batches", "num_in_memory", "num_on_way"]

#: Gathers one window; called in any thread.
Gather: TypeAlias = Callable[[], Window]


class Plan(NamedTuple):
    """How the windows of an epoch are gathered.

    Attributes
    ----------
    tasks : iterator of callables
        What gathers each window, in order.
    begin : int
        The position of the first.
    meanwhile : context manager
        Held while there are tasks to do; what still runs when it is left, nobody waits for.
    """

    tasks: Iterator[Gather]
    begin: int
    meanwhile: AbstractContextManager[None] = nullcontext()


class Windows(Protocol):
    """Entries that are gathered window by window, in an order of each epoch's own."""

    def __len__(self) -> int:
        """Return the number of entries of an epoch."""
        ...

    @property
    def shuffle(self) -> ShuffleChoice:
        """How entries are shuffled."""
        ...

    @property
    def arrays(self) -> Sequence[Array]:
        """What the data lies in, as far as that is known."""
        ...

    @property
    def entry_bytes(self) -> float:
        """Bytes of an entry of the data, on average."""
        ...

    @property
    def num_data(self) -> int:
        """Entries of all data."""
        ...

    def reading(self) -> Reading:
        """Return how an epoch that began now would be read."""
        ...

    def plan(self, key: int, *, position: int, batch_size: int) -> Plan:
        """Return how the windows from one that holds a position on are gathered.

        Parameters
        ----------
        key : int
            Of the epoch: 64 bits from which its order follows.
        position : int
            How many entries of it were handed out before; the first window may begin earlier.
        batch_size : int
            Into what the windows will be cut.
        """
        ...


def num_on_way(num_threads: int) -> int:
    """Return how many windows are gathered or wait, with the one that a consumer waits for.

    Threads go on while the consumer, who may have gathered one, too, takes one after the other.
    """
    return num_threads + 3 if num_threads else 1


def num_in_memory(num_threads: int) -> int:
    """Return how many windows need memory: with those on their way the one that is handed out.

    And the one before, of which a batch is left.
    """
    return num_on_way(num_threads) + 2


def load_batches(
    windows: Windows,
    key: int,
    *,
    batch_size: int,
    drop_last: bool,
    num_threads: int,
    position: int,
) -> Generator[Batch, None, None]:
    """Yield the batches of one epoch, from `position` on.

    Neither the size of the windows nor the number of threads changes what is in a batch. Beside
    those `num_on_way`, one or two windows are in memory; a batch's arrays are views of their
    window, which lives as long as one of its batches does.

    Parameters
    ----------
    windows : Windows
        What is gathered.
    key : int
        Of the epoch.
    position : int
        Where to start, at the edge of a batch.
    """
    if position >= num_delivered(len(windows), batch_size, drop_last=drop_last):
        return
    tasks, begin, meanwhile = windows.plan(key, position=position, batch_size=batch_size)
    depth = num_on_way(num_threads)
    # What runs when an epoch is left is waited for: it should learn before that nobody needs it.
    with closing(prefetch(tasks, num_threads=num_threads, depth=depth)) as gathered, meanwhile:
        yield from batches_of(gathered, batch_size, drop_last=drop_last, skip=position - begin)
