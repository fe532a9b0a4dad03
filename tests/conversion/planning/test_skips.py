"""Tests of patterns that match branches of which no column is made."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import convert, load_root, plan_conversion
from memmpy.columns import ColumnType
from memmpy.conversion.planning.skips import SkippedBranches
from memmpy.errors import InputFileError, MissingKeyError, SchemaError, UndecodableError
from memmpy.sources import EventFile
from memmpy.sources.root.branch_records import TreeRecords
from tests.conftest import MakeFile
from tests.sources.root.by_root import write_leaves

NUM = 6


class Undecoded(uproot.AsDtype):  # type: ignore[misc]  # uproot has no types
    """Numbers as uproot would have them if it had no code for them."""

    def basket_array(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError("numbers of 13 bits")


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uproot have no code for branches ``odd`` of files whose name has a b."""
    branch = uproot.behaviors.TBranch.TBranch
    known, plain = branch.interpretation.fget, TreeRecords.plain

    def interpretation(self: Any) -> Any:
        is_odd = self.name.startswith("odd") and "b" in Path(self.file.file_path).name
        return Undecoded(known(self).from_dtype) if is_odd else known(self)

    def plain_record(self: TreeRecords, index: int) -> Any:
        return None if self.top(index).name.startswith("odd") else plain(self, index)

    monkeypatch.setattr(branch, "interpretation", property(interpretation))
    monkeypatch.setattr(TreeRecords, "plain", plain_record)


Write = Callable[..., Path]


@pytest.fixture
def write(make_file: MakeFile) -> Write:
    """Return a function that writes a file with the branches odd, odd_too and nJets."""

    def write(name: str, *, first: int = 0, **more: Any) -> Path:
        values = np.arange(first, first + NUM, dtype=np.float64)
        return make_file(f"{name}.root", NUM, first=first, odd=values, odd_too=values, **more)

    return write


def columns_of(store: Path) -> list[str]:
    return sorted(memmpy.open(store))


@pytest.mark.usefixtures("odd")
class TestUndecodable:
    def test_a_pattern_passes_over_it_and_says_so(self, write: Write, tmp_path: Path) -> None:
        plan = plan_conversion(write("b"), tmp_path / "s", keys={"*"})
        assert plan.undecodable == ("odd", "odd_too")
        assert "skipped  2 branches that uproot cannot decode: odd, odd_too" in str(plan)
        done = convert(write("b"), tmp_path / "s", keys={"*"})
        assert "skipped  2 branches that uproot cannot decode: odd, odd_too" in str(done)
        assert not {"odd", "odd_too"} & {*memmpy.open(tmp_path / "s")}
        assert "nJets" in memmpy.open(tmp_path / "s")

    @pytest.mark.parametrize("names", ["ab", "ba", "aba"])
    def test_it_is_skipped_in_all_files(self, write: Write, tmp_path: Path, names: str) -> None:
        files = [write(f"{name}{i}", first=NUM * i) for i, name in enumerate(names)]
        done = convert(files, tmp_path / "s", keys={"[mo]*"})
        assert done.plan.undecodable == ("odd", "odd_too")
        assert columns_of(tmp_path / "s") == ["met"]
        assert len(memmpy.open(tmp_path / "s")["met"]) == NUM * len(names)

    def test_another_file_is_added_in_which_it_can_be_decoded(
        self, write: Write, tmp_path: Path
    ) -> None:
        files = [write("a0"), write("b1", first=NUM)]
        convert(files, tmp_path / "s", keys={"[mo]*"})
        done = convert([*files, write("a2", first=2 * NUM)], tmp_path / "s", keys={"[mo]*"})
        assert columns_of(tmp_path / "s") == ["met"]
        assert done.plan.undecodable == ("odd", "odd_too")
        assert memmpy.verify(tmp_path / "s") == []

    def test_another_file_is_added_in_which_it_cannot_be_decoded(
        self, write: Write, tmp_path: Path
    ) -> None:
        first = write("a0")
        convert(first, tmp_path / "s", keys={"[mo]*"})
        assert "odd" in memmpy.open(tmp_path / "s")
        done = convert([first, write("b1", first=NUM)], tmp_path / "s", keys={"[mo]*"})
        assert done.plan.stale == ("odd", "odd_too")
        assert "met" in memmpy.open(tmp_path / "s")
        again = convert([first, tmp_path / "b1.root"], tmp_path / "s", keys={"[mo]*"})
        assert again.was_cached
        only = convert(first, tmp_path / "s", keys={"[mo]*"}, recreate=True)
        assert only.plan.undecodable == ()
        assert "odd" in memmpy.open(tmp_path / "s")

    def test_a_file_without_entries_does_not_hide_it(
        self, make_file: MakeFile, write: Write, tmp_path: Path
    ) -> None:
        nothing = np.empty(0)
        empty = make_file("b0.root", 0, odd=nothing, odd_too=nothing)
        convert([empty, write("b1")], tmp_path / "s", keys={"[mo]*"})
        assert columns_of(tmp_path / "s") == ["met"]

    def test_a_pattern_that_matches_nothing_else_says_what(
        self, write: Write, tmp_path: Path
    ) -> None:
        message = (
            r"the pattern 'odd\*' matches only branches that uproot cannot decode \('odd', "
            r"'odd_too'\) in '.*b.root:tree;1'; branch 'odd' .* uproot"
        )
        with pytest.raises(InputFileError, match=message):
            convert(write("b"), tmp_path / "s", keys={"odd*"})

    def test_a_branch_by_name_is_an_error_that_names_it(self, write: Write, tmp_path: Path) -> None:
        with pytest.raises(InputFileError, match=r"b\.root") as caught:
            convert(write("b"), tmp_path / "s", keys={"odd", "nJets"})
        assert "13 bits" in str(caught.value)

    def test_load_root_hands_out_the_others(self, write: Write, tmp_path: Path) -> None:
        loader = load_root(write("b"), tmp_path / "s", keys={"[mo]*"}, batch_size=NUM)
        assert set(next(iter(loader))) == {"met", "_index"}

    def test_what_was_read_before_it_failed_serves_again(
        self, write: Write, tmp_path: Path
    ) -> None:
        files = [write("b0"), write("b1", first=NUM)]
        whole = files[1].read_bytes()
        convert(files[0], tmp_path / "s", keys={"met"})
        files[1].write_bytes(whole[:200])
        with pytest.raises(InputFileError):
            convert(files, tmp_path / "s", keys={"[mo]*"})
        files[1].write_bytes(whole)
        done = convert(files, tmp_path / "s", keys={"[mo]*"})
        assert columns_of(tmp_path / "s") == ["met"]
        assert done.plan.undecodable == ("odd", "odd_too")


