"""Tests of damaged copies of ROOT files: an error of memmpy or the right values, in time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from tests.conftest import REAL_DATA

#: Copies of each file; 300 and more take minutes.
NUM = int(os.environ.get("MEMMPY_DAMAGED_COPIES", "40"))
REAL = [
    (
        "PHYSLITE_example",
        "CollectionTree",
        ["AnalysisJetsAuxDyn.pt", "EventInfoAuxDyn.eventNumber"],
    ),
    ("nanoAOD_2015_CMS_Open_Data_ttbar", "Events", ["Jet_pt", "MET_pt", "event"]),
    ("uproot-HZZ", "events", ["Jet_Px", "NJet", "MET_px"]),
    ("uproot-small-flat-tree", "tree", ["Str", "ArrayInt64", "SliceInt32"]),
    ("pduneana", "pduneana/beamana", ["run", "reco_daughter_spacePts_X"]),
    ("uproot-HZZ-objects", "events", ["eventweight", "jetbtag"]),
    ("uproot-Zmumu", "events", ["px1", "Type", "Q1"]),
]


def assert_noticed(path: Path, tree: str, branches: list[str], num: int) -> None:
    """Read damaged copies in a process with 2 GiB of memory and 10 s of CPU time for each."""
    command = [sys.executable, "-m", "tests.sources.root.damage", str(path), tree]
    command += [",".join(branches), str(num), "1"]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    *lines, last = map(json.loads, done.stdout.splitlines())
    # Nothing in a file tells that the numbers of a basket inside of the tree are wrong.
    wrong = [line for line in lines if not line[-1].startswith("as the file says")]
    assert not wrong
    assert last["error"] > num / 20
    assert last["right"] > num / 8


def test_damaged_copies_give_the_right_values_or_an_error(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        lists = ak.unflatten(np.arange(60.0), np.arange(40) % 4)
        branches = {f"x{i}": np.arange(40) + 1000 * i for i in range(20)} | {"lists": lists}
        types = {name: ak.type(ak.Array(values)).content for name, values in branches.items()}
        tree = file.mktree("t", types)
        for start in (0, 10, 25):
            tree.extend({name: v[start : start + 15][: 40 - start] for name, v in branches.items()})
    assert_noticed(tmp_path / "a.root", "t", ["x7", "lists"], 90)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(("name", "tree", "branches"), REAL, ids=[name for name, *_ in REAL])
def test_damaged_copies_of_real_files_do_too(name: str, tree: str, branches: list[str]) -> None:
    path = REAL_DATA / f"{name}.root"
    if not path.exists():
        pytest.skip("no real data")
    assert_noticed(path, tree, branches, NUM)
