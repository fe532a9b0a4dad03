"""Tests of the configuration of input files."""

from pathlib import Path
from typing import Any

import pytest

from memmpy.conversion import RFileConfig, list_inputs
from memmpy.errors import MissingFileError, OptionError, UnreadableError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.root", "a.root", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_files_of_a_pattern_come_in_the_order_of_their_names(folder: Path) -> None:
    inputs = list_inputs(RFileConfig(folder / "*.root"))
    assert [Path(found.path).name for found in inputs] == ["a.root", "b.root"]


def test_files_of_a_list_keep_their_order(folder: Path) -> None:
    inputs = list_inputs([folder / "b.root", str(folder / "a.root")])
    assert [Path(found.path).name for found in inputs] == ["b.root", "a.root"]


def test_a_file_whose_name_looks_like_a_pattern_is_found(tmp_path: Path) -> None:
    (tmp_path / "run[1].root").write_bytes(b"x")
    assert len(list_inputs(tmp_path / "run[1].root")) == 1


def test_relative_and_absolute_paths_are_one_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert list_inputs("a.root") == list_inputs(folder / "a.root")


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no such file: .*d\.root"):
        list_inputs(folder / "d.root")


def test_a_pattern_without_files_is_named(folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no file matches .*\*\.hdf"):
        list_inputs(folder / "*.hdf")


def test_a_directory_is_no_file(folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"is a directory, not a file; write .*\*\.root"):
        list_inputs(folder)


def test_a_url_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(OptionError, match="nonsense"):
        list_inputs("nonsense://eos.example//a.root")


def test_no_files_at_all_are_refused() -> None:
    with pytest.raises(OptionError, match="no ROOT files were given"):
        list_inputs([])


def test_something_else_than_a_file_is_refused() -> None:
    with pytest.raises(OptionError, match="takes RFileConfig or paths, got 3"):
        list_inputs([3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([5], "path of an RFileConfig is a path or a pattern, got 5"),
        (["a.root", 5], "tree of an RFileConfig is the name of a tree, got 5"),
        (["a.root", "t", None], "metadata of an RFileConfig is a dict of texts, got None"),
        (["a.root", "t", "ttH"], "metadata of an RFileConfig is a dict of texts, got 'ttH'"),
        (["a.root", "t", {}, 3, 2], "0 <= start <= stop, got RFileConfig"),
    ],
)
def test_a_configuration_checks_what_it_is_made_of(given: list[Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        RFileConfig(*given)


def test_metadata_in_the_place_of_the_tree_are_told_where_to_go() -> None:
    with pytest.raises(OptionError, match=r"got \{'process': 'ttH'\}; write metadata=\{'process'"):
        RFileConfig("x.root", {"process": "ttH"})  # type: ignore[arg-type]


def test_a_dict_that_is_filled_again_for_the_next_file_leaves_the_first_as_it_was() -> None:
    metadata = {"process": "ttH"}
    config = RFileConfig("a.root", "t", metadata)
    metadata["process"] = "ttbb"
    assert config.metadata == {"process": "ttH"}


@pytest.mark.parametrize("given", [None, 5])
def test_what_is_no_list_of_files_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match=f"takes RFileConfig or paths, got {given}"):
        list_inputs(given)


def test_a_device_is_no_file() -> None:
    with pytest.raises(MissingFileError, match="'/dev/null' is a device, not a regular file"):
        list_inputs("/dev/null")


def test_a_name_that_no_file_can_have_is_an_error_of_ours(folder: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot look for"):
        list_inputs(folder / ("x" * 300))


def test_two_trees_of_one_file_are_allowed(folder: Path) -> None:
    file = folder / "a.root"
    assert len(list_inputs([RFileConfig(file, "one"), RFileConfig(file, "two")])) == 2


def test_files_with_different_metadata_names_are_refused(folder: Path) -> None:
    configs = [
        RFileConfig(folder / "a.root", "t", {"process": "ttH"}),
        RFileConfig(folder / "b.root", "t", {"year": "mc16a"}),
    ]
    with pytest.raises(OptionError, match=r"all files need the same metadata.*process.*year"):
        list_inputs(configs)


def test_metadata_that_is_no_text_is_refused(folder: Path) -> None:
    config = RFileConfig(folder / "a.root", "t", {"year": 2018})  # type: ignore[dict-item]
    with pytest.raises(OptionError, match="is text, got 'year': 2018; write '2018'"):
        list_inputs(config)


def test_metadata_cannot_take_the_name_of_the_index(folder: Path) -> None:
    with pytest.raises(OptionError, match="'_index' is taken; rename it"):
        list_inputs(RFileConfig(folder / "a.root", "t", {"_index": "ttH"}))
