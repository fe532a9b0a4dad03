"""Files of any format, opened by what they begin with, and kept open between tasks."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from memmpy.errors import InputFileError
from memmpy.inputs import ByteSource, EventFile, describe, open_binary

__all__ = ["OpenFiles", "State", "open_file"]

#: Of a file: its size, when it changed, and its tag.
State: TypeAlias = tuple[int, int, str]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"


def open_file(path: str, tree: str | None) -> EventFile:
    """Open a ROOT, Parquet or HDF5 file; tree names what is meant of it.

    Raises
    ------
    MissingFileError, InputFileError
        If it is not there, of another format, or broken.
    """
    with ByteSource(path) as source:
        start = source.read(0, min(len(_HDF5), source.size))
    if start == _HDF5:
        from memmpy.tables import HdfTable

        return HdfTable(path, tree, open_binary(path))
    if start.startswith(_PARQUET):
        from memmpy.tables import ParquetTable

        return ParquetTable(path, tree, open_binary(path))
    if not start.startswith(b"root"):
        message = f"{path!r} is not a ROOT file: it begins with {start[:4]!r}, not b'root'"
        raise InputFileError(message + " (nor is it Parquet or HDF5)")
    from memmpy.root import TreeFile

    return TreeFile(path, tree)


def _open_unchanged(path: str, tree: str | None, state: State) -> EventFile:
    file = open_file(path, tree)
    # Another process may open it much later than it was looked at.
    found = describe(path)
    if (found.size, found.mtime_ns, found.tag) != state:
        file.close()
        raise InputFileError(f"{path!r} has changed while it was converted; run again")
    return file


@dataclass(slots=True)
class _Held:
    """An open file, once it is open, and how many use it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    file: EventFile | None = None
    num_users: int = 0


class OpenFiles:
    """Files that the tasks of a process share; a few stay open for the next task.

    To open a tree of a thousand branches takes as long as to read some of them.

    Parameters
    ----------
    num_idle : int
        Files that stay open while nobody uses them.
    """

    def __init__(self, num_idle: int) -> None:
        self._num_idle = num_idle
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, str | None, State], _Held] = OrderedDict()

    @contextmanager
    def opened(self, path: str, tree: str | None, state: State) -> Iterator[EventFile]:
        """Open a file, unless it is; `state` is another one once the file has changed.

        Raises
        ------
        InputFileError
            If it has changed since then; and as `open_file` does.
        """
        key = (path, tree, state)
        with self._lock:
            held = self._held.setdefault(key, _Held())
            held.num_users += 1
            self._held.move_to_end(key)
        try:
            with held.lock:  # one opens it, the others wait
                if held.file is None:
                    held.file = _open_unchanged(path, tree, state)
            yield held.file
        finally:
            with self._lock:
                held.num_users -= 1
            self._close_idle(self._num_idle)

    def close(self) -> None:
        """Close what nobody uses."""
        self._close_idle(0)

    def _close_idle(self, num_left: int) -> None:
        with self._lock:
            idle = [key for key, held in self._held.items() if not held.num_users]
            closed = [self._held.pop(key) for key in idle[: max(0, len(idle) - num_left)]]
        for held in closed:
            if held.file is not None:
                held.file.close()
