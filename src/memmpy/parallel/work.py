"""`Work`: the executor of a conversion or a skim, and its limits."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias, final

from memmpy.checks import check_integer, check_timeout
from memmpy.errors import OptionError

__all__ = ["Work", "WorkOption", "check_work"]


@final
@dataclass(frozen=True, slots=True)
class Work:
    """The executor of a conversion or a skim, and its limits: ``work=``.

    ``work=executor`` is short for ``work=Work(executor)``.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        ``client.get_executor()`` of a Dask client, a process pool, ...; threads of this process on
        all cores where not given.
    lock_timeout : float
        Seconds to wait for another process that writes to the store or makes the same skim, or for
        another thread that converts; below zero, without limit.
    step_bytes : int
        About how many bytes of decompressed data a worker of a conversion has in memory at a time.

    Raises
    ------
    OptionError
        If one makes no sense.

    Examples
    --------
    >>> with ProcessPoolExecutor(8) as pool:
    ...     convert(files, "data.mmpy", keys={"met"}, work=Work(pool, lock_timeout=60))
    """

    executor: Executor | None = None
    lock_timeout: float = -1
    step_bytes: int = 32 * 2**20

    def __post_init__(self) -> None:
        given: object = self.executor
        # A Dask client has `submit`, too, and no `shutdown` of an executor: its futures are others.
        if given is not None and not isinstance(given, Executor):
            message = f"work is a Work or a concurrent.futures.Executor, got {given!r}"
            raise OptionError(message + "; of a Dask client, give client.get_executor()")
        object.__setattr__(self, "lock_timeout", check_timeout(self.lock_timeout))
        step_bytes = check_integer("step_bytes", self.step_bytes, minimum=1)
        object.__setattr__(self, "step_bytes", step_bytes)


WorkOption: TypeAlias = Executor | Work | None


def check_work(given: WorkOption) -> Work:
    """Return what a user gave as ``work=``, or a short form of it, as the value."""
    return given if isinstance(given, Work) else Work(given)
