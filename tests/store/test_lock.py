"""Tests of the writer's lock, between processes, threads and forks."""

import logging
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.columns import load_memmaps, read_vector
from memmpy.errors import StoreLockedError
from memmpy.store import Transaction, verify_columns, wait_for
from memmpy.store.lock import hold_lock

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


@pytest.mark.slow
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


@pytest.mark.slow
def test_waiting_is_said(store: Path, start: Any, caplog: pytest.LogCaptureFixture) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(StoreLockedError), Transaction(store, lock_timeout=0.01):
        pass
    other.communicate("go on\n")
    assert f"waiting for another process that is writing to {str(store)!r}" in caplog.text


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert verify_columns(store) == []


@pytest.mark.slow
def test_readers_see_whole_commits_while_another_process_replaces_columns(
    store: Path, start: Any
) -> None:
    code = """
        import itertools, sys
        import numpy as np
        from memmpy.columns import WriteVector
        from memmpy.store import Transaction
        for step in itertools.count():
            with Transaction(sys.argv[1]) as transaction:
                for key in "xy":
                    with WriteVector(sys.argv[1], key, transaction=transaction) as column:
                        column.extend(np.full(3, step))
            print(step, flush=True)
    """
    writer = start(code, store)
    assert writer.stdout.readline() == "0\n"
    for _ in range(500):
        columns = load_memmaps(store)
        assert np.array_equal(np.asarray(columns["x"]), np.asarray(columns["y"]))
    writer.kill()
    writer.communicate()


def test_nobody_enters_before_leftovers_are_swept(store: Path) -> None:
    order = []

    def enter() -> None:
        with hold_lock(
            store,
            timeout=0,
            one_at_a_time=False,
            when_taken=lambda: order.append("swept by another"),
        ):
            order.append("entered")

    thread = threading.Thread(target=enter)

    def sweep() -> None:
        thread.start()
        thread.join(0.2)
        order.append("swept")

    with hold_lock(store, timeout=0, one_at_a_time=False, when_taken=sweep):
        thread.join()
    assert order == ["swept", "entered"]


@pytest.mark.slow
def test_a_sweep_that_failed_lets_go(store: Path, run_python: Any) -> None:
    def sweep() -> None:
        raise ValueError("mine")

    with (
        pytest.raises(ValueError, match="mine"),
        hold_lock(store, timeout=0, one_at_a_time=False, when_taken=sweep),
    ):
        pass
    assert run_python(TRY, store) == "taken"


@pytest.mark.slow
def test_a_thread_waits_as_long_as_it_was_told_while_another_waits_longer(
    store: Path, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start(HOLD, store)
    assert other.stdout.readline() == "held\n"
    entered = []
    is_waiting = threading.Event()

    def hear(record: logging.LogRecord) -> bool:
        is_waiting.set()
        return True

    monkeypatch.setattr(logging.getLogger("memmpy.store.lock"), "filters", [hear])

    def wait_for_ever() -> None:
        with Transaction(store, lock_timeout=-1):
            entered.append(True)

    patient = threading.Thread(target=wait_for_ever)
    patient.start()
    try:
        assert is_waiting.wait(20)
        for timeout in (0, 0.2):
            with (
                pytest.raises(StoreLockedError, match=f"waited {timeout:g} s"),
                Transaction(store, lock_timeout=timeout),
            ):
                pass
        assert entered == []
    finally:
        other.communicate("go on\n")
        patient.join()
    assert entered == [True]


def test_those_that_take_turns_wait_for_each_other_and_for_no_others(store: Path) -> None:
    with Transaction(store, one_at_a_time=True):
        with Transaction(store, lock_timeout=0):
            pass
        message = "another process is writing to .*; waited 0.1 s: run again when it is done"
        with (
            pytest.raises(StoreLockedError, match=message),
            Transaction(store, one_at_a_time=True, lock_timeout=0.1),
        ):
            pass
        with (
            pytest.raises(StoreLockedError),
            Transaction(store, one_at_a_time=True, lock_timeout=0),
        ):
            pass
    with Transaction(store, one_at_a_time=True, lock_timeout=0):
        pass


@pytest.mark.slow
def test_a_forked_child_has_turns_of_its_own(store: Path, run_python: Any) -> None:
    code = """
        import os, sys
        from memmpy.store import Transaction
        with Transaction(sys.argv[1], one_at_a_time=True):
            child = os.fork()
        if child == 0:  # the parent lets go
            with Transaction(sys.argv[1], one_at_a_time=True, lock_timeout=20):
                os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_python(code, store) == "0"


def test_one_waits_until_it_is_taken() -> None:
    answers = iter([False, False, True])
    wait_for(lambda: next(answers), what="doing it", timeout=-1)
    assert list(answers) == []


def test_what_is_waited_for_is_said() -> None:
    message = "another process is doing it; waited 0.01 s: run again when it is done, or give a"
    with pytest.raises(StoreLockedError, match=message):
        wait_for(lambda: False, what="doing it", timeout=0.01)
