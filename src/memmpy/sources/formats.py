"""Files of any format, opened by what they begin with, and kept open between tasks."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import final

from memmpy.errors import InputFileError, ServerError
from memmpy.sources.byte_source import ByteSource
from memmpy.sources.hdf5 import HdfTable
from memmpy.sources.locations import State, describe
from memmpy.sources.missing import Nulls
from memmpy.sources.parquet import ParquetTable
from memmpy.sources.protocol import EventFile
from memmpy.sources.root import TreeFile

__all__ = ["OpenFiles", "opened_files", "unchanged"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
#: What files of a format begin with, and who reads them.
_KINDS: dict[bytes, Callable[[ByteSource, str | None, Nulls], EventFile]] = {
    b"root": lambda source, tree, _: TreeFile(source, tree),
    b"PAR1": ParquetTable,
    _HDF5: lambda source, tree, _: HdfTable(source, tree),
}

#: What files of other formats begin with, and what to do about them.
_OTHERS = {
    b"ARROW1": "an Arrow (Feather) file; write it as Parquet: pyarrow.parquet.write_table(table)",
    b"FEA1": "a Feather file; write it as Parquet: pyarrow.parquet.write_table(table)",
    b"PARE": "a Parquet file with an encrypted footer, which memmpy cannot decrypt",
    b"\x93NUMPY": "a NumPy file; memmpy.WriteVector writes an array to a store",
    b"PK\x03\x04": "a zip archive, such as .npz; memmpy.WriteVector writes an array to a store",
    b"\x1f\x8b": "compressed by gzip; decompress it first",
    b"\x89HDF": "an HDF5 file that is truncated, or was changed on its way; copy it again",
    b"<": "a page of text, perhaps what a server answered instead of the file",
}


def _open(path: str, tree: str | None, state: State, nulls: Nulls) -> EventFile:
    """Open a ROOT, Parquet or HDF5 file that is still in a state.

    Raises
    ------
    MissingFileError, InputFileError
        If it is not there, has changed, is of another format, or broken.
    """
    with ExitStack() as stack:
        source = stack.enter_context(ByteSource(path))
        # Another process may open it much later than it was looked at.
        _check_same(path, source.status.state, state)
        file = _kind_of(source)(source, tree, nulls)
        stack.pop_all()  # the source is the file's now
        return file


def _kind_of(source: ByteSource) -> Callable[[ByteSource, str | None, Nulls], EventFile]:
    """Return who reads a file, by what it begins with."""
    start = source.read(0, min(len(_HDF5), source.size))
    for magic, kind in _KINDS.items():
        if start.startswith(magic):
            return kind
    # What HDF5 leaves to its user comes first: 512 bytes, or twice as many, and so on.
    places = [512 << i for i in range(40) if (512 << i) + len(_HDF5) <= source.size]
    signatures = source.read_many([(place, place + len(_HDF5)) for place in places])
    if _HDF5 in signatures:
        return _KINDS[_HDF5]
    what = f"{source.path!r} is not a ROOT, Parquet or HDF5 file: "
    if not start:
        raise InputFileError(f"{what}it is empty; write it again, or leave it out")
    for magic, hint in _OTHERS.items():
        if start.startswith(magic):
            raise InputFileError(f"{what}it is {hint}")
    raise InputFileError(f"{what}it begins with {start[:4]!r}")


@contextmanager
def unchanged(path: str, state: State) -> Iterator[None]:
    """Raise an `InputFileError` if a file changes meanwhile, whatever else goes wrong with it."""
    try:
        yield
    except ServerError:
        raise  # a second look would wait for the server again
    except BaseException:
        _check_same(path, describe(path).state, state)
        raise
    _check_same(path, describe(path).state, state)


def _check_same(path: str, found: State, state: State) -> None:
    if found != state:
        raise InputFileError(f"{path!r} has changed while it was converted; run again")


@dataclass(slots=True)
class _Opened:
    """An open file, once it is open, and how many use it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    file: EventFile | None = None
    num_users: int = 0


@final
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
        self._files: OrderedDict[object, _Opened] = OrderedDict()

    @contextmanager
    def opened(
        self, path: str, tree: str | None, state: State, nulls: Nulls
    ) -> Iterator[EventFile]:
        """Open a file, unless it is; `state` is another one once the file has changed.

        Raises
        ------
        InputFileError
            If it has changed since then; and if it cannot be read.
        """
        key = (path, tree, state, repr(nulls))  # of dicts, in which 1 is not True
        with self._lock:
            opened = self._files.setdefault(key, _Opened())
            opened.num_users += 1
            self._files.move_to_end(key)
        try:
            with opened.lock:  # one opens it, the others wait
                if opened.file is None:
                    opened.file = _open(path, tree, state, nulls)
            yield opened.file
        finally:
            with self._lock:
                opened.num_users -= 1
            self._close_idle(self._num_idle)

    def close(self) -> None:
        """Close what nobody uses."""
        self._close_idle(0)

    def _close_idle(self, num_left: int) -> None:
        with self._lock:
            idle = [key for key, opened in self._files.items() if not opened.num_users]
            closed = [self._files.pop(key) for key in idle[: max(0, len(idle) - num_left)]]
        for opened in closed:
            if opened.file is not None:
                opened.file.close()


#: The files that this process has open.
opened_files = OpenFiles(num_idle=4)
