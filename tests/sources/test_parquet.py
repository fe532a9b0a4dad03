"""Parquet files of pyarrow, pandas and awkward, compared with the arrays they were made of."""

import io
import itertools
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, final

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, OptionError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource, EventFile, Fill, NullRules, UntypedError
from memmpy.sources.parquet import ParquetTable
from tests.sources.conftest import in_memory
from tests.sources.contract import Columns, EventFileContract

NUMBERS = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


class TestParquet(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        array = {
            name: ak.from_numpy(values, regulararray=True)
            if isinstance(values, np.ndarray)
            else values
            for name, values in columns.items()
        }
        table = ak.to_arrow_table(ak.Array(array), extensionarray=False)
        parquet.write_table(table, path, row_group_size=step)

    def open(self, source: ByteSource) -> ParquetTable:
        return ParquetTable(source, None, NullRules())


def written(columns: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(
        columns if isinstance(columns, pa.Table) else pa.table(columns), stream, **options
    )
    return stream.getvalue()


def opened(columns: Any, nulls: NullRules | None = None, **options: Any) -> ParquetTable:
    data = columns if isinstance(columns, bytes) else written(columns, **options)
    return ParquetTable(in_memory("x.parquet", data), None, nulls or NullRules())


def by_awkward(path: Path, array: Any, **options: Any) -> ParquetTable:
    ak.to_parquet(ak.Array(array), str(path / "x.parquet"), **options)
    return opened((path / "x.parquet").read_bytes())


def whole(file: EventFile, branch: str) -> Any:
    return dict(file.read([branch], 0, file.num_entries))[branch]


JETS = ak.zip({"pt": [[1.0, 2.0], [], [3.0]], "n": [[1, 2], [], [3]]}, with_name="Momentum4D")


@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers_that_may_be_missing_but_are_not_become_a_plain_vector(dtype: str) -> None:
    values = np.arange(5).astype(dtype)
    file = opened({"x": pa.array(values)}, row_group_size=2)
    assert file.type_of("x") == ColumnType("vector", np.dtype(dtype))
    got = whole(file, "x")
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_lists_that_may_be_missing_but_are_not_become_jagged(dtype: str) -> None:
    content = np.arange(3).astype(dtype)
    lists = pa.ListArray.from_arrays([0, 2, 2, 3], pa.array(content))
    file = opened({"x": lists}, row_group_size=2)
    assert file.type_of("x") == ColumnType("jagged", np.dtype(dtype))
    assert whole(file, "x") == Jagged(content, np.array([0, 2, 2, 3]))


@pytest.mark.parametrize("list_type", [pa.list_, pa.large_list])
def test_lists_of_both_sizes_become_jagged(list_type: Any) -> None:
    file = opened({"x": pa.array([[1.5], [], [2.5, 3.5]], list_type(pa.float32()))})
    assert whole(file, "x") == Jagged(np.array([1.5, 2.5, 3.5], np.float32), np.array([0, 1, 1, 3]))


def test_lists_of_one_size_become_a_vector_with_a_shape() -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    inner = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 3)
    file = opened({"x": pa.FixedSizeListArray.from_arrays(inner, 2)})
    assert file.type_of("x") == ColumnType("vector", np.dtype(np.float32), (2, 3))
    np.testing.assert_array_equal(whole(file, "x"), values)


def test_lists_of_lists_of_one_size_become_jagged_with_a_shape(tmp_path: Path) -> None:
    pairs = ak.to_regular(ak.Array([[[1, 2], [3, 4]], [], [[5, 6]]]), axis=2)
    file = by_awkward(tmp_path, {"x": pairs})
    assert file.type_of("x") == ColumnType("jagged", np.dtype(np.int64), (2,))
    content = np.array([[1, 2], [3, 4], [5, 6]])
    assert whole(file, "x") == Jagged(content, np.array([0, 2, 2, 3]))


TEXTS = ["ttbb", "", "tt\N{LATIN SMALL LETTER AE}", "ttbb"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array([text.encode() for text in TEXTS]),
    ],
    ids=["string", "large_string", "dictionary", "binary"],
)
def test_texts_of_all_encodings_become_text(array: Any) -> None:
    file = opened({"x": array}, row_group_size=3)
    assert file.type_of("x") == ColumnType("text")
    assert [item.tobytes().decode() for item in whole(file, "x")] == TEXTS


