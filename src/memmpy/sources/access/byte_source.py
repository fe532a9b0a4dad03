"""Reads ranges of bytes of a file, on a disk or behind a URL, with few requests."""

import io
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TypeAlias, final

from memmpy.errors import InputFileError, UnreadableError
from memmpy.sources.access.file_errors import (
    check_regular,
    directory_error,
    first_line,
    missing_file_error,
)
from memmpy.sources.access.locations import Status, describe
from memmpy.sources.access.retries import request
from memmpy.sources.access.urls import filesystem, is_url, reconnect

__all__ = ["ByteSource", "Range", "coalesce", "open_local"]

#: ``(start, stop)`` in bytes, half open.
Range: TypeAlias = tuple[int, int]

#: Ranges with smaller gaps between them are read as one.
GAP = 64 << 10
#: Limit of one request to a server, so that large reads are parallel, and a failed request costs
#: little.
REQUEST = 8 << 20
#: Concurrent requests to a server.
CONCURRENT = 16


@final
class ByteSource:
    """An open file. Any number of threads may read ranges of it at once.

    Parameters
    ----------
    path : str
        A local path or a URL.

    Attributes
    ----------
    status : Status
        The status of the file when it was opened.
    path : str
        The real path of a local file, or the URL.
    size : int
        Size of the file when it was opened.
    num_bytes, num_requests : int
        Bytes read so far, including gaps, and requests made, including failed ones.

    Raises
    ------
    MissingFileError, UnreadableError, InputFileError
        See `describe`.
    """

    def __init__(self, path: str) -> None:
        self.status: Status = describe(path)
        self.path: str = self.status.path
        self.num_bytes: int = 0
        self.num_requests: int = 0
        self._file: io.FileIO | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        if not is_url(path):
            self._file = open_local(self.path)
            try:
                # The open file may be another one than `describe` saw.
                status = os.fstat(self._file.fileno())
            except OSError as error:
                self._file.close()
                message = f"cannot read {self.path!r}: {error.strerror or error}"
                raise InputFileError(message) from error
            self.status = replace(self.status, size=status.st_size, mtime_ns=status.st_mtime_ns)
        self.size: int = self.status.size

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to `stop`, exactly.

        Raises
        ------
        InputFileError
            If the file is shorter than that, or cannot be read.
        """
        return bytes(self.read_many([(start, stop)])[0])

    def read_many(self, ranges: Sequence[Range]) -> list[memoryview]:
        """Return the bytes of several ranges, in the order of the ranges.

        Ranges that are close to each other are read at once, and requests to a server run
        concurrently. The bytes of a request stay in memory while any of them are used.

        Raises
        ------
        InputFileError
            If the file is shorter than that, or cannot be read.
        """
        for start, stop in ranges:
            self._check(start, stop)
        blocks = coalesce(ranges, gap=GAP, limit=REQUEST)
        contents = self._fetch([(start, stop) for start, stop, _ in blocks])
        views = [memoryview(b"")] * len(ranges)
        for (block_start, _, members), content in zip(blocks, contents, strict=True):
            view = memoryview(content)
            for member in members:
                start, stop = ranges[member]
                views[member] = view[start - block_start : stop - block_start]
        return views

    def close(self) -> None:
        """Close the file."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> "ByteSource":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, start: int, stop: int) -> None:
        if self._is_closed:
            raise InputFileError(f"{self.path!r} is closed")
        if not 0 <= start <= stop:
            message = f"it refers to bytes {start} to {stop}"
            raise InputFileError(f"{self.path!r} is damaged: {message}")
        if stop > self.size:
            raise self._truncated(f"{self.size} bytes, expected at least {stop}")

    def _truncated(self, what: str) -> InputFileError:
        return InputFileError(f"{self.path!r} is truncated or has changed: it has {what}")

    def _fetch(self, blocks: list[Range]) -> list[bytes]:
        if self._file is not None:
            return [self._pread(self._file, start, stop) for start, stop in blocks]
        parts = [_parts(start, stop) for start, stop in blocks]
        contents = self._get([part for several in parts for part in several])
        return [
            contents[several[0]]
            if len(several) == 1
            else b"".join(contents[part] for part in several)
            for several in parts
        ]

    def _pread(self, file: io.FileIO, start: int, stop: int) -> bytes:
        reads: list[bytes] = []
        position = start
        while position < stop:
            try:
                # One call reads at most 2 GiB.
                data = os.pread(file.fileno(), stop - position, position)
            except (OSError, ValueError) as error:
                message = f"{self.path!r} cannot be read: {first_line(error)}"
                raise InputFileError(message) from error
            if not data:
                raise self._truncated(f"{position} bytes, expected at least {stop}")
            self._count(1, len(data))
            reads.append(data)
            position += len(data)
        return reads[0] if len(reads) == 1 else b"".join(reads)

    def _get(self, parts: list[Range]) -> dict[Range, bytes]:
        """Return parts of a file behind a URL. A retry requests only the missing parts."""
        contents: dict[Range, bytes] = {}

        def get() -> None:
            fs, name = filesystem(self.path)
            missing = [part for part in parts if part not in contents]
            options = {"batch_size": CONCURRENT} if fs.async_impl else {}
            starts, stops = zip(*missing, strict=True)
            try:
                answers = fs.cat_ranges(
                    [name] * len(missing), [*starts], [*stops], on_error="return", **options
                )
            except OSError:
                reconnect(self.path)  # a lost connection stays lost
                raise
            errors = []
            for part, answer in zip(missing, answers, strict=True):
                if isinstance(answer, BaseException):
                    errors.append(answer)
                else:
                    contents[part] = bytes(answer)
            num_bytes = sum(len(contents[part]) for part in missing if part in contents)
            self._count(len(missing), num_bytes)
            if errors:
                raise errors[0]

        if parts:
            request(self.path, get)
        for (start, stop), content in contents.items():
            if len(content) == stop - start:
                continue
            if len(content) == self.size:
                message = f"the server sends all of {self.path!r} instead of a part; "
                raise InputFileError(message + "download it, and give its path")
            raise self._truncated(f"{len(content)} bytes from {start} to {stop}")
        return contents

    def _count(self, num_requests: int, num_bytes: int) -> None:
        with self._lock:
            self.num_requests += num_requests
            self.num_bytes += num_bytes


