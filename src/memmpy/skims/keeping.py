"""The folder of a store's skims: one writer per skim, which appears whole or not at all."""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from memmpy.store import refusals, sync_directory, wait_for

__all__ = ["SKIMS", "being_made", "clear", "publish", "remove"]

#: Folder of a store.
SKIMS = "skims"
#: What a writer makes, and what it moved aside.
_LEFTOVER = re.compile(r"([0-9a-f]{16})\.[^.]+\.(tmp|old)")


@contextmanager
def being_made(folder: Path, *, timeout: float) -> Iterator[None]:
    """Hold the lock of one skim. What killed writers left beside it is removed first.

    Parameters
    ----------
    folder : Path
        The folder of the skim: ``<store>/skims/<name>``.
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
    wait_for(
        lambda: _is_taken(lock, folder), what=f"making the skim {str(folder)!r}", timeout=timeout
    )
    try:
        _sweep(folder)
        yield
    finally:
        lock.release()


def clear(made: Path, keep: Collection[str]) -> None:
    """Remove all from a folder but the files of these names."""
    for file in list(made.iterdir()):
        if file.name not in keep:
            file.unlink(missing_ok=True)


def publish(made: Path, folder: Path) -> None:
    """Let a finished skim appear, in place of an older one; who has that one open keeps it."""
    aside = folder.with_name(made.name.removesuffix("tmp") + "old")
    with refusals(f"to {str(folder)!r}"):
        sync_directory(made)
        if os.path.lexists(folder):
            folder.rename(aside)
        try:
            made.rename(folder)
        except BaseException:
            with suppress(OSError):
                aside.rename(folder)
            raise
    # It is in place: that its directory cannot be synced is no reason to undo anything.
    with suppress(OSError):
        sync_directory(folder.parent)
    _delete(aside)


def remove(folder: Path, *, timeout: float) -> None:
    """Remove a skim, if it is there; who has it open keeps it. See `being_made`."""
    with refusals(f"to {str(folder)!r}"):
        if not folder.exists():
            return
    with being_made(folder, timeout=timeout), refusals(f"to {str(folder)!r}"):
        # Gone at once, for who opens it now; what a kill leaves of it is swept.
        aside = folder.with_name(f"{folder.name}.{os.getpid()}.old")
        with suppress(FileNotFoundError):
            folder.rename(aside)
        _delete(aside)


def _delete(path: Path) -> None:
    """Remove a folder, or a file in its place, as far as that can be done."""
    with suppress(OSError):
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def _lock_of(folder: Path) -> filelock.FileLock:
    # Not the same for two threads: each opens the file, and so they wait for each other.
    return filelock.FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)


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
            _delete(found)
            continue
        other = _lock_of(folder.with_name(match[1]))
        with suppress(filelock.Timeout, OSError):
            other.acquire(timeout=0)
            try:
                _delete(found)
            finally:
                other.release()
