"""Tests of random cuts, in both spellings, against the oracle."""

import contextlib
import itertools
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st

from memmpy.cuts import Key, Node, normal_form, parse, to_program
from memmpy.cuts.evaluation import ColumnLike, HashedText, Values, evaluate, passes
from memmpy.cuts.evaluation.operands import ListSlice
from memmpy.cuts.language.tree import fold, rebuild
from memmpy.errors import CutError
from tests.cuts.oracle import Oracle
from tests.cuts.spellings import spelled
from tests.cuts.trees import Columns, columns, columns_of, trees

SEEDS = st.integers(0, 2**16)

many = settings(max_examples=2 * settings().max_examples)


@many
@given(trees(), SEEDS)
def test_the_spelling_of_cpp_is_read_as_the_tree(node: Node, seed: int) -> None:
    assert parse(spelled(node, is_python=False, seed=seed)) == node


@many
@given(trees(), SEEDS)
def test_the_spelling_of_python_is_read_as_the_tree(node: Node, seed: int) -> None:
    assert parse(spelled(node, is_python=True, seed=seed)) == node


@many
@given(trees())
def test_the_normal_form_is_a_cut_with_the_same_normal_form(node: Node) -> None:
    assert normal_form(parse(normal_form(node))) == normal_form(node)


@many
@given(trees(), columns())
def test_an_entry_passes_as_the_oracle_says(node: Node, table: Columns) -> None:
    note(normal_form(node))
    num = len(table["n"].entries)
    mask = passes(node, columns_of(table, 0, num), num_entries=num)
    assert mask.tolist() == [Oracle(table).passes(node, entry) for entry in range(num)]


@many
@given(trees(), columns())
def test_the_normal_form_passes_the_same_entries(node: Node, table: Columns) -> None:
    note(normal_form(node))
    num = len(table["n"].entries)
    entries = columns_of(table, 0, num)
    expected = passes(node, entries, num_entries=num)
    mask = passes(parse(normal_form(node)), entries, num_entries=num)
    np.testing.assert_array_equal(mask, expected)


@many
@given(trees(), columns())
def test_values_and_their_type_are_those_of_the_oracle(node: Node, table: Columns) -> None:
    note(normal_form(node))
    num, oracle = len(table["n"].entries), Oracle(table)
    values = evaluate(node, columns_of(table, 0, num))
    sample = oracle.sample(node)
    assert values.content.dtype == sample.dtype
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


@many
@given(trees(), columns(), st.lists(st.integers(0, 5)))
def test_entries_may_come_in_any_steps(node: Node, table: Columns, steps: list[int]) -> None:
    note(normal_form(node))
    num, program = len(table["n"].entries), to_program(node)
    expected = passes(program, columns_of(table, 0, num), num_entries=num)
    bounds = sorted({0, num, *(step for step in steps if step < num)})
    for start, stop in itertools.pairwise(bounds):
        mask = passes(program, columns_of(table, start, stop), num_entries=stop - start)
        np.testing.assert_array_equal(mask, expected[start:stop])


@many
@given(trees(), columns())
def test_compiled_kernels_change_nothing(node: Node, table: Columns) -> None:
    note(normal_form(node))
    num, program = len(table["n"].entries), to_program(node)
    entries = columns_of(table, 0, num)
    one, other = (replace(program, compiled=compiled)(entries) for compiled in (False, True))
    np.testing.assert_array_equal(other.content, one.content)
    np.testing.assert_array_equal(
        passes(replace(program, compiled=True), entries, num_entries=num),
        passes(program, entries, num_entries=num),
    )


@many
@given(trees(), columns())
def test_lists_of_different_lengths_are_noted(node: Node, table: Columns) -> None:
    note(normal_form(node))
    num, oracle = len(table["n"].entries), Oracle(table)
    notes = to_program(node)(columns_of(table, 0, num)).notes
    assert bool(notes) == any(oracle.differ(node, entry) for entry in range(num))


ODD: dict[str, ColumnLike] = {
    "flag": np.array([True, False, True]),
    "met": np.array([1.5, np.nan, -1], np.float32),
    "n": np.array([2, 0, 1], np.uint64),
    "p4": np.arange(9.0).reshape(3, 3),
    "matrix": np.arange(18).reshape(3, 2, 3),
    "nothing": np.zeros((3, 0)),
    "process": HashedText(np.array([5, 6, 5], np.uint64), {5: "ttH", 6: "ttbb"}),
    "name": np.array(["ttH", "a", "b"]),
    "jet_pt": ListSlice(np.arange(3.0), np.array([2, 4, 4, 5])),
    "jet_tag": ListSlice(np.array([True, False, True]), np.array([2, 4, 4, 5])),
    "vectors": ListSlice(np.arange(6).reshape(3, 2), np.array([1, 3, 3, 4])),
    "void": ListSlice(np.zeros(0, np.int8), np.array([7, 7, 7, 7])),
}


@many
@given(trees(), st.randoms(use_true_random=False))
def test_any_columns_make_a_mask_or_a_cut_error(node: Node, random: Random) -> None:
    names = [*ODD]

    def visit(here: Node, operands: list[Node]) -> Node:
        if isinstance(here, Key):
            return replace(here, name=random.choice(names))
        return rebuild(here, operands)

    cut = fold(node, visit)
    note(normal_form(cut))
    with contextlib.suppress(CutError):
        plain, compiled = (
            passes(replace(to_program(cut), compiled=compiled), ODD, num_entries=3)
            for compiled in (False, True)
        )
        assert plain.shape == (3,)
        np.testing.assert_array_equal(compiled, plain)
