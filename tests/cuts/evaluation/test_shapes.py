"""Tests of the shape of a formula, and of columns that differ in shape."""

import itertools

import numpy as np

from memmpy.cuts import parse, to_program
from memmpy.cuts.evaluation import ColumnLike
from tests.cuts.evaluation.lists import Jagged, jagged, values


def passing(text: str, num_entries: int = 3, **columns: ColumnLike) -> tuple[list[bool], set[str]]:
    """Return which entries pass, and the notes."""
    program = to_program(parse(text))
    found = program(columns)
    return program.mask(found, num_entries).tolist(), set(found.notes)


ONE_TO_ONE = "elements are matched one to one, and the rest of the longer one is left out"
PT = jagged([50, 20], [], [30])
MU = jagged([1], [2], [3, 4])
P4 = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])


def test_lists_of_different_lengths_go_as_far_as_the_shorter_one() -> None:
    assert values("pt + mu", pt=PT, mu=MU) == [51, 33]
    assert passing("pt > mu", pt=PT, mu=MU)[0] == [True, False, True]


def test_lists_of_different_lengths_leave_a_note() -> None:
    _, (note,) = passing("true && pt > mu", pt=PT, mu=MU)
    assert note.splitlines() == [
        f"'pt' and 'mu' differ in length; {ONE_TO_ONE}",
        "  true && pt > mu",
        "  ^^^^^^^^^^^^^^^",
        "to test each on its own, reduce them: any(pt > ...) && any(mu > ...)",
    ]


def test_lists_in_formulas_of_their_own_leave_no_note() -> None:
    mask, notes = passing("any(pt > 25) && any(mu > 2)", pt=PT, mu=MU)
    assert mask == [False, False, True]
    assert not notes


def test_lists_of_equal_lengths_leave_no_note() -> None:
    assert passing("pt > other", pt=PT, other=jagged([1, 1], [], [1]))[1] == set()


def test_arrays_of_different_lengths_go_as_far_as_the_shorter_one() -> None:
    mask, notes = passing("x > y", x=np.array([[1, 9], [9, 1], [1, 1]]), y=np.full((3, 1), 5))
    assert mask == [False, True, False]
    assert len(notes) == 1


def test_a_list_and_an_array_meet_as_two_lists() -> None:
    assert values("pt + p4", pt=PT, p4=P4) == [51, 22, 37]
    assert values("p4 + pt", pt=PT, p4=P4) == [51, 22, 37]


def test_three_lists_go_as_far_as_the_shortest() -> None:
    x, y, z = jagged([1, 1, 1]), jagged([1, 1]), jagged([1])
    for text in itertools.permutations("xyz"):
        assert values(" + ".join(text), x=x, y=y, z=z) == [3]


def test_an_element_picked_by_number_takes_entries_out_that_lack_it() -> None:
    assert passing("pt[1] > 0 || true", pt=PT)[0] == [True, False, False]
    assert passing("!(pt[0] > 40)", pt=PT)[0] == [False, False, True]


def test_elements_of_several_lists_must_all_be_there() -> None:
    assert passing("pt[0] > 0 || mu[1] > 0", pt=PT, mu=MU)[0] == [False, False, True]


def test_an_element_is_no_list() -> None:
    assert passing("pt[0] > mu", pt=PT, mu=MU) == ([True, False, True], set())


def test_iteration_numbers_the_elements_of_the_formula() -> None:
    assert values("Iteration$ + 0 * pt", pt=PT) == [0, 1, 0]
    assert values("Iteration$ + 0 * p4", p4=P4) == [[0, 1, 2]] * 3
    assert values("Iteration$ + x", x=np.array([5, 6])) == [5, 6]


def test_length_counts_the_elements_of_the_formula() -> None:
    assert values("Length$ + 0 * pt", pt=PT) == [2, 2, 1]
    assert values("Length$ + 0 * p4", p4=P4) == [[3, 3, 3]] * 3
    assert values("Length$ + 0 * (pt + mu)", pt=PT, mu=MU) == [1, 1]
    assert values("Length$ + x", x=np.array([5, 6])) == [6, 7]


def test_elements_that_are_arrays_are_numbered_through() -> None:
    vectors = Jagged(np.zeros((3, 2)), PT.offsets)
    assert values("Iteration$ + v", v=vectors) == [[0, 1], [2, 3], [0, 1]]
    assert values("Length$ + v", v=vectors) == [[4, 4], [4, 4], [2, 2]]


def test_arrays_of_more_axes_meet_along_the_first_ones() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    y = np.arange(4).reshape(2, 2)
    assert values("x + 100 * y", x=x, y=y) == (x[:, :2] + 100 * y[:, :, None]).tolist()


def test_slices_of_a_column_are_evaluated_as_they_are() -> None:
    part = Jagged(PT.content[2:], PT.offsets[1:])
    assert passing("pt > 25", 2, pt=part)[0] == [False, True]
    assert values("pt + mu", pt=part, mu=jagged([2], [3, 4])) == [33]
    assert values("Sum$(pt) + Iteration$", pt=part) == [0, 30]
