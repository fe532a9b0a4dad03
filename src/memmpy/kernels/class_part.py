"""`ClassPart`: what a class of a mixture hands out, as a kernel takes it."""

from typing import NamedTuple

from memmpy.kernels.hashing import Words
from memmpy.typing import Entries

__all__ = ["ClassPart"]


class ClassPart(NamedTuple):
    """What a class hands out in some windows.

    Attributes
    ----------
    words : uint64 array
        The words of the `Subset` of the class.
    samples : int64 array
        The positions of the members ``i * 2**bits``.
    bits : int
        See `samples`.
    num : int
        The number of members.
    block_rows : int
        How many members make a block.
    key : int
        The key of the class.
    pass_number, offset : int
        The pass over the class of the first one, modulo 2**64, and its place in that pass.
    edges : int64 array of shape (k + 1,)
        The members of all windows before each window, and of all windows.
    """

    words: Words
    samples: Entries
    bits: int
    num: int
    block_rows: int
    key: int
    pass_number: int
    offset: int
    edges: Entries