def write_union(path: Path, field: Any) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {"x": np.arange(NUM), "u": field})
    return path


class TestUnheld:
    """The same of what no column can hold, here a union, with no patch of uproot."""

    def test_it_is_skipped_in_all_files(self, tmp_path: Path) -> None:
        files = [
            write_union(tmp_path / "a.root", np.arange(NUM)),
            write_union(tmp_path / "b.root", ak.Array([1, "a"] * (NUM // 2))),
        ]
        with ProcessPoolExecutor(2) as pool:
            done = convert(files, tmp_path / "s", keys={"*"}, work=pool)
        assert done.plan.skipped == ("u",)
        assert columns_of(tmp_path / "s") == ["x"]
        assert convert(files, tmp_path / "s", keys={"*"}).was_cached

    def test_a_pattern_of_it_alone_is_an_error(self, tmp_path: Path) -> None:
        files = [
            write_union(tmp_path / "a.root", np.arange(NUM)),
            write_union(tmp_path / "b.root", ak.Array([1, "a"] * (NUM // 2))),
        ]
        message = r"'u\*' matches only branches that no column can hold \('u'\) in '.*b.root:t;1'"
        with pytest.raises(InputFileError, match=message):
            convert(files, tmp_path / "s", keys={"u*"})

    def test_the_files_together_leave_nothing_of_a_pattern(self, tmp_path: Path) -> None:
        odd = ak.Array([1, "a"] * (NUM // 2))
        with uproot.recreate(tmp_path / "a.root") as file:
            file.mkrntuple("t", {"u1": odd, "u2": np.arange(NUM)})
        with uproot.recreate(tmp_path / "b.root") as file:
            file.mkrntuple("t", {"u1": np.arange(NUM), "u2": odd})
        message = r"'u\*' matches only branches that no column can hold \('u1', 'u2'\) in some file"
        with pytest.raises(InputFileError, match=message):
            convert(tmp_path / "*.root", tmp_path / "s", keys={"u*"})


def test_a_branch_that_only_an_added_file_has_is_a_difference(
    make_file: MakeFile, tmp_path: Path
) -> None:
    a = make_file("a.root")
    convert(a, tmp_path / "s", keys={"n*"})
    b = make_file("b.root", first=10, nTaus=np.arange(10))
    with pytest.raises(SchemaError, match=r"'nTaus' is missing in '.*a.root' and int64 in"):
        convert([a, b], tmp_path / "s", keys={"n*"})
    assert memmpy.verify(tmp_path / "s") == []


def test_a_pattern_that_matches_nothing_names_the_nearest(
    make_file: MakeFile, tmp_path: Path
) -> None:
    with pytest.raises(MissingKeyError, match=r"matches no branch of .*; nearest: 'nJets'"):
        convert(make_file(), tmp_path / "s", keys={"nJet[t]"})


def test_what_is_skipped_for_both_reasons_is_undecodable() -> None:
    both = SkippedBranches.union(
        [SkippedBranches(("a", "b"), ("c",)), SkippedBranches(("d",), ("a", "c"))]
    )
    assert both == SkippedBranches(("b", "d"), ("c", "a"))
    assert [*both] == ["b", "d", "c", "a"]
    assert both.without({"*": ("a", "x")}) == {"*": ("x",)}


class Unreachable:
    """A file whose types are known, and which cannot be read any more."""

    def type_of(self, branch: str) -> ColumnType:
        return ColumnType("vector", np.dtype(np.float32))

    def try_decoding(self, branch: str) -> None:
        raise InputFileError(f"the server of {branch!r} does not answer")


def test_a_branch_that_cannot_be_reached_is_not_skipped() -> None:
    file = cast(EventFile, Unreachable())
    assert (
        SkippedBranches.of(file, ["x"], stored=frozenset("x"), can_wait=False) == SkippedBranches()
    )
    with pytest.raises(InputFileError, match="does not answer"):
        SkippedBranches.of(file, ["x"], stored=frozenset(), can_wait=False)


@pytest.mark.root
def test_leaves_that_cannot_be_decoded_are_skipped(tmp_path: Path) -> None:
    file = write_leaves(tmp_path / "a.root", NUM)
    done = convert(file, tmp_path / "s", keys={"*"})
    assert {"q", "counted", "counted.n", "counted.x"} <= {*done.plan.skipped}
    assert {"p", "p.x", "q.v", "twice"} <= {*memmpy.open(tmp_path / "s")}
    message = r"branch 'counted.x' of .* cannot be decoded by uproot"
    with pytest.raises(UndecodableError, match=message):
        convert(file, tmp_path / "s", keys={"counted.x"})
