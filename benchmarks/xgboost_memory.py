"""The peak memory and the AUC of XGBoost, fed by `to_xgboost` and by arrays in memory.

usage: python benchmarks/xgboost_memory.py --events 4000000 --folder DIR

Each way runs in a process of its own: it makes the matrix of the training split, trains, and scores
the test split. Its memory is the largest resident size that the OS reports, less that after the
imports. The arrays come from ``.npy`` files, so that no page of a map counts for them.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score

import memmpy

NUM_KEYS = 20
KEYS = [f"x{number}" for number in range(NUM_KEYS)]
SPLITS = memmpy.Splits(by=("event",), fractions={"train": 0.8, "test": 0.2})
NUM_ROUNDS = 10
WAYS = {
    "iterator": "QuantileDMatrix(memmpy.to_xgboost(loader))",
    "quantile": "QuantileDMatrix(x, y, weight=w) of arrays",
    "arrays": "DMatrix(x, y, weight=w) of arrays",
}


def write_store(path: Path, num_events: int) -> None:
    """Write 20 inputs, of which some tell the classes apart; none is missing."""
    random = np.random.default_rng(1)
    is_signal = random.random(num_events) < 0.3
    columns: dict[str, Any] = {"event": np.arange(num_events), "is_signal": is_signal}
    columns["w"] = random.uniform(0.5, 1.5, num_events)
    for key, values in columns.items():
        with memmpy.WriteVector(path, key) as column:
            column.extend(values)
    for number, key in enumerate(KEYS):
        values = random.normal(size=num_events).astype(np.float32)
        values += np.float32(0.04 * (number % 10)) * is_signal
        with memmpy.WriteVector(path, key) as column:
            column.extend(values)


def training_set(path: Path) -> memmpy.TrainingSet:
    """Return the training set of the store."""
    return memmpy.open(path).training_set(
        inputs={"event": KEYS},
        labels={"background": "!is_signal", "signal": "is_signal"},
        weight="w",
        fill=None,
        splits=SPLITS,
    )


def peak_bytes() -> int:
    """Return the largest resident size of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def prepare(folder: Path, path: Path, num_events: int) -> None:
    """Write the store, and the arrays of its training split."""
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_store(path, num_events)
    train = training_set(path).loader("train")
    batch = train.take(np.arange(train.split_size))
    for name, key in {"x": "event", "y": "label", "w": "weight"}.items():
        np.save(folder / f"{name}.npy", batch[key])
    sys.stdout.write(json.dumps(train.split_size))


def run(way: str, folder: Path, path: Path, num_threads: int) -> None:
    """Train in one way, and print the result as JSON."""
    before, start = peak_bytes(), time.perf_counter()
    if way == "iterator":
        rows = memmpy.to_xgboost(training_set(path).loader("train", num_threads=0))
        matrix = xgboost.QuantileDMatrix(rows, nthread=num_threads)
    else:
        x, y, w = (np.load(folder / f"{name}.npy") for name in "xyw")
        kind = xgboost.QuantileDMatrix if way == "quantile" else xgboost.DMatrix
        matrix = kind(x, y, weight=w, nthread=num_threads)
    made, after_matrix = time.perf_counter() - start, peak_bytes()
    options = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": 6,
        "nthread": num_threads,
    }
    booster = xgboost.train(options, matrix, NUM_ROUNDS)
    peak = peak_bytes()
    test = training_set(path).loader("test", batch_size=1 << 16, shuffle=False, num_threads=0)
    labels, scores = [], []
    for batch in test:
        labels.append(batch["label"].copy())
        scores.append(booster.inplace_predict(memmpy.feature_matrix(batch, test)))
    result = {
        "matrix_bytes": after_matrix - before,
        "peak_bytes": peak - before,
        "seconds": made,
        "auc": roc_auc_score(np.concatenate(labels), np.concatenate(scores)),
    }
    sys.stdout.write(json.dumps(result))


def main() -> None:
    """Measure each way in a process of its own, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=4_000_000, help="in the training split")
    parser.add_argument("--folder", type=Path, required=True, help="where the store is kept")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", choices=["prepare", *WAYS])
    options = parser.parse_args()
    folder = options.folder / f"xgboost_{options.events}"
    path = folder / "data.mmpy"
    if options.way == "prepare":
        prepare(folder, path, options.events * 5 // 4)
        return
    if options.way is not None:
        run(options.way, folder, path, options.threads)
        return

    def result_of(way: str) -> Any:
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    # In a process of its own, too: a new process counts the largest size of its parent as its own.
    print(f"{result_of('prepare'):,} events of {NUM_KEYS} float32, {NUM_ROUNDS} trees")
    results = {}
    for way, words in WAYS.items():
        one = results[way] = result_of(way)
        print(
            f"  {words}: {one['matrix_bytes'] / 1e6:,.0f} MB to make in {one['seconds']:.1f} s, "
            f"{one['peak_bytes'] / 1e6:,.0f} MB with the training, AUC {one['auc']:.5f}"
        )
    ours = results["iterator"]
    for way in ("quantile", "arrays"):
        theirs = results[way]
        assert abs(ours["auc"] - theirs["auc"]) < 1e-3, (ours["auc"], theirs["auc"])
        ratio = ours["peak_bytes"] / theirs["peak_bytes"]
        print(f"  the iterator takes {ratio:.2f} of the memory of {WAYS[way]}")
    if options.events >= 4_000_000:  # with fewer, memmpy's own code takes most of it
        assert ratio < 0.5, ratio


if __name__ == "__main__":
    main()
