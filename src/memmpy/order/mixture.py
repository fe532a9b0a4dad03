"""The order of a mixture: classes in given shares, in every batch: `sampling=`."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.kernels import MIX_ROUNDS, ClassPart, Words, absorb, absorb_word, derive_key
from memmpy.order.blocks import mixed_places
from memmpy.order.class_shares import Mixture
from memmpy.order.permutation import Permutation
from memmpy.typing import Entries

__all__ = ["MixtureOrder", "MixtureRun"]

#: The range of rows in which each member is its own row.
_ALL = np.array([[2**62], [0]])


@final
@dataclass(frozen=True, slots=True, eq=False)
class MixtureOrder:
    """One epoch of a mixture, which continues the epoch before.

    It is fixed by the mixture, the key, the epoch and the sizes of blocks and windows, in all
    versions: epochs are resumed by them.

    Parameters
    ----------
    mixture : Mixture
        The classes, their shares, and the batches.
    block_rows, window_rows : int
        About how many members in a row are read together, and how many are mixed: all classes
        together. With blocks of 1, each member has the same probability at each position of a pass.
    key : int
        Chooses the order of all epochs: 0 <= key < 2**64.
    epoch : int
        The number of the epoch.

    Notes
    -----
    *Classes.* `Mixture` has the number of events of each class in each batch. Class c hands out
    its N members pass by pass: number n of them is at place ``n % N`` of pass ``n // N``.
    So after any step, members of a class have been used equally often, or once more. The members
    of a step do not depend on the number of ranks, if `step_size` does not.

    *Passes.* With ``key_c = derive_key(key, c, purpose="class")``, pass p has the key ``q =
    absorb(key_c, p % 2**64)``. The members are a circle. Block b is those from ``absorb(q, 0) % N +
    b * rows`` on, where ``rows`` is `block_rows` times the share, rounded, and at least 1. Whole
    blocks come in the order of ``Permutation(N // rows, key=absorb(q, 1))``, then the short one.

    *Windows.* A window is as many whole steps as `window_rows` has, and at least one; the last
    of an epoch may have fewer. What a class hands out in a window, cut at the ends of passes, is
    mixed, unless ``rows`` is 1: the i-th goes to the place ``mix(i)`` of `BlockOrder`, with the
    words ``absorb(absorb(absorb(q, 2), a), r)`` for a part that begins at place a of its pass.

    *Batches.* A batch takes the next members of each class, class by class, and puts the i-th to
    the place ``(mix(i) + absorb(s_t, 6)) % batch_size``. Here ``s_t = absorb(key_b, t % 2**64)``
    for batch t of the stream, ``key_b = derive_key(key, purpose="batches")``, and `mix` has the
    words ``absorb(s_w, r)`` of the first batch w of the window. Batch ``t = n * world_size + r`` is
    that of rank r in step n. So a batch is not sorted by class, and successive batches have their
    classes at other places.
    """

    mixture: Mixture
    _: KW_ONLY
    block_rows: int
    window_rows: int
    key: int
    epoch: int
    #: The key of each class, and how many members of it make a block.
    class_keys: tuple[tuple[int, int], ...] = field(init=False, repr=False)
    #: The key of all batches.
    batches_key: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("block_rows", "window_rows"):
            number = check_integer(name, getattr(self, name), minimum=1)
            object.__setattr__(self, name, number)
        for name in ("key", "epoch"):
            object.__setattr__(self, name, check_seed(name, getattr(self, name)))
        key, shares = self.key, self.mixture.shares
        rows = (max(1, round(share * self.block_rows)) for share in shares)
        keys = (derive_key(key, c, purpose="class") for c in range(len(shares)))
        object.__setattr__(self, "class_keys", (*zip(keys, rows, strict=True),))
        object.__setattr__(self, "batches_key", derive_key(key, purpose="batches"))

    def __len__(self) -> int:
        return self.mixture.num_batches * self.mixture.step_size

    @property
    def is_scattered(self) -> bool:
        """Whether members that follow each other in the order lie far apart in the data."""
        return self.block_rows == 1

    @property
    def window_steps(self) -> int:
        """The number of steps per window."""
        return max(1, self.window_rows // self.mixture.step_size)

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator["MixtureRun"]:
        """Yield runs from the window of a position on: see `EpochOrder`.

        With blocks of 1, runs begin at the position itself.

        Raises
        ------
        OptionError
            If `batch_size` is not that of all ranks of the mixture.
        """
        if batch_size != self.mixture.step_size:
            message = (
                f"a mixture of batches of {self.mixture.step_size:,} has none of {batch_size:,}"
            )
            raise OptionError(message)
        num = self.mixture.num_batches
        unit = 1 if self.is_scattered else self.window_steps
        size = unit * max(1, round(num_rows / batch_size / unit))
        for first in range(position // batch_size // unit * unit, num, size):
            yield MixtureRun(self, first, min(first + size, num))

    def class_pass(self, number: int, pass_number: int) -> "_ClassPass":
        """Return a pass over the members of a class."""
        key, block_rows = self.class_keys[number]
        key = absorb_word(key, pass_number % 2**64)
        return _ClassPass(len(self.mixture.classes[number]), block_rows, key)


class _ClassPass(NamedTuple):
    """A pass over the `num` members of a class."""

    num: int
    block_rows: int
    key: int

    def blocks(self, offset: int, size: int) -> tuple[Entries, Entries]:
        """Return the starts and counts of the blocks at the places offset..offset+size-1.

        A start is the number of a member in its class; after the last one comes number 0.
        """
        rows, num_whole = self.block_rows, self.num // self.block_rows
        slots = np.arange(offset // rows, (offset + size - 1) // rows + 1)
        blocks = slots.copy()
        whole = slots < num_whole
        blocks[whole] = Permutation(num_whole, key=absorb_word(self.key, 1))(slots[whole])
        begins = np.maximum(slots * rows, offset)
        ends = np.minimum((slots + 1) * rows, offset + size)
        shift = absorb_word(self.key, 0) % self.num
        return (shift + blocks * rows + begins - slots * rows) % self.num, ends - begins

    def numbers(self, offset: int, size: int) -> Entries:
        """Return the number of the member of the class at each place, mixed."""
        starts, counts = self.blocks(offset, size)
        read = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(size)
        numbers: Entries = read % self.num
        if self.block_rows > 1:
            words = _mix_words(absorb_word(absorb_word(self.key, 2), offset))
            numbers[mixed_places(size, words)] = numbers.copy()
        return numbers


@final
@dataclass(frozen=True, slots=True, eq=False)
class MixtureRun:
    """The steps first..stop_step-1 of an epoch of a mixture.

    Parameters
    ----------
    order : MixtureOrder
        The order of the epoch.
    first, stop_step : int
        The steps, by their number in the epoch.
    """

    order: MixtureOrder
    first: int
    stop_step: int

    @property
    def start(self) -> int:
        """The first position."""
        return self.first * self.order.mixture.step_size

    @property
    def stop(self) -> int:
        """The position after the last one."""
        return self.stop_step * self.order.mixture.step_size

    def members(self, *, compiled: bool) -> Entries:
        """Return the member at each position."""
        members = np.empty(self.stop - self.start, np.int64)
        if compiled:
            self.fill(members, np.empty(len(members), np.uint32), ranges=_ALL)
            return members
        before, totals = self._events()
        for c, places in enumerate(self._places(totals)):
            parts = self._parts(c, before[c], totals[c, self._edges(c)])
            numbers = [one.numbers(offset, size) for one, offset, size in parts]
            if numbers:
                members[places] = self.order.mixture.classes[c].select(np.concatenate(numbers))
        return members

    def fill(self, rows: Entries, places: NDArray[np.uint32], *, ranges: NDArray[np.int64]) -> None:
        """Fill `rows` with the row of the member at each position, by Numba.

        Parameters
        ----------
        rows : int64 array
            As long as the run.
        places : uint32 array
            Memory to work with, as long as the run.
        ranges : int64 array of shape (2, k)
            Member i is row ``i + ranges[1, j]`` for the first j with ``i < ranges[0, j]``.
        """
        from memmpy.kernels.mixture_numba import place_batches, place_class

        order, mixture = self.order, self.order.mixture
        ranks = mixture.world_size
        before, totals = self._events()
        place_batches(
            totals,
            (order.window_steps * ranks, self.first % order.window_steps * ranks),
            key=order.batches_key,
            batch=self._step * ranks % 2**64,
            out=places,
        )
        start = 0
        for c, (key, block_rows) in enumerate(order.class_keys):
            edges = totals[c, self._edges(c)]
            num = len(mixture.classes[c])
            pass_number, offset = divmod(before[c], num)
            numbers = num, block_rows, key, pass_number % 2**64, offset
            stop = start + int(edges[-1])
            part = ClassPart(*mixture.kernel_class(c), *numbers, edges)
            place_class(part, places[start:stop], ranges, out=rows)
            start = stop

    def blocks(self) -> tuple[Entries, Entries]:
        """Return runs of members, each from the first of a block of a class to its last.

        There are members of other classes between these.
        """
        before, totals = self._events()
        firsts, lasts = [], []
        for c, members in enumerate(self.order.mixture.classes):
            for one, offset, size in self._parts(c, before[c], totals[c, self._edges(c)]):
                starts, counts = one.blocks(offset, size)
                stops = starts + counts
                over = stops > one.num  # the part behind the last member is another run
                starts = np.concatenate([starts, np.zeros(over.sum(), np.int64)])
                stops = np.concatenate([np.minimum(stops, one.num), stops[over] - one.num])
                firsts.append(members.select(starts))
                lasts.append(members.select(stops - 1))
        starts = np.concatenate(firsts)
        return starts, np.concatenate(lasts) + 1 - starts

    @property
    def _step(self) -> int:
        """The number of the first step in the stream."""
        return self.order.epoch * self.order.mixture.num_batches + self.first

    def _events(self) -> tuple[list[int], NDArray[np.int64]]:
        """Return the events of each class before the run, and in the first of its batches."""
        return self.order.mixture.events(self._step, self.stop_step - self.first)

    def _edges(self, number: int) -> list[int]:
        """Return how many batches come before each window in which a class is mixed, and of all."""
        num, is_mixed = self.stop_step - self.first, self.order.class_keys[number][1] > 1
        steps = [*range(0, num, self.order.window_steps if is_mixed else num), num]
        return [step * self.order.mixture.world_size for step in steps]

    def _parts(
        self, number: int, before: int, edges: Entries
    ) -> Iterator[tuple[_ClassPass, int, int]]:
        """Yield the parts of what a class hands out: pass, first place and number of places."""
        num = len(self.order.mixture.classes[number])
        for size in np.diff(edges).tolist():
            left = size
            while left:
                pass_number, offset = divmod(before, num)
                taken = min(left, num - offset)
                yield self.order.class_pass(number, pass_number), offset, taken
                before, left = before + taken, left - taken

    def _places(self, totals: NDArray[np.int64]) -> Iterator[Entries]:
        """Yield, for each class, where its members go."""
        size, counts = self.order.mixture.batch_size, np.diff(totals).T
        ranks = self.order.mixture.world_size
        first, window = self._step * ranks, self.order.window_steps * ranks
        places, stops = np.empty((len(counts), size), np.int64), np.cumsum(counts, axis=1)
        for b in range(len(counts)):
            state = absorb_word(self.order.batches_key, (first + b) % 2**64)
            in_window = (self.first * ranks + b) % window
            if b == 0 or in_window == 0:
                key = absorb_word(self.order.batches_key, (first + b - in_window) % 2**64)
                spots = mixed_places(size, _mix_words(key))
            places[b] = b * size + (spots + absorb_word(state, MIX_ROUNDS) % size) % size
        for c in range(counts.shape[1]):
            ends = zip(places, stops[:, c] - counts[:, c], stops[:, c], strict=True)
            yield np.concatenate([of_batch[start:stop] for of_batch, start, stop in ends])


def _mix_words(state: int) -> Words:
    return absorb(state, np.arange(MIX_ROUNDS, dtype=np.uint64))
