"""The writer's lock of a store: held by one process at a time, and shared by its threads.

Serial holders, such as conversions, also exclude each other inside of a process.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from memmpy.errors import StoreLockedError
from memmpy.store.file_names import LOCK
from memmpy.store.flock import FileLock
from memmpy.store.safe_open import translate_os_errors

__all__ = ["StoreLock", "hold_lock", "wait_for"]

logger: logging.Logger = logging.getLogger(__name__)

#: Seconds of waiting before a warning.
_PATIENCE = 1.0
#: Seconds between two attempts.
_POLL = 0.05


@dataclass
class StoreLock:
    """The lock of one store in this process.

    Parameters
    ----------
    lock : FileLock
        Excludes other processes.
    mutex : RLock
        Protects the state that the holders share. They are threads of this process.
    num_holders : int
        Number of holders in this process.
    has_one_at_a_time : bool
        Whether one of them has `one_at_a_time`.
    """

    lock: FileLock
    mutex: threading.RLock = field(default_factory=threading.RLock)
    num_holders: int = 0
    has_one_at_a_time: bool = False


_locks: dict[str, StoreLock] = {}
_locks_mutex = threading.Lock()


def _forget() -> None:
    """Drop the locks of the parent in a forked child."""
    global _locks_mutex  # noqa: PLW0603
    for store_lock in _locks.values():
        store_lock.lock.release()  # closes only the child's copy: the parent keeps the lock
    _locks.clear()
    _locks_mutex = threading.Lock()


os.register_at_fork(after_in_child=_forget)


@contextmanager
def hold_lock(
    directory: Path, *, timeout: float, one_at_a_time: bool, when_taken: Callable[[], None]
) -> Iterator[StoreLock]:
    """Hold the writer's lock of a store during the ``with`` block, and yield it.

    Parameters
    ----------
    directory : Path
        The store.
    timeout : float
        Seconds to wait for another process; below zero, without limit.
    one_at_a_time : bool
        Whether to wait for another holder with this option in this process.
    when_taken : callable
        Called by the first holder in this process, before it shares the lock.

    Raises
    ------
    StoreLockedError
        If another process, or the other holder, keeps the lock for `timeout` seconds.
    ReadOnlyStoreError, DiskError
        If the directory cannot be written to.
    """
    with _locks_mutex:
        name = str(directory.resolve())
        store_lock = _locks.setdefault(name, StoreLock(FileLock(Path(name) / LOCK)))
    wait_for(
        lambda: _join(store_lock, directory, one_at_a_time, when_taken),
        what=f"writing to {str(directory)!r}",
        timeout=timeout,
    )
    try:
        yield store_lock
    finally:
        # A forked child has nothing to release.
        if _locks.get(name) is store_lock:
            with store_lock.mutex:
                store_lock.num_holders -= 1
                store_lock.has_one_at_a_time &= not one_at_a_time
                if store_lock.num_holders == 0:
                    store_lock.lock.release()


def wait_for(take: Callable[[], bool], *, what: str, timeout: float) -> None:
    """Call `take` until it returns True, that is, until the holder of a lock releases it.

    Parameters
    ----------
    take : callable
        Tries once to take the lock.
    what : str
        What the holder does, for messages: ``writing to 'data.mmpy'``.
    timeout : float
        Seconds to wait; below zero, without limit.

    Raises
    ------
    StoreLockedError
        If that takes longer.
    """
    start = time.monotonic()
    patience = _PATIENCE if timeout < 0 else min(_PATIENCE, timeout)
    has_warned = False
    while not take():
        waited = time.monotonic() - start
        if waited >= patience and not has_warned:
            logger.warning("waiting for another process that is %s", what)
            has_warned = True
        if 0 <= timeout <= waited:
            message = (
                f"another process is {what}; waited {timeout:g} s: "
                "run again when it is done, or give a longer lock_timeout"
            )
            raise StoreLockedError(message)
        time.sleep(_POLL if timeout < 0 else min(_POLL, timeout - waited))


def _join(
    store_lock: StoreLock, directory: Path, one_at_a_time: bool, when_taken: Callable[[], None]
) -> bool:
    """Try once to become a holder."""
    with store_lock.mutex:
        if one_at_a_time and store_lock.has_one_at_a_time:
            return False
        if store_lock.num_holders == 0:
            with translate_os_errors(f"to {str(directory)!r}"):
                if not store_lock.lock.take():
                    return False
            try:
                when_taken()
            except BaseException:
                store_lock.lock.release()
                raise
        store_lock.num_holders += 1
        store_lock.has_one_at_a_time |= one_at_a_time
        return True
