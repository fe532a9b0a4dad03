"""Opens, reads and deletes files of a store: only regular files, and never through links."""

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
    "is_real_folder",
    "kind_of_file",
    "open_to_read",
    "open_to_write",
    "read_document",
    "read_errors",
    "remove_files",
    "remove_folder",
    "translate_os_errors",
]

#: Names of file types in messages.
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}
#: Error codes of opening a link, a pipe, a socket or a folder.
_NOT_OPENED = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}


def disk_error(
    error: OSError, *, what: str, is_in_store: bool = True
) -> DiskError | ReadOnlyStoreError:
    """Return the error to raise when the OS refuses to write `what`, of a store or another file."""
    message = f"cannot write {what}: {error.strerror or error}"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}:
        return ReadOnlyStoreError(f"{message}; write to another path")
    unchanged = "the store is" if is_in_store else "an older file of this name is"
    message += f"; {unchanged} unchanged"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message += "; free some space and run again"
    return DiskError(message, error.errno or errno.EIO)


@contextmanager
def translate_os_errors(what: str) -> Iterator[None]:
    """Raise an `OSError` of the block as the error that `disk_error` returns."""
    try:
        yield
    except MemmpyError:
        raise
    except OSError as error:
        raise disk_error(error, what=what) from error


@contextmanager
def read_errors(folder: Path) -> Iterator[None]:
    """Raise an `OSError` of reading a folder as an `UnreadableError`.

    A `FileNotFoundError` and a `NotADirectoryError` pass unchanged.
    """
    try:
        yield
    except (MemmpyError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        message = f"cannot read {error.filename or str(folder)!r}: {error.strerror or error}"
        raise UnreadableError(message) from error


def open_to_read(path: Path | str) -> int:
    """Return a read-only descriptor of a regular file, perhaps behind a link.

    Does not wait for the writer of a pipe.

    Raises
    ------
    CorruptStoreError
        If the path is a folder, a pipe, a socket or a device.
    OSError
        If the OS refuses to open it.
    """
    file, kind = _open_regular(path, os.O_RDONLY)
    if kind is not None:
        raise CorruptStoreError(f"{str(path)!r} is {kind}, expected a file")
    return file


def open_to_write(path: Path | str, flags: int = 0, *, allow_hard_links: bool = False) -> int:
    """Return a writable descriptor of a regular file.

    Parameters
    ----------
    path : path-like
        The file.
    flags : int
        More flags of `os.open`, such as `os.O_CREAT`.
    allow_hard_links : bool
        Whether to accept a file that has other hard links: for a lock file, whose content is not
        written.

    Raises
    ------
    ReadOnlyStoreError
        If it is a link, no regular file, or has a second hard link, which may be the user's.
    OSError
        If the OS refuses to open it.
    """
    file, kind = _open_regular(path, os.O_WRONLY | os.O_NOFOLLOW | flags)
    if kind is None and not allow_hard_links and os.fstat(file).st_nlink > 1:
        os.close(file)
        kind = "a file with a second name (a hard link)"
    if kind is not None:
        message = f"{str(path)!r} is {kind}, and memmpy writes only to its own files; delete "
        raise ReadOnlyStoreError(f"{message}{str(path)!r} and run again")
    return file


def create_file(path: Path | str) -> int:
    """Create a file and return its descriptor; a `FileExistsError` if the path exists."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o666)


def read_document(path: Path | str, *, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return all bytes of a small regular file, and its status.

    Raises
    ------
    CorruptStoreError
        If it is no regular file, or larger than `max_bytes`.
    OSError
        If the OS refuses to open or to read it.
    """
    with open(open_to_read(path), "rb") as file:
        status = os.fstat(file.fileno())
        data = file.read(max_bytes + 1) if status.st_size <= max_bytes else b""
    if max(status.st_size, len(data)) > max_bytes:
        message = f"{str(path)!r} has {status.st_size} bytes, too many for a document of memmpy"
        raise CorruptStoreError(message)
    return data, status


def is_real_folder(path: Path) -> bool:
    """Return whether a path is a folder and no link. memmpy deletes files only in such folders."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Delete files of a folder, unless the folder is a link. Errors are ignored."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in names:
            with suppress(OSError):
                os.unlink(name, dir_fd=directory)
            with suppress(OSError):  # it may be an empty folder
                os.rmdir(name, dir_fd=directory)
    finally:
        os.close(directory)


def remove_folder(folder: Path, names: re.Pattern[str]) -> None:
    """Delete the files that match `names` in a folder, and the folder if it is empty then.

    Does nothing if the folder is a link. Errors are ignored.
    """
    with suppress(OSError):
        if is_real_folder(folder):
            files = [name for name in os.listdir(folder) if names.fullmatch(name)]  # noqa: PTH208
            remove_files(folder, files)
            folder.rmdir()


def kind_of_file(mode: int) -> str:
    """Return the type of a file from its mode, for messages, such as ``a pipe``."""
    return _KINDS.get(stat.S_IFMT(mode), "a special file")


def _open_regular(path: Path | str, flags: int) -> tuple[int, str | None]:
    """Return a descriptor and None; if the path is no regular file, -1 and its type."""
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
