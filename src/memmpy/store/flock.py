"""The lock of one file: one holder at a time, of all processes and threads."""

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

logger = logging.getLogger(__name__)

#: Errors of file systems without ``flock``, such as Lustre mounted without it.
_NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
#: How often to lock a file again that is removed between opening and locking it.
_NUM_TRIES = 5
#: Markers that a forked child has from its parent: kept alive, as a collected one could remove the
#: file of the parent.
_inherited: list[SoftFileLock] = []


@final
class FileLock:
    """A lock made with ``flock`` on a file. Releasing the lock does not remove the file.

    If the file system has no ``flock``, a second file, ``<name>.held``, exists while the lock is
    held.

    Parameters
    ----------
    path : Path
        The file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._marker: SoftFileLock | None = None
        self._marker_state: tuple[int, int, int] | None = None
        self._has_warned = False
        self._process = 0

    def take(self) -> bool:
        """Take the lock unless somebody holds it, and return whether it was taken. Never waits.

        Raises
        ------
        ReadOnlyStoreError
            If there is a link or a folder in its place.
        OSError
            If the system refuses.
        """
        for _ in range(_NUM_TRIES):
            file = open_to_write(self._path, os.O_CREAT, allow_hard_links=True)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Somebody may have removed the file since: then others lock another one.
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
        raise OSError(errno.ENOENT, f"{str(self._path)!r} is removed again and again")

    def is_held(self) -> bool:
        """Say whether the lock is held, and its file is still the one that others would lock."""
        try:
            if self._marker is not None:
                return _identity(self._marker) == self._marker_state
            there = self._path.lstat()
            return self._file >= 0 and os.path.samestat(os.fstat(self._file), there)
        except OSError:
            return False

    def release(self) -> None:
        """Let others take it. In a forked child, the parent keeps it."""
        is_own = os.getpid() == self._process
        if self._marker is not None:
            marker, self._marker = self._marker, None
            if is_own:
                marker.release()
            else:
                _inherited.append(marker)
        if self._file >= 0:
            file, self._file = self._file, -1
            if is_own:  # a child may have the same file open, which would keep it locked
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
                logger.warning("%r is held; if no process uses the store, remove it", str(name))
            self._has_warned = True
            return False
        self._marker, self._process, self._marker_state = marker, os.getpid(), _identity(marker)
        return True


def _identity(marker: SoftFileLock) -> tuple[int, int, int]:
    """Return device, inode and time of a marker: another process cannot make an equal one."""
    there = Path(marker.lock_file).lstat()
    return there.st_dev, there.st_ino, there.st_mtime_ns


def _close(file: int) -> None:
    """Close a file to which nothing was written."""
    with suppress(OSError):
        os.close(file)
