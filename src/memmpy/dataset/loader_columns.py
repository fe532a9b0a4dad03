"""What a loader is made of: columns, the entries of a cut, and what splits them."""

from collections.abc import Mapping

from memmpy.columns import Snapshot, StoredColumn
from memmpy.cuts import STEP_SIZE, Node, find_entries, keys_of, selection_of
from memmpy.errors import LengthError
from memmpy.splits import Choice, SplitRequest, choose_of_store

__all__ = ["choose_of_cut"]


def choose_of_cut(
    snapshot: Snapshot,
    data: Mapping[str, StoredColumn],
    request: SplitRequest,
    *,
    cut: Node | None,
    stored_as: Mapping[str, str],
    recreate: bool,
) -> Choice:
    """Return what a loader is made of, all of one commit.

    Parameters
    ----------
    snapshot : Snapshot
        With the columns of the cut, and those that name events, among those that are open.
    data : mapping of str to column
        What batches hold.
    request : SplitRequest
        Which split.
    cut : Node or None
        Which entries; None for all.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store.
    recreate : bool
        Whether to compute the cut again.

    Raises
    ------
    LengthError
        If the cut, or what names an event, has not as many entries as the data.
    """
    num_entries = max(map(len, data.values()), default=0)
    subindex = None
    if cut is not None:
        for key in sorted(keys_of(cut)):
            column = snapshot.columns.get(stored_as.get(key, key))
            if column is not None and len(column) != num_entries:
                num = len(column)
                message = f"{key!r} of the cut has {num} entries, what is loaded {num_entries}"
                raise LengthError(message)
        found = find_entries(
            snapshot,
            cut,
            stored_as=stored_as,
            step_size=STEP_SIZE,
            num_threads=None,
            recreate=recreate,
        )
        subindex = selection_of(found)
    text = None if cut is None else cut.span.text
    return choose_of_store(snapshot, data, request, subindex=subindex, cut=text)
