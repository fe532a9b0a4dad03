"""Loaders of columns, of which each batch picks rows: memory maps, Arrow, Lance, HDF5."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data import CUT, columns_of, items_of, lists_of, open_source
from protocol import Batch, Job, Lists, Loader


class Gather:
    """The columns of a data set, of which rows are picked by fancy indexing."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.source = open_source(Path(job.folder), job.data)
        #: Which entries of it are wanted; None where all are.
        self.entries = self.source.entries if job.has_cut else None

    def __reduce__(self) -> tuple[Any, ...]:
        # Memory maps would be pickled as all their numbers.
        return Gather, (self.job,)

    def __len__(self) -> int:
        return self.source.num_events if self.entries is None else len(self.entries)

    def __getitem__(self, entries: Sequence[int]) -> dict[str, Any]:
        picked = np.asarray(entries, np.int64)
        if self.entries is not None:
            picked = self.entries[picked]
        source = self.source
        positions = offsets = np.zeros(0, np.int64)
        if source.lists:
            positions, offsets = items_of(source.offsets, picked)
        return {
            key: Lists(column[positions], offsets) if key in source.lists else column[picked]
            for key, column in source.columns.items()
        }


def open_memmap(job: Job) -> Loader:
    gather = Gather(job)

    def load(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng([job.seed, epoch]).permutation(len(gather))
        for start in range(0, len(gather), job.batch_size):
            yield gather[order[start : start + job.batch_size]]

    return load


def open_memmpy_old(job: Job) -> Loader:
    from memmpy import SplitLoader, compute_cut_batched, load_memmaps

    loader = SplitLoader(
        load_memmaps(job.store, keys=set(columns_of(job.data))),
        batch_size=job.batch_size,
        subindex=compute_cut_batched(job.store, CUT) if job.has_cut else None,
        fractions=(1.0,),
        split_seed=job.seed,
        shuffle=True,
    )

    def load(epoch: int) -> Iterator[Batch]:
        np.random.seed(job.seed + epoch)  # noqa: NPY002 - it has no other
        return iter(loader)

    return load


def open_torch(job: Job) -> Loader:
    return _open_torch(job, collate_fn=_same)


def open_torch_tensors(job: Job) -> Loader:
    return _open_torch(job, collate_fn=None)


def _same(batch: Any) -> Any:
    return batch


def _open_torch(job: Job, *, collate_fn: Callable[[Any], Any] | None) -> Loader:
    import torch
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler

    gather: Any = Gather(job)
    generator = torch.Generator()
    loader = DataLoader(
        gather,
        sampler=BatchSampler(RandomSampler(gather, generator=generator), job.batch_size, False),
        batch_size=None,
        num_workers=job.num_workers,
        collate_fn=collate_fn,
        persistent_workers=job.num_workers > 0,
    )

    def load(epoch: int) -> Iterator[Batch]:
        generator.manual_seed(job.seed + epoch)
        return iter(loader)

    return load


def open_torch_by_event(job: Job) -> Loader:
    import torch
    from torch.utils.data import DataLoader, Dataset, Subset

    source = open_source(Path(job.folder), job.data)
    columns = source.columns

    class Events(Dataset[dict[str, Any]]):
        def __len__(self) -> int:
            return job.num_events

        def __getitem__(self, entry: int) -> dict[str, Any]:
            return {key: column[entry] for key, column in columns.items()}

    events: Dataset[dict[str, Any]] = Events()
    if job.has_cut:
        events = Subset(events, source.entries.tolist())
    generator = torch.Generator()
    loader = DataLoader(
        events,
        batch_size=job.batch_size,
        shuffle=True,
        generator=generator,
        num_workers=job.num_workers,
        persistent_workers=job.num_workers > 0,
    )

    def load(epoch: int) -> Iterator[Batch]:
        generator.manual_seed(job.seed + epoch)
        return iter(loader)

    return load


def batch_of_arrow(table: Any) -> Batch:
    """Return the columns of a table of Arrow as arrays, without a copy where it is one chunk."""
    import pyarrow as pa

    batch: dict[str, Any] = {}
    offsets = None
    for key in table.column_names:
        column = table[key]
        array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if pa.types.is_fixed_size_list(array.type):
            batch[key] = array.flatten().to_numpy().reshape(-1, array.type.list_size)
        elif pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            if offsets is None:
                offsets = array.offsets.to_numpy()
                offsets = offsets - offsets[0]
            batch[key] = Lists(array.flatten().to_numpy(), offsets)
        else:
            batch[key] = array.to_numpy()
    return batch


# As "numpy", datasets returns int32 as int64; as "arrow", what is stored, without a copy.


def open_datasets(job: Job) -> Loader:
    import datasets

    datasets.disable_progress_bars()
    events = datasets.load_from_disk(job.store).with_format("arrow")

    def load(epoch: int) -> Iterator[Batch]:
        shuffled = events.shuffle(seed=job.seed + epoch, keep_in_memory=True)
        return map(batch_of_arrow, shuffled.iter(batch_size=job.batch_size))

    return load


def open_datasets_flattened(job: Job) -> Loader:
    import datasets

    datasets.disable_progress_bars()
    datasets.disable_caching()
    events = datasets.load_from_disk(job.store).with_format("arrow")

    def load(epoch: int) -> Iterator[Batch]:
        shuffled = events.shuffle(seed=job.seed + epoch, keep_in_memory=True).flatten_indices()
        return map(batch_of_arrow, shuffled.iter(batch_size=job.batch_size))

    return load


def open_datasets_buffer(job: Job) -> Loader:
    import datasets

    datasets.disable_progress_bars()
    events = datasets.load_from_disk(job.store).to_iterable_dataset(num_shards=64)
    shuffled = events.shuffle(seed=job.seed, buffer_size=10 * job.batch_size).with_format("arrow")

    def load(epoch: int) -> Iterator[Batch]:
        shuffled.set_epoch(epoch)
        return map(batch_of_arrow, shuffled.iter(batch_size=job.batch_size))

    return load


#: How many batches Lance takes at a time, which is many times as fast as one by one.
LANCE_BATCHES = 64


def open_lance(job: Job) -> Loader:
    import lance

    events = lance.dataset(job.store)
    columns = list(columns_of(job.data))
    num_events = events.count_rows()

    def load(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng([job.seed, epoch]).permutation(num_events)
        step = LANCE_BATCHES * job.batch_size
        for start in range(0, num_events, step):
            taken = events.take(order[start : start + step], columns=columns).combine_chunks()
            for first in range(0, len(taken), job.batch_size):
                yield batch_of_arrow(taken.slice(first, job.batch_size))

    return load


def open_lance_batches(job: Job) -> Loader:
    import lance
    import pyarrow as pa
    from lance.sampler import ShardedBatchSampler
    from lance.torch.data import LanceDataset

    def to_arrays(batch: Any, **_: Any) -> Batch:
        return batch_of_arrow(pa.Table.from_batches([batch]))

    columns = list(columns_of(job.data))
    events = lance.dataset(job.store)

    def load(epoch: int) -> Iterator[Batch]:
        return iter(
            LanceDataset(
                events,
                job.batch_size,
                columns=columns,
                sampler=ShardedBatchSampler(0, 1, randomize=True, seed=job.seed + epoch),
                to_tensor_fn=to_arrays,
            )
        )

    return load


def open_tensordict(job: Job) -> Loader:
    import torch
    from tensordict import TensorDict

    events = TensorDict.load_memmap(job.store)
    generator = torch.Generator()

    def load(epoch: int) -> Iterator[Batch]:
        generator.manual_seed(job.seed + epoch)
        for rows in torch.randperm(len(events), generator=generator).split(job.batch_size):
            yield events[rows]

    return load


def open_hdf5_batches(job: Job) -> Loader:
    import h5py

    file = h5py.File(job.store)
    columns = {key: file[key] for key in columns_of(job.data)}
    lists = lists_of(job.data)
    offsets = file["offsets"][:] if lists else np.zeros(0, np.int64)
    num_events = len(columns["event"])

    def load(epoch: int) -> Iterator[Batch]:
        starts = np.arange(0, num_events, job.batch_size)
        np.random.default_rng([job.seed, epoch]).shuffle(starts)
        for start in starts.tolist():
            stop = min(start + job.batch_size, num_events)
            batch: dict[str, Any] = {}
            cut = offsets[start : stop + 1]
            for key, column in columns.items():
                if key in lists:
                    batch[key] = Lists(column[cut[0] : cut[-1]], cut - cut[0])
                else:
                    batch[key] = column[start:stop]
            yield batch

    return load


def open_grain(job: Job) -> Loader:
    import grain

    gather = Gather(job)

    def load(epoch: int) -> Iterator[Batch]:
        events = (
            grain.MapDataset.range(len(gather))
            .shuffle(seed=job.seed + epoch)
            .batch(job.batch_size, batch_fn=gather.__getitem__)
        )
        # What is in memory needs no threads, its documentation says.
        batches = events.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
        if job.num_workers:
            batches = batches.mp_prefetch(grain.MultiprocessingOptions(job.num_workers))
        return iter(batches)

    return load
