"""Batches of one split, in a new order each epoch."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, final

from memmpy.errors import LoaderWarning, OptionError, warn_of
from memmpy.loaders.columns import ColumnWindows, check_data, check_sendable
from memmpy.loaders.explaining import Explanation, explain
from memmpy.loaders.options import LoaderInput, LoaderOptions, check_options
from memmpy.loaders.packed import Packed, RowWindows
from memmpy.loaders.paging import system_of
from memmpy.loaders.ranges import cut_ranges, rows_between
from memmpy.loaders.shuffling import ShuffleOption, choose_shuffle, warning_of_blocks
from memmpy.loaders.windows import Windows, load_batches
from memmpy.order import (
    Shard,
    TicketsOf,
    check_integer,
    check_seed,
    choose_members,
    derive_key,
    num_batches,
    ticket_ranges,
)
from memmpy.printing import num_in_words
from memmpy.progress import quiet
from memmpy.typing import Array, Batch, Data
from memmpy.worth import BYTES_MOVED, is_worth_compiling

__all__ = ["SplitLoader"]


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
    subindex : array of int or bool, optional
        The entries to use, such as those that pass a cut: int64 entries, each once, or a mask over
        all entries. It does not change in which split an entry is. Not for a skim.
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
    tickets : callable, optional
        From int64 entries to their uint64 tickets. Then a split is an interval of tickets, and its
        size only about its fraction. Without it the split hangs on the entry's number and on how
        many there are, and has its exact size. A skim has its own.
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
        skim lie in random order already, batches are as random. In memory they come about as fast,
        and from the disk tens of times as fast. Rows that share an identity lie together, so that
        blocks keep them in one window. True takes blocks for a skim of more than 16 MiB whose rows
        have less than 0.1 others of their identity on average, and else the permutation.
    block_rows, window_blocks : int, optional
        Rows of a block, and blocks of a window; chosen by the size of a row where not given. For
        skims.
    drop_last : bool
        Leave out the last batch if it is short.
    num_threads : int, optional
        Threads that gather ahead; the caller's own does, too, where it would wait, and with 0 it
        does all. One less than the cores that this process may use, 1 to 7, where not given.

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
        subindex: Array | Sequence[int] | Sequence[bool] | None = None,
        split: int | str = 0,
        fractions: Sequence[float | Fraction] | None = None,
        fold: int | None = None,
        num_folds: int | None = None,
        rank: int = 0,
        num_ranks: int = 1,
        tickets: TicketsOf | None = None,
        split_seed: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        shuffle: ShuffleOption = True,
        block_rows: int | None = None,
        window_blocks: int | None = None,
        drop_last: bool = False,
        num_threads: int | None = None,
    ) -> None:
        options = check_options(
            for_rows=isinstance(data, Packed),
            batch_size=batch_size,
            split=split,
            fractions=fractions,
            fold=fold,
            num_folds=num_folds,
            rank=rank,
            num_ranks=num_ranks,
            seed=seed,
            epoch=epoch,
            shuffle=shuffle,
            block_rows=block_rows,
            window_blocks=window_blocks,
            drop_last=drop_last,
            num_threads=num_threads,
        )
        if isinstance(data, Packed):
            _check_packed(data, subindex=subindex, tickets=tickets, split_seed=split_seed)
            self._set_up(data, options, is_quiet=False)
        else:
            seed_of_split = 0 if split_seed is None else split_seed
            columns = LoaderInput(data, subindex, tickets, seed_of_split)
            self._set_up(columns, options, is_quiet=False)
        self._warn_of_blocks()

    @classmethod
    def over(
        cls, data: Packed | LoaderInput, options: LoaderOptions, *, is_quiet: bool = False
    ) -> "SplitLoader":
        """Return a loader with options that were checked before there was any data.

        Parameters
        ----------
        data : Packed or LoaderInput
            A skim, or columns.
        options : LoaderOptions
            Checked for what `data` is.
        is_quiet : bool
            Whether nothing is written to the terminal while batches are made.
        """
        loader = cls._again(data, options, is_quiet=is_quiet)
        loader._warn_of_blocks()
        return loader

    @classmethod
    def _again(
        cls, data: Packed | LoaderInput, options: LoaderOptions, *, is_quiet: bool
    ) -> "SplitLoader":
        """Return a loader that another process had, and warn of nothing a second time."""
        loader = cls.__new__(cls)
        loader._set_up(data, options, is_quiet=is_quiet)
        return loader

    def _set_up(
        self, data: Packed | LoaderInput, options: LoaderOptions, *, is_quiet: bool
    ) -> None:
        self.batch_size, self.drop_last = options.batch_size, options.drop_last
        self.seed, self.epoch, self.shuffle = options.seed, options.epoch, options.shuffle
        self.num_threads = options.num_threads
        self.split, self.fractions = options.part.name, tuple(map(float, options.part.fractions))
        self._data, self._options, self._is_quiet = data, options, is_quiet
        self._windows: Windows
        if isinstance(data, LoaderInput):
            self._windows = _column_windows(data, options)
        else:
            self._windows = _row_windows(data, options)

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self._data, LoaderInput):
            check_sendable(self._data.data)
        options = replace(self._options, seed=self.seed, epoch=self.epoch)
        return partial(SplitLoader._again, is_quiet=self._is_quiet), (self._data, options)

    def _warn_of_blocks(self) -> None:
        if isinstance(self._data, LoaderInput) or self._options.shuffle != "blocks":
            return
        note = warning_of_blocks(
            self._windows.shuffle,
            self._data.multiplicities(),
            num_rows=len(self._windows),
            row_bytes=self._windows.entry_bytes,
            batch_size=self.batch_size,
        )
        warn_of([] if note is None else [note], LoaderWarning)

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

        Warns
        -----
        LoaderWarning
            If there are no batches at all.
        """
        if not len(self):
            warn_of([self._why_empty()], LoaderWarning)
        return self._load(epoch, position=position)

    def _load(self, epoch: int, *, position: int = 0) -> Generator[Batch, None, None]:
        batches = load_batches(
            self._windows,
            derive_key(self.seed, check_seed("epoch", epoch), purpose="epoch"),
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=self._check_position(position),
        )
        return _quietly_at_first(batches) if self._is_quiet else batches

    def _why_empty(self) -> str:
        if self.num_entries:
            has = num_in_words(self.num_entries, "entry", "entries")
            return f"no batches: drop_last leaves out the only one, {has} of {self.batch_size:,}"
        return f"no batches: split {self.split!r} of {self.fractions} has no entries here"

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
            batches=partial(self._load, 0),
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
        entries = num_in_words(self.num_entries, "entry", "entries")
        batches = f"{num_in_words(len(self), 'batch', 'batches')} of {self.batch_size:,}"
        return f"SplitLoader(split {self.split!r} of {self.fractions}: {entries}, {batches})"


