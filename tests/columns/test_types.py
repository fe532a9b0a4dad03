"""Tests of the types of columns in words."""

import awkward as ak
import numpy as np
import pytest

from memmpy.columns import ColumnType

F4 = np.dtype(np.float32)


@pytest.mark.parametrize(
    ("column_type", "words"),
    [
        (ColumnType("vector", F4), "float32"),
        (ColumnType("vector", F4, (3,)), "3 x float32"),
        (ColumnType("vector", F4, (10, 4)), "10 x 4 x float32"),
        (ColumnType("jagged", F4), "list of float32"),
        (ColumnType("jagged", F4, (3,)), "list of 3 x float32"),
        (ColumnType("text"), "text"),
    ],
)
def test_a_type_is_told_in_words(column_type: ColumnType, words: str) -> None:
    assert column_type.in_words() == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[[1.5]], []], "list of lists of float64"),
        ([[[[1]]]], "list of lists of lists of int64"),
        ([["a"], []], "list of text"),
        ([[{"pt": 1.0, "id": 2}]], "list of {pt: float64, id: int64}"),
        ([{"pt": [1.0]}], "{pt: var * float64}"),
    ],
)
def test_a_type_of_awkward_is_told_in_words(values: list[object], words: str) -> None:
    text = str(ak.Array(values).layout.form.type)
    assert ColumnType("nested", type=text).in_words() == words
