import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import TrainingSet
from tests.training.samples import Sample

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

from tests.frameworks.trainer_runs import LoaderState, LoaderTrainer, Model
from tests.frameworks.training_data import BATCH_SIZE, entries_of, flat, training_set_of

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "accelerate.md"

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture(scope="module")
def data(sample: Sample) -> TrainingSet:
    data = training_set_of(sample.store(), length=5)
    data.fit(0)
    return data


def trainer(data: TrainingSet, folder: Path, **options: Any) -> Any:
    own: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": 3,
        "ignore_data_skip": True,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
    }
    arguments = transformers.TrainingArguments(**(own | options))
    ranks = {"rank": arguments.process_index, "world_size": arguments.world_size}
    loaders = [
        memmpy.to_torch(data.loader(split, fold=0, batch_size=BATCH_SIZE, shuffle=shuffle, **ranks))
        for split, shuffle in (("train", True), ("val", False))
    ]
    return LoaderTrainer(
        Model(),
        arguments,
        train_dataset=loaders[0],
        eval_dataset=loaders[1],
        callbacks=[LoaderState()],
    )


@pytest.mark.slow
def test_the_model_sees_each_event_once_in_each_epoch(
    sample: Sample, data: TrainingSet, tmp_path: Path
) -> None:
    run = trainer(data, tmp_path)
    run.train()
    entries, num = run.model.entries, len(run.train_dataset)
    assert len(entries) == 3 * num
    for epoch in range(3):
        own = data.loader("train", fold=0, batch_size=BATCH_SIZE).batches(epoch)
        assert entries[epoch * num : epoch * num + num] == [b["_index"].tolist() for b in own]
        assert sorted(flat(entries[epoch * num : epoch * num + num])) == entries_of(sample, "train")


@pytest.mark.slow
def test_a_training_that_is_resumed_equals_the_uninterrupted_one(
    data: TrainingSet, tmp_path: Path
) -> None:
    saved = {"save_strategy": "steps", "save_steps": 1}
    whole = trainer(data, tmp_path, **saved)
    whole.train()
    num_epoch = len(whole.train_dataset)
    for num in [num_epoch, *random.Random(1).sample(range(1, 3 * num_epoch), 5)]:
        resumed = trainer(data, tmp_path)
        checkpoint = tmp_path / f"checkpoint-{num}"
        resumed.train_dataset.load_state_dict(json.loads((checkpoint / "loader.json").read_text()))
        resumed.train(resume_from_checkpoint=str(checkpoint))
        assert resumed.model.batches == whole.model.batches[num:]
        assert resumed.state.global_step == 3 * num_epoch
        for key, values in whole.model.state_dict().items():
            assert torch.equal(values, resumed.model.state_dict()[key])


@pytest.mark.slow
def test_without_ignore_data_skip_a_resumed_training_fails(
    data: TrainingSet, tmp_path: Path
) -> None:
    trainer(data, tmp_path, save_strategy="steps", save_steps=4, max_steps=5).train()
    resumed = trainer(data, tmp_path, ignore_data_skip=False)
    with pytest.raises(AttributeError, match="dataset"):
        resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))


def test_evaluation_and_prediction_have_each_event_once(
    sample: Sample, data: TrainingSet, tmp_path: Path
) -> None:
    run = trainer(data, tmp_path)
    assert np.isfinite(run.evaluate()["eval_loss"])
    logits, entries = run.predict(run.eval_dataset).predictions
    assert sorted(entries.tolist()) == entries_of(sample, "val")
    (batch,) = [batch for number, batch in enumerate(run.eval_dataset) if number == 0]
    run.model.eval()
    with torch.no_grad():
        expected = run.model(**batch)["logits"].numpy()
    assert np.array_equal(logits[: len(expected)], expected)


@pytest.mark.slow
def test_lists_need_a_length_as_the_trainer_rebuilds_tuples(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="JaggedTensor"):
        trainer(training_set_of(sample.store()), tmp_path).train()


@pytest.mark.slow
@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not beside the tests")
def test_the_guide_prints_what_it_shows(tmp_path: Path) -> None:
    blocks = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "python", "text", "python", "text"]
    script = tmp_path / "train.py"
    script.write_text("\n".join(text for kind, text in blocks if kind == "python"))
    done = subprocess.run(
        [sys.executable, script.name], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if not line.startswith("{")]  # its log
    assert shown == "".join(text for kind, text in blocks if kind == "text").splitlines()
