"""Tests of audits of stores with seeded defects: they find these, and nothing else."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Splits
from memmpy.columns import open_undamaged
from memmpy.errors import SplitWarning
from memmpy.store import Metadata
from memmpy.training import audit
from tests.training.stores import chain, check, found, make_events, rows, write_trees

WriteFile: TypeAlias = Callable[..., RFileConfig]


STORES = Path(__file__).parents[2] / "stores"


def test_a_clean_store_has_nothing_to_tell(write_file: WriteFile, tmp_path: Path) -> None:
    files = [
        write_file(f"{name}.root", make_events(5_000, first=first), process=name)
        for name, first in (("ttH", 0), ("ttbb", 5_000))
    ]
    done = check(files, tmp_path / "s")
    assert done.findings == ()
    assert done.level is None


def test_processes_may_share_event_numbers(write_file: WriteFile, tmp_path: Path) -> None:
    files = [
        write_file(f"{seed}.root", make_events(2_000, seed=seed), process=f"p{seed}")
        for seed in range(3)
    ]
    done = check(files, tmp_path / "s", Splits(by=("run", "event")))
    assert found(done, "warning", "error") == {}


def test_repeated_entries_of_a_file_are_counted(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(5_000)
    done = check([write_file("a.root", chain(events, rows(events, slice(500))))], tmp_path / "s")
    assert found(done) == {"repeated": 500}
    (finding,) = done.findings
    assert (finding.level, finding.key, finding.where) == ("info", "run, event", "a.root:Events")


def test_a_row_for_each_jet_is_repeated_and_right(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(1_000)
    jets = {
        "run": np.repeat(events["run"], 3),
        "event": np.repeat(events["event"], 3),
        "met": np.repeat(events["mass"], 3),
        "pt": np.random.default_rng(0).random(3_000),
    }
    done = check([write_file("a.root", jets)], tmp_path / "s")
    assert found(done) == {"repeated": 2_000}
    assert done.level == "info"


def test_entries_of_two_files_that_overlap_are_counted(
    write_file: WriteFile, tmp_path: Path
) -> None:
    first, second = make_events(20_000), make_events(20_000, first=10_000, seed=1)
    files = [
        write_file("a.root", first, process="ttH"),
        write_file("b.root", second, process="ttH"),
        write_file("c.root", make_events(100, first=50_000), process="ttH"),
    ]
    done = check(files, tmp_path / "s")
    assert found(done) == {"overlap": 10_000}
    (finding,) = done.findings
    assert finding.level == "warning"
    assert finding.where == "b.root repeats a.root"


def test_the_worst_pair_of_files_is_named(write_file: WriteFile, tmp_path: Path) -> None:
    files = [
        write_file("a.root", make_events(1_000)),
        write_file("b.root", make_events(1_000, first=900, seed=1)),
        write_file("c.root", make_events(1_000, first=1_500, seed=2)),
    ]
    (finding,) = check(files, tmp_path / "s").findings
    assert finding.count == 100 + 400
    assert finding.where == "c.root repeats b.root, and 1 more pair of files"


def test_trees_of_one_file_are_variations(tmp_path: Path) -> None:
    trees = {name: make_events(2_000, seed=seed) for seed, name in enumerate(("nom", "up", "down"))}
    path = write_trees(tmp_path / "a.root", trees)
    done = check([RFileConfig(path, name) for name in trees], tmp_path / "s")
    assert found(done) == {"variations": 4_000}
    assert done.findings[0].where == "a.root:up, and 1 more tree"
    assert done.level == "info"


def test_files_of_other_variations_may_hold_the_same_events(
    write_file: WriteFile, tmp_path: Path
) -> None:
    files = [
        write_file(f"{name}.root", make_events(1_000), process="ttH", variation=name)
        for name in ("nom", "up")
    ]
    done = check(files, tmp_path / "s", Splits(by=("run", "event")))
    assert found(done) == {"variations": 1_000}


def test_equal_rows_under_other_numbers_are_counted(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(10_000)
    copies = {**rows(events, slice(200, 500)), "event": np.arange(90_000, 90_300)}
    other = write_file("b.root", chain(make_events(10_000, first=20_000), copies))
    done = check([write_file("a.root", events), other], tmp_path / "s")
    assert found(done) == {"same rows": 300}
    (finding,) = done.findings
    assert (finding.level, finding.where) == ("warning", "b.root repeats a.root")


def test_equal_rows_inside_of_a_file_are_counted(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(20_000)
    copies = {**rows(events, slice(300)), "event": np.arange(90_000, 90_300)}
    done = check([write_file("a.root", chain(events, copies))], tmp_path / "s")
    assert found(done) == {"same rows": 300}
    assert done.findings[0].where == "within a.root"


def test_a_file_that_was_written_again_is_found_without_event_numbers(
    write_file: WriteFile, tmp_path: Path
) -> None:
    events = make_events(3_000)
    del events["run"], events["event"]
    files = [write_file(name, events) for name in ("a.root", "b.root")]
    done = check(files, tmp_path / "s")
    assert found(done) == {"same rows": 3_000, "by file": 3_000 * 2}
    assert found(done, "warning") == {"same rows": 3_000}


def test_equal_rows_of_other_trees_and_variations_are_right(
    write_file: WriteFile, tmp_path: Path
) -> None:
    events = make_events(1_000)
    others = {**events, "event": events["event"] + 5_000}
    files = [
        write_file("a.root", events, variation="nom"),
        write_file("b.root", others, variation="up"),
        write_file(
            "c.root", {**events, "event": events["event"] + 9_000}, tree="T", variation="nom"
        ),
    ]
    assert found(check(files, tmp_path / "s", Splits(by=("run", "event")))) == {}


def test_events_without_jets_are_no_copies_of_each_other(
    write_file: WriteFile, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    counts = random.poisson(3, 20_000)
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["Events"] = {
            "event": np.arange(20_000),
            "jet": ak.zip(
                {
                    name: ak.unflatten(random.random(counts.sum(), np.float32), counts)
                    for name in ("pt", "eta", "phi")
                }
            ),
        }
    done = check([RFileConfig(path, "Events")], tmp_path / "s")
    assert np.count_nonzero(counts == 0) > 900
    assert found(done, "warning", "error") == {}


def test_little_content_is_not_compared(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(20_000)
    del events["eta"], events["mass"]
    done = check([write_file("a.root", events)], tmp_path / "s")
    assert found(done) == {"same rows": 20_000}
    assert done.findings[0].level == "info"
    assert done.findings[0].where == "not looked for"


@pytest.mark.parametrize("max_kept", [100, 3_000, 1 << 20])
def test_counts_are_the_same_in_any_number_of_passes(
    max_kept: int, write_file: WriteFile, tmp_path: Path
) -> None:
    events = make_events(3_000)
    copies = {**rows(events, slice(77)), "event": np.arange(90_000, 90_077)}
    files = [
        write_file("a.root", chain(events, rows(events, slice(50, 90)))),
        write_file("b.root", chain(make_events(3_000, first=2_000, seed=1), copies)),
    ]
    memmpy.convert(files, tmp_path / "s", keys=["*"], progress=False)
    done = audit(*open_undamaged(tmp_path / "s"), max_kept=max_kept)
    assert found(done) == {"repeated": 40, "overlap": 1_000, "same rows": 77}


@pytest.mark.slow
def test_a_store_of_many_chunks_is_counted(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(300_000)
    copies = {**rows(events, slice(0, 300_000, 1_000)), "event": np.arange(900_000, 900_300)}
    parts = chain(events, rows(events, slice(299_500, 300_000)), copies)
    parts["eta"][[5, 299_999]] = np.nan
    done = check([write_file("a.root", parts)], tmp_path / "s", Splits(by=("run", "event")))
    assert found(done) == {"repeated": 500, "same rows": 300, "NaN": 2}


def test_an_identity_of_many_entries_is_counted(write_file: WriteFile, tmp_path: Path) -> None:
    events = [make_events(4_000, seed=seed) for seed in range(2)]
    for one in events:
        one["event"][:1_000] = 17
    files = [write_file(f"{i}.root", one) for i, one in enumerate(events)]
    with pytest.warns(SplitWarning):
        memmpy.convert(
            files, tmp_path / "s", keys=["*"], progress=False, splits=Splits(by=("event",))
        )
    done = memmpy.open(tmp_path / "s").check()
    assert found(done) == {
        "names": 2_000,
        "overlap": 4_000,
        "repeated": 2 * 999,
        "constant": 8_000,
    }


def test_rounded_event_numbers_are_found(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(5_000)
    numbers = (np.arange(5_000) * 1_001 + (1 << 27)).astype(np.float32)
    events["event"] = numbers.astype(np.int64)
    done = check([write_file("a.root", events)], tmp_path / "s")
    assert found(done, "warning").keys() == {"rounded"}
    assert [f.key for f in done.findings if f.kind == "rounded"] == ["event"]


def test_event_numbers_that_are_floats_are_found(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(1_000)
    events["event"] = events["event"].astype(np.float32)
    done = check([write_file("a.root", events)], tmp_path / "s")
    assert found(done, "warning") == {"rounded": 1_000}
    assert done.findings[0].where == "float32 numbers"


def test_folds_of_files_are_found(write_file: WriteFile, tmp_path: Path) -> None:
    with pytest.warns(SplitWarning):
        memmpy.convert(
            write_file("a.root", make_events(1_000)),
            tmp_path / "s",
            keys=["*"],
            progress=False,
            splits=Splits(by="file", num_folds=3),
        )
    assert found(memmpy.open(tmp_path / "s").check(), "warning") == {"by file": 1_000}


def test_a_rule_that_puts_an_event_on_two_sides_is_an_error(
    write_file: WriteFile, tmp_path: Path
) -> None:
    events = make_events(1_000)
    again = {**rows(events, slice(10)), "njets": 1 - events["njets"][:10] % 2}
    events["njets"] %= 2
    store = tmp_path / "s"
    memmpy.convert(write_file("a.root", events), store, keys=["*"], progress=False)
    splits = Splits(by=("run", "event"), fold_by="njets", num_folds=2)
    memmpy.open(store).set_splits(splits)
    files = [write_file("a.root", events), write_file("b.root", again)]
    with pytest.raises(memmpy.SplitError, match="on two sides"):
        memmpy.convert(files, store, keys=["*"], progress=False)
    done = memmpy.open(store).check()
    assert found(done, "error") == {"two sides": 10}
    assert done.level == "error"


def test_odd_values_are_found(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(1_000)
    events["mass"][[3, 5, 700]] = np.nan
    events["eta"][[9, 10]] = [np.inf, -np.inf]
    events |= {
        "year": np.full(1_000, 2018),
        "nothing": np.full(1_000, np.nan),
        "weight": np.where(np.arange(1_000) == 999, 2.0, 1.0),
    }
    done = check([write_file("a.root", events)], tmp_path / "s", Splits(by=("run", "event")))
    seen = {(one.kind, one.key): (one.count, one.where) for one in done.findings}
    assert seen == {
        ("NaN", "mass"): (3, "first in entry 3"),
        ("infinite", "eta"): (2, "first in entry 9"),
        ("constant", "year"): (1_000, "all entries"),
        ("empty", "nothing"): (1_000, "all entries"),
    }
    assert done.level == "info"


def test_columns_of_ones_own_are_looked_at_too(write_file: WriteFile, tmp_path: Path) -> None:
    memmpy.convert(
        write_file("a.root", make_events(100)), tmp_path / "s", keys=["*"], progress=False
    )
    for key, num in (("score", 100), ("table", 7)):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.full(num, 0.5))
    done = memmpy.open(tmp_path / "s").check()
    assert {(f.kind, f.key, f.count) for f in done.findings if f.key in {"score", "table"}} == {
        ("constant", "score", 100),
        ("constant", "table", 7),
    }


def test_an_empty_store_has_nothing_to_tell(tmp_path: Path) -> None:
    with memmpy.Transaction(tmp_path / "s"):
        pass
    done = memmpy.open(tmp_path / "s").check()
    assert (done.num_entries, done.findings) == (0, ())


def test_files_without_events_have_nothing_to_tell(write_file: WriteFile, tmp_path: Path) -> None:
    done = check([write_file("a.root", make_events(0))], tmp_path / "s")
    assert (done.num_entries, done.findings) == (0, ())


def test_a_store_without_files_says_that_nothing_names_its_events(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.arange(10) % 3)
    done = memmpy.open(tmp_path / "s").check()
    assert found(done) == {"by file": 10}
    assert done.level == "info"


def test_events_of_a_store_without_files_may_have_names(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "event") as column:
        column.extend(np.arange(10) % 8)
    assert found(memmpy.open(tmp_path / "s").check()) == {"repeated": 2}


def test_a_damaged_column_is_an_error_and_others_are_looked_at(
    write_file: WriteFile, tmp_path: Path
) -> None:
    events = make_events(1_000)
    store = tmp_path / "s"
    memmpy.convert(
        write_file("a.root", chain(events, rows(events, slice(10)))),
        store,
        keys=["*"],
        progress=False,
    )
    record = memmpy.open(store).snapshot.metadata.columns["mass"]
    file = store / record.arrays["values"].file
    file.write_bytes(file.read_bytes()[:-8])
    done = memmpy.open(store).check()
    assert found(done) == {"damaged": 1_010, "repeated": 10}
    assert (done.findings[0].level, done.findings[0].key) == ("error", "mass")


def test_offsets_that_fall_are_an_error(tmp_path: Path) -> None:
    lists = ak.Array([[1.0, 2.0], [3.0], [], [4.0, 5.0, 6.0]])
    path, store = tmp_path / "a.root", tmp_path / "s"
    with uproot.recreate(path) as file:
        file["Events"] = {"event": np.arange(4), "met": np.random.default_rng(0).random(4)}
        file["Lists"] = {"event": np.arange(4), "jet_pt": lists}
    memmpy.convert(RFileConfig(path, "Lists"), store, keys=["event", "jet_pt"], progress=False)
    record = memmpy.open(store).snapshot.metadata.columns["jet_pt"]
    offsets = np.load(store / record.arrays["offsets"].file, mmap_mode="r+")
    offsets[1:3] = [5, 2]
    offsets.flush()
    done = memmpy.open(store).check()
    assert found(done, "error") == {"damaged": 4}
    assert done.findings[0].key == "jet_pt"


def test_a_damaged_event_number_is_an_error(write_file: WriteFile, tmp_path: Path) -> None:
    store = tmp_path / "s"
    memmpy.convert(
        write_file("a.root", make_events(100)),
        store,
        keys=["*"],
        progress=False,
        splits=Splits(by=("run", "event")),
    )
    record = memmpy.open(store).snapshot.metadata.columns["event"]
    (store / record.arrays["values"].file).unlink()
    done = memmpy.open(store).check()
    assert found(done, "error") == {"damaged": 100, "splits": 100}


def test_splits_that_nobody_understands_are_an_error(write_file: WriteFile, tmp_path: Path) -> None:
    check([write_file("a.root", make_events(100))], tmp_path / "s")

    def spoil(metadata: Metadata) -> Metadata:
        return dataclasses.replace(metadata, splits={"splits": {"by": ["event"], "val": 0.5}})

    with memmpy.Transaction(tmp_path / "s") as transaction:
        transaction.change(spoil)
    done = memmpy.open(tmp_path / "s").check()
    assert found(done, "error") == {"splits": 100}
    assert "set_splits" in done.findings[0].message


@pytest.mark.parametrize("store", [*sorted(STORES.glob("format-*")), STORES / "memmpy-0.1.2"])
def test_stores_of_old_formats_can_be_checked(store: Path) -> None:
    assert memmpy.open(store).check().level in {None, "info"}


def test_stale_columns_are_named_and_left_out(write_file: WriteFile, tmp_path: Path) -> None:
    events = make_events(100)
    config = write_file("a.root", events)
    memmpy.convert(config, tmp_path / "s", keys=["*"], progress=False)
    config = write_file("b.root", make_events(120, first=200))
    keys = [key for key in events if key != "eta"]
    memmpy.convert(config, tmp_path / "s", keys=keys, progress=False)
    done = memmpy.open(tmp_path / "s").check()
    assert found(done) == {"stale": 100}
    assert [(one.key, one.level) for one in done.findings] == [("eta", "info")]


def test_a_copy_of_a_store_is_checked_without_its_files(
    write_file: WriteFile, tmp_path: Path
) -> None:
    config = write_file("a.root", make_events(100))
    done = check([config], tmp_path / "s")
    shutil.copytree(tmp_path / "s", tmp_path / "t")
    (tmp_path / "a.root").unlink()
    assert memmpy.open(tmp_path / "t").check().findings == done.findings


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    configs: list[RFileConfig] = []
    for folder in ("mc/new", "mc/old"):
        (tmp_path / folder).mkdir(parents=True)
        events = make_events(100, seed=len(configs))
        path = write_trees(tmp_path / folder / "a.root", {"Events": events})
        configs.append(RFileConfig(path, "Events"))
    (finding,) = check(configs, tmp_path / "s").findings
    assert finding.where == "old/a.root repeats new/a.root"