def test_views_of_texts_become_text() -> None:
    try:
        file = opened({"x": pa.array(TEXTS, pa.string_view())})
    except pa.ArrowNotImplementedError:
        pytest.skip("this pyarrow writes no views")
    assert [item.tobytes().decode() for item in whole(file, "x")] == TEXTS


def test_instants_become_datetime64() -> None:
    values = np.array(["2024-01-01T00:00:01", "2025-01-01"], "M8[us]")
    file = opened({"x": pa.array(values)})
    assert file.type_of("x") == ColumnType("vector", np.dtype("M8[us]"))
    np.testing.assert_array_equal(whole(file, "x"), values)


def test_lists_of_lists_become_nested_without_options() -> None:
    file = opened({"x": pa.array([[[1.0]], [], [[], [2.0, 3.0]]])}, row_group_size=2)
    assert str(file.type_of("x")) == "var * var * float64"
    assert whole(file, "x").to_list() == [[[1.0]], [], [[], [2.0, 3.0]]]


def test_lists_of_dictionaries_are_read_across_row_groups() -> None:
    texts = pa.array(["a", "b", "a"]).dictionary_encode()
    file = opened({"x": pa.ListArray.from_arrays([0, 1, 2, 3], texts)}, row_group_size=2)
    assert whole(file, "x").to_list() == [["a"], ["b"], ["a"]]


@pytest.mark.parametrize("options", [{}, {"extensionarray": False}, {"list_to32": True}])
def test_what_awkward_writes_keeps_its_type(tmp_path: Path, options: dict[str, Any]) -> None:
    arrays = {
        "x": np.arange(3, dtype=np.float32),
        "jagged": ak.Array([[1.5], [], [2.5, 3.5]]),
        "text": ak.Array(["a", "", "ccc"]),
        "deep": ak.Array([[[1]], [], [[2], [3]]]),
        "jets": JETS,
    }
    file = by_awkward(tmp_path, arrays, **options)
    assert {name: str(file.type_of(name)) for name in arrays} == {
        "x": "float32",
        "jagged": "var * float64",
        "text": "text",
        "deep": "var * var * int64",
        "jets": "var * {pt: float64, n: int64}",
    }


@pytest.mark.parametrize("options", [{}, {"extensionarray": False}, {"list_to32": True}])
def test_what_awkward_writes_keeps_its_values(tmp_path: Path, options: dict[str, Any]) -> None:
    file = by_awkward(tmp_path, {"jets": JETS, "x": [1, 2, 3]}, row_group_size=2, **options)
    assert whole(file, "jets").to_list() == JETS.to_list()


def test_options_that_awkward_declares_are_plain_where_nothing_is_missing(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"x": ak.mask(np.arange(3.0), [True] * 3)})
    assert file.type_of("x") == ColumnType("vector", np.dtype(np.float64))


def test_members_of_records_follow_their_record(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"x": [1, 2, 3], "jets": JETS, "y": [1, 2, 3]})
    assert file.branches() == ["x", "jets", "jets.pt", "jets.n", "y"]


def test_members_of_lists_of_records_become_jagged(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"jets": JETS})
    assert file.type_of("jets.pt") == ColumnType("jagged", np.dtype(np.float64))
    assert whole(file, "jets.pt") == Jagged.from_awkward(JETS.pt)


def test_members_of_records_of_lists_become_jagged() -> None:
    file = opened({"jets": pa.array([{"pt": [1.0], "n": 1}, {"pt": [], "n": 0}])})
    assert whole(file, "jets.pt") == Jagged(np.array([1.0]), np.array([0, 1, 1]))
    np.testing.assert_array_equal(whole(file, "jets.n"), [1, 0])


def test_members_of_members_are_branches() -> None:
    file = opened({"a": pa.array([[{"b": {"c": 1}, "d": 2}], []])})
    assert file.branches() == ["a", "a.b", "a.b.c", "a.d"]
    assert whole(file, "a.b.c") == Jagged(np.array([1]), np.array([0, 1, 1]))


def test_a_record_and_its_member_are_read_together(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"jets": JETS})
    got = dict(file.read(["jets.pt", "jets"], 1, 3))
    assert got["jets"].pt.to_list() == [item.tolist() for item in got["jets.pt"]] == [[], [3.0]]


