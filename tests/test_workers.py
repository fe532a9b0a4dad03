"""Ctrl-C at any moment ends what threads do, and what fails on a cluster is said once."""

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

import pytest

from memmpy.threads import num_interrupts, start_thread
from memmpy.workers import outcomes, workers
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
        workers(threads) as crew,
    ):
        list(outcomes(crew, fail_at_seven, interrupt))
    assert num_interrupts() == num + 1


def test_an_interrupt_beside_the_tasks_is_counted_for_those_who_wait() -> None:
    num = num_interrupts()
    with pytest.raises(KeyboardInterrupt), workers(None):
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
            with pytest.raises(ValueError, match="seven"), workers(client.get_executor()) as crew:
                list(outcomes(crew, fail_at_seven, partial(first_of, left)))
        # The scheduler itself complains of clients that go while it has tasks of theirs.
        end = time.monotonic() + 20
        while client.run_on_scheduler(num_tasks) and time.monotonic() < end:
            gc.collect()
            time.sleep(0.1)


def num_tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def first_of(numbers: Iterator[int], num: int) -> list[int]:
    return list(islice(numbers, num))


@pytest.mark.slow
def test_a_task_that_fails_on_dask_is_said_without_tracebacks_of_others() -> None:
    pytest.importorskip("distributed")
    command = [sys.executable, "-c", "from tests.test_workers import fail_on_dask as f; f()"]
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
        with workers(None) as crew:
            list(outcomes(crew, abs, lambda _: [1]))

    monkeypatch.setattr("memmpy.workers.start_thread", interrupted)
    with suppress(KeyboardInterrupt):
        run()
    started[0].join(timeout=60)
    assert not started[0].is_alive()
