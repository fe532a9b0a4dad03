"""An external sort as integers: chunks that are sorted one by one, and buckets that join them.

Rows are ordered by their ticket, then by their entry. A chunk is a run of the selection, so its
rows come before those of the next one where tickets are equal: the number of the chunk and the
place in it say as much as the entry. So a bucket may begin at any row, also between two of equal
tickets, and takes no more memory where many entries share one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words

__all__ = ["Bound", "Sizes", "place_of", "plan_bounds", "plan_chunks", "samples_of", "stride_of"]

#: Samples for each bucket: it is larger than it should be by one in the root of that, or so.
_NUM_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a skim that a task has in memory.

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
        The sorted chunk in which it lies.
    row : int
        Its place there.
    """

    ticket: int
    run: int
    row: int


def plan_chunks(num_rows: int, bytes_per_row: float, chunk_bytes: int) -> list[tuple[int, int]]:
    """Return the (start, stop) of chunks of about equal size; one at least."""
    most = max(1, int(chunk_bytes / bytes_per_row))
    num = max(1, -(-num_rows // most))
    bounds = [num_rows * i // num for i in range(num + 1)]
    return list(pairwise(bounds))


def stride_of(bytes_per_row: float, bucket_bytes: int) -> int:
    """Return of how many rows of a sorted chunk one is a sample."""
    return max(1, int(bucket_bytes / bytes_per_row) // _NUM_SAMPLES)


def samples_of(tickets: Words, stride: int) -> Words:
    """Return the tickets of rows `stride`, 2 `stride`, ... of a sorted chunk; keeps no others."""
    samples: Words = tickets[stride::stride].copy()
    return samples


def plan_bounds(
    samples: Sequence[Words], stride: int, num_rows: int, num_buckets: int
) -> list[Bound]:
    """Return where the buckets begin, without the first of them, in ascending order.

    Parameters
    ----------
    samples : sequence of arrays
        The samples of each chunk, as `samples_of` gives them.
    stride : int
        As it was for them.
    num_rows : int
        Number of rows of all chunks together.
    num_buckets : int
        How many to make; fewer where there are too few samples.
    """
    tickets = np.concatenate([np.empty(0, np.uint64), *samples])
    runs = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    rows = np.concatenate([np.empty(0, np.int64), *(_rows(s, stride) for s in samples)])
    order = np.lexsort((rows, runs, tickets))
    # Before the sample of rank r lie about (r + 1) * stride rows.
    wanted = np.arange(1, num_buckets) * num_rows // num_buckets // stride - 1
    chosen = order[np.unique(wanted[(wanted >= 0) & (wanted < len(order))])]
    found = zip(tickets[chosen].tolist(), runs[chosen].tolist(), rows[chosen].tolist(), strict=True)
    return [Bound(*bound) for bound in found]


def place_of(bound: Bound, tickets: Words, run: int) -> int:
    """Return how many rows of a sorted chunk come before a bound."""
    if run == bound.run:
        return bound.row
    side = "right" if run < bound.run else "left"
    return int(np.searchsorted(tickets, np.uint64(bound.ticket), side))  # type: ignore[call-overload]


def _rows(sample: Words, stride: int) -> NDArray[np.int64]:
    return np.arange(1, len(sample) + 1, dtype=np.int64) * stride
