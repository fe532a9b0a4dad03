"""Tests of vector columns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy.columns import WriteVector, read_vector
from memmpy.errors import ColumnError, OptionError
from memmpy.store import read_metadata, verify_columns

DTYPES = (
    st_numpy.boolean_dtypes()
    | st_numpy.integer_dtypes(endianness="?")
    | st_numpy.floating_dtypes(endianness="?")
    | st_numpy.complex_number_dtypes(endianness="?")
    | st_numpy.datetime64_dtypes(endianness="?")
    | st_numpy.timedelta64_dtypes(endianness="?")
)
STRUCTURED = st.lists(
    st.tuples(DTYPES, st_numpy.array_shapes(max_dims=2, max_side=2) | st.just(())),
    min_size=1,
    max_size=3,
).map(lambda fields: np.dtype([(f"f{i}", *field) for i, field in enumerate(fields)]))
ARRAYS = st_numpy.arrays(
    DTYPES | STRUCTURED, st_numpy.array_shapes(max_dims=3, min_side=0, max_side=5)
)


def write(store: Path, *pieces: Any, **options: Any) -> np.memmap:
    with WriteVector(store, "key", **options) as column:
        for piece in pieces:
            column.extend(piece)
    return read_vector(store, "key")


def test_the_example_of_the_readme(store: Path) -> None:
    with WriteVector(path=store, key="testdata") as memfile:
        memfile.append(np.array([1, 2, 3]))
        memfile.append(np.array([4, 5, 6]))
        memfile.extend(np.array([[7, 8, 9], [10, 11, 12]]))
    memmap_data = read_vector(path=store, key="testdata")
    assert isinstance(memmap_data, np.memmap)
    assert memmap_data.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(array=ARRAYS)
def test_every_bit_of_every_dtype_survives(store: Path, array: np.ndarray) -> None:
    column = write(store, array)
    little = array.astype(array.dtype.newbyteorder("<"))
    assert column.shape == array.shape
    assert column.dtype == little.dtype
    assert column.tobytes() == little.tobytes()
    assert verify_columns(store) == []


@pytest.mark.parametrize("dtype", [">i2", ">u8", ">f4", ">c16", ">M8[s]"])
def test_big_endian_values_are_stored_little_endian(store: Path, dtype: str) -> None:
    array = np.arange(5).astype(dtype)
    column = write(store, array, array)
    assert column.dtype.str[0] == "<"
    assert np.array_equal(column, np.concatenate([array, array]))


def test_payloads_of_nan_survive(store: Path) -> None:
    array = np.array([0x7FF8DEADBEEF0000, 0xFFF0000000000001], np.uint64).view(np.float64)
    assert write(store, array).view(np.uint64).tolist() == array.view(np.uint64).tolist()


def test_event_numbers_beyond_2_to_53_survive(store: Path) -> None:
    array = np.array([2**53 + 1, 2**63 - 1, -(2**63)])
    assert write(store, array).tolist() == array.tolist()


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype([("a", "i1"), ("b", "f8")], align=True),
        np.dtype([("a", [("x", "f4"), ("y", "i8")], (2, 3)), ("b", "S5")]),
        np.dtype([(("title", "a"), "i1"), ("b", "f8")]),
        np.dtype("V5"),
        np.dtype("f4", metadata={"unit": "GeV"}),
    ],
    ids=["aligned", "nested", "titled", "void", "metadata"],
)
def test_odd_dtypes_of_fixed_width_are_kept(store: Path, dtype: np.dtype) -> None:
    array = np.zeros(3, dtype)
    column = write(store, array, array)
    assert column.dtype == dtype
    assert len(column) == 6


def test_it_is_read_only(store: Path) -> None:
    column = write(store, np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1


def test_an_empty_one_is_a_read_only_memory_map_too(store: Path) -> None:
    column = write(store, np.empty((0, 3), np.float32))
    assert isinstance(column, np.memmap)
    assert column.dtype == np.float32
    assert column.shape == (0, 3)
    assert not column.flags.writeable


@pytest.mark.parametrize("num", [1, 1023, 1024, 1025, 5000, 100_000])
def test_pieces_of_any_size_follow_each_other(store: Path, num: int) -> None:
    rows = np.arange(num * 8).reshape(num, 8)
    column = write(store, rows[:1], rows[1:7], rows[7:], rows[:3])
    assert np.array_equal(column, np.concatenate([rows, rows[:3]]))
    assert verify_columns(store) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.integers(0, 9000), max_size=6), st.sampled_from([1, 2, -1]))
def test_strided_pieces_are_written_as_they_read(store: Path, sizes: list[int], step: int) -> None:
    pieces = [np.arange(size * 2, dtype=np.float64)[::step] for size in sizes]
    column = write(store, *pieces, dtype="f8")
    assert np.array_equal(column, np.concatenate([np.empty(0), *pieces]))


def test_one_by_one_is_as_good_as_together(store: Path) -> None:
    rows = np.arange(30_000.0).reshape(-1, 3)
    with WriteVector(store, "key") as column:
        for row in rows:
            column.append(row)
    assert np.array_equal(read_vector(store, "key"), rows)


@pytest.mark.parametrize("first", [np.empty((0, 2), np.int32), []])
def test_an_empty_first_piece_is_fine(store: Path, first: Any) -> None:
    column = write(store, first, np.array([[1, 2]], np.int32))
    assert column.tolist() == [[1, 2]]


def test_python_numbers_take_the_dtype_of_the_column(store: Path) -> None:
    column = write(store, [1, 2.5], dtype="f4")
    assert column.dtype == np.float32
    assert column.tolist() == [1.0, 2.5]


def test_single_values_may_be_appended(store: Path) -> None:
    with WriteVector(store, "key") as column:
        column.append(1.5)
        column.append(np.float64(2.5))
    assert read_vector(store, "key").tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("options", "value", "message"),
    [
        ({"dtype": "f4"}, np.zeros(2), r"holds float32, got float64; cast .*\.astype\('float32'\)"),
        ({"dtype": "f8"}, np.zeros(2, np.int64), "holds float64, got int64"),
        ({"dtype": "i8"}, np.zeros(2, np.uint64), "holds int64, got uint64"),
        ({"dtype": "i8"}, [0.5], "holds int64, got float64"),
        ({"dtype": "u1"}, [256], "holds uint8, got int64"),
        ({"dtype": "u8"}, [-1], "holds uint64, got int64"),
        ({"dtype": "f8"}, [2**53 + 1], "holds float64, got int64"),
        ({"dtype": "f8"}, [1 + 2j], "holds float64, got complex128"),
        ({"dtype": "?"}, [0, 1], "holds bool, got int64"),
        ({"dtype": "i8"}, [True], "holds int64, got bool"),
        ({"dtype": "f4"}, [1e300], "holds float32, got float64"),
        ({"shape": (3,)}, np.zeros((1, 2)), r"has entries of shape \(3,\), got \(2,\)"),
        ({}, 5, "takes several values at a time, got 5"),
        ({}, [[1], [2, 3]], "lists that differ in length; use WriteJagged or WriteNested"),
        ({}, np.array([None]), r"cannot hold Python objects \(dtype object\); give numbers"),
        ({}, [2**70], "cannot hold Python objects"),
        ({}, ["text"], r"cannot hold text \(dtype <U4\); use WriteText for it"),
        ({}, np.array([b"text"]), r"cannot hold text \(dtype \|S4\); use WriteText for it"),
        ({}, np.zeros(1, [("x", object)]), "cannot hold Python objects"),
        ({}, np.zeros(1, {"names": "ab", "formats": ["i4"] * 2, "offsets": [0, 2]}), "overlap"),
        ({}, np.zeros(1, [("é" * 9 + "日", "i4")]), "cannot be named"),
        ({}, np.zeros(1, [(f"field_{i}", "i4") for i in range(1000)]), "cannot be named"),
        ({}, np.zeros(1, []), "have no bytes"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    store: Path, options: Any, value: Any, message: str
) -> None:
    with pytest.raises(ColumnError, match=f"column 'key'.*{message}"):
        write(store, value, **options)
    assert list(store.glob("*.npy")) == []


def test_the_first_entry_decides_dtype_and_shape(store: Path) -> None:
    with WriteVector(store, "key") as column:
        column.append(np.zeros(2, np.int16))
        with pytest.raises(ColumnError, match="column 'key' holds int16, got int32"):
            column.append(np.zeros(2, np.int32))
        with pytest.raises(ColumnError, match=r"column 'key' has entries of shape \(2,\), got \("):
            column.append(np.zeros(3, np.int16))
    assert read_vector(store, "key").shape == (1, 2)


def test_a_refused_first_entry_decides_nothing(store: Path) -> None:
    with WriteVector(store, "key") as column:
        with pytest.raises(ColumnError):
            column.append(np.array([None, None]))
        column.append(np.zeros(3))
    assert read_vector(store, "key").shape == (1, 3)


def test_a_row_after_the_block_is_an_error(store: Path) -> None:
    with WriteVector(store, "key") as column:
        column.append(np.zeros(3))
    with pytest.raises(OptionError, match="WriteVector writes inside a with block"):
        column.append(np.zeros(3))


def test_nothing_written_without_a_dtype_is_an_error(store: Path) -> None:
    with pytest.raises(ColumnError, match=r"nothing was written to column 'key'.*give dtype="):
        write(store)


def test_a_refused_column_leaves_the_one_before(store: Path) -> None:
    write(store, np.arange(3))
    with pytest.raises(ColumnError):
        write(store)
    assert read_vector(store, "key").tolist() == [0, 1, 2]


def test_entries_without_bytes_have_a_length(store: Path) -> None:
    assert write(store, np.zeros((3, 0))).shape == (3, 0)


def test_a_column_that_is_replaced_has_another_identity(store: Path) -> None:
    write(store, np.arange(3))
    before = read_metadata(store).columns["key"].fingerprint
    write(store, np.arange(3))
    assert read_metadata(store).columns["key"].fingerprint != before
