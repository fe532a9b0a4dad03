"""What memmpy makes of shuffled batches: from a skim, and from columns.

usage: python benchmarks/loading/ours.py NAME JOB_JSON

`compare.py` runs this. See `protocol.py` for what is measured.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import CUT, FEATURES, JETS, QUALITY, Source, columns_of, lists_of
from protocol import Batch, Contestant, Job, Lists, Loader, main

#: Entries that are written at a time.
STEP = 1 << 20


def write_store(source: Source, folder: Path) -> None:
    """Write a store of the columns, and a skim of them."""
    from memmpy import WriteJagged, WriteVector

    folder.mkdir()
    store = folder / "data.mmpy"
    for key, column in source.columns.items():
        if key in source.lists:
            with WriteJagged(path=store, key=key) as lists:
                for start in range(0, source.num_events, STEP):
                    part = source.part(start, min(start + STEP, source.num_events))
                    lists.extend(_jagged(part.columns[key], part.offsets))
        else:
            with WriteVector(path=store, key=key) as vector:
                for start in range(0, source.num_events, STEP):
                    vector.extend(np.asarray(column[start : start + STEP]))
    if source.quality is not None:
        with WriteVector(path=store, key=QUALITY) as vector:
            vector.extend(np.asarray(source.quality))
    for grouped in (False, True):
        _skim(store, grouped=grouped)


def _jagged(content: Any, offsets: Any) -> Any:
    from memmpy import Jagged

    return Jagged(content, offsets)


def open_grouped(store: Path) -> Any:
    """Return the skim of a store in which the features are one input."""
    return open_store_skim(store, grouped=True)


def open_store_skim(store: Path, *, grouped: bool) -> Any:
    """Return a skim of a store: features are one input, or each is a key of its own."""
    return _skim(store / "data.mmpy", grouped=grouped)


def _skim(store: Path, *, grouped: bool) -> Any:
    """Return the skim of a store: of all keys by themselves, or of features as one input."""
    import memmpy

    keys = set(memmpy.open(store))
    cut = CUT if QUALITY in keys else None
    features = [key for key in (*FEATURES, *JETS) if key in keys]
    rest = ["event", "label"]
    if not grouped:
        return memmpy.skim(store, keys=[*features, *rest], cut=cut)
    return memmpy.skim(store, keys=rest, groups={"features": features}, cut=cut)


class Grouped(dict[str, Any]):
    """A batch of which features come as one array, and each by itself if it is asked for."""

    def __missing__(self, key: str) -> Any:
        held = self["features"]
        if key in FEATURES:
            return held[:, FEATURES.index(key)]
        if isinstance(held, Lists):
            return Lists(held.content[:, JETS.index(key)], held.offsets)
        return held[..., JETS.index(key)]


def open_skim(job: Job, *, grouped: bool, **options: Any) -> Loader:
    import memmpy

    lists = lists_of(job.data)
    skimmed = _skim(Path(job.store, "data.mmpy"), grouped=grouped)
    options["num_threads"] = job.num_workers or None
    loader = memmpy.SplitLoader(skimmed, job.batch_size, seed=job.seed, **options)

    def load(epoch: int) -> Iterator[Batch]:
        for batch in loader.batches(epoch):
            for key in ("features",) if grouped and lists else lists:
                batch[key] = Lists(batch[key].content, batch[key].offsets)
            yield Grouped(batch) if grouped else batch

    return load


def open_torch(job: Job) -> Loader:
    import memmpy

    skimmed = open_store_skim(Path(job.store), grouped=True)
    threads = job.num_workers or None
    arrays = memmpy.SplitLoader(skimmed, job.batch_size, seed=job.seed, num_threads=threads)
    loader, has_lists = memmpy.to_torch(arrays), bool(lists_of(job.data))

    def load(epoch: int) -> Iterator[Batch]:
        for batch in loader.batches(epoch):
            if has_lists:
                batch["features"] = Lists(*batch["features"][:2])
            yield Grouped(batch)

    return load


def open_columns(job: Job) -> Loader:
    import memmpy

    loader = memmpy.open(Path(job.store, "data.mmpy")).loader(
        batch_size=job.batch_size,
        keys=columns_of(job.data),
        cut=CUT if job.has_cut else None,
        seed=job.seed,
        num_threads=job.num_workers or None,
    )
    lists = lists_of(job.data)

    def load(epoch: int) -> Iterator[Batch]:
        for batch in loader.batches(epoch):
            for key in lists:
                batch[key] = Lists(batch[key].content, batch[key].offsets)
            yield batch

    return load


def _contestants() -> Iterator[Contestant]:
    for shuffle in ("blocks", "exact"):
        for grouped in (False, True):
            name = f"memmpy skim, {shuffle}{', one group' if grouped else ''}"
            yield Contestant(
                name=name,
                environment="memmpy",
                open=lambda job, s=shuffle, g=grouped: open_skim(job, grouped=g, shuffle=s),
                imports=("memmpy",),
                configuration=f"SplitLoader(skim, shuffle={shuffle!r})",
                store="memmpy",
                num_workers=(0,),
                inputs=("features", "label", "event") if grouped else (),
            )
    yield Contestant(
        name="memmpy to_torch, one group",
        environment="memmpy",
        open=open_torch,
        imports=("memmpy", "torch"),
        configuration="memmpy.to_torch(SplitLoader(skim))",
        store="memmpy",
        num_workers=(0,),
        inputs=("features", "label", "event"),
    )
    yield Contestant(
        name="memmpy columns",
        environment="memmpy",
        open=open_columns,
        imports=("memmpy",),
        configuration="Store.loader",
        store="memmpy",
        num_workers=(0,),
    )


OURS = {contestant.name: contestant for contestant in _contestants()}

if __name__ == "__main__":
    main(OURS, {"memmpy": write_store})
