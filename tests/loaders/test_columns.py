import tracemalloc
from array import array
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.loaders.columns import ColumnWindows, check_data
from memmpy.loaders.columns import _row_nbytes as row_nbytes
from memmpy.order import EveryEntry, Shard
from memmpy.typing import Column
from memmpy.worth import BYTES_MOVED


def gather(column: Any, start: int, stop: int, *, shuffle: bool) -> tuple[Any, np.ndarray]:
    """Return values of a run of entries, as a window has them, and the entries."""
    columns, num = check_data({"x": column})
    members = Shard(EveryEntry(num), start, stop)
    source = ColumnWindows(columns, members, shuffle=shuffle, num_threads=0)
    plan = source.plan(1, position=0, batch_size=stop - start)
    (window,) = (make() for make in plan.tasks)
    (batch,) = window.batches(0, size=window.num_entries, num=1)
    return batch["x"], batch["_index"]


class Table:
    def __init__(self) -> None:
        self.iloc = None

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        return index


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    memmap: np.ndarray = np.load(tmp_path / "x.npy", mmap_mode="r")
    return memmap


def test_a_memory_map_becomes_the_plain_array_it_is(mapped: np.ndarray) -> None:
    columns, num_entries = check_data({"x": mapped})
    assert num_entries == 4
    assert type(columns["x"]) is np.ndarray
    assert np.shares_memory(columns["x"], mapped)


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


@pytest.mark.parametrize("data", [{}, None, [np.zeros(3)], np.zeros(3)])
def test_data_must_map_keys_to_columns(data: Any) -> None:
    with pytest.raises(OptionError, match="data must map at least one key to a column"):
        check_data(data)


def test_keys_are_text() -> None:
    with pytest.raises(OptionError, match="keys of data must be text, not 3"):
        check_data({3: np.zeros(3)})  # type: ignore[dict-item]


def test_the_key_of_the_entries_is_taken() -> None:
    with pytest.raises(OptionError, match="key '_index' is taken"):
        check_data({"_index": np.zeros(3)})


@pytest.mark.parametrize(
    "values",
    [[1, 2], (1, 2), range(2), array("i", [1]), bytearray(b"ab"), memoryview(b"ab"), deque([1])],
)
def test_plain_sequences_are_refused_with_the_way_out(values: Any) -> None:
    with pytest.raises(ColumnError, match=rf"column 'x' is a {type(values).__name__}: give np\.as"):
        check_data({"x": values})


def test_tables_that_index_by_label_are_refused_with_the_way_out() -> None:
    with pytest.raises(ColumnError, match=r"is a pandas Table: give its \.to_numpy\(\)"):
        check_data({"x": Table()})


def test_one_value_is_no_column() -> None:
    with pytest.raises(ColumnError, match=r"column 'x' is one value.*its shape is \(\)"):
        check_data({"x": np.array(3.0)})


@pytest.mark.parametrize("values", ["abc", b"abc", 3, None, {1: 2}, {1, 2}])
def test_what_is_no_column_is_refused(values: Any) -> None:
    with pytest.raises(ColumnError, match=r"column 'x' is a .*: give an array, a memory map"):
        check_data({"x": values})


def test_columns_must_have_one_length_and_two_that_do_not_are_named() -> None:
    with pytest.raises(LengthError, match="'a' and 'c' have 1,000 and 7 entries"):
        check_data({"a": np.zeros(1000), "b": np.zeros((1000, 2)), "c": np.zeros(7)})
