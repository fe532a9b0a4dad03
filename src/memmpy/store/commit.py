"""Transactions: new arrays are written to new files, then one rename of the metadata commits."""

import dataclasses
import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, final

import numpy as np
from msgspec import structs

from memmpy.checks import check_path, check_timeout
from memmpy.errors import (
    CorruptStoreError,
    MemmpyError,
    MissingFileError,
    OptionError,
    ReadOnlyStoreError,
    StoreLockedError,
    UnreadableError,
    argument_hints,
    nearest_file,
)
from memmpy.store.atomic import sync_directory, write_atomically
from memmpy.store.file_names import METADATA, array_file, is_array_file, is_leftover
from memmpy.store.lock import hold_lock
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata
from memmpy.store.metadata_document import decode, encode
from memmpy.store.npy_file import ArrayWriter, header_of, storage_dtype
from memmpy.store.safe_open import disk_error, is_real_folder, read_document, translate_os_errors
from memmpy.typing import PathLike

__all__ = ["LOCK_TIMEOUT", "Transaction", "leftover_files", "read_metadata"]

#: Default of the seconds that a writer waits for another process.
LOCK_TIMEOUT = 60.0
#: Size limit of the metadata: 3,000 files with 200 keys take 10 MB.
_MAX_BYTES = 2**30


