"""Finds the entries of a store that pass a cut and are in one split, for a loader."""

from collections.abc import Mapping

from memmpy.columns import Snapshot, StoredColumn
from memmpy.cuts import STEP_SIZE, Node, find_entries, keys_of, selection_of
from memmpy.errors import LengthError
from memmpy.splits import SplitData, SplitRequest, resolve_store_split

__all__ = ["resolve_cut_split"]


def resolve_cut_split(
    snapshot: Snapshot,
    data: Mapping[str, StoredColumn],
    request: SplitRequest,
    *,
    cut: Node | None,
    stored_as: Mapping[str, str],
    recreate: bool,
) -> SplitData:
    """Return the entries of one split that pass a cut.

    Parameters
    ----------
    snapshot : Snapshot
        The store. The columns of the cut, and the columns that name events, are open.
    data : mapping of str to column
        The columns of the batches.
    request : SplitRequest
        The split.
    cut : Node or None
        The cut; None for all entries.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store.
    recreate : bool
        Whether to compute the cut again.

    Raises
    ------
    LengthError
        If the data, the cut and the columns that name events differ in their number of entries.
    """
    num_entries = max(map(len, data.values()), default=0)
    subindex = None
    if cut is not None:
        for key in sorted(keys_of(cut)):
            column = snapshot.columns.get(stored_as.get(key, key))
            if column is not None and len(column) != num_entries:
                message = f"the column {key!r} of the cut has {len(column)} entries, "
                raise LengthError(f"{message}but the loaded columns have {num_entries}")
        cached = find_entries(
            snapshot,
            cut,
            stored_as=stored_as,
            step_size=STEP_SIZE,
            num_threads=None,
            recreate=recreate,
        )
        subindex = selection_of(cached)
    text = None if cut is None else cut.span.text
    return resolve_store_split(snapshot, data, request, subindex=subindex, cut=text)
