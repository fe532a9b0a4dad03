"""Runs tasks on the threads of this process, or on any executor of the user."""

import logging
import pickle
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from itertools import count, islice
from queue import SimpleQueue
from traceback import walk_tb
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from memmpy._version import __version__
from memmpy.errors import MemmpyError, OptionError
from memmpy.parallel.machine import keep_freed_memory, num_cores
from memmpy.parallel.threads import THREAD_NAME, count_interrupt, start_thread

__all__ = ["WorkerPool", "run_all", "run_tasks", "worker_pool"]

logger: logging.Logger = logging.getLogger(__name__)

_Task = TypeVar("_Task")
_Outcome = TypeVar("_Outcome")
#: A function and its task, pickled for workers outside this process.
_Work: TypeAlias = tuple[Callable[[Any], Any], Any] | bytes

#: Logger of Dask's event loop, which reports the errors of callbacks.
_DASK_LOGGER = "tornado.application"
#: Tasks to submit ahead to an executor of unknown size, so that all its workers are busy.
_NUM_WAITING = 512


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """An executor, with facts about its workers.

    Parameters
    ----------
    executor : Executor
        Runs the tasks.
    num_waiting : int
        Limit of tasks that are submitted and not yet finished.
    is_shared : bool
        Whether the workers may run on other machines.
    is_in_process : bool
        Whether the workers are threads of this process.
    """

    executor: Executor
    num_waiting: int
    is_shared: bool
    is_in_process: bool


@contextmanager
def worker_pool(executor: Executor | None) -> Iterator[WorkerPool]:
    """Yield a pool of the user's executor, or of threads for all cores until the block ends."""
    if executor is not None:
        is_local = isinstance(executor, ThreadPoolExecutor | ProcessPoolExecutor)
        is_in_process = isinstance(executor, ThreadPoolExecutor)
        yield WorkerPool(executor, _NUM_WAITING, not is_local, is_in_process)
        return
    keep_freed_memory()
    threads = ThreadPoolExecutor(num_cores(), thread_name_prefix=THREAD_NAME)
    try:
        yield WorkerPool(threads, 2 * num_cores(), is_shared=False, is_in_process=True)
    except KeyboardInterrupt:
        count_interrupt()
        raise
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def run_all(
    pool: WorkerPool,
    do: Callable[[tuple[int, _Task]], tuple[int, _Outcome | MemmpyError]],
    tasks: Mapping[int, _Task],
) -> dict[int, _Outcome]:
    """Return the outcomes of numbered tasks; see `run_tasks`.

    Raises
    ------
    MemmpyError
        The error of the task of the lowest number, after all have run.
    """
    waiting = iter(tasks.items())
    outcomes: dict[int, _Outcome] = {}
    errors: dict[int, MemmpyError] = {}
    for number, outcome in run_tasks(pool, do, lambda num: list(islice(waiting, num))):
        if isinstance(outcome, MemmpyError):
            errors[number] = outcome
        else:
            outcomes[number] = outcome
    if errors:
        raise errors[min(errors)]
    return outcomes


def run_tasks(
    pool: WorkerPool, do: Callable[[_Task], _Outcome], next_tasks: Callable[[int], Sequence[_Task]]
) -> Iterator[_Outcome]:
    """Yield the outcomes of tasks, in the order in which the tasks finish.

    If a worker is lost, threads of this process repeat its task. If the executor rejects tasks,
    these threads run all that is left.

    Parameters
    ----------
    pool : WorkerPool
        Runs the tasks.
    do : callable
        Called with each task, perhaps twice. For processes it must be picklable. Its errors are
        raised here.
    next_tasks : callable
        Returns at most that many tasks, or none if none is ready. Called again after each outcome.

    Raises
    ------
    OptionError
        If a worker has another version of memmpy.
    """
    running: dict[int, tuple[_Task, bool]] = {}
    submissions: SimpleQueue[Any] = SimpleQueue()
    results: SimpleQueue[_TaskResult] = SimpleQueue()
    lost_tasks: deque[_Task] = deque()
    accepts_more, has_lost = True, False
    numbers = count()

    def submit(task: _Task, *, is_local: bool) -> None:
        number = next(numbers)
        running[number] = task, is_local
        submissions.put(_Submission(number, task, is_local))

    # Ctrl-C may come before the block below: then the thread ends with this object.
    lifetime = _Lifetime()
    end = weakref.ref(lifetime, submissions.put)
    submitter = start_thread(_submit_all, pool, do, submissions, results, end)
    try:
        while True:
            num_local = sum(is_local for _, is_local in running.values())
            if accepts_more:
                for task in next_tasks(pool.num_waiting - (len(running) - num_local)):
                    submit(task, is_local=False)
            num_free = 2 * num_cores() - num_local
            if not accepts_more:
                lost_tasks.extend(next_tasks(max(0, num_free - len(lost_tasks))))
            for _ in range(min(num_free, len(lost_tasks))):
                submit(lost_tasks.popleft(), is_local=True)
            if not running:
                return
            result = results.get()
            task, is_local = running.pop(result.number)
            if result.rejection is not None:
                if accepts_more:
                    message = "the executor rejected a task (%r); finishing on local threads"
                    logger.warning(message, result.rejection)
                accepts_more = False
                lost_tasks.append(task)
            elif result.loss is not None:
                if is_local:
                    raise result.loss
                # A pool that breaks loses all of its tasks, one by one.
                level = logging.DEBUG if has_lost else logging.WARNING
                message = "a worker was lost (%r); repeating its task on a local thread"
                logger.log(level, message, result.loss)
                has_lost = True
                lost_tasks.append(task)
            elif result.error is not None:
                raise result.error
            else:
                yield result.outcome
    except KeyboardInterrupt:
        count_interrupt()
        raise
    finally:
        submissions.put(None)
        submitter.join()


