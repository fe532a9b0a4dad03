"""Histograms of keys by group, beside NumPy and boost-histogram."""

import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import awkward as ak
import boost_histogram as bh
import numpy as np
import pytest

import memmpy
from memmpy import Jagged, RFileConfig, Store, WriteJagged, WriteNested, WriteText, WriteVector
from memmpy.cuts import GroupOptions, Inputs
from memmpy.dataset.hist import BinEdges, KeyHistogram, fill_histograms, key_histograms
from memmpy.errors import CutError, CutWarning, LengthError, MissingKeyError, OptionError

NUM = 3000


def write(path: Path, key: str, values: Any) -> None:
    with WriteVector(path, key) as column:
        column.extend(np.asarray(values))


@pytest.fixture(scope="module")
def events() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    met = rng.exponential(50, NUM).astype(np.float32)
    met[::50] = np.nan
    return {
        "met": met,
        "nJets": rng.integers(0, 9, NUM).astype(np.int32),
        "year": rng.integers(-1, 2, NUM),
        "good": rng.random(NUM) < 0.5,
        "w": rng.normal(0.3, 1, NUM),
        "big": rng.integers(0, 2**64 - 1, NUM, dtype=np.uint64),
        "three": rng.normal(size=(NUM, 3)),
        "none": np.full(NUM, np.nan),
    }


@pytest.fixture(scope="module")
def counts() -> Any:
    return np.random.default_rng(6).poisson(2, NUM)


@pytest.fixture(scope="module")
def jet_pt(counts: Any) -> Any:
    return np.random.default_rng(7).exponential(40, counts.sum()).astype(np.float32)


