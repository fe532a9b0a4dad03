"""Cuts on flat and on jagged columns, beside numexpr, awkward and ROOT.

usage: python benchmarks/cuts.py [--entries 10000000] [--out DIR] [--root PYTHON]

Needs numexpr. `--root` is a Python that can import ROOT, which then runs RDataFrame and TTree on
an uncompressed file of the same entries. All must find the same entries.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numexpr
import numpy as np
import uproot

import memmpy
from memmpy import Jagged, WriteJagged, WriteVector

FLAT = "nJets >= 6 & nBTags_77 >= 2 && met > 50"
JAGGED = "Sum$(jet_pt > 30) >= 4"
ARITHMETIC = "sqrt(met**2 + 2*met*nJets) > 90 && met/nJets < 20"
KEYS = ("nJets", "nBTags_77", "met", "jet_pt")
#: Runs of which the quickest counts, as for all that is compared.
NUM_RUNS = 15

ROOT_SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import ROOT

path, flat, jagged, threads, runs = sys.argv[1:]
ROOT.gErrorIgnoreLevel = ROOT.kError


def quickest(work, cut):
    times = []
    for _ in range(int(runs)):
        start = time.perf_counter()
        num = work(cut)
        times.append(time.perf_counter() - start)
    return min(times), num


def frame(cut):
    return ROOT.RDataFrame("events", path).Filter(cut).Count().GetValue()


def tree(cut):
    with ROOT.TFile.Open(path) as file:
        return file.Get("events").GetEntries(cut)


results = {
    "TTree::GetEntries": {"flat": quickest(tree, flat), "jagged": quickest(tree, jagged)}
}
ROOT.EnableImplicitMT(int(threads))
results["RDataFrame.Filter().Count()"] = {
    "flat": quickest(frame, flat.replace(" & ", " && ")),
    "jagged": quickest(frame, "Sum(jet_pt > 30) >= 4"),
}
print(json.dumps(results))
"""


def quickest(
    work: Callable[[], Any], before: Callable[[], None] = lambda: None
) -> tuple[float, Any]:
    """Return the least seconds of some runs, each after something that does not count."""
    times = []
    for _ in range(NUM_RUNS):
        before()
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def write_store(path: Path, num_entries: int) -> None:
    """Write entries of 6 jets on average, a million at a time."""
    rng = np.random.default_rng(1)
    with (
        WriteVector(path, "nJets", dtype=np.int32, shape=()) as num_jets,
        WriteVector(path, "nBTags_77", dtype=np.int32, shape=()) as num_tags,
        WriteVector(path, "met", dtype=np.float32, shape=()) as met,
        WriteJagged(path, "jet_pt", dtype=np.float32, shape=()) as jet_pt,
    ):
        for start in range(0, num_entries, 1_000_000):
            num = min(1_000_000, num_entries - start)
            counts = rng.poisson(6, num)
            offsets = np.concatenate([[0], np.cumsum(counts)])
            content = 20 + rng.exponential(30, offsets[-1])
            num_jets.extend(counts.astype(np.int32))
            num_tags.extend(rng.binomial(counts, 0.25).astype(np.int32))
            met.extend(rng.exponential(60, num).astype(np.float32))
            jet_pt.extend(Jagged(content.astype(np.float32), offsets))


def write_root(path: Path, columns: dict[str, Any]) -> None:
    """Write the same entries as an uncompressed tree."""
    with uproot.recreate(path, compression=None) as file:
        types = {key: columns[key].dtype for key in KEYS[:3]}
        file.mktree("events", {**types, "jet_pt": "var * float32"})
        for start in range(0, len(columns["met"]), 1_000_000):
            step = slice(start, start + 1_000_000)
            flat = {key: np.asarray(columns[key][step]) for key in KEYS[:3]}
            file["events"].extend({**flat, "jet_pt": columns["jet_pt"][step].to_awkward()})


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--root", type=Path, default=None)
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    store = out / f"cuts_{options.entries}.mmpy"
    if not store.exists():
        write_store(store, options.entries)
    opened = memmpy.open(store)
    columns: dict[str, Any] = dict(opened)
    threads = len(os.sched_getaffinity(0))

    def count(expression: str) -> int:
        return int(opened.cutflow([expression]).counts[-1, 0])

    def keep(expression: str) -> Any:
        return opened.cut(expression)

    def forget() -> None:
        shutil.rmtree(store / "cuts", ignore_errors=True)

    start = time.perf_counter()
    count("Sum$(jet_pt > 25) >= 4")
    print(f"the first cut on lists of this process took {time.perf_counter() - start:.2f} s")
    cuts = {"flat": FLAT, "jagged": JAGGED, "arithmetic": ARITHMETIC}
    ours = {name: quickest(lambda cut=cut: count(cut)) for name, cut in cuts.items()}
    kept = {name: quickest(lambda cut=cut: keep(cut), before=forget) for name, cut in cuts.items()}
    keep(FLAT)
    again, found = quickest(lambda: keep(FLAT))
    for name, (_, selection) in kept.items():
        assert len(selection) == ours[name][1], name
    assert np.array_equal(found, kept["flat"][1])

    numexpr.set_num_threads(threads)
    held = {key: np.array(columns[key]) for key in KEYS[:3]}
    lists = ak.Array(columns["jet_pt"].to_awkward())
    lists = ak.to_packed(lists)
    peers = {
        "numexpr, arrays in memory": {
            "flat": quickest(
                lambda: numexpr.evaluate("(nJets >= 6) & (nBTags_77 >= 2) & (met > 50)", held)
            ),
            "arithmetic": quickest(
                lambda: numexpr.evaluate(
                    "(sqrt(met**2 + 2*met*nJets) > 90) & (where(nJets == 0, 0, met/nJets) < 20)",
                    held,
                )
            ),
        },
        "awkward, arrays in memory": {
            "jagged": quickest(lambda: ak.sum(lists > 30, axis=1) >= 4),
        },
    }
    for results in peers.values():
        for name, (_, mask) in results.items():
            if name != "arithmetic":  # numexpr rounds to float32 within
                assert np.array_equal(np.flatnonzero(ak.to_numpy(mask)), kept[name][1]), name
    if options.root is not None:
        path = out / f"cuts_{options.entries}.root"
        if not path.exists():
            write_root(path, columns)
        command = [options.root, "-c", ROOT_SCRIPT, path, FLAT, JAGGED, str(threads), str(NUM_RUNS)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for peer, results in json.loads(answer.splitlines()[-1]).items():
            peers[peer] = results
            for name, (_, num_passing) in results.items():
                assert num_passing == ours[name][1], (peer, name)

    num = options.entries / 1e6
    for name, (seconds, num_passing) in ours.items():
        print(f"\n{cuts[name]}: {num_passing / options.entries:.0%} pass, {threads} threads")
        print(f"  {num / seconds:7.1f} M entries/s counted by memmpy")
        print(f"  {num / kept[name][0]:7.1f} M entries/s selected and kept on disk by memmpy")
        for peer, results in peers.items():
            if name in results:
                other = results[name][0]
                ratio = f"memmpy counts {other / seconds:.2f} times as fast"
                print(f"  {num / other:7.1f} M entries/s {peer}; {ratio}")
    print(f"\nthe first of these from the cache: {again * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
