"""Tests of the configuration of input files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.conversion import RFileConfig, list_inputs
from memmpy.errors import CutError, MissingFileError, OptionError, UnreadableError


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
        (["a.root", 5], "tree of an RFileConfig is the name of a tree, or a list of names, got 5"),
        (
            ["a.root", "t", None],
            "metadata of an RFileConfig is a dict of texts and numbers, got None",
        ),
        (
            ["a.root", "t", "ttH"],
            "metadata of an RFileConfig is a dict of texts and numbers, got 'ttH'",
        ),
        (["a.root", "t", {}, 3, 2], "0 <= start <= stop, got 3 and 2"),
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
    with pytest.raises(
        OptionError,
        match=r"b\.root' has no 'process', which .*a\.root' has; give it metadata=\{'process'",
    ):
        list_inputs(configs)


def test_numbers_of_numpy_are_taken_as_numbers_of_python(folder: Path) -> None:
    numbers = {"xsec": np.float32(0.5), "year": np.uint16(2018), "is_mc": np.bool_(True)}
    (one,) = list_inputs(RFileConfig(folder / "a.root", "t", {"process": "ttH", **numbers}))
    assert one.metadata == {"process": "ttH"}
    assert one.numbers == {"xsec": 0.5, "year": 2018, "is_mc": True}
    assert list(map(type, one.numbers.values())) == [float, int, bool]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "are texts and numbers, got 'x': None; write 'None'"),
        ([1.0], r"are texts and numbers, got 'x': \[1.0\]"),
        (float("nan"), "'x' is nan; leave 'x' out where it is unknown, and its events have NaN"),
        (np.float32("inf"), "'x' is inf; leave 'x' out"),
        (2**63, "'x' is 9223372036854775808, which int64 does not hold"),
        (-(2**63) - 1, "'x' is -9223372036854775809, which int64 does not hold"),
    ],
)
def test_metadata_that_no_column_holds_is_refused(value: Any, message: str, folder: Path) -> None:
    with pytest.raises(OptionError, match=message):
        list_inputs(RFileConfig(folder / "a.root", "t", {"x": value}))


def test_a_text_and_a_number_of_one_name_are_refused(folder: Path) -> None:
    configs = [
        RFileConfig(folder / "a.root", "t", {"year": "2018"}),
        RFileConfig(folder / "b.root", "t", {"year": 2018}),
    ]
    message = r"'year' is a text in the metadata of '.*a\.root' and a number in that of '.*b\.root'"
    for several in (configs, configs[::-1]):
        with pytest.raises(OptionError, match=message):
            list_inputs(several)


@pytest.mark.parametrize("metadata", [{"n": 1}, {"n": "one"}])
def test_a_total_cannot_take_a_name_of_the_metadata(metadata: Any, folder: Path) -> None:
    config = RFileConfig(folder / "a.root", "t", metadata, totals={"n": "t:1"})
    with pytest.raises(OptionError, match=r"'n' is a total of '.*a\.root' and a name of the metad"):
        list_inputs(config)


@pytest.mark.parametrize(
    ("totals", "message"),
    [
        ("Runs:w", "totals of an RFileConfig is a dict of names"),
        ({"n": 3}, "totals maps a name to a text, got 'n': 3; write 'tree:expression', 'histogram"),
        ({3: "Runs:w"}, "totals maps a name to a text, got 3: 'Runs:w'"),
        ({"": "Runs:w"}, "totals maps a name to a text, got '': 'Runs:w'"),
        ({"n": "Runs"}, "the total 'n' is 'Runs'; write 'tree:expression'"),
        ({"n": "Runs:"}, "the total 'n' is 'Runs:'; write 'tree:expression'"),
        ({"n": "h[-1]"}, r"the total 'n' is 'h\[-1\]'; write 'tree:expression'"),
        ({"n": "h[1,2]"}, r"the total 'n' is 'h\[1,2\]'; write 'tree:expression'"),
    ],
)
def test_a_definition_that_is_no_total_is_refused(totals: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        RFileConfig("a.root", totals=totals)


def test_an_expression_of_a_total_that_cannot_be_read_is_shown_with_its_place() -> None:
    with pytest.raises(CutError, match=r"2 \* \* w\n"):
        RFileConfig("a.root", totals={"n": "Runs:2 * * w"})


def test_metadata_cannot_take_the_name_of_the_index(folder: Path) -> None:
    with pytest.raises(OptionError, match="'_index' is taken; rename it"):
        list_inputs(RFileConfig(folder / "a.root", "t", {"_index": "ttH"}))
