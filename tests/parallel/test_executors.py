"""Tests of executors: Ctrl-C at any moment, failures on a cluster, workers of another version."""

import gc
import multiprocessing
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

import pytest

from memmpy._version import __version__
from memmpy.errors import OptionError
from memmpy.parallel import executors
from memmpy.parallel.executors import run_tasks, worker_pool
from memmpy.parallel.threads import num_interrupts, start_thread
from tests import interrupting


@pytest.mark.slow
@pytest.mark.parametrize("what", interrupting.RUNS)
def test_an_interrupt_at_any_moment_hangs_nothing(what: str) -> None:
    command = [sys.executable, "-m", "tests.interrupting", what, "2"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert int(done.stdout) > 10


def interrupt(num: int) -> list[int]:
    raise KeyboardInterrupt


def test_an_interrupt_is_counted_for_those_who_wait() -> None:
    num = num_interrupts()
    with (
        ThreadPoolExecutor(1) as threads,
        pytest.raises(KeyboardInterrupt),
        worker_pool(threads) as pool,
    ):
        list(run_tasks(pool, fail_at_seven, interrupt))
    assert num_interrupts() == num + 1


def test_an_interrupt_beside_the_tasks_is_counted_for_those_who_wait() -> None:
    num = num_interrupts()
    with pytest.raises(KeyboardInterrupt), worker_pool(None):
        raise KeyboardInterrupt
    assert num_interrupts() == num + 1


def fail_at_seven(number: int) -> int:
    if number == 7:
        raise ValueError("seven")
    time.sleep(0.01)  # so that others are being done meanwhile
    return number


def fail_on_dask() -> None:
    """Let a task of many fail on a Dask cluster, a few times."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        for _ in range(5):
            left = iter(range(400))
            with (
                pytest.raises(ValueError, match="seven"),
                worker_pool(client.get_executor()) as pool,
            ):
                list(run_tasks(pool, fail_at_seven, partial(first_of, left)))
        # The scheduler itself complains of clients that go while it has tasks of theirs.
        end = time.monotonic() + 20
        while client.run_on_scheduler(num_tasks) and time.monotonic() < end:
            gc.collect()
            time.sleep(0.1)


@pytest.fixture
def other_version(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this process, and not its workers, have another version of memmpy."""
    monkeypatch.setattr(executors, "__version__", "0.0.9")
    return (
        rf"tasks of memmpy 0\.0\.9: a worker has memmpy {re.escape(__version__)}; install the same"
    )


@pytest.mark.slow
def test_a_worker_process_of_another_version_is_an_error(other_version: str) -> None:
    spawn = multiprocessing.get_context("spawn")  # a fork would have the version of this process
    with (
        ProcessPoolExecutor(1, spawn) as processes,
        worker_pool(processes) as pool,
        pytest.raises(OptionError, match=other_version),
    ):
        list(run_tasks(pool, abs, partial(first_of, iter([1]))))


class Moved:
    """A task whose class has another place in the memmpy of a worker."""

    __module__ = "memmpy.gone"


@pytest.mark.slow
def test_a_task_whose_class_has_moved_is_not_loaded_by_another_version(
    monkeypatch: pytest.MonkeyPatch, other_version: str
) -> None:
    monkeypatch.setitem(sys.modules, "memmpy.gone", sys.modules[__name__])
    spawn, tasks = multiprocessing.get_context("spawn"), iter([[Moved()], []])
    with (
        ProcessPoolExecutor(1, spawn) as processes,
        worker_pool(processes) as pool,
        pytest.raises(OptionError, match=other_version),
    ):
        list(run_tasks(pool, repr, lambda _: next(tasks)))


class OldWorkers(Executor):
    """Workers whose memmpy has no module that runs tasks."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(ModuleNotFoundError("No module named 'memmpy.parallel'"))
        return future


def test_workers_that_cannot_import_memmpy_are_an_error() -> None:
    message = r"tasks of memmpy .*: No module named 'memmpy\.parallel'; install the same version"
    with worker_pool(OldWorkers()) as pool, pytest.raises(OptionError, match=message):
        list(run_tasks(pool, abs, partial(first_of, iter([1]))))


def num_tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def first_of(numbers: Iterator[int], num: int) -> list[int]:
    return list(islice(numbers, num))


@pytest.mark.slow
def test_a_task_that_fails_on_dask_is_said_without_tracebacks_of_others() -> None:
    pytest.importorskip("distributed")
    code = "from tests.parallel.test_executors import fail_on_dask as f; f()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [name for name in ("tornado", "Cancelled", "InvalidState") if name in done.stderr] == []


def test_an_interrupt_right_after_its_start_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[threading.Thread] = []

    def interrupted(*arguments: Any) -> threading.Thread:
        started.append(start_thread(*arguments))
        raise KeyboardInterrupt

    def run() -> None:
        with worker_pool(None) as pool:
            list(run_tasks(pool, abs, lambda _: [1]))

    monkeypatch.setattr("memmpy.parallel.executors.start_thread", interrupted)
    with suppress(KeyboardInterrupt):
        run()
    started[0].join(timeout=60)
    assert not started[0].is_alive()
