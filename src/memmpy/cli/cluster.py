"""Who works for a command: processes of this machine, or a Dask cluster."""

import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context

from memmpy.errors import OptionError

__all__ = ["crew"]

#: Seconds that a scheduler has to answer.
_PATIENCE = 10


@contextmanager
def crew(*, num_processes: int | None, address: str | None) -> Iterator[Executor | None]:
    """Give an executor for as long as it is needed; None for the threads of this process.

    Parameters
    ----------
    num_processes : int or None
        Of a pool on this machine.
    address : str or None
        Of a Dask scheduler.

    Raises
    ------
    OptionError
        If dask.distributed is not installed, or no scheduler answers.
    """
    if address is not None:
        with _dask(address) as executor:
            yield executor
    elif num_processes is not None:
        # Ctrl-C reaches all processes of a terminal: only the one that hands out work heeds it.
        heedless = signal.signal, (signal.SIGINT, signal.SIG_IGN)
        context = get_context("spawn")  # threads and fork do not go together
        with ProcessPoolExecutor(num_processes, context, *heedless) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        distributed = import_module("distributed")
    except ImportError:
        message = "--dask needs dask.distributed, which is not installed: pip install distributed"
        raise OptionError(message) from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OptionError(f"no Dask scheduler answers at {address!r}: {error}") from None
    with client:
        executor: Executor = client.get_executor()
        yield executor
