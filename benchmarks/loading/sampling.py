"""How fast batches with classes in given shares are, beside the same skim without `sampling=`.

usage: python benchmarks/loading/sampling.py FOLDER [--rows 4000000] [--rounds 10]

Rows of 120 bytes: 22 float32, a label, two weights and the entry. Epochs of both loaders take
turns, cut at as many rows as the skim has, and what counts is the median of their ratios. Before,
it checks for each loader that after every batch each class is within 1 event of its share, and that
the events of a class were used equally often, or once more.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy.loaders import ClassSampling, Sampling

SEED, NUM_FEATURES, MAX_CHECKED = 1, 22, 3_000_000
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
    return memmpy.SplitLoader(replace(loader._spec, sampling=sampling))


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


def num_batches_of(batches: Iterator[Any]) -> int:
    """Read batches, and return how many."""
    return sum(1 for batch in batches if batch["_index"].item(0) >= 0)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--shuffle", default="blocks", choices=["blocks", "exact"])
    options = parser.parse_args()
    for shares, parts in CASES:
        skim = make_skim(options.folder, options.rows, parts)
        shown = ", ".join(f"{share:g} {name}" for name, share in shares.items())
        print(f"{shown} of {parts}: {len(skim):,} rows of {skim.row_bytes} bytes")
        for batch_size in (1024, 128):
            plain = memmpy.SplitLoader(skim, batch_size, shuffle=options.shuffle, seed=SEED)
            start = time.perf_counter()
            mixed = with_sampling(plain, shares)
            seconds_to_open = time.perf_counter() - start
            check(mixed, skim, shares)
            took = np.empty((options.rounds, 2))
            for number in range(options.rounds):
                for column, loader in enumerate((plain, mixed)):
                    start = time.perf_counter()
                    num = num_batches_of(islice(iter(loader), len(plain)))
                    took[number, column] = (time.perf_counter() - start) / num / batch_size
            rates = 1e-6 / took.min(axis=0)
            low, middle, high = np.quantile(took[:, 0] / took[:, 1], [0.25, 0.5, 0.75])
            print(
                f"  batch {batch_size}: index {seconds_to_open * 1e3:.0f} ms; epoch of "
                f"{len(mixed):,} batches; {rates[1]:.0f} M rows/s, plain {rates[0]:.0f} at best; "
                f"ratio {middle:.2f} ({low:.2f} to {high:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
