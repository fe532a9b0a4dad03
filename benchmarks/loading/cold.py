"""Loading from a skim that is not in memory, and is several times larger than it.

usage: python benchmarks/loading/cold.py FOLDER [--data flat] [--rows 20000000] [--times 4]

The store and its skim are made in FOLDER (200 bytes a row), whose disk is measured, and are removed
at the end. Each contestant runs in a process of its own, which finds nothing of the skim in the
page cache but, where the kernel is asked ahead, a window loaded before for its kernels. It is in a
control group of its own that may hold a part of the skim only: `--times` less than the rows. To
make one takes root and control groups of version 1; where there is none, the loader is told that
memory is that small, and the peak is not that of a machine of such a size.

What the disk gives is measured on the same file past the page cache, before and after each of the
first contestants, as it may change within minutes: 1 MiB in order by 4 threads, 4 KiB anywhere by
32, and as much as a block of rows anywhere by 16.

All is checked: each row holds the number of its entry, and an epoch that ends has them all.
"""

import argparse
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from limits import disk_rate

SCRIPT = str(Path(__file__).absolute())
NUM_FEATURES, BATCH_SIZE, NUM_EPOCHS = 20, 1024, 3
FEATURES = [f"x{i}" for i in range(NUM_FEATURES)]
LISTS, MEAN_ITEMS = ["pt", "eta", "phi", "e"], 6
#: What must be reached: of the disk's rate in order, and of its reads of 4 KiB.
BLOCKS, EXACT = 0.6, 0.8
#: What a process needs for itself, and some pages.
LEAST_MEMORY = 200_000_000


def make_store(path: Path, data: str, num_rows: int) -> None:
    """Write columns, in which each entry tells its number."""
    from memmpy import Jagged, WriteJagged, WriteVector

    rng = np.random.default_rng(0)
    if data == "jagged":
        offsets = np.append(0, np.cumsum(rng.poisson(MEAN_ITEMS, num_rows)))
        for key in LISTS:
            with WriteJagged(path=path, key=key) as lists:
                for start in range(0, num_rows, 1 << 20):
                    own = offsets[start : start + (1 << 20) + 1]
                    content = rng.random(own[-1] - own[0], np.float32)
                    lists.extend(Jagged(content, own - own[0]))
    for key in (*(FEATURES if data == "flat" else ()), "label", "event"):
        with WriteVector(path=path, key=key) as column:
            for start in range(0, num_rows, 1 << 20):
                entries = np.arange(start, min(num_rows, start + (1 << 20)))
                if key == "event":
                    column.extend(3 * entries + 1)
                elif key == "label":
                    column.extend((entries % 2).astype(np.int8))
                else:
                    column.extend(rng.random(len(entries), np.float32))


def open_skim(path: Path, data: str) -> Any:
    """Make the skim, or open it."""
    from memmpy import skim

    groups = {"features": FEATURES if data == "flat" else LISTS}
    return skim(path, keys=["label", "event"], groups=groups, progress=False)


def files_of(skimmed: Any) -> list[Path]:
    """Return the files of a skim."""
    arrays = [skimmed.rows, skimmed.tickets]
    arrays += [array for held in skimmed.lists.values() for array in held]
    return sorted({Path(map_of(array).filename) for array in arrays})


def map_of(array: Any) -> Any:
    """Return the memory map that an array is a view of."""
    while not hasattr(array, "filename"):
        array = array.base
    return array


