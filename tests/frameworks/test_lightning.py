import json
import pickle
import random
import signal
import subprocess
import sys
import threading
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import TrainingSet
from memmpy.errors import MissingPackageError, OptionError
from tests.processes import run_python
from tests.training.samples import Sample

pytest.importorskip("lightning")
torch = pytest.importorskip("torch")

from memmpy.lightning import MemmpyDataModule
from tests.frameworks.lightning_runs import Checkpoints, Model, fit, trainer
from tests.frameworks.training_data import BATCH_SIZE, bytes_of, entries_of, flat, training_set_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*GPU available but not used"),
]
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_lightning.py"
RANKS = Path(__file__).with_name("lightning_ranks.py")


@pytest.fixture(scope="module")
def data(sample: Sample) -> TrainingSet:
    data = training_set_of(sample.store())
    data.fit(0)
    return data


def epochs_of(model: Model) -> list[list[int]]:
    """Return the entries of each epoch, in the order in which the model saw them."""
    pairs = zip([epoch for epoch, _ in model.train_batches], model.train_entries, strict=True)
    by_epoch = groupby(pairs, key=lambda pair: pair[0])
    return [flat([entries for _, entries in group]) for _, group in by_epoch]


def assert_same_weights(model: Model, other: Model) -> None:
    for key, values in model.state_dict().items():
        assert torch.equal(values, other.state_dict()[key]), key


def test_the_model_sees_epochs_0_1_and_2_and_each_event_once_in_each(
    sample: Sample, data: TrainingSet
) -> None:
    model = fit(data)
    assert [*dict.fromkeys(epoch for epoch, _ in model.train_batches)] == [0, 1, 2]
    epochs = epochs_of(model)
    assert [sorted(epoch) for epoch in epochs] == [entries_of(sample, "train")] * 3
    for number, epoch in enumerate(epochs):
        batches = data.loader("train", fold=0, batch_size=BATCH_SIZE).batches(number)
        assert epoch == flat([batch["_index"].tolist() for batch in batches])
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("fold", [0, 3])
def test_evaluation_has_each_event_of_its_split_once(
    sample: Sample, data: TrainingSet, fold: int
) -> None:
    module = MemmpyDataModule(data, fold=fold, batch_size=BATCH_SIZE)
    for split, run in (("val", "validate"), ("test", "test")):
        entries = []
        for _ in range(2):
            model = Model()
            getattr(trainer(), run)(model, module, verbose=False)
            entries.append(flat(model.eval_entries))
        assert sorted(entries[0]) == entries_of(sample, split, fold)
        assert entries[0] == entries[1]


