"""How fair and how fast the orders of a skim are where rows share an event, as jets do.

usage: python benchmarks/loading/shared_events.py FOLDER [--mebibytes 256] [--epochs 40]

For events of 2, 8, 30 and 1 to 30 rows, and rows from 24 bytes to 3.2 kB, it prints for each order:
the spread of batch means over that of exact order, and what `spread_of_blocks` predicts; the
distinct events in a batch, over those in exact order; and the rate in memory. Orders take turns.
It fails where `shuffle=True` spreads more than 1.05, has less than 0.95 of the events, or where a
prediction is off by more than 15 %.
"""

import argparse
import math
import shutil
import tempfile
import time
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy.errors import LoaderWarning
from memmpy.order import spread_of_blocks

BATCH_SIZE, SEED = 1024, 1
ROWS_OF_EVENTS = {"2": (2, 2), "8": (8, 8), "30": (30, 30), "1 to 30": (1, 30)}
NUM_FEATURES = (1, 20, 800)
WIDE_BYTES = 64 << 20
#: Batches of an epoch in which distinct events are counted.
NUM_COUNTED = 200


def make_skim(folder: Path, rows_of_events: tuple[int, int], num_features: int, size: int) -> Any:
    """Make a skim of about so many bytes, whose labels are the same for all rows of an event."""
    rng = np.random.default_rng(SEED)
    num_rows = size // (4 * num_features + 20)
    low, high = rows_of_events
    counts = rng.integers(low, high, 2 * num_rows // (low + high), endpoint=True)
    event = np.repeat(np.arange(len(counts)), counts)
    columns = {
        "event": event,
        "label": (rng.random(len(counts)) < 0.5)[event].astype(np.int32),
        "x": np.zeros((len(event), num_features), np.float32),
    }
    with memmpy.Transaction(folder) as transaction:
        for key, values in columns.items():
            with memmpy.WriteVector(folder, key, transaction=transaction) as column:
                column.extend(values)
    return memmpy.skim(folder, keys=[*columns], progress=False)  # in the order of event


def loaders_of(skim: Any) -> dict[str, memmpy.SplitLoader]:
    """Return the orders that are compared."""
    blocks = memmpy.SplitLoader(skim, BATCH_SIZE, shuffle="blocks")
    block_rows = blocks.explain().block_rows
    wide = max(16, WIDE_BYTES // skim.row_bytes // block_rows)
    shuffles: dict[str, Any] = {
        "True": True,
        "exact": "exact",
        "blocks": "blocks",
        "windows of 64 MiB": memmpy.Shuffle("blocks", block_rows, wide),
    }
    return {
        name: memmpy.SplitLoader(skim, BATCH_SIZE, shuffle=shuffle)
        for name, shuffle in shuffles.items()
    }


def events_of(loader: memmpy.SplitLoader) -> float:
    """Return the distinct events of a batch, on average."""
    batches = islice(loader.batches(0), NUM_COUNTED)
    return float(np.mean([len(np.unique(batch["event"])) for batch in batches]))


def epoch_seconds(loader: memmpy.SplitLoader, epoch: int) -> float:
    """Return how long an epoch takes."""
    start = time.perf_counter()
    for batch in loader.batches(epoch):
        batch["_index"].item(0)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print and check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mebibytes", type=int, default=256, help="size of each skim")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    warnings.simplefilter("ignore", LoaderWarning)
    for num_features in NUM_FEATURES:
        for name, rows_of_events in ROWS_OF_EVENTS.items():
            folder = Path(tempfile.mkdtemp(dir=options.folder))
            skim = make_skim(folder / "s", rows_of_events, num_features, options.mebibytes << 20)
            compare(skim, name, options.epochs)
            shutil.rmtree(folder)


def compare(skim: Any, name: str, num_epochs: int) -> None:
    """Print and check the orders of one skim."""
    loaders = loaders_of(skim)
    seconds = np.array(
        [[epoch_seconds(loader, e) for loader in loaders.values()] for e in range(6)]
    )
    rates = len(skim) / np.median(seconds[1:], axis=0) / 1e6
    exact_events = events_of(loaders["exact"])
    print(f"{name} rows an event, {len(skim):,} rows of {skim.row_bytes} bytes")
    for (order, loader), rate in zip(loaders.items(), rates, strict=True):
        scores = [memmpy.shuffle_score(loader, "label").spread for _ in range(num_epochs)]
        spread = math.sqrt(np.mean(np.square(scores)))
        found = loader.explain()
        predicted = 1.0
        if found.shuffle == "blocks":
            predicted = spread_of_blocks(
                skim.multiplicities(),
                num_rows=loader.num_entries,
                batch_size=BATCH_SIZE,
                block_rows=found.block_rows,
                window_blocks=found.window_rows // found.block_rows,
            )
        events = events_of(loader) / exact_events
        print(
            f"  {order:18} spread {spread:5.2f}, predicted {predicted:5.2f}; "
            f"events {events:4.0%}; {rate:6.2f} M rows/s",
            flush=True,
        )
        assert 0.85 <= spread / predicted <= 1.15, "the prediction is wrong"
        if order == "True":
            assert spread <= 1.05, "shuffle=True is not fair"
            assert events >= 0.95, "shuffle=True repeats events"


if __name__ == "__main__":
    main()
