"""Executors for commands: processes of this machine, or a Dask cluster."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread

import click

from memmpy.cli.options import WorkFlags
from memmpy.errors import MemmpyError, require

__all__ = ["open_executor"]

#: Seconds to wait for the answer of a scheduler.
_CONNECT_TIMEOUT = 10


class _ShieldedProcess(SpawnProcess):
    """A process that ignores Ctrl-C, which the main process handles."""

    def start(self) -> None:
        """Start the process with SIGINT blocked, which it inherits from this thread."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _ShieldedContext(SpawnContext):
    """Spawns processes, because fork is unsafe in a process with threads."""

    Process = _ShieldedProcess


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, even if the parent was killed.

    Otherwise the processes of a pool would wait for work forever.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def open_executor(work: WorkFlags) -> Iterator[Executor | None]:
    """Open an executor for the body of a with statement; None for threads of this process.

    Raises
    ------
    click.UsageError
        If the user gives both.
    MissingPackageError
        If dask.distributed is not installed.
    MemmpyError
        If no scheduler answers.
    """
    if work.workers is not None and work.dask is not None:
        raise click.UsageError("--workers and --dask exclude each other")
    if work.dask is not None:
        with _dask(work.dask) as executor:
            yield executor
    elif work.workers is not None:
        with ProcessPoolExecutor(work.workers, _ShieldedContext(), _end_with_parent) as pool:
            try:
                yield pool
            except KeyboardInterrupt:
                # No task runs any more, but a process that was just starting would stay.
                for process in active_children():
                    process.terminate()
                raise
    else:
        yield None


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    distributed = require("distributed", what="--dask", extra="dask")
    try:
        client = distributed.Client(address, timeout=_CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MemmpyError(f"no Dask scheduler answers at {address!r}: {error}") from None
    with client:
        executor: Executor = client.get_executor()
        yield executor
