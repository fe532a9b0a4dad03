"""The few types that all floors of the house share."""

import os
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Batch", "Column", "Data", "Entries", "Mask", "PathLike"]

PathLike: TypeAlias = str | os.PathLike[str]
#: An array of any dtype: columns hold whatever the user's files hold.
Array: TypeAlias = NDArray[Any]
Entries: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


class Column(Protocol):
    """What a loader knows of a column: its length, and that it can be indexed.

    `np.memmap`, `np.ndarray`, `Jagged`, `ReadJagged`, `ReadShaped` and `ak.Array` all are one.
    """

    def __len__(self) -> int:
        """Return the number of entries."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Return what lies at a slice or at an int64 array of entries, in that order."""
        ...


Data: TypeAlias = Mapping[str, Column]
#: Key to what the column gives for the entries of the batch, and "_index": int64 entries.
Batch: TypeAlias = dict[str, Any]
