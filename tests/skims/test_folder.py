"""One writer at a time makes a skim, which appears whole or never."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import Work
from memmpy.columns import WriteVector
from memmpy.errors import DiskError, ReadOnlyStoreError, StoreLockedError
from memmpy.skims import Skim
from memmpy.store import FileLock
from tests.forking import Forked
from tests.skims.conftest import Start
from tests.skims.stores import bytes_of, make_events, skim_of, write_store

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and becomes nobody")


@contextmanager
def held(path: Path) -> Iterator[None]:
    lock = FileLock(path)
    assert lock.take()
    yield
    lock.release()


ASKED: dict[str, Any] = {
    "keys": ["weight", "pt"],
    "groups": {"x": ["met", "ht"]},
    "cut": "met > 0.2",
}
# Skims, and does something to itself before it renames or makes a file for the n-th time.
DYING = """
    import os, signal, sys
    from pathlib import Path
    from tests.skims.stores import skim_of
    from tests.skims.test_folder import ASKED
    num, left = 0, int(sys.argv[2])
    def hook(event, arguments):
        global num
        is_ours = event in {"os.rename", "os.mkdir"} and "skims" in str(arguments[0])
        if is_ours or event == "os.remove":  # by its name in an open folder
            num += 1
            if num == left:
                os.kill(os.getpid(), getattr(signal, sys.argv[3]))
    sys.addaudithook(hook)
    try:
        skim_of(Path(sys.argv[1]), recreate=sys.argv[4] == "recreate", **ASKED)
    except KeyboardInterrupt:
        print("interrupted")
    else:
        print("done")
"""
LIMITED = """
    import errno, resource, sys
    from pathlib import Path
    from memmpy.errors import DiskError
    from tests.skims.stores import Sizes, TINY, skim_of
    from tests.skims.test_folder import ASKED
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        skim_of(Path(sys.argv[1]), sizes=TINY if sys.argv[3] == "tiny" else Sizes(), **ASKED)
    except DiskError as error:
        assert error.errno == errno.EFBIG
        print(error)
"""
UNREADABLE = """
    import os, sys
    from pathlib import Path
    from memmpy.errors import UnreadableError
    from memmpy.skims import is_skim, list_skims, verify_skims
    store, folder, which = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    os.setgid(65534)
    os.setuid(65534)
    found, damaged = list_skims(store) if which == "one" else ([], {})
    print([one.path.name for one in found], damaged)
    if which == "one":
        print(verify_skims(store))
    for look in (is_skim if which == "one" else list_skims, verify_skims):
        try:
            look(folder if which == "one" else store)
        except UnreadableError as error:
            print(error)
