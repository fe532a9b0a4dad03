"""Tests of the reports of plans and conversions."""

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, WriteVector, convert
from memmpy.columns import ColumnType
from memmpy.conversion import plan_conversion
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.partition import TreeRange
from memmpy.conversion.planning.schema import layout_of, size_of_lists
from memmpy.conversion.planning.summary import ColumnLine, FileCounts, Report, compare_files
from memmpy.store import SourceRecord, read_metadata

MakeFile = Callable[..., Path]
FLOATS = ColumnType("jagged", np.dtype("<f4"))
FLOAT = ColumnType("vector", np.dtype("<f4"))

REPORT = Report(
    files=FileCounts(3000, 3000, 3000, new=[f"{i}.root" for i in range(3000)]),
    num_entries=10**9,
    bytes_packed=123_456_789_000,
    bytes_unpacked=400_000_000_000,
    bytes_written=390_000_000_000,
    is_exact=False,
    bytes_kept=0,
    written=[ColumnLine(f"column_{i}", "float32", 3000, (), "new") for i in range(1500)],
    kept=[],
)
CACHED = dataclasses.replace(
    REPORT, written=[], kept=REPORT.written[:2], bytes_packed=0, bytes_unpacked=0
)


def source(name: str, *, uuid: str = "", size: int = 1) -> SourceRecord:
    return SourceRecord(
        path=name,
        uuid=f"{uuid or name:0>32}",
        size=size,
        mtime_ns=2,
        tree="t;1",
        asked="t",
        num_entries=10,
        entry_start=0,
        tree_entries=10,
    )


class TestReport:
    def test_it_begins_with_what_there_is_to_do(self) -> None:
        assert str(REPORT).startswith("to do: read 3,000 files, write 1,500 columns\n")

    def test_once_done_it_says_what_was_done(self) -> None:
        done = dataclasses.replace(REPORT, is_done=True, store="data.mmpy")
        assert str(done).startswith("data.mmpy: read 3,000 files, wrote 1,500 columns\n")

    def test_nothing_to_do_is_said(self) -> None:
        assert str(CACHED).startswith("nothing to do, the store has all 2 columns\n")

    def test_thousands_of_columns_are_cut_short(self) -> None:
        text = str(REPORT)
        assert text.count("column_") == 60
        assert "... and 1,440 more columns" in text

    def test_thousands_of_files_are_counted_and_not_named(self) -> None:
        assert "3,000 (3,000 new), all opened" in str(REPORT)
        assert ".root" not in str(REPORT)

    def test_a_plan_tells_how_long_it_took_to_open_the_files(self) -> None:
        slow = dataclasses.replace(REPORT, seconds_open=12.34)
        assert "(3,000 new), all opened in 12.3 s" in str(slow)
        assert "opened in" not in str(dataclasses.replace(slow, is_done=True))

    def test_changed_files_are_named_up_to_three(self) -> None:
        files = FileCounts(9, 5, 5, changed=["a.root", "b.root", "c.root", "d.root", "e.root"])
        text = str(dataclasses.replace(REPORT, files=files))
        assert "9 (5 changed, 4 as before), 5 opened" in text
        assert re.search(r"changed +a\.root, b\.root, c\.root and 2 more", text)

    def test_a_size_that_is_a_guess_says_about(self) -> None:
        assert re.search(r"written +about 390.0 GB", str(REPORT))

    def test_a_size_that_is_known_does_not(self) -> None:
        assert re.search(r"written +390.0 GB", str(dataclasses.replace(REPORT, is_exact=True)))

    def test_skipped_branches_are_counted_and_the_first_named(self) -> None:
        report = dataclasses.replace(REPORT, skipped=["a", "b", "c", "d"])
        assert "4 branches that no column can hold: a, b, c and 1 more" in str(report)

    def test_time_gives_rates(self) -> None:
        report = dataclasses.replace(REPORT, seconds=1000)
        assert "1000.0 s, 1,000,000 entries/s, 400.0 MB/s decompressed" in str(report)

    def test_why_is_left_out_where_nothing_is_written(self) -> None:
        assert "why" in str(REPORT)
        assert "why" not in str(CACHED)

    def test_no_line_is_wider_than_plain_text_is(self) -> None:
        wide = [ColumnLine("k" * 120, "float32 * " * 50, 1, (), "was " + "x" * 500)]
        assert max(map(len, str(dataclasses.replace(REPORT, written=wide)).splitlines())) <= 100

    def test_what_users_wrote_is_no_markup(self) -> None:
        named = dataclasses.replace(
            REPORT, written=[ColumnLine("[red]x[0]", "float32", 1, (), "new")]
        )
        assert "[red]x[0]" in str(named)

    def test_html_is_escaped(self) -> None:
        shown = dataclasses.replace(REPORT, skipped=["vector<A>"], store="a&b")._repr_html_()
        assert "vector&lt;A&gt;" in shown
        assert "a&amp;b" in shown


