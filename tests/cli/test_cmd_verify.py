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


def test_a_store_without_skims_is_said_to_be_whole(store: Path) -> None:
    assert verify(store).output == f"1 column of {store}: all is as it was written\n"


def test_skims_are_verified_with_their_store(store: Path, folder: Path) -> None:
    said = verify(store)
    assert (said.exit_code, said.output) == (
        0,
        f"1 column and 1 skim of {store}: all is as it was written\n",
    )


def test_a_skim_is_verified_by_its_path(folder: Path) -> None:
    said = verify(folder)
    assert (said.exit_code, said.output) == (0, f"the skim {folder} is as it was written\n")


@pytest.mark.parametrize("is_skim", [True, False])
@pytest.mark.parametrize("how", ["altered", "truncated", "missing"])
def test_a_damaged_skim_is_no_whole_store(
    store: Path, folder: Path, how: str, is_skim: bool
) -> None:
    file = folder / "rows.npy"
    data = bytearray(file.read_bytes())
    file.unlink()
    data[-1] ^= 1
    if how != "missing":
        file.write_bytes(data if how == "altered" else data[:-1])
    said = verify(folder if is_skim else store)
    assert said.exit_code == 1
    assert f"skim {folder.name}: " in said.output
    assert "rows.npy: " in said.output
    way_out = f"repair with: memmpy verify --repair {store}"
    if is_skim:
        way_out = "a damaged skim is made again with recreate=True, or once it is removed"
    assert way_out in said.output
    assert "as it was written" not in said.output


def test_a_skim_without_metadata_is_damaged(store: Path, folder: Path) -> None:
    (folder / "metadata_skim.json").unlink()
    said = verify(store)
    assert said.exit_code == 1
    assert "it holds no metadata_skim.json" in said.output


def test_columns_and_skims_are_both_said(store: Path, folder: Path) -> None:
    for file in (next(store.glob("*.npy")), folder / "rows.npy"):
        file.write_bytes(file.read_bytes()[:-1])
    said = verify(store)
    assert said.exit_code == 1
    assert said.output.startswith("met: ")
    assert f"skim {folder.name}: " in said.output
