"""HDF5 files of h5py, compared with the arrays they were made of."""

import io
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, MissingKeyError, OptionError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource, EventFile
from memmpy.sources.hdf5 import HdfTable
from tests.sources.conftest import in_memory
from tests.sources.contract import Columns, EventFileContract

NUMBERS = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]

JETS = np.dtype([("pt", "f4"), ("n", "i2"), ("valid", "?")])


class TestGroup(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        with h5py.File(path, "w") as file:
            for name, values in columns.items():
                data, dtype = values, None
                if not isinstance(values, np.ndarray):
                    data, dtype = lists(values.to_list(), "f4"), h5py.vlen_dtype(np.dtype("f4"))
                chunks = (max(1, min(step, len(data))), *data.shape[1:])
                most = (None, *data.shape[1:])
                path_in = f"events/{name}"
                file.create_dataset(path_in, data=data, dtype=dtype, chunks=chunks, maxshape=most)

    def open(self, source: ByteSource) -> HdfTable:
        return HdfTable(source, "events")


class TestRecords(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        fields = [
            (name, values.dtype, values.shape[1:])
            if isinstance(values, np.ndarray)
            else (name, h5py.vlen_dtype(np.dtype("f4")))
            for name, values in columns.items()
        ]
        values = np.empty(len(columns["number"]), fields)
        for name, column in columns.items():
            is_array = isinstance(column, np.ndarray)
            values[name] = column if is_array else lists(column.to_list(), "f4")
        with h5py.File(path, "w") as file:
            chunks = (max(1, min(step, len(values))),)
            file.create_dataset("records", data=values, chunks=chunks, maxshape=(None,))

    def open(self, source: ByteSource) -> HdfTable:
        return HdfTable(source, None)


def written(fill: Callable[[Any], None]) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        fill(file)
    return stream.getvalue()


def opened(datasets: dict[str, Any], tree: str | None = None) -> HdfTable:
    def fill(file: Any) -> None:
        for name, values in datasets.items():
            file[name] = values

    return of_bytes(written(fill), tree)


def of_bytes(data: bytes, tree: str | None = None) -> HdfTable:
    return HdfTable(in_memory("x.h5", data), tree)


def whole(file: EventFile, branch: str) -> Any:
    return dict(file.read([branch], 0, file.num_entries))[branch]


def records(*shape: int) -> Any:
    values = np.zeros(shape, JETS)
    for name in JETS.names or ():
        values[name] = np.arange(values.size).reshape(shape)
    return values


def lists(arrays: list[list[Any]], dtype: Any) -> Any:
    values = np.empty(len(arrays), object)
    values[:] = [np.array(array, dtype) for array in arrays]
    return values.astype(h5py.vlen_dtype(np.dtype(dtype)))


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("is_swapped", [False, True])
def test_numbers_become_native_vectors(dtype: str, is_swapped: bool) -> None:
    stored = np.dtype(dtype).newbyteorder() if is_swapped else np.dtype(dtype)
    values = np.arange(6).astype(stored).reshape(3, 2)
    file = opened({"x": values})
    assert file.type_of("x") == ColumnType("vector", np.dtype(dtype), (2,))
    got = whole(file, "x")
    assert got.dtype.isnative
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, values)


def test_instants_become_datetime64() -> None:
    values = np.array(["2024-01-01", "2025-01-01"], "M8[s]")
    file = opened({"x": values.astype(h5py.opaque_dtype(values.dtype))})
    assert file.type_of("x") == ColumnType("vector", np.dtype("M8[s]"))
    np.testing.assert_array_equal(whole(file, "x"), values)


def test_enumerations_become_their_numbers() -> None:
    file = opened({"x": np.array([0, 1], h5py.enum_dtype({"b": 0, "c": 1}, "u1"))})
    assert file.type_of("x") == ColumnType("vector", np.dtype(np.uint8))


@pytest.mark.parametrize("dtype", ["bool", "i4", "u8", "f4", "f8"])
def test_lists_of_any_length_become_jagged(dtype: str) -> None:
    file = opened({"x": lists([[1, 0], [], [1]], dtype)})
    assert file.type_of("x") == ColumnType("jagged", np.dtype(dtype))
    assert whole(file, "x") == Jagged(np.array([1, 0, 1], dtype), np.array([0, 2, 2, 3]))


def test_lists_that_were_never_written_are_empty() -> None:
    file = of_bytes(written(lambda f: f.create_dataset("x", (2,), h5py.vlen_dtype(np.float32))))
    assert whole(file, "x") == Jagged(np.empty(0, np.float32), np.zeros(3, np.int64))


TEXTS = ["ttbb", "", "tt\N{LATIN SMALL LETTER AE}", "a\0b"]


def test_texts_of_any_length_become_text() -> None:
    file = opened({"x": np.array(TEXTS[:3], h5py.string_dtype())})
    assert file.type_of("x") == ColumnType("text")
    assert [item.tobytes().decode() for item in whole(file, "x")] == TEXTS[:3]


def test_texts_of_one_length_become_text_without_what_fills_them_up() -> None:
    file = opened({"x": np.array([text.encode() for text in TEXTS], "S6")})
    assert file.type_of("x") == ColumnType("text")
    assert [item.tobytes().decode() for item in whole(file, "x")] == TEXTS


def test_a_dataset_of_records_gives_its_fields() -> None:
    values = records(5)
    file = opened({"jets": values}, "jets")
    assert file.branches() == ["pt", "n", "valid"]
    got = dict(file.read(["n", "pt"], 1, 4))
    np.testing.assert_array_equal(got["n"], values["n"][1:4])
    np.testing.assert_array_equal(got["pt"], values["pt"][1:4])


def test_records_in_rows_give_vectors_with_a_shape() -> None:
    values = records(3, 4)
    file = opened({"tracks": values}, "tracks")
    assert file.type_of("valid") == ColumnType("vector", np.dtype(bool), (4,))
    np.testing.assert_array_equal(whole(file, "pt"), values["pt"])


def test_fields_of_every_kind_are_read() -> None:
    dtype = np.dtype(
        [
            ("lists", h5py.vlen_dtype(np.float32)),
            ("text", h5py.string_dtype()),
            ("name", "S3"),
            ("array", ">i2", (2,)),
        ]
    )

    def fill(file: Any) -> None:
        data = file.create_dataset("t", (2,), dtype)
        data[0] = (np.array([1.5], np.float32), "one", b"ab", [1, 2])
        data[1] = (np.empty(0, np.float32), "", b"cde", [3, 4])

    file = of_bytes(written(fill), "t")
    got = dict(file.read(file.branches(), 0, 2))
    assert {name: str(file.type_of(name)) for name in got} == {
        "lists": "var * float32",
        "text": "text",
        "name": "text",
        "array": "2 * int16",
    }
    assert got["lists"] == Jagged(np.array([1.5], np.float32), np.array([0, 1, 1]))
    assert [item.tobytes() for item in got["text"]] == [b"one", b""]
    assert [item.tobytes() for item in got["name"]] == [b"ab", b"cde"]
    np.testing.assert_array_equal(got["array"], [[1, 2], [3, 4]])


def test_values_of_a_field_do_not_keep_the_other_fields() -> None:
    assert whole(opened({"jets": records(5)}), "pt").flags.owndata


def test_without_a_tree_the_root_is_read() -> None:
    file = opened({"x": np.arange(3), "more/y": np.arange(9)})
    assert (file.tree, file.branches()) == ("/", ["x"])


@pytest.mark.parametrize(
    ("datasets", "tree"),
    [
        ({"a/b/x": np.arange(3)}, "a/b"),
        ({"jets": records(3)}, "jets"),
        ({"a/jets": records(3)}, "a/jets"),
    ],
)
def test_without_a_tree_the_only_table_is_read(datasets: dict[str, Any], tree: str) -> None:
    assert opened(datasets).tree == tree


def test_without_a_tree_several_tables_are_listed() -> None:
    message = r"x.h5' has 3 tables \('/', 'jets', 'tracks'\); give one as tree="
    with pytest.raises(InputFileError, match=message):
        opened({"jets": records(3), "tracks": records(3, 4)})


def test_datasets_of_records_in_a_group_are_read_side_by_side() -> None:
    file = opened({"jets": records(3), "tracks": records(3, 4), "x": np.arange(3)}, "/")
    assert file.branches()[:4] == ["jets.pt", "jets.n", "jets.valid", "tracks.pt"]
    assert file.branches()[-1] == "x"
    got = dict(file.read(["jets.pt", "x", "tracks.pt"], 1, 3))
    np.testing.assert_array_equal(got["jets.pt"], records(3)["pt"][1:])
    np.testing.assert_array_equal(got["tracks.pt"], records(3, 4)["pt"][1:])
    np.testing.assert_array_equal(got["x"], [1, 2])


@pytest.mark.parametrize("tree", ["a/b", "/a/b", "/a/b/"])
def test_slashes_around_a_tree_do_not_matter(tree: str) -> None:
    assert opened({"a/b/x": np.arange(3)}, tree).tree == "a/b"


def test_a_missing_tree_names_those_there_are() -> None:
    message = (
        r"no group or dataset 'evnts' in '.*x.h5': its tables are 'jets', 'events'; "
        "nearest: 'events'"
    )
    with pytest.raises(InputFileError, match=message):
        opened({"events/x": np.arange(3), "jets": records(2)}, "evnts")


def test_the_only_table_is_named_once() -> None:
    with pytest.raises(InputFileError) as caught:
        opened({"events/x": np.arange(3)}, "evnts")
    assert str(caught.value).endswith("its only table is 'events'")


def test_a_group_without_arrays_names_those_with() -> None:
    message = r"no arrays in the group 'a' in '.*x.h5': its only table is 'a/b'"
    with pytest.raises(InputFileError, match=message):
        opened({"a/b/x": np.arange(3)}, "a")


@pytest.mark.parametrize("datasets", [{}, {"x": 3}, {"x": h5py.Empty("f4")}])
def test_a_file_without_arrays_has_no_table(datasets: dict[str, Any]) -> None:
    with pytest.raises(InputFileError, match=r"x.h5' has no arrays, so no table"):
        opened(datasets)


@pytest.mark.parametrize("tree", ["a/x", "a/y"])
def test_a_dataset_stands_for_those_of_its_group_that_have_its_length(tree: str) -> None:
    datasets = {"a/x": np.arange(2), "a/y": np.arange(2), "a/z": np.arange(9)}
    file = opened(datasets, tree)
    assert (file.tree, file.num_entries) == ("a/x", 2)
    assert whole(file, "y").tolist() == [0, 1]


def test_a_dataset_that_has_the_length_of_its_group_is_the_group() -> None:
    file = opened({"a/x": np.arange(2), "a/z": np.arange(9)}, "a/z")
    assert (file.tree, file.num_entries) == ("a", 9)


def test_a_single_value_is_no_table() -> None:
    message = r"no table but a single value in 'n' in '.*x.h5': its only table is '/'"
    with pytest.raises(InputFileError, match=message):
        opened({"n": 3, "x": np.arange(3)}, "n")


NAMES = np.array([b"a", b"b", b"c"])


@pytest.mark.parametrize(
    ("datasets", "num"),
    [
        ({"X": np.zeros((5, 3)), "y": np.zeros(5), "names": NAMES}, 5),
        ({"X": np.zeros((5, 40)), "mean": np.zeros(40), "std": np.zeros(40)}, 5),
        ({"x": np.zeros(5), "y": np.zeros(5), "bins": np.zeros(8)}, 5),
        ({"train": np.zeros((8, 2)), "test": np.zeros((2, 2))}, 8),
        ({"x": np.zeros(0), "names": NAMES}, 3),
        ({"x": np.zeros(3), "y": np.zeros(4)}, 4),
        ({"x": lists([[1.0], []], "f4"), "n": np.zeros(1)}, 2),
    ],
)
def test_a_group_has_the_length_that_holds_most_of_its_data(
    datasets: dict[str, Any], num: int
) -> None:
    assert opened(datasets).num_entries == num


@pytest.mark.parametrize(
    ("branch", "hint"),
    [
        ("n", "; it is a single value"),
        ("g", "; it is a group: tree='g'"),
        ("g/y", "; it is in another group: tree='g'"),
        ("z", "$"),
    ],
)
def test_what_is_no_branch_of_the_table_says_where_it_is(branch: str, hint: str) -> None:
    file = opened({"x": np.arange(2), "n": 3, "g/y": np.arange(2)})
    with pytest.raises(MissingKeyError, match=rf"no branch '{branch}' in '.*x.h5:/'{hint}"):
        file.type_of(branch)


def test_a_dataset_of_another_length_says_the_way_out() -> None:
    datasets = {"a/X": np.zeros((5, 3)), "a/y": np.zeros(5), "a/names": NAMES}
    message = (
        r"branch 'names' of '.*x.h5:a' has 3 entries, and the table 5; tree='a/names' is the table"
    )
    with pytest.raises(InputFileError, match=message):
        opened(datasets, "a").type_of("names")
    assert len(whole(opened(datasets, "a/names"), "names")) == 3


BLOCK = np.arange(8.0).reshape(4, 2)
#: What pandas writes of a frame with two columns of floats, one of integers, and texts.
FIXED: dict[str, Any] = {
    "df/axis0": np.array([b"pt", b"eta", b"n", b"name"]),
    "df/axis1": np.arange(4),
    "df/block0_items": np.array([b"pt", b"eta"]),
    "df/block0_values": BLOCK,
    "df/block1_items": np.array([b"n"]),
    "df/block1_values": np.arange(4).reshape(4, 1),
    "df/block2_items": np.array([b"name"]),
    "df/block2_values": lists([[128, 4, 149]], "u1"),
}


def test_the_columns_of_a_fixed_table_of_pandas_are_branches() -> None:
    file = opened(FIXED)
    assert (file.tree, file.num_entries) == ("df", 4)
    got = dict(file.read(["eta", "n", "pt"], 1, 4))
    assert {name: values.tolist() for name, values in got.items()} == {
        "eta": [3, 5, 7],
        "n": [1, 2, 3],
        "pt": [2, 4, 6],
    }
    assert file.type_of("pt") == ColumnType("vector", np.dtype(np.float64))
    assert file.sizes_of("pt") == (32, 32)
    assert all(values.flags.owndata for values in got.values())


def test_a_block_of_a_fixed_table_is_one_branch_too_but_matches_no_pattern() -> None:
    file = opened(FIXED)
    np.testing.assert_array_equal(whole(file, "block0_values"), BLOCK)
    assert set(file.branches()) == {"pt", "eta", "n", "axis1", "block2_values"}


@pytest.mark.parametrize("items", [np.arange(2), np.array([b"one"]), None])
def test_a_block_whose_items_have_no_names_is_one_branch(items: Any) -> None:
    more = {} if items is None else {"df/block0_items": items}
    file = opened({"df/axis1": np.arange(4), "df/block0_values": BLOCK, **more})
    assert "block0_values" in file.branches()
    np.testing.assert_array_equal(whole(file, "block0_values"), BLOCK)


def test_the_table_format_of_pandas_is_the_only_table() -> None:
    def fill(file: Any) -> None:
        file["df/table"] = records(3)
        file["df/_i_table/index/sorted"] = np.arange(9)
        file["df/meta/values_block_0/meta/table"] = records(2)
        file["df"].attrs["pandas_type"] = "frame_table"

    file = of_bytes(written(fill))
    assert (file.tree, file.branches()) == ("df/table", ["pt", "n", "valid"])


def test_scalars_and_links_to_elsewhere_are_no_branches() -> None:
    def fill(file: Any) -> None:
        file["x"] = np.arange(3)
        file["scalar"] = 3.0
        file["same"] = h5py.SoftLink("/x")
        file["broken"] = h5py.SoftLink("/y")
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")

    assert of_bytes(written(fill)).branches() == ["same", "x"]


@pytest.mark.parametrize(
    ("dtype", "shape", "said"),
    [
        (h5py.ref_dtype, (2,), "references"),
        (np.dtype("V3"), (2,), r"\|V3"),
        (h5py.vlen_dtype(np.dtype(np.float32)), (2, 3), r"lists of float32 of shape \(3,\)"),
        (h5py.vlen_dtype(h5py.vlen_dtype(np.dtype("f4"))), (2,), "lists of lists of float32"),
        (h5py.vlen_dtype(np.dtype(">f4")), (2,), "lists of >f4"),
        (h5py.vlen_dtype(np.dtype([("a", "f4")])), (2,), "lists of records of 'a'"),
        (h5py.string_dtype(), (2, 3), r"text of shape \(3,\) an entry"),
        (np.dtype("S3"), (2, 3), r"text of shape \(3,\) an entry"),
        (np.dtype(np.longdouble), (2,), "float128"),
    ],
)
def test_what_no_column_can_hold_is_refused(dtype: Any, shape: Any, said: str) -> None:
    if dtype == np.longdouble and np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("long double is double here")
    file = of_bytes(written(lambda f: f.create_dataset("x", shape, dtype)))
    message = f"branch 'x' of '.*x.h5:/' holds {said}.*, which no column can hold"
    with pytest.raises(InputFileError, match=message):
        file.type_of("x")


def test_records_in_records_are_refused() -> None:
    values = np.zeros(2, [("a", [("b", "f4")])])
    with pytest.raises(InputFileError, match=r"'a' of '.*x.h5:t' holds records of 'b'"):
        opened({"t": values}, "t").type_of("a")


def test_virtual_datasets_over_other_files_are_refused() -> None:
    def fill(file: Any) -> None:
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
        file.create_virtual_dataset("x", layout)

    with pytest.raises(InputFileError, match=r"'x' .* is in other files \('other.h5'\)"):
        whole(of_bytes(written(fill)), "x")


def test_datasets_kept_in_other_files_are_refused(tmp_path: Path) -> None:
    raw = [(str(tmp_path / "raw"), 0, 12)]
    data = written(lambda f: f.create_dataset("x", (3,), "f4", external=raw))
    with pytest.raises(InputFileError, match=r"'x' .* is in other files \('.*raw'\)"):
        whole(of_bytes(data), "x")


def test_a_filter_that_is_not_installed_is_named() -> None:
    def fill(file: Any) -> None:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((3,))
        properties.set_filter(500, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, properties)

    with pytest.raises(
        InputFileError, match=r"compressed by filter 500, which this HDF5 lacks.* hdf5plugin"
    ):
        of_bytes(written(fill)).type_of("x")


def chunked(lengths: dict[str, int | None], num: int, shape: tuple[int, ...] = ()) -> HdfTable:
    def fill(file: Any) -> None:
        for name, length in lengths.items():
            chunks = None if length is None else (length, *shape)
            file.create_dataset(name, (num, *shape), "f4", chunks=chunks)

    return of_bytes(written(fill))


@pytest.mark.parametrize(
    ("lengths", "step"),
    [
        ({"a": 30_000}, 60_000),
        ({"a": 100_000}, 100_000),
        ({"a": None}, 65_536),
        ({"a": None, "b": 1_000}, 65_000),
        ({"a": 4_096, "b": 16_384}, 65_536),
        ({"a": 4_000, "b": 6_000}, 60_000),
        ({"a": 1_009, "b": 1_013}, 64 * 1_013),
    ],
)
def test_boundaries_are_those_that_chunks_share(lengths: dict[str, int | None], step: int) -> None:
    file = chunked(lengths, 250_000)
    edges = file.boundaries(list(lengths))
    assert edges.dtype == np.int64
    assert edges.tolist() == [*range(0, 250_000, step), 250_000]


def test_boundaries_lie_closer_where_entries_are_large() -> None:
    file = chunked({"a": 10}, 2_000, (1 << 14,))
    assert file.boundaries(["a"]).tolist() == [*range(0, 2_000, 250), 2_000]


def test_boundaries_of_other_branches_do_not_matter() -> None:
    file = chunked({"a": 50_000, "b": 30_001}, 100_000)
    assert file.boundaries(["a"]).tolist() == [0, 50_000, 100_000]


def test_a_table_without_entries_gives_empty_arrays() -> None:
    dtypes = {"x": np.dtype(np.float32), "j": h5py.vlen_dtype(np.dtype(np.int16))}
    dtypes |= {"t": h5py.string_dtype(), "s": np.dtype("S3")}

    def fill(file: Any) -> None:
        for name, dtype in dtypes.items():
            file.create_dataset(name, (0,), dtype, maxshape=(None,))

    file = of_bytes(written(fill))
    got = dict(file.read(list(dtypes), 0, 0))
    assert file.boundaries(["x"]).tolist() == [0]
    assert (got["x"].shape, got["x"].dtype) == ((0,), np.float32)
    assert got["j"] == Jagged(np.empty(0, np.int16), np.zeros(1, np.int64))
    assert got["t"] == got["s"] == Jagged(np.empty(0, np.uint8), np.zeros(1, np.int64))


def test_sizes_are_those_of_the_datasets() -> None:
    options = {"chunks": (1_000,), "compression": "gzip"}
    data = written(lambda f: f.create_dataset("x", data=np.zeros(100_000), **options))
    stored, decoded = of_bytes(data).sizes_of("x")
    assert 0 < stored < 10_000
    assert decoded == 800_000


def test_sizes_of_a_field_are_its_part_of_the_records() -> None:
    assert opened({"jets": records(1000, 2)}, "jets").sizes_of("pt") == (8_000, 8_000)


def test_sizes_of_lists_count_what_they_hold() -> None:
    stored, decoded = opened({"x": lists([[1.0] * 100] * 50, "f8")}).sizes_of("x")
    assert decoded == pytest.approx(50 * 808, rel=0.01)
    assert stored >= decoded


def make_columns(num: int) -> dict[str, Any]:
    numbers = np.arange(num)
    return {
        "x": numbers.astype(">i4"),
        "matrix": np.arange(num * 6.0).reshape(num, 3, 2),
        "name": np.array([b"abc"[: i % 4] for i in range(num)], "S3"),
        "text": np.array(["abc"[: i % 4] for i in range(num)], h5py.string_dtype()),
        "lists": lists([[i] * (i % 3) for i in range(num)], "f4"),
        "records": records(num, 2),
    }


@given(data=st.data(), num=st.integers(1, 30), chunk=st.integers(0, 12))
def test_any_slice_of_any_chunks_is_that_of_the_arrays(
    data: st.DataObject, num: int, chunk: int
) -> None:
    start = data.draw(st.integers(0, num))
    stop = data.draw(st.integers(start, num))
    columns = make_columns(num)

    def fill(file: Any) -> None:
        for name, values in columns.items():
            chunks = (min(chunk, num), *values.shape[1:]) if chunk else None
            file.create_dataset(name, data=values, chunks=chunks)

    with closing(of_bytes(written(fill))) as file:
        got = dict(file.read(file.branches(), start, stop))
    expected = {name: values[start:stop] for name, values in columns.items()}
    np.testing.assert_array_equal(got["x"], expected["x"])
    np.testing.assert_array_equal(got["matrix"], expected["matrix"])
    np.testing.assert_array_equal(got["records.n"], expected["records"]["n"])
    assert [item.tobytes() for item in got["name"]] == expected["name"].tolist()
    assert [item.tobytes().decode() for item in got["text"]] == expected["text"].tolist()
    assert [item.tolist() for item in got["lists"]] == [v.tolist() for v in expected["lists"]]


def test_branches_come_in_the_order_that_was_asked_for() -> None:
    file = opened({"r": records(2), "x": np.arange(2)}, "/")
    names = ["r.n", "x", "r.valid", "r.pt"]
    assert [name for name, _ in file.read(names, 0, 2)] == names


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(InputFileError, match=r"x.h5' cannot be opened as HDF5"):
        of_bytes(b"")


def test_a_file_of_another_format_is_refused() -> None:
    with pytest.raises(InputFileError, match=r"x.h5' cannot be opened as HDF5: .*signature"):
        of_bytes(b"PAR1" + bytes(1000))


@pytest.mark.parametrize("kept", [4, 8, 100, 3_000, -1])
def test_a_truncated_file_is_refused(kept: int) -> None:
    data = written(lambda f: f.create_dataset("x", data=np.arange(10_000)))
    with pytest.raises(InputFileError, match=r"x.h5' cannot be opened as HDF5"):
        of_bytes(data[:kept])


def test_a_damaged_chunk_is_said_of_its_file() -> None:
    options = {"chunks": (10_000,), "fletcher32": True}
    data = bytearray(written(lambda f: f.create_dataset("x", data=np.arange(10_000), **options)))
    data[len(data) - 40_000] ^= 1
    with pytest.raises(InputFileError, match=r"x.h5:/' is damaged"):
        whole(of_bytes(bytes(data)), "x")


@pytest.mark.parametrize("tree", [None, "events"])
def test_a_file_without_the_table_is_closed(tree: str | None) -> None:
    source = in_memory("x.h5", written(lambda f: f.create_group("a")))
    with pytest.raises(InputFileError, match=r"no arrays, so no table|no group or dataset"):
        HdfTable(source, tree)
    with pytest.raises(InputFileError, match="is closed"):
        source.read(0, 1)


def test_equal_content_has_one_uuid_and_other_content_another() -> None:
    one, same, other = ({"x": np.array(values)} for values in ([1], [1], [2]))
    assert opened(one).uuid == opened(same).uuid != opened(other).uuid


def test_files_that_differ_only_in_the_middle_have_different_uuids() -> None:
    values = np.arange(400_000, dtype=np.int64)
    other = values.copy()
    other[200_000] += 1
    one, two = opened({"x": values}), opened({"x": other})
    assert one.uuid != two.uuid
    assert one.former_uuid == two.former_uuid


def test_without_h5py_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(OptionError, match=r"pip install 'memmpy\[hdf5\]'"):
        HdfTable(in_memory("x.h5", b""), None)
