"""The plan of an external sort, as integers: chunks to sort one by one, and buckets of the result.

Rows are sorted by ticket, then by entry. Chunks are consecutive ranges of the selection. So among
rows of equal tickets, the number of the chunk and the place in it give the same order as the entry.
A bucket may therefore begin at any row, even between two of equal tickets, and takes no more memory
where many entries share a ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words

__all__ = ["Bound", "Sizes", "place_of", "plan_bounds", "plan_chunks", "samples_of", "stride_of"]

#: Samples for each bucket. Its size is off by one in the root of this number, or so.
_NUM_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a skim that one task has in memory.

    Parameters
    ----------
    chunk_bytes : int
        Bytes of a chunk.
    bucket_bytes : int
        Bytes of a bucket.
    """

    chunk_bytes: int = 2**26  # 64 MiB
    bucket_bytes: int = 2**26  # 64 MiB


@dataclass(frozen=True, slots=True)
class Bound:
    """The first row of a bucket.

    Parameters
    ----------
    ticket : int
        The ticket of the row.
    run : int
        The run in which it lies.
    row : int
        Its place in the run.
    """

    ticket: int
    run: int
    row: int


def plan_chunks(num_rows: int, bytes_per_row: float, chunk_bytes: int) -> list[tuple[int, int]]:
    """Return the (start, stop) of chunks of about equal size, at least one."""
    most = max(1, int(chunk_bytes / bytes_per_row))
    num = max(1, -(-num_rows // most))
    bounds = [num_rows * i // num for i in range(num + 1)]
    return list(pairwise(bounds))


def stride_of(bytes_per_row: float, bucket_bytes: int) -> int:
    """Return the stride of the samples of a run."""
    return max(1, int(bucket_bytes / bytes_per_row) // _NUM_SAMPLES)


def samples_of(tickets: Words, stride: int) -> Words:
    """Return a copy of the tickets of rows `stride`, 2 `stride`, ... of a run."""
    samples: Words = tickets[stride::stride].copy()
    return samples


def plan_bounds(
    samples: Sequence[Words], stride: int, num_rows: int, num_buckets: int
) -> list[Bound]:
    """Return where the buckets begin, but for the first, in ascending order.

    Parameters
    ----------
    samples : sequence of arrays
        The samples of each run, as `samples_of` gives them.
    stride : int
        The stride of the samples.
    num_rows : int
        Number of rows of all runs together.
    num_buckets : int
        Number of buckets; there are fewer where there are too few samples.
    """
    tickets = np.concatenate([np.empty(0, np.uint64), *samples])
    runs = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    rows = np.concatenate([np.empty(0, np.int64), *(_rows(s, stride) for s in samples)])
    order = np.lexsort((rows, runs, tickets))
    # Before sample i, in order, lie about (i + 1) * stride rows.
    places = np.arange(1, num_buckets) * num_rows // num_buckets // stride - 1
    first = order[np.unique(places[(places >= 0) & (places < len(order))])]
    bounds = zip(tickets[first].tolist(), runs[first].tolist(), rows[first].tolist(), strict=True)
    return [Bound(*bound) for bound in bounds]


def place_of(bound: Bound, tickets: Words, run: int) -> int:
    """Return how many rows of a run come before a bound."""
    if run == bound.run:
        return bound.row
    side = "right" if run < bound.run else "left"
    return int(np.searchsorted(tickets, np.uint64(bound.ticket), side))  # type: ignore[call-overload]


def _rows(sample: Words, stride: int) -> NDArray[np.int64]:
    return np.arange(1, len(sample) + 1, dtype=np.int64) * stride
