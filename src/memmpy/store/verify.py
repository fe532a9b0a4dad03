"""Compares every file of a store with its checksum."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memmpy.errors import CorruptStoreError
from memmpy.store.checksums import crc_of, crc_text
from memmpy.store.commit import read_metadata
from memmpy.store.exact_io import read_exactly
from memmpy.store.file_names import METADATA, hash64, hash_text
from memmpy.store.metadata import ArrayRecord, Metadata
from memmpy.store.npy_file import header_of
from memmpy.store.safe_open import open_to_read
from memmpy.typing import Array, PathLike

__all__ = ["Problem", "array_problem", "verify_columns"]

#: Bytes to read at a time.
_BLOCK_BYTES = 2**22  # 4 MiB


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of a store that differs from its record: an item of the result of `verify`.

    Parameters
    ----------
    key : str
        The column, or a cut, a skim or the hashes, such as ``jet_pt`` or ``cut njets > 4``.
    file : str
        Path of the file in the store.
    message : str
        The difference, such as ``the checksum differs``.
    """

    key: str
    file: str
    message: str


def verify_columns(path: PathLike) -> list[Problem]:
    """Compare every array of a store with its checksum, and every text with its hash.

    memmpy reads the files and does not map them, so that a file which another program truncates
    meanwhile is a problem and does not end the process.

    Parameters
    ----------
    path : path-like
        The store. Each of its arrays is read once.

    Returns
    -------
    list of Problem
        Missing, truncated and altered files; empty if there are none.
    """
    metadata = read_metadata(path)
    checked: dict[ArrayRecord, str | None] = {}
    while True:
        places = [(key, a) for key, c in metadata.columns.items() for a in c.arrays.values()]
        for _, array in places:
            if array not in checked:
                checked[array] = array_problem(Path(path), array)
        problems = [
            Problem(key, array.file, message)
            for key, array in places
            if (message := checked[array]) is not None
        ]
        if not problems:
            return _wrong_texts(metadata)
        # A writer may have replaced a column meanwhile, and removed its files.
        newer = read_metadata(path)
        if newer.generation == metadata.generation:
            return problems + _wrong_texts(metadata)
        metadata = newer


def array_problem(
    directory: Path, array: ArrayRecord, *, look: Callable[[Array], str | None] | None = None
) -> str | None:
    """Read an array file, and return how it differs from its record; None if it does not.

    Parameters
    ----------
    directory : Path
        The folder of the file.
    array : ArrayRecord
        The array as it was written.
    look : callable, optional
        Checks rows, and returns their fault or None. Called with consecutive blocks
        of rows; each block begins with the last row of the block before.
    """
    header = header_of(array)
    try:
        with open(open_to_read(directory / array.file), "rb", buffering=0) as file:  # noqa: PTH123
            size, expected = os.fstat(file.fileno()).st_size, len(header) + array.nbytes
            if size != expected:
                return f"it has {size} bytes, expected {expected}"
            if file.read(len(header)) != header:
                return f"it is not an array of {array.dtype} and shape {array.shape}"
            crc, wrong, last = 0, None, b""
            for data in _blocks(file.fileno(), array, at=len(header)):
                crc = crc_of(memoryview(data), crc)
                if look is not None and wrong is None:
                    # Joined as bytes: NumPy drops the padding of structured rows in a join.
                    rows = np.frombuffer(last + data, array.dtype).reshape(-1, *array.shape[1:])
                    wrong, last = look(rows), bytes(data[-(array.nbytes // array.shape[0]) :])
    except FileNotFoundError:
        return "the file is missing"
    except CorruptStoreError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    except EOFError:
        return "it was truncated while it was read"
    return wrong if array.checksum in {None, crc_text(crc)} else "the checksum differs"


def _blocks(file: int, array: ArrayRecord, *, at: int) -> Iterator[bytearray]:
    """Yield the bytes of an open array file, whole rows at a time."""
    row_bytes = array.nbytes // max(1, array.shape[0])
    step = max(1, _BLOCK_BYTES // max(1, row_bytes)) * row_bytes
    for start in range(0, array.nbytes, max(1, step)):
        data = bytearray(min(step, array.nbytes - start))
        read_exactly(file, memoryview(data), at=at + start)
        yield data


def _wrong_texts(metadata: Metadata) -> list[Problem]:
    return [
        Problem("hashes", METADATA, f"the text {text!r} has another hash than {hash_text(number)}")
        for number, text in metadata.hashes.items()
        if hash64(text) != number
    ]
