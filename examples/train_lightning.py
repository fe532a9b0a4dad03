"""Trains a network with Lightning, scores the test split of a fold, and prints the AUC.

Run it in an empty directory: it writes toy files of events and a store there. It needs
``pip install "memmpy[lightning]"``.
"""

import lightning.pytorch as pl
import torch

import memmpy
from memmpy import Objects, RFileConfig, Splits
from memmpy.demo import demo_files, write_demo_files
from memmpy.lightning import MemmpyDataModule

NUM_JETS = 12


class Classifier(pl.LightningModule):
    """Sums what one network makes of each jet, and gives it to another, with the event."""

    def __init__(self, scores, fold):
        super().__init__()
        self.jet = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU())
        self.event = torch.nn.Sequential(
            torch.nn.Linear(3 + 32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
        )
        self.scores, self.fold = scores, fold

    def forward(self, batch):
        """Return the logit of the signal."""
        jets = self.jet(batch["jets"]) * batch["jets_mask"][:, :, None]
        return self.event(torch.hstack([batch["event"], jets.sum(1)]))[:, 0]

    def training_step(self, batch):
        """Return the loss of a batch."""
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        loss = cross_entropy(self(batch), batch["label"].float(), reduction="none")
        return (batch["weight"] * loss).mean()

    def validation_step(self, batch):
        """Log the loss, averaged over events."""
        loss = self.training_step(batch)
        self.log("val_loss", loss, batch_size=len(batch["label"]))

    def test_step(self, batch):
        """Keep the scores."""
        self.scores.add(batch, torch.sigmoid(self(batch)), fold=self.fold)

    def configure_optimizers(self):
        """Return the optimizer."""
        return torch.optim.Adam(self.parameters(), lr=3e-3)


write_demo_files(".", num_events=20_000, seed=1)
data = memmpy.training_set(
    [RFileConfig(*file) for file in demo_files()],
    "data.mmpy",
    splits=Splits(num_folds=5, val=0.1),
    inputs={
        "event": ["met", "nJets", "nBTags_77"],
        "jets": Objects(["jet_pt", "jet_eta"], length=NUM_JETS, sort_by="-jet_pt"),
    },
    labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    weight="weight",
    scale="standard",
    normalise="equal",
)
pl.seed_everything(1)
module = MemmpyDataModule(data, fold=0, batch_size=512)
model = Classifier(data.scores(), fold=0)
trainer = pl.Trainer(max_epochs=3, logger=False, enable_checkpointing=False)
trainer.fit(model, module)
trainer.test(model, module)
auc = model.scores.auc()
print(f"AUC on the test split: {auc:.3f}")
assert auc > 0.84
