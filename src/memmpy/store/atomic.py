"""Writes small files atomically: a reader sees the whole new file or the old one."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from memmpy.store.file_names import temp_suffix
from memmpy.store.safe_open import create_file, disk_error

__all__ = ["sync_directory", "write_atomically", "write_in_folder"]

#: Error codes of file systems without hard links.
_NO_LINKS = {errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def write_atomically(
    file: Path, data: bytes, *, durable: bool, is_new: bool = False, is_in_store: bool = True
) -> None:
    """Write a small file so that readers see either the whole new file or the old one.

    With `durable`, this also holds after a loss of power: it waits for the disk. With `is_new`, an
    existing file is a `FileExistsError`. `is_in_store` is for the error if it cannot be written.
    """
    temporary = file.with_name(f"{file.name}.{temp_suffix()}")
    try:
        with open(create_file(temporary), "wb") as stream:  # noqa: PTH123 - a descriptor
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        _rename(temporary, file, is_new=is_new)
    except FileExistsError:
        raise
    except OSError as error:
        raise disk_error(error, what=repr(str(file)), is_in_store=is_in_store) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    # The file is in place: an error of syncing its directory is no reason to undo that.
    if durable:
        with suppress(OSError):
            sync_directory(file.parent)


def write_in_folder(file: Path, data: bytes) -> None:
    """Write a small file outside of stores, and make its folder: see `write_atomically`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, what=repr(str(file.parent)), is_in_store=False) from error
    write_atomically(file, data, durable=False, is_in_store=False)


def _rename(temporary: Path, file: Path, *, is_new: bool) -> None:
    if is_new:
        try:
            file.hardlink_to(temporary)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(file):
                raise FileExistsError(errno.EEXIST, "it exists already", str(file)) from None
        else:
            return
    temporary.replace(file)


def sync_directory(directory: Path) -> None:
    """Wait until the names of the files in a directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