class _Lifetime:
    """An object that lives as long as one call of `run_tasks`."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class _Submission:
    """A task to submit to the executor, or to threads of this process."""

    number: int
    task: Any
    is_local: bool


@dataclass(frozen=True, slots=True)
class _TaskResult:
    """The end of a task: its outcome, its error, the loss of its worker, or its rejection."""

    number: int
    outcome: Any = None
    error: Exception | None = None
    loss: Exception | None = None
    rejection: Exception | None = None


def _submit_all(
    pool: WorkerPool,
    do: Callable[[Any], Any],
    submissions: SimpleQueue[Any],
    results: SimpleQueue[_TaskResult],
    _end: object,
) -> None:
    """Submit tasks until another object comes, and put their results into a queue.

    At the end, wait for the tasks that run.
    """
    # Dask merges equal calls, and may return the result of an earlier one.
    call = uuid4().hex
    futures: set[Future[Any]] = set()
    with ThreadPoolExecutor(num_cores(), thread_name_prefix=THREAD_NAME) as threads:
        while isinstance(item := submissions.get(), _Submission):
            try:
                target = threads if item.is_local else pool.executor
                work: _Work = (do, item.task)
                if not (item.is_local or pool.is_in_process):
                    work = pickle.dumps(work)
                future = target.submit(_run_task, work, __version__, call)
            except Exception as error:  # noqa: BLE001 - broken or shut down: each kind has its own
                results.put(_TaskResult(item.number, rejection=error))
                continue
            futures.add(future)
            # By callbacks: `wait` never returns for a future that a shutdown has cancelled.
            future.add_done_callback(futures.discard)
            future.add_done_callback(partial(_put_result, results, item.number))
            del item, future
        if futures and "distributed" in sys.modules:
            logging.getLogger(_DASK_LOGGER).addFilter(_is_no_late_outcome)
        wait([future for future in futures.copy() if not future.cancel()])


def _is_no_late_outcome(record: logging.LogRecord) -> bool:
    """Filter the tracebacks of Dask's futures that get a result after they were cancelled.

    `ClientExecutor` sets or fetches the result of a task even if its future was cancelled
    meanwhile. Dask logs the error of that long after the call. Nothing is lost by it.
    """
    _, error, traceback = record.exc_info or (None, None, None)
    if not isinstance(error, CancelledError | InvalidStateError):
        return True
    return all(
        frame.f_globals.get("__name__") != "distributed.cfexecutor"
        for frame, _ in walk_tb(traceback)
    )


def _put_result(results: SimpleQueue[_TaskResult], number: int, future: Future[Any]) -> None:
    try:
        outcome, error = future.result()
    except Exception as loss:  # noqa: BLE001 - the task is repeated
        if _is_failed_import(loss):
            results.put(_TaskResult(number, error=_version_error(str(loss))))
        else:
            results.put(_TaskResult(number, loss=loss))
    else:
        results.put(_TaskResult(number, outcome, error))


def _run_task(
    work: _Work,
    version: str,
    call: str,  # noqa: ARG001 - tells equal tasks of two calls apart
) -> tuple[Any, Exception | None]:
    """Run a task on the worker, and return its error apart from errors of the worker.

    Keep name and module: workers of other versions of memmpy find the function by them. They load
    the task only after they have compared the versions, for its classes may have moved or changed.
    """
    if version != __version__:
        return None, _version_error(f"a worker has memmpy {__version__}", version)
    try:
        do, task = pickle.loads(work) if isinstance(work, bytes) else work
        return do(task), None
    except Exception as error:  # noqa: BLE001 - raised again by `run_tasks`
        return None, error


def _is_failed_import(error: BaseException) -> bool:
    """Return whether a worker lacks `_run_task`, because its memmpy is older or missing."""
    return isinstance(error, ImportError | AttributeError) and "memmpy" in str(error)


def _version_error(reason: str, version: str = __version__) -> OptionError:
    return OptionError(
        f"the workers of the executor cannot run tasks of memmpy {version}: {reason}; install "
        "the same version of memmpy on all machines"
    )
