"""The contract of all kinds of columns."""

import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.columns import (
    ReadJagged,
    ReadNested,
    ReadShaped,
    ReadText,
    WriteJagged,
    WriteNested,
    WriteShaped,
    WriteText,
    WriteVector,
    load_memmaps,
    read_vector,
)
from memmpy.errors import ColumnError, MemmpyError, MissingFileError, MissingKeyError, OptionError
from memmpy.store import Transaction, verify_columns


@dataclass(frozen=True)
class Kind:
    """A kind of column, with entries for it."""

    name: str
    write: Any
    read: Callable[..., Any]
    entries: list[Any]
    typed: dict[str, Any]

    def plain(self, values: Any) -> list[Any]:
        """Return entries as plain Python."""
        return [v.tolist() if hasattr(v, "tolist") else v for v in values]

    def extend(self, writer: Any, entries: Sequence[Any]) -> None:
        """Add entries of plain Python."""
        if self.name == "vector":
            writer.extend(np.array(entries, np.float64).reshape(-1, 2))
        elif self.name == "nested":
            array = ak.Array(self.entries)
            writer.extend(array[[self.entries.index(entry) for entry in entries]])
        else:
            writer.extend(entries)


KINDS = [
    Kind(
        "vector",
        WriteVector,
        read_vector,
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],
        {"dtype": np.float64, "shape": (2,)},
    ),
    Kind("jagged", WriteJagged, ReadJagged, [[1.5], [], [2.5, 3.5], [4.5]], {"dtype": np.float64}),
    Kind("shaped", WriteShaped, ReadShaped, [[[1, 2]], [3], 4, [[5], [6]]], {"dtype": np.int64}),
    Kind("text", WriteText, ReadText, ["mu", "", "é\0", "日本"], {}),
    Kind(
        "nested",
        WriteNested,
        ReadNested,
        [[{"x": 1, "s": "a"}], [], [{"x": None, "s": ""}], [{"x": 2, "s": "é"}]],
        {"type": "var * {x: ?int64, s: string}"},
    ),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def column(kind: Kind, store: Path) -> Any:
    with kind.write(store, "key") as writer:
        kind.extend(writer, kind.entries)
    return kind.read(store, "key")


def test_it_holds_the_entries_written(kind: Kind, column: Any) -> None:
    assert len(column) == 4
    assert kind.plain(column) == kind.entries


@pytest.mark.parametrize("entry", [0, 3, -1, -4, np.int8(1), np.uint64(2), np.array(1)])
def test_an_integer_gives_one_entry(kind: Kind, column: Any, entry: Any) -> None:
    assert kind.plain([column[entry]]) == [kind.entries[int(entry)]]


@pytest.mark.parametrize(
    "index",
    [
        slice(None),
        slice(1, 3),
        slice(3, 1),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(-2, 100),
        slice(3, None, -2),
    ],
    ids=str,
)
def test_a_slice_gives_what_a_list_gives(kind: Kind, column: Any, index: slice) -> None:
    assert kind.plain(column[index]) == kind.entries[index]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4"])
def test_entries_come_in_the_order_asked(kind: Kind, column: Any, dtype: str) -> None:
    taken = column[np.array([3, 0, 2, 0], dtype)]
    assert kind.plain(taken) == [kind.entries[i] for i in (3, 0, 2, 0)]


def test_negative_entries_count_from_the_end(kind: Kind, column: Any) -> None:
    assert kind.plain(column[np.array([-1, -4])]) == [kind.entries[3], kind.entries[0]]


@pytest.mark.parametrize("index", [[], np.empty(0, np.int64), np.zeros(4, np.bool_)], ids=str)
def test_no_entries_give_none(kind: Kind, column: Any, index: Any) -> None:
    assert kind.plain(column[index]) == []


def test_a_list_of_entries_is_one(kind: Kind, column: Any) -> None:
    assert kind.plain(column[[2, 1]]) == [kind.entries[2], kind.entries[1]]


@pytest.mark.parametrize("as_type", [list, np.array])
def test_a_mask_gives_the_entries_where_it_is_true(kind: Kind, column: Any, as_type: Any) -> None:
    mask = as_type([True, False, False, True])
    assert kind.plain(column[mask]) == [kind.entries[0], kind.entries[3]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "index", [4, -5, [0, 4], np.array([4], np.uint64), np.ones(3, np.bool_)], ids=str
)
def test_what_is_not_there_is_an_index_error(column: Any, index: Any) -> None:
    with pytest.raises(IndexError):
        column[index]


@pytest.mark.parametrize("index", [1.0, "1"])
def test_what_is_no_index_is_a_type_error(column: Any, index: Any) -> None:
    with pytest.raises((TypeError, IndexError), match=r"index|indices"):
        column[index]


def test_awkward_sees_the_same_entries(kind: Kind, column: Any) -> None:
    if kind.name == "shaped":
        pytest.skip("these entries differ in their number of axes")
    array = ak.Array(np.asarray(column)) if kind.name == "vector" else column.to_awkward()
    assert array.to_list() == kind.entries


def test_it_opens_by_its_key_as_what_it_is(kind: Kind, column: Any, store: Path) -> None:
    opened = load_memmaps(store)["key"]
    assert type(opened) is type(column)
    assert kind.plain(opened) == kind.entries


def test_a_path_may_be_text(kind: Kind, store: Path) -> None:
    with kind.write(str(store), "key") as writer:
        kind.extend(writer, kind.entries)
    assert kind.plain(kind.read(str(store), "key")) == kind.entries


def test_its_files_are_as_their_checksums_say(column: Any, store: Path) -> None:
    assert verify_columns(store) == []


