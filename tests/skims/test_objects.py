"""Lists of objects are those that plain Python and awkward select, sort and cut."""

import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Objects, compute_cut_batched
from memmpy.columns import WriteVector
from memmpy.cuts import read_cut
from memmpy.errors import ColumnError, CutError, OptionError
from memmpy.jagged import Jagged, Padding
from memmpy.parallel import WorkOption, check_work
from memmpy.skims import Skim, object_columns, request_of
from memmpy.skims.derived_columns import BlockColumns
from memmpy.skims.make_skim import make_skim
from memmpy.store import read_metadata
from memmpy.typing import Array
from tests.conftest import CLIPS, EMPTIES
from tests.skims.stores import TINY, bytes_of, make_events, write_store

pytestmark = [CLIPS, EMPTIES]

NAN, GONE = math.nan, -999.0
Missing = float | Mapping[str, float] | None
#: The values of one object, as they are and with NaN for what is missing.
Item = tuple[list[float], list[float]]

#: Values with ties, sentinels, NaN and infinities, all exact in float32.
VALUES = st.sampled_from([GONE, NAN, 0.0, 1.0, 2.5, 30.0, -30.0, math.inf, -math.inf])
#: Counts of which one may be much larger than the others.
COUNTS = st.lists(st.sampled_from([0, 0, 1, 2, 3, 30]), max_size=8)


def lists_of(objects: Objects, columns: Mapping[str, Any], missing: Missing = None) -> list[Jagged]:
    """Return the k lists that a skim computes for all entries of some columns."""
    derived = object_columns("jets", objects, aliases=None, constants=None, missing=missing)
    num = max(len(column) for column in columns.values())
    block = BlockColumns(columns)
    lists = [one.values(block, np.arange(num)) for one in derived.values()]
    assert all(isinstance(one, Jagged) for one in lists)
    return [one for one in lists if isinstance(one, Jagged)]


def expected(
    entries: Sequence[Sequence[Item]],
    *,
    is_valid: Callable[[list[float]], bool] = lambda _: True,
    sort_key: Callable[[list[float]], float] | None = None,
    max_length: int | None = None,
) -> list[list[list[float]]]:
    """Return the objects that stay of each entry, one by one."""
    result = []
    for items in entries:
        there = [
            values
            for raw, values in items
            if is_valid(raw) and not all(math.isnan(value) for value in values)
        ]
        if sort_key is not None:
            key = sort_key
            there.sort(
                key=lambda own: (math.isnan(key(own)), 0 if math.isnan(key(own)) else key(own))
            )
        result.append(there[:max_length])
    return result


def items_of(lists: Sequence[Jagged]) -> list[list[list[float]]]:
    """Return lists as the objects of each entry."""
    for own in lists[1:]:
        assert np.array_equal(own.offsets, lists[0].offsets)
    entries = zip(*([own.tolist() for own in one] for one in lists), strict=True)
    return [[list(item) for item in zip(*entry, strict=True)] for entry in entries]


def without(value: float, missing: float | None) -> float:
    return NAN if value == missing else value


def check_same(found: list[list[list[float]]], want: list[list[list[float]]]) -> None:
    assert [[len(item) for item in entry] for entry in found] == [
        [len(item) for item in entry] for entry in want
    ]
    one, other = ([v for entry in own for item in entry for v in item] for own in (found, want))
    assert np.array_equal(one, other, equal_nan=True)


