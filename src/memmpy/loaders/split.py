"""Batches of one split, in a new order each epoch."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import final

from memmpy.errors import OptionError
from memmpy.loaders.columns import BYTES_WORTH_COMPILING, ColumnWindows, check_data
from memmpy.loaders.explaining import Explanation, explain
from memmpy.loaders.packed import Packed, RowWindows, cut_ranges, rows_between
from memmpy.loaders.paging import advise_of
from memmpy.loaders.shuffling import ShuffleOption, choose_shuffle
from memmpy.loaders.windows import Windows, load_batches
from memmpy.machine import memory_for_pages, num_cores
from memmpy.order import (
    Fractions,
    Shard,
    TicketsOf,
    check_flag,
    check_fractions,
    check_integer,
    check_seed,
    check_turn,
    choose_members,
    derive_key,
    num_batches,
    split_number,
    ticket_ranges,
)
from memmpy.typing import Array, Batch, Data

__all__ = ["SplitLoader"]

#: Threads that gather, at most, where no number is given: memory has no more to give.
_MAX_THREADS = 8


@final
class SplitLoader:
    """Hand out the entries of one split in batches, in a new order each epoch.

    Each ``iter()`` is the next epoch, and an epoch hands out each entry of the split once. The
    order follows from (seed, epoch, position) alone, with any number of threads. A batch is a dict
    with the values of each key, and ``"_index"``: its int64 entries. Arrays of a batch are
    writable and independent of the data. Those of single numbers of a skim are strided, as fields
    of a structured array are; its groups and all other arrays are contiguous.

    Parameters
    ----------
    data : Skim, or mapping of str to column
        A skim; or arrays, memory maps, or columns that memmpy opens, with as many entries as each
        other.
    batch_size : int
        Entries in a batch.
    split : int or str
        Which of the `fractions`; the first three are also ``"train"``, ``"val"`` and ``"test"``.
    fractions : sequence of float, optional
        The size of each split; their sum is 1. Where not given, 0.8, 0.1 and 0.1; of 5 folds 0.6,
        0.2 and 0.2, so that each fold holds out one part for the test and another to validate.
    fold, num_folds : int, optional
        For cross-validation: fold 0 splits as without, and each next one turns the circle of all
        entries by ``1 / num_folds``. So the split that has this share, of all folds together, is
        every entry once.
    rank, num_ranks : int
        Which equal part of the split to hand out, where several processes train together: all
        parts are disjoint, and differ by one entry at most.
    subindex : array of int or bool, optional
        The entries to use, such as those that pass a cut: int64 entries, each once, or a mask over
        all entries. It does not change in which split an entry is. Not for a skim.
    split_seed : int, optional
        Chooses which entries are in which split, where there are no `tickets`; 0 where not given.
        Loaders of one training must share it. A skim has its own.
    seed : int
        Chooses the order of the epochs.
    epoch : int
        The epoch of the first ``iter()``.
    shuffle : bool, "exact" or "blocks"
        With False, every epoch is in the order of the entries, of `subindex`, or of the skim.
        ``"exact"`` is a permutation of all entries. ``"blocks"``, for skims, reads blocks of
        consecutive rows in a new order and mixes all rows of a window of blocks: as the rows of a
        skim lie in random order already, batches are as random, and come several times as fast.
        True takes blocks for a skim of more than 16 MiB, and else the permutation.
    block_rows, window_blocks : int, optional
        Rows of a block, and blocks of a window; chosen by the size of a row where not given.
    drop_last : bool
        Leave out the last batch if it is short.
    num_threads : int, optional
        Threads that gather ahead; with 0 the caller's own does. One a core, up to 8, where not
        given.
    tickets : callable, optional
        From int64 entries to their uint64 tickets. Then a split is an interval of tickets, and its
        size only about its fraction. Without it the split hangs on the entry's number and on how
        many there are, and has its exact size. A skim has its own.

    Attributes
    ----------
    epoch : int
        The epoch of the next ``iter()``. Can be set.
    num_entries : int
        Entries of this split that are used.

    Examples
    --------
    >>> import numpy as np
    >>> loader = SplitLoader({"x": np.arange(1000)}, batch_size=128, split="train", seed=7)
    >>> loader
    SplitLoader(split 'train' of (0.8, 0.1, 0.1): 800 entries, 7 batches of 128)
    >>> sum(len(batch["x"]) for batch in loader)
    800
    """

    def __init__(
        self,
        data: Data | Packed,
        batch_size: int = 32,
        *,
        split: int | str = 0,
        fractions: Sequence[float | Fraction] | None = None,
        fold: int | None = None,
        num_folds: int | None = None,
        rank: int = 0,
        num_ranks: int = 1,
        subindex: Array | Sequence[int] | Sequence[bool] | None = None,
        split_seed: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        shuffle: ShuffleOption = True,
        block_rows: int | None = None,
        window_blocks: int | None = None,
        drop_last: bool = False,
        num_threads: int | None = None,
        tickets: TicketsOf | None = None,
    ) -> None:
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.seed = check_seed("seed", seed)
        self.epoch = epoch
        self.drop_last = check_flag("drop_last", drop_last)
        if num_threads is None:
            num_threads = min(num_cores(), _MAX_THREADS)
        self.num_threads = check_integer("num_threads", num_threads, minimum=0)
        if fractions is None:
            fractions = _default_fractions(num_folds)
        exact, turn = check_turn(check_fractions(fractions), fold, num_folds)
        part = _Part(exact, split_number(split, len(exact)), turn, *_check_rank(rank, num_ranks))
        if isinstance(data, Packed):
            if subindex is not None or tickets is not None:
                name = "subindex" if tickets is None else "tickets"
                raise OptionError(f"a skim has its own cut and tickets: no {name} beside it")
            if split_seed not in {None, data.split_seed}:
                message = f"the skim was made with split_seed {data.split_seed}, not {split_seed}"
                raise OptionError(f"{message}: skim again with that one")
            self._windows: Windows = _row_windows(
                data,
                part,
                shuffle=shuffle,
                block_rows=block_rows,
                window_blocks=window_blocks,
                num_threads=self.num_threads,
            )
        else:
            columns, num_entries = check_data(data)
            members = choose_members(
                num_entries,
                split=part.split,
                fractions=part.fractions,
                turn=part.turn,
                split_seed=0 if split_seed is None else check_seed("split_seed", split_seed),
                tickets=tickets,
                subindex=subindex,
                ascending=shuffle is False,
            )
            start, stop = part.of(len(members))
            if num_ranks > 1:
                members = Shard(members, start, stop)
            is_shuffled = _check_shuffle_of_columns(shuffle)
            self._windows = ColumnWindows(
                columns, members, shuffle=is_shuffled, num_threads=self.num_threads
            )
        self.shuffle = shuffle
        self.split, self.fractions = split, tuple(map(float, exact))

    @property
    def epoch(self) -> int:
        """The epoch of the next ``iter()``."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = check_seed("epoch", epoch)

    @property
    def num_entries(self) -> int:
        """Entries of this split that are used."""
        return len(self._windows)

    def __len__(self) -> int:
        return num_batches(self.num_entries, self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch
        self.epoch = epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, *, position: int = 0) -> Generator[Batch, None, None]:
        """Iterate one given epoch, and leave `epoch` of the loader as it is.

        Parameters
        ----------
        epoch : int
            Which epoch.
        position : int
            How many entries of it were handed out before: whole batches.
        """
        return load_batches(
            self._windows,
            derive_key(self.seed, check_seed("epoch", epoch), purpose="epoch"),
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=self._check_position(position),
        )

    def explain(self) -> Explanation:
        """Say what the loader does, why, and how fast; takes about a second.

        Returns
        -------
        Explanation
            Prints as a table. Rates are measured now: what the first batches of epoch 0 give, and
            beside it what a copy of the data in order gives by as many threads, from memory or,
            where the data is not there, from the disk.
        """
        return explain(
            self._windows,
            batch_size=self.batch_size,
            num_batches=len(self),
            num_threads=self.num_threads,
            batches=partial(self.batches, 0),
        )

    def _check_position(self, position: int) -> int:
        position = check_integer("position", position, minimum=0)
        if position % self.batch_size or position > len(self) * self.batch_size:
            message = (
                f"position {position:,} is not at the edge of a batch: give a multiple of the "
                f"batch size {self.batch_size:,} up to {len(self) * self.batch_size:,}"
            )
            raise OptionError(message)
        return position

    def __repr__(self) -> str:
        return (
            f"SplitLoader(split {self.split!r} of {self.fractions}: {self.num_entries:,} entries, "
            f"{len(self):,} batches of {self.batch_size:,})"
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """Which part of all entries a loader hands out: a split, turned, and of it a rank's share."""

    fractions: Fractions
    split: int
    turn: Fraction
    rank: int
    num_ranks: int

    def of(self, num: int) -> tuple[int, int]:
        """Return the first member of `num` that the rank has, and the one behind its last."""
        return num * self.rank // self.num_ranks, num * (self.rank + 1) // self.num_ranks


def _default_fractions(num_folds: int | None) -> tuple[float | Fraction, ...]:
    if num_folds is None:
        return 0.8, 0.1, 0.1
    share = Fraction(1, check_integer("num_folds", num_folds, minimum=2))
    return (1 - 2 * share, share, share) if num_folds > 2 else (share, Fraction(0), share)


def _check_rank(rank: int, num_ranks: int) -> tuple[int, int]:
    num_ranks = check_integer("num_ranks", num_ranks, minimum=1)
    rank = check_integer("rank", rank, minimum=0)
    if rank >= num_ranks:
        raise OptionError(f"no rank {rank} of {num_ranks}: give 0 to {num_ranks - 1}")
    return rank, num_ranks


def _check_shuffle_of_columns(shuffle: ShuffleOption) -> bool:
    if shuffle == "blocks":
        message = (
            "shuffle='blocks' is for skims, whose rows lie in random order: columns may be sorted, "
            "and then blocks of them are no shuffle; make a skim, or take shuffle=True"
        )
        raise OptionError(message)
    return shuffle == "exact" or check_flag("shuffle", shuffle)


def _row_windows(
    packed: Packed,
    part: _Part,
    *,
    shuffle: ShuffleOption,
    block_rows: int | None,
    window_blocks: int | None,
    num_threads: int,
) -> RowWindows:
    ranges = rows_between(packed, ticket_ranges(part.fractions, part.split, turn=part.turn))
    ranges = cut_ranges(ranges, *part.of(sum(map(len, ranges))))
    lists = sum(content.nbytes + offsets.nbytes for content, offsets in packed.lists.values())
    num_bytes = packed.rows.nbytes + lists
    chosen = choose_shuffle(
        shuffle,
        block_rows=block_rows,
        window_blocks=window_blocks,
        num_rows=len(packed.rows),
        row_bytes=num_bytes / max(1, len(packed.rows)),
    )
    compiled = num_bytes >= BYTES_WORTH_COMPILING
    return RowWindows(
        packed,
        ranges,
        shuffle=chosen,
        compiled=compiled,
        num_threads=num_threads,
        memory=memory_for_pages,
        advise=advise_of(compiled=compiled),
    )
