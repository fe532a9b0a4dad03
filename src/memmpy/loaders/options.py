"""What a loader is told to do: options spelled and checked in one place, before there is data."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from memmpy.errors import OptionError, nearest
from memmpy.loaders.shuffling import ShuffleOption
from memmpy.machine import num_helpers
from memmpy.order import (
    Fractions,
    TicketsOf,
    check_flag,
    check_fractions,
    check_integer,
    check_seed,
    check_turn,
    split_number,
)
from memmpy.typing import Array, Data

__all__ = ["LoaderInput", "LoaderOptions", "Part", "check_options"]


@dataclass(frozen=True, slots=True)
class LoaderInput:
    """The columns of a loader, which of their entries it may hand out, and what splits them.

    Parameters
    ----------
    data : mapping of str to column
        With as many entries as each other.
    subindex : array of int or bool, or None
        The entries to use; None for all.
    tickets : callable or None
        From int64 entries to their uint64 tickets; None to split by the number of an entry.
    split_seed : int
        Chooses which entries are in which split, where there are no tickets.
    """

    data: Data
    subindex: Array | Sequence[int] | Sequence[bool] | None
    tickets: TicketsOf | None
    split_seed: int


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of all entries a loader hands out: a split, turned, and of it a rank's share.

    Parameters
    ----------
    name : int or str
        The split as the user said it.
    split : int
        Which of the fractions it is.
    fractions : tuple of Fraction
        The size of each split.
    turn : Fraction
        By how much a fold turns the circle of all entries.
    rank, num_ranks : int
        Which equal part of the split.
    """

    name: int | str
    split: int
    fractions: Fractions
    turn: Fraction
    rank: int
    num_ranks: int

    def of(self, num: int) -> tuple[int, int]:
        """Return the first member of `num` that the rank has, and the one behind its last."""
        return num * self.rank // self.num_ranks, num * (self.rank + 1) // self.num_ranks


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """What a loader does with its data: as `SplitLoader` takes it, and checked.

    Parameters
    ----------
    batch_size : int
        Entries in a batch.
    part : Part
        Which entries it hands out.
    seed, epoch : int
        What the order of an epoch follows from; the epoch of the first ``iter()``.
    shuffle : bool, "exact" or "blocks"
        How the entries are shuffled.
    block_rows, window_blocks : int or None
        Rows of a block, and blocks of a window; None to choose.
    drop_last : bool
        Whether to leave out a last batch that is short.
    num_threads : int
        Threads that gather ahead, beside the caller's.
    """

    batch_size: int
    part: Part
    seed: int
    epoch: int
    shuffle: ShuffleOption
    block_rows: int | None
    window_blocks: int | None
    drop_last: bool
    num_threads: int


def check_options(
    *,
    for_rows: bool,
    batch_size: int,
    split: int | str,
    fractions: Sequence[float | Fraction] | None,
    fold: int | None,
    num_folds: int | None,
    rank: int,
    num_ranks: int,
    seed: int,
    epoch: int,
    shuffle: ShuffleOption,
    block_rows: int | None,
    window_blocks: int | None,
    drop_last: bool,
    num_threads: int | None,
) -> LoaderOptions:
    """Return the options of a loader, with defaults where they are None.

    Parameters
    ----------
    for_rows : bool
        Whether the loader is of the rows of a skim; else it is of columns, which are not shuffled
        by blocks.
    batch_size, split, fractions, fold, num_folds, rank, num_ranks, seed, epoch, shuffle
        As `SplitLoader` takes them.
    block_rows, window_blocks, drop_last, num_threads
        As `SplitLoader` takes them.

    Raises
    ------
    OptionError
        If one makes no sense.
    """
    if num_threads is None:
        num_threads = num_helpers()
    options = LoaderOptions(
        batch_size=check_integer("batch_size", batch_size, minimum=1),
        part=_check_part(split, fractions, fold, num_folds, rank, num_ranks),
        seed=check_seed("seed", seed),
        epoch=check_seed("epoch", epoch),
        shuffle=_check_shuffle(shuffle),
        block_rows=_check_size("block_rows", block_rows),
        window_blocks=_check_size("window_blocks", window_blocks),
        drop_last=check_flag("drop_last", drop_last),
        num_threads=check_integer("num_threads", num_threads, minimum=0),
    )
    if not for_rows:
        _refuse_blocks(options)
    return options


def _check_part(
    split: int | str,
    fractions: Sequence[float | Fraction] | None,
    fold: int | None,
    num_folds: int | None,
    rank: int,
    num_ranks: int,
) -> Part:
    if fractions is None:
        fractions = _default_fractions(num_folds)
    exact, turn = check_turn(check_fractions(fractions), fold, num_folds)
    rank, num_ranks = _check_rank(rank, num_ranks)
    return Part(split, split_number(split, len(exact)), exact, turn, rank, num_ranks)


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


def _check_shuffle(shuffle: ShuffleOption) -> ShuffleOption:
    if isinstance(shuffle, str):
        if shuffle in {"exact", "blocks"}:
            return shuffle
        hint = nearest(shuffle, ["exact", "blocks"])
        message = f"shuffle must be True, False, 'exact' or 'blocks', not {shuffle!r}{hint}"
        raise OptionError(message)
    try:
        return check_flag("shuffle", shuffle)
    except OptionError:
        message = f"shuffle must be True, False, 'exact' or 'blocks', not {shuffle!r}"
        raise OptionError(message) from None


def _check_size(name: str, size: int | None) -> int | None:
    return None if size is None else check_integer(name, size, minimum=1)


def _refuse_blocks(options: LoaderOptions) -> None:
    """Raise an `OptionError` where columns would be shuffled by blocks."""
    given = {
        "shuffle='blocks'": options.shuffle == "blocks",
        "block_rows": options.block_rows is not None,
        "window_blocks": options.window_blocks is not None,
    }
    for name, is_given in given.items():
        if is_given:
            message = (
                f"{name} is for skims, whose rows lie in random order: columns may be sorted, and "
                "then blocks of them are no shuffle; leave it out, or load from a skim"
            )
            raise OptionError(message)
