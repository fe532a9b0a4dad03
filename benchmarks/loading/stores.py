"""The data sets in the formats of others; writing is not part of what is compared.

Of a data set with a cut, files in formats of their own get the events that pass, as a user would
write them; those who choose events while they load find all, and the column of the cut.

Loaders that keep events one by one get each as bytes: numbers of fixed width as one record, and
the items of lists as another, which they join and view as arrays. That is the least work that a
batch of theirs can take.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data import JETS, QUALITY, Source
from numpy.typing import NDArray

#: How many bytes are written at a time, and how large files, shards and clusters are.
PART_BYTES = 32_000_000
TREE = "events"


class Event(NamedTuple):
    """An event as bytes: its record, and the items of its lists, item by item."""

    record: bytes
    items: bytes


def record_dtype(source: Source) -> np.dtype[np.void]:
    """Return the dtype of what each event has one of, or as many as any other."""
    keys = ["event", "label", *(key for key in source.columns if key not in ("event", "label"))]
    fields: list[Any] = [
        (key, source.columns[key].dtype, source.columns[key].shape[1:])
        for key in keys
        if key not in source.lists
    ]
    if source.lists:
        fields.append(("count", np.int32))
    return np.dtype(fields, align=True)


def parts_of(source: Source) -> Iterator[Source]:
    """Cut a data set into parts of `PART_BYTES`."""
    num_bytes = sum(column.nbytes for column in source.columns.values())
    step = max(1, int(source.num_events * PART_BYTES / num_bytes))
    for start in range(0, source.num_events, step):
        yield source.part(start, min(start + step, source.num_events))


def events_of(source: Source) -> Iterator[Event]:
    """Yield each event as bytes."""
    dtype = record_dtype(source)
    for part in parts_of(source):
        records = np.zeros(part.num_events, dtype)
        for key in dtype.names or ():
            records[key] = np.diff(part.offsets) if key == "count" else part.columns[key]
        items, ends = b"", np.zeros(part.num_events + 1, np.int64)
        if part.lists:
            table = np.stack([part.columns[key] for key in part.lists], axis=1)
            items, ends = table.tobytes(), part.offsets * table.itemsize * table.shape[1]
        head, size = records.tobytes(), dtype.itemsize
        for number, (start, stop) in enumerate(zip(ends.tolist(), ends[1:].tolist(), strict=False)):
            yield Event(head[number * size : (number + 1) * size], items[start:stop])


def columns_from(
    records: NDArray[np.uint8], items: NDArray[np.uint8], *, dtype: np.dtype[np.void]
) -> dict[str, NDArray[Any]]:
    """Return the columns of joined events, as views, with `offsets` where there are lists."""
    table = records.view(dtype)
    columns = {key: table[key] for key in dtype.names or () if key != "count"}
    if "count" in (dtype.names or ()):
        counts = table["count"]
        columns["offsets"] = np.concatenate(
            [np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]
        )
        content = items.view(np.float32).reshape(-1, len(JETS))
        columns |= {key: content[:, number] for number, key in enumerate(JETS)}
    return columns


def write_memmpy_old(source: Source, path: Path) -> None:
    from memmpy import WriteVector

    # WriteJagged copies all that is written for each event; this makes the same files.
    arrays = {key: np.asarray(column) for key, column in source.columns.items()}
    arrays |= {f"{key}:index": np.asarray(source.offsets) for key in source.lists}
    if source.quality is not None:
        arrays[QUALITY] = np.asarray(source.quality)
    for key, array in arrays.items():
        with WriteVector(path=str(path), name=key) as file:
            file.extend(array)


def arrow_table(source: Source) -> Any:
    """Return a data set as a table of Arrow, with lists, or lists of fixed size."""
    import pyarrow as pa

    arrays = {}
    for key, column in source.columns.items():
        values = pa.array(np.asarray(column).reshape(-1))
        if key in source.lists:
            values = pa.ListArray.from_arrays(pa.array(source.offsets.astype(np.int32)), values)
        elif column.ndim > 1:
            values = pa.FixedSizeListArray.from_arrays(values, column.shape[1])
        arrays[key] = values
    return pa.table(arrays)


def write_datasets(source: Source, path: Path) -> None:
    from datasets import Dataset

    Dataset(arrow_table(source)).save_to_disk(str(path))


def write_lance(source: Source, path: Path) -> None:
    import lance

    lance.write_dataset(arrow_table(source), str(path))


def write_tensordict(source: Source, path: Path) -> None:
    import torch
    from tensordict import TensorDict

    arrays = {key: torch.from_numpy(np.array(column)) for key, column in source.columns.items()}
    TensorDict(arrays, batch_size=[source.num_events]).memmap_(str(path))


def write_hdf5(source: Source, path: Path) -> None:
    import h5py

    # Without chunks and filters, slices are read as they are.
    with h5py.File(path, "w") as file:
        for key, column in source.columns.items():
            file.create_dataset(key, data=np.asarray(column))
        if source.lists:
            file.create_dataset("offsets", data=np.asarray(source.offsets))


def write_root(source: Source, path: Path) -> None:
    """Write two files, the first half of the events and the second, without compression."""
    import awkward as ak
    import uproot

    path.mkdir()
    half = source.num_events // 2
    halves = [source.part(0, half), source.part(half, source.num_events)]
    for number, events in enumerate(halves):
        with uproot.recreate(path / f"{number}.root", compression=None) as file:
            tree = None
            for part in parts_of(events):
                made: dict[str, Any] = {
                    key: np.asarray(column)
                    for key, column in part.columns.items()
                    if key not in part.lists
                }
                if part.quality is not None:
                    made[QUALITY] = np.asarray(part.quality)
                if part.lists:
                    offsets = ak.index.Index64(part.offsets)
                    made["jet"] = ak.zip(
                        {
                            key.removeprefix("jet_"): ak.Array(
                                ak.contents.ListOffsetArray(
                                    offsets, ak.contents.NumpyArray(part.columns[key])
                                )
                            )
                            for key in part.lists
                        }
                    )
                if tree is None:
                    types = {
                        key: array.type
                        if isinstance(array, ak.Array)
                        else np.dtype((array.dtype, array.shape[1:]))
                        for key, array in made.items()
                    }
                    tree = file.mktree(TREE, types)
                tree.extend(made)


def write_litdata(source: Source, path: Path) -> None:
    import litdata

    litdata.optimize(
        fn=_same,
        inputs=[(event.record, event.items) for event in events_of(source)],
        output_dir=str(path),
        chunk_bytes="64MB",
        num_workers=1,
        reorder_files=False,
        verbose=False,
    )


def _same(event: Any) -> Any:
    return event


def write_streaming(source: Source, path: Path) -> None:
    import without_torchvision  # noqa: F401 - before streaming
    from streaming import MDSWriter

    columns = dict.fromkeys(members_of(source), "bytes")
    with MDSWriter(out=str(path), columns=columns, size_limit="64mb") as writer:
        for event in events_of(source):
            writer.write({key: getattr(event, key) for key in columns})


def members_of(source: Source) -> tuple[str, ...]:
    """Return which bytes of an event are kept: without lists, there are no items."""
    return ("record", "items") if source.lists else ("record",)


def write_webdataset(source: Source, path: Path) -> None:
    import webdataset

    path.mkdir()
    members = members_of(source)
    # A time that is no integer would take two more blocks a file.
    options = {"maxsize": 64e6, "maxcount": 1e9, "mtime": 0, "verbose": 0}
    with webdataset.ShardWriter(str(path / "%06d.tar"), **options) as writer:
        for number, event in enumerate(events_of(source)):
            parts = {key: getattr(event, key) for key in members}
            writer.write({"__key__": f"{number:09d}", **parts})


Writer = Callable[[Source, Path], None]


def of_passing(writer: Writer) -> Writer:
    """Return a writer of the events that pass the cut."""
    return lambda source, path: writer(source.passing(), path)


WRITERS: Mapping[str, Writer] = {
    "memmpy_old": write_memmpy_old,
    "root": write_root,
    "datasets": of_passing(write_datasets),
    "lance": of_passing(write_lance),
    "tensordict": of_passing(write_tensordict),
    "hdf5": of_passing(write_hdf5),
    "litdata": of_passing(write_litdata),
    "streaming": of_passing(write_streaming),
    "webdataset": of_passing(write_webdataset),
}
#: The environment that writes a format, where it is not that of who reads it.
WRITING_ENVIRONMENT: Mapping[str, str] = {"root": "memmpy"}
