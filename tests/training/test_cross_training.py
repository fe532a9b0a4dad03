"""Tests of a whole training on five folds of simulated events, from files to friend trees."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.typing import Array, Batch
from tests.conftest import CLIPS

PROCESSES = {"single_top.root": "single_top", "ww.root": "ww", "uproot-HZZ.root": "zz"}
NUM_FOLDS = 5


def features(batch: Batch) -> Array:
    """Return all inputs of a batch as one array, with a constant at the end."""
    event: Any = batch["event"]
    jets: Any = batch["jets"]
    return np.hstack([event, jets.reshape(len(jets), -1), np.ones((len(jets), 1))])


def predict(coefficients: Array, batch: Batch) -> Array:
    scores: Array = 1.0 / (1.0 + np.exp(-features(batch) @ coefficients))
    return scores


@pytest.mark.real
@pytest.mark.slow
@CLIPS
def test_single_top_is_told_from_ww_and_zz(real_data: Path, tmp_path: Path) -> None:
    files = [
        RFileConfig(real_data / name, "events", {"process": process})
        for name, process in PROCESSES.items()
    ]
    with pytest.warns(memmpy.MemmpyWarning, match="by='file'"):
        data = memmpy.training_set(
            files,
            tmp_path / "data.mmpy",
            splits=Splits(by="file", num_folds=NUM_FOLDS, val=0.1),
            inputs={
                "event": ["NJet", "NMuon", "NElectron", "MET", "NPrimaryVertices"],
                "jets": Objects(["jet_pt", "Jet_btag"], length=4, sort_by="-jet_pt"),
            },
            aliases={
                "MET": "sqrt(MET_px**2 + MET_py**2)",
                "jet_pt": "sqrt(Jet_Px**2 + Jet_Py**2)",
            },
            labels={"background": "process != 'single_top'", "signal": "process == 'single_top'"},
            weight="EventWeight",
            scale="standard",
            normalise="equal",
        )
    scores = data.scores()
    for fold in range(NUM_FOLDS):
        coefficients = np.zeros(5 + 4 * 2 + 1)
        for _ in range(10):
            for batch in data.loader("train", fold=fold, batch_size=128):
                residuals = batch["weight"] * (predict(coefficients, batch) - batch["label"])
                coefficients -= 0.3 / len(residuals) * features(batch).T @ residuals
        for batch in data.loader("test", fold=fold, shuffle=False):
            scores.add(batch, predict(coefficients, batch), fold=fold)
    assert scores.auc() >= 0.85

    scores.write_friend(tmp_path / "friends")
    store = memmpy.open(tmp_path / "data.mmpy")
    start = 0
    for name in PROCESSES:
        with (
            uproot.open(tmp_path / "friends" / name) as friends,
            uproot.open(os.fspath(real_data / name)) as original,
        ):
            tree, num = friends["events"], original["events"].num_entries
            assert tree.num_entries == num
            written = tree["score"].array(library="np")
            assert np.array_equal(written, scores.values[start : start + num].astype(np.float32))
            folds = store.fold_of(np.arange(start, start + num))
            assert np.array_equal(tree["fold"].array(library="np"), folds)
            start += num