@given(
    counts=COUNTS,
    data=st.data(),
    missing=st.sampled_from([None, GONE, 0.0]),
    valid=st.sampled_from([None, "pt > 1", "pt != -999 && eta < 5", "met > 1"]),
    sort_by=st.sampled_from([None, "pt", "-pt", "-eta", "abs(pt)"]),
    max_length=st.sampled_from([None, 1, 2]),
)
def test_lists_are_those_of_plain_python(
    counts: list[int],
    data: st.DataObject,
    missing: float | None,
    valid: str | None,
    sort_by: str | None,
    max_length: int | None,
) -> None:
    num = sum(counts)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    pt, eta = (data.draw(st.lists(VALUES, min_size=num, max_size=num)) for _ in range(2))
    met = data.draw(st.lists(VALUES, min_size=len(counts), max_size=len(counts)))
    columns: dict[str, Any] = {
        "pt": Jagged(np.array(pt, "f4"), offsets),
        "eta": Jagged(np.array(eta, "f8"), offsets),
        "met": np.array(met),
    }
    objects = Objects(["pt", "eta"], valid=valid, sort_by=sort_by, max_length=max_length)
    is_valid: Mapping[str | None, Callable[[list[float]], bool]] = {
        None: lambda _: True,
        "pt > 1": lambda own: own[0] > 1,
        "pt != -999 && eta < 5": lambda own: own[0] != GONE and own[1] < 5,
        "met > 1": lambda own: own[2] > 1,
    }
    sort_keys: Mapping[str | None, Callable[[list[float]], float] | None] = {
        None: None,
        "pt": lambda own: own[0],
        "-pt": lambda own: -own[0],
        "-eta": lambda own: -own[1],
        # Of what the store has: a sentinel has an absolute value.
        "abs(pt)": lambda own: without(abs(own[3]), missing),
    }
    entries = []
    for entry, (start, stop) in enumerate(pairwise(offsets.tolist())):
        raw = [[pt[i], eta[i], met[entry], pt[i]] for i in range(start, stop)]
        entries.append([(own, [without(v, missing) for v in own[:2]] + own[2:]) for own in raw])
    want = []
    for items in entries:
        there = [(raw, own) for raw, own in items if not all(map(math.isnan, own[:2]))]
        one = expected(
            [[(raw, [*own[:2], raw[2], raw[3]]) for raw, own in there]],
            is_valid=is_valid[valid],
            sort_key=sort_keys[sort_by],
            max_length=max_length,
        )
        want.append([own[:2] for own in one[0]])
    check_same(items_of(lists_of(objects, columns, missing)), want)


@given(
    num=st.integers(0, 6),
    data=st.data(),
    missing=st.sampled_from([None, GONE, {"jpt_1": GONE, "jeta_2": 0.0}]),
    valid=st.sampled_from([None, "pt > 1", "pt != -999"]),
    sort_by=st.sampled_from([None, "pt", "-pt", "-eta"]),
    max_length=st.sampled_from([None, 1, 2]),
)
def test_flat_keys_make_lists(
    num: int,
    data: st.DataObject,
    missing: Missing,
    valid: str | None,
    sort_by: str | None,
    max_length: int | None,
) -> None:
    keys = {name: [f"j{name}_{i}" for i in (1, 2, 3)] for name in ("pt", "eta")}
    columns = {
        key: np.array(data.draw(st.lists(VALUES, min_size=num, max_size=num)), "f4")
        for own in keys.values()
        for key in own
    }
    of_key = {key: missing.get(key) if isinstance(missing, Mapping) else missing for key in columns}
    entries: list[list[Item]] = [
        [
            (
                [float(columns[key][entry]) for key in pair],
                [without(float(columns[key][entry]), of_key[key]) for key in pair],
            )
            for pair in zip(*keys.values(), strict=True)
        ]
        for entry in range(num)
    ]
    is_valid: Mapping[str | None, Callable[[list[float]], bool]] = {
        None: lambda _: True,
        "pt > 1": lambda own: own[0] > 1,
        "pt != -999": lambda own: own[0] != GONE,
    }
    sort_keys: Mapping[str | None, Callable[[list[float]], float] | None] = {
        None: None,
        "pt": lambda own: own[0],
        "-pt": lambda own: -own[0],
        "-eta": lambda own: -own[1],
    }
    objects = Objects(keys, valid=valid, sort_by=sort_by, max_length=max_length)
    want = expected(
        entries, is_valid=is_valid[valid], sort_key=sort_keys[sort_by], max_length=max_length
    )
    check_same(items_of(lists_of(objects, columns, missing)), want)