def test_each_of_its_files_is_one_for_numpy(column: Any, store: Path) -> None:
    files = list(store.glob("*.npy"))
    assert files
    for file in files:
        assert np.load(file, mmap_mode="r").shape[0] > 0


def test_it_says_how_many_entries_and_bytes_it_has(kind: Kind, column: Any) -> None:
    assert column.nbytes > 0
    assert kind.name in {"vector", "nested"} or "of 4 entries" in repr(column)


def test_its_buffers_are_the_mapped_arrays_that_hold_it(kind: Kind, column: Any) -> None:
    if kind.name == "vector":
        return  # it is an array itself
    assert sum(buffer.nbytes for buffer in column.buffers) == column.nbytes
    for buffer in column.buffers:
        base = buffer
        while not isinstance(base, mmap.mmap):
            base = base.base


def test_it_may_stay_empty_where_its_type_is_given(kind: Kind, store: Path) -> None:
    with kind.write(store, "key", **kind.typed):
        pass
    column = kind.read(store, "key")
    assert len(column) == 0
    assert kind.plain(column) == []
    assert kind.plain(column[:]) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(pieces=st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=5))
def test_pieces_follow_each_other(kind: Kind, store: Path, pieces: list[list[int]]) -> None:
    with kind.write(store, "key", **kind.typed) as writer:
        for piece in pieces:
            kind.extend(writer, [kind.entries[i] for i in piece])
    expected = [kind.entries[i] for piece in pieces for i in piece]
    assert kind.plain(kind.read(store, "key")) == expected


def test_who_has_it_open_keeps_it_when_it_is_replaced(kind: Kind, column: Any, store: Path) -> None:
    with kind.write(store, "key") as writer:
        kind.extend(writer, kind.entries[:1])
    assert len(kind.read(store, "key")) == 1
    assert kind.plain(column) == kind.entries


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_inside_leaves_what_was_there(
    kind: Kind, column: Any, store: Path, error: type[BaseException]
) -> None:
    before = sorted(file.name for file in store.iterdir())

    def fail() -> None:
        with kind.write(store, "key") as writer:
            kind.extend(writer, kind.entries[:2])
            raise error

    with pytest.raises(error):
        fail()
    assert kind.plain(kind.read(store, "key")) == kind.entries
    assert sorted(file.name for file in store.iterdir()) == before


def test_writing_before_the_block_is_an_error(kind: Kind, store: Path) -> None:
    name = kind.write.__name__
    with pytest.raises(OptionError, match=f"{name} writes inside a with block: with {name}"):
        kind.extend(kind.write(store, "key"), kind.entries)


def test_writing_after_the_block_is_an_error(kind: Kind, column: Any, store: Path) -> None:
    with kind.write(store, "key") as writer:
        kind.extend(writer, kind.entries)
    with pytest.raises(OptionError, match="writes inside a with block"):
        kind.extend(writer, kind.entries)
    assert verify_columns(store) == []


def test_a_writer_is_used_once(kind: Kind, store: Path) -> None:
    with kind.write(store, "key") as writer:
        kind.extend(writer, kind.entries)
    with pytest.raises(OptionError, match="column 'key' was written: make another Write"), writer:
        pass
    assert kind.plain(kind.read(store, "key")) == kind.entries


def test_an_empty_key_is_refused(kind: Kind, store: Path) -> None:
    with pytest.raises(OptionError, match="a key must be a non-empty string, got ''"):
        kind.write(store, "")


@pytest.mark.parametrize("key", ["jet pt", "a/b", "../x", "é", "x:offsets", "a\nb", "x" * 1000])
def test_a_key_may_be_any_text(kind: Kind, store: Path, key: str) -> None:
    with kind.write(store, key) as writer:
        kind.extend(writer, kind.entries)
    assert kind.plain(kind.read(store, key)) == kind.entries
    assert all(file.parent == store for file in store.rglob("*"))


def test_a_missing_store_is_named(kind: Kind, store: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no store at '.*data\.store': no such directory"):
        kind.read(store, "key")


def test_a_missing_key_is_named_with_the_nearest(kind: Kind, column: Any, store: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"no column 'kye' in '.*'; nearest: 'key'"):
        kind.read(store, "kye")


def test_another_kind_is_refused_with_what_opens_it(kind: Kind, column: Any, store: Path) -> None:
    other = KINDS[(KINDS.index(kind) + 1) % len(KINDS)]
    message = f"column 'key' is {kind.name}, not {other.name}: open it with {kind.read.__name__}"
    with pytest.raises(ColumnError, match=message):
        other.read(store, "key")


def test_a_transaction_commits_it_with_others(kind: Kind, store: Path) -> None:
    with Transaction(store) as transaction:
        for key in ("first", "second"):
            with kind.write(store, key, transaction=transaction) as writer:
                kind.extend(writer, kind.entries)
        with pytest.raises(MemmpyError):
            kind.read(store, "first")
    assert list(load_memmaps(store)) == ["first", "second"]


def test_a_transaction_that_is_not_open_is_refused(kind: Kind, store: Path) -> None:
    transaction = Transaction(store)
    with (
        pytest.raises(OptionError, match="open the transaction first: with Transaction"),
        kind.write(store, "key", transaction=transaction),
    ):
        pass


def test_a_transaction_of_another_store_is_refused(kind: Kind, store: Path) -> None:
    with (
        Transaction(store) as transaction,
        pytest.raises(OptionError, match=r"the transaction writes to '.*data.store', not to 'els"),
    ):
        kind.write("elsewhere", "key", transaction=transaction)
