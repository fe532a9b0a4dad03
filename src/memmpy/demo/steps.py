"""The steps that the demos of toy events and of files of the user share, and how they print."""

import textwrap
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmpy.conversion import Conversion, RFileConfig, convert
from memmpy.display import Table, format_count, format_rate
from memmpy.splits import SplitLoader
from memmpy.typing import Batch

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "batch_table",
    "convert_files",
    "loading_rate",
    "print_code",
    "print_sentence",
]

#: Seconds for which the rate of loading is measured, at least.
_MIN_SECONDS = 0.3


def print_sentence(console: "Console", sentence: str) -> None:
    """Print plain text. On a terminal, lines break between words, and never in a word."""
    lines = [sentence]
    if console.is_terminal:
        lines = textwrap.wrap(
            sentence, console.width, break_long_words=False, break_on_hyphens=False
        )
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def print_code(console: "Console", title: str, code: str) -> None:
    """Print a title and code, at the left edge so that it runs as it is copied."""
    console.print()
    print_sentence(console, title)
    console.print(f"\n{code}", markup=False, highlight=False, soft_wrap=True)


def convert_files(
    files: Sequence[RFileConfig], store: Path, keys: Collection[str], *, console: "Console"
) -> Conversion:
    """Convert files, and print how long it took."""
    start = time.perf_counter()
    conversion = convert(files, store, keys=set(keys))
    seconds = time.perf_counter() - start
    events = format_count(conversion.num_entries, "event")
    if conversion.was_cached:
        print_sentence(console, "Everything came from the cache, no ROOT file was read:")
        print_sentence(console, f"{events} in {store}.")
        return conversion
    read = {branch for branches in conversion.read.values() for branch in branches}
    branches = format_count(len(read), "branch", "branches")
    num_files = format_count(len(conversion.read), "file")
    print_sentence(console, f"Converted {branches} of {num_files} to {store}:")
    rate = format_rate(conversion.num_entries / max(seconds, 1e-9))
    print_sentence(console, f"{events} in {seconds:.1f} s, {rate} events/s.")
    return conversion


def batch_table(batch: Batch, title: str) -> Table:
    """Return a table of the arrays of a batch."""
    rows = [(key, *_type_and_shape(values)) for key, values in batch.items()]
    return Table(["key", "dtype", "shape"], 3, [rows], title=title)


def _type_and_shape(values: Any) -> tuple[str, str]:
    if hasattr(values, "shape"):
        return str(values.dtype), str(values.shape)
    dtype = f"lists of {values.dtype}" if hasattr(values, "dtype") else type(values).__name__
    return dtype, str((len(values),))


def loading_rate(loader: SplitLoader) -> float:
    """Return the events per second of epochs without a training, after a first, untimed epoch."""
    num_events, epoch = 0, 0
    _count(loader.batches(epoch))  # loads kernels, and pages of files
    start = time.perf_counter()
    while True:
        epoch += 1
        num_events += _count(loader.batches(epoch))
        seconds = time.perf_counter() - start
        if seconds > _MIN_SECONDS or not num_events:
            return num_events / seconds


def _count(batches: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(batch["_index"]) for batch in batches)
