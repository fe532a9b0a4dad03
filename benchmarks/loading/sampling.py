"""How fast batches with classes in given shares are, beside the same skim without `sampling=`.

usage: python benchmarks/loading/sampling.py FOLDER [--rows 4000000] [--rounds 40] [--threads 1]

Rows of 120 bytes: 22 float32, a label, two weights and the entry. The loader with shares, the same
one without, and one of exact order take turns of a million rows. It prints the ratio of their best
rates, the median of the ratios of rates, and the ratio of processor time, all to the loader without
shares. Before, it checks that after every batch each class is within 1 event of its share, and that
the events of a class were used equally often, or once more.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy.loaders import ClassSampling, Sampling

SEED, NUM_FEATURES, MAX_CHECKED, TURN_ROWS = 1, 22, 3_000_000, 1_000_000
CASES: tuple[tuple[Mapping[str, float], tuple[float, ...]], ...] = (
    ({"background": 0.5, "signal": 0.5}, (0.9, 0.1)),
    ({"a": 0.5, "b": 0.3, "c": 0.2}, (0.7, 0.2, 0.1)),
    ({"background": 0.5, "rare": 0.5}, (0.999, 0.001)),
)


def make_skim(folder: Path, num_rows: int, parts: tuple[float, ...]) -> Any:
    """Make a skim of rows with labels: class c has about ``parts[c]`` of the rows."""
    store = folder / f"{num_rows}_{len(parts)}_{parts[0]:g}"
    keys = [f"x{i}" for i in range(NUM_FEATURES)]
    if not store.exists():
        rng = np.random.default_rng(SEED)
        with memmpy.Transaction(store) as transaction:

            def write(key: str, values: Any) -> None:
                with memmpy.WriteVector(
                    store, key, dtype=values.dtype, transaction=transaction
                ) as column:
                    column.extend(values)

            for key in keys:
                write(key, rng.standard_normal(num_rows, np.float32))
            write("label", rng.choice(len(parts), num_rows, p=parts))
            write("weight", rng.random(num_rows, np.float32))
            write("weight_physics", rng.random(num_rows))
            write("event", np.arange(num_rows))
    others = ["label", "weight", "weight_physics"]
    return memmpy.skim(store, groups={"x": keys}, keys=others, progress=False)


def with_sampling(loader: memmpy.SplitLoader, shares: Mapping[str, float]) -> memmpy.SplitLoader:
    """Return a loader of the same rows with classes in shares."""
    sampling = ClassSampling(Sampling(shares), tuple(shares))
    return memmpy.SplitLoader(replace(loader.spec, sampling=sampling))


def check(loader: memmpy.SplitLoader, skim: Any, shares: Mapping[str, float]) -> None:
    """Check the shares after every batch, and how often events were used."""
    label = np.empty(skim.num_store_entries, np.int64)
    label[skim.rows["_index"]] = skim.rows["label"]
    uses, counts, num = np.zeros(len(label), np.int64), np.zeros(len(shares), np.int64), 0
    for batch in loader:
        counts += np.bincount(batch["label"], minlength=len(shares))
        num += len(batch["label"])
        assert np.abs(counts - num * np.array([*shares.values()])).max() < 1 + 1e-6
        assert (label[batch["_index"]] == batch["label"]).all()
        np.add.at(uses, batch["_index"], 1)
        if num >= MAX_CHECKED:
            break
    for c in range(len(shares)):
        assert np.ptp(uses[label == c]) <= 1


def seconds_a_row(loader: memmpy.SplitLoader, epoch: int) -> tuple[float, float]:
    """Read a million rows, and return the seconds a row by the clock and of processors."""
    start, begin = time.perf_counter(), time.process_time()
    size = loader.batch_size
    batches = islice(loader.batches(epoch), TURN_ROWS // size)
    num = size * sum(1 for batch in batches if batch["_index"].item(0) >= 0)
    return (time.perf_counter() - start) / num, (time.process_time() - begin) / num


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    for shares, parts in CASES:
        skim = make_skim(options.folder, options.rows, parts)
        shown = ", ".join(f"{share:g} {name}" for name, share in shares.items())
        print(f"{shown} of {parts}: {len(skim):,} rows of {skim.row_bytes} bytes")
        for batch_size in (1024, 128):
            given: dict[str, Any] = {"seed": SEED, "num_threads": options.threads}
            plain = memmpy.SplitLoader(skim, batch_size, shuffle=True, **given)
            exact = memmpy.SplitLoader(skim, batch_size, shuffle="exact", **given)
            start = time.perf_counter()
            mixed = with_sampling(plain, shares)
            milliseconds = (time.perf_counter() - start) * 1e3
            check(mixed, skim, shares)
            took = np.empty((options.rounds, 3, 2))
            for number in range(options.rounds):
                for column, loader in enumerate((plain, mixed, exact)):
                    took[number, column] = seconds_a_row(loader, number % 4)
            best = 1e-6 / took[:, :, 0].min(axis=0)
            ratios = took[:, :1] / took
            middle, cpu = np.median(ratios[..., 0], axis=0), np.median(ratios[..., 1], axis=0)
            print(
                f"  batch {batch_size}: index {milliseconds:.0f} ms; {len(mixed):,} batches; best: "
                f"{best[1]:.0f} M rows/s, {best[1] / best[0]:.2f} of {best[0]:.0f}; median "
                f"{middle[1]:.2f}, processor time {cpu[1]:.2f}; exact order: best "
                f"{best[2] / best[0]:.2f}, median {middle[2]:.2f}, processor time {cpu[2]:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
