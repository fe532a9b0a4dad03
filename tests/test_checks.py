"""Arguments of a wrong type are errors in plain words, at every function that takes them."""

from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import memmpy
from memmpy.checks import (
    check_choice,
    check_flag,
    check_indices,
    check_integer,
    check_key,
    check_path,
    check_seed,
    check_timeout,
)
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


@pytest.mark.parametrize(
    ("given", "hint"), [("dropp", "; nearest: 'drop'"), ("ABS", "; nearest: 'abs'"), (3, "")]
)
def test_an_unknown_choice_names_all_and_the_nearest(given: Any, hint: str) -> None:
    assert check_choice("negative", "abs", ("drop", "abs")) == "abs"
    with pytest.raises(OptionError) as error:
        check_choice("negative", given, ("drop", "abs"))
    assert str(error.value) == f"negative must be one of 'drop', 'abs', got {given!r}{hint}"


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
    with pytest.raises(OptionError, match="a key must be a non-empty string, got "):
        write(store, key)


@pytest.mark.parametrize("timeout", ["5", None, float("nan"), [1], True])
@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_refuses_a_time_that_is_no_number(write: Any, timeout: Any, store: Path) -> None:
    with pytest.raises(OptionError, match="lock_timeout must be a number of seconds"):
        write(store, "y", lock_timeout=timeout)


def test_a_conversion_refuses_a_time_that_is_no_number(tmp_path: Path) -> None:
    file, text = memmpy.RFileConfig(tmp_path / "a.root", "tree"), cast(Any, "5")
    for convert in (memmpy.convert, memmpy.load_root):
        with pytest.raises(OptionError, match="lock_timeout must be a number of seconds"):
            convert(file, tmp_path / "s", keys={"x"}, work=memmpy.Work(lock_timeout=text))


@pytest.mark.parametrize("path", [5, None, b"x", ["x"], "a\0b", "\ud800"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    doors: list[Any] = [memmpy.open, memmpy.load_memmaps]
    for door in doors:
        with pytest.raises(OptionError, match=r"a path must be a string or a pathlib\.Path, got "):
            door(path)
    doors = [*READERS, *WRITERS]
    for door in doors:
        with pytest.raises(MemmpyError, match=r"a path must be a string or a pathlib\.Path, got "):
            door(path, "x")


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint64(1)])
def test_integers_of_python_and_numpy_become_python_integers(value: object) -> None:
    for checked in (check_integer("n", value, minimum=1), check_seed("seed", value)):
        assert type(checked) is int
        assert checked == 1


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, 0, -3])
def test_what_is_no_integer_of_the_range_is_refused_by_name(value: object) -> None:
    with pytest.raises(OptionError, match="batch_size must be an integer of at least 1, got"):
        check_integer("batch_size", value, minimum=1)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 2**64])
def test_a_seed_has_64_bits(value: object) -> None:
    with pytest.raises(OptionError, match=r"seed must be an integer in 0 <= seed < 2\*\*64, got"):
        check_seed("seed", value)
    assert check_seed("seed", 2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize("value", [1, 0, None, "yes", np.array([True])])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(OptionError, match="shuffle must be True or False, got"):
        check_flag("shuffle", value)
    assert check_flag("shuffle", np.False_) is False


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "u8", "i8"])
def test_numbers_become_contiguous_int64(dtype: str) -> None:
    numbers = check_indices(np.arange(8, dtype=dtype)[::-2], 8, of="rows")
    assert numbers.tolist() == [7, 5, 3, 1]
    assert numbers.dtype == np.int64
    assert numbers.flags.c_contiguous


def test_numbers_that_are_right_are_not_copied() -> None:
    numbers = np.arange(3)
    assert np.shares_memory(check_indices(numbers, 3, of="rows"), numbers)


@pytest.mark.parametrize("wrong", [-1, 1000, 2**62, -(2**63)])
def test_a_number_out_of_range_is_named(wrong: int) -> None:
    with pytest.raises(
        OptionError, match=f"{wrong} is out of range: there are 1,000 rows, counted from 0"
    ):
        check_indices(np.array([5, wrong, 7]), 1000, of="rows")


def test_a_number_beyond_int64_does_not_wrap() -> None:
    with pytest.raises(OptionError, match=f"{2**64 - 1} is out of range"):
        check_indices(np.array([2**64 - 1], np.uint64), 10, of="rows")


def test_nothing_is_in_range_of_no_rows() -> None:
    assert check_indices(np.empty(0, np.int64), 0, of="rows").shape == (0,)


@pytest.mark.parametrize(
    "numbers", [np.array([0.0]), np.array([[0]]), np.array(0), np.array([True])]
)
def test_what_is_no_array_of_integers_is_refused(numbers: np.ndarray) -> None:
    with pytest.raises(OptionError, match="rows must be a one-dimensional array of integers"):
        check_indices(numbers, 10, of="rows")


@pytest.mark.parametrize("value", [0, "no", np.array([1, 2]), "off"])
def test_every_door_refuses_what_is_no_flag(tmp_path: Path, value: Any) -> None:
    file, store = tmp_path / "a.root", tmp_path / "s"
    file.touch()
    doors: list[tuple[str, Any]] = [
        ("recreate", partial(memmpy.plan_conversion, file, store, keys={"x"})),
        ("recreate", partial(memmpy.skim, store, keys=["x"])),
        ("progress", partial(memmpy.skim, store, keys=["x"])),
        ("progress", partial(memmpy.load_root, file, store, keys={"x"})),
        ("progress", partial(memmpy.verify, store)),
        ("repair", partial(memmpy.verify, store)),
        ("dry_run", partial(memmpy.clean, store)),
    ]
    for name, door in doors:
        with pytest.raises(OptionError, match=f"{name} must be True or False, got"):
            door(**{name: value})


@pytest.mark.parametrize("value", [0, "", [], np.array([1, 2])])
def test_every_door_refuses_what_is_no_mapping(tmp_path: Path, value: Any) -> None:
    file, store = tmp_path / "a.root", tmp_path / "s"
    file.touch()
    for name in ("keys_padded", "groups", "aliases", "cut_constants"):
        with pytest.raises(OptionError, match=f"{name} must be a mapping of names, got"):
            memmpy.load_root(file, store, keys={"x"}, **{name: value})
    for name in ("keys_padded", "aliases", "dtype"):
        with pytest.raises(OptionError, match=f"{name} must be a mapping of names, got"):
            memmpy.convert(file, store, keys={"x"}, **{name: value})
    for name in ("keys_padded", "groups", "aliases", "constants"):
        with pytest.raises(OptionError, match=f"{name} must be a mapping of names, got"):
            memmpy.skim(store, keys=["x"], **{name: value})
    for name in ("aliases", "constants"):
        with pytest.raises(OptionError, match=f"{name} must be a mapping of names, got"):
            memmpy.compute_cut_batched(store, "x > 1", **{name: value})
