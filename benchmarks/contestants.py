"""What memmpy, uproot, ROOT and hepconvert do with files, each in a process of its own.

`conversion.py` runs this with a Python that has the package, gives it a job and reads the answer.
Seconds count from the first file that is opened until all is done, imports not, but that of Numba,
which memmpy does when it first needs it.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def run_memmpy(job: dict[str, Any], variant: str) -> dict[str, Any]:
    from concurrent.futures import Executor, ProcessPoolExecutor
    from contextlib import nullcontext

    import awkward  # noqa: F401 - as below, so that its import does not count
    import uproot  # noqa: F401

    from memmpy import RFileConfig, convert

    files = [RFileConfig(path, tree) for path, tree in job["files"]]
    store = Path(job["out"], "data.mmpy")
    start = time.perf_counter()
    pool: Any = nullcontext(None)
    if variant == "processes":
        pool = ProcessPoolExecutor(job["num_cores"])
    with pool as executor:
        assert executor is None or isinstance(executor, Executor)
        convert(files, store, keys=set(job["keys"]), work=executor)
    return {"seconds": time.perf_counter() - start}


def run_uproot(job: dict[str, Any], variant: str) -> dict[str, Any]:
    import awkward  # noqa: F401 - so that its import does not count
    import uproot

    if variant == "isal":
        # uproot.ZLIB.library, which its documentation names, says nothing to what reads (5.7.7).
        uproot.compression._decompress_ZLIB.library = "isal"
    seconds, sums = 0.0, dict.fromkeys(job["keys"], (0, 0))
    for path, tree in job["files"]:
        start = time.perf_counter()
        # Caches would keep what was read.
        with uproot.open(path, array_cache=None) as file:
            if file[tree].classname == "TTree":
                arrays = file[tree].arrays(job["keys"], library="ak", how=dict)
            else:
                found = file[tree].arrays(filter_name=job["keys"], library="ak")
                arrays = {key: found[key] for key in job["keys"]}
        seconds += time.perf_counter() - start
        sums = {key: added(sums[key], sum_of(values_of(arrays[key]))) for key in sums}
        del arrays
    return {"seconds": seconds, "sums": sums}


def run_root(job: dict[str, Any], variant: str) -> dict[str, Any]:
    import warnings

    warnings.simplefilter("ignore")
    import ROOT

    ROOT.gErrorIgnoreLevel = ROOT.kError
    ROOT.EnableImplicitMT(job["num_cores"])
    options = ROOT.RDF.RSnapshotOptions()
    if variant == "none":
        options.fCompressionAlgorithm = ROOT.RCompressionSetting.EAlgorithm.kUseGlobal
        options.fCompressionLevel = 0
    else:
        options.fCompressionAlgorithm = ROOT.RCompressionSetting.EAlgorithm.kZLIB
        options.fCompressionLevel = 1
    made = str(Path(job["out"], "data.root"))
    start = time.perf_counter()
    files = ROOT.RDF.Experimental.RDatasetSpec()
    for path, tree in job["files"]:
        files.AddSample((path, tree.partition(";")[0], path))
    ROOT.RDataFrame(files).Snapshot("data", made, job["keys"], options)
    return {"seconds": time.perf_counter() - start, "made": [made]}


def run_hepconvert(job: dict[str, Any], _variant: str) -> dict[str, Any]:
    import awkward
    import hepconvert

    made = [str(Path(job["out"], f"{i}.parquet")) for i in range(len(job["files"]))]
    start = time.perf_counter()
    for (path, tree), parquet in zip(job["files"], made, strict=True):
        hepconvert.root_to_parquet(
            path,
            parquet,
            tree=tree.partition(";")[0],
            keep_branches=job["keys"],
            force=True,
        )
    seconds = time.perf_counter() - start
    sums = dict.fromkeys(job["keys"], (0, 0))
    for key in sums:
        for parquet in made:
            values = awkward.from_parquet(parquet, columns=[key])[key]
            sums[key] = added(sums[key], sum_of(values_of(values)))
    return {"seconds": seconds, "sums": sums}


VERBS = {
    "memmpy": run_memmpy,
    "uproot": run_uproot,
    "root": run_root,
    "hepconvert": run_hepconvert,
}


def values_of(array: Any) -> Any:
    """Return all numbers of an awkward array, one after the other."""
    import awkward as ak
    import numpy as np

    numbers = np.asarray(ak.to_numpy(ak.flatten(array, axis=None)))
    return numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)


def counts_of(array: Any) -> Any:
    """Return the lengths of the lists of an awkward array, or None where it has none."""
    import awkward as ak
    import numpy as np

    # Fixed arrays have no counts.
    return np.asarray(ak.num(array), np.int64) if "var" in str(array.type) else None


def sum_of(values: Any) -> tuple[int, int]:
    """Return how many numbers there are, and the sum of their bits: their order does not matter."""
    import numpy as np

    bits = np.ascontiguousarray(values).reshape(-1)
    bits = bits.view(f"u{bits.dtype.itemsize}")
    return len(bits), int(bits.sum(dtype=np.uint64))


def added(one: Sequence[int], other: Sequence[int]) -> tuple[int, int]:
    """Return the `sum_of` two arrays."""
    return one[0] + other[0], (one[1] + other[1]) % 2**64


if __name__ == "__main__":
    verb, _, variant = sys.argv[1].partition(":")
    print(json.dumps(VERBS[verb](json.load(sys.stdin), variant)))
