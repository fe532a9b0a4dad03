"""Batches of one split, in a new order each epoch."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, final

from memmpy.checks import check_integer, check_seed
from memmpy.display import format_count, quiet
from memmpy.errors import LoaderWarning, OptionError, warn_of
from memmpy.kernels import BYTES_MOVED, derive_key, is_worth_compiling
from memmpy.loaders import (
    Explanation,
    LoaderOptions,
    ShuffleOption,
    check_shuffle,
    explain,
    load_batches,
)
from memmpy.loaders.check_data import check_data, check_sendable
from memmpy.loaders.epoch import EpochChunks, chunks_of_columns
from memmpy.loaders.pagecache.advice import os_page_cache
from memmpy.loaders.row_gatherer import RowGatherer
from memmpy.loaders.row_ranges import cut_ranges
from memmpy.loaders.shuffle import choose_shuffle, warning_of_blocks
from memmpy.order import Shard, Subindex, num_batches
from memmpy.parallel import check_threads
from memmpy.splits.definition import Splits
from memmpy.splits.loader_entries import Choice, LoaderSetup, SkimLike, StoreLike
from memmpy.splits.provenance import provenance_of
from memmpy.splits.resolve import choose
from memmpy.splits.split_request import SplitRequest
from memmpy.typing import Batch, Data

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
    data : Skim, Store, or mapping of str to column
        A skim; an open store; or arrays, memory maps, or columns that memmpy opens, with as many
        entries as each other. Columns of a store that files fill are split as the store is.
    batch_size : int
        Entries in a batch.
    subindex : array of int or bool, optional
        The entries to use, such as those that pass a cut: int64 entries, each once, or a mask over
        all entries. It does not change in which split an entry is. Not for a skim.
    fractions : sequence of float, optional
        For bare arrays: the size of each split; their sum is 1. 0.8, 0.1 and 0.1 where not given.
        The first three are called train, val and test, and all of them by their numbers. The
        splits of bare arrays have their exact size, and depend on how many entries there are.
    split_seed : int, optional
        For bare arrays: which entries are in which split; 0 where not given.
    splits : Splits, optional
        Who is an event, and on which side. Those of the store where not given, which has them from
        the first call that names a split. Bare arrays need ``by=`` of columns among them.
    split : str, optional
        ``"train"``, ``"val"`` or ``"test"``; or ``"all"`` entries, as where not given. Data that
        has splits needs it.
    fold : int, optional
        Which fold; needed where the splits have folds.
    shuffle : bool, "exact", "blocks" or Shuffle
        How the entries of each epoch are shuffled; see `Shuffle`.
    seed : int
        Chooses the order of the epochs.
    epoch : int
        The epoch of the first ``iter()``.
    drop_last : bool
        Leave out the last batch if it is short.
    num_threads : int, optional
        Threads that gather ahead; the caller's own does, too, where it would wait, and with 0 it
        does all. One less than the cores that this process may use, 1 to 7, where not given.
    rank, world_size : int
        Which equal part of the split to hand out, where several processes train together: all
        parts are disjoint, and differ by one entry at most.

    Raises
    ------
    SplitError
        If the splits differ from those of the store, a split or a fold is not named where there
        are some, or it cannot be told which events the data is of.
    OptionError, ColumnError, LengthError
        If options make no sense, or columns do not fit together.

    Warns
    -----
    SplitWarning
        If what names the events is likely to go wrong.

    Attributes
    ----------
    epoch : int
        The epoch of the next ``iter()``. Can be set.
    num_entries : int
        Entries of this split that are used.
    splits : Splits or None
        What the split is one of; None for bare arrays, and where all entries are handed out.

    Examples
    --------
    >>> import numpy as np
    >>> loader = SplitLoader({"x": np.arange(1000)}, batch_size=128, split="train", seed=7)
    >>> loader
    SplitLoader('train' of (0.8, 0.1, 0.1): 800 entries, 7 batches of 128)
    >>> sum(len(batch["x"]) for batch in loader)
    800
    """

    def __init__(
        self,
        data: Data | SkimLike | StoreLike | LoaderSetup,
        batch_size: int = 32,
        *,
        subindex: Subindex | None = None,
        fractions: Sequence[float | Fraction] | None = None,
        split_seed: int | None = None,
        splits: Splits | None = None,
        split: str | int | None = None,
        fold: int | None = None,
        shuffle: ShuffleOption = True,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        num_threads: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if isinstance(data, LoaderSetup):  # it has all options
            setup = data
        else:
            options = LoaderOptions(
                batch_size=batch_size,
                shuffle=check_shuffle(shuffle),
                seed=seed,
                epoch=epoch,
                drop_last=drop_last,
                num_threads=check_threads(num_threads),
                rank=rank,
                world_size=world_size,
            )
            if not isinstance(data, SkimLike):
                options.for_columns()
            choice = choose(
                data,
                subindex=subindex,
                fractions=fractions,
                split_seed=split_seed,
                request=SplitRequest(split, splits, fold),
            )
            setup = LoaderSetup(choice, options)
        choice, options = setup.choice, setup.options
        self.choice, self._setup = choice, setup
        self.batch_size, self.drop_last = options.batch_size, options.drop_last
        self.seed, self.epoch, self.shuffle = options.seed, options.epoch, options.shuffle
        self.num_threads = options.num_threads
        self.split, self.splits, self.fold = choice.split, choice.splits, choice.fold
        self._chunks = _chunks_of(choice, options)
        if not setup.is_copy:
            self._warn_of_blocks()

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self.choice.data, SkimLike):
            check_sendable(self.choice.data)
        options = replace(self._setup.options, seed=self.seed, epoch=self.epoch)
        return SplitLoader, (replace(self._setup, options=options, is_copy=True),)

    def _warn_of_blocks(self) -> None:
        if not isinstance(self.choice.data, SkimLike) or self.shuffle.kind != "blocks":
            return
        note = warning_of_blocks(
            self._chunks.shuffle,
            self.choice.data.multiplicities(),
            num_rows=len(self._chunks),
            row_bytes=self._chunks.gatherer.entry_bytes,
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
        return len(self._chunks)

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
            self._chunks,
            derive_key(self.seed, check_seed("epoch", epoch), purpose="epoch"),
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=self._check_position(position),
        )
        return _quietly_at_first(batches) if self._setup.is_quiet else batches

    def _why_empty(self) -> str:
        if self.num_entries:
            has = format_count(self.num_entries, "entry", "entries")
            return f"no batches: drop_last leaves out the only one, {has} of {self.batch_size:,}"
        return f"no batches: {self.choice} has no entries here"

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
            self._chunks,
            batch_size=self.batch_size,
            num_batches=len(self),
            num_threads=self.num_threads,
            batches=partial(self._load, 0),
            split=str(self.choice),
        )

    def provenance(self) -> dict[str, Any]:
        """Return what to keep with a model: on which events it was trained, and how.

        Returns
        -------
        dict
            JSON values: versions, the store and its files (path, UUID, tree and
            entries), the splits, the split and its fold, the cut, seed, batch size and order; and
            under ``"events"`` their number and a hash of their tickets, which is the same for the
            same events in any order, from a store or a skim, with equal ``by`` and ``seed`` of the
            splits. It is of the whole split, of all ranks. Reads what names the events once.
        """
        return provenance_of(self.choice, self._setup.options, order=self._chunks.shuffle.kind)

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
        entries = format_count(self.num_entries, "entry", "entries")
        batches = f"{format_count(len(self), 'batch', 'batches')} of {self.batch_size:,}"
        return f"SplitLoader({self.choice}: {entries}, {batches})"


