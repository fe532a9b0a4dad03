"""The order of blocks of consecutive rows, mixed inside windows of blocks: `shuffle="blocks"`."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.kernels import MIX_MIN_BITS, MIX_ROUNDS, Words, absorb, derive_key
from memmpy.order.permutation import Permutation
from memmpy.typing import Entries

__all__ = ["MAX_WINDOW_ROWS", "BlockOrder", "BlockWindows", "mixed_places"]

#: The largest number of rows of a window.
MAX_WINDOW_ROWS = 2**31
#: Requests whose blocks are looked up at once.
_NUM_PLANNED = 64


@final
@dataclass(frozen=True, slots=True, eq=False)
class BlockWindows:
    """The rows to read for a run of positions of the epoch, and their places: one window or more.

    Attributes
    ----------
    start : int
        The first of these positions: the `BlockOrder.window_start` of the first window.
    edges : int64 array of shape (w + 1,)
        The number of positions before each window, from 0 on, and of all positions.
    starts : int64 array of shape (k,)
        The first row of each block; they ascend in each window.
    counts : int64 array of shape (k,)
        The number of rows of each block, at least 1. After the last of all rows comes row 0.
    words : uint64 array of shape (w, 6)
        Words that determine the places of each window: see `BlockOrder`.
    window_blocks : int
        Blocks of each window but the last.
    num : int
        The number of rows of the order.
    """

    start: int
    edges: Entries
    starts: Entries
    counts: NDArray[np.int64]
    words: Words
    window_blocks: int
    num: int

    @property
    def num_rows(self) -> int:
        """Number of positions, at most 2**32."""
        return int(self.edges[-1])

    @property
    def stop(self) -> int:
        """The position after the last one."""
        return self.start + self.num_rows

    def part(self, first: int, stop: int) -> "BlockWindows":
        """Return some of these windows, first..stop-1."""
        blocks = slice(first * self.window_blocks, stop * self.window_blocks)
        edges = self.edges[first : stop + 1]
        return BlockWindows(
            self.start + int(edges[0]),
            edges - edges[0],
            self.starts[blocks],
            self.counts[blocks],
            self.words[first:stop],
            self.window_blocks,
            self.num,
        )

    def blocks(self) -> tuple[Entries, Entries]:
        """Return the starts and counts of the blocks."""
        return self.starts, self.counts

    def members(self, *, compiled: bool) -> Entries:
        """Return the row at each position."""
        before = np.cumsum(self.counts) - self.counts
        members = np.empty(self.num_rows, np.int64)
        read = np.repeat(self.starts - before, self.counts) + np.arange(self.num_rows)
        read[read >= self.num] -= self.num
        members[self.places(compiled=compiled)] = read
        return members

    def places(self, *, compiled: bool) -> NDArray[np.uint32]:
        """Return where each row that is read goes, one block after the other.

        Parameters
        ----------
        compiled : bool
            Whether to use Numba: it takes 0.5 ns a row if the rows of a window are a power of two,
            up to 3 ns if not, and NumPy takes ten times as long. The places are the same.

        Returns
        -------
        uint32 array of shape (num_rows,)
            Row i goes to position ``start + places[i]``. A permutation of 0..num_rows-1.
        """
        if compiled:
            from memmpy.kernels.permute_numba import mix_places

            return mix_places(self.edges, self.words)
        ends = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), self.words, strict=True)
        parts = [start + mixed_places(stop - start, words) for start, stop, words in ends]
        return np.concatenate(parts, dtype=np.uint32)


@final
@dataclass(frozen=True, slots=True)
class BlockOrder:
    """An order of the rows 0..num-1 that reads them in blocks, which differ from key to key.

    It is fixed by these four numbers, in all versions: epochs are resumed by them. No row leaves
    its window, so the rows must lie in random order already, as those of a skim do. The order needs
    no memory; a window needs 4 bytes a row.

    Parameters
    ----------
    num : int
        The number of rows, from 0 to 2**62.
    block_rows : int
        Rows of a block, at least 1. One block may be short; it comes last.
    window_blocks : int
        Blocks whose rows are mixed, at least 1; the last window may have fewer. A window has at
        most 2**31 rows.
    key : int
        Chooses the order: 0 <= key < 2**64.

    Notes
    -----
    Rows are a circle, after the last of which comes row 0. Block b is the rows from
    ``shift + b * block_rows`` on, where ``shift`` is the upper 64 bits of
    ``derive_key(key, purpose="shift") * num``; what is left of the circle is the short block. The
    others come in the order of ``Permutation(num // block_rows, key=derive_key(key,
    purpose="blocks"))``, then the short one, and window w takes the blocks at w * window_blocks and
    on in it, as many as it has. They are read in the order of their first rows. In a window of m
    rows the i-th that is read goes to the place ``mix(i)``, a bijection of
    ``0..2**bits-1`` with the smallest ``2**bits >= m`` (`bits` at least `MIX_MIN_BITS`), and cycle
    walking: what lands at m or above goes through it again. Round r of `MIX_ROUNDS` is ::

        x = (x * (word | 1) + (word >> 32)) % 2**bits
        x = x ^ (x >> (bits // 2 + 1))

    with the 64-bit ``word = absorb(absorb(derive_key(key, purpose="places"), w), r)``.

    Examples
    --------
    >>> order = BlockOrder(10, block_rows=4, window_blocks=2, key=0)
    >>> window = order.windows(0, 1)
    >>> window.starts, window.counts  # of the second block, rows 8, 9, 0 and 1
    (array([4, 8]), array([4, 4]))
    """

    is_scattered: ClassVar[bool] = False
    num: int
    _: KW_ONLY
    block_rows: int
    window_blocks: int
    key: int
    _blocks: Permutation = field(init=False, repr=False, compare=False)  # of whole blocks
    _shift: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, minimum in (("num", 0), ("block_rows", 1), ("window_blocks", 1)):
            number = check_integer(name, getattr(self, name), minimum=minimum)
            object.__setattr__(self, name, number)
        object.__setattr__(self, "key", check_seed("key", self.key))
        if min(self.num, self.block_rows * self.window_blocks) > MAX_WINDOW_ROWS:
            message = (
                f"a window has at most 2**31 rows, not {self.window_blocks:,} blocks "
                f"of {self.block_rows:,}"
            )
            raise OptionError(message)
        blocks = Permutation(
            self.num // self.block_rows, key=derive_key(self.key, purpose="blocks")
        )
        object.__setattr__(self, "_blocks", blocks)
        shift = derive_key(self.key, purpose="shift") * self.num >> 64
        object.__setattr__(self, "_shift", shift)

    def __len__(self) -> int:
        return self.num

    @property
    def num_windows(self) -> int:
        """Number of windows."""
        return -(-self.num // self._window_rows)

    @property
    def _window_rows(self) -> int:
        return self.window_blocks * self.block_rows

    def window_start(self, number: int) -> int:
        """Return the first position of window `number`, and of `num_windows` the end: `num`."""
        return min(number * self._window_rows, self.num)

    def window_at(self, position: int) -> int:
        """Return the number of the window of a position.

        Raises
        ------
        OptionError
            If the position is out of range.
        """
        if not 0 <= position < self.num:
            message = f"{position} is out of range: there are {self.num:,} rows, from 0 on"
            raise OptionError(message)
        return position // self._window_rows

    def windows(self, first: int, stop: int) -> BlockWindows:
        """Return the rows that some windows read, and their places.

        Parameters
        ----------
        first, stop : int
            The windows first..stop-1, at least one, of 0..num_windows-1.

        Raises
        ------
        OptionError
            If there is no such window.
        """
        if not 0 <= first < stop <= self.num_windows:
            wrong = first if not 0 <= first < self.num_windows else stop - 1
            message = f"no window {wrong}: there are {self.num_windows:,}, from 0 on"
            raise OptionError(message)
        num_blocks = -(-self.num // self.block_rows)
        stop_slot = min(stop * self.window_blocks, num_blocks)
        slots = np.arange(first * self.window_blocks, stop_slot, dtype=np.int64)
        counts = np.full(len(slots), min(self.block_rows, self.num), np.int64)
        if stop_slot > len(self._blocks):  # the short block is among them
            counts[-1] = self.num % self.block_rows
            blocks = np.append(self._blocks(slots[:-1]), len(self._blocks))
        else:
            blocks = self._blocks(slots)
        starts = (self._shift + blocks * min(self.block_rows, self.num)) % self.num
        ascending = np.lexsort((starts, slots // min(self.window_blocks, num_blocks)))
        ends = [self.window_start(number) for number in range(first, stop + 1)]
        numbers = np.arange(first, stop, dtype=np.uint64)[:, np.newaxis]
        keys = absorb(derive_key(self.key, purpose="places"), numbers)
        words = absorb(keys, np.tile(np.arange(MIX_ROUNDS, dtype=np.uint64), (len(keys), 1)))
        edges = np.array(ends, np.int64) - ends[0]
        blocks_of_windows = starts[ascending], counts[ascending]
        return BlockWindows(ends[0], edges, *blocks_of_windows, words, self.window_blocks, self.num)

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[BlockWindows]:  # noqa: ARG002
        """Yield windows from that of a position on, whole ones: see `EpochOrder`."""
        size = max(1, round(num_rows / self._window_rows))
        many = size * _NUM_PLANNED
        for first in range(self.window_at(position), self.num_windows, many):
            num = min(many, self.num_windows - first)
            windows = self.windows(first, first + num)
            for at in range(0, num, size):
                yield windows.part(at, min(at + size, num))


def mixed_places(num: int, words: Words) -> NDArray[np.uint32]:
    """Return the place of each of `num` rows."""
    bits = max(MIX_MIN_BITS, (num - 1).bit_length())
    factors = words.astype(np.uint32) | np.uint32(1)
    summands = (words >> np.uint64(32)).astype(np.uint32)
    places = _mix(np.arange(num, dtype=np.uint32), bits, factors, summands)
    outside = np.flatnonzero(places >= num)
    while outside.size:
        again = _mix(places[outside], bits, factors, summands)
        places[outside] = again
        outside = outside[again >= num]
    return places


def _mix(
    numbers: NDArray[np.uint32],
    bits: int,
    factors: NDArray[np.uint32],
    summands: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    """Mix numbers in place."""
    shift, mask = np.uint32(bits // 2 + 1), np.uint32(2**bits - 1)
    for factor, summand in zip(factors, summands, strict=True):
        numbers *= factor
        numbers += summand
        numbers &= mask
        numbers ^= numbers >> shift
    return numbers
