"""Laws of chunks: joined, they are the whole."""

from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmpy.columns.awkward_buffers import form_of
from memmpy.columns.column_layout import (
    ENTRIES,
    ColumnChunk,
    ColumnLayout,
    layout_of_array,
    layout_of_nested,
    layout_of_numbers,
    shift,
)
from memmpy.jagged import Jagged
from tests.columns.test_nested import TYPES, array_of


def joined(layout: ColumnLayout, chunks: list[ColumnChunk]) -> dict[str, Any]:
    """Return the arrays of all chunks one after the other, by role."""
    arrays: dict[str, Any] = {}
    for field in layout.fields:
        base, rows = 0, [np.empty((0, *field.shape), field.dtype)]
        for chunk in chunks:
            rows.append(shift(field, chunk.arrays[field.role], base))
            base += 0 if field.points_into is None else chunk.lengths[field.points_into]
        arrays[field.role] = np.concatenate(rows)
    return arrays


@pytest.mark.slow_together
@pytest.mark.parametrize("type_of_entry", TYPES)
@settings(max_examples=25)
@given(data=st.data())
def test_pieces_of_nested_entries_join_to_the_buffers_of_the_whole(
    type_of_entry: str, data: Any
) -> None:
    entries = data.draw(st.lists(TYPES[type_of_entry], max_size=8))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=3)))
    whole, edges = array_of(entries, type_of_entry), [0, *cuts, len(entries)]
    layout = layout_of_nested(type_of_entry)
    chunks = [layout.chunk_of(whole[a:b]) for a, b in pairwise(edges)]
    expected, found = layout.chunk_of(whole).arrays, joined(layout, chunks)
    assert found.keys() == expected.keys()
    for role in expected:
        assert np.array_equal(found[role], expected[role]), role


@pytest.mark.slow_together
@pytest.mark.parametrize("type_of_entry", TYPES)
@settings(max_examples=25)
@given(data=st.data())
def test_joined_pieces_make_an_array_of_the_same_entries(type_of_entry: str, data: Any) -> None:
    entries = data.draw(st.lists(TYPES[type_of_entry], max_size=8))
    cut = data.draw(st.integers(0, len(entries)))
    whole = array_of(entries, type_of_entry)
    layout = layout_of_nested(type_of_entry)
    chunks = [layout.chunk_of(whole[:cut]), layout.chunk_of(whole[cut:])]
    buffers = joined(layout, chunks)
    for field in layout.fields:
        if field.kind == "offsets":
            buffers[field.role] = np.concatenate([[0], buffers[field.role]])
    form = ak.forms.from_dict(layout.details["form"])
    array = ak.from_buffers(form, len(entries), buffers)
    assert array.to_list() == whole.to_list()


@pytest.mark.slow_together
@pytest.mark.parametrize("type_of_entry", TYPES)
@settings(max_examples=10)
@given(data=st.data())
def test_every_array_of_a_piece_is_as_long_as_its_node(type_of_entry: str, data: Any) -> None:
    entries = data.draw(st.lists(TYPES[type_of_entry], max_size=8))
    layout = layout_of_nested(type_of_entry)
    chunk = layout.chunk_of(array_of(entries, type_of_entry)[1:])
    assert chunk.lengths[ENTRIES] == max(0, len(entries) - 1)
    for field in layout.fields:
        assert len(chunk.arrays[field.role]) == chunk.lengths[field.node]


@pytest.mark.parametrize("type_of_entry", TYPES)
def test_a_layout_is_that_of_the_form_of_an_array_of_the_type(type_of_entry: str) -> None:
    array = array_of([], type_of_entry)
    assert layout_of_nested(type_of_entry) == layout_of_array(array, form_of(array))


@given(st.lists(st.lists(st.integers(-9, 9), max_size=4), max_size=9), st.integers(0, 9))
def test_pieces_of_lists_join_to_their_content_and_offsets(
    lists: list[list[int]], cut: int
) -> None:
    whole = Jagged.from_awkward(ak.values_astype(ak.Array([*lists, [1]]), np.int32))
    layout = layout_of_numbers("jagged", np.dtype("<i4"), ())
    found = joined(layout, [layout.chunk_of(whole[:cut]), layout.chunk_of(whole[cut:])])
    assert np.array_equal(found["content"], whole.content)
    assert np.array_equal(found["offsets"], whole.offsets[1:])


def test_values_of_a_vector_are_its_rows() -> None:
    layout = layout_of_numbers("vector", np.dtype("<f4"), (2,))
    chunk = layout.chunk_of(np.arange(6, dtype="<f4").reshape(3, 2))
    assert chunk.lengths == {ENTRIES: 3}
    assert layout.fields[0].is_fixed
    assert layout.fields[0].row_bytes == 8


def test_what_is_missing_is_not_shifted() -> None:
    layout = layout_of_nested("?int64")
    (index,) = (field for field in layout.fields if field.kind == "index")
    assert shift(index, np.array([-1, 0, 1, -1]), 10).tolist() == [-1, 10, 11, -1]
