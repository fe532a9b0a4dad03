"""`DeviceRows`: columns in rows of fixed size on a device, which gathers them."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias, final

from memmpy.frameworks.device_copies import require_torch

__all__ = ["DeviceRows", "device_rows_of"]

Tensor: TypeAlias = Any  # torch.Tensor; the package torch is optional

#: CUDA's `index_select` takes a block of GPU threads for each row, of 32 threads or more that load
#: 16 bytes each, if rows begin at 16 bytes. Shorter rows than these leave most threads idle.
_WIDE_BYTES = 512


@final
class DeviceRows:
    """Columns whose values lie in one row of a device, and are gathered at once.

    The bytes of a row are held as integers as wide as possible. Each number begins at a multiple of
    its size.

    Parameters
    ----------
    columns : mapping of str to tensor of shape (n, ...)
        Some entries of each column: of one array, or of single numbers.

    Attributes
    ----------
    row_bytes : int
        Bytes of a row.
    words : tensor of shape (num, k)
        The rows, after `allocate`.
    """

    def __init__(self, columns: Mapping[str, Tensor]) -> None:
        widest_first = sorted(columns.items(), key=lambda item: -item[1].element_size())
        #: Key, dtype, shape of an entry and offset in numbers of this dtype.
        self._columns: list[tuple[str, Any, tuple[int, ...], int]] = []
        stop = 0
        for key, tensor in widest_first:
            shape, size = tuple(tensor.shape[1:]), tensor.element_size()
            self._columns.append((key, tensor.dtype, shape, stop // size))
            stop += math.prod(shape) * size
        self._largest: int = widest_first[0][1].element_size()
        self.row_bytes: int = -(-stop // self._largest) * self._largest
        self.words: Tensor = None

    def allocate(self, num: int, device: Any) -> None:  # torch.device
        """Take the memory for a number of rows."""
        torch = require_torch()
        size = next(size for size in (8, 4, 2, 1) if self.row_bytes % size == 0)
        dtype = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}[size]
        width = self.row_bytes // size
        # Short rows begin beside 16 bytes: then a block of GPU threads serves many of them.
        is_short = self.row_bytes % 16 == 0 and self.row_bytes < _WIDE_BYTES
        first = int(is_short and self._largest <= 8)
        memory = torch.empty(first + num * width, dtype=dtype, device=device)
        self.words = memory[first:].view(num, width)

    def fill(self, start: int, columns: Mapping[str, Tensor]) -> None:
        """Set the rows from one on to values on the device."""
        for key, rows in self._views(self.words).items():
            rows[start : start + len(columns[key])].copy_(columns[key])

    def gather(self, places: Tensor) -> dict[str, Tensor]:
        """Return the columns at some rows, as views of one array: a number is strided."""
        if self.words.is_cuda:  # then the memory stays until the stream that gathers has done so
            self.words.record_stream(require_torch().cuda.current_stream(self.words.device))
        return self._views(self.words.index_select(0, places))

    def _views(self, words: Tensor) -> dict[str, Tensor]:
        typed = {dtype: words.view(dtype) for dtype in {dtype for _, dtype, *_ in self._columns}}
        views = {}
        for key, dtype, shape, offset in self._columns:
            values = typed[dtype]
            views[key] = values.view(len(words), *shape) if shape else values[:, offset]
        return views


def device_rows_of(columns: Mapping[str, Tensor]) -> list[DeviceRows]:
    """Return rows of each array, so that it becomes contiguous, and rows of all single numbers."""
    numbers = {key: values for key, values in columns.items() if values.ndim == 1}
    arrays = [DeviceRows({key: columns[key]}) for key in columns if key not in numbers]
    return [*arrays, DeviceRows(numbers)] if numbers else arrays
