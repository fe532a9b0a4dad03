"""`BatchDataset` and `EntryDataset`: the batches of a loader for a `DataLoader` of PyTorch."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, final

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from memmpy.checks import check_seed
from memmpy.errors import OptionError
from memmpy.frameworks.epoch_file import EpochFile, WorkerPass
from memmpy.frameworks.torch_tensors import PackedTensor, TensorFormat
from memmpy.splits import SplitLoader
from memmpy.typing import Batch

__all__ = ["BatchDataset", "EntryDataset"]

TensorBatch = dict[str, Any]  # of tensors, and tuples of tensors and numbers

#: Seeds of the passes that this process makes itself; those of workers are not negative.
_pass_seeds = count(-1, -1)


@final
class BatchDataset(IterableDataset):  # type: ignore[misc] # torch has no types here
    """The batches of a loader, for ``DataLoader(dataset, batch_size=None)``.

    The workers share the batches of an epoch: each is handed out once, in the order of the loader,
    and the worker alone that hands it out gathers it. A pass that hands out all batches leads to
    the next epoch, with workers that live on or end after each pass, and without workers.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    tensor_format : TensorFormat
        How batches become tensors.
    state : mapping of str to int or str
        Where the first pass begins.
    """

    def __init__(
        self, loader: SplitLoader, tensor_format: TensorFormat, state: Mapping[str, Any]
    ) -> None:
        self._loader, self._format = loader, tensor_format
        self._file = EpochFile(*loader.place_of(state))

    def __len__(self) -> int:
        """Return the number of batches of an epoch, of all workers."""
        return len(self._loader)

    @property
    def epoch(self) -> int:
        """The epoch of the next pass."""
        return self._file.epoch()

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass, also for workers that live on."""
        self._file.set_epoch(check_seed("epoch", epoch))

    def __iter__(self) -> "_WorkerBatches":
        """Return the batches of this worker in the epoch that is due at the first ``next()``."""
        return _WorkerBatches(self._loader, self._format, self._file)

    def __repr__(self) -> str:
        return f"BatchDataset({self._loader!r})"


@final
class _WorkerBatches(Iterator[TensorBatch]):
    """The batches of one worker in one epoch. Its states are those of the loader."""

    def __init__(self, loader: SplitLoader, tensor_format: TensorFormat, file: EpochFile) -> None:
        self._loader, self._format, self._file = loader, tensor_format, file
        info = get_worker_info()
        self._is_worker = info is not None
        if info is None:
            self._seed, self._worker, self._num_workers = next(_pass_seeds), 0, 1
        else:
            self._seed, self._worker = info.seed - info.id, info.id
            self._num_workers = info.num_workers
        self._pass: WorkerPass | None = None
        self._batches: Iterator[Batch] | None = None
        self._index = 0  # of the next batch

    def __next__(self) -> TensorBatch:
        one = self._begin()
        if self._batches is None:
            self._batches = self._load(one.epoch)
        tensors = self._format.tensors(next(self._batches))
        self._go_to(one, self._index + self._num_workers)
        return _compact(tensors) if self._is_worker else tensors

    def state_dict(self) -> dict[str, Any]:
        """Return the place of the next batch of this worker."""
        epoch = self._begin().epoch
        return self._loader.state_at(epoch, min(self._index, len(self._loader)))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to the place of a state of the same worker, one of as many."""
        epoch, index = self._loader.place_of(state_dict)
        self._pass = self._file.begin(self._seed, self._worker, self._num_workers, epoch=epoch)
        self._go_to(self._pass, index)

    def _begin(self) -> WorkerPass:
        if self._pass is None:
            self._pass = self._file.begin(self._seed, self._worker, self._num_workers)
            self._go_to(self._pass, self._pass.start + self._worker)
        return self._pass

    def _go_to(self, one: WorkerPass, index: int) -> None:
        self._index = index
        if index >= len(self._loader):  # a trainer that knows the length asks for no more
            self._file.end(one.number)

    def _load(self, epoch: int) -> Iterator[Batch]:
        """Return the batches of this worker, from the next one on."""
        loader = self._loader
        index, worker = divmod(self._index, self._num_workers)
        if self._is_worker:
            if self._index >= len(loader) > 0:
                return iter(())
            # A fork has the buffers of a loader, and not the threads that fill them.
            loader = SplitLoader(loader.spec.of_worker(worker, self._num_workers))
            loader.seed = self._loader.seed
        return loader.batches(epoch, position=index * loader.batch_size)


def _compact(values: Any) -> Any:
    """Return a batch whose tensors take no more memory than their own: it is sent as a whole."""
    if isinstance(values, torch.Tensor):
        return values.contiguous()
    if isinstance(values, dict):
        return {key: _compact(one) for key, one in values.items()}
    return type(values)(*map(_compact, values)) if isinstance(values, tuple) else values


class _EntryBatch(TensorBatch):
    """A batch that no `DataLoader` may put together once more."""

    def __missing__(self, key: object) -> Any:
        if isinstance(key, int):
            message = "entries come as one batch: DataLoader needs collate_fn=dataset.collate"
            raise OptionError(message)
        raise KeyError(key)


@final
class EntryDataset(Dataset):  # type: ignore[misc] # torch has no types here
    """The entries of a split by their number, for a `DataLoader` with a sampler of its own.

    ``DataLoader(dataset, batch_size=1024, shuffle=True, collate_fn=dataset.collate)`` gathers each
    batch at once. The entries are those of all ranks: a `DistributedSampler` shares them.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    tensor_format : TensorFormat
        How batches become tensors.
    """

    def __init__(self, loader: SplitLoader, tensor_format: TensorFormat) -> None:
        self._loader, self._format = loader, tensor_format

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._loader.split_size

    def __getitem__(self, number: int | Sequence[int]) -> TensorBatch:
        """Return one entry, without the axis of a batch; or a batch, of several numbers."""
        if not isinstance(number, int | np.integer):
            return self.__getitems__(number)
        if not 0 <= number < len(self):  # Python's own error ends a loop over the data set
            raise IndexError(f"no entry {number}: there are {len(self):,}, counted from 0")
        batch = self._format.tensors(self._loader.take([number]))
        is_whole = {key: isinstance(values, PackedTensor) for key, values in batch.items()}
        return {key: one if is_whole[key] else one[0] for key, one in batch.items()}

    def __getitems__(self, numbers: Sequence[int]) -> TensorBatch:
        """Return a batch of entries."""
        return _EntryBatch(self._format.tensors(self._loader.take(numbers)))

    @staticmethod
    def collate(batch: TensorBatch | list[TensorBatch]) -> TensorBatch:
        """Return a batch as it is: the `collate_fn` of a `DataLoader`.

        Raises
        ------
        OptionError
            If it gets a list of entries, as from a `ConcatDataset`, which asks for them one by one.
        """
        if isinstance(batch, dict):
            return dict(batch)
        message = f"collate takes one batch, got a {type(batch).__name__} of entries: give "
        raise OptionError(f"{message}DataLoader the data set itself, and no ConcatDataset of it")

    def __repr__(self) -> str:
        return f"EntryDataset({self._loader!r})"