def _quietly_at_first(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield batches, and write nothing while the first is made, for which kernels are loaded."""
    with closing(batches):
        with quiet():
            first = next(batches, None)
        if first is not None:
            yield first
            yield from batches


def _chunks_of(choice: Choice, options: LoaderOptions) -> EpochChunks:
    """Return the entries of a choice in chunks."""
    if isinstance(choice.data, SkimLike):
        return _row_chunks(choice.data, choice, options)
    columns, num_entries = check_data(choice.data)
    is_shuffled = options.shuffle.kind is not False
    members = choice.members(num_entries, ascending=not is_shuffled)
    if options.world_size > 1:
        members = Shard(members, *options.part_of(len(members)))
    return chunks_of_columns(
        columns,
        members,
        is_shuffled=is_shuffled,
        num_threads=options.num_threads,
        num_processes=options.world_size,
    )


def _row_chunks(skim: SkimLike, choice: Choice, options: LoaderOptions) -> EpochChunks:
    ranges = choice.rows(skim)
    ranges = cut_ranges(ranges, *options.part_of(sum(map(len, ranges))))
    lists = sum(content.nbytes + offsets.nbytes for content, offsets in skim.lists.values())
    num_bytes = skim.rows.nbytes + lists
    chosen = choose_shuffle(
        options.shuffle,
        num_rows=len(skim.rows),
        row_bytes=num_bytes / max(1, len(skim.rows)),
        multiplicities=skim.multiplicities,
    )
    compiled = is_worth_compiling(num_bytes, least=BYTES_MOVED)
    gatherer = RowGatherer(
        skim,
        ranges,
        num_threads=options.num_threads,
        compiled=compiled,
        # each process has rows of its own
        page_cache=os_page_cache(compiled=compiled).share(options.world_size),
    )
    return EpochChunks(gatherer, chosen, num_threads=options.num_threads)
