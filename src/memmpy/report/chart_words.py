"""A histogram in words, for those who do not see the picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.display import format_number

__all__ = ["histogram_in_words"]

#: Groups in words, at most.
_MAX_GROUPS = 10


def histogram_in_words(
    name: str, groups: Sequence[str], bins: NDArray[np.float64], edges: NDArray[np.float64]
) -> str:
    """Return what a histogram shows: its range, and the mean and the highest bin of each group.

    Parameters
    ----------
    name : str
        The key.
    groups : sequence of str
        The names of the rows.
    bins : float64 array of shape (num_groups, num_bins)
        The rows.
    edges : float64 array of shape (num_bins + 1,)
        The edges of the bins.
    """
    centres = (edges[1:] + edges[:-1]) / 2
    words = []
    for group, row in zip(groups, bins, strict=True):
        total, highest = float(row.sum()), int(np.argmax(row))
        if total <= 0:
            continue
        peak = (
            f"{format_number(float(edges[highest]))} to {format_number(float(edges[highest + 1]))}"
        )
        mean = format_number(float(row @ centres) / total)
        words.append(f"{group}: {format_number(total)}, mean about {mean}, most in {peak}")
    more = [f"and {len(words) - _MAX_GROUPS} more"] if len(words) > _MAX_GROUPS else []
    low, high = format_number(float(edges[0])), format_number(float(edges[-1]))
    return f"Histogram of {name} from {low} to {high}. " + "; ".join([*words[:_MAX_GROUPS], *more])
