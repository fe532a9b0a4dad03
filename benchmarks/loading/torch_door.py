"""How near `memmpy.to_torch` on the CPU comes to the loader that it takes its batches from.

usage: python benchmarks/loading/torch_door.py --folder DIR [--events 2000000] [--rounds 20]

An epoch of arrays and an epoch of tensors take turns, and what counts is the median of the ratios
of their rates, by the clock and by the time of the processors. The features are one input, or each
is a key of its own. Both must hand out the same events.
"""

import argparse
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from data import KINDS, make, open_source
from ours import open_store_skim, write_store


def seconds_of(loader: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Load an epoch; return the seconds by the clock and those of the processors."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in loader:
        pass
    return time.perf_counter() - start, time.process_time() - start_cpu


def entries_of(loader: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the first entry of each batch of an epoch, which also loads kernels and pages."""
    return [int(batch["_index"][0]) for batch in loader]


def main() -> None:
    """Measure, and print."""
    import memmpy

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where all files are kept")
    parser.add_argument("--data", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1024, 8192])
    options = parser.parse_args()
    for data in options.data:
        folder = make(options.folder, data=data, num_events=options.events)
        store = folder.with_name(f"{folder.name}.memmpy")
        if not store.exists():
            write_store(open_source(folder, data), store)
        for grouped in (True, False):
            skim = open_store_skim(store, grouped=grouped)
            for batch_size in options.batch_sizes:
                loader = memmpy.SplitLoader(skim, batch_size)
                tensors = memmpy.to_torch(memmpy.SplitLoader(skim, batch_size))
                assert entries_of(loader) == entries_of(tensors)
                took = [(seconds_of(loader), seconds_of(tensors)) for _ in range(options.rounds)]
                clock, cpu = np.median(np.array(took)[:, 0] / np.array(took)[:, 1], axis=0)
                seconds = np.median([tensor_seconds for _, (tensor_seconds, _) in took])
                inputs = "one input" if grouped else "each key"
                print(
                    f"{data}, {inputs}, batches of {batch_size:,}: {clock:.2f} of the rate of "
                    f"arrays by the clock, {cpu:.2f} by processors; "
                    f"{options.events / seconds / 1e6:.1f} M events/s"
                )


if __name__ == "__main__":
    main()
