from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import CorruptStoreError
from memmpy.kernels import offsets_of, pad_jagged, take_jagged

LISTS = st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5), max_size=12)


def jagged(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    content = np.array([item for items in lists for item in items], np.int64)
    return content, offsets_of(np.array([len(items) for items in lists], np.int64))


def lists_of(content: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    return [content[a:b].tolist() for a, b in pairwise(offsets)]


@given(LISTS)
def test_offsets_split_the_content_into_the_lists_it_was_made_of(lists: list[list[int]]) -> None:
    content, offsets = jagged(lists)
    assert offsets.dtype == np.int64
    assert lists_of(content, offsets) == lists


def test_offsets_of_no_counts_are_one_zero() -> None:
    assert offsets_of(np.empty(0, np.int64)).tolist() == [0]


def test_offsets_of_empty_entries_repeat() -> None:
    assert offsets_of(np.array([0, 2, 0, 0, 1])).tolist() == [0, 0, 2, 2, 2, 3]


def test_offsets_of_small_counts_do_not_overflow() -> None:
    assert offsets_of(np.full(300, 255, np.uint8))[-1] == 300 * 255


@given(st.data())
def test_take_gives_the_entries_in_the_order_asked(data: Any) -> None:
    lists = data.draw(LISTS)
    entries = data.draw(
        st.lists(st.integers(0, len(lists) - 1), max_size=20) if lists else st.just([])
    )
    taken = take_jagged(*jagged(lists), np.array(entries, np.int64))
    assert lists_of(*taken) == [lists[entry] for entry in entries]


@pytest.mark.parametrize("offsets", [[0, 4], [2, 1], [-1, 2], [4, 4], [1, -(2**63)]])
def test_take_refuses_lists_that_fall_or_lead_out(offsets: list[int]) -> None:
    with pytest.raises(CorruptStoreError, match=r"is damaged at entry .* its offsets say"):
        take_jagged(np.ones(3), np.array(offsets), np.array([0]))


def test_take_keeps_the_inner_shape() -> None:
    content, offsets = take_jagged(np.zeros((3, 2, 4)), np.array([0, 1, 3]), np.array([1, 1]))
    assert content.shape == (4, 2, 4)
    assert offsets.tolist() == [0, 2, 4]


def test_take_keeps_every_bit() -> None:
    content = np.array([0x7FF8000000000123, 0x8000000000000000], np.uint64).view(np.float64)
    taken, _ = take_jagged(content, np.array([0, 2]), np.array([0]))
    assert taken.tobytes() == content.tobytes()


@given(LISTS, st.integers(0, 7), st.integers(-5, 5))
def test_pad_cuts_and_fills_each_entry(lists: list[list[int]], length: int, fill: int) -> None:
    padded = pad_jagged(*jagged(lists), length, fill)
    assert padded.tolist() == [(items + [fill] * length)[:length] for items in lists]
    assert padded.shape == (len(lists), length)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "c8", "M8[ns]"])
def test_pad_keeps_the_dtype(dtype: str) -> None:
    content = np.ones(2, "i8").astype(dtype)
    assert pad_jagged(content, np.array([0, 2]), 3, content[0]).dtype == np.dtype(dtype)


def test_pad_fills_items_that_are_arrays() -> None:
    padded = pad_jagged(np.ones((1, 2)), np.array([0, 1, 1]), 2, -1)
    assert padded.tolist() == [[[1, 1], [-1, -1]], [[-1, -1], [-1, -1]]]
