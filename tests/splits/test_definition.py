"""Tests of the rule of splits, held against plain Python and against itself."""

import pickle
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import SplitError, Splits
from memmpy.errors import ColumnError, CutError, MissingKeyError, OptionError
from memmpy.store import hash64
from tests.splits import reference

NUM = 100_000


def events(num: int = NUM) -> dict[str, np.ndarray]:
    """Runs and event numbers, some negative and some above 2**63."""
    random = np.random.default_rng(1)
    number = random.integers(0, 2**64, num, dtype=np.uint64, endpoint=False)
    number[::3] = np.arange(len(number[::3]), dtype=np.uint64)
    run = random.integers(-(2**31), 2**31, num).astype(np.int32)
    return {"run": run, "event": number}


def plain(columns: dict[str, np.ndarray]) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns.values()), strict=True))


INTEGERS = st.one_of(
    st.integers(0, 2**64 - 1), st.integers(2**64 - 2**32, 2**64 - 1), st.integers(0, 99)
)


@given(
    st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=20),
    st.integers(0, 2**64 - 1),
    st.integers(2, 12),
    st.sampled_from(["0.1", "0", "0.25", "0.999"]),
)
def test_folds_are_those_of_plain_python(
    values: list[tuple[int, int]], seed: int, num_folds: int, val: str
) -> None:
    splits = Splits(by=("run", "event"), num_folds=num_folds, val=float(val), seed=seed)
    arrays = dict(zip(("run", "event"), np.array(values, np.uint64).T, strict=True))
    assert splits.fold_of(arrays).tolist() == [
        reference.fold_of(event, seed, num_folds) for event in values
    ]
    for fold in range(num_folds):
        expected = [reference.fold_split_of(e, seed, num_folds, fold, val) for e in values]
        assert splits.of(arrays, fold=fold).tolist() == expected


@given(st.lists(st.tuples(INTEGERS), min_size=1, max_size=20), st.integers(0, 2**64 - 1))
def test_fractions_are_those_of_plain_python(values: list[tuple[int]], seed: int) -> None:
    arrays = {"event": np.array(values, np.uint64)[:, 0]}
    for shares in (("0.8", "0.1", "0.1"), ("0.5", "0", "0.5"), ("0.3", "0.7", "0")):
        fractions = dict(zip(("train", "val", "test"), map(float, shares), strict=True))
        splits = Splits(by=("event",), fractions=fractions, seed=seed)
        expected = [reference.split_of(event, seed, shares) for event in values]
        assert splits.of(arrays).tolist() == expected


