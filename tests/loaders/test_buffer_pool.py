"""Buffers that are reused, and never while an array looks into them."""

from typing import Any

import numpy as np
import pytest

from memmpy.loaders import buffer_pool
from memmpy.loaders.buffer_pool import BufferPool


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


@pytest.mark.parametrize("sizes", [[], [0], [3], [64, 1, 0, 65], [7] * 5])
def test_parts_of_a_buffer_are_aligned_and_do_not_overlap(sizes: list[int]) -> None:
    buffer, starts = BufferPool(1).take_parts(sizes)
    assert len(starts) == len(sizes)
    assert all((buffer.ctypes.data + start) % 64 == 0 for start in starts)
    stops = [start + size for start, size in zip(starts, sizes, strict=True)]
    assert all(
        stop <= start for stop, start in zip(stops, [*starts[1:], len(buffer)], strict=False)
    )
