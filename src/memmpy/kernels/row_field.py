"""A field of a packed row: the place, the dtype and the shape of its bytes."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, final

import numpy as np

from memmpy.errors import ColumnError, OptionError

__all__ = ["RowField"]


@final
@dataclass(frozen=True, slots=True)
class RowField:
    """One field of a packed row: an array of a shape and dtype, at some byte.

    Parameters
    ----------
    offset : int
        The byte of a row where it begins, aligned or not.
    dtype : np.dtype
        The dtype of its items; without Python objects.
    shape : tuple of int
        The shape of its value in one row; () for a number.

    Attributes
    ----------
    nbytes : int
        Its size in a row, in bytes.

    Examples
    --------
    >>> RowField(8, np.dtype(np.float32), (20,)).nbytes
    80
    """

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.dtype.hasobject:
            message = f"a row must not hold Python objects, unlike {self.dtype}"
            raise ColumnError(message)
        if self.offset < 0 or min(self.shape, default=0) < 0:
            message = f"a field begins at byte 0 or later and has no shape below 0, unlike {self}"
            raise OptionError(message)
        object.__setattr__(self, "nbytes", self.dtype.itemsize * prod(self.shape))
