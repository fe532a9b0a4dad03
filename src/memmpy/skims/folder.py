"""The folder of a store's skims: one writer per skim, which appears whole or not at all."""

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
    "clear",
    "delete_leftover",
    "leftover_skims",
    "new_folder",
    "publish",
    "remove",
    "skim_lock",
]

#: Folder of a store.
SKIMS = "skims"
#: Names of the folder in which a writer works, and of an older skim that it moved aside.
_LEFTOVER = re.compile(r"([0-9a-f]{16})\.[0-9a-f-]+\.(tmp|old)")
#: What a writer makes in the folder of a skim.
FILES = re.compile(
    r"(rows|tickets|selection|[0-9a-f]{16}\.(content|offsets))\.npy|part\d+(\.[0-9a-f]+\.tmp)?"
    r"|metadata_skim\.json(\.[0-9a-f]+\.tmp)?"
)
_LOCK = re.compile(r"[0-9a-f]{16}\.lock")
#: Arguments of `renameat2`, for two names that change places at once.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def skim_lock(folder: Path, *, timeout: float) -> Iterator[FileLock]:
    """Hold the lock of one skim, and yield it. What killed writers left is removed first.

    Parameters
    ----------
    folder : Path
        The folder of the skim: ``<store>/skims/<name>``.
    timeout : float
        Seconds to wait for another writer; below zero, without limit.

    Raises
    ------
    StoreLockedError
        If another one held the lock for `timeout` seconds, or it was removed meanwhile.
    ReadOnlyStoreError, DiskError
        If the store cannot be written to, or the skim is there and lies behind a link.
    """
    try:
        with translate_os_errors(f"to {str(folder.parent)!r}"):
            folder.parent.mkdir(exist_ok=True)
    except DiskError as error:
        if error.errno != errno.EEXIST:
            raise
        message = f"{str(folder.parent)!r} is no folder, and skims go there: remove it"
        raise ReadOnlyStoreError(message) from None
    _check_may_replace(folder)
    lock = _lock_of(folder)
    wait_for(
        lambda: _is_taken(lock, folder), what=f"making the skim {str(folder)!r}", timeout=timeout
    )
    try:
        with translate_os_errors(f"to {str(folder.parent)!r}"):
            _sweep(folder)
        yield lock
    except (DiskError, CorruptStoreError) as error:
        if not lock.is_held():
            raise _lost(folder) from error
        raise
    finally:
        lock.release()


def clear(made: Path, keep: Collection[str]) -> None:
    """Remove all from a folder but the files of these names."""
    with translate_os_errors(f"to {str(made)!r}"):
        remove_files(made, {file.name for file in made.iterdir()} - set(keep))


def new_folder(folder: Path) -> Path:
    """Return where a writer makes a skim, beside the folder that it becomes."""
    return folder.with_name(f"{folder.name}.{temp_suffix()}")


def publish(made: Path, folder: Path, lock: FileLock) -> None:
    """Put a finished skim in place of an older one. Programs that have that one open keep it."""
    if not lock.is_held():
        raise _lost(folder)
    old = made.with_suffix(".old")
    with translate_os_errors(f"to {str(folder)!r}"):
        sync_directory(made)
        if not os.path.lexists(folder):
            made.rename(folder)
        elif _exchange(made, folder):
            old = made
        else:
            _replace(made, folder, old)
    # It is in place: that its directory cannot be synced is no reason to undo anything.
    with suppress(OSError):
        sync_directory(folder.parent)
    delete_leftover(old)


def remove(folder: Path, *, timeout: float) -> None:
    """Remove a skim, if it is there; who has it open keeps it. See `skim_lock`."""
    with translate_os_errors(f"to {str(folder)!r}"):
        if not folder.exists():
            return
    with skim_lock(folder, timeout=timeout), translate_os_errors(f"to {str(folder)!r}"):
        # Renamed first, so that no reader finds a part of it; a later writer removes leftovers.
        old = new_folder(folder).with_suffix(".old")
        with suppress(FileNotFoundError):
            folder.rename(old)
        delete_leftover(old)


def leftover_skims(skims: Path) -> list[Path]:
    """Return what killed writers left in the folder of a store's skims, and locks of no skim."""
    if not is_real_folder(skims):
        return []
    names = {path.name for path in skims.iterdir()}
    locks = {n for n in names if _LOCK.fullmatch(n) and n.removesuffix(".lock") not in names}
    found = sorted(locks | set(filter(_LEFTOVER.fullmatch, names)))
    return [skims / name for name in found if not _is_in_use(skims / name)]


def _check_may_replace(folder: Path) -> None:
    """Raise a `ReadOnlyStoreError` for a skim that lies behind a link: nothing is removed there."""
    if os.path.lexists(folder) and not is_real_folder(folder.parent):
        message = (
            f"the skim {str(folder)!r} is to be made again, but {str(folder.parent)!r} is a link, "
            "and memmpy removes nothing behind a link; remove the skim, or let the whole store be "
            "behind the link"
        )
        raise ReadOnlyStoreError(message)


def _lost(folder: Path) -> StoreLockedError:
    message = f"the lock of the skim {str(folder)!r} was removed while it was made, and another "
    return StoreLockedError(message + "process may have begun: nothing was changed; run again")


def _exchange(first: Path, second: Path) -> bool:
    """Let two folders change names at once; False where the system or its disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(first), os.fsencode(second)
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _replace(made: Path, folder: Path, old: Path) -> None:
    folder.rename(old)
    try:
        made.rename(folder)
    except BaseException:
        with suppress(OSError):
            old.rename(folder)
        raise


def delete_leftover(path: Path) -> None:
    """Remove a folder, or a file in its place, as far as that can be done."""
    if is_real_folder(path.parent):
        with suppress(OSError):
            path.unlink()
        remove_folder(path, FILES)


def _lock_of(folder: Path) -> FileLock:
    # A new one for each call: two threads wait for each other, as each opens the file.
    return FileLock(folder.with_name(f"{folder.name}.lock"))


def _is_taken(lock: FileLock, folder: Path) -> bool:
    with translate_os_errors(f"to {str(folder.parent)!r}"):
        return lock.take()


def _is_in_use(leftover: Path) -> bool:
    """Say whether the writer of what looks like a leftover is still there."""
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


def _sweep(folder: Path) -> None:
    """Remove what killed writers left: of this skim, and of those that nobody makes now."""
    if not is_real_folder(folder.parent):
        return
    for found in folder.parent.iterdir():
        match = _LEFTOVER.fullmatch(found.name)
        if match is None:
            continue
        if match[1] == folder.name:
            delete_leftover(found)
            continue
        other = _lock_of(folder.with_name(match[1]))
        with suppress(ReadOnlyStoreError, OSError):
            if other.take():
                try:
                    delete_leftover(found)
                finally:
                    other.release()
