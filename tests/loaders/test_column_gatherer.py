import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.kernels import BYTES_MOVED
from memmpy.loaders.check_data import check_data
from memmpy.loaders.column_gatherer import _row_nbytes as row_nbytes
from memmpy.loaders.epoch import chunks_of_columns
from memmpy.typing import Column


class Run:
    """The entries start..stop-1."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.num = start, stop - start

    def __len__(self) -> int:
        return self.num

    def entries(self, positions: np.ndarray, *, compiled: bool) -> np.ndarray:
        return positions + self.start


def gather(column: Any, start: int, stop: int, *, shuffle: bool) -> tuple[Any, np.ndarray]:
    """Return values of a run of entries, as a chunk has them, and the entries."""
    columns, _ = check_data({"x": column})
    members = Run(start, stop)
    source = chunks_of_columns(columns, members, is_shuffled=shuffle, num_threads=0)
    plan = source.plan(seed=1, epoch=0, position=0, batch_size=stop - start)
    (chunk,) = (task() for task in plan.tasks)
    (batch,) = chunk.batches(0, size=chunk.num_entries, num=1)
    return batch["x"], batch["_index"]


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    memmap: np.ndarray = np.load(tmp_path / "x.npy", mmap_mode="r")
    return memmap


@pytest.mark.parametrize("shuffle", [False, True])
def test_gathered_arrays_are_plain_writable_and_independent(
    mapped: np.ndarray, shuffle: bool
) -> None:
    values, entries = gather(mapped, 1, 3, shuffle=shuffle)
    assert type(values) is np.ndarray
    assert sorted(entries.tolist()) == [1, 2]
    assert values.tolist() == mapped[entries].tolist()
    values[:] = 0
    assert mapped[1].tolist() == [3, 4, 5]


DTYPES = [np.uint64, np.bool_, np.float16, "S3", "S0", "M8[s]", object, [("a", "i4"), ("b", "f8")]]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gathering_keeps_the_dtype(dtype: Any, shuffle: bool) -> None:
    column = np.arange(4).astype(np.int64 if isinstance(dtype, list) else dtype)
    column = np.zeros(4, dtype=dtype) if isinstance(dtype, list) else column
    values, entries = gather(column, 0, 3, shuffle=shuffle)
    assert values.dtype == column.dtype
    assert values.tolist() == column[entries].tolist()


@pytest.mark.slow_together
@pytest.mark.parametrize("inner", [(), (3,), (2, 5)])
@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", "f8", "c16", "S7"])
def test_large_columns_are_gathered_alike(dtype: str, inner: tuple[int, ...]) -> None:
    size = max(1, np.zeros(inner, dtype).nbytes)
    shape = (2 * BYTES_MOVED // size, *inner)
    whole = np.random.default_rng(0).integers(0, 100, shape, dtype=np.uint8).astype(dtype)
    for column in (whole, whole[::2], whole[::-1]):
        values, entries = gather(column, 5, 5000, shuffle=True)
        assert np.array_equal(values, column[entries])


@pytest.mark.parametrize("is_compiled", [False, True])
def test_of_columns_in_other_orders_only_the_entries_of_a_window_are_copied(
    is_compiled: bool, tmp_path: Path
) -> None:
    shape = (3 * BYTES_MOVED // 64, 8) if is_compiled else (BYTES_MOVED // 128, 8)
    path = tmp_path / "x.npy"
    mapped = np.lib.format.open_memmap(path, "w+", np.float64, shape, fortran_order=True)
    mapped[:] = np.arange(shape[0])[:, None]
    for column in (mapped, mapped[:, 2:5]):
        gather(column, 0, 100, shuffle=True)  # kernels are loaded
        tracemalloc.start()
        values, entries = gather(column, 100, 200, shuffle=True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert np.array_equal(values, column[entries])
        assert peak < column.nbytes / 8


def test_a_masked_array_keeps_its_mask() -> None:
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    values, entries = gather(masked, 1, 3, shuffle=True)
    assert values.mask.tolist() == masked[entries].mask.tolist()


def test_row_nbytes_counts_the_columns_that_tell() -> None:
    table: dict[str, Column] = {
        "x": np.zeros((4, 3)),
        "y": np.zeros(4, dtype=np.int16),
        "z": list(range(4)),
    }
    assert row_nbytes(table) == 26
    assert row_nbytes({"x": np.zeros(0)}) == 0
