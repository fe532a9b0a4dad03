"""An executor that kills one of its workers during the work."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["DyingExecutor"]

T = TypeVar("T")


def die_or_do(do: Callable[..., T], marker: str, *arguments: Any) -> T:
    """Kill the own process, unless one was killed already."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return do(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process outlived SIGKILL")


class DyingExecutor(Executor):
    """Hands tasks to another executor; the worker that gets the n-th one is killed.

    Parameters
    ----------
    executor : Executor
        Of other processes.
    marker : Path
        Made when it happens.
    num : int
        Which task, from 1.
    """

    def __init__(self, executor: Executor, marker: Path, num: int) -> None:
        self._executor, self._marker, self._left = executor, marker, num

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        self._left -= 1
        if self._left == 0:
            do = partial(die_or_do, do, str(self._marker))
        return self._executor.submit(do, *arguments, **options)
