"""Tests of reports on stores and training sets: the page has the numbers of the data."""

import html
import itertools
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import (
    RFileConfig,
    Splits,
    Store,
    WriteJagged,
    WriteVector,
    convert,
    cutflow,
    write_report,
)
from memmpy.errors import (
    CutError,
    DiskError,
    MissingFileError,
    MissingKeyError,
    MissingPackageError,
    OptionError,
)
from memmpy.report.report_code import code_of_store
from tests.conftest import CLIPS, REAL_DATA
from tests.pipeline.toy_recipe import write_toy_files
from tests.report.page_reader import PageReader

pytest.importorskip("jinja2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    write_toy_files(folder)
    return folder


def configs(folder: Path) -> list[RFileConfig]:
    return [
        RFileConfig(folder / "DY" / "a.root", "Events", {"process": "DY", "xsec": 6077.0}),
        RFileConfig(folder / "ggH" / "a.root", "Events", {"process": "ggH", "xsec": 1.5}),
    ]


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Store:
    convert(configs(folder), tmp_path / "data.mmpy", keys=["*"])
    return memmpy.open(tmp_path / "data.mmpy")


def page_of(data: Any, folder: Path, **options: Any) -> PageReader:
    return PageReader(write_report(data, folder / "report.html", **options))


def is_dy(store: Store) -> Any:
    return np.arange(1000) < 700


def test_bins_are_those_of_numpy_by_process(store: Store, tmp_path: Path) -> None:
    page, met = page_of(store, tmp_path), np.asarray(store["met"])
    edges = page.edges("met")
    for process, own in (("DY", is_dy(store)), ("ggH", ~is_dy(store))):
        expected, _ = np.histogram(met[own].astype(np.float64), edges)
        assert page.bins("met", process).tolist() == expected.tolist()
        assert expected.sum() > 0.98 * own.sum()


def test_bins_of_lists_hold_all_items(store: Store, tmp_path: Path) -> None:
    page, column = page_of(store, tmp_path), store["jet_pt"]
    edges = page.edges("jet_pt")
    for process, entries in (("DY", slice(0, 700)), ("ggH", slice(700, 1000))):
        items = column[entries].content.astype(np.float64)  # type: ignore[union-attr]
        expected, _ = np.histogram(items, edges)
        assert page.bins("jet_pt", process).tolist() == expected.tolist()


def test_bins_hold_weights_to_four_digits(store: Store, tmp_path: Path) -> None:
    page = page_of(store, tmp_path, weight="genWeight * xsec")
    weights = np.asarray(store["genWeight"]) * np.asarray(store["xsec"])
    own = is_dy(store)
    met = np.asarray(store["met"]).astype(np.float64)
    expected, _ = np.histogram(met[own], page.edges("met"), weights=weights[own])
    np.testing.assert_allclose(page.bins("met", "DY"), expected, rtol=6e-4)


def test_bins_of_texts_are_the_entries_of_each(store: Store, tmp_path: Path) -> None:
    page = page_of(store, tmp_path)
    assert page.chart("process")["labels"] == ["DY", "ggH"]
    assert page.bins("process", "DY").tolist() == [700, 0]


@CLIPS
def test_classes_of_whole_processes_are_their_sums(store: Store, tmp_path: Path) -> None:
    data = store.training_set(
        inputs={"event": ["met"]},
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
        splits=Splits(by=("process", "event")),
    )
    page = page_of(data, tmp_path)
    for process, name in (("DY", "background"), ("ggH", "signal")):
        by_class = page.bins("met", name, view=1).tolist()
        assert by_class == page.bins("met", process).tolist()


def test_classes_inside_of_a_process_are_those_of_their_cuts(store: Store, tmp_path: Path) -> None:
    data = store.training_set(
        inputs={"event": ["met"]},
        labels={"few": "npv < 30 && process == 'DY'", "many": "npv >= limit"},
        constants={"limit": 30},
        others="drop",
        splits=Splits(by=("process", "event")),
    )
    page, met = page_of(data, tmp_path), np.asarray(store["met"]).astype(np.float64)
    npv = np.asarray(store["npv"])
    for name, own in (("few", (npv < 30) & is_dy(store)), ("many", npv >= 30)):
        expected, _ = np.histogram(met[own], page.edges("met"))
        assert page.bins("met", name, view=1).tolist() == expected.tolist()
    assert page.bins("met", "DY").sum() > 0.98 * 700


def test_a_caption_has_the_mean_and_the_extremes_of_all_values(
    store: Store, tmp_path: Path
) -> None:
    page, met = page_of(store, tmp_path, keys="met"), np.asarray(store["met"])
    facts = {
        name: float(value) for name, value in re.findall(r"(mean|std|min|max) ([\d.]+)", page.text)
    }
    wide = met.astype(np.float64)
    expected = {"mean": wide.mean(), "std": wide.std(), "min": wide.min(), "max": wide.max()}
    assert facts == pytest.approx(expected, rel=6e-4)
    assert page.cards() == ["met"]


def test_processes_have_their_sums_of_weights(store: Store, tmp_path: Path) -> None:
    page = page_of(store, tmp_path, weight="genWeight")
    own = np.asarray(store["genWeight"])[:700].astype(np.float64)
    negative = np.count_nonzero(own < 0) / 700
    effective = own.sum() ** 2 / (own**2).sum()
    expected = f"DY 1 700 {own.sum():.0f} ± {np.sqrt((own**2).sum()):.0f} {effective:.0f}"
    assert f"{expected} {100 * negative:.1f} % 6,077" in page.text


def test_the_cutflow_is_that_of_the_cut(store: Store, tmp_path: Path) -> None:
    page = page_of(store, tmp_path, cut="npv > 10 && met > limit", constants={"limit": 20})
    flow = cutflow(store.path, "npv > 10 && met > limit", by="process", constants={"limit": 20})
    numbers = " ".join(f"{count:,}" for count in flow.counts[2])
    assert f"met > limit {numbers}" in page.text


def test_a_cutflow_with_a_signal_has_its_ratio_to_the_background(
    store: Store, tmp_path: Path
) -> None:
    page = page_of(store, tmp_path, cut="met > 20", weight="xsec", signal="ggH")
    met, weight = np.asarray(store["met"]), np.asarray(store["xsec"])
    sums = [weight[(met > 20) & own].sum() for own in (~is_dy(store), is_dy(store))]
    ratios = [sums[0] / sums[1], sums[0] / sums[1] ** 0.5]
    assert f" {ratios[0]:.3g} {ratios[1]:.3g} " in page.text
    assert "S/B S/√B sum of weights all" in page.text


def test_a_clean_store_is_healthy(store: Store, tmp_path: Path) -> None:
    store.set_splits(Splits(by=("process", "event")))
    page = page_of(store, tmp_path)
    assert "Healthy. The check of the store found no errors and no warnings." in page.text


def test_events_that_came_twice_are_a_warning(folder: Path, tmp_path: Path) -> None:
    write_toy_files(tmp_path)
    twice = [*configs(folder), configs(tmp_path)[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", memmpy.MemmpyWarning)
        convert(twice, tmp_path / "data.mmpy", keys=["*"])
        page = page_of(tmp_path / "data.mmpy", tmp_path)
    assert "Look at the findings before you train." in page.text
    audit = memmpy.open(tmp_path / "data.mmpy").check()
    kinds = {finding.kind for finding in audit.findings if finding.level == "warning"}
    assert "overlap" in kinds
    assert all(f"warning {kind}" in page.text for kind in kinds)
    assert "Not checked" in page_of(tmp_path / "data.mmpy", tmp_path, check=False).text


@CLIPS
def test_a_training_set_has_balance_inputs_and_correlations(store: Store, tmp_path: Path) -> None:
    data = store.training_set(
        inputs={"event": ["met", "pt_1"]},
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
        weight="genWeight",
        scale="standard",
        splits=Splits(by=("process", "event"), num_folds=3),
    )
    page = page_of(data, tmp_path)
    labels = np.concatenate([batch["label"] for batch in data.loader("val", fold=0, shuffle=False)])
    assert f"val background {np.count_nonzero(labels == 0):,}" in page.text
    matrix = page.chart("signal")["matrix"]
    assert matrix[0][1] == round(float(data.correlations().matrices[1, 0, 1]), 2)
    assert page.cards().count("met") == 3  # before and after scaling, and as a key
    assert "signal" in page.data["sets"][page.chart("pt_1")["set"]]["views"][1]["names"]


@CLIPS
def test_scores_have_the_areas_of_all_folds(store: Store, tmp_path: Path) -> None:
    data = store.training_set(
        inputs={"event": ["met", "pt_1"]},
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
        splits=Splits(by=("process", "event"), num_folds=3),
    )
    scores = data.scores()
    for fold in range(3):
        for batch in data.loader("test", fold=fold, shuffle=False):
            scores.add(batch, 1 / (1 + batch["event"][:, 0] / 30), fold=fold)
    page = page_of(data, tmp_path, scores=scores)
    assert f"AUC {scores.auc():.4f} ± " in page.text
    sklearn = pytest.importorskip("sklearn.metrics")
    areas = []
    for fold in range(3):
        own = scores.folds == fold
        areas.append(sklearn.roc_auc_score(scores.labels[own], scores.values[own]))
        counts = np.bincount(scores.labels[own])
        assert f"{fold} {counts[0]:,} {counts[1]:,} {areas[-1]:.4f}" in page.text
    assert f" ± {np.std(areas, ddof=1):.4f} of the folds" in page.text
    signal = scores.values[scores.labels == 1]
    expected, _ = np.histogram(signal, page.edges("Score of signal"))
    assert page.bins("Score of signal", "signal").tolist() == expected.tolist()
    xs, ys = page.chart("ROC curve")["curves"][0]
    assert (xs[0], ys[0], xs[-1], ys[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(ys, xs) == pytest.approx(scores.auc(), abs=2e-3)


@CLIPS
def test_the_code_of_a_page_makes_the_same_columns(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    convert(
        configs(folder),
        "data.mmpy",
        keys=["met", "run", "event", "pt_sum", "lead"],
        keys_padded={"jet_pt": (3, float("nan"))},
        aliases={"pt_sum": "pt_1 + pt_2", "lead": "pt_1"},
        dtype={"met": "float64"},
    )
    memmpy.open("data.mmpy").add("met_gev", "met * 0.001")
    first = memmpy.open("data.mmpy")
    code = page_of(first, tmp_path).code()
    second = tmp_path / "second"
    second.mkdir()
    monkeypatch.chdir(second)
    exec(code, {})  # noqa: S102 - of the page
    again = memmpy.open("data.mmpy")
    assert set(again) == set(first)
    for key, column in first.items():
        np.testing.assert_array_equal(np.asarray(again[key]), np.asarray(column))
        assert getattr(again[key], "dtype", None) == getattr(column, "dtype", None)


@CLIPS
def test_the_code_of_a_page_makes_the_same_training_set(store: Store, tmp_path: Path) -> None:
    data = store.training_set(
        inputs={"event": ["met", "npv"], "jets": memmpy.Objects(["jet_pt"], length=2)},
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
        weight="genWeight * two",
        constants={"two": 2.0},
        cut="npv > 5",
        scale="standard",
        splits=Splits(by=("process", "event")),
    )
    code = page_of(data, tmp_path).code()
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - of the page
    assert names["data"].skim.path == data.skim.path
    assert names["data"].request == data.request


def test_columns_that_cannot_be_drawn_say_why(tmp_path: Path) -> None:
    path = tmp_path / "data.mmpy"
    with WriteVector(path, "gone") as column:
        column.extend(np.full(5, np.nan))
    with WriteVector(path, "phase") as column:
        column.extend(np.ones(5, np.complex64))
    with WriteJagged(path, "none") as column:
        column.extend([np.empty(0, np.float32)] * 5)
    page = page_of(path, tmp_path)
    assert "No histogram: all values are NaN" in page.text
    assert "No histogram: there are no values" in page.text
    assert page.chart("phase").keys() == {"set"}
    assert page.text.count("No histogram") == 3


def test_a_column_of_another_length_stands_for_itself(store: Store, tmp_path: Path) -> None:
    with WriteVector(store.path, "loss") as column:
        column.extend(np.arange(40, dtype=np.float64))
    page = page_of(store.path, tmp_path)
    assert page.bins("loss", "not by event").sum() == 40
    assert page.bins("met", "not by event").sum() == 0


def test_infinite_and_missing_values_are_counted(tmp_path: Path) -> None:
    values = np.concatenate([np.linspace(0, 1, 96), [np.nan, np.inf, -np.inf, np.nan]])
    with WriteVector(tmp_path / "data.mmpy", "x") as column:
        column.extend(values)
    page = page_of(tmp_path / "data.mmpy", tmp_path)
    assert "2.0 % NaN" in page.text
    assert "2.0 % infinite" in page.text
    expected, _ = np.histogram(values[:96], page.edges("x"))
    assert page.bins("x", "all").tolist() == expected.tolist()


def test_a_store_without_columns_has_a_page(tmp_path: Path) -> None:
    with memmpy.Transaction(tmp_path / "data.mmpy"):
        pass
    assert page_of(tmp_path / "data.mmpy", tmp_path).cards() == []


def test_a_damaged_column_is_named_and_the_others_are_drawn(store: Store, tmp_path: Path) -> None:
    array = store.snapshot.metadata.columns["met"].arrays["values"]
    with (store.path / array.file).open("r+b") as file:
        file.truncate(100)
    page = page_of(store.path, tmp_path)
    assert "1 error" in page.text
    assert page.chart("met").keys() == {"set"}
    assert page.bins("pt_1", "DY").sum() > 600


def test_21_processes_and_more_share_the_last_row(folder: Path, tmp_path: Path) -> None:
    file = folder / "ggH" / "a.root"
    starts = np.cumsum(np.arange(25)).tolist()
    parts = [
        RFileConfig(file, "Events", {"process": f"p{i}"}, entry_start=start, entry_stop=stop)
        for i, (start, stop) in enumerate(itertools.pairwise(starts))
    ]
    convert(parts, tmp_path / "data.mmpy", keys=["met"])
    page = page_of(tmp_path / "data.mmpy", tmp_path, check=False)
    names = page.data["sets"][0]["views"][0]["names"]
    assert names == [*(f"p{i}" for i in range(5, 24)), "5 other processes"]
    met = np.asarray(memmpy.open(tmp_path / "data.mmpy")["met"]).astype(np.float64)
    expected, _ = np.histogram(met[: starts[5]], page.edges("met"))
    assert page.bins("met", "5 other processes").tolist() == expected.tolist()


def test_a_page_is_replaced_as_a_whole(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    assert write_report(store, file, check=False) == file
    file.write_text("old")
    write_report(store, str(file), check=False)
    assert "old" not in PageReader(file).html[:10]
    assert [path.name for path in file.parent.iterdir()] == ["report.html"]


def test_a_path_that_cannot_be_written_is_a_disk_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"file.*report\.html|file"):
        write_report(store, tmp_path / "file" / "report.html", check=False)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(DiskError, match=r"folder\.html"):
        write_report(store, tmp_path / "folder.html", check=False)


def test_a_report_replaces_no_other_kind_of_file(store: Store, folder: Path) -> None:
    for file in (store.path / "metadata_memmpy.json", folder / "DY" / "a.root"):
        before = file.read_bytes()
        with pytest.raises(OptionError, match=r"a report is a file that ends in \.html or \.htm"):
            write_report(store, file, check=False)
        assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="locked"):
        write_report(store, folder / "report.html", check=False)


def test_without_jinja2_nothing_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setattr(Store, "check", lambda _: pytest.fail("read"))
    with pytest.raises(MissingPackageError, match=r"pip install 'memmpy\[report\]'"):
        write_report(store, tmp_path / "report.html")


def test_wrong_arguments_are_named(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    with pytest.raises(MissingKeyError, match=r"'mett'.*nearest: 'met'"):
        write_report(store, file, keys="mett")
    with pytest.raises(CutError, match="mett"):
        write_report(store, file, cut="mett > 2")
    with pytest.raises(CutError, match="genWeigth"):
        write_report(store, file, weight="genWeigth")
    with pytest.raises(OptionError, match=r"ggh.*nearest: 'ggH'"):
        write_report(store, file, cut="met > 2", signal="ggh")
    with pytest.raises(OptionError, match="give its cut"):
        write_report(store, file, signal="ggH")
    with pytest.raises(OptionError, match="scores belong to a training set"):
        write_report(store, file, scores=_scores_of(store))
    with pytest.raises(OptionError, match="scores must be"):
        write_report(store, file, scores=[1.0])  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="check must be"):
        write_report(store, file, check="no")  # type: ignore[arg-type]
    with pytest.raises(MissingFileError, match=r"nothing\.mmpy"):
        write_report(tmp_path / "nothing.mmpy", file)
    with pytest.raises(OptionError, match="a path must be"):
        write_report(store, 3)  # type: ignore[arg-type]
    assert not file.exists()


def test_scores_without_events_are_an_error(store: Store, tmp_path: Path) -> None:
    scores = _scores_of(store)
    data = store.training_set(inputs={"event": ["met"]})
    with pytest.raises(OptionError, match="the scores are empty"):
        write_report(data, tmp_path / "report.html", scores=scores)


def _scores_of(store: Store) -> Any:
    splits = Splits(by=("process", "event"))
    return store.training_set(inputs={"event": ["met"]}, splits=splits).scores()


@pytest.mark.real
@pytest.mark.slow
def test_nearly_a_thousand_keys_of_nanoaod(tmp_path: Path) -> None:
    file = REAL_DATA / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    if not file.exists():
        pytest.skip("no real data")
    convert(RFileConfig(file, "Events", {"process": "ttbar"}), tmp_path / "data.mmpy", keys=["*"])
    store, page = memmpy.open(tmp_path / "data.mmpy"), page_of(tmp_path / "data.mmpy", tmp_path)
    assert page.cards() == list(store)
    assert len(page.cards()) > 900
    expected, _ = np.histogram(np.asarray(store["MET_pt"]).astype(float), page.edges("MET_pt"))
    assert page.bins("MET_pt", "ttbar").tolist() == expected.tolist()
    assert len(page.html) < 1_500_000


def test_the_code_names_keys_of_any_letters_in_a_comment(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x\nimport os") as column:
        column.extend(np.arange(3))
    code = code_of_store(memmpy.open(tmp_path / "s")._metadata, "s")
    assert "import os" not in code.splitlines()
    assert r"# written by hand: 'x\nimport os'" in code


def test_scores_without_a_roc_curve_are_shown(tmp_path: Path) -> None:
    for key, values in {"x": np.arange(100.0), "w": np.full(100, -1.0)}.items():
        with WriteVector(tmp_path / "s", key) as column:
            column.extend(values)
    with WriteVector(tmp_path / "s", "id") as column:
        column.extend(np.arange(100))
    data = memmpy.open(tmp_path / "s").training_set(
        inputs={"event": ["x"]},
        labels={"low": "id < 50", "high": "id >= 50"},
        weight="w",
        normalise=None,
        splits=Splits(by=("id",), num_folds=2, val=0.1),
    )
    scores = data.scores()
    for fold in range(2):
        for batch in data.loader("test", fold=fold, shuffle=False):
            scores.add(batch, np.full(len(batch["_index"]), 0.5), fold=fold)
    page = page_of(data, tmp_path, scores=scores, check=False)
    assert "No ROC curve: the weights of class 'high' sum to -50" in html.unescape(page.html)
