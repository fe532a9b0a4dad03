"""Statistics of the rows of a skim, kept in its folder: processes that share it read it once."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import xxhash

from memmpy.errors import CorruptStoreError, DiskError, ReadOnlyStoreError, StoreLockedError
from memmpy.skims.skim_reader import Skim, document_of
from memmpy.store import (
    Count,
    FileLock,
    Format,
    JsonObject,
    from_json,
    is_real_folder,
    parse,
    read_document,
    to_json,
    translate_os_errors,
    wait_for,
    write_atomically,
)
from memmpy.typing import Array

__all__ = ["Statistics", "skim_statistics"]

logger: logging.Logger = logging.getLogger(__name__)

#: Arrays by name.
Statistics: TypeAlias = Mapping[str, Array]

_FORMAT = Format(
    name="memmpy skim statistics",
    what="the statistics of a skim",
    version=1,
    sealed_since=1,
    remedy="delete it",
)
#: The dtypes of the arrays.
_DTYPES = np.dtype("<f8"), np.dtype("<i8")
#: Seconds to wait for another process that computes; then this one computes, too. Without ``flock``
#: a process that was killed may leave its lock.
_WAIT = 600.0
#: Bytes of a document, at most.
_MAX_BYTES = 2**28


class _ArrayJson(JsonObject, frozen=True):
    dtype: np.dtype[Any]
    shape: tuple[Count, ...]
    #: In C order.
    values: bytes

    def to_array(self) -> Array:
        if self.dtype not in _DTYPES or len(self.values) != 8 * math.prod(self.shape):
            raise ValueError("an array has the wrong dtype or length")
        return np.frombuffer(self.values, self.dtype).reshape(self.shape)


class _StatisticsJson(JsonObject, frozen=True):
    of: str
    arrays: dict[str, _ArrayJson]


def skim_statistics(
    skim: Skim, cache_key: Mapping[str, Any], compute: Callable[[], Statistics]
) -> Statistics:
    """Return arrays that follow from the rows of a skim: from its folder, or computed now.

    Of processes that ask at the same time, one computes, and the others wait for it, up to ten
    minutes. If memmpy cannot write to the folder, each of them computes.

    Parameters
    ----------
    skim : Skim
        The skim. It may have been replaced on disk since it was opened.
    cache_key : mapping
        What the arrays depend on beside the rows, as JSON values; also the version of the code that
        computes them.
    compute : callable
        Returns the arrays: int64 or float64.

    Returns
    -------
    mapping of str to array
        The arrays; they may be read-only.
    """
    folder = skim.path.absolute()
    text = json.dumps([document_of(skim).hex(), cache_key], sort_keys=True)
    name = xxhash.xxh3_128_hexdigest(text.encode())
    file = folder / f"statistics-{name}.json"
    arrays = _read(file, name)
    if arrays is not None:
        return arrays
    try:
        with _lock(folder):
            arrays = _read(file, name)  # another process may have written it meanwhile
            if arrays is None:
                logger.info("reading all rows of %s", folder)
                arrays = compute()
                write_atomically(file, _encode(name, arrays), durable=False)
    except (DiskError, ReadOnlyStoreError, StoreLockedError) as error:
        logger.info("the statistics of the skim are not kept: %s", error)
    return compute() if arrays is None else arrays


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the statistics of a skim."""
    if not (is_real_folder(folder) and is_real_folder(folder.parent)):
        raise ReadOnlyStoreError(f"{str(folder)!r} is no folder, or behind a link")
    lock = FileLock(folder / "statistics.lock")

    def take() -> bool:
        with translate_os_errors(f"to {str(folder)!r}"):
            return lock.take()

    wait_for(take, what=f"reading all rows of {str(folder)!r}", timeout=_WAIT)
    try:
        yield
    finally:
        lock.release()


def _read(file: Path, name: str) -> Statistics | None:
    """Return the arrays of a document; None if there is none, or it is damaged."""
    try:
        data, _ = read_document(file, max_bytes=_MAX_BYTES)
        values, is_sealed = parse(data)
        _, fields = _FORMAT.fields_of(values, is_sealed=is_sealed, path=str(file))
        document = from_json(fields, _StatisticsJson)
        arrays = {key: one.to_array() for key, one in document.arrays.items()}
    except FileNotFoundError:
        return None
    except (OSError, CorruptStoreError, ValueError) as error:
        logger.warning("%s is not used: %s", file, error)
        return None
    return arrays if document.of == name else None


def _encode(name: str, arrays: Statistics) -> bytes:
    document = _StatisticsJson(
        name,
        {
            key: _ArrayJson(values.dtype, values.shape, np.ascontiguousarray(values).tobytes())
            for key, values in arrays.items()
        },
    )
    return _FORMAT.encode(to_json(document))
