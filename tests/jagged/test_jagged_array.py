"""Tests of `Jagged`."""

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy.errors import ColumnError, OptionError
from memmpy.jagged import Jagged
from memmpy.kernels import BYTES_MOVED

LISTS = st.lists(st.lists(st.integers(-100, 100), max_size=4), max_size=10)


def jagged(lists: list[list[int]]) -> Jagged:
    return Jagged.from_arrays(lists, dtype=np.int64)


@pytest.fixture
def jets() -> Jagged:
    return Jagged(np.array([50.0, 30.0, 80.0], np.float32), np.array([0, 2, 2, 3]))


@given(LISTS)
def test_it_is_the_sequence_it_was_made_of(lists: list[list[int]]) -> None:
    made = jagged(lists)
    assert [entry.tolist() for entry in made] == lists
    assert [made[i].tolist() for i in range(len(made))] == lists
    assert made.counts.tolist() == [len(entry) for entry in lists]


@given(LISTS, st.data())
def test_a_slice_is_that_of_the_list(lists: list[list[int]], data: Any) -> None:
    index = data.draw(st.slices(len(lists)))
    assert jagged(lists)[index] == jagged(lists[index])


@given(LISTS.filter(bool), st.data())
def test_entries_come_in_the_order_asked(lists: list[list[int]], data: Any) -> None:
    entries = data.draw(st.lists(st.integers(-len(lists), len(lists) - 1)))
    assert jagged(lists)[entries] == jagged([lists[entry] for entry in entries])


@given(LISTS, st.integers(0, 6))
def test_pad_is_that_of_the_list(lists: list[list[int]], length: int) -> None:
    padded = jagged(lists).pad(length, -1)
    assert padded.tolist() == [(entry + [-1] * length)[:length] for entry in lists]


@given(LISTS)
def test_a_round_trip_through_awkward_changes_nothing(lists: list[list[int]]) -> None:
    assert Jagged.from_awkward(jagged(lists).to_awkward()) == jagged(lists)


@given(LISTS, st.data())
def test_a_slice_of_a_slice_starts_its_offsets_at_zero(lists: list[list[int]], data: Any) -> None:
    part = jagged(lists)[data.draw(st.slices(len(lists)))]
    assert part.offsets[0] == 0
    assert part.offsets[-1] == len(part.content)


@pytest.mark.parametrize(
    ("content", "offsets", "message"),
    [
        (np.zeros(3), [1, 3], "offsets go from 0 to the 3 items of the content, got 1 to 3"),
        (np.zeros(3), [0, 2], "offsets go from 0 to the 3 items of the content, got 0 to 2"),
        (np.zeros(3), [0, 2, 1, 3], "offsets must not fall"),
        (np.zeros(3), [], r"offsets are n \+ 1 integers, got .* of shape \(0,\)"),
        (np.zeros(3), [[0, 3]], r"offsets are n \+ 1 integers, got int64 of shape \(1, 2\)"),
        (np.zeros(3), [0.0, 3.0], r"offsets are n \+ 1 integers, got float64"),
        (np.zeros(()), [0], "content must have an axis of items"),
        (np.zeros(3), np.array([0, 2**64 - 1, 3], np.uint64), "offsets must not fall"),
    ],
)
def test_content_and_offsets_must_belong_together(content: Any, offsets: Any, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        Jagged(content, offsets)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8"])
def test_offsets_of_any_integers_become_int64(dtype: str) -> None:
    assert Jagged(np.zeros(3), np.array([0, 1, 3], dtype)).offsets.dtype == np.int64


@pytest.mark.parametrize("index", [0, -1, slice(None), slice(1, 3), slice(0, 2)])
def test_an_entry_and_a_slice_share_the_memory(jets: Jagged, index: Any) -> None:
    part = jets[index]
    content = part.content if isinstance(part, Jagged) else part
    assert np.shares_memory(content, jets.content)


def test_pad_keeps_the_dtype_with_nan(jets: Jagged) -> None:
    padded = jets.pad(2, float("nan"))
    assert padded.dtype == np.float32
    expected = np.array([[50, 30], [np.nan, np.nan], [80, np.nan]])
    assert np.array_equal(padded, expected, equal_nan=True)


def test_pad_to_nothing_is_an_array_without_items(jets: Jagged) -> None:
    assert jets.pad(0, 0).shape == (3, 0)


def test_pad_refuses_nan_among_integers() -> None:
    with pytest.raises(OptionError, match="cannot fill with nan among values of dtype int64"):
        jagged([[1]]).pad(2, float("nan"))


def test_pad_refuses_a_negative_length(jets: Jagged) -> None:
    with pytest.raises(OptionError, match="length to pad to must not be negative, got -1"):
        jets.pad(-1, 0)


@given(st_numpy.arrays(np.float32, 4, elements=st.floats(width=32, allow_nan=True)))
def test_it_equals_its_copy_nan_and_all(content: np.ndarray) -> None:
    offsets = np.array([0, 1, 4])
    assert Jagged(content, offsets) == Jagged(content.copy(), offsets.copy())


@pytest.mark.parametrize(
    "value",
    [np.array([np.nan]), np.array(["NaT"], "M8[s]"), np.array([(np.nan,)], [("x", "f4")])],
    ids=["float", "date", "field"],
)
def test_what_is_not_a_number_equals_itself(value: np.ndarray) -> None:
    offsets = np.array([0, 1])
    assert Jagged(value, offsets) == Jagged(value.copy(), offsets)


@pytest.mark.parametrize(
    "other",
    [
        Jagged(np.array([1, 2, 3]), np.array([0, 1, 3])),
        Jagged(np.array([1, 2, 4]), np.array([0, 2, 3])),
        Jagged(np.array([1, 2, 3], np.int32), np.array([0, 2, 3])),
        [[1, 2], [3]],
    ],
    ids=["offsets", "content", "dtype", "list"],
)
def test_it_differs_from_other_things(other: Any) -> None:
    assert Jagged(np.array([1, 2, 3]), np.array([0, 2, 3])) != other


def test_it_cannot_be_hashed(jets: Jagged) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(jets)


def test_numpy_cannot_take_it_for_an_array(jets: Jagged) -> None:
    with pytest.raises(ColumnError, match=r"use \.pad\(n, fill\), or \.content with \.offsets"):
        np.asarray(jets)


def test_to_awkward_shares_the_memory(jets: Jagged) -> None:
    array = jets.to_awkward()
    assert array.to_list() == [[50, 30], [], [80]]
    assert np.shares_memory(ak.flatten(array).to_numpy(), jets.content)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (ak.Array([[1], [], [2, 3]])[1:], [[], [2, 3]]),
        (ak.Array([[1], [], [2, 3]])[[2, 0]], [[2, 3], [1]]),
        (ak.to_regular(ak.Array([[1, 2], [3, 4]])), [[1, 2], [3, 4]]),
        (ak.Array(np.arange(4).reshape(2, 2)), [[0, 1], [2, 3]]),
    ],
    ids=["slice", "carried", "regular", "numpy"],
)
def test_from_awkward_takes_lists_however_they_are_kept(array: Any, expected: list) -> None:
    assert Jagged.from_awkward(array) == jagged(expected)


