import textwrap
from pathlib import Path
from typing import Any

import pytest

from memmpy.columns import load_memmaps, read_vector
from memmpy.errors import StoreLockedError
from memmpy.store import Transaction, verify

HOLD = """
    import sys
    from memmpy.store import Transaction
    with Transaction(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.readline()
    print("released", flush=True)
"""
TRY = """
    import sys
    from memmpy.errors import StoreLockedError
    from memmpy.store import Transaction
    try:
        with Transaction(sys.argv[1], lock_timeout=0):
            print("taken")
    except StoreLockedError:
        print("locked")
"""


def test_a_writer_waits_for_another_process_as_long_as_it_was_told(store: Path, start: Any) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    message = (
        r"another process is writing to '.*data\.store'; waited 0.1 s: "
        "run again when it is done, or give a longer lock_timeout"
    )
    with pytest.raises(StoreLockedError, match=message), Transaction(store, lock_timeout=0.1):
        pass
    other.communicate("go on\n")
    with Transaction(store, lock_timeout=10):
        pass


def test_waiting_is_said(store: Path, start: Any, caplog: pytest.LogCaptureFixture) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(StoreLockedError), Transaction(store, lock_timeout=0.01):
        pass
    other.communicate("go on\n")
    assert f"waiting for another process to finish writing {store}" in caplog.text


def test_readers_wait_for_nobody(store: Path, start: Any) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    assert read_vector(store, "x").tolist() == [0, 1, 2]
    other.communicate("go on\n")


def test_a_killed_holder_lets_go(store: Path, start: Any) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    other.kill()
    other.communicate()
    with Transaction(store, lock_timeout=10):
        pass


def test_the_lock_is_held_until_the_last_of_a_process_lets_go(store: Path, run_python: Any) -> None:
    with Transaction(store):
        with Transaction(store):
            assert run_python(TRY, store) == "locked"
        assert run_python(TRY, store) == "locked"
    assert run_python(TRY, store) == "taken"


def test_a_store_by_another_name_is_the_same_store(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.parent / "link").symlink_to(store)
    monkeypatch.chdir(store.parent)
    with (
        Transaction(store),
        Transaction(store.parent / "link", lock_timeout=0),
        Transaction(store.name, lock_timeout=0),
    ):
        pass


def test_a_failed_beginning_lets_go(store: Path, run_python: Any) -> None:
    with pytest.raises(ValueError, match="mine"), Transaction(store):
        raise ValueError("mine")
    assert run_python(TRY, store) == "taken"


def test_a_forked_child_does_not_hold_the_lock_of_its_parent(store: Path, run_python: Any) -> None:
    code = """
        import os, subprocess, sys
        from memmpy.columns import WriteVector
        from memmpy.errors import StoreLockedError
        from memmpy.store import Transaction
        with WriteVector(sys.argv[1], "y") as column:
            column.append(1)
            child = os.fork()
            if child == 0:
                try:
                    with Transaction(sys.argv[1], lock_timeout=0):
                        os._exit(1)
                except StoreLockedError:
                    os._exit(0)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            subprocess.run([sys.executable, "-c", sys.argv[2], sys.argv[1]], check=True)
    """
    assert run_python(code, store, textwrap.dedent(TRY)).split() == ["0", "locked"]
    assert read_vector(store, "y").tolist() == [1]


def test_a_forked_child_that_leaves_the_block_takes_nothing_from_its_parent(
    store: Path, run_python: Any
) -> None:
    code = """
        import os, subprocess, sys
        from memmpy.columns import WriteVector
        with WriteVector(sys.argv[1], "y") as column:
            column.append(1)
            child = os.fork()
            if child == 0:
                raise SystemExit(0)
            os.waitpid(child, 0)
            subprocess.run([sys.executable, "-c", sys.argv[2], sys.argv[1]], check=True)
    """
    assert run_python(code, store, textwrap.dedent(TRY)) == "locked"
    assert read_vector(store, "y").tolist() == [1]


def test_two_processes_write_thirty_keys_each_at_once(store: Path, start: Any) -> None:
    code = """
        import sys
        import numpy as np
        from memmpy.columns import WriteVector
        print("ready", flush=True)
        sys.stdin.readline()
        for i in range(30):
            with WriteVector(sys.argv[1], f"{sys.argv[2]} {i}") as column:
                column.extend(np.full(5, i))
    """
    writers = [start(code, store, name) for name in ("a", "b")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, error = writer.communicate(timeout=60)
        assert writer.returncode == 0, error
    columns = load_memmaps(store)
    assert len(columns) == 61
    assert all(columns[f"{name} {i}"][0] == i for name in "ab" for i in range(30))
    assert verify(store) == []
