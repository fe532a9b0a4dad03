"""`Work`: the executor and the limits of a conversion or a skim."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias, final

from memmpy.checks import check_integer, check_timeout
from memmpy.errors import OptionError, argument_hints

__all__ = ["Work", "WorkOption", "check_work"]


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Work:
    """The executor and the limits of a conversion or a skim: ``work=``.

    ``work=executor`` is short for ``work=Work(executor)``.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        The executor that runs the tasks, such as a process pool, or ``client.get_executor()`` of a
        Dask client. The default is threads of this process on all available cores.
    lock_timeout : float, default -1
        Seconds to wait for another process or thread that writes to the store or makes the same
        skim. If negative, memmpy waits without a limit.
    step_bytes : int, default 32 MiB
        The approximate size, in bytes, of the decompressed data that each worker of a conversion
        holds in memory.

    Raises
    ------
    OptionError
        If an option is invalid.

    Examples
    --------
    >>> from concurrent.futures import ProcessPoolExecutor
    >>> with ProcessPoolExecutor(8) as pool:
    ...     memmpy.convert("a.root", "data.mmpy", keys={"met"}, work=Work(pool, lock_timeout=60))
    """

    executor: Executor | None = None
    lock_timeout: float = -1
    step_bytes: int = 32 * 2**20

    def __post_init__(self) -> None:
        executor: object = self.executor
        # A Dask client has `submit`, but it is no executor: its futures are of another kind.
        if executor is not None and not isinstance(executor, Executor):
            message = f"work must be a Work or a concurrent.futures.Executor, got {executor!r}"
            raise OptionError(f"{message}; for a Dask client, give client.get_executor()")
        object.__setattr__(self, "lock_timeout", check_timeout(self.lock_timeout))
        step_bytes = check_integer("step_bytes", self.step_bytes, minimum=1)
        object.__setattr__(self, "step_bytes", step_bytes)


WorkOption: TypeAlias = Executor | Work | None


def check_work(work: WorkOption) -> Work:
    """Return the value of ``work=``, which may have its short form."""
    return work if isinstance(work, Work) else Work(work)
