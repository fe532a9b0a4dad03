"""`SplitLoader`: the batches of one split, in a new order each epoch."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, final

from memmpy.checks import check_integer, check_seed
from memmpy.display import format_count, quiet
from memmpy.errors import LoaderWarning, OptionError, warn_of
from memmpy.kernels import BYTES_MOVED, is_worth_compiling
from memmpy.loaders import (
    EpochChunks,
    Explanation,
    LoaderOptions,
    RowGatherer,
    ShuffleOption,
    check_data,
    check_sendable,
    check_shuffle,
    choose_shuffle,
    chunks_of_columns,
    explain,
    load_batches,
    os_page_cache,
    slice_ranges,
    warning_of_blocks,
)
from memmpy.order import Shard, Subindex, num_batches
from memmpy.parallel import check_threads
from memmpy.splits.definition import Splits
from memmpy.splits.provenance import provenance_of
from memmpy.splits.resolve import resolve_split
from memmpy.splits.split_data import LoaderSpec, SkimLike, StoreLike
from memmpy.splits.split_request import SplitRequest
from memmpy.typing import Batch, Data

__all__ = ["SplitLoader"]


@final
class SplitLoader:
    """Iterate over one split in batches, in a new order each epoch.

    Each ``iter()`` starts the next epoch. An epoch yields each entry of the split once. The order
    depends only on (seed, epoch, position), and not on the number of threads.

    A batch is a dict of key to values, with the int64 entries of the batch under ``"_index"``. The
    arrays of a batch are writable copies. They are contiguous, except for the single numbers of a
    skim, which are strided like the fields of a structured array.

    Parameters
    ----------
    data : Skim, Store, or mapping of str to column
        A skim, an open store, or arrays, memory maps and columns of equal length. memmpy finds the
        store of columns that it opened, and splits them by the events of this store. All other
        arrays are bare arrays.
    batch_size : int, default 32
        Entries per batch. The last batch of an epoch may be shorter.
    subindex : array of int or bool, optional
        The entries to use, such as the entries that pass a cut: int64 entries without repetition,
        or a mask over all entries. It does not change the split of an entry. Not for a skim.
    fractions : sequence of float, default (0.8, 0.1, 0.1)
        For bare arrays: the sizes of the splits, which sum to 1. The first three splits are named
        train, val and test; a split is also named by its number. The sizes are exact. The split of
        an entry depends on the number of entries.
    split_seed : int, default 0
        For bare arrays: another seed assigns the entries to other splits.
    splits : Splits, optional
        The rule that assigns events to splits; the rule of the store by default. The first call
        that names a split, or gives `splits`, records it in the store. For bare arrays, ``by=``
        names columns of `data`.
    split : str, optional
        ``"train"``, ``"val"``, ``"test"``, or ``"all"`` for all entries. The default is
        ``"all"``, but data that has splits needs a name.
    fold : int, optional
        The fold. Splits with folds need it, and others do not take it.
    shuffle : bool, "exact", "blocks" or Shuffle, default True
        The order of each epoch; see `Shuffle`.
    seed : int, default 0
        The seed of the orders of all epochs.
    epoch : int, default 0
        The epoch of the first ``iter()``.
    drop_last : bool, default False
        Leave out the last batch of an epoch if it is short.
    num_threads : int, optional
        Threads that gather batches ahead. The thread of the caller helps when it would wait, and
        does all work if the number is 0. The default is the number of available cores minus one,
        but 1 to 7.
    rank : int, default 0
        The number of this process, 0 to `world_size` - 1, if several processes train together. Each
        rank gets its own part of the split; the sizes differ by at most one entry.
    world_size : int, default 1
        The number of processes that train together.

    Raises
    ------
    SplitError
        If the splits differ from those of the store, if a split or a fold must be named, or if the
        events of the data are unknown.
    OptionError, ColumnError, LengthError
        If options contradict each other, or columns do not fit together.

    Warns
    -----
    SplitWarning
        If the columns that name the events look unsafe, such as an event number without a run.
    LoaderWarning
        If ``shuffle="blocks"`` would not mix the entries well.

    Attributes
    ----------
    epoch : int
        The epoch of the next ``iter()``. You can set it.
    num_entries : int
        The number of entries of this split (and this rank); with sampling, of an epoch.
    splits : Splits or None
        The splits that `split` is one of; None for bare arrays, and if the loader yields all
        entries.

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
        data: Data | SkimLike | StoreLike | LoaderSpec,
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
        if isinstance(data, LoaderSpec):  # it holds all options
            spec = data
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
                options.check_for_columns()
            split_data = resolve_split(
                data,
                subindex=subindex,
                fractions=fractions,
                split_seed=split_seed,
                request=SplitRequest(split, splits, fold),
            )
            spec = LoaderSpec(split_data, options)
        split_data, options = spec.split_data, spec.options
        self.split_data, self._spec = split_data, spec
        self.batch_size, self.drop_last = options.batch_size, options.drop_last
        self.seed, self.epoch, self.shuffle = options.seed, options.epoch, options.shuffle
        self.num_threads = options.num_threads
        self.split, self.splits, self.fold = split_data.split, split_data.splits, split_data.fold
        self._chunks = _chunks_of(spec)
        if not spec.is_copy:
            self._warn_of_blocks()

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self.split_data.data, SkimLike):
            check_sendable(self.split_data.data)
        options = replace(self._spec.options, seed=self.seed, epoch=self.epoch)
        return SplitLoader, (replace(self._spec, options=options, is_copy=True),)

    def _warn_of_blocks(self) -> None:
        if not isinstance(self.split_data.data, SkimLike) or self.shuffle.kind != "blocks":
            return
        note = warning_of_blocks(
            self._chunks.shuffle,
            self.split_data.data.multiplicities(),
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
        """The number of entries of this split (and this rank); with sampling, of an epoch."""
        return len(self._chunks)

    def __len__(self) -> int:
        return num_batches(self.num_entries, self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch
        self.epoch = epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, *, position: int = 0) -> Generator[Batch, None, None]:
        """Iterate over the batches of a given epoch. `SplitLoader.epoch` stays the same.

        Parameters
        ----------
        epoch : int
            The epoch.
        position : int, default 0
            Skip this many entries, to resume an epoch: a multiple of the batch size.

        Yields
        ------
        dict of str to array or Jagged
            The batches.

        Raises
        ------
        OptionError
            If `position` is no multiple of the batch size, or beyond the end of the epoch.

        Warns
        -----
        LoaderWarning
            If the epoch has no batches.

        Examples
        --------
        >>> loader = SplitLoader({"x": np.arange(10)}, batch_size=4, shuffle=False)
        >>> [batch["x"].tolist() for batch in loader.batches(0, position=4)]
        [[4, 5, 6, 7], [8, 9]]
        """
        if not len(self):
            warn_of([self._why_empty()], LoaderWarning)
        return self._load(epoch, position=position)

    def _load(self, epoch: int, *, position: int = 0) -> Generator[Batch, None, None]:
        batches = load_batches(
            self._chunks,
            seed=self.seed,
            epoch=check_seed("epoch", epoch),
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=self._check_position(position),
        )
        return _quietly_at_first(batches) if self._spec.is_quiet else batches

    def _why_empty(self) -> str:
        if self.num_entries:
            has = format_count(self.num_entries, "entry", "entries")
            return f"no batches: drop_last leaves out the only one, {has} of {self.batch_size:,}"
        return f"no batches: {self.split_data} has no entries here"

    def explain(self) -> Explanation:
        """Report how the loader works, why, and how fast it is. Takes about a second.

        Returns
        -------
        Explanation
            Prints as a table. memmpy measures the rate of the first batches of epoch 0, and
            compares it with a plain copy of the same data by the same number of threads: from
            memory, or from the disk if the data is not in memory.
        """
        return explain(
            self._chunks,
            batch_size=self.batch_size,
            num_batches=len(self),
            num_threads=self.num_threads,
            batches=partial(self._load, 0),
            split=str(self.split_data),
        )

    def provenance(self) -> dict[str, Any]:
        """Return a record to keep with a model: the events and options that it was trained with.

        It covers the whole split, that is, all ranks. The call reads the columns that name the
        events once.

        Returns
        -------
        dict
            JSON values: versions, the store and its files (path, UUID, tree, entries), the splits,
            the split, the fold, the cut, the seed, the batch size and the order. ``"events"`` has
            the number of events and a hash. Equal events give an equal hash, in any order and from
            a store or a skim, if `by` and `seed` of the splits are equal.
        """
        return provenance_of(self._spec, order=self._chunks.shuffle.kind)

    def _check_position(self, position: int) -> int:
        position = check_integer("position", position, minimum=0)
        if position % self.batch_size or position > len(self) * self.batch_size:
            message = (
                f"position {position:,} is not the start of a batch: give a multiple of the "
                f"batch size {self.batch_size:,} up to {len(self) * self.batch_size:,}"
            )
            raise OptionError(message)
        return position

    def __repr__(self) -> str:
        entries = format_count(self.num_entries, "entry", "entries")
        batches = f"{format_count(len(self), 'batch', 'batches')} of {self.batch_size:,}"
        sampling = "" if self._spec.sampling is None else f", {self._spec.sampling}"
        return f"SplitLoader({self.split_data}{sampling}: {entries}, {batches})"


def _quietly_at_first(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Yield batches. Write nothing about kernels, which the first batch compiles."""
    with closing(batches):
        with quiet():
            first = next(batches, None)
        if first is not None:
            yield first
            yield from batches


def _chunks_of(spec: LoaderSpec) -> EpochChunks:
    """Return columns or a skim in chunks."""
    split_data, options = spec.split_data, spec.options
    if isinstance(split_data.data, SkimLike):
        return _row_chunks(split_data.data, spec)
    columns, num_entries = check_data(split_data.data)
    is_shuffled = options.shuffle.kind is not False
    members = split_data.members(num_entries, ascending=not is_shuffled)
    if options.world_size > 1:
        members = Shard(members, *options.part_of(len(members)))
    return chunks_of_columns(
        columns,
        members,
        is_shuffled=is_shuffled,
        num_threads=options.num_threads,
        num_processes=options.world_size,
    )


def _row_chunks(skim: SkimLike, spec: LoaderSpec) -> EpochChunks:
    split_data, options, sampling = spec.split_data, spec.options, spec.sampling
    ranges = split_data.rows(skim)
    lists = sum(content.nbytes + offsets.nbytes for content, offsets in skim.lists.values())
    num_bytes = skim.rows.nbytes + lists
    shuffle = choose_shuffle(
        options.shuffle,
        num_rows=len(skim.rows),
        row_bytes=num_bytes / max(1, len(skim.rows)),
        multiplicities=skim.multiplicities,
    )
    mixture = None
    if sampling is None:
        ranges = slice_ranges(ranges, *options.part_of(sum(map(len, ranges))))
    else:
        labels = skim.rows[sampling.key]
        mixture = sampling.mixture(labels, ranges, options, where=str(split_data))
        shuffle = replace(shuffle, why=f"{shuffle.why}; classes in shares: {sampling}")
    # To find the members of classes takes NumPy eight times as long as to gather rows.
    least = BYTES_MOVED if mixture is None else BYTES_MOVED // 8
    compiled = is_worth_compiling(num_bytes, least=least)
    gatherer = RowGatherer(
        skim,
        ranges,
        num_threads=options.num_threads,
        compiled=compiled,
        # Each rank reads other rows.
        page_cache=os_page_cache(compiled=compiled).share(options.world_size),
        transform=spec.transform,
    )
    return EpochChunks(gatherer, shuffle, num_threads=options.num_threads, mixture=mixture)