class TestCompared:
    def test_a_file_of_another_content_is_changed(self) -> None:
        files = compare_files([source("a", size=2)], [source("a")], num_opened=1, num_read=1)
        assert (files.new, files.changed, files.gone) == ([], ["a"], [])

    def test_a_file_at_another_path_is_neither_new_nor_gone(self) -> None:
        files = compare_files(
            [source("b", uuid="1")], [source("a", uuid="1")], num_opened=1, num_read=0
        )
        assert (files.new, files.changed, files.gone) == ([], [], [])

    def test_a_file_that_is_not_wanted_any_more_is_gone(self) -> None:
        files = compare_files([source("b")], [source("a")], num_opened=1, num_read=1)
        assert (files.new, files.gone) == (["b"], ["a"])


class TestSizes:
    def test_lists_take_what_the_plain_branches_leave(self) -> None:
        specs = {key: ColumnSpec(key, (key,)) for key in "xab"}
        layouts = {key: layout_of(FLOAT if key == "x" else FLOATS, key=key) for key in "xab"}
        read = TreeRange(("x", "a", "b"), 0, 100, 500, 400 + 2000, 0)
        assert size_of_lists([read], specs, layouts) == {"a": 1400, "b": 1400}

    def test_vectors_are_not_guessed(self) -> None:
        layouts = {"x": layout_of(FLOAT, key="x")}
        assert (
            size_of_lists(
                [TreeRange(("x",), 0, 9, 1, 1, 0)], {"x": ColumnSpec("x", ("x",))}, layouts
            )
            == {}
        )