@pytest.mark.parametrize("num_items", [6, 400])
def test_lists_are_those_of_awkward(num_items: int) -> None:
    random = np.random.default_rng(1)
    counts = random.integers(0, 6, 300)
    counts[7] = num_items
    offsets = np.concatenate([[0], np.cumsum(counts)])
    # Integers, so that many are equal.
    pt, eta = (random.integers(0, 40, offsets[-1]) for _ in range(2))
    columns = {"pt": Jagged(pt, offsets), "eta": Jagged(eta, offsets)}
    objects = Objects(["pt", "eta * 2"], valid="pt > 20", sort_by="-pt", max_length=3)
    lists = lists_of(objects, columns)
    jets = ak.Array({key: column.to_awkward() for key, column in columns.items()})
    jets = ak.zip({"pt": jets.pt, "eta": jets.eta})
    jets = jets[jets.pt > 20]
    jets = jets[ak.argsort(jets.pt, ascending=False, stable=True)][:, :3]
    assert lists[0].to_awkward().to_list() == jets.pt.to_list()
    assert lists[1].to_awkward().to_list() == (jets.eta * 2).to_list()


@pytest.mark.parametrize("dtype", ["u8", "i8", "i1", "u1", "?", "f2"])
@pytest.mark.parametrize("sort_by", ["x", "-x"])
@pytest.mark.parametrize("num", [1, 50])
def test_values_of_any_dtype_are_sorted(dtype: str, sort_by: str, num: int) -> None:
    low, high = (0, 1) if dtype in "?f2" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    keys = np.array([1, low, high, low, high, 0], dtype)
    offsets = np.concatenate([[0, 6], np.full(num, 6)])  # so many empty lists need another way
    columns = {"x": Jagged(keys, offsets), "n": Jagged(np.arange(6.0), offsets)}
    order = sorted(range(6), key=[int(key) for key in keys].__getitem__)
    if sort_by == "-x":
        order = sorted(range(6), key=[-int(key) for key in keys].__getitem__)
    (lists,) = lists_of(Objects(["n"], sort_by=sort_by), columns)
    assert lists[0].tolist() == order


def test_integers_and_conditions_become_float64() -> None:
    offsets = np.array([0, 2])
    columns = {
        "tag": Jagged(np.array([True, False]), offsets),
        "charge": Jagged(np.array([-1, 1], np.int8), offsets),
        "pt": Jagged(np.array([1, 2], np.float32), offsets),
    }
    lists = lists_of(Objects(["tag", "charge", "pt"]), columns, GONE)
    assert [own.dtype for own in lists] == [np.float64, np.float64, np.float32]
    assert lists[0][0].tolist() == [1.0, 0.0]


def test_single_values_of_an_object_may_be_missing() -> None:
    offsets = np.array([0, 3])
    columns = {
        "pt": Jagged(np.array([GONE, 5, GONE]), offsets),
        "eta": Jagged(np.array([1, GONE, GONE]), offsets),
    }
    lists = lists_of(Objects(["pt", "eta"]), columns, GONE)
    assert np.array_equal(lists[0][0], [NAN, 5], equal_nan=True)
    assert np.array_equal(lists[1][0], [1, NAN], equal_nan=True)


def test_arrays_of_one_length_are_lists() -> None:
    columns = {"x": np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN]])}
    (lists,) = lists_of(Objects(["x"]), columns)
    assert [own.tolist() for own in lists] == [[1.0, 3.0], []]


def test_aliases_and_constants_are_known() -> None:
    columns = {"pt": Jagged(np.array([10.0, 40.0]), np.array([0, 2]))}
    objects = Objects(["gev"], valid="gev > least", sort_by="-gev")
    (one,) = object_columns(
        "jets", objects, aliases={"gev": "pt / 10"}, constants={"least": 2}, missing=None
    ).values()
    assert one.values(columns, np.arange(1)) == Jagged(np.array([4.0]), np.array([0, 1]))


def test_the_names_of_a_mapping_hide_aliases() -> None:
    columns = {"a": np.array([1.0]), "b": np.array([3.0])}
    objects = Objects({"pt": ["a", "b"]}, valid="pt > 2")
    (one,) = object_columns(
        "jets", objects, aliases={"pt": "a * 100"}, constants=None, missing=None
    ).values()
    assert one.values(columns, np.arange(1)) == Jagged(np.array([3.0]), np.array([0, 1]))


