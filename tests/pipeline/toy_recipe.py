"""Toy files for the recipe of the docs, and that recipe."""

import re
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recipe.md"
#: The recipe that the page shows.
EXAMPLE: str = re.findall(r"```toml\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]


def toy_events(num: int, *, seed: int) -> dict[str, Any]:
    """Return the branches that the recipe uses."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.5, num)
    return {
        "run": np.ones(num, np.uint32),
        "event": np.arange(num, dtype=np.uint64),
        "genWeight": rng.choice([1.0, 1.0, 1.0, -1.0], num).astype(np.float32),
        "npv": rng.integers(1, 60, num).astype(np.int32),
        "met": rng.exponential(30, num).astype(np.float32),
        "pt_1": (15 + rng.exponential(30, num)).astype(np.float32),
        "pt_2": (15 + rng.exponential(20, num)).astype(np.float32),
        "iso_1": rng.uniform(0, 0.2, num).astype(np.float32),
        "jet_pt": ak.unflatten(rng.exponential(50, counts.sum()).astype(np.float32), counts),
        "jet_eta": ak.unflatten(rng.normal(0, 1.5, counts.sum()).astype(np.float32), counts),
    }


def write_toy_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Write the files of both processes into a folder, and return their events."""
    events = {"ggH": toy_events(300, seed=1), "DY": toy_events(700, seed=2)}
    for process, branches in events.items():
        (folder / process).mkdir(parents=True)
        with uproot.recreate(folder / process / "a.root") as file:
            types = {
                key: values.type if isinstance(values, ak.Array) else values.dtype
                for key, values in branches.items()
            }
            file.mktree("Events", types).extend(branches)
            file.mktree("Runs", {"genEventSumw": "f8"}).extend(
                {"genEventSumw": np.array([2.0 * len(branches["run"])])}
            )
    return events