@pytest.mark.slow_together
@pytest.mark.parametrize("val", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("num_folds", range(2, 11))
def test_each_event_is_tested_once_and_shares_are_as_said(num_folds: int, val: float) -> None:
    arrays = events()
    splits = Splits(by=("run", "event"), num_folds=num_folds, val=val)
    numbers = np.array([splits.of(arrays, fold=fold) for fold in range(num_folds)])
    assert ((numbers == 2).sum(axis=0) == 1).all()
    assert (np.argmax(numbers == 2, axis=0) == splits.fold_of(arrays)).all()
    rest = 1 - 1 / num_folds
    for number, share in enumerate((rest * (1 - val), rest * val, 1 / num_folds)):
        num = (numbers == number).sum(axis=1)
        assert (abs(num - share * NUM) <= 4 * sqrt(NUM * share * (1 - share))).all()


@pytest.mark.parametrize("num_folds", [2, 3, 4, 7, 10])
def test_a_rule_made_elsewhere_is_that_of_numpy(num_folds: int) -> None:
    event = np.random.default_rng(0).integers(0, 2**64, NUM, dtype=np.uint64)
    splits = Splits(by=("event",), fold_by=f"event % {num_folds}", num_folds=num_folds, val=0.1)
    expected = (event % np.uint64(num_folds)).astype(np.int64)
    assert (splits.fold_of({"event": event}) == expected).all()
    for fold in range(num_folds):
        numbers = splits.of({"event": event}, fold=fold)
        assert ((numbers == 2) == (expected == fold)).all()
        for other in set(range(num_folds)) - {fold}:  # of each other fold, a share validates
            num = (expected == other).sum()
            spread = 4 * sqrt(num * 0.09)
            assert abs((numbers[expected == other] == 1).sum() - 0.1 * num) < spread


def test_a_rule_that_gives_the_splits_is_taken_as_it_is() -> None:
    splits = Splits(by=("event",), split_by="where(event < 50, 0, where(event < 70, 1, 2))")
    event = np.arange(100)
    expected = np.where(event < 50, 0, np.where(event < 70, 1, 2))
    assert splits.of({"event": event}).tolist() == expected.tolist()


def test_a_rule_may_compare_texts() -> None:
    splits = Splits(by=("event",), split_by="process == 'ttH' ? 0 : 2")
    arrays = {"process": ["ttH", "ttbb", "ttH"], "event": [1, 2, 3]}
    assert splits.of(arrays).tolist() == [0, 2, 0]


@pytest.mark.parametrize(
    ("rule", "given_by", "match"),
    [
        ("event % 4", -5, r"gives -1 for some event, not 0 to 3; % of a negative"),
        ("event", 4, r"the rule event gives 4 for some event, not 0 to 3"),
        ("event * 0.5", 4, r"gives float64, not one integer per event"),
    ],
)
def test_a_rule_that_gives_no_fold_is_an_error(rule: str, given_by: int, match: str) -> None:
    splits = Splits(by=("event",), fold_by=rule, num_folds=4)
    with pytest.raises(SplitError, match=match):
        splits.of({"event": np.array([given_by])}, fold=0)


def test_the_same_bits_of_any_width_and_sign_are_one_event() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 10_000, dtype=np.uint32)
    splits = Splits(by=("event",))
    kinds = [bits, bits.view(np.int32), bits.astype(np.uint64), bits.view(np.int32).astype("i8")]
    numbers = [splits.of({"event": kind}).tolist() for kind in kinds]
    assert all(number == numbers[0] for number in numbers)
    wide = np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64)
    assert (splits.of({"event": wide}) == splits.of({"event": wide.view(np.int64)})).all()


def test_texts_and_their_hashes_are_the_same() -> None:
    splits = Splits(by=("process", "event"))
    texts = ["ttH", "ttbb"] * 50
    hashes = np.array([hash64(text) for text in texts], np.uint64)
    event = np.arange(100)
    by_text = splits.of({"process": texts, "event": event})
    assert by_text.tolist() == splits.of({"process": hashes, "event": event}).tolist()
    assert by_text.tolist() == [
        reference.split_of((text, number), 0, ("0.8", "0.1", "0.1"))
        for text, number in zip(texts, event.tolist(), strict=True)
    ]


def test_no_events_have_no_splits() -> None:
    assert Splits(by=("event",)).of({"event": []}).tolist() == []


def test_a_left_out_fraction_is_zero() -> None:
    splits = Splits(by=("event",), fractions={"train": 0.5, "test": 0.5})
    assert set(splits.of({"event": np.arange(1000)}).tolist()) == {0, 2}
    assert splits == Splits(by=("event",), fractions={"test": 0.5, "train": 0.5, "val": 0.0})


