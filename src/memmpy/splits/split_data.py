"""`SplitData`: the data and the entries of one split, as a loader hands them out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from memmpy.columns import Snapshot
from memmpy.errors import OptionError
from memmpy.loaders import ClassSampling, LoaderOptions, PackedRows, RowTransform, rows_between
from memmpy.order import (
    Fractions,
    Members,
    Ranks,
    Subindex,
    TicketsOf,
    members_by_position,
    members_by_ticket,
    split_number,
)
from memmpy.splits.definition import Splits
from memmpy.splits.ticket_rule import TicketRule
from memmpy.typing import Column, Data

__all__ = ["LoaderSpec", "SkimLike", "SplitData", "StoreLike"]


@runtime_checkable
class SkimLike(PackedRows, Protocol):
    """The view of a skim that splits need."""

    @property
    def path(self) -> Path:
        """The folder of the skim: ``<store>/skims/<name>``."""

    @property
    def ticket_rule(self) -> TicketRule:
        """The rule of the tickets."""

    @property
    def num_store_entries(self) -> int:
        """The number of entries of the store, before the cut."""

    @property
    def cut(self) -> str | None:
        """The cut that the entries of the skim pass; None for all entries."""


@runtime_checkable
class StoreLike(Protocol):
    """The view of an open store that splits need."""

    @property
    def snapshot(self) -> Snapshot:
        """The columns in the state of the last commit before the store was opened."""

    def set_splits(self, splits: Splits | None) -> None:
        """Change the splits of the store."""

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys of the columns."""

    def __getitem__(self, key: str) -> Column:
        """Return a column."""


@dataclass(frozen=True, slots=True)
class SplitData:
    """The data of a loader, and its entries in one split.

    Parameters
    ----------
    data : SkimLike or mapping of str to column
        The columns or the skim that batches come from.
    split : str or int
        The split, as the user named it.
    subindex : array or sequence, or None
        The entries to use; None for all.
    ranges : list of (int, int), or None
        The tickets of the split; None for all entries, or if positions decide.
    rule : TicketRule or None
        The rule of the tickets; None for bare arrays.
    tickets : callable or None
        From entries to tickets; None for bare arrays, and for a skim, which stores its tickets.
    fractions : tuple of Fraction, or None
        For bare arrays: the sizes of the splits.
    split_seed : int
        For bare arrays: the seed of the permutation that splits them.
    splits : Splits or None
        The splits that `split` is one of; None if the data has none.
    fold : int or None
        The fold.
    cut : str or None
        The text of the cut that the entries pass.
    path : Path or None
        The store.
    """

    data: SkimLike | Data
    split: str | int
    subindex: Subindex | None = None
    ranges: Sequence[tuple[int, int]] | None = None
    rule: TicketRule | None = None
    tickets: TicketsOf | None = None
    fractions: Fractions | None = None
    split_seed: int = 0
    splits: Splits | None = None
    fold: int | None = None
    cut: str | None = None
    path: Path | None = None

    def rows(self, skim: SkimLike) -> list[range]:
        """Return the rows of the split, if the data is a skim."""
        if self.ranges is not None:
            return rows_between(skim.tickets, self.ranges)
        return [range(len(skim.rows))] if len(skim.rows) else []

    def members(self, num_entries: int, *, ascending: bool) -> Members:
        """Return the entries of the split, if the data is columns."""
        if self.tickets is not None:
            return members_by_ticket(
                num_entries, tickets=self.tickets, ranges=self.ranges, subindex=self.subindex
            )
        fractions = self.fractions or (Fraction(1),)
        return members_by_position(
            num_entries,
            fractions=fractions,
            split=None if self.fractions is None else split_number(self.split, len(fractions)),
            seed=self.split_seed,
            subindex=self.subindex,
            ascending=ascending,
        )

    def __str__(self) -> str:
        if self.splits is not None:
            fold = "" if self.fold is None else f"fold {self.fold}, "
            return f"{self.split!r}, {fold}{self.splits}"
        if self.fractions is not None:
            return f"{self.split!r} of {tuple(map(float, self.fractions))}"
        return "all entries"


@dataclass(frozen=True, slots=True)
class LoaderSpec:
    """The complete, checked specification of a `SplitLoader`.

    Parameters
    ----------
    split_data : SplitData
        The data and the entries to hand out.
    options : LoaderOptions
        The batches and their order.
    transform : RowTransform or None
        Changes the rows of a skim before they become batches.
    is_quiet : bool
        Whether the loader writes nothing to the terminal.
    is_copy : bool
        Whether the loader was unpickled. A copy does not repeat the warnings of the original.
    sampling : ClassSampling, optional
        The shares of classes in batches; else an epoch has each entry once.
    weight_keys : tuple of str
        The weights of a batch: 0 for an entry that another rank has, too.
    fit_options : str
        The options that `transform` comes from.
    inputs : mapping of str to tuple of str
        The keys of each input of a training set; empty for other data.
    worker, num_workers : int
        Take every `num_workers`-th batch only, from number `worker` on.

    Raises
    ------
    OptionError
        If there is a sampling and the data is no skim.
    """

    split_data: SplitData
    options: LoaderOptions
    transform: RowTransform | None = None
    is_quiet: bool = False
    is_copy: bool = False
    sampling: ClassSampling | None = None
    weight_keys: tuple[str, ...] = ()
    fit_options: str = ""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    worker: int = 0
    num_workers: int = 1

    def __post_init__(self) -> None:
        if self.sampling is not None and not isinstance(self.split_data.data, SkimLike):
            raise OptionError("sampling= needs a skim, whose rows lie in random order")

    @property
    def ranks(self) -> Ranks:
        """How the ranks, and the workers of each, share the batches."""
        return replace(self.options.ranks, worker=self.worker, num_workers=self.num_workers)

    def of_worker(self, worker: int, num_workers: int) -> "LoaderSpec":
        """Return the specification of a loader of every `num_workers`-th batch, without threads."""
        options = replace(self.options, num_threads=0)
        return replace(self, options=options, worker=worker, num_workers=num_workers, is_copy=True)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a batch."""
        data = self.split_data.data
        if not isinstance(data, SkimLike):
            return (*data, "_index")
        hidden = () if self.transform is None else self.transform.hidden
        keys = dict.fromkeys((*data.fields, *data.lists, *self.weight_keys))
        return tuple(key for key in keys if key not in hidden)

    def facts(self) -> dict[str, str]:
        """Return what it hands out, by name, as a user reads it."""
        own = self.split_data
        facts = {
            "store": None if own.path is None else str(own.path),
            "cut": own.cut,
            "split": str(own),
            "sampling": None if self.sampling is None else str(self.sampling),
            "seed": str(self.options.seed),
            **{f"input {name}": ", ".join(keys) for name, keys in self.inputs.items()},
            "keys": ", ".join(self.keys),
        }
        return {name: value for name, value in facts.items() if value is not None}
