"""Tests of values as Python: the code gives equal values, in lines that can be read."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.report import PythonCall, PythonText, code_of

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
)
VALUES = st.recursive(
    LEAVES,
    lambda one: (
        st.lists(one) | st.lists(one).map(tuple) | st.dictionaries(st.text(max_size=5), one)
    ),
)


def value_of(code: str) -> Any:
    return eval(code, {"memmpy": memmpy})


@given(VALUES)
def test_code_gives_an_equal_value(value: Any) -> None:
    assert value_of(code_of(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        Splits(by=("run", "event"), num_folds=5, val=0.1),
        Objects(["jet_pt", "jet_eta"], length=8),
        RFileConfig("a.root", "Events", {"process": "ttH", "xsec": 0.5}),
        [RFileConfig(f"{i}.root", "Events", {"process": "ttH"}) for i in range(5)],
    ],
)
def test_code_of_values_of_memmpy_gives_them(value: Any) -> None:
    assert value_of(code_of(value)) == value


def test_code_of_numbers_of_numpy_needs_no_numpy() -> None:
    assert code_of([np.float64("nan"), np.int64(3)]) == "[float('nan'), 3]"
    assert math.isinf(value_of(code_of(-math.inf)))


@given(st.lists(st.text("abc_", min_size=1, max_size=30)), st.integers(0, 5))
def test_a_long_call_is_in_lines_of_79_characters(keys: list[str], num: int) -> None:
    options = {"keys": keys, "inputs": {f"input {i}": keys for i in range(num)}}
    call = PythonCall("dict", [PythonText("{}")], options)
    lines = code_of(call).splitlines()
    assert max(map(len, lines)) <= 79
    assert value_of("\n".join(lines)) == options
