"""What memory and disk give at best, to hold loaders against."""

import mmap
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

#: Bytes that are moved in memory: more than any cache holds.
SIZE = 1 << 29
#: Bytes that the disk gives in each measurement, at most so many reads.
DISK_BYTES, DISK_READS = 2 << 30, 50_000


def copy_rate() -> float:
    """Return the bytes a second at which memory is copied by all cores, the best of four times."""
    source = np.random.default_rng(0).integers(0, 255, SIZE, dtype=np.uint8)
    target = source.copy()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return SIZE / min(copy_seconds(pool, [(source, target)]) for _ in range(4))


def copy_seconds(pool: ThreadPoolExecutor, pairs: Sequence[tuple[Array, Array]]) -> float:
    """Return what it takes to copy each source to its target, in as many parts as cores."""
    num = len(os.sched_getaffinity(0))
    start = time.perf_counter()
    parts = [
        pool.submit(np.copyto, target[first:stop], source[first:stop])
        for source, target in pairs
        for first, stop in pairwise(len(source) * i // num for i in range(num + 1))
    ]
    for part in parts:
        part.result()
    return time.perf_counter() - start


def row_rate(row_bytes: int) -> float:
    """Return the rows a second that a plain loop takes in random order, the best of three times.

    Compiled, on all cores, 65,536 rows at a time, of which nobody asks for the next ones before.
    """
    import numba

    words = max(1, row_bytes // 8)
    num_rows, part = SIZE // (8 * words), 1 << 16
    rows = np.zeros((num_rows, words), np.int64)
    rows[:, 0] = np.arange(num_rows)
    order = np.random.default_rng(0).permutation(num_rows)

    @numba.njit(nogil=True)
    def gather(source, places, target):  # type: ignore[no-untyped-def]
        for row in range(places.shape[0]):
            place = places[row]
            for word in range(source.shape[1]):
                target[row, word] = source[place, word]

    def fill(start: int) -> None:
        places = order[start : start + part]
        target = np.empty((len(places), words), np.int64)
        gather(rows, places, target)
        assert np.array_equal(target[:, 0], places)

    fill(0)
    best = float("inf")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in range(3):
            start = time.perf_counter()
            list(pool.map(fill, range(0, num_rows, part)))
            best = min(best, time.perf_counter() - start)
    return num_rows / best


def disk_rate(path: Path, *, size: int, num_threads: int, in_order: bool) -> float:
    """Return the bytes a second that a disk gives of a file, past the page cache."""
    num_places = path.stat().st_size // size
    num = min(DISK_READS, DISK_BYTES // size)
    if in_order:
        places = np.arange(num) % num_places
    else:
        places = np.random.default_rng().integers(0, num_places, num)
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)

    def work(number: int) -> None:
        with closing(mmap.mmap(-1, size)) as target:
            for place in places[number::num_threads].tolist():
                os.preadv(file, [target], place * size)

    with ThreadPoolExecutor(num_threads) as threads:
        begin = time.perf_counter()
        list(threads.map(work, range(num_threads)))
        seconds = time.perf_counter() - begin
    os.close(file)
    return num * size / seconds