def test_names_are_those_of_the_input_and_the_key() -> None:
    nothing: dict[str, Any] = {"aliases": None, "constants": None, "missing": None}
    assert [*object_columns("jets", Objects(["pt", "eta*2"]), **nothing)] == [
        "jets.pt",
        "jets.eta*2",
    ]
    assert [*object_columns("leps", Objects({"pt": ["a", "b"]}), **nothing)] == ["leps.pt"]


def test_the_members_share_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    from memmpy.skims.object_lists import ObjectLists

    calls: list[Array] = []
    compute = ObjectLists.compute

    def counted(self: ObjectLists, columns: Any, entries: Array) -> Any:
        calls.append(entries)
        return compute(self, columns, entries)

    monkeypatch.setattr(ObjectLists, "compute", counted)
    one = Jagged(np.array([1.0, 2.0]), np.array([0, 2]))
    lists_of(Objects(["a", "b", "c"], sort_by="-a"), {"a": one, "b": one, "c": one})
    assert len(calls) == 1


def skim_of(
    path: Path,
    objects: Objects,
    *,
    missing: Missing = None,
    cut: str | None = None,
    work: WorkOption = None,
    **more: Any,
) -> Skim:
    """Return a skim of one object as a group, as a training set asks for it."""
    derived = object_columns("jets", objects, aliases=None, constants=None, missing=missing)
    length = objects.length
    padded = {} if length is None else dict.fromkeys(derived, Padding(length, NAN))
    asked = request_of(
        keys=[],
        padded=padded,
        groups={"jets": [*derived]},
        dtypes={"jets": np.dtype("f4")},
        derived=pickle.loads(pickle.dumps(derived)),
        cut=None if cut is None else read_cut(cut, aliases=None, constants=None),
    )
    arguments: dict[str, Any] = {"splits": None, "recreate": False, "progress": False, **more}
    return make_skim(path, asked, check_work(work), sizes=TINY, **arguments)


@pytest.fixture
def events() -> dict[str, Any]:
    return make_events()


@pytest.fixture
def store(tmp_path: Path, events: dict[str, Any]) -> Path:
    return write_store(tmp_path / "data", events)


def test_a_padded_object_has_its_mask(store: Path, events: dict[str, Any]) -> None:
    objects = Objects(["pt", "eta", "tag"], length=3, valid="pt > 20", sort_by="-pt")
    made = skim_of(store, objects)
    entries = made.rows["_index"].tolist()
    jets = ak.zip({key: events[key].to_awkward() for key in ("pt", "eta", "tag")})[entries]
    jets = jets[jets.pt > 20]
    jets = jets[ak.argsort(jets.pt, ascending=False, stable=True)]
    want = np.full((200, 3, 3), np.nan, np.float32)
    for i, own in enumerate(jets[:, :3].to_list()):
        for j, jet in enumerate(own):
            want[i, j] = jet["pt"], jet["eta"], jet["tag"]
    assert np.array_equal(made.rows["jets"], want, equal_nan=True)
    assert np.array_equal(made.rows["jets_mask"], ~np.isnan(want[:, :, 0]))
    assert made.rows["jets"].dtype == np.float32
    num_cut = np.maximum(ak.num(jets).to_numpy() - 3, 0)
    assert made.counts["jets.pt"].num_clipped_items == num_cut.sum()


def test_without_a_length_it_is_jagged(store: Path, events: dict[str, Any]) -> None:
    made = skim_of(store, Objects(["pt", "eta"], max_length=2))
    pt, eta = (events[key][np.array(made.rows["_index"])] for key in ("pt", "eta"))
    content, offsets = made.lists["jets"]
    assert np.array_equal(np.diff(offsets), np.minimum(pt.counts, 2))
    want = [
        [[*pair] for pair in zip(a[:2], b[:2], strict=True)] for a, b in zip(pt, eta, strict=True)
    ]
    assert [own.tolist() for own in Jagged(content, offsets)] == want


