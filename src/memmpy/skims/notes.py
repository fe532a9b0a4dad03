"""Warnings for a skim whose cut drops all entries, or all of one process."""

import numpy as np

from memmpy.splits import has_source_identity
from memmpy.store import Metadata, process_of
from memmpy.typing import Entries

__all__ = ["cut_notes"]


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
        The metadata of the store.
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
    """Return the number of selected entries of each process that has entries, from its files."""
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
