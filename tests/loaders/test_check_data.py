"""Data that a user gives a loader: what is taken, and what is refused."""

from array import array
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.loaders.check_data import check_data


class Table:
    def __init__(self) -> None:
        self.iloc = None

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        return index


def test_a_memory_map_becomes_the_plain_array_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    mapped: np.ndarray = np.load(tmp_path / "x.npy", mmap_mode="r")
    columns, num_entries = check_data({"x": mapped})
    assert num_entries == 4
    assert type(columns["x"]) is np.ndarray
    assert np.shares_memory(columns["x"], mapped)


@pytest.mark.parametrize("data", [{}, None, [np.zeros(3)], np.zeros(3)])
def test_data_must_map_keys_to_columns(data: Any) -> None:
    with pytest.raises(OptionError, match="data must map at least one key to a column"):
        check_data(data)


def test_keys_are_text() -> None:
    with pytest.raises(OptionError, match="keys of data must be text, not 3"):
        check_data({3: np.zeros(3)})  # type: ignore[dict-item]


def test_the_key_of_the_entries_is_reserved() -> None:
    with pytest.raises(OptionError, match="key '_index' is reserved"):
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
