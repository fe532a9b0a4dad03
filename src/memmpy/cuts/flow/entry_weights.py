"""The weights of entries, and what the user must know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.evaluation import ColumnLike, Program
from memmpy.typing import Entries

__all__ = ["EntryNotes", "weights_of"]


@final
@dataclass(frozen=True, slots=True)
class EntryNotes:
    """Warnings about a range of entries. Two can be added, the earlier range first.

    Attributes
    ----------
    texts : frozenset of str
        Warnings.
    num_nonfinite, first_nonfinite : int
        The number of entries that count and have a weight of NaN or infinity; the first of them.
    """

    texts: frozenset[str] = frozenset()
    num_nonfinite: int = 0
    first_nonfinite: int = 0

    def __add__(self, other: "EntryNotes") -> "EntryNotes":
        first = self if self.num_nonfinite else other
        num = self.num_nonfinite + other.num_nonfinite
        return EntryNotes(self.texts | other.texts, num, first.first_nonfinite)

    def messages(self, weight: Program | None) -> frozenset[str]:
        """Return the warnings, also of weights that are NaN or infinite."""
        if weight is None or not self.num_nonfinite:
            return self.texts
        error = weight.node.span.error(
            f"{self.num_nonfinite:,} entries, the first of them {self.first_nonfinite}, have "
            "weights that are NaN or infinite, and so are their sums",
            "to give them zero weight, write where(isfinite(w), w, 0)",
        )
        return self.texts | {str(error)}


def weights_of(
    weight: Program,
    columns: Mapping[str, ColumnLike],
    *,
    group_of: Entries | None,
    start: int,
    stop: int,
) -> tuple[NDArray[np.float64], EntryNotes]:
    """Return the weights of a range of entries, and the warnings.

    Entries of the group -1 do not count; without groups, all entries do.

    Raises
    ------
    CutError
        If they are lists, or an entry has none.
    """
    values, span = weight(columns), weight.node.span
    if values.offsets is not None or values.content.ndim > 1:
        raise span.error(
            f"a weight is one number per entry, but {span} is a list of numbers",
            "take one of them, as in x[0], or reduce them, as in Sum$(x)",
        )
    if values.present is not None and not values.present.all():
        entry = start + int(np.argmin(values.present))
        raise span.error(
            f"entry {entry} has no weight: it lacks an element that {span} takes",
            "give such an entry a weight, as in Alt$(x[0], 1)",
        )
    is_finite = np.isfinite(values.content).all()  # of float32, it takes half the time
    weights = np.broadcast_to(values.content.astype(np.float64), stop - start)
    if is_finite:
        return weights, EntryNotes(values.notes)
    is_nonfinite = ~np.isfinite(weights) & (True if group_of is None else group_of >= 0)
    first = start + int(np.argmax(is_nonfinite))
    return weights, EntryNotes(values.notes, int(np.count_nonzero(is_nonfinite)), first)
