"""Numbers of files: cross sections, sums of generated weights, and stand-ins for branches."""

import dataclasses
import itertools
import math
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Splits, Work, convert, plan_conversion
from memmpy.columns import load_memmaps
from memmpy.errors import ColumnError, MissingKeyError, OptionError, SplitError
from memmpy.store import lineage_of, read_metadata

LUMI = 11467.0
XSEC = {"ggH": 1.23, "DY": 3503.7}
TOTALS = {"sum_w": "Runs:genEventSumw"}
WEIGHT = "genWeight * xsec * 11467 / sum_w"
#: Generated events of each file; events with an even number are skimmed to 30 %.
FILES = {"ggH_1": 1_000, "ggH_2": 370, "DY_1": 800, "DY_2": 2_001}


def generated(name: str) -> np.ndarray:
    """Return the weights of all generated events of a file, some of them negative."""
    generator = np.random.default_rng(list(name.encode()))
    return generator.normal(0.7, 1.0, FILES.get(name, 50)).astype(np.float32)


def selected(name: str) -> np.ndarray:
    """Return the weights of the events that a skim kept."""
    return generated(name)[np.arange(len(generated(name))) % 10 < 3]


def write(folder: Path, name: str, *, keep: bool = True, has_weight: bool = True) -> Path:
    """Write a skimmed file, with the sum over all generated events in two runs."""
    weights = selected(name) if keep else selected(name)[:0]
    branches = {"met": np.arange(len(weights), dtype=np.float32), "genWeight": weights}
    if not has_weight:
        del branches["genWeight"]
    both = np.array_split(generated(name).astype(np.float64), 2)
    with uproot.recreate(folder / f"{name}.root") as file:
        tree = file.mktree("Events", {key: values.dtype for key, values in branches.items()})
        if len(weights):
            tree.extend(branches)
        runs = {
            "genEventSumw": np.array([math.fsum(one) for one in both]),
            "genEventCount": np.array([len(one) for one in both]),
        }
        make = file.mkrntuple if name.endswith("2") else file.mktree
        make("Runs", {key: values.dtype for key, values in runs.items()}).extend(runs)
        file["dir/cutflow"] = np.histogram(np.zeros(len(generated(name))), [-1, 1, 2])
    return folder / f"{name}.root"


def config(path: Path, process: str, **more: Any) -> RFileConfig:
    metadata = {"process": process, "xsec": XSEC[process], **more.pop("metadata", {})}
    return RFileConfig(path, "Events", metadata, **{"totals": TOTALS, **more})


@pytest.fixture
def samples(tmp_path: Path) -> list[RFileConfig]:
    return [config(write(tmp_path, name), name.partition("_")[0]) for name in FILES]


def columns_of(store: Path, *keys: str) -> Any:
    return load_memmaps(store, keys or None)


def total_of(process: str) -> float:
    """Return the sum of the weights of all generated events of a process."""
    names = [name for name in FILES if name.startswith(process)]
    return math.fsum(float(w) for name in names for w in generated(name))