def test_from_awkward_takes_items_of_one_fixed_shape() -> None:
    array = ak.to_regular(ak.Array([[[1, 2]], [[3, 4], [5, 6]]]), axis=2)
    assert Jagged.from_awkward(array).content.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    "array",
    [
        [1, 2],
        [[1, None]],
        [[1], None],
        [[[1, 2]], [[3, 4]]],
        ["text", "é"],
        [["text"]],
        [[{"x": 1}]],
        [[1, "a"]],
    ],
    ids=str,
)
def test_from_awkward_refuses_any_other_type(array: list) -> None:
    with pytest.raises(ColumnError, match=r"not (lists of numbers|one level of lists): "):
        Jagged.from_awkward(ak.Array(array))


def test_from_arrays_keeps_the_inner_shape() -> None:
    assert Jagged.from_arrays([np.zeros((2, 3)), np.zeros((0, 3))])[1].shape == (0, 3)


@pytest.mark.parametrize(
    "arrays", [[np.zeros(1), np.zeros(1, np.int8)], [np.zeros((1, 2)), np.zeros((1, 3))], [1, 2]]
)
def test_from_arrays_wants_one_dtype_and_inner_shape(arrays: list) -> None:
    with pytest.raises(ColumnError, match="jagged entries must share a dtype and their inner shap"):
        Jagged.from_arrays(arrays)


def test_from_no_arrays_needs_a_dtype() -> None:
    with pytest.raises(ColumnError, match="no arrays were given; give their dtype"):
        Jagged.from_arrays([])
    assert Jagged.from_arrays([], dtype="f4").dtype == np.float32


def test_it_says_what_it_is(jets: Jagged) -> None:
    assert repr(jets) == "<Jagged of 3 entries, 3 items of float32>"
    assert jets.nbytes == 3 * 4 + 4 * 8
    content, offsets = jets.buffers
    assert (content is jets.content, offsets is jets.offsets) == (True, True)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["plain", "strided", "objects"])
def test_many_bytes_are_taken_whatever_their_layout(layout: str) -> None:
    num, length = 3 * BYTES_MOVED // 800, 100
    content = np.arange(2 * num * length)[::2] if layout == "strided" else np.arange(num * length)
    if layout == "objects":
        content = content.astype(object)
    lists = Jagged(content, np.arange(num + 1) * length)
    entries = np.random.default_rng(1).permutation(num)
    taken = lists[entries]
    assert np.array_equal(taken.content, content.reshape(num, length)[entries].reshape(-1))
    assert np.array_equal(taken.offsets, lists.offsets)


@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (0, 4), (0, 0), (5, 2, 3), (5, 2, 0)])
def test_entries_of_one_length_are_lists_too(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    found = Jagged.from_regular(values)
    content = values.reshape(shape[0] * shape[1], *shape[2:])
    assert found == Jagged(content, np.arange(shape[0] + 1) * shape[1])
    assert len(found) == shape[0]
    assert found.content.size == 0 or np.shares_memory(found.content, values)
