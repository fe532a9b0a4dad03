"""Threads, futures and prefetching that survive Ctrl-C.

Ctrl-C raises between any two steps of the main thread, also while it holds a lock inside a `Future`
or a `ThreadPoolExecutor`. The lock then stays taken, and the worker threads wait without end. So
the main thread talks to its threads only through `SimpleQueue`, whose operations are atomic.
"""

import _thread
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from memmpy.errors import OptionError

__all__ = [
    "THREAD_NAME",
    "SafeFuture",
    "SafeThreadPool",
    "count_interrupt",
    "num_interrupts",
    "prefetch",
    "run_uninterrupted",
    "start_thread",
]

T = TypeVar("T")

#: Prefix of the names of all threads.
THREAD_NAME = "memmpy"

#: One item for each Ctrl-C.
_interrupts: SimpleQueue[None] = SimpleQueue()


def count_interrupt() -> None:
    """Count a Ctrl-C that ended the work of threads."""
    _interrupts.put(None)


def num_interrupts() -> int:
    """Return the number of interrupts so far: a waiting thread gives up after the next one."""
    return _interrupts.qsize()


class SafeFuture(Generic[T]):
    """A call that one thread submits and any thread runs, with its result.

    Parameters
    ----------
    do : callable
        Called once, without arguments.
    """

    __slots__ = ("_do", "_outcome")

    def __init__(self, do: Callable[[], T]) -> None:
        self._do = do
        self._outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        """Run the call. Only Ctrl-C in the main thread is raised here as well."""
        try:
            self._outcome.put((self._do(), None))
        except BaseException as error:
            self._outcome.put((None, error))
            if isinstance(error, KeyboardInterrupt) and _is_interruptible():
                raise
        finally:
            del self  # avoids a cycle: outcome -> error -> traceback -> this frame

    @property
    def is_done(self) -> bool:
        """Whether `result` returns at once. False again after `result` was called."""
        return not self._outcome.empty()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds, and return whether `result` returns at once."""
        with suppress(Empty):
            self._outcome.put(self._outcome.get(timeout=timeout))
        return self.is_done

    def result(self) -> T:
        """Wait for the call, and return its result or raise its error. Call this only once."""
        outcome, error = self._outcome.get()
        if error is None:
            return cast(T, outcome)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame


def start_thread(do: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a thread and return it; the caller joins it.

    `Thread.start` waits for the new thread while it holds a lock. So the main thread lets another
    thread start it.
    """
    thread = threading.Thread(target=do, args=arguments, name=THREAD_NAME, daemon=True)
    if not _is_interruptible():
        thread.start()
        return thread
    outcome: SimpleQueue[RuntimeError | None] = SimpleQueue()
    _thread.start_new_thread(_start, (thread, outcome))
    error = outcome.get()
    if error is not None:  # the limit of threads is reached, or the interpreter is ending
        raise error
    return thread


def run_uninterrupted(do: Callable[[], T], *, waits: bool = False) -> T:
    """Return the result of a call that runs to its end even if Ctrl-C comes meanwhile.

    For calls that must not stop half way, such as an import. With `waits`, Ctrl-C is raised when
    the call has ended, so that it may use what the caller closes then.
    """
    if not _is_interruptible():
        return do()
    call = _LastingCall(do)
    try:
        future = SafeFuture(call.run)
        start_thread(future.run)
        return future.result()
    except KeyboardInterrupt:
        if waits:
            call.wait()
        raise


class _LastingCall(Generic[T]):
    """A call whose end can be waited for, also if Ctrl-C came while its thread started."""

    def __init__(self, do: Callable[[], T]) -> None:
        self._do, self._lock, self._end = do, threading.Lock(), threading.Event()
        self._is_running = self._is_refused = False

    def run(self) -> T:
        with self._lock:
            self._is_running = not self._is_refused
        if not self._is_running:
            raise KeyboardInterrupt
        try:
            return self._do()
        finally:
            self._end.set()

    def wait(self) -> None:
        """Wait for the end of the call; a call that has not begun will not."""
        with self._lock:
            self._is_refused = True
        if self._is_running:
            self._end.wait()


def _is_interruptible() -> bool:
    return threading.current_thread() is threading.main_thread()


def _start(thread: threading.Thread, outcome: "SimpleQueue[RuntimeError | None]") -> None:
    try:
        thread.start()
    except RuntimeError as error:
        outcome.put(error)
    else:
        outcome.put(None)


class SafeThreadPool:
    """Threads that run calls in the order of their submission.

    Each thread starts when it is needed. The end of the ``with`` block drops the calls that wait,
    and waits for the calls that run. If Ctrl-C cuts that short, the threads end when this object is
    collected.

    Parameters
    ----------
    num : int
        Number of threads, at least 1.
    """

    def __init__(self, num: int) -> None:
        self._num = num
        self._threads: list[threading.Thread] = []
        self._futures: SimpleQueue[Any] = SimpleQueue()
        # Called when this object is collected; the threads keep the reference alive.
        self._end = weakref.ref(self, self._futures.put)

    def __enter__(self) -> "SafeThreadPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is KeyboardInterrupt:
            count_interrupt()
        try:
            while True:
                self._futures.get_nowait()
        except Empty:
            pass
        self._futures.put(None)
        for thread in self._threads:
            # One of the threads itself may collect a forgotten generator.
            if thread is not threading.current_thread():
                thread.join()

    def submit(self, do: Callable[..., T], *arguments: object) -> SafeFuture[T]:
        """Submit a call, and return its future."""
        future = SafeFuture(partial(do, *arguments) if arguments else do)
        self._futures.put(future)
        if len(self._threads) < self._num:
            self._threads.append(start_thread(_run_futures, self._futures, self._end))
        return future

    def help_until(self, future: SafeFuture[Any]) -> None:
        """Run waiting calls in this thread until `future` is done or no call waits."""
        while not future.is_done:
            try:
                waiting = self._futures.get_nowait()
            except Empty:
                return
            waiting.run()


def prefetch(
    tasks: Iterable[Callable[[], T]], *, num_threads: int, depth: int
) -> Generator[T, None, None]:
    """Yield the result of each task, in order, while threads run the next tasks.

    If the next result is not ready, the consumer's thread runs tasks too instead of waiting. An
    exception of a task is raised in its place. The threads start at the first ``next()`` if there
    is more than one task. They end with the generator, however it ends: waiting tasks are dropped,
    and running tasks are waited for.

    Parameters
    ----------
    tasks : iterable of callables
        Iterated in the consumer's thread.
    num_threads : int
        Threads besides the consumer's. With 0, each task runs there when its turn comes.
    depth : int
        Number of tasks, at least 1, that are submitted and not yet yielded.

    Raises
    ------
    OptionError
        If the generator was started in another process, before a fork.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, depth if num_threads else 0))
    if len(first) < 2:
        for task in chain(first, waiting):
            yield task()
        return
    process = os.getpid()
    with SafeThreadPool(num_threads) as threads:
        pending = deque(map(threads.submit, first))
        first.clear()  # so that finished tasks are collected
        while pending:
            threads.help_until(pending[0])
            yield pending.popleft().result()
            if os.getpid() != process:  # a fork copies the generator without its threads
                message = "this iterator was started before a fork; start a new one in this process"
                raise OptionError(message)
            pending.extend(map(threads.submit, islice(waiting, depth - len(pending))))


def _run_futures(futures: SimpleQueue[Any], _end: object) -> None:
    """Run futures until another object comes, and pass that on to the next thread."""
    while isinstance(future := futures.get(), SafeFuture):
        future.run()
        del future  # its result belongs to the consumer
    futures.put(future)
