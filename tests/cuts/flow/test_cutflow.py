"""Tests of cut-flows: equal to counts by NumPy, in one pass, and shown in full."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import memmpy
from memmpy import (
    CutFlow,
    Jagged,
    RFileConfig,
    WriteJagged,
    WriteText,
    WriteVector,
    compute_cut_batched,
    convert,
    cutflow,
)
from memmpy.columns import open_columns
from memmpy.cuts import count_steps, plan_flow
from memmpy.cuts.evaluation import HashedText
from memmpy.cuts.flow.groups import MAX_GROUPS, groups_in
from memmpy.errors import (
    ColumnError,
    CutError,
    CutWarning,
    LengthError,
    MissingFileError,
    MissingKeyError,
    OptionError,
)

MakeFile = Callable[..., Path]

CUTS = ["nJets >= 4", "met > 40 || nTags == 3", "nTags >= 1"]
NUM = 1000


def write(path: Path, key: str, values: Any) -> None:
    with WriteVector(path, key) as column:
        column.extend(np.asarray(values))


@pytest.fixture(scope="module")
def events() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "nJets": rng.integers(0, 9, NUM).astype(np.int32),
        "nTags": rng.integers(0, 4, NUM).astype(np.uint8),
        "met": rng.exponential(50, NUM).astype(np.float32),
        "w": rng.normal(0.3, 1, NUM),
        "year": rng.integers(-1, 2, NUM),
        "good": rng.random(NUM) < 0.5,
    }


@pytest.fixture(scope="module")
def store(events: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of several kinds of columns, which no test writes to."""
    path = tmp_path_factory.mktemp("store") / "s"
    for key, values in events.items():
        write(path, key, values)
    with WriteText(path, "kind") as texts:
        texts.extend(["tt" if year > 0 else "H" for year in events["year"]])
    with WriteJagged(path, "pt") as column:
        column.extend([np.arange(num, dtype=np.float32) for num in events["nJets"]])
    return path


