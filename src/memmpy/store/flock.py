"""A lock on a file, with one holder at a time among all processes and threads."""

import errno
import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import final

from filelock import SoftFileLock, Timeout

from memmpy.store.safe_open import open_to_write

__all__ = ["FileLock"]

logger: logging.Logger = logging.getLogger(__name__)

#: Error codes of file systems without ``flock``, such as Lustre mounted without it.
_NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
#: Attempts to lock a file that others remove between opening and locking.
_NUM_TRIES = 5
#: Markers that a forked child inherited. Kept alive, since the garbage collector would delete the
#: file of the parent with them.
_inherited: list[SoftFileLock] = []


@final
class FileLock:
    """A lock made with ``flock`` on a file. Releasing the lock does not remove the file.

    If the file system has no ``flock``, a second file, ``<name>.held``, exists while the lock is
    held.

    Parameters
    ----------
    path : Path
        The file to lock, created if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._marker: SoftFileLock | None = None
        self._marker_state: tuple[int, int, int] | None = None
        self._has_warned = False
        self._process = 0

    def take(self) -> bool:
        """Try once to take the lock, and return whether this object holds it now.

        Raises
        ------
        ReadOnlyStoreError
            If a link or a folder is in place of the file.
        OSError
            If the OS refuses.
        """
        for _ in range(_NUM_TRIES):
            file = open_to_write(self._path, os.O_CREAT, allow_hard_links=True)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # If the file was removed meanwhile, others would lock a new one.
                if os.path.samestat(os.fstat(file), self._path.lstat()):
                    self._file, self._process, file = file, os.getpid(), -1
                    return True
            except BlockingIOError:
                return False
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in _NO_FLOCK:
                    raise
                return self._take_marker()
            finally:
                if file >= 0:
                    _close(file)
        raise OSError(errno.ENOENT, f"other programs keep removing {str(self._path)!r}")

    def is_held(self) -> bool:
        """Return whether this object holds the lock, on the file that others would lock."""
        try:
            if self._marker is not None:
                return _identity(self._marker) == self._marker_state
            there = self._path.lstat()
            return self._file >= 0 and os.path.samestat(os.fstat(self._file), there)
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock. In a forked child, the parent keeps it."""
        is_own = os.getpid() == self._process
        if self._marker is not None:
            marker, self._marker = self._marker, None
            if is_own:
                marker.release()
            else:
                _inherited.append(marker)
        if self._file >= 0:
            file, self._file = self._file, -1
            if is_own:  # unlock before closing: a child may have the same file open
                with suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_UN)
            _close(file)

    def _take_marker(self) -> bool:
        name = self._path.with_name(f"{self._path.name}.held")
        marker = SoftFileLock(name, thread_local=False)
        try:
            marker.acquire(timeout=0)
        except Timeout:
            if not self._has_warned:
                message = (
                    "the file %r locks the store; if no process uses the store, delete this file"
                )
                logger.warning(message, str(name))
            self._has_warned = True
            return False
        self._marker, self._process, self._marker_state = marker, os.getpid(), _identity(marker)
        return True


def _identity(marker: SoftFileLock) -> tuple[int, int, int]:
    """Return device, inode and time of a marker file, which no other file has in common."""
    there = Path(marker.lock_file).lstat()
    return there.st_dev, there.st_ino, there.st_mtime_ns


def _close(file: int) -> None:
    """Close a file without unwritten data."""
    with suppress(OSError):
        os.close(file)
