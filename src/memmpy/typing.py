"""Type aliases and protocols that all rooms share."""

import os
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Batch", "Column", "Data", "Entries", "Mask", "PathLike"]

PathLike: TypeAlias = str | os.PathLike[str]
#: An array of any dtype.
Array: TypeAlias = NDArray[Any]
Entries: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


class Column(Protocol):
    """A column as loaders use it: with a length and an index.

    `np.memmap`, `np.ndarray`, `Jagged`, `ReadJagged`, `ReadShaped` and `ak.Array` are columns.
    """

    def __len__(self) -> int:
        """Return the number of entries."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Return the values at a slice or at an int64 array of entries, in this order."""
        ...


Data: TypeAlias = Mapping[str, Column]
#: Key to values of the entries of a batch, and "_index" to these entries, as int64.
Batch: TypeAlias = dict[str, Any]
