"""Histograms of a store, beside boost-histogram and NumPy on arrays in memory.

usage: python benchmarks/histogram.py [--entries 20000000] [--out DIR]

Needs hist (`memmpy[plot]`). All must find the same sums.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boost_histogram as bh
import numpy as np

import memmpy
from memmpy import WriteVector

#: Runs of which the quickest counts, as for all that is compared.
NUM_RUNS = 5
NUM_CODES = 5


def quickest(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the least seconds of some runs, and the result."""
    times = []
    for _ in range(NUM_RUNS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def write_store(path: Path, num_entries: int) -> None:
    """Write entries of five processes, one after the other, a million at a time."""
    rng = np.random.default_rng(1)
    with (
        WriteVector(path, "met", dtype=np.float32, shape=()) as met,
        WriteVector(path, "nJets", dtype=np.int32, shape=()) as num_jets,
        WriteVector(path, "weight", dtype=np.float32, shape=()) as weight,
        WriteVector(path, "process", dtype=np.int32, shape=()) as process,
    ):
        for start in range(0, num_entries, 1_000_000):
            num = min(1_000_000, num_entries - start)
            met.extend(rng.exponential(60, num).astype(np.float32))
            num_jets.extend(rng.poisson(6, num).astype(np.int32))
            weight.extend(rng.normal(1, 0.5, num).astype(np.float32))
            process.extend(np.full(num, NUM_CODES * start // num_entries, np.int32))


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=20_000_000)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    path = out / f"histogram_{options.entries}.mmpy"
    if not path.exists():
        write_store(path, options.entries)
    store = memmpy.open(path)
    held = {key: np.array(store[key]) for key in store}
    threads = len(os.sched_getaffinity(0))
    bins, codes = (50, 0, 300), bh.axis.IntCategory(range(NUM_CODES))
    regular = bh.axis.Regular(*bins)

    def fill_boost(axes: list[Any], storage: Any, keys: list[str], **more: Any) -> Any:
        filled = bh.Histogram(*axes, storage=storage)
        filled.fill(*(held[key] for key in keys), threads=threads, **more)
        return filled

    def fill_memmpy(**more: Any) -> Any:
        return store.hist("met", bins=bins, num_threads=threads - 1, **more)

    start = time.perf_counter()
    fill_memmpy()
    print(f"the first histogram of this process took {time.perf_counter() - start:.2f} s")
    double, weighted = bh.storage.Double(), bh.storage.Weight()
    jobs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "counts": (fill_memmpy, lambda: fill_boost([regular], double, ["met"])),
        "weights": (
            lambda: fill_memmpy(weight="weight"),
            lambda: fill_boost([regular], weighted, ["met"], weight=held["weight"]),
        ),
        "weights by process": (
            lambda: fill_memmpy(weight="weight", by="process"),
            lambda: fill_boost(
                [codes, regular], weighted, ["process", "met"], weight=held["weight"]
            ),
        ),
        "counts of a cut": (
            lambda: fill_memmpy(cut="nJets >= 6"),
            lambda: bh.Histogram(regular).fill(held["met"][held["nJets"] >= 6], threads=threads),
        ),
    }
    num = options.entries / 1e6
    for name, (ours, theirs) in jobs.items():
        seconds, found = quickest(ours)
        other, wanted = quickest(theirs)
        values, expected = found.values(flow=True), np.asarray(wanted.values(flow=True))
        # boost-histogram puts values on an edge into the bin beside it where its division rounds.
        moved = np.abs(values.ravel() - expected[..., : values.shape[-1]].ravel()).sum()
        assert moved <= 1e-6 * options.entries, (name, moved)
        print(f"\n{name}, {threads} threads")
        print(f"  {num / seconds:7.1f} M values/s by memmpy, from the store")
        print(f"  {num / other:7.1f} M values/s by boost-histogram, from arrays in memory")
        print(f"  memmpy is {other / seconds:.2f} times as fast")

    edges = store.hist("met", bins=bins).axes[0].edges
    exact = bh.Histogram(bh.axis.Variable(edges)).fill(held["met"])
    assert np.array_equal(fill_memmpy().values(flow=True), exact.values(flow=True))
    inside = held["met"][held["met"] < edges[-1]].astype(np.float64)
    seconds, (counts, _) = quickest(lambda: np.histogram(inside, edges))
    assert np.array_equal(fill_memmpy().values(), counts)
    print(f"\nnp.histogram: {len(inside) / 1e6 / seconds:.1f} M values/s, one thread; same counts")


if __name__ == "__main__":
    main()
