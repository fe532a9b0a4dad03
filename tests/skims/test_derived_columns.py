"""A skim computes columns while it packs, with every bit that NumPy gives."""

import json
import pickle
import shutil
from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memmpy
from memmpy import Splits
from memmpy.columns import ColumnType, WriteNested, WriteText, WriteVector, load_memmaps
from memmpy.cuts import read_cut
from memmpy.errors import (
    ColumnError,
    ConversionWarning,
    CutError,
    CutWarning,
    MissingKeyError,
    OptionError,
)
from memmpy.jagged import Jagged, Padding
from memmpy.parallel import WorkOption, check_work
from memmpy.skims import (
    Derived,
    Expression,
    Skim,
    SkimRequest,
    expression_of,
    request_of,
    skim,
)
from memmpy.skims.make_skim import make_skim
from memmpy.skims.sorting import block_values
from memmpy.skims.sorting.sort_plan import Sizes
from memmpy.splits import TicketRule
from memmpy.store import read_metadata
from memmpy.typing import Array
from tests.conftest import CLIPS, EMPTIES, MakeFile
from tests.skims.stores import TINY, bytes_of, make_events, write_store

pytestmark = [CLIPS, EMPTIES]

STORES = Path(__file__).parents[1] / "stores"


def expression(text: str, missing: float | None = None) -> Expression:
    return Expression(read_cut(text, aliases=None, constants=None), missing)


def request(**given: Any) -> SkimRequest:
    nothing: dict[str, Any] = {
        "keys": (),
        "padded": {},
        "groups": {},
        "dtypes": {},
        "derived": {},
        "cut": None,
    }
    return request_of(**{**nothing, **given})


def make(
    path: Path, asked: SkimRequest, *, sizes: Sizes = TINY, work: WorkOption = None, **more: Any
) -> Skim:
    arguments: dict[str, Any] = {"splits": None, "recreate": False, "progress": False, **more}
    return make_skim(path, asked, check_work(work), sizes=sizes, **arguments)


def skim_of(path: Path, derived: Mapping[str, Derived], **more: Any) -> Skim:
    """Return a skim that has only derived columns, each on its own."""
    return make(path, request(keys=[*derived], derived=derived), **more)


@pytest.fixture
def events() -> dict[str, Any]:
    return make_events()


@pytest.fixture
def store(tmp_path: Path, events: dict[str, Any]) -> Path:
    return write_store(tmp_path / "data", events)


@pytest.mark.slow_together
@pytest.mark.parametrize("sizes", [TINY, Sizes()])
@pytest.mark.parametrize("piece", [1, 7, 2**15])
def test_values_are_those_of_numpy(
    store: Path,
    events: dict[str, Any],
    sizes: Sizes,
    piece: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(block_values, "_PIECE", piece)
    derived = {
        "sum": expression("weight * 3 + run"),
        "ratio": expression("met / ht"),
        "is_high": expression("met > 0.5 && is_good"),
        "one": expression("1.5"),
        "lists": expression("pt + 2 * eta"),
        "total": expression("Sum$(pt)"),
        "first": expression("pt[0]"),
    }
    made = skim_of(store, derived, sizes=sizes)
    entries = made.rows["_index"]
    run, weight, met, ht = (events[key][entries] for key in ("run", "weight", "met", "ht"))
    assert np.array_equal(made.rows["sum"], weight * 3 + run)
    assert np.array_equal(made.rows["ratio"], (met.astype("f8") / ht).astype("f4"))
    assert np.array_equal(made.rows["is_high"], (met > 0.5) & events["is_good"][entries])
    assert made.rows["one"].tolist() == [1.5] * 200
    pt, eta = (events[key][np.array(entries)] for key in ("pt", "eta"))
    content, offsets = made.lists["lists"]
    assert np.array_equal(offsets, pt.offsets)
    assert np.array_equal(content, pt.content + 2 * eta.content)
    assert content.dtype == np.float32
    assert made.rows["total"].tolist() == [own.sum(dtype="f8") for own in pt]
    first = np.array([own[0] if len(own) else np.nan for own in pt], "f4")
    assert np.array_equal(made.rows["first"], first, equal_nan=True)
    assert made.verify() == []


@pytest.mark.slow
def test_a_plain_key_is_the_column_itself(store: Path) -> None:
    keys = [*make_events(1)]
    plain = skim(store, keys=keys, progress=False)
    made = skim_of(store, {f"{key}_2": expression(key) for key in keys})
    for name in [*plain.fields, *plain.lists]:
        own = name if name == "_index" else f"{name}_2"
        if name in plain.lists:
            for one, other in zip(plain.lists[name], made.lists[own], strict=True):
                assert one.dtype == other.dtype
                assert one.tobytes() == other.tobytes()
        else:
            assert plain.rows[name].dtype == made.rows[own].dtype
            assert plain.rows[name].tobytes() == made.rows[own].tobytes()


@pytest.mark.parametrize("missing", [-999.0, 0.0, float("nan"), float("inf")])
@given(data=st.data())
def test_what_means_missing_becomes_nan(missing: float, data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["i1", "i4", "u8", "f2", "f4", "f8", "?"])))
    some = [value for value in (-999, 0, 1, 100) if dtype.kind in "fi" or value in (0, 1)]
    fitting = [value for value in some if dtype.itemsize > 1 or abs(value) < 128]
    values = np.array(data.draw(st.lists(st.sampled_from(fitting), max_size=9)), dtype)
    found = expression("x", missing).values({"x": values}, np.arange(len(values)))
    kept = values if dtype.kind in "fb" else values.astype("f8")
    want = kept if dtype.kind == "b" else np.where(kept == missing, np.nan, kept).astype(kept.dtype)
    assert not isinstance(found, Jagged)
    assert found.dtype == want.dtype
    assert np.array_equal(found, want, equal_nan=dtype.kind != "b")


