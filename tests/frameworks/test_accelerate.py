import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memmpy
from memmpy import TrainingSet
from tests.training.samples import Sample

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate")

from tests.frameworks.training_data import BATCH_SIZE, bytes_of, entries_of, flat, training_set_of

RANKS = Path(__file__).with_name("accelerate_ranks.py")


@pytest.fixture(scope="module")
def data(sample: Sample) -> TrainingSet:
    data = training_set_of(sample.store())
    data.fit(0)
    return data


@pytest.fixture(autouse=True)
def no_state() -> Iterator[None]:
    yield
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)


def start(data: TrainingSet, batch_size: int = BATCH_SIZE) -> tuple[Any, Any, Any, Any]:
    """Return an accelerator, and what it trains with; as the guide has it."""
    accelerator = accelerate.Accelerator(cpu=True)
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model, optimizer = accelerator.prepare(model, optimizer)
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
    return accelerator, model, optimizer, train


def run(parts: tuple[Any, Any, Any, Any], folder: Path | None = None) -> list[Any]:
    """Train until the end of epoch 2; save each step to a folder."""
    accelerator, model, optimizer, train = parts
    seen: list[Any] = []
    for epoch in range(train.epoch, 3):
        train.set_epoch(epoch)
        for batch in train:
            optimizer.zero_grad()
            loss = (batch["weight"] * (model(batch["kin"])[:, 0] - batch["label"]) ** 2).mean()
            accelerator.backward(loss)
            optimizer.step()
            seen.append((epoch, bytes_of(batch)))
            if folder is not None:
                accelerator.save_state(str(folder / str(len(seen))))
    return seen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_training_that_is_resumed_at_50_random_steps_equals_the_uninterrupted_one(
    data: TrainingSet, tmp_path: Path
) -> None:
    parts = start(data, batch_size=150)
    whole = run(parts, tmp_path)
    num_epoch = len(whole) // 3
    assert [epoch for epoch, _ in whole] == [0] * num_epoch + [1] * num_epoch + [2] * num_epoch
    for num in [num_epoch, *random.Random(1).sample(range(1, len(whole)), 50)]:
        resumed = start(data, batch_size=150)
        resumed[0].load_state(str(tmp_path / str(num)))
        assert run(resumed) == whole[num:]
        assert torch.equal(resumed[1].weight, parts[1].weight)


@pytest.mark.slow
def test_ranks_share_each_step_and_a_prepared_loader_would_give_all_events_to_each(
    sample: Sample, data: TrainingSet, tmp_path: Path
) -> None:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port = one.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, *map(str, (RANKS, tmp_path, sample.path, BATCH_SIZE // 2))],
            env={
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "localhost",
                "MASTER_PORT": str(port),
            },
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    steps = list(zip(*(rank["own"] for rank in ranks), strict=True))
    whole = [batch["_index"].tolist() for batch in data.loader("train", fold=0, batch_size=400)]
    assert [sorted(flat([*step])) for step in steps] == [*map(sorted, whole)]
    for rank in ranks:  # the line that goes wrong
        assert sorted(flat(rank["prepared"])) == entries_of(sample, "train")
    resumed = start(data)
    state = torch.load(tmp_path / "checkpoint" / "custom_checkpoint_0.pkl")
    resumed[3].load_state_dict(state)
    assert [batch["_index"].tolist() for batch in resumed[3]] == whole[5:]
