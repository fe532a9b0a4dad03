"""Compares every file of a store with its checksum."""

from dataclasses import dataclass
from pathlib import Path

from memmpy.errors import CorruptStoreError
from memmpy.store.arrayfile import checksum, map_array
from memmpy.store.commit import read_metadata
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
    problems = []
    for key, column in read_metadata(path).columns.items():
        for array in column.arrays.values():
            try:
                values = map_array(Path(path), array, key=key)
            except FileNotFoundError:
                problems.append(Problem(key, array.file, "the file is missing"))
                continue
            except (CorruptStoreError, OSError) as error:
                problems.append(Problem(key, array.file, str(error)))
                continue
            if array.checksum is not None and checksum(values) != array.checksum:
                problems.append(Problem(key, array.file, "the checksum differs"))
    return problems
