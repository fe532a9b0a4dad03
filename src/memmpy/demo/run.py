"""Run the demo step by step: files, conversion, cut-flow, shuffled batches."""

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

__all__ = ["DemoSetup", "file_setup", "run", "toy_setup"]

#: The cut of the README.
TOY_CUT = "nJets >= 6 & nBTags_77 >= 2"
#: Branches to convert of a user's file if none are named, at most.
MAX_BRANCHES = 30


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """The files to convert, the events to load, and the keys of the batches."""

    store: Path
    root_files: Sequence[RFileConfig]
    keys: Sequence[str]
    keys_padded: Mapping[str, tuple[int, Any]] = field(default_factory=dict)
    cut: str | None = None
    weight: str | None = None


def toy_setup(
    directory: Path, *, num_events: int, seed: int, cut: str | None, console: "Console"
) -> DemoSetup:
    """Write files of toy events unless they exist, and return the setup of the README."""
    folder = directory / f"toy_{num_events}_{seed}"
    files = [folder / name for name, _, _ in demo_files()]
    num_files = format_count(len(files), "ROOT file")
    if all(file.exists() for file in files):
        _say(console, f"Found {num_files} of toy events in {folder}.")
    else:
        start = time.perf_counter()
        files = write_demo_files(folder, num_events=num_events, seed=seed)
        seconds = time.perf_counter() - start
        size = format_size(sum(file.stat().st_size for file in files))
        events = format_count(num_events, "toy event")
        _say(console, f"Wrote {num_files} of {events} each to {folder}:")
        _say(console, f"{size} in {seconds:.1f} s.")
    configs = [RFileConfig(folder / name, tree, metadata) for name, tree, metadata in demo_files()]
    return DemoSetup(
        store=directory / "data.mmpy",
        root_files=configs,
        keys=["nJets", "nBTags_77", "met", "weight", "eventNumber", "jet_eta"],
        keys_padded={"jet_pt": (22, float("nan"))},
        cut=cut or TOY_CUT,
        weight="weight",
    )


def file_setup(
    directory: Path,
    paths: Sequence[str],
    *,
    tree: str | None,
    keys: Sequence[str] | None,
    cut: str | None,
) -> DemoSetup:
    """Return the setup for files of the user; each file is a process of its own."""
    inputs = list_inputs([RFileConfig(path, tree) for path in paths])
    files = [Path(file.path) for file in inputs]
    configs = [RFileConfig(file, tree, {"process": file.stem}) for file in files]
    if keys is None:
        cut_keys = [] if cut is None else sorted(keys_of(parse(cut)) - {"process"})
        keys = _some_branches(files[0], tree, cut_keys)
    return DemoSetup(store=directory / "files.mmpy", root_files=configs, keys=keys, cut=cut)


def run(setup: DemoSetup, *, batch_size: int, console: "Console") -> None:
    """Convert, show the cut-flow, and load train and validation batches."""
    start = time.perf_counter()
    conversion = convert(setup.root_files, setup.store, keys=_all_keys(setup))
    seconds = time.perf_counter() - start
    events = format_count(conversion.num_entries, "event")
    if conversion.was_cached:
        _say(console, "Everything came from the cache, no ROOT file was read:")
        _say(console, f"{events} in {setup.store}.")
    else:
        read = {branch for branches in conversion.read.values() for branch in branches}
        branches = format_count(len(read), "branch", "branches")
        files = format_count(len(conversion.read), "file")
        _say(console, f"Converted {branches} of {files} to {setup.store}:")
        _say(console, f"{events} in {seconds:.1f} s, {_rate(conversion.num_entries, seconds)}.")
    console.print(cutflow(setup.store, setup.cut or [], by="process", weight=setup.weight))
    for split in ("train", "val"):
        loader = load_root(
            setup.root_files,
            setup.store,
            keys=set(setup.keys),
            keys_padded=setup.keys_padded,
            tcut=setup.cut,
            batch_size=batch_size,
            split=split,
            shuffle=split == "train",
            skim=_fits_a_skim(conversion, setup),
        )
        if not loader.num_entries:
            _say(console, f"{split}: no events")
            continue
        batch = next(loader.batches(0))  # loads kernels, which is not timed
        if split == "train":
            _show(batch, console)
        _time_epoch(split, loader, console)


def _all_keys(setup: DemoSetup) -> set[str]:
    cut_keys = set() if setup.cut is None else keys_of(parse(setup.cut))
    return {*setup.keys, *setup.keys_padded, *cut_keys} - {*setup.root_files[0].metadata}


def _fits_a_skim(conversion: Conversion, setup: DemoSetup) -> bool:
    """Return whether batches hold numbers and lists of numbers alone."""
    types = conversion.plan.types
    return all(types[key].kind in {"vector", "jagged"} for key in conversion.keys_of(setup.keys))


def _show(batch: Batch, console: "Console") -> None:
    arrays = ", ".join(f"{key} {_shape(values)}" for key, values in batch.items())
    _say(console, f"A batch: {arrays}")


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
    """Print a sentence as one line of plain text; a terminal wraps it."""
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _rate(num_events: int, seconds: float) -> str:
    return f"{num_events / max(seconds, 1e-9):,.0f} events/s"


def _some_branches(file: Path, tree: str | None, cut_keys: Sequence[str]) -> list[str]:
    """Return the branches of the cut, and the first ones of the tree that hold numbers or lists."""
    branches = list(cut_keys)
    with closing(TreeFile(ByteSource(str(file)), tree)) as opened:
        for branch in opened.branches():
            if len(branches) >= MAX_BRANCHES:
                break
            try:
                is_number = opened.type_of(branch).kind in {"vector", "jagged"}
            except RootFileError:
                continue
            if is_number and branch not in branches and branch != "process":
                branches.append(branch)
    if not branches:
        raise RootFileError(f"no branch of {str(file)!r} holds numbers; name some with --keys")
    return branches