def test_a_column_with_a_dot_in_its_name_is_found_before_a_member() -> None:
    file = opened({"a": pa.array([{"b": 1}]), "a.b": pa.array([7.5])})
    assert file.branches() == ["a", "a.b"]
    assert whole(file, "a.b").tolist() == [7.5]


def test_a_member_of_a_type_that_is_named_is_read_of_the_whole(tmp_path: Path) -> None:
    # As awkward before 2.7 wrote it: the type is registered once awkward has met pyarrow.
    ak.to_arrow_table({"x": JETS}, extensionarray=True)
    table = ak.to_arrow_table(ak.Array({"jets": JETS}), extensionarray=True)
    file = opened(table)
    assert str(file.type_of("jets")) == "var * {pt: float64, n: int64}"
    assert whole(file, "jets.n") == Jagged.from_awkward(JETS.n)


def test_the_index_of_pandas_matches_no_pattern_and_is_read_by_its_name() -> None:
    file = opened({"x": [1], "__index_level_0__": [7]})
    assert file.branches() == ["x"]
    assert whole(file, "__index_level_0__").tolist() == [7]


def test_of_two_columns_of_one_name_none_is_read_and_others_are() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["x", "x", "y"])
    file = opened(table)
    message = r"x.parquet' has several columns of the name 'x'; rename them before"
    with pytest.raises(InputFileError, match=message):
        file.type_of("x")
    assert whole(file, "y").tolist() == [3]


@final
class Interval(pa.ExtensionType):  # type: ignore[misc]  # pyarrow has no types
    """A type that a library gave a name, such as that of intervals of pandas."""

    def __init__(self) -> None:
        super().__init__(pa.struct([("left", pa.int64()), ("right", pa.int64())]), "test.interval")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> "Interval":
        return cls()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_type_with_a_name_is_what_it_is_stored_as(is_known: bool) -> None:
    storage = pa.array([{"left": 1, "right": 2}, {"left": 3, "right": 4}], Interval().storage_type)
    data = written({"x": pa.ExtensionArray.from_storage(Interval(), storage)}, row_group_size=1)
    if is_known:
        pa.register_extension_type(Interval())
    try:
        file = opened(data)
        assert whole(file, "x").to_list() == storage.to_pylist()
        assert whole(file, "x.left").tolist() == [1, 3]
    finally:
        if is_known:
            pa.unregister_extension_type("test.interval")


NAN = float("nan")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_missing_floats_become_nan(dtype: str) -> None:
    file = opened({"x": pa.array([1.0, None, 2.0], dtype)}, row_group_size=2)
    assert file.type_of("x") == ColumnType("vector", np.dtype(dtype))
    np.testing.assert_array_equal(whole(file, "x"), np.array([1, NAN, 2], dtype), strict=True)


def test_missing_floats_in_lists_become_nan() -> None:
    file = opened({"x": pa.array([[1.0, None], [], [None]])}, row_group_size=2)
    assert file.type_of("x") == ColumnType("jagged", np.dtype(np.float64))
    got = whole(file, "x")
    assert got.counts.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(got.content, [1, NAN, NAN])


def test_missing_instants_become_nat() -> None:
    values = np.array(["2024-01-01", "NaT"], "M8[us]")
    file = opened({"x": pa.array(values)})
    np.testing.assert_array_equal(whole(file, "x"), values, strict=True)


def test_missing_floats_of_arrays_of_one_size_become_nan() -> None:
    file = opened({"x": pa.array([[1.0, 2.0], None, [None, 3.0]], pa.list_(pa.float64(), 2))})
    assert file.type_of("x") == ColumnType("vector", np.dtype(np.float64), (2,))
    np.testing.assert_array_equal(whole(file, "x"), [[1, 2], [NAN, NAN], [NAN, 3]])


def test_missing_records_have_members_that_are_missing() -> None:
    file = opened({"x": pa.array([{"a": 1.0}, None, {"a": None}])})
    np.testing.assert_array_equal(whole(file, "x.a"), [1, NAN, NAN])
    np.testing.assert_array_equal(whole(file, "x").a.to_numpy(), [1, NAN, NAN])


def test_floats_that_awkward_says_are_missing_become_nan(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"x": ak.Array([1.0, None])})
    np.testing.assert_array_equal(whole(file, "x"), [1, NAN])


INT = pa.array([1, None, 3])


