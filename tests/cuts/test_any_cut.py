"""Tests that any cut of any columns selects entries, or is refused in memmpy's words."""

import contextlib
import warnings
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import memmpy
from memmpy.columns import WriteJagged, WriteNested, WriteShaped, WriteText, WriteVector
from memmpy.cuts.language import COMPARISONS, FUNCTIONS
from memmpy.errors import MemmpyError, MemmpyWarning

NUM = 4
VECTORS: dict[str, Any] = {
    "flag": np.array([True, False, True, True]),
    "n": np.array([2, 0, 1, 3], np.int32),
    "event": np.array([0, 1, 2**63 + 1, 2**64 - 1], np.uint64),
    "small": np.array([-1, 0, 1, 127], np.int8),
    "half": np.array([0.5, np.nan, np.inf, -1], np.float16),
    "x": np.array([np.nan, 1.5, -2, 0]),
    "phase": np.array([1j, 2, 3, 4]),
    "date": np.array(["2020-01-01", "NaT", "2021-01-01", "2022-01-01"], "M8[s]"),
    "p3": np.arange(12.0).reshape(4, 3),
    "m": np.arange(24, dtype=np.uint8).reshape(4, 2, 3),
    "w": np.arange(96.0).reshape(4, 2, 3, 4) > 50,
    "none": np.zeros((4, 0)),
}
LISTS: dict[str, Any] = {
    "jets": [[50.0, np.nan], [], [30.0], [1.0, 2.0, 3.0]],
    "muons": [[1.0], [2.0, 3.0], [], [4.0]],
    "tags": [[True, False], [], [True], [False, False, False]],
    "pairs": [np.ones((2, 2)), np.zeros((0, 2)), np.full((1, 2), 3.0), np.ones((3, 2))],
    "empty": [[]] * NUM,
}
KEYS = [*VECTORS, *LISTS, "text", "images", "nested", "missing"]
OPERATORS = [*COMPARISONS, "+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "&&", "||"]
CALLS = [*FUNCTIONS, "Sum$", "Min$", "Max$", "MinIf$", "MaxIf$", "Length$", "any", "all", "count"]
NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e999", "18446744073709551615", "true", "'mu'"]
ATOMS = st.sampled_from([*KEYS, *KEYS, "Iteration$", "Length$", *NUMBERS])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def call(name: str, arguments: list[str]) -> str:
        return f"{name}({', '.join(arguments)})"

    def element(key: str, indices: list[str]) -> str:
        return key + "".join(f"[{index}]" for index in indices)

    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({}{})".format, st.sampled_from(["!", "~", "-", "not "]), inner),
        st.builds(call, st.sampled_from(CALLS), st.lists(inner, min_size=1, max_size=3)),
        st.builds("Alt$({}, {})".format, inner, inner),
        st.builds("({} in ({}, {}))".format, inner, inner, inner),
        st.builds(element, st.sampled_from(KEYS), st.lists(inner, min_size=1, max_size=4)),
    )


CUTS = st.recursive(ATOMS, larger, max_leaves=8)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("any") / "data.mmpy"
    for key, values in VECTORS.items():
        with WriteVector(path, key) as column:
            column.extend(values)
    for key, values in LISTS.items():
        with WriteJagged(path, key, dtype=bool if key == "tags" else float) as column:
            column.extend(values)
    with WriteText(path, "text") as text:
        text.extend(["mu", "", "é", "a'b"])
    with WriteShaped(path, "images") as shaped:
        shaped.extend([np.ones((2, i)) for i in range(NUM)])
    with WriteNested(path, "nested") as nested:
        nested.extend(ak.Array([[[1.0]], [], [[2.0], []], [[]]]))
    return path


@pytest.mark.slow
@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(cut=CUTS)
@example(cut="m[1][n] > 0")
@example(cut="w[n][1][n]")
@example(cut="pairs[muons][0] + jets")
@example(cut="none[n] > 0")
@example(cut="m[n]")
@example(cut="Sum$(p3[Iteration$])")
@example(cut="date > 0")
@example(cut="nested[0] > 0")
def test_any_cut_selects_entries_or_is_refused(store: Path, cut: str) -> None:
    found: list[int] | None = None
    with warnings.catch_warnings(), contextlib.suppress(MemmpyError):
        warnings.simplefilter("ignore", MemmpyWarning)
        found = memmpy.open(store).cut(cut, num_threads=0).tolist()
    assert found is None or set(found) <= set(range(NUM))
