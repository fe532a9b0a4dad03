"""Trains a PyTorch network on events and their jets, and scores events that it has not seen.

Run it in an empty directory: it writes toy files of events there, a store, and the model. It needs
``pip install "memmpy[torch]"``. A GPU is used if there is one.
"""

import torch
from torch import nn

import memmpy
from memmpy import Objects, RFileConfig
from memmpy.demo import demo_files, write_demo_files

NUM_EPOCHS = 4
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class DeepSet(nn.Module):
    """Adds up what a network makes of each jet, and looks at the sum and the event together."""

    def __init__(self, num_jet, num_event, width=32):
        super().__init__()
        self.of_jet = nn.Sequential(nn.Linear(num_jet, width), nn.ReLU(), nn.Linear(width, width))
        self.of_event = nn.Sequential(
            nn.Linear(width + num_event, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, batch):
        """Return the logit of the signal, of shape (B,)."""
        jets = self.of_jet(batch["jets"]) * batch["jets_mask"][..., None]
        return self.of_event(torch.cat([jets.sum(dim=1), batch["event"]], dim=1))[:, 0]


def loss_of(model, batch):
    """Return the cross entropy, weighted; the weights are 1 on average."""
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    losses = cross_entropy(model(batch), batch["label"].float(), reduction="none")
    return (batch["weight"] * losses).mean()


write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    inputs={
        "event": ["met", "nJets", "nBTags_77"],
        "jets": Objects(["jet_pt", "jet_eta", "jet_phi"], length=12),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
)
train = memmpy.to_torch(data.loader("train", batch_size=512), DEVICE)
test = memmpy.to_torch(data.loader("test", batch_size=8192, shuffle=False), DEVICE)

torch.manual_seed(0)
model = DeepSet(num_jet=3, num_event=3).to(DEVICE)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(NUM_EPOCHS):
    for batch in train:  # each pass is the next epoch, in an order of its own
        optimizer.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: the loss of the last batch is {loss.item():.3f}")
torch.save({"model": model.state_dict(), "loader": train.state_dict()}, "model.pt")

scores = data.scores()
with torch.no_grad():
    for batch in test:
        scores.add(batch, torch.sigmoid(model(batch)))
print(f"AUC on {test.loader.num_entries:,} events: {scores.auc():.3f}")
assert scores.auc() > 0.84
