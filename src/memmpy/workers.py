"""Who does the tasks: the threads of this process, or any executor that the user has."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias, TypeVar
from uuid import uuid4

from memmpy.errors import OptionError
from memmpy.gather import keep_freed_memory
from memmpy.machine import num_cores

__all__ = ["Crew", "outcomes", "workers"]

logger = logging.getLogger(__name__)

_Task = TypeVar("_Task")
_Outcome = TypeVar("_Outcome")

_Future: TypeAlias = Future[tuple[_Outcome | None, Exception | None]]

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
    given: object = executor
    if executor is not None:
        # A Dask client has `submit`, too, and no `shutdown` of an executor: its futures are others.
        if not isinstance(given, Executor):
            message = f"executor is a concurrent.futures.Executor, got {executor!r}"
            raise OptionError(message + "; of a Dask client, give client.get_executor()")
        is_local = isinstance(executor, ThreadPoolExecutor | ProcessPoolExecutor)
        is_in_process = isinstance(executor, ThreadPoolExecutor)
        yield Crew(executor, _NUM_WAITING, not is_local, is_in_process)
        return
    keep_freed_memory()
    pool = ThreadPoolExecutor(num_cores(), thread_name_prefix="memmpy")
    try:
        yield Crew(pool, 2 * num_cores(), is_shared=False, is_in_process=True)
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
    running: dict[_Future[_Outcome], tuple[_Task, bool]] = {}
    # Futures tell it themselves: `wait` would for ever, for one that is cancelled by a shutdown.
    done: SimpleQueue[_Future[_Outcome]] = SimpleQueue()
    # Dask takes equal calls for one, and may still know what came of that.
    call = uuid4().hex
    lost: deque[_Task] = deque()
    takes_more, has_lost = True, False
    with ThreadPoolExecutor(num_cores(), thread_name_prefix="memmpy") as own:
        try:
            while True:
                num_own = sum(is_own for _, is_own in running.values())
                num_free = crew.num_waiting - (len(running) - num_own) if takes_more else 0
                for task in next_tasks(num_free):
                    future = _submitted(crew.executor, do, task, call) if takes_more else None
                    if future is None:
                        takes_more = False
                        lost.append(task)
                    else:
                        running[future] = task, False
                        future.add_done_callback(done.put)
                num_free = 2 * num_cores() - num_own
                if not takes_more:
                    lost.extend(next_tasks(max(0, num_free - len(lost))))
                for _ in range(min(num_free, len(lost))):
                    task = lost.popleft()
                    future = own.submit(_do, do, task, call)
                    running[future] = task, True
                    future.add_done_callback(done.put)
                if not running:
                    return
                future = done.get()
                task, is_own = running.pop(future)
                try:
                    outcome, error = future.result()
                except Exception as reason:
                    if is_own:
                        raise
                    # A pool that breaks loses all that it has, one by one.
                    level = logging.DEBUG if has_lost else logging.WARNING
                    logger.log(level, "a worker was lost (%r): its task is done again", reason)
                    has_lost = True
                    lost.append(task)
                    continue
                if error is not None:
                    raise error
                assert outcome is not None
                yield outcome
        finally:
            wait([future for future in running if not future.cancel()])


def _submitted(
    executor: Executor, do: Callable[[_Task], _Outcome], task: _Task, call: str
) -> _Future[_Outcome] | None:
    """Hand a task to an executor; None if it takes no more."""
    try:
        return executor.submit(_do, do, task, call)
    except Exception as error:  # noqa: BLE001 - broken, shut down, or gone: each says so in its way
        logger.warning("the executor takes no more (%r): threads do the rest", error)
        return None


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
