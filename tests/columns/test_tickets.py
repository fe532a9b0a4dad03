"""Tests of how columns that name events are given, and of the tickets that follow from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import WriteVector
from memmpy.columns import check_split_by, open_columns, tickets_of
from memmpy.errors import OptionError


@pytest.mark.parametrize("given", [("b", "a"), ["b", "a"]])
def test_names_keep_their_order(given: Any) -> None:
    assert check_split_by(given) == ("b", "a")


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
    ids=str,
)
def test_what_has_no_order_or_no_names_is_refused(given: Any) -> None:
    # The hashes of a set order it anew in each process: each would split otherwise.
    with pytest.raises(OptionError, match="split_by is a list of columns, in an order that"):
        check_split_by(given)


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(OptionError, match="split_by names the column 'a' twice"):
        check_split_by(["a", "b", "a"])


def test_another_order_of_the_columns_gives_other_tickets(tmp_path: Path) -> None:
    for key in ("a", "b"):
        with WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(10) * (1 + (key == "b")))
    snapshot = open_columns(tmp_path / "s", ["a", "b"])
    drawn = []
    for split_by in (("a", "b"), ("b", "a")):
        tickets = tickets_of(snapshot, split_by=split_by, split_seed=0, num_entries=10)
        assert tickets is not None
        drawn.append(tickets(np.arange(10)))
    assert (drawn[0][1:] != drawn[1][1:]).all()
