"""Conversion of files, beside uproot, ROOT and hepconvert reading the same branches.

usage: python benchmarks/conversion.py [FOLDER ...] [--longer FOLDER] [--repeat 3] [--out DIR]
    [--root PYTHON] [--hepconvert PYTHON]

All ROOT files of a folder are one data set, of which all branches that hold numbers or lists of
them are kept as they are; toy events where no folder is given. A file whose name ends in
`_rntuple.root` is a data set of its own.

Everything is checked. Where a folder has a `truth.json` (written with the files, by what wrote
them), the columns must have the SHA-256 sums it says, and else those of what uproot reads. Later
rounds must give the same checksums, and what others make must hold the same values in any order.

Each contestant runs in a process of its own, one after the other, in each of several rounds. A
round before them, whose times do not count, reads the files into the page cache and finds the peak
memory: the proportional set size of all processes together, looked at every 50 ms.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants import added, counts_of, sum_of, values_of
from memory import Memory

#: What the counters of lists that uproot writes begin with.
COUNTER = "n__"
#: What a contestant runs.
SCRIPT = str(Path(__file__).with_name("contestants.py"))
#: What is promised: how many times as fast as uproot, bytes at most, and by how much more
#: for longer files.
SPEED, PEAK, GROWTH = 1.6, 1.5e9, 1.2


@dataclass(frozen=True)
class DataSet:
    """Files that are converted together: each with its tree, and the branches."""

    name: str
    files: list[tuple[str, str]]
    num_entries: list[int]
    keys: list[str]

    @property
    def all_entries(self) -> int:
        """Entries of all files."""
        return sum(self.num_entries)


@dataclass(frozen=True)
class Contestant:
    """Who does the work in a process of its own: a Python, and what it is told."""

    name: str
    python: str
    verb: str
    #: Whether one round is enough: it does something else, and takes long.
    is_for_the_record: bool = False


@dataclass(frozen=True)
class Run:
    """What came of one run: seconds, peak memory and what it answered."""

    seconds: float
    peak: float
    peak_private: float
    answer: dict[str, Any]


def sha256(values: Any) -> str | None:
    """Return the SHA-256 of the bytes of numbers."""
    import numpy as np

    if values is None:
        return None
    return hashlib.sha256(np.ascontiguousarray(values).reshape(-1).view(np.uint8)).hexdigest()


def truth_of(path: Path, tree: str, keys: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return the SHA-256 of the numbers and of the counts of each branch of a file."""
    import uproot

    known = path.with_name("truth.json")
    told = json.loads(known.read_text())["files"] if known.exists() else {}
    if path.name in told and set(keys) <= set(told[path.name]["branches"]):
        branches, counts = told[path.name]["branches"], told[path.name]["counts"]
        return {
            key: (branches[key]["sha256"], counts.get(key.split("_")[0], {}).get("sha256_i8"))
            for key in keys
        }
    truth = {}
    with uproot.open(path, array_cache=None) as file:
        for key in keys:
            array = file[tree].arrays(filter_name=key)[key]
            truth[key] = (sha256(values_of(array)), sha256(counts_of(array)))
    return truth


def check_store(store: Path, data: DataSet) -> dict[str, tuple[int, int]]:
    """Compare a store with the truth, and return the sum of each column."""
    import numpy as np

    import memmpy
    from memmpy import ReadJagged

    columns = dict(memmpy.open(store))
    sums = dict.fromkeys(data.keys, (0, 0))
    entry = 0
    for (path, tree), num_entries in zip(data.files, data.num_entries, strict=True):
        truth = truth_of(Path(path), tree, data.keys)
        for key in data.keys:
            rows: Any = columns[key][entry : entry + num_entries]
            assert len(rows) == num_entries, (path, key)
            counts = None
            if isinstance(columns[key], ReadJagged):
                rows, counts = rows.content, np.asarray(rows.counts, np.int64)
            assert truth[key] == (sha256(rows), sha256(counts)), (path, key)
            sums[key] = added(sums[key], sum_of(np.asarray(rows)))
        entry += num_entries
    assert all(len(column) == entry for column in columns.values())
    return sums


def checksums(store: Path) -> dict[tuple[str, str], str]:
    """Return the checksums of the arrays of a store, as it says."""
    from memmpy.store import read_metadata

    return {
        (key, role): array.checksum
        for key, column in read_metadata(store).columns.items()
        for role, array in column.arrays.items()
    }


