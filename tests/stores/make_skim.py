"""How `skim-1` and `skim-2` were made: a store, and a skim with groups, single keys and a cut."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from memmpy import Splits, WriteJagged, WriteVector, skim
from memmpy.store import LOCK, Transaction

#: What the skim was asked for.
ASKED: dict[str, Any] = {
    "keys": ["event", "jet_id"],
    "keys_padded": {"jet_pt": (2, -1.0), "jet_e": (2, 0.0)},
    "groups": {"jets": ["jet_pt", "jet_e"], "hits": ["hit_x", "hit_y"], "net": ["met", "nJets"]},
    "cut": "met > 15",
    "dtype": {"net": "float32"},
    "splits": Splits("file", seed=5),
}


def main() -> None:
    """Write the store and the skim."""
    path = Path(sys.argv[1])
    lists = [np.array([50.0, 30.0, 20.0]), np.array([]), np.array([80.0]), np.array([1.5, 2.5])]
    vectors = {
        "met": np.array([10.5, 20.25, 30.0, 40.5], np.float32),
        "nJets": np.array([3, 0, 1, 2], np.int32),
        "event": np.array([2**63, 2**53 + 1, 7, 2**64 - 1], np.uint64),
    }
    with Transaction(path) as transaction:
        for key, values in vectors.items():
            with WriteVector(path, key, transaction=transaction) as vector:
                vector.extend(values)
        for factor, key in enumerate(["jet_pt", "jet_e", "hit_x", "hit_y"], start=1):
            with WriteJagged(path, key, transaction=transaction) as jagged:
                jagged.extend([factor * values.astype(np.float32) for values in lists])
        with WriteJagged(path, "jet_id", transaction=transaction) as jagged:
            jagged.extend([values.astype(np.int16) for values in lists])
    skim(path, **ASKED, progress=False)
    for lock in [path / LOCK, *path.glob("skims/*.lock")]:
        lock.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
