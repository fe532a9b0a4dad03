"""Tests of members of nested columns: what a name with a dot means, and views of them."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from memmpy.columns import (
    ReadJagged,
    ReadNested,
    WriteNested,
    WriteVector,
    member_of,
    resolve_key,
)
from memmpy.store import read_metadata

P = ak.Array([{"x": i / 2, "w": {"z": i, "n": [i]}, "v": [i, -i]} for i in range(5)])
JETS = ak.Array([[{"pt": float(j), "name": "a"} for j in range(i)] for i in range(4)])
OPTIONS = ak.Array([{"x": 1.0}, None, {"x": 2.0}])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for key, values in {"p": P, "jets": JETS, "a.b": P, "options": OPTIONS}.items():
        with WriteNested(tmp_path / "s", key) as column:
            column.extend(values)
    for key in ("p.own", "plain"):
        with WriteVector(tmp_path / "s", key) as vector:
            vector.extend(np.arange(3))
    return tmp_path / "s"


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("p", "p"),
        ("p.x", "p"),
        ("p.w.z", "p"),
        ("p.own", "p.own"),
        ("jets.pt", "jets"),
        ("a.b.x", "a.b"),
        ("options.x", "options"),
        *((name, name) for name in ["p.y", "p.x.y", "plain.x", "a", "a.x", "p.", ".x", "", "none"]),
    ],
)
def test_the_holder_of_a_name_is_the_column_with_such_a_member(
    store: Path, name: str, holder: str
) -> None:
    assert resolve_key(name, read_metadata(store).columns) == holder


@pytest.mark.parametrize(
    ("name", "values"),
    [("p.x", P["x"]), ("p.w.z", P["w", "z"]), ("jets.pt", JETS["pt"]), ("p.w.n", P["w", "n"])],
)
def test_a_member_of_numbers_is_a_view_of_them(store: Path, name: str, values: Any) -> None:
    column = ReadNested(store, name.partition(".")[0])
    member = member_of(column, name, key=name.partition(".")[0])
    assert member is not None
    content = member.content if isinstance(member, ReadJagged) else member
    assert any(np.shares_memory(content, buffer) for buffer in column.buffers)
    found = member.to_awkward() if isinstance(member, ReadJagged) else member
    assert ak.to_list(found) == values.to_list()


def test_lists_of_one_length_are_lists_or_fixed_arrays(store: Path) -> None:
    member = member_of(ReadNested(store, "p"), "p.v", key="p")
    assert member is not None
    assert ak.to_list(member[:]) == P["v"].to_list()


@pytest.mark.parametrize(
    ("key", "name"), [("jets", "jets.name"), ("p", "p.w"), ("options", "options.x")]
)
def test_other_members_are_none(store: Path, key: str, name: str) -> None:
    assert member_of(ReadNested(store, key), name, key=key) is None
