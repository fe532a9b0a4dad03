"""A Trainer of transformers that takes loaders, and a model that notes the batches it sees."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.frameworks.training_data import bytes_of

__all__ = ["LoaderState", "LoaderTrainer", "Model"]


class Model(torch.nn.Module):  # type: ignore[misc] # it may be not installed
    """A linear model that keeps the values of each training batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(2 + 5 * 2, 1)
        self.batches: list[dict[str, list[bytes]]] = []
        self.entries: list[list[int]] = []

    def forward(self, kin: Any, jets: Any, label: Any, weight: Any, **others: Any) -> Any:
        if self.training:
            batch = {"kin": kin, "jets": jets, "label": label, "weight": weight, **others}
            self.batches.append(bytes_of(batch))
            self.entries.append(others["_index"].tolist())
        logits = self.layer(torch.hstack([kin, jets.flatten(1)]))[:, 0]
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        loss = cross_entropy(logits, label.float(), reduction="none")
        return {"loss": (weight * loss).mean(), "logits": logits, "entries": others["_index"]}


class LoaderTrainer(transformers.Trainer):  # type: ignore[misc] # it may be not installed
    """Takes loaders in place of data sets."""

    def get_train_dataloader(self) -> Any:
        return self.train_dataset

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        return self.eval_dataset if eval_dataset is None else eval_dataset

    get_test_dataloader = get_eval_dataloader


class LoaderState(transformers.TrainerCallback):  # type: ignore[misc] # it may be not installed
    """Writes the place in the epoch to each checkpoint."""

    def on_save(
        self, args: Any, state: Any, control: Any, *, train_dataloader: Any, **_: Any
    ) -> None:
        path = Path(args.output_dir, f"checkpoint-{state.global_step}", "loader.json")
        path.write_text(json.dumps(train_dataloader.state_dict()))
