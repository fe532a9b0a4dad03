"""Batches of one split, in a new order each epoch."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import final

from memmpy.errors import OptionError
from memmpy.loaders.columns import check_data
from memmpy.loaders.windows import load_batches
from memmpy.order import (
    Permutation,
    TicketsOf,
    check_flag,
    check_integer,
    check_seed,
    choose_members,
    derive_key,
    num_batches,
)
from memmpy.typing import Array, Batch, Data, Entries

__all__ = ["SplitLoader"]


@final
class SplitLoader:
    """Hand out the entries of one split in batches, in a new order each epoch.

    Each ``iter()`` is the next epoch, and an epoch hands out each entry of the split once. The
    order follows from (seed, epoch, position) alone, with any number of threads. A batch is a dict
    with the values of each key, and ``"_index"``: its int64 entries. Arrays of a batch are
    writable and independent of the data.

    Parameters
    ----------
    data : mapping of str to column
        Arrays, memory maps, or columns that memmpy opens, with as many entries as each other.
    batch_size : int
        Entries in a batch.
    split : int or str
        Which of the `fractions`; the first three are also ``"train"``, ``"val"`` and ``"test"``.
    fractions : sequence of float
        The size of each split; their sum is 1.
    subindex : array of int or bool, optional
        The entries to use, such as those that pass a cut: int64 entries, each once, or a mask over
        all entries. It does not change in which split an entry is.
    split_seed : int
        Chooses which entries are in which split, where there are no `tickets`. Loaders of one
        training must share it.
    seed : int
        Chooses the order of the epochs.
    epoch : int
        The epoch of the first ``iter()``.
    shuffle : bool
        With False, every epoch is in the order of the entries, or of `subindex`.
    drop_last : bool
        Leave out the last batch if it is short.
    num_threads : int
        Threads that gather ahead; with 0 the caller's own does.
    tickets : callable, optional
        From int64 entries to their uint64 tickets. Then a split is an interval of tickets, and its
        size only about its fraction. Without it the split hangs on the entry's number and on how
        many there are, and has its exact size.

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
        data: Data,
        batch_size: int = 32,
        *,
        split: int | str = 0,
        fractions: Sequence[float | Fraction] = (0.8, 0.1, 0.1),
        subindex: Array | Sequence[int] | Sequence[bool] | None = None,
        split_seed: int = 0,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        num_threads: int = 1,
        tickets: TicketsOf | None = None,
    ) -> None:
        self._columns, num_entries = check_data(data)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.seed = check_seed("seed", seed)
        self.epoch = epoch
        self.shuffle = check_flag("shuffle", shuffle)
        self.drop_last = check_flag("drop_last", drop_last)
        self.num_threads = check_integer("num_threads", num_threads, minimum=0)
        self._members = choose_members(
            num_entries,
            split=split,
            fractions=fractions,
            split_seed=check_seed("split_seed", split_seed),
            tickets=tickets,
            subindex=subindex,
            ascending=not self.shuffle,
        )
        self.split, self.fractions = split, tuple(map(float, fractions))

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
        return len(self._members)

    def __len__(self) -> int:
        return num_batches(self.num_entries, self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch
        self.epoch = epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, *, position: int = 0) -> Iterator[Batch]:
        """Iterate one given epoch, and leave `epoch` of the loader as it is.

        Parameters
        ----------
        epoch : int
            Which epoch.
        position : int
            How many entries of it were handed out before: whole batches.
        """
        order = Permutation(
            self.num_entries,
            key=derive_key(self.seed, check_seed("epoch", epoch), purpose="epoch"),
        )

        def entries_at(positions: Entries) -> Entries:
            return self._members.entries(order(positions) if self.shuffle else positions)

        return load_batches(
            self._columns,
            entries_at,
            self.num_entries,
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=self._check_position(position),
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
