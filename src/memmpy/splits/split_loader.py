"""`SplitLoader`: the batches of one split, in a new order each epoch."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, TypeVar, final

from memmpy.checks import check_indices, check_seed
from memmpy.display import facts_html, format_count
from memmpy.errors import LoaderWarning, OptionError, argument_hints, warn_of
from memmpy.loaders import (
    EpochIterable,
    Explanation,
    LoaderOptions,
    Shuffle,
    ShuffleOption,
    check_sendable,
    check_shuffle,
    explain,
    load_batches,
    load_members,
    mark_repeat,
    quietly_at_first,
)
from memmpy.order import MemberList, Subindex, num_batches
from memmpy.parallel import RankOption, check_threads
from memmpy.splits.definition import Splits
from memmpy.splits.loader_state import check_position, loader_identity, read_state
from memmpy.splits.provenance import provenance_of
from memmpy.splits.resolve import resolve_split
from memmpy.splits.split_chunks import chunks_of, notes_of
from memmpy.splits.split_data import LoaderSpec, SkimLike, SplitData, StoreLike
from memmpy.splits.split_request import SplitRequest
from memmpy.typing import Batch, Data, Entries

__all__ = ["SplitLoader"]

_T = TypeVar("_T")
_BatchOf = TypeVar("_BatchOf", bound=Mapping[str, Any])


@argument_hints
@final
class SplitLoader(EpochIterable[Batch]):
    """Iterate over one split in batches, in a new order each epoch.

    An epoch yields each entry of the split once. Each whole pass leads to the next epoch; a pass
    that ends early does not, so ``next(iter(loader))`` costs no epoch. The order depends only on
    (seed, epoch, position), and not on the number of threads or ranks.

    A batch is a dict of key to values, with the int64 entries of the batch under ``"_index"``. Its
    arrays are writable copies, contiguous but for the single numbers of a skim.

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
        The epoch of the first pass.
    drop_last : bool, default False
        Leave out the last batch of an epoch if it is short.
    num_threads : int, optional
        Threads that gather batches ahead. The thread of the caller helps when it would wait, and
        does all work if the number is 0. The default is the number of available cores minus one,
        but 1 to 7.
    rank : int, "auto" or "slurm", default 0
        The number of this process, 0 to `world_size` - 1, if several processes train together.
        ``"auto"`` takes both numbers from `torch.distributed` if it is initialised, else from
        torchrun, else 0 and 1; ``"slurm"`` takes them from srun.
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
        If ``shuffle="blocks"`` would not mix the entries well; if a rank repeats an entry.

    Attributes
    ----------
    epoch : int
        The epoch of the next pass. You can set it.
    num_entries : int
        The number of entries of this split (and this rank); with sampling, of an epoch.
    splits : Splits or None
        The splits that `split` is one of; None for bare arrays, and if the loader yields all
        entries.
    inputs : dict of str to tuple of str
        The keys of each input, if a training set made the loader; else empty.

    Notes
    -----
    Ranks share one order, the same for any number of them: a step has ``batch_size * world_size``
    entries, and each rank has a batch of it. Sizes in a shorter last step differ by at most one; a
    rank that would have none repeats an entry, with the ``"_index"`` -1 and the weight 0.

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
        rank: RankOption = 0,
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
        self.split_data: SplitData = split_data
        self.spec: LoaderSpec = spec
        self.drop_last: bool = options.drop_last
        self.inputs: dict[str, tuple[str, ...]] = dict(spec.inputs)
        self.seed: int = options.seed
        self.shuffle: Shuffle = options.shuffle
        self.num_threads: int = options.num_threads
        self.split: str | int = split_data.split
        self.splits: Splits | None = split_data.splits
        self.fold: int | None = split_data.fold
        self._chunks = chunks_of(spec)
        self.is_shuffled: bool = self._chunks.shuffle.kind != "none"
        super().__init__(options.epoch)
        if not spec.is_copy:
            warn_of(notes_of(spec, self._chunks), LoaderWarning)

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self.split_data.data, SkimLike):
            check_sendable(self.split_data.data)
        options = replace(self.spec.options, seed=self.seed, epoch=self.epoch)
        spec = replace(self.spec, options=options, is_copy=True)
        return _copy_of, (spec, self._num_skipped)

    @property
    def batch_size(self) -> int:
        """Entries per batch."""
        return self.spec.options.batch_size

    @property
    def num_entries(self) -> int:
        """The number of entries of this split (and this rank); with sampling, of an epoch."""
        return len(self._chunks)

    def __len__(self) -> int:
        return num_batches(self.num_entries, self.batch_size, drop_last=self.drop_last)

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
        self._warn_if_empty()
        return self._load(epoch, position=position)

    def _load(self, epoch: int, *, position: int = 0) -> Generator[Batch, None, None]:
        batches = self.mark_repeat(self._run(load_batches, epoch, position), position=position)
        return quietly_at_first(batches) if self.spec.is_quiet else batches

    def _run(
        self, load: Callable[..., Generator[_T, None, None]], epoch: int, position: int
    ) -> Generator[_T, None, None]:
        return load(
            self._chunks,
            seed=self.seed,
            epoch=check_seed("epoch", epoch),
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=check_position(position, self.batch_size, num_batches=len(self)),
        )

    def members(self, epoch: int, *, position: int = 0) -> Generator[Entries, None, None]:
        """Iterate over the entries of a given epoch by their places in the split, as `take` does.

        Yields
        ------
        int64 array
            The places of the entries of some batches, one batch after the other.
        """
        self._warn_if_empty()
        return self._run(load_members, epoch, position)

    def mark_repeat(
        self, batches: Generator[_BatchOf, None, None], *, position: int
    ) -> Generator[_BatchOf, None, None]:
        """Mark the entry that this rank repeats in batches of an epoch from a position on."""
        if not self._chunks.repeats:
            return batches
        num = len(self) - position // self.batch_size
        return mark_repeat(batches, num, weight_keys=self.spec.weight_keys)

    def take(self, positions: Any) -> Batch:
        """Return a batch of chosen entries of the split, in the given order.

        Parameters
        ----------
        positions : array of int, or sequence of int
            Places in the split, not shuffled, and of all ranks: 0 <= position < `split_size`.

        Raises
        ------
        OptionError
            If a position is no integer, or out of range.
        """
        numbers = check_indices(positions, self.split_size, of="positions")
        if not len(numbers):
            raise OptionError("take needs at least one position")
        chunk = self._chunks.gatherer.gather(MemberList(numbers))
        return next(chunk.batches(0, size=len(numbers), num=1))

    @property
    def split_size(self) -> int:
        """The number of entries of the split, on all ranks; with sampling, too."""
        return len(self._chunks.gatherer)

    def state_at(self, epoch: int, num_batches: int) -> dict[str, int | str]:
        """Return the state after some batches of an epoch, as `state_dict` does."""
        step_size = self.spec.options.ranks.step_size
        state: dict[str, int | str] = {
            "epoch": epoch,
            "position": num_batches * step_size,
            "batch_size": step_size,
            "seed": self.seed,
        }
        return state | self._identity

    def place_of(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """Return the epoch and the number of batches of a state, as `load_state_dict` reads it."""
        epoch, position = read_state(state, self.state_at(0, 0))
        num_batches, inside = divmod(position, self.spec.options.ranks.step_size)
        if inside or num_batches > len(self):
            raise OptionError(f"the state has the position {position:,}, which begins no batch")
        return epoch, num_batches

    @cached_property
    def _identity(self) -> dict[str, str]:
        return loader_identity(self.spec, self._chunks)

    def _warn_if_empty(self) -> None:
        reason = f"the loader has no entries: {self.split_data}"
        if self.num_entries:
            has = format_count(self.num_entries, "entry", "entries")
            reason = f"drop_last leaves out the only one, {has} of {self.batch_size:,}"
        if not len(self):
            warn_of([f"no batches: {reason}"], LoaderWarning)

    def explain(self) -> Explanation:
        """Report how the loader works, why, and how fast it is. Takes about a second.

        Returns
        -------
        Explanation
            Prints as a table: the rate of the first batches of epoch 0, beside that of a plain copy
            of the same data by the same threads, from memory or disk.
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

        It covers all ranks. The call reads the columns that name the events once.

        Returns
        -------
        dict
            JSON values: versions, the store and its files (path, UUID, tree, entries), the splits,
            the split, the fold, the cut, the seed, the batch size and the order. ``"events"`` has
            the number of events and a hash. Equal events give an equal hash, in any order and from
            a store or a skim, if `by` and `seed` of the splits are equal.
        """
        return provenance_of(self.spec, order=self._chunks.shuffle.kind)

    def __repr__(self) -> str:
        sampling = "" if self.spec.sampling is None else f", {self.spec.sampling}"
        return f"SplitLoader({self.split_data}{sampling}: {self._size})"

    def _repr_html_(self) -> str:
        order = {"shuffle": self._chunks.shuffle.kind, "epoch": self._size}
        return facts_html("SplitLoader", self.spec.facts() | order)

    @property
    def _size(self) -> str:
        entries = format_count(self.num_entries, "entry", "entries")
        return f"{entries}, {format_count(len(self), 'batch', 'batches')} of {self.batch_size:,}"


def _copy_of(spec: LoaderSpec, num_skipped: int) -> SplitLoader:
    loader = SplitLoader(spec)
    loader._set_place(spec.options.epoch, num_skipped)
    return loader
