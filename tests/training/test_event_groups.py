from pathlib import Path

import numpy as np

import memmpy
from memmpy import RFileConfig
from memmpy.store import read_metadata
from memmpy.training.event_groups import EventGroups
from tests.conftest import MakeFile
from tests.training.samples import Sample, write_vectors


def test_the_group_of_an_event_is_its_process_and_its_class(sample: Sample) -> None:
    num = len(sample.labels)
    groups = EventGroups.of(read_metadata(sample.path), num, ("low", "high"))
    assert groups.processes == ("DY", "ggH")
    assert groups.num_groups == 6
    labels = np.where(sample.columns["met"] > 80, 1, np.where(sample.columns["met"] < 20, 0, -1))
    order = np.random.default_rng(0).permutation(num)
    numbers = groups(order, labels[order])
    np.testing.assert_array_equal(groups.group_processes[numbers], sample.labels[order])
    expected = np.where(labels[order] < 0, 2, labels[order])
    np.testing.assert_array_equal(groups.group_classes[numbers], expected)


def test_without_labels_all_events_are_in_the_first_class(sample: Sample) -> None:
    num = len(sample.labels)
    groups = EventGroups.of(read_metadata(sample.path), num, ("all",))
    numbers = groups(np.arange(num), None)
    np.testing.assert_array_equal(numbers, 2 * sample.labels)


def test_columns_without_files_have_one_process(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"x": np.arange(5.0)})
    groups = EventGroups.of(read_metadata(store.path), 5, ("a",))
    assert groups.processes == ("all",)
    assert groups(np.arange(5), np.array([0, -1, 0, 0, -1])).tolist() == [0, 1, 0, 0, 1]


def test_a_file_without_events_takes_none_of_its_neighbours(
    make_file: MakeFile, tmp_path: Path
) -> None:
    configs = [
        RFileConfig(make_file(f"{name}.root", num), "tree", {"process": name})
        for name, num in (("none", 0), ("a", 3), ("empty", 0), ("b", 2), ("last", 0))
    ]
    memmpy.convert(configs, tmp_path / "s", keys=["met"], progress=False)
    groups = EventGroups.of(read_metadata(tmp_path / "s"), 5, ("all",))
    names = [groups.processes[number] for number in groups.processes_of(np.arange(5))]
    assert names == ["a", "a", "a", "b", "b"]
