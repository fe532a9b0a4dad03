"""Changes of a store: new arrays are written aside, then the metadata flips to them at once."""

import dataclasses
import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, final

import numpy as np

from memmpy.errors import (
    CorruptStoreError,
    MissingFileError,
    ReadOnlyStoreError,
)
from memmpy.store.arrayfile import ArrayWriter, disk_error, storage_dtype
from memmpy.store.layout import METADATA, array_file, is_array_file
from memmpy.store.legacy import decode_legacy, is_legacy
from memmpy.store.lock import hold_lock
from memmpy.store.metadata import ColumnRecord, Metadata, decode, encode
from memmpy.typing import PathLike

__all__ = ["LOCK_TIMEOUT", "Transaction", "read_metadata", "write_atomically"]

#: Seconds that a writer waits for another process, unless told otherwise.
LOCK_TIMEOUT = 60.0

# Two threads of one process share the lock of a store: they commit one after the other.
_commit_mutex = threading.Lock()


def read_metadata(path: PathLike) -> Metadata:
    """Return what was last committed to the store at `path`.

    Raises
    ------
    MissingFileError
        If there is no store.
    CorruptStoreError
        If its metadata cannot be understood.
    """
    file = Path(path) / METADATA
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        there = "the directory holds no " + METADATA if Path(path).is_dir() else "no such directory"
        raise MissingFileError(f"no store at {os.fspath(path)!r}: {there}") from None
    except UnicodeDecodeError as error:
        raise CorruptStoreError(f"{str(file)!r} is damaged: {error}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CorruptStoreError(f"{str(file)!r} is damaged: {error}") from error
    read = decode_legacy if is_legacy(document) else decode
    return read(document, path=str(file))


def write_atomically(file: Path, data: bytes) -> None:
    """Write a small file so that a reader sees all of it or what was there before."""
    aside = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with aside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise disk_error(error, what=repr(str(file))) from error
    # The file is in place: that its directory cannot be synced is no reason to undo anything.
    with suppress(OSError):
        _sync_directory(file.parent)


@final
class Transaction:
    """Several columns that appear in a store together, or not at all.

    Holds the store's lock from ``with`` to its end. An exception inside leaves the store as it
    was. Writers take it as ``transaction=``.

    Parameters
    ----------
    path : path-like
        The store; made where it is missing.
    lock_timeout : float
        Seconds to wait for another process that writes; below zero, for ever.

    Raises
    ------
    StoreLockedError
        If another process keeps the lock.
    ReadOnlyStoreError
        If the directory cannot be written to, or memmpy 0.1.2 made the store.
    """

    def __init__(self, path: PathLike, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self.directory = Path(path)
        self._lock_timeout = lock_timeout
        self._stack = ExitStack()
        self._arrays: list[Path] = []
        self._columns: dict[str, ColumnRecord] = {}
        self._changes: list[Callable[[Metadata], Metadata]] = []
        self._generation = 0

    def __enter__(self) -> "Transaction":
        _make_directory(self.directory)
        is_first = self._stack.enter_context(hold_lock(self.directory, timeout=self._lock_timeout))
        try:
            #: What the store held when the transaction began.
            self.metadata = self._read()
            self._generation = self.metadata.generation + 1
            if is_first:
                self._sweep()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        """Return a writer of a new array; `name` is unique in the store, `key` is its column."""
        dtype = storage_dtype(dtype, key=key)
        while (file := self.directory / array_file(name, self._generation)).exists():
            self._generation += 1
        self._arrays.append(file)
        return ArrayWriter(file, dtype, shape, key)

    def put(self, key: str, column: ColumnRecord) -> None:
        """Let the store have this column, in place of one of the same key, once it commits."""
        self._columns[key] = column

    def change(self, change: Callable[[Metadata], Metadata]) -> None:
        """Let `change` be applied to the metadata when the transaction commits."""
        self._changes.append(change)

    def _read(self) -> Metadata:
        try:
            metadata = read_metadata(self.directory)
        except MissingFileError:
            return Metadata()
        if metadata.read_only:
            message = (
                f"{str(self.directory)!r} was made by memmpy 0.1.2 and can only be read; "
                "write to another path"
            )
            raise ReadOnlyStoreError(message)
        return metadata

    def _commit(self) -> None:
        with _commit_mutex:
            before = self._read()
            after = dataclasses.replace(
                before,
                generation=max(before.generation, self._generation) + 1,
                columns={**before.columns, **self._columns},
            )
            for change in self._changes:
                after = change(after)
            text = encode(after, written_by=_version())
            write_atomically(self.directory / METADATA, text.encode())
        for file in _files(before) - _files(after):
            (self.directory / file).unlink(missing_ok=True)

    def _abort(self) -> None:
        # An interrupt can come after the metadata flipped: what it names must stay.
        known = _files(self._read())
        for file in self._arrays:
            if file.name not in known:
                file.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what killed writers left; nobody else writes while the lock is fresh."""
        known = _files(self.metadata)
        for file in self.directory.iterdir():
            is_left = is_array_file(file) and file.name not in known
            if is_left or (file.name.startswith(METADATA) and file.suffix == ".tmp"):
                file.unlink(missing_ok=True)


def _files(metadata: Metadata) -> set[str]:
    return {array.file for column in metadata.columns.values() for array in column.arrays.values()}


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ReadOnlyStoreError(f"{str(directory)!r} is a file, not a directory") from None
    except OSError as error:
        message = f"cannot make the directory {str(directory)!r}: {error.strerror or error}"
        raise ReadOnlyStoreError(message) from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("memmpy")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"
