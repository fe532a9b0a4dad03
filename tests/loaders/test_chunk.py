from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from memmpy import Jagged
from memmpy.kernels import join_arrays
from memmpy.loaders import chunk as chunk_module
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
