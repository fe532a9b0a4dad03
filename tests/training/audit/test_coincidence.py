"""Tests of the estimate how unlikely it is that rows agree by chance."""

from typing import Any

import numpy as np
import pytest

from memmpy.training.audit.coincidence import estimate_coincidence
from memmpy.training.audit.entry_words import has_plain_words, hash_rows, read_slice

RANDOM = np.random.default_rng(0)
NUM = 20_000
FLOATS = [RANDOM.exponential(50, NUM).astype(np.float32) for _ in range(3)]
NUMBERS = RANDOM.poisson(3, NUM)


def share_of(columns: list[Any], num_entries: int) -> float:
    """Return the share of distinctive rows in a store of some number of entries."""
    words = {str(i): read_slice(column, slice(None)).words for i, column in enumerate(columns)}
    coincidence = estimate_coincidence(
        words,
        has_halves={str(i): has_plain_words(column) for i, column in enumerate(columns)},
        rows=hash_rows(list(words.values()), NUM),
        num_entries=num_entries,
    )
    return float(coincidence.are_distinctive(words).mean())


@pytest.mark.parametrize(
    ("columns", "most"),
    [
        ([NUMBERS], 0),
        ([NUMBERS, NUMBERS % 2], 0),
        ([FLOATS[0], NUMBERS], 0),  # 7 pairs of 20,000 rows agree by chance
        (FLOATS[:2], 40_000),
        (FLOATS, 100_000_000),
        ([RANDOM.normal(size=NUM)], 40_000),
        ([FLOATS[0].astype(np.float64)], 0),  # no more than float32
    ],
)
def test_the_more_content_the_more_rows_can_be_compared(columns: list[Any], most: int) -> None:
    for num_entries in (20_000, 40_000, 10_000_000, 100_000_000):
        expected = 1.0 if num_entries <= most else 0.0
        assert share_of(columns, num_entries) == pytest.approx(expected, abs=0.02), num_entries


def test_rows_of_common_values_are_not_distinctive() -> None:
    is_empty = RANDOM.random(NUM) < 0.3
    columns = [np.where(is_empty, np.float32(0), column) for column in FLOATS]
    assert share_of(columns, NUM) == pytest.approx(1 - is_empty.mean())


def test_common_values_of_a_row_count_together() -> None:
    is_empty = RANDOM.random(NUM) < 0.01
    columns = [np.where(is_empty, np.float32(0), column) for column in FLOATS for _ in range(5)]
    columns.append(RANDOM.exponential(50, NUM).astype(np.float32))
    assert share_of(columns, NUM) == pytest.approx(1 - is_empty.mean())


def test_copies_do_not_make_their_content_common() -> None:
    copies = [np.concatenate([column[:-300], column[:300]]) for column in FLOATS[:2]]
    assert share_of(copies, NUM) == 1
