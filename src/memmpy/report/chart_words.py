"""Numbers and histograms in words, for captions and for those who do not see the pictures."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["format_number", "format_share", "histogram_in_words"]

#: Groups in words, at most.
_MAX_GROUPS = 10


def format_number(value: float) -> str:
    """Return a number of four digits: ``1,235``, ``0.1235``, ``1.2e+07``."""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3g}"
    digits = 3 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_share(part: float, total: float) -> str:
    """Return a share: ``12 %``, ``0.03 %``, ``99.98 %``."""
    percent = 100 * part / total
    return f"{percent:.2g} %" if percent < 99.5 else f"{percent:.4g} %"


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
