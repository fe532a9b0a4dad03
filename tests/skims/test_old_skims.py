"""Skims of each format version, under ``tests/stores``, open and are found again."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from memmpy import Skim, SplitLoader, skim
from memmpy.skims import KeyCounts, list_skims, skim_reader, skim_request
from tests.stores.make_skim import ASKED

STORES = Path(__file__).parents[1] / "stores"


@pytest.fixture(params=["skim-1", "skim-2"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / request.param, tmp_path / "s"))


@pytest.fixture
def stored(store: Path) -> Skim:
    (found,), _ = list_skims(store)
    return found


def test_its_rows_hold_what_was_written(stored: Skim) -> None:
    assert stored.rows["_index"].tolist() == [3, 1, 2]
    assert stored.rows["event"].tolist() == [2**64 - 1, 2**53 + 1, 7]
    assert stored.rows["jets"].tolist() == [
        [[1.5, 3.0], [2.5, 5.0]],
        [[-1.0, 0.0], [-1.0, 0.0]],
        [[80.0, 160.0], [-1.0, 0.0]],
    ]
    assert stored.rows["jets_mask"].tolist() == [[True, True], [False, False], [True, False]]
    assert stored.rows["net"].tolist() == [[40.5, 2.0], [20.25, 0.0], [30.0, 1.0]]


def test_its_tickets_never_change(stored: Skim) -> None:
    expected = [2545737716043419282, 11309528854543427228, 16754621894433213670]
    assert stored.tickets.tolist() == expected


def test_its_rows_share_no_identity(stored: Skim) -> None:
    assert stored.multiplicities().num_events == {1: 3}


def test_what_was_counted_is_known_since_version_2() -> None:
    ((former,), _), ((today,), _) = list_skims(STORES / "skim-1"), list_skims(STORES / "skim-2")
    assert former.counts == {}
    assert today.counts["jet_pt"] == KeyCounts(3, 3, 0, 0, 2, 0, 0, False, False)
    assert former.verify() == today.verify() == []


def test_its_lists_hold_what_was_written(stored: Skim) -> None:
    (batch,) = SplitLoader(stored, 8, split="all", shuffle=False)
    assert [values.tolist() for values in batch["jet_id"]] == [[1, 2], [], [80]]
    assert batch["jet_id"].dtype == np.int16
    hits = [values.tolist() for values in batch["hits"]]
    assert hits == [[[4.5, 6.0], [7.5, 10.0]], [], [[240.0, 320.0]]]


def test_it_serves_who_asks_for_the_same(
    store: Path, stored: Skim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skim_request, "LANGUAGE", 2)  # that of its cut
    monkeypatch.setattr(skim_reader, "LANGUAGE", 2)
    before = (stored.path / "rows.npy").stat()
    found = skim(store, **ASKED, progress=False)
    after = (found.path / "rows.npy").stat()
    assert found.path == stored.path
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_cut_of_an_older_language_serves_nobody(store: Path, stored: Skim) -> None:
    assert skim(store, **ASKED, progress=False).path != stored.path