def test_a_fit_validates_on_all_of_its_split_each_time(sample: Sample, data: TrainingSet) -> None:
    model = fit(data, num_sanity_val_steps=1, val_check_interval=3)
    expected = entries_of(sample, "val")
    num = -(-len(expected) // BATCH_SIZE)
    sanity, runs = model.eval_entries[:1], model.eval_entries[1:]
    assert len(runs) == num * 9
    assert all(sorted(flat(runs[i : i + num])) == expected for i in range(0, len(runs), num))
    assert sanity[0] == runs[0]


def test_predict_takes_the_test_split_or_the_one_that_is_named(
    sample: Sample, data: TrainingSet
) -> None:
    module = MemmpyDataModule(data, fold=1, batch_size=BATCH_SIZE)
    entries = torch.cat(trainer().predict(Model(), module)).tolist()
    assert sorted(entries) == entries_of(sample, "test", 1)
    module = MemmpyDataModule(data.apply_to(cut="met > 50"), fold=1, predict="all")
    entries = torch.cat(trainer().predict(Model(), module)).tolist()
    assert sorted(entries) == np.flatnonzero(sample.columns["met"] > 50).tolist()


@pytest.mark.slow
def test_a_training_that_is_resumed_at_50_random_steps_equals_the_uninterrupted_one(
    data: TrainingSet, tmp_path: Path
) -> None:
    module = MemmpyDataModule(data, fold=0, batch_size=200)
    checkpoints = Checkpoints(tmp_path)
    whole = fit(module, checkpoints, limit_val_batches=0)
    for _, path, num in random.Random(0).sample(checkpoints.saved, 50):
        resumed = fit(module, checkpoint=path, limit_val_batches=0)
        assert resumed.train_batches == whole.train_batches[num:]
        assert_same_weights(resumed, whole)


RUNS: dict[str, dict[str, Any]] = {
    "a schedule over all steps": {"asks_for_steps": True},
    "limit_train_batches": {"limit_train_batches": 5, "asks_for_steps": True},
    "validation in mid-epoch": {"val_check_interval": 0.4},
    "validation each few steps": {"val_check_interval": 4, "check_val_every_n_epoch": None},
    "new loaders each epoch": {"reload_dataloaders_every_n_epochs": 1},
    "new loaders and a schedule": {"reload_dataloaders_every_n_epochs": 2, "asks_for_steps": True},
    "no validation": {"limit_val_batches": 0},
}


@pytest.mark.slow_together
@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_a_resumed_training_equals_the_uninterrupted_one_with_options(
    data: TrainingSet, options: dict[str, Any], tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    whole = fit(data, checkpoints, **options)
    chosen = random.Random(str(options)).sample(checkpoints.saved, 3)
    chosen += [max(one for one in checkpoints.saved if one[0] == "epoch" and one[2] < 20)]
    num_epoch = len(whole.train_batches) // 3
    chosen += [one for one in checkpoints.saved if one[0] == "batch" and one[2] == num_epoch]
    for _, path, num in chosen:
        resumed = fit(data, checkpoint=path, **options)
        assert resumed.train_batches == whole.train_batches[num:]
        assert_same_weights(resumed, whole)


@pytest.mark.slow
def test_a_resumed_training_accumulates_the_gradients_of_the_same_batches(
    data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    whole = fit(data, checkpoints, accumulate_grad_batches=3)
    num_epoch = len(whole.train_batches) // 3
    for hook, path, num in checkpoints.saved[1:12:2]:
        resumed = fit(data, checkpoint=path, accumulate_grad_batches=3)
        assert resumed.train_batches == whole.train_batches[num:]
        if hook != "batch" or num % num_epoch % 3 == 0:  # the gradients of a step are not saved
            assert_same_weights(resumed, whole)


@pytest.mark.slow
def test_a_training_that_max_steps_ends_is_resumed_from_a_step(
    data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    whole = fit(data, checkpoints, max_epochs=-1, max_steps=22)
    for hook, path, num in checkpoints.saved[::4]:
        if hook != "epoch":
            resumed = fit(data, checkpoint=path, max_epochs=-1, max_steps=22)
            assert resumed.train_batches == whole.train_batches[num:]
            assert_same_weights(resumed, whole)


def test_lightning_resumes_a_bare_loader_that_to_torch_returns(
    data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)

    def train(path: Path | None) -> Model:
        model = Model()
        loaders = [
            memmpy.to_torch(data.loader(split, fold=0, batch_size=BATCH_SIZE, shuffle=shuffle))
            for split, shuffle in (("train", True), ("val", False))
        ]
        trainer(*[checkpoints][: path is None]).fit(model, *loaders, ckpt_path=path)
        return model

    whole = train(None)
    for _, path, num in random.Random(1).sample(checkpoints.saved, 3):
        assert train(path).train_batches == whole.train_batches[num:]


class Failure(Exception):
    pass


class FailingModel(Model):
    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
        if len(self.train_entries) == 13:
            raise Failure
        return super().training_step(batch, batch_idx)


def test_a_training_that_failed_goes_on_from_its_last_checkpoint(
    data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    failing = FailingModel()
    module = MemmpyDataModule(data, fold=0, batch_size=BATCH_SIZE)
    with pytest.raises(Failure):
        trainer(checkpoints).fit(failing, module)
    _, path, num = checkpoints.saved[-1]
    assert num == 13
    resumed = fit(module, checkpoint=path)
    whole = fit(data)
    assert failing.train_batches + resumed.train_batches == whole.train_batches
    assert_same_weights(resumed, whole)


def test_a_test_with_a_checkpoint_does_not_move_a_later_fit(
    data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    whole = fit(data, checkpoints, max_epochs=1)
    module = MemmpyDataModule(data, fold=0, batch_size=BATCH_SIZE)
    path = checkpoints.saved[3][1]
    trainer().test(Model(), module, ckpt_path=path, weights_only=True, verbose=False)
    assert fit(module, max_epochs=1).train_batches == whole.train_batches


def test_a_checkpoint_of_another_batch_size_is_refused_in_mid_epoch_only(
    sample: Sample, data: TrainingSet, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path)
    fit(data, checkpoints, max_epochs=1)
    other = MemmpyDataModule(data, fold=0, batch_size=300)
    with pytest.raises(OptionError, match="another batch size"):
        fit(other, checkpoint=checkpoints.saved[3][1])
    hook, path, _ = checkpoints.saved[-1]
    assert hook == "epoch"
    (epoch,) = epochs_of(fit(other, checkpoint=path, max_epochs=2))
    assert sorted(epoch) == entries_of(sample, "train")


@pytest.mark.filterwarnings("ignore:You requested to overfit but enabled:UserWarning")
def test_an_overfit_has_the_same_batches_in_each_epoch(data: TrainingSet) -> None:
    module = MemmpyDataModule(
        data, fold=0, batch_size=BATCH_SIZE, sampling={"background": 0.5, "signal": 0.5}
    )
    model = fit(module, overfit_batches=2)
    assert model.train_entries[:2] * 3 == model.train_entries


@pytest.mark.slow
def test_the_tuner_of_lightning_sets_the_batch_size(data: TrainingSet) -> None:
    from lightning.pytorch.tuner import Tuner

    module = MemmpyDataModule(data, fold=0, batch_size=16)
    run, model = trainer(max_epochs=1), Model()
    Tuner(run).scale_batch_size(model, datamodule=module, init_val=32, max_trials=3)
    assert module.batch_size == 128
    model.train_entries = []
    run.fit(model, module)
    assert [len(entries) for entries in model.train_entries[:-1]] == [128] * (
        len(model.train_entries) - 1
    )


def test_three_batches_stay_as_they_are_while_the_fourth_comes(data: TrainingSet) -> None:
    model = fit(data, max_epochs=1)
    assert len(model.kept) == 4
    for batch, values in model.kept:
        assert bytes_of(batch) == values


class WritingModel(Model):
    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
        with torch.no_grad():
            super().training_step(batch, batch_idx)
        for values in (batch["kin"], batch["jets"].values, batch["weight"], batch["_index"]):
            values.fill_(7)
        return self.layer.weight.sum()


def test_a_model_may_write_to_a_batch(data: TrainingSet) -> None:
    before = data.skim.rows.tobytes()
    model = WritingModel()
    trainer().fit(model, MemmpyDataModule(data, fold=0, batch_size=BATCH_SIZE))
    assert model.train_batches == fit(data).train_batches
    assert data.skim.rows.tobytes() == before


def test_a_function_makes_the_training_set_once_and_when_lightning_asks(
    sample: Sample, data: TrainingSet
) -> None:
    made = []

    def make() -> TrainingSet:
        made.append(training_set_of(sample.store()))
        return made[-1]

    module = MemmpyDataModule(make, fold=0, batch_size=BATCH_SIZE)
    assert made == []
    assert fit(module, max_epochs=1).train_batches == fit(data, max_epochs=1).train_batches
    trainer().test(Model(), module, verbose=False)
    assert module.data is made[0]
    assert len(made) == 1


def test_dataloaders_can_be_looked_at_without_a_trainer(sample: Sample) -> None:
    module = MemmpyDataModule(lambda: training_set_of(sample.store()), fold=0, dtype="float64")
    batch = next(iter(module.train_dataloader()))
    assert batch["kin"].dtype == torch.float64
    assert len(batch["_index"]) == 1024
    assert module.state_dict() == {}


def test_it_prints_in_one_line(data: TrainingSet) -> None:
    module = MemmpyDataModule(data, fold=2)
    text = f"MemmpyDataModule({str(data.path)!r}, fold=2, batch_size=1024)"
    assert (str(module), repr(module)) == (text, text)
    assert repr(MemmpyDataModule(dict)).startswith("MemmpyDataModule(<class 'dict'>")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["data.mmpy", 3, None, {}])
def test_what_is_no_training_set_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match=rf"takes a training set.*got {type(given).__name__}"):
        MemmpyDataModule(given)


def test_a_function_that_returns_no_training_set_is_refused() -> None:
    with pytest.raises(OptionError, match=r"takes a training set.*got dict"):
        fit(MemmpyDataModule(dict))  # type: ignore[arg-type]


def test_on_mps_memmpy_moves_the_batches_as_it_takes_no_float64(data: TrainingSet) -> None:
    module, run = MemmpyDataModule(data, fold=0), trainer()
    run.strategy._root_device = torch.device("mps")
    module.trainer = run
    with pytest.raises(OptionError, match="cannot use device='mps' here"):
        module.test_dataloader()


class InterruptedModel(Model):
    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
        if batch_idx == 4:
            raise KeyboardInterrupt
        return super().training_step(batch, batch_idx)


def test_an_interrupt_ends_the_training_and_its_threads(data: TrainingSet) -> None:
    handler = signal.getsignal(signal.SIGINT)
    before = set(threading.enumerate())
    module = MemmpyDataModule(data, fold=0, batch_size=100, num_threads=2)
    try:
        with pytest.raises(SystemExit):
            trainer().fit(InterruptedModel(), module)
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning ignores it from then on
    assert set(threading.enumerate()) <= before
    assert len(fit(module, max_epochs=1).train_batches) > 4


def test_what_trained_already_can_be_sent_to_ranks_that_lightning_spawns(
    data: TrainingSet,
) -> None:
    module = MemmpyDataModule(data, fold=0, batch_size=BATCH_SIZE)
    fit(module, max_epochs=1)
    copy = pickle.loads(pickle.dumps(module))
    assert fit(copy).train_batches == fit(data).train_batches


def run_ranks(folder: Path, sample: Sample, num: int, batch_size: int) -> list[Any]:
    """Train in processes of their own, and return what each rank saw."""
    command = [sys.executable, *map(str, (RANKS, folder, sample.path, num, batch_size))]
    subprocess.run(command, check=True, timeout=120, cwd=Path(__file__).parents[2])
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(num)]


@pytest.mark.slow
def test_two_ranks_share_each_step_and_one_rank_resumes_what_they_began(
    sample: Sample, data: TrainingSet, tmp_path: Path
) -> None:
    ranks = run_ranks(tmp_path, sample, 2, BATCH_SIZE // 2)
    whole = fit(data)
    steps = list(zip(*(rank["train"] for rank in ranks), strict=True))  # as many on each rank
    assert [sorted(flat([*step])) for step in steps] == [*map(sorted, whole.train_entries)]
    assert sorted(flat(ranks[0]["val"] + ranks[1]["val"])) == entries_of(sample, "val")
    resumed = fit(data, checkpoint=tmp_path / "step.ckpt")
    assert resumed.train_entries == whole.train_entries[12:]


@pytest.mark.slow
def test_importing_memmpy_does_not_import_lightning() -> None:
    code = "import memmpy, sys; print({'lightning', 'pytorch_lightning'} & sys.modules.keys())"
    assert run_python(code) == "set()\n"


@pytest.mark.slow
def test_lightning_that_is_not_installed_is_one_line() -> None:
    code = """if True:
        import sys
        sys.modules |= {"lightning": None, "pytorch_lightning": None}
        try:
            import memmpy.lightning
        except Exception as error:
            print(type(error).__name__, error, sep=": ")
    """
    assert run_python(code) == (
        f"{MissingPackageError.__name__}: memmpy.lightning needs the package 'lightning': "
        "pip install 'memmpy[lightning]'\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("hides", [True, False])
def test_pytorch_lightning_is_taken_where_it_is_alone_or_imported_first(hides: bool) -> None:
    pytest.importorskip("pytorch_lightning")
    hide = "sys.modules['lightning'] = None" if hides else "import pytorch_lightning"
    code = f"""if True:
        import sys, warnings
        warnings.simplefilter("ignore")
        {hide}
        from memmpy.lightning import MemmpyDataModule
        import pytorch_lightning
        print(issubclass(MemmpyDataModule, pytorch_lightning.LightningDataModule))
    """
    assert run_python(code) == "True\n"
