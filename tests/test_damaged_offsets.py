"""Damaged offsets: cuts, skims, audits and loaders use the lists that were written, or none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy.columns import WriteVector
from memmpy.errors import CorruptStoreError
from tests.columns.damage import NUM, files_with_flips, write

BITS = (0, 2, 62, 63)
CUTS = [
    "Sum$(key) >= 30",
    "Length$(key) == 2",
    "key[0] > 15",
    "key[1] > 0",
    "key[n] >= 0",
    "key >= 31 && n > 1",
    "Max$(key * (n > 1)) > 0",
    "Alt$(key[2], -1) < 0",
    "MinIf$(key, key > 10) > 0",
]


def plain(lists: Any) -> list[Any]:
    return [entry.tolist() for entry in lists]


def cut(expression: str) -> Callable[[memmpy.Store], Any]:
    return lambda store: memmpy.compute_cut_batched(
        store.path, expression, recreate=True, num_threads=0
    ).tolist()


def skimmed(**options: Any) -> Callable[[memmpy.Store], Any]:
    def make(store: memmpy.Store) -> Any:
        made = memmpy.skim(store.path, recreate=True, progress=False, **options)
        lists = {
            key: [*map(np.ndarray.tolist, memmpy.Jagged(*made.lists[key]))] for key in made.lists
        }
        rows = {key: made.rows[key].tolist() for key in made.rows.dtype.names or ()}
        return rows, lists

    return make


def loaded(store: memmpy.Store) -> Any:
    loader = store.loader(batch_size=3, shuffle=False, num_threads=0)
    return [plain(batch["key"]) for batch in loader]


def loaded_of_a_cut(store: memmpy.Store) -> Any:
    loader = store.loader(cut="n == 3", batch_size=3, shuffle=False, num_threads=0)
    return [plain(batch["key"]) for batch in loader]


WAYS: dict[str, Callable[[memmpy.Store], Any]] = {
    **{expression: cut(expression) for expression in CUTS},
    "skim of lists": skimmed(keys=["key", "n"]),
    "padded skim": skimmed(keys_padded={"key": (2, -1.0)}),
    "skim of a cut": skimmed(keys=["key"], cut="n > 2"),
    "loader": loaded,
    "loader of a cut": loaded_of_a_cut,
    "column of an expression": lambda store: [
        entry.tolist() for entry in store.add("double", "key * 2", recreate=True)
    ],
    "columns": lambda store: plain(store["key"]),
    "cutflow": lambda store: str(memmpy.cutflow(store.path, ["Sum$(key) > 15"], num_threads=0)),
}


@pytest.mark.slow_together
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::memmpy.errors.MemmpyWarning")
def test_what_comes_of_damaged_offsets_is_right_or_an_error(tmp_path: Path, way: str) -> None:
    path = tmp_path / "data.mmpy"
    write(path, "jagged")
    with WriteVector(path, "n") as column:
        column.extend(np.arange(NUM))
    expected = WAYS[way](memmpy.open(path))
    for name in files_with_flips(path, "offsets", bits=BITS):
        found, message = outcome(path, WAYS[way])
        if message:
            assert "column 'key' of " in message, name
            assert str(path) in message, name
        else:
            assert found == expected, name


def test_an_audit_finds_damaged_offsets(tmp_path: Path) -> None:
    path = tmp_path / "data.mmpy"
    write(path, "jagged")
    for name in files_with_flips(path, "offsets", bits=BITS):
        kinds = [finding.kind for finding in memmpy.open(path).check().findings]
        assert "damaged" in kinds, name


def outcome(path: Path, way: Callable[[memmpy.Store], Any]) -> tuple[Any, str]:
    """Return what a store gives, or the message of an error."""
    try:
        return way(memmpy.open(path)), ""
    except CorruptStoreError as error:
        return None, str(error)
