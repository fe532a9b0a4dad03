"""What a skim warns of: clipped lists, and a cut that leaves nothing of a process."""

from collections.abc import Mapping

import numpy as np

from memmpy.jagged import Padding
from memmpy.skims.value_counts import KeyCounts
from memmpy.splits import has_source_identity
from memmpy.store import Metadata, process_of
from memmpy.typing import Entries

__all__ = ["clipping_notes", "cut_notes"]


def clipping_notes(counts: Mapping[str, KeyCounts], padding: Mapping[str, Padding]) -> list[str]:
    """Return a note for each key of which padding cuts off more than 1 %."""
    return [
        one.clipping.warning(key, padding[key].length)
        for key, one in counts.items()
        if key in padding and one.clipping.is_large
    ]


def cut_notes(
    cut: str | None, selection: Entries | None, metadata: Metadata, *, num_entries: int
) -> list[str]:
    """Return a note where a cut leaves nothing, or nothing of a process.

    Parameters
    ----------
    cut : str or None
        The cut as the user wrote it.
    selection : int64 array or None
        The entries that pass it, ascending; None for all.
    metadata : Metadata
        What the store knows of its files.
    num_entries : int
        Number of entries of the store.
    """
    if selection is None or not num_entries:
        return []
    way_out = "loosen the cut, or leave out the files"
    if not len(selection):
        return [f"no entry of {num_entries:,} passes the cut {cut!r}; {way_out}"]
    nums = _num_by_process(selection, metadata, num_entries=num_entries)
    empty = [name for name, num in nums.items() if not num]
    if not empty:
        return []
    return [f"no entry of {'; nor of '.join(empty)} passes the cut {cut!r}; {way_out}"]


def _num_by_process(selection: Entries, metadata: Metadata, *, num_entries: int) -> dict[str, int]:
    """Return how many entries are selected of each process that has any: from its files alone."""
    sources = metadata.sources
    if not has_source_identity(metadata, num_entries) or not any(map(process_of, sources)):
        return {}
    nums: dict[str, int] = {}
    for source in sources:
        if source.num_entries:
            start, stop = np.searchsorted(selection, [source.entry_start, source.entry_stop])
            process = ", ".join(f"{name} {text!r}" for name, text in process_of(source).items())
            nums[process] = nums.get(process, 0) + int(stop - start)
    return nums