def read_metadata(path: PathLike) -> Metadata:
    """Return the metadata of the last commit to a store.

    Raises
    ------
    MissingFileError
        If there is no store.
    CorruptStoreError
        If its metadata is damaged, or of a newer memmpy.
    """
    file = check_path(path) / METADATA
    try:
        data, _ = read_document(file, max_bytes=_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise _no_metadata(Path(path)) from None
    except OSError as error:
        raise UnreadableError(f"cannot read {str(file)!r}: {error.strerror or error}") from error
    return decode(data, path=str(file))


def _no_metadata(directory: Path) -> MemmpyError:
    """Return the error for a store without metadata."""
    try:
        num_arrays = sum(is_array_file(file.name) for file in directory.iterdir())
    except OSError:
        num_arrays = 0
    if num_arrays:
        message = (
            f"{str(directory)!r} holds arrays ({num_arrays}) and no {METADATA}, which describes "
            "them: it was moved, or is being copied; put it back, or write to another path"
        )
        return CorruptStoreError(message)
    # The methods of Path raise for a directory that may not be read.
    reason = f"no such directory{nearest_file(directory)}"
    if os.path.exists(directory):  # noqa: PTH110
        is_directory = os.path.isdir(directory)  # noqa: PTH112
        reason = f"it holds no {METADATA}" if is_directory else _other_file(directory)
    return MissingFileError(f"no store at {str(directory)!r}: {reason}")


def _other_file(path: Path) -> str:
    """Return what a file in place of a store is, with the way out."""
    if path.suffix == ".toml":
        return "it is a file; of a recipe, give the store that it names"
    if path.suffix in {".root", ".parquet", ".h5", ".hdf5"}:
        return "it is a file; memmpy ls lists it, and memmpy convert makes a store of it"
    return "it is a file"


@argument_hints
@final
class Transaction:
    """Commit several columns to a store together, or none of them.

    A transaction holds the lock of the store during its ``with`` block. An exception inside the
    block leaves the store unchanged. Give it to writers as ``transaction=``.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.
    one_at_a_time : bool
        Whether to wait for another transaction with this option in this process.

    Raises
    ------
    StoreLockedError
        If another process, or the other transaction, keeps the lock.
    ReadOnlyStoreError
        If the directory cannot be written to, or memmpy 0.1.2 made the store.
    """

    def __init__(
        self, path: PathLike, *, lock_timeout: float = LOCK_TIMEOUT, one_at_a_time: bool = False
    ) -> None:
        self.directory: Path = check_path(path)
        lock_timeout = check_timeout(lock_timeout)
        self._lock_timeout, self._one_at_a_time = lock_timeout, one_at_a_time
        self._stack = ExitStack()
        self._is_open = False
        self._process = 0

    def __enter__(self) -> "Transaction":
        if self._is_open:
            raise OptionError("this transaction is open already; create another one")
        self._arrays: list[Path] = []
        self._columns: dict[str, ColumnRecord] = {}
        self._changes: list[Callable[[Metadata], Metadata]] = []
        self._is_new = False
        self._has_metadata = False
        _make_directory(self.directory)
        self._read()  # raises for a read-only store, before the lock file is created
        lock = hold_lock(
            self.directory,
            timeout=self._lock_timeout,
            one_at_a_time=self._one_at_a_time,
            when_taken=self._sweep,
        )
        self._store_lock = self._stack.enter_context(lock)
        self._mutex = self._store_lock.mutex
        try:
            #: Metadata of the store at the begin of the transaction.
            self.metadata: Metadata = self._read()
        except BaseException:
            self._stack.close()
            raise
        self._generation = self.metadata.generation + 1
        self._process = os.getpid()
        self._is_open = True
        return self

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a fork of the writer: then it commits nothing."""
        return self._is_open and os.getpid() != self._process

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_inherited, self._is_open = self.is_inherited, False
        if is_inherited:  # a forked child leaves the block: only the parent commits
            return
        with self._stack:
            if kind is not None:
                self._abort()
                return
            try:
                self._commit()
            except BaseException:
                self._abort()
                raise

    def new_array(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], *, key: str
    ) -> ArrayWriter:
        """Return a writer of a new array. `name` is unique in the store; `key` is its column."""
        self.check_open()
        dtype = storage_dtype(dtype, key=key)
        with self._mutex:
            return ArrayWriter(self._new_file(name), dtype, shape, key, durable=True)

    def take_array(self, name: str, file: Path, record: ArrayRecord, *, key: str) -> ArrayRecord:
        """Move a finished array file on the same file system into the store; see `new_array`."""
        self.check_open()
        with self._mutex:
            taken = self._new_file(name)
            with translate_os_errors(f"column {key!r} to {str(taken)!r}"):
                file.rename(taken)
        return structs.replace(record, file=taken.name)

    def check_open(self) -> None:
        """Raise an `OptionError` outside the ``with`` block, where nothing would be committed."""
        if not self._is_open:
            raise OptionError("open the transaction first: with Transaction(path) as transaction:")
        if self.is_inherited:
            message = f"this process is a fork of the one that writes to {str(self.directory)!r}"
            raise OptionError(f"{message}: open a new transaction here")

    def put(self, key: str, column: ColumnRecord) -> None:
        """Add a column to the commit; it replaces the column of the same key."""
        self.check_open()
        self._columns[key] = column

    def change(self, change: Callable[[Metadata], Metadata]) -> None:
        """Apply a function to the metadata at the commit."""
        self.check_open()
        self._changes.append(change)

    def _new_file(self, name: str) -> Path:
        if not self._has_metadata:
            self._read()  # another writer of this process may have written it meanwhile
        if not self._has_metadata:
            # From now on, arrays without metadata are an error and not a new store.
            self._write_first_metadata()
        with translate_os_errors(f"to {str(self.directory)!r}"):
            while (file := self.directory / array_file(name, self._generation)).exists():
                self._generation += 1
        self._arrays.append(file)
        return file

    def _write_first_metadata(self) -> None:
        file = self.directory / METADATA
        try:
            write_atomically(file, encode(Metadata()), durable=True, is_new=True)
        except FileExistsError:
            message = f"{str(file)!r} appeared while this process created a new store there"
            raise CorruptStoreError(f"{message}; nothing was changed: run again") from None
        self._is_new = self._has_metadata = True

    def _read(self) -> Metadata:
        try:
            metadata = read_metadata(self.directory)
        except MissingFileError:
            if self._has_metadata:
                message = f"{METADATA} of {str(self.directory)!r} disappeared during this write"
                raise CorruptStoreError(f"{message}; nothing was changed: put it back") from None
            return Metadata()
        self._has_metadata = True
        if metadata.read_only:
            message = (
                f"{str(self.directory)!r} was made by memmpy 0.1.2 and can only be read; "
                "write to another path"
            )
            raise ReadOnlyStoreError(message)
        return metadata

    def _commit(self) -> None:
        with self._mutex:
            before = self._read()
            after = dataclasses.replace(
                before,
                generation=max(before.generation, self._generation) + 1,
                columns={**before.columns, **self._columns},
            )
            for change in self._changes:
                after = change(after)
            file = self.directory / METADATA
            data = encode(after)
            decode(data, path=str(file))  # raises before the commit if it cannot be read back
            # The names of the new arrays must reach the disk before the metadata.
            self._sync()
            self._check_new_arrays()
            write_atomically(file, data, durable=True)
        self._remove(_files(before) - _files(after))
        self._remove(self._written() - _files(after))

    def _sync(self) -> None:
        try:
            sync_directory(self.directory)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # not all file systems can
                raise disk_error(error, what=f"to {str(self.directory)!r}") from error

    def _check_new_arrays(self) -> None:
        """Raise an error if another process may have removed the new arrays."""
        if not self._store_lock.lock.is_held():
            message = (
                f"the lock of {str(self.directory)!r} was removed while this process was writing, "
                "and another process may have begun: nothing was committed; run again"
            )
            raise StoreLockedError(message)
        written = self._written()
        for key, column in self._columns.items():
            for array in column.arrays.values():
                if array.file in written:
                    _check_size(self.directory, array, key=key)

    def _abort(self) -> None:
        # Without the lock, files of these names may belong to another process.
        if not self._store_lock.lock.is_held():
            return
        # Ctrl-C can come after the commit: the arrays that it refers to must stay.
        with suppress(MemmpyError, OSError):
            metadata = self._read()
            self._remove(self._written() - _files(metadata))
            if self._is_new and metadata == Metadata() and self._store_lock.num_holders == 1:
                self._remove([METADATA])

    def _sweep(self) -> None:
        """Remove the files of killed writers, before anybody writes."""
        with translate_os_errors(f"to {str(self.directory)!r}"):
            left = _leftovers(self.directory, self._read())
        self._remove(file.name for file in left)

    def _written(self) -> set[str]:
        return {file.name for file in self._arrays}

    def _remove(self, names: Iterable[str]) -> None:
        # The next writer removes the files that cannot be removed now.
        for name in names:
            with suppress(OSError):
                (self.directory / name).unlink()


def _check_size(directory: Path, array: ArrayRecord, *, key: str) -> None:
    """Raise a `DiskError` unless a new array file exists and has its full size."""
    file = directory / array.file
    with translate_os_errors(f"column {key!r} to {str(file)!r}"):
        status = file.lstat()
        expected = len(header_of(array)) + array.nbytes
        if not stat.S_ISREG(status.st_mode) or status.st_size != expected:
            raise OSError(errno.EIO, "another process altered it")


def _files(metadata: Metadata) -> set[str]:
    return {array.file for column in metadata.columns.values() for array in column.arrays.values()}


def leftover_files(directory: Path) -> list[Path]:
    """Return the files that killed writers left in a store, provided that nobody writes now."""
    return _leftovers(directory, read_metadata(directory))


def _leftovers(directory: Path, metadata: Metadata) -> list[Path]:
    files = list(directory.iterdir())
    arrays = {file.name for file in files if is_array_file(file.name) and not is_real_folder(file)}
    names = (arrays - _files(metadata)) | {file.name for file in files if is_leftover(file.name)}
    return [directory / name for name in sorted(names)]


def _make_directory(directory: Path) -> None:
    # The new directories must reach the disk before the files inside.
    parents = [directory, *directory.parents]
    missing = [path for path in parents if not os.path.lexists(path)]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ReadOnlyStoreError(f"{str(directory)!r} is a file, not a directory") from None
    except OSError as error:
        raise disk_error(error, what=f"to {str(directory)!r}") from error
    for path in missing:
        with suppress(OSError):
            sync_directory(path.parent)
