"""Tests of `memmpy skims`, as a user types it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import memmpy
from memmpy import Skim, WriteVector, skim
from memmpy.cli import main


def skims(*words: object) -> Result:
    return CliRunner().invoke(main, ["skims", *map(str, words)])


def write(store: Path, key: str) -> None:
    with WriteVector(path=store, key=key) as column:
        column.extend(np.arange(500.0))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write(tmp_path / "s", "met")
    write(tmp_path / "s", "HT")
    return tmp_path / "s"


@pytest.fixture
def made(store: Path) -> list[Skim]:
    """Skims of which the second is outdated."""
    made = [skim(store, keys=keys, progress=False) for keys in (["met"], ["HT"], ["met", "HT"])]
    made[2].remove()
    write(store, "HT")
    return made[:2]


def names(store: Path) -> set[str]:
    return {skim.path.name for skim in memmpy.open(store).skims}


def test_skims_are_listed_with_their_state(store: Path, made: list[Skim]) -> None:
    done = skims(store)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert [made[0].path.name, "met", "all", "current"] in [line[:4] for line in lines]
    assert [made[1].path.name, "HT", "all", "outdated"] in [line[:4] for line in lines]


def test_a_store_without_skims_says_so(store: Path) -> None:
    assert skims(store).output == f"no skims in {store}\n"


def test_skims_are_removed_by_name(store: Path, made: list[Skim]) -> None:
    done = skims(store, "--remove", made[0].path.name)
    assert done.output == f"removed 1 skim of {store}, 12.0 kB\n"
    assert names(store) == {made[1].path.name}


@pytest.mark.parametrize("is_joined", [True, False])
def test_several_skims_are_removed_at_once(store: Path, made: list[Skim], is_joined: bool) -> None:
    one, two = (skim.path.name for skim in made)
    given = [f"{one},{two}"] if is_joined else [one, "--remove", two]
    assert skims(store, "--remove", *given).exit_code == 0
    assert names(store) == set()


def test_outdated_skims_are_removed(store: Path, made: list[Skim]) -> None:
    assert skims(store, "--remove-outdated").output.startswith("removed 1 skim of ")
    assert names(store) == {made[0].path.name}


def test_a_damaged_skim_is_removed_by_name(store: Path, made: list[Skim]) -> None:
    (made[0].path / "rows.npy").unlink()
    assert "damaged" in skims(store).output
    assert skims(store, "--remove", made[0].path.name).exit_code == 0
    assert not made[0].path.exists()


def test_a_wrong_name_removes_nothing(store: Path, made: list[Skim]) -> None:
    name = made[0].path.name
    done = skims(store, "--remove", name, "--remove", f"{name[:-1]}x")
    assert done.exit_code == 1
    assert f"no skim '{name[:-1]}x' in '{store}'; nearest: '{name}'" in done.stderr
    assert len(names(store)) == 2


def test_a_path_is_not_accepted_as_a_name(store: Path, made: list[Skim]) -> None:
    done = skims(store, "--remove", "../skims")
    assert done.exit_code == 1
    assert "no skim '../skims'" in done.stderr
    assert len(names(store)) == 2


def test_a_missing_store_is_an_error(tmp_path: Path) -> None:
    done = skims(tmp_path / "missing")
    assert done.exit_code == 1
    assert "no store at" in done.stderr
