"""Tests of the statistics of rows that a skim keeps for other processes."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy.skims import Skim, skim_statistics
from memmpy.store import FileLock
from tests.forking import ForkServer
from tests.skims.conftest import Start
from tests.skims.stores import make_events, skim_of, write_store

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")

ASKED: dict[str, Any] = {"keys": ["weight", "pt"], "cut": "met > 0.2"}
QUESTION = {"sums": [1, None], "version": 1}
VALUES = {
    "floats": np.array([[0.1, -0.0, np.nan], [np.inf, -np.inf, 5e-324]]),
    "integers": np.array([2**63 - 1, -(2**63)]),
    "nothing": np.empty((0, 3)),
    "scalar": np.array(0.5),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "data", make_events())


def files_of(skim: Skim) -> list[Path]:
    return sorted(skim.path.glob("statistics-*"))


class Count:
    """Returns values, and counts how often."""

    def __init__(self) -> None:
        self.num = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.num += 1
        return VALUES


def assert_values(arrays: Any) -> None:
    assert arrays.keys() == VALUES.keys()
    for name, values in VALUES.items():
        assert arrays[name].dtype == values.dtype
        assert arrays[name].shape == values.shape
        assert arrays[name].tobytes() == values.tobytes()


def test_statistics_are_computed_once_and_keep_their_bits(store: Path) -> None:
    count = Count()
    for _ in range(3):
        assert_values(skim_statistics(skim_of(store, **ASKED), QUESTION, count))
    assert count.num == 1
    (file,) = files_of(skim_of(store, **ASKED))
    assert file.read_text(encoding="utf-8").startswith('{\n "format": "memmpy skim statistics"')


def test_another_question_or_another_skim_has_statistics_of_its_own(store: Path) -> None:
    count, first = Count(), skim_of(store, **ASKED)
    skim_statistics(first, QUESTION, count)
    skim_statistics(first, {**QUESTION, "version": 2}, count)
    skim_statistics(skim_of(store, keys=["met"]), QUESTION, count)
    assert count.num == 3
    assert len(files_of(first)) == 2
    write_store(store, make_events(seed=1))
    second = skim_of(store, **ASKED)
    assert second.path == first.path
    assert files_of(second) == []  # they went with the rows
    skim_statistics(second, QUESTION, count)
    assert count.num == 4
    # Who still has the old rows open does not get the numbers of the new ones.
    skim_statistics(first, QUESTION, count)
    assert count.num == 5
    skim_statistics(skim_of(store, **ASKED), QUESTION, count)
    assert count.num == 5


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def replace(file: Path) -> None:
    file.write_text("{}")


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def rename_another(file: Path) -> None:
    skim_statistics(Skim(file.parent), {"another": 1}, lambda: {"floats": np.zeros(2)})
    (other,) = {*file.parent.glob("statistics-*.json")} - {file}
    other.replace(file)


@pytest.mark.parametrize("damage", [flip, cut, replace, rename_another])
def test_damaged_statistics_are_computed_again(store: Path, damage: Callable[[Path], None]) -> None:
    count, skim = Count(), skim_of(store, **ASKED)
    skim_statistics(skim, QUESTION, count)
    (file,) = files_of(skim)
    before = file.read_bytes()
    damage(file)
    assert file.read_bytes() != before
    for _ in range(2):
        assert_values(skim_statistics(skim, QUESTION, count))
    assert count.num == 2
    assert file.read_bytes() == before


def test_what_cannot_be_written_is_computed_once_by_each_call(store: Path) -> None:
    count, skim = Count(), skim_of(store, **ASKED)
    skim_statistics(skim, QUESTION, Count())
    (file,) = files_of(skim)
    make_folder(file)
    assert_values(skim_statistics(skim, QUESTION, count))
    assert count.num == 1
    assert file.is_dir()
    shutil.rmtree(skim.path)
    assert_values(skim_statistics(skim, QUESTION, count))
    assert count.num == 2
    assert not skim.path.exists()


def test_nothing_is_written_behind_a_link(store: Path, tmp_path: Path) -> None:
    count, skim = Count(), skim_of(store, **ASKED)
    (store / "skims").rename(tmp_path / "elsewhere")
    (store / "skims").symlink_to(tmp_path / "elsewhere")
    before = sorted(skim.path.iterdir())
    assert_values(skim_statistics(skim, QUESTION, count))
    assert count.num == 1
    assert sorted(skim.path.iterdir()) == before


def test_a_lock_that_is_never_released_costs_only_time(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, skim = Count(), skim_of(store, **ASKED)
    monkeypatch.setattr(sys.modules["memmpy.skims.skim_statistics"], "_WAIT", 0.0)
    lock = FileLock(skim.path / "statistics.lock")
    assert lock.take()
    for num in (1, 2):
        assert_values(skim_statistics(skim, QUESTION, count))
        assert count.num == num
    lock.release()
    assert_values(skim_statistics(skim, QUESTION, count))
    assert_values(skim_statistics(skim, QUESTION, count))
    assert count.num == 3


def test_a_removed_skim_takes_its_statistics_along(store: Path) -> None:
    skim = skim_of(store, **ASKED)
    skim_statistics(skim, QUESTION, Count())
    assert skim.verify() == []
    assert memmpy.verify(store) == []
    assert len(memmpy.open(store).skims) == 1
    skim.remove()
    assert [file.suffix for file in (store / "skims").iterdir()] == [".lock"]


AS_NOBODY = """
    import os, sys
    from pathlib import Path
    import numpy as np
    from memmpy.skims import Skim, skim_statistics
    os.setgid(65534)
    os.setuid(65534)
    for number in sys.argv[2:]:
        values = skim_statistics(
            Skim(sys.argv[1]), {"number": int(number)}, lambda: {"x": np.array([7.5])}
        )
        print(values["x"].item(), end=" ")
