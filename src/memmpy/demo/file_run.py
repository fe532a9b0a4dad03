"""The demo of files of the user: convert some branches, cut, and load batches."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from memmpy.conversion import Conversion, RFileConfig, list_inputs
from memmpy.cuts import cutflow, keys_of, parse
from memmpy.demo.steps import (
    batch_table,
    convert_files,
    loading_rate,
    print_code,
    print_sentence,
)
from memmpy.display import format_count, format_rate
from memmpy.errors import RootFileError
from memmpy.pipeline import load_root
from memmpy.report import PythonCall, PythonText, code_of
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_files"]

#: Branches to convert of a file if none are named, at most.
MAX_BRANCHES = 30


def run_files(
    directory: Path,
    paths: Sequence[str],
    *,
    tree: str | None,
    keys: Sequence[str] | None,
    cut: str | None,
    batch_size: int,
    console: "Console",
) -> None:
    """Run the demo on ROOT files, each a process of its own, and print what it does.

    Parameters
    ----------
    directory : Path
        Where the store goes; created if missing.
    paths : sequence of str
        ROOT files, or patterns of them.
    tree : str or None
        The tree; None if each file has only one.
    keys : sequence of str or None
        The branches to convert, or patterns; None takes the first branches of the first file that
        hold numbers or lists of numbers, and those of the cut.
    cut : str or None
        The events to load.
    batch_size : int
        Events of a batch.
    console : rich.console.Console
        Where to print.
    """
    files = [Path(file.path) for file in list_inputs([RFileConfig(path, tree) for path in paths])]
    configs = [RFileConfig(file, tree, {"process": file.stem}) for file in files]
    cut_keys = set() if cut is None else keys_of(parse(cut)) - {"process"}
    if keys is None:
        keys, num_branches = _some_branches(files[0], tree, sorted(cut_keys))
        if len(keys) < num_branches:
            of = f"{len(keys)} of {num_branches:,} branches of {files[0]}"
            print_sentence(console, f"Takes the first {of} that hold numbers.")
            print_sentence(console, "To name others: --keys 'met,jet_*'")
            console.print()
    store = directory / "files.mmpy"
    conversion = convert_files(configs, store, {*keys, *cut_keys}, console=console)
    console.print(cutflow(store, cut or [], by="process"))
    has_skim = _fits_a_skim(conversion, keys)
    for split in ("train", "val"):
        loader = load_root(
            configs,
            store,
            keys=set(keys),
            tcut=cut,
            batch_size=batch_size,
            split=split,
            skim=has_skim,
        )
        if not loader.num_entries:
            print_sentence(console, f"{split}: no events")
            continue
        if split == "train":
            console.print(batch_table(next(loader.batches(0)), "A batch:"))
        events = format_count(loader.num_entries, "event")
        batches = format_count(len(loader), "batch", "batches")
        rate = format_rate(loading_rate(loader))
        sentence = f"{split}: {events} in {batches} of {batch_size:,}, {rate} events/s"
        print_sentence(console, sentence)
    options = {
        "keys": keys,
        **({} if cut is None else {"tcut": cut}),
        "split": "train",
        "batch_size": batch_size,
        **({} if has_skim else {"skim": False}),
    }
    print_code(console, "The same in Python:", _code(configs, store, options))
    sentence = "To train on them, name inputs, classes and weight: see memmpy.training_set."
    console.print()
    print_sentence(console, sentence)
    commands = [f"memmpy {verb} {quote(str(store))}" for verb in ("info", "check", "bench")]
    print_code(console, "What to try next:", "\n".join(commands))


def _code(configs: Sequence[RFileConfig], store: Path, options: Mapping[str, object]) -> str:
    """Return Python that loads the training batches."""
    files = [RFileConfig(str(one.path), one.tree, one.metadata) for one in configs]
    call = PythonCall("loader = memmpy.load_root", [PythonText("files"), str(store)], options)
    lines = ["import memmpy", "", f"files = {code_of(files)}", code_of(call)]
    return "\n".join([*lines, "for batch in loader:", "    ..."])


def _fits_a_skim(conversion: Conversion, keys: Sequence[str]) -> bool:
    """Return whether batches hold numbers and lists of numbers alone."""
    types = conversion.plan.types
    return all(types[key].kind in {"vector", "jagged"} for key in conversion.keys_of(keys))


def _some_branches(file: Path, tree: str | None, cut_keys: Sequence[str]) -> tuple[list[str], int]:
    """Return the branches of the cut and the first ones with numbers, and how many there are."""
    keys = list(cut_keys)
    with closing(TreeFile(ByteSource(str(file)), tree)) as opened:
        branches = opened.branches()
        for branch in branches:
            if len(keys) >= MAX_BRANCHES:
                break
            try:
                is_number = opened.type_of(branch).kind in {"vector", "jagged"}
            except RootFileError:
                continue
            if is_number and branch not in keys and branch != "process":
                keys.append(branch)
    if not keys:
        raise RootFileError(f"no branch of {str(file)!r} holds numbers; name some with --keys")
    return keys, len(branches)
