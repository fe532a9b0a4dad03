"""Tests of the audit of a training set, with planted faults."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Jagged, Objects, RFileConfig, Splits
from memmpy.errors import OptionError, SplitError
from tests.conftest import CLIPS, EMPTIES
from tests.training.audit.training_sets import (
    above_info,
    clean_columns,
    of_kind,
    training_set_of,
    write_columns,
)

pytestmark = [
    CLIPS,
    EMPTIES,
    pytest.mark.filterwarnings("ignore::memmpy.errors.FitWarning"),
]

NUM = 4000
OBJECTS: dict[str, Any] = {
    "event": ["pt", "eta", "njets", "tagged", "log(pt)"],
    "jets": Objects(["jet_pt", "jet_eta"], length=20),
    "lists": Objects(["jet_pt", "jet_eta"]),
}


@pytest.mark.slow_together
@pytest.mark.parametrize("seed", range(20))
def test_a_clean_training_set_has_nothing_above_info(tmp_path: Path, seed: int) -> None:
    columns = clean_columns(NUM, seed=seed)
    has_folds = seed % 2 == 1
    splits = Splits(
        by=("event",), seed=seed, num_folds=4 if has_folds else None, val=0.1 if has_folds else None
    )
    data = training_set_of(tmp_path / "s", columns, inputs=OBJECTS, splits=splits)
    audit = data.check()
    assert above_info(audit) == []
    assert (audit.path, audit.num_entries) == (str(tmp_path / "s"), NUM)
    assert {one.kind for one in audit.findings} == {"class share", "KS distance"}
    assert len(of_kind(audit, "KS distance")) == 3  # one for each input


def test_an_audit_is_the_same_each_time(tmp_path: Path) -> None:
    data = training_set_of(tmp_path / "s", clean_columns(NUM), inputs=OBJECTS)
    assert data.check() == data.check()


def test_missing_and_infinite_values_are_counted_by_class(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    signal = np.flatnonzero(columns["signal"])
    columns["eta"][signal[:40]] = np.nan
    columns["pt"][signal[:7]] = np.inf
    columns["pt"][np.flatnonzero(~columns["signal"])[:3]] = -np.inf
    audit = training_set_of(tmp_path / "s", columns).check()
    (nan,), (infinite,) = of_kind(audit, "NaN"), of_kind(audit, "infinite")
    assert (nan.key, nan.count, nan.level) == ("eta", 40, "info")
    assert nan.where == f"input 'event': {100 * 40 / len(signal):.1f} % of signal"
    assert (infinite.key, infinite.count, infinite.level) == ("pt", 10, "warning")
    assert "of background" in infinite.where
    assert "of signal" in infinite.where


def test_a_float64_that_float32_cannot_hold_is_infinite(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["eta"][5] = 1e300
    with pytest.warns(memmpy.errors.ConversionWarning, match="do not fit into float32"):
        data = training_set_of(tmp_path / "s", columns)
    audit = data.check()
    assert [(one.key, one.count) for one in of_kind(audit, "infinite")] == [("eta", 1)]


def test_constant_and_empty_keys_are_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["pt"][:] = 3.0
    columns["eta"][:] = np.nan
    audit = training_set_of(tmp_path / "s", columns).check()
    for kind, key in (("constant", "pt"), ("empty", "eta")):
        (one,) = of_kind(audit, kind)
        assert (one.key, one.where, one.count, one.level) == (key, "input 'event'", NUM, "warning")


def test_what_is_constant_or_empty_in_one_class_alone_is_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    signal = columns["signal"]
    columns["njets"][signal] = 2
    columns["eta"][~signal] = np.nan
    audit = training_set_of(tmp_path / "s", columns).check()
    (constant,) = of_kind(audit, "constant")
    assert (constant.key, constant.count, constant.level) == ("njets", signal.sum(), "warning")
    assert constant.where == "input 'event', class 'signal': 2"
    (empty,) = of_kind(audit, "empty")
    assert (empty.key, empty.count, empty.level) == ("eta", (~signal).sum(), "warning")
    assert empty.where == "input 'event', class 'background'"


def test_a_rare_flag_that_a_class_lacks_by_chance_is_no_finding(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["tagged"] = np.zeros(NUM, np.bool_)
    columns["tagged"][np.flatnonzero(~columns["signal"])[:5]] = True
    inputs = {"event": ["pt", "tagged"]}
    assert above_info(training_set_of(tmp_path / "s", columns, inputs=inputs).check()) == []


@pytest.mark.parametrize("value", [-999.0, -99.0, 9999.0, -1e30, 12345.0])
@pytest.mark.parametrize("share", [0.003, 0.3])
def test_a_value_that_means_missing_is_a_spike(tmp_path: Path, value: float, share: float) -> None:
    columns = clean_columns(2 * NUM)
    columns["pt"][np.random.default_rng(1).random(2 * NUM) < share] = value
    data = training_set_of(tmp_path / "s", columns)
    (spike,) = of_kind(data.check(), "spike")
    is_train = memmpy.open(tmp_path / "s").split_of() == 0
    num = int(np.count_nonzero(columns["pt"][is_train] == np.float32(value)))
    assert (spike.key, spike.count, spike.level) == ("pt", num, "warning")
    assert spike.where == f"input 'event': {np.float32(value):g} in {num:,} sampled values"
    audit = training_set_of(tmp_path / "t", columns, missing=value).check()
    assert above_info(audit) == []
    assert [one.key for one in of_kind(audit, "NaN")] == ["pt"]


def test_spikes_of_objects_are_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    content = columns["jet_eta"].content.copy()
    content[::20] = -999
    columns["jet_eta"] = Jagged(content, columns["jet_eta"].offsets)
    inputs = {
        "jets": Objects(["jet_pt", "jet_eta"], length=10),
        "lists": Objects(["jet_pt", "jet_eta"]),
    }
    audit = training_set_of(tmp_path / "s", columns, inputs=inputs).check()
    jets, lists = of_kind(audit, "spike")
    assert (jets.key, lists.key) == ("jet_eta", "jet_eta")
    assert jets.count == lists.count


@pytest.mark.parametrize("sign", [1, -1])
def test_a_key_that_tells_the_class_alone_is_found(tmp_path: Path, sign: int) -> None:
    columns = clean_columns(NUM)
    columns["eta"] += sign * 6.0 * columns["signal"]
    (one,) = of_kind(training_set_of(tmp_path / "s", columns).check(), "AUC")
    assert (one.key, one.level) == ("eta", "warning")
    assert f"class 'signal': AUC {'1.0000' if sign > 0 else '0.0000'}" in one.where


def test_a_key_that_only_helps_is_no_finding(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["eta"] += 3.0 * columns["signal"]  # an AUC of 0.983
    assert above_info(training_set_of(tmp_path / "s", columns).check()) == []


def test_the_number_of_objects_may_tell_the_class(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    counts = np.where(columns["signal"], 8, columns["jet_pt"].counts.clip(0, 4))
    offsets = np.append(0, np.cumsum(counts))
    content = np.random.default_rng(0).exponential(30.0, offsets[-1])
    columns["jet_pt"] = Jagged(content, offsets)
    for inputs in (Objects(["jet_pt"], length=8), Objects(["jet_pt"])):
        data = training_set_of(tmp_path / "s", columns, inputs={"jets": inputs})
        assert ("AUC", "number of objects") in above_info(data.check())


def test_each_of_several_classes_is_compared_with_all_others(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["kind"] = np.arange(NUM) % 3
    columns["eta"] += 10.0 * columns["kind"]
    labels = {"a": "kind == 0", "b": "kind == 1", "c": "kind == 2"}
    found = of_kind(training_set_of(tmp_path / "s", columns, labels=labels).check(), "AUC")
    assert {one.where.split(": ")[0] for one in found} == {
        "input 'event', class 'a'",
        "input 'event', class 'c'",
    }


def test_train_that_differs_from_test_is_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    # A rule made elsewhere: events of high momentum train.
    columns["side"] = np.where(columns["eta"] > 0.5, 2, np.arange(NUM) % 2)
    splits = Splits(split_by="side")
    audit = training_set_of(tmp_path / "s", columns, splits=splits).check()
    found = of_kind(audit, "KS distance", "warning")
    assert {one.key for one in found} == {"eta"}
    assert len(found) == 2  # for both classes
    assert "input 'event', train and test, class 'signal'" in found[1].where
    train, test = (columns["signal"] & (columns["side"] == side) for side in (0, 2))
    assert found[1].count == train.sum() + test.sum()
    # The least value of test is above 0.5, and of train below: the distance is 1.
    assert ": 1, p = " in found[1].where


def test_the_fold_chooses_the_splits(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["part"] = np.where(columns["eta"] > 0.7, 1, 2 * (np.arange(NUM) % 2))
    splits = Splits(by=("event",), fold_by="part", num_folds=3, val=0.1)
    data = training_set_of(tmp_path / "s", columns, splits=splits)
    distances = {
        fold: min(
            float(one.where.split(": ")[1].split(",")[0])
            for one in of_kind(data.check(fold), "KS distance", "warning")
        )
        for fold in (0, 1, 2)
    }
    assert distances[1] == 1.0
    assert distances[0] < 0.5
    assert distances[2] < 0.5
    assert data.check() == data.check(0)
    with pytest.raises(OptionError, match="no fold 3 of 3 folds"):
        data.check(3)


def test_without_folds_none_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="has no folds"):
        training_set_of(tmp_path / "s", clean_columns(100)).check(0)


def test_rows_of_one_event_are_not_counted_as_independent(tmp_path: Path) -> None:
    # 100 events with 100 equal rows each: whatever differs between splits is chance.
    columns = clean_columns(100)
    rows = {
        key: np.repeat(values, 100)
        for key, values in columns.items()
        if not isinstance(values, Jagged)
    }
    audit = training_set_of(tmp_path / "s", rows, inputs={"event": ["pt", "eta", "tagged"]}).check()
    assert [
        one for one in audit.findings if one.level == "warning" and one.kind != "constant"
    ] == []


def test_objects_beyond_the_length_are_counted(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    counts = columns["jet_pt"].counts
    inputs = {"jets": Objects(["jet_pt", "jet_eta"], length=3)}
    (one,) = of_kind(training_set_of(tmp_path / "s", columns, inputs=inputs).check(), "clipped")
    assert (one.count, one.level) == (int(np.count_nonzero(counts > 3)), "warning")
    share = np.maximum(counts - 3, 0).sum() / counts.sum()
    assert one.where == f"input 'jets', 3 of up to {counts.max()} objects: {100 * share:.1f} %"


def test_shares_of_classes_are_told_for_each_split(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["side"] = np.arange(NUM) % 3
    data = training_set_of(tmp_path / "s", columns, splits=Splits(split_by="side"))
    first, second = of_kind(data.check(), "class share")
    shares = [100 * columns["signal"][columns["side"] == side].mean() for side in range(3)]
    text = ", ".join(
        f"{name} {share:.1f} %"
        for name, share in zip(("train", "val", "test"), shares, strict=True)
    )
    assert (second.where, second.level) == (f"class 'signal': {text}", "info")
    assert (first.count, second.count) == ((~columns["signal"]).sum(), columns["signal"].sum())


def test_a_class_that_is_rarer_in_train_is_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["side"] = np.arange(NUM) % 3
    columns["side"][np.flatnonzero(columns["signal"])[:800]] = 2
    data = training_set_of(tmp_path / "s", columns, splits=Splits(split_by="side"))
    found = of_kind(data.check(), "class share")
    assert [one.level for one in found] == ["warning", "warning"]


def test_classes_with_few_training_events_are_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["kind"] = np.ones(NUM, np.int32)
    columns["kind"][:50] = 2
    columns["side"] = np.zeros(NUM, np.int32)
    columns["side"][1000:] = 2
    labels = {"none": "kind == 0", "many": "kind == 1", "few": "kind == 2"}
    data = training_set_of(tmp_path / "s", columns, labels=labels, splits=Splits(split_by="side"))
    none, few = of_kind(data.check(), "few events")
    assert (none.where, none.count, none.level) == ("train, class 'none'", 0, "error")
    assert (few.where, few.count, few.level) == ("train, class 'few'", 50, "warning")


def test_many_negative_weights_are_told(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    is_negative = (np.arange(NUM) % 4 == 0) & columns["signal"]
    columns["w"][is_negative] *= -1
    (one,) = of_kind(training_set_of(tmp_path / "s", columns).check(), "negative weights")
    assert one.level == "info"
    assert "class 'signal'" in one.where
    assert "effective events" in one.where


def test_weights_of_which_few_matter_are_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["w"][np.flatnonzero(columns["signal"])[::50]] = 300.0
    audit = training_set_of(tmp_path / "s", columns).check()
    (one,) = of_kind(audit, "effective events")
    assert (one.key, one.level) == ("weight", "warning")
    assert "class 'signal'" in one.where


def test_an_event_that_decides_is_found(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["side"] = np.arange(NUM) % 3
    entry = int(np.flatnonzero(~columns["signal"] & (columns["side"] == 0))[7])
    is_train = ~columns["signal"] & (columns["side"] == 0)
    columns["w"][is_train] = 1.0
    columns["w"][entry] = 0.06 / 0.94 * (is_train.sum() - 1)
    data = training_set_of(tmp_path / "s", columns, splits=Splits(split_by="side"))
    (one,) = of_kind(data.check(), "large weight")
    assert one.where == f"train, class 'background': entry {entry:,} has 6.0 %"
    assert (one.count, one.level) == (1, "warning")


def test_weights_that_are_not_finite_are_errors(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["w"][:3] = np.nan
    columns["w"][3] = np.inf
    audit = training_set_of(tmp_path / "s", columns).check()
    found = of_kind(audit, "not finite")
    assert sum(one.count for one in found) == 4
    assert audit.level == "error"


def test_a_training_set_without_labels_and_weights_can_be_checked(tmp_path: Path) -> None:
    data = training_set_of(tmp_path / "s", clean_columns(NUM), labels=None, weight=None)
    audit = data.check()
    assert [one.kind for one in audit.findings] == ["KS distance"]
    assert "class" not in audit.findings[0].where


def test_events_of_no_class_are_told_apart(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    columns["eta"][columns["njets"] > 5] = np.nan
    labels = {"background": "!signal && njets <= 5", "signal": "signal && njets <= 5"}
    data = training_set_of(
        tmp_path / "s", columns, labels=labels, others="keep", inputs={"event": ["pt", "eta"]}
    )
    (nan,) = of_kind(data.check(), "NaN")
    assert nan.where == "input 'event': 100 % of no class"


def test_no_events_are_an_error(tmp_path: Path) -> None:
    audit = training_set_of(tmp_path / "s", clean_columns(NUM), cut="pt < 0").check()
    (one,) = audit.findings
    assert (one.kind, one.count, one.level) == ("cut", NUM, "error")


def test_other_events_have_no_findings_on_what_is_fitted(tmp_path: Path) -> None:
    columns = clean_columns(NUM)
    data = training_set_of(tmp_path / "s", columns)
    recorded = {key: values for key, values in columns.items() if key not in {"signal", "w"}}
    recorded["eta"][:] = 2.0
    memmpy.open(write_columns(tmp_path / "data", recorded)).set_splits(data.splits)
    audit = data.apply_to(tmp_path / "data").check()
    assert above_info(audit) == [("constant", "eta")]
    assert {one.kind for one in audit.findings} == {"constant", "KS distance"}


@pytest.fixture
def files(tmp_path: Path) -> list[RFileConfig]:
    """Return two files of a process, of which the second has other momenta, and one of another."""
    configs = []
    for number, (name, process) in enumerate([("a", "ttH"), ("b", "ttH"), ("c", "ttbb")]):
        columns = clean_columns(NUM, seed=number)
        events = {key: columns[key] for key in ("eta", "njets")}
        events["pt"] = columns["pt"] * (1.5 if name == "b" else 1.0)
        events["event"] = columns["event"] + 10_000 * number
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file["Events"] = events
        configs.append(RFileConfig(tmp_path / f"{name}.root", "Events", {"process": process}))
    return configs


def test_files_of_a_process_that_differ_are_told(tmp_path: Path, files: list[RFileConfig]) -> None:
    data = memmpy.training_set(
        files,
        tmp_path / "s",
        inputs={"event": ["pt", "eta", "njets"]},
        labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    )
    audit = data.check()
    assert above_info(audit) == []
    (one,) = [found for found in of_kind(audit, "KS distance") if ".root" in found.where]
    assert (one.key, one.count) == ("pt", NUM)
    pt = data.skim.rows["event"][:, 0]
    is_first = data.skim.rows["_index"] < NUM
    is_second = (data.skim.rows["_index"] < 2 * NUM) & ~is_first
    points = pt[is_first | is_second]
    distance = np.abs(
        np.searchsorted(np.sort(pt[is_first]), points, side="right") / NUM
        - np.searchsorted(np.sort(pt[is_second]), points, side="right") / NUM
    ).max()
    assert one.where in {f"input 'event', ttH: {name}.root, {distance:.3g}" for name in ("a", "b")}


def test_files_of_a_process_that_agree_are_not_told(
    tmp_path: Path, files: list[RFileConfig]
) -> None:
    data = memmpy.training_set(files, tmp_path / "s", inputs={"event": ["eta", "njets"]})
    assert not [one for one in of_kind(data.check(), "KS distance") if ".root" in one.where]
