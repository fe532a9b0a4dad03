"""Options of a skim; those that make no sense raise errors in the user's words."""

import re
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Splits, Work
from memmpy.columns import WriteText
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    CutError,
    LengthError,
    MissingFileError,
    MissingKeyError,
    OptionError,
)
from memmpy.skims import skim
from memmpy.store import read_metadata
from tests.conftest import CLIPS
from tests.skims.stores import check_skim, make_events, write_store

pytestmark = CLIPS

NAN = float("nan")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_store(tmp_path_factory.mktemp("asking") / "data", make_events(20))
    write_store(path, {"short": np.arange(3)})
    with WriteText(path, "name") as column:
        column.extend(["x"] * 20)
    return path


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "a skim needs content: give keys, keys_padded or groups"),
        ({"keys": "met"}, r"keys is a set of keys, got the text 'met'"),
        ({"keys": [3]}, "keys are texts, got 3"),
        ({"keys": [["met"]]}, r"keys are texts, got \['met'\]"),
        ({"keys": {3, "met"}}, "keys are texts, got 3"),
        ({"keys": [""]}, "a key is a text other than '_index', got ''"),
        ({"keys_padded": {3: (2, 0)}}, "a key is a text other than '_index', got 3"),
        ({"groups": {3: ["met"]}}, "the name of a group is a text other than '_index', got 3"),
        ({"groups": {"g": [["met"]]}}, r"a key is a text other than '_index', got \['met'\]"),
        ({"keys": ["met", "met"]}, "keys names 'met' twice"),
        (
            {"keys": ["_index"]},
            r"the name '_index' of a key is reserved .*; memmpy.open\(...\).add\('index_2', '_ind",
        ),
        ({"groups": {"_index": ["met"]}}, "the name '_index' of a group is reserved"),
        (
            {"keys": ["met"], "groups": {"met": ["ht"]}},
            "the name 'met' of a group is that of a key, too; take another one for the group",
        ),
        (
            {"keys": ["pt"], "keys_padded": {"pt": (3, NAN)}},
            r"the name 'pt' of a padded key is that of a key, too; .*add\('pt_2', 'pt'\) makes",
        ),
        (
            {"groups": {"j": ["pt"], "j_mask": ["met"]}, "keys_padded": {"pt": (3, NAN)}},
            "the name 'j_mask' of the mask of the group 'j' is that of a group, too; take another",
        ),
        ({"groups": {"j": []}}, r"the group 'j' is a list of keys, in the order of its values"),
        ({"groups": {"j": "met"}}, r"the group 'j' is a list of keys"),
        ({"groups": {"j": {"met", "ht"}}}, r"the group 'j' is a list of keys"),
        ({"groups": {"j": ["met", "met"]}}, "the group 'j' has the key 'met' twice"),
        (
            {"keys_padded": {"pt": 3}},
            r"keys_padded takes \{key: \(length, fill value\)\}, got 'pt': 3; a length is",
        ),
        ({"keys_padded": {"pt": (-1, 0)}}, "keys_padded takes"),
        ({"keys_padded": {"pt": (True, 0)}}, "keys_padded takes"),
        ({"keys_padded": {"met": (3, 0)}}, "cannot pad 'met': its entries are float32, not lists"),
        ({"keys_padded": {"name": (3, 0)}}, "cannot pad 'name': its entries are text, not lists"),
        (
            {"keys_padded": {"met": (3, 0)}, "groups": {"g": ["met"]}},
            "cannot pad 'met': its entries are float32, not lists",
        ),
        ({"keys_padded": ["tag"]}, r"keys_padded must be a mapping of names, got \['tag'\]"),
        ({"groups": ["tag"]}, r"groups must be a mapping of names, got \['tag'\]"),
        ({"keys_padded": {"tag": (3, NAN)}}, "cannot pad 'tag': cannot fill with nan among values"),
        (
            {"keys_padded": {"pt": (3, 1e30)}, "groups": {"j": ["pt"]}, "dtype": "f2"},
            "cannot pad 'pt': cannot fill with 1e.30 among values of dtype float16",
        ),
        ({"keys_padded": {"pt": (1 << 28, 0)}}, "a row would have 1,342,177,2.. bytes, and may"),
        ({"keys_padded": {"pt": (2**31 - 1, 0)}}, "a row would have 10,737,418,2.. bytes"),
        (
            {"keys_padded": {"pt": (2**31, 0)}},
            r"got 'pt': \(2147483648, 0\); a length is an integer",
        ),
        ({"keys_padded": {"pt": (3.0, 0)}}, r"got 'pt': \(3.0, 0\); a length is an integer"),
        (
            {"keys_padded": {"pt": (1 << 27, 0), "eta": (1 << 27, 0), "tag": (1 << 27, 0)}},
            "a row would have 2,013,265,9.. bytes",
        ),
        ({"keys": ["met"], "dtype": "f4"}, "dtype is for groups, and there are none"),
        (
            {"groups": {"jets": ["pt"]}, "dtype": {"jet": "f4"}},
            "dtype names no group 'jet'; nearest: 'jets'",
        ),
        ({"groups": {"j": ["pt"]}, "dtype": "no"}, "the group 'j' cannot have the dtype 'no'"),
        (
            {"groups": {"j": ["pt"]}, "dtype": {"j": {"a": 1}}},
            r"the group 'j' cannot have the dtype \{'a': 1\}",
        ),
        ({"groups": {"j": ["pt"]}, "dtype": "U3"}, "the group 'j' holds numbers, it cannot have"),
        (
            {"groups": {"g": ["met", "weight"]}},
            "'met' is float32, 'weight' is float64; choose one: dtype={'g': 'float32'}",
        ),
        (
            {"groups": {"g": ["met"]}, "dtype": "i4"},
            "the group 'g' cannot hold 'met' as int32: it is float32",
        ),
        (
            {"keys": ["met"], "splits": ["run"]},
            (
                r"splits= must be a Splits, such as memmpy.Splits\(by=\('run', 'event'\)\), "
                r"got \['run'\]"
            ),
        ),
    ],
)
def test_what_makes_no_sense_is_an_error(store: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        skim(store, progress=False, **asked)
    assert not (store / "skims").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"keys": ["name"]},
            r"vectors and lists of numbers, and column 'name' is text; load_root\(skim=False\) and",
        ),
        (
            {"groups": {"g": ["matrix"]}},
            r"takes numbers or lists of numbers, but 'matrix' has entries",
        ),
        (
            {"groups": {"g": ["pairs"]}},
            r"takes numbers or lists of numbers, but 'pairs' has items of",
        ),
        (
            {"groups": {"g": ["pt", "met", "fixed"]}},
            "do not fit together: 'pt' has a list, 'met' has one number, 'fixed' has 4 items per",
        ),
        (
            {"groups": {"g": ["pt", "eta"]}, "keys_padded": {"pt": (3, NAN), "eta": (4, NAN)}},
            "'pt' has 3 items, 'eta' has 4 items per entry",
        ),
        (
            {"keys": ["met"], "splits": Splits(by=("ht",))},
            "column 'ht' of '.*' holds float32 and cannot name events: use one integer per",
        ),
    ],
)
def test_columns_that_cannot_be_used_so_are_an_error(
    store: Path, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ColumnError, match=message):
        skim(store, progress=False, **asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"keys": ["mett"]},
        {"keys_padded": {"mett": (3, 0)}},
        {"groups": {"g": ["mett"]}},
    ],
)
def test_a_missing_key_is_an_error_that_names_the_nearest(
    store: Path, asked: dict[str, Any]
) -> None:
    with pytest.raises(MissingKeyError, match=r"no column 'mett' in '.*'; nearest: 'met'"):
        skim(store, progress=False, **asked)