class TestYields:
    def test_they_are_xsec_times_lumi_times_acceptance(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        store = tmp_path / "store"
        for i, order in enumerate(itertools.permutations(samples)):
            if i % 7:  # of 24
                continue
            convert(order, store, keys={"genWeight", "met"})
            columns = columns_of(store)
            for process, xsec in XSEC.items():
                names = [name for name in FILES if name.startswith(process)]
                kept = math.fsum(float(w) for name in names for w in selected(name))
                expected = xsec * LUMI * kept / total_of(process)
                entries = memmpy.open(store).cut(f"process == '{process}'")
                weights = columns["genWeight"][entries].astype(np.float64)
                numbers = columns["xsec"][entries] * LUMI / columns["sum_w"][entries]
                assert math.fsum(weights * numbers) == pytest.approx(expected, rel=1e-12)

    def test_a_weight_may_be_an_alias_of_a_conversion(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        store = tmp_path / "store"
        convert(samples, store, keys={"weight"}, aliases={"weight": WEIGHT})
        expected = [
            weight.astype(np.float64) * XSEC[process] * LUMI / total_of(process)
            for name in FILES
            for process, weight in [(name.partition("_")[0], selected(name))]
        ]
        assert columns_of(store)["weight"] == pytest.approx(np.concatenate(expected), rel=1e-14)

    def test_a_file_without_events_counts(self, tmp_path: Path) -> None:
        files = [
            config(write(tmp_path, "ggH_1"), "ggH"),
            config(write(tmp_path, "ggH_2", keep=False), "ggH"),
        ]
        convert(files, tmp_path / "store", keys={"met"})
        columns = columns_of(tmp_path / "store")
        assert columns["sum_w"] == pytest.approx(total_of("ggH"), rel=1e-15)
        assert len(set(columns["sum_w"])) == 1
        assert len(columns["met"]) == len(selected("ggH_1"))

    def test_a_file_without_events_changes_the_columns_of_the_total_alone(
        self, tmp_path: Path
    ) -> None:
        files = [
            config(write(tmp_path, "ggH_1"), "ggH"),
            config(write(tmp_path, "ggH_2", keep=False), "ggH"),
        ]
        store = tmp_path / "store"
        options: dict[str, Any] = {"keys": {"met", "w"}, "aliases": {"w": "met / sum_w"}}
        convert(files[:1], store, **options)
        before = read_metadata(store).columns
        convert(files, store, **options)
        after = read_metadata(store).columns
        changed = {key for key in after if after[key].fingerprint != before[key].fingerprint}
        assert changed == {"sum_w", "w"}
        assert columns_of(store)["sum_w"] == pytest.approx(total_of("ggH"), rel=1e-15)

    def test_a_file_counts_once_whatever_its_parts_and_variations(self, tmp_path: Path) -> None:
        file = write(tmp_path, "ggH_1")
        with uproot.update(file) as root:
            root["Events_up"] = {"met": np.arange(3, dtype=np.float32)}
        copy = Path(shutil.copy2(file, tmp_path / "copy.root"))
        up: dict[str, Any] = {"process": "ggH", "xsec": 1.23, "variation": "up"}
        files = [
            config(file, "ggH", metadata={"variation": ""}, entry_stop=10),
            config(file, "ggH", metadata={"variation": ""}, entry_start=10, entry_stop=20),
            config(copy, "ggH", metadata={"variation": ""}, entry_start=20),
            RFileConfig(file, "Events_up", up, totals=TOTALS),
        ]
        convert(files, tmp_path / "store", keys={"met"})
        (value,) = set(columns_of(tmp_path / "store")["sum_w"])
        assert value == pytest.approx(math.fsum(generated("ggH_1").astype(float)), rel=1e-15)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("definition", "expected"),
        [
            ("Runs:genEventCount", 1_370),
            ("Runs:genEventCount * 2 + 1", 2_744),
            ("Runs:genEventCount > 200", 2),
            ("Runs:1", 4),
            ("dir/cutflow[1]", 1_370),
            ("dir/cutflow[0]", 0),
            ("dir/cutflow[3]", 0),
            ("Events:genWeight < 0", sum((selected(n) < 0).sum() for n in ("ggH_1", "ggH_2"))),
        ],
    )
    def test_trees_and_histograms_are_summed(
        self, definition: str, expected: float, tmp_path: Path
    ) -> None:
        files = [
            config(write(tmp_path, name), "ggH", totals={"n": definition})
            for name in ("ggH_1", "ggH_2")
        ]
        convert(files, tmp_path / "store", keys={"met"})
        column = columns_of(tmp_path / "store")["n"]
        assert column.dtype == np.float64
        assert set(column) == {expected}

    def test_workers_give_the_same_columns(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        keys = {"genWeight", "weight"}
        aliases = {"weight": WEIGHT}
        convert(samples, tmp_path / "one", keys=keys, aliases=aliases)
        with ProcessPoolExecutor(2) as executor:
            work = Work(executor=executor, step_bytes=1_000)
            convert(samples, tmp_path / "two", keys=keys, aliases=aliases, work=work)
        one, two = columns_of(tmp_path / "one"), columns_of(tmp_path / "two")
        assert one.keys() == two.keys() == {*keys, "process", "xsec", "sum_w"}
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])

    @pytest.mark.slow
    @pytest.mark.real
    def test_a_tree_of_cms_is_summed(self, real_data: Path, tmp_path: Path) -> None:
        file = real_data / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
        totals = {"sum_w": "Events:genWeight", "num": "Events:1", "jets": "Events:Jet_pt"}
        files = RFileConfig(file, "Events", {"process": "ttbar"}, entry_stop=5, totals=totals)
        convert(files, tmp_path / "store", keys={"nJet"})
        columns = columns_of(tmp_path / "store")
        with uproot.open(file) as root:
            weights = root["Events/genWeight"].array(library="np").astype(np.float64)
            jets = root["Events/Jet_pt"].array().layout.content.data.astype(np.float64)
        assert set(columns["sum_w"]) == {math.fsum(weights)}
        assert set(columns["num"]) == {len(weights)}
        assert set(columns["jets"]) == {math.fsum(jets)}

    @pytest.mark.real
    def test_a_histogram_that_root_wrote_is_read(self, real_data: Path, tmp_path: Path) -> None:
        file = real_data / "tree_cycles_hist.root"
        with uproot.open(file) as root:
            values = root["myTH1D"].values(flow=True)
        number = int(np.argmax(values))
        convert(
            RFileConfig(file, "Events", totals={"n": f"myTH1D[{number}]"}),
            tmp_path / "store",
            keys={"Jet_pt"},
        )
        assert set(columns_of(tmp_path / "store")["n"]) == {values[number]}
        assert values[number] > 0


