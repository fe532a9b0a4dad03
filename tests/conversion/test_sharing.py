"""Columns whose lists have the same lengths share the array of their offsets."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from memmpy import Store, Work, convert, plan_conversion
from memmpy.errors import InputFileError
from memmpy.store import Unfinished, read_metadata
from tests.conversion.counting import CountingFileSystem, url_of
from tests.conversion.everything import check_clean

STEP = 25
DTYPES = {"a": np.float32, "b": np.float64, "c": np.int16, "d": np.uint8, "e": np.float32}


def events(lengths: Mapping[str, int], seed: int, num: int) -> dict[str, Any]:
    """Return lists; branches of equal `lengths` have lists of the same lengths."""
    found = {}
    for key, length in lengths.items():
        counts = np.random.default_rng([seed, length]).integers(0, 4, num)
        content = np.arange(counts.sum()) + 100 * (ord(key) - ord("a"))
        found[key] = ak.unflatten((content % 251).astype(DTYPES[key]), counts)
    return found


def write(path: Path, steps: Sequence[Mapping[str, int]], seed: int = 0) -> dict[str, Any]:
    """Write a tree, each step in baskets of its own, and return its events."""
    made = [events(lengths, seed + i, STEP) for i, lengths in enumerate(steps)]
    with uproot.recreate(path) as file:
        tree = file.mktree("t", {key: values.type for key, values in made[0].items()})
        for step in made:
            tree.extend(step)
    return {key: ak.concatenate([step[key] for step in made]) for key in made[0]}


def file_of(store: Path, key: str) -> str:
    return read_metadata(store).columns[key].arrays["offsets"].file


def num_arrays(store: Path) -> int:
    """Return how many arrays of offsets there are."""
    return len({file_of(store, key) for key in read_metadata(store).columns})


def check(store: Path, expected: Sequence[Mapping[str, Any]], keys: str) -> None:
    """Check that a store holds the events of some files, and nothing else."""
    check_clean(store)
    for key in keys:
        wanted = ak.concatenate([events[key] for events in expected])
        column = Store(store)[key]
        assert ak.to_list(wanted) == [list(entry) for entry in column[:]]


SAME = {"a": 0, "b": 0, "c": 0}


@pytest.mark.parametrize("processes", [False, True])
def test_a_collection_has_one_array(tmp_path: Path, processes: bool) -> None:
    files = [tmp_path / "1.root", tmp_path / "2.root"]
    expected = [write(path, [SAME | {"d": 1}] * 4, 10 * i) for i, path in enumerate(files)]
    options: dict[str, Any] = {"keys": {"a", "b", "c", "d"}}
    if processes:
        with ProcessPoolExecutor(2) as executor:
            convert(files, tmp_path / "s", work=Work(executor, step_bytes=1000), **options)
    else:
        convert(files, tmp_path / "s", work=Work(step_bytes=1000), **options)
    check(tmp_path / "s", expected, "abcd")
    assert num_arrays(tmp_path / "s") == 2
    assert file_of(tmp_path / "s", "a") != file_of(tmp_path / "s", "d")


@pytest.mark.parametrize("at", range(4))
def test_columns_part_where_they_differ(tmp_path: Path, at: int) -> None:
    steps = [SAME if i < at else {"a": 0, "b": 1, "c": 0} for i in range(4)]
    expected = write(tmp_path / "f.root", steps)
    convert(tmp_path / "f.root", tmp_path / "s", keys={"a", "b", "c"}, work=Work(step_bytes=1000))
    check(tmp_path / "s", [expected], "abc")
    assert file_of(tmp_path / "s", "a") == file_of(tmp_path / "s", "c")
    assert file_of(tmp_path / "s", "a") != file_of(tmp_path / "s", "b")


def test_columns_that_leave_a_collection_together_stay_together(tmp_path: Path) -> None:
    steps = [SAME | {"d": 0}, {"a": 0, "b": 0, "c": 1, "d": 1}]
    expected = write(tmp_path / "f.root", steps)
    convert(
        tmp_path / "f.root", tmp_path / "s", keys={"a", "b", "c", "d"}, work=Work(step_bytes=1000)
    )
    check(tmp_path / "s", [expected], "abcd")
    assert file_of(tmp_path / "s", "a") == file_of(tmp_path / "s", "b")
    assert file_of(tmp_path / "s", "c") == file_of(tmp_path / "s", "d")
    assert num_arrays(tmp_path / "s") == 2


def test_a_collection_that_grows_still_has_one_array(tmp_path: Path) -> None:
    files = [tmp_path / "1.root", tmp_path / "2.root"]
    expected = [write(path, [SAME] * 2, 10 * i) for i, path in enumerate(files)]
    convert(files[0], tmp_path / "s", keys={"a", "b", "c"})
    convert(files, tmp_path / "s", keys={"a", "b", "c"})
    check(tmp_path / "s", expected, "abc")
    assert num_arrays(tmp_path / "s") == 1


def test_columns_of_different_tasks_share_an_array_when_they_are_finished(tmp_path: Path) -> None:
    expected = write(tmp_path / "f.root", [SAME | {"d": 1}] * 3)
    keys = {"a", "b", "c", "d"}
    # No basket fits: each task reads one column.
    convert(tmp_path / "f.root", tmp_path / "s", keys=keys, work=Work(step_bytes=50))
    check(tmp_path / "s", [expected], "abcd")
    assert num_arrays(tmp_path / "s") == 2
    assert file_of(tmp_path / "s", "a") != file_of(tmp_path / "s", "d")


def test_columns_cast_together_share_an_array_and_the_others_keep_theirs(tmp_path: Path) -> None:
    expected = write(tmp_path / "f.root", [SAME] * 2)
    store, keys = tmp_path / "s", {"a", "b", "c"}
    convert(tmp_path / "f.root", store, keys=keys)
    before = file_of(store, "c")
    convert(tmp_path / "f.root", store, keys=keys, dtype={"a": "f8", "b": "f4"})
    check(store, [expected], "abc")
    assert file_of(store, "a") == file_of(store, "b") != before
    assert file_of(store, "c") == before


def test_what_others_share_outlives_a_column(tmp_path: Path) -> None:
    expected = write(tmp_path / "f.root", [SAME] * 2)
    store = tmp_path / "s"
    convert(tmp_path / "f.root", store, keys={"a", "b", "c"})
    for key in "abc":  # each in turn is made anew: all files of the others stay
        convert(tmp_path / "f.root", store, keys={key}, dtype={key: "float64"})
        check(store, [expected], "abc")


def test_a_run_that_failed_goes_on_without_the_column_that_holds_the_offsets(
    tmp_path: Path,
) -> None:
    files = [tmp_path / "1.root", tmp_path / "2.root"]
    expected = [write(path, [SAME] * 3, 10 * i) for i, path in enumerate(files)]
    urls, store = [url_of(path) for path in files], tmp_path / "s"
    whole, status = files[1].read_bytes(), files[1].stat()
    with uproot.open(files[1]) as file:
        at = int(file["t"]["c"].member("fBasketSeek")[1])
    files[1].write_bytes(whole[: at + 20] + bytes(80) + whole[at + 100 :])
    os.utime(files[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(InputFileError):
        convert(urls, store, keys={"a", "b", "c"})
    assert not Unfinished(store).is_empty()
    files[1].write_bytes(whole)
    os.utime(files[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    CountingFileSystem.num_bytes.clear()
    plan_conversion(urls, store, keys={"b", "c"})
    to_look = CountingFileSystem.num_bytes["1.root"]
    CountingFileSystem.num_bytes.clear()
    convert(urls, store, keys={"b", "c"})
    assert CountingFileSystem.num_bytes["1.root"] == to_look
    check(store, expected, "bc")


def test_nested_lists_of_the_same_lengths(tmp_path: Path) -> None:
    counts = np.arange(60) % 3
    deep = ak.unflatten(ak.unflatten(np.arange(120.0), np.full(60, 2)), counts[:30] + 1)
    array = ak.Array({"x": deep[:20], "y": deep[:20] * 2})
    with uproot.recreate(tmp_path / "f.root") as file:
        file.mkrntuple("t", array)
    convert(tmp_path / "f.root", tmp_path / "s", keys={"x", "y"})
    check_clean(tmp_path / "s")
    store = Store(tmp_path / "s")
    for key in ("x", "y"):
        assert ak.to_list(store[key][:]) == ak.to_list(array[key])
    columns = read_metadata(tmp_path / "s").columns
    assert len({a.file for c in columns.values() for a in c.arrays.values()}) == 4


groups = st.fixed_dictionaries({key: st.integers(0, 2) for key in DTYPES})


@pytest.mark.slow
@settings(max_examples=40)
@given(
    files=st.lists(st.lists(groups, min_size=1, max_size=3), min_size=1, max_size=3),
    step_bytes=st.sampled_from([50, 300, 1000, 100_000]),
    first=st.integers(0, 3),
)
def test_whatever_is_alike_the_entries_are_right(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[dict[str, int]]],
    step_bytes: int,
    first: int,
) -> None:
    folder = tmp_path_factory.mktemp("files")
    paths = [folder / f"{i}.root" for i in range(len(files))]
    expected = [
        write(p, steps, 10 * i) for i, (p, steps) in enumerate(zip(paths, files, strict=True))
    ]
    keys = set(DTYPES)
    if paths[:first]:
        convert(paths[:first], folder / "s", keys=keys, work=Work(step_bytes=step_bytes))
    convert(paths, folder / "s", keys=keys, work=Work(step_bytes=step_bytes))
    check(folder / "s", expected, "abcde")


@pytest.mark.slow
@settings(max_examples=20)
@given(steps=st.lists(groups, min_size=1, max_size=4), step_bytes=st.sampled_from([2000, 100_000]))
def test_all_that_is_alike_is_shared(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, int]], step_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("files")
    write(folder / "f.root", steps)
    convert(folder / "f.root", folder / "s", keys=set(DTYPES), work=Work(step_bytes=step_bytes))
    different = {tuple(step[key] for step in steps) for key in DTYPES}
    assert num_arrays(folder / "s") == len(different)
