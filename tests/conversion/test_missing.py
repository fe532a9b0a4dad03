"""Missing values of files: their fills, and files without any value of a branch."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, convert, load_root, plan_conversion
from memmpy.errors import InputFileError, MissingKeyError, OptionError, SchemaError, SplitError
from memmpy.jagged import Jagged
from memmpy.sources import fill_missing

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Write = Callable[..., Path]
NAN = float("nan")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a Parquet file as pandas does: with nulls for NaN."""

    def write(name: str, **columns: Any) -> Path:
        path = tmp_path / f"{name}.parquet"
        parquet.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "s.mmpy"


def test_floats_of_pandas_with_and_without_nan_are_one_column(write: Write, store: Path) -> None:
    files = [write("a", x=[1.5, None, 2.0]), write("b", x=[4.0, 5.0])]
    convert(files, store, keys={"x"})
    np.testing.assert_array_equal(memmpy.read_vector(store, "x"), [1.5, NAN, 2, 4, 5])


def test_floats_of_pandas_are_loaded_and_cut(write: Write, store: Path) -> None:
    file = write("a", x=[1.5, None, 2.0], i=[1, 2, 3])
    loader = load_root(file, store, keys={"i"}, tcut="x > 1", batch_size=4, shuffle=False)
    assert sorted(next(iter(loader))["i"]) == [1, 3]


def test_a_missing_integer_says_the_way_out(write: Write, store: Path) -> None:
    file = write("a", run=[1, None])
    message = r"branch 'run' of '.*a.parquet' has 1 missing value,.*missing=\{'run': -1\}"
    with pytest.raises(InputFileError, match=message):
        convert(file, store, keys={"run"})


