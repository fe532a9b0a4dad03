"""Tests of `memmpy export`, as a user types it."""

from pathlib import Path

import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result

from memmpy import RFileConfig, convert
from memmpy.cli import main
from tests.conftest import MakeFile


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Path:
    files = [
        RFileConfig(make_file("a.root"), metadata={"process": "ttH"}),
        RFileConfig(make_file("b.root", first=10), metadata={"process": "ttbb"}),
    ]
    convert(files, tmp_path / "s", keys={"met", "nJets", "jet_pt"})
    return tmp_path / "s"


def test_all_columns_are_written_by_default(store: Path, tmp_path: Path) -> None:
    done = memmpy("export", store, "-o", tmp_path / "x.root")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'x.root'}: 4 columns, 20 entries\n"
    with uproot.open(tmp_path / "x.root") as file:
        tree = file["Events"]
        assert tree["process"].array().to_list() == ["ttH"] * 10 + ["ttbb"] * 10
        assert tree["met"].array().to_list() == [number / 8 for number in range(20)]


def test_keys_and_a_cut_choose_columns_and_entries(store: Path, tmp_path: Path) -> None:
    done = memmpy(
        *("export", store, "--out", tmp_path / "x.root", "--keys", "met,jet_*"),
        *("--cut", "n >= least", "--alias", "n=nJets", "--constant", "least=2"),
    )
    assert done.exit_code == 0, done.output
    with uproot.open(tmp_path / "x.root") as file:
        tree = file["Events"]
        assert {*tree.keys()} == {"met", "jet_pt", "njet_pt"}
        numbers = np.flatnonzero(np.arange(20) % 4 >= 2)
        assert tree["met"].array().to_list() == (numbers / 8).tolist()


def test_a_file_is_replaced_only_if_asked(store: Path, tmp_path: Path) -> None:
    assert memmpy("export", store, "-o", tmp_path / "x.root").exit_code == 0
    again = memmpy("export", store, "-o", tmp_path / "x.root")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    done = memmpy("export", store, "-o", tmp_path / "x.root", "--overwrite", "--quiet")
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize(
    ("words", "message", "status"),
    [
        (["-o", "x.parqet"], "nearest: '.parquet'", 2),
        (["-o", "x.root", "--keys", "mett"], "no column 'mett'; nearest: 'met'", 1),
        (["-o", "x.root", "--cut", "met >"], "^", 1),
        (["-o", "x.root", "--like", "met"], "no option '--like'; here --keys chooses keys", 2),
        ([], "--out", 2),
    ],
)
def test_errors_are_printed_without_a_traceback(
    words: list[str],
    message: str,
    status: int,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = memmpy("export", store, *words)
    assert done.exit_code == status
    assert message in done.stderr
    assert "Traceback" not in done.output
