"""Tests of threads and prefetching that survive Ctrl-C."""

import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import pytest

from memmpy.errors import OptionError
from memmpy.parallel.threads import (
    THREAD_NAME,
    SafeFuture,
    SafeThreadPool,
    prefetch,
    run_uninterrupted,
)

THREADS = pytest.mark.parametrize("num_threads", [0, 1, 4])


def num_running() -> int:
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_that_of_one_test() -> None:
    """Exempt what is there from `gc.collect`, which takes 0.4 s where all tests are."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    assert num_running() == 0
    yield
    gc.collect()
    assert num_running() == 0


def squares(num: int) -> list[Callable[[], int]]:
    return [partial(pow, number, 2) for number in range(num)]


def fail() -> int:
    msg = "no luck"
    raise RuntimeError(msg)


@pytest.mark.slow
@THREADS
@pytest.mark.parametrize("depth", [1, 3, 100])
@pytest.mark.parametrize("num", [0, 1, 50])
def test_results_come_in_order(num_threads: int, depth: int, num: int) -> None:
    results = list(prefetch(squares(num), num_threads=num_threads, depth=depth))
    assert results == [number**2 for number in range(num)]


@pytest.mark.slow
def test_results_come_in_order_even_if_the_first_task_ends_last() -> None:
    second_ran = threading.Event()

    def second() -> int:
        second_ran.set()
        return 2

    def first() -> int:
        assert second_ran.wait(30)
        return 1

    assert list(prefetch([first, second], num_threads=2, depth=2)) == [1, 2]


def test_threads_start_with_the_first_result() -> None:
    results = prefetch(squares(5), num_threads=2, depth=2)
    assert num_running() == 0
    next(results)
    assert num_running() > 0
    results.close()
    assert num_running() == 0


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_no_more_than_depth_tasks_are_ahead(depth: int) -> None:
    asked = 0

    def tasks() -> Iterator[Callable[[], int]]:
        nonlocal asked
        for task in squares(100):
            asked += 1
            yield task

    for consumed, _ in enumerate(prefetch(tasks(), num_threads=2, depth=depth)):
        assert asked <= consumed + depth


def test_without_threads_tasks_run_in_the_caller() -> None:
    results = list(prefetch([threading.get_ident] * 9, num_threads=0, depth=5))
    assert results == [threading.get_ident()] * 9


@THREADS
def test_one_task_runs_in_the_caller(num_threads: int) -> None:
    results = prefetch([threading.get_ident], num_threads=num_threads, depth=3)
    assert next(results) == threading.get_ident()
    assert num_running() == 0
    assert list(results) == []


def test_the_caller_does_what_waits_rather_than_wait() -> None:
    caller, is_done = threading.get_ident(), threading.Event()

    def first() -> bool:
        if threading.get_ident() == caller:
            return True
        return is_done.wait(30)  # the caller does the second one meanwhile

    def second() -> bool:
        by_caller = threading.get_ident() == caller
        is_done.set()
        return by_caller

    while not all(prefetch([first, second], num_threads=1, depth=2)):
        is_done.clear()


def test_an_interrupt_of_the_caller_is_raised_at_once() -> None:
    """Also where it comes in a task whose turn comes later."""
    caller, has_come = threading.get_ident(), threading.Event()

    def task() -> None:
        if threading.get_ident() == caller:
            has_come.set()
            raise KeyboardInterrupt
        assert has_come.wait(30)

    results = prefetch([task] * 20, num_threads=2, depth=5)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert num_running() == 0


def test_what_is_no_interrupt_is_raised_in_its_place_whatever_it_is() -> None:
    class StopAll(BaseException):
        pass

    is_raised = threading.Event()

    def first() -> int:
        assert threading.get_ident() == caller or is_raised.wait(30)
        return 1

    def second() -> int:
        is_raised.set()
        raise StopAll

    caller = threading.get_ident()
    results = prefetch([first, second], num_threads=1, depth=2)
    assert next(results) == 1
    with pytest.raises(StopAll):
        next(results)


def test_an_error_of_a_task_that_the_caller_does_is_raised_in_its_place() -> None:
    caller, has_failed = threading.get_ident(), threading.Event()

    def task(number: int) -> int:
        if threading.get_ident() == caller:
            has_failed.set()
            fail()
        assert has_failed.wait(30)
        return number

    results = prefetch((partial(task, i) for i in range(9)), num_threads=2, depth=5)
    came: list[int] = []
    with pytest.raises(RuntimeError, match="no luck"):
        came.extend(results)
    assert came == list(range(len(came)))
    assert len(came) < 5


@THREADS
def test_an_exception_is_raised_in_its_place(num_threads: int) -> None:
    results = prefetch([*squares(3), fail, *squares(3)], num_threads=num_threads, depth=5)
    assert list(islice(results, 3)) == [0, 1, 4]
    with pytest.raises(RuntimeError, match="no luck"):
        next(results)
    assert num_running() == 0
    assert list(results) == []


@THREADS
def test_breaking_out_ends_the_threads(num_threads: int) -> None:
    for _ in prefetch(squares(100), num_threads=num_threads, depth=5):
        break
    assert num_running() == 0


@THREADS
def test_an_interrupt_of_the_consumer_ends_the_threads(num_threads: int) -> None:
    def consume() -> None:
        for _ in prefetch(squares(100), num_threads=num_threads, depth=5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()


def test_closing_drops_what_waits_and_waits_for_what_runs() -> None:
    caller = threading.get_ident()
    runs, may_end, num_ran = threading.Event(), threading.Event(), 0

    def task() -> None:
        nonlocal num_ran
        if threading.get_ident() == caller:
            time.sleep(0.001)
        elif num_ran:
            runs.set()
            assert may_end.wait(30)
        num_ran += 1

    results = prefetch([task] * 1000, num_threads=1, depth=1000)
    next(results)
    assert runs.wait(30)
    timer = threading.Timer(0.1, may_end.set)
    timer.start()
    results.close()
    assert may_end.is_set()
    assert num_ran < 1000
    assert num_running() == 0
    timer.join()


def test_a_generator_collected_in_its_own_thread_does_not_join_itself() -> None:
    box: list[object] = []
    handed_over = threading.Event()

    def drop() -> None:
        assert handed_over.wait(30)
        box.clear()

    results = prefetch([lambda: None, drop], num_threads=1, depth=3)
    next(results)
    box.append(results)
    threads = [t for t in threading.enumerate() if t.name.startswith(THREAD_NAME)]
    del results
    handed_over.set()
    for thread in threads:
        thread.join(30)
    assert num_running() == 0


def test_what_a_failed_call_held_goes_with_it() -> None:
    class Held:
        """What takes memory."""

    kept: list[weakref.ref[Held]] = []

    def fail() -> None:
        held = Held()
        kept.append(weakref.ref(held))
        raise RuntimeError

    gc.disable()
    try:
        call = SafeFuture(fail)
        call.run()
        assert kept[0]() is not None  # the traceback has it
        del call
        assert kept[0]() is None
    finally:
        gc.enable()


def test_two_at_once_do_not_disturb_each_other() -> None:
    one, other = (prefetch(squares(20), num_threads=2, depth=3) for _ in range(2))
    assert list(zip(one, other, strict=True)) == [(n**2, n**2) for n in range(20)]


@pytest.mark.parametrize("line", range(6))
def test_threads_end_even_if_an_interrupt_cuts_their_end_short(line: int) -> None:
    """Interrupt `SafeThreadPool.__exit__` before each of its steps."""

    def trace(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code is SafeThreadPool.__exit__.__code__:
            seen.append(event)
            if len(seen) == line + 1:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    def consume() -> None:
        results = prefetch(squares(100), num_threads=4, depth=8)
        next(results)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            results.close()
        finally:
            sys.settrace(before)

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        consume()
    gc.collect()
    wait_until(lambda: num_running() == 0)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("num_threads", [1, 4])
def test_what_was_begun_before_a_fork_is_an_error_after_it(num_threads: int) -> None:
    results = prefetch(squares(100), num_threads=num_threads, depth=2)
    next(results)
    child = os.fork()
    if child == 0:
        try:
            list(results)
        except OptionError:
            ended = list(prefetch(squares(9), num_threads=num_threads, depth=2)) == [
                number**2 for number in range(9)
            ]
            os._exit(0 if ended else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(list(results)) == 99


def test_a_call_that_has_not_ended_is_waited_for_so_long() -> None:
    call = SafeFuture(lambda: 7)
    assert not call.wait(0.01)
    call.run()
    assert call.wait(0.01)
    assert call.result() == 7


def test_a_call_apart_is_made_by_another_thread_and_its_result_returned() -> None:
    assert run_uninterrupted(threading.get_ident) != threading.get_ident()
    with pytest.raises(RuntimeError, match="no luck"):
        run_uninterrupted(fail)
    # None but the main thread is ever interrupted.
    with SafeThreadPool(1) as threads:
        call = threads.submit(
            lambda: (run_uninterrupted(threading.get_ident), threading.get_ident())
        )
        assert len(set(call.result())) == 1


def test_a_call_apart_goes_on_to_its_end_when_it_is_interrupted() -> None:
    is_done = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        is_done.set()

    with pytest.raises(KeyboardInterrupt):
        run_uninterrupted(work)
    assert is_done.wait(30)
    wait_until(lambda: num_running() == 0)


def test_where_no_thread_can_be_started_the_reason_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        next(prefetch(squares(9), num_threads=1, depth=2))