def test_the_way_out_of_a_missing_integer(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", run=[1, None]), missing={"run": -1})
    loader = load_root(file, store, keys={"run"}, batch_size=4)
    assert sorted(next(iter(loader))["run"]) == [-1, 1]


def test_a_renamed_key_takes_the_fill_of_its_branch(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", run=[1, None]), missing={"run": np.int64(7)})
    convert(file, store, keys={"number": "run", "twice": "run"}, aliases={})
    assert memmpy.read_vector(store, "number").tolist() == [1, 7]


def test_an_alias_computes_with_the_fill(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", run=[1, None]), missing={"run": -5})
    convert(file, store, keys={"next"}, aliases={"next": "run + 1"})
    assert memmpy.read_vector(store, "next").tolist() == [2, -4]


def test_a_pattern_takes_fills_too(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", ra=[1, None], rb=[None, 2]), missing={"ra": 0, "rb": -1})
    convert(file, store, keys={"r*"})
    assert memmpy.read_vector(store, "ra").tolist() == [1, 0]
    assert memmpy.read_vector(store, "rb").tolist() == [-1, 2]


def test_missing_lists_become_empty_on_request(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", pt=pa.array([[1.0, None], None])), missing={"pt": []})
    loader = load_root(file, store, keys=set(), keys_padded={"pt": (2, -1.0)}, batch_size=4)
    batch = next(iter(loader))
    order = np.argsort(batch["_index"])
    np.testing.assert_array_equal(batch["pt"][order], [[1, NAN], [-1, -1]])
    np.testing.assert_array_equal(batch["pt_mask"][order], [[True, True], [False, False]])


def test_another_fill_reads_the_columns_that_it_changes_and_no_other(
    write: Write, store: Path
) -> None:
    path = write("a", run=[1, None], met=[1.0, 2.0])

    def read(**missing: Any) -> dict[str, tuple[str, ...]]:
        done = convert(RFileConfig(path, missing=missing), store, keys={"run", "met"})
        return {Path(name).name: branches for name, branches in done.read.items()}

    assert read(run=-1) == {"a.parquet": ("met", "run")}
    assert read(run=-1) == {}
    assert read(run=-2) == {"a.parquet": ("run",)}
    assert memmpy.read_vector(store, "run").tolist() == [1, -2]
    assert read(run=-2, met=0.0) == {"a.parquet": ("met",)}


def test_a_skim_of_another_fill_is_another(write: Write, store: Path) -> None:
    path = write("a", run=[1, None])
    for fill in (-1, -2, True):
        loader = load_root(RFileConfig(path, missing={"run": fill}), store, keys={"run"})
        assert sorted(next(iter(loader))["run"]) == sorted([1, int(fill)])


def test_the_plan_says_what_stands_for_missing_values(write: Write, store: Path) -> None:
    path = write("a", run=[1, None], tag=["a", None])
    file = RFileConfig(path, missing={"run": -1, "tag": None})
    report = str(plan_conversion(file, store, keys={"run", "tag"}))
    assert "int64, missing as -1" in report
    assert "?string, missing kept" in report
    convert(file, store, keys={"run", "tag"})
    report = str(plan_conversion(RFileConfig(path, missing={"run": 0}), store, keys={"run"}))
    assert "was run, missing as -1, now run, missing as 0" in report


def test_names_of_events_with_another_fill_are_other_events(write: Write, store: Path) -> None:
    path = write("a", run=[1, None])
    splits = memmpy.Splits(by=("run",))
    convert(RFileConfig(path, missing={"run": 0}), store, keys={"run"}, splits=splits)
    message = "'run' names events and was run, missing as 0, now it is run, missing as 1"
    with pytest.raises(SplitError, match=message):
        convert(RFileConfig(path, missing={"run": 1}), store, keys={"run"})


def test_files_that_differ_in_what_is_missing_are_refused(write: Write, store: Path) -> None:
    path = write("a", run=[1], x=[[1]])
    files = [RFileConfig(path, missing={"run": -1, "x": []}), RFileConfig(write("b", run=[1]))]
    message = r"need the same missing: '.*a.parquet' has \{'run': -1, 'x': \[\]\}, '.*b.* has \{\}"
    with pytest.raises(OptionError, match=message):
        convert(files, store, keys={"run"})


def test_a_fill_of_no_branch_names_the_nearest(write: Write, store: Path) -> None:
    file = RFileConfig(write("a", run=[1]), missing={"rum": -1})
    message = "missing of an RFileConfig names branches: no branch 'rum' in .*; nearest: 'run'"
    with pytest.raises(MissingKeyError, match=message):
        convert(file, store, keys={"run"})


@pytest.mark.parametrize("fill", [[1], {}, object, b"a"])
def test_a_fill_is_a_plain_value(fill: Any) -> None:
    with pytest.raises(OptionError, match=r"maps a branch to a number, a text, \[\] or None"):
        RFileConfig("a.parquet", missing={"x": fill})


def test_fills_are_a_dict() -> None:
    with pytest.raises(OptionError, match="missing of an RFileConfig is a dict of branches"):
        RFileConfig("a.parquet", missing=-1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("empty", "full"),
    [
        (pa.nulls(2), pa.array([1.0, 2.0])),
        (pa.array([[], []], pa.list_(pa.null())), pa.array([[1.0], []])),
        (pa.array([[], []], pa.list_(pa.null())), pa.array([["a"], []])),
        (pa.array([[], []], pa.list_(pa.null())), pa.array([[[1]], []])),
    ],
    ids=["null", "list", "texts", "lists"],
)
@pytest.mark.parametrize("keys", [{"x"}, {"*"}])
@pytest.mark.parametrize("first", ["empty", "full"])
def test_a_file_without_values_takes_the_type_of_the_others(
    write: Write, store: Path, empty: Any, full: Any, keys: set[str], first: str
) -> None:
    files = [write("empty", x=empty), write("full", x=full)]
    convert(files if first == "empty" else files[::-1], store, keys=keys)
    column = memmpy.open(store)["x"]
    entries: Any = column[2:] if first == "empty" else column[:2]
    got = ak.to_list(entries.to_awkward() if isinstance(entries, Jagged) else entries)
    assert got == full.to_pylist()


def test_a_file_without_values_takes_the_type_of_the_store(write: Write, store: Path) -> None:
    full, empty = write("a", x=[1.0, 2.0]), write("b", x=pa.nulls(1))
    convert(full, store, keys={"x"})
    done = convert([full, empty], store, keys={"x"})
    assert [Path(path).name for path in done.read] == ["b.parquet"]
    np.testing.assert_array_equal(memmpy.read_vector(store, "x"), [1, 2, NAN])


def test_a_file_without_values_is_computed_with(write: Write, store: Path) -> None:
    files = [write("a", x=pa.nulls(1)), write("b", x=np.array([3], np.float32))]
    convert(files, store, keys={"y"}, aliases={"y": "x * 2"})
    np.testing.assert_array_equal(memmpy.read_vector(store, "y"), [NAN, 6])


def test_a_branch_without_values_in_any_file_is_refused(write: Write, store: Path) -> None:
    files = [write("a", x=pa.nulls(1)), write("b", x=pa.nulls(2))]
    with pytest.raises(InputFileError, match=r"'x' of '.*a.parquet' is of the type null: all its"):
        convert(files, store, keys={"x"})


@pytest.mark.slow
def test_other_processes_fill_and_take_types_too(write: Write, store: Path) -> None:
    paths = [write("a", x=pa.nulls(1), i=[None]), write("b", x=[3.0], i=pa.array([1]))]
    files = [RFileConfig(path, missing={"i": NAN, "x": NAN}) for path in paths]
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        with pytest.raises(OptionError, match="does not fit branch 'i'"):
            convert(files, store, keys={"x", "i"}, work=executor)
        convert(files, store, keys={"x"}, work=executor)
        with pytest.raises(InputFileError, match="all its values are missing"):
            convert(paths[0], store, keys={"i"}, recreate=True, work=executor)
    np.testing.assert_array_equal(memmpy.read_vector(store, "x"), [NAN, 3])


def test_a_pattern_skips_a_branch_without_values_in_any_file(write: Write, store: Path) -> None:
    files = [write("a", x=pa.nulls(1), y=[1]), write("b", x=pa.nulls(2), y=[2, 3])]
    done = convert(files, store, keys={"*"})
    assert list(memmpy.open(store)) == ["y"]
    assert done.plan.skipped == ("x",)


def test_a_branch_that_was_skipped_takes_the_type_of_a_new_file(write: Write, store: Path) -> None:
    old, new = write("a", x=pa.nulls(1), y=[1]), write("b", x=[7.0], y=[2])
    convert(old, store, keys={"*"})
    convert([old, new], store, keys={"*"})
    np.testing.assert_array_equal(memmpy.read_vector(store, "x"), [NAN, 7])


def test_a_new_file_with_more_branches_of_a_pattern_is_refused(write: Write, store: Path) -> None:
    old, new = write("a", x=[1.0]), write("b", x=[7.0], y=[2])
    convert(old, store, keys={"*"})
    with pytest.raises(SchemaError, match=r"'y' is missing in '.*a.parquet' and int64 in"):
        convert([old, new], store, keys={"*"})


@pytest.fixture
def ntuple(tmp_path: Path) -> Path:
    """Return an RNTuple with values of ``std::optional`` that are missing."""
    array = ak.Array({"x": [1.5, None], "i": [None, 2], "l": [[1.0, None], []], "y": [0, 1]})
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("ntuple", array.layout.form).extend(array)
    return tmp_path / "a.root"


def test_optional_values_of_an_rntuple_get_what_the_user_says(ntuple: Path, store: Path) -> None:
    missing = {"x": NAN, "i": -1, "l": 0.0}
    convert(RFileConfig(ntuple, missing=missing), store, keys={"x", "l", "z"}, aliases={"z": "i*2"})
    np.testing.assert_array_equal(memmpy.read_vector(store, "x"), [1.5, NAN])
    column: Any = memmpy.open(store)["l"]
    assert column[:].to_awkward().to_list() == [[1, 0], []]
    assert memmpy.read_vector(store, "z").tolist() == [-2, 4]


def test_optional_values_of_an_rntuple_stay_missing_unasked(ntuple: Path, store: Path) -> None:
    convert(ntuple, store, keys={"i"})
    column: Any = memmpy.open(store)["i"]
    assert ak.to_list(column[:]) == [None, 2]


def test_a_fill_that_an_rntuple_cannot_hold_is_refused(ntuple: Path, store: Path) -> None:
    with pytest.raises(OptionError, match=r"missing=\{'i': 'a'\} does not fit branch 'i'"):
        convert(RFileConfig(ntuple, missing={"i": "a"}), store, keys={"i"})


def test_a_type_that_the_store_has_otherwise_can_be_read_again(write: Write, store: Path) -> None:
    old, new = write("a", x=[1.0]), write("b", x=[2])
    convert(old, store, keys={"x"})
    message = "float64 in the store and int64 in .*, or read all of it again with recreate=True"
    with pytest.raises(SchemaError, match=message):
        convert([old, new], store, keys={"x"})


def test_what_a_fill_does_not_stand_for_is_said() -> None:
    array = ak.Array([{"a": None, "b": "x"}, {"a": 1, "b": None}])
    message = r"'x' has 1 missing value for which missing=\{'x': -1\} has none; give None to keep"
    with pytest.raises(InputFileError, match=message):
        fill_missing(array, -1, branch="x")