"""
AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from memmpy.errors import ReadOnlyStoreError
    from tests.skims.stores import skim_of
    from tests.skims.test_folder import ASKED
    cached = skim_of(Path(sys.argv[1]), **ASKED)
    os.setgid(65534)
    os.setuid(65534)
    print(len(skim_of(Path(sys.argv[1]), **ASKED)) == len(cached))
    try:
        skim_of(Path(sys.argv[1]), keys=["ht"])
    except ReadOnlyStoreError as error:
        print(error)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "data", make_events())


def output_of(process: Forked) -> str:
    out, error = process.communicate(timeout=60)
    assert process.returncode in {0, -signal.SIGKILL}, error
    return out.strip()


def leftovers(store: Path) -> list[str]:
    """Return what lies beside skims and their locks."""
    skims = store / "skims"
    names = [file.name for file in skims.iterdir()] if skims.exists() else []
    return [name for name in names if not name.endswith(".lock") and "." in name]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["new", "recreate"])
def test_killed_anywhere_it_leaves_a_whole_skim_or_none(
    store: Path, tmp_path: Path, start: Start, mode: str
) -> None:
    expected = bytes_of(skim_of(store, **ASKED))
    folder = next(file for file in (store / "skims").iterdir() if file.is_dir())
    num_killed = 0
    for num in (*range(1, 6), 20, *range(60, 1000, 60)):
        if mode == "new":
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        process = start(DYING, store, num, "SIGKILL", mode)
        if output_of(process) == "done":
            break
        num_killed += 1
        if folder.exists():
            assert bytes_of(Skim(folder)) == expected
        assert bytes_of(skim_of(store, **ASKED)) == expected
        if leftovers(store):  # what is whole is returned without a look at what lies beside it
            skim_of(store, recreate=True, **ASKED)
        assert leftovers(store) == []
    assert num_killed > 5


@pytest.mark.slow
@pytest.mark.parametrize("num", [3, 10, 30])
def test_an_interrupt_leaves_nothing(store: Path, start: Start, num: int) -> None:
    assert output_of(start(DYING, store, num, "SIGINT", "new")) == "interrupted"
    assert leftovers(store) == []
    assert not [file for file in (store / "skims").iterdir() if file.is_dir()]


def test_leftovers_of_other_skims_are_swept_unless_they_are_being_made(store: Path) -> None:
    skims = store / "skims"
    uuid = "0f9e4c1a-7d3b-4a52-9c11-5b2f6a1d8e90"
    killed = [f"0123456789abcdef.{who}" for who in ("77.tmp", "77.old", f"{uuid}.tmp")]
    for name in (*killed, "0123456789abcde0.7.tmp"):
        (skims / name).mkdir(parents=True)
        (skims / name / "part0").write_bytes(b"x")
    with held(skims / "0123456789abcde0.lock"):
        skim_of(store, **ASKED)
    assert leftovers(store) == ["0123456789abcde0.7.tmp"]
    skim_of(store, recreate=True, **ASKED)
    assert leftovers(store) == []


class Failing(Executor):
    """Does some tasks, then raises in one."""

    def __init__(self, num: int) -> None:
        self.left = num

    def submit(self, do: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_result((None, DiskError("no room")))
        else:
            future.set_result(do(*arguments))
        return future


@pytest.mark.parametrize("num", [0, 3, 20])
def test_a_task_that_fails_leaves_the_skim_that_was(store: Path, num: int) -> None:
    expected = bytes_of(skim_of(store, **ASKED))
    with pytest.raises(DiskError, match="no room"):
        skim_of(store, recreate=True, work=Failing(num), **ASKED)
    assert leftovers(store) == []
    assert bytes_of(skim_of(store, **ASKED)) == expected


class Meddling(Executor):
    """Writes a column again before a task is done."""

    def __init__(self, store: Path, num: int) -> None:
        self.store, self.left = store, num

    def submit(self, do: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.left -= 1
        if self.left == 0:
            write_store(self.store, {"weight": np.arange(200.0)})
        future: Future[Any] = Future()
        future.set_result(do(*arguments))
        return future


@pytest.mark.parametrize("num", [1, 4])
def test_a_column_that_is_written_meanwhile_is_taken_as_a_whole(store: Path, num: int) -> None:
    made = skim_of(store, work=Meddling(store, num), **ASKED)
    assert np.array_equal(made.rows["weight"], made.rows["_index"])
    assert len(skim_of(store, **ASKED)) == len(made)


def test_who_waits_takes_what_the_other_made(store: Path) -> None:
    made: list[tuple[int, int]] = []

    def make() -> None:
        status = skim_of(store, **ASKED).path.stat()
        made.append((status.st_ino, status.st_mtime_ns))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


@pytest.mark.slow
def test_two_processes_make_one_skim(store: Path, start: Start) -> None:
    processes = [start(DYING, store, 0, "SIGKILL", "new") for _ in range(3)]
    assert [output_of(process) for process in processes] == ["done"] * 3
    assert leftovers(store) == []
    assert skim_of(store, **ASKED).verify() == []


def test_a_writer_that_waits_too_long_is_told(store: Path) -> None:
    folder = skim_of(store, **ASKED).path
    message = "another process is making the skim '.*'; waited 0 s: run again when it is done"
    with held(folder.with_name(f"{folder.name}.lock")):
        with pytest.raises(StoreLockedError, match=message):
            skim_of(store, recreate=True, work=Work(lock_timeout=0), **ASKED)
        assert (
            len(skim_of(store, work=Work(lock_timeout=0), **ASKED)) > 0
        )  # one that is there needs no lock
        assert len(skim_of(store, work=Work(lock_timeout=0), keys=["met"])) == 200


def test_a_removed_skim_stays_with_who_has_it_open(store: Path) -> None:
    made = skim_of(store, **ASKED)
    rows, others = np.array(made.rows), skim_of(store, keys=["met"])
    made.remove()
    assert not made.path.exists()
    assert leftovers(store) == []
    assert np.array_equal(made.rows, rows)
    assert len(others) == len(Skim(others.path)) == 200
    made.remove()  # and again: nothing is there
    assert np.array_equal(skim_of(store, **ASKED).rows, rows)


def test_who_removes_a_skim_sweeps(store: Path) -> None:
    made = skim_of(store, **ASKED)
    (store / "skims" / "0123456789abcdef.77.tmp").mkdir()
    (store / "skims" / f"{made.path.name}.77.old").write_text("a file in its place")
    made.remove()
    assert leftovers(store) == []


def test_who_removes_a_skim_waits_for_who_makes_it(store: Path) -> None:
    made = skim_of(store, **ASKED)
    message = "another process is making the skim '.*'; waited 0 s"
    with held(made.path.with_name(f"{made.path.name}.lock")):
        with pytest.raises(StoreLockedError, match=message):
            made.remove(lock_timeout=0)
        assert bytes_of(made)
    made.remove(lock_timeout=0)
    assert not made.path.exists()


@pytest.mark.slow
def test_what_a_killed_remove_leaves_is_swept(store: Path, start: Start) -> None:
    made = skim_of(store, **ASKED)
    code = """
        import os, signal, sys
        from memmpy.skims import Skim, folder
        folder.remove_folder = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        Skim(sys.argv[1]).remove()
    """
    output_of(start(code, made.path))
    assert not made.path.exists()
    assert len(leftovers(store)) == 1
    skim_of(store, **ASKED)
    assert leftovers(store) == []


@pytest.mark.slow_together
@pytest.mark.parametrize("limit", [100, 1000, 3000])
@pytest.mark.parametrize("size", ["tiny", "whole"])
def test_a_full_disk_is_an_error_that_leaves_nothing(
    store: Path, start: Start, limit: int, size: str
) -> None:
    out = output_of(start(LIMITED, store, limit, size))
    assert "cannot write" in out
    assert "File too large; the store is unchanged" in out
    assert leftovers(store) == []
    assert not [file for file in (store / "skims").iterdir() if file.is_dir()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@as_root
def test_a_disk_without_room_for_it_keeps_the_store(small_disk: Path) -> None:
    store = small_disk / "data"
    with WriteVector(store, "x") as column:
        column.extend(np.zeros(60_000))
    with pytest.raises(DiskError, match=r"No space left on device.*free some space and run again"):
        skim_of(store, keys=["x"])
    assert leftovers(store) == []
    with WriteVector(store, "y") as column:  # there is room again
        column.extend(np.zeros(30_000))


@pytest.fixture
def store_for_all(store: Path, folder_for_all: Path) -> Path:
    """Return the store, where all users may read it."""
    path = folder_for_all / store.name
    shutil.copytree(store, path)
    return path


@pytest.mark.slow
@as_root
def test_a_skim_that_may_not_be_read_hides_no_other(store_for_all: Path, start: Start) -> None:
    store = store_for_all
    first, second = (skim_of(store, keys=[key]).path for key in ("met", "ht"))
    first.chmod(0o700)
    listed, verified, *others = output_of(start(UNREADABLE, store, first, "one")).splitlines()
    denied = f"cannot read '{first / 'metadata_skim.json'}': Permission denied"
    assert listed == f"{[second.name]} { ({first.name: denied}) }"
    assert denied in verified
    assert f"'{second.name}': []" in verified
    assert others == [denied] * 2


@pytest.mark.slow
@as_root
def test_skims_that_may_not_be_listed_are_an_error(store_for_all: Path, start: Start) -> None:
    folder = skim_of(store_for_all, **ASKED).path
    folder.parent.chmod(0o700)
    _, *said = output_of(start(UNREADABLE, store_for_all, folder, "all")).splitlines()
    assert said == [f"cannot read '{folder.parent}': Permission denied"] * 2


@pytest.mark.slow
@as_root
def test_a_store_that_can_only_be_read_gives_the_skims_it_has(
    store_for_all: Path, start: Start
) -> None:
    skim_of(store_for_all, **ASKED)
    is_same, message = output_of(start(AS_NOBODY, store_for_all)).splitlines()
    assert is_same == "True"
    assert "cannot write to '" in message
    assert "Permission denied; write to another path" in message


@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_folder_in_place_of_skims_is_said(store: Path, make: Any) -> None:
    make(store / "skims")
    with pytest.raises(
        ReadOnlyStoreError, match=r"skims' is no folder, but skims need one there: r"
    ):
        skim_of(store, **ASKED)


def test_a_lock_that_was_removed_while_a_skim_was_made_changes_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = skim_of(store, **ASKED)
    lock = before.path.with_name(f"{before.path.name}.lock")
    module = sys.modules["memmpy.skims.make_skim"]
    monkeypatch.setattr(module, "keep_only", lambda *_: lock.unlink())  # the last step but one
    with pytest.raises(StoreLockedError, match=r"the lock of the skim '.*' was removed while"):
        skim_of(store, recreate=True, **ASKED)
    assert bytes_of(Skim(before.path)) == bytes_of(before)


def test_files_of_others_in_the_folder_of_a_skim_stay(store: Path) -> None:
    made = skim_of(store, **ASKED)
    (made.path / "thesis.npy").write_bytes(b"mine")
    skim_of(store, recreate=True, **ASKED)
    (left,) = (store / "skims").glob("*/thesis.npy")
    assert left.read_bytes() == b"mine"
