"""What the page of costs computes with: how fast one core decodes, and what opening a file costs.

usage: python benchmarks/costs.py [NAME=FILE[:TREE] ...] [--events 500000] [--repeat 3]
    [--wide FILE --tree TREE --copies 200] [--out DIR]

Converts toy events that uproot wrote in each compression, and the files given, all branches that
hold numbers or lists of them, on one thread. Prints a table for docs/explanation/costs.md: bytes
of baskets decoded in a second of CPU time, and bytes stored for each; the CPU time of a file, when
three of 1,500 branches of copies are converted, against the time in which uproot opens the tree;
what the disk takes, the median of the rounds; the memory of a process of one thread. Else the best
of the rounds counts: others may be at work on the machine. Columns are compared with what uproot
reads.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

#: Branches of the tree that is only looked at.
NUM_BRANCHES = 1500
#: Bytes that are written to see how fast the disk is.
NUM_BYTES = 1 << 30
STEP = 50_000


def toy_files(folder: Path, num_events: int) -> dict[str, tuple[Path, str | None]]:
    """Write toy events in each compression, and return the files by what they are called."""
    import awkward as ak
    import numpy as np
    import uproot

    from memmpy.demo import make_events

    tables = [
        make_events("ttH", "mc16d", STEP, seed=0, first_event=first)
        for first in range(0, num_events, STEP)
    ]
    types = {
        key: values.dtype if isinstance(values, np.ndarray) else values.type
        for key, values in tables[0].items()
    }

    def ttree(file: Any) -> Any:
        return file.mktree("tree", types, counter_name=lambda key: f"n__{key}")

    def rntuple(file: Any) -> Any:
        return file.mkrntuple("tree", ak.Array(tables[0]).layout.form)

    kinds = {
        "TTree, zlib, written by uproot": (ttree, dict, uproot.ZLIB(1)),
        "TTree, LZ4": (ttree, dict, uproot.LZ4(4)),
        "TTree, ZSTD": (ttree, dict, uproot.ZSTD(5)),
        "TTree, LZMA": (ttree, dict, uproot.LZMA(7)),
        "RNTuple, ZSTD": (rntuple, ak.Array, uproot.ZSTD(5)),
    }
    files: dict[str, tuple[Path, str | None]] = {}
    for number, (name, (make, taken, compression)) in enumerate(kinds.items()):
        path = folder / f"{number}.root"
        with uproot.recreate(path, compression=compression) as file:
            written = make(file)
            for table in tables:
                written.extend(taken(table))
        files[name] = path, "tree"
    return files


def wide_file(folder: Path) -> Path:
    """Write a tree of many branches."""
    import numpy as np
    import uproot

    path = folder / "wide.root"
    with uproot.recreate(path) as file:
        branches = {f"branch_{i}": np.zeros(100, np.float32) for i in range(NUM_BRANCHES)}
        file.mktree("tree", dict.fromkeys(branches, "float32")).extend(branches)
    return path


def keys_of(path: Path, tree: str | None, folder: Path) -> list[str]:
    """Return the branches that hold numbers or lists of them, but for the counters of lists."""
    from memmpy import RFileConfig, plan_conversion

    columns = plan_conversion(RFileConfig(path, tree), folder / "none.mmpy", keys={"*"}).columns
    kinds = {column.key: column.layout.kind for column in columns}
    return [n for n, kind in kinds.items() if kind in {"vector", "jagged"} and n[:3] != "n__"]


def measure(path: str, tree: str | None, keys: list[str], store: str) -> dict[str, float]:
    """Convert on one thread, and return CPU seconds, bytes read and stored, and memory."""
    import awkward  # noqa: F401 - so that their imports do not count
    import numba  # noqa: F401
    import uproot  # noqa: F401

    from memmpy import RFileConfig, convert, plan_conversion

    given = RFileConfig(path, tree)
    plan = plan_conversion(given, store, keys=set(keys))
    with ThreadPoolExecutor(1) as executor:
        start = time.process_time()
        convert(given, store, keys=set(keys), work=executor, progress=False)
        seconds = time.process_time() - start
    stored = sum(file.stat().st_size for file in Path(store).glob("*.npy"))
    # Not what getrusage says, which counts what the parent had when this process was forked.
    peak = 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    return {"seconds": seconds, "packed": plan.bytes_packed, "stored": stored, "peak": peak}


def check(path: Path, keys: list[str], store: Path) -> None:
    """Compare each column with what uproot reads."""
    import awkward as ak
    import uproot

    import memmpy
    from memmpy.store import read_metadata

    columns = memmpy.open(store)
    [source] = read_metadata(store).sources
    with uproot.open(path) as file:
        found = file[source.tree].arrays(filter_name=keys)
    for key in keys:
        column: Any = columns[key]
        ours = column[:].to_awkward() if hasattr(column, "counts") else column
        assert ak.array_equal(found[key], ours, check_parameters=False), key


def copies_of(path: Path, folder: Path, num: int) -> list[Path]:
    """Write copies of a ROOT file, each with a UUID of its own."""
    import uproot

    content = bytearray(path.read_bytes())
    with uproot.open({str(path): None}) as file:
        start = content.index(file.file.uuid.bytes)
    copies = [folder / f"copy_{number}.root" for number in range(num)]
    for copy in copies:
        content[start : start + 16] = uuid.uuid4().bytes
        copy.write_bytes(content)
    return copies


def open_seconds(path: Path, tree: str | None, folder: Path, num: int) -> tuple[float, float]:
    """Return CPU seconds a file: to convert three branches of copies, and to open them by uproot.

    The entries of the copies should be few.
    """
    import numpy as np
    import uproot

    from memmpy import RFileConfig, convert, read_vector

    keys = keys_of(path, tree, folder)[:3]
    copies, store = copies_of(path, folder, num), folder / "copies.mmpy"
    convert(RFileConfig(path, tree), folder / "warm.mmpy", keys=set(keys), progress=False)
    start = time.process_time()
    done = convert(
        [RFileConfig(copy, tree) for copy in copies], store, keys=set(keys), progress=False
    )
    ours = (time.process_time() - start) / num
    few, theirs = copies[:5], 0.0
    for copy in few:
        start = time.process_time()
        with uproot.open({str(copy): None}) as file:
            branches = file[tree or "tree"]
            theirs += (time.process_time() - start) / len(few)
            expected = branches[keys[0]].array(library="np")
    if expected.dtype != object:
        assert np.array_equal(read_vector(store, keys[0])[-len(expected) :], expected)
    assert done.num_entries == num * len(expected)
    for place in (*copies, store, folder / "warm.mmpy"):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    return ours, theirs


def write_rate(folder: Path) -> float:
    """Return the bytes a second that the disk takes."""
    block = os.urandom(1 << 24)
    start = time.perf_counter()
    with (folder / "noise").open("wb") as file:
        for _ in range(0, NUM_BYTES, len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    (folder / "noise").unlink()
    return NUM_BYTES / seconds


def in_a_process(job: Mapping[str, Any]) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--job", json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure all, and print it as the page has it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="NAME=FILE or NAME=FILE:TREE")
    parser.add_argument("--events", type=int, default=500_000, help="toy events; 0 for none")
    parser.add_argument("--repeat", type=int, default=3, help="rounds, of which the best counts")
    parser.add_argument("--wide", type=Path, help="a file of many branches, to look at")
    parser.add_argument("--tree", help="its tree")
    parser.add_argument("--copies", type=int, default=200, help="copies of it to convert")
    parser.add_argument("--out", type=Path, help="the disk to write to")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(measure(**options.job)))
        return
    with tempfile.TemporaryDirectory(dir=options.out, prefix="costs_") as temporary:
        folder = Path(temporary)
        files = toy_files(folder, options.events) if options.events else {}
        for given in options.files:
            name, _, place = given.partition("=")
            path, _, tree = place.partition(":")
            files[name] = Path(path), tree or None
        peaks = []
        print('"rates": {')
        for name, (path, tree) in files.items():
            keys = keys_of(path, tree, folder)
            runs = []
            for number in range(options.repeat):
                store = folder / f"{number}.mmpy"
                job = {"path": str(path), "tree": tree, "keys": keys, "store": str(store)}
                runs.append(in_a_process(job))
            check(path, keys, folder / "0.mmpy")
            for number in range(options.repeat):
                shutil.rmtree(folder / f"{number}.mmpy")
            best = min(runs, key=lambda run: run["seconds"])
            rate, growth = best["packed"] / best["seconds"], best["stored"] / best["packed"]
            peaks.append(max(run["peak"] for run in runs))
            print(f'    "{name}": ({rate / 1e6:.0f}e6, {growth:.2f}),  # {peaks[-1] / 1e6:.0f} MB')
        print("},")
        wide = (options.wide, options.tree) if options.wide else (wide_file(folder), None)
        runs = [open_seconds(*wide, folder, options.copies) for _ in range(options.repeat)]
        seconds, by_uproot = map(min, zip(*runs, strict=True))
        ratio = by_uproot / seconds
        print(f'"open": {seconds:.3f},  # uproot: {by_uproot:.3f}, {ratio:.1f} times as much')
        assert ratio >= 5, "opening should take at most a fifth of what it takes uproot"
        writes = sorted(write_rate(folder) for _ in range(options.repeat))
        print(f'"write": {statistics.median(writes) / 1e6:.0f}e6,')
        print(f'"worker": {max(peaks, default=0) / 1e6:.0f}e6,')


if __name__ == "__main__":
    main()