def test_a_missing_column_that_names_events_is_an_error(store: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"no column 'evnt' in '.*' to name events; nearest"):
        skim(store, keys=["met"], splits=Splits(by=("evnt",)), progress=False)
    assert memmpy.open(store).splits is None


def test_a_missing_key_of_the_cut_is_shown(store: Path) -> None:
    with pytest.raises(CutError, match="mett"):
        skim(store, keys=["met"], cut="mett > 3", progress=False)


def test_columns_that_differ_in_length_are_an_error(store: Path) -> None:
    message = "columns 'met' and 'short' have 20 and 3 entries: all columns of a skim must have"
    for asked in ({"keys": ["met", "short"]}, {"keys": ["met"], "cut": "short > 3"}):
        with pytest.raises(LengthError, match=message):
            skim(store, progress=False, **asked)


def test_no_store_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no store at"):
        skim(tmp_path / "none", keys=["met"], progress=False)
    assert list(tmp_path.iterdir()) == []


def test_an_executor_is_one(store: Path) -> None:
    executor: Any = 3
    message = r"work must be a Work or a concurrent\.futures\.Executor, got 3"
    with pytest.raises(OptionError, match=message):
        skim(store, keys=["met"], work=executor, progress=False)


@pytest.mark.parametrize("recreate", ["no", 0, None])
def test_recreate_is_true_or_false(store: Path, recreate: Any) -> None:
    with pytest.raises(OptionError, match=f"recreate must be True or False, got {recreate!r}"):
        skim(store, keys=["met"], recreate=recreate, progress=False)


