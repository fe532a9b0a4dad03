"""What a loader is made of: columns, the entries of a cut, and what splits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memmpy.columns import Snapshot, StoredColumn, tickets_of
from memmpy.cuts import STEP_SIZE, Node, Selection, keys_of, select
from memmpy.errors import LengthError
from memmpy.order import TicketsOf

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a loader is made of: columns, the entries of a cut, and what splits them."""

    data: Mapping[str, StoredColumn]
    subindex: Selection | None
    tickets: TicketsOf | None


def choose(
    snapshot: Snapshot,
    data: Mapping[str, StoredColumn],
    *,
    cut: Node | None,
    stored_as: Mapping[str, str],
    recreate: bool,
    split_by: Sequence[str] | None,
    split_seed: int,
) -> Chosen:
    """Return what a loader is made of, all of one commit."""
    num_entries = max(map(len, data.values()), default=0)
    subindex = None
    if cut is not None:
        for key in sorted(keys_of(cut)):
            column = snapshot.columns.get(stored_as.get(key, key))
            if column is not None and len(column) != num_entries:
                num = len(column)
                message = f"{key!r} of the cut has {num} entries, what is loaded {num_entries}"
                raise LengthError(message)
        subindex = select(
            snapshot,
            cut,
            stored_as=stored_as,
            step_size=STEP_SIZE,
            num_threads=None,
            recreate=recreate,
        )
    named = tickets_of(snapshot, split_by=split_by, split_seed=split_seed, num_entries=num_entries)
    return Chosen(data, subindex, named)
