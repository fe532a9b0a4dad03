"""Ranges of bytes of a file, on a disk or behind a URL, read with few requests."""

import io
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TypeAlias, final

from memmpy.errors import InputFileError, MissingFileError, UnreadableError
from memmpy.sources.failures import check_regular, first_line, not_a_file
from memmpy.sources.locations import describe
from memmpy.sources.retries import asked
from memmpy.sources.urls import filesystem, is_url, reconnect

__all__ = ["ByteSource", "Range", "coalesce", "opened"]

#: ``(start, stop)`` in bytes, half open.
Range: TypeAlias = tuple[int, int]

#: Ranges that lie nearer to each other are read as one.
GAP = 64 << 10
#: No more bytes come with one request to a server, so that large reads are parallel and little
#: is read again after a failure.
REQUEST = 8 << 20
#: Requests to a server at a time.
CONCURRENT = 16


@final
class ByteSource:
    """A file of which ranges are read, by any number of threads at once.

    Parameters
    ----------
    path : str
        A local path or a URL.

    Attributes
    ----------
    status : Status
        What `describe` said of the file when it was opened.
    path : str
        The real path of a local file, or the URL.
    size : int
        Bytes of the file when it was opened.
    num_bytes, num_requests : int
        What was read so far, with the gaps that were read too, and in how many requests, with
        those that failed.

    Raises
    ------
    MissingFileError, UnreadableError, InputFileError
        As `describe` does.
    """

    def __init__(self, path: str) -> None:
        self.status = describe(path)
        self.path = self.status.path
        self.num_bytes = self.num_requests = 0
        self._file: io.FileIO | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        if not is_url(path):
            self._file = opened(self.path)
            try:
                # Of what is open, should another file have taken its place since then.
                found = os.fstat(self._file.fileno())
            except OSError as error:
                self._file.close()
                message = f"cannot read {self.path!r}: {error.strerror or error}"
                raise InputFileError(message) from error
            self.status = replace(self.status, size=found.st_size, mtime_ns=found.st_mtime_ns)
        self.size = self.status.size

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to `stop`, exactly.

        Raises
        ------
        InputFileError
            If the file has not so many, any more or at all, or cannot be read.
        """
        return bytes(self.read_many([(start, stop)])[0])

    def read_many(self, ranges: Sequence[Range]) -> list[memoryview]:
        """Return the bytes of several ranges, in the order of the ranges.

        What lies near to each other is read at once, and requests to a server run at the same
        time. All that is read stays in memory as long as any of it is used.

        Raises
        ------
        InputFileError
            If the file has not so many bytes, any more or at all, or cannot be read.
        """
        for start, stop in ranges:
            self._check(start, stop)
        blocks = coalesce(ranges, gap=GAP, limit=REQUEST)
        contents = self._fetch([(start, stop) for start, stop, _ in blocks])
        found = [memoryview(b"")] * len(ranges)
        for (block_start, _, members), content in zip(blocks, contents, strict=True):
            view = memoryview(content)
            for member in members:
                start, stop = ranges[member]
                found[member] = view[start - block_start : stop - block_start]
        return found

    def close(self) -> None:
        """Let go of the file. Nothing can be read any more."""
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
            message = f"what lies in it is said to lie from byte {start} to {stop}"
            raise InputFileError(f"{self.path!r} is damaged: {message}")
        if stop > self.size:
            raise self._cut(f"{self.size} bytes, not the {stop} that are looked for")

    def _cut(self, what: str) -> InputFileError:
        return InputFileError(f"{self.path!r} is truncated or has changed: it has {what}")

    def _fetch(self, blocks: list[Range]) -> list[bytes]:
        if self._file is not None:
            return [self._pread(self._file, start, stop) for start, stop in blocks]
        parts = [_parts(start, stop) for start, stop in blocks]
        found = self._get([part for several in parts for part in several])
        return [
            found[several[0]] if len(several) == 1 else b"".join(found[part] for part in several)
            for several in parts
        ]

    def _pread(self, file: io.FileIO, start: int, stop: int) -> bytes:
        pieces: list[bytes] = []
        position = start
        while position < stop:
            try:
                # One call gives no more than 2 GiB.
                piece = os.pread(file.fileno(), stop - position, position)
            except (OSError, ValueError) as error:
                message = f"{self.path!r} cannot be read: {first_line(error)}"
                raise InputFileError(message) from error
            if not piece:
                raise self._cut(f"{position} bytes, not the {stop} that are looked for")
            self._count(1, len(piece))
            pieces.append(piece)
            position += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _get(self, parts: list[Range]) -> dict[Range, bytes]:
        """Return parts of a file behind a URL; only those that failed are asked for again."""
        found: dict[Range, bytes] = {}

        def get() -> None:
            fs, name = filesystem(self.path)
            asks = [part for part in parts if part not in found]
            options = {"batch_size": CONCURRENT} if fs.async_impl else {}
            starts, stops = zip(*asks, strict=True)
            try:
                answers = fs.cat_ranges(
                    [name] * len(asks), [*starts], [*stops], on_error="return", **options
                )
            except OSError:
                reconnect(self.path)  # a lost connection stays lost
                raise
            errors = []
            for part, answer in zip(asks, answers, strict=True):
                if isinstance(answer, BaseException):
                    errors.append(answer)
                else:
                    found[part] = bytes(answer)
            self._count(len(asks), sum(len(found[part]) for part in asks if part in found))
            if errors:
                raise errors[0]

        if parts:
            asked(self.path, get)
        for (start, stop), content in found.items():
            if len(content) == stop - start:
                continue
            if len(content) == self.size:
                message = f"the server sends all of {self.path!r} where a part is asked for; "
                raise InputFileError(message + "download it, and give its path")
            raise self._cut(f"{len(content)} bytes from {start} to {stop}")
        return found

    def _count(self, num_requests: int, num_bytes: int) -> None:
        with self._lock:
            self.num_requests += num_requests
            self.num_bytes += num_bytes


def coalesce(ranges: Sequence[Range], *, gap: int, limit: int) -> list[tuple[int, int, list[int]]]:
    """Return the blocks to read for some ranges, ascending and without overlap.

    Parameters
    ----------
    ranges : sequence of (start, stop)
        In any order; they may overlap. Empty ones need no block.
    gap : int
        Ranges with at most so many bytes between them are in one block,
    limit : int
        but no block gets longer than this by what it need not contain.

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


def opened(path: str) -> io.FileIO:
    """Return an existing local file, opened without a buffer.

    Raises
    ------
    MissingFileError, UnreadableError
        If there is none by now, or it may not be read.
    """
    with ExitStack() as stack:
        try:
            # Without O_NONBLOCK it would wait for a pipe that took the place of the file.
            file = io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
            stack.enter_context(file)
            mode = os.fstat(file.fileno()).st_mode
        except IsADirectoryError as error:
            raise not_a_file(path) from error
        except FileNotFoundError as error:
            raise MissingFileError(f"no such file: {path!r}") from error
        except OSError as error:
            raise UnreadableError(f"{path!r} may not be read: {error.strerror}") from error
        check_regular(path, mode)
        stack.pop_all()
    return file


def _parts(start: int, stop: int) -> list[Range]:
    return [(at, min(at + REQUEST, stop)) for at in range(start, stop, REQUEST)]
