"""Tests of `memmpy verify`, as a user types it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import WriteVector, skim
from memmpy.cli import main


def verify(path: Path) -> Result:
    return CliRunner().invoke(main, ["verify", str(path)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with WriteVector(path=tmp_path / "s", key="met") as column:
        column.extend(np.linspace(0, 100, 500, dtype=np.float32))
    return tmp_path / "s"


@pytest.fixture
def folder(store: Path) -> Path:
    """The folder of a skim."""
    return skim(store, keys=["met"], progress=False).path


def test_the_checksums_of_a_store_without_skims_match(store: Path) -> None:
    assert verify(store).output == f"1 column of {store}: all checksums match\n"


def test_skims_are_verified_with_their_store(store: Path, folder: Path) -> None:
    result = verify(store)
    assert (result.exit_code, result.output) == (
        0,
        f"1 column and 1 skim of {store}: all checksums match\n",
    )


def test_a_skim_is_verified_by_its_path(folder: Path) -> None:
    result = verify(folder)
    assert (result.exit_code, result.output) == (0, f"the skim {folder}: all checksums match\n")


@pytest.mark.parametrize("is_skim", [True, False])
@pytest.mark.parametrize("how", ["altered", "truncated", "missing"])
def test_verify_finds_a_damaged_skim(store: Path, folder: Path, how: str, is_skim: bool) -> None:
    file = folder / "rows.npy"
    data = bytearray(file.read_bytes())
    file.unlink()
    data[-1] ^= 1
    if how != "missing":
        file.write_bytes(data if how == "altered" else data[:-1])
    result = verify(folder if is_skim else store)
    assert result.exit_code == 1
    assert f"skim {folder.name}: " in result.output
    assert "rows.npy: " in result.output
    way_out = f"repair with: memmpy verify --repair {store}"
    if is_skim:
        way_out = f"make it again: memmpy skims {store} --remove {folder.name}"
    assert way_out in result.output
    assert "all checksums match" not in result.output


def test_a_skim_without_metadata_is_damaged(store: Path, folder: Path) -> None:
    (folder / "metadata_skim.json").unlink()
    result = verify(store)
    assert result.exit_code == 1
    assert "it holds no metadata_skim.json" in result.output


def test_verify_names_damaged_columns_and_skims(store: Path, folder: Path) -> None:
    for file in (next(store.glob("*.npy")), folder / "rows.npy"):
        file.write_bytes(file.read_bytes()[:-1])
    result = verify(store)
    assert result.exit_code == 1
    assert result.output.startswith("met: ")
    assert f"skim {folder.name}: " in result.output
