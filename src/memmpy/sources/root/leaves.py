"""Reads leaf lists: branches such as ``"x/F:y/F"``, with several leaves and structs as entries."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Leaf", "leaves_of", "number_of", "read_structs", "struct_of"]

#: Class of a leaf to the type of its numbers in the file, where `Long_t` has 64 bits.
_NUMBERS = {
    "TLeafO": "?",
    "TLeafB": "i1",
    "TLeafS": ">i2",
    "TLeafI": ">i4",
    "TLeafL": ">i8",
    "TLeafG": ">i8",
    "TLeafF": ">f4",
    "TLeafD": ">f8",
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a branch with several leaves.

    Parameters
    ----------
    name : str
        Name of the leaf.
    dtype : np.dtype or None
        Dtype of an entry in the file; None if entries differ in size, or are no plain numbers.
    """

    name: str
    dtype: np.dtype[Any] | None


def number_of(classname: str, *, is_unsigned: bool) -> np.dtype[Any] | None:
    """Return the dtype of a number in the file by the class of its leaf; None for other classes."""
    name = _NUMBERS.get(classname)
    if name is None:
        return None
    return np.dtype(name.replace("i", "u") if is_unsigned else name)


def leaves_of(branch: Any) -> tuple[Leaf, ...]:
    """Return the leaves of an uproot branch; empty if it has one at most."""
    leaves = branch.member("fLeaves")
    if len(leaves) < 2:
        return ()
    return tuple(Leaf(leaf.member("fName"), _dtype_of(leaf)) for leaf in leaves)


def struct_of(leaves: Sequence[Leaf]) -> np.dtype[Any] | None:
    """Return the dtype of an entry of all leaves in the file, with numbers as field names.

    None if the dtype of any leaf is unknown, since the other leaves cannot be found then.
    """
    fields = [(str(i), leaf.dtype) for i, leaf in enumerate(leaves) if leaf.dtype is not None]
    return np.dtype(fields) if leaves and len(fields) == len(leaves) else None


def read_structs(branch: Any, dtype: np.dtype[Any], start: int, stop: int) -> NDArray[np.void]:
    """Let uproot read entries of all leaves of a branch; `struct_of` returns the dtype."""
    import uproot

    structs: NDArray[np.void] = branch.array(
        uproot.AsDtype(dtype), library="np", array_cache=None, entry_start=start, entry_stop=stop
    )
    return structs


def _dtype_of(leaf: Any) -> np.dtype[Any] | None:
    number = number_of(leaf.classname, is_unsigned=leaf.member("fIsUnsigned"))
    if number is None or leaf.member("fLeafCount") is not None:
        return None
    dims = tuple(int(size) for size in re.findall(r"\[(\d+)\]", leaf.member("fTitle")))
    return np.dtype((number, dims)) if math.prod(dims) == leaf.member("fLen") else None
