"""The main job, told step by step: files, conversion, cut-flow, shuffled batches."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmpy.conversion import Conversion, RFileConfig, convert, list_inputs
from memmpy.cuts import cutflow, keys_of, parse
from memmpy.demo.events import demo_files, write_demo_files
from memmpy.display import format_count, format_size
from memmpy.errors import RootFileError
from memmpy.pipeline import load_root
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.splits import SplitLoader
from memmpy.typing import Batch

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Job", "own_job", "run", "toy_job"]

#: The cut of the README.
TOY_CUT = "nJets >= 6 & nBTags_77 >= 2"
#: Branches of a user's file that are converted where none are named.
MAX_BRANCHES = 30


@dataclass(frozen=True, slots=True)
class Job:
    """What to convert, which events to load, and how to batch them."""

    store: Path
    root_files: Sequence[RFileConfig]
    keys: Sequence[str]
    keys_padded: Mapping[str, tuple[int, Any]] = field(default_factory=dict)
    cut: str | None = None
    weight: str | None = None


def toy_job(
    directory: Path, *, num_events: int, seed: int, cut: str | None, console: "Console"
) -> Job:
    """Write files of toy events, unless they are there, and return the README's job on them."""
    kept = directory / f"toy_{num_events}_{seed}"
    files = [kept / name for name, _, _ in demo_files()]
    num_files = format_count(len(files), "ROOT file")
    if all(file.exists() for file in files):
        _say(console, f"Found {num_files} of toy events in {kept}.")
    else:
        start = time.perf_counter()
        files = write_demo_files(kept, num_events=num_events, seed=seed)
        seconds = time.perf_counter() - start
        size = format_size(sum(file.stat().st_size for file in files))
        events = format_count(num_events, "toy event")
        _say(console, f"Wrote {num_files} of {events} each to {kept}:")
        _say(console, f"{size} in {seconds:.1f} s.")
    configs = [RFileConfig(kept / name, tree, metadata) for name, tree, metadata in demo_files()]
    return Job(
        store=directory / "data.mmpy",
        root_files=configs,
        keys=["nJets", "nBTags_77", "met", "weight", "eventNumber", "jet_eta"],
        keys_padded={"jet_pt": (22, float("nan"))},
        cut=cut or TOY_CUT,
        weight="weight",
    )


def own_job(
    directory: Path,
    paths: Sequence[str],
    *,
    tree: str | None,
    keys: Sequence[str] | None,
    cut: str | None,
) -> Job:
    """Return the job on the user's own files; each is a process of the name of its file."""
    files = [Path(found.path) for found in list_inputs([RFileConfig(path, tree) for path in paths])]
    configs = [RFileConfig(file, tree, {"process": file.stem}) for file in files]
    if keys is None:
        needed = [] if cut is None else sorted(keys_of(parse(cut)) - {"process"})
        keys = _some_branches(files[0], tree, needed)
    return Job(store=directory / "files.mmpy", root_files=configs, keys=keys, cut=cut)


def run(job: Job, *, batch_size: int, console: "Console") -> None:
    """Convert, show the cut-flow, and load train and validation batches."""
    start = time.perf_counter()
    conversion = convert(job.root_files, job.store, keys=_all_keys(job))
    seconds = time.perf_counter() - start
    events = format_count(conversion.num_entries, "event")
    if conversion.was_cached:
        _say(console, "Everything came from the cache, no ROOT file was read:")
        _say(console, f"{events} in {job.store}.")
    else:
        read = {branch for branches in conversion.read.values() for branch in branches}
        branches = format_count(len(read), "branch", "branches")
        files = format_count(len(conversion.read), "file")
        _say(console, f"Converted {branches} of {files} to {job.store}:")
        _say(console, f"{events} in {seconds:.1f} s, {_rate(conversion.num_entries, seconds)}.")
    console.print(cutflow(job.store, job.cut or [], by="process", weight=job.weight))
    for split in ("train", "val"):
        loader = load_root(
            job.root_files,
            job.store,
            keys=set(job.keys),
            keys_padded=job.keys_padded,
            tcut=job.cut,
            batch_size=batch_size,
            split=split,
            shuffle=split == "train",
            skim=_fits_a_skim(conversion, job),
        )
        if not loader.num_entries:
            _say(console, f"{split}: no events")
            continue
        batch = next(loader.batches(0))  # kernels are loaded for it, which is not timed
        if split == "train":
            _show(batch, console)
        _time_epoch(split, loader, console)


def _all_keys(job: Job) -> set[str]:
    needed = set() if job.cut is None else keys_of(parse(job.cut))
    return {*job.keys, *job.keys_padded, *needed} - {*job.root_files[0].metadata}


def _fits_a_skim(conversion: Conversion, job: Job) -> bool:
    """Say whether batches hold numbers and lists of numbers alone."""
    types = conversion.plan.types
    return all(types[key].kind in {"vector", "jagged"} for key in conversion.keys_of(job.keys))


def _show(batch: Batch, console: "Console") -> None:
    shown = ", ".join(f"{key} {_shape(values)}" for key, values in batch.items())
    _say(console, f"A batch: {shown}")


def _shape(values: Any) -> str:
    if hasattr(values, "shape"):
        return f"{values.dtype}{list(values.shape)}"
    return f"jagged {values.dtype}" if hasattr(values, "dtype") else type(values).__name__


def _time_epoch(split: str, loader: SplitLoader, console: "Console") -> None:
    start = time.perf_counter()
    num_events = sum(len(batch["_index"]) for batch in loader)
    rate = _rate(num_events, time.perf_counter() - start)
    events, batches = (
        format_count(num_events, "event"),
        format_count(len(loader), "batch", "batches"),
    )
    _say(console, f"{split}: {events} in {batches} of {loader.batch_size}, {rate}")


def _say(console: "Console", sentence: str) -> None:
    """Print a sentence as one line, plainly: a terminal wraps what is longer, a file keeps it."""
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _rate(num_events: int, seconds: float) -> str:
    return f"{num_events / max(seconds, 1e-9):,.0f} events/s"


def _some_branches(file: Path, tree: str | None, needed: Sequence[str]) -> list[str]:
    """Return branches of numbers or lists of numbers, the first of the tree, and what is needed."""
    chosen = list(needed)
    with closing(TreeFile(ByteSource(str(file)), tree)) as opened:
        for branch in opened.branches():
            if len(chosen) >= MAX_BRANCHES:
                break
            try:
                is_number = opened.type_of(branch).kind in {"vector", "jagged"}
            except RootFileError:
                continue
            if is_number and branch not in chosen and branch != "process":
                chosen.append(branch)
    if not chosen:
        raise RootFileError(f"no branch of {str(file)!r} holds numbers; name some with --keys")
    return chosen
