"""Tests of friend trees and their alignment with the source files."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, convert, write_friend
from memmpy.columns import ReadJagged, WriteVector
from memmpy.errors import (
    ColumnError,
    DiskError,
    LengthError,
    MissingFileError,
    OptionError,
    ReadOnlyStoreError,
)
from memmpy.export import Friend, friend_values, friends
from memmpy.jagged import Jagged
from memmpy.store import FileLock, Metadata, SourceRecord, Transaction, read_metadata
from tests.forking import ForkServer

MakeFile = Callable[..., Path]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")


def read(path: Path | str, tree: str = "tree") -> dict[str, Any]:
    with uproot.open(path) as file:
        arrays = file[tree].arrays()
        return {name: arrays[name] for name in arrays.fields}


def put_sources(store: Path, *sources: SourceRecord) -> None:
    """Let a store say that it was made from these."""

    def change(metadata: Metadata) -> Metadata:
        return dataclasses.replace(metadata, sources=sources)

    with Transaction(store) as transaction:
        transaction.change(change)


@pytest.fixture
def files(make_file: MakeFile) -> list[Path]:
    """Three files with event numbers that go on from one to the next; the second has none."""
    return [
        make_file("a.root", num=10),
        make_file("none.root", num=0),
        make_file("b.root", num=7, tree="dir/other", first=10),
    ]


@pytest.fixture
def store(files: list[Path], tmp_path: Path) -> Path:
    path = tmp_path / "s"
    convert(files, path, keys={"eventNumber", "jet_pt"})
    return path


@pytest.fixture
def made_of_one(make_file: MakeFile, tmp_path: Path) -> Path:
    """A store of the 10 events of one file."""
    convert(make_file("a.root"), tmp_path / "one", keys={"eventNumber", "jet_pt"})
    return tmp_path / "one"


def test_scores_of_some_entries_lie_where_their_events_do(
    store: Path, files: list[Path], tmp_path: Path
) -> None:
    entries = np.array([16, 3, 0, 11, 9, 10])
    numbers = np.asarray(memmpy.read_vector(store, "eventNumber"))[entries]
    written = write_friend(
        store, tmp_path / "friends", {"score": entries / 2, "number": numbers}, entries=entries,
        fill={"number": 0},
    )  # fmt: skip
    assert written == [
        Friend(tmp_path / "friends/a.root", str(files[0]), "tree", 10, 7),
        Friend(tmp_path / "friends/none.root", str(files[1]), "tree", 0, 0),
        Friend(tmp_path / "friends/b.root", str(files[2]), "dir/other", 7, 4),
    ]
    num_found = 0
    for friend in written:
        source, held = read(friend.source, friend.tree), read(friend.path, friend.tree)
        has_score = ~np.isnan(held["score"])
        num_found += int(ak.sum(has_score))
        assert len(held["score"]) == len(source["eventNumber"])
        assert ak.all(held["number"][has_score] == source["eventNumber"][has_score])
        assert ak.all(held["number"][~has_score] == 0)
        event = ak.values_astype(source["eventNumber"] - np.uint64(1 << 60), np.float64)
        assert ak.all(held["score"][has_score] == event[has_score] / 2)
    assert num_found == len(entries)


def test_batches_of_a_loader_find_their_way_back(store: Path, tmp_path: Path) -> None:
    loader = memmpy.open(store).loader(keys={"eventNumber"}, batch_size=4, seed=3)
    batches = list(loader)
    written = write_friend(
        store,
        tmp_path / "friends",
        {"number": np.concatenate([batch["eventNumber"] for batch in batches])},
        entries=np.concatenate([batch["_index"] for batch in batches]),
    )
    for friend in written:
        source, held = read(friend.source, friend.tree), read(friend.path, friend.tree)
        assert ak.all(held["number"] == source["eventNumber"])


def test_without_entries_every_entry_of_the_store_has_a_row(store: Path, tmp_path: Path) -> None:
    written = write_friend(store, tmp_path / "f", {"x": np.arange(17)})
    assert [friend.num_missing for friend in written] == [0, 0, 0]
    assert read(tmp_path / "f/a.root")["x"].tolist() == list(range(10))
    assert read(tmp_path / "f/b.root", "dir/other")["x"].tolist() == list(range(10, 17))


@pytest.mark.parametrize("step_size", [1, 3, 10])
def test_a_tree_is_written_in_steps(
    made_of_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_size: int
) -> None:
    monkeypatch.setattr(friends, "STEP_SIZE", step_size)
    entries = np.array([8, 1, 2, 5])
    lists = [[8.5] * 2, [], [2.5], [5.5] * 3]
    write_friend(made_of_one, tmp_path / "f", {"x": entries, "l": lists_of(lists)}, entries=entries,
                 fill=-1)  # fmt: skip
    held = read(tmp_path / "f/a.root")
    assert held["x"].tolist() == [-1, 1, 2, -1, -1, 5, -1, -1, 8, -1]
    assert held["l"].tolist() == [[], [], [2.5], [], [], [5.5] * 3, [], [], [8.5] * 2, []]


def lists_of(lists: list[list[float]]) -> Jagged:
    return Jagged.from_arrays([np.array(part, np.float64) for part in lists])


def test_large_rows_are_written_in_steps_of_bytes(
    made_of_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(friends, "STEP_BYTES", 100)
    sizes = []
    take_step = friend_values.take_step

    def watch(*words: Any, num_entries: int, **more: Any) -> Any:
        sizes.append(num_entries)
        return take_step(*words, num_entries=num_entries, **more)

    monkeypatch.setattr(friends, "take_step", watch)
    write_friend(made_of_one, tmp_path / "f", {"x": np.zeros((10, 4))})
    assert sizes == [3, 3, 3, 1]


@pytest.mark.parametrize(
    "dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "?", ">f4", ">i8"]
)
def test_every_dtype_keeps_its_bits(made_of_one: Path, tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, 10).astype(dtype)
    if dtype != "?":
        values = np.frombuffer(rng.bytes(10 * np.dtype(dtype).itemsize), dtype)
    write_friend(made_of_one, tmp_path / "f", {"x": values})
    with uproot.open(tmp_path / "f/a.root") as file:
        held = file["tree/x"].array(library="np")
    assert held.dtype == np.dtype(dtype).newbyteorder("=")
    assert held.tobytes() == values.astype(held.dtype).tobytes()


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_rows_may_be_arrays(made_of_one: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(2 * np.prod(shape), dtype=np.float32).reshape(2, *shape)
    write_friend(made_of_one, tmp_path / "f", {"x": values}, entries=[7, 2])
    held = ak.to_numpy(read(tmp_path / "f/a.root")["x"])
    assert held.dtype == np.float32
    assert held.shape == (10, *shape)
    assert np.array_equal(held[[7, 2]], values)
    assert np.isnan(np.delete(held, [7, 2], axis=0)).all()


def test_rows_may_be_columns_of_the_store(store: Path, tmp_path: Path) -> None:
    column = ReadJagged(store, "jet_pt")
    write_friend(store, tmp_path / "f", {"pt": column, "again": column.to_awkward()})
    held = read(tmp_path / "f/b.root", "dir/other")
    assert held["pt"].tolist() == held["again"].tolist() == column[10:].to_awkward().tolist()
    assert held["npt"].tolist() == column.counts[10:].tolist()


def test_rows_may_be_lists_of_python_or_awkward_numbers(made_of_one: Path, tmp_path: Path) -> None:
    regular = ak.to_regular(ak.Array([[1, 2]] * 10))
    write_friend(made_of_one, tmp_path / "f", {"x": [0.5] * 10, "y": ak.Array([1] * 10),
                 "z": regular})  # fmt: skip
    held = read(tmp_path / "f/a.root")
    assert held["x"].tolist() == [0.5] * 10
    assert held["y"].tolist() == [1] * 10
    assert held["z"].tolist() == [[1, 2]] * 10


def test_a_fill_is_for_all_branches_or_for_each(made_of_one: Path, tmp_path: Path) -> None:
    rows = {"x": np.ones(1, np.float32), "is_good": np.array([True]), "i": np.array([5])}
    write_friend(made_of_one, tmp_path / "f", rows, entries=[9], fill={"is_good": False, "i": -7})
    held = read(tmp_path / "f/a.root")
    assert np.isnan(held["x"][0])
    assert held["is_good"].tolist() == [False] * 9 + [True]
    assert held["i"].tolist() == [-7] * 9 + [5]
    write_friend(made_of_one, tmp_path / "g", {"x": [0.5], "y": [1.5]}, entries=[9], fill=-1.0)
    held = read(tmp_path / "g/a.root")
    assert held["x"].tolist() == [-1.0] * 9 + [0.5]


def test_integers_that_need_a_fill_say_so(made_of_one: Path, tmp_path: Path) -> None:
    message = (
        r"9 of the 10 entries of 'tree' of '.*a\.root' have no row, and int64 has no NaN to fill "
        r"branch 'i' with; give a value: fill=\{'i': \.\.\.\}"
    )
    with pytest.raises(OptionError, match=message):
        write_friend(made_of_one, tmp_path / "f", {"i": [1]}, entries=[3])


@pytest.mark.parametrize("fill", [float("nan"), 0.5, 300, "a", {"i": -1}])
def test_a_fill_that_the_dtype_cannot_hold_is_refused(
    made_of_one: Path, tmp_path: Path, fill: Any
) -> None:
    with pytest.raises(OptionError, match=r"branch 'i': cannot fill with .* of dtype uint8"):
        write_friend(
            made_of_one, tmp_path / "f", {"i": np.array([1], np.uint8)}, entries=[3], fill=fill
        )


def test_a_fill_of_another_branch_names_the_nearest(made_of_one: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="fill names 'scor', no branch; nearest: 'score'"):
        write_friend(made_of_one, tmp_path / "f", {"score": np.ones(10)}, fill={"scor": 0})
    lists = {"x": lists_of([[]] * 10)}
    with pytest.raises(OptionError, match="branch 'x' has lists, which are empty for entries"):
        write_friend(made_of_one, tmp_path / "f", lists, fill={"x": 0})


def test_a_range_of_a_tree_lies_where_it_was(made_of_one: Path, tmp_path: Path) -> None:
    (source,) = read_metadata(made_of_one).sources
    part = dataclasses.replace(source, num_entries=4, tree_start=5, tree_entries=10)
    put_sources(made_of_one, part)
    (written,) = write_friend(made_of_one, tmp_path / "f", {"x": [0.0, 1.0, 2.0, 3.0]})
    assert (written.num_entries, written.num_missing) == (10, 6)
    held = read(written.path)["x"]
    assert held[5:9].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert np.isnan([*held[:5], *held[9:]]).all()
    write_friend(made_of_one, tmp_path / "g", {"x": [7.0]}, entries=[3])
    assert np.flatnonzero(~np.isnan(read(tmp_path / "g/a.root")["x"])).tolist() == [8]


def test_ranges_of_one_tree_in_any_order_make_one_tree(made_of_one: Path, tmp_path: Path) -> None:
    (source,) = read_metadata(made_of_one).sources
    put_sources(
        made_of_one,
        dataclasses.replace(source, num_entries=2, tree_start=6, tree_entries=10),
        dataclasses.replace(source, num_entries=3, tree_start=1, tree_entries=10, entry_start=2),
    )
    rows = {"x": np.array([0, 10, 20, 30, 40]), "l": lists_of([[0], [10, 10], [], [30], [40]])}
    write_friend(made_of_one, tmp_path / "f", rows, fill=-1)
    held = read(tmp_path / "f/a.root")
    assert held["x"].tolist() == [-1, 20, 30, 40, -1, -1, 0, 10, -1, -1]
    assert held["l"].tolist() == [[], [], [30], [40], [], [], [0], [10, 10], [], []]


def test_two_trees_of_one_file_are_in_one_friend(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "two.root") as file:
        file["one"] = {"x": np.arange(3)}
        file["dir/two"] = {"x": np.arange(10, 14)}
    trees = [RFileConfig(tmp_path / "two.root", tree) for tree in ("one", "dir/two")]
    convert(trees, tmp_path / "s", keys={"x"})
    written = write_friend(tmp_path / "s", tmp_path / "f", {"y": np.arange(7)})
    assert {friend.path for friend in written} == {tmp_path / "f/two.root"}
    assert read(tmp_path / "f/two.root", "one")["y"].tolist() == [0, 1, 2]
    assert read(tmp_path / "f/two.root", "dir/two")["y"].tolist() == [3, 4, 5, 6]


def test_files_of_one_name_keep_their_directories(make_file: MakeFile, tmp_path: Path) -> None:
    for year in ("2016", "2017"):
        (tmp_path / year).mkdir()
    files = [make_file("2016/a.root", num=2), make_file("2017/a.root", num=3)]
    convert(files, tmp_path / "s", keys={"met"})
    write_friend(tmp_path / "s", tmp_path / "f", {"x": np.arange(5)})
    assert read(tmp_path / "f/2016/a.root")["x"].tolist() == [0, 1]
    assert read(tmp_path / "f/2017/a.root")["x"].tolist() == [2, 3, 4]


def test_a_file_that_is_not_roots_has_a_root_friend(made_of_one: Path, tmp_path: Path) -> None:
    (source,) = read_metadata(made_of_one).sources
    put_sources(made_of_one, dataclasses.replace(source, path="https://host/a.parquet", tree=""))
    (written,) = write_friend(made_of_one, tmp_path / "f", {"x": np.arange(10)})
    assert written.path == tmp_path / "f/a.root"
    assert read(written.path)["x"].tolist() == list(range(10))


@pytest.mark.parametrize("given", [["score"], {}, np.ones(10)])
def test_branches_are_a_mapping(made_of_one: Path, tmp_path: Path, given: Any) -> None:
    with pytest.raises(OptionError, match="branches must be a mapping of names to arrays"):
        write_friend(made_of_one, tmp_path / "f", given)


@pytest.mark.parametrize("name", ["", "a b", "1a", "a.b", "x/D", "x[2]", "é", 3])
def test_a_branch_has_a_name_that_root_takes(made_of_one: Path, tmp_path: Path, name: Any) -> None:
    with pytest.raises(
        OptionError, match="the name of a branch must have only letters, digits and _, got"
    ):
        write_friend(made_of_one, tmp_path / "f", {name: np.ones(10)})


def test_the_name_of_the_lengths_of_lists_is_taken(made_of_one: Path, tmp_path: Path) -> None:
    lists = lists_of([[]] * 10)
    with pytest.raises(OptionError, match="lengths of the lists 'x' need the name 'nx'; rename"):
        write_friend(made_of_one, tmp_path / "f", {"x": lists, "nx": np.ones(10)})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(10, np.float16), "branch 'x' has dtype float16, and a TTree holds bool, integers"),
        (np.ones(10, complex), "dtype complex128"),
        (["a"] * 10, "dtype <U1"),
        ([None] * 10, "dtype object"),
        (ak.Array(["a"] * 10), "dtype <U1"),
        (ak.Array([None] * 10), "branch 'x': not one level of lists"),
        (ak.Array([[[1], []]] * 10), "branch 'x': not lists of numbers"),
        ([[1], [1, 2]], "branch 'x': .*; give lists as a Jagged"),
        (1.0, r"branch 'x' needs at least one value per row, got shape \(\)"),
        (np.ones((10, 0)), r"got shape \(10, 0\)"),
        (Jagged(np.ones((3, 2)), np.array([0, 3])), "branch 'x' has lists of arrays"),
    ],
)
def test_values_that_a_tree_cannot_hold_are_refused(
    made_of_one: Path, tmp_path: Path, values: Any, message: str
) -> None:
    with pytest.raises(ColumnError, match=message):
        write_friend(made_of_one, tmp_path / "f", {"x": values})
    assert not (tmp_path / "f").exists()


def test_lengths_that_differ_are_errors(made_of_one: Path, tmp_path: Path) -> None:
    message = "branch 'x' has 9 rows, and the files fill 10 entries of the store; give the entry"
    with pytest.raises(LengthError, match=message):
        write_friend(made_of_one, tmp_path / "f", {"x": np.ones(9)})
    with pytest.raises(LengthError, match="branch 'x' has 9 rows for 2 entries"):
        write_friend(made_of_one, tmp_path / "f", {"x": np.ones(9)}, entries=[1, 2])


def test_entries_that_make_no_sense_are_errors(made_of_one: Path, tmp_path: Path) -> None:
    for entries, message in [
        ([1, 10], "10 is out of range: there are 10 entries from files"),
        ([1, -1], "-1 is out of range"),
        ([3, 3], "entry 3 is in entries more than once"),
        ([0.0, 1.0], "entries from files must be a one-dimensional array of integers"),
        ([True, False], "entries from files must be .* integers, got a mask"),
    ]:
        with pytest.raises(OptionError, match=message):
            write_friend(made_of_one, tmp_path / "f", {"x": np.ones(2)}, entries=entries)


def test_a_store_of_no_files_has_no_friends(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.arange(3))
    with pytest.raises(OptionError, match="no files fill this store"):
        write_friend(tmp_path / "s", tmp_path / "f", {"x": np.ones(3)})
    with pytest.raises(MissingFileError, match="no store at"):
        write_friend(tmp_path / "missing", tmp_path / "f", {"x": np.ones(3)})


def test_a_friend_that_is_there_is_kept_unless_told_otherwise(store: Path, tmp_path: Path) -> None:
    write_friend(store, tmp_path / "f", {"x": np.zeros(17)})
    with pytest.raises(OptionError, match=r"a\.root' exists already; overwrite=True replaces it"):
        write_friend(store, tmp_path / "f", {"x": np.ones(17)})
    assert not ak.any(read(tmp_path / "f/a.root")["x"])
    write_friend(store, tmp_path / "f", {"x": np.ones(17)}, overwrite=True)
    assert ak.all(read(tmp_path / "f/a.root")["x"] == 1)
    names = sorted(file.name for file in (tmp_path / "f").iterdir())
    assert names == ["a.root", "b.root", "none.root"]


@pytest.mark.parametrize("link", [None, "symlink", "hardlink"])
def test_a_source_is_never_replaced(made_of_one: Path, tmp_path: Path, link: str | None) -> None:
    source, folder = tmp_path / "a.root", tmp_path
    before = source.read_bytes()
    if link is not None:
        folder = tmp_path / "f"
        folder.mkdir()
        if link == "symlink":
            (folder / "a.root").symlink_to(source)
        else:
            (folder / "a.root").hardlink_to(source)
    with pytest.raises(OptionError, match=r"would replace the file '.*a\.root' that the store was"):
        write_friend(made_of_one, folder, {"x": np.ones(10)}, overwrite=True)
    assert source.read_bytes() == before


def test_a_failure_leaves_the_directory_as_it_was(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_friend(store, tmp_path / "f", {"x": np.zeros(17)})
    before = {file: file.read_bytes() for file in (tmp_path / "f").iterdir()}
    num_steps = 0
    take_step = friend_values.take_step

    def fail(*words: Any, **more: Any) -> Any:
        nonlocal num_steps
        num_steps += 1
        if num_steps == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return take_step(*words, **more)

    monkeypatch.setattr(friends, "take_step", fail)
    with pytest.raises(DiskError, match=r"cannot write '.*b\.root': No space left.*; free some"):
        write_friend(store, tmp_path / "f", {"x": np.ones(17)}, overwrite=True)
    assert {file: file.read_bytes() for file in (tmp_path / "f").iterdir()} == before


# No file may grow past 64 kB.
LIMITED = """
    import errno, resource, sys
    import numpy as np
    from memmpy import write_friend
    from memmpy.errors import DiskError
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    try:
        values = np.random.default_rng(0).random((10, 10_000))
        write_friend(sys.argv[1], sys.argv[2], {"x": values})
    except DiskError as error:
        assert error.errno == errno.EFBIG
        print(error)
