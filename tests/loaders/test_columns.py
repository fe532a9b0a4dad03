from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.loaders.columns import _gathered as gather
from memmpy.loaders.columns import _row_nbytes as row_nbytes
from memmpy.loaders.columns import check_data
from memmpy.typing import Column


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


@pytest.mark.parametrize("run", [None, slice(1, 3)])
def test_gathered_arrays_are_plain_writable_and_independent(
    mapped: np.ndarray, run: slice | None
) -> None:
    columns, _ = check_data({"x": mapped})
    values = gather(columns["x"], np.array([1, 2]), run)
    assert type(values) is np.ndarray
    assert values.tolist() == [[3, 4, 5], [6, 7, 8]]
    values[:] = 0
    assert mapped[1].tolist() == [3, 4, 5]


@pytest.mark.parametrize("dtype", [np.uint64, np.bool_, "S3", "M8[s]", [("a", "i4"), ("b", "f8")]])
def test_gathering_keeps_the_dtype(dtype: Any) -> None:
    array = np.arange(4).astype(np.int64 if isinstance(dtype, list) else dtype)
    array = np.zeros(4, dtype=dtype) if isinstance(dtype, list) else array
    values = gather(array, np.array([3, 0]), None)
    assert values.dtype == array.dtype
    assert values.tolist() == array[[3, 0]].tolist()


def test_a_masked_array_keeps_its_mask() -> None:
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    columns, _ = check_data({"x": masked})
    assert gather(columns["x"], np.array([1, 2]), None).mask.tolist() == [True, False]


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


@pytest.mark.parametrize("values", [[1, 2], (1, 2), range(2)])
def test_plain_sequences_are_refused_with_the_way_out(values: Any) -> None:
    with pytest.raises(ColumnError, match=rf"column 'x' is a {type(values).__name__}: give np\.as"):
        check_data({"x": values})


def test_tables_that_index_by_label_are_refused_with_the_way_out() -> None:
    with pytest.raises(ColumnError, match=r"is a pandas Table: give its \.to_numpy\(\)"):
        check_data({"x": Table()})


@pytest.mark.parametrize("values", ["abc", b"abc", 3, None, {1: 2}, np.array(3.0), {1, 2}])
def test_what_is_no_column_is_refused(values: Any) -> None:
    with pytest.raises(ColumnError, match=r"column 'x' is a .*: give an array, a memory map"):
        check_data({"x": values})


def test_columns_must_have_one_length_and_two_that_do_not_are_named() -> None:
    with pytest.raises(LengthError, match="'a' and 'c' have 1,000 and 7 entries"):
        check_data({"a": np.zeros(1000), "b": np.zeros((1000, 2)), "c": np.zeros(7)})
