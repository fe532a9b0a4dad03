"""Loaders that read ROOT files: RDataLoader, weaver and uproot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import CUT, MAX_JETS, PASSING, QUALITY, columns_of, lists_of, open_source
from numpy.typing import NDArray
from protocol import Batch, Job, Lists, Loader
from stores import TREE


def _paths_of_root(job: Job) -> list[str]:
    return sorted(map(str, Path(job.store).glob("*.root")))


def open_root(job: Job) -> Loader:
    return _open_root(job, load_eager=False)


def open_root_eager(job: Job) -> Loader:
    return _open_root(job, load_eager=True)


def _open_root(job: Job, *, load_eager: bool) -> Loader:
    import ROOT

    source = open_source(Path(job.folder), job.data)
    columns = list(columns_of(job.data))
    width = int(np.diff(source.offsets).max()) if source.lists else MAX_JETS
    wide = [key for key in columns if source.columns[key].ndim > 1 or key in source.lists]
    frame = ROOT.RDataFrame(TREE, _paths_of_root(job))
    loader = ROOT.Experimental.ML.RDataLoader(
        frame.Filter(CUT) if job.has_cut else frame,
        batch_size=job.batch_size,
        columns=columns,
        max_vec_sizes=dict.fromkeys(wide, width),
        shuffle=True,
        drop_remainder=False,
        set_seed=0,  # any other gives the same order in every epoch
        load_eager=load_eager,
    )
    slices: dict[str, Any] = {}
    start = 0
    for key in columns:
        slices[key] = slice(start, start + width) if key in wide else start
        start += width if key in wide else 1

    def load(_epoch: int) -> Iterator[Batch]:
        for table in loader.as_numpy():
            yield {key: table[:, columns] for key, columns in slices.items()}

    return load


def open_weaver(job: Job) -> Loader:
    return _open_weaver(job, fetch_step=1.0)


def open_weaver_default(job: Job) -> Loader:
    return _open_weaver(job, fetch_step=0.01)


def _open_weaver(job: Job, *, fetch_step: float) -> Loader:
    import logging
    import tempfile

    import yaml
    from torch.utils.data import DataLoader
    from weaver.utils.dataset import SimpleIterDataset

    logging.disable(logging.INFO)
    source = open_source(Path(job.folder), job.data)
    features = [key for key in columns_of(job.data) if key not in {"label", "event"}]
    width = int(np.diff(source.offsets).max()) if source.lists else MAX_JETS
    length = None if job.data == "flat" else width
    told = {
        "treename": TREE,
        "inputs": {"features": {"length": length, "vars": [[key, None] for key in features]}},
        "selection": CUT if job.has_cut else None,
        "labels": {"type": "custom", "value": {"label": "label"}},
        "monitor_variables": ["event"],
    }
    configuration = Path(tempfile.mkdtemp(), "data.yaml")
    configuration.write_text(yaml.safe_dump(told))
    events = SimpleIterDataset(
        {Path(path).stem: [path] for path in _paths_of_root(job)},
        str(configuration),
        for_training=True,
        fetch_step=fetch_step,
        name="train",
    )
    loader = DataLoader(events, batch_size=job.batch_size, num_workers=job.num_workers)

    def load(epoch: int) -> Iterator[Batch]:
        np.random.seed(job.seed + epoch)  # noqa: NPY002 - it has no other
        for inputs, labels, others in loader:
            table = inputs["features"]
            columns = {key: table[:, number] for number, key in enumerate(features)}
            yield {**columns, "label": labels["label"], "event": others["event"]}

    return load


def open_uproot(job: Job) -> Loader:
    import awkward as ak
    import uproot

    columns = list(columns_of(job.data))
    wanted = [*columns, QUALITY] if job.has_cut else columns
    lists = lists_of(job.data)
    files = dict.fromkeys(_paths_of_root(job), TREE)

    def load(_epoch: int) -> Iterator[Batch]:
        for read in uproot.iterate(
            files, wanted, step_size="100 MB", library="ak" if lists else "np", how=dict
        ):
            chunk = read
            if job.has_cut:
                passing = np.asarray(read[QUALITY]) < PASSING
                chunk = {key: read[key][passing] for key in columns}
                chunk |= {key: ak.to_packed(chunk[key]) for key in lists}
            plain = {key: np.asarray(chunk[key]) for key in columns if key not in lists}
            offsets = np.zeros(0, np.int64)
            content: dict[str, NDArray[Any]] = {}
            if lists:
                offsets = np.asarray(chunk[lists[0]].layout.offsets.data)
                content = {key: np.asarray(chunk[key].layout.content.data) for key in lists}
            for start in range(0, len(plain["event"]), job.batch_size):
                cut = offsets[start : start + job.batch_size + 1]
                batch: dict[str, Any] = {
                    key: column[start : start + job.batch_size] for key, column in plain.items()
                }
                for key in lists:
                    batch[key] = Lists(content[key][cut[0] : cut[-1]], cut - cut[0])
                yield batch

    return load
