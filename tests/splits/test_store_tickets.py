"""Tests of how columns that name events are given, and of the tickets that follow from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import Splits, WriteVector
from memmpy.columns import open_columns
from memmpy.errors import ColumnError, LengthError, MissingKeyError, OptionError
from memmpy.order import column_identities, tickets
from memmpy.splits import TicketRule, tickets_of


@pytest.mark.parametrize("given", [("b", "a"), ["b", "a"]])
def test_names_keep_their_order(given: Any) -> None:
    assert Splits(by=given).by == ("b", "a")


@pytest.mark.parametrize(
    "given",
    [
        {"runNumber", "eventNumber"},
        frozenset({"runNumber"}),
        {"runNumber": 1}.keys(),
        {"runNumber": 1},
        "runNumber",
        b"runNumber",
        (),
        [3],
        ["runNumber", ""],
        5,
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_has_no_order_or_no_names_is_refused(given: Any) -> None:
    # The hashes of a set order it anew in each process: each would split otherwise.
    with pytest.raises(OptionError, match="by= is a tuple of columns, in an order that matters"):
        Splits(by=given)


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(OptionError, match="by= names the column 'a' twice"):
        Splits(by=("a", "b", "a"))


def write(path: Path, **columns: Any) -> Path:
    for key, values in columns.items():
        with WriteVector(path, key, dtype=values.dtype) as column:
            column.extend(values)
    return path


def drawn(path: Path, by: Any, *, seed: int = 0, num_entries: int = 10) -> np.ndarray:
    snapshot = open_columns(path, None)
    rule = TicketRule(by, seed)
    return tickets_of(snapshot, rule, num_entries=num_entries)(np.arange(num_entries))


def test_another_order_of_the_columns_gives_other_tickets(tmp_path: Path) -> None:
    store = write(tmp_path / "s", a=np.arange(10), b=np.arange(10) * 2)
    assert (drawn(store, ("a", "b"))[1:] != drawn(store, ("b", "a"))[1:]).all()


@pytest.mark.parametrize("dtype", ["u4", "i4", "u8", "i8"])
def test_columns_of_the_same_bits_give_the_same_tickets(dtype: str, tmp_path: Path) -> None:
    bits = np.array([0, 7, 2**31 - 1, 2**31, 2**32 - 1] * 2, np.uint32)
    # As ROOT's Int_t has them, which a wider column keeps as negative numbers.
    column = bits.view(np.int32).astype(dtype)
    expected = tickets(column_identities([bits]), 5)
    assert np.array_equal(drawn(write(tmp_path / "s", n=column), ("n",), seed=5), expected)


def test_tickets_of_columns_are_those_of_their_arrays(tmp_path: Path) -> None:
    arrays = {"run": np.arange(10, dtype=np.int16) - 5, "event": np.arange(10) + 2**60}
    splits = Splits(by=("run", "event"), seed=3)
    found = drawn(write(tmp_path / "s", **arrays), ("run", "event"), seed=3)
    assert np.array_equal(found, splits.ticket_rule.draw(arrays))


def test_entries_of_a_store_without_files_are_named_by_their_number(tmp_path: Path) -> None:
    store = write(tmp_path / "s", n=np.zeros(10))
    expected = tickets(column_identities([np.arange(10)]), 2)
    assert np.array_equal(drawn(store, "file", seed=2), expected)


@pytest.mark.parametrize(
    ("by", "error", "message"),
    [
        (("evnt",), MissingKeyError, "no column 'evnt' in .* to name events; nearest: 'event'"),
        (("x",), ColumnError, "column 'x' of .* holds float64 and cannot name events"),
        (("pair",), ColumnError, "column 'pair' of .* holds int64 and cannot name events"),
        (("short",), LengthError, "column 'short', which names events, has 3 entries, and the"),
    ],
)
def test_columns_that_name_no_event_are_refused(
    by: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    store = write(tmp_path / "s", event=np.arange(10), x=np.zeros(10), short=np.arange(3))
    with WriteVector(store, "pair") as column:
        column.extend(np.zeros((10, 2), np.int64))
    with pytest.raises(error, match=message):
        drawn(store, by)
