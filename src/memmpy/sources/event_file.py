"""The protocol `EventFile`, which the reader of each file format follows; and `FileObject`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType

__all__ = ["EventFile", "FileObject"]


@dataclass(frozen=True, slots=True)
class FileObject:
    """An object of a file: a tree, a histogram or another one.

    Parameters
    ----------
    name : str
        Its path in the file; empty for a file that is one table.
    kind : str
        Its class or kind in the words of the format, such as ``TTree``, ``TH1D`` or ``group``.
    is_tree : bool
        Whether memmpy can open it as an `EventFile`.
    details : str
        What it holds, in a few words; empty if unknown.
    """

    name: str
    kind: str
    is_tree: bool
    details: str = ""


class EventFile(Protocol):
    """One tree (or table) of an open file.

    Its methods raise only `MemmpyError`s, which name the file. Several threads may call them.
    """

    @property
    def uuid(self) -> str:
        """The identity of the file: 32 hexadecimal digits."""

    @property
    def former_uuid(self) -> str:
        """The identity that memmpy 0.2 and older gave the file, and recorded in their stores."""

    @property
    def tree(self) -> str:
        """Path of the tree in the file, with its cycle where the format has cycles."""

    @property
    def num_entries(self) -> int:
        """Entries of the tree."""

    @property
    def where(self) -> str:
        """File and tree, for messages."""

    def branches(self) -> list[str]:
        """Return the names of all branches, in the order of the file."""

    def has_branch(self, name: str) -> bool:
        """Return whether the tree has a branch of this full or short name."""

    def type_of(self, branch: str) -> ColumnType:
        """Return the type of the column that holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such branch. Names the nearest.
        InputFileError
            If no column can hold its values.
        """

    def try_decoding(self, branch: str) -> None:
        """Decode the first entry of a branch if only that shows whether it can be decoded.

        Raises
        ------
        UndecodableError
            If it cannot be decoded. `read` raises all other errors.
        """

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in the file, and about those after decoding."""

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of all branches in the file, and about those after decoding."""

    def stored_type(self, branch: str) -> str:
        """Return the type of a branch in the words of the format, such as ``std::vector<float>``.

        Empty if the type is unknown.

        Raises
        ------
        MissingKeyError
            If there is no such branch. Names the nearest.
        """

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the entries at which reads should begin and end, so that little is decoded twice.

        In an HDF5 file whose branches share no edges of chunks, chunks across a boundary are
        decoded twice.

        Returns
        -------
        array of int64
            Entries, ascending, from 0 to `num_entries`; only ``[0]`` for an empty tree.
        """

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, in the given order, each with its entries ``start`` to ``stop``.

        Yields
        ------
        str, values
            Depends on the kind of the `ColumnType`: a native `np.ndarray` of shape (n, ...) for
            ``vector``, a `Jagged` for ``jagged`` and (of UTF-8 bytes) ``text``, an `ak.Array` for
            ``nested``. The caller may keep them.
        """

    def close(self) -> None:
        """Close the file."""
