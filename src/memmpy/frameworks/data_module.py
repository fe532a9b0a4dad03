"""`MemmpyDataModule`: the splits of a training set, as a data module of Lightning."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from memmpy.errors import OptionError, argument_hints, require
from memmpy.frameworks.torch import TorchLoader, to_torch
from memmpy.frameworks.torch_tensors import JaggedForm
from memmpy.loaders import SamplingOption, ShuffleOption
from memmpy.training import TrainingSet

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import LightningDataModule
else:

    def _package() -> Any:
        """Return Lightning, which has two names whose classes do not work together."""
        names = ("lightning.pytorch", "pytorch_lightning")
        imported = [name for name in names if sys.modules.get(name)]
        installed = names if find_spec("lightning") or not find_spec(names[1]) else names[1:]
        name = (*imported, *installed)[0]
        return require(name, what="memmpy.lightning", extra="lightning")

    LightningDataModule = _package().LightningDataModule

__all__ = ["MemmpyDataModule"]

MakeTrainingSet: TypeAlias = Callable[[], TrainingSet]


@argument_hints
class MemmpyDataModule(LightningDataModule):  # type: ignore[misc] # it may be not installed
    """The splits of a training set, as a data module of Lightning.

    Its dataloaders are those of `memmpy.to_torch`. Each rank gets its part of each split, with as
    many batches as the others. Lightning moves the batches to the device. Its checkpoints hold the
    place in the epoch, so ``trainer.fit(..., ckpt_path=...)`` goes on with the next batch.

    Parameters
    ----------
    data : TrainingSet, or callable that returns one
        The training set. A callable makes it: Lightning calls it once on each node, then on each
        rank, which opens what is there.
    fold : int, optional
        The fold. Splits with folds need it, and others do not take it.
    batch_size : int, default 1024
        Entries per batch and rank, for all splits.
    shuffle, seed, sampling, drop_last
        For the training split; see `TrainingSet.loader`. The other splits are not shuffled.
    num_threads : int, optional
        Threads of each rank that gather batches ahead; see `SplitLoader`.
    dtype, jagged, packed
        The tensors; see `to_torch`.
    predict : str, default "test"
        The split that ``trainer.predict`` takes: ``"all"`` for events that no model was trained on.

    Raises
    ------
    OptionError
        If `data` is no training set, and no callable that returns one. Other options are checked
        when Lightning asks for a dataloader.

    Notes
    -----
    With ``Trainer(overfit_batches=...)``, the training split is not shuffled, and `sampling` is
    left out, so that each epoch has the same batches.

    Examples
    --------
    >>> import lightning.pytorch as pl
    >>> from memmpy.lightning import MemmpyDataModule
    >>> data = memmpy.open("data.mmpy").training_set(inputs={"event": ["met", "HT"]})
    >>> pl.Trainer(max_epochs=10).fit(model, MemmpyDataModule(data, fold=0))
    """

    def __init__(
        self,
        data: TrainingSet | MakeTrainingSet,
        *,
        fold: int | None = None,
        batch_size: int = 1024,
        shuffle: ShuffleOption = True,
        seed: int = 0,
        sampling: SamplingOption = None,
        drop_last: bool = False,
        num_threads: int | None = None,
        dtype: "str | torch.dtype | None" = None,
        jagged: JaggedForm = "flat",
        packed: Mapping[str, Sequence[str]] | None = None,
        predict: str = "test",
    ) -> None:
        super().__init__()
        self._data = data if callable(data) else _check_data(data)
        self.fold: int | None = fold
        self.batch_size: int = batch_size
        self.num_threads: int | None = num_threads
        self.shuffle = shuffle
        self.seed: int = seed
        self.sampling: SamplingOption = sampling
        self.drop_last: bool = drop_last
        self.dtype = dtype
        self.jagged = jagged
        self.packed: Mapping[str, Sequence[str]] | None = packed
        self.predict = predict
        self._train: TorchLoader | None = None
        self._state: dict[str, Any] = {}

    @property
    def data(self) -> TrainingSet:
        """The training set, which is made if it is not there yet."""
        if callable(self._data):
            self._data = _check_data(self._data())
        return self._data

    def prepare_data(self) -> None:
        """Make the training set, on one rank of each node."""
        _ = self.data

    def setup(self, stage: str) -> None:
        """Open the training set, on each rank."""
        _ = self.data
        if stage == "fit":
            self._train, self._state = None, {}

    def train_dataloader(self) -> TorchLoader:
        """Return the batches of the training split, from where a checkpoint has them on."""
        is_overfit = self.trainer is not None and self.trainer.overfit_batches > 0
        self._train = self._loader(
            "train",
            shuffle=False if is_overfit else self.shuffle,
            seed=self.seed,
            sampling=None if is_overfit else self.sampling,
            drop_last=self.drop_last,
        )
        self._train.load_state_dict(self._state)
        self._state = {}
        return self._train

    def val_dataloader(self) -> TorchLoader:
        """Return the batches of the validation split."""
        return self._loader("val", shuffle=False)

    def test_dataloader(self) -> TorchLoader:
        """Return the batches of the test split."""
        return self._loader("test", shuffle=False)

    def predict_dataloader(self) -> TorchLoader:
        """Return the batches of the split `predict`."""
        return self._loader(self.predict, shuffle=False)

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the training split; empty at the end of an epoch.

        Lightning keeps it too, and forgets to load it if ``configure_optimizers`` asks for
        ``trainer.estimated_stepping_batches``.
        """
        if self.trainer is None or self._train is None:
            return {}
        progress = self.trainer.fit_loop.epoch_progress.current
        return {} if progress.ready == progress.processed else self._train.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Note the place in the training split, for the next `train_dataloader`."""
        self._state = state_dict

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        data = repr(self._data if callable(self._data) else str(self._data.path))
        fold = "" if self.fold is None else f", fold={self.fold}"
        return f"MemmpyDataModule({data}{fold}, batch_size={self.batch_size})"

    def _loader(self, split: str, **options: Any) -> TorchLoader:  # those of `TrainingSet.loader`
        device, ranks = None, None
        if self.trainer is not None:
            ranks = self.trainer.distributed_sampler_kwargs  # None without ranks
            root = self.trainer.strategy.root_device
            device = root if root.type == "mps" else None  # it cannot take float64
        loader = self.data.loader(
            split,
            fold=self.fold,
            batch_size=self.batch_size,
            num_threads=self.num_threads,
            rank=ranks["rank"] if ranks else 0,
            world_size=ranks["num_replicas"] if ranks else 1,
            **options,
        )
        return to_torch(loader, device, self.dtype, jagged=self.jagged, packed=self.packed)


def _check_data(data: object) -> TrainingSet:
    if isinstance(data, TrainingSet):
        return data
    message = "MemmpyDataModule takes a training set, or a function that returns one"
    raise OptionError(f"{message}, got {type(data).__name__}")
