"""Columns that are exported to a file are those that other programs read."""

import errno
import re
import signal
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import (
    RFileConfig,
    WriteJagged,
    WriteNested,
    WriteShaped,
    WriteText,
    WriteVector,
    convert,
)
from memmpy.errors import (
    ColumnError,
    CutError,
    DiskError,
    LengthError,
    MissingKeyError,
    MissingPackageError,
    OptionError,
    ReadOnlyStoreError,
)
from memmpy.export import column_writers, columns_file, export_columns
from tests.conftest import MakeFile
from tests.forking import ForkServer

NUM = 23
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
COUNTS = np.arange(NUM) % 4
ITEMS = np.random.default_rng(0).normal(size=COUNTS.sum()).astype(np.float32)
TEXTS = ["", "ä", "mu26", "a" * 300] * 5 + ["x", "y", "z"]
SUFFIXES = [".parquet", ".pq", ".h5", ".hdf5", ".root"]


def numbers(dtype: str) -> np.ndarray:
    """Return values with the extremes of a dtype."""
    bits = np.random.default_rng(1).integers(0, 256, (NUM, np.dtype(dtype).itemsize), np.uint8)
    if dtype == "?":
        return bits[:, 0] > 100
    values = np.ascontiguousarray(bits).view(dtype)[:, 0]
    if dtype[0] == "f":
        values[:3] = np.nan, np.inf, -0.0
    else:
        values[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    return values


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s"
    for dtype in DTYPES:
        with WriteVector(path, f"of_{dtype.replace('?', 'bool')}") as column:
            column.extend(numbers(dtype))
    with WriteVector(path, "matrix") as column:
        column.extend(np.arange(NUM * 6, dtype=np.float32).reshape(NUM, 2, 3))
    with WriteJagged(path, "jet_pt") as lists:
        lists.extend(np.split(ITEMS, np.cumsum(COUNTS)[:-1]))
    with WriteText(path, "text") as texts:
        texts.extend(TEXTS)
    return path


def read_parquet(path: Path) -> dict[str, Any]:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(path)
    return {name: table.column(name).to_pylist() for name in table.column_names}


def read_hdf5(path: Path) -> dict[str, Any]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        return {
            key: [text.decode() for text in data[:]]
            if h5py.check_string_dtype(data.dtype)
            else [value.tolist() for value in data[:]]
            for key, data in file.items()
        }


def read_root(path: Path) -> dict[str, Any]:
    with uproot.open(path) as file:
        tree = file["Events"]
        return {key: tree[key].array().to_list() for key in tree.keys()}  # noqa: SIM118 - a TTree


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".root": read_root,
}