def forget(path: Path) -> None:
    """Remove a file from the page cache."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def disk_rates(path: Path, block_bytes: int) -> tuple[float, float, float]:
    """Return the bytes a second in order, of 4 KiB anywhere, and of blocks anywhere."""
    return (
        disk_rate(path, size=1 << 20, num_threads=4, in_order=True),
        disk_rate(path, size=1 << 12, num_threads=32, in_order=False),
        disk_rate(path, size=block_bytes, num_threads=16, in_order=False),
    )


@contextmanager
def memory_group(num_bytes: int) -> Iterator[Path | None]:
    """Make a control group below the own one, of that much memory; None where that cannot be."""
    own = next(
        (
            place
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            for _, kind, place in [line.split(":", 2)]
            if kind == "memory"
        ),
        None,
    )
    group = None if own is None else Path(f"/sys/fs/cgroup/memory{own}", f"cold_{os.getpid()}")
    try:
        if group is not None:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(num_bytes))
    except OSError:
        if group is not None and group.exists():
            group.rmdir()
        group = None
    try:
        yield group
    finally:
        if group is not None:
            group.rmdir()


def status(name: str) -> int:
    """Return a number of bytes of the own process, as the OS tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def load(job: dict[str, Any]) -> None:
    """Load epochs, in a process of its own, and print what was found."""
    group = None if job["group"] is None else Path(job["group"])
    if group is not None:
        (group / "cgroup.procs").write_text(str(os.getpid()))
    import memmpy
    from memmpy.loaders import column_gatherer
    from memmpy.loaders.pagecache.advice import PageCache, os_page_cache
    from memmpy.splits import split_loader

    def limited(*, compiled: bool) -> PageCache:
        page_cache = os_page_cache(compiled=compiled)
        memory = page_cache.memory if group is not None else lambda: int(job["memory"])
        return PageCache(page_cache.advise if job["is_ahead"] else None, memory)

    column_gatherer.os_page_cache = split_loader.os_page_cache = limited  # type: ignore[attr-defined]
    store = Path(job["store"])
    options = {"batch_size": BATCH_SIZE, "shuffle": job["shuffle"]}
    if job["is_skim"]:
        loader = memmpy.SplitLoader(open_skim(store, job["data"]), **options)
    else:
        loader = memmpy.open(store).loader(**options)
    if job["is_ahead"]:
        with closing(loader.batches(0)) as batches:  # kernels are loaded
            next(batches)
    for path in store.rglob("*"):
        if path.is_file():
            forget(path)
    if group is not None:
        (group / "memory.max_usage_in_bytes").write_text("0")
    epochs = []
    for number in range(job["epochs"]):
        begin = time.perf_counter()
        num = total = anonymous = mapped = 0
        with closing(loader.batches(number)) as batches:
            for batch in batches:
                entries = batch["_index"]
                assert np.array_equal(batch["event"], 3 * entries + 1)
                num += len(entries)
                total += int(entries.sum())
                if num % (BATCH_SIZE * 256) == 0:
                    anonymous = max(anonymous, status("RssAnon"))
                    mapped = max(mapped, status("RssFile"))
                if time.perf_counter() - begin > job["seconds"]:
                    break
            else:
                assert total == loader.num_entries * (loader.num_entries - 1) // 2
        peak = 0
        if group is not None:
            peak = int((group / "memory.max_usage_in_bytes").read_text())
            (group / "memory.max_usage_in_bytes").write_text("0")
        seconds = time.perf_counter() - begin
        epochs.append(
            {"rate": num / seconds, "peak": peak, "anonymous": anonymous, "mapped": mapped}
        )
    print(json.dumps(epochs))


