"""Checks a user's selection of entries: each in range and none twice."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import outside
from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.typing import Array, Entries, Mask

__all__ = ["STEP_SIZE", "SeenEntries", "check_selection", "steps"]

#: How many entries are checked at once.
STEP_SIZE = 1 << 16


def steps(num: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, stop) of consecutive steps of 0..num-1."""
    for start in range(0, num, STEP_SIZE):
        yield start, min(start + STEP_SIZE, num)


def check_selection(subindex: Array | Sequence[int] | Sequence[bool], num_entries: int) -> Array:
    """Return a selection as a plain array: integers, or a mask over all entries.

    An array or memory map is not copied, and memory stays below ``num_entries / 8`` bytes.

    Parameters
    ----------
    subindex : array or sequence of int or bool
        Entries in any order, or one boolean for each entry.
    num_entries : int
        The number of entries it selects from.

    Raises
    ------
    ColumnError
        If it holds anything but integers or booleans.
    LengthError
        If it is a mask of another length.
    OptionError
        If an entry is out of range or repeated.
    """
    selection = np.asarray(subindex)
    if selection.dtype.kind not in "iub" and not _is_empty_sequence(subindex):
        message = (
            f"subindex has dtype {selection.dtype}: give integers (entries), "
            "or booleans (a mask over all entries)"
        )
        raise ColumnError(message)
    if selection.ndim != 1:
        message = f"subindex has shape {selection.shape}: it must be one-dimensional"
        raise ColumnError(message)
    if selection.dtype.kind == "b":
        if len(selection) != num_entries:
            message = (
                f"the mask given as subindex has {len(selection):,} booleans for "
                f"{num_entries:,} entries: it needs one for each"
            )
            raise LengthError(message)
    elif not selection.size:
        selection = selection.astype(np.int64)
    elif not _is_ascending(selection, num_entries):
        _check_unique(selection, num_entries)
    return selection


def _is_empty_sequence(subindex: object) -> bool:
    return isinstance(subindex, list | tuple) and not subindex


def _is_ascending(selection: Array, num_entries: int) -> bool:
    """Return whether entries ascend strictly, after a check that all are in range."""
    ascending, last = True, -1
    for start, stop in steps(len(selection)):
        entries = selection[start:stop]
        wrong = outside(entries, 0, num_entries)
        if wrong is not None:
            message = f"subindex holds entry {wrong}, which is out of range: there are "
            raise OptionError(f"{message}{num_entries:,} entries, from 0 on")
        ascending = ascending and entries[0] > last and bool((entries[1:] > entries[:-1]).all())
        last = int(entries[-1])
    return ascending


def _check_unique(selection: Array, num_entries: int) -> None:
    seen = SeenEntries(num_entries)
    for start, stop in steps(len(selection)):
        entries = np.sort(selection[start:stop].astype(np.int64))
        again = seen.repeated(entries)
        if again.any():
            message = (
                f"subindex holds entry {entries[again][0]} more than once: "
                "an epoch hands out each entry once"
            )
            raise OptionError(message)
        seen.add(entries)


@final
class SeenEntries:
    """A set of entries that takes one bit for each of `num_entries` entries.

    Parameters
    ----------
    num_entries : int
        The number of entries that may be in the set.
    """

    def __init__(self, num_entries: int) -> None:
        self._bits = np.zeros(-(-num_entries // 8), dtype=np.uint8)

    def repeated(self, ascending: Entries) -> Mask:
        """Return which entries are in the set, or equal the one before; they must ascend."""
        repeated: Mask = (self._bits[ascending >> 3] & _bits_of(ascending)) != 0
        repeated[1:] |= ascending[1:] == ascending[:-1]
        return repeated

    def add(self, entries: Entries) -> None:
        """Add entries, in any order."""
        np.bitwise_or.at(self._bits, entries >> 3, _bits_of(entries))


def _bits_of(entries: Entries) -> NDArray[np.uint8]:
    bits: NDArray[np.uint8] = np.left_shift(1, entries & 7, dtype=np.uint8, casting="unsafe")
    return bits