"""
# Becomes a user who owns nothing.
AS_NOBODY = """
    import os, sys
    import numpy as np
    import awkward, uproot
    from memmpy import write_friend
    from memmpy.errors import ReadOnlyStoreError
    write_friend(sys.argv[1], sys.argv[3], {"x": np.ones(10)})
    os.setgid(65534)
    os.setuid(65534)
    try:
        write_friend(sys.argv[1], sys.argv[2], {"x": np.ones(10)})
    except ReadOnlyStoreError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_disk_that_refuses_leaves_nothing(
    made_of_one: Path, tmp_path: Path, fork_server: ForkServer
) -> None:
    message = fork_server.run(LIMITED, made_of_one, tmp_path / "f")
    assert message.startswith(f"cannot write {str(tmp_path / 'f/a.root')!r}: File too large")
    assert list((tmp_path / "f").iterdir()) == []


@pytest.mark.slow
@as_root
@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_of_others_is_an_error(
    make_file: MakeFile, folder_for_all: Path, fork_server: ForkServer, exists: bool
) -> None:
    store, friends = folder_for_all / "s", folder_for_all / "f"
    convert(make_file(str(folder_for_all / "a.root")), store, keys={"eventNumber", "jet_pt"})
    if exists:
        friends.mkdir()
    message = fork_server.run(AS_NOBODY, store, friends, folder_for_all / "mine")
    assert message.endswith("Permission denied; write to another path")