def run(job: dict[str, Any]) -> list[dict[str, float]]:
    """Let a contestant load, in a process of its own; none where no window comes in time."""
    command = [sys.executable, SCRIPT, "--job", json.dumps(job)]
    limit = None if job["is_ahead"] else 4 * job["seconds"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return []
    return list(json.loads(done.stdout.splitlines()[-1]))


def said(question: str, value: str, *, holds: bool) -> None:
    """Print whether what must be reached was reached in this run."""
    print(f"  {'yes' if holds else 'NO '} {question}: {value}")


def compare(store: Path, options: argparse.Namespace) -> None:
    """Run all contestants once, and print rates and ratios."""
    from memmpy import SplitLoader

    skimmed = open_skim(store, options.data)
    paths = files_of(skimmed)
    sizes = [path.stat().st_size for path in paths]
    path = paths[int(np.argmax(sizes))]
    row_bytes = sum(sizes) / len(skimmed)
    explained = SplitLoader(skimmed, BATCH_SIZE, shuffle="blocks").explain()
    block_bytes = -(-round(explained.block_rows * row_bytes) // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = int(sum(sizes) / options.times)
    if memory < LEAST_MEMORY:
        sys.exit(f"{memory / 1e6:.0f} MB are too few for a process: give more --rows")
    del skimmed
    disk = partial(disk_rates, path, block_bytes)
    rates = [disk()]
    runs, beside = {}, {}
    with memory_group(memory) as group:
        where = "in a control group" if group else "told to the loader: no group could be made"
        print(f"\n{memory / 1e6:.0f} MB of memory, {where}")
        for name, shuffle, is_skim, is_ahead, num_epochs, seconds in (
            ("blocks", "blocks", True, True, NUM_EPOCHS, 1e9),
            ("in order", False, True, True, 1, 1e9),
            ("exact", "exact", True, True, 1, options.seconds),
            ("columns", "exact", False, True, 1, options.seconds),
            ("blocks, nothing asked", "blocks", True, False, 1, options.seconds),
            ("exact, nothing asked", "exact", True, False, 1, options.seconds),
            ("columns, nothing asked", "exact", False, False, 1, options.seconds),
        ):
            job = {
                "group": str(group) if group else None,
                "memory": memory,
                "store": str(store),
                "data": options.data,
                "shuffle": shuffle,
                "is_skim": is_skim,
                "is_ahead": is_ahead,
                "epochs": num_epochs,
                "seconds": seconds,
            }
            runs[name] = run(job)
            if is_ahead:
                rates.append(disk())
                beside[name] = [statistics.mean(pair) for pair in zip(*rates[-2:], strict=True)]
    for name, (in_order, anywhere, blocks) in beside.items():
        print(
            f"  disk, {name:10} {in_order / 1e6:.0f} MB/s in order, {anywhere / 4096:,.0f} reads/s "
            f"of 4 KiB, {blocks / 1e6:.0f} MB/s of {block_bytes // 1024} KiB anywhere"
        )
    for name, epochs in runs.items():
        if not epochs:
            print(f"  {name:22} no window in {4 * options.seconds:.0f} s")
        for number, epoch in enumerate(epochs):
            print(
                f"  {name:22} epoch {number}: {epoch['rate']:12,.0f} rows/s, "
                f"{epoch['rate'] * row_bytes / 1e6:7.1f} MB/s of rows; peak of the group "
                f"{epoch['peak'] / 1e6:.0f} MB, of the process {epoch['anonymous'] / 1e6:.0f} MB "
                f"and {epoch['mapped'] / 1e6:.0f} MB of files",
                flush=True,
            )
    rate = statistics.median(epoch["rate"] for epoch in runs["blocks"]) * row_bytes
    in_order, _, blocks = beside["blocks"]
    said(
        f"blocks give {BLOCKS} of the disk in order",
        f"{rate / in_order:.2f}, and {rate / blocks:.2f} of its blocks anywhere",
        holds=rate >= BLOCKS * in_order,
    )
    share = runs["exact"][0]["rate"] * 4096 / beside["exact"][1]
    said(f"exact gives {EXACT} of the disk's reads of 4 KiB", f"{share:.2f}", holds=share >= EXACT)
    peaks = [epoch["peak"] for epoch in runs["blocks"]]
    if all(peaks):
        share = max(peaks) / min(peaks)
        said("the peak of three epochs is within 20%", f"{share:.2f}", holds=share <= 1.2)


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="on the disk to measure")
    parser.add_argument("--data", choices=("flat", "jagged"), default="flat")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--times", type=float, default=4, help="bytes of rows over those of memory")
    parser.add_argument("--seconds", type=float, default=15, help="of those that may take for ever")
    parser.add_argument("--repeat", type=int, default=1, help="rounds")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job is not None:
        load(options.job)
        return
    if options.folder is None:
        parser.error("give a folder on the disk to measure")
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="cold_") as temporary:
        store = Path(temporary, "data.mmpy")
        make_store(store, options.data, options.rows)
        skimmed = open_skim(store, options.data)
        size = sum(path.stat().st_size for path in files_of(skimmed))
        print(f"{options.data}: {len(skimmed):,} rows of {size / len(skimmed):.0f} bytes")
        del skimmed
        os.sync()
        for _ in range(options.repeat):
            compare(store, options)


if __name__ == "__main__":
    main()