@pytest.mark.parametrize(
    ("array", "fill", "expected"),
    [
        (pa.array([1.0, None, 3.0]), -999, [1, -999, 3]),
        (INT, -1, [1, -1, 3]),
        (INT.cast("uint8"), 255, [1, 255, 3]),
        (pa.array([True, None, False]), True, [True, True, False]),
        (pa.array([[1], None, [2, None]]), -1, [[1], [], [2, -1]]),
        (pa.array([[1], None, []]), (), [[1], [], []]),
        (pa.array([[[1], None], None]), (), [[[1], []], []]),
        (pa.array([["a", None], None]), "?", [["a", "?"], []]),
        (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), -1, [[1, 2], [-1, -1]]),
    ],
)
def test_what_is_missing_becomes_what_the_user_says(array: Any, fill: Fill, expected: Any) -> None:
    file = opened({"x": array}, NullRules({"x": fill}), row_group_size=2)
    got = whole(file, "x")
    as_lists = got.to_awkward().to_list() if isinstance(got, Jagged) else got.tolist()
    assert as_lists == expected


def test_members_that_a_fill_does_not_fit_stay_missing() -> None:
    array = pa.array([{"a": 1, "b": "x"}, {"a": None, "b": None}])
    with pytest.raises(InputFileError, match=r"'x' of .* has 1 missing value.*missing=\{'x': ''\}"):
        whole(opened({"x": array}, NullRules({"x": -1})), "x")


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None]),
        pa.array(["a", None], pa.large_string()),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([b"a", None]),
    ],
    ids=["string", "large_string", "dictionary", "binary"],
)
def test_missing_texts_become_the_text_that_the_user_says(array: Any) -> None:
    file = opened({"x": array}, NullRules({"x": "none"}))
    assert [item.tobytes().decode() for item in whole(file, "x")] == ["a", "none"]


@pytest.mark.parametrize(
    ("array", "type"),
    [
        (pa.array([1.0, None]), "?float64"),
        (pa.array([1, None]), "?int64"),
        (pa.array(["a", None]), "?string"),
        (pa.array(["a", None]).dictionary_encode(), "?string"),
        (pa.array([[1, None], None]), "option[var * ?int64]"),
    ],
)
def test_what_is_missing_stays_so_on_request(array: Any, type: str) -> None:
    file = opened({"x": array}, NullRules({"x": None}))
    assert str(file.type_of("x")) == type
    assert whole(file, "x").to_list() == array.to_pylist()


@pytest.mark.parametrize(
    ("array", "way_out"),
    [
        (pa.array([1, None]), "-1"),
        (pa.array([1, None], "uint16"), "0"),
        (pa.array([True, None]), "False"),
        (pa.array(["a", None]), "''"),
        (pa.array([[1.0], None]), r"\[\]"),
        (pa.array([[1], [None]]), "-1"),
        (pa.array([[[1.0], None]]), r"\[\]"),
    ],
)
def test_other_missing_values_are_refused_with_the_way_out(array: Any, way_out: str) -> None:
    message = (
        r"branch 'x' of '.*x.parquet' has 1 missing value, which .* cannot hold; .*: "
        rf"RFileConfig\(..., missing=\{{'x': {way_out}\}}\)"
    )
    with pytest.raises(InputFileError, match=message):
        whole(opened({"x": array}), "x")


def test_all_branches_with_missing_values_are_named_at_once() -> None:
    file = opened({"x": [1, None], "ok": [1.0, None], "y": [True, None], "z": [1, 2]})
    with pytest.raises(InputFileError, match=r"branch 'x' .* \(as have 'y'\);"):
        dict(file.read(file.branches(), 0, 2))


def test_of_many_branches_with_missing_values_some_are_named() -> None:
    file = opened({f"x{i:02}": [1, None] for i in range(20)})
    with pytest.raises(InputFileError, match=r"'x00' .* \(as have 'x01', .* and 9 more\); give"):
        dict(file.read(file.branches(), 0, 2))


@pytest.mark.parametrize(
    ("array", "fill"),
    [
        (INT, NAN),
        (INT, 1.5),
        (INT, "a"),
        (INT, ()),
        (INT.cast("uint8"), -1),
        (pa.array([True, None]), -1),
        (pa.array(["a", None]), -1),
        (pa.array([["a"], None]), -1),
    ],
)
def test_a_fill_that_does_not_fit_is_refused_before_reading(array: Any, fill: Fill) -> None:
    message = r"missing=\{'x': .*\} does not fit branch 'x' of '.*x.parquet', which is"
    with pytest.raises(OptionError, match=message):
        opened({"x": array}, NullRules({"x": fill})).type_of("x")


