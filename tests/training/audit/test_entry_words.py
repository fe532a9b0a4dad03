"""Tests of the words of entries: equal for equal bits alone."""

from pathlib import Path
from typing import Any

import awkward as ak
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import memmpy
from memmpy.training.audit.entry_words import has_plain_words, hash_rows, read_slice

DTYPES = ["?", "i1", "u2", "i4", "f4", "i8", "u8", "f8", "c8", "c16"]


def words_of(column: Any, where: Any = slice(None)) -> list[int]:
    words: list[int] = read_slice(column, where).words.tolist()
    return words


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 5)])
def test_words_agree_where_all_bits_do(dtype: str, shape: tuple[int, ...]) -> None:
    size = int(np.prod((40, *shape))) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 256, size, np.uint8)
    values = raw.view(dtype).reshape(40, *shape)
    contents = [value.tobytes() for value in values]
    words = words_of(values)
    assert len(set(words)) == len(set(contents))
    assert words_of(values[::-1]) == words[::-1]
    assert words_of(values, np.array([3, 3, 0])) == [words[3], words[3], words[0]]


def test_numbers_of_8_bytes_are_their_own_words() -> None:
    values = np.array([1.5, -0.0, np.nan])
    assert words_of(values) == values.view(np.uint64).tolist()
    assert has_plain_words(np.asarray(values))  # type: ignore[arg-type]
    assert not has_plain_words(np.zeros((2, 1)))  # type: ignore[arg-type]


@given(st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=8))
def test_lists_agree_where_items_and_lengths_do(lists: list[list[int]]) -> None:
    jagged = memmpy.Jagged.from_arrays([np.array(one, np.int32) for one in lists])
    nested = ak.values_astype(ak.Array([[one] for one in lists]), np.int32)
    for words in (_words_of_jagged(jagged), _words_of_nested(nested)):
        for one, word in zip(lists, words, strict=True):
            for other, other_word in zip(lists, words, strict=True):
                assert (word == other_word) == (one == other)


def test_a_part_of_a_column_has_the_words_of_the_whole(tmp_path: Path) -> None:
    store, random = tmp_path / "s", np.random.default_rng(0)
    counts = random.integers(0, 4, 50)
    lists = ak.unflatten(random.random(counts.sum()), counts)
    with memmpy.WriteJagged(store, "jagged") as jagged:
        jagged.extend(lists)
    with memmpy.WriteText(store, "text") as text:
        text.extend(str(i // 2) for i in range(50))
    with memmpy.WriteShaped(store, "shaped") as shaped:
        for i in range(50):
            shaped.append(np.arange(6).reshape((2, 3) if i % 2 else (3, 2)))
    with memmpy.WriteNested(store, "nested") as nested:
        nested.extend(ak.Array([{"x": [[i // 5], []], "name": str(i % 5)} for i in range(50)]))
    with memmpy.WriteNested(store, "options") as options:
        options.extend(ak.Array([None if i % 3 else [i % 2] for i in range(50)]))
    numbers = {"jagged": len({*map(str, lists.tolist())}), "text": 25, "shaped": 2}
    numbers |= {"nested": 50, "options": 3}
    for key, number in numbers.items():
        column = memmpy.load_memmaps(store)[key]
        words = words_of(column)
        assert len(set(words)) == number, key
        assert words_of(column, slice(20, 50)) == words[20:], key
        assert words_of(column, np.array([49, 7])) == [words[49], words[7]], key


def test_rows_agree_where_all_columns_do() -> None:
    one, other = np.array([1, 1, 2, 2], np.uint64), np.array([1, 2, 1, 2], np.uint64)
    assert len(set(hash_rows([one, other], 4).tolist())) == 4
    assert hash_rows([one, one], 4).tolist() != hash_rows([one], 4).tolist()


def _words_of_jagged(jagged: memmpy.Jagged) -> list[int]:
    column = object.__new__(memmpy.ReadJagged)
    column._jagged = jagged
    return words_of(column)


def _words_of_nested(array: ak.Array) -> list[int]:
    column = object.__new__(memmpy.ReadNested)
    column._array, column._is_checked = array, True
    return words_of(column)
