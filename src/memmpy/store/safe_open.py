"""Opens and removes files of a store: regular files only, and no writing through links."""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from memmpy.errors import (
    CorruptStoreError,
    DiskError,
    MemmpyError,
    ReadOnlyStoreError,
    UnreadableError,
)

__all__ = [
    "create_file",
    "disk_error",
    "is_own_folder",
    "kind_of_file",
    "open_to_read",
    "open_to_write",
    "read_document",
    "readable",
    "refusals",
    "remove_files",
    "remove_folder",
]

#: Type in the mode of a file to its name in messages.
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}
#: Errors of opening a link, a pipe or a socket, and a folder.
_NOT_OPENED = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}


def disk_error(error: OSError, *, what: str) -> DiskError | ReadOnlyStoreError:
    """Return the error to raise where the OS refused to write `what`."""
    message = f"cannot write {what}: {error.strerror or error}"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}:
        return ReadOnlyStoreError(f"{message}; write to another path")
    message += "; the store keeps what it held before"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message += "; free some space and run again"
    return DiskError(message, error.errno or errno.EIO)


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn an `OSError` of a write into the error that `disk_error` returns."""
    try:
        yield
    except MemmpyError:
        raise
    except OSError as error:
        raise disk_error(error, what=what) from error


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn what the system says when it refuses to read a folder into the error for it.

    A folder that is missing, or no folder, stays what it is.
    """
    try:
        yield
    except (MemmpyError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        message = f"cannot read {error.filename or str(folder)!r}: {error.strerror or error}"
        raise UnreadableError(message) from error


def open_to_read(path: Path | str) -> int:
    """Return a descriptor of a regular file, which may be behind a link. Never waits for a pipe.

    Raises
    ------
    CorruptStoreError
        If it is a folder, a pipe, a socket or a device.
    OSError
        If the system refuses to open it.
    """
    file, kind = _open_regular(path, os.O_RDONLY)
    if kind is not None:
        raise CorruptStoreError(f"{str(path)!r} is {kind}, where a file is expected")
    return file


def open_to_write(path: Path | str, flags: int = 0, *, allow_hard_links: bool = False) -> int:
    """Return a descriptor of a regular file, to write to.

    Parameters
    ----------
    path : path-like
        The file.
    flags : int
        Such as `os.O_CREAT`.
    allow_hard_links : bool
        Whether to accept a file that has other hard links: for a lock file, whose content is not
        written.

    Raises
    ------
    ReadOnlyStoreError
        If it is a link, or no regular file, or has another hard link, perhaps of the user.
    OSError
        If the system refuses to open it.
    """
    file, kind = _open_regular(path, os.O_WRONLY | os.O_NOFOLLOW | flags)
    if kind is None and not allow_hard_links and os.fstat(file).st_nlink > 1:
        os.close(file)
        kind = "a file with another name (a hard link)"
    if kind is not None:
        message = f"{str(path)!r} is {kind}: memmpy writes to files of its own only; "
        raise ReadOnlyStoreError(message + "remove it and run again")
    return file


def create_file(path: Path | str) -> int:
    """Return a descriptor of a new file, to write to; a `FileExistsError` if anything is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o666)


def read_document(path: Path | str, *, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return all bytes of a small regular file, and its status.

    Raises
    ------
    CorruptStoreError
        If it is no regular file, or has more than `max_bytes`.
    OSError
        If the system refuses to open or to read it.
    """
    with open(open_to_read(path), "rb") as file:
        status = os.fstat(file.fileno())
        data = file.read(max_bytes + 1) if status.st_size <= max_bytes else b""
    if max(status.st_size, len(data)) > max_bytes:
        message = f"{str(path)!r} has {status.st_size} bytes, more than any document of memmpy has"
        raise CorruptStoreError(message)
    return data, status


def is_own_folder(path: Path) -> bool:
    """Say whether a path is a folder and no link. memmpy removes files in such folders only."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files of a folder as far as that can be done; nothing where the folder is a link."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in names:
            with suppress(OSError):
                os.unlink(name, dir_fd=directory)
            with suppress(OSError):  # an empty folder in its place
                os.rmdir(name, dir_fd=directory)
    finally:
        os.close(directory)


def remove_folder(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the files of some names in a folder, and the folder if nothing else is in it.

    As far as that can be done; nothing where the folder is a link.
    """
    with suppress(OSError):
        if is_own_folder(folder):
            found = [name for name in os.listdir(folder) if names.fullmatch(name)]  # noqa: PTH208
            remove_files(folder, found)
            folder.rmdir()


def kind_of_file(mode: int) -> str:
    """Return what a file is by the mode in its status, such as ``a pipe``."""
    return _KINDS.get(stat.S_IFMT(mode), "a special file")


def _open_regular(path: Path | str, flags: int) -> tuple[int, str | None]:
    """Return a descriptor and None; for what is no regular file, -1 and what it is."""
    try:
        file = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in _NOT_OPENED:
            raise
        return -1, kind_of_file(os.lstat(path).st_mode)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode):
        return file, None
    os.close(file)
    return -1, kind_of_file(status.st_mode)
