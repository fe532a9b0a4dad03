"""Run tasks on threads ahead of their consumer, and hand over their results in order."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

__all__ = ["THREAD_NAME", "prefetch"]

T = TypeVar("T")

#: What the names of the threads begin with.
THREAD_NAME = "memmpy-prefetch"


def prefetch(
    tasks: Iterable[Callable[[], T]], *, num_threads: int, depth: int
) -> Generator[T, None, None]:
    """Yield the result of each task, in order.

    An exception of a task is raised in its place. Threads start with the first ``next()`` and end
    with the generator, however that ends: what waits is dropped, what runs is waited for.

    Parameters
    ----------
    tasks : iterable of callables
        Asked for one by one, in the consumer's thread.
    num_threads : int
        With 0, tasks run in the consumer's thread when their turn comes.
    depth : int
        How many tasks, at least 1, are on the way at once, with the one that is waited for.
    """
    if num_threads == 0:
        for task in tasks:
            yield task()
        return
    waiting = iter(tasks)
    pending: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix=THREAD_NAME)
    try:
        while True:
            pending.extend(map(pool.submit, islice(waiting, depth - len(pending))))
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        # a forgotten generator may be collected by a thread of its own, which cannot join itself
        is_ours = threading.current_thread().name.startswith(THREAD_NAME)
        pool.shutdown(wait=not is_ours, cancel_futures=True)
