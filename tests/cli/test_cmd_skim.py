"""Tests of `memmpy skim`, as a user types it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import WriteJagged, WriteVector
from memmpy.cli import main
from memmpy.skims import Skim, list_skims


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with WriteVector(path=tmp_path / "s", key="nJets") as column:
        column.extend(np.arange(500) % 8)
    with WriteVector(path=tmp_path / "s", key="met") as column:
        column.extend(np.linspace(0, 100, 500, dtype=np.float32))
    with WriteVector(path=tmp_path / "s", key="number") as column:
        column.extend(np.arange(500))
    with WriteJagged(path=tmp_path / "s", key="jet_pt") as lists:
        for i in range(500):
            lists.append(np.full(i % 8, i, np.float32))
    return tmp_path / "s"


def only_skim(store: Path) -> Skim:
    (found,), _ = list_skims(store)
    return found


def test_all_options_of_a_skim_can_be_typed(store: Path) -> None:
    done = memmpy(
        *("skim", store, "--keys", "me*", "--pad", "jet_pt:4:nan", "--group", "jets=jet_pt"),
        *("--group", "event=nJets,met", "--dtype", "event=float64", "--cut", "nJets >= 6"),
        *("--by", "nJets,number", "--split-seed", "5"),
    )
    assert done.exit_code == 0, done.output
    assert "124 of 500 entries (nJets >= 6)" in done.output
    found = only_skim(store)
    assert found.rows["jets"].shape == (124, 4, 1)
    assert found.rows["jets_mask"].dtype == np.bool_
    assert found.rows["event"].dtype == np.float64
    assert found.rows["met"].shape == (124,)  # of the pattern
    assert (found.ticket_rule.by, found.ticket_rule.seed) == (("nJets", "number"), 5)


def test_names_in_the_cut_can_be_typed(store: Path) -> None:
    words = ["--cut", "is_busy", "--alias", "is_busy=nJets >= least", "--constant", "least=6"]
    done = memmpy("skim", store, "--keys", "met", *words)
    assert done.exit_code == 0, done.output
    assert len(only_skim(store).rows) == 124


def test_quiet_prints_nothing(store: Path) -> None:
    assert memmpy("skim", store, "--keys", "met", "--quiet").output == ""
    assert len(only_skim(store).rows) == 500


@pytest.mark.slow
def test_processes_make_the_same(store: Path) -> None:
    memmpy("skim", store, "--keys", "met", "-q")
    rows = only_skim(store).rows.tobytes()
    done = memmpy("skim", store, "--keys", "met", "-q", "--recreate", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert only_skim(store).rows.tobytes() == rows


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pad", "jet=jet_pt:4:nan"], "a skim cannot rename columns"),
        (["--group", "jets"], "--group takes name=value, such as jets=jet_pt,jet_eta"),
        (["--keys", "met", "--constant", "6"], "--constant takes name=value, such as limit=6"),
        (["--keys", "met", "--workers", "2", "--dask", "x"], "--workers and --dask exclude"),
        (["--pad", "jet_pt:10"], "--pad takes key:length:fill"),
        (["--pad", "jet_pt:3:1e400"], "1e400 is too large for a float64"),
        (["--group", "jets=jet_pt,jet_pt"], "the group 'jets' has the key 'jet_pt' twice"),
        ([], "name the content of the skim: --keys met, --pad"),
    ],
)
def test_a_usage_error_has_status_2(store: Path, words: list[str], message: str) -> None:
    done = memmpy("skim", store, *words)
    assert done.exit_code == 2
    assert message in done.output


def test_the_error_for_a_missing_column_names_it(store: Path) -> None:
    done = memmpy("skim", store, "--keys", "mett")
    assert done.exit_code == 1
    assert "no column 'mett'" in done.output
