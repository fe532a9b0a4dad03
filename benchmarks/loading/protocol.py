"""How a loader is run in a process of its own, and what is measured and checked there.

A contestant has a function that opens a loader for a `Job`. A loader is called with the number of
an epoch and yields batches: mappings with one array a column, of NumPy or PyTorch. A column of
lists is `Lists`, or an array in which the lists are padded with zeros where nothing else is to be
had, which the answer says.

The first epoch tells the time to the first batch, which counts from opening on, imports not, and
the memory. The next ones are timed: one, or as many as pass within a second, of which the median
counts; a number of each column of each batch is read, and nothing is kept. Of one more, all events
and labels are kept and checked, and of the last, some batches are compared with the data set,
number by number.
"""

import contextlib
import importlib
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data import Source, columns_of, open_source
from numpy.typing import NDArray

#: How many batches of the third epoch are compared with the data set.
NUM_COMPARED = 8
#: Epochs are timed until so many seconds have passed.
TIMED_SECONDS = 1.0
#: Every how many batches of the first epoch memory is looked at.
MEMORY_EVERY = 64


class Lists(NamedTuple):
    """Lists of a batch: all items in a row, and where those of each event begin, and one more."""

    content: Any
    offsets: Any


Batch = Mapping[str, Any]
Loader = Callable[[int], Iterable[Batch]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a contestant is told."""

    verb: str
    #: The folder of the data set.
    folder: str
    data: str
    num_events: int
    batch_size: int
    seed: int
    num_workers: int
    #: Only events that pass the cut of the data set are wanted.
    has_cut: bool
    #: The file or folder in the contestant's own format.
    store: str


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who loads: with which packages, from which files and how."""

    name: str
    #: The environment it needs, of those that `compare.py` is told.
    environment: str
    open: Callable[[Job], Loader]
    #: Imported before the clock starts.
    imports: tuple[str, ...]
    #: Its configuration in words.
    configuration: str
    #: The format of its files, a key of `stores.STORES`; none for those of the data set itself.
    store: str = ""
    kinds: tuple[str, ...] = ("flat", "padded", "jagged")
    #: It runs once with each number of workers.
    num_workers: tuple[int, ...] = (0,)
    #: What is read of each batch while it is timed, where columns come together; else all columns.
    inputs: tuple[str, ...] = ()
    #: What it means to shuffle, in words: "all", or what of it.
    shuffles: str = "all"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch delivered: `event` and `label` in order, and events of each batch."""

    first_seconds: float
    seconds: float
    events: NDArray[np.generic]
    labels: NDArray[np.generic]
    sizes: NDArray[np.int64]


def run(contestant: Contestant, job: Job) -> dict[str, Any]:
    """Let a contestant load three epochs, and return what was measured and checked."""
    for package in contestant.imports:
        importlib.import_module(package)
    keys = columns_of(job.data)
    memory = _Memory()
    start = time.perf_counter()
    loader = contestant.open(job)
    opened = time.perf_counter() - start
    cold = _epoch(loader, 0, keys, memory)
    timed = _timed_epochs(loader, contestant.inputs or keys)
    peak, peak_private = memory.look()
    warm = _epoch(loader, 1 + len(timed), keys, None)
    source = open_source(Path(job.folder), job.data)
    wrong = compare_values(loader(2 + len(timed)), source)
    score, correlation, reach = shuffle_scores(
        warm.events, warm.labels, warm.sizes, num_events=job.num_events
    )
    full_batches = int((warm.sizes == job.batch_size).sum())
    differs = not np.array_equal(cold.events, warm.events)
    once = exactly_once(warm.events, source.entries)
    return {
        "first_seconds": opened + cold.first_seconds,
        "cold_seconds": cold.seconds,
        "seconds": statistics.median(timed),
        "timed_epochs": len(timed),
        "events": len(warm.events),
        **once,
        "wrong": wrong,
        "score": score,
        "correlation": correlation,
        "reach": reach,
        "epochs_differ": differs,
        "is_shuffled": differs and is_shuffled(score, correlation, reach, len(warm.sizes)),
        "full_batches": full_batches,
        "batches": len(warm.sizes),
        "peak": peak,
        "peak_private": peak_private,
        "versions": _versions(contestant.imports),
    }


def _epoch(loader: Loader, epoch: int, keys: Iterable[str], memory: "_Memory | None") -> Epoch:
    events, labels = [], []
    first_seconds = 0.0
    start = time.perf_counter()
    for number, batch in enumerate(loader(epoch)):
        for key in keys:
            touch(batch[key])
        if not number:
            first_seconds = time.perf_counter() - start
        events.append(np.array(batch["event"]))
        labels.append(np.array(batch["label"]))
        if memory is not None and number % MEMORY_EVERY == 0:
            memory.look()
    seconds = time.perf_counter() - start
    sizes = np.array([len(part) for part in events], np.int64)
    return Epoch(first_seconds, seconds, np.concatenate(events), np.concatenate(labels), sizes)


def _timed_epochs(loader: Loader, keys: Iterable[str]) -> list[float]:
    """Return the seconds of each of the epochs from the second on."""
    seconds: list[float] = []
    while sum(seconds) < TIMED_SECONDS:
        start = time.perf_counter()
        for batch in loader(1 + len(seconds)):
            for key in keys:
                column = batch[key]
                if type(column) is np.ndarray:
                    column.item(0)  # to look at more would be most of the work of fast loaders
                else:
                    touch(column)
        seconds.append(time.perf_counter() - start)
    return seconds


def touch(column: Any) -> None:
    """Read a number of a column of a batch."""
    if isinstance(column, Lists):
        column = column.content
    array = column if isinstance(column, np.ndarray) else np.asarray(column)
    if array.size:
        array.item(0)


def exactly_once(events: NDArray[np.generic], wanted: NDArray[np.int64]) -> dict[str, int]:
    """Return how many events came more than once, never, or are not among those wanted."""
    numbers = events.astype(np.int64)
    num_events = int(wanted[-1]) + 1
    known = numbers[(numbers >= 0) & (numbers < num_events)]
    counts = np.bincount(known, minlength=num_events)[wanted]
    return {
        "repeated": int((counts - 1)[counts > 1].sum()),
        "missing": int((counts == 0).sum()),
        "unknown": len(numbers) - int(counts.sum()),
    }


def shuffle_scores(
    events: NDArray[np.generic],
    labels: NDArray[np.generic],
    sizes: NDArray[np.int64],
    *,
    num_events: int,
) -> tuple[float, float, float]:
    """Return how much the labels of batches scatter, how neighbours correlate and how far they are.

    The first is the root mean square of the mean label of a batch less that of all, over that of
    independent draws: 1 is perfect. The second is the correlation of the labels of events
    that are delivered one after the other: 0 is perfect. The third is the mean distance of those
    in the data set over that of independent draws, a third of its events: 1 is perfect.
    """
    values = labels.astype(np.float64)
    mean = values.mean()
    sums = np.add.reduceat(values, np.cumsum(sizes) - sizes)
    scatter = mean * (1 - mean)
    score = np.sqrt(np.mean((sums / sizes - mean) ** 2 * sizes / scatter))
    correlation = np.mean((values[1:] - mean) * (values[:-1] - mean)) / scatter
    reach = np.abs(np.diff(events.astype(np.float64))).mean() / (num_events / 3)
    return float(score), float(correlation), float(reach)


def is_shuffled(score: float, correlation: float, reach: float, num_batches: int) -> bool:
    """Return whether scores are those of independent draws, the first within five deviations."""
    is_even = abs(score - 1) < 5 / np.sqrt(2 * num_batches)
    return bool(is_even and abs(correlation) < 0.02 and abs(reach - 1) < 0.05)


def compare_values(batches: Iterable[Batch], source: Source) -> list[str]:
    """Return what is not as in the data set, in words; nothing where all is right."""
    wrong: set[str] = set()
    iterator = iter(batches)
    for _, batch in zip(range(NUM_COMPARED), iterator, strict=False):
        entries = np.asarray(batch["event"]).astype(np.int64)
        for key, column in source.columns.items():
            wrong |= set(_differences(key, batch[key], column, entries, source))
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
    return sorted(wrong)


def _differences(
    key: str, given: Any, column: NDArray[np.generic], entries: NDArray[np.int64], source: Source
) -> Iterator[str]:
    found = np.asarray(given.content if isinstance(given, Lists) else given)
    if found.dtype != column.dtype:
        yield f"{key} as {found.dtype}"
    if key not in source.lists:
        if found.shape != (len(entries), *column.shape[1:]):
            yield f"{key} of shape {found.shape}"
        elif not np.array_equal(found, column[entries]):
            yield f"{key} has other values"
        return
    starts, stops = source.offsets[entries], source.offsets[entries + 1]
    expected = [column[start:stop] for start, stop in zip(starts, stops, strict=True)]
    if isinstance(given, Lists):
        if not np.array_equal(np.diff(np.asarray(given.offsets)), stops - starts):
            yield f"{key} has other counts"
        elif not np.array_equal(found, np.concatenate(expected)):
            yield f"{key} has other values"
        return
    yield "lists padded"
    padded = np.zeros(found.shape, column.dtype)
    for row, values in zip(padded, expected, strict=True):
        row[: len(values)] = values[: len(row)]
    if not np.array_equal(found, padded):
        yield f"{key} has other values"


class _Memory:
    """The most memory that this process and its children were seen to hold."""

    def __init__(self) -> None:
        self.peak = self.peak_private = 0.0

    def look(self) -> tuple[float, float]:
        """Return the peaks so far.

        The first adds up `VmHWM`, with all pages of files and those that processes share counted in
        each. The second is the proportional set size without pages of files.
        """
        processes = _tree_of(os.getpid())
        self.peak = max(self.peak, sum(map(_high_water, processes)))
        self.peak_private = max(self.peak_private, sum(map(_private, processes)))
        return self.peak, self.peak_private


def _tree_of(process: int) -> list[int]:
    found = [process]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                found += map(int, children.read_text().split())
    return found


def _high_water(process: int) -> float:
    return _sizes_of(process, "status").get("VmHWM", 0.0)


def _private(process: int) -> float:
    sizes = _sizes_of(process, "smaps_rollup")
    return sizes.get("Pss", 0.0) - sizes.get("Pss_File", 0.0)


def _sizes_of(process: int, name: str) -> dict[str, float]:
    try:
        lines = Path(f"/proc/{process}/{name}").read_text().splitlines()
    except OSError:
        return {}
    pairs = [line.split(":", 1) for line in lines if line.endswith(" kB")]
    return {key: float(value.split()[0]) * 1024 for key, value in pairs}


def _versions(packages: Iterable[str]) -> dict[str, str]:
    modules = {name.partition(".")[0] for name in packages}
    return {
        name: str(sys.modules[name].__version__)
        for name in sorted(modules)
        if hasattr(sys.modules.get(name), "__version__")
    }


def write(store: Path, writer: Callable[[Source, Path], None], job: Job) -> dict[str, Any]:
    """Write the data set in another format, aside, and return seconds and bytes."""
    aside = store.with_name(f"{store.name}.{os.getpid()}{store.suffix}")
    shutil.rmtree(aside, ignore_errors=True)
    start = time.perf_counter()
    writer(open_source(Path(job.folder), job.data), aside)
    seconds = time.perf_counter() - start
    paths = [aside, *aside.rglob("*")] if aside.is_dir() else [aside]
    num_bytes = sum(path.stat().st_size for path in paths if path.is_file())
    shutil.rmtree(store, ignore_errors=True)  # of beside_copy.py, which times no writing
    aside.rename(store)
    return {"seconds": seconds, "bytes": num_bytes}


def main(
    contestants: Mapping[str, Contestant],
    writers: Mapping[str, Callable[[Source, Path], None]],
) -> None:
    """Do what the arguments NAME JOB_JSON say, and print the answer as the last line."""
    name, told = sys.argv[1:3]
    contestant, job = contestants[name], Job(**json.loads(told))
    try:
        if job.verb == "write":
            answer = write(Path(job.store), writers[contestant.store], job)
        else:
            answer = run(contestant, job)
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its answer
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}
    print(json.dumps({"name": name, **asdict(job), **answer}), flush=True)
    # Threads and processes of a peer may not end by themselves.
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
