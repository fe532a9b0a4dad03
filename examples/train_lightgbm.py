"""Trains LightGBM on chunks of events, stops early, and scores the events of the test split.

Run it in an empty directory: it writes toy files of events there, a store, and friend trees with
the scores. It needs ``pip install "memmpy[lightgbm]"``.
"""

import lightgbm

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files

write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(fractions={"train": 0.6, "val": 0.2, "test": 0.2}),
    inputs={
        "event": ["met", "nJets", "nBTags_77", "Sum$(jet_pt)"],
        "jets": Objects(["jet_pt", "jet_eta"], length=12, sort_by="-jet_pt"),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    normalise="equal",
    fill=None,  # LightGBM takes NaN for missing
    negative="drop",  # in training only; the sum of each process stays the same
)
print(data)

train = memmpy.to_lightgbm(data.loader("train"))
val = memmpy.to_lightgbm(data.loader("val"), reference=train, negative="drop")
booster = lightgbm.train(
    {"objective": "binary", "metric": "auc", "num_leaves": 15, "verbose": -1},
    train,
    num_boost_round=200,
    valid_sets=[val],
    valid_names=["val"],
    callbacks=[lightgbm.early_stopping(20), lightgbm.log_evaluation(20)],
)

# The events of the test split, with weights of both signs.
test = data.loader("test", batch_size=8192, shuffle=False)
scores = data.scores()
for batch in test:
    scores.add(batch, booster.predict(memmpy.feature_matrix(batch, test)))
scores.write_friend("friends")
print(scores)

assert scores.auc() > 0.84, scores.auc()