def test_flat_keys_are_a_padded_object(store: Path, events: dict[str, Any]) -> None:
    objects = Objects({"x": ["met", "ht"], "y": ["weight", "run"]}, length=3, valid="y < 3")
    made = skim_of(store, objects, missing={"run": 2})
    entries = made.rows["_index"]
    met, ht, weight, run = (events[key][entries] for key in ("met", "ht", "weight", "run"))
    has_second = run < 3
    assert np.array_equal(made.rows["jets_mask"][:, 0], np.ones(200, bool))
    assert np.array_equal(made.rows["jets_mask"][:, 1], has_second)
    assert not made.rows["jets_mask"][:, 2].any()
    assert np.array_equal(made.rows["jets"][:, 0], np.stack([met, weight], -1).astype("f4"))
    second = np.stack([ht, np.where(run == 2, np.nan, run)], -1).astype("f4")
    assert np.array_equal(made.rows["jets"][has_second, 1], second[has_second], equal_nan=True)


@pytest.mark.parametrize("cut", ["run == 2", "met > 0.9 || event % 3 == 0", "met > 9"])
@pytest.mark.parametrize("keys", [["pt", "eta"], {"pt": ["met", "ht"], "eta": ["ht", "weight"]}])
def test_a_cut_takes_its_entries_of_the_lists(store: Path, cut: str, keys: Any) -> None:
    name = "pt" if isinstance(keys, dict) else "eta"
    objects = Objects(keys, length=2, valid=f"{name} > 0.3", sort_by=f"-{name}")
    full, made = skim_of(store, objects), skim_of(store, objects, cut=cut)
    entries = compute_cut_batched(store, cut)
    assert sorted(made.rows["_index"]) == entries.tolist()
    places = np.argsort(full.rows["_index"])[made.rows["_index"]]
    for field in ("jets", "jets_mask"):
        assert made.rows[field].tobytes() == full.rows[field][places].tobytes()


@pytest.mark.parametrize("keys", [["pt", "eta"], {"pt": ["met", "ht"]}])
@pytest.mark.parametrize("length", [None, 2])
def test_a_store_without_entries_has_no_objects(tmp_path: Path, keys: Any, length: Any) -> None:
    path = write_store(tmp_path / "data", make_events(0))
    made = skim_of(path, Objects(keys, length=length, valid="pt > 0", sort_by="-pt"))
    assert len(made) == 0
    assert made.verify() == []


@pytest.mark.parametrize("executor", [ThreadPoolExecutor(2), ProcessPoolExecutor(2)])
def test_an_executor_makes_the_same_bytes(store: Path, executor: Executor) -> None:
    objects = Objects(["pt", "eta"], length=2, valid="pt > 20 && eta < 90", sort_by="-eta")
    want = bytes_of(skim_of(store, objects, missing=50))
    with executor:
        made = skim_of(store, objects, missing=50, work=executor, recreate=True)
    assert bytes_of(made) == want


@pytest.mark.parametrize("key", ["valid", "sort_by"])
def test_a_changed_column_makes_the_skim_outdated(tmp_path: Path, key: str) -> None:
    lists = Jagged(np.array([1.0, 2.0]), np.array([0, 2]))
    path = write_store(tmp_path / "data", {"pt": lists, "x": np.array([[1.0, 0.0]])})
    asked: dict[str, Any] = {key: "x > 0" if key == "valid" else "x"}
    first = skim_of(path, Objects(["pt"], **asked))
    with WriteVector(path, "x") as column:
        column.extend(np.array([[0.0, 1.0]]))
    assert not first.is_current(read_metadata(path))
    made = skim_of(path, Objects(["pt"], **asked))
    assert made.path == first.path
    assert made.lists["jets"][0].tolist() == ([[2.0]] if key == "valid" else [[1.0], [2.0]])


@pytest.mark.slow_together
@pytest.mark.parametrize(
    "other",
    [
        Objects(["pt", "eta"], valid="pt > 20"),
        Objects(["pt", "eta"], sort_by="pt"),
        Objects(["pt", "eta"], sort_by="-pt"),
        Objects(["pt", "eta"], max_length=2),
    ],
)
def test_other_objects_are_another_skim(store: Path, other: Objects) -> None:
    first = skim_of(store, Objects(["pt", "eta"]))
    assert skim_of(store, other).path != first.path
    assert skim_of(store, Objects(["pt", " eta"])).path != first.path  # of another name
    assert skim_of(store, Objects(["pt", "eta"]), missing=GONE).path != first.path


