from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from memmpy import Jagged
from memmpy.kernels import join_arrays
from memmpy.loaders import buffer_pool
from memmpy.loaders import chunk as chunk_module
from memmpy.loaders.buffer_pool import BufferPool
from memmpy.loaders.chunk import ChunkArray, EntryChunk, batches_of


def chunks_of(sizes: list[int]) -> Iterator[EntryChunk]:
    """Yield chunks of the numbers 0, 1, ... and of lists that hold their number."""
    start = 0
    for size in sizes:
        numbers = np.arange(start, start + size)
        lists = Jagged(np.repeat(numbers, numbers % 3), np.append(0, np.cumsum(numbers % 3)))
        yield EntryChunk(size, [ChunkArray.of("x", numbers), ChunkArray.of("lists", lists)])
        start += size


@pytest.mark.parametrize("sizes", [[10], [3, 7], [1] * 10, [4, 4, 2], [0, 10], [5, 0, 0, 5], []])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 11])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("skip", [0, 1])
def test_batches_do_not_depend_on_the_chunks(
    sizes: list[int], batch_size: int, drop_last: bool, skip: int
) -> None:
    num = sum(sizes)
    if sizes and sizes[0] <= skip:
        return
    chunks = chunks_of(sizes)
    batches = list(batches_of(chunks, batch_size, drop_last=drop_last, skip=skip if num else 0))
    expected = [
        list(range(start, min(start + batch_size, num)))
        for start in range(skip, num, batch_size)
        if not drop_last or start + batch_size <= num
    ]
    assert [batch["x"].tolist() for batch in batches] == expected
    for batch in batches:
        assert [held.tolist() for held in batch["lists"]] == [[i] * (i % 3) for i in batch["x"]]


def test_batches_inside_a_chunk_are_views() -> None:
    (chunk,) = chunks_of([8])
    batches = list(batches_of([chunk], 4, drop_last=False, skip=0))
    assert all(np.shares_memory(batch["x"], chunk.arrays[0].array) for batch in batches)


def test_a_buffer_is_reused_once_no_array_looks_into_it() -> None:
    buffers = BufferPool(2)
    first, second = buffers.take(100), buffers.take(100)
    assert not np.shares_memory(first, second)
    view = first[8:16].view(np.float64)
    place, kept = second.ctypes.data, first.ctypes.data
    del first, second
    third = buffers.take(100)
    assert third.ctypes.data == place
    del third, view
    assert {buffers.take(100).ctypes.data, buffers.take(64).ctypes.data} <= {place, kept}


def test_two_that_take_at_the_same_time_get_different_buffers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if the garbage collector ended an epoch in the middle of it: it must not wait."""
    buffers, left = BufferPool(3), [5]
    others: list[np.ndarray] = []
    lend = buffer_pool._Buffer.lend

    def lend_after_another(block: Any, num_bytes: int) -> Any:
        if left[0]:
            left[0] -= 1
            others.append(buffers.take(num_bytes))
        return lend(block, num_bytes)

    monkeypatch.setattr(buffer_pool._Buffer, "lend", lend_after_another)
    taken = [buffers.take(100), *others]
    assert len({memory.ctypes.data for memory in taken}) == len(taken) == 6


def test_a_buffer_in_use_is_never_handed_out_again() -> None:
    buffers = BufferPool(2)
    taken = [buffers.take(1000) for _ in range(10)]
    for i, memory in enumerate(taken):
        memory[:] = i
    assert [int(memory.max()) for memory in taken] == list(range(10))
    assert all(memory.ctypes.data % 64 == 0 for memory in taken)


def test_a_larger_buffer_replaces_a_smaller_one() -> None:
    buffers = BufferPool(1)
    buffers.take(10)
    place = buffers.take(10_000).ctypes.data
    assert buffers.take(10_000).ctypes.data == place


def structured(memory: np.ndarray) -> np.ndarray:
    return memory.view([("x", "<f4"), ("n", "<i8")])["n"]


@pytest.mark.parametrize(
    "look",
    [
        lambda memory: memory[24:48],
        lambda memory: memory.view(np.float32).reshape(2, -1).T,
        structured,
        lambda memory: np.ndarray((3,), np.int64, memory, 16),
        lambda memory: np.lib.stride_tricks.as_strided(memory, (5, 2), (0, 1)),
        memoryview,
        lambda memory: np.asarray(memoryview(memory[3:])),
        iter,
    ],
)
def test_a_buffer_is_reused_when_its_last_view_is_gone(look: Any) -> None:
    buffers = BufferPool(1)
    memory = buffers.take(96)
    place, view = memory.ctypes.data, look(memory)
    del memory
    assert buffers.take(96).ctypes.data != place
    del view
    again = BufferPool(1)
    place = again.take(96).ctypes.data
    assert again.take(96).ctypes.data == place


def test_a_batch_of_many_chunks_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []

    def count(parts: Any) -> Any:
        joined.append(sum(map(len, parts)))
        return join_arrays(parts)

    monkeypatch.setattr(chunk_module, "join_arrays", count)
    chunks = [EntryChunk(10, [ChunkArray.of("x", np.arange(10))]) for _ in range(100)]
    (batch,) = batches_of(chunks, 1000, drop_last=False, skip=0)
    assert len(batch["x"]) == 1000
    assert joined == [1000]