@pytest.mark.parametrize("path", [None, 3, b"data"])
def test_a_path_is_a_text_or_a_path(path: Any) -> None:
    with pytest.raises(
        OptionError, match=f"a path must be a string or a pathlib.Path, got {path!r}"
    ):
        skim(path, keys=["met"], progress=False)


@pytest.mark.parametrize("timeout", ["a", None, True, float("nan"), [1]])
def test_a_timeout_is_a_number_of_seconds(store: Path, timeout: Any) -> None:
    got = re.escape(repr(timeout))
    message = f"lock_timeout must be a number of seconds .*, got {got}"
    with pytest.raises(OptionError, match=message):
        skim(store, keys=["met"], work=Work(lock_timeout=timeout), progress=False)
    seconds: Any = np.float32(3)
    made = skim(store, keys=["met"], work=Work(lock_timeout=seconds), progress=False)
    with pytest.raises(OptionError, match=message):
        made.remove(lock_timeout=timeout)
    made.remove()


@pytest.mark.parametrize("key", ["pt", "fixed"])
def test_a_second_column_is_loaded_padded_beside_the_first(tmp_path: Path, key: str) -> None:
    events = make_events(20)
    store = write_store(tmp_path / "data", {key: events[key]})
    second = f"{key}_2"
    memmpy.open(store).add(second, key)
    made = skim(store, keys=[key], keys_padded={second: (3, 0.0)}, progress=False)
    check_skim(store, made, passing=np.arange(20), keys=[key], keys_padded={second: (3, 0.0)})


@pytest.mark.parametrize("is_cut", [True, False])
@pytest.mark.parametrize("how", ["missing", "directory"])
def test_a_column_whose_file_is_gone_is_named(tmp_path: Path, how: str, is_cut: bool) -> None:
    store = write_store(tmp_path / "data", {"met": np.arange(3.0), "ht": np.arange(3)})
    file = store / read_metadata(store).columns["ht"].arrays["values"].file
    file.unlink()
    if how == "directory":
        file.mkdir()
    asked: dict[str, Any] = {"cut": "ht > 1"} if is_cut else {"groups": {"x": ["ht"]}}
    message = f"a file of column 'ht' is missing: '.*{file.name}'; run `memmpy verify`"
    if how == "directory":
        message = f"^column 'ht' of '.*' is damaged: '.*{file.name}' is a folder"
    with pytest.raises(CorruptStoreError, match=message):
        skim(store, keys=["met"], progress=False, **asked)


def test_a_column_whose_file_goes_meanwhile_is_an_error(tmp_path: Path) -> None:
    store = write_store(tmp_path / "data", {"met": np.arange(3.0)})
    file = store / read_metadata(store).columns["met"].arrays["values"].file

    class Removing(Executor):
        def submit(self, do: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
            file.unlink(missing_ok=True)
            future: Future[Any] = Future()
            try:
                future.set_result(do(*arguments))
            except MissingFileError as error:
                future.set_exception(error)
            return future

    message = f"^the file '{file.name}' of a column of '.*' is gone: it is damaged; convert or"
    with pytest.raises(CorruptStoreError, match=message):
        skim(store, keys=["met"], work=Removing(), progress=False)