def coalesce(ranges: Sequence[Range], *, gap: int, limit: int) -> list[tuple[int, int, list[int]]]:
    """Return the blocks to read for some ranges, ascending and without overlap.

    Parameters
    ----------
    ranges : sequence of (start, stop)
        In any order; they may overlap. Empty ranges need no block.
    gap : int
        Ranges with at most this number of bytes between them are joined to one block.
    limit : int
        No block becomes longer than this by joining.

    Returns
    -------
    list of (start, stop, indices of the ranges in it)
    """
    blocks: list[tuple[int, int, list[int]]] = []
    for i in sorted(range(len(ranges)), key=lambda i: ranges[i]):
        start, stop = ranges[i]
        if start == stop:
            continue
        if blocks:
            block_start, block_stop, members = blocks[-1]
            is_near = start <= block_stop + gap and stop - block_start <= limit
            if start < block_stop or is_near:
                members.append(i)
                blocks[-1] = (block_start, max(stop, block_stop), members)
                continue
        blocks.append((start, stop, [i]))
    return blocks


def open_local(path: str) -> io.FileIO:
    """Open an existing local file without a buffer.

    Raises
    ------
    MissingFileError, UnreadableError
        If the file is missing, or may not be read.
    """
    with ExitStack() as stack:
        try:
            # Without O_NONBLOCK, opening a pipe in place of the file would block.
            file = io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
            stack.enter_context(file)
            mode = os.fstat(file.fileno()).st_mode
        except IsADirectoryError as error:
            raise directory_error(path) from error
        except FileNotFoundError as error:
            raise missing_file_error(path) from error
        except OSError as error:
            raise UnreadableError(f"{path!r} may not be read: {error.strerror}") from error
        check_regular(path, mode)
        stack.pop_all()
    return file


def _parts(start: int, stop: int) -> list[Range]:
    return [(at, min(at + REQUEST, stop)) for at in range(start, stop, REQUEST)]