def test_missing_items_of_lists_become_nan() -> None:
    lists = Jagged(np.array([1, -999, 3], np.int32), np.array([0, 2, 2, 3]))
    found = expression("x", -999).values({"x": lists}, np.arange(3))
    want = Jagged(np.array([1, np.nan, 3]), lists.offsets)
    assert found == want


def test_missing_is_a_value_of_the_expression() -> None:
    values = np.array([-999.0, 5.0])
    found = expression("where(x == -999, 7, x)", 5).values({"x": values}, np.arange(2))
    assert isinstance(found, np.ndarray)
    assert found.tolist()[0] == 7
    assert np.isnan(found[1])


def test_groups_and_padding_take_derived_columns(store: Path, events: dict[str, Any]) -> None:
    derived = {"a": expression("pt * 2"), "b": expression("eta", 3), "c": expression("met + 1")}
    padding = Padding(3, float("nan"))
    asked = request(
        padded={"a": padding, "b": padding},
        groups={"jets": ["a", "b"], "numbers": ["c", "weight"]},
        dtypes={"jets": np.dtype("f4"), "numbers": np.dtype("f4")},
        derived=derived,
    )
    made = make(store, asked)
    entries = np.array(made.rows["_index"])
    pt, eta = events["pt"][entries], events["eta"][entries]
    eta = Jagged(np.where(eta.content == 3, np.nan, eta.content).astype("f4"), eta.offsets)
    want = np.stack([(Jagged(pt.content * 2, pt.offsets)).pad(3, np.nan), eta.pad(3, np.nan)], -1)
    assert np.array_equal(made.rows["jets"], want, equal_nan=True)
    assert np.array_equal(made.rows["jets_mask"], np.arange(3) < pt.counts[:, None])
    numbers = np.stack([events["met"][entries] + 1, events["weight"][entries]], -1).astype("f4")
    assert np.array_equal(made.rows["numbers"], numbers)
    assert made.counts["b"].num_clipped_items == int(np.maximum(pt.counts - 3, 0).sum())
    assert made.counts.keys() == {"a", "b", "c", "weight"}


def test_a_cast_says_what_is_lost(tmp_path: Path) -> None:
    path = write_store(tmp_path / "data", {"x": np.array([1e30, 1.0])})
    asked = request(
        groups={"g": ["y"]}, dtypes={"g": np.dtype("f4")}, derived={"y": expression("x * 1e30")}
    )
    with pytest.warns(ConversionWarning, match="1 values of 'y' do not fit into float32"):
        make(path, asked)


def test_a_name_hides_a_column(store: Path, events: dict[str, Any]) -> None:
    made = skim_of(store, {"met": expression("met + 1")})
    assert np.array_equal(made.rows["met"], events["met"][made.rows["_index"]] + np.float32(1))


def test_a_cut_takes_the_columns_of_the_store(store: Path, events: dict[str, Any]) -> None:
    cut = read_cut("met > 0.5", aliases=None, constants=None)
    made = make(store, request(keys=["met"], derived={"met": expression("0 * met")}, cut=cut))
    assert sorted(made.rows["_index"]) == np.flatnonzero(events["met"] > 0.5).tolist()
    assert not made.rows["met"].any()


def test_texts_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with memmpy.Transaction(path) as transaction:
        with WriteText(path, "trigger", transaction=transaction) as text:
            text.extend(["mu", "e", "mu"])
        with WriteVector(path, "met", transaction=transaction) as vector:
            vector.extend(np.array([1.0, 2.0, 3.0]))
    made = skim_of(path, {"is_mu": expression("trigger == 'mu'")})
    assert made.rows["is_mu"].tolist() == [bool(entry != 1) for entry in made.rows["_index"]]


