"""Several collections of objects as one sequence, event by event: jets, then electrons, ..."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import offsets_of
from memmpy.typing import Array, Mask

__all__ = ["lists_of_collection", "pack_lists"]


def lists_of_collection(values: Array | Jagged, mask: Mask | None) -> Jagged:
    """Return the objects of a collection, whose items have shape (k,).

    Parameters
    ----------
    values : Jagged, or array of shape (n, length, k), (n, length), (n, k) or (n,)
        Lists; padded lists; or, without a mask and of fewer than three axes, one object per entry.
    mask : bool array of shape (n, length), optional
        Which objects of padded lists are real.
    """
    if isinstance(values, Jagged):
        content, offsets = values.content, values.offsets
    elif mask is not None:
        content, offsets = values[mask], offsets_of(mask.sum(axis=1))
    else:
        regular = Jagged.from_regular(values if values.ndim > 2 else values[:, np.newaxis])
        content, offsets = regular.content, regular.offsets
    return Jagged.trusted(content.reshape(len(content), prod(content.shape[1:])), offsets)


def pack_lists(collections: Sequence[Jagged]) -> tuple[Jagged, NDArray[np.int64]]:
    """Return one list per entry: its items of the first collection, then of the second, ...

    Parameters
    ----------
    collections : sequence of Jagged
        Items of shape (k,), of one dtype. Those with fewer numbers are filled with 0 at the end.

    Returns
    -------
    Jagged
        Items of the largest k.
    int64 array of shape (num_items,)
        The number of the collection of each item.
    """
    counts = np.stack([np.diff(one.offsets) for one in collections], axis=1)
    starts = offsets_of(counts.ravel())[:-1].reshape(counts.shape)
    num, width = int(counts.sum()), max(one.content.shape[1] for one in collections)
    values = np.zeros((num, width), collections[0].dtype)
    numbers = np.empty(num, np.int64)
    for number, one in enumerate(collections):
        shifts = np.repeat(starts[:, number] - one.offsets[:-1], counts[:, number])
        places = shifts + np.arange(len(one.content))
        values[places, : one.content.shape[1]] = one.content
        numbers[places] = number
    return Jagged.trusted(values, offsets_of(counts.sum(axis=1))), numbers