@pytest.fixture(scope="module")
def store(
    events: dict[str, Any], counts: Any, jet_pt: Any, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    path = tmp_path_factory.mktemp("histograms") / "data.mmpy"
    for key, values in events.items():
        write(path, key, values)
    with WriteJagged(path, "jet_pt") as lists:
        lists.extend(Jagged(jet_pt, np.append(0, np.cumsum(counts))))
    with WriteText(path, "trigger") as texts:
        texts.extend([f"HLT_{i % 3}" for i in range(NUM)])
    with WriteText(path, "name") as texts:
        texts.extend([f"event {i}" for i in range(NUM)])
    with WriteNested(path, "hits") as nested:
        nested.extend(ak.Array([[[1.0, None], [3.0]], [], [[4.0, 5.0, 6.0]]] * (NUM // 3)))
    with WriteNested(path, "track") as nested:
        nested.extend(ak.Array([{"x": float(i)} for i in range(NUM)]))
    return memmpy.open(path)


def fill(store: Store, key: str, **options: Any) -> KeyHistogram:
    more = {name: options.pop(name) for name in ("bins", "num_threads") if name in options}
    groups = GroupOptions(**options)
    (histogram,) = fill_histograms(store.snapshot, [key], options=groups, **more)
    return histogram


def edges_of(histogram: KeyHistogram) -> Any:
    assert isinstance(histogram.bins, BinEdges)
    return histogram.bins.edges


def in_boost(values: Any, edges: Any, weights: Any = None) -> Any:
    """Return sums and squares with under- and overflow, where boost-histogram counts NaN."""
    filled = bh.Histogram(bh.axis.Variable(edges), storage=bh.storage.Weight())
    filled.fill(np.asarray(values, float), weight=1 if weights is None else weights)
    view = filled.view(flow=True)
    return view["value"], view["variance"]


def assert_equal(histogram: KeyHistogram, group: int, wanted: Any) -> None:
    for sums, own in zip((histogram.sums, histogram.squares), wanted, strict=True):
        bins = np.append(sums[group, :-2], sums[group, -2:].sum())
        np.testing.assert_allclose(bins, own, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("key", ["met", "nJets", "good", "big", "none"])
@pytest.mark.parametrize("bins", ["auto", 7, (10, 0, 100), [0, 1, 5, 60]])
def test_the_counts_are_those_of_boost_histogram(
    store: Store, events: dict[str, Any], key: str, bins: Any
) -> None:
    histogram = fill(store, key, bins=bins)
    assert_equal(histogram, 0, in_boost(events[key], edges_of(histogram)))
    assert histogram.sums[0, -1] == np.isnan(events[key].astype(float)).sum()


def test_groups_a_cut_and_weights_are_those_of_numpy(store: Store, events: dict[str, Any]) -> None:
    options: dict[str, Any] = {"by": ("year", "good"), "cut": "nJets > 2", "weight": "2 * w"}
    histogram = fill(store, "met", bins=(10, 0, 100), **options)
    assert histogram.groups == (
        "-1, false",
        "-1, true",
        "0, false",
        "0, true",
        "1, false",
        "1, true",
    )
    for row, group in enumerate(histogram.groups):
        year, good = group.split(", ")
        is_own = (events["year"] == int(year)) & (events["good"] == (good == "true"))
        is_own &= events["nJets"] > 2
        wanted = in_boost(events["met"][is_own], edges_of(histogram), 2 * events["w"][is_own])
        assert_equal(histogram, row, wanted)


@pytest.mark.parametrize("compiled", [False, True])
def test_each_element_of_a_list_counts_with_the_weight_of_its_event(
    store: Store, events: dict[str, Any], counts: Any, jet_pt: Any, compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(key_histograms, "is_worth_compiling", lambda *_, **__: compiled)
    histogram = fill(store, "jet_pt", bins=(10, 0, 100), weight="w", cut="good")
    is_own = np.repeat(events["good"], counts)
    wanted = in_boost(jet_pt[is_own], edges_of(histogram), np.repeat(events["w"], counts)[is_own])
    assert_equal(histogram, 0, wanted)


def test_each_element_of_an_array_counts(store: Store, events: dict[str, Any]) -> None:
    histogram = fill(store, "three", bins=(10, -2, 2), cut="nJets > 2")
    assert_equal(
        histogram, 0, in_boost(events["three"][events["nJets"] > 2].ravel(), edges_of(histogram))
    )


def test_numbers_in_lists_of_lists_count_but_for_those_that_are_missing(store: Store) -> None:
    histogram = fill(store, "hits", bins=[0, 2, 3.5, 10], cut="good || !good")
    assert histogram.values.tolist() == [[NUM / 3, NUM / 3, NUM]]


def test_an_expression_is_a_key(store: Store, events: dict[str, Any]) -> None:
    histogram = fill(
        store, "twice", bins=(10, 0, 10), aliases={"twice": "a * nJets"}, constants={"a": 2}
    )
    assert_equal(histogram, 0, in_boost(2 * events["nJets"], edges_of(histogram)))


def test_an_event_without_the_element_does_not_count(
    store: Store, counts: Any, jet_pt: Any
) -> None:
    histogram = fill(store, "jet_pt[1]", bins=(10, 0, 100))
    starts = np.append(0, np.cumsum(counts))[:-1]
    assert_equal(histogram, 0, in_boost(jet_pt[starts[counts > 1] + 1], edges_of(histogram)))


def test_a_member_of_a_nested_column_is_a_key(store: Store) -> None:
    assert fill(store, "track.x", bins=[0, 10, 3000]).values.tolist() == [[10, NUM - 10]]


def test_a_key_of_text_has_its_texts_as_bins(store: Store, events: dict[str, Any]) -> None:
    histogram = fill(store, "trigger", cut="good")
    assert histogram.bins == ("HLT_0", "HLT_1", "HLT_2")
    assert histogram.values.tolist() == [[events["good"][i::3].sum() for i in range(3)]]


def test_texts_after_the_first_hundred_are_in_the_overflow(store: Store) -> None:
    histogram = fill(store, "name")
    assert histogram.bins == tuple(f"event {i}" for i in range(100))
    assert histogram.sums[0].tolist() == [0, *[1] * 100, NUM - 100, 0]


def test_processes_without_events_are_groups_and_bins(make_file: Any, tmp_path: Path) -> None:
    files = [
        RFileConfig(make_file("a.root", num=20), "tree", {"process": "ttH"}),
        RFileConfig(make_file("b.root", num=0), "tree", {"process": "ttbb"}),
    ]
    memmpy.convert(files, tmp_path / "s", keys={"nJets"})
    histogram = fill(memmpy.open(tmp_path / "s"), "process", by="process")
    assert histogram.bins == histogram.groups == ("ttH", "ttbb")
    assert histogram.values.tolist() == [[20, 0], [0, 0]]


def test_several_keys_are_filled_in_one_pass(
    store: Store, events: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges, slices = [], Inputs.slices

    def record(inputs: Inputs, start: int, stop: int) -> Any:
        ranges.append((start, stop))
        return slices(inputs, start, stop)

    monkeypatch.setattr(Inputs, "slices", record)
    monkeypatch.setattr(key_histograms, "STEP_SIZE", 1000)
    edges = {"nJets": (9, -0.5, 8.5), "met": (5, 0, 50), "w": (4, -1, 1)}
    options = GroupOptions("good")
    histograms = fill_histograms(store.snapshot, [*edges], bins=edges, options=options)
    read = sorted((start, stop) for start, stop in ranges if start < stop)
    assert read == [(0, 1000), (1000, 2000), (2000, 3000)]
    assert [histogram.key for histogram in histograms] == [*edges]
    is_good = events["good"]
    for histogram, (num, low, high) in zip(histograms, edges.values(), strict=True):
        for sums, passes in zip(histogram.values, (~is_good, is_good), strict=True):
            values = events[histogram.key][passes]
            inside = values[values < high]
            assert sums.tolist() == np.histogram(inside, num, (low, high))[0].tolist()


@pytest.mark.parametrize("num_threads", [1, 3])
def test_sums_are_the_same_for_any_number_of_threads(
    store: Store, num_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_histograms, "STEP_SIZE", 100)
    options: dict[str, Any] = {"by": "year", "weight": "w", "bins": (10, 0, 100)}
    one = fill(store, "jet_pt", num_threads=0, **options)
    other = fill(store, "jet_pt", num_threads=num_threads, **options)
    assert np.array_equal(one.sums, other.sums)


def test_auto_bins_look_at_all_entries_if_few_pass(
    store: Store, events: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_histograms, "_LOOK", 10)
    monkeypatch.setattr(key_histograms, "STEP_SIZE", 500)
    greatest = np.nanmax(events["met"])
    histogram = fill(store, "met", cut=f"met > {greatest - 1}")
    assert edges_of(histogram)[0] <= greatest <= edges_of(histogram)[-1]
    assert edges_of(histogram)[0] >= greatest - 5
    assert histogram.values.sum() >= 1


def test_nothing_passes(store: Store) -> None:
    histogram = fill(store, "met", cut="met < 0", by="good")
    assert (histogram.groups, histogram.sums.sum()) == (("false", "true"), 0)


def test_a_store_without_entries_has_empty_histograms(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x", dtype=np.float32, shape=()):
        pass
    with WriteText(tmp_path / "s", "t"):
        pass
    histograms = fill_histograms(memmpy.open(tmp_path / "s").snapshot, ["x", "t"])
    assert [histogram.sums.sum() for histogram in histograms] == [0, 0]
    assert histograms[1].bins == ()


def test_weights_that_are_not_finite_are_a_warning_if_their_entries_count(
    store: Store, events: dict[str, Any]
) -> None:
    is_odd = events["w"] < 0
    with pytest.warns(CutWarning, match=f"{is_odd.sum():,} entries, the first of them "):
        histogram = fill(store, "nJets", weight="sqrt(w)")
    assert np.isnan(histogram.sums[0, 1:-2]).all()
    assert np.isfinite(fill(store, "nJets", weight="sqrt(w)", cut="w >= 0").sums).all()


@pytest.mark.parametrize(
    ("key", "options", "error", "message"),
    [
        ("mett", {}, CutError, "no key 'mett' in .*; nearest: 'met'"),
        ("met >", {}, CutError, "the cut ends too early"),
        ("track", {}, OptionError, "'track' is of type {x: float64}"),
        ("met", {"by": "yeer"}, MissingKeyError, "nearest: 'year'"),
        ("met", {"by": "w"}, OptionError, "cannot be grouped by 'w'"),
        ("met", {"cut": "nJet > 2"}, CutError, "nearest: 'nJets'"),
        ("met", {"weight": "jet_pt"}, CutError, "a weight is one number per entry"),
        ("met", {"bins": {"mett": 3}}, OptionError, "bins names 'mett'.*nearest: 'met'"),
        ("trigger", {"bins": (3, 0, 1)}, OptionError, "'trigger' holds text"),
        ("trigger", {"bins": 5}, OptionError, "'trigger' holds text"),
        ("met", {"num_threads": -1}, OptionError, "num_threads"),
    ],
)
def test_mistakes_are_errors(
    store: Store, key: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fill(store, key, **options)


def test_columns_of_different_lengths_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "s", "x", np.zeros(3))
    write(tmp_path / "s", "y", np.zeros(4))
    with pytest.raises(LengthError):
        fill(memmpy.open(tmp_path / "s"), "x", cut="y > 0")


def test_one_key_of_text_is_refused_where_several_are_meant(store: Store) -> None:
    with pytest.raises(OptionError, match="keys is a set of keys, got the text 'met'"):
        fill_histograms(store.snapshot, "met")


def test_memory_does_not_grow_with_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_histograms, "STEP_SIZE", 1 << 14)
    peaks = []
    for num in (100_000, 800_000):
        write(tmp_path / str(num), "x", np.arange(num, dtype=np.float32))
        write(tmp_path / str(num), "n", np.arange(num) // 50_000)
        store = memmpy.open(tmp_path / str(num))
        tracemalloc.start()
        fill(store, "x", by="n", weight="x", cut="x > 5", num_threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "tree"),
    [
        ("uproot-HZZ.root", "events"),
        ("uproot-Zmumu.root", "events"),
        ("uproot-HZZ-objects.root", "events"),
    ],
)
def test_all_keys_of_real_files_are_filled_as_by_numpy(
    file: str, tree: str, real_data: Path, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what conversions warn of is tested there
        memmpy.convert(RFileConfig(real_data / file, tree), tmp_path / "s", keys={"*"})
    store = memmpy.open(tmp_path / "s")
    histograms = [
        h for h in fill_histograms(store.snapshot, list(store)) if isinstance(h.bins, BinEdges)
    ]
    assert len(histograms) > 10
    for histogram in histograms:
        column: Any = store[histogram.key]
        items = column if isinstance(column, np.ndarray) else column.to_awkward()
        values = ak.to_numpy(ak.flatten(items, axis=None)).astype(float)
        assert_equal(histogram, 0, in_boost(values, edges_of(histogram)))
