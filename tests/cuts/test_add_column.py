"""Tests of computed columns: written once, and stale once their columns change."""

import re
import shutil
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Jagged, ReadJagged, WriteJagged, WriteVector, load_memmaps, read_vector
from memmpy.errors import (
    ColumnError,
    CutError,
    CutWarning,
    MissingFileError,
    MissingKeyError,
    OptionError,
)
from memmpy.store import verify_columns

PT = Jagged(np.array([50, 30, 20], np.float32), np.array([0, 2, 2, 3]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.mmpy"
    with WriteVector(path, "n") as n, WriteJagged(path, "pt") as pt:
        n.extend(np.array([2, 0, 1], np.int32))
        pt.extend(PT)
    return path


def generation(path: Path) -> int:
    return memmpy.open(path)._metadata.generation


def test_a_column_is_added_and_handed_out(path: Path) -> None:
    column = memmpy.open(path).add("HT", "Sum$(pt)")
    assert (np.asarray(column).tolist(), column.dtype) == ([80, 0, 20], np.float64)


def test_an_added_column_is_like_any_other_in_the_store(path: Path) -> None:
    memmpy.open(path).add("HT", "Sum$(pt)")
    assert read_vector(path, "HT").tolist() == [80, 0, 20]
    assert verify_columns(path) == []
    assert memmpy.compute_cut_batched(path, "HT > 50").tolist() == [0]


def test_lists_can_be_added(path: Path) -> None:
    column = memmpy.open(path).add("scaled", "pt / 10")
    assert isinstance(column, ReadJagged)
    assert [list(x) for x in column] == [[5, 3], [], [2]]


def test_columns_can_be_added_on_top_of_each_other(path: Path) -> None:
    store = memmpy.open(path)
    store.add("HT", "Sum$(pt)")
    assert np.asarray(store.add("share", "pt[0] / HT")).tolist()[::2] == [0.625, 1]


def test_aliases_and_constants_stand_for_what_they_are(path: Path) -> None:
    column = memmpy.open(path).add(
        "x", "HT > least", aliases={"HT": "Sum$(pt)"}, constants={"least": 50}
    )
    assert np.asarray(column).tolist() == [True, False, False]


def test_what_is_there_is_not_computed_again(path: Path) -> None:
    memmpy.open(path).add("x", "n + 1")
    before = generation(path)
    memmpy.open(path).add("x", "(n+1)")
    assert generation(path) == before


def test_another_expression_replaces_a_computed_column(path: Path) -> None:
    store = memmpy.open(path)
    store.add("x", "n + 1")
    assert np.asarray(store.add("x", "n + 2")).tolist() == [4, 2, 3]


def test_a_column_that_was_not_computed_is_not_replaced(path: Path) -> None:
    with pytest.raises(OptionError, match="was not computed and would be lost"):
        memmpy.open(path).add("n", "Length$(pt)")


def test_a_column_that_was_not_computed_is_replaced_on_request(path: Path) -> None:
    column = memmpy.open(path).add("n", "Length$(pt) * 10", recreate=True)
    assert np.asarray(column).tolist() == [20, 0, 10]


def test_a_column_is_not_computed_from_itself_through_others(path: Path) -> None:
    store = memmpy.open(path)
    store.add("double", "n * 2")
    with pytest.raises(OptionError, match="'n' would be computed from itself, through 'double'"):
        store.add("n", "double / 2", recreate=True)
    assert read_vector(path, "n").tolist() == [2, 0, 1]


@pytest.mark.parametrize("key", [5, b"x", None, ""])
def test_a_key_is_a_text(key: Any, path: Path) -> None:
    with pytest.raises(OptionError, match="a key must be a non-empty string"):
        memmpy.open(path).add(key, "n")


def test_the_way_out_of_a_stale_column_has_aliases_and_constants_put_in(path: Path) -> None:
    store = memmpy.open(path)
    store.add("x", "k * HT", aliases={"HT": "Sum$(pt)"}, constants={"k": 2})
    with WriteJagged(path, "pt") as pt:
        pt.extend(PT)
    with pytest.raises(ColumnError) as caught:
        memmpy.open(path)["x"]
    add = re.search(r"\.add\('x', '(.*)'\)", str(caught.value))
    assert add is not None
    assert np.asarray(memmpy.open(path).add("x", add[1])).tolist() == [160, 0, 40]


def test_a_column_is_not_computed_from_itself(path: Path) -> None:
    with pytest.raises(OptionError, match="computed from itself"):
        memmpy.open(path).add("n", "n + 1", recreate=True)


class TestStale:
    @pytest.fixture
    def stale(self, path: Path) -> Path:
        store = memmpy.open(path)
        store.add("HT", "Sum$(pt)")
        store.add("is_hard", "HT > 50")
        store.add("twice", "n * 2")
        with WriteJagged(path, "pt") as pt:
            pt.extend(PT[[2, 1, 0]])
        return path

    def test_what_was_computed_from_a_column_written_again_is_not_shown(self, stale: Path) -> None:
        assert set(memmpy.open(stale)) == {"n", "pt", "twice"}

    @pytest.mark.parametrize("key", ["HT", "is_hard"])
    def test_it_cannot_be_opened_and_the_error_says_how_to_make_it(
        self, stale: Path, key: str
    ) -> None:
        with pytest.raises(ColumnError, match=rf"add\({key!r}, "):
            load_memmaps(stale, [key])

    def test_what_was_computed_from_a_stale_column_says_first_how_to_make_that(
        self, stale: Path
    ) -> None:
        message = (
            r"computed from 'HT', which is stale: of 'pt', .* compute it again: .*add\('HT', .*"
            r"once 'HT' is written again, compute 'is_hard' again, too: .*add\('is_hard', "
        )
        with pytest.raises(ColumnError, match=message):
            load_memmaps(stale, ["is_hard"])

    def test_it_cannot_be_cut_on(self, stale: Path) -> None:
        with pytest.raises(CutError, match=r"column 'HT' in .* is stale: .*add\('HT'"):
            memmpy.compute_cut_batched(stale, "HT > 50")

    def test_it_is_computed_anew_when_added_again(self, stale: Path) -> None:
        store = memmpy.open(stale)
        assert np.asarray(store.add("HT", "Sum$(pt)")).tolist() == [20, 0, 80]
        assert np.asarray(store.add("is_hard", "HT > 50")).tolist() == [False, False, True]

    def test_selections_of_it_are_made_anew(self, path: Path) -> None:
        store = memmpy.open(path)
        store.add("x", "n > 1")
        assert store.cut("x").tolist() == [0]
        store.add("x", "n < 1")
        assert store.cut("x").tolist() == [1]


def test_steps_and_threads_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(3, 5000)
    content = rng.normal(size=counts.sum())
    path = tmp_path / "s"
    with WriteJagged(path, "x") as column:
        column.extend(Jagged(content, np.concatenate([[0], np.cumsum(counts)])))
    store = memmpy.open(path)
    expected = np.asarray(store.add("sum", "Sum$(x)", num_threads=0)).copy()
    monkeypatch.setattr("memmpy.cuts.inputs.MAX_ITEMS", 64)
    store.add("sum", "Sum$(x)", num_threads=4, recreate=True)
    np.testing.assert_array_equal(store["sum"], expected)


def test_the_columns_of_no_entries_give_one_of_no_entries(tmp_path: Path) -> None:
    with WriteJagged(tmp_path / "s", "pt", dtype=np.float32):
        pass
    column = memmpy.open(tmp_path / "s").add("HT", "Sum$(pt)")
    assert (len(column), column.dtype) == (0, np.float64)


def test_an_expression_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    before = generation(path)
    with pytest.raises(CutError, match="does not hold"):
        memmpy.open(path).add("x", "n * 2000000000")
    assert generation(path) == before
    assert set(memmpy.open(path)) == {"n", "pt"}


def test_lists_of_different_lengths_are_warned_of(path: Path) -> None:
    with WriteJagged(path, "other") as other:
        other.extend(PT[[2, 1, 0]])
    with pytest.warns(CutWarning, match="differ in length"):
        memmpy.open(path).add("x", "pt + other")


def test_a_warning_that_is_an_error_leaves_the_store_as_it_was(path: Path) -> None:
    with WriteJagged(path, "other") as other:
        other.extend(PT[[2, 1, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CutWarning):
            memmpy.open(path).add("x", "pt + other")
    assert "x" not in memmpy.open(path)


def test_a_missing_key_is_named_with_the_nearest(path: Path) -> None:
    with pytest.raises(CutError, match="nearest: 'pt'"):
        memmpy.open(path).add("x", "Sum$(ptt)")


def test_a_store_that_is_gone_is_a_clear_error(path: Path) -> None:
    store = memmpy.open(path)
    shutil.rmtree(path)
    with pytest.raises(MissingFileError):
        store.add("x", "n + 1")


def test_a_column_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(MissingKeyError, match="no column 'HT'"):
        memmpy.open(path)["HT"]


def test_a_column_of_another_language_is_computed_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memmpy.open(path).add("x", "n + 1")
    before = generation(path)
    # The package has a function of that name, too.
    monkeypatch.setattr(import_module("memmpy.cuts.add_column"), "LANGUAGE", 0)
    memmpy.open(path).add("x", "n + 1")
    assert generation(path) > before