def test_the_type_does_not_depend_on_what_is_missing() -> None:
    for values in ([1, None], [1, 2]):
        assert opened({"x": pa.array(values)}).type_of("x") == ColumnType(
            "vector", np.dtype(np.int64)
        )


UNTYPED = [
    pa.nulls(2),
    pa.array([[], None], pa.list_(pa.null())),
    pa.array([{"a": None}, None], pa.struct([("a", pa.null())])),
]


@pytest.mark.parametrize("array", UNTYPED, ids=["null", "list", "struct"])
def test_a_branch_without_any_value_has_no_type(array: Any) -> None:
    message = r"branch 'x' of '.*x.parquet' is of the type .*: all its values are missing.*leave"
    with pytest.raises(UntypedError, match=message):
        opened({"x": array}).type_of("x")


@pytest.mark.parametrize(
    ("array", "held"),
    [
        (pa.nulls(2), ColumnType("vector", np.dtype(np.float32))),
        (pa.nulls(2), ColumnType("vector", np.dtype(np.float32), (2, 3))),
        (pa.nulls(2), ColumnType("vector", np.dtype(np.int64))),
        (pa.nulls(2), ColumnType("jagged", np.dtype(np.int16), (2,))),
        (pa.nulls(2), ColumnType("text")),
        (pa.nulls(2), ColumnType("nested", type="var * var * float64")),
        (UNTYPED[1], ColumnType("jagged", np.dtype(np.float64))),
        (UNTYPED[1], ColumnType("nested", type="var * string")),
        (UNTYPED[2], ColumnType("nested", type="{a: float64}")),
    ],
)
def test_a_branch_without_any_value_takes_the_type_of_other_files(
    array: Any, held: ColumnType
) -> None:
    fill: Fill = "" if held.kind == "text" else 0 if str(held) == "int64" else ()
    fills: dict[str, Fill] = {} if "float" in str(held) and held.kind == "vector" else {"x": fill}
    if str(held) == "{a: float64}":
        fills = {}
    file = opened({"x": array}, NullRules(fills, {"x": held}))
    assert file.type_of("x") == held
    got = whole(file, "x")
    assert len(got) == 2
    if held.kind == "vector" and held.dtype == np.float32:
        assert (got.shape, got.dtype) == ((2, *held.shape), held.dtype)
        assert np.isnan(got).all()


def test_integers_without_any_value_need_a_fill() -> None:
    file = opened(
        {"x": pa.nulls(2)}, NullRules({}, {"x": ColumnType("vector", np.dtype(np.int64))})
    )
    with pytest.raises(InputFileError, match=r"has 2 missing values.*missing=\{'x': -1\}"):
        whole(file, "x")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2]).cast(pa.decimal128(25, 2)),
        pa.array([Decimal(1)], getattr(pa, "decimal32", pa.decimal128)(5, 2)),
        pa.array([[Decimal(1)]]),
        pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    ],
    ids=["decimal", "small decimal", "decimals", "map"],
)
def test_what_no_column_can_hold_is_refused(array: Any) -> None:
    file = opened({"x": array})
    with pytest.raises(
        InputFileError, match=r"branch 'x' of '.*x.parquet' is of the type .* no column"
    ):
        file.type_of("x")


def test_a_decimal_says_what_to_do_about_it() -> None:
    with pytest.raises(InputFileError, match=r"type decimal128\(3, 1\), .* cast it to float64"):
        opened({"x": pa.array([Decimal("10.5")])}).type_of("x")


def test_the_members_beside_a_decimal_are_read() -> None:
    file = opened({"x": pa.array([{"a": Decimal(1), "b": 2}])})
    assert whole(file, "x.b").tolist() == [2]
    with pytest.raises(InputFileError, match=r"branch 'x.a' .* cast it to float64"):
        file.type_of("x.a")


def test_boundaries_are_the_edges_of_row_groups() -> None:
    file = opened({"x": np.arange(5)}, row_group_size=2)
    assert file.boundaries(["x"]).tolist() == [0, 2, 4, 5]
    assert file.boundaries(["x"]).dtype == np.int64


