"""Tests of the values of an expression as a column holds them."""

from typing import Any

import numpy as np
import pytest

from memmpy import Jagged
from memmpy.cuts import compute_column, parse, to_program
from memmpy.errors import CutError

COLUMNS: dict[str, Any] = {
    "i": np.array([1, 2, 3], np.int32),
    "f": np.array([0.5, 1.5, 2.5], np.float32),
    "flag": np.array([True, False, True]),
    "fixed": np.arange(6, dtype=np.float32).reshape(3, 2),
    "pt": Jagged(np.array([5, 4, 3], np.float32), np.array([0, 2, 2, 3])),
    "id": Jagged(np.array([7, 8, 9], np.int32), np.array([0, 2, 2, 3])),
}


def values_of(expression: str, columns: Any = None, num_entries: int = 3) -> Any:
    program = to_program(parse(expression))
    columns = COLUMNS if columns is None else columns
    return compute_column(program, columns, num_entries=num_entries)[0]


def test_a_number_of_the_entry_becomes_a_vector() -> None:
    result = values_of("f / 2")
    assert (result.tolist(), result.dtype) == ([0.25, 0.75, 1.25], np.float32)


def test_a_list_stays_jagged() -> None:
    result = values_of("pt * 2")
    assert ([list(x) for x in result], result.dtype) == ([[10, 8], [], [6]], np.float32)


def test_a_fixed_array_keeps_its_shape() -> None:
    assert values_of("fixed > 2").tolist() == [[False, False], [False, True], [True, True]]


def test_a_constant_is_there_for_each_entry() -> None:
    assert values_of("2.5", num_entries=4).tolist() == [2.5] * 4


def test_a_slice_of_a_column_gets_offsets_from_0_on() -> None:
    pt = COLUMNS["pt"]
    result = values_of("pt + 0", {"pt": pt[1:]}, 2)
    assert (result.offsets.tolist(), result.content.tolist()) == ([0, 0, 1], [3])


class TestMissingElements:
    def test_are_nan_in_a_float(self) -> None:
        np.testing.assert_array_equal(values_of("pt[1] * 2"), np.array([8, np.nan, np.nan]))

    def test_make_a_condition_false(self) -> None:
        assert values_of("!(pt[1] > 100)").tolist() == [True, False, False]

    def test_leave_a_list_empty(self) -> None:
        assert [list(x) for x in values_of("pt[1] * pt")] == [[20, 16], [], []]

    @pytest.mark.parametrize("columns", [COLUMNS, {"id": COLUMNS["id"][:0]}])
    def test_are_refused_in_an_integer_whatever_the_entries(self, columns: Any) -> None:
        with pytest.raises(
            CutError, match=r"cannot be missing, but some entries may lack id\[0\]"
        ) as caught:
            values_of("id[0] + 1", columns, 0)
        assert caught.value.hint == "give them a value: Alt$(id[0], -1)"

    def test_leave_a_list_of_integers_empty(self) -> None:
        assert [list(x) for x in values_of("id * id[1]")] == [[56, 64], [], []]

    def test_may_be_replaced_in_an_integer(self) -> None:
        result = values_of("Alt$(id[1], -1)")
        assert (result.tolist(), result.dtype) == ([8, -1, -1], np.int32)


class TestIntegers:
    def test_that_fit_are_stored_in_32_bits(self) -> None:
        assert values_of("i * 700000000").dtype == np.int32

    def test_that_do_not_fit_are_an_error(self) -> None:
        with pytest.raises(CutError, match="does not hold 3000000000") as caught:
            values_of("i * 1000000000")
        assert caught.value.hint == "compute in 64 bits, as in int64(a) * b"

    def test_below_the_least_are_an_error(self) -> None:
        with pytest.raises(CutError, match="does not hold -3000000000"):
            values_of("i * -1000000000")

    def test_fit_into_64_bits(self) -> None:
        result = values_of("int64(i) * 1000000000")
        assert (result[2], result.dtype) == (3_000_000_000, np.int64)

    def test_of_64_bits_without_sign_stay_exact(self) -> None:
        columns = {"event": np.array([2**63 + 1], np.uint64)}
        result = values_of("event + 1", columns, 1)
        assert (result.tolist(), result.dtype) == ([2**63 + 2], np.uint64)


def test_lists_of_different_lengths_leave_a_note() -> None:
    other = Jagged(np.array([1.0]), np.array([0, 1, 1, 1]))
    program = to_program(parse("pt + other"))
    _, (note,) = compute_column(program, {**COLUMNS, "other": other}, num_entries=3)
    assert note.startswith("'pt' and 'other' differ in length")
