"""Tell from integers whether they went through floats that rounded them."""

import numpy as np

from memmpy.kernels import Words
from memmpy.typing import Array

__all__ = ["rounded_by"]

#: Bits of the mantissas of float32 and float64, and numbers that tell that all were rounded.
_MANTISSAS, _MIN_ROUNDED = {"float32": 24, "float64": 53}, 50


def rounded_by(values: Array) -> str | None:
    """Return the dtype of floats that integers went through; None where they did not.

    All that are large enough are multiples of the distance of two floats there, and some of the
    largest are odd multiples. Numbers with zeros at their end, as packed ones have, are even ones.
    """
    if values.dtype.kind not in "iu":
        return None
    sizes = (
        np.abs(values.astype(np.int64)).astype(np.uint64)
        if values.dtype.kind == "i"
        else (values.astype(np.uint64))
    )
    for name, bits in _MANTISSAS.items():
        large = np.unique(sizes[sizes >= np.uint64(1 << (bits + 1))])
        if len(large) < _MIN_ROUNDED:
            continue
        # The distance of two floats, a power of two, below each number.
        distances = np.uint64(1) << (_num_bits(large) - np.uint64(bits))
        multiples, rest = np.divmod(large, distances)
        if not rest.any() and np.count_nonzero(multiples & np.uint64(1)) >= len(large) / 8:
            return name
    return None


def _num_bits(numbers: Words) -> Words:
    """Return the bits that each number above 0 has."""
    bits = np.zeros(len(numbers), np.uint64)
    for step in (32, 16, 8, 4, 2, 1):
        is_more = (numbers >> bits) >= (np.uint64(1) << np.uint64(step))
        bits += is_more * np.uint64(step)
    bits += np.uint64(1)
    return bits
