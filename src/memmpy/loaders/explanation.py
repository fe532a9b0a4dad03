"""What a loader does, why, and how fast: measured, beside what the machine can do at best."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any, final

import numpy as np

from memmpy.display import Renderable, Table, format_rate, format_size
from memmpy.loaders.pagecache.pages import in_memory
from memmpy.loaders.windows import Windows
from memmpy.parallel import memory_for_pages, prefetch
from memmpy.typing import Array, Batch

__all__ = ["Explanation", "explain"]

#: Seconds that each of the two measurements takes at most, once its first piece is done.
_SECONDS = 0.5
#: Bytes that are copied, or read, in one go to see how fast that is.
_PIECE = 1 << 22
#: Places of a file of which it is asked whether they are in memory.
_NUM_SAMPLES = 256


@final
@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Renderable):
    """What a loader does, why, and how fast. Prints as a table; `to_dict` has it all.

    Attributes
    ----------
    split : str
        Which entries the loader hands out, and the splits that they follow from.
    num_entries, batch_size, num_batches, num_threads : int
        Of the loader.
    entry_bytes : float
        Bytes of an entry in memory or on disk, with its lists, on average.
    total_bytes : int
        Of all entries of the data, also those of other splits.
    memory_bytes : int or None
        What the kernel can keep of files now; None if unknown.
    resident : float
        The part of the data that is in memory, 0 to 1, seen in samples.
    shuffle : {"none", "exact", "blocks"}
        How entries are shuffled.
    why : str
        Why in that way.
    block_rows, window_rows : int
        Rows that are read together, and rows that are gathered together.
    is_ahead, is_dropped : bool
        Whether an epoch that began now would ask the kernel for pages before they are needed, and
        drop them behind.
    limit : {"memory", "disk"}
        What the data comes from.
    limit_rate : float or None
        Bytes a second that it gives in order: a copy by all threads. None where no column tells
        in which arrays it lies.
    expected_rate : float or None
        Entries a second at that limit.
    measured_rate : float
        Entries a second that the loader gave. It was measured on the first batches of an epoch.
    """

    split: str
    num_entries: int
    batch_size: int
    num_batches: int
    num_threads: int
    entry_bytes: float
    total_bytes: int
    memory_bytes: int | None
    resident: float
    shuffle: str
    why: str
    block_rows: int
    window_rows: int
    is_ahead: bool
    is_dropped: bool
    limit: str
    limit_rate: float | None
    expected_rate: float | None
    measured_rate: float

    @property
    def share(self) -> float | None:
        """The measured rate over the expected one; None where there is none."""
        return self.measured_rate / self.expected_rate if self.expected_rate else None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it by name."""
        return asdict(self)

    def table(self) -> Table:
        """Return it in words."""
        memory = "unknown" if self.memory_bytes is None else format_size(self.memory_bytes)
        data = [
            ("split", self.split),
            ("entries", f"{self.num_entries:,} in {self.num_batches:,} batches"),
            ("bytes of an entry", f"{self.entry_bytes:,.1f}"),
            ("all data", f"{format_size(self.total_bytes)}, {self.resident:.0%} in memory"),
            ("memory for files", memory),
        ]
        how = [("shuffle", self.shuffle), ("because", self.why)]
        if self.shuffle == "blocks":
            how += [("rows of a block", f"{self.block_rows:,}")]
        how += [("rows of a window", f"{self.window_rows:,}"), ("threads", str(self.num_threads))]
        if self.is_ahead:
            ahead = "read ahead, as some of it is not in memory"
        else:
            ahead = "as it comes: nothing is asked of the kernel"
        how += [("data", ahead)]
        if self.is_ahead:
            behind = "dropped, as all is much more than memory" if self.is_dropped else "kept"
            how += [("what was read", behind)]
        measured = f"{format_rate(self.measured_rate)} entries/s"
        rates = [("measured", measured)]
        if self.limit_rate is not None and self.expected_rate and self.share is not None:
            rates = [
                (f"limit: {self.limit}, in order", f"{format_size(int(self.limit_rate))}/s"),
                ("that is", f"{format_rate(self.expected_rate)} entries/s"),
                ("measured", f"{measured}, {self.share:.0%} of the limit"),
            ]
        return Table(("", "loader"), 2, (data, how, rates))

    def _blocks(self) -> list[Table]:
        return [self.table()]