def test_lists_that_differ_in_length_name_both_keys_and_the_entry(tmp_path: Path) -> None:
    path = write_store(
        tmp_path / "data",
        {
            "pt": Jagged(np.arange(3.0), np.array([0, 1, 1, 3])),
            "eta": Jagged(np.arange(3.0), np.array([0, 1, 2, 3])),
        },
    )
    message = "lists of 'jets' differ in length: entry 1 has 0 items of 'pt' and 1 of 'eta'"
    with pytest.raises(ColumnError, match=message):
        skim_of(path, Objects(["pt", "eta"]))
    with pytest.raises(ColumnError, match="0 items of 'pt' and 1 of 'eta > 0'"):
        skim_of(path, Objects(["pt"], valid="eta > 0"))
    with pytest.raises(ColumnError, match="0 items of 'pt' and 1 of 'eta'"):
        skim_of(path, Objects(["pt"], sort_by="-eta"))


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (Objects(["met"]), "met does not have a list.*for flat keys, give a mapping"),
        (Objects({"x": ["met", "pt"]}), "pt has many values.*give lists as Objects"),
        (Objects(["pairs"]), "pairs does not have a list of numbers"),
        (Objects(["pt"], valid="pairs > 0"), "does not have a condition for each object"),
        (Objects(["pt"], sort_by="-met"), "met does not have a number for each object to sort"),
        (Objects(["ptt"]), "no key 'ptt' in .*nearest: 'pt'"),
        (Objects(["pt"], valid="etaa > 0"), "no key 'etaa' in .*nearest: 'eta'"),
    ],
)
def test_expressions_that_do_not_fit_are_shown(store: Path, objects: Objects, message: str) -> None:
    with pytest.raises(CutError, match=f"(?s){message}"):
        skim_of(store, objects)


def test_a_mapping_knows_its_names_only() -> None:
    objects = Objects({"pt": ["a", "b"]}, valid="ptt > 1")
    message = "no key 'ptt' among the names of the object 'jets'; nearest: 'pt'"
    with pytest.raises(CutError, match=message):
        object_columns("jets", objects, aliases=None, constants=None, missing=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keys": "pt"}, "keys must be a list of keys or expressions, got 'pt'"),
        ({"keys": []}, "keys must be a list"),
        ({"keys": {"pt", "eta"}}, "keys must be a list"),
        ({"keys": [1]}, "a key must be a non-empty string, got 1"),
        ({"keys": ["pt", "pt"]}, "keys names 'pt' twice"),
        ({"keys": {}}, "empty mapping"),
        ({"keys": {"pt": "jpt_1"}}, "the keys of 'pt' must be a list"),
        ({"keys": {"": ["jpt_1"]}}, "a name of Objects must be a non-empty string"),
        ({"keys": {"pt": ["a", "b"], "eta": ["c"]}}, "'pt' has 2 keys and 'eta' has 1"),
        ({"keys": ["pt"], "length": 0}, "length must be an integer of at least 1, got 0"),
        ({"keys": ["pt"], "max_length": 2.0}, "max_length must be an integer"),
        ({"keys": ["pt"], "length": 2, "max_length": 2}, "give one of them"),
        ({"keys": ["pt"], "valid": ""}, "valid must be a non-empty string"),
        ({"keys": ["pt"], "sort_by": 3}, "sort_by must be a non-empty string, got 3"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Objects(**arguments)


@pytest.mark.parametrize("arguments", [{"keys": ["pt +"]}, {"keys": ["pt"], "valid": "pt >"}])
def test_what_cannot_be_read_is_shown(arguments: dict[str, Any]) -> None:
    with pytest.raises(CutError, match="ends too early"):
        Objects(**arguments)


def test_objects_are_values() -> None:
    one = Objects({"pt": ["a", "b"]}, length=2)
    other = Objects({"pt": ("a", "b")}, length=np.int64(2))
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != Objects({"pt": ["a", "b"]}, max_length=2)
    assert len({Objects(["pt"]), Objects(("pt",)), Objects(["eta"])}) == 2