def test_row_groups_without_rows_are_no_boundaries() -> None:
    stream = io.BytesIO()
    table = pa.table({"x": [1, 2]})
    with parquet.ParquetWriter(stream, table.schema) as writer:
        for piece in (table, table.slice(0, 0), table):
            writer.write_table(piece)
    file = opened(stream.getvalue())
    assert file.boundaries([]).tolist() == [0, 2, 4]
    assert whole(file, "x").tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("num_groups", [0, 1])
def test_a_table_without_rows_gives_empty_arrays(num_groups: int) -> None:
    stream = io.BytesIO()
    schema = pa.schema([("x", pa.float32()), ("j", pa.list_(pa.int16())), ("t", pa.string())])
    with parquet.ParquetWriter(stream, schema) as writer:
        for _ in range(num_groups):
            writer.write_table(schema.empty_table())
    file = opened(stream.getvalue())
    got = dict(file.read(["x", "j", "t"], 0, 0))
    assert file.boundaries(["x"]).tolist() == [0]
    assert (got["x"].shape, got["x"].dtype) == ((0,), np.float32)
    assert got["j"] == Jagged(np.empty(0, np.int16), np.zeros(1, np.int64))
    assert got["t"] == Jagged(np.empty(0, np.uint8), np.zeros(1, np.int64))


def test_aligned_reads_decode_each_row_group_once(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=200_000)
    data = written({"x": values, "unused": values}, row_group_size=50_000, compression="none")
    (tmp_path / "x.parquet").write_bytes(data)
    source = ByteSource(str(tmp_path / "x.parquet"))
    with closing(ParquetTable(source, None, NullRules())) as file:
        file.type_of("x")
        num_before = source.num_bytes
        edges = file.boundaries(["x"]).tolist()
        pieces = [dict(file.read(["x"], a, b))["x"] for a, b in itertools.pairwise(edges)]
        num_read = source.num_bytes - num_before
        np.testing.assert_array_equal(np.concatenate(pieces), values)
        # A stream fills its buffer behind what is asked for.
        num_more = num_read - file.sizes_of("x")[0]
    assert 0 <= num_more <= io.DEFAULT_BUFFER_SIZE * len(pieces)


def test_sizes_are_those_of_the_columns() -> None:
    file = opened({"x": np.zeros(100_000), "y": np.zeros(100_000)})
    stored, decoded = file.sizes_of("x")
    assert stored < 10_000
    assert decoded == 800_000


def test_sizes_of_a_member_are_less_than_those_of_its_record(tmp_path: Path) -> None:
    file = by_awkward(tmp_path, {"jets": JETS})
    sizes = [file.sizes_of(name)[0] for name in ("jets", "jets.pt", "jets.n")]
    assert sizes[0] == sizes[1] + sizes[2]


def make_columns(num: int) -> dict[str, Any]:
    numbers = np.arange(num)
    counts = numbers % 3
    content = np.arange(counts.sum(), dtype=np.float32)
    return {
        "x": ak.Array(numbers),
        "flag": ak.Array(numbers % 2 == 0),
        "jagged": ak.unflatten(content, counts),
        "text": ak.Array([str(i) * (i % 4) for i in range(num)]),
        "option": ak.mask(ak.Array(numbers), numbers % 3 > 0),
        "deep": ak.unflatten(ak.unflatten(content, np.ones(len(content), int)), counts),
        "jets": ak.unflatten(ak.zip({"pt": content}), counts),
    }


@pytest.mark.slow
@given(data=st.data(), num=st.integers(1, 30), group=st.integers(1, 12), nullable=st.booleans())
def test_any_slice_of_any_row_groups_is_that_of_the_arrays(
    data: st.DataObject, num: int, group: int, nullable: bool
) -> None:
    start = data.draw(st.integers(0, num))
    stop = data.draw(st.integers(start, num))
    columns = make_columns(num)
    table = ak.to_arrow_table(ak.Array(columns), extensionarray=False)
    if nullable:
        fields = [pa.field(f.name, f.type, nullable=True) for f in table.schema]
        table = pa.Table.from_arrays(table.columns, schema=pa.schema(fields))
    keeps = NullRules({"option": None})
    with closing(opened(table, keeps, row_group_size=group)) as file:
        got = dict(file.read([*columns, "jets.pt"], start, stop))
    for name, values in columns.items():
        as_lists = {
            Jagged: lambda got: got.to_awkward().to_list(),
            ak.Array: ak.to_list,
            np.ndarray: lambda got: got.tolist(),
        }[type(got[name])](got[name])
        expected = values[start:stop].to_list()
        assert as_lists == ([[*map(ord, t)] for t in expected] if name == "text" else expected)
    assert got["jets.pt"].to_awkward().to_list() == columns["jets"].pt[start:stop].to_list()