def test_a_directory_that_is_a_file_is_an_error(made_of_one: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(ReadOnlyStoreError, match=r"/f' is a file, not a directory"):
        write_friend(made_of_one, tmp_path / "f", {"x": np.ones(10)})
    with pytest.raises(ReadOnlyStoreError, match="Not a directory; write to another path"):
        write_friend(made_of_one, tmp_path / "f/deeper", {"x": np.ones(10)})


@pytest.mark.root
def test_root_reads_the_friend_of_each_entry(
    store: Path, files: list[Path], tmp_path: Path
) -> None:
    root = pytest.importorskip("ROOT")
    entries = np.array([16, 3, 0, 11, 9, 10])
    numbers = np.asarray(memmpy.read_vector(store, "eventNumber"))[entries]
    rows = {
        "score": (entries / 2).astype(np.float32),
        "number": numbers,
        "lists": lists_of([[float(entry)] * int(entry % 3) for entry in entries]),
    }
    write_friend(store, tmp_path / "f", rows, entries=entries, fill={"number": 0})
    num_found = 0
    for source, name in ((files[0], "tree"), (files[2], "dir/other")):
        file = root.TFile.Open(str(source))
        tree = file.Get(name)
        tree.AddFriend(f"friend = {name}", str(tmp_path / "f" / source.name))
        num_here = tree.Draw("score:Length$(lists)", "number == eventNumber", "goff")
        found = [(tree.GetV1()[i], tree.GetV2()[i]) for i in range(num_here)]
        here = [entry for entry in sorted(entries) if (entry < 10) == (name == "tree")]
        assert found == [(entry / 2, entry % 3) for entry in here]
        assert tree.GetEntries("friend.score != friend.score && number == 0") == (
            tree.GetEntries() - num_here
        )
        num_found += num_here
        file.Close()
    assert num_found == len(entries)


@pytest.mark.parametrize("is_alive", [True, False])
@pytest.mark.parametrize("has_begun", [True, False])
def test_what_a_killed_writer_left_is_removed_by_the_next(
    made_of_one: Path, tmp_path: Path, has_begun: bool, is_alive: bool
) -> None:
    folder, suffix, scores = tmp_path / "friends", f"{16 * 'a'}.tmp", {"score": np.arange(10.0)}
    (friend,) = write_friend(made_of_one, folder, scores)
    names = (suffix, "mine.tmp") if has_begun else ("mine.tmp",)
    files = [folder / f"{friend.path.name}.{name}" for name in names]
    for file in files:
        file.write_bytes(b"half")
    lock = FileLock(folder / f".{suffix}.lock")
    assert lock.take()
    if not is_alive:
        lock.release()
    write_friend(made_of_one, folder, scores, overwrite=True)
    lock.release()
    kept = [file.name for file in files if is_alive or suffix not in file.name]
    kept += [f".{suffix}.lock"] * is_alive
    assert {file.name for file in folder.iterdir()} == {friend.path.name, *kept}
