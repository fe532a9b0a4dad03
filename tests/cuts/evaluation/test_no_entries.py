"""Tests that the type of values is the same without entries."""

import itertools

import numpy as np
import pytest

from memmpy import Jagged
from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, evaluate
from memmpy.cuts.language import FUNCTIONS
from memmpy.errors import CutError
from memmpy.typing import Array

CALLS = [f"{n}({', '.join(['{0}'] * f.arity)})" for n, f in FUNCTIONS.items()]
CALLS += [f"{n}({{0}}, {{1}}, {{0}})" for n, f in FUNCTIONS.items() if f.variadic]
REDUCED = ["Sum$({0})", "Min$({0})", "Max$({0})", "MinIf$({0}, {1} > 0)", "Length$({0})"]
SIGNS = [f"{{0}} {sign} {{1}}" for sign in ("+", "-", "*", "/", "%", "<", "==", "**")]
SIGNS += ["-{0}", "!{0}", "+{0}", "any({0} > 0)", "count({0} > 0)", "all({0} > 0)"]
SIGNS += ["Alt$({0}, 1)", "{0} > 0 ? {0} : {1}", "lists[{0}]", "lists[0] * {0}"]
DTYPES = [np.bool_, np.int8, np.uint8, np.uint32, np.int64, np.uint64, np.float32, np.float64]


@pytest.mark.slow_together
@pytest.mark.parametrize("template", [*CALLS, *REDUCED, *SIGNS])
def test_the_type_of_values_is_the_same_without_entries(template: str) -> None:
    text = template.format("a", "b")
    for one, other in itertools.product(DTYPES, DTYPES):
        for is_list in (False, True):
            found = set()
            for num in (0, 1, 3):
                a: Array = np.ones(num, one)
                b: Array = np.ones(num, other)
                offsets = np.arange(num + 1)
                columns: dict[str, ColumnLike] = {"lists": Jagged(b, offsets), "a": a, "b": b}
                if is_list:
                    columns |= {"a": Jagged(a, offsets), "b": Jagged(b, offsets)}
                try:
                    found.add(str(evaluate(parse(text), columns).content.dtype))
                except CutError as error:
                    found.add(error.message)
            assert len(found) == 1, (one, other, is_list)
