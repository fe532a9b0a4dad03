"""A conversion does not copy damaged columns of a store."""

import re
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from memmpy import convert, verify
from memmpy.errors import CorruptStoreError
from memmpy.store import METADATA, read_metadata
from tests.conversion.everything import check_clean
from tests.documents import rewrite


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files, of which a store has the first: lists ``a`` and ``b`` share their offsets."""
    paths = [tmp_path / "1.root", tmp_path / "2.root"]
    for path in paths:
        with uproot.recreate(path) as file:
            lists = ak.unflatten(np.arange(120.0), np.arange(60) % 5)
            file["t"] = {"a": lists, "b": lists * 2, "n": np.arange(60)}
    convert(paths[0], tmp_path / "s", keys={"a", "b", "n"})
    return paths


def array_of(store: Path, key: str, role: str) -> Path:
    return store / read_metadata(store).columns[key].arrays[role].file


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("at", [20, -100])
@pytest.mark.parametrize(
    ("key", "role", "names"),
    [("a", "offsets", "'a', 'b'"), ("b", "content", "'b'"), ("n", "values", "'n'")],
)
def test_a_damaged_column_does_not_serve_again(
    files: list[Path], tmp_path: Path, key: str, role: str, names: str, at: int
) -> None:
    path = array_of(tmp_path / "s", key, role)
    flip(path, at)
    message = f"{path.name} of {names}; convert {names} with recreate=True"
    with pytest.raises(CorruptStoreError, match=re.escape(message)):
        convert(files, tmp_path / "s", keys={"a", "b", "n"})
    convert(files, tmp_path / "s", keys={"a", "b", "n"}, recreate=True)
    check_clean(tmp_path / "s")


def test_a_column_of_which_a_file_is_gone_is_an_error_of_ours(
    files: list[Path], tmp_path: Path
) -> None:
    array_of(tmp_path / "s", "a", "offsets").unlink()
    with pytest.raises(CorruptStoreError, match="'a', 'b' with recreate=True"):
        convert(files, tmp_path / "s", keys={"a"})


def test_what_does_not_serve_again_is_not_looked_at(files: list[Path], tmp_path: Path) -> None:
    flip(array_of(tmp_path / "s", "b", "content"), -1)
    convert(files, tmp_path / "s", keys={"a"})
    assert [problem.key for problem in verify(tmp_path / "s")] == ["b"]


def test_what_has_no_checksum_is_passed_over(files: list[Path], tmp_path: Path) -> None:
    def forget(fields: dict[str, Any]) -> None:
        for column in fields["columns"].values():
            for array in column["arrays"].values():
                array["checksum"] = None

    rewrite(tmp_path / "s" / METADATA, forget)
    flip(array_of(tmp_path / "s", "n", "values"), -1)
    convert(files, tmp_path / "s", keys={"n"})
    array_of(tmp_path / "s", "b", "content").unlink()
    with pytest.raises(
        CorruptStoreError, match=r"column 'b' of .* cannot be read: .*recreate=True"
    ):
        convert(files, tmp_path / "s", keys={"b"})
