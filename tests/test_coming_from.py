"""Tests of the pages "Coming from another tool": their code of memmpy runs as written."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy

PAGES = Path(__file__).parents[1] / "docs" / "coming_from"
NUM_EVENTS = 400

pytestmark = pytest.mark.skipif(not PAGES.exists(), reason="the docs are not beside the tests")


def write_tree(path: Path, values: Mapping[str, Any]) -> None:
    with uproot.recreate(path) as file:
        types = {key: ak.type(value).content for key, value in values.items()}
        file.mktree("tree", types, counter_name=lambda key: f"n_{key}")
        file["tree"].extend(values)


def events_of(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    num_jets = random.integers(4, 9, NUM_EVENTS)
    jet_pt = ak.unflatten(random.exponential(60, num_jets.sum()).astype("float32"), num_jets)
    return {
        "nJets": num_jets.astype("int32"),
        "met": random.exponential(40, NUM_EVENTS).astype("float32"),
        "weight": random.normal(1, 0.3, NUM_EVENTS),
        "is_signal": np.full(NUM_EVENTS, seed % 2, dtype="int32"),
        "eventNumber": np.arange(NUM_EVENTS, dtype="uint64") + 1000 * seed,
        "jet_pt": jet_pt,
    }


def jets_of(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    counts = random.integers(1, 30, NUM_EVENTS)
    lists = {
        f"part_{name}": ak.unflatten(random.normal(size=counts.sum()), counts)
        for name in ("pt", "deta")
    }
    is_higgs = random.integers(0, 2, NUM_EVENTS).astype("bool")
    numbers = {
        "run": np.full(NUM_EVENTS, seed),
        "event": np.arange(NUM_EVENTS) // 2,
        "jet_pt": random.uniform(450, 1050, NUM_EVENTS),
        "jet_eta": random.uniform(-2.5, 2.5, NUM_EVENTS),
        "jet_mass": random.uniform(50, 200, NUM_EVENTS),
        "label_QCD": ~is_higgs,
        "label_Hbb": is_higgs,
    }
    return {**numbers, **lists}


def write_hdf5(path: Path, seed: int) -> None:
    h5py = pytest.importorskip("h5py")
    random = np.random.default_rng(seed)
    jets = np.zeros(
        NUM_EVENTS,
        [
            ("pt_btagJes", "f4"),
            ("eta_btagJes", "f4"),
            ("HadronConeExclTruthLabelID", "i4"),
            ("mcChannelNumber", "i8"),
            ("eventNumber", "i8"),
            ("jetFoldHash", "u8"),
        ],
    )
    jets["pt_btagJes"] = random.uniform(15e3, 100e3, NUM_EVENTS)
    jets["eta_btagJes"] = random.uniform(-2.5, 2.5, NUM_EVENTS)
    jets["HadronConeExclTruthLabelID"] = random.choice([0, 4, 5, 15], NUM_EVENTS)
    jets["mcChannelNumber"] = 410470
    jets["eventNumber"] = np.arange(NUM_EVENTS) // 2 + 1000 * seed
    jets["jetFoldHash"] = random.integers(0, 1 << 63, NUM_EVENTS)
    names = ["d0", "z0SinTheta", "dphi", "deta"]
    tracks = np.zeros((NUM_EVENTS, 10), [*((name, "f4") for name in names), ("valid", "?")])
    for name in names:
        tracks[name] = random.normal(size=(NUM_EVENTS, 10))
    tracks["valid"] = random.random((NUM_EVENTS, 10)) < 0.7
    with h5py.File(path, "w") as file:
        file["jets"], file["tracks"] = jets, tracks


def write_files(folder: Path) -> None:
    for seed, process in enumerate(("ttbb", "ttH")):
        write_tree(folder / f"{process}_1.root", events_of(seed))
    write_tree(folder / "ttH_2.root", events_of(2))
    for seed in (1, 2):
        write_tree(folder / f"jets_{seed}.root", jets_of(seed))
    if find_spec("h5py") is not None:
        (folder / "ntuples").mkdir()
        write_hdf5(folder / "ntuples" / "1.h5", 1)


def code_after(page: str) -> str:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    code = re.search(r"## After\n+```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    return code[1]


def run_page(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **names: Any
) -> dict[str, Any]:
    write_files(folder)
    monkeypatch.chdir(folder)
    values = {name: getattr(memmpy, name) for name in memmpy.__all__} | {"memmpy": memmpy, **names}
    exec(code_after(page), values)  # noqa: S102 - the page of our own docs
    return values


def test_the_loop_over_uproot_becomes_batches_of_numbers_and_jets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Any] = []
    run_page("uproot", tmp_path, monkeypatch, train_step=lambda *arrays: steps.append(arrays))
    event, jets, mask, label = steps[0]
    assert event.shape[1:] == (2,)
    assert jets.shape[1:] == (8, 1)
    assert mask.shape[1:] == (8,)
    assert set(label) == {0, 1}


def test_the_weaver_configuration_becomes_particles_with_a_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = run_page("weaver", tmp_path, monkeypatch)["data"]
    batch = next(iter(data.loader("train", batch_size=16)))
    assert batch["pf_features"].shape == (16, 128, 2)
    assert batch["pf_features_mask"].shape == (16, 128)


def test_the_rdataloader_becomes_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    run_page("rdataloader", tmp_path, monkeypatch)


def test_the_ftag_chain_becomes_folds_of_jets_with_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("h5py")
    edges = {"bins_pt": [0, 50e3, 100e3], "bins_eta": [-2.5, 0, 2.5]}
    data = run_page("upp", tmp_path, monkeypatch, **edges)["data"]
    batch = next(iter(data.loader("train", fold=3, batch_size=16)))
    assert batch["tracks"].content.shape[1:] == (4,)
    assert set(batch["label"]) <= {0, 1, 2}


def test_the_factory_of_tmva_becomes_scores_in_friend_trees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    xgboost = pytest.importorskip("xgboost")
    pytest.importorskip("matplotlib")
    run_page("tmva", tmp_path, monkeypatch, xgboost=xgboost)
    assert len([*Path("friends").glob("*.root")]) == 3
