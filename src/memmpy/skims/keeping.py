"""The folder of a store's skims: one writer per skim, which appears whole or not at all."""

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from memmpy.errors import StoreLockedError
from memmpy.store import refusals

__all__ = ["SKIMS", "being_made", "publish"]

logger = logging.getLogger(__name__)

#: Folder of a store.
SKIMS = "skims"
#: Seconds before a writer that waits says so, and between two tries.
_PATIENCE, _POLL = 1.0, 0.05
#: What a writer makes, and what it moved aside.
_LEFTOVER = re.compile(r"([0-9a-f]{16})\.[0-9]+\.(tmp|old)")


@contextmanager
def being_made(folder: Path, *, timeout: float) -> Iterator[None]:
    """Be the one that makes a skim; what killed writers left in its store is removed first.

    Parameters
    ----------
    folder : Path
        The skim's: ``<store>/skims/<name>``.
    timeout : float
        Seconds to wait for another writer; below zero, for ever.

    Raises
    ------
    StoreLockedError
        If another one held the lock for `timeout` seconds.
    ReadOnlyStoreError, DiskError
        If the store cannot be written to.
    """
    with refusals(f"to {str(folder.parent)!r}"):
        folder.parent.mkdir(exist_ok=True)
    lock = _lock_of(folder)
    _wait(lock, folder, timeout)
    try:
        _sweep(folder)
        yield
    finally:
        lock.release()


def publish(made: Path, folder: Path) -> None:
    """Let a finished skim appear, in place of an older one; who has that one open keeps it."""
    aside = folder.with_name(made.name.removesuffix("tmp") + "old")
    with refusals(f"to {str(folder)!r}"):
        _sync(made)
        if folder.exists():
            folder.rename(aside)
        try:
            made.rename(folder)
        except BaseException:
            with suppress(OSError):
                aside.rename(folder)
            raise
    # It is in place: that its directory cannot be synced is no reason to undo anything.
    with suppress(OSError):
        _sync(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _lock_of(folder: Path) -> filelock.FileLock:
    # Not the same for two threads: each opens the file, and so they wait for each other.
    return filelock.FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)


def _wait(lock: filelock.FileLock, folder: Path, timeout: float) -> None:
    start, is_said = time.monotonic(), False
    while not _is_taken(lock, folder):
        waited = time.monotonic() - start
        if 0 <= timeout <= waited:
            message = (
                f"another process is making the skim {str(folder)!r}; waited {timeout:g} s: "
                "run again when it is done, or give a longer lock_timeout"
            )
            raise StoreLockedError(message)
        if waited >= _PATIENCE and not is_said:
            logger.warning("waiting for another process to finish the skim %s", folder)
            is_said = True
        time.sleep(_POLL if timeout < 0 else min(_POLL, timeout - waited))


def _is_taken(lock: filelock.FileLock, folder: Path) -> bool:
    with refusals(f"to {str(folder.parent)!r}"):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:  # an OSError, too
            return False
    return True


def _sweep(folder: Path) -> None:
    """Remove what killed writers left: of this skim, and of those that nobody makes now."""
    for found in folder.parent.iterdir():
        match = _LEFTOVER.fullmatch(found.name)
        if match is None:
            continue
        if match[1] == folder.name:
            shutil.rmtree(found, ignore_errors=True)
            continue
        other = _lock_of(folder.with_name(match[1]))
        with suppress(filelock.Timeout, OSError):
            other.acquire(timeout=0)
            try:
                shutil.rmtree(found, ignore_errors=True)
            finally:
                other.release()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
