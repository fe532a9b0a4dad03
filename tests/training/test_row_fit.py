from typing import Any

import numpy as np
import pytest

from memmpy.training.event_groups import EventGroups
from memmpy.training.row_fit import RowFit
from memmpy.training.scaling import Scaling
from memmpy.training.weight_factors import WeightFactors, treat_negative

NONE = np.empty(0, np.int64)
GROUPS = EventGroups(("all",), ("a", "b"), NONE, NONE)
ROWS = {
    "_index": np.arange(5),
    "label": np.array([0, 1, -1, 0, 1]),
    "weight_physics": np.array([1.0, -2.0, -3.0, -4.0, 5.0]),
    "_bin": np.array([0, 1, 0, -1, 0], np.int32),
}
BY_BIN = np.array([[2.0, 3.0, 5.0], [7.0, 11.0, 13.0], [1.0, 1.0, 1.0]])


def weights(rows: dict[str, Any], negative: Any, without_label: int = -1) -> list[float]:
    factors = WeightFactors(BY_BIN, negative, np.array([10.0, 100, 1]), GROUPS, without_label)
    fit = RowFit({}, 0.0, factors)
    plain, compiled = (fit(rows, {}, scaled=(), compiled=one)["weight"] for one in (False, True))
    assert plain.tobytes() == compiled.tobytes()
    assert plain.dtype == np.float32
    return list(map(float, plain))


def test_a_weight_takes_the_factor_of_its_class_and_bin() -> None:
    assert weights(ROWS, "keep") == [2.0, -22.0, -3.0, -20.0, 35.0]


def test_negative_weights_are_treated_and_sums_restored_before() -> None:
    assert weights(ROWS, "abs") == [20.0, 2200.0, 3.0, 200.0, 3500.0]
    assert weights(ROWS, "drop") == [20.0, 0.0, 0.0, 0.0, 3500.0]


def test_events_without_bins_have_the_last_factor_of_their_class() -> None:
    rows = {key: values for key, values in ROWS.items() if key != "_bin"}
    assert weights(rows, "keep") == [5.0, -26.0, -3.0, -20.0, 65.0]


def test_events_without_labels_are_in_no_class_but_where_there_are_none() -> None:
    rows = {key: values for key, values in ROWS.items() if key not in {"_bin", "label"}}
    assert weights(rows, "keep") == [1.0, -2.0, -3.0, -4.0, 5.0]
    assert weights(rows, "keep", without_label=0) == [5.0, -10.0, -15.0, -20.0, 25.0]


def test_rows_without_weights_get_none() -> None:
    factors = WeightFactors(BY_BIN, "keep", np.ones(3), GROUPS, -1)
    assert RowFit({}, 0.0, factors)({"_index": np.arange(3)}, {}, scaled=(), compiled=False) == {}
    assert RowFit({}, 0.0, None)(ROWS, {}, scaled=(), compiled=False) == {}


@pytest.mark.parametrize("negative", ["keep", "abs", "drop", "raise"])
def test_treat_negative_changes_no_array_of_the_caller(negative: Any) -> None:
    given = np.array([1.0, -2.0, 0.0])
    treated = treat_negative(given, negative)
    assert given.tolist() == [1.0, -2.0, 0.0]
    expected = {"abs": [1.0, 2.0, 0.0], "drop": [1.0, 0.0, 0.0]}
    assert treated.tolist() == expected.get(negative, given.tolist())


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_and_lists_are_scaled_in_place(compiled: bool) -> None:
    scaling = Scaling(("x",), ("standard",), np.array([1.0]), np.array([2.0]))
    rows = {"a": np.array([[3.0], [np.nan]], np.float32)}
    lists = {"b": (np.array([[5.0], [np.nan]], np.float32), np.array([0, 2]))}
    RowFit({"a": scaling, "b": scaling}, -1.0, None)(rows, lists, scaled=(), compiled=compiled)
    assert rows["a"].tolist() == [[1.0], [-1.0]]
    assert lists["b"][0].tolist() == [[2.0], [-1.0]]