def test_equal_splits_have_one_hash_and_survive_json_and_pickle() -> None:
    for splits in (
        Splits(),
        Splits("file", seed=3),
        Splits(by=("run", "event"), num_folds=5, val=0.2),
        Splits(by=("event",), fold_by="event % 4", num_folds=4),
        Splits(split_by="which"),
    ):
        same = Splits.from_json(splits.to_json())
        assert (same, hash(same), str(same)) == (splits, hash(splits), str(splits))
        assert pickle.loads(pickle.dumps(splits)) == splits
        assert eval(repr(splits)) == splits


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"by": "event"}, r"by= is a tuple of columns.*got 'event'"),
        ({"by": ()}, "by= is a tuple of columns"),
        ({"by": {"run", "event"}}, "by= is a tuple of columns"),
        ({"by": ("run", 3)}, "by= is a tuple of columns"),
        ({"by": ("run", "run")}, "by= names the column 'run' twice"),
        ({"fractions": (0.8, 0.2)}, "fractions= of splits is a dict such as"),
        ({"fractions": {"trian": 1}}, "no split 'trian'.*nearest: 'train'"),
        ({"fractions": {"train": 0.8}}, "sum to 0.8, not 1"),
        ({"fractions": {"train": float("nan"), "test": 1}}, "a fraction must be a number"),
        ({"fractions": {"train": 1}, "num_folds": 3}, "fractions= is for splits without num_folds"),
        ({"num_folds": 1}, "num_folds must be an integer of at least 2"),
        ({"num_folds": 2.0}, "num_folds must be an integer"),
        ({"num_folds": True}, "num_folds must be an integer"),
        ({"num_folds": 2**70}, "num_folds is at most 10,000"),
        ({"by": np.array(["run"])}, "by= is a tuple of columns"),
        ({"val": 0.1}, "val= is for folds"),
        ({"num_folds": 2, "val": 1}, "val= is the share of the rest"),
        ({"num_folds": 2, "val": "0.1"}, "val= is the share of the rest"),
        ({"num_folds": 2, "val": float("nan")}, "val= is the share of the rest"),
        ({"fold_by": "event % 4"}, "fold_by= needs num_folds="),
        ({"fold_by": "a", "split_by": "b", "num_folds": 2}, "not both"),
        ({"split_by": "a", "num_folds": 2}, "split_by= has no folds"),
        ({"split_by": ("run", "event")}, r"columns that name an event are by=\('run', 'event'\)"),
        ({"fold_by": "3", "num_folds": 4}, "names no column"),
        ({"seed": -1}, "seed must be an integer in 0 <= seed < 2"),
        ({"seed": True}, "seed must be an integer"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        Splits(**options)


def test_an_expression_that_cannot_be_read_shows_the_place() -> None:
    with pytest.raises(CutError, match=r"\^"):
        Splits(fold_by="event %% 4", num_folds=4)


def test_a_fold_is_named_where_there_are_folds_and_nowhere_else() -> None:
    with pytest.raises(SplitError, match="has folds: give one, fold=0 to 4, or split='all'"):
        Splits(by=("event",), num_folds=5).of({"event": [1]})
    with pytest.raises(OptionError, match="no fold 5 of 5 folds: give 0 to 4"):
        Splits(by=("event",), num_folds=5).of({"event": [1]}, fold=5)
    with pytest.raises(SplitError, match="fold=0 was given, and Splits"):
        Splits(by=("event",)).of({"event": [1]}, fold=0)
    with pytest.raises(SplitError, match="has no folds; give num_folds="):
        Splits(by=("event",)).fold_of({"event": [1]})


@pytest.mark.parametrize(
    ("arrays", "error", "match"),
    [
        ({"run": [1]}, MissingKeyError, "no column 'event' among the arrays"),
        ({"events": [1]}, MissingKeyError, "nearest: 'events'"),
        ({"event": [1.0]}, ColumnError, "dtype float64"),
        ({"event": [[1]]}, ColumnError, r"has shape \(1, 1\), not one value per event"),
        ({"event": np.array([None])}, ColumnError, "it holds objects"),
    ],
)
def test_arrays_that_name_no_event_are_refused(
    arrays: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        Splits(by=("event",)).of(arrays)


@pytest.mark.parametrize("given", [5, None, [1, 2], np.arange(3)])
def test_events_are_a_mapping(given: Any) -> None:
    with pytest.raises(OptionError, match="events are given as a mapping of column to array"):
        Splits(by=("event",)).of(given)


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ColumnError, match="differ in length"):
        Splits(by=("run", "event")).of({"run": [1], "event": [1, 2]})


@pytest.mark.parametrize(("by", "match"), [(None, "does not say what names"), ("file", "files")])
def test_arrays_have_no_files(by: Any, match: str) -> None:
    with pytest.raises(SplitError, match=match):
        Splits(by).of({"event": [1]})
