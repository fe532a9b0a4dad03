"""Tests of the ranges of entries that are evaluated at a time."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import WriteJagged, WriteText, WriteVector
from memmpy.columns import open_columns
from memmpy.cuts import compute_cut_batched, parse
from memmpy.cuts.evaluation import ColumnLike
from memmpy.cuts.evaluation.operands import ListSlice
from memmpy.cuts.inputs import MAX_ITEMS, Inputs, inputs_of
from memmpy.errors import OptionError
from memmpy.parallel import check_threads, num_helpers


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s"
    with WriteVector(path, "n") as vector:
        vector.extend(np.arange(7))
    with WriteJagged(path, "pt") as lists:
        lists.extend([np.arange(count) * 1.0 for count in (2, 0, 3, 1, 0, 0, 4)])
    with WriteText(path, "kind") as text:
        text.extend(["a", "b"] * 3 + ["c"])
    return path


def inputs(store: Path, *cuts: str, **stored_as: str) -> Inputs:
    nodes = [parse(cut) for cut in cuts]
    return inputs_of(open_columns(store, None), nodes, stored_as)


def ranges(found: Inputs, step_size: int, num_threads: int = 0) -> list[tuple[int, int]]:
    work = found.map(
        lambda start, stop: (start, stop), step_size=step_size, num_threads=num_threads
    )
    return list(work)


@pytest.mark.parametrize("num_threads", [0, 2])
def test_runs_go_in_order_to_the_last_entry(num_threads: int, store: Path) -> None:
    found = inputs(store, "n > 1")
    assert ranges(found, 3, num_threads) == [(0, 3), (3, 6), (6, 7)]
    assert ranges(found, 100, num_threads) == [(0, 7)]


def test_what_fits_in_one_step_needs_no_thread(store: Path) -> None:
    names = inputs(store, "n").map(
        lambda *_: threading.current_thread().name, step_size=7, num_threads=2
    )
    assert list(names) == [threading.current_thread().name]


def test_only_columns_that_the_cuts_use_are_inputs(store: Path) -> None:
    assert inputs(store, "n > 1", "Sum$(pt) > n").columns.keys() == {"n", "pt"}


def test_a_cut_without_keys_takes_as_many_entries_as_the_store_has(store: Path) -> None:
    assert inputs(store, "true").num_entries == 7


def test_columns_may_have_another_name_in_the_store(store: Path) -> None:
    found = inputs(store, "x > 1", x="n").slices(2, 4)
    assert [*found] == ["x"]
    np.testing.assert_array_equal(plain(found["x"]), [2, 3])


def plain(column: ColumnLike) -> object:
    assert isinstance(column, np.ndarray)
    return column


def test_slices_are_views_of_columns(store: Path) -> None:
    found = inputs(store, "pt > n && kind == 'a'").slices(2, 5)
    pt, kind = found["pt"], found["kind"]
    assert isinstance(pt, ListSlice)
    assert pt.content.tolist() == [0, 1, 2, 0]
    assert pt.offsets.tolist() == [2, 5, 6, 6]
    np.testing.assert_array_equal(plain(kind), ["a", "b", "a"])


def test_no_entries_are_slices_too(store: Path) -> None:
    found = inputs(store, "pt > n").slices(0, 0)
    assert isinstance(found["pt"], ListSlice)
    assert found["pt"].offsets.tolist() == [0]


def test_long_lists_make_steps_short(tmp_path: Path) -> None:
    third = MAX_ITEMS // 3
    with WriteJagged(tmp_path / "s", "x") as lists:
        lists.extend([np.zeros(num, np.int8) for num in (third, third, third, 2 * MAX_ITEMS, 1, 0)])
    assert ranges(inputs(tmp_path / "s", "x > 1"), 100) == [(0, 3), (3, 4), (4, 6)]


def test_long_rows_make_steps_short(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.zeros((5, MAX_ITEMS // 2), np.int8))
    assert ranges(inputs(tmp_path / "s", "x > 1"), 100) == [(0, 2), (2, 4), (4, 5)]


def test_items_of_all_lists_are_counted(store: Path) -> None:
    assert inputs(store, "pt > n && kind == 'a'").num_items == 10
    assert inputs(store, "n > 1").num_items == 0


def test_a_step_of_nothing_is_refused(store: Path) -> None:
    assert len(compute_cut_batched(store, "n > 1", step_size=1)) > 0
    with pytest.raises(OptionError, match="step_size must be an integer of at least 1, got 0"):
        compute_cut_batched(store, "n > 1", step_size=0)


def test_threads_are_counted() -> None:
    assert check_threads(None) >= 1
    assert check_threads(0) == 0
    with pytest.raises(OptionError, match="num_threads must be an integer of at least 0, got -1"):
        check_threads(-1)
    with pytest.raises(OptionError, match="must be at most 4,096"):
        check_threads(10**30)


@pytest.mark.parametrize("value", [1.5, "2", 1e6, True])
def test_threads_and_steps_are_integers(store: Path, value: Any) -> None:
    with pytest.raises(OptionError, match="num_threads must be an integer"):
        check_threads(value)
    with pytest.raises(OptionError, match="step_size must be an integer"):
        compute_cut_batched(store, "n > 1", step_size=value)


def test_with_the_caller_there_is_a_thread_for_each_core() -> None:
    assert check_threads(None) == num_helpers()
    assert check_threads(0) == 0
