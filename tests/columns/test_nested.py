"""Tests of nested columns."""

import fcntl
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.columns import ReadNested, WriteNested
from memmpy.errors import ColumnError, CorruptStoreError
from memmpy.store import LOCK, METADATA, verify_columns
from tests.documents import rewrite

TYPES = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "?float64": st.none() | st.floats(allow_nan=False),
    "var * bool": st.lists(st.booleans(), max_size=3),
    "var * var * int64": st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=3),
    "option[var * ?int64]": st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3),
    "var * string": st.lists(st.text(max_size=3), max_size=3),
    "3 * int64": st.lists(st.integers(0, 9), min_size=3, max_size=3),
    "var * 2 * int64": st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), max_size=3),
    "{x: int64, y: var * float64}": st.fixed_dictionaries(
        {"x": st.integers(0, 9), "y": st.lists(st.floats(allow_nan=False), max_size=2)}
    ),
    "var * (int64, string)": st.lists(
        st.tuples(st.integers(0, 9), st.text(max_size=2)), max_size=2
    ),
    "option[{x: ?int64}]": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(0, 9)}),
    "0 * int64": st.just([]),
}


def type_of(text: str) -> Any:
    return ak.types.from_datashape(text, highlevel=False)


def array_of(entries: list[Any], type_of_entry: str) -> ak.Array:
    if not entries:
        form = ak.forms.from_type(type_of(type_of_entry))
        return ak.Array(form.length_zero_array(highlevel=False))
    return ak.enforce_type(ak.Array(entries), type_of_entry)


def write(store: Path, *pieces: Any, **options: Any) -> ReadNested:
    with WriteNested(store, "key", **options) as column:
        for piece in pieces:
            column.extend(piece)
    return ReadNested(store, "key")


@pytest.mark.slow_together
@pytest.mark.parametrize("type_of_entry", TYPES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(data=st.data())
def test_pieces_of_any_type_are_concatenated(store: Path, type_of_entry: str, data: Any) -> None:
    entries = st.lists(TYPES[type_of_entry], max_size=4)
    pieces = [array_of(data.draw(entries), type_of_entry) for _ in range(3)]
    column = write(store, *pieces, type=type_of_entry)
    expected = ak.concatenate(pieces)
    assert column.to_awkward().to_list() == expected.to_list()
    assert ak.type(column.to_awkward()).content == type_of(type_of_entry)
    assert verify_columns(store) == []


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u8", "f2", "f4", "f8", "c8", "c16", "M8[s]", "m8[ns]"]
)
def test_items_of_any_dtype_survive(store: Path, dtype: str) -> None:
    items = np.array([0, 1, 1]).astype(dtype)
    array = ak.unflatten(ak.unflatten(items, [1, 0, 2]), [2, 1])
    column = write(store, array).to_awkward()
    assert ak.flatten(column, axis=None).to_numpy().dtype == np.dtype(dtype)
    assert ak.flatten(column, axis=None).to_numpy().tobytes() == items.tobytes()


@pytest.mark.parametrize(
    "array",
    [
        ak.Array([[[1], []], [[2, 3]]])[1:],
        ak.Array([[[1], []], [[2, 3]], [[4]]])[[2, 0]],
        ak.mask(ak.Array([[1, 2], [3]]), np.array([True, False])),
        ak.Array(ak.contents.UnmaskedArray(ak.Array([[1]]).layout)),
        ak.Array(
            ak.contents.BitMaskedArray(
                ak.index.IndexU8(np.array([0b101], np.uint8)),
                ak.contents.NumpyArray(np.arange(3)),
                valid_when=True,
                length=3,
                lsb_order=True,
            )
        ),
        ak.Array(
            ak.contents.IndexedArray(
                ak.index.Index64(np.array([1, 0, 1])),
                ak.Array(["a", "bb"]).layout,
                parameters={"__array__": "categorical"},
            )
        ),
        ak.Array(
            ak.contents.ListArray(
                ak.index.Index64(np.array([2, 0])),
                ak.index.Index64(np.array([3, 2])),
                ak.contents.NumpyArray(np.arange(3)),
            )
        ),
        ak.zip({"x": ak.Array([[1, 2], []]), "y": ak.Array([["a", "b"], []])}),
    ],
    ids=["slice", "carried", "masked", "unmasked", "bits", "categorical", "lists", "zip"],
)
def test_layouts_of_any_class_are_taken(store: Path, array: ak.Array) -> None:
    assert write(store, array, array).to_awkward().to_list() == array.to_list() * 2


def test_names_of_records_survive(store: Path) -> None:
    array = ak.with_name(ak.Array([[{"pt": 1.0}], []]), "Momentum4D")
    assert ak.parameters(write(store, array).to_awkward()[0]) == {"__record__": "Momentum4D"}


def test_awkward_sees_the_mapped_memory(store: Path) -> None:
    column = write(store, ak.Array([[[1.0, 2.0]], [[3.0]]])).to_awkward()
    data = column.layout.content.content.data
    assert not data.flags.writeable
    base = data
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_lists_of_python_are_taken(store: Path) -> None:
    assert write(store, [[[1], []]]).to_awkward().to_list() == [[[1], []]]


def test_a_piece_of_another_type_is_refused(store: Path) -> None:
    message = r"column 'key' has entries of type var \* int64, got var \* float64"
    with pytest.raises(ColumnError, match=message):
        write(store, ak.Array([[1]]), ak.Array([[1.5]]))


@pytest.mark.parametrize("value", [[1, "a"], [[[]]], [[1, None, "a"]]])
def test_a_type_without_a_dtype_is_refused(store: Path, value: Any) -> None:
    with pytest.raises(ColumnError, match=r"unions and unknown types have no fixed dtype"):
        write(store, ak.Array(value))


@pytest.mark.parametrize("value", [5, ak.Array([{"x": 1}])[0]])
def test_what_has_no_entries_is_refused(store: Path, value: Any) -> None:
    with pytest.raises(ColumnError, match="column 'key' takes awkward arrays, got "):
        write(store, value)


def test_nothing_written_is_an_error(store: Path) -> None:
    with pytest.raises(ColumnError, match="nothing was written to column 'key'; extend it once"):
        write(store)


def test_a_type_that_awkward_does_not_know_is_refused_and_the_store_let_go(store: Path) -> None:
    with pytest.raises(ColumnError, match=r"awkward knows no type 'var \* nonsense'; write it as"):
        write(store, type="var * nonsense")
    with (store / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_damaged_form_is_an_error_in_plain_words(store: Path) -> None:
    write(store, ak.Array([[1]]))
    rewrite(
        store / METADATA,
        lambda m: m["columns"]["key"]["details"]["form"].update({"class": "NoSuchArray"}),
    )
    with pytest.raises(CorruptStoreError, match=r"column 'key' of .* is damaged: .*NoSuchArray"):
        ReadNested(store, "key")


def test_it_says_what_type_it_has(store: Path) -> None:
    column = write(store, ak.Array([[1, 2]]))
    assert repr(column) == "<ReadNested of type 1 * var * int64>"
