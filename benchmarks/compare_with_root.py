"""Whether memmpy reads what uproot and ROOT read, branch by branch, of any ROOT files.

usage: python benchmarks/compare_with_root.py FILE ... [--entries 500] [--all]

Reads the first entries of every branch of every tree with memmpy and uproot, and with ROOT where
the Python that runs this can import it, and compares all values: their bits with those of uproot,
and as float64 with those of ROOT. Prints each branch that differs or that memmpy does not read, and
why; with --all the others too; and the files at which ROOT crashes. Ends with 1 if memmpy differs
from ROOT, or from uproot where ROOT cannot tell.
"""

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from multiprocessing import active_children, get_context
from typing import Any

import awkward as ak
import numpy as np
import uproot

from memmpy.errors import MemmpyError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile

try:
    import ROOT
except ImportError:
    ROOT = None

#: Seconds that a file may take.
TIMEOUT = 120

TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")


def flat(values: Any) -> tuple[list[int], Any]:
    """Return how many values each entry has, and all values in one array."""
    if isinstance(values, Jagged):
        per_item = int(np.prod(values.content.shape[1:]))
        return (values.counts * per_item).tolist(), values.content.ravel()
    if isinstance(values, np.ndarray):
        return [int(np.prod(values.shape[1:]))] * len(values), values.ravel()
    plain = ak.without_parameters(values)
    counts = [len(ak.flatten(ak.Array([entry]), axis=None)) for entry in plain]
    return counts, ak.to_numpy(ak.flatten(plain, axis=None))


def same(one: tuple[list[int], Any], other: tuple[list[int], Any], *, bits: bool) -> str:
    """Return nothing if both hold the same, or what differs."""
    (counts, values), (other_counts, others) = one, other
    if counts != other_counts:
        entry = next(
            (i for i, (a, b) in enumerate(zip(counts, other_counts, strict=False)) if a != b), -1
        )
        return f"lengths from entry {entry}: {counts[entry:][:3]}, not {other_counts[entry:][:3]}"
    if bits and values.dtype == others.dtype and values.tobytes() == others.tobytes():
        return ""
    values, others = values.astype(np.float64), others.astype(np.float64)
    wrong = np.flatnonzero(~((values == others) | (np.isnan(values) & np.isnan(others))))
    if not len(wrong):
        return ""
    i = int(wrong[0])
    return f"{len(wrong)} of {len(values)} values, such as {values[i]!r}, not {others[i]!r}"


def by_root(tree: Any, branch: str, num: int) -> tuple[list[int], Any] | str:
    """Return what ROOT draws of a branch of a TTree, or why it draws nothing."""
    name = branch.rpartition("/")[2].partition("[")[0]
    leaf = tree.FindLeaf(name)
    if not leaf:
        return "ROOT finds no such leaf"
    if sum(other.GetName() == leaf.GetName() for other in tree.GetListOfLeaves()) > 1:
        return "ROOT draws one of several leaves of this name"
    if leaf.GetBranch().GetListOfLeaves().GetEntries() > 1:
        return "ROOT draws one leaf of several"
    if leaf.GetName().endswith("fBits"):
        return "ROOT sets bits of objects as it reads them"
    kind = leaf.GetTypeName()
    is_array = leaf.GetLenStatic() > 1 or bool(leaf.GetLeafCount())
    is_text = "tring" in kind or "char*" in kind or leaf.IsA().GetName() == "TLeafC"
    if is_text or (kind == "Char_t" and is_array):
        return "ROOT draws texts as their lengths"
    if not name.replace("_", "").replace(".", "").isalnum():
        return "ROOT cannot draw the name"
    if "map<" in kind or kind.count("vector<") > 2:
        return "ROOT draws no maps, and lists of two levels at most"
    tree.SetEstimate(1 << 22)
    tree.SetMaxEntryLoop(num)  # some writers set it to 0
    if tree.Draw(f"{name}:Entry$", "", "goff", num) < 0:
        return "ROOT cannot draw it"
    selected = tree.GetSelectedRows()
    if selected > 1 << 22:
        return "too many values to draw"
    if not selected:
        return [0] * num, np.empty(0)
    values = np.frombuffer(tree.GetV1(), np.float64, selected).copy()
    entries = np.frombuffer(tree.GetV2(), np.float64, selected).astype(int)
    return np.bincount(entries, minlength=num).tolist(), values


def by_leaf(path: str, name: str, branch: str, num: int) -> tuple[list[int], Any]:
    """Return what ROOT reads of a leaf, entry by entry: it draws some as zeros, or in part."""
    file = ROOT.TFile.Open(path)
    tree = file.Get(name)
    leaf = tree.FindLeaf(branch.rpartition("/")[2].partition("[")[0])
    counts, values = [], []
    for entry in range(num):
        tree.GetEntry(entry)
        counts.append(leaf.GetLen())
        values += [leaf.GetValue(i) for i in range(leaf.GetLen())]
    file.Close()
    return counts, np.array(values)


