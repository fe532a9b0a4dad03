import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest

from memmpy.threads import THREAD_NAME, prefetch

THREADS = pytest.mark.parametrize("num_threads", [0, 1, 4])


def num_running() -> int:
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


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


@THREADS
@pytest.mark.parametrize("depth", [1, 3, 100])
@pytest.mark.parametrize("num", [0, 1, 50])
def test_results_come_in_order(num_threads: int, depth: int, num: int) -> None:
    results = list(prefetch(squares(num), num_threads=num_threads, depth=depth))
    assert results == [number**2 for number in range(num)]


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


@THREADS
def test_without_threads_tasks_run_in_the_caller(num_threads: int) -> None:
    (ident,) = prefetch([threading.get_ident], num_threads=num_threads, depth=1)
    assert (ident == threading.get_ident()) == (num_threads == 0)


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


class Token:
    """What a task holds, to tell when the task is gone."""


def test_closing_drops_what_waits_and_waits_for_what_runs() -> None:
    ran: list[int] = []
    last_is_gone = threading.Event()

    def task(number: int, token: Token) -> None:
        assert number == 0 or last_is_gone.wait(30)
        ran.append(number)

    def make_task(number: int) -> Callable[[], None]:
        token = Token()
        if number == 9:
            weakref.finalize(token, last_is_gone.set)
        return partial(task, number, token)

    results = prefetch(map(make_task, range(10)), num_threads=1, depth=10)
    next(results)
    results.close()
    assert ran in ([0], [0, 1])
    assert num_running() == 0


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


def test_two_at_once_do_not_disturb_each_other() -> None:
    one, other = (prefetch(squares(20), num_threads=2, depth=3) for _ in range(2))
    assert list(zip(one, other, strict=True)) == [(n**2, n**2) for n in range(20)]
