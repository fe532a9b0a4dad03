"""Errors cross process boundaries whole: executors pickle them."""

import copy
import errno
import json.decoder
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memmpy import errors
from memmpy.errors import (
    CutError,
    DiskError,
    MissingKeyError,
    MissingPackageError,
    UndecodableError,
    nearest,
    require,
)

CLASSES: list[type[BaseException]] = [
    found for name in errors.__all__ if isinstance(found := getattr(errors, name), type)
]
SPECIAL: dict[type[BaseException], tuple[Any, ...]] = {
    CutError: ("wrong", "a >> b", 2, 4, "write >"),
    DiskError: ("the disk is full", errno.ENOSPC),
    MissingKeyError: ("no column 'x'", "x"),
    UndecodableError: ("branch 'x' cannot be decoded", "a.root", "tree;1", "x"),
}


def through_pickle(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("through", [through_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_arrives_with_its_words_and_attributes(
    kind: type[BaseException], through: Callable[[Any], Any]
) -> None:
    error = kind(*SPECIAL.get(kind, ("what went wrong",)))
    error.__dict__["__notes__"] = ["while reading a.root"]
    arrived = through(error)
    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert arrived.args == error.args
    assert vars(arrived) == vars(error)
    assert getattr(arrived, "errno", None) == getattr(error, "errno", None)


def test_a_package_that_is_installed_is_returned() -> None:
    assert require("json.decoder", what="a test", extra="plot") is json.decoder


def test_a_missing_package_names_the_extra_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = "reading 'a.parquet' needs the package 'pyarrow': pip install 'memmpy[parquet]'"
    with pytest.raises(MissingPackageError) as caught:
        require("pyarrow.parquet", what="reading 'a.parquet'", extra="parquet")
    assert str(caught.value) == message


def test_a_package_that_lacks_another_one_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_package.py").write_text("import another_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="another_package") as caught:
        require("broken_package", what="a test", extra="plot")
    assert not isinstance(caught.value, MissingPackageError)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mett", "; nearest: 'met'"),
        ("njet", "; nearest: 'NJet'"),
        ("JET_PXX", "; nearest: 'Jet_Px'"),
        ("pt", ""),
    ],
)
def test_the_nearest_name_may_differ_in_case(name: str, hint: str) -> None:
    assert nearest(name, ["met", "NJet", "Jet_Px"]) == hint
