"""Trains a logistic regression on five folds, and scores each event by the fold that tests it.

Run it in an empty directory: it writes toy files of events there, a store, a plot, and friend trees
with the scores. The plot needs ``pip install "memmpy[plot]"``.
"""

import numpy as np

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files

NUM_FOLDS, NUM_EPOCHS, RATE = 5, 3, 0.3


def features(batch):
    """Return all inputs of a batch as one array, with a constant at the end."""
    flat = batch["jets"].reshape(len(batch["jets"]), -1)
    return np.hstack([batch["event"], flat, np.ones((len(flat), 1), "float32")])


def predict(coefficients, batch):
    """Return the probability of the signal."""
    return 1.0 / (1.0 + np.exp(-features(batch) @ coefficients))


write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(num_folds=NUM_FOLDS, val=0.1),
    inputs={
        "event": ["met", "nJets", "nBTags_77", "Sum$(jet_pt)"],
        "jets": Objects(["jet_pt", "jet_eta"], length=12, sort_by="-jet_pt"),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
)
print(data)

scores = data.scores()
for fold in range(NUM_FOLDS):
    coefficients = np.zeros(4 + 12 * 2 + 1)
    for _ in range(NUM_EPOCHS):
        for batch in data.loader("train", fold=fold, batch_size=256):
            residuals = batch["weight"] * (predict(coefficients, batch) - batch["label"])
            coefficients -= RATE / len(residuals) * features(batch).T @ residuals
    for batch in data.loader("test", fold=fold, batch_size=8192, shuffle=False):
        scores.add(batch, predict(coefficients, batch), fold=fold)

print(scores)
scores.plot("scores.png")
scores.write_friend("friends")
