"""Loaders that keep events one by one, as bytes: litdata, streaming and webdataset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data import lists_of, open_source
from protocol import Batch, Job, Lists, Loader
from stores import columns_from, record_dtype


class Join:
    """Joins events that are kept as bytes, where they are read, and views them as columns."""

    def __init__(self, job: Job) -> None:
        self.dtype = record_dtype(open_source(Path(job.folder), job.data))
        self.lists = lists_of(job.data)

    def of_mappings(self, events: Sequence[Mapping[str, bytes]]) -> tuple[Any, Any]:
        """Join events that are mappings."""
        return self.of_pairs([(event["record"], event.get("items", b"")) for event in events])

    def of_pairs(self, events: Sequence[Sequence[bytes]]) -> tuple[Any, Any]:
        """Join events that are pairs, as tensors, which workers share."""
        import torch

        records, items = zip(*events, strict=True)
        joined = [torch.frombuffer(bytearray(b"".join(records)), dtype=torch.uint8)]
        if self.lists:
            joined.append(torch.frombuffer(bytearray(b"".join(items)), dtype=torch.uint8))
        else:
            joined.append(torch.zeros(0, dtype=torch.uint8))
        return joined[0], joined[1]

    def batches(self, joined: Iterable[Sequence[Any]]) -> Iterator[Batch]:
        """View what was joined."""
        for records, items in joined:
            columns = columns_from(records.numpy(), items.numpy(), dtype=self.dtype)
            offsets = columns.pop("offsets", None)
            lists = {key: Lists(columns[key], offsets) for key in self.lists}
            yield {**columns, **lists}


def open_litdata(job: Job) -> Loader:
    from litdata import StreamingDataLoader, StreamingDataset

    join = Join(job)
    events = StreamingDataset(
        job.store,
        shuffle=True,
        seed=job.seed,
        drop_last=False,
        item_shuffle_window="full",
        batch_decode="all",
    )
    loader = StreamingDataLoader(
        events,
        batch_size=job.batch_size,
        num_workers=job.num_workers,
        collate_fn=join.of_pairs,
        persistent_workers=job.num_workers > 0,
    )

    def load(_epoch: int) -> Iterator[Batch]:
        return join.batches(loader)

    return load


def open_streaming(job: Job) -> Loader:
    return _open_streaming(job, "naive")


def open_streaming_py1e(job: Job) -> Loader:
    return _open_streaming(job, "py1e")


def _open_streaming(job: Job, algorithm: str) -> Loader:
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory
    from torch.utils.data import DataLoader

    clean_stale_shared_memory()
    join = Join(job)
    events = StreamingDataset(
        local=job.store,
        shuffle=True,
        shuffle_algo=algorithm,
        shuffle_seed=job.seed,
        batch_size=job.batch_size,
        num_canonical_nodes=1,
    )
    loader = DataLoader(
        events,
        batch_size=job.batch_size,
        num_workers=job.num_workers,
        collate_fn=join.of_mappings,
        persistent_workers=job.num_workers > 0,
    )

    def load(_epoch: int) -> Iterator[Batch]:
        return join.batches(loader)

    return load


def open_webdataset(job: Job) -> Loader:
    import webdataset

    join = Join(job)
    shards = sorted(map(str, Path(job.store).glob("*.tar")))

    def load(epoch: int) -> Iterator[Batch]:
        events = webdataset.WebDataset(
            shards, shardshuffle=len(shards), seed=job.seed + epoch, empty_check=False
        )
        events = events.shuffle(10 * job.batch_size, initial=10 * job.batch_size)
        events = events.batched(job.batch_size, collation_fn=join.of_mappings)
        loader = webdataset.WebLoader(events, batch_size=None, num_workers=job.num_workers)
        return join.batches(loader)

    return load
