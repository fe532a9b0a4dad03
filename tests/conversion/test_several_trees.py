"""Tests of configurations that take several trees of each file."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Splits, convert
from memmpy.errors import InputFileError, OptionError
from memmpy.store import hash64


def write(path: Path, first: int, trees: tuple[str, ...]) -> Path:
    """Write trees of the same events, whose momenta differ, and another object."""
    with uproot.recreate(path) as file:
        for number, tree in enumerate(trees):
            events = {
                "event": np.arange(first, first + 5),
                "met": np.arange(5) + 100.0 * number,
            }
            file.mktree(tree, {key: values.dtype for key, values in events.items()})
            file[tree].extend(events)
        file["cutflow"] = np.histogram(np.arange(3))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(2):
        write(tmp_path / f"{number}.root", 5 * number, ("nominal", "syst/up", "syst/down"))
    return tmp_path


SPLITS = Splits(by=("process", "event"))


def convert_trees(folder: Path, tree: Any, **more: Any) -> memmpy.Store:
    metadata = {"process": "ttH", "variation": "{tree}"}
    config = RFileConfig(folder / "?.root", tree, metadata, **more)
    convert(config, folder / "store", keys={"event", "met"}, splits=SPLITS, progress=False)
    return memmpy.open(folder / "store")


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (["nominal", "syst/up"], ["nominal", "syst/up"]),
        (("syst/up", "nominal", "syst/up"), ["syst/up", "nominal"]),
        ("syst/*", ["syst/down", "syst/up"]),
        (["nominal", "syst/*"], ["nominal", "syst/down", "syst/up"]),
        ("*", ["nominal", "syst/down", "syst/up"]),
        ("/nominal/", ["nominal"]),
    ],
)
def test_each_tree_of_each_file_is_read_and_named(
    folder: Path, tree: Any, names: list[str]
) -> None:
    store = convert_trees(folder, tree)
    number = {"nominal": 0, "syst/up": 1, "syst/down": 2}
    expected = [np.arange(5) + 100.0 * number[name] for _ in range(2) for name in names]
    np.testing.assert_array_equal(store["met"], np.concatenate(expected))
    variations = [hash64(name) for _ in range(2) for name in names for _ in range(5)]
    np.testing.assert_array_equal(store["variation"], np.array(variations, np.uint64))


def test_variations_of_an_event_share_a_split(folder: Path) -> None:
    store = convert_trees(folder, "*")
    splits = store.split_of()
    for event in range(10):
        assert len(set(splits[np.asarray(store["event"]) == event].tolist())) == 1


def test_a_second_call_reads_nothing(folder: Path) -> None:
    convert_trees(folder, "syst/*")
    config = RFileConfig(
        folder / "?.root", ["syst/down", "syst/up"], {"process": "ttH", "variation": "{tree}"}
    )
    assert convert(config, folder / "store", keys={"event", "met"}, progress=False).was_cached


def test_a_pattern_without_a_tree_names_those_of_the_file(folder: Path) -> None:
    message = r"no tree of '.*0\.root' matches 'sist/\*': its trees are.*nominal.*syst/down"
    with pytest.raises(InputFileError, match=message):
        convert_trees(folder, "sist/*")


def test_a_missing_tree_of_a_list_is_named(folder: Path) -> None:
    with pytest.raises(InputFileError, match=r"no tree 'nominl' in '.*': .*nearest: 'nominal'"):
        convert_trees(folder, ["nominal", "nominl"])


@pytest.mark.parametrize("tree", [[], ["a", 1], [None], {"a": "b"}, 3])
def test_what_names_no_tree_is_refused(tree: Any) -> None:
    with pytest.raises(OptionError, match="tree of an RFileConfig is"):
        RFileConfig("a.root", tree)


def test_the_name_of_the_only_tree_must_be_given(tmp_path: Path) -> None:
    write(tmp_path / "0.root", 0, ("nominal",))
    with pytest.raises(OptionError, match=r"'variation' is '\{tree\}'; give tree="):
        convert_trees(tmp_path, None)


def test_a_pattern_takes_groups_of_an_hdf5_file(tmp_path: Path) -> None:
    expected = np.arange(10.0, dtype=np.float32)
    with h5py.File(tmp_path / "0.h5", "w") as file:
        file["run"] = np.arange(4)  # the root is a table, too
        for name, part in (("syst/up", expected[:5]), ("syst/down", expected[5:])):
            file[f"{name}/met"] = part
    config = RFileConfig(tmp_path / "0.h5", "syst/*", {"variation": "{tree}"})
    convert(config, tmp_path / "store", keys={"met"}, progress=False)
    store = memmpy.open(tmp_path / "store")
    order = {hash64("syst/down"): expected[5:], hash64("syst/up"): expected[:5]}
    for variation, met in order.items():
        np.testing.assert_array_equal(store["met"][store["variation"] == variation], met)


def test_a_pattern_of_trees_is_refused_for_a_parquet_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"met": [1.0]}), tmp_path / "0.root")
    with pytest.raises(InputFileError, match="a Parquet file is one table; give no tree"):
        convert_trees(tmp_path, "*")
