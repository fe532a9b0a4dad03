"""Counts how many rows share an event, and how much that weakens the block shuffle."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from memmpy.kernels import Words
from memmpy.typing import Entries

__all__ = ["Multiplicities", "count_multiplicities", "spread_of_blocks"]

#: Tickets that are compared at once: 512 kB, which stay in the cache of a core.
_NUM_TICKETS = 1 << 16
#: Batches, or windows if these are smaller, whose edges are compared; later ones repeat them.
_MAX_EDGES = 1 << 14


@final
@dataclass(frozen=True, slots=True)
class Multiplicities:
    """How many rows the events of a skim have.

    Parameters
    ----------
    num_events : mapping of int to int
        From a number of rows, 1 or more, to the number of events that have it. For n rows, it has
        fewer than sqrt(2 n) numbers.
    """

    num_events: Mapping[int, int]

    @property
    def num_rows(self) -> int:
        """Rows of all events."""
        return sum(rows * events for rows, events in self.num_events.items())

    @property
    def others(self) -> float:
        """Other rows of the event of a row, on average: 0 if no two rows share an event."""
        pairs = sum(rows * (rows - 1) * events for rows, events in self.num_events.items())
        return pairs / max(1, self.num_rows)

    def others_in_block(self, block_rows: int) -> float:
        """Other rows of the event of a row in its block of consecutive rows, on average.

        Blocks begin at any row, as those of a `BlockOrder` do over its keys.

        Parameters
        ----------
        block_rows : int
            Rows of a block.

        Notes
        -----
        Of an event of k rows, k - d pairs of rows lie d rows apart. A block of r rows has both of
        such a pair with the probability 1 - d / r. With a = min(k, r) and b = max(k, r), the sum of
        2 (k - d) (1 - d / r) over d < a, divided by k, is a - 1 - (a**2 - 1) / (3 b).
        """
        total = 0.0
        for rows, events in self.num_events.items():
            less, more = min(rows, block_rows), max(rows, block_rows)
            total += rows * events * (less - 1 - (less * less - 1) / (3 * more))
        return total / max(1, self.num_rows)


def count_multiplicities(tickets: Words) -> Multiplicities:
    """Count how many rows share each ticket; reads the tickets step by step.

    Parameters
    ----------
    tickets : uint64 array of shape (n,)
        Ascending, such as a memory map.
    """
    counts: Counter[int] = Counter()
    num_open = 0  # rows so far of the event of the last row
    for start in range(0, len(tickets), _NUM_TICKETS):
        chunk = np.asarray(tickets[max(0, start - 1) : start + _NUM_TICKETS])
        is_new = chunk[1:] != chunk[:-1]
        if start == 0:
            is_new = np.append(True, is_new)
        if is_new.all():  # the usual case, and four times as fast
            counts[num_open] += 1
            counts[1] += len(is_new) - 1
            num_open = 1
            continue
        begins = np.flatnonzero(is_new)
        if begins.size:
            counts[num_open + int(begins[0])] += 1
            inner = np.bincount(np.diff(begins))
            counts.update({int(rows): int(inner[rows]) for rows in np.flatnonzero(inner)})
            num_open = -int(begins[-1])
        num_open += len(is_new)
    counts[num_open] += 1
    return Multiplicities({rows: counts[rows] for rows in sorted(counts) if rows and counts[rows]})


def spread_of_blocks(
    multiplicities: Multiplicities,
    *,
    num_rows: int,
    batch_size: int,
    block_rows: int,
    window_blocks: int,
) -> float:
    """Return the spread of the means of batches in an order of blocks, relative to exact order.

    `memmpy.shuffle_score` measures it, for a key that all rows of an event share and that does not
    depend on their number: the worst case of blocks. 1 is perfect.

    Parameters
    ----------
    multiplicities : Multiplicities
        The multiplicities of the rows, or of a larger skim of which they are a range.
    num_rows : int
        Rows of an epoch.
    batch_size : int
        Rows of a batch.
    block_rows, window_blocks : int
        The sizes of the `BlockOrder`.

    Notes
    -----
    Let each event have a value of its own, of variance 1, and let a row share its event with C
    others on average, of which e are in its batch of B rows. Then the mean of a batch has the
    variance (1 + e) / B, the mean of all N rows (1 + C) / N, and their mean square difference is
    (1 + e) / B - (1 + C) / N. That of independent rows is v (N - B) / (N - 1) / B, where
    v = 1 - (1 + C) / N is the variance of a row about the mean of all. The spread is the root of
    the ratio.

    Under blocks of r rows, W of which make a window at random, `others_in_block` are in the block
    of a row, and of the rest a share of (W - r) / (N - r) in the other blocks of its window. If q
    of the other rows of its batch are of that window, a share of q / (W - 1) of these is in its
    batch, and of those of other windows a share of (B - 1 - q) / (N - W). So e is C at most, and
    the spread about the root of 1 + C, whatever the size of batches.
    """
    num, others = num_rows, multiplicities.others
    if batch_size >= num or num <= 1 + others:
        return 1.0  # nothing to compare
    block, window = min(block_rows, num), min(block_rows * window_blocks, num)
    inside = multiplicities.others_in_block(block)
    inside += (others - inside) * (window - block) / max(1, num - block)
    near = _rows_of_both(num, batch_size, window)
    in_batch = inside * near / max(1, window - 1)
    in_batch += (others - inside) * (batch_size - 1 - near) / max(1, num - window)
    between = (1 + in_batch) / batch_size - (1 + others) / num
    exact = (1 - (1 + others) / num) * (num - batch_size) / (num - 1) / batch_size
    return math.sqrt(max(0.0, between / exact))


def _rows_of_both(num_rows: int, batch_size: int, window_rows: int) -> float:
    """Return how many other rows of the batch of a row are in its window, on average."""
    stop = min(
        num_rows,
        _MAX_EDGES * min(batch_size, window_rows),
        math.lcm(batch_size, window_rows),
    )
    edges: Entries = np.unique(
        np.concatenate(
            [np.arange(0, stop, batch_size), np.arange(0, stop, window_rows), np.array([stop])]
        )
    )
    counts = np.diff(edges)
    return float(counts @ (counts - 1)) / stop
