"""Ask ROOT which entries pass the selections of root_selections.py, and keep its answers.

Run it with a Python that has ROOT: ``python -m tests.cuts.root_referee [folder of the files]``.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.cuts.root_selections import CASES

__all__ = ["digest", "freeze", "passing_entries", "root_version"]

HERE = Path(__file__).parent
REAL_DATA = HERE.parents[2] / "shared" / "data"
ANSWERS = HERE / "root_selections.json"


def passing_entries(path: Path, tree: str, cut: str) -> NDArray[np.int64]:
    """Return the entries that ROOT's ``TTree::Draw`` selects, in order.

    Raises
    ------
    OSError
        The file does not open, or has no such tree.
    ValueError
        ROOT does not take the selection as a formula.
    """
    root = _root()
    with root.TFile.Open(str(path)) as file:
        events = file.Get(tree)
        if not events:
            raise OSError(f"{path} has no tree {tree!r}")
        root.gROOT.cd()
        root.gDirectory.Delete("referee;*")
        num_selected = events.Draw(">>referee", cut, "entrylist")
        selected = root.gDirectory.Get("referee")
        if num_selected < 0 or not selected:
            raise ValueError(f"ROOT cannot compile {cut!r} for tree {tree!r} of {path.name}")
        # GetEntry(i) goes on from the last one asked for, so this is not quadratic.
        entries = np.fromiter(
            (selected.GetEntry(position) for position in range(selected.GetN())), np.int64
        )
        root.gDirectory.Delete("referee;*")
    return entries


def digest(entries: NDArray[np.int64]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of little-endian int64 entries."""
    return hashlib.sha256(entries.astype("<i8").tobytes()).hexdigest()[:16]


def root_version() -> str:
    """Return ROOT's version, like ``6.40.00``."""
    return str(_root().gROOT.GetVersion())


def freeze(folder: Path = REAL_DATA) -> None:
    """Run all cases and write root_selections.json, one line a case."""
    lines = []
    for case in CASES:
        path = folder / case.file
        with _root().TFile.Open(str(path)) as file:
            num_entries = int(file.Get(case.tree).GetEntries())
        entries = passing_entries(path, case.tree, case.cut)
        answer = {
            "file": case.file,
            "tree": case.tree,
            "cut": case.cut,
            "num_entries": num_entries,
            "num_passing": len(entries),
            "digest": digest(entries),
        }
        lines.append(json.dumps(answer, separators=(",", ":")))
    cases = ",\n".join(lines)
    text = f'{{"root":"{root_version()}","cases":[\n{cases}\n]}}\n'
    ANSWERS.write_text(text, encoding="utf-8")


def _root() -> Any:  # ROOT has no types
    """Return ROOT, quiet and without windows; only this module's users need it."""
    import ROOT  # type: ignore[import-not-found, unused-ignore]

    ROOT.gROOT.SetBatch(True)
    ROOT.gErrorIgnoreLevel = ROOT.kFatal
    return ROOT


if __name__ == "__main__":
    freeze(*map(Path, sys.argv[1:2]))
