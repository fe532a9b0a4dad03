from typing import Any

import numpy as np
import pytest

from memmpy.loaders import column_gatherer
from memmpy.loaders.epoch import chunks_of_columns, load_batches
from memmpy.order import EveryEntry
from memmpy.typing import Batch, Column, Entries


class Backwards:
    """All entries from the last to the first."""

    def __init__(self, num: int) -> None:
        self.num = num

    def __len__(self) -> int:
        return self.num

    def entries(self, positions: Entries, *, compiled: bool) -> Entries:
        return self.num - 1 - positions


class Recording:
    """A column that is no array, and records the entries it is asked for."""

    def __init__(self, num: int, nbytes: int) -> None:
        self.values, self.nbytes = np.arange(num) * 2, nbytes
        self.asked: list[list[int]] = []

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        self.asked.append(index.tolist())
        return self.values[index].tolist()


def batches(columns: dict[str, Column], num: int, **options: Any) -> list[Batch]:
    defaults = {"batch_size": 4, "drop_last": False, "num_threads": 0, "position": 0}
    source = chunks_of_columns(columns, Backwards(num), is_shuffled=False, num_threads=0)
    return list(load_batches(source, 0, **defaults | options))


def test_batches_hold_each_key_and_their_entries() -> None:
    (first, last) = batches({"x": np.arange(6) * 10}, 6)
    assert {key: values.tolist() for key, values in first.items()} == {
        "x": [50, 40, 30, 20],
        "_index": [5, 4, 3, 2],
    }
    assert last["x"].tolist() == [10, 0]
    assert last["_index"].dtype == np.int64


def test_other_columns_are_indexed_once_a_chunk_and_cut_into_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(column_gatherer, "CHUNK_ROWS", 9)
    column = Recording(10, nbytes=0)
    loaded = batches({"x": column}, 10)
    assert column.asked == [[9, 8, 7, 6, 5, 4, 3, 2], [1, 0]]
    assert [batch["x"] for batch in loaded] == [[18, 16, 14, 12], [10, 8, 6, 4], [2, 0]]


def test_wide_rows_make_small_chunks() -> None:
    column = Recording(100, nbytes=column_gatherer.CHUNK_NBYTES * 10)
    batches({"x": column}, 100)
    assert [len(asked) for asked in column.asked] == [8] * 12 + [4]


def test_a_chunk_has_at_least_one_batch() -> None:
    column = Recording(8, nbytes=column_gatherer.CHUNK_NBYTES * 100)
    batches({"x": column}, 8)
    assert [len(asked) for asked in column.asked] == [4, 4]


@pytest.mark.parametrize("rows", [1, 5, 64, 10_000])
@pytest.mark.parametrize("num_threads", [0, 1, 4])
def test_neither_chunks_nor_threads_change_a_batch(
    monkeypatch: pytest.MonkeyPatch, rows: int, num_threads: int
) -> None:
    columns: dict[str, Column] = {"x": np.random.default_rng(1).random((1001, 2))}
    expected = batches(columns, 1001)
    monkeypatch.setattr(column_gatherer, "CHUNK_ROWS", rows)
    found = batches(columns, 1001, num_threads=num_threads)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert all(np.array_equal(one[key], other[key]) for key in ("x", "_index"))


def test_consecutive_entries_are_copied_not_viewed() -> None:
    values = np.arange(8)
    source = chunks_of_columns({"x": values}, EveryEntry(8), is_shuffled=False, num_threads=0)
    (batch,) = load_batches(source, 0, batch_size=8, drop_last=False, num_threads=0, position=0)
    batch["x"][:] = -1
    assert values.tolist() == list(range(8))
