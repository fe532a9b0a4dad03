"""Who does the tasks: the threads of this process, or any executor that the user has."""

import logging
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    InvalidStateError,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import SimpleQueue
from traceback import walk_tb
from typing import Any, TypeVar
from uuid import uuid4

from memmpy.parallel.machine import keep_freed_memory, num_cores
from memmpy.parallel.threads import THREAD_NAME, count_interrupt, start_thread

__all__ = ["Crew", "outcomes", "workers"]

logger = logging.getLogger(__name__)

_Task = TypeVar("_Task")
_Outcome = TypeVar("_Outcome")

#: Where the event loop of Dask says what its callbacks raise.
_DASK_LOGGER = "tornado.application"
#: Tasks that wait in an executor of unknown size, so that none of its workers does.
_NUM_WAITING = 512


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the tasks.

    Parameters
    ----------
    executor : Executor
        To whom they are handed.
    num_waiting : int
        How many it may have at a time, those that wait counted.
    is_shared : bool
        Whether the workers may be other machines.
    is_in_process : bool
        Whether they are threads of this process.
    """

    executor: Executor
    num_waiting: int
    is_shared: bool
    is_in_process: bool


@contextmanager
def workers(executor: Executor | None) -> Iterator[Crew]:
    """Give the user's executor, or threads for all cores for as long as they are needed."""
    if executor is not None:
        is_local = isinstance(executor, ThreadPoolExecutor | ProcessPoolExecutor)
        is_in_process = isinstance(executor, ThreadPoolExecutor)
        yield Crew(executor, _NUM_WAITING, not is_local, is_in_process)
        return
    keep_freed_memory()
    pool = ThreadPoolExecutor(num_cores(), thread_name_prefix=THREAD_NAME)
    try:
        yield Crew(pool, 2 * num_cores(), is_shared=False, is_in_process=True)
    except KeyboardInterrupt:
        count_interrupt()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def outcomes(
    crew: Crew, do: Callable[[_Task], _Outcome], next_tasks: Callable[[int], Sequence[_Task]]
) -> Iterator[_Outcome]:
    """Yield what comes of tasks, in the order in which they are done.

    A task whose worker was lost is done again by threads of this process, and so is all that is
    left once the executor takes no more.

    Parameters
    ----------
    crew : Crew
        Who does them.
    do : callable
        What is done with a task; must be picklable for processes, and may be done twice. What it
        raises is raised here.
    next_tasks : callable
        Returns up to that many tasks, none if there are none at the moment; asked again after each
        outcome.
    """
    running: dict[int, tuple[_Task, bool]] = {}
    orders: SimpleQueue[Any] = SimpleQueue()
    events: SimpleQueue[_Event] = SimpleQueue()
    lost: deque[_Task] = deque()
    takes_more, has_lost = True, False
    numbers = count()

    def hand_out(task: _Task, *, is_own: bool) -> None:
        number = next(numbers)
        running[number] = task, is_own
        orders.put(_Order(number, task, is_own))

    # An interrupt may come before the block below: then the thread ends when this call does.
    call = _Call()
    end = weakref.ref(call, orders.put)
    foreman = start_thread(_hand_out, crew.executor, do, orders, events, end)
    try:
        while True:
            num_own = sum(is_own for _, is_own in running.values())
            if takes_more:
                for task in next_tasks(crew.num_waiting - (len(running) - num_own)):
                    hand_out(task, is_own=False)
            num_free = 2 * num_cores() - num_own
            if not takes_more:
                lost.extend(next_tasks(max(0, num_free - len(lost))))
            for _ in range(min(num_free, len(lost))):
                hand_out(lost.popleft(), is_own=True)
            if not running:
                return
            event = events.get()
            task, is_own = running.pop(event.number)
            if event.refusal is not None:
                if takes_more:
                    logger.warning(
                        "the executor takes no more (%r): threads do the rest", event.refusal
                    )
                takes_more = False
                lost.append(task)
            elif event.loss is not None:
                if is_own:
                    raise event.loss
                # A pool that breaks loses all that it has, one by one.
                level = logging.DEBUG if has_lost else logging.WARNING
                logger.log(level, "a worker was lost (%r): its task is done again", event.loss)
                has_lost = True
                lost.append(task)
            elif event.error is not None:
                raise event.error
            else:
                yield event.outcome
    except KeyboardInterrupt:
        count_interrupt()
        raise
    finally:
        orders.put(None)
        foreman.join()


class _Call:
    """What lives as long as a call of `outcomes`."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class _Order:
    """A task to hand out: to the executor, or to our own threads."""

    number: int
    task: Any
    is_own: bool


@dataclass(frozen=True, slots=True)
class _Event:
    """What became of a task: an outcome, what it raised, how it was lost, why it was not taken."""

    number: int
    outcome: Any = None
    error: Exception | None = None
    loss: Exception | None = None
    refusal: Exception | None = None


def _hand_out(
    executor: Executor,
    do: Callable[[Any], Any],
    orders: SimpleQueue[Any],
    events: SimpleQueue[_Event],
    _end: object,
) -> None:
    """Hand out what is ordered until something else comes, and tell what becomes of it.

    At the end, what runs is waited for.
    """
    # Dask takes equal calls for one, and may still know what came of that.
    call = uuid4().hex
    futures: set[Future[Any]] = set()
    with ThreadPoolExecutor(num_cores(), thread_name_prefix=THREAD_NAME) as own:
        while isinstance(order := orders.get(), _Order):
            try:
                future = (own if order.is_own else executor).submit(_do, do, order.task, call)
            except Exception as error:  # noqa: BLE001 - broken, shut down, gone: each in its way
                events.put(_Event(order.number, refusal=error))
                continue
            futures.add(future)
            # Futures tell it themselves: `wait` would for ever, for one cancelled by a shutdown.
            future.add_done_callback(futures.discard)
            future.add_done_callback(partial(_tell, events, order.number))
            del order, future
        if futures and "distributed" in sys.modules:
            logging.getLogger(_DASK_LOGGER).addFilter(_is_no_late_outcome)
        wait([future for future in futures.copy() if not future.cancel()])


def _is_no_late_outcome(record: logging.LogRecord) -> bool:
    """Refuse the tracebacks of Dask's futures of which something comes once they are cancelled.

    `ClientExecutor` hands over what came of a task, or fetches it, also where its future was
    cancelled meanwhile; that this raises is logged long after the call. Nothing is lost by it.
    """
    _, error, traceback = record.exc_info or (None, None, None)
    if not isinstance(error, CancelledError | InvalidStateError):
        return True
    return all(
        frame.f_globals.get("__name__") != "distributed.cfexecutor"
        for frame, _ in walk_tb(traceback)
    )


def _tell(events: SimpleQueue[_Event], number: int, future: Future[Any]) -> None:
    try:
        outcome, error = future.result()
    except Exception as loss:  # noqa: BLE001 - the task is done again
        events.put(_Event(number, loss=loss))
    else:
        events.put(_Event(number, outcome, error))


def _do(
    do: Callable[[_Task], _Outcome],
    task: _Task,
    call: str,  # noqa: ARG001 - tells equal tasks of two calls apart
) -> tuple[_Outcome | None, Exception | None]:
    """Do a task where the worker is; what it raises is not taken for the loss of the worker."""
    try:
        return do(task), None
    except Exception as error:  # noqa: BLE001 - raised again by `outcomes`
        return None, error
