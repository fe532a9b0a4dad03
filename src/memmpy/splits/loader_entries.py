"""What a loader hands out: the entries of a split, by ticket where the data knows its events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from memmpy.columns import Snapshot
from memmpy.loaders import LoaderOptions, PackedRows
from memmpy.loaders.row_ranges import rows_between
from memmpy.order import (
    Fractions,
    Members,
    Subindex,
    TicketsOf,
    members_by_position,
    members_by_ticket,
    split_number,
)
from memmpy.splits.definition import Splits
from memmpy.splits.ticket_rule import TicketRule
from memmpy.typing import Column, Data

__all__ = ["Choice", "LoaderSetup", "SkimLike", "StoreLike"]


@runtime_checkable
class SkimLike(PackedRows, Protocol):
    """A skim, as far as its splits go."""

    @property
    def path(self) -> Path:
        """Its folder: ``<store>/skims/<name>``."""
        ...

    @property
    def ticket_rule(self) -> TicketRule:
        """What its tickets follow from."""
        ...

    @property
    def num_store_entries(self) -> int:
        """Entries of the store that it was made of."""
        ...

    @property
    def cut(self) -> str | None:
        """Which of them it has; None for all."""
        ...


@runtime_checkable
class StoreLike(Protocol):
    """An open store."""

    @property
    def snapshot(self) -> Snapshot:
        """Its columns, as the last commit left them when it was opened."""
        ...

    def set_splits(self, splits: Splits | None) -> None:
        """Change its splits."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Return the keys of its columns."""
        ...

    def __getitem__(self, key: str) -> Column:
        """Return a column."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What a loader hands out, and why.

    Parameters
    ----------
    data : SkimLike or mapping of str to column
        What batches are made of.
    split : str or int
        Which split, as the user named it.
    subindex : array or sequence, or None
        The entries to use; None for all.
    ranges : list of (int, int), or None
        The tickets of the split; None for all entries, or where positions decide.
    rule : TicketRule or None
        What the tickets follow from; None for bare arrays.
    tickets : callable or None
        From entries to tickets; None for a skim, which has them, and for bare arrays.
    fractions : tuple of Fraction, or None
        For bare arrays: the sizes of the splits.
    split_seed : int
        For bare arrays: which bijection splits them.
    splits : Splits or None
        What the split is one of; None where there are none.
    fold : int or None
        Which fold.
    cut : str or None
        Which entries of the store are used, for people.
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
        """Return the rows of the split, where the data is a skim."""
        if self.ranges is not None:
            return rows_between(skim.tickets, self.ranges)
        return [range(len(skim.rows))] if len(skim.rows) else []

    def members(self, num_entries: int, *, ascending: bool) -> Members:
        """Return the entries of the split, where the data is columns."""
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
class LoaderSetup:
    """The choice and the options of a loader, checked before it is made.

    Parameters
    ----------
    choice : Choice
        What is handed out.
    options : LoaderOptions
        How.
    is_quiet : bool
        Whether nothing is written to the terminal while batches are made.
    is_copy : bool
        Whether another process had the loader, which has warned already.
    """

    choice: Choice
    options: LoaderOptions
    is_quiet: bool = False
    is_copy: bool = False
