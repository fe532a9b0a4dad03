"""Tests of findings on skims and padded columns."""

import warnings
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Audit, Finding
from tests.conftest import CLIPS, EMPTIES

pytestmark = [CLIPS, EMPTIES]

NUM = 400


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of events, the i-th of which has i % 5 jets."""
    random = np.random.default_rng(0)
    counts = np.arange(NUM) % 5
    x = random.normal(size=NUM).astype(np.float32)
    x[:3] = np.nan
    x[3] = np.inf
    events = {
        "event": np.arange(NUM),
        "x": x,
        "side": np.where(np.arange(NUM) < 100, 1.0, x.astype(np.float64)),
        "pt": ak.unflatten(random.exponential(30, counts.sum()).astype(np.float32), counts),
    }
    with uproot.recreate(tmp_path / "a.root") as file:
        file["t"] = events
    memmpy.convert(
        tmp_path / "a.root",
        tmp_path / "s",
        keys={"event", "x", "side", "pt"},
        keys_padded={"pt_padded": (3, 0)},
        aliases={"pt_padded": "pt"},
        progress=False,
    )
    return tmp_path / "s"


def of_kind(done: Audit, *kinds: str) -> set[tuple[str, str, str, int, str]]:
    return {(f.kind, f.key, f.where, f.count, f.level) for f in done.findings if f.kind in kinds}


def test_what_padding_cuts_off_is_told(store: Path) -> None:
    skim = memmpy.skim(store, keys=["event"], keys_padded={"pt": (2, 0)}, progress=False)
    name = skim.path.name
    assert of_kind(memmpy.open(store).check(), "clipped") == {
        ("clipped", "pt_padded", "padded to 3 items", NUM // 5, "warning"),
        ("clipped", "pt", f"skim {name}, 2 items", 2 * NUM // 5, "warning"),
    }


def test_what_a_cut_leaves_of_a_key_is_told(store: Path) -> None:
    skim = memmpy.skim(store, keys=["x", "side"], cut="event < 100", progress=False)
    where = f"skim {skim.path.name}"
    told = of_kind(memmpy.open(store).check(), "constant", "NaN", "infinite", "empty")
    assert {one for one in told if one[2] == where} == {
        ("constant", "side", where, 100, "info"),
        ("NaN", "x", where, 3, "info"),
        ("infinite", "x", where, 1, "info"),
    }


def test_a_skim_without_a_cut_tells_nothing_that_the_store_does_not(store: Path) -> None:
    before = memmpy.open(store).check().findings
    memmpy.skim(store, keys=["x", "side"], progress=False)
    assert memmpy.open(store).check().findings == before


def test_a_cut_that_leaves_nothing_is_told(store: Path) -> None:
    skim = memmpy.skim(store, keys=["x"], cut="event < 0", progress=False)
    (found,) = [f for f in memmpy.open(store).check().findings if f.kind == "cut"]
    assert isinstance(found, Finding)
    assert (found.where, found.level, found.count) == (f"skim {skim.path.name}", "warning", NUM)
    skim.remove()
    assert of_kind(memmpy.open(store).check(), "cut") == set()


def test_an_outdated_skim_tells_nothing(store: Path) -> None:
    memmpy.skim(store, keys=["x"], cut="event < 0", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        memmpy.convert(store.parent / "a.root", store, keys={"x"}, recreate=True, progress=False)
    assert of_kind(memmpy.open(store).check(), "cut") == set()
