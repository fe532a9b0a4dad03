"""Trains a small network with Keras 3, and judges it on events that it has never seen.

Run it in an empty directory: it writes toy files of events there, and a store. It needs
``pip install "memmpy[keras]"`` and a backend: set KERAS_BACKEND to "torch" or "tensorflow" for
another one than JAX.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads it when it is imported
import keras

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files

NUM_JETS = 12

write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(fractions={"train": 0.7, "val": 0.1, "test": 0.2}),
    inputs={
        "event": ["met", "nJets", "nBTags_77", "Sum$(jet_pt)"],
        "jets": Objects(["jet_pt", "jet_eta"], length=NUM_JETS, sort_by="-jet_pt"),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
)
train = memmpy.to_keras(data.loader("train", batch_size=512))
val = memmpy.to_keras(data.loader("val", batch_size=4096, shuffle=False))

keras.utils.set_random_seed(0)
# Each jet goes through one network, and those that are there are summed.
event = keras.Input((4,), name="event")
jets = keras.Input((NUM_JETS, 2), name="jets")
is_jet = keras.Input((NUM_JETS,), name="jets_mask", dtype="bool")
hidden = keras.layers.Dense(32, activation="relu")(jets)
pooled = keras.ops.sum(hidden * keras.ops.cast(is_jet, "float32")[..., None], axis=1)
x = keras.layers.Concatenate()([event, pooled])
x = keras.layers.Dense(32, activation="relu")(x)
output = keras.layers.Dense(1, activation="sigmoid")(x)
model = keras.Model({"event": event, "jets": jets, "jets_mask": is_jet}, output)

model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
model.fit(train, epochs=4, shuffle=False, validation_data=val, verbose=2)

# The scores of a loader that does not shuffle are in the order of its batches.
test = data.loader("test", batch_size=4096, shuffle=False)
scores, values = data.scores(), model.predict(memmpy.to_keras(test), verbose=0)
for number, batch in enumerate(test):
    scores.add(batch, values[number * test.batch_size :][: len(batch["label"])])
print(f"AUC of the test split: {scores.auc():.3f}")
assert scores.auc() > 0.84
