"""Columns whose lists have the same lengths share the array of their offsets."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy import Store, convert
from memmpy.errors import InputFileError
from memmpy.store import read_metadata, verify
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
    options: dict[str, Any] = {"keys": {"a", "b", "c", "d"}, "step_bytes": 1000}
    if processes:
        with ProcessPoolExecutor(2) as executor:
            convert(files, tmp_path / "s", executor=executor, **options)
    else:
        convert(files, tmp_path / "s", **options)
    check(tmp_path / "s", expected, "abcd")
    assert num_arrays(tmp_path / "s") == 2
    assert file_of(tmp_path / "s", "a") != file_of(tmp_path / "s", "d")


@pytest.mark.parametrize("at", range(4))
def test_columns_part_where_they_differ(tmp_path: Path, at: int) -> None:
    steps = [SAME if i < at else {"a": 0, "b": 1, "c": 0} for i in range(4)]
    expected = write(tmp_path / "f.root", steps)
    convert(tmp_path / "f.root", tmp_path / "s", keys={"a", "b", "c"}, step_bytes=1000)
    check(tmp_path / "s", [expected], "abc")
    assert file_of(tmp_path / "s", "a") == file_of(tmp_path / "s", "c")
    assert file_of(tmp_path / "s", "a") != file_of(tmp_path / "s", "b")


def test_a_collection_that_grows_or_is_cast_still_has_one(tmp_path: Path) -> None:
    files = [tmp_path / "1.root", tmp_path / "2.root"]
    expected = [write(path, [SAME] * 2, 10 * i) for i, path in enumerate(files)]
    convert(files[0], tmp_path / "s", keys={"a", "b", "c"})
    convert(files, tmp_path / "s", keys={"a", "b", "c"})
    check(tmp_path / "s", expected, "abc")
    assert num_arrays(tmp_path / "s") == 1
    convert(files, tmp_path / "s", keys={"a", "b", "c"}, dtypes={"a": "f8", "b": "f4"})
    check(tmp_path / "s", expected, "abc")
    assert file_of(tmp_path / "s", "a") == file_of(tmp_path / "s", "b")


def test_what_others_share_outlives_a_column(tmp_path: Path) -> None:
    expected = write(tmp_path / "f.root", [SAME] * 2)
    store = tmp_path / "s"
    convert(tmp_path / "f.root", store, keys={"a", "b", "c"})
    for key in "abc":  # each in turn is made anew: all files of the others stay
        convert(tmp_path / "f.root", store, keys={key}, dtypes={key: "float64"})
        check(store, [expected], "abc")


def test_a_run_that_failed_goes_on(tmp_path: Path) -> None:
    files = [tmp_path / "1.root", tmp_path / "2.root"]
    expected = [write(path, [SAME] * 3, 10 * i) for i, path in enumerate(files)]
    whole = files[1].read_bytes()
    with uproot.open(files[1]) as file:
        at = int(file["t"]["c"].member("fBasketSeek")[1])
    files[1].write_bytes(whole[: at + 20] + bytes(80) + whole[at + 100 :])
    options: dict[str, Any] = {"step_bytes": 300}
    with pytest.raises(InputFileError):
        convert(files, tmp_path / "s", keys={"a", "b", "c"}, **options)
    # Of one column the others are not asked for again, though they hold its offsets.
    convert(files[0], tmp_path / "one", keys={"c"}, **options)
    files[1].write_bytes(whole)
    convert(files, tmp_path / "s", keys={"b", "c"}, **options)
    check(tmp_path / "s", expected, "bc")


def test_nested_lists_of_the_same_lengths(tmp_path: Path) -> None:
    counts = np.arange(60) % 3
    deep = ak.unflatten(ak.unflatten(np.arange(120.0), np.full(60, 2)), counts.repeat(1)[:30] + 1)
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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        convert(paths[:first], folder / "s", keys=keys, step_bytes=step_bytes)
    convert(paths, folder / "s", keys=keys, step_bytes=step_bytes)
    check(folder / "s", expected, "abcde")
    assert verify(folder / "s") == []
    always = {tuple(steps[k] for file in files for steps in file) for k in DTYPES}
    assert num_arrays(folder / "s") >= len(always)
