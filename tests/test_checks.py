"""Arguments of the wrong type are errors in plain words, at every door that takes them."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import memmpy
from memmpy.checks import check_key, check_path, check_timeout
from memmpy.errors import MemmpyError, MissingKeyError, OptionError

READERS: list[Any] = [
    memmpy.read_vector,
    memmpy.ReadJagged,
    memmpy.ReadText,
    memmpy.ReadShaped,
    memmpy.ReadNested,
]
WRITERS: list[Any] = [
    memmpy.WriteVector,
    memmpy.WriteJagged,
    memmpy.WriteText,
    memmpy.WriteShaped,
    memmpy.WriteNested,
]
NO_TEXTS = [5, None, b"x", ["x"]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with memmpy.WriteVector(tmp_path / "data.mmpy", "x") as column:
        column.extend(np.arange(4))
    return tmp_path / "data.mmpy"


def test_what_is_right_comes_back() -> None:
    assert check_key("x") == "x"
    assert check_path("a/b") == check_path(Path("a/b")) == Path("a/b")
    assert [check_timeout(given) for given in (0, -1, 2.5, np.float32(3))] == [0, -1, 2.5, 3]


@pytest.mark.parametrize("key", NO_TEXTS)
@pytest.mark.parametrize("read", READERS)
def test_a_reader_refuses_a_key_that_is_no_text(read: Any, key: Any, store: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"no column .* in '.*data\.mmpy': a key is a text"):
        read(store, key)


@pytest.mark.parametrize("key", NO_TEXTS)
def test_a_store_has_no_key_that_is_no_text(key: Any, store: Path) -> None:
    opened = memmpy.open(store)
    assert key not in opened
    with pytest.raises(MissingKeyError, match=r"no column .*: a key is a text"):
        opened[key]
    with pytest.raises(MissingKeyError, match=r"no column .*: a key is a text"):
        opened.lineage(key)


@pytest.mark.parametrize("key", NO_TEXTS)
def test_a_set_of_keys_holds_texts(key: Any, store: Path) -> None:
    with pytest.raises(OptionError, match="keys are texts, got "):
        memmpy.load_memmaps(store, [key])
    with pytest.raises(OptionError, match="keys are texts, got "):
        memmpy.open(store).loader(keys=["x", key])


@pytest.mark.parametrize("key", NO_TEXTS)
@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_refuses_a_key_that_is_no_text(write: Any, key: Any, store: Path) -> None:
    with pytest.raises(OptionError, match="a key is a text, got "):
        write(store, key)


@pytest.mark.parametrize("timeout", ["5", None, float("nan"), [1], True])
@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_refuses_a_time_that_is_no_number(write: Any, timeout: Any, store: Path) -> None:
    with pytest.raises(OptionError, match="lock_timeout is a number of seconds, below zero for"):
        write(store, "y", lock_timeout=timeout)


def test_a_conversion_refuses_a_time_that_is_no_number(tmp_path: Path) -> None:
    file, text = memmpy.RFileConfig(tmp_path / "a.root", "tree"), cast(Any, "5")
    for convert in (memmpy.convert, memmpy.load_root):
        with pytest.raises(OptionError, match="lock_timeout is a number of seconds"):
            convert(file, tmp_path / "s", keys={"x"}, work=memmpy.Work(lock_timeout=text))


@pytest.mark.parametrize("path", [5, None, b"x", ["x"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    doors: list[Any] = [memmpy.open, memmpy.load_memmaps]
    for door in doors:
        with pytest.raises(OptionError, match=r"a path is a text or a pathlib\.Path, got "):
            door(path)
    doors = [*READERS, *WRITERS]
    for door in doors:
        with pytest.raises(MemmpyError, match=r"a path is a text or a pathlib\.Path, got "):
            door(path, "x")
