"""Trains a small network in plain JAX, and judges it on events that it has never seen.

Run it in an empty directory: it writes toy files of events there, and a store. It needs
``pip install "memmpy[jax]"``.
"""

import jax
import jax.numpy as jnp

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files

NUM_EPOCHS, RATE, MOMENTUM = 4, 0.05, 0.9


def init(sizes, key):
    """Return the weights and offsets of layers of these sizes."""
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(sizes, sizes[1:], keys, strict=False)
    return [(jax.random.normal(k, (m, n)) * (2 / m) ** 0.5, jnp.zeros(n)) for m, n, k in shapes]


@jax.jit
def predict(layers, batch):
    """Return the log-odds of the signal."""
    jets = batch["jets"] * batch["jets_mask"][..., None]
    x = jnp.hstack([batch["event"], jets.reshape(len(jets), -1)])
    for weights, offsets in layers[:-1]:
        x = jax.nn.relu(x @ weights + offsets)
    weights, offsets = layers[-1]
    return (x @ weights + offsets)[:, 0]


def loss(layers, batch):
    """Return the mean of the weighted cross-entropies of the events of a batch."""
    logits = predict(layers, batch)
    entropies = jax.nn.softplus(logits) - batch["label"] * logits
    return (batch["weight"] * entropies).sum() / batch["_valid"].sum()


@jax.jit
def step(layers, velocities, batch):
    """Return the layers after one step of gradient descent with momentum, and the loss."""
    value, slopes = jax.value_and_grad(loss)(layers, batch)
    velocities = jax.tree.map(lambda v, s: MOMENTUM * v - RATE * s, velocities, slopes)
    return jax.tree.map(jnp.add, layers, velocities), velocities, value


write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(fractions={"train": 0.7, "val": 0.1, "test": 0.2}),
    inputs={
        "event": ["met", "nJets", "nBTags_77", "Sum$(jet_pt)"],
        "jets": Objects(["jet_pt", "jet_eta"], length=12, sort_by="-jet_pt"),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
)

layers = init([4 + 12 * 2, 64, 1], jax.random.key(0))
velocities = jax.tree.map(jnp.zeros_like, layers)
train = memmpy.to_jax(data.loader("train", batch_size=512))
for epoch in range(NUM_EPOCHS):
    losses = []
    for batch in train:
        layers, velocities, value = step(layers, velocities, batch)
        losses.append(value)
    print(f"epoch {epoch}: loss {jnp.stack(losses).mean():.4f}")

scores = data.scores()
for batch in memmpy.to_jax(data.loader("test", batch_size=4096, shuffle=False)):
    scores.add(batch, jax.nn.sigmoid(predict(layers, batch)))
print(f"AUC of the test split: {scores.auc():.3f}")
assert scores.auc() > 0.84