def test_branches_come_in_the_order_that_was_asked_for() -> None:
    file = opened({"x": [1, 2], "y": [1, 2], "a": pa.array([{"b": 1, "c": 2}] * 2)})
    names = ["a.c", "y", "a", "a.b", "x"]
    assert [name for name, _ in file.read(names, 0, 2)] == names


def test_a_tree_is_refused() -> None:
    with pytest.raises(InputFileError, match=r"no tree 'events' in '.*x.parquet': .* give no tree"):
        ParquetTable(in_memory("x.parquet", written({"x": [1]})), "events", NullRules())


def test_an_empty_tree_is_none() -> None:
    assert (
        ParquetTable(in_memory("x.parquet", written({"x": [1]})), "", NullRules()).num_entries == 1
    )


@pytest.mark.parametrize("data", [b"", b"root" + bytes(1000)], ids=["empty", "root"])
def test_a_file_of_another_format_is_refused(data: bytes) -> None:
    message = r"x.parquet' is truncated or incomplete"
    with pytest.raises(InputFileError, match=message):
        opened(data)


@pytest.mark.parametrize("kept", [4, 11, 100, 5_000, -1])
def test_a_truncated_file_is_refused(kept: int) -> None:
    message = "x.parquet' is truncated or incomplete.* copy it again"
    with pytest.raises(InputFileError, match=message):
        opened(written({"x": np.arange(10_000)})[:kept])


@pytest.mark.parametrize("start", [-200, -8])
def test_a_damaged_footer_is_said_of_its_file(start: int) -> None:
    data = bytearray(written({"x": np.arange(10_000)}))
    data[start : start + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(InputFileError, match=r"x.parquet' cannot be opened as Parquet"):
        opened(bytes(data))


def test_a_damaged_page_is_said_of_its_file() -> None:
    data = bytearray(written({"x": np.arange(10_000)}, use_dictionary=False, compression="gzip"))
    data[2_000:2_100] = bytes(100)
    with pytest.raises(InputFileError, match=r"x.parquet' is damaged"):
        whole(opened(bytes(data)), "x")


def test_a_changed_byte_is_found_where_pages_have_checksums() -> None:
    options = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}
    data = bytearray(written({"x": np.arange(10_000)}, **options))
    data[40_000] ^= 1
    with pytest.raises(InputFileError, match=r"x.parquet' is damaged"):
        whole(opened(bytes(data)), "x")


def test_a_file_of_which_a_tree_is_asked_is_closed() -> None:
    source = in_memory("x.parquet", written({"x": [1]}))
    with pytest.raises(InputFileError, match="give no tree"):
        ParquetTable(source, "events", NullRules())
    with pytest.raises(InputFileError, match="is closed"):
        source.read(0, 1)


def test_equal_content_has_one_uuid_and_other_content_another() -> None:
    one, same, other = ({"x": values} for values in ([1], [1], [2]))
    assert opened(one).uuid == opened(same).uuid != opened(other).uuid


def test_files_that_differ_only_in_the_middle_have_different_uuids() -> None:
    values = np.arange(400_000, dtype=np.int64)
    other = values.copy()
    other[200_000] += 1
    # Without statistics and dictionaries the footer is the same.
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    one, two = (written({"x": x}, **options) for x in (values, other))
    assert (one[: 1 << 20], one[-(1 << 20) :]) == (two[: 1 << 20], two[-(1 << 20) :])
    files = [ParquetTable(in_memory("x.parquet", data), None, NullRules()) for data in (one, two)]
    assert files[0].uuid != files[1].uuid
    assert files[0].former_uuid == files[1].former_uuid


@pytest.mark.slow
def test_formats_are_imported_without_their_libraries() -> None:
    code = (
        "import sys, memmpy.sources; assert not {'pyarrow', 'h5py', 'awkward'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_pyarrow_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OptionError, match=r"pip install 'memmpy\[parquet\]'"):
        ParquetTable(in_memory("x.parquet", b"PAR1"), None, NullRules())
