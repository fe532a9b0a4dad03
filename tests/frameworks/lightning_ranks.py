"""Trains on ranks with Lightning; a script, as Lightning starts it again for each rank.

``lightning_ranks.py FOLDER STORE RANKS BATCH_SIZE`` writes the entries that each rank saw.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # as pytest has it

import lightning.pytorch as pl

import memmpy
from memmpy.lightning import MemmpyDataModule
from tests.frameworks.lightning_runs import Model, trainer
from tests.frameworks.training_data import training_set_of


class SaveStep(pl.Callback):  # type: ignore[misc] # it may be not installed
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(self, trainer: Any, model: Model, *_: Any) -> None:
        if len(model.train_entries) == 12:
            trainer.save_checkpoint(self.path)


def main() -> None:
    folder, store, num, batch_size = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    model = Model()
    run = trainer(
        SaveStep(folder / "step.ckpt"), strategy="ddp", devices=num, num_sanity_val_steps=0
    )
    module = MemmpyDataModule(
        lambda: training_set_of(memmpy.open(store)), fold=0, batch_size=batch_size
    )
    run.fit(model, module)
    num_val = len(model.eval_entries) // 3
    seen = {"train": model.train_entries, "val": model.eval_entries[:num_val]}
    (folder / f"{run.global_rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
