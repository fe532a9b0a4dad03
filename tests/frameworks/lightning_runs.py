"""Trainings with Lightning that note the batches that a model sees."""

import logging
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from memmpy import TrainingSet
from memmpy.lightning import MemmpyDataModule
from tests.frameworks.training_data import BATCH_SIZE, bytes_of

__all__ = ["Checkpoints", "Model", "fit", "trainer"]

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


class Model(pl.LightningModule):  # type: ignore[misc] # it may be not installed
    """A linear model that keeps the epoch and the values of each training batch."""

    def __init__(self, *, asks_for_steps: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)
        self.asks_for_steps = asks_for_steps
        #: The epoch and the values of each batch.
        self.train_batches: list[tuple[int, dict[str, list[bytes]]]] = []
        #: The entries of each batch.
        self.train_entries: list[list[int]] = []
        self.eval_entries: list[list[int]] = []
        #: The last batches, and their values when they came.
        self.kept: list[tuple[dict[str, Any], dict[str, list[bytes]]]] = []

    def forward(self, batch: dict[str, Any]) -> Any:
        jets = batch["jets"]
        numbers = torch.diff(jets.cu_seqlens).long()
        events = torch.repeat_interleave(torch.arange(len(numbers)), numbers)
        sums = torch.zeros(len(numbers), 2).index_add(0, events, jets.values)
        return self.layer(torch.hstack([batch["kin"], sums]))[:, 0]

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
        values = bytes_of(batch)
        self.train_batches.append((self.current_epoch, values))
        self.train_entries.append(batch["_index"].tolist())
        self.kept = [*self.kept[-3:], (batch, values)]
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        loss = cross_entropy(self(batch), batch["label"].float(), reduction="none")
        return (batch["weight"] * loss).mean()

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        self.eval_entries.append(batch["_index"].tolist())

    test_step = validation_step

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
        return batch["_index"]

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.01)
        if self.asks_for_steps:
            steps = self.trainer.estimated_stepping_batches
            return [optimizer], [torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, steps)]
        return optimizer


class Checkpoints(pl.Callback):  # type: ignore[misc] # it may be not installed
    """Saves a checkpoint in each hook in which `ModelCheckpoint` saves one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The hook, the file, and the number of batches that the model had seen.
        self.saved: list[tuple[str, Path, int]] = []

    def on_train_batch_end(self, trainer: Any, model: Any, *_: Any) -> None:
        self._save(trainer, model, "batch")

    def on_validation_end(self, trainer: Any, model: Any) -> None:
        if not trainer.sanity_checking:
            self._save(trainer, model, "validation")

    def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
        self._save(trainer, model, "epoch")

    def _save(self, trainer: Any, model: Model, hook: str) -> None:
        path = self.folder / f"{len(self.saved)}.ckpt"
        trainer.save_checkpoint(path)
        self.saved.append((hook, path, len(model.train_entries)))


def trainer(*callbacks: Any, **options: Any) -> Any:
    """Return a trainer that is quiet and writes nothing; options replace its own."""
    own: dict[str, Any] = {
        "max_epochs": 3,
        "accelerator": "cpu",
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(**(own | options), callbacks=[*callbacks])


def fit(
    source: TrainingSet | MemmpyDataModule,
    *callbacks: Any,
    checkpoint: Path | None = None,
    asks_for_steps: bool = False,
    **options: Any,
) -> Model:
    """Train on fold 0, and return the model."""
    if isinstance(source, TrainingSet):
        source = MemmpyDataModule(source, fold=0, batch_size=BATCH_SIZE)
    model = Model(asks_for_steps=asks_for_steps)
    trainer(*callbacks, **options).fit(
        model, datamodule=source, ckpt_path=checkpoint, weights_only=True if checkpoint else None
    )
    return model