def test_metadata_is_compared_and_kept(make_file: MakeFile, tmp_path: Path) -> None:
    config = memmpy.RFileConfig(make_file(), tree="tree", metadata={"process": "ttH"})
    memmpy.convert([config], tmp_path / "data", keys={"met"}, progress=False)
    plain = skim(tmp_path / "data", keys=["process"], progress=False)
    made = skim_of(
        tmp_path / "data",
        {"is_tth": expression("process == 'ttH'"), "hash": expression("process")},
    )
    assert made.rows["is_tth"].all()
    assert np.array_equal(made.rows["hash"], plain.rows["process"])
    with pytest.raises(CutError, match="'process' is text"):
        skim_of(tmp_path / "data", {"x": expression("process", -999)})
    with pytest.warns(CutWarning, match="no entry has the text 'ttX'; nearest: 'ttH'"):
        skim_of(tmp_path / "data", {"x": expression("process == 'ttX'")})


def test_texts_of_an_old_store_are_compared(tmp_path: Path) -> None:
    path = Path(shutil.copytree(STORES / "format-4", tmp_path / "data"))
    column, texts = load_memmaps(path)["process"], read_metadata(path).hashes
    assert isinstance(column, np.ndarray)
    made = skim_of(path, {"x": expression("process == 'ttH'"), "y": expression("Sum$(hits)", 0)})
    want = [texts[int(column[entry])] == "ttH" for entry in made.rows["_index"]]
    assert made.rows["x"].tolist() == want
    assert set(want) == {True, False}


def test_members_of_nested_columns_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "data"
    records = [[{"pt": 1.5, "id": 1}, {"pt": 2.5, "id": 2}], [], [{"pt": 4.0, "id": 3}]]
    with WriteNested(path, "p", transaction=None) as nested:
        nested.extend(ak.Array(records))
    made = skim_of(path, {"pts": expression("p.pt * 2"), "id": expression("p.id")})
    entries = made.rows["_index"].tolist()
    want = [[one["pt"] * 2 for one in records[entry]] for entry in entries]
    content, offsets = made.lists["pts"]
    assert [own.tolist() for own in Jagged(content, offsets)] == want
    assert made.is_current(read_metadata(path))


def test_a_skim_of_constants_alone_has_the_entries_of_the_store(store: Path) -> None:
    made = skim_of(store, {"one": expression("1")}, splits=Splits("file"))
    assert len(made) == 200
    assert made.rows["one"].all()


def test_the_same_request_opens_the_skim(store: Path) -> None:
    first = skim_of(store, {"x": expression("met*2 > 1")})
    number = first.path.stat().st_ino
    again = skim_of(store, {"x": expression("1 < (met * 2)")})
    assert (again.path, again.path.stat().st_ino) == (first.path, number)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (expression("met"), expression("ht")),
        (expression("met"), expression("met", -999)),
        (expression("met", -999), expression("met", 0)),
        (expression("met", 0), expression("met", float("nan"))),
    ],
)
def test_another_meaning_is_another_skim(store: Path, one: Derived, other: Derived) -> None:
    assert skim_of(store, {"x": one}).path != skim_of(store, {"x": other}).path


def test_a_changed_column_makes_the_skim_outdated(store: Path, events: dict[str, Any]) -> None:
    derived = {"x": expression("met * 2"), "y": expression("ht")}
    first = skim_of(store, derived)
    with WriteVector(store, "weight") as column:
        column.extend(events["weight"] + 1)
    assert first.is_current(read_metadata(store))
    with WriteVector(store, "met") as column:
        column.extend(events["met"] + 1)
    assert not first.is_current(read_metadata(store))
    made = skim_of(store, derived)
    assert made.path == first.path
    assert np.array_equal(made.rows["x"], (events["met"][made.rows["_index"]] + 1) * np.float32(2))


