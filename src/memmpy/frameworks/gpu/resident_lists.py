"""`ResidentLists`: the lists of one key on a device, gathered there."""

from collections.abc import Iterator
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.frameworks.gpu.device_copies import require_torch
from memmpy.frameworks.gpu.device_rows import DeviceRows
from memmpy.typing import Entries

__all__ = ["ResidentLists", "counts_of", "is_lists"]

Tensor: TypeAlias = Any  # torch.Tensor; the package torch is optional

_OFFSETS, _LONGEST = "cu_seqlens", "max_seqlen"


def is_lists(value: object) -> bool:
    """Return whether a value of a batch is lists: a named tuple of items and of `cu_seqlens`."""
    return {_OFFSETS, _LONGEST} < set(getattr(value, "_fields", ()))


def counts_of(value: Any) -> NDArray[np.int64]:
    """Return the number of items of each list of a batch on the CPU."""
    counts: NDArray[np.int64] = np.diff(value.cu_seqlens.numpy()).astype(np.int64)
    return counts


@final
class ResidentLists:
    """The lists of one key on a device.

    Parameters
    ----------
    example : named tuple
        The lists of some entries, on the CPU: ``cu_seqlens``, ``max_seqlen``, and fields with a
        value for each item, such as ``values``.
    counts : int64 array of shape (n,)
        The number of items of each list of all entries.
    """

    def __init__(self, example: Any, counts: NDArray[np.int64]) -> None:
        self._make, self._fields = type(example)._make, example._fields
        self._counts, self._stops = counts, np.cumsum(counts)
        self._dtype = example.cu_seqlens.numpy().dtype
        items = [key for key in self._fields if key not in {_OFFSETS, _LONGEST}]
        self._rows = [DeviceRows({key: getattr(example, key)}) for key in items]

    @property
    def num_bytes(self) -> int:
        """The bytes of all items."""
        return int(self._counts.sum()) * sum(rows.row_bytes for rows in self._rows)

    def allocate(self, device: Any) -> None:  # torch.device
        """Take the memory for all items."""
        for rows in self._rows:
            rows.allocate(int(self._counts.sum()), device)

    def fill(self, start: int, lists: Any) -> None:
        """Set the lists of the entries from one on to those on the device."""
        first = int(self._stops[start] - self._counts[start])
        for rows in self._rows:
            rows.fill(first, lists._asdict())

    def plan(self, members: Entries, batch_size: int) -> tuple[Any, ...]:
        """Return what the device needs to gather the lists of some entries, batch by batch.

        Returns
        -------
        tuple
            Tensors: of each list, its first item less those before it, and its items; and the
            `cu_seqlens` of the batches that are whole, and of the last. Lists of int: of each
            batch, its items and those of its longest list.
        """
        from_numpy = require_torch().from_numpy
        counts = self._counts[members]
        stops = np.cumsum(counts)
        shifts = self._stops[members] - stops
        num, left = divmod(len(members), batch_size)
        whole, last = np.split(counts, [num * batch_size])
        parts = [whole.reshape(num, batch_size), last.reshape(int(left > 0), left)]
        offsets, sizes, longest = [], list[int](), list[int]()
        for part in parts:
            cumulative = np.zeros((len(part), part.shape[1] + 1), np.int64)
            np.cumsum(part, axis=1, out=cumulative[:, 1:])
            offsets.append(from_numpy(cumulative.astype(self._dtype)))
            sizes += cumulative[:, -1].tolist()
            longest += part.max(axis=1, initial=0).tolist()
        return from_numpy(shifts), from_numpy(counts), *offsets, sizes, longest

    def gather(self, plan: tuple[Any, ...]) -> Iterator[Any]:
        """Yield the lists of each batch of a plan, which is on the device."""
        shifts, counts, whole, last, sizes, longest = plan
        torch, total = require_torch(), sum(sizes)
        places = torch.repeat_interleave(shifts, counts, output_size=total)
        places += torch.arange(total, device=places.device)
        columns: dict[str, Any] = {}
        for rows in self._rows:
            columns |= {key: one.split(sizes) for key, one in rows.gather(places).items()}
        columns[_OFFSETS], columns[_LONGEST] = [*whole.unbind(0), *last.unbind(0)], longest
        return map(self._make, zip(*(columns[key] for key in self._fields), strict=True))