class TestPlan:
    def test_the_size_of_vectors_is_that_on_disk(self, make_file: MakeFile, tmp_path: Path) -> None:
        keys = {"nJets", "weight", "isGood"}
        padded = {"jet_pt": (4, float("nan"))}
        options = {"keys": keys, "keys_padded": padded}
        plan = plan_conversion(make_file(num=50), tmp_path / "s", **options)  # type: ignore[arg-type]
        assert plan.is_exact
        assert plan.bytes_on_disk == 50 * (4 + 8 + 1 + 4 * 4)

    def test_the_size_of_lists_is_about_that_on_disk(
        self, tmp_path: Path, make_file: MakeFile
    ) -> None:
        counts = np.arange(20_000) % 10
        values = np.random.default_rng(0).random(counts.sum(), np.float32)
        file = make_file(num=20_000, x=ak.unflatten(values, counts))
        plan = plan_conversion(file, tmp_path / "s", keys={"x", "met"})
        convert(file, tmp_path / "s", keys={"x", "met"})
        columns = read_metadata(tmp_path / "s").columns.values()
        on_disk = sum(array.nbytes for column in columns for array in column.arrays.values())
        assert not plan.is_exact
        assert plan.bytes_on_disk == pytest.approx(on_disk, rel=0.05)

    def test_what_branches_of_a_collection_share_counts_once_when_it_is_done(
        self, tmp_path: Path, make_file: MakeFile
    ) -> None:
        lists = ak.unflatten(np.zeros(1000, np.float32), np.full(200, 5))
        file = make_file(num=200, x=lists, y=lists + 1)
        done = convert(file, tmp_path / "s", keys={"x", "y"})
        assert done.bytes_written == 2 * 4 * 1000 + 8 * 201
        assert done.plan.bytes_on_disk > done.bytes_written
        assert re.search(r"written +9.6 kB", str(done))

    def test_what_is_read_is_counted_once_of_all_columns_of_a_branch(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=1000)
        one = plan_conversion(file, tmp_path / "s", keys={"met"})
        two = plan_conversion(file, tmp_path / "s", keys={"met", "m"}, aliases={"m": "met*2"})
        assert 0 < one.bytes_unpacked == two.bytes_unpacked

    def test_nothing_is_written(self, make_file: MakeFile, tmp_path: Path) -> None:
        plan_conversion(make_file(), tmp_path / "s", keys={"met"})
        assert not (tmp_path / "s").exists()

    def test_a_full_store_leaves_nothing_to_do(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met", "jet_pt"})
        plan = plan_conversion(file, tmp_path / "s", keys={"met", "jet_pt"})
        assert (plan.bytes_on_disk, plan.bytes_packed, plan.num_opened) == (0, 0, 0)
        assert "nothing to do, the store has all 2 columns" in str(plan)
        assert re.search(r"jet_pt +list of float32 +the store", str(plan))

    def test_an_added_file_is_told_from_those_in_the_store(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root"), make_file("b.root", first=10)]
        convert(files[:1], tmp_path / "s", keys={"met"})
        text = str(plan_conversion(files, tmp_path / "s", keys={"met"}))
        assert "2 (1 new, 1 as before), 1 opened" in text
        assert re.search(r"met +float32 +1 file, the store +files are new or changed", text)

    def test_a_changed_file_is_named(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        os.utime(file, ns=(1, 1))
        assert plan_conversion(file, tmp_path / "s", keys={"met"}).report().files.changed == [
            str(file)
        ]

    def test_a_column_made_of_another_names_it(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"jet_pt"})
        plan = plan_conversion(file, tmp_path / "s", keys={"p"}, aliases={"p": "jet_pt"})
        assert re.search(r"p +list of float32 +the store \(jet_pt\) +new", str(plan))

    def test_another_recipe_is_said(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        aliases = {"met": "weight * 2"}
        plan = plan_conversion(file, tmp_path / "s", keys={"met"}, aliases=aliases)
        assert plan.columns[0].reason.startswith("was met, now ")

    def test_metadata_is_read_from_no_file(self, make_file: MakeFile, tmp_path: Path) -> None:
        given = RFileConfig(make_file(), metadata={"process": "ttH"})
        text = str(plan_conversion(given, tmp_path / "s", keys={"met"}))
        assert re.search(r"process +hash of text +the metadata +new", text)

    def test_columns_that_go_stale_are_named(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys={"met", "nJets"})
        other = make_file("other.root", first=10)
        plan = plan_conversion(other, tmp_path / "s", keys={"met"})
        assert plan.stale == ("nJets",)
        assert re.search(r"stale +nJets: made of other files", str(plan))

    def test_metadata_that_go_stale_are_to_be_given_again(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        first = RFileConfig(make_file(), "tree", {"process": "ttH"})
        convert(first, tmp_path / "s", keys={"met", "nJets"})
        other = RFileConfig(make_file("other.root", first=10), "tree")
        plan = plan_conversion(other, tmp_path / "s", keys={"met"})
        assert (plan.stale, plan.stale_metadata) == (("nJets",), ("process",))
        text = " ".join(str(plan).split())
        assert "stale process: metadata of other files; give metadata={'process': ...} for" in text

    def test_columns_of_the_user_never_go_stale(self, make_file: MakeFile, tmp_path: Path) -> None:
        with WriteVector(tmp_path / "s", "mine") as column:
            column.append(np.float32(1))
        assert plan_conversion(make_file(), tmp_path / "s", keys={"met"}).stale == ()

    def test_notebooks_show_a_table(self, make_file: MakeFile, tmp_path: Path) -> None:
        plan = plan_conversion(make_file(), tmp_path / "s", keys={"met"})
        assert "<table>" in plan._repr_html_()


class TestConversion:
    def test_it_says_what_was_done_and_where(self, make_file: MakeFile, tmp_path: Path) -> None:
        done = convert(make_file(), tmp_path / "s", keys={"met"})
        assert re.sub(r"\s", "", str(done)).startswith(
            re.sub(r"\s", "", f"{tmp_path / 's'}: read 1 file, wrote 1 column")
        )

    def test_a_second_run_says_that_nothing_was_done(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        done = convert(file, tmp_path / "s", keys={"met"})
        assert done.report().headline.endswith("nothing was done, the store has the column")

    def test_what_the_plan_thinks_to_keep_is_kept(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        done = convert(file, tmp_path / "s", keys={"met", "nJets"})
        assert list(done.plan.current) == ["met"]
        assert done.plan.bytes_kept == memmpy.load_memmaps(tmp_path / "s")["met"].nbytes
