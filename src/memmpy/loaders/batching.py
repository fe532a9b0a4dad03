"""Cut windows of an epoch into batches, also over the edges of windows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.lists import Jagged
from memmpy.typing import Array, Batch

__all__ = ["Lists", "Window", "batches_of"]


#: Content and offsets of lists.
Lists: TypeAlias = tuple[Array, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Window:
    """Entries that were gathered together.

    Parameters
    ----------
    num_entries : int
        How many.
    values : mapping of str to sequence
        By key what slices like an array.
    lists : mapping of str to (array, int64 array)
        By key content and offsets, which are known to belong together; a batch has a `Jagged`.
    """

    num_entries: int
    values: Mapping[str, Any]  # what columns give
    lists: Mapping[str, Lists] = field(default_factory=dict)

    def cut(self, start: int, stop: int) -> Batch:
        """Return the values of the entries from `start` to `stop`; views where they are arrays."""
        return next(self.batches(start, size=stop - start, num=1))

    def batches(self, start: int, *, size: int, num: int) -> Iterator[Batch]:
        """Yield the values of `num` times `size` entries from `start` on, each time as `cut`."""
        keys = (*self.values, *self.lists)
        values = [_slices(column, start, size, num) for column in self.values.values()]
        lists = [_list_slices(*held, start, size, num) for held in self.lists.values()]
        for parts in zip(*values, *lists, strict=True):
            yield dict(zip(keys, parts, strict=True))


def _slices(values: Any, start: int, size: int, num: int) -> Iterable[Any]:
    """Return parts of values: of an array as rows, which come faster than slices do."""
    if type(values) is np.ndarray:
        return values[start : start + size * num].reshape(num, size, *values.shape[1:])
    return (values[at : at + size] for at in (start + size * i for i in range(num)))


def _list_slices(
    content: Array, offsets: NDArray[np.int64], start: int, size: int, num: int
) -> Iterator[Jagged]:
    for at in (start + size * i for i in range(num)):
        own = offsets[at : at + size + 1]
        first = own[0]
        yield Jagged.trusted(content[first : own[-1]], own - first)


def batches_of(
    windows: Iterable[Window], batch_size: int, *, drop_last: bool, skip: int
) -> Iterator[Batch]:
    """Yield batches of the entries of windows, one after the other.

    Parameters
    ----------
    windows : iterable of Window
        Alike in their keys. Where one does not end with a batch, its values are arrays, or have
        `concatenate` as `Jagged` does: a batch over the edge is a copy.
    batch_size : int
        Entries in each batch but the last.
    drop_last : bool
        Whether to leave out a last batch that is shorter.
    skip : int
        How many entries to pass over at the beginning; fewer than the first window has.
    """
    parts: list[Batch] = []  # of a batch over the edges of windows
    num_held = 0
    for window in windows:
        num = window.num_entries
        start, skip = skip, 0
        if parts:
            start = min(batch_size - num_held, num)
            parts.append(window.cut(0, start))
            num_held += start
            if num_held < batch_size:
                continue
            yield _joined(parts)
            parts, num_held = [], 0
        num_whole, num_left = divmod(num - start, batch_size)
        yield from window.batches(start, size=batch_size, num=num_whole)
        if num_left:
            parts, num_held = [window.cut(num - num_left, num)], num_left
    if parts and not drop_last:
        yield _joined(parts)


def _joined(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return {key: _concatenated([part[key] for part in parts]) for key in parts[0]}


def _concatenated(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    return first.concatenate(parts)
