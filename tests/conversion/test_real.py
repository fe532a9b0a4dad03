"""Real files of CMS, ATLAS and DUNE: the facts that ROOT and uproot agree on are reproduced."""

import hashlib
import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, compute_cut_batched, convert
from memmpy.errors import RootFileError
from tests.conftest import CLIPS

pytestmark = pytest.mark.real

TREES = [
    ("uproot-HZZ.root", "events"),
    ("ww.root", "events"),
    ("single_top.root", "events"),
    ("uproot-Zmumu.root", "events"),
    ("open-data-example.root", "Events"),
    ("nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events"),
    ("Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root", "Events"),
    ("PHYSLITE_example.root", "CollectionTree"),
    ("pduneana.root", "pduneana/beamana"),
    ("uproot-small-flat-tree.root", "tree"),
    ("uproot-HZZ-objects.root", "events"),
    ("nano_dy_empty.root", "Events"),
    ("tree_cycles_hist.root", "Events;2"),
    ("tree_cycles_hist.root", "Events;1"),
]


@pytest.fixture
def facts(real_data: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((real_data / "facts.json").read_text())
    return loaded


def load_memmaps(path: Path) -> dict[str, Any]:
    """Return all columns, of whatever kind they are."""
    return dict(memmpy.load_memmaps(path))


def digest(values: Any) -> str:
    array = np.ascontiguousarray(values)
    assert array.dtype.byteorder != ">"
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def texts_digest(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def check_sum(values: Any, fact: dict[str, Any]) -> None:
    if values.dtype == bool:
        assert int(values.sum()) == fact.get("n_true", 0)
    elif "sum" in fact and values.size:
        wide = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        total = wide.sum(dtype=np.float64 if wide.dtype.kind == "f" else None)
        assert total == pytest.approx(fact["sum"], rel=1e-12)


def check_column(column: Any, fact: dict[str, Any]) -> None:
    """Compare a column with digests, counts and sums of its branch."""
    kind = fact["kind"]
    if kind == "scalar" or kind.startswith("fixed"):
        assert column.dtype == fact["dtype"]
        assert column.size == fact["n_values"]
        assert digest(column) == fact["digest"]
        check_sum(np.asarray(column), fact)
    elif kind == "var":
        assert column.dtype == fact["dtype"]
        assert digest(column.content) == fact["digest"]
        assert digest(column.counts) == fact["counts_digest"]
        check_sum(column.content, fact)
    elif kind == "var x var":
        array = column.to_awkward()
        flat = ak.to_numpy(ak.flatten(array, axis=None))
        assert flat.dtype == fact["dtype"]
        assert digest(flat) == fact["digest"]
        assert digest(ak.to_numpy(ak.num(array)).astype(np.int64)) == fact["counts_digest"]
        inner = ak.to_numpy(ak.flatten(ak.num(array, axis=2), axis=None)).astype(np.int64)
        assert digest(inner) == fact["inner_counts_digest"]
    elif kind == "string":
        assert texts_digest(list(column[:])) == fact["digest"]
    else:
        assert kind == "string, 1 x var"
        array = column.to_awkward()
        assert texts_digest(ak.to_list(ak.flatten(array, axis=None))) == fact["digest"]
        assert digest(ak.to_numpy(ak.num(array)).astype(np.int64)) == fact["counts_digest"]


@pytest.mark.slow_together
@pytest.mark.parametrize(("name", "tree"), TREES)
def test_every_branch_has_the_values_that_root_gives(
    name: str, tree: str, real_data: Path, facts: dict[str, Any], tmp_path: Path
) -> None:
    known = facts[name]["trees"][tree]
    convert(RFileConfig(real_data / name, tree), tmp_path, keys=set(known["branches"]))
    columns = load_memmaps(tmp_path)
    assert columns.keys() == known["branches"].keys()
    for key, fact in known["branches"].items():
        assert len(columns[key]) == known["entries"]
        check_column(columns[key], fact)


@pytest.mark.slow_together
@CLIPS
@pytest.mark.parametrize(("name", "tree"), TREES)
def test_padding_to_four_keeps_and_drops_what_it_should(
    name: str, tree: str, real_data: Path, facts: dict[str, Any], tmp_path: Path
) -> None:
    branches = facts[name]["trees"][tree]["branches"]
    padded = {key: fact for key, fact in branches.items() if "pad4" in fact}
    if not padded:
        pytest.skip("no jagged branch")
    fills = {key: np.nan if "float" in fact["dtype"] else 0 for key, fact in padded.items()}
    file = RFileConfig(real_data / name, tree)
    convert(file, tmp_path, keys=(), keys_padded={key: (4, fill) for key, fill in fills.items()})
    columns = load_memmaps(tmp_path)
    for key, fact in padded.items():
        values = np.asarray(columns[key])
        assert values.dtype == fact["dtype"]
        assert values.shape == (facts[name]["trees"][tree]["entries"], 4)
        num_kept = fact["n_items"] - fact["pad4"]["dropped"]
        assert values.size - num_kept == fact["pad4"]["padded"]
        if values.dtype.kind == "f" and fact.get("n_nonfinite", 0) == 0:
            assert np.isnan(values).sum() == fact["pad4"]["padded"]
        if "sum_kept" in fact["pad4"] and values.size:
            finite = values[np.isfinite(values)]
            total = float(finite.sum(dtype=np.float64))
            assert total == pytest.approx(fact["pad4"]["sum_kept"], rel=1e-9, abs=1e-9)


@pytest.mark.slow_together
@pytest.mark.parametrize(("name", "tree"), TREES)
def test_cuts_pass_as_many_entries_as_in_root(
    name: str, tree: str, real_data: Path, facts: dict[str, Any], tmp_path: Path
) -> None:
    known = facts[name]["trees"][tree]
    if not known.get("cuts"):
        pytest.skip("no cuts known")
    convert(RFileConfig(real_data / name, tree), tmp_path, keys=_flat(known["branches"]))
    for cut, num_passing in known["cuts"].items():
        assert len(compute_cut_batched(tmp_path, cut)) == num_passing


def _flat(branches: dict[str, Any]) -> set[str]:
    return {key for key, fact in branches.items() if fact["kind"] == "scalar"}


def test_the_newest_cycle_is_the_one_without_a_number(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "tree_cycles_hist.root"
    assert convert(RFileConfig(file, "Events"), tmp_path, keys={"Jet_pt"}).num_entries == 6


@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("name", "tree", "branch", "cpp"),
    [
        ("uproot-HZZ-objects.root", "events", "muonp4", "TLorentzVector"),
        ("uproot-HZZ-objects.root", "events", "MET", "TVector2"),
        ("PHYSLITE_example.root", "CollectionTree", "AnalysisJets", "xAOD::Jet_v1"),
        ("PHYSLITE_example.root", "CollectionTree", "EventInfo", "xAOD::EventInfo_v1"),
        (
            "PHYSLITE_example.root",
            "CollectionTree",
            "AnalysisElectronsAuxDyn.TruthLink",
            "vector<ElementLink",
        ),
    ],
)
def test_cpp_objects_are_refused_by_name(
    name: str, tree: str, branch: str, cpp: str, real_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(RootFileError, match=f"{branch!r} of .* holds C\\+\\+ objects .*{cpp}"):
        convert(RFileConfig(real_data / name, tree), tmp_path / "s", keys={branch})


def test_a_file_that_was_never_closed_is_an_error(real_data: Path, tmp_path: Path) -> None:
    file = RFileConfig(real_data / "bad_delphes.root", "Delphes")
    with pytest.raises(RootFileError, match=r"no tree 'Delphes' in .*it has no tree at all"):
        convert(file, tmp_path / "s", keys={"Jet"})


def test_a_histogram_is_not_a_tree(real_data: Path, tmp_path: Path) -> None:
    file = RFileConfig(real_data / "tree_cycles_hist.root", "myTH1F")
    with pytest.raises(RootFileError, match=r"'myTH1F' of .* is a TH1F, not a tree"):
        convert(file, tmp_path / "s", keys={"x"})


def test_an_rntuple_gives_what_the_ttree_of_the_same_events_gives(
    real_data: Path, tmp_path: Path
) -> None:
    keys = {"nMuon", "Muon_pt", "Muon_charge"}
    ntuple = real_data / "Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root"
    convert(ntuple, tmp_path / "ntuple", keys=keys)
    convert(real_data / "open-data-example.root", tmp_path / "tree", keys=keys)
    ours, theirs = load_memmaps(tmp_path / "ntuple"), load_memmaps(tmp_path / "tree")
    assert ours["Muon_pt"][:] == theirs["Muon_pt"][:1000]
    assert ours["Muon_charge"][:] == theirs["Muon_charge"][:1000]
    assert np.array_equal(ours["nMuon"], theirs["nMuon"][:1000])