class TestColumns:
    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            ((1, 2**53 + 1), np.int64),
            ((True, False), np.bool_),
            ((True, 7), np.int64),
            ((1, 2.5), np.float64),
            ((True, 0.5), np.float64),
            ((-(2**63), 2**63 - 1), np.int64),
        ],
    )
    def test_numbers_keep_their_value(
        self, values: tuple[Any, Any], dtype: Any, tmp_path: Path
    ) -> None:
        files = [
            RFileConfig(write(tmp_path, name), "Events", {"process": name, "x": value})
            for name, value in zip(("ggH_1", "ggH_2"), values, strict=True)
        ]
        convert(files, tmp_path / "store", keys={"met"})
        column = columns_of(tmp_path / "store")["x"]
        num = len(selected("ggH_1"))
        assert column.dtype == dtype
        assert column[:num].tolist() == [values[0]] * num
        assert column[num:].tolist() == [values[1]] * len(selected("ggH_2"))

    @pytest.mark.parametrize("value", [1.5, 3, True])
    def test_a_number_that_a_file_lacks_is_nan(self, value: Any, tmp_path: Path) -> None:
        files = [
            RFileConfig(write(tmp_path, "ggH_1"), "Events", {"process": "a", "x": value}),
            RFileConfig(write(tmp_path, "ggH_2"), "Events", {"process": "b"}),
        ]
        convert(files, tmp_path / "store", keys={"met"})
        column, num = columns_of(tmp_path / "store")["x"], len(selected("ggH_1"))
        assert column.dtype == np.float64
        assert set(column[:num]) == {float(value)}
        assert np.isnan(column[num:]).all()

    def test_an_integer_that_float64_does_not_hold_is_refused_beside_a_missing_one(
        self, tmp_path: Path
    ) -> None:
        files = [
            RFileConfig(write(tmp_path, "ggH_1"), "Events", {"process": "a", "x": 2**53 + 1}),
            RFileConfig(write(tmp_path, "ggH_2"), "Events", {"process": "b"}),
        ]
        with pytest.raises(
            OptionError, match=r"'x' is 9007199254740993 in the metadata of .*1\.ro"
        ):
            convert(files, tmp_path / "store", keys={"met"})

    def test_cuts_use_numbers_and_totals(self, samples: list[RFileConfig], tmp_path: Path) -> None:
        convert(samples, tmp_path / "store", keys={"genWeight"})
        store = memmpy.open(tmp_path / "store")
        is_dy = store.cut("xsec > 1000")
        np.testing.assert_array_equal(is_dy, store.cut("process == 'DY'"))
        half = total_of("ggH") / 2 + total_of("DY") / 2
        small = "ggH" if total_of("ggH") < total_of("DY") else "DY"
        entries = store.cut("x < limit", aliases={"x": "2 * sum_w"}, constants={"limit": 2 * half})
        np.testing.assert_array_equal(entries, store.cut(f"process == '{small}'"))

    def test_a_stale_number_names_the_way_out(self, tmp_path: Path) -> None:
        path, file = tmp_path / "store", write(tmp_path, "ggH_1")
        convert(config(file, "ggH"), path, keys={"met"})
        convert(RFileConfig(write(tmp_path, "ggH_2"), "Events"), path, keys={"met"})
        message = (
            r"it is metadata: convert again with metadata=\{'xsec': ...\} for each file, or th"
        )
        with pytest.raises(ColumnError, match=message):
            columns_of(path, "xsec")

    def test_events_may_be_named_by_a_number(self, tmp_path: Path) -> None:
        files = []
        for i, name in enumerate(("ggH_1", "ggH_2")):
            event = np.arange(100, dtype=np.int64)
            with uproot.recreate(tmp_path / f"{name}.root") as file:
                file.mktree("Events", {"event": "int64"}).extend({"event": event})
            numbers = {"process": "ggH" if i else "DY", "channel": 410470 + i}
            files.append(RFileConfig(tmp_path / f"{name}.root", "Events", numbers))
        splits = Splits(by=("channel", "event"), num_folds=2, val=0.1)
        convert(files, tmp_path / "store", keys={"event"}, splits=splits)
        store = memmpy.open(tmp_path / "store")
        names = {"channel": np.repeat([410470, 410471], 100), "event": np.tile(np.arange(100), 2)}
        np.testing.assert_array_equal(store.fold_of(), splits.fold_of(names))
        renamed = [
            dataclasses.replace(files[0], metadata={"process": "DY", "channel": 7}),
            files[1],
        ]
        with pytest.raises(
            SplitError, match=r"'channel' name events and were 410470 for .*now they"
        ):
            convert(renamed, tmp_path / "store", keys={"event"}, splits=splits)

    def test_lineage_tells_the_number(self, samples: list[RFileConfig], tmp_path: Path) -> None:
        convert(samples, tmp_path / "store", keys={"met"})
        lineage = lineage_of(read_metadata(tmp_path / "store"), "xsec")
        assert [one.expression for one in lineage] == ["1.23", "1.23", "3503.7", "3503.7"]

    def test_damaged_columns_are_repaired(self, samples: list[RFileConfig], tmp_path: Path) -> None:
        store, data = tmp_path / "store", write(tmp_path, "data", has_weight=False)
        files = [*samples, RFileConfig(data, "Events", {"process": "data", "genWeight": 1.0})]
        keys = {"genWeight", "weight"}
        convert(files, store, keys=keys, aliases={"weight": WEIGHT})
        before = {key: np.array(column) for key, column in columns_of(store).items()}
        for key in ("xsec", "sum_w", "weight"):
            (array,) = read_metadata(store).columns[key].arrays.values()
            damaged = bytearray((store / array.file).read_bytes())
            damaged[-1] ^= 1
            (store / array.file).write_bytes(damaged)
            assert memmpy.open(store).verify(repair=True) == []
        for key, values in before.items():
            np.testing.assert_array_equal(columns_of(store)[key], values)