def masks(events: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return what passes each step of CUTS."""
    first = events["nJets"] >= 4
    second = first & ((events["met"] > 40) | (events["nTags"] == 3))
    return [np.ones(NUM, bool), first, second, second & (events["nTags"] >= 1)]


def is_same(one: CutFlow, other: CutFlow) -> bool:
    """Whether two cut-flows are the same to the last bit."""
    return all(
        np.asarray(getattr(one, field.name)).tobytes()
        == np.asarray(getattr(other, field.name)).tobytes()
        for field in dataclasses.fields(CutFlow)
        if field.name != "weight"
    )


class TestNumbers:
    def test_without_groups_and_weights_entries_are_counted(
        self, store: Path, events: dict[str, np.ndarray]
    ) -> None:
        flow = cutflow(store, CUTS)
        assert flow.steps == ("all", *CUTS)
        assert flow.groups == ("all",)
        assert flow.counts.dtype == np.int64
        assert flow.counts.tolist() == [[mask.sum()] for mask in masks(events)]
        assert np.array_equal(flow.sums, flow.counts)
        assert np.array_equal(flow.errors, np.sqrt(flow.counts))

    def test_groups_and_weights_are_those_of_numpy(
        self, store: Path, events: dict[str, np.ndarray]
    ) -> None:
        flow = cutflow(store, CUTS, by="year", weight="w")
        assert flow.groups == ("-1", "0", "1")
        for column, year in enumerate((-1, 0, 1)):
            chosen = [mask & (events["year"] == year) for mask in masks(events)]
            weights = [events["w"][mask] for mask in chosen]
            assert flow.counts[:, column].tolist() == [mask.sum() for mask in chosen]
            assert np.allclose(flow.sums[:, column], [w.sum() for w in weights], rtol=1e-12)
            errors = [np.sqrt((w**2).sum()) for w in weights]
            assert np.allclose(flow.errors[:, column], errors, rtol=1e-12)

    def test_efficiencies_are_ratios_of_sums(self, store: Path) -> None:
        flow = cutflow(store, CUTS, weight="w + 2", by="good")
        assert np.array_equal(flow.step_efficiencies[1:], flow.sums[1:] / flow.sums[:-1])
        assert np.array_equal(flow.cumulative_efficiencies, flow.sums / flow.sums[0])
        assert flow.step_efficiencies[0].tolist() == [1, 1]

    def test_the_total_adds_up_groups(self, store: Path) -> None:
        flow, all_ = cutflow(store, CUTS, weight="w", by="year"), cutflow(store, CUTS, weight="w")
        total = flow.total()
        assert total.groups == ("total",)
        assert np.array_equal(total.counts, all_.counts)
        assert np.allclose(total.sums, all_.sums, rtol=1e-12)
        assert np.allclose(total.errors, all_.errors, rtol=1e-12)

    @pytest.mark.slow_together
    @pytest.mark.parametrize("step_size", [1, 7, 999, 1000])
    @pytest.mark.parametrize("num_threads", [0, 1, 4])
    def test_steps_and_threads_change_no_bit(
        self, step_size: int, num_threads: int, store: Path
    ) -> None:
        options: dict[str, Any] = {"by": ("kind", "good"), "weight": "w * 0.1"}
        found = cutflow(store, CUTS, **options, step_size=step_size, num_threads=num_threads)
        assert is_same(found, cutflow(store, CUTS, **options))

    def test_each_entry_of_each_column_is_read_once(self, store: Path) -> None:
        plan = plan_flow(
            [*CUTS, "met < 80", "nJets < met"],
            by="year",
            weight="w",
            signal=None,
            aliases=None,
            constants=None,
        )
        snapshot = open_columns(store, sorted(plan.keys))
        read: dict[str, list[int]] = {key: [] for key in plan.keys}

        class Watched(np.memmap):
            key: str

            def __getitem__(self, index: Any) -> Any:
                if isinstance(index, slice) and index.start is not None:
                    read[self.key].extend(range(index.start, index.stop))
                return super().__getitem__(index)

        columns: dict[str, Any] = {}
        for key, column in snapshot.columns.items():
            assert isinstance(column, np.memmap)
            columns[key] = column.view(Watched)
            columns[key].key = key
        watched = dataclasses.replace(snapshot, columns=columns)
        count_steps(watched, plan, step_size=64, num_threads=0)
        assert read.keys() == {"nJets", "met", "nTags", "w", "year"}
        assert all(entries == list(range(NUM)) for entries in read.values())

    def test_equal_steps_lose_nothing(self, store: Path) -> None:
        flow = cutflow(store, ["met > 30", "met > 30", "true"], weight="w", by="year")
        assert (flow.sums[1:] == flow.sums[1]).all()
        assert (flow.step_efficiencies[2:] == 1).all()

    def test_nothing_that_passes_is_zero_and_no_efficiency(self, store: Path) -> None:
        flow = cutflow(store, ["nJets > 99", "met > 0"], weight="w", by="good")
        assert flow.counts[1:].tolist() == [[0, 0], [0, 0]]
        assert flow.sums[1:].tolist() == flow.errors[1:].tolist() == [[0, 0], [0, 0]]
        assert flow.step_efficiencies[1].tolist() == [0, 0]
        assert np.isnan(flow.step_efficiencies[2]).all()

    def test_no_cuts_leave_all(self, store: Path) -> None:
        assert cutflow(store, []).counts.tolist() == [[NUM]]

    @pytest.mark.parametrize("by", [None, "year", "kind"])
    def test_a_store_without_entries_has_none(self, by: str | None, tmp_path: Path) -> None:
        for key in ("met", "year"):
            write(tmp_path / "s", key, np.empty(0, np.int32))
        with WriteText(tmp_path / "s", "kind") as column:
            column.extend([])
        flow = cutflow(tmp_path / "s", ["met > 1"], by=by, weight="met")
        assert flow.counts.shape == flow.sums.shape == flow.errors.shape == (2, int(by is None))
        assert flow.total().counts.tolist() == [[0], [0]]
        assert "met > 1" in str(flow)


class TestSteps:
    def test_one_text_is_split_where_it_joins_conditions(self, store: Path) -> None:
        one = cutflow(store, "nJets >= 4 and (met > 40 || nTags == 3) && nTags >= 1")
        assert one.steps == ("all", "nJets >= 4", "(met > 40 || nTags == 3)", "nTags >= 1")
        assert np.array_equal(one.counts, cutflow(store, CUTS).counts)

    @pytest.mark.parametrize("cut", ["x && n", "n && x", "x && x", "x", "p && n", "p && p && x"])
    def test_the_last_step_counts_what_the_cut_selects(self, cut: str, tmp_path: Path) -> None:
        nan = np.nan
        write(tmp_path, "x", [0, 1, nan, nan])
        write(tmp_path, "n", [1, 1, 1, 0])
        write(tmp_path, "p", [[0, nan], [0, 0], [1, 0], [nan, nan]])
        assert cutflow(tmp_path, cut).counts[-1, 0] == len(compute_cut_batched(tmp_path, cut))

    def test_an_or_is_one_step(self, store: Path) -> None:
        assert len(cutflow(store, "nJets > 2 || nTags > 1").steps) == 2

    def test_aliases_and_constants_are_put_in(self, store: Path) -> None:
        flow = cutflow(
            store,
            ["hard", "nTags >= tags"],
            weight="w * lumi",
            aliases={"hard": "met > 40"},
            constants={"tags": 1, "lumi": 2.0},
        )
        plain = cutflow(store, ["met > 40", "nTags >= 1"], weight="w * 2")
        assert flow.steps == ("all", "hard", "nTags >= tags")
        assert np.array_equal(flow.sums, plain.sums)

    def test_cuts_on_lists_pass_if_any_element_does(
        self, store: Path, events: dict[str, np.ndarray]
    ) -> None:
        flow = cutflow(store, ["pt > 3"], step_size=10)
        assert flow.counts[1, 0] == (events["nJets"] > 4).sum()


class TestGroups:
    @pytest.fixture
    def converted(self, make_file: MakeFile, tmp_path: Path) -> Path:
        files = [
            RFileConfig(make_file(f"{i}.root", num), "tree", {"process": process, "year": year})
            for i, (process, year, num) in enumerate(
                [
                    ("ttH", "mc16a", 4),
                    ("empty", "mc16a", 0),
                    ("bb", "mc16d", 4),
                    ("ttH", "mc16d", 8),
                ]
            )
        ]
        convert(files, tmp_path / "s", keys={"nJets", "nBTags_77"})
        return tmp_path / "s"

    def test_metadata_is_in_the_order_of_the_files_with_those_of_no_entries(
        self, converted: Path
    ) -> None:
        flow = cutflow(converted, ["nJets >= 2", "nBTags_77 >= 1"], by="process")
        assert flow.groups == ("ttH", "empty", "bb")
        assert flow.counts.tolist() == [[12, 0, 4], [6, 0, 2], [3, 0, 1]]
        assert np.isnan(flow.cumulative_efficiencies[:, 1]).all()

    def test_several_columns_make_combined_groups(self, converted: Path) -> None:
        flow = cutflow(converted, [], by=["process", "year"])
        assert flow.groups == ("ttH, mc16a", "ttH, mc16d", "empty, mc16a", "bb, mc16d")
        assert flow.counts.tolist() == [[4, 8, 0, 4]]

    def test_metadata_and_numbers_make_combined_groups(self, converted: Path) -> None:
        flow = cutflow(converted, [], by=("nJets", "process"), step_size=3)
        assert flow.groups == tuple(f"{num}, {name}" for num in range(4) for name in ("ttH", "bb"))
        assert flow.counts.tolist() == [[3, 1] * 4]

    def test_text_is_in_the_order_of_its_first_entries(
        self, store: Path, events: dict[str, np.ndarray]
    ) -> None:
        flow = cutflow(store, [], by="kind", step_size=9)
        is_tt = events["year"] > 0
        expected = ("tt", "H") if is_tt[0] else ("H", "tt")
        assert flow.groups == expected
        assert flow.counts[0, flow.groups.index("tt")] == is_tt.sum()

    def test_booleans_are_false_then_true(self, store: Path, events: dict[str, np.ndarray]) -> None:
        flow = cutflow(store, [], by="good")
        assert flow.groups == ("false", "true")
        assert flow.counts[0, 1] == events["good"].sum()

    def test_large_integers_stay_apart(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "run", np.array([2**63 + 1, 2**63, 2**63 + 1], np.uint64))
        flow = cutflow(tmp_path / "s", [], by="run")
        assert flow.groups == (str(2**63), str(2**63 + 1))
        assert flow.counts.tolist() == [[1, 2]]

    def test_groups_of_one_label_are_told_apart(self, tmp_path: Path) -> None:
        for key, texts in (("one", ["a, b", "a"]), ("two", ["c", "b, c"])):
            with WriteText(tmp_path / "s", key) as column:
                column.extend(texts)
        assert cutflow(tmp_path / "s", [], by=("one", "two")).groups == (
            "'a, b', 'c'",
            "'a', 'b, c'",
        )

    @pytest.mark.parametrize("step_size", [1, 2, 5, 100])
    def test_texts_come_as_they_are_first_seen(self, step_size: int, tmp_path: Path) -> None:
        for key, texts in (("one", ["z", "a", "m", "a", "b"]), ("two", ["y", "y", "x", "x", "x"])):
            with WriteText(tmp_path / "s", key) as column:
                column.extend(texts)
        flow = cutflow(tmp_path / "s", [], by=("two", "one"), step_size=step_size)
        assert flow.groups == ("y, z", "y, a", "x, a", "x, m", "x, b")
        assert flow.counts.tolist() == [[1, 1, 1, 1, 1]]

    def test_text_that_is_no_utf8_can_be_shown(self, tmp_path: Path) -> None:
        with WriteText(tmp_path / "s", "kind") as column:
            column.extend([b"t\xff".decode(errors="surrogateescape")])
        flow = cutflow(tmp_path / "s", [], by="kind")
        assert str(flow).encode()
        assert flow.groups == (r"t\udcff",)

    def test_a_hash_without_a_text_is_shown_as_it_is(self) -> None:
        column = HashedText(np.array([7, 255, 7], np.uint64), {7: "ttH"})
        groups, numbers = groups_in(["process"], {"process": column}, num_entries=3)
        assert groups == [("ttH",), ("00000000000000ff",)]
        assert numbers.tolist() == [0, 1, 0]

    def test_a_thousand_groups_are_the_most(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "n", np.arange(MAX_GROUPS))
        assert len(cutflow(tmp_path / "s", [], by="n", step_size=7).groups) == MAX_GROUPS
        write(tmp_path / "s", "n", np.arange(MAX_GROUPS + 1))
        for step_size in (7, 2000):
            with pytest.raises(OptionError, match="'n' would make more than 1,000 groups"):
                cutflow(tmp_path / "s", [], by="n", step_size=step_size)

    @pytest.mark.parametrize(
        ("key", "found"), [("met", "a column of float32"), ("pt", "a jagged column")]
    )
    def test_what_is_no_group_is_refused(self, key: str, found: str, store: Path) -> None:
        with pytest.raises(OptionError, match=f"cannot be grouped by '{key}', {found}; group by"):
            cutflow(store, [], by=key)

    def test_arrays_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "a", np.zeros((3, 2), np.int64))
        with pytest.raises(OptionError, match=r"cannot be grouped by 'a', a column of int64\[2\]"):
            cutflow(tmp_path / "s", [], by="a")

    def test_a_missing_column_names_the_nearest(self, store: Path) -> None:
        with pytest.raises(MissingKeyError, match=r"no column 'yeer' in .* nearest: 'year'"):
            cutflow(store, [], by="yeer")


class TestWeights:
    def test_a_constant_weighs_all_alike(self, store: Path) -> None:
        flow = cutflow(store, [], weight="0.5")
        assert flow.sums.tolist() == [[NUM / 2]]
        assert flow.errors[0, 0] == pytest.approx(np.sqrt(NUM) / 2)

    def test_conditions_weigh_one_or_nothing(
        self, store: Path, events: dict[str, np.ndarray]
    ) -> None:
        assert cutflow(store, [], weight="good").sums[0, 0] == events["good"].sum()

    def test_negative_weights_cancel_and_errors_do_not(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "w", [1.0, -1.0, 2.0, -2.0])
        flow = cutflow(tmp_path / "s", ["abs(w) < 2"], weight="w")
        assert flow.sums.tolist() == [[0], [0]]
        assert np.allclose(flow.errors[:, 0] ** 2, [10, 2])
        assert np.isnan(flow.cumulative_efficiencies).all()

    @pytest.mark.parametrize("step_size", [1, 2, 100])
    @pytest.mark.parametrize("odd", [np.nan, np.inf])
    def test_nan_and_infinite_weights_are_seen_and_warned_of(
        self, odd: float, step_size: int, tmp_path: Path
    ) -> None:
        write(tmp_path / "s", "w", [1.0, 2.0, odd, 4.0, odd])
        write(tmp_path / "s", "n", [0, 1, 1, 0, 0])
        with pytest.warns(CutWarning, match="2 entries, the first of them 2, have weights"):
            flow = cutflow(tmp_path / "s", ["w < 4"], weight="w", by="n", step_size=step_size)
        assert not np.isfinite(flow.sums[0]).any()
        assert not np.isfinite(flow.errors[0]).any()
        assert flow.sums[1].tolist() == [1, 2]
        json.dumps(flow.to_dict(), allow_nan=False)
        assert flow.to_dict()["groups"]["0"]["sums"] == [None, 1]

    def test_what_the_warning_of_them_says_helps(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "w", [1.0, np.nan])
        assert cutflow(tmp_path / "s", [], weight="where(isfinite(w), w, 0)").sums.tolist() == [[1]]

    @pytest.mark.parametrize("num_entries", [0, 3])
    def test_a_list_is_no_weight(self, num_entries: int, tmp_path: Path) -> None:
        with WriteJagged(tmp_path / "s", "pt", dtype=np.float64) as jagged:
            jagged.extend([np.ones(2)] * num_entries)
        write(tmp_path / "s", "a", np.ones((num_entries, 2)))
        for key in ("pt", "a"):
            with pytest.raises(CutError, match=f"a weight is one number per entry, but {key} is a"):
                cutflow(tmp_path / "s", ["true"], weight=key)

    def test_an_entry_without_a_weight_is_named(self, tmp_path: Path) -> None:
        with WriteJagged(tmp_path / "s", "pt") as column:
            column.extend([np.ones(2)] * 5 + [np.empty(0)] + [np.ones(1)])
        with pytest.raises(CutError, match=r"entry 5 has no weight: it lacks .* pt\[0\] takes"):
            cutflow(tmp_path / "s", ["true"], weight="pt[0]", step_size=2)
        assert cutflow(tmp_path / "s", [], weight="Alt$(pt[0], 0)").sums.tolist() == [[6]]

    def test_a_text_is_no_weight(self, store: Path) -> None:
        with pytest.raises(CutError, match="is text"):
            cutflow(store, [], weight="kind")


class TestErrors:
    def test_the_place_is_that_of_the_step(self, store: Path) -> None:
        with pytest.raises(CutError, match=r"no key 'njets' in .*; nearest: 'nJets'") as caught:
            cutflow(store, ["met > 1", "good && njets > 3"])
        assert caught.value.text == "good && njets > 3"
        with pytest.raises(CutError, match="no key 'ww'"):
            cutflow(store, ["met > 1"], weight="ww")

    @pytest.mark.parametrize("cuts", [{"nJets > 1"}, None, 3])
    def test_steps_without_an_order_are_refused(self, cuts: Any, store: Path) -> None:
        with pytest.raises(OptionError, match="cuts is a list of cuts"):
            cutflow(store, cuts)

    @pytest.mark.parametrize("by", [3, ["year", 3], {"year"}])
    def test_groups_by_no_names_are_refused(self, by: Any, store: Path) -> None:
        with pytest.raises(OptionError, match="by is a column or a tuple of columns"):
            cutflow(store, [], by=by)

    def test_a_step_of_nothing_is_refused(self, store: Path) -> None:
        with pytest.raises(OptionError, match="step_size must be an integer of at least 1, got 0"):
            cutflow(store, CUTS, step_size=0)

    def test_columns_of_other_lengths_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "a", np.zeros(3))
        write(tmp_path / "s", "n", np.zeros(4, np.int64))
        with pytest.raises(LengthError, match="'a' has 3 entries, 'n' has 4"):
            cutflow(tmp_path / "s", ["a > 1"], by="n")

    def test_a_missing_store_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="no store at"):
            cutflow(tmp_path / "missing", CUTS)

    def test_likely_mistakes_are_warned_of_at_the_line_of_the_user(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = RFileConfig(make_file(), "tree", {"process": "ttH"})
        convert(file, tmp_path / "s", keys={"nJets"})
        for weight in (None, "process == 'tth'"):
            with pytest.warns(CutWarning, match="no entry has the text 'tth'") as caught:
                cutflow(tmp_path / "s", ["process == 'tth'"], weight=weight)
            assert {warning.filename for warning in caught} == {__file__}

    def test_what_is_found_on_the_way_is_warned_of_once(self, tmp_path: Path) -> None:
        for key, num in (("one", 1), ("two", 2)):
            with WriteJagged(tmp_path / "s", key) as column:
                column.extend([np.ones(num)] * 9)
        with pytest.warns(CutWarning, match="'one' and 'two' differ in length") as caught:
            cutflow(tmp_path / "s", ["one > 0 && two > 0"] * 2, step_size=2)
        assert [warning.filename for warning in caught] == [__file__]


class TestFace:
    @pytest.fixture
    def flow(self) -> CutFlow:
        return CutFlow(
            steps=("all", "jet_pt[0] > <50>"),
            groups=("ttH", "<b>"),
            counts=np.array([[1234567, 0], [12, 0]]),
            sums=np.array([[123.456, 0.0], [-0.5, 0.0]]),
            errors=np.array([[3.21, 0.0], [0.0123, 0.0]]),
            by=("process",),
            weight="w",
        )

    def test_a_dict_is_whole_and_json(self, flow: CutFlow) -> None:
        found = flow.to_dict()
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert found["by"] == ["process"]
        assert found["weight"] == "w"
        assert found["steps"] == ["all", "jet_pt[0] > <50>"]
        assert list(found["groups"]) == ["ttH", "<b>"]
        assert found["groups"]["ttH"] == {
            "counts": [1234567, 12],
            "sums": [123.456, -0.5],
            "errors": [3.21, 0.0123],
            "step_efficiencies": [1.0, -0.5 / 123.456],
            "cumulative_efficiencies": [1.0, -0.5 / 123.456],
            "step_efficiency_errors": flow.step_efficiency_errors[:, 0].tolist(),
            "cumulative_efficiency_errors": flow.cumulative_efficiency_errors[:, 0].tolist(),
        }
        assert found["groups"]["<b>"]["step_efficiencies"] == [None, None]
        assert found["total"]["counts"] == [1234567, 12]

    def test_text_shows_all_numbers(self, flow: CutFlow) -> None:
        lines = [" ".join(line.split()) for line in str(flow).splitlines()]
        assert "step ttH <b> total" in lines
        assert lines[lines.index("sum of weights") + 1] == "all 123.5 ± 3.2 0 ± 0 123.5 ± 3.2"
        step = "jet_pt[0] > <50>"
        assert f"{step} -0.500 ± 0.012 0 ± 0 -0.500 ± 0.012" in lines
        assert (
            lines[lines.index("cumulative efficiency") + 1]
            == f"{step} -0.41 ± 0.01 % - -0.41 ± 0.01 %"
        )
        assert "all 1,234,567 0 1,234,567" in lines
        assert f"{step} 12 0 12" in lines
        assert lines[-1] == "weight: w"

    def test_rich_prints_the_same_table(self, flow: CutFlow) -> None:
        console = Console(file=io.StringIO(), width=100)
        with console.capture() as captured:
            console.print(flow)
        assert str(flow).split() == captured.get().split()

    @pytest.mark.parametrize("width", [30, 45, 60, 80, 200])
    @pytest.mark.parametrize("num_groups", [2, 12, 40])
    def test_a_narrow_terminal_loses_no_number(
        self, width: int, num_groups: int, flow: CutFlow
    ) -> None:
        numbers = np.arange(2 * num_groups).reshape(2, num_groups)
        wide = dataclasses.replace(
            flow,
            groups=tuple(f"process_{i}" for i in range(num_groups)),
            counts=1000 + numbers,
            sums=np.asarray(200.5 + numbers, np.float64),
            errors=np.full((2, num_groups), 1.25),
        )
        console = Console(file=io.StringIO(), width=width)
        with console.capture() as captured:
            console.print(wide)
        shown = captured.get()
        assert max(map(len, shown.splitlines())) <= width
        words = " ".join(shown.split())
        for number in numbers.ravel().tolist():
            assert f"{1000 + number:,}" in words
            assert f"{200.5 + number:.1f} ± 1.2" in words
        for group in wide.groups:
            assert group in words

    def test_html_is_escaped(self, flow: CutFlow) -> None:
        shown = flow._repr_html_()
        assert "<b>" not in shown
        assert "&lt;b&gt;" in shown
        assert "jet_pt[0] &gt; &lt;50&gt;" in shown
        assert shown.count("<tr>") == 1 + 3 + 2 + 2 + 3

    def test_a_repr_is_the_table(self, flow: CutFlow) -> None:
        assert repr(flow) == str(flow)

    def test_one_group_needs_no_total(self, store: Path) -> None:
        shown = str(cutflow(store, CUTS))
        assert "total" not in shown
        assert "events" in shown
        assert "sum of weights" not in shown

    def test_long_steps_and_names_are_shown_whole_in_lines_of_a_hundred(self, store: Path) -> None:
        cut = " || ".join(f"nJets == {i}" for i in range(40))
        shown = str(cutflow(store, [cut], by="kind", weight="w"))
        assert max(map(len, shown.splitlines())) <= 100
        assert "nJets == 39" in " ".join(shown.split())

    @pytest.mark.parametrize(
        ("value", "error", "shown"),
        [
            (1234.56, 35.1, "1,235 ± 35"),
            (1.5, 0.0996, "1.500 ± 0.100"),
            (0.00012345, 0.0000012, "1.234e-04 ± 1.2e-06"),
            (3e12, 4e9, "3.0000e+12 ± 4.0e+09"),
            (0.0, 1e-9, "0e+00 ± 1.0e-09"),
            (np.nan, np.nan, "nan ± nan"),
            (2.5, 0.0, "2.5 ± 0"),
        ],
    )
    def test_sums_have_as_many_digits_as_their_errors_allow(
        self, value: float, error: float, shown: str, flow: CutFlow
    ) -> None:
        one = dataclasses.replace(
            flow, sums=np.full((2, 2), value), errors=np.full((2, 2), error), groups=("a", "b")
        )
        assert shown in str(one)


class TestSignal:
    @pytest.fixture
    def flow(self, store: Path) -> CutFlow:
        return cutflow(store, CUTS, by="year", weight="w + 2", signal="1")

    def test_the_background_is_all_other_groups(self, flow: CutFlow) -> None:
        assert (flow.signal, flow.background) == (("1",), ("-1", "0"))
        background = flow.sums[:, :2].sum(axis=1)
        np.testing.assert_allclose(flow.s_over_b, flow.sums[:, 2] / background)
        np.testing.assert_allclose(flow.s_over_sqrt_b, flow.sums[:, 2] / np.sqrt(background))

    def test_the_table_has_no_sum_of_signal_and_background(self, flow: CutFlow) -> None:
        lines = [" ".join(line.split()) for line in str(flow).splitlines()]
        assert "sum of weights -1 0 1 background S/B S/√B" in lines
        assert f"{flow.s_over_b[0]:.3g} {flow.s_over_sqrt_b[0]:.3g}" in str(lines)

    def test_data_are_no_background(self, tmp_path: Path) -> None:
        with WriteText(tmp_path / "s", "process") as texts:
            texts.extend(["ttH", "data", "ttbb", "data"])
        flow = cutflow(tmp_path / "s", [], by="process", signal="ttH")
        assert flow.background == ("ttbb",)
        assert flow.s_over_b.tolist() == [1]

    def test_a_comma_in_a_name_does_not_make_it_another_group(self, tmp_path: Path) -> None:
        names = ["ttH", "ttH, bb", "Z, data", "data", "'data'"]
        with WriteText(tmp_path / "s", "process") as texts:
            texts.extend(names)
        flow = cutflow(tmp_path / "s", [], by="process", signal="ttH")
        assert (flow.signal, flow.background) == (("ttH",), ("ttH, bb", "Z, data", "'data'"))
        flow = cutflow(tmp_path / "s", [], by="process", signal="ttH, bb")
        assert flow.signal == ("ttH, bb",)

    def test_a_value_of_one_column_names_several_groups(self, store: Path) -> None:
        flow = cutflow(store, [], by=("year", "good"), signal=["1"])
        assert flow.signal == ("1, false", "1, true")

    def test_nothing_over_no_background_is_nan(self, store: Path) -> None:
        flow = cutflow(store, ["nJets > 99"], by="good", signal="true")
        assert np.isnan(flow.s_over_b[1])
        assert np.isnan(flow.s_over_sqrt_b[1])

    def test_a_dict_has_them(self, flow: CutFlow) -> None:
        found = json.loads(json.dumps(flow.to_dict(), allow_nan=False))
        assert (found["signal"], found["background"]) == (["1"], ["-1", "0"])
        assert found["s_over_b"] == flow.s_over_b.tolist()
        assert found["s_over_sqrt_b"] == flow.s_over_sqrt_b.tolist()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"signal": "ttH"}, "give the columns to group by"),
            ({"by": "kind", "signal": "ttt"}, "the signal 'ttt' is none of .*; nearest: 'tt'"),
            ({"by": "kind", "signal": 3}, "signal is a group or a list of groups"),
        ],
    )
    def test_mistakes_are_errors(self, options: dict[str, Any], message: str, store: Path) -> None:
        with pytest.raises(OptionError, match=message):
            cutflow(store, [], **options)


class TestManyGroups:
    def test_more_than_twelve_are_rows(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "run", np.arange(100, 140) // 2)
        flow = cutflow(tmp_path / "s", ["run >= 60"], by="run", signal="60")
        lines = [" ".join(line.split()) for line in str(flow).splitlines()]
        assert "group all run >= 60" in lines
        assert "50 2 0" in lines
        assert "69 2 2" in lines
        assert "S/B 0.0526 0.111" in lines
        assert lines[lines.index("cumulative efficiency") + 1] == "50 100 % 0 %"


class TestTotal:
    @pytest.mark.parametrize(
        ("options", "has_total"),
        [
            ({"by": "process"}, False),
            ({"by": "process", "weight": "w"}, True),
            ({"by": "year"}, True),
            ({"by": "process", "weight": "w", "signal": "ttH"}, False),
        ],
    )
    def test_it_is_shown_where_groups_may_be_added(
        self, options: dict[str, Any], has_total: bool, tmp_path: Path
    ) -> None:
        write(tmp_path / "s", "w", np.ones(4))
        write(tmp_path / "s", "year", np.arange(4))
        with WriteText(tmp_path / "s", "process") as texts:
            texts.extend(["ttH", "a", "b", "b"])
        assert ("total" in str(cutflow(tmp_path / "s", ["w > 0"], **options))) is has_total


class TestEfficiencyErrors:
    def test_without_weights_they_are_binomial(self, store: Path) -> None:
        flow = cutflow(store, CUTS)
        num = flow.counts[:, 0]
        for errors, before in (
            (flow.step_efficiency_errors, num[[0, 0, 1, 2]]),
            (flow.cumulative_efficiency_errors, num[0]),
        ):
            share = num / before
            np.testing.assert_allclose(errors[:, 0], np.sqrt(share * (1 - share) / before))

    def test_with_weights_they_are_those_of_toys(self) -> None:
        """The spread of the efficiency of 4,000 samples, whose weights have a mean of 0.5."""
        rng = np.random.default_rng(2)
        weights = rng.normal(0.5, 1, (4000, 500))
        passing = rng.random(weights.shape) < 0.3
        sums = np.stack([weights.sum(axis=1), (weights * passing).sum(axis=1)])
        errors = np.sqrt(np.stack([(weights**2).sum(axis=1), (weights**2 * passing).sum(axis=1)]))
        names = tuple(map(str, range(4000)))
        flow = CutFlow(("all", "x"), names, np.ones((2, 4000), np.int64), sums, errors, (), "w")
        spread = flow.cumulative_efficiencies[1].std()
        assert np.median(flow.cumulative_efficiency_errors[1]) == pytest.approx(spread, rel=0.05)


class TestOtherForms:
    @pytest.fixture
    def flow(self, store: Path) -> CutFlow:
        return cutflow(store, CUTS, by="year", weight="w + 2", signal="1")

    def test_pandas_has_all_numbers(self, flow: CutFlow) -> None:
        pytest.importorskip("pandas")
        frame = flow.to_pandas()
        assert frame.index.tolist() == list(flow.steps)
        assert frame["sum"].columns.tolist() == list(flow.groups)
        for name, array in (
            ("events", flow.counts),
            ("sum", flow.sums),
            ("error", flow.errors),
            ("efficiency", flow.step_efficiencies),
            ("efficiency_error", flow.step_efficiency_errors),
            ("cumulative", flow.cumulative_efficiencies),
            ("cumulative_error", flow.cumulative_efficiency_errors),
        ):
            assert np.array_equal(frame[name].to_numpy(), array)
        assert np.array_equal(frame["S/B"].to_numpy(), flow.s_over_b)

    def test_latex_has_no_control_characters(self, tmp_path: Path) -> None:
        with WriteText(tmp_path / "s", "process") as texts:
            texts.extend(["\x1b[31mred"])
        table = cutflow(tmp_path / "s", [], by="process").to_latex()
        assert "\x1b" not in table
        assert r"\textbackslash{}x1b[31mred" in table

    def test_latex_is_a_table_of_booktabs_with_escaped_names(self) -> None:
        flow = CutFlow(
            steps=("all", "n_jets >= 4 && x < 10%"),
            groups=("tt_$H$", "b"),
            counts=np.array([[4000, 8], [1000, 4]]),
            sums=np.array([[1234.56, 3e-7], [617.28, 2e-7]]),
            errors=np.array([[35.1, 1e-8], [20.0, 1e-8]]),
            by=("process",),
            weight="w",
            signal=("tt_$H$",),
            background=("b",),
        )
        lines = [line.split(" & ") for line in flow.to_latex().splitlines()]
        head, top, names, line, *rows, other, last, bottom, foot = lines
        assert (head, foot) == ([r"\begin{tabular}{lrrrr}"], [r"\end{tabular}"])
        assert (top, line, other, bottom) == (
            [r"\toprule"],
            [r"\midrule"],
            [r"\midrule"],
            [r"\bottomrule"],
        )
        assert names == ["step", r"tt\_\$H\$", "b", "$S/B$", r"$S/\sqrt{B}$ \\"]
        small = r"$3.00 \times 10^{-7} \pm 1.0 \times 10^{-8}$"
        ratios = [r"$4.12 \times 10^{9}$", r"$2.25 \times 10^{6}$ \\"]
        assert rows[0] == ["all", r"$1{,}235 \pm 35$", small, *ratios]
        assert rows[1][0] == r"n\_jets \textgreater{}= 4 \&\& x \textless{} 10\%"
        errors = 100 * flow.cumulative_efficiency_errors[1]
        assert last[1] == rf"$50.0 \pm {errors[0]:.1f}\,\%$"
        assert last[2] == rf"$66.7 \pm {errors[1]:.1f}\,\%$"

    @pytest.mark.parametrize("log", [False, True])
    def test_a_bar_of_each_step_and_group_has_its_sum(self, flow: CutFlow, log: bool) -> None:
        figure = flow.plot(log=log)
        bars = [bar for bar in figure.axes[0].containers if hasattr(bar, "patches")]
        heights = np.array([[patch.get_height() for patch in bar.patches] for bar in bars])
        np.testing.assert_allclose(heights, flow.sums.T)
        np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), flow.s_over_sqrt_b)
        assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
            *flow.groups
        ]
        labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
        assert labels == list(flow.steps)

    @pytest.mark.parametrize("cuts", [[], ["nJets > 99"], ["met > 0"] * 12])
    @pytest.mark.parametrize("options", [{}, {"by": "nJets"}, {"by": "good", "weight": "-2.0"}])
    def test_any_cut_flow_is_drawn(
        self, cuts: list[str], options: dict[str, Any], store: Path, tmp_path: Path
    ) -> None:
        cutflow(store, cuts, **options).plot(tmp_path / "flow.png")
        assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "cut", ["20 < jet_pt < 50", "n > 0 && jet_pt > 20 && jet_pt < 50", "jet_pt > 20 && jet_pt < 50"]
)
def test_the_steps_of_one_text_are_of_the_same_element(cut: str, tmp_path: Path) -> None:
    with WriteVector(tmp_path, "n") as n, WriteJagged(tmp_path, "jet_pt") as pt:
        n.extend(np.array([2, 1]))
        pt.append(np.array([10.0, 90.0]))
        pt.append(np.array([30.0]))
    last = cutflow(tmp_path, cut).counts[-1].tolist()
    assert last == [len(compute_cut_batched(tmp_path, cut))] == [1]


def test_what_is_warned_of_does_not_depend_on_the_steps(tmp_path: Path) -> None:
    with WriteVector(tmp_path, "n") as n, WriteJagged(tmp_path, "j") as j:
        n.extend(np.arange(3))
        j.extend(Jagged(np.arange(3.0), np.arange(4)))
    with WriteJagged(tmp_path, "k") as k:
        k.extend(Jagged(np.arange(2.0), np.array([0, 1, 2, 2])))
    for step_size in (1, 100):
        with pytest.warns(CutWarning, match="differ in length"):
            cutflow(tmp_path, ["n < 1", "j > k"], step_size=step_size)


def test_a_stale_group_is_said_to_be_stale(tmp_path: Path) -> None:
    with WriteVector(tmp_path, "n") as n:
        n.extend(np.arange(3))
    memmpy.open(tmp_path).add("m", "n % 2")
    with WriteVector(tmp_path, "n") as n:
        n.extend(np.arange(1, 4))
    with pytest.raises(ColumnError, match=r"column 'm' of .* is stale"):
        cutflow(tmp_path, ["n > 0"], by="m")
    with pytest.raises(ColumnError, match="column 'm', which names events, is stale"):
        memmpy.open(tmp_path).loader("train", keys=["n"], splits=memmpy.Splits(by=("m",)))
