from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Reweight
from memmpy.columns import ColumnType
from memmpy.cuts import read_cut
from memmpy.errors import ColumnError
from memmpy.jagged import Jagged
from memmpy.skims import Expression
from memmpy.training.label_columns import BinColumn, LabelColumn, WeightColumn


def node(text: str) -> Any:
    return read_cut(text, aliases=None, constants=None)


def labels_of(cuts: dict[str, str], x: Any, *, is_optional: bool = False) -> list[int]:
    column = LabelColumn({name: node(text) for name, text in cuts.items()}, is_optional)
    values = np.asarray(column.values({"x": x}, np.arange(100, 100 + len(x))))
    assert values.dtype == np.int64
    return list(map(int, values))


@given(st.lists(st.integers(0, 9), max_size=20))
def test_a_label_is_the_number_of_the_cut_that_passes(numbers: list[int]) -> None:
    cuts = {"low": "x < 3", "high": "x > 6", "middle": "x >= 3 && x <= 6"}
    expected = [0 if x < 3 else 1 if x > 6 else 2 for x in numbers]
    assert labels_of(cuts, np.array(numbers, np.int32)) == expected


def test_an_optional_label_is_minus_one() -> None:
    x = np.array([1.0, np.nan, 5.0])
    assert labels_of({"a": "x > 3", "b": "x < 0"}, x, is_optional=True) == [-1, -1, 0]


def test_the_first_entry_in_two_classes_is_named() -> None:
    message = "entry 101 is in two classes, 'a' and 'c'"
    with pytest.raises(ColumnError, match=message):
        labels_of({"a": "x > 3", "b": "x < 0", "c": "x > 4"}, np.array([4.0, 5.0, 6.0]))


def test_the_first_entry_in_no_class_is_named() -> None:
    with pytest.raises(ColumnError, match="entry 102 passes the cut and is in no class"):
        labels_of({"a": "x > 3", "b": "x < 0"}, np.array([4.0, -5.0, 1.0]))


def test_an_event_is_in_a_class_if_any_element_passes() -> None:
    x = Jagged(np.array([1.0, 9.0, 9.0, 1.0]), np.array([0, 2, 2, 3, 4]))
    assert labels_of({"a": "x > 5"}, x, is_optional=True) == [0, -1, 0, -1]


def test_names_of_classes_make_no_other_column() -> None:
    """So that a skim is kept when a class is renamed; but not when two swap."""
    one, other = (LabelColumn({name: node("x > 1")}, False) for name in ("a", "b"))
    assert one.to_json() == other.to_json()
    both = {"a": node("x > 1"), "b": node("x < 0")}
    swapped = {"b": both["b"], "a": both["a"]}
    assert LabelColumn(both, False).to_json() != LabelColumn(swapped, False).to_json()
    assert LabelColumn(both, False).to_json() != LabelColumn(both, True).to_json()


def test_a_weight_is_float64() -> None:
    column = WeightColumn(Expression(node("x * 3")))
    values = np.asarray(column.values({"x": np.array([1, 2], np.int16)}, np.arange(2)))
    assert values.dtype == np.float64
    assert values.tolist() == [3.0, 6.0]


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_weight_of_lists_or_arrays_is_refused(shape: tuple[int, ...]) -> None:
    types = {"x": ColumnType("vector" if shape else "jagged", np.dtype("f4"), shape)}
    with pytest.raises(ColumnError, match="weight takes one number for each event, and x has"):
        WeightColumn(Expression(node("x"))).type_of(types)


def test_the_bin_of_an_expression() -> None:
    reweight = Reweight({"abs(x)": [0, 1, 2]}, flat=True)
    column = BinColumn(reweight, (node("abs(x)"),))
    assert column.keys == {"x"}
    values = np.asarray(column.values({"x": np.array([-1.5, 0.5, np.nan])}, np.arange(3)))
    assert values.dtype == np.int32
    assert values.tolist() == [1, 0, -1]


def test_other_edges_make_another_column() -> None:
    one, other = (
        BinColumn(Reweight({"x": edges}, flat=True), (node("x"),)).to_json()
        for edges in ([0, 1], [0, 2])
    )
    assert one != other
