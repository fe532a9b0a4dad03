from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from memmpy.loaders import column_gatherer, epoch
from memmpy.loaders.epoch import EpochChunks, chunks_of_columns, load_batches
from memmpy.loaders.pagecache import pages
from memmpy.loaders.pagecache.advice import PageCache
from memmpy.loaders.row_gatherer import RowGatherer
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.order import EveryEntry
from memmpy.order.epoch_order import batch_runs
from memmpy.typing import Batch, Column, Entries
from tests.loaders.test_row_gatherer import make_rows


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
    return list(load_batches(source, seed=0, epoch=0, **defaults | options))


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
    options: dict[str, Any] = {"drop_last": False, "num_threads": 0, "position": 0}
    (batch,) = load_batches(source, seed=0, epoch=0, batch_size=8, **options)
    batch["x"][:] = -1
    assert values.tolist() == list(range(8))


class Repeated(NamedTuple):
    """Positions start..stop-1 of an epoch that hands out each of `num` members twice, backwards."""

    num: int
    start: int
    stop: int

    def members(self, *, compiled: bool) -> Entries:
        return self.num - 1 - np.arange(self.start, self.stop) // 2

    def blocks(self) -> tuple[Entries, Entries]:
        members = np.unique(self.members(compiled=False))
        return members, np.ones_like(members)


class RepeatedOrder:
    def __init__(self, num: int, *, is_scattered: bool) -> None:
        self.num, self.is_scattered = num, is_scattered

    def __len__(self) -> int:
        return 2 * self.num

    def requests(self, position: int, *, num_rows: int, batch_size: int) -> Iterator[Repeated]:
        runs = batch_runs(len(self), position, num_rows=num_rows, batch_size=batch_size)
        return (Repeated(self.num, *run) for run in runs)


@pytest.mark.parametrize("is_scattered", [True, False])
@pytest.mark.parametrize("is_cold", [True, False])
@pytest.mark.parametrize("is_skim", [True, False])
def test_any_order_is_carried_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_skim: bool,
    is_cold: bool,
    is_scattered: bool,
) -> None:
    """A new kind of order needs one file in `order` and one line in `epoch`, and nothing else."""
    num = 3_000
    page_cache = PageCache((lambda *_: None) if is_cold else None, lambda: 1 << 30)
    monkeypatch.setattr(pages, "_is_in_memory", lambda *_: False)
    monkeypatch.setattr(
        epoch, "_epoch_order", lambda *_, **__: RepeatedOrder(num, is_scattered=is_scattered)
    )
    np.save(tmp_path / "x.npy", np.arange(num))
    if is_skim:
        rows = make_rows(num)
        np.save(tmp_path / "rows.npy", rows.rows)
        rows.rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
        options: dict[str, Any] = {"compiled": True, "num_threads": 1, "page_cache": page_cache}
        gatherer = RowGatherer(rows, [range(num)], **options)
        chunks = EpochChunks(gatherer, ShuffleChoice("none", 100, 1, ""), num_threads=1)
        expected = rows.rows["x"][np.arange(2 * num)[::-1] // 2].tolist()
    else:
        column = np.asarray(np.load(tmp_path / "x.npy", mmap_mode="r"))
        options = {"is_shuffled": False, "num_threads": 1, "page_cache": page_cache}
        chunks = chunks_of_columns({"x": column}, EveryEntry(num), **options)
        expected = (np.arange(2 * num)[::-1] // 2).tolist()
    assert chunks.read_mode().is_ahead == is_cold
    for position in (0, 1_400):
        loaded = load_batches(
            chunks,
            seed=0,
            epoch=0,
            batch_size=100,
            drop_last=False,
            num_threads=1,
            position=position,
        )
        assert [x for batch in loaded for x in batch["x"].tolist()] == expected[position:]