"""


@pytest.mark.slow
@as_root
def test_a_store_that_can_only_be_read_stays_as_it_is(
    folder_for_all: Path, fork_server: ForkServer
) -> None:
    skim = skim_of(write_store(folder_for_all / "data", make_events()), **ASKED)
    skim_statistics(skim, {"number": 1}, lambda: {"x": np.array([1.5])})
    before = {file: file.stat().st_mtime_ns for file in folder_for_all.rglob("*")}
    assert fork_server.run(AS_NOBODY, skim.path, 1, 2) == "1.5 7.5"
    assert {file: file.stat().st_mtime_ns for file in folder_for_all.rglob("*")} == before


ASKING = """
    import os, sys, time
    import numpy as np
    from memmpy.skims import Skim, skim_statistics
    def compute():
        with open(sys.argv[2], "a") as file:
            file.write("computed\\n")
        if sys.argv[3] == "kill":
            os.kill(os.getpid(), 9)
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            pass
        return {"x": np.array([os.getpid()])}
    skim = Skim(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    print(skim_statistics(skim, {"a": 1}, compute)["x"].item())
"""


@pytest.mark.slow
def test_processes_that_start_together_compute_once(
    store: Path, tmp_path: Path, start: Start
) -> None:
    skim, log = skim_of(store, **ASKED), tmp_path / "log"
    processes = [start(ASKING, skim.path, log, "stay") for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert log.read_text() == "computed\n"
    assert len({*outputs}) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_nobody_waiting(
    store: Path, tmp_path: Path, start: Start
) -> None:
    skim, log = skim_of(store, **ASKED), tmp_path / "log"
    for how in ("kill", "stay", "stay"):
        process = start(ASKING, skim.path, log, how)
        _, error = process.communicate("\n", timeout=60)
        assert process.returncode == (-signal.SIGKILL if how == "kill" else 0), error
    assert log.read_text() == "computed\n" * 2