def explain(
    windows: Windows,
    *,
    batch_size: int,
    num_batches: int,
    num_threads: int,
    batches: Callable[[], Generator[Batch, None, None]],
    split: str,
) -> Explanation:
    """Measure, and return what was found.

    Parameters
    ----------
    windows : Windows
        What the loader gathers.
    batch_size, num_batches, num_threads : int
        Of the loader.
    batches : callable
        Starts an epoch.
    split : str
        Which entries the loader hands out.
    """
    shuffle, entry_bytes = windows.shuffle, windows.entry_bytes
    resident = _resident(windows.arrays)
    reading = windows.reading()
    limit_rate = _copy_rate(windows.arrays, num_threads=num_threads)
    return Explanation(
        split=split,
        num_entries=len(windows),
        batch_size=batch_size,
        num_batches=num_batches,
        num_threads=num_threads,
        entry_bytes=entry_bytes,
        total_bytes=round(entry_bytes * windows.num_data),
        memory_bytes=memory_for_pages(),
        resident=resident,
        shuffle=shuffle.kind,
        why=shuffle.why,
        block_rows=shuffle.block_rows,
        window_rows=shuffle.window_rows,
        is_ahead=reading.is_ahead,
        is_dropped=reading.is_dropped,
        limit="memory" if resident > 0.5 else "disk",
        limit_rate=limit_rate,
        expected_rate=limit_rate / entry_bytes if limit_rate and entry_bytes else None,
        measured_rate=_batch_rate(batches()),
    )


def _resident(arrays: Sequence[Array]) -> float:
    """Return which part of arrays is in memory; what is no file is."""
    sizes = np.array([array.nbytes for array in arrays], np.float64)
    if not sizes.sum():
        return 1.0
    shares = np.array([_share_in_memory(array) for array in arrays])
    return float(shares @ sizes / sizes.sum())


def _share_in_memory(array: Array) -> float:
    return in_memory(array, start=0, stop=array.nbytes, num_samples=_NUM_SAMPLES)


def _copy_rate(arrays: Sequence[Array], *, num_threads: int) -> float | None:
    """Return the bytes a second at which threads and the caller copy; None without arrays."""
    pieces = [
        octets[start : start + _PIECE]
        for array in arrays
        if array.nbytes and array.flags.c_contiguous
        for octets in [array.reshape(-1).view(np.uint8)]
        for start in range(0, len(octets), _PIECE)
    ]
    if not pieces:
        return None
    source = cycle(pieces)
    begin = time.perf_counter()

    def work() -> int:
        target = np.empty(_PIECE, np.uint8)
        copied = 0
        while not copied or time.perf_counter() - begin < _SECONDS:
            piece = next(source)
            target[: len(piece)] = piece
            copied += len(piece)
        return copied

    num = num_threads + 1
    copied = sum(prefetch([work] * num, num_threads=num_threads, depth=num))
    return copied / (time.perf_counter() - begin)


def _batch_rate(batches: Generator[Batch, None, None]) -> float:
    """Return the entries a second of the first batches, but the very first window."""
    num = 0
    begin = start = time.perf_counter()
    with closing(batches) as left:
        for batch in left:
            now = time.perf_counter()
            if num == 0:
                start = now  # kernels are loaded and threads are started by now
            num += len(batch["_index"])
            if now - begin > _SECONDS:
                break
    seconds = time.perf_counter() - start
    return num / seconds if num and seconds else 0.0
