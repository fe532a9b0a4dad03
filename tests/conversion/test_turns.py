"""Threads of one process that convert into one store take turns."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import uproot

from memmpy import Store, Work, convert
from memmpy.errors import StoreLockedError
from memmpy.store import Transaction
from tests.conversion.everything import check_clean

KEYS = "abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "f.root") as file:
        tree = file.mktree("t", dict.fromkeys(KEYS, np.float64))
        for _ in range(10):
            tree.extend(dict.fromkeys(KEYS, np.arange(100.0)))
    return tmp_path / "f.root"


def test_a_conversion_waits_for_another_of_its_process(file: Path, tmp_path: Path) -> None:
    with (
        Transaction(tmp_path / "s", one_at_a_time=True),
        pytest.raises(StoreLockedError, match=r"waited 0\.1 s"),
    ):
        convert(file, tmp_path / "s", keys={"a"}, work=Work(lock_timeout=0.1))
    convert(file, tmp_path / "s", keys={"a"}, work=Work(lock_timeout=0))


@pytest.mark.slow
def test_threads_find_what_the_others_did(file: Path, tmp_path: Path) -> None:
    for i in range(5):
        store = tmp_path / f"s{i}"
        with ThreadPoolExecutor(3) as threads:
            wanted = [set("abc"), set("cdef"), set("abc")]
            running = [
                threads.submit(convert, file, store, keys=keys, work=Work(step_bytes=2000))
                for keys in wanted
            ]
            done = [future.result() for future in running]
        assert sum(len(d.plan.columns) for d in done) == len(KEYS)
        assert set(Store(store)) == set(KEYS)
        check_clean(store)