def frames(path: str, name: str, branches: list[str], num: int) -> dict[str, Any]:
    """Return fields of an RNTuple by RDataFrame."""
    try:
        frame = ROOT.RDataFrame(name.partition(";")[0], path).Range(num)
        known = {str(column) for column in frame.GetColumnNames()}
        columns = frame.AsNumpy([branch for branch in branches if branch in known])
    except Exception as error:  # noqa: BLE001 - of C++
        return {"": str(error).partition("\n")[0]}
    found = {}
    for branch, values in columns.items():
        with suppress(TypeError, ValueError):  # texts and records
            entries = [np.ravel(np.asarray(entry)) for entry in values]
            found[branch] = [len(e) for e in entries], np.concatenate(entries).astype(np.float64)
    return found


def compare(path: str, name: str, num: int) -> Iterator[tuple[str, str, str]]:
    """Yield branch, verdict and why."""
    with (
        closing(TreeFile(ByteSource(path), name)) as file,
        uproot.open({path: None}, array_cache=None) as other,
    ):
        num = min(num, file.num_entries)
        is_ntuple = other.classname_of(name) == "ROOT::RNTuple"
        branches = file.branches()
        root_file = ROOT.TFile.Open(path) if ROOT and not is_ntuple else None
        tree = root_file.Get(name) if root_file else None
        fields = frames(path, name, branches, num) if ROOT and is_ntuple else {}
        for branch in branches:
            try:
                [(_, values)] = file.read([branch], 0, num)
            except MemmpyError as error:
                yield branch, type(error).__name__, str(error).replace(file.path, "FILE")
                continue
            ours = flat(values)
            truth: Any = "no ROOT"
            if tree:
                truth = by_root(tree, branch, num)
            elif is_ntuple:
                truth = fields.get(branch, fields.get("", "RDataFrame gives no numbers"))
            try:
                theirs = flat(other[name][branch].array(entry_stop=num))
                uproot_differs = same(ours, theirs, bits=True)
            except Exception as error:  # noqa: BLE001 - it fails in many ways
                uproot_differs = f"uproot fails: {str(error).strip().partition(chr(10))[0]}"
            if not isinstance(truth, str) and not len(truth[1]) and sum(ours[0]):
                truth = "ROOT draws nothing"
            if isinstance(truth, str):
                if uproot_differs:
                    yield branch, "differs from uproot", f"{uproot_differs}; {truth}"
                else:
                    yield branch, "as uproot", truth
                continue
            root_differs = same(ours, truth, bits=False)
            if (
                root_differs
                and tree
                and not same(ours, by_leaf(path, name, branch, num), bits=False)
            ):
                root_differs = ""
            if root_differs:
                also = "" if uproot_differs else "; uproot gives the same as memmpy"
                yield branch, "DIFFERS FROM ROOT", root_differs + also
            else:
                yield branch, "as ROOT", uproot_differs and f"uproot differs: {uproot_differs}"


def report(path: str, num: int, *, is_long: bool) -> Counter[str]:
    """Print what is to be said of a file, and return how many branches each verdict has."""
    warnings.simplefilter("ignore")
    if ROOT:
        ROOT.gErrorIgnoreLevel = ROOT.kFatal
    counts: Counter[str] = Counter()
    with uproot.open({path: None}) as file:
        classes = file.classnames(recursive=True)
    for tree in [key for key, kind in classes.items() if kind in TREES]:
        for branch, verdict, why in compare(path, tree, num):
            counts[verdict] += 1
            if is_long or (why and verdict != "as uproot"):
                print(f"{path}:{tree} {branch}: {verdict}: {why}", flush=True)
    return counts


def main() -> int:
    """Compare all files, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    spawn, sums = get_context("spawn"), Counter[str]()
    pool = ProcessPoolExecutor(1, mp_context=spawn)
    for path in arguments.files:
        try:
            future = pool.submit(report, path, arguments.entries, is_long=arguments.all)
            sums += future.result(timeout=TIMEOUT)
        except Exception as error:  # noqa: BLE001, PERF203 - of any library
            print(f"{path}: not compared: {type(error).__name__} {error}", flush=True)
            sums["in files not compared to their end (files)"] += 1
            if isinstance(error, BrokenProcessPool | TimeoutError):
                for process in active_children():  # which may hang in the midst of a crash
                    process.kill()
                pool = ProcessPoolExecutor(1, mp_context=spawn)
    for verdict, num in sums.most_common():
        print(f"{num:7} branches: {verdict}")
    return int(any("differs" in verdict.lower() for verdict in sums))


if __name__ == "__main__":
    sys.exit(main())
