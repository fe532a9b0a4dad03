"""Entries of columns, in NumPy and compiled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.kernels import take_columns

EACH = pytest.mark.parametrize("compiled", [False, True])

DTYPES = st.sampled_from(["u1", "?", "i2", "f2", "i4", "f4", "i8", "f8", "c16", "S3", "S37", "U2"])
SHAPES = st.sampled_from([(), (1,), (3,), (2, 5), (100,)])


@st.composite
def tables(draw: st.DrawFn) -> list[np.ndarray]:
    num = draw(st.integers(1, 200))
    kinds = draw(st.lists(st.tuples(DTYPES, SHAPES), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    columns = []
    for dtype, shape in kinds:
        step = draw(st.sampled_from([1, 2, -1]))
        values = rng.integers(0, 2, (num * abs(step), *shape), dtype=np.uint8)
        columns.append(values.astype(dtype)[::step])
    return columns


def outputs(columns: list[np.ndarray], num: int) -> list[np.ndarray]:
    return [np.zeros((num, *column.shape[1:]), column.dtype) for column in columns]


@pytest.mark.slow
@EACH
@given(columns=tables(), draw=st.data())
def test_taken_entries_are_those_of_the_columns(
    compiled: bool, columns: list[np.ndarray], draw: st.DataObject
) -> None:
    entries = draw.draw(
        hnp.arrays(np.int64, st.integers(0, 300), elements=st.integers(0, len(columns[0]) - 1))
    )
    out = outputs(columns, len(entries))
    take_columns(columns, entries, out=out, compiled=compiled)
    for column, taken in zip(columns, out, strict=True):
        assert np.array_equal(taken, column[entries])


@pytest.mark.slow
@EACH
def test_a_read_only_memory_map_is_taken(compiled: bool, tmp_path: Path) -> None:
    np.arange(1000, dtype=np.float32).tofile(tmp_path / "x")
    mapped = np.asarray(np.memmap(tmp_path / "x", np.float32, mode="r"))
    out = outputs([mapped], 2)
    take_columns([mapped], np.array([999, 5]), out=out, compiled=compiled)
    assert out[0].tolist() == [999, 5]


@EACH
def test_no_columns_are_no_work(compiled: bool) -> None:
    take_columns([], np.array([3]), out=[], compiled=compiled)


@pytest.mark.parametrize("wrong", [-1, 10, 2**62])
def test_an_entry_out_of_range_is_refused_before_anything_is_written(wrong: int) -> None:
    out = outputs([np.arange(10)], 2)
    with pytest.raises(OptionError, match=f"{wrong} is out of range: there are 10 entries"):
        take_columns([np.arange(10)], np.array([3, wrong]), out=out, compiled=False)
    assert not out[0].any()


@pytest.mark.parametrize(
    "out", [np.zeros(3, "i8"), np.zeros(2, "i4"), np.zeros(4, "i8")[::2], np.broadcast_to(0, 2)]
)
def test_an_output_that_does_not_fit_is_refused(out: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="an output"):
        take_columns([np.arange(10)], np.array([3, 4]), out=[out], compiled=False)


def test_columns_of_objects_are_refused() -> None:
    column: Any = np.array(["a", None], object)
    with pytest.raises(ColumnError, match="must not hold Python objects"):
        take_columns([column], np.array([0]), out=outputs([column], 1), compiled=False)


def test_columns_of_unlike_length_are_refused() -> None:
    columns = [np.arange(3), np.arange(4)]
    with pytest.raises(LengthError, match="columns of one length"):
        take_columns(columns, np.array([0]), out=outputs(columns, 1), compiled=False)
    with pytest.raises(LengthError, match="an output for each"):
        take_columns(columns[:1], np.array([0]), out=[], compiled=False)
