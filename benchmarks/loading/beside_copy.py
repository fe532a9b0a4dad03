"""How near batches of a skim come to a mere copy of its rows in order, by as many threads.

usage: python benchmarks/loading/beside_copy.py --data flat --events 4000000 --folder DIR

Memory on shared machines is twice as fast in one second as in the next. So the copy and an epoch
of each kind take turns, and what counts is the median of their ratios. The features are one group.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from data import KINDS, make, open_source
from limits import copy_seconds
from ours import open_grouped, write_store

BATCH_SIZE = 1024


def main() -> None:
    """Measure, and print."""
    import memmpy

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", choices=KINDS, default="flat")
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where all files are kept")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    folder = make(options.folder, data=options.data, num_events=options.events)
    store = folder.with_name(f"{folder.name}.memmpy")
    if not store.exists():
        write_store(open_source(folder, options.data), store)
    skim = open_grouped(store)
    arrays = [skim.rows, *(array for held in skim.lists.values() for array in held)]
    num_bytes = sum(array.nbytes for array in arrays)
    pairs = [(np.array(array), np.array(array)) for array in arrays]

    def epoch_seconds(loader: memmpy.SplitLoader) -> float:
        start = time.perf_counter()
        for batch in loader:
            batch["_index"].item(0)
        return time.perf_counter() - start

    loaders = {
        kind: memmpy.SplitLoader(skim, BATCH_SIZE, shuffle=kind) for kind in ("blocks", "exact")
    }
    for loader in loaders.values():  # rows come into memory, and kernels are loaded
        epoch_seconds(loader)
    rounds = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in range(options.rounds):
            best = min(copy_seconds(pool, pairs) for _ in range(2))
            rounds.append([best, *map(epoch_seconds, loaders.values())])
    took = np.array(rounds)
    middle = float(np.median(took[:, 0]))
    print(
        f"{options.data}: {len(skim):,} rows of {num_bytes / len(skim):.0f} bytes, with lists; "
        f"a copy takes {middle * 1e3:.0f} ms, {num_bytes / middle / 1e9:.1f} GB/s"
    )
    for column, kind in enumerate(loaders, start=1):
        low, middle, high = np.quantile(took[:, 0] / took[:, column], [0.25, 0.5, 0.75])
        rate = len(skim) / np.median(took[:, column]) / 1e6
        print(f"  {kind}: {rate:.0f} M rows/s, {middle:.2f} of a copy ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
