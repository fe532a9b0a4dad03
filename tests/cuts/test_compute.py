"""Tests of selections: computed over a store, cached in it, never stale."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from memmpy import (
    RFileConfig,
    WriteJagged,
    WriteNested,
    WriteText,
    WriteVector,
    compute_cut_batched,
    convert,
)
from memmpy.columns import open_columns
from memmpy.cuts import compute, parse
from memmpy.cuts.compute import prepare
from memmpy.cuts.inputs import inputs_of
from memmpy.errors import CutError, CutWarning, LengthError, MissingFileError, OptionError
from memmpy.kernels.jit import ENABLED

MakeFile = Callable[..., Path]


def write(path: Path, key: str, values: Any) -> None:
    with WriteVector(path, key) as column:
        column.extend(np.asarray(values))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s"
    write(path, "a", np.arange(10))
    write(path, "b", np.arange(10) % 3)
    return path


@pytest.mark.skipif(not ENABLED, reason="Numba is switched off")
def test_kernels_are_used_where_there_are_many_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WriteJagged(tmp_path / "s", "pt") as column:
        column.extend([np.arange(3), np.arange(2)])
    cut = parse("Sum$(pt) > 1")
    inputs = inputs_of(open_columns(tmp_path / "s", None), [cut], {})
    assert not prepare(cut, inputs)[0].compiled
    monkeypatch.setattr(compute, "ITEMS_REDUCED", 5)
    assert prepare(cut, inputs)[0].compiled
    monkeypatch.setattr(compute, "ITEMS_REDUCED", 6)
    assert not prepare(cut, inputs)[0].compiled


def test_the_selection_is_int64_and_ascending(store: Path) -> None:
    selection = compute_cut_batched(store, "a >= 3 && b == 0")
    assert isinstance(selection, np.memmap)
    assert selection.dtype == np.int64
    assert selection.tolist() == [3, 6, 9]


@pytest.mark.parametrize("step_size", [1, 3, 10, 1000])
def test_the_step_does_not_change_the_selection(step_size: int, store: Path) -> None:
    assert compute_cut_batched(store, "b == 1", step_size=step_size).tolist() == [1, 4, 7]


def test_an_entry_of_several_values_passes_if_any_does(tmp_path: Path) -> None:
    write(tmp_path / "s", "testdata", [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert compute_cut_batched(tmp_path / "s", "testdata > 5").tolist() == [1, 2]


def test_a_jagged_entry_passes_if_any_element_does(tmp_path: Path) -> None:
    with WriteJagged(tmp_path / "s", "pt") as column:
        column.extend([np.array([1.0, 50.0]), np.empty(0), np.array([20.0]), np.array([31.0])])
    assert compute_cut_batched(tmp_path / "s", "pt > 30", step_size=2).tolist() == [0, 3]


def test_nothing_passes_gives_an_empty_selection(store: Path) -> None:
    for _ in range(2):
        selection = compute_cut_batched(store, "a > 99", step_size=3)
        assert selection.dtype == np.int64
        assert len(selection) == 0


def test_an_empty_column_gives_an_empty_selection(tmp_path: Path) -> None:
    write(tmp_path / "s", "a", np.empty(0))
    assert len(compute_cut_batched(tmp_path / "s", "a > 1")) == 0


def test_a_constant_cut_passes_all_entries_or_none(store: Path) -> None:
    assert len(compute_cut_batched(store, "1")) == 10
    assert len(compute_cut_batched(store, "false")) == 0
    write(store, "a", np.arange(7))
    write(store, "b", np.arange(7))
    assert len(compute_cut_batched(store, "1")) == 7


def test_text_columns_compare_with_text(tmp_path: Path) -> None:
    with WriteText(tmp_path / "s", "kind") as column:
        column.extend(["GT", "TT", "GT"])
    assert compute_cut_batched(tmp_path / "s", "kind == 'GT'", step_size=2).tolist() == [0, 2]


def test_metadata_compares_as_text(make_file: MakeFile, tmp_path: Path) -> None:
    files = [
        RFileConfig(make_file(f"{process}.root", 3), "tree", {"process": process})
        for process in ("ttH", "ttbb")
    ]
    convert(files, tmp_path / "s", keys={"nJets"})
    assert compute_cut_batched(tmp_path / "s", "process == 'ttH'").tolist() == [0, 1, 2]
    assert compute_cut_batched(tmp_path / "s", 'process != "ttH"').tolist() == [3, 4, 5]


def test_a_text_of_no_entry_warns_and_names_the_nearest(
    make_file: MakeFile, tmp_path: Path
) -> None:
    file = RFileConfig(make_file(), "tree", {"process": "ttH"})
    convert(file, tmp_path / "s", keys={"nJets"})
    for _ in range(2):  # the second one is cached
        with pytest.warns(CutWarning, match="nearest: 'ttH'") as caught:
            assert len(compute_cut_batched(tmp_path / "s", "process == 'tth'")) == 0
        assert caught[0].filename == __file__


def test_a_text_of_another_column_or_of_files_that_are_gone_warns(
    make_file: MakeFile, tmp_path: Path
) -> None:
    for process in ("ttH", "ttbb"):
        metadata = {"process": process, "year": "mc16a"}
        convert(RFileConfig(make_file(), "tree", metadata), tmp_path / "s", keys={"nJets"})
    for text in ("mc16a", "ttH"):
        with pytest.warns(CutWarning, match=f"no entry has the text '{text}'"):
            compute_cut_batched(tmp_path / "s", f"process == '{text}'")


def test_event_numbers_are_compared_exactly(tmp_path: Path) -> None:
    numbers = np.array([2**53, 2**53 + 1, 2**60 + 1], np.uint64)
    write(tmp_path / "s", "event", numbers)
    assert compute_cut_batched(tmp_path / "s", f"event == {2**53 + 1}").tolist() == [1]
    assert compute_cut_batched(tmp_path / "s", "event % 2 == 1").tolist() == [1, 2]


class TestCache:
    def files(self, store: Path) -> list[str]:
        return sorted(path.name for path in (store / "cuts").iterdir())

    def was_computed(self, caplog: pytest.LogCaptureFixture) -> bool:
        found = any("computing the cut" in record.message for record in caplog.records)
        caplog.clear()
        return found

    def test_a_second_call_computes_nothing(
        self, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        compute_cut_batched(store, "a > 1")
        assert self.was_computed(caplog)
        compute_cut_batched(store, "a > 1")
        assert not self.was_computed(caplog)

    @pytest.mark.parametrize("spelling", ["a>1&&b<2", "b < 2 and a > 1", "(a > 1) & (b < 2)"])
    def test_spelling_and_order_do_not_matter(
        self, spelling: str, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        compute_cut_batched(store, "a > 1 && b < 2")
        caplog.clear()
        compute_cut_batched(store, spelling)
        assert not self.was_computed(caplog)

    def test_constants_are_part_of_the_cut(self, store: Path) -> None:
        found = [
            len(compute_cut_batched(store, "a > x", constants={"x": limit})) for limit in (1, 7)
        ]
        assert found == [8, 2]

    def test_aliases_are_part_of_the_cut(self, store: Path) -> None:
        found = [
            len(compute_cut_batched(store, "x > 4", aliases={"x": f"a + {shift}"}))
            for shift in (0, 3)
        ]
        assert found == [5, 8]

    def test_a_column_that_is_written_again_makes_the_cut_anew(self, store: Path) -> None:
        compute_cut_batched(store, "a > 4")
        write(store, "a", np.arange(10) * 2)
        assert compute_cut_batched(store, "a > 4").tolist() == [3, 4, 5, 6, 7, 8, 9]

    def test_another_column_does_not(self, store: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        compute_cut_batched(store, "a > 4")
        caplog.clear()
        write(store, "b", np.zeros(10))
        compute_cut_batched(store, "a > 4")
        assert not self.was_computed(caplog)

    def test_selections_of_old_columns_are_removed(self, store: Path) -> None:
        compute_cut_batched(store, "a > 4")
        write(store, "a", np.arange(10) * 2)
        compute_cut_batched(store, "a > 4")
        assert len(self.files(store)) == 2

    def test_recreate_computes_again(self, store: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        compute_cut_batched(store, "a > 4")
        caplog.clear()
        compute_cut_batched(store, "a > 4", recreate=True)
        assert self.was_computed(caplog)

    @pytest.mark.parametrize("suffix", [".npy", ".json"])
    def test_a_damaged_cache_is_made_again(self, suffix: str, store: Path) -> None:
        compute_cut_batched(store, "a > 4")
        (file,) = (store / "cuts").glob(f"*{suffix}")
        file.write_bytes(file.read_bytes()[:50])
        assert compute_cut_batched(store, "a > 4").tolist() == [5, 6, 7, 8, 9]

    def test_a_cut_that_fails_leaves_no_files(self, store: Path) -> None:
        compute_cut_batched(store, "a > 4")
        before = self.files(store)
        with pytest.raises(CutError):
            compute_cut_batched(store, "a + 'x' > 1")
        assert self.files(store) == before

    def test_what_cannot_be_cached_is_computed_all_the_same(
        self, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (store / "cuts").write_text("in the way of the folder")
        assert compute_cut_batched(store, "a > 7").tolist() == [8, 9]
        assert "is not cached" in caplog.text


class TestErrors:
    def test_an_unknown_key_names_the_nearest(self, store: Path) -> None:
        write(store, "nJets", np.arange(10))
        with pytest.raises(CutError, match="njets") as caught:
            compute_cut_batched(store, "a > 1 && njets > 3")
        assert "nearest: 'nJets'" in str(caught.value)
        assert (caught.value.start, caught.value.stop) == (9, 14)

    def test_columns_of_other_lengths_are_refused(self, store: Path) -> None:
        write(store, "c", np.arange(11))
        with pytest.raises(LengthError, match="'a' has 10 entries, 'c' has 11"):
            compute_cut_batched(store, "a > c")

    def test_a_nested_column_is_refused_at_its_place(self, store: Path) -> None:
        with WriteNested(store, "n") as column:
            column.extend(ak.Array([[[1]]] * 10))
        with pytest.raises(CutError, match="cannot use the nested column 'n'") as caught:
            compute_cut_batched(store, "a > 1 && n > 3")
        assert caught.value.start == 9

    def test_a_missing_store_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match=r"no store at .*no such directory"):
            compute_cut_batched(tmp_path / "missing", "a > 1")

    def test_a_step_of_nothing_is_refused(self, store: Path) -> None:
        with pytest.raises(OptionError, match="step_size must be an integer of at least 1, got 0"):
            compute_cut_batched(store, "a > 1", step_size=0)

    @pytest.mark.parametrize(
        "cut",
        [
            "().__class__",
            "__import__('os')",
            "a.tofile('f')",
            "a.__class__",
            "(" * 10_000 + "a" + ")" * 10_000,
            "a" * 1_000_000,
            "a > 1; import os",
            "lambda: 0",
            "open('f', 'w')",
        ],
        ids=lambda cut: cut[:20],
    )
    def test_what_is_no_cut_gives_our_error_and_nothing_else(
        self, cut: str, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CutError):
            compute_cut_batched(store, cut)
        assert not (tmp_path / "f").exists()


def test_a_warning_from_the_cache_shows_no_text_that_was_not_written(tmp_path: Path) -> None:
    with WriteJagged(tmp_path, "j") as j, WriteJagged(tmp_path, "k") as k:
        j.append(np.array([7.0, 8.0]))
        k.append(np.array([7.0]))
    for cut, shown in (
        ("j > 6 && k > 6", True),
        ("j > 6 && k > 6", True),
        ("k > 6 and 6 < j", False),
    ):
        with pytest.warns(CutWarning, match="differ in length") as caught:
            compute_cut_batched(tmp_path, cut)
        assert ("j > 6 && k > 6" in str(caught[0].message)) == shown
