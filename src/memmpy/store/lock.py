"""One process writes to a store at a time; its threads and writers share the lock.

Of those that take turns, there is only one at a time in a process, too.
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

__all__ = ["HeldLock", "hold_lock", "wait_for"]

logger = logging.getLogger(__name__)

#: Seconds before a writer that waits says so.
_PATIENCE = 1.0
#: Seconds between two tries.
_POLL = 0.05


@dataclass
class HeldLock:
    """The lock of one store in this process.

    Parameters
    ----------
    lock : FileLock
        What other processes see of it.
    mutex : RLock
        What its holders, threads of this process, take turns with.
    num_holders : int
        How many writers share it.
    has_turn : bool
        Whether one of those that take turns has its turn.
    """

    lock: FileLock
    mutex: threading.RLock = field(default_factory=threading.RLock)
    num_holders: int = 0
    has_turn: bool = False


_held: dict[str, HeldLock] = {}
_held_mutex = threading.Lock()


def _forget() -> None:
    """Make a forked child ask for locks of its own."""
    global _held_mutex  # noqa: PLW0603
    for held in _held.values():
        held.lock.release()  # which the parent keeps
    _held.clear()
    _held_mutex = threading.Lock()


os.register_at_fork(after_in_child=_forget)


@contextmanager
def hold_lock(
    directory: Path, *, timeout: float, one_at_a_time: bool, when_taken: Callable[[], None]
) -> Iterator[HeldLock]:
    """Hold the writer's lock of a store, and yield it.

    Parameters
    ----------
    directory : Path
        The store.
    timeout : float
        Seconds to wait for another process; below zero, without limit.
    one_at_a_time : bool
        Whether to wait, too, for another holder in this process that takes turns.
    when_taken : callable
        Called before anybody else in this process has the lock, where it had to be taken.

    Raises
    ------
    StoreLockedError
        If another process, or one that has its turn, held it for `timeout` seconds.
    ReadOnlyStoreError, DiskError
        If the directory cannot be written to.
    """
    with _held_mutex:
        name = str(directory.resolve())
        held = _held.setdefault(name, HeldLock(FileLock(Path(name) / LOCK)))
    wait_for(
        lambda: _join(held, directory, one_at_a_time, when_taken),
        what=f"writing to {str(directory)!r}",
        timeout=timeout,
    )
    try:
        yield held
    finally:
        # A forked child has nothing to release.
        if _held.get(name) is held:
            with held.mutex:
                held.num_holders -= 1
                held.has_turn &= not one_at_a_time
                if held.num_holders == 0:
                    held.lock.release()


def wait_for(take: Callable[[], bool], *, what: str, timeout: float) -> None:
    """Call `take` until it returns True: until another process has let go of a lock.

    Parameters
    ----------
    take : callable
        Tries to take the lock, and does not wait.
    what : str
        What the other one does, for messages: ``writing to 'data.mmpy'``.
    timeout : float
        Seconds to wait, for each thread its own; below zero, without limit.

    Raises
    ------
    StoreLockedError
        If it took longer.
    """
    start = time.monotonic()
    patience = _PATIENCE if timeout < 0 else min(_PATIENCE, timeout)
    has_warned = False
    while not take():
        waited = time.monotonic() - start
        if waited >= patience and not has_warned:
            logger.warning("waiting for another process, which is %s", what)
            has_warned = True
        if 0 <= timeout <= waited:
            message = (
                f"another process is {what}; waited {timeout:g} s: "
                "run again when it is done, or give a longer lock_timeout"
            )
            raise StoreLockedError(message)
        time.sleep(_POLL if timeout < 0 else min(_POLL, timeout - waited))


def _join(
    held: HeldLock, directory: Path, one_at_a_time: bool, when_taken: Callable[[], None]
) -> bool:
    """Become a holder, unless another process is one, or another one has its turn. Never waits."""
    with held.mutex:
        if one_at_a_time and held.has_turn:
            return False
        if held.num_holders == 0:
            with translate_os_errors(f"to {str(directory)!r}"):
                if not held.lock.take():
                    return False
            try:
                when_taken()
            except BaseException:
                held.lock.release()
                raise
        held.num_holders += 1
        held.has_turn |= one_at_a_time
        return True
