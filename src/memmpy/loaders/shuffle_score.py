"""Measures how random the batches of a loader are, from their values."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer
from memmpy.display import facts_html
from memmpy.errors import ColumnError, MissingKeyError, OptionError, argument_hints, nearest

__all__ = ["ShuffleScore", "shuffle_score"]

#: A key of whole numbers with more values than this is a number, and no class.
_MAX_CLASSES = 64


@argument_hints
class ShuffleScore(NamedTuple):
    """How random batches are.

    Parameters
    ----------
    spread : float
        The spread of a key's batch means over that of independent draws: 1 is perfect, more says
        that batches differ (those of sorted files by tens), less that they are too alike.
    correlation : float
        The correlation of consecutive entries: 0 is perfect.
    """

    spread: float
    correlation: float

    def _repr_html_(self) -> str:
        facts = {
            "spread": f"{self.spread:.4g} (1 is perfect)",
            "correlation": f"{self.correlation:.4g} (0 is perfect)",
        }
        return facts_html("ShuffleScore", facts)


@argument_hints
def shuffle_score(
    loader: Iterable[Mapping[str, Any]], key: str, *, max_batches: int = 10_000
) -> ShuffleScore:
    """Measure by one key how random the batches of an epoch are.

    Choose a key by which the files are sorted, such as the process. A loader that shuffles well has
    a `spread` within a few percent of 1. The statistical error of the spread is
    ``1 / sqrt(2 * batches * (classes - 1))``.

    Parameters
    ----------
    loader : iterable of batches
        A `SplitLoader`, whose next epoch is read, or any iterable of dicts of arrays.
    key : str
        A key with one number per entry. Integers with up to 64 different values count as classes,
        such as processes or labels: their fractions are compared. Other values count as numbers.
    max_batches : int
        The maximum number of batches to read. Their values stay in memory.

    Returns
    -------
    ShuffleScore
        NaN if there are fewer than two batches, or all values are the same.

    Raises
    ------
    MissingKeyError, ColumnError
        If batches have no such key, or it is not one number per entry.
    OptionError
        If values are NaN or infinite, or batches are no dicts.

    Examples
    --------
    >>> shuffle_score(loader, key="process")
    ShuffleScore(spread=1.002, correlation=-0.0001)
    """
    check_integer("max_batches", max_batches, minimum=1)
    parts = [_values(batch, key) for batch in islice(loader, max_batches)]
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return ShuffleScore(np.nan, np.nan)
    return _score(_indicators(np.concatenate(parts)), np.array([len(part) for part in parts]))


def _values(batch: Mapping[str, Any], key: str) -> NDArray[Any]:
    given: object = batch
    if not isinstance(given, Mapping):
        raise OptionError(f"batches are dicts of arrays, got a {type(given).__name__}")
    if key not in batch:
        raise MissingKeyError(f"no key {key!r} in the batches{nearest(key, batch)}", key)
    values = np.asarray(batch[key])
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        message = f"{key!r} is {values.dtype} of shape {values.shape}: a score needs one number"
        raise ColumnError(f"{message} per entry")
    if not np.isfinite(values).all():
        raise OptionError(f"{key!r} has NaN or infinity: choose a key without them")
    copied: NDArray[Any] = values.copy()  # a view would keep its chunk
    return copied


def _indicators(values: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return the values to compare: one indicator for each class, or the numbers."""
    if values.dtype.kind in "biu":
        classes = np.unique(values)
        if len(classes) <= _MAX_CLASSES:
            return [(values == one).astype(np.float64) for one in classes]
    numbers = values.astype(np.float64)
    # So that no square overflows, or vanishes.
    return [numbers / max(float(np.abs(numbers).max()), np.finfo(np.float64).tiny)]


def _score(indicators: list[NDArray[np.float64]], sizes: NDArray[np.int64]) -> ShuffleScore:
    """Pool the squares of all classes, each of which has its own variance."""
    starts = np.append(0, np.cumsum(sizes)[:-1])
    num = int(sizes.sum())
    between = within = product = total = 0.0
    for values in indicators:
        apart = values - values.mean()
        variance = float(np.mean(apart * apart))
        means = np.add.reduceat(apart, starts) / sizes
        between += float(np.mean(means * means * sizes))
        # Draws without replacement: the larger the share of a batch, the less it can differ.
        within += variance * float(np.mean((num - sizes) / (num - 1)))
        product += float(np.mean(apart[1:] * apart[:-1]))
        total += variance
    if within == 0:
        return ShuffleScore(np.nan, np.nan)
    return ShuffleScore(float(np.sqrt(between / within)), product / total)
