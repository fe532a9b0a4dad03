"""Indices that users put between brackets, resolved to entries."""

import operator
from typing import Any, TypeAlias

import numpy as np

from memmpy.checks import outside
from memmpy.typing import Entries

__all__ = ["Index", "resolve"]

#: An entry, a range of entries, or an array of entries.
Index: TypeAlias = int | slice | Entries


def resolve(index: Any, num_entries: int) -> Index:
    """Return an index as an int, a slice of step 1, or an int64 array, all from 0 upwards.

    Parameters
    ----------
    index : int, slice, array of any integer dtype, list of int, or boolean mask
        Negative entries count from the end.
    num_entries : int
        Length of the sequence.

    Raises
    ------
    IndexError
        If an entry is out of range, or a mask has another length.
    TypeError
        If `index` is none of the above.
    """
    if type(index) is int and 0 <= index < num_entries:  # fast path for loops
        return index
    if isinstance(index, slice):
        start, stop, step = index.indices(num_entries)
        if step == 1:
            return slice(start, max(start, stop))
        return np.arange(start, stop, step, dtype=np.int64)
    if isinstance(index, (list, np.ndarray)):
        return _resolve_array(np.asarray(index), num_entries)
    if isinstance(index, bool):
        raise TypeError(_unusable(index))
    try:
        entry = operator.index(index)
    except TypeError:
        raise TypeError(_unusable(index)) from None
    if not -num_entries <= entry < num_entries:
        raise IndexError(_out_of_range(entry, num_entries))
    return entry % num_entries


def _resolve_array(index: np.ndarray[Any, Any], num_entries: int) -> Index:
    if index.ndim == 0:
        return resolve(index.item(), num_entries)
    if index.ndim > 1:
        raise IndexError(f"an index has one dimension, not {index.ndim}")
    if index.dtype == bool:
        if len(index) != num_entries:
            raise IndexError(f"a mask of {len(index)} for a column of {num_entries} entries")
        return np.flatnonzero(index).astype(np.int64, copy=False)
    if index.size == 0:
        return np.empty(0, np.int64)
    if index.dtype.kind not in "iu":
        raise TypeError(_unusable(index.dtype))
    wrong = outside(index, -num_entries, num_entries)
    if wrong is not None:
        raise IndexError(_out_of_range(wrong, num_entries))
    entries = index.astype(np.int64, copy=False)
    is_from_end = entries < 0
    return np.where(is_from_end, entries + num_entries, entries) if is_from_end.any() else entries


def _out_of_range(entry: int, num_entries: int) -> str:
    return f"entry {entry} of a column of {num_entries} entries"


def _unusable(index: Any) -> str:
    return f"index with an int, a slice, an array of integers or a boolean mask, not {index!r}"