class TestStandIns:
    @pytest.fixture
    def files(self, samples: list[RFileConfig], tmp_path: Path) -> list[RFileConfig]:
        data = write(tmp_path, "data", has_weight=False)
        return [RFileConfig(data, "Events", {"process": "data", "genWeight": 1}), *samples[:2]]

    def test_the_branch_is_read_where_files_have_it(
        self, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        done = convert(files, tmp_path / "store", keys={"genWeight", "met"})
        column, num = columns_of(tmp_path / "store")["genWeight"], len(selected("data"))
        assert column.dtype == np.float32
        assert set(column[:num]) == {1.0}
        np.testing.assert_array_equal(column[num : num + len(selected("ggH_1"))], selected("ggH_1"))
        assert {Path(path).stem: set(read) for path, read in done.read.items()} == {
            "data": {"met"},
            "ggH_1": {"met", "genWeight"},
            "ggH_2": {"met", "genWeight"},
        }

    def test_a_fill_for_missing_values_may_be_given_beside_it(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"met": [1.0, 2.0], "n": [3, None]}), tmp_path / "a.parquet")
        pq.write_table(pa.table({"met": [3.0]}), tmp_path / "b.parquet")
        files = [
            RFileConfig(tmp_path / "a.parquet", None, {"process": "a"}, missing={"n": -1}),
            RFileConfig(tmp_path / "b.parquet", None, {"process": "b", "n": 7}, missing={"n": -1}),
        ]
        convert(files, tmp_path / "store", keys={"met", "n"})
        assert columns_of(tmp_path / "store")["n"].tolist() == [3, -1, 7]

    def test_an_added_file_leaves_the_others_unread(
        self, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        convert(files[1:], tmp_path / "store", keys={"genWeight"})
        done = convert(files, tmp_path / "store", keys={"genWeight"})
        assert done.read == {}
        assert set(columns_of(tmp_path / "store")["genWeight"][: len(selected("data"))]) == {1.0}

    def test_another_number_is_filled_in(self, files: list[RFileConfig], tmp_path: Path) -> None:
        convert(files, tmp_path / "store", keys={"genWeight"})
        files[0] = RFileConfig(files[0].path, "Events", {"process": "data", "genWeight": 0.5})
        assert convert(files, tmp_path / "store", keys={"genWeight"}).read == {}
        assert set(columns_of(tmp_path / "store")["genWeight"][: len(selected("data"))]) == {0.5}

    def test_load_root_takes_it(self, files: list[RFileConfig], tmp_path: Path) -> None:
        for is_skim in (True, False):
            loader = memmpy.load_root(
                files,
                tmp_path / "store",
                keys={"genWeight"},
                tcut="xsec > 0 || process == 'data'",
                aliases={"weight": "genWeight * xsec"},
                batch_size=10_000,
                shuffle=False,
                skim=is_skim,
            )
            (batch,) = loader
            assert batch.keys() == {"genWeight", "process", "xsec", "sum_w", "_index"}
            np.testing.assert_array_equal(
                batch["genWeight"], columns_of(tmp_path / "store")["genWeight"][batch["_index"]]
            )
            assert len(batch["xsec"]) == sum(len(selected(n)) for n in ("data", "ggH_1", "ggH_2"))

    def test_a_branch_that_is_no_key_is_named(
        self, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        message = r"'genWeight' is a number in .*data\.root', and a branch of .*ggH_1\.root'; add "
        for keys in ({"met"}, {"met", "gen*"}):
            with pytest.raises(OptionError, match=message + "'genWeight' to keys"):
                convert(files, tmp_path / "store", keys=keys)

    def test_a_key_that_no_file_has_as_a_branch_is_named(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        files = [*samples, RFileConfig(write(tmp_path, "data"), "Events", {"process": "data"})]
        message = r"'xsec' is a number in .*, and no file has a branch of this name; leave 'xsec' "
        with pytest.raises(MissingKeyError, match=message + "out of keys"):
            convert(files, tmp_path / "store", keys={"met", "xsec"})

    def test_a_file_that_has_both_is_named(self, tmp_path: Path) -> None:
        metadata: dict[str, Any] = {"process": "data", "genWeight": 1.0}
        files = [RFileConfig(write(tmp_path, "data"), "Events", metadata)]
        message = r"'genWeight' is a number in the metadata of .*data\.root', and a branch of it"
        with pytest.raises(OptionError, match=message):
            convert(files, tmp_path / "store", keys={"met"})

    def test_a_file_that_has_neither_is_named(
        self, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        more = RFileConfig(write(tmp_path, "x", has_weight=False), "Events", {"process": "x"})
        message = r"no branch 'genWeight' in .*x\.root', and no such number in its metadata"
        with pytest.raises(MissingKeyError, match=message):
            convert([*files, more], tmp_path / "store", keys={"genWeight"})

    @pytest.mark.parametrize(("value", "way_out"), [(0.1, "; write 0.1000"), (1e300, "$")])
    def test_a_number_that_the_branch_does_not_hold_is_refused(
        self, value: float, way_out: str, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        files[0] = RFileConfig(files[0].path, "Events", {"process": "data", "genWeight": value})
        with pytest.raises(
            OptionError, match=f"is float32, which does not hold it exactly{way_out}"
        ):
            convert(files, tmp_path / "store", keys={"genWeight"})

    def test_lists_have_no_stand_in(self, tmp_path: Path) -> None:
        for name, weights in (("a", np.zeros((3, 2))), ("b", None)):
            branches = {"met": np.zeros(3)} | ({} if weights is None else {"w": weights})
            with uproot.recreate(tmp_path / f"{name}.root") as file:
                file["Events"] = branches
        files = [
            RFileConfig(tmp_path / "a.root", "Events", {"process": "a"}),
            RFileConfig(tmp_path / "b.root", "Events", {"process": "b", "w": 1.0}),
        ]
        with pytest.raises(OptionError, match=r"a branch of .*a\.root' that is not one number for"):
            convert(files, tmp_path / "store", keys={"w"})


class TestCache:
    def test_a_second_conversion_reads_no_total(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        first = convert(samples, tmp_path / "store", keys={"met"})
        assert first.plan.num_totals_read == 4
        second = convert(samples, tmp_path / "store", keys={"met"})
        assert second.plan.num_totals_read == 0
        assert not second.plan.columns

    def test_totals_are_kept_over_a_conversion_without_them(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        convert(samples, tmp_path / "store", keys={"met"})
        plain = [RFileConfig(c.path, "Events") for c in samples]
        convert(plain, tmp_path / "store", keys={"genWeight"})
        plan = convert(samples, tmp_path / "store", keys={"met"}).plan
        assert (plan.num_opened, plan.num_totals_read, plan.columns) == (0, 0, ())

    def test_a_new_number_opens_the_files_and_reads_no_total(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        convert(samples, tmp_path / "store", keys={"met"})
        files = [dataclasses.replace(c, metadata={**c.metadata, "k_factor": 1.1}) for c in samples]
        plan = convert(files, tmp_path / "store", keys={"met"}).plan
        assert (plan.num_opened, plan.num_totals_read, plan.reads) == (4, 0, ())
        assert [column.key for column in plan.columns] == ["k_factor"]

    def test_a_changed_file_is_read_again(self, samples: list[RFileConfig], tmp_path: Path) -> None:
        convert(samples, tmp_path / "store", keys={"met"})
        file = Path(samples[1].path)
        with uproot.recreate(file) as root:
            root["Events"] = {"met": np.zeros(4, np.float32)}
            root["Runs"] = {"genEventSumw": np.array([1e6])}
        os.utime(file, ns=(1, 1))
        done = convert(samples, tmp_path / "store", keys={"met"})
        assert done.plan.num_totals_read == 1
        expected = math.fsum(generated("ggH_1").astype(float)) + 1e6
        assert columns_of(tmp_path / "store")["sum_w"][0] == pytest.approx(expected, rel=1e-15)

    def test_other_totals_make_what_depends_on_them_stale(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        path = tmp_path / "store"
        few = [samples[0], *samples[2:]]
        convert(few, path, keys={"genWeight", "met"})
        store = memmpy.open(path)
        skim = store.skim(keys={"met", "sum_w"}, cut="sum_w > 0")
        store.add("scaled", "genWeight / sum_w")
        convert(samples, path, keys={"genWeight", "met"})
        store = memmpy.open(path)
        assert not skim.is_current(read_metadata(path))
        assert "scaled" not in store
        assert set(store.cut(f"abs(sum_w - {total_of('ggH')!r}) < 1e-9")) == set(
            range(len(selected("ggH_1")) + len(selected("ggH_2")))
        )

    def test_another_number_of_the_same_files_makes_cuts_stale(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        path = tmp_path / "store"
        convert(samples, path, keys={"met"})
        assert len(memmpy.open(path).cut("xsec > 5000")) == 0
        files = [dataclasses.replace(c, metadata={**c.metadata, "xsec": 6000.0}) for c in samples]
        done = convert(files, path, keys={"met"})
        assert [column.key for column in done.plan.columns] == ["xsec"]
        assert done.read == {}
        assert len(memmpy.open(path).cut("xsec > 5000")) == len(memmpy.open(path)["met"])

    @pytest.mark.slow
    def test_another_number_makes_an_alias_stale_that_is_no_key(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        path = tmp_path / "store"
        convert(samples, path, keys={"met", "weight"}, aliases={"weight": WEIGHT})
        files = [dataclasses.replace(c, metadata={**c.metadata, "xsec": 2.5}) for c in samples]
        done = convert(files, path, keys={"met"})
        assert done.plan.stale == ("weight",)
        assert "weight" not in memmpy.open(path)
        message = (
            "the store has since been converted with other numbers or totals; convert again wi"
        )
        with pytest.raises(ColumnError, match=message):
            columns_of(path, "weight")
        convert(samples, path, keys={"met"})
        assert "weight" in memmpy.open(path)

    def test_an_alias_is_read_again_only_where_its_numbers_changed(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        options: dict[str, Any] = {"keys": {"weight"}, "aliases": {"weight": WEIGHT}}
        convert([samples[0], *samples[2:]], tmp_path / "store", **options)
        done = convert(samples, tmp_path / "store", **options)
        assert {Path(path).stem for path in done.read} == {"ggH_1", "ggH_2"}
        convert(samples, tmp_path / "new", **options)
        np.testing.assert_array_equal(
            columns_of(tmp_path / "store")["weight"], columns_of(tmp_path / "new")["weight"]
        )

    def test_all_is_read_again_if_asked(self, samples: list[RFileConfig], tmp_path: Path) -> None:
        convert(samples, tmp_path / "store", keys={"met"})
        done = convert(samples, tmp_path / "store", keys={"met"}, recreate=True)
        assert done.plan.num_totals_read == 4


class TestReport:
    def test_plan_and_conversion_show_numbers_and_totals(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        plan = plan_conversion(samples, tmp_path / "store", keys={"met"})
        for result in (plan, convert(samples, tmp_path / "store", keys={"met"})):
            text = str(result)
            assert "number   xsec: 1.23 in 2 files, 3503.7 in 2 files" in text
            nine_digits = {p: float(f"{total_of(p):.9g}") for p in XSEC}
            first, second = (f"{nine_digits[p]:,} for process={p}" for p in XSEC)
            one_line = " ".join(text.split())
            assert f"total sum_w = Runs:genEventSumw: {first}, {second}" in one_line
            assert "totals   read from 4 files" in text


class TestErrors:
    def test_other_numbers_of_the_same_metadata_name_both_files(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        files = [samples[0], RFileConfig(samples[1].path, "Events", {"process": "ggH", "xsec": 2})]
        message = (
            r"ggH_1\.root' and .*ggH_2\.root' have the same metadata \(process=ggH\), and other"
        )
        with pytest.raises(OptionError, match=message + r" numbers: \{'xsec': 1.23\} and \{'xsec'"):
            convert(files, tmp_path / "store", keys={"met"})

    @pytest.mark.parametrize("totals", [{}, {"sum_w": "Runs:genEventCount"}])
    def test_other_totals_of_the_same_metadata_name_both_files(
        self, totals: Any, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        files = [samples[0], config(Path(samples[1].path), "ggH", totals=totals)]
        message = r"ggH_1\.root' and .*ggH_2\.root' have the same metadata .*, and other totals: "
        with pytest.raises(OptionError, match=message):
            convert(files, tmp_path / "store", keys={"met"})

    def test_one_uuid_with_different_totals_names_both_files(self, tmp_path: Path) -> None:
        file = write(tmp_path, "ggH_1")
        copy = Path(shutil.copy2(file, tmp_path / "copy.root"))
        with uproot.update(copy) as root:
            root["Runs"] = {"genEventSumw": np.array([3.0])}
        files = [config(file, "ggH", entry_stop=5), config(copy, "ggH", entry_start=5)]
        message = (
            r"ggH_1\.root' and .*copy\.root' have the same UUID, and .* and 3.0 as their share"
        )
        with pytest.raises(OptionError, match=message):
            convert(files, tmp_path / "store", keys={"met"})

    def test_a_total_of_the_name_of_a_branch_is_refused(self, tmp_path: Path) -> None:
        files = config(write(tmp_path, "ggH_1"), "ggH", totals={"genWeight": "Runs:1"})
        message = r"'genWeight' is a total, and a branch of .*ggH_1\.root'; rename the total"
        with pytest.raises(OptionError, match=message):
            convert(files, tmp_path / "store", keys={"met"})

    def test_a_key_of_the_name_of_a_total_is_refused(
        self, samples: list[RFileConfig], tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="'sum_w' is both a key and a name of the metadata"):
            convert(samples, tmp_path / "store", keys={"met", "sum_w"})
