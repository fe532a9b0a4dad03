"""Counts of the values of a skim, compared with a count entry by entry."""

import json
import pickle
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy import RFileConfig, convert, load_root, skim
from memmpy.errors import ConversionWarning, CorruptStoreError, OptionError
from memmpy.jagged import Jagged
from memmpy.skims import KeyCounts, Skim
from memmpy.store import to_json
from tests.conftest import CLIPS, MakeFile
from tests.skims.stores import TINY, make_events, rewrite, skim_of, write_store

NAN, INF = float("nan"), float("inf")
FLOATS = st.sampled_from([0.0, -0.0, 1.5, 3e38, -1e30, NAN, INF, -INF])


def warned_of(call: Any) -> tuple[Any, list[str]]:
    """Return what a call returns, and the warnings of conversion that it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert all(issubclass(one.category, ConversionWarning) for one in caught)
    return result, [str(one.message) for one in caught]


def slowly(entries: Sequence[Any], length: int | None) -> KeyCounts:
    """Count entries one by one; `length` is that of the padding."""
    lists = [np.ravel(entry) for entry in entries]
    stored = [one if length is None else one[:length] for one in lists]
    values = np.concatenate([np.empty(0), *stored])
    excess = [0 if length is None else max(0, len(one) - length) for one in lists]
    numbers = values[~np.isnan(values)]
    return KeyCounts(
        num_entries=len(lists),
        num_items=len(lists) if length is None else sum(map(len, lists)),
        num_clipped_items=sum(excess),
        num_clipped_entries=sum(num > 0 for num in excess),
        max_items=0 if length is None else max(map(len, lists), default=0),
        num_nan=sum(bool(np.isnan(one).any()) for one in stored),
        num_infinite=sum(bool(np.isinf(one).any()) for one in stored),
        is_constant=len(values) > 0 and len(numbers) == len(values) and len(set(numbers)) == 1,
        is_empty=len(numbers) == 0,
    )


@pytest.mark.slow
@CLIPS
@settings(max_examples=60)
@given(data=st.data(), dtype=st.sampled_from(["f2", "f4", "f8", "i4", "?"]))
def test_counts_are_those_of_each_entry(data: st.DataObject, dtype: str) -> None:
    counts = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=40))
    length = data.draw(st.integers(0, 6))
    few = data.draw(st.lists(FLOATS, min_size=1, max_size=3))

    def draw(num: int) -> np.ndarray:
        values = data.draw(st_numpy.arrays("f8", num, elements=st.sampled_from(few)))
        with np.errstate(all="ignore"):
            return values.astype(dtype)

    offsets = np.concatenate([[0], np.cumsum(counts)])
    num, num_items = len(counts), sum(counts)
    columns: dict[str, Any] = {
        "number": draw(num),
        "fixed": draw(3 * num).reshape(num, 3),
        "lists": Jagged(draw(num_items), offsets),
        "a": Jagged(draw(num_items), offsets),
        "b": Jagged(draw(num_items), offsets),
    }
    padded = {"a": (length, 0), "b": (length, 0), "fixed": (length, 0)}
    with TemporaryDirectory() as folder:
        made = skim_of(
            write_store(Path(folder, "s"), columns),
            keys=["number", "lists"],
            keys_padded=padded,
            groups={"jets": ["a", "b"]},
            sizes=TINY,
        )
        expected = {
            key: slowly(list(values), length if key in padded else None)
            for key, values in columns.items()
        }
        assert made.counts == expected


@CLIPS
def test_counts_are_after_the_cut(tmp_path: Path) -> None:
    path = write_store(
        tmp_path / "s", {"x": np.array([NAN, 1, 2, INF], np.float32), "y": np.arange(4)}
    )
    counts = skim_of(path, keys=["x"], cut="y == 1 || y == 3").counts["x"]
    assert (counts.num_entries, counts.num_nan, counts.num_infinite) == (2, 0, 1)


def test_values_that_no_sum_of_squares_holds_are_finite(tmp_path: Path) -> None:
    x = np.array([1, 2, *[3e38] * 500], np.float32)
    counts = skim_of(write_store(tmp_path / "s", {"x": x}), keys=["x"]).counts["x"]
    assert (counts.num_nan, counts.num_infinite, counts.is_constant) == (0, 0, False)


def test_a_nan_among_many_values_is_found_in_each_block(tmp_path: Path) -> None:
    x = np.arange(100_000, dtype=np.float32)
    x[::1000] = NAN
    x[7::5000] = -INF
    counts = skim(write_store(tmp_path / "s", {"x": x}), keys=["x"], progress=False).counts["x"]
    assert (counts.num_nan, counts.num_infinite) == (100, 20)


@pytest.mark.slow
@CLIPS
def test_processes_count_what_threads_do(tmp_path: Path) -> None:
    path = write_store(tmp_path / "s", make_events())
    asked: dict[str, Any] = {"keys": ["met", "tag"], "keys_padded": {"pt": (2, 0), "eta": (3, 0)}}
    here = skim_of(path, **asked)
    with ProcessPoolExecutor(1) as pool:
        there = skim_of(path, work=pool, recreate=True, **asked)
    assert there.counts == here.counts
    assert here.counts["pt"].num_clipped_items > 0


@CLIPS
def test_a_skim_that_is_opened_has_its_counts(tmp_path: Path) -> None:
    path = write_store(tmp_path / "s", make_events())
    made = skim_of(path, keys_padded={"pt": (2, 0)})
    assert Skim(made.path).counts == made.counts == pickle.loads(pickle.dumps(made)).counts


def test_a_skim_of_before_has_no_counts(tmp_path: Path) -> None:
    made = skim_of(write_store(tmp_path / "s", make_events()), keys=["met"])
    rewrite(made, counts={})
    assert Skim(made.path).counts == {}


@pytest.mark.parametrize("counts", [{"met": {}}, {"met": 3}, {"met": {"num_nan": 1}}, [1]], ids=str)
def test_damaged_counts_are_an_error(counts: Any, tmp_path: Path) -> None:
    made = skim_of(write_store(tmp_path / "s", make_events()), keys=["met"])
    rewrite(made, counts=counts)
    with pytest.raises(CorruptStoreError, match="is damaged"):
        Skim(made.path)


@pytest.mark.parametrize(("name", "value"), [("num_nan", -1), ("num_nan", 0.5), ("is_empty", 1)])
def test_counts_of_another_kind_are_an_error(name: str, value: Any, tmp_path: Path) -> None:
    made = skim_of(write_store(tmp_path / "s", make_events()), keys=["met"])
    rewrite(made, counts={"met": {**to_json(made.counts["met"]), name: value}})
    with pytest.raises(CorruptStoreError, match=name):
        Skim(made.path)


@CLIPS
def test_what_there_is_to_say_is_shown(tmp_path: Path) -> None:
    lists = Jagged.from_arrays([np.ones(5), np.arange(2.0), np.zeros(0), np.full(1, NAN)])
    columns = {"pt": lists, "one": np.ones(4), "none": np.full(4, NAN), "fine": np.arange(4)}
    made = skim_of(
        write_store(tmp_path / "s", columns),
        keys=["one", "none", "fine"],
        keys_padded={"pt": (3, 0)},
    )
    words = {
        "pt": "25.0 % of the items clipped, in 25.0 % of the entries; NaN in 25.0 %",
        "one": "one value",
        "none": "NaN in 100 %; no values",
        "fine": "",
    }
    assert {key: counts.in_words() for key, counts in made.counts.items()} == words
    for shown in (repr(made), made._repr_html_()):
        assert all(text in shown for text in words.values())
    assert "remarks" in repr(made)


def test_nothing_is_shown_where_all_is_well(tmp_path: Path) -> None:
    made = skim_of(write_store(tmp_path / "s", {"x": np.arange(4.0)}), keys=["x"])
    assert "remarks" not in repr(made) + made._repr_html_()


def test_each_clipped_key_warns_once_and_again_when_it_is_opened(tmp_path: Path) -> None:
    path = write_store(tmp_path / "s", make_events())
    asked: dict[str, Any] = {
        "keys_padded": {"pt": (2, 0), "eta": (2, 0), "tag": (9, 0)},
        "groups": {"jets": ["pt", "eta"]},
    }
    _, made = warned_of(lambda: skim_of(path, **asked))
    _, opened = warned_of(lambda: skim_of(path, **asked))
    assert [text.split(" is padded")[0] for text in made] == ["'eta'", "'pt'"]
    assert opened == made


def test_a_hundredth_is_clipped_without_a_warning(tmp_path: Path) -> None:
    lists = Jagged.from_arrays([np.zeros(3), *[np.zeros(2)] * 99])
    made = skim_of(write_store(tmp_path / "s", {"pt": lists}), keys_padded={"pt": (2, 0)})
    assert made.counts["pt"].num_clipped_items == 1


@pytest.mark.parametrize("is_skim", [True, False], ids=["skim", "columns"])
def test_load_root_warns_once_a_key(is_skim: bool, make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(num=100)
    asked: dict[str, Any] = {
        "keys": {"nJets"},
        "keys_padded": {"jet_pt": (2, 0.0), "twice": (2, 0.0)},
        "aliases": {"twice": "2 * jet_pt"},
        "skim": is_skim,
    }
    for _ in range(2):
        _, notes = warned_of(lambda: load_root(file, tmp_path / "s", **asked))
        assert [text[:30] for text in notes] == [
            "'jet_pt' is padded to 2 items,",
            "'twice' is padded to 2 items, ",
        ]
        assert "cuts off 25 of 150 items (16.7 %), in 25 of 100 entries (25.0 %)" in notes[0]


@pytest.fixture
def processes(make_file: MakeFile, tmp_path: Path) -> Path:
    """Return a store of events 0 to 9 of process A, and 10 to 19 of B, in two years."""
    files = [
        RFileConfig(make_file("a.root"), metadata={"process": "A", "year": "2017"}),
        RFileConfig(make_file("b.root", first=10), metadata={"process": "B", "year": "2018"}),
    ]
    convert(files, tmp_path / "s", keys={"met", "nJets"}, progress=False)
    return tmp_path / "s"


def test_a_cut_that_leaves_nothing_warns_and_again_when_it_is_opened(processes: Path) -> None:
    for _ in range(2):
        _, notes = warned_of(lambda: skim_of(processes, keys=["met"], cut="met < 0"))
        (note,) = notes
        assert note.startswith("no entry of 20 passes the cut 'met < 0'; loosen the cut, or")


def test_a_cut_that_leaves_nothing_of_a_process_names_it(processes: Path) -> None:
    for _ in range(2):
        _, notes = warned_of(lambda: skim_of(processes, keys=["nJets"], cut="met < 1"))
        (note,) = notes
        assert note.startswith("no entry of process 'B' passes the cut 'met < 1'; loosen")


def test_a_cut_that_leaves_each_process_something_does_not_warn(processes: Path) -> None:
    assert len(skim_of(processes, keys=["met"], cut="met > 1 && met < 2")) == 7


def test_without_process_all_metadata_name_it(make_file: MakeFile, tmp_path: Path) -> None:
    files = [
        RFileConfig(make_file("a.root"), metadata={"name": "A", "year": "2017"}),
        RFileConfig(make_file("b.root", first=10), metadata={"name": "A", "year": "2018"}),
    ]
    convert(files, tmp_path / "s", keys={"met"}, progress=False)
    _, (note,) = warned_of(lambda: skim_of(tmp_path / "s", keys=["met"], cut="met > 1.25"))
    assert note.startswith("no entry of name 'A', year '2017' passes")


def test_a_column_of_integers_names_no_process(tmp_path: Path) -> None:
    columns = {"process": np.array([1, 1, 2], np.uint64), "x": np.arange(3.0)}
    assert len(skim_of(write_store(tmp_path / "s", columns), keys=["x"], cut="x < 2")) == 2


@CLIPS
@pytest.mark.parametrize("key", ["pt", "fixed"])
def test_a_padded_key_has_a_mask(key: str, tmp_path: Path) -> None:
    columns = make_events()
    path = write_store(tmp_path / "s", columns)
    made = skim_of(path, keys_padded={key: (3, 0), "eta": (3, 0)}, groups={"jets": ["eta"]})
    assert made.fields.keys() == {"_index", key, f"{key}_mask", "jets", "jets_mask"}
    counts = np.array([len(entry) for entry in columns[key]])[made.rows["_index"]]
    mask = made.rows[f"{key}_mask"]
    assert mask.dtype == np.bool_
    assert mask.shape == (200, 3)
    assert np.array_equal(mask, np.arange(3) < counts[:, np.newaxis])


@pytest.mark.parametrize(
    "asked",
    [
        {"keys": ["pt_mask"], "keys_padded": {"pt": (3, 0)}},
        {"keys_padded": {"pt": (3, 0), "pt_mask": (3, 0)}},
        {"keys_padded": {"pt": (3, 0)}, "groups": {"pt_mask": ["x"]}},
    ],
)
def test_the_name_of_a_mask_is_taken(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'pt_mask' of the mask of the padded key 'pt' is that"):
        skim_of(tmp_path / "s", **asked)


@CLIPS
def test_a_skim_that_lacks_the_mask_is_made_again(tmp_path: Path) -> None:
    path = write_store(tmp_path / "s", make_events())
    made = skim_of(path, keys_padded={"pt": (3, 0)})
    inode = (made.path / "rows.npy").stat().st_ino
    # As it was before: with no field of that name.
    row = json.loads((made.path / "metadata_skim.json").read_text())["row"]
    row["fields"] = {
        name.replace("pt_mask", "of_old"): field for name, field in row["fields"].items()
    }
    rewrite(made, row=row)
    again = skim_of(path, keys_padded={"pt": (3, 0)})
    assert "pt_mask" in again.fields
    assert (again.path / "rows.npy").stat().st_ino != inode
