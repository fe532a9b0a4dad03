"""Compares every file of a store with its checksum."""

from dataclasses import dataclass
from pathlib import Path

from memmpy.errors import CorruptStoreError
from memmpy.store.arrayfile import checksum, map_array
from memmpy.store.commit import read_metadata
from memmpy.store.metadata import ArrayRecord
from memmpy.typing import PathLike

__all__ = ["Problem", "verify"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A column of a store that is not what was written."""

    key: str
    file: str
    message: str


def verify(path: PathLike) -> list[Problem]:
    """Read every array of a store and compare it with its checksum.

    Parameters
    ----------
    path : path-like
        The store. All of it is read once.

    Returns
    -------
    list of Problem
        What is missing, truncated or altered; empty where all is well.
    """
    metadata = read_metadata(path)
    checked: dict[tuple[str, ArrayRecord], Problem | None] = {}
    while True:
        places = [(key, a) for key, c in metadata.columns.items() for a in c.arrays.values()]
        for key, array in places:
            if (key, array) not in checked:
                checked[key, array] = _check(Path(path), array, key=key)
        problems = [problem for place in places if (problem := checked[place]) is not None]
        if not problems:
            return []
        # A writer may have replaced a column since, and removed its files.
        newer = read_metadata(path)
        if newer.generation == metadata.generation:
            return problems
        metadata = newer


def _check(directory: Path, array: ArrayRecord, *, key: str) -> Problem | None:
    try:
        values = map_array(directory, array, key=key)
    except FileNotFoundError:
        return Problem(key, array.file, "the file is missing")
    except (CorruptStoreError, OSError) as error:
        return Problem(key, array.file, str(error))
    if array.checksum is not None and checksum(values) != array.checksum:
        return Problem(key, array.file, "the checksum differs")
    return None