def _quietly_at_first(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield batches, and write nothing while the first is made, for which kernels are loaded."""
    with closing(batches):
        with quiet():
            first = next(batches, None)
        if first is not None:
            yield first
            yield from batches


def _check_packed(
    packed: Packed,
    *,
    subindex: Array | Sequence[int] | Sequence[bool] | None,
    tickets: TicketsOf | None,
    split_seed: int | None,
) -> None:
    """Raise an `OptionError` where a skim is given what it has itself."""
    if subindex is not None or tickets is not None:
        name = "subindex" if tickets is None else "tickets"
        raise OptionError(f"a skim has its own cut and tickets: no {name} beside it")
    if split_seed not in {None, packed.split_seed}:
        message = f"the skim was made with split_seed {packed.split_seed}, not {split_seed}"
        raise OptionError(f"{message}: skim again with that one")


def _column_windows(columns: LoaderInput, options: LoaderOptions) -> ColumnWindows:
    data, num_entries = check_data(columns.data)
    part = options.part
    members = choose_members(
        num_entries,
        split=part.split,
        fractions=part.fractions,
        turn=part.turn,
        split_seed=check_seed("split_seed", columns.split_seed),
        tickets=columns.tickets,
        subindex=columns.subindex,
        ascending=options.shuffle is False,
    )
    start, stop = part.of(len(members))
    if part.num_ranks > 1:
        members = Shard(members, start, stop)
    is_shuffled = options.shuffle is not False
    return ColumnWindows(
        data,
        members,
        shuffle=is_shuffled,
        num_threads=options.num_threads,
        num_processes=part.num_ranks,
    )


def _row_windows(packed: Packed, options: LoaderOptions) -> RowWindows:
    part = options.part
    ranges = rows_between(packed.tickets, ticket_ranges(part.fractions, part.split, turn=part.turn))
    ranges = cut_ranges(ranges, *part.of(sum(map(len, ranges))))
    lists = sum(content.nbytes + offsets.nbytes for content, offsets in packed.lists.values())
    num_bytes = packed.rows.nbytes + lists
    chosen = choose_shuffle(
        options.shuffle,
        block_rows=options.block_rows,
        window_blocks=options.window_blocks,
        num_rows=len(packed.rows),
        row_bytes=num_bytes / max(1, len(packed.rows)),
        multiplicities=packed.multiplicities,
    )
    compiled = is_worth_compiling(num_bytes, least=BYTES_MOVED)
    return RowWindows(
        packed,
        ranges,
        shuffle=chosen,
        compiled=compiled,
        num_threads=options.num_threads,
        system=system_of(compiled=compiled).among(part.num_ranks),  # each has rows of its own
    )
