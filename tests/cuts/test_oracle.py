"""Random cuts, in both spellings, against an interpreter of their trees."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, note
from hypothesis import strategies as st

from memmpy.cuts import Node, Values, evaluate, normal, parse, passes, to_program
from tests.cuts.oracle import Oracle
from tests.cuts.spellings import spelled
from tests.cuts.trees import Columns, columns, columns_of, trees

SEEDS = st.integers(0, 2**16)


@given(trees(), SEEDS)
def test_the_spelling_of_cpp_is_read_as_the_tree(node: Node, seed: int) -> None:
    assert parse(spelled(node, is_python=False, seed=seed)) == node


@given(trees(), SEEDS)
def test_the_spelling_of_python_is_read_as_the_tree(node: Node, seed: int) -> None:
    assert parse(spelled(node, is_python=True, seed=seed)) == node


@given(trees())
def test_the_normal_form_is_a_cut_with_the_same_normal_form(node: Node) -> None:
    assert normal(parse(normal(node))) == normal(node)


@given(trees(), columns())
def test_an_entry_passes_as_the_oracle_says(node: Node, table: Columns) -> None:
    note(normal(node))
    num = len(table["n"].entries)
    mask = passes(node, columns_of(table, 0, num), num_entries=num)
    assert mask.tolist() == [Oracle(table).passes(node, entry) for entry in range(num)]


@given(trees(), columns())
def test_the_normal_form_passes_the_same_entries(node: Node, table: Columns) -> None:
    note(normal(node))
    num = len(table["n"].entries)
    entries = columns_of(table, 0, num)
    expected = passes(node, entries, num_entries=num)
    mask = passes(parse(normal(node)), entries, num_entries=num)
    np.testing.assert_array_equal(mask, expected)


@given(trees(), columns())
def test_values_and_their_type_are_those_of_the_oracle(node: Node, table: Columns) -> None:
    note(normal(node))
    num, oracle = len(table["n"].entries), Oracle(table)
    values = evaluate(node, columns_of(table, 0, num))
    sample = oracle.sample(node)
    assert values.content.dtype == sample.dtype or sample.dtype.itemsize < 8
    for entry in range(num):
        cells = oracle.cells(node, entry)
        is_present = values.present is None or values.present[entry]
        assert is_present == (cells is not None)
        if cells is not None:
            expected = [cell.value for cell in cells]
            np.testing.assert_array_equal(entry_of(values, entry), expected)


def entry_of(values: Values, entry: int) -> Any:
    """Return the elements of an entry."""
    if values.offsets is not None:
        start, stop = values.offsets[entry : entry + 2] - values.offsets[0]
        return values.content[start:stop]
    return np.ravel(values.content[entry] if values.content.ndim else values.content)


@given(trees(), columns(), st.lists(st.integers(0, 5)))
def test_entries_may_come_in_any_steps(node: Node, table: Columns, steps: list[int]) -> None:
    note(normal(node))
    num, program = len(table["n"].entries), to_program(node)
    expected = passes(program, columns_of(table, 0, num), num_entries=num)
    bounds = sorted({0, num, *(step for step in steps if step < num)})
    for start, stop in itertools.pairwise(bounds):
        mask = passes(program, columns_of(table, start, stop), num_entries=stop - start)
        np.testing.assert_array_equal(mask, expected[start:stop])


@given(trees(), columns())
def test_compiled_kernels_change_nothing(node: Node, table: Columns) -> None:
    note(normal(node))
    num, program = len(table["n"].entries), to_program(node)
    entries = columns_of(table, 0, num)
    one, other = (replace(program, compiled=compiled)(entries) for compiled in (False, True))
    np.testing.assert_array_equal(other.content, one.content)
    np.testing.assert_array_equal(
        passes(replace(program, compiled=True), entries, num_entries=num),
        passes(program, entries, num_entries=num),
    )


@given(trees(), columns())
def test_lists_of_different_lengths_are_noted(node: Node, table: Columns) -> None:
    note(normal(node))
    num, oracle = len(table["n"].entries), Oracle(table)
    notes: set[str] = set()
    passes(node, columns_of(table, 0, num), num_entries=num, notes=notes)
    assert bool(notes) == any(oracle.differ(node, entry) for entry in range(num))
