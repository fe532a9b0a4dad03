"""What labels, weights and scaling cost, beside a plain skim of the same inputs.

usage: python benchmarks/training_sets.py --events 4000000 --folder DIR

Making and loading take turns with the plain skim, and what counts is the median of their ratios.
Each training set checks its own answer: the weights of a class in train have the sum that was
asked for, and the inputs have mean 0 and width 1.
"""

import argparse
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import memmpy

NUM_KEYS = 22
KEYS = [f"x{number}" for number in range(NUM_KEYS)]
SPLITS = memmpy.Splits(by=("event",))
LABELS: dict[str, Any] = {
    "labels": {"background": "!is_signal", "signal": "is_signal"},
    "weight": "weight",
    "normalise": "equal",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "inputs": {},
    "scaled": {"scale": "standard"},
    "labels and weights": LABELS,
    "scaled, labels and weights": {"scale": "standard", **LABELS},
}


def write_store(path: Path, num_events: int) -> None:
    """Write columns of normal numbers, an event number, a class and a weight."""
    random = np.random.default_rng(1)
    columns = {key: random.normal(1, 2, num_events).astype(np.float32) for key in KEYS}
    columns["event"] = np.arange(num_events)
    columns["is_signal"] = random.random(num_events) < 0.1
    columns["weight"] = random.normal(1, 1, num_events)
    for key, values in columns.items():
        with memmpy.WriteVector(path, key) as column:
            column.extend(values)


def seconds_of(loader: memmpy.SplitLoader, epoch: int) -> float:
    """Return the CPU seconds of an epoch, of all threads."""
    start = time.process_time()
    for _ in loader.batches(epoch):
        pass
    return time.process_time() - start


def check(loader: memmpy.SplitLoader, options: dict[str, Any]) -> None:
    """Raise an `AssertionError` unless train is scaled and weighted as asked for."""
    batches = [(b["inputs"].astype(float), b.get("label"), b.get("weight")) for b in loader]
    inputs = np.concatenate([values for values, _, _ in batches])
    if "scale" in options:
        assert abs(inputs.mean()) < 1e-3, inputs.mean()
        assert abs(inputs.std() - 1) < 1e-3, inputs.std()
    if "labels" in options:
        labels, weights = (np.concatenate([b[i] for b in batches]) for i in (1, 2))
        for label in (0, 1):
            total = weights[labels == label].sum(dtype=float)
            assert abs(total / (len(labels) / 2) - 1) < 1e-4, total


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where the store is kept")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    path = options.folder / f"training_{options.events}.mmpy"
    if not path.exists():
        write_store(path, options.events)
    store = memmpy.open(path)

    def make_skim(own: dict[str, Any]) -> memmpy.Skim:
        keys = ["is_signal", "weight"] if "labels" in own else []
        return store.skim(keys=keys, groups={"inputs": KEYS}, splits=SPLITS)

    def make_set(own: dict[str, Any]) -> memmpy.TrainingSet:
        return store.training_set(inputs={"inputs": KEYS}, **own)

    print(f"{options.events:,} events of {NUM_KEYS} float32; ratios to a skim of the same columns")
    made: dict[str, list[float]] = {name: [] for name in OPTIONS}
    for _ in range(3):
        for name, own in OPTIONS.items():
            times = []
            for make in (make_skim, make_set):
                shutil.rmtree(path / "skims", ignore_errors=True)
                start = time.process_time()
                make(own)
                times.append(time.process_time() - start)
            made[name].append(times[1] / times[0])
    loaders, fits = {}, {}
    for name, own in OPTIONS.items():
        data = make_set(own)
        start = time.perf_counter()
        data.fit()
        fits[name] = time.perf_counter() - start
        plain = memmpy.SplitLoader(make_skim(own), 1024, split="train")
        loaders[name] = plain, data.loader("train", batch_size=1024)
        check(loaders[name][1], own)
    rounds = [
        [seconds_of(plain, epoch) / seconds_of(own, epoch) for plain, own in loaders.values()]
        for epoch in range(options.rounds + 1)
    ]
    ratios = np.median(rounds[1:], axis=0)
    for (name, times), ratio in zip(made.items(), ratios.tolist(), strict=True):
        print(
            f"  {name}: made in {statistics.median(times):.2f} of the time, fitted in "
            f"{fits[name]:.1f} s, loaded at {ratio:.2f} of the rate"
        )


if __name__ == "__main__":
    main()
