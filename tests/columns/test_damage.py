"""Damaged offsets: every way of reading gives the right lists or an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy.errors import CorruptStoreError
from memmpy.jagged import Jagged
from tests.columns.damage import CASES, COLUMNS, NESTED, NUM, flips


def plain(values: Any) -> Any:
    """Return values as plain Python, comparable with ``==``."""
    if isinstance(values, ak.Array | ak.Record):
        return values.to_list()
    if isinstance(values, np.ndarray):
        return values.tolist()
    if isinstance(values, Jagged):
        return [entry.tolist() for entry in values]
    return [plain(value) for value in values] if isinstance(values, list) else values


def loaded(column: Any, **options: Any) -> list[Any]:
    """Return all entries that a loader hands out, in the order of the store."""
    loader = memmpy.SplitLoader({"key": column}, batch_size=3, num_threads=0, **options)
    entries: dict[int, Any] = {}
    for batch in loader:
        entries.update(zip(batch["_index"].tolist(), plain(batch["key"]), strict=True))
    return [entries[entry] for entry in sorted(entries)]


Way = Callable[[Any], Any]


def one_of(entry: int) -> Way:
    return lambda column: [plain(column[entry])]


def some_of(entries: list[int]) -> Way:
    return lambda column: plain(column[entries])


MASK = np.arange(NUM) % 3 > 0
#: Ways to read all entries, and to read some; the entries come in the order of the store.
WAYS: dict[str, Way] = {
    "one by one": lambda column: [plain(column[i]) for i in range(NUM)],
    "backwards": lambda column: [plain(column[i]) for i in range(-1, -NUM - 1, -1)][::-1],
    "iteration": lambda column: [plain(entry) for entry in column],
    "slice": lambda column: plain(column[:]),
    "slices of one": lambda column: [plain(column[i : i + 1])[0] for i in range(NUM)],
    "fancy": lambda column: plain(column[np.arange(NUM)]),
    "fancy one by one": lambda column: [plain(column[[i]])[0] for i in range(NUM)],
    "list": lambda column: plain(column[list(range(NUM))]),
    "masks": lambda column: plain(column[np.ones(NUM, np.bool_)]),
    "loader in order": lambda column: loaded(column, shuffle=False),
    "shuffled loader": lambda column: loaded(column, shuffle=True),
}
PARTS: dict[str, tuple[Way, list[int]]] = {
    **{f"[{i}]": (one_of(i), [i]) for i in range(NUM)},
    "[2:5]": (lambda column: plain(column[2:5]), [2, 3, 4]),
    "[1:7:2]": (lambda column: plain(column[1:7:2]), [1, 3, 5]),
    "[mask]": (lambda column: plain(column[MASK]), np.flatnonzero(MASK).tolist()),
    **{f"[[{i}]]": (some_of([i]), [i]) for i in range(NUM)},
}
OF_JAGGED: dict[str, Way] = {
    "counts": lambda column: column.counts.tolist(),
    "np.asarray": lambda column: plain(list(np.asarray(column, object))),
    "pad": lambda column: column[:].pad(4, -1.0).tolist(),
}


@pytest.fixture(scope="module", params=CASES, ids=" ".join)
def damaged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[tuple[str, Any]]]:
    """Return the kind of a column, and it as it opens with each bit of one of its files turned."""
    kind, role = request.param
    return kind, list(flips(tmp_path_factory.mktemp("damage") / "data.mmpy", kind, role))


def check(column: Any, name: str, read: Way, expected: Any) -> bool:
    """Check that what is read is right or an error that helps; return whether it was an error."""
    found, message = outcome(column, read)
    if not message:
        assert found == expected, name
        return False
    assert "column 'key' of " in message, name
    assert "data.mmpy" in message, name
    assert "write" in message, name
    return True


def outcome(column: Any, read: Way) -> tuple[Any, str]:
    """Return what is read, or the message of an error."""
    if isinstance(column, CorruptStoreError):
        return None, str(column)
    try:
        return read(column), ""
    except CorruptStoreError as error:
        return None, str(error)


@pytest.mark.slow_together
@pytest.mark.parametrize("way", WAYS)
def test_all_entries_are_never_read_past_damaged_offsets(
    damaged: tuple[str, list[tuple[str, Any]]], way: str
) -> None:
    kind, columns = damaged
    expected = plain(list(COLUMNS[kind].entries))
    if kind == "nested":
        expected = NESTED.to_list()
    assert columns
    for name, column in columns:
        assert check(column, name, WAYS[way], expected), name


@pytest.mark.slow_together
def test_some_entries_are_right_or_an_error(damaged: tuple[str, list[tuple[str, Any]]]) -> None:
    kind, columns = damaged
    expected = NESTED.to_list() if kind == "nested" else plain(list(COLUMNS[kind].entries))
    for name, column in columns:
        for way, (read, entries) in PARTS.items():
            check(column, f"{way}: {name}", read, [expected[entry] for entry in entries])


def test_awkward_never_sees_damaged_offsets(damaged: tuple[str, list[tuple[str, Any]]]) -> None:
    _, columns = damaged
    for name, column in columns:
        assert check(column, name, lambda column: [column.to_awkward()], []), name


@pytest.mark.parametrize("way", OF_JAGGED)
def test_lists_are_never_counted_or_padded_by_damaged_offsets(tmp_path: Path, way: str) -> None:
    for name, column in flips(tmp_path / "data.mmpy", "jagged", "offsets"):
        assert check(column, name, OF_JAGGED[way], None), name
