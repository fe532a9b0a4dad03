"""Faults in calls of the operating system: the C library's, replaced by those of ``shim.c``.

`build` compiles them. A process has to be started with ``LD_PRELOAD`` and `SHIM` set to the result.
"""

import ctypes
import enum
import errno
import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["CHANGES", "ERRORS", "SHIM", "Kind", "Mode", "Shim", "build"]


#: The environment variable that says where the shim of a process is.
SHIM = "MEMMPY_STRESS_SHIM"


class Kind(enum.IntEnum):
    """What a call does to a file, in the order of ``shim.c``."""

    OPEN = 0
    CREATE = 1
    READ = 2
    WRITE = 3
    SYNC = 4
    RENAME = 5
    REMOVE = 6
    MAKE = 7
    TRUNCATE = 8
    MAP = 9
    STAT = 10
    #: Of an open file.
    FSTAT = 11
    LIST = 12
    #: Of a file that was opened to be written.
    CLOSE = 13
    LOCK = 14


class Mode(enum.IntEnum):
    """What happens to a call, in the order of ``shim.c``."""

    NOTHING = 0
    FAIL = 1
    #: It reads or writes half of the bytes.
    HALVE = 2
    #: The process is killed before it.
    DIE = 3
    #: The process is killed when it has written half of the bytes.
    TEAR = 4


#: Kinds of calls that change what lies on the disk.
CHANGES = (
    Kind.CREATE,
    Kind.WRITE,
    Kind.SYNC,
    Kind.RENAME,
    Kind.REMOVE,
    Kind.MAKE,
    Kind.TRUNCATE,
)
#: What local disks, full disks, quotas and network file systems say of each kind of call.
ERRORS = {
    Kind.OPEN: (errno.EIO, errno.EACCES, errno.ENOENT, errno.ESTALE, errno.EMFILE),
    Kind.CREATE: (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EMFILE, errno.ESTALE),
    Kind.READ: (errno.EIO, errno.ESTALE),
    Kind.WRITE: (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    Kind.SYNC: (errno.EIO, errno.ENOSPC),
    Kind.RENAME: (errno.EIO, errno.EACCES, errno.ENOENT, errno.ENOSPC),
    Kind.REMOVE: (errno.EACCES, errno.EIO, errno.ENOENT),
    Kind.MAKE: (errno.ENOSPC, errno.EACCES, errno.EIO),
    Kind.TRUNCATE: (errno.EIO, errno.ENOSPC),
    Kind.MAP: (errno.ENOMEM, errno.EACCES, errno.EIO),
    Kind.STAT: (errno.EIO, errno.EACCES, errno.ENOENT, errno.ESTALE),
    Kind.FSTAT: (errno.EIO, errno.ESTALE),
    Kind.LIST: (errno.EIO, errno.EACCES, errno.ENOENT, errno.EMFILE),
    Kind.CLOSE: (errno.EIO, errno.EDQUOT),
    Kind.LOCK: (errno.EIO, errno.ENOLCK),
}


class _Plan(ctypes.Structure):
    _fields_ = (
        ("is_armed", ctypes.c_int),
        ("mode", ctypes.c_int),
        ("error", ctypes.c_int),
        ("kinds", ctypes.c_uint),
        ("first", ctypes.c_long),
        ("last", ctypes.c_long),
        ("count", ctypes.c_long),
        ("num_hits", ctypes.c_long),
        ("counts", ctypes.c_long * len(Kind)),
        ("folder", ctypes.c_char * 1024),
        ("where", ctypes.c_char * 2048),
    )


def build(folder: Path) -> Path | None:
    """Compile the shim; None where there is no C compiler, or no Linux with glibc."""
    compiler, shim = shutil.which("cc"), folder / "shim.so"
    if compiler is None:
        return None
    source = Path(__file__).with_name("shim.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return shim if done.returncode == 0 else None


class Shim:
    """The shim of this process, whose plan its children share.

    Parameters
    ----------
    folder : Path
        Only calls on files of it count.
    """

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(os.environ[SHIM])
        library.shim_plan.restype = ctypes.POINTER(_Plan)
        self._plan = library.shim_plan().contents
        self._plan.folder = str(folder).encode()

    def arm(
        self,
        mode: Mode,
        kinds: tuple[Kind, ...],
        *,
        first: int,
        last: int,
        error: int = 0,
    ) -> None:
        """Let calls go wrong from the `first` to the `last` of these kinds; the first call is 1."""
        plan = self._plan
        plan.mode, plan.error, plan.first, plan.last = mode, error, first, last
        plan.kinds = sum(1 << kind for kind in kinds)
        plan.count = plan.num_hits = 0
        plan.counts = (ctypes.c_long * len(Kind))()
        plan.where = b""
        plan.is_armed = True

    def disarm(self) -> None:
        """Let all calls pass, and keep what was counted."""
        self._plan.is_armed = False

    @property
    def counts(self) -> dict[Kind, int]:
        """How many calls of each kind there were since it was armed."""
        return {kind: self._plan.counts[kind] for kind in Kind}

    @property
    def where(self) -> str:
        """The first call that went wrong and its file; empty where none did."""
        return bytes(self._plan.where).decode(errors="replace")
