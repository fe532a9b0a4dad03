"""Who works for a command: processes of this machine, or a Dask cluster."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import active_children, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread

import click

from memmpy.errors import MemmpyError

__all__ = ["open_executor"]

#: Seconds that a scheduler has to answer.
_PATIENCE = 10


class _Heedless(SpawnProcess):
    """A process without Ctrl-C, which reaches all of a terminal: who hands out work heeds it."""

    def start(self) -> None:
        """Start it; it takes over what the thread that starts it has blocked."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Context(SpawnContext):
    """Spawns, as threads and fork do not go together."""

    Process = _Heedless


def _end_with_parent() -> None:
    """Let this process end once the one that started it is gone, however that ended.

    A pool whose owner is killed is told nothing: its processes would wait for work for ever.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def open_executor(*, num_processes: int | None, address: str | None) -> Iterator[Executor | None]:
    """Give an executor for as long as it is needed; None for the threads of this process.

    Parameters
    ----------
    num_processes : int or None
        Processes of a pool on this machine: ``--workers``.
    address : str or None
        The address of a Dask scheduler: ``--dask``.

    Raises
    ------
    click.UsageError
        If both are given.
    MemmpyError
        If dask.distributed is not installed, or no scheduler answers.
    """
    if num_processes is not None and address is not None:
        raise click.UsageError("--workers and --dask exclude each other")
    if address is not None:
        with _dask(address) as executor:
            yield executor
    elif num_processes is not None:
        with ProcessPoolExecutor(num_processes, _Context(), _end_with_parent) as pool:
            try:
                yield pool
            except KeyboardInterrupt:
                # Nothing runs any more; one that the pool was just starting would stay for ever.
                for process in active_children():
                    process.terminate()
                raise
    else:
        yield None


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        distributed = import_module("distributed")
    except ImportError:
        message = "--dask needs dask.distributed, which is not installed: pip install distributed"
        raise MemmpyError(message) from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MemmpyError(f"no Dask scheduler answers at {address!r}: {error}") from None
    with client:
        executor: Executor = client.get_executor()
        yield executor
