"""A skim holds the selection, in the order of its tickets, with every bit of its columns."""

import multiprocessing
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memmpy
from memmpy import RFileConfig, Splits, convert
from memmpy.columns import load_memmaps
from memmpy.cuts import compute_cut_batched
from memmpy.errors import ColumnError, ConversionWarning
from memmpy.jagged import Jagged
from memmpy.skims import Skim, skim
from memmpy.skims.sorting.sort_plan import Sizes
from memmpy.splits import By
from tests.conftest import CLIPS, EMPTIES, MakeFile
from tests.skims.stores import (
    FEW_NAMES,
    TINY,
    bytes_of,
    check_skim,
    make_events,
    skim_of,
    write_store,
)

pytestmark = [CLIPS, EMPTIES]

ALL: dict[str, Any] = {
    "keys": ["event", "matrix", "is_good", "pt", "pairs"],
    "keys_padded": {"pt": (3, float("nan")), "eta": (3, -9), "tag": (2, 7)},
    "groups": {
        "jets": ["pt", "eta"],
        "lists": ["tag"],
        "numbers": ["ht", "met"],
        "fixed_ones": ["fixed", "fixed_too"],
    },
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    events = make_events()
    return write_store(tmp_path / "data", {**events, "fixed_too": events["fixed"] * 2})


@pytest.mark.slow_together
@pytest.mark.parametrize("cut", [None, "met > 0.3", "run == 2", "met > 2", "Sum$(pt) > 100"])
@pytest.mark.parametrize("sizes", [TINY, Sizes(), Sizes(3000, 200), Sizes(200, 3000)])
def test_every_bit_is_that_of_the_columns(store: Path, cut: str | None, sizes: Sizes) -> None:
    passing = np.arange(200) if cut is None else np.array(compute_cut_batched(store, cut))
    found = skim_of(store, cut=cut, sizes=sizes, **ALL)
    check_skim(store, found, passing=passing, **ALL)
    assert found.cut == cut


@pytest.mark.slow_together
@FEW_NAMES
@pytest.mark.parametrize("by", ["file", ("run",), ("run", "event"), ("is_good",)])
@pytest.mark.parametrize("seed", [0, 7])
def test_rows_are_in_the_order_of_ticket_and_entry(store: Path, by: By, seed: int) -> None:
    asked: dict[str, Any] = {**ALL, "splits": Splits(by, seed=seed)}
    found = skim_of(store, **asked)
    check_skim(store, found, passing=np.arange(200), **asked)
    assert (found.ticket_rule.by, found.ticket_rule.seed) == (by, seed)


def test_without_splits_rows_are_ordered_by_what_usually_names_events(store: Path) -> None:
    found = skim_of(store, keys=["met"])
    check_skim(store, found, passing=np.arange(200), keys=["met"], splits=Splits(("run", "event")))
    assert memmpy.open(store).splits is None


def test_tickets_are_those_of_the_files(make_file: MakeFile, tmp_path: Path) -> None:
    files = [RFileConfig(make_file(f"{i}.root", 30, first=30 * i), "tree") for i in range(3)]
    store = tmp_path / "data"
    convert(files, store, keys={"nJets", "met", "jet_pt"}, progress=False)
    asked: dict[str, Any] = {"keys": ["met", "jet_pt"], "splits": Splits("file", seed=3)}
    found = skim_of(store, cut="nJets >= 1", **asked)
    check_skim(store, found, passing=compute_cut_batched(store, "nJets >= 1"), **asked)
    fewer = tmp_path / "fewer"
    convert(files[1:], fewer, keys={"nJets", "met", "jet_pt"}, progress=False)
    other = skim_of(fewer, **asked)
    tickets = dict(zip(found.rows["met"].tolist(), found.tickets.tolist(), strict=True))
    both = set(other.rows["met"].tolist()) & tickets.keys()
    assert len(both) > 30
    for met, ticket in zip(other.rows["met"].tolist(), other.tickets.tolist(), strict=True):
        assert tickets.get(met, ticket) == ticket


@pytest.fixture(params=["spawn", "thread"])
def executor(request: Any) -> Iterator[Executor]:
    if request.param == "thread":
        with ThreadPoolExecutor(3) as threads:
            yield threads
        return
    context = multiprocessing.get_context(request.param)
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        yield processes


@pytest.mark.slow
@FEW_NAMES
def test_whoever_makes_it_makes_the_same_bytes(store: Path, executor: Executor) -> None:
    asked: dict[str, Any] = {**ALL, "cut": "met > 0.1", "splits": Splits(("run",))}
    expected = bytes_of(skim_of(store, sizes=Sizes(), **asked))
    for sizes in (TINY, Sizes(), Sizes(5000, 300)):
        assert bytes_of(skim_of(store, sizes=sizes, recreate=True, **asked)) == expected
        made = skim_of(store, sizes=sizes, recreate=True, work=executor, **asked)
        assert bytes_of(made) == expected


@pytest.mark.slow
def test_a_dask_cluster_makes_the_same_bytes(store: Path) -> None:
    distributed = pytest.importorskip("distributed")
    expected = bytes_of(skim_of(store, **ALL))
    options = {"processes": False, "dashboard_address": ":0"}
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        made = skim_of(store, recreate=True, work=client.get_executor(), **ALL)
    assert bytes_of(made) == expected


@pytest.mark.parametrize("num", [0, 1])
@pytest.mark.parametrize("sizes", [TINY, Sizes()])
def test_few_entries_make_a_valid_skim(tmp_path: Path, num: int, sizes: Sizes) -> None:
    events = make_events(num)
    store = write_store(tmp_path / "data", {**events, "fixed_too": events["fixed"]})
    check_skim(store, skim_of(store, sizes=sizes, **ALL), passing=np.arange(num), **ALL)


def test_rows_are_aligned_numbers_first_and_the_largest_of_them(store: Path) -> None:
    found = skim(store, keys=["is_good", "run", "matrix", "met", "event"], progress=False)
    assert list(found.fields) == ["_index", "event", "run", "met", "is_good", "matrix"]
    assert [field.offset for field in found.fields.values()] == [0, 8, 16, 20, 24, 26]
    assert found.row_bytes == 40
    assert np.load(found.path / "rows.npy", mmap_mode="r").dtype == found.rows.dtype


@pytest.mark.slow
def test_names_that_no_header_holds_are_fields_all_the_same(tmp_path: Path) -> None:
    columns = {f"größe π {i} {'x' * 60}": np.arange(20.0) + i for i in range(200)}
    store = write_store(tmp_path / "data", columns)
    found = skim_of(store, keys=list(columns))
    check_skim(store, found, passing=np.arange(20), keys=list(columns))


def test_fields_of_records_are_kept(tmp_path: Path) -> None:
    records = np.zeros(50, np.dtype([("a", "<i2"), ("b", "<f8", (2,))]))
    records["a"], records["b"] = np.arange(50), np.arange(100).reshape(50, 2)
    store = write_store(tmp_path / "data", {"x": records, "n": np.arange(50)})
    found = skim_of(store, keys=["x", "n"])
    check_skim(store, found, passing=np.arange(50), keys=["x", "n"])


def test_titles_of_fields_are_kept(tmp_path: Path) -> None:
    records = np.zeros(50, np.dtype([(("a title", "a"), "<i2"), (("another", "b"), "<f8")]))
    records["a"] = np.arange(50)
    store = write_store(tmp_path / "data", {"x": records})
    found = skim_of(store, keys=["x"])
    assert np.array_equal(found.rows["x"]["a title"], found.rows["_index"])
    check_skim(store, found, passing=np.arange(50), keys=["x"])


def test_a_set_of_keys_has_one_order(store: Path) -> None:
    found = skim(store, keys={"run", "met", "event"}, progress=False)
    assert found.path == skim(store, keys=["event", "met", "run"], progress=False).path


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_arrays_of_one_length_are_padded_as_lists_are(store: Path, length: int) -> None:
    asked: dict[str, Any] = {
        "keys": ["fixed"],
        "keys_padded": dict.fromkeys(["matrix", "fixed", "fixed_too"], (length, -1)),
        "groups": {"g": ["fixed", "fixed_too"]},
    }
    check_skim(store, skim_of(store, **asked), passing=np.arange(200), **asked)


def test_the_mask_of_a_padded_group_says_which_items_are_real(store: Path) -> None:
    found = skim_of(store, groups={"jets": ["pt"]}, keys_padded={"pt": (3, -1.0)})
    counts = load_memmaps(store)["pt"][found.rows["_index"]].counts  # type: ignore[union-attr]
    assert np.array_equal(found.rows["jets_mask"].sum(axis=1), np.minimum(counts, 3))
    assert np.all(found.rows["jets"][~found.rows["jets_mask"]] == -1)


def test_a_group_keeps_the_order_of_its_keys(store: Path) -> None:
    one = skim_of(store, groups={"x": ["met", "ht"]}).rows["x"]
    other = skim_of(store, groups={"x": ["ht", "met"]}).rows["x"]
    assert np.array_equal(one, other[:, ::-1])


@pytest.mark.parametrize("sizes", [TINY, Sizes()])
def test_what_the_dtype_of_a_group_does_not_hold_is_counted(tmp_path: Path, sizes: Sizes) -> None:
    values = np.arange(100) + (1 << 24)
    columns = {"n": values, "x": np.full(100, 1e300), "f": np.zeros(100, np.float32)}
    store = write_store(tmp_path / "data", columns)
    with pytest.warns(ConversionWarning) as caught:
        found = skim_of(store, groups={"g": ["n", "x", "f"]}, dtype="float32", sizes=sizes)
    why = "do not fit into float32 in the group 'g': they became infinite, or rounded"
    assert [str(one.message) for one in caught] == [
        f"100 values of 'x' {why}",
        f"50 values of 'n' {why}",
    ]
    assert found.rows["g"].dtype == np.float32


def test_a_group_without_a_dtype_has_that_of_its_keys(store: Path) -> None:
    groups = {"a": ["met", "ht"], "b": ["run"]}
    found = skim_of(store, groups=groups, dtype={"a": None, "b": "i8"})
    assert found.rows["a"].dtype == np.float32
    assert found.rows["b"].dtype == np.int64
    assert skim_of(store, groups=groups, dtype={"b": "i8"}).path == found.path


def test_names_may_be_texts_of_numpy(store: Path) -> None:
    met, pt, x, jets, run = np.array(["met", "pt", "x", "jets", "run"])
    found = skim_of(
        store,
        keys=list(np.array(["event", "matrix"])),
        keys_padded={pt: (3, 0.0)},
        groups={x: [met, "ht"], jets: [pt]},
        dtype={x: "f8"},
        splits=Splits((run, "event")),
    )
    assert {type(name) for name in (*found.fields, *Skim(found.path).fields)} == {str}
    check_skim(
        store,
        found,
        passing=np.arange(200),
        keys=["event", "matrix"],
        keys_padded={"pt": (3, 0.0)},
        groups={"x": ["met", "ht"], "jets": ["pt"]},
        splits=Splits(("run", "event")),
    )


def test_each_group_may_have_its_own_dtype(store: Path) -> None:
    groups = {"a": ["run", "met"], "b": ["met"], "c": ["pt", "tag"]}
    found = skim_of(store, groups=groups, dtype={"a": "float64", "c": "float32"})
    assert found.rows["a"].dtype == np.float64
    assert found.rows["b"].dtype == np.float32
    check_skim(store, found, passing=np.arange(200), groups=groups)


@pytest.mark.parametrize("padded", [{}, {"pt": (9, 0), "other": (9, 0)}])
def test_lists_of_a_group_that_differ_are_an_error_that_names_the_entry(
    tmp_path: Path, padded: dict[str, Any]
) -> None:
    pt = make_events()["pt"]
    offsets = pt.offsets.copy()
    entry = int(np.flatnonzero(pt.counts[:-1] > 1)[20])
    offsets[entry + 1] -= 1
    store = write_store(tmp_path / "data", {"pt": pt, "other": Jagged(pt.content, offsets)})
    count = int(pt.counts[entry])
    message = (
        f"the lists of the group 'jets' differ in length: entry {entry} has {count} items of 'pt' "
        f"and {count - 1} of 'other'"
    )
    for sizes in (TINY, Sizes()):
        with pytest.raises(ColumnError, match=message):
            skim_of(store, groups={"jets": ["pt", "other"]}, keys_padded=padded, sizes=sizes)
    assert [file.suffix for file in (store / "skims").iterdir()] in (["", ".lock"], [".lock"])


def test_a_progress_bar_is_shown_where_it_is_asked_for(store: Path, capsys: Any) -> None:
    skim(store, keys=["met"], progress=True)
    assert "skimming" in capsys.readouterr().err


DTYPES = st.sampled_from(["f2", "<f4", "f8", "i1", "u2", "i8", "u8", "?", "c8", "M8[s]"])
SHAPES = st.sampled_from([(), (), (1,), (3,), (2, 2)])


@st.composite
def columns_of(draw: st.DrawFn) -> dict[str, Any]:
    """Return random bits of any dtype, as vectors and as lists."""
    num = draw(st.integers(0, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns: dict[str, Any] = {"n": random.integers(0, 5, num)}
    for i in range(draw(st.integers(1, 4))):
        dtype, shape = np.dtype(draw(DTYPES)), draw(SHAPES)
        is_list = draw(st.booleans())
        counts = random.integers(0, 4, num)
        size = int(counts.sum()) if is_list else num
        num_bytes = size * int(np.prod(shape, dtype=int)) * dtype.itemsize
        data = random.integers(0, 2 if dtype.kind == "b" else 256, num_bytes).astype(np.uint8)
        values = data.view(dtype).reshape(size, *shape)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        columns[f"c{i}"] = Jagged(values, offsets) if is_list else values
    return columns


@pytest.mark.slow
@FEW_NAMES
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(columns_of(), st.data())
def test_any_columns_in_tasks_of_any_size(columns: dict[str, Any], data: st.DataObject) -> None:
    sizes = Sizes(data.draw(st.integers(50, 5000)), data.draw(st.integers(50, 5000)))
    by_n = data.draw(st.booleans())
    cut = data.draw(st.sampled_from([None, "n > 1", "n == 3", "n > 9"]))
    seed = data.draw(st.integers(0, 2**64 - 1))
    with tempfile.TemporaryDirectory() as folder:
        store = write_store(Path(folder) / "data", columns)
        passing = np.arange(len(columns["n"]))
        if cut is not None:
            passing = np.array(compute_cut_batched(store, cut))
        asked: dict[str, Any] = {
            "keys": list(columns),
            "splits": Splits(("n",) if by_n else "file", seed=seed),
        }
        found: Skim = skim_of(store, sizes=sizes, cut=cut, **asked)
        check_skim(store, found, passing=passing, **asked)