@pytest.fixture(params=SUFFIXES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file of each format, whose package is installed."""
    if request.param in {".parquet", ".pq"}:
        pytest.importorskip("pyarrow")
    elif request.param != ".root":
        pytest.importorskip("h5py")
    path: Path = tmp_path / f"out{request.param}"
    return path


def read(path: Path) -> dict[str, Any]:
    return READERS[path.suffix](path)


def equal(values: Any, expected: Any) -> bool:
    """Return whether lists are equal, where NaN equals NaN."""
    return repr(values) == repr(expected)


@pytest.mark.parametrize("step_size", [5, 1 << 20])
def test_other_programs_read_what_the_store_has(
    store: Path, file: Path, step_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns_file, "_STEP_SIZE", step_size)
    result = memmpy.open(store).export(file)
    assert (result.path, result.num_entries) == (file, NUM)
    values = read(file)
    assert {*values} - {"njet_pt"} == {*result.keys} == {*memmpy.open(store)}
    for dtype in DTYPES:
        assert equal(values[f"of_{dtype.replace('?', 'bool')}"], numbers(dtype).tolist())
    assert values["matrix"] == np.arange(NUM * 6).reshape(NUM, 2, 3).tolist()
    lists = [part.tolist() for part in np.split(ITEMS, np.cumsum(COUNTS)[:-1])]
    assert values["jet_pt"] == lists
    assert values["text"] == TEXTS


def test_converted_again_the_columns_have_the_same_bits(
    store: Path, file: Path, tmp_path: Path
) -> None:
    first = memmpy.open(store)
    first.export(file)
    convert(file, tmp_path / "again", keys=set(first))
    again = memmpy.open(tmp_path / "again")
    for key in first:
        values: Any = first[key]
        others: Any = again[key]
        if key == "text":
            assert values[:].tolist() == others[:].tolist()
        elif key == "jet_pt":
            assert values.dtype == others.dtype
            np.testing.assert_array_equal(values[:].content, others[:].content)
            np.testing.assert_array_equal(values[:].offsets, others[:].offsets)
        else:
            assert values.dtype == others.dtype
            assert values.shape == others.shape
            assert values.tobytes() == others.tobytes()


def test_names_of_metadata_are_written_as_texts(
    make_file: MakeFile, file: Path, tmp_path: Path
) -> None:
    files = [
        RFileConfig(make_file("a.root", 4), metadata={"process": "ttH", "xsec": 2.5}),
        RFileConfig(make_file("b.root", 3, first=10), metadata={"process": "ttbb", "xsec": 1.0}),
    ]
    convert(files, tmp_path / "t", keys={"met"})
    memmpy.open(tmp_path / "t").export(file)
    values = read(file)
    assert values["process"] == ["ttH"] * 4 + ["ttbb"] * 3
    assert values["xsec"] == [2.5] * 4 + [1.0] * 3
    assert values["met"] == [number / 8 for number in [*range(4), *range(10, 13)]]


@pytest.mark.parametrize("step_size", [2, 1 << 20])
def test_a_cut_leaves_entries_out(
    store: Path, file: Path, step_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns_file, "_STEP_SIZE", step_size)
    options: dict[str, Any] = {"aliases": {"num": "Length$(jet_pt)"}, "constants": {"least": 2}}
    result = memmpy.open(store).export(file, keys="*", cut="num >= least", **options)
    chosen = np.flatnonzero(COUNTS >= 2)
    assert result.num_entries == len(chosen)
    values = read(file)
    lists = np.split(ITEMS, np.cumsum(COUNTS)[:-1])
    assert values["jet_pt"] == [lists[i].tolist() for i in chosen]
    assert values["text"] == [TEXTS[i] for i in chosen]
    assert values["of_i8"] == numbers("i8")[chosen].tolist()


def test_a_cut_that_leaves_nothing_writes_empty_columns(store: Path, file: Path) -> None:
    store_open = memmpy.open(store)
    assert store_open.export(file, cut="of_f8 > 5 && of_f8 < 4").num_entries == 0
    assert all(values == [] for values in read(file).values())


def test_keys_are_names_and_patterns(store: Path, tmp_path: Path) -> None:
    result = memmpy.open(store).export(tmp_path / "x.root", keys=["jet_*", "of_i?", "of_f8"])
    assert result.keys == ("jet_pt", "of_i1", "of_i2", "of_i4", "of_i8", "of_f8")


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (["jet_ptt"], MissingKeyError, "no column 'jet_ptt'; nearest: 'jet_pt'"),
        (["muon_*"], MissingKeyError, r"no column matches 'muon_\*'"),
        ([], OptionError, "keys is empty"),
        (5, OptionError, "keys is a set or a list of keys, got 5"),
    ],
)
def test_wrong_keys_are_errors(
    keys: Any, error: type[Exception], message: str, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        memmpy.open(store).export(tmp_path / "x.root", keys=keys)
    assert not (tmp_path / "x.root").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.parqet", "got '.*x.parqet'; nearest: '.parquet'"),
        ("x.csv", r"an export is a file that ends in .parquet, .pq, .h5, .hdf5, .root, got"),
        ("x", "an export is a file"),
    ],
)
def test_the_suffix_is_that_of_a_format(
    name: str, message: str, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        memmpy.open(store).export(tmp_path / name)


def test_a_wrong_cut_is_an_error(store: Path, tmp_path: Path) -> None:
    with pytest.raises(CutError, match="of_f8 >"):
        memmpy.open(store).export(tmp_path / "x.root", cut="of_f8 >")


def test_a_file_is_replaced_only_if_asked(store: Path, file: Path) -> None:
    memmpy.open(store).export(file, keys="of_i4")
    with pytest.raises(OptionError, match=r"exists already; overwrite=True replaces it"):
        memmpy.open(store).export(file, keys="of_i8")
    assert {*read(file)} == {"of_i4"}
    memmpy.open(store).export(file, keys="of_i8", overwrite=True)
    assert {*read(file)} == {"of_i8"}


def test_a_source_is_never_replaced(make_file: MakeFile, tmp_path: Path) -> None:
    source = make_file("a.root")
    convert(source, tmp_path / "t", keys={"met"})
    before = source.read_bytes()
    with pytest.raises(OptionError, match=r"would replace the file .* that the store was made"):
        memmpy.open(tmp_path / "t").export(source, overwrite=True)
    assert source.read_bytes() == before


def test_a_missing_folder_is_made(store: Path, tmp_path: Path) -> None:
    memmpy.open(store).export(tmp_path / "a" / "b" / "x.root", keys="of_i4")
    assert {*read_root(tmp_path / "a" / "b" / "x.root")} == {"of_i4"}


@pytest.mark.parametrize(
    ("package", "suffix", "extra"), [("pyarrow", ".pq", "parquet"), ("h5py", ".h5", "hdf5")]
)
def test_a_missing_package_names_its_extra(
    package: str,
    suffix: str,
    extra: str,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pip install 'memmpy\[{extra}\]'"):
        memmpy.open(store).export(tmp_path / f"x{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.fixture
def odd_store(tmp_path: Path) -> Path:
    path = tmp_path / "odd"
    with WriteNested(path, "nested") as nested:
        nested.extend(ak.Array([[{"pt": [1.0]}], [], [{"pt": []}, {"pt": [2.0, 3.0]}]]))
    with WriteJagged(path, "pairs") as pairs:
        pairs.extend([np.ones((2, 2)), np.zeros((0, 2)), np.ones((1, 2))])
    with WriteVector(path, "half") as half:
        half.extend(np.array([0.5, 1, 2], np.float16))
    with WriteVector(path, "a/b") as column:
        column.extend(np.arange(3))
    with WriteShaped(path, "images") as images:
        images.extend([np.zeros((2, 3)), np.zeros((1, 1)), np.zeros(())])
    with WriteVector(path, "short") as column:
        column.extend(np.arange(2))
    return path


def test_parquet_holds_nested_columns_and_lists_of_arrays(odd_store: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    keys = ["nested", "pairs", "half", "a/b"]
    memmpy.open(odd_store).export(tmp_path / "x.parquet", keys=keys)
    values = read_parquet(tmp_path / "x.parquet")
    assert values["nested"] == [[{"pt": [1.0]}], [], [{"pt": []}, {"pt": [2.0, 3.0]}]]
    assert values["pairs"] == [[[1, 1], [1, 1]], [], [[1, 1]]]
    assert values["half"] == [0.5, 1, 2]
    assert values["a/b"] == [0, 1, 2]
    convert(tmp_path / "x.parquet", tmp_path / "again", keys={"nested", "pairs"})
    again = memmpy.open(tmp_path / "again")
    for key in ("nested", "pairs"):
        first: Any = memmpy.open(odd_store)[key]
        other: Any = again[key]
        assert other.to_awkward().to_list() == first.to_awkward().to_list()


@pytest.mark.parametrize(
    ("suffix", "key", "message"),
    [
        (".h5", "nested", r"column 'nested' has entries of type var \* \{.*HDF5 cannot hold"),
        (
            ".h5",
            "pairs",
            "column 'pairs' has lists of arrays, which HDF5 cannot hold; leave it out",
        ),
        (".root", "nested", "which a TTree cannot hold; leave it out of keys, or export to .parq"),
        (".root", "pairs", "'pairs' has lists of arrays; a TTree holds lists of numbers"),
        (".root", "half", "'half' has dtype float16"),
        (".parquet", "images", "column 'images' has entries of different shapes"),
    ],
)
def test_what_a_format_cannot_hold_is_an_error(
    suffix: str, key: str, message: str, odd_store: Path, tmp_path: Path
) -> None:
    with pytest.raises(ColumnError, match=message):
        memmpy.open(odd_store).export(tmp_path / f"x{suffix}", keys=[key])
    assert [path.name for path in tmp_path.iterdir()] == ["odd"]


@pytest.mark.parametrize(("suffix", "name"), [(".root", "Jets_a_b_0_"), (".h5", "Jets.a_b[0]")])
def test_a_name_that_a_format_does_not_allow_is_changed(
    suffix: str, name: str, tmp_path: Path
) -> None:
    if suffix == ".h5":
        pytest.importorskip("h5py")
    with WriteVector(tmp_path / "s", "Jets.a/b[0]") as column:
        column.extend(np.arange(3))
    memmpy.open(tmp_path / "s").export(tmp_path / f"x{suffix}")
    assert read(tmp_path / f"x{suffix}") == {name: [0, 1, 2]}


def test_two_columns_of_one_name_are_an_error(odd_store: Path, tmp_path: Path) -> None:
    with WriteVector(odd_store, "a.b") as column:
        column.extend(np.arange(3))
    with pytest.raises(OptionError, match=r"'a/b' and 'a.b' would both be written as 'a_b': leave"):
        memmpy.open(odd_store).export(tmp_path / "x.root", keys=["a/b", "a.b"])


def test_a_counter_of_lists_takes_no_name_of_a_column(store: Path, tmp_path: Path) -> None:
    with WriteVector(store, "njet_pt") as column:
        column.extend(COUNTS * 2)
    memmpy.open(store).export(tmp_path / "x.root", keys=["jet_pt", "njet_pt"])
    values = read_root(tmp_path / "x.root")
    assert {*values} == {"jet_pt", "njet_pt", "njet_pt_"}
    assert values["njet_pt"] == (COUNTS * 2).tolist()
    assert [len(own) for own in values["jet_pt"]] == COUNTS.tolist()


def test_counters_of_lists_differ_from_all_columns_and_each_other(tmp_path: Path) -> None:
    lists = {"jet": [1.0, 2.0], "jet_": [3.0]}
    for key, first in lists.items():
        with WriteJagged(tmp_path / "s", key) as jagged:
            jagged.extend([first, [4.0, 5.0]])
    for number, key in enumerate(("njet", "njet__")):
        with WriteVector(tmp_path / "s", key) as column:
            column.extend(np.array([number, 7]))
    memmpy.open(tmp_path / "s").export(tmp_path / "x.root")
    with uproot.open(tmp_path / "x.root") as file:
        values = {key: branch.array().to_list() for key, branch in file["Events"].items()}
    assert {key: values[key] for key in lists} == {k: [v, [4.0, 5.0]] for k, v in lists.items()}
    assert (values["njet"], values["njet__"]) == ([0, 7], [1, 7])


def test_ctrl_c_inside_of_hdf5_leaves_no_file(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("h5py")
    write, signals = column_writers._HdfStream.write, [signal.SIGINT]

    def interrupted(stream: Any, data: Any) -> int:
        if signals:  # one Ctrl-C: a second one may stop the removal of the file
            signal.raise_signal(signals.pop())
        return write(stream, data)

    monkeypatch.setattr(column_writers._HdfStream, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        memmpy.open(store).export(tmp_path / "out" / "x.h5")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.real
@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("name", "tree", "pattern"),
    [
        ("nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events", "*LHE*"),
        ("PHYSLITE_example.root", "CollectionTree", "AnalysisJets*"),
    ],
)
def test_real_events_come_back(
    real_data: Path,
    file: Path,
    name: str,
    tree: str,
    pattern: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    convert(RFileConfig(real_data / name, tree), "s", keys=[pattern])
    first = memmpy.open("s")
    kinds = {key: type(column) for key, column in first.items()}
    keys = [
        key
        for key, kind in kinds.items()
        if file.suffix in {".parquet", ".pq"} or kind is not memmpy.ReadNested
    ]
    first.export(file, keys=keys)
    renames = {key: re.sub(r"\W", "_", key) if file.suffix == ".root" else key for key in keys}
    convert(file, "again", keys=renames)
    again = memmpy.open("again")
    for key in keys:
        columns: list[Any] = [first[key], again[key]]
        values, others = (
            ak.from_numpy(np.asarray(one)) if isinstance(one, np.ndarray) else one.to_awkward()
            for one in columns
        )
        assert str(values.type) == str(others.type)
        assert ak.array_equal(values, others, equal_nan=True)


def test_columns_of_different_lengths_are_an_error(odd_store: Path, tmp_path: Path) -> None:
    with pytest.raises(LengthError, match="column 'half' has 3 entries, and 'short' has 2"):
        memmpy.open(odd_store).export(tmp_path / "x.root", keys=["half", "short"])
    with pytest.raises(LengthError, match="column 'half' has 3 entries, and 'short' has 2"):
        memmpy.open(odd_store).export(tmp_path / "x.h5", keys="half", cut="short >= 0")


def test_a_failure_leaves_the_older_file(
    store: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memmpy.open(store).export(file, keys="of_i4")
    before = file.read_bytes()
    monkeypatch.setattr(columns_file, "_STEP_SIZE", 5)
    values_of, calls = columns_file._values, []

    def fail(*words: Any) -> Any:
        calls.append(words)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return values_of(*words)

    monkeypatch.setattr(columns_file, "_values", fail)
    with pytest.raises(DiskError, match=r"No space left .* an older file of this name is unchan"):
        memmpy.open(store).export(file, keys="of_i4", overwrite=True)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, "s"])


# No file may grow past 64 kB.
LIMITED = """
    import errno, resource, sys
    import awkward, h5py, numpy, pyarrow.parquet, uproot
    import memmpy
    from memmpy.errors import DiskError
    store = memmpy.open(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    try:
        store.export(sys.argv[2])
    except DiskError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_disk_that_refuses_leaves_nothing(
    file: Path, tmp_path: Path, fork_server: ForkServer
) -> None:
    with WriteVector(tmp_path / "large", "x") as column:
        column.extend(np.random.default_rng(0).random(100_000))
    message = fork_server.run(LIMITED, tmp_path / "large", file)
    assert message.startswith(f"cannot write {str(file)!r}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def test_a_folder_that_is_a_file_is_an_error(store: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(ReadOnlyStoreError, match=r"/f' is a file, not a directory"):
        memmpy.open(store).export(tmp_path / "f" / "x.root", keys="of_i4")


def test_chunks_are_row_groups(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(columns_file, "_STEP_BYTES", NUM)  # fewer than the bytes of an entry
    memmpy.open(store).export(tmp_path / "x.parquet")
    assert parquet.ParquetFile(tmp_path / "x.parquet").num_row_groups == NUM


@pytest.mark.slow_together
def test_memory_is_bounded_by_a_step(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WriteVector(tmp_path / "large", "x") as column:
        column.extend(np.zeros(4_000_000))
    monkeypatch.setattr(columns_file, "_STEP_BYTES", 1 << 18)
    store = memmpy.open(tmp_path / "large")
    entries = store.cut("x < 1")
    store.export(file, cut="x > 1")  # imports what it needs
    options: dict[str, Any] = {
        "keys": ["x"],
        "cut_keys": ["x"],
        "overwrite": True,
        "progress": False,
    }
    tracemalloc.start()
    try:
        export_columns(store.snapshot, file, entries=entries, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000 < 4_000_000 * 8


def test_each_suffix_has_a_writer() -> None:
    assert [*column_writers.WRITERS] == SUFFIXES
