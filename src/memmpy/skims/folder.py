"""The folder of skims of a store: one writer at a time for each; a skim appears whole or never."""

import ctypes
import errno
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from memmpy.errors import CorruptStoreError, DiskError, ReadOnlyStoreError, StoreLockedError
from memmpy.store import (
    FileLock,
    is_real_folder,
    remove_files,
    remove_folder,
    sync_directory,
    temp_suffix,
    translate_os_errors,
    wait_for,
)

__all__ = [
    "FILES",
    "SKIMS",
    "delete_leftover",
    "keep_only",
    "leftover_skims",
    "new_folder",
    "publish",
    "remove_skim",
    "skim_lock",
]

#: Folder of a store.
SKIMS = "skims"
#: Names of the folder in which a writer works, and of an old skim that it moved aside.
_LEFTOVER = re.compile(r"([0-9a-f]{16})\.[0-9a-f-]+\.(tmp|old)")
#: Names of the files in the folder of a skim.
FILES = re.compile(
    r"(rows|tickets|selection|[0-9a-f]{16}\.(content|offsets))\.npy|part\d+(\.[0-9a-f]+\.tmp)?"
    r"|(metadata_skim|statistics-[0-9a-f]{32})\.json(\.[0-9a-f]+\.tmp)?|statistics\.lock(\.held)?"
)
_LOCK = re.compile(r"[0-9a-f]{16}\.lock")
#: Arguments of `renameat2` that exchange two names atomically.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def skim_lock(folder: Path, *, timeout: float) -> Iterator[FileLock]:
    """Hold the lock of one skim, and yield it. Leftovers of killed writers are removed first.

    Parameters
    ----------
    folder : Path
        The folder of the skim: ``<store>/skims/<name>``.
    timeout : float
        Seconds to wait for another writer; below zero, without limit.

    Raises
    ------
    StoreLockedError
        If another writer held the lock for `timeout` seconds, or the lock was removed meanwhile.
    ReadOnlyStoreError, DiskError
        If the store cannot be written to, or the skim exists behind a link.
    """
    try:
        with translate_os_errors(f"to {str(folder.parent)!r}"):
            folder.parent.mkdir(exist_ok=True)
    except DiskError as error:
        if error.errno != errno.EEXIST:
            raise
        message = f"{str(folder.parent)!r} is no folder, but skims need one there: remove it"
        raise ReadOnlyStoreError(message) from None
    _check_may_replace(folder)
    lock = _lock_of(folder)
    wait_for(lambda: _take(lock, folder), what=f"making the skim {str(folder)!r}", timeout=timeout)
    try:
        with translate_os_errors(f"to {str(folder.parent)!r}"):
            _remove_leftovers(folder)
        yield lock
    except (DiskError, CorruptStoreError) as error:
        if not lock.is_held():
            raise _lock_is_lost(folder) from error
        raise
    finally:
        lock.release()


def keep_only(aside: Path, keep: Collection[str]) -> None:
    """Remove all files of a folder but those of these names."""
    with translate_os_errors(f"to {str(aside)!r}"):
        remove_files(aside, {file.name for file in aside.iterdir()} - set(keep))


def new_folder(folder: Path) -> Path:
    """Return the path of a new folder for a writer, beside the folder that it will replace."""
    return folder.with_name(f"{folder.name}.{temp_suffix()}")


def publish(aside: Path, folder: Path, lock: FileLock) -> None:
    """Replace a skim with a finished one. Programs that have the old one open keep it."""
    if not lock.is_held():
        raise _lock_is_lost(folder)
    old = aside.with_suffix(".old")
    with translate_os_errors(f"to {str(folder)!r}"):
        sync_directory(aside)
        if not os.path.lexists(folder):
            aside.rename(folder)
        elif _exchange(aside, folder):
            old = aside
        else:
            _replace(aside, folder, old)
    # It is in place. A failed sync of its directory is no reason to undo that.
    with suppress(OSError):
        sync_directory(folder.parent)
    delete_leftover(old)


def remove_skim(folder: Path, *, timeout: float) -> None:
    """Remove a skim if it exists. Programs that have it open keep it. See `skim_lock`."""
    with translate_os_errors(f"to {str(folder)!r}"):
        if not folder.exists():
            return
    with skim_lock(folder, timeout=timeout), translate_os_errors(f"to {str(folder)!r}"):
        # Renamed first, so that no reader sees a part of it. A later writer removes leftovers.
        old = new_folder(folder).with_suffix(".old")
        with suppress(FileNotFoundError):
            folder.rename(old)
        delete_leftover(old)


def leftover_skims(skims: Path) -> list[Path]:
    """Return leftovers of killed writers in the folder of skims, and locks without a skim."""
    if not is_real_folder(skims):
        return []
    names = {path.name for path in skims.iterdir()}
    locks = {n for n in names if _LOCK.fullmatch(n) and n.removesuffix(".lock") not in names}
    leftovers = sorted(locks | set(filter(_LEFTOVER.fullmatch, names)))
    return [skims / name for name in leftovers if not _is_in_use(skims / name)]


def _check_may_replace(folder: Path) -> None:
    """Raise a `ReadOnlyStoreError` for a skim behind a link, where memmpy removes nothing."""
    if os.path.lexists(folder) and not is_real_folder(folder.parent):
        message = (
            f"the skim {str(folder)!r} must be rebuilt, but {str(folder.parent)!r} is a link, and "
            "memmpy removes nothing behind a link; remove the skim, or put the whole store behind "
            "the link"
        )
        raise ReadOnlyStoreError(message)


def _lock_is_lost(folder: Path) -> StoreLockedError:
    message = f"the lock of the skim {str(folder)!r} was removed while memmpy made the skim; "
    return StoreLockedError(message + "another process may make it now. Nothing changed: run again")


def _exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two folders atomically; return False where the OS or disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(first), os.fsencode(second)
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _replace(aside: Path, folder: Path, old: Path) -> None:
    folder.rename(old)
    try:
        aside.rename(folder)
    except BaseException:
        with suppress(OSError):
            old.rename(folder)
        raise


def delete_leftover(path: Path) -> None:
    """Remove a folder, or a file in its place, as far as possible."""
    if is_real_folder(path.parent):
        with suppress(OSError):
            path.unlink()
        remove_folder(path, FILES)


def _lock_of(folder: Path) -> FileLock:
    # A new object for each call: each opens the file, so that threads exclude each other.
    return FileLock(folder.with_name(f"{folder.name}.lock"))


def _take(lock: FileLock, folder: Path) -> bool:
    with translate_os_errors(f"to {str(folder.parent)!r}"):
        return lock.take()


def _is_in_use(leftover: Path) -> bool:
    """Return whether the writer of a possible leftover is still running."""
    folder = leftover.with_name(leftover.name[:16])
    if not folder.with_name(f"{folder.name}.lock").exists():
        return False
    lock = _lock_of(folder)
    try:
        if not lock.take():
            return True
    except (ReadOnlyStoreError, OSError):
        return True
    lock.release()
    return False


def _remove_leftovers(folder: Path) -> None:
    """Remove leftovers of killed writers: of this skim, and of others that have no writer now."""
    if not is_real_folder(folder.parent):
        return
    for path in folder.parent.iterdir():
        match = _LEFTOVER.fullmatch(path.name)
        if match is None:
            continue
        if match[1] == folder.name:
            delete_leftover(path)
            continue
        other = _lock_of(folder.with_name(match[1]))
        with suppress(ReadOnlyStoreError, OSError):
            if other.take():
                try:
                    delete_leftover(path)
                finally:
                    other.release()
