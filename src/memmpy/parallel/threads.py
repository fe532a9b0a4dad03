"""Threads that Ctrl-C leaves whole.

An interrupt raises between any two steps of the main thread: also inside the locks of a `Future`
and of a `ThreadPoolExecutor`, which then stay taken, and their workers wait for ever. So the main
thread talks to threads by `SimpleQueue` alone, whose steps nothing comes between.
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
    "Call",
    "Threads",
    "count_interrupt",
    "num_interrupts",
    "prefetch",
    "run_apart",
    "start_thread",
]

T = TypeVar("T")

#: What the names of the threads begin with.
THREAD_NAME = "memmpy"

#: One item for each interrupt.
_interrupts: SimpleQueue[None] = SimpleQueue()


def count_interrupt() -> None:
    """Note that an interrupt ended the work that threads do."""
    _interrupts.put(None)


def num_interrupts() -> int:
    """Return how many interrupts there were: a thread that waits gives up once there is another."""
    return _interrupts.qsize()


class Call(Generic[T]):
    """A call that one thread asks for and any makes, and what comes of it."""

    __slots__ = ("_do", "_outcome")

    def __init__(self, do: Callable[[], T]) -> None:
        self._do = do
        self._outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        """Make the call; only an interrupt of the main thread is raised here, too."""
        try:
            self._outcome.put((self._do(), None))
        except BaseException as error:
            self._outcome.put((None, error))
            if isinstance(error, KeyboardInterrupt) and _is_interruptible():
                raise
        finally:
            del self  # the traceback of an error holds this frame, and the outcome the error

    @property
    def has_ended(self) -> bool:
        """Whether `result` need not wait; until that was called."""
        return not self._outcome.empty()

    def wait(self, timeout: float) -> bool:
        """Wait for some seconds at most, and return whether `result` need not wait."""
        with suppress(Empty):
            self._outcome.put(self._outcome.get(timeout=timeout))
        return self.has_ended

    def result(self) -> T:
        """Wait for the call, and return or raise what it did; only once."""
        outcome, error = self._outcome.get()
        if error is None:
            return cast(T, outcome)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame


def start_thread(do: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a thread; to be joined by the caller.

    `Thread.start` waits for the new thread inside of a lock. So the main thread lets another one
    start it.
    """
    thread = threading.Thread(target=do, args=arguments, name=THREAD_NAME, daemon=True)
    if not _is_interruptible():
        thread.start()
        return thread
    outcome: SimpleQueue[RuntimeError | None] = SimpleQueue()
    _thread.start_new_thread(_start, (thread, outcome))
    error = outcome.get()
    if error is not None:  # there can be no more threads, or the interpreter ends
        raise error
    return thread


def run_apart(do: Callable[[], T]) -> T:
    """Return what a call returns, which goes on to its end even if an interrupt comes meanwhile.

    For what an interrupt would leave half done for as long as the process lives, as an import.
    """
    if not _is_interruptible():
        return do()
    call = Call(do)
    start_thread(call.run)
    return call.result()


def _is_interruptible() -> bool:
    return threading.current_thread() is threading.main_thread()


def _start(thread: threading.Thread, outcome: "SimpleQueue[RuntimeError | None]") -> None:
    try:
        thread.start()
    except RuntimeError as error:
        outcome.put(error)
    else:
        outcome.put(None)


class Threads:
    """Threads that make calls in the order in which they are handed over.

    Each starts when it is needed. At the end of the ``with`` block, what waits is dropped, and what
    runs is waited for. Where an interrupt cuts that short, they end when this object does.

    Parameters
    ----------
    num : int
        How many, at least 1.
    """

    def __init__(self, num: int) -> None:
        self._num = num
        self._threads: list[threading.Thread] = []
        self._calls: SimpleQueue[Any] = SimpleQueue()
        # The threads hold it, so that it is called; between its steps no interrupt can come.
        self._end = weakref.ref(self, self._calls.put)

    def __enter__(self) -> "Threads":
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
                self._calls.get_nowait()
        except Empty:
            pass
        self._calls.put(None)
        for thread in self._threads:
            # A forgotten generator may be collected by a thread of its own.
            if thread is not threading.current_thread():
                thread.join()

    def call(self, do: Callable[..., T], *arguments: object) -> Call[T]:
        """Hand over a call."""
        call = Call(partial(do, *arguments) if arguments else do)
        self._calls.put(call)
        if len(self._threads) < self._num:
            self._threads.append(start_thread(_make_calls, self._calls, self._end))
        return call

    def help_until(self, call: Call[Any]) -> None:
        """Make calls that wait for a thread, until one given has ended or none waits."""
        while not call.has_ended:
            try:
                waiting = self._calls.get_nowait()
            except Empty:
                return
            waiting.run()


def prefetch(
    tasks: Iterable[Callable[[], T]], *, num_threads: int, depth: int
) -> Generator[T, None, None]:
    """Yield the result of each task, in order.

    Where the next one is not there yet, the consumer's thread does tasks, too, rather than wait.
    An exception of a task is raised in its place. Threads start with the first ``next()``, where
    there is more than one task, and end with the generator, however that ends: what waits is
    dropped, what runs is waited for.

    Parameters
    ----------
    tasks : iterable of callables
        Asked for one by one, in the consumer's thread.
    num_threads : int
        Beside the consumer's. With 0, tasks run in that when their turn comes.
    depth : int
        How many tasks, at least 1, are on the way at once, with the one that is waited for.

    Raises
    ------
    OptionError
        If it is asked for the next result in another process than for the first.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, depth if num_threads else 0))
    if len(first) < 2:
        for task in chain(first, waiting):
            yield task()
        return
    process = os.getpid()
    with Threads(num_threads) as threads:
        pending = deque(map(threads.call, first))
        first.clear()  # what tasks hold goes with them
        while pending:
            threads.help_until(pending[0])
            yield pending.popleft().result()
            if os.getpid() != process:  # a fork has copied this one without its threads
                raise OptionError("this was begun in another process: begin anew in this one")
            pending.extend(map(threads.call, islice(waiting, depth - len(pending))))


def _make_calls(calls: SimpleQueue[Any], _end: object) -> None:
    """Make calls until something else comes, and hand that on to the next thread."""
    while isinstance(call := calls.get(), Call):
        call.run()
        del call  # what it holds is the consumer's
    calls.put(call)
