"""Columns with damaged offsets, bit by bit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from memmpy.columns import WriteJagged, WriteNested, WriteShaped, WriteText, load_memmaps
from memmpy.errors import CorruptStoreError
from memmpy.store import read_metadata

__all__ = ["CASES", "COLUMNS", "NESTED", "NUM", "Column", "files_with_flips", "flips", "write"]

NUM = 8
#: Which bits of each number are turned; those between lead out as the last ones do.
BITS = (0, 1, 2, 3, 4, 5, 8, 31, 61, 62, 63)
#: How many items each entry has: none, one and several, and none at both ends.
COUNTS = [0, 2, 0, 3, 1, 0, 4, 0]
LISTS = [[10.0 * entry + item for item in range(count)] for entry, count in enumerate(COUNTS)]
NESTED = ak.Array(
    [
        [{"x": [item] * (item % 3), "s": "ab"[: item % 3], "o": item if item % 2 else None}]
        * (entry % 3)
        for entry, item in enumerate([4, 1, 5, 2, 8, 7, 3, 1])
    ]
)


@dataclass(frozen=True)
class Column:
    """A column with lists, what was written, and which of its files point into others."""

    write: Any
    entries: Any
    roles: tuple[str, ...]


COLUMNS = {
    "jagged": Column(WriteJagged, [np.array(values) for values in LISTS], ("offsets",)),
    "text": Column(WriteText, ["xyäz"[:count] for count in COUNTS], ("offsets",)),
    "shaped": Column(
        WriteShaped,
        [np.full((count, entry % 2 + 1), entry) for entry, count in enumerate(COUNTS)],
        ("offsets", "shapes", "shapes_offsets"),
    ),
    "nested": Column(
        WriteNested,
        NESTED,
        (
            "node0-offsets",
            "node0.0.0-offsets",
            "node0.0.1-offsets",
            "node0.0.2-index",
        ),
    ),
}
#: Kinds of columns, each with a file that is damaged.
CASES = [(name, role) for name, column in COLUMNS.items() for role in column.roles]


def flips(store: Path, kind: str, role: str) -> Iterator[tuple[str, Any]]:
    """Yield what is wrong after each flip of a bit of a file, and the column or an error."""
    write(store, kind)
    for name in files_with_flips(store, role, bits=BITS):
        yield name, opened(store)


def opened(store: Path) -> Any:
    """Return the column, or the error that says why it does not open."""
    try:
        return load_memmaps(store)["key"]
    except CorruptStoreError as error:
        return error


def write(store: Path, kind: str) -> None:
    """Write a column "key" of that kind."""
    column = COLUMNS[kind]
    with column.write(store, "key") as writer:
        writer.extend(column.entries)


def files_with_flips(store: Path, role: str, *, bits: Sequence[int]) -> Iterator[str]:
    """Turn one bit after the other of a file of a column, and yield what is wrong now."""
    record = read_metadata(store).columns["key"].arrays[role]
    values = np.load(store / record.file)
    for place in range(len(values)):
        for bit in bits:
            wrong = values.copy()
            wrong[place] ^= np.int64(1) << np.int64(bit)
            if is_wrong(role, values, wrong):
                aside = store / "aside.npy"
                np.save(aside, wrong)
                aside.replace(store / record.file)  # maps of earlier flips keep their file
                yield f"{role}[{place}] = {wrong[place]}, not {values[place]}"


def is_wrong(role: str, values: NDArray[np.int64], wrong: NDArray[np.int64]) -> bool:
    """Return whether anything but a checksum can tell that the values of a file are wrong."""
    if role == "shapes":  # two for each entry
        return not np.array_equal(wrong.reshape(-1, 2).prod(axis=1), values[::2] * values[1::2])
    if "index" in role:
        return bool((np.diff(wrong[wrong != -1]) <= 0).any() or wrong.max() > values.max())
    return bool((np.diff(wrong) < 0).any() or wrong[0] != 0 or wrong[-1] != values[-1])
