"""Explains a loader: what it does, why, and how fast, beside the limit of the machine."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any, final

import numpy as np

from memmpy.display import (
    Renderable,
    Table,
    format_count,
    format_rate,
    format_seconds,
    format_share,
    format_size,
)
from memmpy.errors import argument_hints
from memmpy.loaders.epoch import EpochChunks
from memmpy.loaders.pagecache.pages import in_memory
from memmpy.parallel import memory_for_pages, prefetch
from memmpy.typing import Array, Batch

__all__ = ["Explanation", "explain"]

#: Seconds that each of the two measurements takes at most, after its first copy or chunk.
_SECONDS = 0.5
#: Bytes that are copied at once to measure the rate of a copy.
_COPY_BYTES = 1 << 22
#: How many places of an array are sampled for whether they are in memory.
_NUM_SAMPLES = 256


@argument_hints
@final
@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Renderable):
    """What a loader does, why, and how fast. Prints as a table; `to_dict` returns all of it.

    Attributes
    ----------
    split : str
        Which entries the loader hands out, and by which splits.
    num_entries, batch_size, num_batches, num_threads : int
        The numbers of the loader.
    entry_bytes : float
        Bytes of an entry in memory or on disk, with its lists, on average.
    total_bytes : int
        Bytes of all entries of the data, also those of other splits.
    memory_bytes : int or None
        Bytes of files that the OS can keep in memory now; None if unknown.
    resident : float
        The share of the data that is in memory, 0 to 1, estimated from samples.
    shuffle : {"none", "exact", "blocks"}
        How entries are shuffled.
    why : str
        The reason for this shuffle.
    block_rows, window_rows : int
        Rows that are read together; and rows that are mixed with blocks, else gathered at once.
    is_ahead, is_dropped : bool
        Whether an epoch that began now would read pages ahead of their use, and drop them after it.
    limit : {"memory", "disk"}
        Where the data comes from.
    limit_rate : float or None
        Bytes a second of a sequential copy by all threads. None if no column tells in which arrays
        it lies.
    expected_rate : float or None
        Entries a second at that limit.
    measured_rate : float
        Entries a second of the loader, measured on the first batches of an epoch.
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
        """The measured rate over the expected one; None without an expected one."""
        return self.measured_rate / self.expected_rate if self.expected_rate else None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it by name."""
        return asdict(self)

    def table(self) -> Table:
        """Return it as a table."""
        memory = "unknown" if self.memory_bytes is None else format_size(self.memory_bytes)
        data = [
            ("split", self.split),
            ("entries", f"{self.num_entries:,} in {self.num_batches:,} batches"),
            ("bytes per entry", f"{self.entry_bytes:,.1f}"),
            (
                "all data",
                f"{format_size(self.total_bytes)}, {format_share(self.resident)} in memory",
            ),
            ("memory for files", memory),
        ]
        how = [("shuffle", self.shuffle), ("reason", self.why)]
        unit = "window" if self.shuffle == "blocks" else "chunk"
        if self.shuffle == "blocks":
            how += [("rows per block", f"{self.block_rows:,}")]
        how += [(f"rows per {unit}", f"{self.window_rows:,}"), ("threads", str(self.num_threads))]
        if self.is_ahead:
            how += [("read-ahead", "yes: some data is not in memory")]
            cache = "dropped after use: data is much larger than memory"
            how += [("page cache", cache if self.is_dropped else "kept")]
        else:
            how += [("read-ahead", "not needed")]
        measured = f"{format_rate(self.measured_rate)} entries/s"
        rates = [("measured", measured)]
        if self.limit_rate is not None and self.expected_rate and self.share is not None:
            rates = [
                (f"limit: {self.limit}, sequential", f"{format_size(int(self.limit_rate))}/s"),
                ("expected", f"{format_rate(self.expected_rate)} entries/s"),
                ("measured", f"{measured}, {format_share(self.share)} of the limit"),
            ]
        return Table(("", "loader"), 2, (data, how, rates), self.sentence)

    @property
    def sentence(self) -> str:
        """How long an epoch takes to load, in words; empty if the loader has no entries."""
        if not self.measured_rate:
            return ""
        entries = format_count(self.num_entries, "entry", "entries")
        seconds = format_seconds(self.num_entries / self.measured_rate)
        sentence = f"an epoch of {entries} takes {seconds} to load"
        if self.share is None:
            return sentence
        return f"{sentence}, at {format_share(self.share)} of the rate of a copy from {self.limit}"

    def _blocks(self) -> list[Table]:
        return [self.table()]


def explain(
    chunks: EpochChunks,
    *,
    batch_size: int,
    num_batches: int,
    num_threads: int,
    batches: Callable[[], Generator[Batch, None, None]],
    split: str,
) -> Explanation:
    """Measure a loader.

    Parameters
    ----------
    chunks : EpochChunks
        The data of the loader.
    batch_size, num_batches, num_threads : int
        The numbers of the loader.
    batches : callable
        Starts an epoch.
    split : str
        Which entries the loader hands out.
    """
    shuffle, gatherer, mode = chunks.shuffle, chunks.gatherer, chunks.read_mode()
    entry_bytes, resident = gatherer.entry_bytes, _resident(gatherer.arrays)
    limit_rate = _copy_rate(gatherer.arrays, num_threads=num_threads)
    return Explanation(
        split=split,
        num_entries=len(chunks),
        batch_size=batch_size,
        num_batches=num_batches,
        num_threads=num_threads,
        entry_bytes=entry_bytes,
        total_bytes=round(entry_bytes * gatherer.num_data),
        memory_bytes=memory_for_pages(),
        resident=resident,
        shuffle=shuffle.kind,
        why=shuffle.why,
        block_rows=shuffle.block_rows,
        window_rows=shuffle.window_rows,
        is_ahead=mode.is_ahead,
        is_dropped=mode.is_dropped,
        limit="memory" if resident > 0.5 else "disk",
        limit_rate=limit_rate,
        expected_rate=limit_rate / entry_bytes if limit_rate and entry_bytes else None,
        measured_rate=_batch_rate(batches()),
    )


def _resident(arrays: Sequence[Array]) -> float:
    """Return the share of arrays that is in memory; an array without a file is."""
    sizes = np.array([array.nbytes for array in arrays], np.float64)
    if not sizes.sum():
        return 1.0
    shares = np.array([_share_in_memory(array) for array in arrays])
    return float(shares @ sizes / sizes.sum())


def _share_in_memory(array: Array) -> float:
    return in_memory(array, start=0, stop=array.nbytes, num_samples=_NUM_SAMPLES)


def _copy_rate(arrays: Sequence[Array], *, num_threads: int) -> float | None:
    """Return the bytes a second at which threads and the caller copy; None without arrays."""
    parts = [
        octets[start : start + _COPY_BYTES]
        for array in arrays
        if array.nbytes and array.flags.c_contiguous
        for octets in [array.reshape(-1).view(np.uint8)]
        for start in range(0, len(octets), _COPY_BYTES)
    ]
    if not parts:
        return None
    source = cycle(parts)
    begin = time.perf_counter()

    def work() -> int:
        target = np.empty(_COPY_BYTES, np.uint8)
        copied = 0
        while not copied or time.perf_counter() - begin < _SECONDS:
            part = next(source)
            target[: len(part)] = part
            copied += len(part)
        return copied

    num = num_threads + 1
    copied = sum(prefetch([work] * num, num_threads=num_threads, depth=num))
    return copied / (time.perf_counter() - begin)


def _batch_rate(batches: Generator[Batch, None, None]) -> float:
    """Return the entries a second of the first batches, without the time of the very first one."""
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
