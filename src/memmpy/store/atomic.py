"""Small files that appear at once: a reader sees all of one, or what was there before."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from memmpy.store.file_names import aside_suffix
from memmpy.store.safe_open import create_file, disk_error

__all__ = ["sync_directory", "write_atomically"]

#: Errors of file systems without hard links.
_NO_LINKS = {errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def write_atomically(file: Path, data: bytes, *, durable: bool, is_new: bool = False) -> None:
    """Write a small file so that a reader sees all of it or what was there before.

    With `durable` that holds for a loss of power, too: it waits for the disk. With `is_new`, a
    file that is there already is a `FileExistsError`.
    """
    aside = file.with_name(f"{file.name}.{aside_suffix()}")
    try:
        with open(create_file(aside), "wb") as stream:  # noqa: PTH123 - a descriptor
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        _give_name(aside, file, is_new=is_new)
    except FileExistsError:
        raise
    except OSError as error:
        raise disk_error(error, what=repr(str(file))) from error
    finally:
        with suppress(OSError):
            aside.unlink()
    # The file is in place: that its directory cannot be synced is no reason to undo anything.
    if durable:
        with suppress(OSError):
            sync_directory(file.parent)


def _give_name(aside: Path, file: Path, *, is_new: bool) -> None:
    if is_new:
        try:
            file.hardlink_to(aside)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(file):
                raise FileExistsError(errno.EEXIST, "it is there already", str(file)) from None
        else:
            return
    aside.replace(file)


def sync_directory(directory: Path) -> None:
    """Wait until the disk knows the names of the files in a directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