def sums_of_root(paths: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the sum of each branch of files that ROOT wrote."""
    import uproot

    sums = dict.fromkeys(keys, (0, 0))
    for path in paths:
        with uproot.open(path, array_cache=None) as file:
            for key in keys:
                array = file["data"][key].array(library="ak")
                sums[key] = added(sums[key], sum_of(values_of(array)))
    return sums


def run(contestant: Contestant, data: DataSet, out: Path, *, watch: bool) -> Run:
    """Let a contestant do the work in a folder, in a process of its own."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    os.sync()  # what others wrote shall not be in the way
    job = {
        "files": data.files,
        "keys": data.keys,
        "out": str(out),
        "num_cores": len(os.sched_getaffinity(0)),
    }
    command = [contestant.python, SCRIPT, contestant.verb]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        if watch:
            with Memory(process.pid) as memory:
                answer, errors = process.communicate(json.dumps(job))
            peaks = memory.peak, memory.peak_private
        else:
            answer, errors = process.communicate(json.dumps(job))
            peaks = 0.0, 0.0
    if process.returncode:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise ChildProcessError(f"{contestant.name}: {last}")
    answered = json.loads(answer.splitlines()[-1])
    return Run(answered["seconds"], *peaks, answered)


def check(made: Run, data: DataSet, out: Path, expected: Mapping[str, Sequence[int]]) -> None:
    """Check that a contestant that is no memmpy has read the same numbers."""
    sums = made.answer.get("sums") or sums_of_root(made.answer["made"], data.keys)
    for key in data.keys:
        assert tuple(sums[key]) == tuple(expected[key]), (out, key)


def first_round(
    contestants: Sequence[Contestant], data: DataSet, out: Path
) -> tuple[dict[str, Run], dict[str, dict[tuple[str, str], str]]]:
    """Check all answers, and measure memory; return runs, and the checksums of stores."""
    runs, sums, marks = {}, {}, {}
    for contestant in contestants:
        is_memmpy = contestant.verb.startswith("memmpy")
        try:
            made = run(contestant, data, out, watch=True)
        except ChildProcessError as error:
            if is_memmpy or contestant.verb == "uproot":
                raise
            print(f"  FAILED {error}")
            continue
        if is_memmpy:
            sums = check_store(out / "data.mmpy", data)
            marks[contestant.name] = checksums(out / "data.mmpy")
            assert marks[contestant.name] == next(iter(marks.values()))
        else:
            check(made, data, out, sums)
        runs[contestant.name] = made
    return runs, marks


def compare(
    contestants: Sequence[Contestant], data: DataSet, out: Path, *, num_rounds: int
) -> dict[str, Run]:
    """Run all, print rates and ratios, and return the runs of which memory was measured."""
    for path, _ in data.files:
        hashlib.sha256(Path(path).read_bytes())  # into the page cache
    num_bytes = sum(Path(path).stat().st_size for path, _ in data.files)
    print(
        f"\n{data.name}: {len(data.files)} files, {data.all_entries:,} entries, "
        f"{len(data.keys)} branches, {num_bytes / 1e6:.0f} MB"
    )
    runs, marks = first_round(contestants, data, out)
    num_stored = 0
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(num_rounds):
        for contestant in contestants:
            if contestant.name not in runs or (number and contestant.is_for_the_record):
                continue
            made = run(contestant, data, out, watch=False)
            seconds[contestant.name].append(made.seconds)
            if contestant.name in marks:
                assert checksums(out / "data.mmpy") == marks[contestant.name]
                num_stored = sum(one.stat().st_size for one in (out / "data.mmpy").glob("*"))
    limit = seconds_to_write(out / "zeros", num_stored)
    print(f"  the disk takes {limit:.2f} s for the {num_stored / 1e6:.0f} MB of the store alone")
    shutil.rmtree(out)
    ours = seconds[contestants[0].name]
    for name, theirs in seconds.items():
        rate = data.all_entries / statistics.median(theirs) / 1e6
        # Those of one round ran right after each other.
        ratios = sorted(other / our for our, other in zip(ours, theirs, strict=False))
        ratio = ""
        if name != contestants[0].name:
            ratio = (
                f"; {contestants[0].name} is {statistics.median(ratios):.2f} times as fast "
                f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )
        values = " ".join(f"{value:.2f}" for value in theirs)
        print(
            f"  {rate:6.3f} M events/s {name}: {values} s; peak {runs[name].peak / 1e6:.0f} MB, "
            f"{runs[name].peak_private / 1e6:.0f} MB without pages of files{ratio}",
            flush=True,
        )
    ratio = statistics.median(
        [other / our for our, other in zip(ours, seconds[contestants[1].name], strict=True)]
    )
    peak = runs[contestants[0].name].peak
    said(f"at least {SPEED} times as fast as uproot", f"{ratio:.2f}", holds=ratio >= SPEED)
    said(f"peak at most {PEAK / 1e9} GB", f"{peak / 1e9:.2f} GB", holds=peak <= PEAK)
    return runs


def seconds_to_write(file: Path, num_bytes: int) -> float:
    """Return the least time of three in which the disk takes some bytes: the limit of all."""
    block, times = bytes(1 << 23), []
    for _ in range(3):
        start = time.perf_counter()
        with file.open("wb") as stream:
            for _ in range(0, num_bytes, len(block)):
                stream.write(block)
            os.fsync(stream.fileno())
        times.append(time.perf_counter() - start)
        file.unlink()
    return min(times)


def data_sets(folder: Path) -> list[DataSet]:
    """Return the files of a folder, as one data set, and each RNTuple beside them as another."""
    all_files = sorted(folder.glob("*.root"))
    if not all_files:
        raise SystemExit(f"no ROOT files in {str(folder)!r}")
    apart = [path for path in all_files if path.stem.endswith("_rntuple")]
    together = [path for path in all_files if path not in apart]
    groups = [(str(folder), together)] if together else []
    groups += [(str(path), [path]) for path in apart]
    return [data_set(name, paths) for name, paths in groups]


def data_set(name: str, paths: Sequence[Path]) -> DataSet:
    """Return files with their trees, and the branches of all that hold numbers."""
    from memmpy.errors import MemmpyError
    from memmpy.sources import ByteSource
    from memmpy.sources.root import TreeFile

    files, num_entries, keys = [], [], None
    for path in paths:
        with closing(TreeFile(ByteSource(str(path)), None)) as tree:
            files.append((str(path.absolute()), tree.tree))
            num_entries.append(tree.num_entries)
            found = []
            for branch in tree.branches():
                try:
                    kind = tree.type_of(branch).kind
                except MemmpyError:
                    continue
                if kind in {"vector", "jagged"} and not branch.startswith(COUNTER):
                    found.append(branch)
            keys = found if keys is None else [key for key in keys if key in found]
    assert keys
    return DataSet(name, files, num_entries, keys)


def toy_files(folder: Path, num_events: int) -> Path:
    """Write toy events, unless they are there."""
    from memmpy.demo import demo_files, write_demo_files

    if not all((folder / name).exists() for name, _, _ in demo_files()):
        write_demo_files(folder, num_events=num_events, seed=1)
    return folder


def said(question: str, value: str, *, holds: bool) -> None:
    """Print whether what the issue asks for holds in this run."""
    print(f"  {'yes' if holds else 'NO '} {question}: {value}")


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*", help="toy events where none is given")
    parser.add_argument("--events", type=int, default=250_000, help="of each file of toy events")
    parser.add_argument("--longer", type=Path, help="files like the first folder's, but longer")
    parser.add_argument("--repeat", type=int, default=3, help="rounds of which times count")
    parser.add_argument("--out", type=Path, help="the disk to write to")
    parser.add_argument("--root", help="a Python that can import ROOT, to run RDataFrame.Snapshot")
    parser.add_argument("--hepconvert", help="a Python with hepconvert and pyarrow")
    options = parser.parse_args()
    here = sys.executable
    memmpy = [
        Contestant("memmpy", here, "memmpy"),
        Contestant("memmpy, processes", here, "memmpy:processes"),
    ]
    peers = [Contestant("uproot.arrays", here, "uproot")]
    peers += [Contestant("uproot.arrays that inflates with isal", here, "uproot:isal")]
    writers = []
    if options.root:
        for variant in ("zlib 1", "none"):
            name = f"RDataFrame.Snapshot, compression {variant}"
            writers.append(Contestant(name, options.root, f"root:{variant}", True))
    if options.hepconvert:
        writers.append(Contestant("hepconvert to Parquet", options.hepconvert, "hepconvert", True))

    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory(dir=options.out, prefix="conversion_") as temporary:
        out = Path(temporary, "out")
        toys = Path(temporary, "toys")
        folders = options.folders or [toy_files(toys, options.events)]
        first: Run | None = None
        for folder in folders:
            for data in data_sets(folder):
                known = [memmpy[0], peers[0], memmpy[1], *peers[1:]]
                if len(data.files) > 1:
                    known += writers
                runs = compare(known, data, out, num_rounds=options.repeat)
                first = first or runs[memmpy[0].name]
        if options.longer is not None and first is not None:
            data = data_sets(options.longer)[0]
            runs = compare([memmpy[0], peers[0]], data, out, num_rounds=1)
            longer = runs[memmpy[0].name]
            said(
                f"the same peak within {GROWTH - 1:.0%} for longer files",
                f"{longer.peak / first.peak:.2f} times as much, and "
                f"{longer.peak_private / first.peak_private:.2f} without pages of files",
                holds=longer.peak <= GROWTH * first.peak,
            )


if __name__ == "__main__":
    main()
