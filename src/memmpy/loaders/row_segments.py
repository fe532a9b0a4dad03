"""Groups the fields of a row into segments, each copied at once.

To copy twenty numbers one by one takes three times as long as to copy them at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField
from memmpy.typing import Array

__all__ = ["RowSegment", "segments_of"]

_BYTE = np.dtype(np.uint8)
#: Segments of numbers begin and end at a multiple of it, so that no number is ever misaligned.
_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class RowSegment:
    """Bytes of a row that are copied at once, and their fields.

    Parameters
    ----------
    octets : RowField
        The bytes, as uint8 of shape (k,).
    keys : tuple of str
        The keys of the fields: one array, or numbers.
    layout : structured np.dtype
        k bytes, with the fields in the order of their keys.
    """

    octets: RowField
    keys: tuple[str, ...]
    layout: np.dtype[np.void]

    @classmethod
    def of(cls, fields: Mapping[str, RowField], start: int, stop: int) -> "RowSegment":
        """Return the segment from one byte of a row to another, in which some fields lie."""
        names = [f"f{number}" for number in range(len(fields))]
        layout = np.dtype(
            {
                "names": names,
                "formats": [(field.dtype, field.shape) for field in fields.values()],
                "offsets": [field.offset - start for field in fields.values()],
                "itemsize": stop - start,
            }
        )
        return cls(RowField(start, _BYTE, (stop - start,)), tuple(fields), layout)

    def views(self, values: NDArray[np.uint8]) -> dict[str, Array]:
        """Return the fields of copied segments, of shape (..., k), as views."""
        rows: NDArray[np.void] = np.ndarray(values.shape[:-1], self.layout, values)
        return {
            key: rows[name] for key, name in zip(self.keys, self.layout.names or (), strict=True)
        }


def segments_of(fields: Mapping[str, RowField]) -> list[RowSegment]:
    """Return the segments of a row of a multiple of 8 bytes; each field is in one of them."""
    segments = [
        RowSegment.of({key: field}, field.offset, field.offset + field.nbytes)
        for key, field in fields.items()
        if field.shape
    ]
    run: dict[str, RowField] = {}
    for key, field in sorted(fields.items(), key=lambda item: item[1].offset):
        if field.shape:
            segments += _numbers(run)
            run = {}
        else:
            run[key] = field
    return segments + _numbers(run)


def _numbers(run: Mapping[str, RowField]) -> list[RowSegment]:
    """Return the segment of numbers that lie together, if there are any."""
    if not run:
        return []
    start = min(field.offset for field in run.values()) // _ALIGNMENT * _ALIGNMENT
    stop = max(field.offset + field.nbytes for field in run.values())
    stop = -(-stop // _ALIGNMENT) * _ALIGNMENT
    return [RowSegment.of(run, start, stop)]
