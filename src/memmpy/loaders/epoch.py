"""Loads the batches of an epoch: gathers chunks ahead in threads, in the given order."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, TypeVar, final

import numpy as np

from memmpy.display import quiet
from memmpy.kernels import BYTES_MOVED, derive_key, is_worth_compiling
from memmpy.loaders.chunk import batches_of, prefetch_depth
from memmpy.loaders.column_gatherer import ColumnGatherer
from memmpy.loaders.gatherer import Gatherer
from memmpy.loaders.pagecache.advice import PageCache, ReadMode
from memmpy.loaders.random_reads import RandomReads
from memmpy.loaders.readahead import AHEAD_BYTES, EpochPlan, ReadAhead
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.order import (
    BlockOrder,
    EpochOrder,
    ExactOrder,
    GatherRequest,
    Members,
    Mixture,
    MixtureOrder,
    Permutation,
    RankOrder,
    Ranks,
    SequentialOrder,
    num_delivered,
)
from memmpy.parallel import prefetch
from memmpy.typing import Batch, Column, Entries

__all__ = [
    "EpochChunks",
    "chunks_of_columns",
    "load_batches",
    "load_members",
    "mark_repeat",
    "quietly_at_first",
]

#: About how many members are looked up at once if nothing is gathered: 512 kB of numbers.
_NUM_MEMBERS = 1 << 16

_BatchOf = TypeVar("_BatchOf", bound=Mapping[str, Any])


def _epoch_order(
    shuffle: ShuffleChoice, num: int, *, mixture: Mixture | None, seed: int, epoch: int
) -> EpochOrder:
    """Return the order of `num` members, or of a mixture: the one place that makes orders."""
    if mixture is not None:
        return MixtureOrder(
            mixture,
            block_rows=shuffle.block_rows if shuffle.kind == "blocks" else 1,
            window_rows=shuffle.window_rows,
            key=derive_key(seed, purpose="mixture"),
            epoch=epoch,
        )
    key = derive_key(seed, epoch, purpose="epoch")
    if shuffle.kind == "exact":
        return ExactOrder(Permutation(num, key=key))
    if shuffle.kind == "blocks":
        block_rows, window_blocks = shuffle.block_rows, shuffle.window_blocks
        return BlockOrder(num, block_rows=block_rows, window_blocks=window_blocks, key=key)
    return SequentialOrder(num)


@final
class EpochChunks:
    """The data of a loader, in chunks: each epoch has an order, and a gatherer carries it out.

    Parameters
    ----------
    gatherer : Gatherer
        Gathers the members.
    shuffle : ShuffleChoice
        The kind of order.
    num_threads : int
        How many threads gather beside the caller's.
    ranks : Ranks, optional
        How several processes share the batches, and the memory for chunks.
    mixture : Mixture, optional
        The classes of the members and their shares in each batch; else each member comes once.
    """

    def __init__(
        self,
        gatherer: Gatherer,
        shuffle: ShuffleChoice,
        *,
        num_threads: int,
        ranks: Ranks | None = None,
        mixture: Mixture | None = None,
    ) -> None:
        self.gatherer: Gatherer = gatherer
        self.shuffle: ShuffleChoice = shuffle
        self._mixture = mixture
        self._num_threads = num_threads
        self._ranks = None if ranks is None or ranks.num_parts == 1 else ranks
        # Whole windows, of which a chunk has at least one.
        num_windows = max(1, round(gatherer.chunk_rows / shuffle.window_rows))
        self._chunk_rows = num_windows * shuffle.window_rows
        order = self._order(seed=0, epoch=0)
        self._num, self._is_scattered = len(order), order.is_scattered
        #: Whether the last batch is one entry that another rank has, too.
        self.repeats: bool = isinstance(order, RankOrder) and order.repeats

    def __len__(self) -> int:
        return self._num

    def read_mode(self) -> ReadMode:
        """Return how an epoch that began now would be read."""
        return self.gatherer.read_mode(is_scattered=self._is_scattered)

    def plan(self, *, seed: int, epoch: int, position: int, batch_size: int) -> EpochPlan:
        """Return how the chunks from one that holds a position on are gathered.

        Parameters
        ----------
        seed, epoch : int
            They determine the order: 0 <= number < 2**64.
        position : int
            How many entries of it were handed out before; the first chunk may begin earlier.
        batch_size : int
            Entries in a batch.
        """
        order, gatherer = self._order(seed=seed, epoch=epoch), self.gatherer
        if order.is_scattered:
            reads = RandomReads(
                gatherer,
                order,
                chunk_rows=self._chunk_rows,
                num_threads=self._num_threads,
                num_processes=1 if self._ranks is None else self._ranks.num_parts,
            )
            return reads.plan(position, batch_size=batch_size)
        mode = self.read_mode()
        requests = order.requests(position, num_rows=self._chunk_rows, batch_size=batch_size)
        first = next(requests)
        requests = chain([first], requests)
        if not mode.is_ahead:
            return EpochPlan((partial(gatherer.gather, one) for one in requests), first.start)
        part_bytes = (first.stop - first.start) * gatherer.entry_bytes
        ahead = ReadAhead(
            gatherer,
            num_ahead=max(1, round(AHEAD_BYTES / max(1.0, part_bytes))),
            num_behind=prefetch_depth(self._num_threads) if mode.is_dropped else None,
        )
        return EpochPlan(ahead.tasks(requests), first.start, gatherer.mapped.random_access())

    def requests(
        self, *, seed: int, epoch: int, position: int, batch_size: int
    ) -> Iterator[GatherRequest]:
        """Yield requests for the members of an epoch from one that holds a position on."""
        order = self._order(seed=seed, epoch=epoch)
        return order.requests(position, num_rows=_NUM_MEMBERS, batch_size=batch_size)

    def _order(self, *, seed: int, epoch: int) -> EpochOrder:
        num, mixture = len(self.gatherer), self._mixture
        order = _epoch_order(self.shuffle, num, mixture=mixture, seed=seed, epoch=epoch)
        return order if self._ranks is None else RankOrder(order, self._ranks)


def chunks_of_columns(
    columns: Mapping[str, Column],
    members: Members,
    *,
    is_shuffled: bool,
    num_threads: int,
    ranks: Ranks | None = None,
    page_cache: PageCache | None = None,
) -> EpochChunks:
    """Return columns in chunks, shuffled by a permutation or not at all.

    Parameters
    ----------
    columns : mapping of str to Column
        The columns to gather.
    members : Members
        The entries of an epoch.
    is_shuffled : bool
        Whether each epoch has an order of its own; else that of the members.
    num_threads, ranks
        See `EpochChunks`.
    page_cache : PageCache, optional
        The page cache that gets advice; by default that of this machine.
    """
    gatherer = ColumnGatherer(columns, members, num_threads=num_threads, page_cache=page_cache)
    if is_shuffled:
        why = "columns are gathered entry by entry"
        shuffle = ShuffleChoice("exact", 1, gatherer.chunk_rows, why)
    else:
        shuffle = ShuffleChoice("none", gatherer.chunk_rows, 1, "shuffle=False")
    return EpochChunks(gatherer, shuffle, num_threads=num_threads, ranks=ranks)


def load_batches(
    chunks: EpochChunks,
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    drop_last: bool,
    num_threads: int,
    position: int,
) -> Generator[Batch, None, None]:
    """Yield the batches of one epoch, from `position` on.

    Neither the size of chunks nor the number of threads changes what is in a batch. Up to
    `chunks_in_memory` of them are in memory. The arrays of a batch are views of its chunk, which
    lives as long as one of its batches does.

    Parameters
    ----------
    chunks : EpochChunks
        The data.
    seed, epoch : int
        See `EpochChunks.plan`.
    batch_size, drop_last, num_threads
        See `SimpleLoader`.
    position : int
        Where to start, at the edge of a batch.
    """
    if position >= num_delivered(len(chunks), batch_size, drop_last=drop_last):
        return
    tasks, begin, meanwhile = chunks.plan(
        seed=seed, epoch=epoch, position=position, batch_size=batch_size
    )
    depth = prefetch_depth(num_threads)
    # `meanwhile` ends first, so that tasks that still run learn that nobody needs them any more.
    with closing(prefetch(tasks, num_threads=num_threads, depth=depth)) as gathered, meanwhile:
        yield from batches_of(gathered, batch_size, drop_last=drop_last, skip=position - begin)


def load_members(
    chunks: EpochChunks,
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    drop_last: bool,
    num_threads: int,
    position: int,
) -> Generator[Entries, None, None]:
    """Yield the members of one epoch, from `position` on, in runs of whole batches.

    Only the last run may end with a shorter batch. The parameters are those of `load_batches`.
    """
    left = num_delivered(len(chunks), batch_size, drop_last=drop_last) - position
    if left <= 0:
        return
    compiled = is_worth_compiling(8 * len(chunks), least=BYTES_MOVED)
    requests = chunks.requests(seed=seed, epoch=epoch, position=position, batch_size=batch_size)
    first = next(requests)
    skip, rest = position - first.start, np.empty(0, np.int64)
    tasks = (partial(one.members, compiled=compiled) for one in chain([first], requests))
    with closing(
        prefetch(tasks, num_threads=num_threads, depth=prefetch_depth(num_threads))
    ) as runs:
        for run in runs:
            members = np.concatenate([rest, run[skip:]])[:left]
            skip = 0
            num = len(members) if len(members) == left else len(members) // batch_size * batch_size
            if num:
                yield members[:num]
            left, rest = left - num, members[num:]


def mark_repeat(
    batches: Generator[_BatchOf, None, None], num: int, *, weight_keys: Sequence[str]
) -> Generator[_BatchOf, None, None]:
    """Yield `num` batches; mark the last one, an entry that another rank has, too.

    Its ``"_index"`` becomes -1, and its weights 0. Values may be arrays of NumPy or of a framework.
    """
    with closing(batches):
        for number, batch in enumerate(batches, start=1):
            if number == num:
                batch["_index"][:] = -1
                for key in weight_keys:
                    batch[key][:] = 0
            yield batch


def quietly_at_first(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield batches. Write nothing about kernels, which the first batch compiles."""
    with closing(batches):
        with quiet():
            first = next(batches, None)
        if first is not None:
            yield first
            yield from batches
