"""What a file of events must be able to tell, whatever its format."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType

__all__ = ["EventFile"]


class EventFile(Protocol):
    """An open file, and the tree (or table) in it that is read.

    All that a method raises is a `MemmpyError` that names the file. Several threads may call.
    """

    @property
    def uuid(self) -> str:
        """The identity of the file: 32 hexadecimal digits."""

    @property
    def former_uuid(self) -> str:
        """The same, as memmpy 0.2 and older gave it: stores of theirs know the file by this."""

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
        """Say whether there is such a branch, by its whole or its short name."""

    def type_of(self, branch: str) -> ColumnType:
        """Return what kind of column holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such branch; names the nearest.
        InputFileError
            If no column can hold what it gives.
        """

    def try_decoding(self, branch: str) -> None:
        """Decode the first entry of a branch, where only that tells whether it can be decoded.

        Raises
        ------
        UndecodableError
            If it cannot. Whatever else may be wrong is for `read` to say.
        """

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch as they lie in the file, and about those once decoded."""

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return where reading may begin and end so that (almost) nothing is decoded twice.

        Chunks of an HDF5 file that lie across an edge are, where the branches have no edges in
        common that are near enough.

        Returns
        -------
        array of int64
            Entries, ascending, from 0 to `num_entries`; only ``[0]`` for an empty tree.
        """

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield some branches, in their order, each with its entries ``start`` to ``stop``.

        Yields
        ------
        str, values
            By the kind of its `ColumnType`: a native `np.ndarray` of shape (n, ...) for
            ``vector``, a `Jagged` for ``jagged`` and (of UTF-8 bytes) ``text``, an `ak.Array` for
            ``nested``. The caller may keep them.
        """

    def close(self) -> None:
        """Let go of the file."""