def test_an_older_language_makes_the_skim_outdated(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = skim_of(store, {"x": expression("met * 2")})
    monkeypatch.setattr("memmpy.skims.skim_reader.LANGUAGE", 99)
    assert not made.is_current(read_metadata(store))


def test_without_derived_columns_the_request_is_that_of_today() -> None:
    asked = request(keys=["met"])
    rule = TicketRule("file", 0)
    stated = SkimRequest(asked.keys, {}, {}, {}, None, rule).to_json()
    assert "derived" not in stated
    assert stated["language"] is None


def test_unused_derived_columns_are_left_out() -> None:
    asked = request(keys=["a"], derived={"a": expression("met"), "b": expression("ht")})
    assert asked.derived.keys() == {"a"}


def test_the_document_tells_what_was_computed(store: Path) -> None:
    made = skim_of(store, {"x": expression("met * 2", -999)})
    document = json.loads((made.path / "metadata_skim.json").read_text())
    assert document["asked"]["derived"] == {
        "x": {"expression": "(met * 2)", "language": 3, "missing": "-999.0"}
    }
    assert Skim(made.path).counts["x"].num_entries == 200


@pytest.mark.parametrize("executor", [ThreadPoolExecutor(2), ProcessPoolExecutor(2)])
def test_an_executor_makes_the_same_bytes(store: Path, executor: Executor) -> None:
    derived = {"x": expression("met * 2"), "y": expression("pt", 3), "z": expression("pt[0]")}
    want = bytes_of(skim_of(store, derived))
    with executor:
        made = skim_of(store, derived, work=executor, recreate=True)
    assert bytes_of(made) == want


def test_an_expression_is_pickled() -> None:
    deep = expression("sqrt(" * 150 + "met" + ")" * 150, -1)
    again = pickle.loads(pickle.dumps(deep))
    assert again == deep
    values = {"met": np.array([2.0])}
    assert again.values(values, np.arange(1)) == deep.values(values, np.arange(1))


def test_a_missing_column_is_shown_in_the_expression(store: Path) -> None:
    with pytest.raises(CutError) as caught:
        skim_of(store, {"x": expression("1 + mett")})
    assert "no key 'mett' in" in str(caught.value)
    assert "nearest: 'met'" in str(caught.value)
    assert str(caught.value).splitlines()[1:3] == ["  1 + mett", "      ^^^^"]


class _Number:
    """A derived column that tells no expression."""

    keys = frozenset({"mett"})

    def to_json(self) -> dict[str, Any]:
        return {"number": 1}

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        return ColumnType("vector", np.dtype("f8"))

    def values(self, columns: Mapping[str, Any], entries: Array) -> Array:
        return np.asarray(columns["mett"]) * 2


def test_a_missing_column_of_another_derived_column_is_named(store: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"'mett'.*'met'"):
        skim_of(store, {"x": _Number()})


def test_any_derived_column_may_stand_in_a_skim(tmp_path: Path) -> None:
    path = write_store(tmp_path / "data", {"mett": np.arange(5.0)})
    made = skim_of(path, {"x": _Number()})
    assert np.array_equal(made.rows["x"], made.rows["_index"] * 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("met & 1", "integers"),
        ("p + 1", "an expression cannot use the nested column 'p'"),
        ("trigger + 1", "is text"),
    ],
)
def test_what_cannot_be_computed_is_shown(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "data"
    with memmpy.Transaction(path) as transaction:
        with WriteText(path, "trigger", transaction=transaction) as column:
            column.extend(["mu"])
        with WriteVector(path, "met", transaction=transaction) as vector:
            vector.extend(np.array([1.0]))
        with WriteNested(path, "p", transaction=transaction) as nested:
            nested.extend(ak.Array([[{"x": [1]}]]))
    with pytest.raises(CutError, match=message):
        skim_of(path, {"x": expression(text)})


def test_a_column_of_text_cannot_be_held(tmp_path: Path) -> None:
    with WriteText(tmp_path / "data", "trigger") as column:
        column.extend(["mu"])
    with pytest.raises(ColumnError, match="'x' is text"):
        skim_of(tmp_path / "data", {"x": expression("trigger")})


def test_matched_lists_of_other_lengths_are_an_error(tmp_path: Path) -> None:
    path = write_store(
        tmp_path / "data",
        {
            "a": Jagged(np.arange(3.0), np.array([0, 1, 3])),
            "b": Jagged(np.arange(3.0), np.array([0, 2, 3])),
        },
    )
    with pytest.raises(ColumnError, match="'a' and 'b' differ in length"):
        skim_of(path, {"x": expression("a + b")})


def test_two_things_of_one_name_are_an_error() -> None:
    with pytest.raises(OptionError, match="'x'"):
        request(keys=["x"], groups={"x": ["y"]}, derived={"y": expression("met")})


def test_the_dtype_is_that_of_cpp(store: Path) -> None:
    made = skim_of(store, {"x": expression("run / 2"), "y": expression("run + 1")})
    assert made.fields["x"].dtype == np.float64
    assert made.fields["y"].dtype == np.int32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x / 1000", [0.001, np.nan, 0.003, 0.004]),
        ("n & 1", [1.0, 0.0, np.nan, 0.0]),
        ("n * 2 + x", [3.0, np.nan, np.nan, 12.0]),
        ("n > 2", [False, False, False, True]),
    ],
)
def test_what_is_computed_of_a_missing_number_is_missing(text: str, expected: list[float]) -> None:
    columns = {
        "x": np.array([1, -999, 3, 4], np.float32),
        "n": np.array([1, 2, -999, 4], np.int32),
    }
    one = expression_of(read_cut(text, aliases=None, constants=None), missing=-999.0)
    values = one.values(columns, np.arange(4))
    np.testing.assert_allclose(np.asarray(values), expected, rtol=1e-6)
