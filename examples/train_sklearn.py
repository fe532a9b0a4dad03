"""Trains a linear model of scikit-learn batch by batch, and scores the events of the test split.

Run it in an empty directory: it writes toy files of events there, a store, and friend trees with
the scores. It needs ``pip install scikit-learn``.
"""

from sklearn.linear_model import SGDClassifier

import memmpy
from memmpy import RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files

write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(fractions={"train": 0.6, "val": 0.2, "test": 0.2}),
    inputs={"event": ["met", "nJets", "nBTags_77", "Sum$(jet_pt)"]},
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
    negative="drop",  # in training only; the sum of each process stays the same
)
print(data)

train = data.loader("train", batch_size=1024)
model = SGDClassifier(loss="log_loss", alpha=1e-3, random_state=0)
for _ in range(5):
    for batch in train:
        features = memmpy.feature_matrix(batch, train)
        model.partial_fit(features, batch["label"], classes=[0, 1], sample_weight=batch["weight"])

# The events of the test split, with weights of both signs.
test = data.loader("test", batch_size=8192, shuffle=False)
scores = data.scores()
for batch in test:
    scores.add(batch, model.decision_function(memmpy.feature_matrix(batch, test)))
scores.write_friend("friends")
print(scores)

assert scores.auc() > 0.83, scores.auc()
