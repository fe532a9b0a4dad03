"""Convert, cut and load toy events; print rates, peak memory and the shuffle score.

usage: python benchmarks/main_job.py [--events 250000] [--out DIR]

Everything is checked: each event that passes is loaded once an epoch, with the values of its file.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from memmpy import RFileConfig, SplitLoader, compute_cut_batched, convert, load_memmaps
from memmpy.demo import demo_files, write_demo_files

FLAT = {"nJets", "nBTags_77", "met", "met_phi", "weight", "eventNumber", "runNumber", "passTrigger"}
JAGGED = {"jet_pt", "jet_eta", "jet_phi", "jet_e"}
CUT = "nJets >= 6 & nBTags_77 >= 2"


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns, and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak_mib() -> float:
    """Return the most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_with_uproot(files: list[RFileConfig]) -> int:
    """Return the sum of event numbers, modulo 2**64, reading all branches once."""
    total = 0
    for file in files:
        tree = uproot.open(file.path, array_cache=None)[file.tree]
        for arrays in tree.iterate(sorted(FLAT | JAGGED), step_size="64 MB", how=dict):
            total += int(ak.sum(arrays["eventNumber"]))
    return total % 2**64


def shuffle_score(loader: SplitLoader, process: np.ndarray[Any, Any]) -> float:
    """Return the spread of the class fraction of batches over the binomial one; 1 is perfect."""
    fractions = [(batch["process"] == process[0]).mean() for batch in loader]
    full = np.array(fractions[:-1])
    mean = full.mean()
    return float(full.std() / np.sqrt(mean * (1 - mean) / loader.batch_size))


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=250_000, help="of each of the four files")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    if not (out / demo_files()[0][0]).exists():
        write_demo_files(out, num_events=options.events, seed=1)
    files = [RFileConfig(out / name, tree, metadata) for name, tree, metadata in demo_files()]
    store = out / "data.mmpy"
    before = peak_mib()

    def job() -> Any:
        return convert(files, store, keys=FLAT | JAGGED, recreate=True)

    conversion, seconds = timed(job)
    num = conversion.num_entries
    after = peak_mib()
    total, uproot_seconds = timed(lambda: read_with_uproot(files))
    columns: dict[str, Any] = dict(load_memmaps(store))
    assert total == int(columns["eventNumber"].sum(dtype=np.uint64))
    print(
        f"convert        {num / seconds / 1e6:6.2f} M events/s, peak {after:.0f} MiB "
        f"({after - before:.0f} MiB more than before)"
    )
    print(
        f"uproot.iterate {num / uproot_seconds / 1e6:6.2f} M events/s; convert takes "
        f"{seconds / uproot_seconds:.2f} times as long"
    )
    again, seconds = timed(lambda: convert(files, store, keys=FLAT | JAGGED))
    assert again.was_cached
    print(f"convert again  {seconds * 1e3:6.1f} ms, nothing read")

    selection, seconds = timed(lambda: compute_cut_batched(store, CUT, recreate=True))
    passed = (np.asarray(columns["nJets"]) >= 6) & (np.asarray(columns["nBTags_77"]) >= 2)
    assert np.array_equal(selection, np.flatnonzero(passed))
    print(f"cut            {num / seconds / 1e6:6.1f} M events/s")

    process = np.asarray(columns["process"])
    for names, title in ((FLAT, "flat"), (FLAT | JAGGED, "with jagged")):
        data = {key: columns[key] for key in {*names, "process"}}
        for batch_size in (128, 1024):
            loader = SplitLoader(data, batch_size, subindex=selection)
            seen, seconds = timed(lambda loader=loader: [batch["_index"] for batch in loader])
            assert np.array_equal(np.sort(np.concatenate(seen)), selection)
            print(
                f"load {title:11} {len(selection) / seconds / 1e6:6.2f} M events/s at batch "
                f"{batch_size:4}, shuffle score {shuffle_score(loader, process):.3f}"
            )


if __name__ == "__main__":
    main()
