"""Lets uproot read through a `ByteSource`, with its retries, and without mapping the file.

A map would end the process if the file is truncated while it is read.
"""

import queue
from collections import OrderedDict
from collections.abc import Sequence
from functools import wraps
from typing import Any, final

import numpy as np
import uproot
from uproot.model import DispatchByVersion
from uproot.source.chunk import Chunk, Source
from uproot.source.futures import TrivialFuture

from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.root.compression import decompress

__all__ = ["SharedSource", "open_with"]


@final
class SharedSource(Source):  # type: ignore[misc]  # uproot has no types
    """A source of uproot over a `ByteSource`, which it does not close."""

    def __init__(self, file_path: str, *, bytes_of_file: ByteSource, **_options: Any) -> None:
        super().__init__()
        self._file_path, self._bytes = file_path, bytes_of_file
        self._num_bytes = bytes_of_file.size

    @property
    def closed(self) -> bool:
        """Always False: the `ByteSource` itself raises an error after it was closed."""
        return False

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the bytes from `start` to `stop`."""
        return self._filled((start, stop), self._bytes.read(int(start), int(stop)))

    def chunks(
        self, ranges: Sequence[tuple[int, int]], notifications: "queue.Queue[Chunk]"
    ) -> list[Chunk]:
        """Return the bytes of several ranges, read at once."""
        contents = self._bytes.read_many([(int(start), int(stop)) for start, stop in ranges])
        filled = [self._filled(r, content) for r, content in zip(ranges, contents, strict=True)]
        for chunk in filled:
            notifications.put(chunk)
        return filled

    def __enter__(self) -> "SharedSource":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the `ByteSource` open."""

    def _filled(self, bounds: tuple[int, int], content: bytes | memoryview) -> Chunk:
        self._num_requests += 1
        self._num_requested_chunks += 1
        self._num_requested_bytes += len(content)
        return Chunk(self, *bounds, TrivialFuture(np.frombuffer(content, np.uint8)))


#: The models of uproot for the classes of ROOT, by class and version.
_MODELS = {
    name: (model, dict(model.known_versions))
    for name, model in uproot.classes.items()
    if issubclass(model, DispatchByVersion)
}


#: The classes of files, by the record that lists them: files of one program have equal ones.
_STREAMERS: OrderedDict[bytes, tuple[Any, Any]] = OrderedDict()
#: Number of records to keep, and bytes of one, at most.
_MAX_STREAMERS, _MAX_RECORD = 4, 16 << 20


@final
class _RootFile(uproot.ReadOnlyFile):  # type: ignore[misc]  # uproot has no types
    """A file of uproot that takes its classes from an earlier file with the same record of them.

    uproot needs 20 ms for the classes of a wide file.
    """

    _streamers: Any
    _streamer_rules: Any

    @property
    def streamers(self) -> Any:
        """The classes of the file, by name and version."""
        start, size = self._fSeekInfo, self._fNbytesInfo
        if self._streamers is None and start and 0 < size <= _MAX_RECORD:
            record = self.source.chunk(start, start + size).raw_data.tobytes()
            known = _STREAMERS.pop(record, None)
            if known is None:
                known = super().streamers, self._streamer_rules
            self._streamers, self._streamer_rules = _STREAMERS[record] = known
            if len(_STREAMERS) > _MAX_STREAMERS:
                _STREAMERS.popitem(last=False)
        return super().streamers


def open_with(source: ByteSource) -> Any:
    """Open a ROOT file with uproot.

    uproot keeps models for the whole process. A damaged file may put others in their place, from
    its own streamer info, so each file begins with those of uproot.
    """
    for name, (model, versions) in _MODELS.items():
        uproot.classes[name] = model
        model.known_versions.update(versions)
    # Without caches, since memory is bounded by the step.
    caches: dict[str, Any] = {"array_cache": None, "object_cache": None}
    file = _RootFile(source.path, handler=SharedSource, bytes_of_file=source, **caches)
    return file.root_directory


_decompress_as_uproot = uproot.compression.decompress


@wraps(_decompress_as_uproot)
def _decompress(
    chunk: Any, cursor: Any, context: Any, num_packed: int, size: int, block_info: Any = None
) -> Any:
    """Decompress chunks of a `SharedSource` with size limits; uproot decompresses all others."""
    if not isinstance(chunk.source, SharedSource):
        return _decompress_as_uproot(chunk, cursor, context, num_packed, size, block_info)
    packed = memoryview(cursor.bytes(chunk, num_packed, context))
    return Chunk.wrap(chunk.source, decompress(packed, size))


# uproot decompresses everything through this function: keys, trees, baskets and pages.
uproot.compression.decompress = _decompress
