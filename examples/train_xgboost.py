"""Trains XGBoost on chunks of events, stops early, and scores the events of the test split.

Run it in an empty directory: it writes toy files of events there, a store, and friend trees with
the scores. It needs ``pip install "memmpy[xgboost]"``.
"""

import xgboost

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
    fill=None,  # XGBoost takes NaN for missing
    negative="drop",  # in training only; the sum of each process stays the same
)
print(data)

train = xgboost.QuantileDMatrix(memmpy.to_xgboost(data.loader("train")))
val = memmpy.to_xgboost(data.loader("val"), negative="drop")
booster = xgboost.train(
    {"objective": "binary:logistic", "eval_metric": "auc", "eta": 0.1, "max_depth": 4},
    train,
    num_boost_round=200,
    evals=[(xgboost.QuantileDMatrix(val, ref=train), "val")],
    early_stopping_rounds=20,
    verbose_eval=20,
)

# The events of the test split, with weights of both signs. Only the trees up to the best one score.
trees = (0, booster.best_iteration + 1)
test = data.loader("test", batch_size=8192, shuffle=False)
scores = data.scores()
for batch in test:
    features = memmpy.feature_matrix(batch, test)
    scores.add(batch, booster.inplace_predict(features, iteration_range=trees))
scores.write_friend("friends")
print(scores)

assert scores.auc() > 0.84, scores.auc()
