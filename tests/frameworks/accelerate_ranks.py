"""Loads on ranks with accelerate: ``accelerate_ranks.py FOLDER STORE BATCH_SIZE``.

Writes the entries of the batches of each rank; a checkpoint after the fifth step; and the entries
of a loader that was prepared instead.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # as pytest has it

from accelerate import Accelerator

import memmpy
from tests.frameworks.training_data import training_set_of


def main() -> None:
    folder, store, batch_size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    accelerator = Accelerator(cpu=True)
    data = training_set_of(memmpy.open(store))
    train = memmpy.to_torch(
        data.loader(
            "train",
            fold=0,
            batch_size=batch_size,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
        ),
        device=accelerator.device,
    )
    accelerator.register_for_checkpointing(train)
    own: list[list[int]] = []
    for batch in train:
        own.append(batch["_index"].tolist())
        if len(own) == 5:
            accelerator.save_state(str(folder / "checkpoint"))
    wrong = accelerator.prepare(memmpy.to_torch(data.loader("train", fold=0)))
    prepared = [batch["_index"].tolist() for batch in wrong]
    seen = {"own": own, "prepared": prepared}
    (folder / f"{accelerator.process_index}.json").write_text(json.dumps(seen))
    accelerator.end_training()


if __name__ == "__main__":
    main()
